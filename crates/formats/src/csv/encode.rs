//! Writes documents as rows of a table.

use std::borrow::Cow;
use std::collections::HashMap;

use lineshaft_model::json::Value;

use super::options::CsvOptions;
use crate::document::Location;
use crate::error::FormatError;

/// Writes one table: the header first, if it has one, then a row or a group of rows a document.
#[derive(Debug)]
pub(crate) struct CsvWriter {
    options: CsvOptions,
    /// Once they are known.
    columns: Option<Columns>,
    is_header_due: bool,
}

#[derive(Debug)]
struct Columns {
    names: Vec<String>,
    places: HashMap<String, usize>,
}

impl Columns {
    fn new(names: Vec<String>) -> Self {
        let places = names.iter().cloned().enumerate().map(|(place, name)| (name, place)).collect();
        Self { names, places }
    }
}

impl CsvWriter {
    pub(crate) fn new(options: &CsvOptions) -> Self {
        Self {
            columns: options.columns.clone().map(Columns::new),
            is_header_due: options.has_header(),
            options: options.clone(),
        }
    }

    pub(crate) fn document(&mut self, document: &Value<'_>, out: &mut Vec<u8>) -> Result<(), FormatError> {
        let rows = document.get("rows").and_then(Value::as_array).filter(|_| self.options.group_by.is_some());
        let (is_first, is_header_due) = (self.columns.is_none(), self.is_header_due);
        let result = match rows {
            Some(rows) => rows.iter().try_for_each(|row| self.row(row, out)),
            None => self.row(document, out),
        };
        if result.is_err() {
            // Nothing of it is written, so it names no columns and has brought no header.
            self.columns = if is_first { None } else { self.columns.take() };
            self.is_header_due = is_header_due;
        }
        result
    }

    fn row(&mut self, row: &Value<'_>, out: &mut Vec<u8>) -> Result<(), FormatError> {
        let Some(members) = row.as_object() else {
            return Err(refused(format!("a row of a table is an object, not {}", row.kind()), ""));
        };
        let first_names = || Columns::new(members.iter().map(|(key, _)| key.clone().into_owned()).collect());
        let columns = &*self.columns.get_or_insert_with(first_names);
        let mut cells = vec![Cow::Borrowed(""); columns.names.len()];
        for (key, value) in members {
            match columns.places.get(key.as_ref()) {
                Some(place) => cells[*place] = text(&self.options, key, value)?,
                // Columns that were asked for are a choice; columns taken from the first document are not.
                None if self.options.columns.is_some() => {}
                None => {
                    return Err(refused(
                        format!("the document has `{key}`, which the first one did not"),
                        "give `columns` in the options of the format",
                    ));
                }
            }
        }
        if self.is_header_due {
            line(&self.options, columns.names.iter().map(|name| Cow::Borrowed(name.as_str())), out)?;
        }
        line(&self.options, cells.into_iter(), out)?;
        self.is_header_due = false;
        Ok(())
    }
}

/// The text of a value, made harmless for spreadsheets if so asked.
fn text<'a>(options: &CsvOptions, column: &str, value: &'a Value<'_>) -> Result<Cow<'a, str>, FormatError> {
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
    if options.escape_formulas && is_formula {
        return Ok(Cow::Owned(format!("'{text}")));
    }
    Ok(Cow::Borrowed(text))
}

fn line<'a>(
    options: &CsvOptions,
    values: impl ExactSizeIterator<Item = Cow<'a, str>>,
    out: &mut Vec<u8>,
) -> Result<(), FormatError> {
    let is_only = values.len() == 1;
    for (index, value) in values.enumerate() {
        if index > 0 {
            out.push(options.encoding.byte(options.delimiter.0));
        }
        field(options, &value, is_only, out)?;
    }
    out.extend([b'\r', b'\n'].map(|byte| options.encoding.byte(byte)));
    Ok(())
}

fn field(options: &CsvOptions, value: &str, is_only: bool, out: &mut Vec<u8>) -> Result<(), FormatError> {
    let delimiter = char::from(options.delimiter.0);
    let quote = options.quote.map(|quote| char::from(quote.0));
    let is_special =
        |character| character == delimiter || matches!(character, '\r' | '\n') || Some(character) == quote;
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
    options.encoding.encode(&quoted, out).map_err(|character| {
        let message = format!("the encoding of the file has no {character:?}");
        refused(message, "set `encoding: utf-8` in the options of the format")
    })
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
