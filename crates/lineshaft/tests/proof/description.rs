//! The API against its own description, on real data: every listing and everything it leads to is what `/openapi.json` says it is.

use std::collections::BTreeSet;

use lineshaft_sim::sink::{Sink, SinkConfig};
use serde_json::{Value, json};

use crate::caller::{Call, Caller};
use crate::load::FEED;
use crate::planning::{confirmed, late, pump, send};
use crate::plant::{Hub, PATIENCE, Plant, balance, until};

/// What an answer does not keep of its schema. Knows the keywords that the description uses and no other.
fn breaches(answer: &Value, schema: &Value, root: &Value, at: &str, found: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        return breaches(answer, root.pointer(name.trim_start_matches('#')).unwrap(), root, at, found);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let fitting = choices.iter().filter(|choice| {
            let mut inside = Vec::new();
            breaches(answer, choice, root, at, &mut inside);
            inside.is_empty()
        });
        if fitting.count() != 1 {
            found.push(format!("{at} fits not one of {schema}: {answer}"));
        }
        return;
    }
    let kind_fits = match schema["type"].as_str() {
        Some("object") => answer.is_object(),
        Some("array") => answer.is_array(),
        Some("string") => answer.is_string(),
        Some("integer") => answer.is_i64() || answer.is_u64(),
        Some("boolean") => answer.is_boolean(),
        Some("null") => answer.is_null(),
        Some(other) => panic!("{at}: the test does not know the type {other}"),
        None => true,
    };
    let listed = schema["enum"].as_array().is_none_or(|values| values.contains(answer));
    if !kind_fits || !listed {
        found.push(format!("{at} is {answer} and not {schema}"));
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if answer.get(name).is_none() {
            found.push(format!("{at} has no {name}"));
        }
    }
    for (name, value) in answer.as_object().into_iter().flatten() {
        let inner = schema["properties"].get(name).or_else(|| schema.get("additionalProperties"));
        match inner {
            Some(inner) => breaches(value, inner, root, &format!("{at}/{name}"), found),
            None if schema.get("properties").is_some() => found.push(format!("{at}/{name} is not described")),
            None => {}
        }
    }
    for (n, value) in answer.as_array().into_iter().flatten().enumerate() {
        let inner = schema["prefixItems"].get(n).unwrap_or(&schema["items"]);
        if !inner.is_null() {
            breaches(value, inner, root, &format!("{at}/{n}"), found);
        }
    }
}

/// Asks, and holds the answer against what the description says of this path.
struct Reader {
    caller: Caller,
    description: Value,
    /// The paths that have been held against it.
    read: BTreeSet<&'static str>,
}

impl Reader {
    async fn get(&mut self, path: &'static str, actual: &str) -> Value {
        let answer = self.caller.get(actual).await.unwrap();
        assert_eq!(answer.status, 200, "{actual}: {}", answer.text());
        let operation = &self.description["paths"][path]["get"];
        let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{path} is not described");
        let (answer, mut found) = (answer.json(), Vec::new());
        breaches(&answer, schema, &self.description, actual, &mut found);
        assert!(found.is_empty(), "{found:#?}");
        self.read.insert(path);
        answer
    }
}

fn first<'a>(page: &'a Value, what: &str) -> &'a Value {
    page["items"].get(0).unwrap_or_else(|| panic!("there is no {what}: {page:#}"))
}

/// A process that asks a person.
const ASKS: &str = "document: { dsl: '1.0.3', namespace: plant, name: ask, version: '1.0.0', metadata: { businessKey: .order } }\ndo:\n  - ask: { call: case.open, with: { title: 'Which one?', options: [first, second] } }\n";

/// A hub that holds one of everything: objects, a dead letter with a parked one behind it, a refused input.
async fn full(plant: &Plant, sink: &Sink) -> (Hub, Caller) {
    plant.write("systems/feed.yaml", FEED);
    plant.write_destination("erp", &sink.url(), "concurrency: 4");
    plant.write("systems/aps.yaml", &format!(
        "system: aps\nconnector: http\nbase_url: {}\noperations:\n  post:\n    request: {{ method: POST, path: /aps }}\n    answers: {{ refused: [200] }}\n",
        sink.url()
    ));
    plant.write_route("erp");
    plant.write_route("aps");
    plant.write("processes/ask.yaml", ASKS);
    let (hub, mut caller) = plant.started(&plant.token()).await;
    let event = |id: u32, data: Value| {
        json!({ "specversion": "1.0", "id": id.to_string(), "source": "urn:lineshaft:main:feed",
                "type": "lineshaft.purchase-order.changed.v1", "subject": "4711", "time": "2026-11-23T06:30:00Z", "data": data })
    };
    for id in 0..2 {
        let body = event(id, json!({ "status": "open", "lines": [{ "item": "BOLT" }] })).to_string();
        let call = Call::post("/v1/events", "application/cloudevents+json", body);
        assert_eq!(caller.call(&call).await.unwrap().status, 202);
    }
    let refused = Call::post("/v1/in/feed/counts", "application/json", "{\"type\": 1}");
    assert_eq!(caller.call(&refused).await.unwrap().status, 400);
    until("a dead letter", PATIENCE, async || {
        balance(&mut caller).await["destinations"]
            .as_array()
            .unwrap()
            .iter()
            .any(|books| books["dead"] == 1 && books["parked"] == 1)
    })
    .await;
    (hub, caller)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_is_as_it_is_described() {
    let sink = Sink::start(SinkConfig::default()).await.unwrap();
    let plant = Plant::new("planning: {}\n");
    let (_hub, mut caller) = full(&plant, &sink).await;
    for (of_type, subject, data) in pump() {
        send(&mut caller, of_type, subject, &data).await;
    }
    send(&mut caller, "purchase-order.confirmed", "4500/10/A1", &confirmed(8)).await;
    late(&mut caller, 1).await;
    let description = caller.get("/openapi.json").await.unwrap().json();
    let mut reader = Reader { caller, description, read: BTreeSet::new() };

    let events = reader.get("/v1/events", "/v1/events").await;
    let at = first(&events, "event")["position"].to_string();
    reader.get("/v1/events/{position}", &format!("/v1/events/{at}")).await;
    reader.get("/v1/objects", "/v1/objects").await;
    reader.get("/v1/objects/{type}", "/v1/objects/purchase-order?limit=1").await;
    for behind in ["", "/history", "/timeline", "/systems"] {
        reader.get("/v1/objects/{type}/{key}", &format!("/v1/objects/purchase-order/4711{behind}")).await;
    }
    reader.get("/v1/search", "/v1/search?q=BOLT").await;
    reader.get("/v1/deliveries", "/v1/deliveries").await;
    let letters = reader.get("/v1/dead-letters", "/v1/dead-letters").await;
    let id = first(&letters, "dead letter")["id"].as_str().unwrap().to_owned();
    reader.get("/v1/dead-letters/{id}", &format!("/v1/dead-letters/{id}")).await;
    reader.get("/v1/deliveries/{id}", &format!("/v1/deliveries/{id}")).await;
    let refused = reader.get("/v1/quarantine", "/v1/quarantine").await;
    let at = first(&refused, "refused input")["position"].to_string();
    reader.get("/v1/quarantine/{position}", &format!("/v1/quarantine/{at}")).await;
    let call = Call::post("/v1/replays", "application/json", json!({ "to": "erp.post" }).to_string());
    let begun = reader.caller.call(&call).await.unwrap();
    assert_eq!(begun.status, 202, "{}", begun.text());
    reader.get("/v1/jobs", "/v1/jobs").await;
    reader.get("/v1/jobs/{position}", &format!("/v1/jobs/{}", begun.json()["id"])).await;
    reader.get("/v1/systems", "/v1/systems").await;
    reader.get("/v1/balance", "/v1/balance").await;
    reader.get("/v1/overview", "/v1/overview").await;

    reader.get("/v1/availability", "/v1/availability?item=MOTOR").await;
    reader.get("/v1/shortages", "/v1/shortages").await;
    reader.get("/v1/shortages/options", "/v1/shortages/options?item=MOTOR&all=true").await;
    let plan = json!({ "horizon": { "from": "2026-01-01", "to": "2027-12-31" }, "bucket_days": 7,
                       "orders": [{ "production_order": "1000", "start": "2026-01-05", "end": "2026-01-06" }] });
    send(&mut reader.caller, "plan.proposed", "P100", &plan).await;
    until("the schedule", PATIENCE, async || {
        reader.caller.get("/v1/plan/schedules/P100").await.unwrap().status == 200
    })
    .await;
    reader.get("/v1/plan/request", "/v1/plan/request").await;
    reader.get("/v1/plan/schedules", "/v1/plan/schedules").await;
    reader.get("/v1/plan/schedules/{schedule}", "/v1/plan/schedules/P100").await;
    reader.get("/v1/impacts", "/v1/impacts").await;
    reader.get("/v1/plan", "/v1/plan").await;
    reader.get("/v1/plan/late-orders", "/v1/plan/late-orders").await;
    reader.get("/v1/plan/orders/{key}", "/v1/plan/orders/1000").await;
    reader.get("/v1/plan/pegging", "/v1/plan/pegging?order=1000").await;

    let started = Call::post("/v1/commands/ask", "application/json", "{\"order\":\"4711\"}");
    assert_eq!(reader.caller.call(&started).await.unwrap().status, 202);
    until("a case", PATIENCE, async || {
        let cases = reader.caller.get("/v1/cases").await.unwrap().json();
        cases["items"].get(0).is_some()
    })
    .await;
    reader.get("/v1/cases", "/v1/cases").await;
    let instances = reader.get("/v1/processes", "/v1/processes?phase=running").await;
    let id = first(&instances, "instance")["id"].as_str().unwrap().to_owned();
    reader.get("/v1/processes/{id}", &format!("/v1/processes/{id}")).await;

    let described = reader.description["paths"].as_object().unwrap().iter().filter(|(_, methods)| {
        methods["get"]["responses"]["200"]["content"].get("application/json").is_some()
    });
    let unread: Vec<&String> = described
        .map(|(path, _)| path)
        .filter(|path| path.as_str() != "/openapi.json" && !reader.read.contains(path.as_str()))
        .collect();
    assert!(unread.is_empty(), "nothing looks at {unread:?}");
    plant.assert_no_fault();
}
