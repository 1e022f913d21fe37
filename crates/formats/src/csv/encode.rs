//! Writes documents as rows of a table.

use std::borrow::Cow;

use lineshaft_model::json::Value;

use super::options::CsvOptions;
use crate::document::Location;
use crate::error::FormatError;

/// Writes one table: the header first, if it has one, then a row or a group of rows a document.
#[derive(Debug)]
pub(crate) struct CsvWriter {
    options: CsvOptions,
    columns: Option<Vec<String>>,
    is_header_due: bool,
}

impl CsvWriter {
    pub(crate) fn new(options: &CsvOptions) -> Self {
        Self {
            columns: options.columns.clone(),
            is_header_due: options.has_header(),
            options: options.clone(),
        }
    }

    pub(crate) fn document(&mut self, document: &Value<'_>, out: &mut Vec<u8>) -> Result<(), FormatError> {
        let rows = document.get("rows").and_then(Value::as_array).filter(|_| self.options.group_by.is_some());
        match rows {
            Some(rows) => rows.iter().try_for_each(|row| self.row(row, out)),
            None => self.row(document, out),
        }
    }

    fn row(&mut self, row: &Value<'_>, out: &mut Vec<u8>) -> Result<(), FormatError> {
        let Some(members) = row.as_object() else {
            return Err(refused(format!("a row of a table is an object, not {}", row.kind()), ""));
        };
        if self.columns.is_none() {
            self.columns = Some(members.iter().map(|(key, _)| key.clone().into_owned()).collect());
        }
        let columns = self.columns.as_deref().unwrap_or_default();
        let stray = members.iter().find(|(key, _)| !columns.iter().any(|column| column == key));
        // Columns that were asked for are a choice; columns taken from the first document are not.
        if let Some((key, _)) = stray.filter(|_| self.options.columns.is_none()) {
            return Err(refused(
                format!("the document has `{key}`, which the first one did not"),
                "give `columns` in the options of the format",
            ));
        }
        if std::mem::take(&mut self.is_header_due) {
            self.line(columns.iter().map(|column| Cow::Borrowed(column.as_str())), out)?;
        }
        let values = columns.iter().map(|column| match row.get(column) {
            None => Ok(Cow::Borrowed("")),
            Some(value) => self.text(column, value),
        });
        let values = values.collect::<Result<Vec<_>, _>>()?;
        self.line(values.into_iter(), out)
    }

    /// The text of a value, made harmless for spreadsheets if so asked.
    fn text<'a>(&self, column: &str, value: &'a Value<'_>) -> Result<Cow<'a, str>, FormatError> {
        let text = match value {
            Value::Null => return Ok(Cow::Borrowed("")),
            Value::Bool(true) => return Ok(Cow::Borrowed("true")),
            Value::Bool(false) => return Ok(Cow::Borrowed("false")),
            Value::Number(text) => return Ok(Cow::Borrowed(text)),
            Value::String(text) => text,
            Value::Array(_) | Value::Object(_) => {
                let kind = value.kind();
                return Err(refused(
                    format!("the column `{column}` would hold an {kind}"),
                    "map it to plain values first",
                ));
            }
        };
        let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_plain_number(text);
        if self.options.escape_formulas && is_formula {
            return Ok(Cow::Owned(format!("'{text}")));
        }
        Ok(Cow::Borrowed(text))
    }

    fn line<'a>(
        &self,
        values: impl ExactSizeIterator<Item = Cow<'a, str>>,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        let is_only = values.len() == 1;
        for (index, value) in values.enumerate() {
            if index > 0 {
                out.push(self.options.delimiter.0);
            }
            self.field(&value, is_only, out)?;
        }
        out.extend_from_slice(b"\r\n");
        Ok(())
    }

    fn field(&self, value: &str, is_only: bool, out: &mut Vec<u8>) -> Result<(), FormatError> {
        let delimiter = char::from(self.options.delimiter.0);
        let quote = self.options.quote.map(|quote| char::from(quote.0));
        let is_special = |character| {
            character == delimiter || matches!(character, '\r' | '\n') || Some(character) == quote
        };
        // A line with nothing on it would not be a row, a mark at the start of the file not part of a value.
        let needs_quotes =
            value.contains(is_special) || value.is_empty() && is_only || value.starts_with('\u{FEFF}');
        let quoted = match quote {
            _ if !needs_quotes => Cow::Borrowed(value),
            Some(quote) => {
                let doubled = value.replace(quote, &format!("{quote}{quote}"));
                Cow::Owned(format!("{quote}{doubled}{quote}"))
            }
            None => {
                let message = format!("the value {value:?} needs quotes, and the format has none");
                return Err(refused(message, "set `quote` in the options of the format"));
            }
        };
        if value.contains('\0') {
            return Err(refused("a value has a NUL character, which no table can hold".to_owned(), ""));
        }
        self.options.encoding.encode(&quoted, out).map_err(|character| {
            let message = format!("the encoding of the file has no {character:?}");
            refused(message, "set `encoding: utf-8` in the options of the format")
        })
    }
}

/// A number such as `-12.50`, which no spreadsheet takes for a formula that does anything.
fn is_plain_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    [whole, fraction].iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

fn refused(message: String, hint: &str) -> FormatError {
    FormatError::new("csv-encode", message, Location { line: 1, ..Location::default() }).hint(hint)
}
