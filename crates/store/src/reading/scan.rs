//! Reads the journal backwards, in pieces, for listings that show the newest first.

use lineshaft_model::Position;
use lineshaft_model::record::{EventRecord, RecordKind};
use lineshaft_model::shown::EventRow;
use lineshaft_model::sight::Act;

use super::{EventFilter, Reading, ReadingError};

/// Records read at a time: few at first, because most pages are full soon.
const FIRST_PIECE: u64 = 512;
const LARGEST_PIECE: u64 = 8192;
/// Records looked at for one page at most.
const MOST_RECORDS: u64 = 65_536;

/// What a scan found.
pub(super) struct Scanned {
    /// Newest first.
    pub(super) rows: Vec<EventRow>,
    /// Where to go on; `None` when the floor was reached.
    pub(super) next: Option<Position>,
}

impl Reading {
    /// The newest events before `before`, down to `floor`, that pass the filter.
    pub(super) fn scan_back(
        &self,
        filter: &EventFilter,
        before: Position,
        floor: Position,
        limit: usize,
    ) -> Result<Scanned, ReadingError> {
        let floor = floor.max(self.journal.first());
        let gaps = self.gaps(filter);
        let mut top = before.min(self.journal.end().next());
        let (mut piece, mut looked_at) = (FIRST_PIECE, 0);
        let mut rows = Vec::new();
        while top > floor {
            if let Some((first, _)) =
                gaps.iter().find(|(first, last)| (*first..=*last).contains(&Position(top.0 - 1)))
            {
                top = *first;
                continue;
            }
            if looked_at >= MOST_RECORDS {
                return Ok(Scanned { rows, next: Some(top) });
            }
            let start = Position(top.0.saturating_sub(piece)).max(floor);
            let mut found = self.matching(filter, start, top)?;
            looked_at += top.0 - start.0;
            while let Some(row) = found.pop() {
                rows.push(row);
                if rows.len() >= limit {
                    let next = rows.last().map(|row| row.position).filter(|last| *last > floor);
                    return Ok(Scanned { rows, next });
                }
            }
            top = start;
            piece = (piece * 2).min(LARGEST_PIECE);
        }
        Ok(Scanned { rows, next: None })
    }

    /// The events in a range that pass the filter, oldest first.
    fn matching(
        &self,
        filter: &EventFilter,
        start: Position,
        top: Position,
    ) -> Result<Vec<EventRow>, ReadingError> {
        let mut rows = Vec::new();
        for record in self.journal.read_from(start)? {
            let record = record?;
            if record.position >= top {
                break;
            }
            if record.kind != RecordKind::Event as u8 {
                continue;
            }
            // One that a later version wrote is shown by that version; it must not hide the others.
            let Ok(event) = EventRecord::decode(&record.payload) else { continue };
            if filter.passes(&event) && self.allows_event(&[Act::See], &event)? {
                rows.push(super::events::row_of(record.position, &event));
            }
        }
        Ok(rows)
    }

    /// The segments that have no event of the type asked for.
    fn gaps(&self, filter: &EventFilter) -> Vec<(Position, Position)> {
        let Some(event_type) = &filter.event_type else { return Vec::new() };
        let segments = self.index.segments().into_iter();
        // The last one grows: what it has not now it may have in a moment.
        let closed = segments.rev().skip(1);
        let without = closed.filter(|(_, stats)| !stats.may_have(event_type));
        without.map(|(span, _)| (span.first, span.last)).collect()
    }
}
