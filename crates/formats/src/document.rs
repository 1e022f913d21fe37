//! One document of an input, and where things stand in an input.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

/// One document of an input as JSON text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document<'a> {
    /// Well-formed JSON text.
    pub json: Cow<'a, [u8]>,
    /// The bytes of the input that it was made from, untouched.
    pub raw: Cow<'a, [u8]>,
    /// Where `raw` starts.
    pub at: Location,
}

impl Document<'_> {
    /// Where [`Document::raw`] lies in the whole input.
    pub fn range(&self) -> Range<u64> {
        self.at.offset..self.at.offset + self.raw.len() as u64
    }

    /// The same document, owning its bytes.
    pub fn into_owned(self) -> Document<'static> {
        Document {
            json: Cow::Owned(self.json.into_owned()),
            raw: Cow::Owned(self.raw.into_owned()),
            at: self.at,
        }
    }
}

/// A place in an input.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Location {
    /// Bytes of the whole input before it.
    pub offset: u64,
    /// Line, from 1.
    pub line: u64,
    /// Character within the line, from 1; 0 when the line as a whole is meant.
    pub column: u64,
    /// JSON pointer or element path; empty when the whole document is meant.
    pub path: String,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if self.column > 0 {
            write!(f, ", column {}", self.column)?;
        }
        if !self.path.is_empty() {
            write!(f, ", at {}", self.path)?;
        }
        Ok(())
    }
}
