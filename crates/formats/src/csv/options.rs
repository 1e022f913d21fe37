//! The options of `csv`.

use serde::{Deserialize, Deserializer, de};

use super::rows::Dialect;
use crate::encoding::Encoding;
use crate::size::Size;

/// Options of `csv`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CsvOptions {
    /// The character between fields: one ASCII character, or `tab`.
    pub delimiter: Mark,
    /// The character around fields that hold a delimiter, a quote or a line end; `null` when the files have none.
    pub quote: Option<Mark>,
    /// The names of the columns, for files without a header.
    pub columns: Option<Vec<String>>,
    /// Whether the first row is a header. The default: it is when `columns` is not given. With both, the header is
    /// skipped and `columns` names.
    pub header: Option<bool>,
    /// How bytes stand for characters. A byte order mark is skipped.
    pub encoding: Encoding,
    /// Whether white space around values is dropped.
    pub trim: bool,
    /// What a field with nothing in it becomes.
    pub empty: EmptyField,
    /// Makes one document of consecutive rows that have the same value in this column:
    /// `{"<column>": value, "rows": [...]}`.
    pub group_by: Option<String>,
    /// Longest field.
    pub field_bytes: Size,
    /// Longest row, line ends inside quotes included.
    pub row_bytes: Size,
    /// Most bytes of JSON that one group may have.
    pub group_bytes: Size,
    /// When writing: puts an apostrophe before a text that a spreadsheet would take for a formula. Plain numbers stay as
    /// they are.
    pub escape_formulas: bool,
}

impl Default for CsvOptions {
    fn default() -> Self {
        Self {
            delimiter: Mark(b','),
            quote: Some(Mark(b'"')),
            columns: None,
            header: None,
            encoding: Encoding::Utf8,
            trim: false,
            empty: EmptyField::String,
            group_by: None,
            field_bytes: Size::mib(1),
            row_bytes: Size::mib(4),
            group_bytes: Size::mib(16),
            escape_formulas: false,
        }
    }
}

/// What a field with nothing in it becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EmptyField {
    /// `""`
    #[default]
    String,
    /// `null`
    Null,
    /// Nothing: the object has no such member.
    Omit,
}

/// A character with a meaning in the file, ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark(pub u8);

impl<'de> Deserialize<'de> for Mark {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.as_bytes() {
            b"tab" | b"\\t" => Ok(Self(b'\t')),
            [mark] if mark.is_ascii() && !matches!(mark, b'\n' | b'\r' | 0) => Ok(Self(*mark)),
            _ => Err(de::Error::custom(format!("`{text}` is not one ASCII character, nor `tab`"))),
        }
    }
}

impl CsvOptions {
    /// Whether the first row is a header.
    pub fn has_header(&self) -> bool {
        self.header.unwrap_or(self.columns.is_none())
    }

    /// The bytes with a meaning, in the encoding of the file.
    pub(super) fn dialect(&self) -> Dialect {
        let quote = self.quote.map(|quote| self.encoding.byte(quote.0));
        let delimiter = self.encoding.byte(self.delimiter.0);
        Dialect { delimiter, quote, ends: self.encoding.line_ends() }
    }

    /// Finds options that do not go together.
    ///
    /// # Errors
    /// Says what is wrong and what to do.
    pub fn check(&self) -> Result<(), String> {
        if Some(self.delimiter) == self.quote {
            return Err("`delimiter` and `quote` are the same character".to_owned());
        }
        if self.header == Some(false) && self.columns.is_none() {
            return Err("a file without a header needs `columns`".to_owned());
        }
        if let Some(columns) = &self.columns {
            for (index, name) in columns.iter().enumerate() {
                if name.is_empty() || columns[..index].contains(name) {
                    return Err(format!("`columns` has the name `{name}` twice, or an empty one"));
                }
            }
            if columns.is_empty() {
                return Err("`columns` is empty; leave it out to take the names from the file".to_owned());
            }
        }
        match (&self.group_by, &self.columns) {
            (Some(group_by), _) if group_by == "rows" || group_by == "refused_rows" => Err(format!(
                "`group_by: {group_by}` takes the name of a member of the group; rename the column"
            )),
            (Some(group_by), Some(columns)) if !columns.contains(group_by) => {
                Err(format!("`group_by: {group_by}` is not one of `columns`"))
            }
            _ => Ok(()),
        }
    }
}
