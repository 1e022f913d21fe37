//! A part of an input that cannot be read, or a document that cannot be written.

use std::ops::Range;

use lineshaft_model::Reason;
use lineshaft_model::json::JsonError;

use crate::document::Location;

/// What is wrong, where, and with which bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({at})")]
pub struct FormatError {
    /// Stable kebab-case code.
    pub code: &'static str,
    /// What happened, as a sentence without a full stop.
    pub message: String,
    /// What to do about it; empty when there is nothing better to say.
    pub hint: String,
    /// Where it went wrong, which may be after the start of `raw`. Boxed, because results carry errors by value.
    pub at: Box<Location>,
    /// The bytes that could not be read, as far as the limits allow to keep them.
    pub raw: Vec<u8>,
    /// Bytes of the whole input before `raw`.
    pub raw_offset: u64,
    /// True when nothing after it could be read either: the rest of the input is refused with it. When the input is in
    /// memory `raw` has that rest; else whoever holds the input must see to it.
    pub fatal: bool,
}

impl FormatError {
    pub(crate) fn new(code: &'static str, message: impl Into<String>, mut at: Location) -> Self {
        let raw_offset = at.offset;
        at.path = clip(at.path);
        Self {
            code,
            message: clip(message.into()),
            hint: String::new(),
            at: Box::new(at),
            raw: Vec::new(),
            raw_offset,
            fatal: false,
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = clip(hint.into());
        self
    }

    pub(crate) fn raw(mut self, raw: &[u8], offset: u64) -> Self {
        self.raw = raw.to_vec();
        self.raw_offset = offset;
        self
    }

    pub(crate) fn fatal(mut self) -> Self {
        self.fatal = true;
        self
    }

    /// An error of the JSON reader in a text that starts at `offset` and `line` of the input.
    pub(crate) fn json(error: &JsonError, offset: u64, line: u64) -> Self {
        let at = Location {
            offset: offset + error.offset as u64,
            line: line + error.line as u64 - 1,
            column: error.column as u64,
            path: error.pointer.clone(),
        };
        Self::new(error.kind.code(), error.kind.to_string(), at).hint(error.hint().unwrap_or_default())
    }

    /// Where `raw` lies in the whole input.
    pub fn range(&self) -> Range<u64> {
        self.raw_offset..self.raw_offset + self.raw.len() as u64
    }
}

/// Cuts a text short that has names or values of the input in it: it is shown and kept.
pub(crate) fn clip(mut text: String) -> String {
    const CHARACTERS: usize = 500;
    if let Some((end, _)) = text.char_indices().nth(CHARACTERS) {
        text.truncate(end);
        text.push('…');
    }
    text
}

impl From<FormatError> for Reason {
    fn from(error: FormatError) -> Self {
        Reason::new(error.code, error.message).at(error.at.to_string()).hint(error.hint)
    }
}
