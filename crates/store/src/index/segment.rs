//! The index of one closed segment: made from the open one, read back from its file.

use std::path::Path;

use lineshaft_model::record::RecordKind;
use lineshaft_model::{Millis, Position};
use serde::{Deserialize, Serialize};

use super::file::{self, BlockFile};
use super::open::OpenIndex;
use super::pairs::{self, Pairs};
use super::{IndexError, Span};

/// What a segment holds, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentStats {
    /// Records by the number of their kind.
    pub kinds: Vec<u64>,
    /// Events by type.
    pub types: Vec<TypeCount>,
    /// Whether there were more types than are counted.
    pub further_types: bool,
    /// The earliest and the latest receipt of an event.
    pub received: Option<(Millis, Millis)>,
    /// The first and the last event that an outcome here belongs to.
    pub settles: Option<(Position, Position)>,
}

/// How many events there are of a type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeCount {
    /// The type.
    pub event_type: String,
    /// Its events.
    pub events: u64,
}

impl SegmentStats {
    pub(super) fn count_kind(&mut self, kind: u8) {
        let kind = usize::from(kind);
        if self.kinds.len() <= kind {
            self.kinds.resize(kind + 1, 0);
        }
        self.kinds[kind] += 1;
    }

    /// How many events there are.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.kinds.get(RecordKind::Event as usize).copied().unwrap_or(0)
    }

    /// Whether there may be an event of this type.
    #[must_use]
    pub fn may_have(&self, event_type: &str) -> bool {
        self.further_types || self.types.iter().any(|count| count.event_type == event_type)
    }

    pub(super) fn may_settle(&self, event: Position) -> bool {
        self.settles.is_some_and(|(first, last)| (first..=last).contains(&event))
    }
}

/// The JSON in the head of a file.
#[derive(Serialize, Deserialize)]
struct Head {
    journal: u64,
    first: Position,
    last: Position,
    stats: SegmentStats,
    tables: [Table; 4],
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Table {
    start: u64,
    blocks: usize,
    count: u64,
}

/// A closed segment's index: tables in the file, their first keys in memory.
#[derive(Debug)]
pub(super) struct SegmentIndex {
    pub(super) span: Span,
    pub(super) file: BlockFile,
    pub(super) identities: Pairs,
    pub(super) keys: Pairs,
    pub(super) outcomes: Pairs,
    pub(super) times: Pairs,
    pub(super) stats: SegmentStats,
}

/// Writes the index of a segment that takes no more records.
pub(super) fn write(dir: &Path, journal: u64, open: &OpenIndex) -> Result<(), IndexError> {
    let mut bytes = Vec::new();
    let mut fences = Vec::new();
    let mut table = |pairs: &[(u64, u32)]| {
        let table = pairs::write(&mut bytes, pairs);
        fences.extend_from_slice(&table.fences);
        Table { start: table.start, blocks: table.fences.len(), count: table.count }
    };
    let tables = [
        table(&open.identities.sorted()),
        table(&open.keys.sorted()),
        table(&open.outcomes.sorted()),
        table(&open.times),
    ];
    let head = Head { journal, first: open.first, last: open.last, stats: open.stats.clone(), tables };
    let path = file::path_of(dir, open.first);
    let json = serde_json::to_vec(&head).map_err(|source| IndexError::File {
        path: path.clone(),
        verb: "written",
        source: source.into(),
    })?;
    file::write(&path, bytes, &json, &fences)
}

impl SegmentIndex {
    /// Opens the index of a segment of this journal. One of another journal or another span counts as damaged: it is made
    /// again.
    pub(super) fn open(dir: &Path, journal: u64, span: Span) -> Result<Self, IndexError> {
        let (file, head) = BlockFile::open(&file::path_of(dir, span.first))?;
        let fences = head.fences;
        let head: Head = serde_json::from_slice(&head.json).map_err(|_| file.damaged())?;
        if head.journal != journal || (Span { first: head.first, last: head.last }) != span {
            return Err(file.damaged());
        }
        let mut rest = fences.as_slice();
        let mut table = |table: Table| {
            let (fences, after) = rest.split_at_checked(table.blocks)?;
            rest = after;
            Some(Pairs { start: table.start, count: table.count, fences: fences.into() })
        };
        let [identities, keys, outcomes, times] = head.tables;
        let tables = (|| Some((table(identities)?, table(keys)?, table(outcomes)?, table(times)?)))();
        let (identities, keys, outcomes, times) = tables.ok_or_else(|| file.damaged())?;
        Ok(Self { span, file, identities, keys, outcomes, times, stats: head.stats })
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let tables = [&self.identities, &self.keys, &self.outcomes, &self.times];
        size_of::<Self>() + tables.iter().map(|table| table.fences.len() * 8).sum::<usize>()
    }
}
