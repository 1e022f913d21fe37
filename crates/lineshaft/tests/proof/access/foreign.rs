//! Other people's records: not there in any list, search, stream, page or action, and told in the words of what was never there.

use std::time::Duration;

use serde_json::Value;

use super::House;
use crate::caller::{Call, raw};

/// Everything of others that could show: keys, prices, items that only others buy.
const OTHERS: [&str; 6] = ["PO-S2", "PO-NOBODY", "PO-BOTH", "\"S2\"", ">S2<", "feed/counts"];

fn assert_clean(what: &str, text: &str) {
    for word in OTHERS {
        assert!(!text.contains(word), "{what} shows {word}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_supplier_meets_its_own_records_and_no_other() {
    let house = House::open().await;
    let mut caller = house.caller("supplier");
    let mut json = async |path: &str| -> (u16, Value, String) {
        let answer = caller.get(path).await.unwrap();
        (answer.status, answer.json(), answer.text())
    };

    // Lists hold what is its own, and nothing beside.
    let (_, objects, text) = json("/v1/objects/purchase-order?limit=500").await;
    let keys: Vec<&str> =
        objects["items"].as_array().unwrap().iter().map(|row| row["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["PO-S1"]);
    assert_clean("the list of orders", &text);
    let (_, events, text) = json("/v1/events?limit=500").await;
    let mut subjects: Vec<&str> =
        events["items"].as_array().unwrap().iter().map(|row| row["subject"].as_str().unwrap()).collect();
    subjects.sort_unstable();
    assert_eq!(subjects, ["PO-S1", "PO-S1/10/A1"], "{text}");
    let (_, types, _) = json("/v1/objects").await;
    assert_eq!(types["items"].as_array().unwrap().len(), 1, "{types}");
    for query in ["BOLT", "PO", "S2", "PO-S2", "PO-BOTH", "lineshaft"] {
        let (status, hits, text) = json(&format!("/v1/search?q={query}")).await;
        assert_eq!(status, 200);
        assert_clean(query, &text);
        assert!(hits.as_array().unwrap().iter().all(|hit| hit["key"] == "PO-S1"), "{query}: {text}");
        // Nothing is counted that is not shown.
        assert!(hits.as_array().unwrap().iter().all(|hit| hit["events"].as_u64().unwrap() <= 2), "{text}");
    }

    // Its own order: its prices, but neither where it went nor the bytes it came in.
    let (status, own, text) = json("/v1/objects/purchase-order/PO-S1").await;
    assert_eq!(status, 200);
    assert_eq!(own["data"]["lines"][0]["price"]["amount"], "417.25", "{text}");
    assert_eq!(own["withheld"], serde_json::json!(["deliveries"]));
    let (_, timeline, text) = json("/v1/objects/purchase-order/PO-S1/timeline").await;
    assert!(timeline.as_array().unwrap().iter().all(|entry| entry["what"] == "event"), "{text}");
    let at = events["items"][0]["position"].to_string();
    let (_, event, text) = json(&format!("/v1/events/{at}")).await;
    assert_eq!(
        (event["raw"].get("text"), event["deliveries"].as_array().unwrap().len()),
        (None, 0),
        "{text}"
    );

    // What is foreign is told as what never was.
    let mut others = house.caller("integration-engineer");
    let all = others.get("/v1/events?limit=500").await.unwrap().json();
    let mine: Vec<&Value> = events["items"].as_array().unwrap().iter().map(|row| &row["position"]).collect();
    let foreign = all["items"].as_array().unwrap().iter().map(|row| &row["position"]);
    for position in foreign.filter(|position| !mine.contains(position)) {
        let (status, problem, text) = json(&format!("/v1/events/{position}")).await;
        assert_eq!(status, 404);
        let never = text.replace(&format!("position {position}"), "position 999999");
        assert_eq!(never, json("/v1/events/999999").await.2, "{problem}");
    }
    for key in ["PO-S2", "PO-BOTH", "PO-NOBODY"] {
        for behind in ["", "/history", "/timeline", "/systems"] {
            let (status, _, text) = json(&format!("/v1/objects/purchase-order/{key}{behind}")).await;
            assert_eq!(status, 404, "{key}{behind}");
            let never = text.replace(key, "PO-NEVER");
            assert_eq!(never, json(&format!("/v1/objects/purchase-order/PO-NEVER{behind}")).await.2);
        }
    }
    for path in [
        "/v1/dead-letters",
        "/v1/deliveries",
        "/v1/quarantine",
        "/v1/balance",
        "/v1/overview",
        "/metrics",
        "/v1/systems",
    ] {
        assert_eq!(json(path).await.0, 403, "{path}");
    }
    house.plant.assert_no_fault();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_and_the_stream_show_no_more_than_the_lists() {
    let house = House::open().await;
    let cookie = format!("lineshaft_session={}", house.token("supplier"));
    let mut caller = crate::caller::Caller::new(house.address, "");
    for path in ["/objects?type=purchase-order", "/events", "/search?q=BOLT", "/objects/purchase-order/PO-S1"]
    {
        let page = caller.call(&Call::get(path).with("cookie", &cookie)).await.unwrap();
        assert!([200, 303].contains(&page.status), "{path}: {}", page.status);
        assert_clean(path, &page.text());
        for hidden in
            ["href=\"/systems\"", "href=\"/dead-letters\"", "href=\"/quarantine\"", "href=\"/books\""]
        {
            assert!(!page.text().contains(hidden), "{path} leads to {hidden}");
        }
    }
    let token = house.token("supplier");
    let request = format!(
        "GET /v1/events/stream HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\nlast-event-id: 0\r\n\r\n",
        house.address
    );
    // It never ends by itself: what has come after two seconds is all there is of the past.
    let (heard, _) = raw(house.address, request.as_bytes(), Duration::from_secs(2)).await;
    let heard = String::from_utf8_lossy(&heard);
    assert_eq!(heard.matches("event: event").count(), 2, "{heard}");
    assert_clean("the stream", &heard);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_that_are_not_for_a_role_leave_the_hub_for_nobody_of_it() {
    let house = House::open().await;
    for role in ["operator", "planner", "warehouse-lead"] {
        let mut caller = house.caller(role);
        let events = caller.get("/v1/events?limit=500").await.unwrap().json();
        for row in events["items"].as_array().unwrap() {
            let answer = caller.get(&format!("/v1/events/{}", row["position"])).await.unwrap();
            for price in ["417.25", "398.50", "301.75"] {
                assert!(!answer.text().contains(price), "{role} sees a price: {}", answer.text());
            }
        }
        let answer = caller.get("/v1/objects/purchase-order/PO-S1").await.unwrap();
        assert_eq!(answer.json()["data"]["lines"][0]["price"], "***", "{}", answer.text());
        let cookie = format!("lineshaft_session={}", house.token(role));
        let page =
            caller.call(&Call::get("/objects/purchase-order/PO-S1").with("cookie", &cookie)).await.unwrap();
        assert!(!page.text().contains("417.25") && page.text().contains("Not shown to your role"));
    }
    let mut buyer = house.caller("buyer");
    let answer = buyer.get("/v1/objects/purchase-order/PO-S1").await.unwrap();
    assert_eq!(answer.json()["data"]["lines"][0]["price"]["amount"], "417.25");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn policies_of_the_workspace_are_taken_with_a_reload_and_a_wrong_one_is_not() {
    let house = House::open().await;
    let mut engineer = house.caller("integration-engineer");
    let mut planner = house.caller("planner");
    let seen = planner.get("/v1/objects/purchase-order/PO-S1").await.unwrap();
    assert_eq!(seen.json()["data"]["lines"][0]["price"], "***");
    let prices = "@id(\"prices\") permit (principal in Role::\"planner\", action == Action::\"see-fields\", resource)\n\
                  when { context.group == FieldGroup::\"prices\" };\n";
    house.plant.write("policies/planner-prices.cedar", prices);
    let reload = Call::post("/v1/configuration/reload", "", "");
    assert_eq!(engineer.call(&reload).await.unwrap().status, 200);
    let seen = planner.get("/v1/objects/purchase-order/PO-S1").await.unwrap();
    assert_eq!(seen.json()["data"]["lines"][0]["price"]["amount"], "417.25");
    house.plant.write("policies/planner-prices.cedar", &prices.replace("context.group", "context.grup"));
    let refused = engineer.call(&reload).await.unwrap();
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("policies/planner-prices.cedar:2:"), "{}", refused.text());
    let seen = planner.get("/v1/objects/purchase-order/PO-S1").await.unwrap();
    assert_eq!(seen.json()["data"]["lines"][0]["price"]["amount"], "417.25");

    house.plant.remove("policies/planner-prices.cedar");
    let told = house.plant.command(&[
        "access",
        "explain",
        "supplier",
        "see",
        "--type",
        "purchase-order",
        "--partner",
        "S2",
    ]);
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.contains("forbidden by everyone#own-partner"), "{told}");
    let told = house.plant.printed(&[
        "access",
        "explain",
        "supplier",
        "see",
        "--type",
        "purchase-order",
        "--partner",
        "S1",
    ]);
    assert!(told.contains("permitted by supplier#see-own-orders"), "{told}");
}

/// A dead letter shows of its data what its event shows, and whoever does not see all of it may not write over it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_letter_shows_no_more_than_its_event() {
    let house = House::open().await;
    let mut all = house.caller("integration-engineer");
    let letters = all.get("/v1/dead-letters?limit=500").await.unwrap().json();
    let ids: Vec<String> = letters["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["id"].as_str().unwrap().to_owned())
        .collect();
    assert!(!ids.is_empty());
    let (mut whole, mut masked) = (0, 0);
    for (role, _) in super::HOLDERS {
        let mut caller = house.caller(role);
        for id in &ids {
            let letter = caller.get(&format!("/v1/dead-letters/{id}")).await.unwrap();
            if letter.status != 200 {
                continue;
            }
            let (event, _) = id.split_once('.').unwrap();
            let event = caller.get(&format!("/v1/events/{event}")).await.unwrap().json();
            let letter = letter.json();
            assert_eq!(letter["data"], event["data"], "{role} {id}");
            let body = r#"{"data": {"status": "open"}, "reason": "a test"}"#;
            let asked = Call::post(&format!("/v1/dead-letters/{id}/preview"), "application/json", body);
            let status = caller.call(&asked).await.unwrap().status;
            if letter["withheld"].is_null() {
                whole += 1;
            } else {
                masked += 1;
                assert_eq!(status, 403, "{role} {id}: who does not see all of it may not edit it");
            }
        }
    }
    assert!(whole > 0 && masked > 0, "{whole} {masked}");
}
