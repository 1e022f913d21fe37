//! Many pending deliveries while the destinations are down: memory, the start after an abrupt end, and how fast they drain.
// A benchmark reads the wall's clock; its arithmetic is for people to read.
#![allow(clippy::disallowed_methods, clippy::float_arithmetic, clippy::print_stdout)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use lineshaft_bench::feed::Feed;
use lineshaft_bench::hub::Bench;
use lineshaft_bench::machine::{Outcome, folder, resident_kib};
use lineshaft_bench::report::Report;

/// As the hub's own program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures a backlog: memory while it grows, the start with it, and how fast it drains.
#[derive(Clone, Debug, Parser)]
struct Arguments {
    /// Pending deliveries, one for each event
    #[arg(long, default_value_t = 100_000)]
    events: u64,
    /// Length of an event as JSON
    #[arg(long, default_value_t = 1024)]
    bytes: usize,
    /// Folder on the disk to measure
    #[arg(long)]
    on: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// The part that a child process plays
    #[arg(long, hide = true)]
    part: Option<Part>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Part {
    Fill,
    Drain,
}

/// The longest a part may take.
const LONGEST: Duration = Duration::from_secs(600);

/// Events in one call.
const GROUP: usize = 256;

fn main() -> Outcome<()> {
    let arguments = Arguments::parse();
    match arguments.part {
        None => measure(&arguments),
        Some(part) => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            let place = arguments.on.clone().ok_or("a part needs --on")?;
            match part {
                Part::Fill => runtime.block_on(fill(&arguments, &place)),
                Part::Drain => runtime.block_on(drain(&arguments, &place)),
            }
        }
    }
}

fn measure(arguments: &Arguments) -> Outcome<()> {
    let place = folder(arguments.on.as_deref())?;
    let mut report = Report::new("backlog");
    let mut filling = child(arguments, place.path(), Part::Fill)?;
    let pid = filling.id();
    let mut resident_mib = Vec::new();
    read_lines(&mut filling, |word, _| {
        if word == "sent" {
            resident_mib.push(resident_kib(pid).unwrap_or(0) as f64 / 1024.0);
        }
        word != "full"
    })?;
    // No orderly end: what is started next finds what a crash leaves.
    filling.kill()?;
    filling.wait()?;
    let half = resident_mib.get(resident_mib.len() / 2).copied().unwrap_or_default();
    let most = resident_mib.iter().copied().fold(0.0, f64::max);
    report.add("pending deliveries", arguments.events as f64, "");
    report.add("resident with half of them pending", half, "MiB");
    report.add("resident at most", most, "MiB");
    report.at_most("resident at most / with half", most / half, "x", 1.1);
    let mut draining = child(arguments, place.path(), Part::Drain)?;
    let pid = draining.id();
    let mut serving_s = f64::MAX;
    let mut drained_per_s = 0.0;
    let mut after = 0.0;
    read_lines(&mut draining, |word, number| {
        match word {
            "serving" => {
                serving_s = number;
                after = resident_kib(pid).unwrap_or(0) as f64 / 1024.0;
            }
            "drained" => drained_per_s = number,
            _ => {}
        }
        true
    })?;
    draining.wait()?;
    report.at_most("started with them in", serving_s, "s", 5.0);
    report.add("resident after the start", after, "MiB");
    report.add("drained", drained_per_s, "1/s");
    report.print(arguments.json)
}

fn child(arguments: &Arguments, place: &Path, part: Part) -> Outcome<Child> {
    let part = match part {
        Part::Fill => "fill",
        Part::Drain => "drain",
    };
    let child = Command::new(std::env::current_exe()?)
        .args(["--events", &arguments.events.to_string(), "--bytes", &arguments.bytes.to_string()])
        .args(["--part", part, "--on"])
        .arg(place)
        .stdout(Stdio::piped())
        .spawn()?;
    Ok(child)
}

/// Tells `heard` each line of a child, a word and a number, while it wants more.
fn read_lines(child: &mut Child, mut heard: impl FnMut(&str, f64) -> bool) -> Outcome<()> {
    let output = child.stdout.take().ok_or("the child has no output")?;
    for line in BufReader::new(output).lines() {
        let line = line?;
        let (word, number) = line.split_once(' ').unwrap_or((&line, "0"));
        if !heard(word, number.parse()?) {
            break;
        }
    }
    Ok(())
}

async fn fill(arguments: &Arguments, place: &Path) -> Outcome<()> {
    let bench = Bench::open(place, 1, true)?;
    let mut feed = Feed::new(5, arguments.bytes);
    let steps = 20;
    let each = (arguments.events / steps / GROUP as u64).max(1);
    let mut sent = 0;
    while sent < arguments.events {
        for _ in 0..each {
            // Made when it is sent: the load must not be what is measured.
            sent += bench.send(vec![feed.batch(GROUP)], 1).await?;
        }
        println!("sent {sent}");
    }
    println!("full {sent}");
    // Until the parent ends this process.
    tokio::time::sleep(Duration::from_secs(60)).await;
    Ok(())
}

async fn drain(arguments: &Arguments, place: &Path) -> Outcome<()> {
    let start = Instant::now();
    let bench = Bench::open(place, 1, true)?;
    println!("serving {}", start.elapsed().as_secs_f64());
    tokio::time::sleep(Duration::from_secs(1)).await;
    bench.target.down.store(false, Ordering::Relaxed);
    let mut began = None;
    loop {
        let taken = bench.target.taken.load(Ordering::Relaxed);
        // The breaker lets the first through after its pause; the rate is that of the rest.
        if taken > 0 && began.is_none() {
            began = Some((Instant::now(), taken));
        }
        if let Some((since, first)) = began
            && taken >= arguments.events
        {
            println!("drained {}", (taken - first) as f64 / since.elapsed().as_secs_f64());
            break;
        }
        if start.elapsed() > LONGEST {
            return Err(format!("only {taken} of {} were delivered in time", arguments.events).into());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    bench.hub.stop().await;
    Ok(())
}
