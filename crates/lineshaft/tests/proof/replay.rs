//! Replays and actions on many dead letters, cut by kills: each event once, in order, and no effect twice unless asked for.

use std::time::Duration;

use lineshaft_sim::sink::{Sink, SinkConfig};
use lineshaft_sim::{Fault, Mode};
use serde_json::{Value, json};

use crate::caller::{Call, Caller};
use crate::ledger::Effects;
use crate::load::FEED;
use crate::plant::{PATIENCE, Plant, drained, until};

const EVENTS: u64 = 300;

async fn post(caller: &mut Caller, path: &str, body: &Value) -> (u16, Value) {
    let call = Call::post(path, "application/json", body.to_string());
    let answer = caller.call(&call).await.unwrap();
    (answer.status, answer.json())
}

async fn job(caller: &mut Caller, id: u64) -> Value {
    caller.get(&format!("/v1/jobs/{id}")).await.unwrap().json()
}

async fn send_events(caller: &mut Caller, from: u64, count: u64) {
    let events: Vec<Value> = (from..from + count)
        .map(|n| {
            json!({"specversion": "1.0", "id": n.to_string(), "source": "urn:lineshaft:main:feed",
                "type": "lineshaft.item.changed.v1", "subject": format!("K{}", n % 7),
                "data": {"id": n.to_string(), "subject": format!("K{}", n % 7), "revision": n}})
        })
        .collect();
    let call = Call::post("/v1/events", "application/cloudevents-batch+json", json!(events).to_string());
    assert_eq!(caller.call(&call).await.unwrap().status, 202);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_goes_on_over_kills_and_repeats_no_effect() {
    let witness = tempfile::tempdir().unwrap();
    let effects = witness.path().join("effects.jsonl");
    let sink =
        Sink::start(SinkConfig { ledger: Some(effects.clone()), ..SinkConfig::default() }).await.unwrap();
    let plant = Plant::new("");
    plant.write("systems/feed.yaml", FEED);
    plant.write_destination("erp", &sink.url(), "concurrency: 8");
    plant.write_destination("new", &sink.url(), "concurrency: 8");
    plant.write_route("erp");
    let token = plant.token();
    let (mut hub, mut caller) = plant.started(&token).await;
    send_events(&mut caller, 1, EVENTS).await;
    drained(&mut caller, PATIENCE).await;
    assert_eq!((sink.totals().effects, sink.totals().replays), (EVENTS, 0));

    // What is wrong is said before anything is done.
    let (status, wrong) = post(&mut caller, "/v1/replays", &json!({"to": "gone.post"})).await;
    assert_eq!((status, &wrong["code"]), (422, &json!("destination-unknown")));
    let (status, wrong) = post(&mut caller, "/v1/replays", &json!({"to": "erp.post", "where": ".x |"})).await;
    assert_eq!((status, &wrong["at"]), (422, &json!("/where")), "{wrong}");

    // Counted first.
    let order = json!({"to": "erp.post", "where": ".data.revision > 100", "dry_run": true});
    let (status, counted) = post(&mut caller, "/v1/replays", &order).await;
    assert_eq!((status, &counted["matching"], &counted["complete"]), (200, &json!(200), &json!(true)));
    assert_eq!(sink.totals().requests, EVENTS, "counting does nothing");

    // The same scope: every key again, no second effect; killed on the way, again and again.
    let order = json!({"to": "erp.post", "per_second": 400, "reason": "its database was restored"});
    let (status, begun) = post(&mut caller, "/v1/replays", &order).await;
    assert_eq!(status, 202, "{begun}");
    let id = begun["id"].as_u64().unwrap();
    let (mut kills, mut seen_under_way) = (0, 0);
    while job(&mut caller, id).await["state"] == "running" {
        let done = job(&mut caller, id).await["done"].as_u64().unwrap();
        until("a step", PATIENCE, async || {
            let now = job(&mut caller, id).await;
            now["done"].as_u64() > Some(done) || now["state"] != "running"
        })
        .await;
        seen_under_way += u64::from((1..EVENTS).contains(&done));
        hub.kill();
        kills += 1;
        (hub, caller) = plant.started(&token).await;
    }
    assert!(kills >= 2 && seen_under_way >= 1, "{kills} kills, {seen_under_way} of them under way");
    assert_eq!(job(&mut caller, id).await["done"], EVENTS);
    let books = drained(&mut caller, PATIENCE).await;
    assert_eq!(books["destinations"][0]["routed"], EVENTS * 2, "{books:#}");
    let totals = sink.totals();
    assert_eq!((totals.effects, totals.doubles, totals.key_conflicts), (EVENTS, 0, 0), "{totals:?}");
    assert!(totals.replays >= EVENTS, "{totals:?}");

    // A destination that never got them, cancelled and resumed on the way: each once, in order.
    let order = json!({"to": "new.post", "per_second": 40, "type": "lineshaft.item.*.*"});
    let (_, begun) = post(&mut caller, "/v1/replays", &order).await;
    let id = begun["id"].as_u64().unwrap();
    until("a part of it", PATIENCE, async || job(&mut caller, id).await["done"].as_u64() >= Some(20)).await;
    assert_eq!(post(&mut caller, &format!("/v1/jobs/{id}/cancel"), &json!({})).await.0, 200);
    assert_eq!(post(&mut caller, &format!("/v1/jobs/{id}/cancel"), &json!({})).await.0, 409);
    hub.kill();
    let (_hub, mut caller) = plant.started(&token).await;
    let stopped = job(&mut caller, id).await;
    assert_eq!(stopped["state"], "cancelled");
    assert!(stopped["done"].as_u64() < Some(EVENTS), "{stopped}");
    assert_eq!(post(&mut caller, &format!("/v1/jobs/{id}/resume"), &json!({})).await.0, 200);
    until("its end", PATIENCE, async || job(&mut caller, id).await["state"] == "done").await;
    drained(&mut caller, PATIENCE).await;
    assert_eq!(Effects::read(&effects).count("new"), EVENTS);
    let totals = sink.totals();
    assert_eq!((totals.doubles, totals.out_of_order), (0, 0), "{totals:?}");

    // A new scope, because it was asked for: every effect of one key once more.
    let order = json!({"to": "erp.post", "key": "K3", "new_scope": true});
    let (_, begun) = post(&mut caller, "/v1/replays", &order).await;
    let id = begun["id"].as_u64().unwrap();
    until("its end", PATIENCE, async || job(&mut caller, id).await["state"] == "done").await;
    drained(&mut caller, PATIENCE).await;
    let again = job(&mut caller, id).await["done"].as_u64().unwrap();
    assert!(again > 0);
    assert_eq!(sink.totals().doubles, again, "{:?}", sink.totals());
    plant.assert_no_fault();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_dead_letters_are_counted_and_retried_slowly() {
    let sink = Sink::start(SinkConfig::default()).await.unwrap();
    let plant = Plant::new("");
    plant.write("systems/feed.yaml", FEED);
    plant.write_destination("erp", &sink.url(), "concurrency: 8");
    plant.write_route("erp");
    let token = plant.token();
    let (mut hub, mut caller) = plant.started(&token).await;
    sink.fault(Fault::always(Mode::Refuse));
    send_events(&mut caller, 1, 60).await;
    // One of each key is dead, the others are parked behind it.
    until("the dead letters", PATIENCE, async || {
        let books = crate::plant::balance(&mut caller).await;
        books["destinations"][0]["dead"] == 7 && books["destinations"][0]["parked"] == 53
    })
    .await;
    sink.heal_all();
    let bulk = "/v1/dead-letters/bulk";
    let (status, counted) = post(&mut caller, bulk, &json!({"action": "retry", "dry_run": true})).await;
    assert_eq!((status, &counted["matching"]), (200, &json!(7)), "{counted}");
    let (_, none) = post(&mut caller, bulk, &json!({"action": "retry", "code": "x", "dry_run": true})).await;
    assert_eq!(none["matching"], 0);
    let (status, refused) = post(&mut caller, bulk, &json!({"action": "discard"})).await;
    assert_eq!((status, &refused["code"]), (422, &json!("reason-missing")));
    let (status, begun) = post(&mut caller, bulk, &json!({"action": "retry", "per_second": 4})).await;
    assert_eq!(status, 202, "{begun}");
    let id = begun["id"].as_u64().unwrap();
    until("a part of it", PATIENCE, async || job(&mut caller, id).await["done"].as_u64() >= Some(2)).await;
    hub.kill();
    let (_hub, mut caller) = plant.started(&token).await;
    until("its end", Duration::from_secs(60), async || job(&mut caller, id).await["state"] == "done").await;
    let books = drained(&mut caller, PATIENCE).await;
    assert_eq!(books["destinations"][0]["delivered"], 60, "{books:#}");
    let ended = job(&mut caller, id).await;
    assert_eq!((&ended["done"], &ended["expected"]), (&json!(7), &json!(7)), "{ended}");
    let totals = sink.totals();
    assert_eq!((totals.effects, totals.doubles, totals.out_of_order), (60, 0, 0), "{totals:?}");
    plant.assert_no_fault();
}
