//! The views: what is current, in one SQLite file that is computed from the journal alone.
//!
//! [`Projector`] is the one writer. It gathers records in memory, where most deliveries are owed and finished without ever
//! being a row, and commits what is left in one transaction together with the position that it covers, so that a process
//! killed at any moment leaves views of some position and nothing between two. [`Views`] is what any thread may ask.
//!
//! Rows are thin: they point into the journal instead of repeating it. The same journal gives the same views however it is
//! cut into batches.

mod balance;
mod books;
mod deliveries;
mod hashing;
mod kept;
mod lanes;
mod names;
mod objects;
mod pool;
mod processes;
mod projector;
mod queries;
mod rare;
mod schema;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use lineshaft_model::{Position, Reason};
use lineshaft_ports::journal::ReadError;

use crate::index::IndexError;

pub use crate::applied::{AppliedRecord, Progress};
pub use books::DestinationCounts;
pub use hashing::data_hash;
pub use kept::{Hold, PausedRow, ReferenceRow};
pub use lanes::{DeliveryFilter, LaneEntry, Unfinished};
pub use objects::{ObjectBound, ObjectHead};
pub use pool::Views;
pub use processes::{ProcessFilter, ProcessRow};
pub use projector::Projector;
pub use queries::{ObjectFilter, QuarantineEntry};

/// The views cannot be opened, written or read.
#[derive(Debug, thiserror::Error)]
pub enum ViewsError {
    /// SQLite refused.
    #[error("the views cannot be {verb}")]
    Sqlite {
        /// What was tried: `opened`, `written`, `read`.
        verb: &'static str,
        /// The error underneath.
        #[source]
        source: rusqlite::Error,
    },
    /// The folder or its files cannot be used.
    #[error("the views' folder {path} cannot be used")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The error underneath.
        #[source]
        source: std::io::Error,
    },
    /// They were computed from another journal.
    #[error("the views in {path} belong to journal {found:016x}, not to journal {wanted:016x}")]
    OtherJournal {
        /// The file.
        path: PathBuf,
        /// Whose they are.
        found: u64,
        /// Whose they should be.
        wanted: u64,
    },
    /// A record is not the one that follows.
    #[error("record {given} was given to the views where {wanted} should follow")]
    Gap {
        /// The record that follows what was gathered.
        wanted: Position,
        /// The record that came.
        given: Position,
    },
    /// An earlier error left the projector with half of a batch: open it again.
    #[error("the views stopped after an earlier error")]
    Stopped,
    /// The index refused.
    #[error("the index behind the views failed")]
    Index(#[from] IndexError),
    /// The journal refused.
    #[error("the journal behind the views cannot be read")]
    Journal(#[from] ReadError),
    /// A cursor that no page gave out.
    #[error("`{0}` is not a cursor of this listing")]
    Cursor(String),
}

impl ViewsError {
    pub(crate) const fn written(source: rusqlite::Error) -> Self {
        Self::Sqlite { verb: "written", source }
    }

    pub(crate) const fn read(source: rusqlite::Error) -> Self {
        Self::Sqlite { verb: "read", source }
    }

    /// Whether rebuilding the views is the way on: their file is not as it was written.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        let Self::Sqlite { source, .. } = self else { return false };
        matches!(source.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase))
    }

    /// The same as a reason, with a code and a hint for the person who sees it.
    #[must_use]
    pub fn reason(&self) -> Reason {
        let (code, hint) = match self {
            Self::Cursor(_) => ("cursor-malformed", "give back `next` of the page before as it was"),
            Self::OtherJournal { .. } => (
                "views-other-journal",
                "point `data` at the folder that this journal belongs to, or remove the views: they are computed again",
            ),
            error if error.is_damage() => ("views-damaged", "run `lineshaft views rebuild`"),
            _ => ("views-unusable", "check the disk, its space and the permissions of the data folder"),
        };
        let mut message = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(error) = source {
            message.push_str(": ");
            message.push_str(&error.to_string());
            source = error.source();
        }
        Reason::new(code, message).hint(hint)
    }
}
