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

/// Calls of one document: system, path, body.
fn calls(taken: &Taken) -> Vec<(&'static str, bool, String, Value)> {
    match (taken.system.as_str(), taken.source.as_str()) {
        ("erp", "production-orders") => {
            let order: Value = serde_json::from_str(&taken.body).unwrap();
            let order = &order["d"];
            let number = order["ManufacturingOrder"].as_str().unwrap();
            let flag = |name: &str| order[name].as_bool().unwrap();
            let state = match (
                flag("OrderIsConfirmed"),
                flag("OrderIsPartiallyConfirmed"),
                flag("OrderIsReleased"),
            ) {
                (true, ..) => "completed",
                (_, true, _) => "running",
                (.., true) => "released",
                _ => "created",
            };
            let parts = order["to_ProductionOrderComponent"]["results"].as_array().unwrap();
            let parts: Vec<Value> = parts
                .iter()
                .map(|part| json!({ "item": part["Material"], "location": part["StorageBin"], "quantity": part["RequiredQuantity"] }))
                .collect();
            let body = json!({
                "revision": order["YY1_Revision_ORD"], "state": state, "components": parts, "product": order["Material"],
                "start": moment(&order["MfgOrderScheduledStartDateTime"]), "priority": order["ManufacturingOrderImportance"],
                "yield": order["MfgOrderConfirmedYieldQty"],
            });
            let path = format!("/api/production-orders/{number}");
            vec![("aps", false, path.clone(), body.clone()), ("wms", false, path, body)]
        }
        ("wms", "positions") => {
            let body: Value = serde_json::from_str(&taken.body).unwrap();
            let rows = body["positions"].as_array().unwrap();
            rows.iter()
                .map(|row| {
                    position(
                        row["item"].clone(),
                        row["location"].clone(),
                        row["on_hand"].clone(),
                        row["change"].clone(),
                    )
                })
                .collect()
        }
        ("wms", "counts") => {
            let rows = taken.body.lines().skip(1).map(|row| row.split(',').collect::<Vec<_>>());
            rows.flat_map(|row| {
                let (book, counted): (i64, i64) = (row[7].parse().unwrap(), row[8].parse().unwrap());
                let difference = json!({
                    "PhysicalInventoryDocument": format!("{}-{}", row[0], row[1]), "Material": row[4], "StorageBin": row[5],
                    "DifferenceQuantity": format!("{}.000", counted - book),
                    "GoodsMovementType": if counted > book { "701" } else { "702" },
                });
                let path = "/sap/opu/odata/sap/API_PHYSICAL_INVENTORY_DOC_SRV/A_InventoryDifference".to_owned();
                [("erp", true, path, difference), position(json!(row[4]), json!(row[5]), json!(row[8]), json!(row[9]))]
            })
            .collect()
        }
        ("wms", "moves") => {
            let body: Value = serde_json::from_str(&taken.body).unwrap();
            let ends = [&body["from"], &body["to"]];
            let ends = ends.iter().filter(|end| !end.is_null());
            ends.map(|end| {
                position(
                    body["item"].clone(),
                    end["location"].clone(),
                    end["on_hand"].clone(),
                    end["change"].clone(),
                )
            })
            .collect()
        }
        ("aps", "schedule") => {
            let body: Value = serde_json::from_str(&taken.body).unwrap();
            let moves = body["moves"].as_array().unwrap();
            moves
                .iter()
                .flat_map(|moved| {
                    let number = moved["order"].as_str().unwrap();
                    let hold = moved["action"] == "hold";
                    let to_erp = json!({ "ScheduleVersion": body["version"], "ScheduleAction": if hold { "HOLD" } else { "RESUME" } });
                    let to_wms = json!({ "schedule_version": body["version"], "state": if hold { "held" } else { "released" } });
                    let erp_path = format!("/sap/opu/odata/sap/API_PRODUCTION_ORDER_2_SRV/A_ProductionOrder_2('{number}')");
                    [("erp", false, erp_path, to_erp), ("wms", false, format!("/api/production-orders/{number}"), to_wms)]
                })
                .collect()
        }
        _ => Vec::new(),
    }
}

fn position(
    item: Value,
    location: Value,
    quantity: Value,
    revision: Value,
) -> (&'static str, bool, String, Value) {
    let body = json!({ "item": item, "location": location, "quantity": quantity, "revision": revision });
    ("aps", true, "/api/positions".to_owned(), body)
}

#[tokio::test]
async fn a_count_stops_the_orders_that_can_no_longer_be_built() {
    let (pass_on, mut taken) = mpsc::unbounded_channel();
    let hub = Hub::start(0, Some(pass_on)).await;
    let config = Config { rate_per_s: 0, speed: 36_000, hub: Some(hub.address()), ..Config::default() };
    let factory = Factory::start(config).await.unwrap();
    let urls: Vec<(&str, String)> =
        factory.systems().iter().map(|system| (system.name(), system.url())).collect();
    let relay = async {
        let caller = Caller::new();
        let mut key = 0;
        while let Some(document) = taken.recv().await {
            for (system, post, path, body) in calls(&document) {
                key += 1;
                let url = &urls.iter().find(|(name, _)| *name == system).unwrap().1;
                let (url, key) = (format!("{url}{path}"), key.to_string());
                let reply = if post {
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
