//! What is wrong with a definition: where in its tree, what, and what to do.

use std::fmt;

/// The form of a definition is not what the DSL asks for.
pub const MALFORMED: &str = "process-malformed";
/// The DSL knows it, and it is not available here.
pub const UNSUPPORTED: &str = "process-unsupported";
/// A name that nothing in the definition has.
pub const UNKNOWN_NAME: &str = "process-unknown-name";

/// One problem of a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// JSON pointer into the definition.
    pub pointer: String,
    /// Whether the key at the end of the pointer is meant, and not its value.
    pub key: bool,
    /// Line and column within the text at the pointer, from 1, for an expression.
    pub within: Option<(u32, u32)>,
    /// Stable kebab-case code.
    pub code: &'static str,
    /// What is wrong, as a sentence without a full stop.
    pub message: String,
    /// What to do about it; empty when the message says it all.
    pub hint: String,
}

impl Problem {
    pub(crate) fn new(pointer: &str, code: &'static str, message: impl Into<String>) -> Self {
        let (pointer, message) = (pointer.to_owned(), message.into());
        Self { pointer, key: false, within: None, code, message, hint: String::new() }
    }

    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    #[must_use]
    pub(crate) const fn at_key(mut self) -> Self {
        self.key = true;
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.pointer.is_empty() { "/" } else { &self.pointer };
        write!(f, "{place}: [{}] {}", self.code, self.message)?;
        if !self.hint.is_empty() {
            write!(f, "; hint: {}", self.hint)?;
        }
        Ok(())
    }
}
