//! kill -9 under load, again and again: nothing acknowledged is lost, nothing happens twice, order is kept.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use tokio::time::interval;

use crate::hub::{Door, Plant, until};
use crate::receiver::Receiver;

/// Keys that are written side by side, each in its own order.
const KEYS: u64 = 16;

/// What was acknowledged, kept outside the hub: key and number within the key.
type Ledger = Arc<Mutex<HashSet<(u64, u64)>>>;

/// The load: writers that send until told to stop, each event until it is acknowledged.
struct Load {
    ledger: Ledger,
    acknowledged: Arc<AtomicU64>,
    /// Calls that ended without an answer: the proof that a kill struck a call on its way.
    cut_off: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Load {
    fn new() -> Self {
        Self {
            ledger: Ledger::default(),
            acknowledged: Arc::default(),
            cut_off: Arc::default(),
            stop: Arc::default(),
        }
    }

    /// Sends the events of one key, one after the other, and enters each in the ledger once it is acknowledged.
    async fn write(self: Arc<Self>, door: Door, key: u64) {
        let mut pause = interval(Duration::from_millis(5));
        for number in 1.. {
            if self.stop.load(Ordering::Acquire) {
                return;
            }
            let event = event(key, number).to_string();
            loop {
                pause.tick().await;
                match door.post("/v1/events", "application/cloudevents+json", event.clone()).await {
                    Ok(answer) if answer.status == 202 => break,
                    Ok(answer) if answer.status == 503 || answer.status == 429 => {}
                    Ok(answer) => panic!("{}: {}", answer.status, String::from_utf8_lossy(&answer.body)),
                    // Nobody listens between a kill and the restart: that cuts nothing off.
                    Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {}
                    Err(_) => {
                        self.cut_off.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
            self.ledger.lock().unwrap().insert((key, number));
            self.acknowledged.fetch_add(1, Ordering::Release);
        }
    }
}

fn event(key: u64, number: u64) -> Value {
    json!({
        "specversion": "1.0",
        "id": format!("{key}-{number}"),
        "source": "urn:lineshaft:main:wms",
        "type": "lineshaft.inventory.counted.v1",
        "subject": format!("BIN-{key}"),
        "time": "2026-03-02T10:00:00+01:00",
        "datacontenttype": "application/json",
        "data": {
            "key": format!("BIN-{key}"),
            "revision": number,
            "counted": { "value": number.to_string(), "unit": "EA" },
            "number": number,
            "bin": key,
        }
    })
}

fn kills() -> u64 {
    std::env::var("LINESHAFT_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(25)
}

fn plant(folder: &std::path::Path, witness: std::net::SocketAddr) -> Plant {
    let system = format!(
        "system: witness\nconnector: http\nbase_url: http://{witness}\nlimits: {{ concurrency: 8, timeout: 5s }}\n\
         operations:\n  post:\n    request: {{ method: POST, path: /effects, idempotency_header: Idempotency-Key }}\n"
    );
    let route = "- route: counts-to-witness\n  on: lineshaft.inventory.counted.v1\n  to: witness.post\n";
    Plant::build(folder, &[("systems/witness.yaml", &system), ("routes/inventory.yaml", route)])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_doubled_or_reordered() {
    let folder = tempfile::tempdir().unwrap();
    let witness = Receiver::open().await;
    let plant = plant(folder.path(), witness.address);
    let token = plant.token();
    let (mut hub, _) = plant.start(&token).await;

    let load = Arc::new(Load::new());
    let writers: Vec<_> =
        (0..KEYS).map(|key| tokio::spawn(Arc::clone(&load).write(hub.door.clone(), key))).collect();
    let mut dice = StdRng::seed_from_u64(1);
    let mut slowest = Duration::ZERO;
    for _ in 0..kills() {
        let goal = load.acknowledged.load(Ordering::Acquire) + dice.random_range(1..300);
        until("more acknowledgements", async || load.acknowledged.load(Ordering::Acquire) >= goal).await;
        hub.kill();
        let (again, took) = plant.start(&token).await;
        hub = again;
        slowest = slowest.max(took);
    }
    load.stop.store(true, Ordering::Release);
    for writer in writers {
        writer.await.unwrap();
    }

    let acknowledged = load.ledger.lock().unwrap().clone();
    until("every delivery", async || witness.look(|effects| effects.applied.len()) >= acknowledged.len())
        .await;
    let (applied, repeated) = witness.look(|effects| {
        (effects.applied.clone(), effects.calls.values().map(|calls| calls - 1).sum::<u64>())
    });
    check_effects(&acknowledged, &applied);
    let cut_off = load.cut_off.load(Ordering::Relaxed);
    assert!(cut_off > 0, "no kill struck a call on its way: nothing was proved");
    let books = hub.door.get("/v1/balance").await.unwrap().json();
    assert_eq!(books["balanced"], true, "{books:#}");
    eprintln!(
        "{} kills, {} events acknowledged, {cut_off} calls cut off, {repeated} attempts repeated, \
         slowest restart {slowest:?}",
        kills(),
        acknowledged.len()
    );
}

/// Every acknowledged event had its effect, once, and those of one key in their order.
fn check_effects(acknowledged: &HashSet<(u64, u64)>, applied: &[Value]) {
    let mut seen = HashSet::new();
    let mut last: BTreeMap<u64, u64> = BTreeMap::new();
    for body in applied {
        let (key, number) = (body["bin"].as_u64().unwrap(), body["number"].as_u64().unwrap());
        assert!(seen.insert((key, number)), "{key}-{number} happened twice");
        let before = last.insert(key, number).unwrap_or_default();
        assert_eq!(number, before + 1, "key {key}: {number} came after {before}");
    }
    let lost: Vec<_> = acknowledged.difference(&seen).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
}
