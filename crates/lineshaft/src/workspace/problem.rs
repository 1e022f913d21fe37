//! What is wrong with a workspace: a list that is complete, sorted, and says where.

use std::fmt;

use lineshaft_mapping::Diagnostic;
use lineshaft_model::Reason;
use serde::{Serialize, Serializer};

use super::marked::Mark;

/// Whether a problem keeps the workspace from running.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It does.
    Error,
    /// It does not, but is probably not what was meant.
    Warning,
}

impl Severity {
    /// `error` or `warning`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The file, relative to the workspace, with `/` between its parts.
    pub file: String,
    /// Where in the file; line 0 when the whole file is meant.
    pub mark: Mark,
    /// Stable kebab-case code with a page: `lineshaft explain CODE`.
    pub code: String,
    /// What is wrong, as a sentence without a full stop.
    pub message: String,
    /// What to do next.
    pub hint: String,
}

impl Problem {
    /// An error.
    pub fn error(file: &str, mark: Mark, code: &str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            file: file.to_owned(),
            mark,
            code: code.to_owned(),
            message: message.into(),
            hint: String::new(),
        }
    }

    /// A warning.
    pub fn warning(file: &str, mark: Mark, code: &str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(file, mark, code, message) }
    }

    /// Says what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The same as a reason, `file:line:column` as its place.
    #[must_use]
    pub fn to_reason(&self) -> Reason {
        let at = match self.mark.line {
            0 => self.file.clone(),
            line => format!("{}:{line}:{}", self.file, self.mark.column),
        };
        Reason::new(self.code.clone(), self.message.clone()).at(at).hint(self.hint.clone())
    }

    /// A reason given by another room, for a place of this file.
    pub fn of_reason(file: &str, mark: Mark, reason: Reason) -> Self {
        Self::error(file, mark, &reason.code, reason.message).hint(reason.hint)
    }

    /// What a compiler said of the whole text of a file.
    pub fn of_diagnostic(file: &str, text: &str, diagnostic: &Diagnostic) -> Self {
        let mark = diagnostic.place.as_ref().map_or(Mark::TOP, |place| Mark {
            line: place.line,
            column: place.column,
            start: place.span.start,
            end: place.span.end,
        });
        let mark = mark.within(text);
        Self::error(file, mark, diagnostic.code, diagnostic.message.clone()).hint(diagnostic.hint.clone())
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown<'a> {
            severity: Severity,
            code: &'a str,
            file: &'a str,
            line: u32,
            column: u32,
            message: &'a str,
            #[serde(skip_serializing_if = "str::is_empty")]
            hint: &'a str,
        }
        Shown {
            severity: self.severity,
            code: &self.code,
            file: &self.file,
            line: self.mark.line,
            column: self.mark.column,
            message: &self.message,
            hint: &self.hint,
        }
        .serialize(serializer)
    }
}

/// The form for pipes and editors: `file:line:column: error[code]: message`, then `hint:` on a line of its own.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.mark.line > 0 {
            write!(f, ":{}:{}", self.mark.line, self.mark.column)?;
        }
        write!(f, ": {}[{}]: {}", self.severity.as_str(), self.code, self.message)?;
        if !self.hint.is_empty() {
            write!(f, "\n  hint: {}", self.hint)?;
        }
        Ok(())
    }
}

/// Every problem found; at most [`Problems::MOST`], the rest is counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    found: Vec<Problem>,
    unlisted: usize,
}

impl Problems {
    /// More than anybody reads; a hostile workspace cannot make the list grow without bound.
    pub const MOST: usize = 1000;

    /// Adds one. Who has no better hint is sent to the page of the code.
    pub fn push(&mut self, mut problem: Problem) {
        if problem.hint.is_empty() {
            problem.hint = format!("`lineshaft explain {}` says more", problem.code);
        }
        if self.found.len() < Self::MOST {
            self.found.push(problem);
        } else {
            self.unlisted += 1;
        }
    }

    /// Sorts by place and drops what was said twice.
    pub fn sort(&mut self) {
        self.found.sort_by(|a, b| {
            (&a.file, a.mark, a.severity, &a.code, &a.message)
                .cmp(&(&b.file, b.mark, b.severity, &b.code, &b.message))
        });
        self.found.dedup_by(|a, b| {
            (&a.file, a.mark.line, a.mark.column, &a.code, &a.message)
                == (&b.file, b.mark.line, b.mark.column, &b.code, &b.message)
        });
    }

    /// The problems.
    #[must_use]
    pub fn as_slice(&self) -> &[Problem] {
        &self.found
    }

    /// The problems, one by one.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.found.iter()
    }

    /// How many errors there are, listed or not.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.found.iter().filter(|p| p.severity == Severity::Error).count() + self.unlisted
    }

    /// How many warnings are listed.
    #[must_use]
    pub fn warnings(&self) -> usize {
        self.found.iter().filter(|p| p.severity == Severity::Warning).count()
    }

    /// Whether nothing at all was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// `2 errors and 1 warning in 2 files`; `no problems`.
    #[must_use]
    pub fn summary(&self) -> String {
        let counted = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        let mut files: Vec<&str> = self.found.iter().map(|p| p.file.as_str()).collect();
        files.sort_unstable();
        files.dedup();
        let place = counted(files.len(), "file");
        match (self.errors(), self.warnings()) {
            (0, 0) => "no problems".to_owned(),
            (0, warnings) => format!("{} in {place}", counted(warnings, "warning")),
            (errors, 0) => format!("{} in {place}", counted(errors, "error")),
            (errors, warnings) => {
                format!("{} and {} in {place}", counted(errors, "error"), counted(warnings, "warning"))
            }
        }
    }
}

impl Extend<Problem> for Problems {
    fn extend<I: IntoIterator<Item = Problem>>(&mut self, problems: I) {
        for problem in problems {
            self.push(problem);
        }
    }
}
