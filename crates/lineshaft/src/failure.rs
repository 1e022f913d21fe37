//! How a command ends: its exit code, and what a person is told when it failed.

use std::fmt;
use std::process::ExitCode;

use lineshaft_model::Reason;

/// The exit codes that scripts may rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All is well.
    Well = 0,
    /// Problems were found, or what was asked could not be done.
    Problems = 1,
    /// The command was used wrongly.
    WrongUse = 2,
    /// The hub could not be reached.
    NotReached = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command did not do what it was asked.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What happened, where, and what to do next.
    pub reasons: Vec<Reason>,
}

impl Failure {
    /// Something was wrong with what the command worked on.
    #[must_use]
    pub fn problem(reason: Reason) -> Self {
        Self { exit: Exit::Problems, reasons: vec![reason] }
    }

    /// The command was used wrongly.
    #[must_use]
    pub fn wrong_use(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { exit: Exit::WrongUse, reasons: vec![Reason::new("wrong-use", message).hint(hint)] }
    }

    /// The hub could not be reached.
    #[must_use]
    pub fn not_reached(reason: Reason) -> Self {
        Self { exit: Exit::NotReached, reasons: vec![reason] }
    }

    /// Reading or writing failed.
    #[must_use]
    pub fn io(what: &str, at: impl fmt::Display, error: &std::io::Error) -> Self {
        let hint = match error.kind() {
            std::io::ErrorKind::NotFound => "look at the path; relative paths start at the current folder",
            std::io::ErrorKind::PermissionDenied => "let the user of this command have it",
            std::io::ErrorKind::StorageFull => "make room on the disk",
            _ => "",
        };
        Self::problem(Reason::new("io-failed", format!("{what}: {error}")).at(at.to_string()).hint(hint))
    }
}

impl From<Reason> for Failure {
    fn from(reason: Reason) -> Self {
        Self::problem(reason)
    }
}

/// `error[code]: message`, then where and what to do, a line each.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, reason) in self.reasons.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            write!(f, "error[{}]: {}", reason.code, reason.message)?;
            if !reason.at.is_empty() {
                write!(f, "\n  at: {}", reason.at)?;
            }
            if !reason.hint.is_empty() {
                write!(f, "\n  hint: {}", reason.hint)?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

/// What a command returns.
pub type Outcome = Result<Exit, Failure>;
