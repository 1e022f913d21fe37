//! Reloads under load: destinations come and go, limits change, broken workspaces are refused with file and line, and
//! nothing is lost, doubled or reordered meanwhile.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use lineshaft_sim::sink::{Sink, SinkConfig};
use serde_json::Value;

use crate::caller::{Answer, Call, Caller};
use crate::ledger::{Effects, Ledger};
use crate::load::{FEED, Load};
use crate::plant::{PATIENCE, Plant, drained};

/// Reloads in all, a quarter of them of a broken workspace.
const RELOADS: u64 = 24;

/// Events acknowledged between two reloads at least.
const BETWEEN: u64 = 150;

/// Events a second that the writers aim at.
const RATE: u64 = 1_200;

/// Destinations that stay all the time. The others are called `extra-N`.
const STAYING: [&str; 2] = ["erp", "wms"];

/// A way to break a workspace: what, the file, its text, and where the refusal must point.
const BROKEN: [(&str, &str, &str, &str); 6] = [
    (
        "an unknown key",
        "systems/broken.yaml",
        "system: broken\nconnector: http\nbase_ulr: http://127.0.0.1:1\n",
        "systems/broken.yaml:3:",
    ),
    (
        "an unknown connector",
        "systems/broken.yaml",
        "system: broken\nconnector: htp\n",
        "systems/broken.yaml:2:",
    ),
    (
        "a route to nowhere",
        "routes/broken.yaml",
        "- route: broken\n  on: lineshaft.*.*.v1\n  to: nobody.post\n",
        "routes/broken.yaml:3:",
    ),
    (
        "a mapping that does not compile",
        "mappings/broken.jq",
        "{ a: .b,\n  c: nothing(1) }\n",
        "mappings/broken.jq:2:",
    ),
    ("no YAML", "routes/broken.yaml", "- route: broken\n  on: [\n", "routes/broken.yaml:"),
    (
        "a condition that does not compile",
        "routes/broken.yaml",
        "- route: broken\n  on: lineshaft.*.*.v1\n  when: '.a =='\n  to: erp.post\n",
        "routes/broken.yaml:3:",
    ),
];

async fn reload(caller: &mut Caller) -> Answer {
    caller.call(&Call::post("/v1/configuration/reload", "", "")).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reloads_under_load_lose_and_double_nothing() {
    let witness = tempfile::tempdir().unwrap();
    let effects = witness.path().join("effects.jsonl");
    let sink =
        Sink::start(SinkConfig { ledger: Some(effects.clone()), ..SinkConfig::default() }).await.unwrap();
    let plant = Plant::new("");
    plant.write("systems/feed.yaml", FEED);
    for destination in STAYING {
        plant.write_destination(destination, &sink.url(), "concurrency: 16, timeout: 5s");
        plant.write_route(destination);
    }
    let token = plant.token();
    let (mut hub, mut caller) = plant.started(&token).await;
    let load = Load::new(&token, Ledger::open(&witness.path().join("acknowledged.txt")));
    load.address.send_replace(Some(caller.address));
    let begun = Instant::now();
    let writers = load.start(1, RATE);
    let (extras, refused) = change(&plant, &sink, &load, &mut caller).await;
    load.finish(writers).await;
    let took = begun.elapsed();

    // What was owed to destinations that have gone meanwhile is owed still, and delivered once they are back.
    for extra in &extras {
        plant.write_destination(extra, &sink.url(), "concurrency: 16");
    }
    assert_eq!(reload(&mut caller).await.status, 200);
    let books = drained(&mut caller, PATIENCE * 2).await;
    let acknowledged = load.ledger.acknowledged();
    let happened = Effects::read(&effects);
    for destination in STAYING {
        happened.assert_whole(destination, &acknowledged);
    }
    let mut to_extras = 0;
    for extra in &extras {
        happened.assert_part(extra, &acknowledged);
        to_extras += assert_delivered(&books, extra, happened.count(extra));
    }
    assert!(to_extras > 0, "no event was routed to a destination that came and went: {books:#}");
    let accepted: u64 = books["inputs"]
        .as_object()
        .unwrap()
        .values()
        .map(|counts| counts["accepted"].as_u64().unwrap())
        .sum();
    assert_eq!(accepted, acknowledged.len() as u64, "{books:#}");
    let totals = sink.totals();
    assert_eq!((totals.doubles, totals.key_conflicts, totals.out_of_order), (0, 0, 0), "{totals:?}");
    assert_eq!(load.cut_off.load(Ordering::Relaxed), 0, "a reload cut requests off");
    assert!(hub.stop().await.success());
    plant.assert_no_fault();
    eprintln!(
        "{RELOADS} reloads in {took:.1?} ({refused} refused): {} events acknowledged, {:.0} a second; {to_extras} deliveries to \
         {} destinations that came and went",
        acknowledged.len(),
        acknowledged.len() as f64 / took.as_secs_f64(),
        extras.len(),
    );
}

/// Changes and reloads the workspace under load; the destinations that came and went, and how many reloads were refused.
async fn change(plant: &Plant, sink: &Sink, load: &Arc<Load>, caller: &mut Caller) -> (Vec<String>, u64) {
    let (mut extras, mut refused) = (Vec::<String>::new(), 0);
    let mut broken = BROKEN.iter();
    for n in 0..RELOADS {
        let goal = *load.acknowledged.borrow() + BETWEEN;
        load.reached(goal).await;
        match n % 4 {
            0 => {
                let extra = format!("extra-{n}");
                plant.write_destination(&extra, &sink.url(), "concurrency: 4");
                plant.write_route(&extra);
                extras.push(extra);
            }
            1 => {
                let (what, file, text, at) = broken.next().unwrap();
                plant.write(file, text);
                assert_refused(what, &reload(caller).await, at);
                plant.remove(file);
                refused += 1;
                continue;
            }
            2 => {
                let limits = format!("concurrency: {}, rate: {}/s, timeout: 4s", 1 + n % 16, 2_000 + n);
                plant.write_destination("erp", &sink.url(), &limits);
            }
            _ => {
                let extra = extras.last().unwrap();
                plant.remove(&format!("routes/{extra}.yaml"));
                plant.remove(&format!("systems/{extra}.yaml"));
            }
        }
        let answer = reload(caller).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    (extras, refused)
}

fn assert_refused(what: &str, answer: &Answer, at: &str) {
    assert_eq!(answer.status, 422, "{what}: {}", answer.text());
    let problem = answer.json();
    let errors = problem["errors"].as_array().unwrap();
    let places: Vec<&str> = errors.iter().map(|error| error["at"].as_str().unwrap_or_default()).collect();
    assert!(places.iter().any(|place| place.starts_with(at)), "{what}: {at} is not among {places:?}");
    assert!(
        errors.iter().all(|error| error["hint"].as_str().is_some_and(|hint| !hint.is_empty())),
        "{what}: {problem}"
    );
}

/// All that was routed to a destination has been delivered, as often as the sink says.
fn assert_delivered(books: &Value, system: &str, effects: u64) -> u64 {
    let name = format!("{system}.post");
    let destinations = books["destinations"].as_array().unwrap();
    let Some(found) = destinations.iter().find(|books| books["destination"] == name.as_str()) else {
        assert_eq!(effects, 0, "{name} had effects and is not in the books");
        return 0;
    };
    assert_eq!((&found["routed"], &found["delivered"]), (&effects.into(), &effects.into()), "{books:#}");
    effects
}
