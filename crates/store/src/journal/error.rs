//! What can be wrong with a journal's files.

use std::io;
use std::path::{Path, PathBuf};

use lineshaft_model::{Position, Reason};
use lineshaft_ports::journal::{Fatal, ReadError};

/// A journal cannot be opened, checked or exported.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// What is stored is not what was written.
    #[error("the journal is damaged at position {position} ({}, byte {offset}): {what}", segment.display())]
    Corrupt {
        /// The file.
        segment: PathBuf,
        /// Byte offset in it.
        offset: u64,
        /// The first position that is affected.
        position: Position,
        /// What does not hold.
        what: String,
    },
    /// Segments do not follow each other.
    #[error("a segment is missing: {} follows, but positions from {expected} on are not there", found.display())]
    Missing {
        /// The first position that is missing.
        expected: Position,
        /// The segment that comes after the gap.
        found: PathBuf,
    },
    /// A segment is well in itself but belongs elsewhere.
    #[error("{} does not belong here: {what}", segment.display())]
    Foreign {
        /// The file.
        segment: PathBuf,
        /// How it differs.
        what: &'static str,
    },
    /// A later version wrote it.
    #[error("{} has format version {version}, and this program reads version {}", segment.display(), super::FORMAT_VERSION)]
    Version {
        /// The file.
        segment: PathBuf,
        /// The version its header names.
        version: u32,
    },
    /// Records that were durable once are gone.
    #[error("the journal ends at position {end}, but position {known} was durable")]
    Behind {
        /// The last position that is there.
        end: Position,
        /// The position that the caller knows to have been durable.
        known: Position,
    },
    /// There is no journal.
    #[error("there is no journal in {}", dir.display())]
    Absent {
        /// The folder.
        dir: PathBuf,
    },
    /// Another process writes this journal.
    #[error("the journal {} is in use by another process{holder}", dir.display())]
    Locked {
        /// The folder.
        dir: PathBuf,
        /// ` (process 123)`, if known.
        holder: String,
    },
    /// The options contradict each other.
    #[error("{what}")]
    Options {
        /// What does not fit.
        what: String,
    },
    /// The disk did not do what it was asked.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// What was tried: `open`, `sync`.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
}

impl JournalError {
    pub(crate) fn corrupt(segment: &Path, offset: u64, position: Position, what: &str) -> Self {
        Self::Corrupt { segment: segment.to_owned(), offset, position, what: what.to_owned() }
    }

    /// For `map_err`: names what was tried on which path.
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, path: path.to_owned(), source }
    }

    /// Stable code with a documentation page.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Corrupt { .. } => "journal-corrupt",
            Self::Missing { .. } => "journal-segment-missing",
            Self::Foreign { .. } => "journal-segment-foreign",
            Self::Version { .. } => "journal-version",
            Self::Behind { .. } => "journal-behind",
            Self::Absent { .. } => "journal-absent",
            Self::Locked { .. } => "journal-locked",
            Self::Options { .. } => "journal-options",
            Self::Io { .. } => "journal-io",
        }
    }

    /// What to do next.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Corrupt { .. } => {
                "nothing was changed; run `lineshaft journal verify` to see how much is affected, check the disk, and \
                 restore the segment from a backup"
            }
            Self::Missing { .. } => "put the missing segment file back from a backup",
            Self::Foreign { .. } => {
                "move the file away and put the segment of this journal back from a backup"
            }
            Self::Version { .. } => "use the program version that wrote it, or a later one",
            Self::Behind { .. } => {
                "the end of the journal was cut or an older copy was put back: restore the newest backup of the whole \
                 data folder; views alone can be dropped and rebuilt"
            }
            Self::Absent { .. } => "name the data folder of a hub that has run",
            Self::Locked { .. } => "stop the other hub, or point this one at its own data folder",
            Self::Options { .. } => "change the journal's settings",
            Self::Io { .. } => "check the disk, its free space and the permissions of the data folder",
        }
    }

    /// The same as a reason.
    #[must_use]
    pub fn reason(&self) -> Reason {
        Reason::new(self.code(), self.with_cause()).hint(self.hint())
    }

    /// The error as one line, with what the system answered.
    fn with_cause(&self) -> String {
        match self {
            Self::Io { source, .. } => format!("{self}: {source}"),
            _ => self.to_string(),
        }
    }
}

impl From<JournalError> for Fatal {
    fn from(error: JournalError) -> Self {
        let reason =
            Reason::new("journal-failed", format!("the journal cannot go on: {}", error.with_cause()))
                .hint("nothing more is acknowledged; check the disk and its free space, then start again");
        Self { reason, source: Some(Box::new(error)) }
    }
}

impl From<JournalError> for ReadError {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::Corrupt { segment, offset, position, what } => {
                Self::Corrupt { segment: segment.display().to_string(), offset, position, what }
            }
            other => Self::Unavailable { what: other.with_cause(), source: Box::new(other) },
        }
    }
}
