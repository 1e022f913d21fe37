//! Why something was refused, in words a person can act on.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One thing that is wrong: a stable code with a documentation page, what happened, where, and what to do next.
///
/// Reasons are kept in the journal (quarantine, dead letters) and shown by the API, the CLI and the console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Stable kebab-case code, for instance `contract-violation`.
    pub code: String,
    /// What happened, as a sentence without a full stop.
    pub message: String,
    /// Where: a JSON pointer, `line 7`, `systems/erp.yaml:12`. Empty when the whole input is meant.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub at: String,
    /// What to do next. Empty when there is nothing better to say than the message.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hint: String,
}

/// Every reason for one refusal; never empty where a refusal is reported.
pub type Reasons = Vec<Reason>;

impl Reason {
    /// A reason with a code and what happened.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), at: String::new(), hint: String::new() }
    }

    /// Says where it happened.
    #[must_use]
    pub fn at(mut self, at: impl Into<String>) -> Self {
        self.at = at.into();
        self
    }

    /// Says what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if !self.at.is_empty() {
            write!(f, " (at {})", self.at)?;
        }
        if !self.hint.is_empty() {
            write!(f, "; hint: {}", self.hint)?;
        }
        Ok(())
    }
}

impl std::error::Error for Reason {}
