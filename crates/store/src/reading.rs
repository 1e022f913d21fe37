//! What people and programs are shown, composed from the journal, the views and the indexes.
//!
//! The views and indexes say where things stand; everything told is read from the records themselves. All calls block and
//! are bounded: in rows, in records looked at, in events walked.

mod amended;
mod carry;
mod deliveries;
mod events;
mod jobs;
mod objects;
mod processes;
mod quarantine;
mod scan;
mod search;
mod seen;
mod systems;
mod timeline;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lineshaft_model::record::{EventRecord, RecordKind, Replayed, WireError};
use lineshaft_model::shown::RawShown;
use lineshaft_model::sight::Sight;
use lineshaft_model::{Position, Reason};
use lineshaft_ports::journal::{JournalRead, ReadError, Record};

use crate::index::{Index, IndexError};
use crate::views::{Views, ViewsError};

pub use crate::views::{DeliveryFilter, ObjectFilter, ProcessFilter, ProcessRow};
pub use amended::Sent;
pub use carry::{Carry, Step, Sweep, systems_owed};
pub use events::EventFilter;
pub use jobs::{Past, PastOwed};

/// Answers questions from the journal, the views and the indexes, for the hub itself or as one reader sees them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Reading {
    journal: Arc<dyn JournalRead>,
    views: Views,
    index: Index,
    /// Who looks; everything is seen when nobody is named.
    sight: Option<Arc<dyn Sight>>,
}

/// A question cannot be answered.
#[derive(Debug, thiserror::Error)]
pub enum ReadingError {
    /// The views refused.
    #[error(transparent)]
    Views(#[from] ViewsError),
    /// An index refused.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The journal refused.
    #[error(transparent)]
    Journal(#[from] ReadError),
    /// A record of a kind we know does not read as one.
    #[error("the record at {position} cannot be read")]
    Record {
        /// Which record.
        position: Position,
        /// What is wrong with it.
        #[source]
        source: WireError,
    },
    /// An object whose state does not fit into a record.
    #[error("{}", reason.message)]
    TooLong {
        /// Which, and how long.
        reason: Reason,
    },
}

impl ReadingError {
    /// The same as a reason, with a code and a hint for the person who sees it.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Views(error) => error.reason(),
            Self::Journal(error) => error.reason(),
            Self::Index(error) => Reason::new("index-unreadable", error.to_string())
                .hint("check the disk and the permissions of the data folder; a missing index is made again at start"),
            Self::TooLong { reason } => reason.clone(),
            Self::Record { .. } => Reason::new("record-unreadable", self.to_string())
                .hint("a later version may have written it: run the version that did"),
        }
    }
}

impl Reading {
    /// Answers from these three, which belong together.
    #[must_use]
    pub const fn new(journal: Arc<dyn JournalRead>, views: Views, index: Index) -> Self {
        Self { journal, views, index, sight: None }
    }

    /// The event record at a position, with what it says; `None` when there is no event.
    fn with_event<T>(
        &self,
        position: Position,
        tell: impl FnOnce(&Record, &EventRecord<'_>) -> Result<T, ReadingError>,
    ) -> Result<Option<T>, ReadingError> {
        let Some(record) = self.journal.get(position)? else { return Ok(None) };
        match event_in(&record) {
            None => Ok(None),
            Some(Ok(event)) => tell(&record, &event).map(Some),
            Some(Err(source)) => Err(ReadingError::Record { position, source }),
        }
    }
}

/// The event of a record: of its own, or replayed.
#[must_use]
pub fn event_in(record: &Record) -> Option<Result<EventRecord<'_>, WireError>> {
    if record.kind == RecordKind::Event as u8 {
        return Some(EventRecord::decode(&record.payload));
    }
    (record.kind == RecordKind::Replayed as u8)
        .then(|| Replayed::decode(&record.payload).map(|(_, event)| event))
}

/// The position in a cursor of a listing that goes by positions.
fn position_in(cursor: Option<&str>) -> Result<Option<Position>, ReadingError> {
    let parse = |text: &str| text.parse().map_err(|_| ViewsError::Cursor(clipped(text)).into());
    cursor.map(parse).transpose()
}

/// The start of a text that came from outside, for an error message.
fn clipped(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Raw input as it is shown.
fn raw_shown(content_type: &str, bytes: &[u8]) -> RawShown {
    let text = std::str::from_utf8(bytes).ok().map(str::to_owned);
    let base64 = text.is_none().then(|| STANDARD.encode(bytes));
    RawShown { content_type: content_type.to_owned(), bytes: bytes.len(), text, base64 }
}
