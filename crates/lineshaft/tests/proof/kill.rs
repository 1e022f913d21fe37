//! kill -9 under load, again and again: nothing acknowledged is lost, nothing happens twice, order is kept, the books balance.
//!
//! `KILLS=200` and `RATE=2000` in the environment make it longer and harder, `SEED` another run.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use lineshaft_sim::sink::{Sink, SinkConfig};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;

use crate::ledger::{Effects, Ledger};
use crate::load::{FEED, Load};
use crate::plant::{PATIENCE, Plant, drained};

/// Where every event goes.
const DESTINATIONS: [&str; 3] = ["erp", "wms", "aps"];

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name)
        .ok()
        .map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

/// What the kills came to.
#[derive(Debug, Default)]
struct Struck {
    /// Kills while requests were on their way.
    under_load: u64,
    /// Kills while the hub was starting.
    at_start: u64,
    /// Requests on their way at the moment of a kill, all kills together.
    in_flight: u64,
    /// From each kill to the first answer that the hub is ready.
    restarts: Vec<Duration>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_doubled_or_reordered() {
    let (seed, kills, rate) = (number("SEED", 1), number("KILLS", 25), number("RATE", 500));
    let witness = tempfile::tempdir().unwrap();
    let effects = witness.path().join("effects.jsonl");
    let sink =
        Sink::start(SinkConfig { ledger: Some(effects.clone()), ..SinkConfig::default() }).await.unwrap();
    let plant = Plant::new("");
    plant.write("systems/feed.yaml", FEED);
    for destination in DESTINATIONS {
        plant.write_destination(destination, &sink.url(), "concurrency: 16, timeout: 5s");
        plant.write_route(destination);
    }
    let token = plant.token();
    let load = Load::new(&token, Ledger::open(&witness.path().join("acknowledged.txt")));
    let writers = load.start(seed, rate);
    let begun = Instant::now();
    let struck = strike(&plant, &load, &token, StdRng::seed_from_u64(seed), kills).await;

    let (mut hub, mut caller) = plant.started(&token).await;
    load.address.send_replace(Some(caller.address));
    load.finish(writers).await;
    let books = drained(&mut caller, PATIENCE * 2).await;
    let acknowledged = load.ledger.acknowledged();
    let count = acknowledged.len() as u64;
    let happened = Effects::read(&effects);
    for destination in DESTINATIONS {
        happened.assert_whole(destination, &acknowledged);
    }
    assert_books(&books, count);
    let totals = sink.totals();
    assert_eq!((totals.doubles, totals.key_conflicts, totals.out_of_order), (0, 0, 0), "{totals:?}");
    assert_eq!((totals.without_key, totals.unreadable), (0, 0), "{totals:?}");
    let cut_off = load.cut_off.load(Ordering::Relaxed);
    assert!(
        struck.in_flight > 0 && cut_off > 0,
        "no kill struck a request on its way, so nothing is proved: {struck:?}"
    );

    assert_rebuilt(&plant, &mut hub, &token, &books).await;
    plant.assert_no_fault();
    let mut restarts = struck.restarts;
    restarts.sort();
    eprintln!(
        "{kills} kills in {:.1?} (seed {seed}): {} under load with {} requests on their way, {} at start; {count} events \
         acknowledged, {cut_off} requests cut off, {} of their events known when sent again, {} attempts repeated at the \
         sink; serving again after {:.0?} (median), {:.0?} (slowest)",
        begun.elapsed(),
        struck.under_load,
        struck.in_flight,
        struck.at_start,
        load.known_already.load(Ordering::Relaxed),
        totals.replays,
        restarts.get(restarts.len() / 2).copied().unwrap_or_default(),
        restarts.last().copied().unwrap_or_default(),
    );
}

/// Starts the hub and kills it, so many times. It is left dead.
async fn strike(plant: &Plant, load: &Load, token: &str, mut dice: StdRng, kills: u64) -> Struck {
    let mut struck = Struck::default();
    let mut killed: Option<Instant> = None;
    for kill in 0..kills {
        let mut hub = plant.start();
        // The moment of a kill is what is being varied: these pauses wait for nothing.
        if kill > 0 && dice.random_ratio(1, 5) {
            tokio::time::sleep(Duration::from_millis(dice.random_range(0..400))).await;
            struck.at_start += 1;
        } else {
            let caller =
                hub.serving(token).await.unwrap_or_else(|| panic!("the hub ended:\n{}", plant.last_words()));
            struck.restarts.extend(killed.map(|killed| killed.elapsed()));
            load.address.send_replace(Some(caller.address));
            let goal = *load.acknowledged.borrow() + dice.random_range(1..200);
            load.reached(goal).await;
            tokio::time::sleep(Duration::from_micros(dice.random_range(0..20_000))).await;
            // On a fast disk most moments have no request in them, so each kill waits for one.
            struck.in_flight += load.under_way(Duration::from_micros(dice.random_range(0..100))).await;
            struck.under_load += 1;
        }
        hub.kill();
        killed = Some(Instant::now());
        load.address.send_replace(None);
    }
    struck
}

fn assert_books(books: &Value, count: u64) {
    let sum = |word: &str| -> u64 {
        let inputs = books["inputs"].as_object().unwrap();
        inputs.values().map(|counts| counts[word].as_u64().unwrap()).sum()
    };
    assert_eq!(sum("accepted"), count, "{books:#}");
    assert_eq!((sum("stale"), sum("echo"), sum("quarantined")), (0, 0, 0), "{books:#}");
    let destinations = books["destinations"].as_array().unwrap();
    assert_eq!(destinations.len(), DESTINATIONS.len(), "{books:#}");
    for books in destinations {
        assert_eq!((&books["routed"], &books["delivered"]), (&count.into(), &count.into()), "{books:#}");
    }
}

/// The journal of so many lives is whole, and views made anew from it say the same.
async fn assert_rebuilt(plant: &Plant, hub: &mut crate::plant::Hub, token: &str, books: &Value) {
    assert!(hub.stop().await.success(), "{}", plant.last_words());
    plant.printed(&["journal", "verify", "--data", "data"]);
    std::fs::remove_dir_all(plant.data().join("views")).unwrap();
    std::fs::remove_dir_all(plant.data().join("index")).unwrap();
    let (mut hub, mut caller) = plant.started(token).await;
    let again = drained(&mut caller, PATIENCE).await;
    for part in ["inputs", "destinations"] {
        assert_eq!(again[part], books[part], "the views made anew differ");
    }
    assert!(hub.stop().await.success());
}
