//! The index over all segments: what it answers, how it grows, closes a segment, mends itself and is trimmed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lineshaft_model::record::{CarriedHead, EventRecord, OutcomeRecord, RecordKind};
use lineshaft_model::{Fingerprint, Millis, Position};
use lineshaft_ports::journal::JournalRead;
use parking_lot::{RwLock, RwLockWriteGuard};

use super::make::Work;
use super::open::{OpenIndex, time_key};
use super::segment::{self, SegmentIndex};
use super::{IndexError, Seen, SegmentStats, Span, cut, delivery_key, file, key_of};
use crate::applied::{AppliedRecord, Progress};

/// The index over every retained record. Cheap to clone; any thread may ask, one feeds it.
#[derive(Clone, Debug)]
pub struct Index(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    dir: PathBuf,
    journal: u64,
    records: Arc<dyn JournalRead>,
    /// Oldest first. Whoever takes both locks takes this one first.
    closed: RwLock<Closed>,
    open: RwLock<OpenIndex>,
    upto: AtomicU64,
}

type Closed = Arc<[Arc<SegmentIndex>]>;

/// The index in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IndexStats {
    /// Segments, the open one included.
    pub segments: u64,
    /// Events in them.
    pub events: u64,
    /// Bytes of the index files.
    pub file_bytes: u64,
    /// Memory that the closed segments' heads take, in bytes.
    pub resident_bytes: u64,
    /// Memory that the open segment's index takes, in bytes.
    pub open_bytes: u64,
    /// Events by type.
    pub types: BTreeMap<String, u64>,
    /// Records by kind.
    pub kinds: BTreeMap<&'static str, u64>,
}

impl Index {
    /// Opens the indexes of a journal's segments, oldest first, the open one last. A missing or damaged file is made
    /// again from the records; the open segment is read to its end. Files of segments no longer there are removed.
    pub fn open(
        dir: &Path,
        journal: u64,
        segments: &[Span],
        records: Arc<dyn JournalRead>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, IndexError> {
        let failed = |verb| move |source| IndexError::File { path: dir.to_owned(), verb, source };
        fs::create_dir_all(dir).map_err(failed("made"))?;
        for entry in fs::read_dir(dir).map_err(failed("listed"))? {
            let path = entry.map_err(failed("listed"))?.path();
            let stale = file::position_in_name(&path)
                .is_some_and(|first| !segments.iter().any(|span| span.first == first));
            if stale {
                fs::remove_file(&path).map_err(failed("removed"))?;
            }
        }
        let (open, closed) = match segments.split_last() {
            Some((open, closed)) => (open.first, closed),
            None => (records.end().next(), segments),
        };
        let mut work = Work::new(&*records, records.end(), progress);
        let closed: Closed = closed
            .iter()
            .map(|span| work.open_or_make(dir, journal, *span).map(Arc::new))
            .collect::<Result<_, _>>()?;
        let open = work.scan(Span { first: open, last: records.end() })?;
        let upto = AtomicU64::new(open.last.0);
        let (closed, open) = (RwLock::new(closed), RwLock::new(open));
        Ok(Self(Arc::new(Shared { dir: dir.to_owned(), journal, records, closed, open, upto })))
    }

    /// A filter over all retained identities.
    pub fn seen(&self) -> Result<Seen, IndexError> {
        let closed = self.closed();
        let open = self.0.open.read();
        let held: u64 = closed.iter().map(|segment| segment.identities.count).sum();
        let mut seen = Seen::with_room_for(held + open.identities.len() as u64);
        for key in open.identities.keys() {
            seen.insert_cut(key);
        }
        drop(open);
        for segment in closed.iter() {
            // Inserted again when the file turns out to be damaged: once more does no harm.
            self.mended(segment, |segment| {
                segment.identities.in_range(&segment.file, 0, u64::MAX, |key, _| seen.insert_cut(key))
            })?;
        }
        Ok(seen)
    }

    /// The last record taken in.
    #[must_use]
    pub fn upto(&self) -> Position {
        Position(self.0.upto.load(Ordering::Acquire))
    }

    /// Where an event of this identity may be, newest first. The caller compares source and id with the record.
    pub fn candidates(&self, identity: Fingerprint) -> Result<Vec<Position>, IndexError> {
        self.latest(Table::Identities, cut(identity), Position(u64::MAX), usize::MAX)
    }

    /// Where the events before `before` are that speak of a business key: as their object's, in their subject, among
    /// their further keys, as their id or their business transaction; newest first, at most `limit`. The caller compares
    /// the key with the record when one in 2^48 matters.
    pub fn positions_of_key(
        &self,
        tenant: &str,
        key: &str,
        before: Position,
        limit: usize,
    ) -> Result<Vec<Position>, IndexError> {
        self.latest(Table::Keys, key_of(tenant, key), before, limit)
    }

    fn latest(
        &self,
        table: Table,
        key: u64,
        before: Position,
        limit: usize,
    ) -> Result<Vec<Position>, IndexError> {
        let mut positions = Vec::new();
        let mut values = Vec::new();
        let closed = self.0.closed.read();
        let open = self.0.open.read();
        if let Some(before) = offset_before(open.first, before) {
            let runs = match table {
                Table::Identities => &open.identities,
                Table::Keys => &open.keys,
            };
            runs.latest(key, before, limit, &mut values);
            positions.extend(values.iter().map(|value| open.first.plus(u64::from(*value))));
        }
        drop(open);
        let segments = Arc::clone(&closed);
        drop(closed);
        for segment in segments.iter().rev() {
            if positions.len() >= limit {
                break;
            }
            let Some(before) = offset_before(segment.span.first, before) else { continue };
            let room = limit - positions.len();
            self.mended(segment, |segment| {
                values.clear();
                let pairs = match table {
                    Table::Identities => &segment.identities,
                    Table::Keys => &segment.keys,
                };
                pairs.latest(&segment.file, key, before, room, &mut values)
            })?;
            positions.extend(values.iter().map(|value| segment.span.first.plus(u64::from(*value))));
        }
        Ok(positions)
    }

    /// The outcome records of an event, or of one of its deliveries, oldest first.
    pub fn outcomes_of(&self, event: Position, n: Option<u8>) -> Result<Vec<Position>, IndexError> {
        let from = delivery_key(event, n.unwrap_or(0));
        let to = delivery_key(event, n.unwrap_or(u8::MAX));
        let mut positions = Vec::new();
        let closed = self.0.closed.read();
        let open = self.0.open.read();
        if open.stats.may_settle(event) {
            let first = open.first;
            open.outcomes.in_range(from, to, |_, value| positions.push(first.plus(u64::from(value))));
        }
        drop(open);
        let segments = Arc::clone(&closed);
        drop(closed);
        for segment in segments.iter().filter(|s| s.span.last >= event && s.stats.may_settle(event)) {
            let mut values = Vec::new();
            self.mended(segment, |segment| {
                values.clear();
                segment.outcomes.in_range(&segment.file, from, to, |_, value| values.push(value))
            })?;
            positions.extend(values.iter().map(|value| segment.span.first.plus(u64::from(*value))));
        }
        positions.sort_unstable();
        Ok(positions)
    }

    /// A position before which every event was received earlier than `at`, at most a few hundred events too early.
    pub fn position_at_time(&self, at: Millis) -> Result<Position, IndexError> {
        let Some(before) = time_key(at).checked_sub(1) else { return Ok(self.first()) };
        let closed = self.closed();
        // The first segment with an event that late; clocks that went back make an earlier one the safe choice.
        for segment in closed.iter() {
            if segment.stats.received.is_some_and(|(_, last)| last >= at) {
                let mut point = None;
                self.mended(segment, |segment| {
                    point = segment.times.last_to(&segment.file, before)?;
                    Ok(())
                })?;
                return Ok(segment.span.first.plus(point.map_or(0, |(_, value)| u64::from(value))));
            }
        }
        let open = self.0.open.read();
        if open.stats.received.is_none_or(|(_, last)| last < at) {
            return Ok(open.last.next());
        }
        let after = open.times.partition_point(|(key, _)| *key <= before);
        let point = after.checked_sub(1).map_or(0, |point| open.times[point].1);
        Ok(open.first.plus(u64::from(point)))
    }

    /// The segments with what they hold, oldest first, the open one last.
    #[must_use]
    pub fn segments(&self) -> Vec<(Span, SegmentStats)> {
        let closed = self.0.closed.read();
        let open = self.0.open.read();
        let all = closed.iter().map(|segment| (segment.span, segment.stats.clone()));
        all.chain([(open.span(), open.stats.clone())]).collect()
    }

    /// The first record that is indexed.
    #[must_use]
    pub fn first(&self) -> Position {
        let closed = self.0.closed.read();
        closed.first().map_or_else(|| self.0.open.read().first, |segment| segment.span.first)
    }

    /// The index in numbers.
    #[must_use]
    pub fn stats(&self) -> IndexStats {
        let mut stats = IndexStats::default();
        for (_, segment) in self.segments() {
            stats.segments += 1;
            stats.events += segment.events();
            for count in segment.types {
                *stats.types.entry(count.event_type).or_default() += count.events;
            }
            for (kind, records) in segment.kinds.iter().enumerate().filter(|(_, records)| **records > 0) {
                let kind = u8::try_from(kind).ok().and_then(RecordKind::from_byte);
                *stats.kinds.entry(kind.map_or("unknown", RecordKind::as_str)).or_default() += records;
            }
        }
        let closed = self.closed();
        stats.file_bytes = closed.iter().map(|segment| segment.file.bytes).sum();
        stats.resident_bytes = closed.iter().map(|segment| segment.memory_bytes() as u64).sum();
        stats.open_bytes = self.0.open.read().memory_bytes() as u64;
        stats
    }

    /// Forgets the segments whose records all stand before `first_kept`.
    pub fn trim_before(&self, first_kept: Position) -> Result<(), IndexError> {
        let mut closed = self.0.closed.write();
        let gone = closed.partition_point(|segment| segment.span.last < first_kept);
        let paths: Vec<PathBuf> =
            closed[..gone].iter().map(|s| file::path_of(&self.0.dir, s.span.first)).collect();
        *closed = closed[gone..].iter().map(Arc::clone).collect();
        drop(closed);
        for path in paths {
            fs::remove_file(&path).map_err(|source| IndexError::File { path, verb: "removed", source })?;
        }
        Ok(())
    }

    /// Closes the open segment, whose file is written now, and starts the index of the one that begins at `first`.
    /// Nothing is done when that is the open one already.
    pub fn segment_started(&self, first: Position) -> Result<(), IndexError> {
        let open = self.0.open.read();
        if open.first >= first {
            return Ok(());
        }
        // Questions go on meanwhile: the one feeder is here, so nothing changes.
        segment::write(&self.0.dir, self.0.journal, &open)?;
        let made = SegmentIndex::open(&self.0.dir, self.0.journal, open.span())?;
        drop(open);
        let mut closed = self.0.closed.write();
        let mut open = self.0.open.write();
        *closed = closed.iter().map(Arc::clone).chain([Arc::new(made)]).collect();
        *open = OpenIndex::new(first);
        Ok(())
    }

    /// Takes in records; those it has already are passed over.
    pub fn feed(&self, records: &[AppliedRecord<'_>]) -> Result<(), IndexError> {
        let mut feeding = self.feeding();
        for record in records {
            if feeding.wants(record.position) {
                feeding.open.take(*record)?;
            }
        }
        Ok(())
    }

    /// The open segment's index, to be fed with records that are read already.
    pub(crate) fn feeding(&self) -> Feeding<'_> {
        Feeding { open: self.0.open.write(), upto: &self.0.upto }
    }

    /// The journal that it is an index of.
    pub(crate) fn records(&self) -> &dyn JournalRead {
        &*self.0.records
    }

    fn closed(&self) -> Closed {
        Arc::clone(&self.0.closed.read())
    }

    /// Asks a segment; when its file is damaged, makes it again from the journal and asks once more.
    fn mended(
        &self,
        segment: &Arc<SegmentIndex>,
        mut ask: impl FnMut(&SegmentIndex) -> Result<(), IndexError>,
    ) -> Result<(), IndexError> {
        match ask(segment) {
            Err(IndexError::Damaged { path }) => {
                tracing::warn!(path = %path.display(), "index file damaged, made again from the journal");
                let progress = &mut |_| {};
                let mut work = Work::new(&*self.0.records, segment.span.last, progress);
                let made = Arc::new(work.make(&self.0.dir, self.0.journal, segment.span)?);
                let mut closed = self.0.closed.write();
                *closed = closed
                    .iter()
                    .map(|held| Arc::clone(if held.span == made.span { &made } else { held }))
                    .collect();
                drop(closed);
                ask(&made)
            }
            answer => answer,
        }
    }
}

#[derive(Clone, Copy)]
enum Table {
    Identities,
    Keys,
}

/// The offset in a segment that stands for `before`; `None` when the whole segment is not before it.
fn offset_before(first: Position, before: Position) -> Option<u32> {
    let offset = before.0.checked_sub(first.0).filter(|offset| *offset > 0)?;
    Some(u32::try_from(offset).unwrap_or(u32::MAX))
}

/// The open segment's index while records are taken in; questions wait meanwhile.
pub(crate) struct Feeding<'a> {
    open: RwLockWriteGuard<'a, OpenIndex>,
    upto: &'a AtomicU64,
}

impl Feeding<'_> {
    /// Whether this record has not been taken in yet.
    pub(crate) fn wants(&self, position: Position) -> bool {
        position > self.open.last && position >= self.open.first
    }

    pub(crate) fn event(&mut self, position: Position, event: &EventRecord<'_>) -> Result<(), IndexError> {
        if self.wants(position) { self.open.take_event(position, event) } else { Ok(()) }
    }

    pub(crate) fn outcome(&mut self, position: Position, of: &OutcomeRecord<'_>) -> Result<(), IndexError> {
        if self.wants(position) { self.open.take_outcome(position, of) } else { Ok(()) }
    }

    pub(crate) fn carried(&mut self, position: Position, head: &CarriedHead) -> Result<(), IndexError> {
        if self.wants(position) { self.open.take_carried(position, head) } else { Ok(()) }
    }

    pub(crate) fn other(&mut self, position: Position, kind: u8) -> Result<(), IndexError> {
        if self.wants(position) { self.open.take_other(position, kind) } else { Ok(()) }
    }
}

impl Drop for Feeding<'_> {
    fn drop(&mut self) {
        self.upto.store(self.open.last.0, Ordering::Release);
    }
}
