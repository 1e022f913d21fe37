//! A record on its way into the views and the indexes, borrowed from wherever it lies.

use lineshaft_model::Position;
use lineshaft_ports::journal::Record;

/// One durable record. Records are applied in the order of their positions, without gaps.
#[derive(Clone, Copy, Debug)]
pub struct AppliedRecord<'a> {
    /// Where it stands in the journal.
    pub position: Position,
    /// A number of `lineshaft_model::record::RecordKind`; one of a later version is passed over.
    pub kind: u8,
    /// The version of its payload's form.
    pub version: u8,
    /// Its payload.
    pub payload: &'a [u8],
}

impl<'a> From<&'a Record> for AppliedRecord<'a> {
    fn from(record: &'a Record) -> Self {
        Self {
            position: record.position,
            kind: record.kind,
            version: record.version,
            payload: &record.payload,
        }
    }
}

/// How far a long piece of work has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The last record done.
    pub position: Position,
    /// The last record to do.
    pub end: Position,
    /// Events done so far.
    pub events: u64,
}

#[cfg(test)]
pub(crate) mod held;
