//! The engine under simulation: the real recorder, couriers and projector over a simulated disk, clock and targets, in
//! schedules drawn from a seed. A failing seed reproduces.
//!
//! ```text
//! SIMULATION_SEEDS=1000..2000 cargo nextest run -p lineshaft-engine simulation
//! ```

#![allow(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::print_stderr,
    reason = "the simulated world stands in for the supervisor, and fails by a panic that names the seed's history"
)]

pub(crate) mod clock;
mod target;
mod world;

use world::World;

/// Seeds run by every test run; more on demand through `SIMULATION_SEEDS=from..to`.
const SEEDS: std::ops::Range<u64> = 0..150;

fn seeds() -> std::ops::Range<u64> {
    let asked = std::env::var("SIMULATION_SEEDS").ok();
    let parsed = asked.as_deref().and_then(|text| {
        let (from, to) = text.split_once("..")?;
        Some(from.parse().ok()?..to.parse().ok()?)
    });
    parsed.unwrap_or(SEEDS)
}

#[test]
fn nothing_is_lost_doubled_or_reordered_whatever_happens() {
    let mut totals = world::Happened::default();
    for seed in seeds() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let happened = runtime.block_on(async { World::new(seed).play().await });
        totals.add(&happened);
    }
    // A schedule in which nothing goes wrong proves nothing.
    eprintln!("{totals:?}");
    assert!(totals.crashes > 100 && totals.power_cuts > 20, "{totals:?}");
    assert!(totals.lost_answers > 100 && totals.duplicates > 100 && totals.dead > 20, "{totals:?}");
    assert!(totals.edited > 50 && totals.approved > 10 && totals.crashed_edited > 10, "{totals:?}");
    assert!(totals.delivered > 1_000 && totals.clock_sets > 50, "{totals:?}");
    // A lane and its system crash in every state there is, and nothing is stuck afterwards.
    for state in [
        "pending",
        "retrying",
        "unknown",
        "parked",
        "dead",
        "under way",
        "paused",
        "breaker set",
        "breaker open",
        "breaker half open",
        "maintenance",
    ] {
        assert!(totals.with.get(state).is_some_and(|times| *times >= 3), "{state}: {totals:?}");
    }
}

#[test]
fn a_critical_delivery_overtakes_a_hundred_thousand_of_bulk() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let overtaken = runtime.block_on(async { World::new(1).overtake(100_000).await });
    eprintln!("{overtaken:?}");
    // It is asked for as soon as one of the calls under way has ended, or the next.
    assert!(overtaken.held == 3 && overtaken.slots <= 1, "{overtaken:?}");
    assert!(overtaken.bulk >= 30, "bulk keeps a tenth: {overtaken:?}");
}

/// Worlds whose journal keeps little more than the segment being written.
#[test]
fn what_is_dropped_is_not_missed_whatever_happens() {
    let mut totals = world::Happened::default();
    for seed in seeds().take(80) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let happened = runtime.block_on(async { World::that_keeps(seed, 2 << 10).play().await });
        totals.add(&happened);
    }
    eprintln!("{totals:?}");
    assert!(totals.crashes > 50 && totals.power_cuts > 10, "{totals:?}");
    assert!(totals.dropped > 80 && totals.carried > 160, "{totals:?}");
}

#[test]
fn the_same_seed_gives_the_same_history() {
    let run = |seed| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async { World::new(seed).play().await })
    };
    assert_eq!(run(7), run(7));
}
