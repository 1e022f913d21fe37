//! Errors as processes know them: RFC 9457 problem details with the DSL's standard types.

use serde::{Deserialize, Serialize};

use crate::doc::Doc;

/// The standard types of the DSL 1.0 and their default status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standard {
    /// A setting that is missing or wrong.
    Configuration,
    /// A document that breaks its schema.
    Validation,
    /// An expression that failed.
    Expression,
    /// Who calls is not known.
    Authentication,
    /// Who calls may not.
    Authorization,
    /// It took too long.
    Timeout,
    /// Something went wrong between two systems.
    Communication,
    /// Something went wrong while the process ran.
    Runtime,
}

const HOME: &str = "https://serverlessworkflow.io/spec/1.0.0/errors/";

impl Standard {
    const fn word(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Validation => "validation",
            Self::Expression => "expression",
            Self::Authentication => "authentication",
            Self::Authorization => "authorization",
            Self::Timeout => "timeout",
            Self::Communication => "communication",
            Self::Runtime => "runtime",
        }
    }

    const fn status(self) -> i64 {
        match self {
            Self::Configuration | Self::Validation | Self::Expression => 400,
            Self::Authentication => 401,
            Self::Authorization => 403,
            Self::Timeout => 408,
            Self::Communication | Self::Runtime => 500,
        }
    }
}

/// An error of a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// A URI that says what kind of error it is.
    #[serde(rename = "type")]
    pub kind: String,
    /// As HTTP has them.
    pub status: i64,
    /// A short summary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What happened this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// JSON pointer to the task in the definition; empty until a task has it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub instance: String,
    /// Whether the effect may have taken place all the same: an answer that was lost is not a refusal.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unknown: bool,
}

impl Fault {
    /// A standard error with its default status.
    #[must_use]
    pub fn standard(standard: Standard, title: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self {
            kind: format!("{HOME}{}", standard.word()),
            status: standard.status(),
            title: Some(title.to_owned()),
            detail: (!detail.is_empty()).then_some(detail),
            instance: String::new(),
            unknown: false,
        }
    }

    /// The same with another status.
    #[must_use]
    pub const fn status(mut self, status: i64) -> Self {
        self.status = status;
        self
    }

    /// The same, where nobody knows whether the effect took place.
    #[must_use]
    pub const fn unknown(mut self) -> Self {
        self.unknown = true;
        self
    }

    /// The error of the task at this place, unless another task has it already.
    #[must_use]
    pub(crate) fn of(mut self, instance: &str) -> Self {
        if self.instance.is_empty() {
            instance.clone_into(&mut self.instance);
        }
        self
    }

    /// The document that `catch` hands to its tasks.
    #[must_use]
    pub fn doc(&self) -> Doc {
        let mut members = vec![("type", Doc::string(&self.kind)), ("status", Doc::number(self.status))];
        members.extend(self.title.as_deref().map(|title| ("title", Doc::string(title))));
        members.extend(self.detail.as_deref().map(|detail| ("detail", Doc::string(detail))));
        members.push(("instance", Doc::string(&self.instance)));
        Doc::object(members.iter().map(|(key, value)| (*key, value)))
    }

    /// Whether its type is the one that is asked for. The standard types go by several addresses in the specification and
    /// its examples; they are one.
    #[must_use]
    pub fn is(&self, asked: &str) -> bool {
        self.kind == asked
            || (standard_word(asked).is_some() && standard_word(&self.kind) == standard_word(asked))
    }
}

fn standard_word(kind: &str) -> Option<&str> {
    let path = kind.strip_prefix("https://serverlessworkflow.io/")?;
    let (home, word) = path.rsplit_once('/')?;
    let version = home.strip_prefix("spec/").and_then(|rest| rest.strip_suffix("/errors"));
    let known = version.is_some() || matches!(home, "dsl/errors/types" | "errors/types" | "errors");
    known.then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standard_type_is_known_by_each_of_its_addresses() {
        let fault = Fault::standard(Standard::Communication, "Not Found", "").status(404).of("/do/0/a");
        assert!(fault.is("https://serverlessworkflow.io/spec/1.0.0/errors/communication"));
        assert!(fault.is("https://serverlessworkflow.io/dsl/errors/types/communication"));
        assert!(!fault.is("https://serverlessworkflow.io/spec/1.0.0/errors/timeout"));
        assert!(!fault.is("https://example.com/communication"));
        assert_eq!(fault.of("/do/9/outer").instance, "/do/0/a", "the innermost task keeps it");
    }
}
