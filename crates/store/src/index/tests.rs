//! Indexes answer as a scan of the journal does, across segments, after a restart and after damage.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use lineshaft_model::record::{EventRecord, OutcomeRecord, RecordKind};
use lineshaft_model::{Fingerprint, Millis, Position};
use lineshaft_ports::journal::{JournalRead, Record};
use proptest::prelude::*;

use super::file::{BlockFile, path_of};
use super::pairs::{self, BLOCK_BYTES};
use super::{Index, Span};
use crate::applied::AppliedRecord;
use crate::applied::held::{Held, journal_of, steps};

const JOURNAL: u64 = 42;

/// What a scan of the records finds.
#[derive(Default)]
struct Scan {
    identities: BTreeMap<(String, String), Vec<Position>>,
    keys: BTreeMap<String, BTreeSet<Position>>,
    outcomes: BTreeMap<Position, Vec<Position>>,
    received: Vec<(Position, Millis)>,
}

fn scan(records: &[Record]) -> Scan {
    let mut scan = Scan::default();
    for record in records {
        let position = record.position;
        if record.kind == RecordKind::Event as u8 {
            let Ok(event) = EventRecord::decode(&record.payload) else { continue };
            let identity = (event.source.to_owned(), event.id.to_owned());
            scan.identities.entry(identity).or_default().insert(0, position);
            let object = event.object().map_or("", |(_, key)| key);
            let own = [event.subject, object, event.id, event.correlationid];
            for key in own.into_iter().chain(event.keys().map(|(_, key)| key)).filter(|key| !key.is_empty()) {
                scan.keys.entry(key.to_owned()).or_default().insert(position);
            }
            scan.received.push((position, event.received));
        } else if record.kind == RecordKind::Outcome as u8 {
            let Ok(outcome) = OutcomeRecord::decode(&record.payload) else { continue };
            // An outcome of an event that is yet to come is a fault of its writer, and nobody asks for it.
            if outcome.delivery.event < position {
                scan.outcomes.entry(outcome.delivery.event).or_default().push(position);
            }
        }
    }
    scan
}

fn assert_answers(index: &Index, scan: &Scan, end: Position) {
    for ((source, id), positions) in &scan.identities {
        let identity = Fingerprint::of(&[source, id]);
        assert_eq!(&index.candidates(identity).unwrap(), positions, "{id}");
    }
    for (key, positions) in &scan.keys {
        let newest: Vec<Position> = positions.iter().rev().copied().collect();
        assert_eq!(
            index.positions_of_key("main", key, Position(u64::MAX), usize::MAX).unwrap(),
            newest,
            "{key}"
        );
        let middle = newest[newest.len() / 2];
        let before: Vec<Position> = newest.iter().copied().filter(|p| *p < middle).take(2).collect();
        assert_eq!(index.positions_of_key("main", key, middle, 2).unwrap(), before, "{key} before {middle}");
        assert!(index.positions_of_key("other", key, Position(u64::MAX), 9).unwrap().is_empty());
    }
    for (event, positions) in &scan.outcomes {
        assert_eq!(&index.outcomes_of(*event, None).unwrap(), positions, "{event}");
    }
    assert!(index.outcomes_of(end.plus(5), None).unwrap().is_empty());
    for (position, at) in &scan.received {
        let found = index.position_at_time(*at).unwrap();
        assert!(found <= *position, "{found} is after {position}, which was received at {at}");
    }
    let seen = index.seen().unwrap();
    assert!(scan.identities.keys().all(|(source, id)| seen.maybe(Fingerprint::of(&[source, id]))));
    assert_eq!(seen.len(), scan.received.len() as u64);
}

/// Cuts a journal of so many records into segments.
fn spans_of(end: u64, cuts: &[u64]) -> Vec<Span> {
    let mut firsts: Vec<u64> = cuts.iter().map(|cut| cut % end + 1).chain([1]).collect();
    firsts.sort_unstable();
    firsts.dedup();
    let lasts = firsts.iter().skip(1).map(|first| first - 1).chain([end]);
    firsts
        .iter()
        .zip(lasts)
        .map(|(first, last)| Span { first: Position(*first), last: Position(last) })
        .collect()
}

fn feed(index: &Index, held: &Held, spans: &[Span]) {
    for span in spans {
        index.segment_started(span.first).unwrap();
        for record in held.records().iter().filter(|r| (span.first..=span.last).contains(&r.position)) {
            index.feed(&[AppliedRecord::from(record)]).unwrap();
        }
    }
}

fn empty(dir: &Path, held: &Held) -> Index {
    let span = Span { first: Position(1), last: Position(0) };
    let nothing = Arc::new(Held::default());
    drop(Index::open(dir, JOURNAL, &[span], nothing, &mut |_| {}).unwrap());
    // Reading for repairs goes to the full journal.
    let index = Index::open(dir, JOURNAL, &[span], Arc::new(Growing(held.clone())), &mut |_| {}).unwrap();
    assert_eq!(index.upto(), Position::ZERO);
    index
}

/// A journal that was empty when the index was opened.
#[derive(Debug)]
struct Growing(Held);

impl JournalRead for Growing {
    fn first(&self) -> Position {
        Position(1)
    }

    fn end(&self) -> Position {
        Position::ZERO
    }

    fn get(&self, position: Position) -> Result<Option<Record>, lineshaft_ports::journal::ReadError> {
        self.0.get(position)
    }

    fn read_from(
        &self,
        position: Position,
    ) -> Result<lineshaft_ports::journal::Records, lineshaft_ports::journal::ReadError> {
        self.0.read_from(position)
    }

    fn segments(&self) -> Vec<lineshaft_ports::journal::Segment> {
        self.0.segments()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn indexes_answer_as_a_scan_does(steps in steps(160), cuts in proptest::collection::vec(any::<u64>(), 0..4),
                                     at: u64, bit in 0u8..8) {
        let held = journal_of(&steps);
        let end = held.end();
        prop_assume!(end > Position::ZERO);
        let spans = spans_of(end.0, &cuts);
        let scan = scan(&held.records());
        let dir = tempfile::tempdir().unwrap();

        let grown = empty(dir.path(), &held);
        feed(&grown, &held, &spans);
        prop_assert_eq!(grown.upto(), end);
        assert_answers(&grown, &scan, end);
        // Once more changes nothing.
        feed(&grown, &held, &spans);
        assert_answers(&grown, &scan, end);

        let records: Arc<dyn JournalRead> = Arc::new(held);
        let reopened = Index::open(dir.path(), JOURNAL, &spans, Arc::clone(&records), &mut |_| {}).unwrap();
        assert_answers(&reopened, &scan, end);

        // A flipped bit anywhere is found when the file is opened or the block read, and the index made again.
        if spans.len() > 1 {
            let path = path_of(dir.path(), spans[0].first);
            let mut bytes = fs::read(&path).unwrap();
            let flipped = (at % bytes.len() as u64) as usize;
            bytes[flipped] ^= 1 << bit;
            fs::write(&path, &bytes).unwrap();
            assert_answers(&reopened, &scan, end);
            let opened = Index::open(dir.path(), JOURNAL, &spans, Arc::clone(&records), &mut |_| {}).unwrap();
            assert_answers(&opened, &scan, end);
            fs::remove_file(&path).unwrap();
            let opened = Index::open(dir.path(), JOURNAL, &spans, records, &mut |_| {}).unwrap();
            assert_answers(&opened, &scan, end);
        }
    }

    #[test]
    fn a_table_reads_back_and_no_flipped_bit_passes(
        mut given in proptest::collection::vec((0u64..1 << 48, any::<u32>()), 1..3000),
        repeated in 0u64..1 << 48, repeats in 0u32..3000, flip in 0..BLOCK_BYTES * 8,
    ) {
        given.extend((0..repeats).map(|value| (repeated, value * 7)));
        given.sort_unstable();
        given.dedup();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.idx");
        let mut bytes = Vec::new();
        let table = pairs::write(&mut bytes, &given);
        let mut block: [u8; BLOCK_BYTES] = bytes[..BLOCK_BYTES].try_into().unwrap();
        super::file::write(&path, bytes, b"{}", &table.fences).unwrap();
        let (file, _) = BlockFile::open(&path).unwrap();

        let mut read = Vec::new();
        table.in_range(&file, 0, u64::MAX, |key, value| read.push((key, value))).unwrap();
        prop_assert_eq!(&read, &given);
        let mut latest = Vec::new();
        table.latest(&file, repeated, 9_000, 40, &mut latest).unwrap();
        let of_key = given.iter().rev().filter(|(key, value)| *key == repeated && *value < 9_000);
        prop_assert_eq!(latest, of_key.take(40).map(|pair| pair.1).collect::<Vec<_>>());
        let below = given.iter().rev().find(|pair| pair.0 <= repeated).copied();
        prop_assert_eq!(table.last_to(&file, repeated).unwrap(), below);

        block[flip / 8] ^= 1 << (flip % 8);
        prop_assert_eq!(pairs::decode(&block, |_, _| true), None);
    }
}

#[test]
fn trimming_forgets_whole_segments_and_their_files() {
    let held = Held::default();
    for n in 0..90 {
        held.push(RecordKind::Tally, vec![n]);
    }
    let dir = tempfile::tempdir().unwrap();
    let spans = spans_of(90, &[30, 60]);
    let index = empty(dir.path(), &held);
    feed(&index, &held, &spans);
    assert_eq!((index.first(), index.stats().segments), (Position(1), 3));
    index.trim_before(Position(40)).unwrap();
    assert_eq!((index.first(), index.stats().segments), (Position(31), 2));
    assert!(!path_of(dir.path(), Position(1)).exists() && path_of(dir.path(), Position(31)).exists());
    // Left behind by a process that was killed while trimming.
    fs::write(path_of(dir.path(), Position(1)), b"old").unwrap();
    drop(Index::open(dir.path(), JOURNAL, &spans[1..], Arc::new(held), &mut |_| {}).unwrap());
    assert!(!path_of(dir.path(), Position(1)).exists());
}

#[test]
fn an_index_of_another_journal_is_made_again() {
    let held = Held::default();
    for n in 0..9 {
        held.push(RecordKind::Tally, vec![n]);
    }
    let dir = tempfile::tempdir().unwrap();
    let spans = spans_of(9, &[4]);
    feed(&empty(dir.path(), &held), &held, &spans);
    let path = path_of(dir.path(), Position(1));
    let before = fs::read(&path).unwrap();
    drop(Index::open(dir.path(), JOURNAL + 1, &spans, Arc::new(held), &mut |_| {}).unwrap());
    assert_ne!(fs::read(&path).unwrap(), before);
}
