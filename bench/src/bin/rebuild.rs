//! How fast the views are made again from the journal.
// A benchmark reads the wall's clock; its arithmetic is for people to read.
#![allow(clippy::disallowed_methods, clippy::float_arithmetic)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use clap::Parser;
use lineshaft_bench::fill::fill;
use lineshaft_bench::hub::{open_journal, spans};
use lineshaft_bench::machine::{Outcome, folder, median};
use lineshaft_bench::report::Report;
use lineshaft_ports::journal::JournalRead;
use lineshaft_store::index::Index;
use lineshaft_store::views::Projector;

/// Measures how fast the views are made again from the journal. Every event was delivered three times.
#[derive(Debug, Parser)]
struct Arguments {
    /// Events in the journal
    #[arg(long, default_value_t = 500_000)]
    events: u64,
    /// Length of an event as JSON
    #[arg(long, default_value_t = 1024)]
    bytes: usize,
    /// Rounds; the median is reported
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Folder on the disk to measure
    #[arg(long)]
    on: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn main() -> Outcome<()> {
    let arguments = Arguments::parse();
    let place = folder(arguments.on.as_deref())?;
    let mut report = Report::new("rebuild");
    fill(place.path(), arguments.events, arguments.bytes)?;
    let journal = open_journal(place.path())?;
    let records: Arc<dyn JournalRead> = Arc::new(journal.reader());
    let (index_dir, views_dir) = (place.path().join("index"), place.path().join("views"));
    let (mut views_per_s, mut all_per_s) = (Vec::new(), Vec::new());
    for _ in 0..arguments.rounds {
        std::fs::remove_dir_all(&index_dir)?;
        let start = Instant::now();
        let index =
            Index::open(&index_dir, journal.id(), &spans(&journal), Arc::clone(&records), &mut |_| {})?;
        let indexed = start.elapsed();
        let (mut projector, _) = Projector::open(&views_dir, journal.id(), records.end(), index)?;
        let start = Instant::now();
        projector.rebuild(&*records, &mut |_| {})?;
        let rebuilt = start.elapsed();
        views_per_s.push(arguments.events as f64 / rebuilt.as_secs_f64());
        all_per_s.push(arguments.events as f64 / (rebuilt + indexed).as_secs_f64());
    }
    report.at_least("views made again", median(&views_per_s), "events/s", 100_000.0);
    report.add("segment indexes and views made again", median(&all_per_s), "events/s");
    report.print(arguments.json)
}
