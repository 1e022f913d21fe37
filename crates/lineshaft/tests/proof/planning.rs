//! From a supplier's word to its effect on production, through the API of a running hub.

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::caller::{Call, Caller};
use crate::load::FEED;
use crate::plant::{PATIENCE, Plant, drained, until};

const DAY: i64 = 86_400_000;

/// Planning that tells at once, for tests that do not wait for things to settle.
const AT_ONCE: &str = "planning: { tell: { settle: 0s, clear: 0s } }\n";

fn pieces(n: u32) -> Value {
    json!({ "value": n.to_string(), "unit": "C62" })
}

/// So many days from the test's begin, as RFC 3339.
pub(crate) fn in_days(days: i64) -> String {
    static BEGUN: LazyLock<i64> = LazyLock::new(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        now.as_millis() as i64
    });
    lineshaft_model::Millis(*BEGUN + days * DAY).to_string()
}

/// A pump that needs five motors in three days, which come in two, and what is said of that.
pub(crate) fn pump() -> [(&'static str, &'static str, Value); 4] {
    let order = json!({
        "supplier": "S1", "status": "open",
        "lines": [{ "line": "10", "item": "MOTOR", "quantity": pieces(5),
                    "schedule_lines": [{ "quantity": pieces(5), "date": in_days(2) }] }],
    });
    let production = json!({
        "item": "PUMP", "status": "released", "quantity": pieces(5), "priority": "1", "start": in_days(3), "end": in_days(4),
        "components": [{ "component": "MOTOR", "quantity": pieces(5) }],
    });
    [
        ("item.changed", "MOTOR", json!({ "unit": "C62" })),
        ("item.changed", "PUMP", json!({ "unit": "C62" })),
        ("purchase-order.released", "4500", order),
        ("production-order.released", "1000", production),
    ]
}

pub(crate) fn event(of_type: &str, subject: &str, data: &Value) -> Call {
    let id = format!("{of_type}-{subject}");
    let event = json!({ "specversion": "1.0", "id": id, "source": "urn:lineshaft:main:feed", "subject": subject,
                        "type": format!("lineshaft.{of_type}.v1"), "data": data });
    Call::post("/v1/events", "application/cloudevents+json", event.to_string())
}

pub(crate) async fn send(caller: &mut Caller, of_type: &str, subject: &str, data: &Value) {
    let answer = caller.call(&event(of_type, subject, data)).await.unwrap();
    assert_eq!(answer.status, 202, "{}", answer.text());
}

/// What the supplier confirms: all of it, so many days from now.
pub(crate) fn confirmed(days: i64) -> Value {
    json!({ "splits": [{ "quantity": pieces(5), "date": in_days(days), "status": "confirmed" }] })
}

pub(crate) async fn asked(caller: &mut Caller, path: &str) -> Value {
    let answer = caller.get(path).await.unwrap();
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

/// Waits until the plan has so many late orders.
pub(crate) async fn late(caller: &mut Caller, count: usize) -> Value {
    let mut orders = Value::Null;
    until("the plan to follow", PATIENCE, async || {
        let answer = caller.get("/v1/plan/late-orders").await.unwrap();
        // While it is being loaded it says 503.
        orders = if answer.status == 200 { answer.json()["items"].clone() } else { Value::Null };
        orders.as_array().is_some_and(|orders| orders.len() == count)
    })
    .await;
    orders
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_confirmation_moves_the_order_that_waits_for_it() {
    let plant = Plant::new(AT_ONCE);
    plant.write("systems/feed.yaml", FEED);
    let token = plant.token();
    let (mut hub, mut caller) = plant.started(&token).await;
    for (of_type, subject, data) in pump() {
        send(&mut caller, of_type, subject, &data).await;
    }
    until("the plan to know the order", PATIENCE, async || {
        caller.get("/v1/plan/orders/1000").await.unwrap().status == 200
    })
    .await;
    assert_eq!(late(&mut caller, 0).await, json!([]));

    let later = json!({ "changes": [{ "type": "lineshaft.purchase-order.confirmed.v1", "subject": "4500/10/A1", "data": confirmed(8) }] });
    let question = Call::post("/v1/impact", "application/json", later.to_string());
    let impact = caller.call(&question).await.unwrap().json();
    assert_eq!(impact["orders"][0]["order"], "1000", "{impact:#}");
    assert_eq!(impact["orders"][0]["slip_ms"], 5 * DAY, "{impact:#}");
    assert_eq!(late(&mut caller, 0).await, json!([]), "what is only asked about is not kept");

    send(&mut caller, "purchase-order.confirmed", "4500/10/A1", &confirmed(8)).await;
    let orders = late(&mut caller, 1).await;
    assert_eq!(orders[0]["chain"][0]["cause"], "component", "{orders:#}");
    assert_eq!(orders[0]["chain"][1]["supply"], "4500/10/0", "{orders:#}");
    assert_eq!(asked(&mut caller, "/v1/shortages").await["items"][0]["item"], "MOTOR");
    let told = async |caller: &mut Caller| {
        let mut types: Vec<String> = Vec::new();
        until("the events to be told", PATIENCE, async || {
            let events = asked(caller, "/v1/events?system=planning").await;
            types = events["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|event| event["type"].as_str().unwrap().to_owned())
                .collect();
            types.len() >= 2
        })
        .await;
        types.sort();
        types
    };
    let both = ["lineshaft.material.shortage-detected.v1", "lineshaft.schedule.impact-assessed.v1"];
    assert_eq!(told(&mut caller).await, both);

    // The plan is made anew from the objects, and nothing is told twice.
    assert!(hub.stop().await.success(), "{}", plant.last_words());
    let (mut hub, mut caller) = plant.started(&token).await;
    assert_eq!(late(&mut caller, 1).await[0]["feasible"], orders[0]["feasible"]);
    drained(&mut caller, PATIENCE).await;
    assert_eq!(told(&mut caller).await, both);
    // What is over is told too, with its cause and the order that waits no more.
    send(&mut caller, "purchase-order.confirmed", "4500/10/A2", &confirmed(1)).await;
    let mut over = Value::Null;
    until("that it is over", PATIENCE, async || {
        over = asked(&mut caller, "/v1/events?type=lineshaft.material.shortage-resolved.v1").await["items"]
            [0]
        .clone();
        over.is_object()
    })
    .await;
    let over = asked(&mut caller, &format!("/v1/events/{}", over["position"])).await;
    assert_eq!(over["data"]["orders"], json!(["1000"]), "{over:#}");
    assert_eq!(over["data"]["cause"]["subject"], "4500/10/A2", "{over:#}");
    assert!(hub.stop().await.success(), "{}", plant.last_words());
    plant.assert_no_fault();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_told_before_the_end_is_told_by_the_next_life() {
    let plant = Plant::new("planning: { tell: { settle: 1h } }\n");
    plant.write("systems/feed.yaml", FEED);
    let token = plant.token();
    let (mut hub, mut caller) = plant.started(&token).await;
    for (of_type, subject, data) in pump() {
        send(&mut caller, of_type, subject, &data).await;
    }
    send(&mut caller, "purchase-order.confirmed", "4500/10/A1", &confirmed(8)).await;
    late(&mut caller, 1).await;
    assert_eq!(
        asked(&mut caller, "/v1/events?system=planning").await["items"],
        json!([]),
        "it has not settled"
    );
    hub.kill();
    let settings = "listen: 127.0.0.1:0\ndata: data\njournal: { file: { segment: 1MiB, reserve: 16MiB } }\n";
    plant.write("lineshaft.yaml", &format!("{settings}{AT_ONCE}"));
    let (_hub, mut caller) = plant.started(&token).await;
    let mut told = Value::Null;
    until("the shortage to be told", PATIENCE, async || {
        told = asked(&mut caller, "/v1/events?system=planning").await["items"].clone();
        told.as_array().is_some_and(|told| !told.is_empty())
    })
    .await;
    assert_eq!(told[0]["type"], "lineshaft.material.shortage-detected.v1", "{told:#}");
    plant.assert_no_fault();
}

/// Three alternatives side by side; what was asked.
async fn alternatives(caller: &mut Caller) -> Value {
    let sooner = |days: i64| json!([{ "type": "lineshaft.purchase-order.confirmed.v1", "subject": "4500/10/A9", "data": confirmed(days) }]);
    let gone = json!([{ "remove": { "record": "order", "key": "1000" } }]);
    let question = json!({ "alternatives": [
        { "name": "a day sooner", "changes": sooner(7) },
        { "name": "in time", "changes": sooner(2) },
        { "name": "without the order", "changes": gone },
    ] });
    let compared =
        caller.call(&Call::post("/v1/impact", "application/json", question.to_string())).await.unwrap();
    assert_eq!(compared.status, 200, "{}", compared.text());
    let compared = compared.json();
    let ranks: Vec<(&str, u64)> = compared["alternatives"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["name"].as_str().unwrap(), one["rank"].as_u64().unwrap()))
        .collect();
    assert_eq!(ranks, [("a day sooner", 2), ("in time", 1), ("without the order", 3)], "{compared:#}");
    assert_eq!(
        compared["alternatives"][2]["saved_days"], "0",
        "what is given up saves nothing: {compared:#}"
    );
    assert_eq!(late(caller, 1).await[0]["slip_ms"], 5 * DAY, "nothing of it is kept");
    let both = json!({ "changes": [], "alternatives": [] });
    let answer = caller.call(&Call::post("/v1/impact", "application/json", both.to_string())).await.unwrap();
    assert_eq!((answer.status, answer.json()["code"].as_str()), (400, Some("body-malformed")));
    let wrong = json!({ "alternatives": [{ "name": "a", "changes": [{ "type": "x", "subject": "y", "data": {} }] }] });
    let answer = caller.call(&Call::post("/v1/impact", "application/json", wrong.to_string())).await.unwrap();
    assert_eq!(answer.json()["at"], "/alternatives/0/changes/0/type", "{}", answer.text());
    question
}

/// The command line tells the same.
fn said_by_the_command_line(plant: &Plant, caller: &Caller, token: &str, question: &Value) {
    let hub = format!("http://{}", caller.address);
    let told = |arguments: &[&str]| {
        let reach = ["--hub", &hub, "--token", token];
        plant.printed(&[arguments, &reach].concat())
    };
    let shown = told(&["shortages", "options", "MOTOR"]);
    assert!(
        shown.lines().nth(1).is_some_and(|line| line.contains("buy") && line.contains("30 EUR")),
        "{shown}"
    );
    let listed: Value = serde_json::from_str(&told(&["shortages", "list", "--json"])).unwrap();
    assert_eq!((&listed[0]["item"], &listed[0]["late_days"]), (&json!("MOTOR"), &json!("495")));
    let order = told(&["plan", "order", "1000"]);
    assert!(order.contains("slip      +5d") && order.contains("because 4500/10/0 of S1 comes"), "{order}");
    assert!(told(&["plan", "pegging", "--order", "1000"]).contains("LATE for"));
    assert!(told(&["availability", "MOTOR"]).contains("purchase-order  4500/10/0"));
    plant.write("question.json", &question.to_string());
    let shown = told(&["impact", "ask", "question.json"]);
    assert!(shown.lines().any(|line| line.trim_start().starts_with("1  in time")), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn options_and_alternatives_are_ranked_by_one_objective() {
    let plant = Plant::new("planning: { day_cost: \"0.5\" }\n");
    plant.write("systems/feed.yaml", FEED);
    let token = plant.token();
    let (_hub, mut caller) = plant.started(&token).await;
    for (of_type, subject, data) in pump() {
        send(&mut caller, of_type, subject, &data).await;
    }
    let source = |supplier: &str, days: u32, price: &str| {
        json!({ "item": "MOTOR", "supplier": supplier, "lead_time_days": days, "minimum": pieces(10),
                "price": { "amount": price, "currency": "EUR" } })
    };
    send(&mut caller, "source-of-supply.changed", "S2/MOTOR", &source("S2", 2, "3.00")).await;
    send(&mut caller, "source-of-supply.changed", "S3/MOTOR", &source("S3", 4, "1.00")).await;
    send(&mut caller, "purchase-order.confirmed", "4500/10/A1", &confirmed(8)).await;
    late(&mut caller, 1).await;

    let found = asked(&mut caller, "/v1/shortages/options?item=MOTOR").await;
    let ranked: Vec<(&str, &str)> = found["options"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["kind"].as_str().unwrap(), one["cost"]["amount"].as_str().unwrap_or("none")))
        .collect();
    assert_eq!(ranked[..2], [("buy", "30"), ("buy", "10")], "{found:#}");
    assert_eq!(found["options"][0]["rank"], 1);
    assert_eq!(found["options"][0]["impact"]["orders"][0]["slip_ms"], -5 * DAY, "{found:#}");
    assert!(found["ranked_by"].as_str().unwrap().contains("0.5 a day"), "{found:#}");
    // Where a day costs nothing the cheaper one goes first.
    let cheap = asked(&mut caller, "/v1/shortages/options?item=MOTOR&day_cost=0&all=true").await;
    let costs: Vec<&str> = cheap["options"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["cost"]["amount"].as_str())
        .collect();
    assert_eq!(costs, ["10", "30"], "{cheap:#}");
    let none = asked(&mut caller, "/v1/shortages/options?item=PUMP").await;
    assert_eq!((&none["shortage"], &none["options"]), (&Value::Null, &json!([])));
    for wrong in [
        "/v1/shortages/options",
        "/v1/shortages/options?item=MOTOR&day_cost=-1",
        "/v1/shortages/options?item=MOTOR&limit=0",
    ] {
        assert_eq!(caller.get(wrong).await.unwrap().status, 400, "{wrong}");
    }

    let question = alternatives(&mut caller).await;
    said_by_the_command_line(&plant, &caller, &token, &question);
    plant.assert_no_fault();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schedule_that_moves_the_start_alone_moves_the_end_along() {
    let plant = Plant::new(AT_ONCE);
    plant.write("systems/feed.yaml", FEED);
    let token = plant.token();
    let (mut hub, mut caller) = plant.started(&token).await;
    for (of_type, subject, data) in pump() {
        send(&mut caller, of_type, subject, &data).await;
    }
    send(
        &mut caller,
        "production-order.rescheduled",
        "1000",
        &json!({ "start": in_days(6), "reason": "the press is full" }),
    )
    .await;
    send(&mut caller, "production-order.held", "1000", &json!({ "note": "looked at" })).await;
    let mut planned = Value::Null;
    let read = async |caller: &mut Caller, planned: &mut Value| {
        let answer = caller.get("/v1/plan/orders/1000").await.unwrap();
        *planned = if answer.status == 200 { answer.json()["planned"].clone() } else { Value::Null };
        planned["start"] == in_days(6)
    };
    until("the new start", PATIENCE, async || read(&mut caller, &mut planned).await).await;
    assert_eq!(planned["end"], in_days(7), "{planned:#}");
    let earlier = json!({ "changes": [{ "type": "lineshaft.production-order.rescheduled.v1", "subject": "1000", "data": { "start": in_days(4) } }] });
    let impact =
        caller.call(&Call::post("/v1/impact", "application/json", earlier.to_string())).await.unwrap().json();
    assert_eq!(impact["orders"][0]["after"]["end"], in_days(5), "{impact:#}");
    // It is so after a new start too, when only the merged object is there.
    assert!(hub.stop().await.success(), "{}", plant.last_words());
    let (_hub, mut caller) = plant.started(&token).await;
    until("the plan again", PATIENCE, async || read(&mut caller, &mut planned).await).await;
    assert_eq!(planned["end"], in_days(7), "{planned:#}");
    plant.assert_no_fault();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_does_not_plan_says_so() {
    let plant = Plant::new("");
    let token = plant.token();
    let (_hub, mut caller) = plant.started(&token).await;
    let answer = caller.get("/v1/shortages").await.unwrap();
    assert_eq!((answer.status, answer.json()["code"].as_str()), (404, Some("planning-off")));
}
