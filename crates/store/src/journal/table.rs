//! The sparse table of a segment: where a record lies, without remembering every record.
//!
//! Entries are at most [`STRIDE_BYTES`] apart, or one record when that is longer, so a record is found by reading one
//! small range. The table of the segment being written grows in memory; closing the segment writes it into the seal.

use lineshaft_model::Position;

use super::frame::{HEADER_BYTES, u32_at, u64_at};

/// How far entries may be apart.
pub(crate) const STRIDE_BYTES: u64 = 16 << 10;

const ENTRY_BYTES: usize = 12;

/// The last bytes of a seal's body: where the seal starts, so that it is found from the file's end.
pub(crate) const SEAL_OFFSET_BYTES: usize = 8;

/// A record whose place is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its position, counted from the segment's first.
    delta: u32,
    /// Where its frame starts.
    frame: u32,
    /// Where it starts itself.
    record: u32,
}

/// A range of bytes in which a record lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    /// Where the frame of the first record of the range starts.
    pub(crate) frame: u64,
    /// Where that record starts.
    pub(crate) start: u64,
    /// Its position.
    pub(crate) position: Position,
    /// Where the next remembered record starts; `None` in the last range.
    pub(crate) end: Option<u64>,
}

/// The table of one segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    first: Position,
    entries: Vec<Entry>,
}

impl Table {
    pub(crate) const fn new(first: Position) -> Self {
        Self { first, entries: Vec::new() }
    }

    /// Takes in the record at `position`, which lies at `record` in the frame at `frame` and ends at `end`. Records
    /// come in order.
    pub(crate) fn note(&mut self, position: Position, frame: u64, record: u64, end: u64) {
        let far = self.entries.last().is_none_or(|last| end - u64::from(last.record) > STRIDE_BYTES);
        if far {
            // A segment is shorter than 4 GiB and a record takes several bytes, so nothing is cut off here.
            let entry = Entry {
                delta: (position.0 - self.first.0) as u32,
                frame: frame as u32,
                record: record as u32,
            };
            self.entries.push(entry);
        }
    }

    /// Takes in a frame whose records have payloads of these lengths.
    pub(crate) fn note_frame(&mut self, frame: u64, first: Position, totals: impl Iterator<Item = u64>) {
        let mut at = frame + HEADER_BYTES as u64;
        for (position, total) in (first.0..).zip(totals) {
            self.note(Position(position), frame, at, at + total);
            at += total;
        }
    }

    /// The range in which the record at `position` lies, if it is in this segment at all.
    pub(crate) fn find(&self, position: Position) -> Option<Range> {
        let delta = position.0.checked_sub(self.first.0)?;
        let after = self.entries.partition_point(|entry| u64::from(entry.delta) <= delta);
        let entry = self.entries.get(after.checked_sub(1)?)?;
        Some(Range {
            frame: u64::from(entry.frame),
            start: u64::from(entry.record),
            position: self.first.plus(u64::from(entry.delta)),
            end: self.entries.get(after).map(|next| u64::from(next.record)),
        })
    }

    /// The body of the seal that starts at `seal`.
    pub(crate) fn encode(&self, seal: u64) -> Vec<u8> {
        let mut body = Vec::with_capacity(self.entries.len() * ENTRY_BYTES + SEAL_OFFSET_BYTES);
        for entry in &self.entries {
            body.extend_from_slice(&entry.delta.to_le_bytes());
            body.extend_from_slice(&entry.frame.to_le_bytes());
            body.extend_from_slice(&entry.record.to_le_bytes());
        }
        body.extend_from_slice(&seal.to_le_bytes());
        body
    }

    /// The table in the body of a seal whose checksum holds, and where the body says that the seal starts.
    pub(crate) fn decode(first: Position, body: &[u8]) -> Option<(Self, u64)> {
        let (entries, seal) = body.split_last_chunk::<SEAL_OFFSET_BYTES>()?;
        if entries.len() % ENTRY_BYTES != 0 {
            return None;
        }
        let entries = entries.chunks_exact(ENTRY_BYTES).map(|bytes| Entry {
            delta: u32_at(bytes, 0),
            frame: u32_at(bytes, 4),
            record: u32_at(bytes, 8),
        });
        Some((Self { first, entries: entries.collect() }, u64_at(seal, 0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_is_found_in_a_small_range() {
        let mut table = Table::new(Position(10));
        let mut places = Vec::new();
        let (mut frame, mut position) = (64, 10);
        for round in 0..200u64 {
            let totals: Vec<u64> = (0..round % 7 + 1).map(|n| 10 + (round * 977 + n * 331) % 9000).collect();
            table.note_frame(frame, Position(position), totals.iter().copied());
            let mut at = frame + HEADER_BYTES as u64;
            for total in totals {
                places.push((position, frame, at, total));
                at += total;
                position += 1;
            }
            frame = at + 4;
        }
        for (position, frame, at, total) in places {
            let range = table.find(Position(position)).unwrap();
            assert!(range.position <= Position(position) && range.start <= at && range.frame <= frame);
            if let Some(end) = range.end {
                assert!(at + total <= end);
                assert!(end - range.start <= STRIDE_BYTES + 44 + 9010, "{range:?}");
            }
        }
        assert_eq!(table.find(Position(9)), None);
    }

    #[test]
    fn a_large_record_does_not_widen_the_range_of_its_neighbours() {
        let mut table = Table::new(Position(1));
        table.note_frame(64, Position(1), [100, 50_000_000, 100].into_iter());
        assert_eq!(table.find(Position(1)).unwrap().end, Some(204));
        assert_eq!(table.find(Position(3)).unwrap().start, 204 + 50_000_000);
    }

    #[test]
    fn a_table_reads_back_from_its_seal() {
        let mut table = Table::new(Position(5));
        table.note_frame(64, Position(5), [20_000; 20].into_iter());
        let body = table.encode(777);
        assert_eq!(Table::decode(Position(5), &body), Some((table, 777)));
        assert_eq!(Table::decode(Position(5), &body[1..]), None);
        assert_eq!(Table::decode(Position(5), &[]), None);
    }
}
