//! How long a sender waits for the answer beside a bare write and sync of the disk, and how long until the third delivery.
// A benchmark reads the wall's clock; its arithmetic is for people to read.
#![allow(clippy::disallowed_methods, clippy::float_arithmetic)]

use std::collections::HashMap;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Parser;
use lineshaft_bench::child;
use lineshaft_bench::load::send_steadily;
use lineshaft_bench::machine::{Outcome, folder, quantile};
use lineshaft_bench::receiver::Receiver;
use lineshaft_bench::report::Report;

/// Measures latencies at a steady rate over real HTTP, in turn with a bare write and sync of the same size.
#[derive(Debug, Parser)]
struct Arguments {
    /// Events a second
    #[arg(long, default_value_t = 200)]
    rate: u64,
    /// Seconds of each round
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Rounds of each
    #[arg(long, default_value_t = 4)]
    rounds: u64,
    /// The hub's program; built when not given
    #[arg(long)]
    hub: Option<PathBuf>,
    /// Folder on the disk to measure
    #[arg(long)]
    on: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Default)]
struct Measured {
    bare_ms: Vec<f64>,
    answered_ms: Vec<f64>,
    third_ms: Vec<f64>,
    third_after_answer_ms: Vec<f64>,
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let arguments = Arguments::parse();
    let place = folder(arguments.on.as_deref())?;
    let (receiver, target) = Receiver::start(true).await?;
    let (_hub, way) = child::hub(arguments.hub.as_deref(), &place.path().join("hub"), target)?;
    let count = arguments.rate * arguments.seconds;
    let mut measured = Measured::default();
    for round in 0..=arguments.rounds {
        let from = round * count;
        let timed = send_steadily(&way, from, count, 1000, arguments.rate).await?;
        receiver.wait_for((from + count) * 3).await?;
        let mut arrived: HashMap<String, Instant> = HashMap::new();
        for (number, at) in receiver.times() {
            let latest = arrived.entry(number).or_insert(at);
            *latest = at.max(*latest);
        }
        let file = place.path().join(format!("bare-{round}"));
        let bare = tokio::task::spawn_blocking({
            let (rate, file) = (arguments.rate, file.clone());
            move || write_steadily(&file, count, rate)
        });
        let bare_ms = bare.await??;
        // The first round warms up.
        if round == 0 {
            continue;
        }
        measured.bare_ms.extend(bare_ms);
        for one in timed {
            let third = arrived.get(&format!("{:012}", one.number)).ok_or("an arrival is missing")?;
            let ms = |from: Instant, to: Instant| to.saturating_duration_since(from).as_secs_f64() * 1e3;
            measured.answered_ms.push(ms(one.sent, one.answered));
            measured.third_ms.push(ms(one.sent, *third));
            measured.third_after_answer_ms.push(ms(one.answered, *third));
        }
    }
    tell(&measured).print(arguments.json)
}

fn tell(measured: &Measured) -> Report {
    let mut report = Report::new("latency");
    let (bare, answered) = (quantile(&measured.bare_ms, 0.5), quantile(&measured.answered_ms, 0.5));
    report.add("bare write and sync, p50", bare, "ms");
    report.add("bare write and sync, p99", quantile(&measured.bare_ms, 0.99), "ms");
    report.add("acknowledged, p50", answered, "ms");
    report.add("acknowledged, p99", quantile(&measured.answered_ms, 0.99), "ms");
    report.at_most("acknowledged - bare, p50", answered - bare, "ms", 1.0);
    report.at_most("sent to third delivery, p50", quantile(&measured.third_ms, 0.5), "ms", 3.0);
    report.at_most("sent to third delivery, p99", quantile(&measured.third_ms, 0.99), "ms", 10.0);
    report.add("answered to third delivery, p50", quantile(&measured.third_after_answer_ms, 0.5), "ms");
    report.add("answered to third delivery, p99", quantile(&measured.third_after_answer_ms, 0.99), "ms");
    report
}

/// Writes and syncs as much as the hub does for an event, at the same rate, in a file that has its length already.
fn write_steadily(path: &Path, count: u64, per_s: u64) -> Outcome<Vec<f64>> {
    const BYTES: usize = 2600;
    let file = std::fs::File::options().create_new(true).write(true).open(path)?;
    // Written once before, so that a sync has no metadata to write besides.
    file.write_all_at(&vec![0u8; BYTES * count as usize], 0)?;
    file.sync_all()?;
    let block = vec![7u8; BYTES];
    let start = Instant::now();
    let mut took = Vec::new();
    for n in 0..count {
        let due = start + Duration::from_micros(n * 1_000_000 / per_s);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let begin = Instant::now();
        file.write_all_at(&block, n * BYTES as u64)?;
        file.sync_data()?;
        took.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    std::fs::remove_file(path)?;
    Ok(took)
}
