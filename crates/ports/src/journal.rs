//! The journal port: one durable, ordered log of records that everything else is a view of.
//!
//! Two contracts. [`Journal`] is the one writer; it lives on one thread and blocks. [`JournalRead`] is what any number
//! of other threads may ask meanwhile. A journal is told the time and never looks at a clock.

mod batch;

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use lineshaft_model::{Millis, Position, Reason};

pub use batch::{
    Batch, BatchError, BatchRecord, BatchRecords, MAX_BODY_BYTES, MAX_PAYLOAD_BYTES, RECORD_HEADER_BYTES,
    RecordHeader,
};

/// The writing side of a journal.
///
/// An implementation must keep these rules, which the engine relies on:
///
/// 1. A batch is appended whole or not at all, and `Ok` means durable: it survives a power cut.
/// 2. Positions are dense and start at 1; the records of a batch follow each other in the order they were pushed.
/// 3. Any error of `append` is final. Whether the batch is kept is unknown then, so nothing of it may be acknowledged,
///    nothing is ever tried again, and every later call is refused. The engine ends the process.
/// 4. There is one writer. A second one, on this machine or another, is refused at the latest when it appends.
pub trait Journal: Send {
    /// Appends every record of the batch and returns when all are durable. `now` is stored as the time of writing.
    ///
    /// An empty batch writes nothing.
    fn append(&mut self, batch: &Batch, now: Millis) -> Result<Appended, Fatal>;

    /// Drops the oldest segments as long as all their records stand before `keep`; returns the first position still
    /// kept. The segment being written is never dropped.
    fn trim_before(&mut self, keep: Position) -> Result<Position, Fatal>;

    /// Whether there is room for more input. Cheap enough to ask before every batch. When it says no, intake must stop
    /// while outcomes of deliveries may still be appended: that is what the reserve is kept for.
    fn has_room(&mut self, now: Millis) -> bool;

    /// The reading side, for use on other threads.
    fn reader(&self) -> Arc<dyn JournalRead>;
}

/// The reading side of a journal. It sees durable records only, and never gives out one whose checksum fails.
pub trait JournalRead: Send + Sync + fmt::Debug {
    /// The first position still kept; the position the next record will take when there is none.
    fn first(&self) -> Position;

    /// The last durable position; the one before `first` when the journal is empty.
    fn end(&self) -> Position;

    /// One record, or `None` when it is not kept (trimmed, or not yet durable).
    fn get(&self, position: Position) -> Result<Option<Record>, ReadError>;

    /// The records from `position` (zero means from the first) to the end, in order, with bounded memory.
    ///
    /// At the end the iterator gives `None`; asked again later it goes on with what has become durable meanwhile.
    /// After an error it stays at its place.
    fn read_from(&self, position: Position) -> Result<Records, ReadError>;

    /// The pieces that are dropped whole, oldest first; the last is the one being written.
    fn segments(&self) -> Vec<Segment>;
}

/// A piece of the journal that is dropped whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its first record, which also names it.
    pub first: Position,
    /// Its last durable record; the one before `first` when it has none yet.
    pub last: Position,
    /// Bytes it takes.
    pub bytes: u64,
    /// When it was closed; `None` for the one being written.
    pub closed: Option<Millis>,
}

/// A stream of records.
pub type Records = Box<dyn Iterator<Item = Result<Record, ReadError>> + Send>;

/// One record of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where it stands.
    pub position: Position,
    /// What it is: a number of `lineshaft_model::record::RecordKind`, or of a later version's kind.
    pub kind: u8,
    /// The version of its payload's form.
    pub version: u8,
    /// When its batch was written.
    pub written: Millis,
    /// The payload. It may share a larger buffer: copy it out to keep it for long.
    pub payload: Bytes,
}

/// A batch that is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Position of the batch's first record.
    pub first: Position,
    /// Position of its last record; the one before `first` for an empty batch.
    pub last: Position,
    /// Bytes written for it.
    pub bytes: u64,
    /// The segment it lies in, named by the first position of that segment.
    pub segment: Position,
    /// The segment that was closed to make place for it, by its first position: its index can be built now.
    pub closed: Option<Position>,
}

/// The journal cannot go on: the process must end without acknowledging anything more.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct Fatal {
    /// What failed, where, and what to do.
    pub reason: Reason,
    /// The error underneath, if there was one.
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

/// A record, or the way to it, cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// What is stored is not what was written.
    #[error("the journal is damaged at position {position} ({segment}, byte {offset}): {what}")]
    Corrupt {
        /// The file, or its likeness in another kind of journal.
        segment: String,
        /// Byte offset in it.
        offset: u64,
        /// The first position that is affected.
        position: Position,
        /// What does not hold.
        what: String,
    },
    /// The position is no longer kept.
    #[error("position {position} is no longer in the journal, which starts at {first}")]
    Trimmed {
        /// What was asked for.
        position: Position,
        /// The first position still kept.
        first: Position,
    },
    /// The place where the journal is kept did not answer.
    #[error("the journal cannot be read: {what}")]
    Unavailable {
        /// What was tried.
        what: String,
        /// The error underneath.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl ReadError {
    /// The same as a reason, with a code and a hint for the person who sees it.
    #[must_use]
    pub fn reason(&self) -> Reason {
        let (code, hint) = match self {
            Self::Corrupt { .. } => (
                "journal-corrupt",
                "run `lineshaft journal verify` to see how much is affected, then restore the segment from a backup",
            ),
            Self::Trimmed { .. } => ("journal-trimmed", "start from a position that is still kept"),
            Self::Unavailable { .. } => {
                ("journal-unreadable", "check the disk, its mount and the permissions of the data folder")
            }
        };
        Reason::new(code, self.to_string()).hint(hint)
    }
}
