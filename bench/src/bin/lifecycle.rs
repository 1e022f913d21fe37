//! The full life cycle of events in one process (read, checked, duplicates found, routed three ways, journalled, delivered to
//! sinks that answer at once, outcomes recorded, views applied) beside the raw append limit of the same disk.
// A benchmark reads the wall's clock; its arithmetic is for people to read.
#![allow(clippy::disallowed_methods, clippy::float_arithmetic)]

use std::path::{Path, PathBuf};
use std::time::Instant;

use bytes::Bytes;
use clap::Parser;
use lineshaft_bench::feed::{Feed, OBJECTS, subject};
use lineshaft_bench::fill::fill;
use lineshaft_bench::hub::{Bench, now};
use lineshaft_bench::machine::{Outcome, Spent, Stretch, folder, median, quantile};
use lineshaft_bench::report::Report;
use lineshaft_model::Position;
use lineshaft_model::record::{EventHead, RecordKind, VERSION};
use lineshaft_ports::journal::Batch;
use lineshaft_store::journal::disk::RealDisk;
use lineshaft_store::journal::{Journal, Options};

/// As the hub's own program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures the full life cycle of events against the raw append limit of the same disk, in turn in one run.
#[derive(Debug, Parser)]
struct Arguments {
    /// Events in each round
    #[arg(long, default_value_t = 51_200)]
    events: usize,
    /// Rounds of each; the medians are reported
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Events in a group
    #[arg(long, default_value_t = 256)]
    group: usize,
    /// Groups handed over before the first is acknowledged
    #[arg(long, default_value_t = 2)]
    in_flight: usize,
    /// Length of an event as JSON
    #[arg(long, default_value_t = 1024)]
    bytes: usize,
    /// Fills so many events first, and compares with a fresh store
    #[arg(long, default_value_t = 0)]
    retained: u64,
    /// Folder on the disk to measure
    #[arg(long)]
    on: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What the rounds of one kind came to.
#[derive(Debug, Default)]
struct Rounds {
    per_s: Vec<f64>,
    acknowledged_per_s: Vec<f64>,
    cpu_us: Vec<f64>,
    written: Vec<f64>,
}

impl Rounds {
    fn add(&mut self, events: usize, spent: Spent, acknowledged_s: f64) {
        self.per_s.push(events as f64 / spent.wall_s);
        self.acknowledged_per_s.push(events as f64 / acknowledged_s);
        self.cpu_us.push(spent.cpu_s * 1e6 / events as f64);
        self.written.push(spent.written as f64 / events as f64);
    }
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let arguments = Arguments::parse();
    let place = folder(arguments.on.as_deref())?;
    let mut report = Report::new("lifecycle");
    let mut raw = Raw::open(&place.path().join("raw"), &arguments)?;
    let fresh = Bench::open(&place.path().join("fresh"), 3, false)?;
    let full = match arguments.retained {
        0 => None,
        retained => {
            let folder = place.path().join("full");
            let filled = fill(&folder, retained, arguments.bytes)?;
            report.add("filled, events applied a second", filled.applied_per_s, "events/s");
            let opening = Instant::now();
            let full = Bench::open(&folder, 3, false)?;
            report.add("opened with them in", opening.elapsed().as_secs_f64(), "s");
            Some(full)
        }
    };
    let (mut limit, mut on_fresh, mut on_full) = (Rounds::default(), Rounds::default(), Rounds::default());
    for round in 0..=arguments.rounds {
        let mut kinds = vec![(&fresh, &mut on_fresh)];
        kinds.extend(full.as_ref().map(|full| (full, &mut on_full)));
        for (bench, rounds) in kinds {
            let measured =
                live(bench, &arguments, (round * 2 + 1) as u64 + rounds.per_s.len() as u64 * 1000).await?;
            // The first round warms up.
            if round > 0 {
                rounds.add(arguments.events, measured.0, measured.1);
            }
        }
        let spent = raw.append()?;
        if round > 0 {
            limit.add(arguments.events, spent, spent.wall_s);
        }
    }
    tell(&mut report, &limit, &on_fresh, full.is_some().then_some(&on_full));
    if let Some(full) = &full {
        search(full, &mut report)?;
        full.hub.stop().await;
    }
    fresh.hub.stop().await;
    report.print(arguments.json)
}

fn tell(report: &mut Report, limit: &Rounds, fresh: &Rounds, full: Option<&Rounds>) {
    let (raw, whole) = (median(&limit.per_s), median(&fresh.per_s));
    report.add("raw append", raw, "events/s");
    report.add("raw append, CPU", median(&limit.cpu_us), "us/event");
    report.add("raw append, written", median(&limit.written), "B/event");
    report.add("acknowledged", median(&fresh.acknowledged_per_s), "events/s");
    report.add("whole life cycle", whole, "events/s");
    report.add("whole life cycle, CPU", median(&fresh.cpu_us), "us/event");
    report.at_most("whole life cycle, written", median(&fresh.written), "B/event", 1800.0);
    report.at_least("whole life cycle / raw append", 100.0 * whole / raw, "%", 45.0);
    report.add("acknowledged / raw append", 100.0 * median(&fresh.acknowledged_per_s) / raw, "%");
    if let Some(full) = full {
        report.add("with retained events", median(&full.per_s), "events/s");
        report.add("with retained events, CPU", median(&full.cpu_us), "us/event");
        report.add("with retained events, written", median(&full.written), "B/event");
        let pairs: Vec<f64> =
            full.per_s.iter().zip(&fresh.per_s).map(|(full, fresh)| 100.0 * full / fresh).collect();
        report.at_least("with retained events / fresh", median(&pairs), "%", 80.0);
    }
}

/// One round through the hub: what it took until the views had everything, and when the last was acknowledged.
async fn live(bench: &Bench, arguments: &Arguments, seed: u64) -> Outcome<(Spent, f64)> {
    let mut feed = Feed::new(seed, arguments.bytes);
    let groups = arguments.events / arguments.group;
    let batches: Vec<Bytes> = (0..groups).map(|_| feed.batch(arguments.group)).collect();
    let before = bench.end();
    let (stretch, start) = (Stretch::begin()?, Instant::now());
    let events = bench.send(batches, arguments.in_flight).await?;
    let acknowledged_s = start.elapsed().as_secs_f64();
    // Each event is one record, and each of its three deliveries ends with one.
    bench.applied(Position(before.0 + 4 * events)).await?;
    let spent = stretch.end()?;
    // Besides them only the marks of how far processes have followed the journal, one in a hundred thousand records.
    let (records, owed) = (bench.end().0 - before.0, 4 * events);
    if !(owed..=owed + owed / 1_000).contains(&records) {
        return Err(format!("{records} records instead of {owed}").into());
    }
    Ok((spent, acknowledged_s))
}

/// A journal alone, and a round's batches as the hub would write them.
struct Raw {
    journal: Journal,
    batches: Vec<Batch>,
}

impl Raw {
    fn open(folder: &Path, arguments: &Arguments) -> Outcome<Self> {
        let options = Options { reserve_bytes: 0, ..Options::default() };
        std::fs::create_dir_all(folder)?;
        let journal = Journal::open(RealDisk, folder, options, now()).map_err(|error| error.to_string())?;
        let mut feed = Feed::new(7, arguments.bytes);
        let mut batches = Vec::new();
        for _ in 0..arguments.events / arguments.group {
            let mut batch = Batch::new();
            for _ in 0..arguments.group {
                batch.push(RecordKind::Event as u8, VERSION, |buf| {
                    feed.record(EventHead::default(), now(), true, buf);
                })?;
            }
            batches.push(batch);
        }
        Ok(Self { journal, batches })
    }

    fn append(&mut self) -> Outcome<Spent> {
        let stretch = Stretch::begin()?;
        for batch in &self.batches {
            self.journal.append(batch, now()).map_err(|fatal| format!("{fatal:?}"))?;
        }
        stretch.end()
    }
}

/// Searches by number, each for another object.
fn search(bench: &Bench, report: &mut Report) -> Outcome<()> {
    let mut took_ms = Vec::new();
    for n in 0..500u32 {
        let text = subject(n.wrapping_mul(7919) % OBJECTS);
        let start = Instant::now();
        let hits = bench.hub.reading().search("main", &text, 20)?;
        took_ms.push(start.elapsed().as_secs_f64() * 1e3);
        if hits.is_empty() {
            return Err(format!("{text} is not found").into());
        }
    }
    report.add("search by number, p50", quantile(&took_ms, 0.5), "ms");
    report.at_most("search by number, p99", quantile(&took_ms, 0.99), "ms", 50.0);
    Ok(())
}
