//! How fast a plant is netted whole, and how fast one change runs through all its levels, in processor time of one core.
// A benchmark reads the wall's clock; its arithmetic is for people to read.
#![allow(clippy::disallowed_methods, clippy::float_arithmetic)]

use clap::Parser;
use lineshaft_bench::machine::{Outcome, cpu_us, median, quantile, resident_kib};
use lineshaft_bench::plant::{DAY_MS, LEVELS, Plant};
use lineshaft_bench::report::Report;
use lineshaft_model::Millis;
use lineshaft_planning::record::Supply;
use lineshaft_planning::{Change, Plan, Record, Settings};
use rand::prelude::*;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures how fast a generated plant is netted whole, and how fast one change runs through all its levels.
#[derive(Debug, Parser)]
struct Arguments {
    /// Supplies and demands, the outputs and components of orders among them
    #[arg(long, default_value_t = 1_000_000)]
    elements: usize,
    /// Changes of a purchase order's date, each in turn; as many are only asked about
    #[arg(long, default_value_t = 2_000)]
    changes: usize,
    /// Rounds of the whole computation; the median is reported
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Let operations wait for their work centres
    #[arg(long)]
    finite: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn main() -> Outcome<()> {
    let arguments = Arguments::parse();
    let mut report = Report::new("planning");
    let plant = Plant::new(arguments.elements);
    let mut plan = Plan::new(Settings { now: Millis(0), finite_capacity: arguments.finite });
    let start = cpu_us();
    plan.load(plant.records().map(Change::Put));
    let loaded = since_us(start) / 1e6;
    let counts = plan.counts();
    report.add("supplies and demands", (counts.supplies + counts.demands) as f64, "elements");
    report.add("item-sites", counts.item_sites as f64, "");
    report.add("orders", counts.orders as f64, "");
    report.add("pegs", counts.pegs as f64, "");
    report.at_least("levels", f64::from(counts.deepest + 1), "", LEVELS as f64);
    report.add("first load, records made and read", loaded, "s");
    let mut whole = Vec::new();
    for _ in 0..arguments.rounds {
        let start = cpu_us();
        plan.recompute();
        whole.push(since_us(start) / 1e6);
    }
    report.at_most("whole computation", median(&whole), "s", 2.0);
    report.at_most("memory", resident_kib(std::process::id())? as f64 / 1024.0, "MiB", 1024.0);
    let lines = plant.purchases();
    let mut random = StdRng::seed_from_u64(7);
    let (mut changed_us, mut moving_us, mut asked_us) = (Vec::new(), Vec::new(), Vec::new());
    let (mut levels, mut moved) = (Vec::new(), 0_usize);
    let mut most_moved = 0;
    for number in 0..2 * arguments.changes {
        let Some(line) = lines.choose(&mut random) else { break };
        let later = random.random_range(1..30) * DAY_MS;
        let confirmed = line.confirmed.map(|at| at.plus(later));
        let change = [Change::Put(Record::Supply(Supply { confirmed, ..line.clone() }))];
        // In turn asked and done, so that neither finds what the other has just touched.
        if number % 2 == 0 {
            let start = cpu_us();
            plan.what_if(&change);
            asked_us.push(since_us(start));
            continue;
        }
        let start = cpu_us();
        let impact = plan.apply(change);
        let took = since_us(start);
        changed_us.push(took);
        if !impact.orders.is_empty() {
            moving_us.push(took);
        }
        levels.push(impact.netted as f64);
        moved += impact.orders.len();
        most_moved = most_moved.max(impact.orders.len());
    }
    report.at_most("one change, half of them within", median(&changed_us), "us", 500.0);
    report.at_most("one change, 99 of 100 within", quantile(&changed_us, 0.99), "us", 5_000.0);
    report.add("changes that move orders", moving_us.len() as f64, "");
    report.at_most("one that moves orders, half of them within", median(&moving_us), "us", 500.0);
    report.at_most("one that moves orders, 99 of 100 within", quantile(&moving_us, 0.99), "us", 5_000.0);
    report.add("the longest", quantile(&changed_us, 1.0), "us");
    report.add("one what-if, 99 of 100 within", quantile(&asked_us, 0.99), "us");
    report.add("item-sites netted for a change, 99 of 100 within", quantile(&levels, 0.99), "");
    report.add("orders moved by a change, mean", moved as f64 / changed_us.len().max(1) as f64, "");
    report.add("orders moved by a change, most", most_moved as f64, "");
    report.print(arguments.json)
}

fn since_us(start_us: u64) -> f64 {
    (cpu_us() - start_us) as f64
}
