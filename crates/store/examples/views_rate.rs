//! Measures how fast records are applied to the views and the index, and what that writes.
//!
//! `cargo run --release -p lineshaft-store --example views_rate -- [millions retained before] [thousands measured] [load] [folder]`
//!
//! The load: events of 1 KiB with random ids about 100,000 objects, three owed deliveries and three delivered outcomes
//! each, in groups of 256 events, in segments of 220,000. Making the records is not part of the figures; reading them from
//! a disk is not either. The load `well` delivers everything, `down` leaves the third destination unanswered, `poison` makes
//! every hundredth delivery a dead letter that parks its key.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    clippy::float_arithmetic,
    reason = "a measurement needs a stopwatch and words; it ends at the first error"
)]

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use lineshaft_model::record::{EventHead, EventRecord, OutcomeRecord, Owed, RecordKind, VERSION};
use lineshaft_model::{
    DeliveryId, Envelope, Event, Fingerprint, Millis, Outcome, OutcomeKind, Position, Priority, Raw,
};
use lineshaft_ports::journal::{JournalRead, ReadError, Record, Records};
use lineshaft_store::applied::AppliedRecord;
use lineshaft_store::index::{Index, Span};
use lineshaft_store::views::{Projector, Views};

const GROUP_EVENTS: u64 = 256;
const DELIVERIES: u64 = 3;
const GROUP_RECORDS: u64 = GROUP_EVENTS * (1 + DELIVERIES);
const SEGMENT_GROUPS: u64 = 860;
const OBJECTS: u64 = 100_000;
const JOURNAL: u64 = 7;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Load {
    Well,
    Down,
    Poison,
}

static LOAD: OnceLock<Load> = OnceLock::new();

impl Load {
    fn named(word: &str) -> Self {
        match word {
            "well" => Self::Well,
            "down" => Self::Down,
            "poison" => Self::Poison,
            _ => panic!("the load is well, down or poison"),
        }
    }

    /// What becomes of a delivery, by its number and the number of its outcome.
    fn kind(self, n: u64, outcome: u64) -> OutcomeKind {
        match self {
            Self::Down if n == 2 => OutcomeKind::Again,
            Self::Poison if outcome.is_multiple_of(100) => OutcomeKind::Dead,
            _ => OutcomeKind::Delivered,
        }
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let millions: u64 = arguments.next().map_or(0, |n| n.parse().unwrap());
    let thousands: u64 = arguments.next().map_or(1_000, |n| n.parse().unwrap());
    let load = arguments.next().map_or(Load::Well, |word| Load::named(&word));
    LOAD.set(load).unwrap();
    let dir = arguments.next().map_or_else(|| std::env::temp_dir().join("views_rate"), PathBuf::from);
    std::fs::remove_dir_all(&dir).ok();

    let before = millions * 1_000_000 / GROUP_EVENTS;
    let groups = thousands * 1_000 / GROUP_EVENTS;
    let mut bench = Bench::open(&dir);
    if before > 0 {
        bench.run("to fill", 0, before);
    }
    bench.run("applied", before, before + groups);
    bench.ask(before + groups);
    bench.start(&dir, before + groups);
    if millions <= 2 {
        bench.rebuild(before + groups);
    }
}

struct Bench {
    index: Index,
    projector: Projector,
    views: Views,
}

impl Bench {
    fn open(dir: &Path) -> Self {
        let spans = [Span { first: Position(1), last: Position(0) }];
        let records = Arc::new(Made { groups: 0 });
        let index = Index::open(&dir.join("index"), JOURNAL, &spans, records, &mut |_| {}).unwrap();
        let (projector, views) = Projector::open(dir, JOURNAL, Position(0), index.clone()).unwrap();
        Self { index, projector, views }
    }

    fn run(&mut self, what: &str, from: u64, to: u64) {
        let wrote = bytes_written();
        let (mut wall, mut longest, mut on_cpu) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
        for group in from..to {
            let records = group_of(group);
            let borrowed: Vec<AppliedRecord<'_>> = records.iter().map(AppliedRecord::from).collect();
            let (start, cpu) = (Instant::now(), cpu_time());
            if group % SEGMENT_GROUPS == 0 {
                self.projector.segment_started(records[0].position).unwrap();
            }
            self.projector.gather(&borrowed).unwrap();
            let took = start.elapsed();
            wall += took;
            on_cpu += cpu_time().saturating_sub(cpu);
            longest = longest.max(took);
        }
        let (start, cpu) = (Instant::now(), cpu_time());
        self.projector.commit().unwrap();
        wall += start.elapsed();
        on_cpu += cpu_time().saturating_sub(cpu);
        let events = (to - from) * GROUP_EVENTS;
        let wrote = bytes_written() - wrote;
        println!(
            "{what}: {events} events, {:.0} events/s ({:.0} per second on the processor), {:.0} bytes written per event, longest call {:?}",
            events as f64 / wall.as_secs_f64(),
            events as f64 / on_cpu.as_secs_f64(),
            wrote as f64 / events as f64,
            longest
        );
    }

    fn ask(&self, groups: u64) {
        let stats = self.index.stats();
        println!(
            "index: {} segments, {:.1} bytes of file per event, {} bytes resident, {} bytes open",
            stats.segments,
            stats.file_bytes as f64 / stats.events as f64,
            stats.resident_bytes,
            stats.open_bytes
        );
        let end = groups * GROUP_EVENTS;
        let start = Instant::now();
        for n in 0..10_000 {
            let key = format!("BOLT-{:06}/A-01", mix(n) % OBJECTS);
            self.views.object_head("main", "inventory-position", &key).unwrap().unwrap();
        }
        println!("head of an object: {:?}", start.elapsed() / 10_000);
        for counts in self.views.counts() {
            println!("{counts:?}");
        }
        let start = Instant::now();
        let from = DeliveryId { event: Position(0), n: 0 };
        let rows = self.views.runnable("bi.load", Priority::Normal, from, 1000).unwrap();
        println!("first page of a lane: {} rows in {:?}", rows.len(), start.elapsed());
        let mut times: Vec<Duration> = (0..2_000)
            .map(|n| {
                let start = Instant::now();
                let found = self.index.positions_of_key("main", &id_of(mix(n) % end), Position(u64::MAX), 20);
                assert!(!found.unwrap().is_empty());
                start.elapsed()
            })
            .collect();
        times.sort();
        println!("search by an id: p50 {:?}, p99 {:?}, longest {:?}", times[1000], times[1980], times[1999]);
        let start = Instant::now();
        let seen = self.index.seen().unwrap();
        println!(
            "filter of {} identities: {} bytes, made in {:?}",
            seen.len(),
            seen.memory_bytes(),
            start.elapsed()
        );
        let start = Instant::now();
        let suspects = (0..1_000_000)
            .filter(|n| seen.maybe(Fingerprint::of(&["urn:lineshaft:main:wms", &id_of(end + n)])))
            .count();
        println!("a million new ids: {suspects} suspected, {:?}", start.elapsed());
    }

    fn start(&self, dir: &Path, groups: u64) {
        let start = Instant::now();
        let spans: Vec<Span> = self.index.segments().iter().map(|(span, _)| *span).collect();
        let records = Arc::new(Made { groups });
        let index = Index::open(&dir.join("index"), JOURNAL, &spans, records, &mut |_| {}).unwrap();
        let opened = start.elapsed();
        index.seen().unwrap();
        println!(
            "start: indexes opened in {opened:?} (making the open segment's records included), with the filter {:?}",
            start.elapsed()
        );
    }

    fn rebuild(&mut self, groups: u64) {
        let start = Instant::now();
        let making = Made { groups }.read_from(Position(1)).unwrap().count();
        let making_took = start.elapsed();
        assert_eq!(making as u64, groups * GROUP_RECORDS);
        let wrote = bytes_written();
        let start = Instant::now();
        self.projector.rebuild(&Made { groups }, &mut |_| {}).unwrap();
        let took = start.elapsed().saturating_sub(making_took);
        let events = groups * GROUP_EVENTS;
        println!(
            "rebuilt: {:.0} events/s, {:.0} bytes written per event",
            events as f64 / took.as_secs_f64(),
            (bytes_written() - wrote) as f64 / events as f64
        );
    }
}

/// A journal whose records are made when they are asked for.
#[derive(Debug)]
struct Made {
    groups: u64,
}

impl JournalRead for Made {
    fn first(&self) -> Position {
        Position(1)
    }

    fn end(&self) -> Position {
        Position(self.groups * GROUP_RECORDS)
    }

    fn get(&self, position: Position) -> Result<Option<Record>, ReadError> {
        self.read_from(position)?.next().transpose()
    }

    fn read_from(&self, position: Position) -> Result<Records, ReadError> {
        let group = (position.0 - 1) / GROUP_RECORDS;
        let records = (group..self.groups).flat_map(group_of);
        Ok(Box::new(records.skip_while(move |record| record.position < position).map(Ok)))
    }

    fn segments(&self) -> Vec<lineshaft_ports::journal::Segment> {
        Vec::new()
    }
}

fn group_of(group: u64) -> Vec<Record> {
    let first = group * GROUP_RECORDS + 1;
    let at = Millis(1_795_411_800_000 + group.cast_signed() * 2);
    let data = format!(
        "{{\"quantity\":{{\"value\":\"12.500\",\"unit\":\"KGM\"}},\"text\":\"{}\"}}",
        "x".repeat(960)
    );
    let record = |n: u64, kind: RecordKind, payload: Vec<u8>| Record {
        position: Position(first + n),
        kind: kind as u8,
        version: VERSION,
        written: at,
        payload: Bytes::from(payload),
    };
    let mut event = Event {
        envelope: Envelope {
            source: "urn:lineshaft:main:wms".into(),
            event_type: "lineshaft.inventory.counted.v1".into(),
            tenant: "main".into(),
            ..Envelope::default()
        },
        data: Bytes::from(data),
        raw: Raw::Same,
        intake: "wms/counts".into(),
        keys: Vec::new(),
        received: at,
    };
    let load = LOAD.get().copied().unwrap_or(Load::Well);
    let mut records = Vec::with_capacity(GROUP_RECORDS as usize);
    for n in 0..GROUP_EVENTS {
        let number = group * GROUP_EVENTS + n;
        event.envelope.id = id_of(number);
        event.envelope.subject = format!("BOLT-{:06}/A-01", mix(number) % OBJECTS);
        event.envelope.revision = number + 1;
        let owed = ["erp.post-difference", "aps.tell", "bi.load"].map(|destination| Owed {
            route: "counts",
            destination,
            priority: Priority::Normal,
            order_key: &event.envelope.subject,
            parks: true,
        });
        let mut payload = Vec::with_capacity(1_300);
        EventRecord::encode(&mut payload, EventHead::default(), &event, &owed);
        records.push(record(n, RecordKind::Event, payload));
    }
    for n in 0..GROUP_EVENTS * DELIVERIES {
        let outcome = Outcome {
            delivery: DeliveryId { event: Position(first + n / DELIVERIES), n: (n % DELIVERIES) as u8 },
            kind: load.kind(n % DELIVERIES, group * GROUP_EVENTS * DELIVERIES + n),
            attempt: 1,
            at,
            due: Millis(0),
            status: 200,
            reason: None,
            foreign_key: None,
            actor: None,
            amendment: Position::ZERO,
        };
        let mut payload = Vec::with_capacity(24);
        OutcomeRecord::encode(&mut payload, &outcome);
        records.push(record(GROUP_EVENTS + n, RecordKind::Outcome, payload));
    }
    records
}

fn id_of(number: u64) -> String {
    format!("{:016x}-{:08x}", mix(number.wrapping_add(99)), mix(number) as u32)
}

fn mix(n: u64) -> u64 {
    let n = (n ^ (n >> 30)).wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) ^ (n >> 31)
}

/// What this thread has spent on a processor: on a busy machine it says more than the clock.
fn cpu_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0))
}

/// Bytes that this process has caused to be written to the disk.
fn bytes_written() -> u64 {
    let text = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("write_bytes: "));
    line.and_then(|n| n.parse().ok()).unwrap_or(0)
}
