//! What the columns mean: rows of text to JSON.

use std::borrow::Cow;
use std::collections::HashSet;

use lineshaft_model::json::write_string;

use super::options::{CsvOptions, EmptyField};
use super::rows::Field;
use crate::document::Location;
use crate::encoding::Encoding;
use crate::error::FormatError;

/// A table whose columns have names, once these are known.
pub(super) struct Table {
    options: CsvOptions,
    columns: Option<Vec<Column>>,
    group_column: Option<usize>,
}

struct Column {
    name: String,
    /// `"name":`
    key: Vec<u8>,
}

/// A row that was read: its text as JSON, and the value of the column that groups.
pub(super) struct Row {
    pub(super) json: Vec<u8>,
    pub(super) group_value: Vec<u8>,
}

/// A row that is text in its encoding. Fields are places in its bytes.
#[derive(Clone, Copy)]
enum Text<'a> {
    Utf8(&'a str),
    OneByte(Encoding, &'a [u8]),
}

impl<'a> Text<'a> {
    fn field(self, field: Field) -> Cow<'a, str> {
        let place = field.start..field.end;
        match self {
            Self::Utf8(text) => Cow::Borrowed(text.get(place).unwrap_or_default()),
            Self::OneByte(encoding, bytes) => {
                encoding.decode(bytes.get(place).unwrap_or_default()).unwrap_or_default()
            }
        }
    }
}

impl Table {
    pub(super) fn new(options: &CsvOptions) -> Self {
        let mut table = Self { options: options.clone(), columns: None, group_column: None };
        if let Some(names) = &options.columns {
            table.name_columns(names.clone());
        }
        table
    }

    /// The name of the column that groups, as JSON text with a colon; `None` when rows are not grouped.
    pub(super) fn group_key(&self) -> Option<&[u8]> {
        let column = self.columns.as_ref()?.get(self.group_column?)?;
        Some(&column.key)
    }

    fn name_columns(&mut self, names: Vec<String>) {
        let group_by = self.options.group_by.as_ref();
        self.group_column = group_by.and_then(|wanted| names.iter().position(|name| name == wanted));
        let key = |name: String| {
            let mut key = Vec::with_capacity(name.len() + 3);
            write_string(&mut key, &name);
            key.push(b':');
            Column { name, key }
        };
        self.columns = Some(names.into_iter().map(key).collect());
    }

    /// Takes the names of the header row at `at`, unless the options name the columns.
    pub(super) fn read_header(
        &mut self,
        raw: &[u8],
        fields: &[Field],
        at: &Location,
    ) -> Result<(), FormatError> {
        self.check_lengths(fields, at)?;
        let text = self.text(raw, at)?;
        let names: Vec<String> = (fields.iter().map(|field| self.value(text, *field)))
            .map(|name| name.trim().to_owned())
            .collect();
        let mut seen = HashSet::with_capacity(names.len());
        let problem = names.iter().enumerate().find_map(|(index, name)| {
            if name.is_empty() {
                Some(format!("column {} of the header has no name", index + 1))
            } else if !seen.insert(name) {
                Some(format!("the header has the column `{name}` twice"))
            } else {
                None
            }
        });
        let fatal =
            |message: String, hint: &str| Err(FormatError::new("csv-header", message, at.clone()).hint(hint));
        if let Some(problem) = problem {
            return fatal(problem, "mend the header, or give `columns` in the options of the format");
        }
        if self.columns.is_none() {
            if let Some(group_by) = self.options.group_by.as_ref().filter(|wanted| !names.contains(wanted)) {
                let found = names.join(", ");
                return fatal(
                    format!("there is no column `{group_by}` to group by"),
                    &format!("the columns are {found}"),
                );
            }
            self.name_columns(names);
        }
        Ok(())
    }

    /// Makes sure that a row is text.
    fn text<'a>(&self, raw: &'a [u8], at: &Location) -> Result<Text<'a>, FormatError> {
        if let Some(nul) = raw.iter().position(|byte| *byte == 0) {
            let at = within(at, nul, 1 + nul);
            return Err(FormatError::new("csv-encoding", "the row has a NUL byte", at)
                .hint("is the file UTF-16, or cut off by a full disk?"));
        }
        let encoding = self.options.encoding;
        if encoding != Encoding::Utf8 {
            return match encoding.check(raw) {
                Ok(()) => Ok(Text::OneByte(encoding, raw)),
                Err(good) => {
                    let message =
                        format!("the byte {:#04X} is no character of {}", raw[good], encoding.name());
                    let at = within(at, good, 1 + good);
                    Err(FormatError::new("csv-encoding", message, at).hint("is `encoding` the right one?"))
                }
            };
        }
        std::str::from_utf8(raw).map(Text::Utf8).map_err(|error| {
            let good = error.valid_up_to();
            let column = 1 + String::from_utf8_lossy(&raw[..good]).chars().count();
            let at = within(at, good, column);
            FormatError::new("csv-encoding", "these bytes are not UTF-8", at)
                .hint("set `encoding` to windows-1252 or latin-1 if the file is one of these")
        })
    }

    /// The value of a field within its row.
    fn value<'a>(&self, text: Text<'a>, field: Field) -> Cow<'a, str> {
        let value = text.field(field);
        let value = match self.options.quote.map(|quote| char::from(quote.0)) {
            Some(quote) if field.doubled => {
                Cow::Owned(value.replace(&format!("{quote}{quote}"), &quote.to_string()))
            }
            _ => value,
        };
        match value {
            Cow::Borrowed(value) if self.options.trim => Cow::Borrowed(value.trim()),
            Cow::Owned(value) if self.options.trim => Cow::Owned(value.trim().to_owned()),
            value => value,
        }
    }

    /// Turns the row at `at` into JSON.
    pub(super) fn read_row(&self, raw: &[u8], fields: &[Field], at: &Location) -> Result<Row, FormatError> {
        self.check_lengths(fields, at)?;
        let columns = self.columns.as_deref().unwrap_or_default();
        if fields.len() != columns.len() {
            let message = format!("the row has {}, not {}", count(fields.len()), columns.len());
            return Err(FormatError::new("csv-columns", message, at.clone())
                .hint("is a field with the delimiter in it not quoted, or the delimiter another one?"));
        }
        let text = self.text(raw, at)?;
        let mut json = Vec::with_capacity(raw.len() * 2 + columns.len() * 16);
        let mut group_value = Vec::new();
        json.push(b'{');
        for (index, (column, field)) in columns.iter().zip(fields).enumerate() {
            let value = self.value(text, *field);
            let value = (!value.is_empty() || self.options.empty == EmptyField::String).then_some(value);
            if self.group_column == Some(index) {
                write_value(&mut group_value, value.as_deref());
            }
            if value.is_none() && self.options.empty == EmptyField::Omit {
                continue;
            }
            if json.len() > 1 {
                json.push(b',');
            }
            json.extend_from_slice(&column.key);
            write_value(&mut json, value.as_deref());
        }
        json.push(b'}');
        Ok(Row { json, group_value })
    }

    /// Refuses a field that is longer than allowed.
    fn check_lengths(&self, fields: &[Field], at: &Location) -> Result<(), FormatError> {
        let limit = self.options.field_bytes.0;
        let Some(index) = fields.iter().position(|field| field.end - field.start > limit) else {
            return Ok(());
        };
        let name = self.columns.as_ref().and_then(|columns| columns.get(index)).map(|column| &column.name);
        let name = name.map_or_else(|| format!("number {}", index + 1), |name| format!("`{name}`"));
        let message = format!("the field {name} is longer than {limit} bytes");
        Err(FormatError::new("csv-limit", message, at.clone())
            .hint("raise `field_bytes` in the options of the format if such fields are right"))
    }
}

/// A place so many bytes into the row at `at`.
fn within(at: &Location, bytes: usize, column: usize) -> Location {
    Location { offset: at.offset + bytes as u64, column: column as u64, ..at.clone() }
}

fn write_value(out: &mut Vec<u8>, value: Option<&str>) {
    match value {
        Some(value) => write_string(out, value),
        None => out.extend_from_slice(b"null"),
    }
}

fn count(columns: usize) -> String {
    if columns == 1 { "1 column".to_owned() } else { format!("{columns} columns") }
}
