//! From a supplier's word to its effect on production, through the API of a running hub.

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::caller::{Call, Caller};
use crate::load::FEED;
use crate::plant::{PATIENCE, Plant, drained, until};

const DAY: i64 = 86_400_000;

fn pieces(n: u32) -> Value {
    json!({ "value": n.to_string(), "unit": "C62" })
}

/// So many days from the test's begin, as RFC 3339.
fn in_days(days: i64) -> String {
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

async fn asked(caller: &mut Caller, path: &str) -> Value {
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
    let plant = Plant::new("planning: {}\n");
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
    assert!(hub.stop().await.success(), "{}", plant.last_words());
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
