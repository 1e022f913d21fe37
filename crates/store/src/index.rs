//! Indexes over the journal's segments: find events by identity and by business key, outcomes by event, positions by
//! time, over the whole retained history.
//!
//! A closed segment has one immutable file beside it, made once when the segment closes; the open segment's index is in
//! memory. Every table is a sorted list of (key, position) cut into checksummed blocks of one page; the first key of each
//! block stays resident, so a question costs one read per segment whether it hits or not, and a filter would save
//! nothing. Fingerprints are cut to 48 bits: a hit is a candidate, and whoever asks compares it with the record.

mod file;
mod make;
mod open;
mod pairs;
mod query;
mod runs;
mod seen;
mod segment;

#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;

use lineshaft_model::{Fingerprint, Position};
use lineshaft_ports::journal::ReadError;

pub use crate::applied::{AppliedRecord, Progress};
pub use query::{Index, IndexStats};
pub use seen::Seen;
pub use segment::SegmentStats;

pub(crate) use query::Feeding;

/// The records of one segment of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its first record, which also names it.
    pub first: Position,
    /// Its last record; the one before `first` when it has none yet.
    pub last: Position,
}

/// An index cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The file system refused.
    #[error("the index file {path} cannot be {verb}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What was tried: `read`, `written`, `listed`.
        verb: &'static str,
        /// The error underneath.
        #[source]
        source: io::Error,
    },
    /// The journal could not be read to make an index from it.
    #[error("the journal cannot be read to make an index")]
    Journal(#[from] ReadError),
    /// A block does not hold its checksum; answered by making the index again.
    #[error("the index file {path} is damaged")]
    Damaged {
        /// Which file.
        path: PathBuf,
    },
    /// A segment of more records than an index can number.
    #[error("the segment that starts at {first} has more records than an index can number")]
    TooLarge {
        /// The segment.
        first: Position,
    },
}

/// What an identity or key is known by in the tables: the upper 48 bits of its fingerprint.
pub(crate) const fn cut(fingerprint: Fingerprint) -> u64 {
    fingerprint.short() >> 16
}

/// What a business key of a tenant is known by.
pub(crate) fn key_of(tenant: &str, key: &str) -> u64 {
    cut(Fingerprint::of(&[tenant, key]))
}

/// What a delivery is known by among outcomes, in order of event and number.
pub(crate) const fn delivery_key(event: Position, n: u8) -> u64 {
    (event.0 << 8) | n as u64
}
