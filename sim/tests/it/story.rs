//! The cycle count from the shelf to the order that is not started, with a relay in the hub's place.

use std::time::Duration;

use lineshaft_sim::{Config, Factory};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::client::Caller;
use crate::hub::{Hub, Taken};

/// `/Date(ms)/` as RFC 3339.
fn moment(text: &Value) -> String {
    let ms: i64 = text.as_str().unwrap().trim_start_matches("/Date(").trim_end_matches(")/").parse().unwrap();
    jiff::Timestamp::from_millisecond(ms).unwrap().to_string()
}

/// A call the relay makes for a document.
struct Call {
    system: &'static str,
    post: bool,
    path: String,
    body: Value,
}

fn put(system: &'static str, path: String, body: Value) -> Call {
    Call { system, post: false, path, body }
}

fn position(item: &Value, location: &Value, quantity: &Value, revision: &Value) -> Call {
    let body = json!({ "item": item, "location": location, "quantity": quantity, "revision": revision });
    Call { system: "aps", post: true, path: "/api/positions".to_owned(), body }
}

fn production_order(order: &Value) -> Vec<Call> {
    let flag = |name: &str| order[name].as_bool().unwrap();
    let state = match (flag("OrderIsConfirmed"), flag("OrderIsPartiallyConfirmed"), flag("OrderIsReleased")) {
        (true, ..) => "completed",
        (_, true, _) => "running",
        (.., true) => "released",
        _ => "created",
    };
    let parts = order["to_ProductionOrderComponent"]["results"].as_array().unwrap().iter();
    let parts: Vec<Value> = parts
        .map(|part| {
            json!({ "item": part["Material"], "location": part["StorageBin"], "quantity": part["RequiredQuantity"] })
        })
        .collect();
    let body = json!({
        "revision": order["YY1_Revision_ORD"], "state": state, "components": parts, "product": order["Material"],
        "start": moment(&order["MfgOrderScheduledStartDateTime"]), "priority": order["ManufacturingOrderImportance"],
        "yield": order["MfgOrderConfirmedYieldQty"],
    });
    let path = format!("/api/production-orders/{}", order["ManufacturingOrder"].as_str().unwrap());
    vec![put("aps", path.clone(), body.clone()), put("wms", path, body)]
}

fn count_row(row: &str) -> Vec<Call> {
    let row: Vec<&str> = row.split(',').collect();
    let (book, counted): (i64, i64) = (row[7].parse().unwrap(), row[8].parse().unwrap());
    let body = json!({
        "PhysicalInventoryDocument": format!("{}-{}", row[0], row[1]), "Material": row[4], "StorageBin": row[5],
        "DifferenceQuantity": format!("{}.000", counted - book),
        "GoodsMovementType": if counted > book { "701" } else { "702" },
    });
    let path = "/sap/opu/odata/sap/API_PHYSICAL_INVENTORY_DOC_SRV/A_InventoryDifference".to_owned();
    let difference = Call { system: "erp", post: true, path, body };
    vec![difference, position(&json!(row[4]), &json!(row[5]), &json!(row[8]), &json!(row[9]))]
}

fn schedule_move(version: &Value, moved: &Value) -> Vec<Call> {
    let number = moved["order"].as_str().unwrap();
    let action = moved["action"].as_str().unwrap().to_uppercase();
    let state = if action == "HOLD" { "held" } else { "released" };
    let erp_path = format!("/sap/opu/odata/sap/API_PRODUCTION_ORDER_2_SRV/A_ProductionOrder_2('{number}')");
    vec![
        put("erp", erp_path, json!({ "ScheduleVersion": version, "ScheduleAction": action })),
        put(
            "wms",
            format!("/api/production-orders/{number}"),
            json!({ "schedule_version": version, "state": state }),
        ),
    ]
}

/// What the hub would do about a document, as far as the story needs it.
fn calls(taken: &Taken) -> Vec<Call> {
    let json = || serde_json::from_str::<Value>(&taken.body).unwrap();
    match (taken.system.as_str(), taken.source.as_str()) {
        ("erp", "production-orders") => production_order(&json()["d"]),
        ("wms", "counts") => taken.body.lines().skip(1).flat_map(count_row).collect(),
        ("wms", "positions") => {
            let body = json();
            let rows = body["positions"].as_array().unwrap().iter();
            rows.map(|row| position(&row["item"], &row["location"], &row["on_hand"], &row["change"]))
                .collect()
        }
        ("wms", "moves") => {
            let body = json();
            let ends = [&body["from"], &body["to"]].into_iter().filter(|end| !end.is_null());
            ends.map(|end| position(&body["item"], &end["location"], &end["on_hand"], &end["change"]))
                .collect()
        }
        ("aps", "schedule") => {
            let body = json();
            body["moves"]
                .as_array()
                .unwrap()
                .iter()
                .flat_map(|moved| schedule_move(&body["version"], moved))
                .collect()
        }
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn a_count_stops_the_orders_that_can_no_longer_be_built() {
    let (pass_on, mut taken) = mpsc::channel(1024);
    let hub = Hub::start(0, Some(pass_on)).await;
    let config = Config { rate_per_s: 0, speed: 36_000, hub: Some(hub.address()), ..Config::default() };
    let factory = Factory::start(config).await.unwrap();
    let urls: Vec<(&str, String)> =
        factory.systems().iter().map(|system| (system.name(), system.url())).collect();
    let relay = async {
        let caller = Caller::new();
        let mut key = 0;
        while let Some(document) = taken.recv().await {
            for call in calls(&document) {
                key += 1;
                let url = &urls.iter().find(|(name, _)| *name == call.system).unwrap().1;
                let (url, key, body) = (format!("{url}{}", call.path), key.to_string(), call.body);
                let reply = if call.post {
                    caller.post(&url, &key, &body).await
                } else {
                    caller.put(&url, &key, &body).await
                };
                let reply = reply.unwrap();
                assert!(reply.status < 300, "{url}: {} for {body}", reply.text);
            }
        }
    };
    let told = async {
        loop {
            let story = factory.story().unwrap();
            if story.is_complete() && story.milestones.iter().filter(|m| m.name == "kept-back").count() == 2 {
                return story;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let story = tokio::select! {
        () = relay => unreachable!("the hub lives as long as the test"),
        story = tokio::time::timeout(Duration::from_secs(30), told) => story.unwrap_or_else(|_| panic!("{:#?}", factory.story())),
    };
    assert_eq!(story.orders, ["PRO-1001", "PRO-1004", "PRO-1007"]);
    let held: Vec<&str> =
        story.milestones.iter().filter(|m| m.name == "held").map(|m| m.about.as_str()).collect();
    assert_eq!(held, ["PRO-1004", "PRO-1007"]);
    assert!(story.issued_in_vain().is_empty());
    assert!(story.tell().contains("PRO-1004 and PRO-1007 kept back at issue"), "{}", story.tell());
    assert!(factory.audit().is_clean(), "{:?}", factory.audit());
    factory.shutdown().await;
}
