//! `lineshaft bench`: what this machine and this disk let a hub do, in a few seconds.

use std::io::Write;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use clap::Args;
use lineshaft_engine::clock::{Clock, SystemClock};
use lineshaft_model::Position;
use lineshaft_model::record::{EventHead, RecordKind, VERSION};
use lineshaft_ports::journal::Batch;
use serde::Serialize;

use super::Around;
use super::listing::{Shape, table};
use crate::failure::{Exit, Failure, Outcome};
use crate::measure::Measured;
use crate::measure::feed::Feed;
use crate::measure::rig::{Bench as Rig, now, open_journal};
use crate::table::Column;

/// Measures this machine: the bare disk, the journal alone, and whole lives of events in one process.
///
/// Writes about 3 KiB for each event into a folder of its own, which is removed afterwards.
#[derive(Args, Debug)]
pub struct Bench {
    /// Folder on the disk to measure: where the hub's data is to be
    #[arg(long, value_name = "DIR", default_value = ".")]
    on: PathBuf,
    /// Events of 1 KiB to send through the hub
    #[arg(long, value_name = "N", default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1_000..=5_000_000))]
    events: u32,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// An event's size as JSON.
const EVENT_BYTES: usize = 1024;
/// Events in one request and in one group commit.
const GROUP: u32 = 250;
/// Requests under way at once.
const IN_FLIGHT: usize = 16;
/// Bare writes, and events sent one at a time.
const SINGLE: usize = 200;

/// One figure, in whole units.
#[derive(Clone, Debug, Serialize)]
struct Figure {
    what: &'static str,
    value: u64,
    unit: &'static str,
}

#[derive(Debug, Serialize)]
struct Report {
    version: &'static str,
    processors: usize,
    folder: String,
    figures: Vec<Figure>,
}

const COLUMNS: &[Column] = &[Column::new("MEASURED"), Column::number("VALUE"), Column::new("UNIT")];

fn cells(figure: &Figure) -> Vec<String> {
    vec![figure.what.to_owned(), figure.value.to_string(), figure.unit.to_owned()]
}

impl Bench {
    /// Runs the command.
    pub fn run(&self, around: &Around) -> Outcome {
        let folder = Folder::make(&self.on)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::io("the runtime cannot start", "tokio", &error))?;
        let measured = runtime.block_on(self.measure(around, &folder.0));
        around.terminal.progress_done();
        let figures = measured.map_err(|error| {
            lineshaft_model::Reason::new("bench-failed", format!("the measurement broke off: {error}"))
                .at(folder.0.display().to_string())
                .hint("is there room on the disk? --events N needs about 3 KiB for each")
        })?;
        let report = Report {
            version: env!("CARGO_PKG_VERSION"),
            processors: std::thread::available_parallelism().map_or(0, usize::from),
            folder: self.on.display().to_string(),
            figures,
        };
        if self.json {
            around.terminal.json(&report)?;
            return Ok(Exit::Well);
        }
        table(around, &report.figures, Shape { columns: COLUMNS, cells, empty: "" })?;
        let build = if cfg!(debug_assertions) {
            " (a debug build: a release build is several times as fast)"
        } else {
            ""
        };
        around.terminal.note(&format!("{} processors, {}{build}", report.processors, report.folder));
        Ok(Exit::Well)
    }

    async fn measure(&self, around: &Around, folder: &Path) -> Measured<Vec<Figure>> {
        let clock = SystemClock::new();
        let mut figures = Vec::new();
        around.terminal.progress("bare writes");
        let bare = tokio::task::block_in_place(|| bare_us(&clock, &folder.join("bare")))?;
        figures.extend(quantiles(["bare write and sync, p50", "bare write and sync, p99"], bare));

        around.terminal.progress("the journal alone");
        let groups = self.events.div_ceil(GROUP);
        let events = u64::from(groups) * u64::from(GROUP);
        let append_us = tokio::task::block_in_place(|| append_us(&clock, &folder.join("alone"), groups))?;
        let append_per_s = per_second(events, append_us);
        figures.push(Figure { what: "journal alone", value: append_per_s, unit: "events/s" });

        around.terminal.progress("whole lives of events, three deliveries each");
        let rig = Rig::open(&folder.join("hub"), 3, false)?;
        let mut feed = Feed::new(1, EVENT_BYTES);
        let batches: Vec<Bytes> = (0..groups).map(|_| feed.batch(GROUP as usize)).collect();
        let (written, begun) = (written_bytes(), clock.ticks_us());
        rig.send(batches, IN_FLIGHT).await?;
        let acknowledged_us = clock.ticks_us() - begun;
        // Each event is one record, and each of its three deliveries ends with one.
        rig.applied(Position(4 * events)).await?;
        let whole_per_s = per_second(events, clock.ticks_us() - begun);
        let share = whole_per_s * 100 / append_per_s.max(1);
        figures.extend([
            Figure { what: "acknowledged", value: per_second(events, acknowledged_us), unit: "events/s" },
            Figure { what: "delivered three times and in the views", value: whole_per_s, unit: "events/s" },
            Figure { what: "the same, of the journal alone", value: share, unit: "%" },
        ]);
        if let (Some(before), Some(after)) = (written, written_bytes()) {
            let each = after.saturating_sub(before) / events;
            figures.push(Figure { what: "written", value: each, unit: "B/event" });
        }

        around.terminal.progress("one event at a time");
        let mut single_us = Vec::with_capacity(SINGLE);
        for _ in 0..SINGLE {
            let begun = clock.ticks_us();
            rig.send(vec![feed.batch(1)], 1).await?;
            single_us.push(clock.ticks_us() - begun);
        }
        figures.extend(quantiles(["one event acknowledged, p50", "one event acknowledged, p99"], single_us));
        rig.hub.stop().await;
        Ok(figures)
    }
}

/// How long a write of one event with its sync takes: what bounds every acknowledgement.
fn bare_us(clock: &dyn Clock, file: &Path) -> std::io::Result<Vec<u64>> {
    let mut file = std::fs::File::create(file)?;
    let bytes = vec![b'x'; EVENT_BYTES];
    let mut took_us = Vec::with_capacity(SINGLE);
    for _ in 0..SINGLE {
        let begun = clock.ticks_us();
        file.write_all(&bytes)?;
        file.sync_data()?;
        took_us.push(clock.ticks_us() - begun);
    }
    Ok(took_us)
}

/// How long the journal takes for the events of so many groups, each synced.
fn append_us(clock: &dyn Clock, folder: &Path, groups: u32) -> Measured<u64> {
    let mut journal = open_journal(folder)?;
    let mut feed = Feed::new(2, EVENT_BYTES);
    let mut took_us = 0;
    for _ in 0..groups {
        let mut batch = Batch::new();
        for _ in 0..GROUP {
            batch.push(RecordKind::Event as u8, VERSION, |buf| {
                feed.record(EventHead::default(), now(), true, buf);
            })?;
        }
        let begun = clock.ticks_us();
        journal.append(&batch, now()).map_err(|fatal| fatal.reason.to_string())?;
        took_us += clock.ticks_us() - begun;
    }
    Ok(took_us)
}

fn per_second(count: u64, took_us: u64) -> u64 {
    count.saturating_mul(1_000_000) / took_us.max(1)
}

/// The median and the 99th percentile.
fn quantiles(names: [&'static str; 2], mut took_us: Vec<u64>) -> [Figure; 2] {
    took_us.sort_unstable();
    let at = |percent: usize| {
        let rank = (took_us.len() * percent).div_ceil(100).max(1);
        took_us.get(rank - 1).copied().unwrap_or_default()
    };
    let [p50, p99] = names;
    [Figure { what: p50, value: at(50), unit: "us" }, Figure { what: p99, value: at(99), unit: "us" }]
}

/// What this process has had written to storage; unknown where the system does not tell.
fn written_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/io").ok()?;
    text.lines().find_map(|line| line.strip_prefix("write_bytes:"))?.trim().parse().ok()
}

/// A folder of this run, gone when it ends.
struct Folder(PathBuf);

impl Folder {
    fn make(on: &Path) -> Result<Self, Failure> {
        let path = on.join(format!("lineshaft-bench-{:016x}", rand::random::<u64>()));
        std::fs::create_dir(&path)
            .map_err(|error| Failure::io("the folder cannot be made", path.display(), &error))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left behind is a folder with a telling name.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_those_of_the_samples() {
        let names = ["p50", "p99"];
        let of = |samples: Vec<u64>| quantiles(names, samples).map(|figure| figure.value);
        assert_eq!(of((1..=100).rev().collect()), [50, 99]);
        assert_eq!(of(vec![7]), [7, 7]);
        assert_eq!(of(Vec::new()), [0, 0]);
        assert_eq!((per_second(500, 250_000), per_second(1, 0)), (2_000, 1_000_000));
    }

    #[test]
    fn a_small_run_measures_everything_and_leaves_nothing() {
        let on = tempfile::tempdir().unwrap();
        let folder = Folder::make(on.path()).unwrap();
        let around =
            Around { variables: std::iter::empty().collect(), terminal: crate::terminal::Terminal::pipe() };
        let bench = Bench { on: on.path().to_owned(), events: 1_000, json: true };
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let figures = runtime.block_on(bench.measure(&around, &folder.0)).unwrap();
        let names: Vec<&str> = figures.iter().map(|figure| figure.what).collect();
        assert_eq!(names.len(), names.iter().collect::<std::collections::BTreeSet<_>>().len(), "{names:?}");
        for what in [
            "bare write and sync, p50",
            "journal alone",
            "delivered three times and in the views",
            "one event acknowledged, p99",
        ] {
            let figure = figures.iter().find(|figure| figure.what == what).unwrap();
            assert!(figure.value > 0, "{figure:?}");
        }
        drop(folder);
        assert_eq!(std::fs::read_dir(on.path()).unwrap().count(), 0);
    }
}
