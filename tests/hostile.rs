//! Requests that are wrong in every way a seed can think of: refused or taken, and never a fault of the hub.

use std::collections::BTreeMap;
use std::path::Path;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::json;

use crate::hub::{Door, Plant};
use crate::receiver::Receiver;

const CONTENT_TYPES: &[&str] = &[
    "application/cloudevents+json",
    "application/cloudevents-batch+json",
    "application/json",
    "application/x-ndjson",
    "text/csv",
    "application/xml",
    "text/plain",
    "application/json; charset=utf-16",
    "a/b/c",
    "",
];

/// Pieces that readers have stumbled over.
const PIECES: &[&[u8]] = &[
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"null",
    b"1e999",
    b"-0",
    b"NaN",
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\r\n",
    b"<!DOCTYPE a [<!ENTITY b \"c\">]>",
    b"&b;",
    b"<![CDATA[",
    b"/*",
    b"//",
    b"\"id\":\"again\"",
    b"\xe2\x80\xae",
    b"999999999999999999999999999999999999999999999999",
];

fn good_bodies() -> Vec<Vec<u8>> {
    let event = json!({
        "specversion": "1.0", "id": "good-1", "source": "urn:lineshaft:main:wms",
        "type": "lineshaft.inventory.counted.v1", "subject": "BIN-1", "time": "2026-03-02T10:00:00+01:00",
        "datacontenttype": "application/json",
        "data": { "key": "BIN-1", "revision": 1, "counted": { "value": "12.500", "unit": "KGM" } }
    });
    let mut bodies = vec![event.to_string(), json!([event, event]).to_string()];
    bodies.push("item;location;counted\nRM-BOLT-M8;A-01;98\n\"RM;2\";A-02;\"1\"\"2\"\n".to_owned());
    bodies.push("<counts><count item=\"RM-BOLT-M8\"><counted>98</counted></count></counts>".to_owned());
    bodies.push("{\"a\":1}\n{\"a\":2}\n".to_owned());
    bodies.into_iter().map(String::into_bytes).collect()
}

/// A body with one to eight things wrong.
fn mutate(dice: &mut StdRng, body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    for _ in 0..dice.random_range(1..=8) {
        let at = dice.random_range(0..=body.len());
        let end = dice.random_range(at..=body.len().min(at + 40));
        match dice.random_range(0..6) {
            0 => body.truncate(at),
            1 => drop(body.splice(at..end, [])),
            2 => {
                let piece = body[at..end].to_vec();
                body.splice(at..at, piece);
            }
            3 => {
                if let Some(byte) = body.get_mut(at) {
                    *byte ^= 1 << dice.random_range(0..8);
                }
            }
            4 => {
                let piece = PIECES.choose(dice).copied().unwrap_or_default();
                body.splice(at..at, piece.iter().copied());
            }
            _ => {
                let depth = dice.random_range(1..2_000);
                body.splice(at..at, std::iter::repeat_n(b'[', depth));
            }
        }
    }
    body
}

fn plant(folder: &Path, witness: &Receiver) -> Plant {
    let system = format!(
        "system: witness\nconnector: http\nbase_url: http://{}\noperations:\n  post:\n    \
         request: {{ method: POST, path: /effects, idempotency_header: Idempotency-Key }}\n",
        witness.address
    );
    let route = "- route: all-to-witness\n  on: lineshaft.inventory.counted.v1\n  to: witness.post\n";
    Plant::build(folder, &[("systems/witness.yaml", &system), ("routes/all.yaml", route)])
}

async fn answered(door: &Door, content_type: &str, body: Vec<u8>) -> u16 {
    match door.post("/v1/events", content_type, body.clone()).await {
        Ok(answer) => answer.status,
        // A body that is refused by its length may be answered by a closed connection; a dead hub answers nothing.
        Err(error) => {
            let alive = door.get("/healthz").await.is_ok_and(|answer| answer.status == 200);
            assert!(
                alive,
                "the hub went away ({error}) at {content_type}: {}",
                String::from_utf8_lossy(&body)
            );
            0
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_mutated_requests_are_never_a_fault() {
    let folder = tempfile::tempdir().unwrap();
    let witness = Receiver::open().await;
    let plant = plant(folder.path(), &witness);
    let (hub, _) = plant.start(&plant.token()).await;
    let bodies = good_bodies();
    let mut dice = StdRng::seed_from_u64(7);
    let mut statuses: BTreeMap<u16, u32> = BTreeMap::new();
    for _ in 0..10_000 {
        let whole = bodies.choose(&mut dice).unwrap();
        let body = mutate(&mut dice, whole);
        let content_type = CONTENT_TYPES.choose(&mut dice).copied().unwrap_or_default();
        let status = answered(&hub.door, content_type, body.clone()).await;
        assert!(
            status < 500,
            "{status} for {content_type}: {}\n{}",
            String::from_utf8_lossy(&body),
            plant.log()
        );
        *statuses.entry(status).or_default() += 1;
    }
    assert!(statuses.keys().any(|status| *status >= 400), "nothing was refused: {statuses:?}");
    let event = bodies[0].clone();
    let last = hub.door.post("/v1/events", "application/cloudevents+json", event).await.unwrap();
    assert_eq!(
        last.status,
        202,
        "the hub takes a good event as before: {}",
        String::from_utf8_lossy(&last.body)
    );
}
