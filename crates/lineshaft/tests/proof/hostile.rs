//! Requests that are wrong in every way a seed or a person can think of: refused or kept, never a fault of the hub, and every
//! one of them in the books.
//!
//! `MUTATIONS=100000` in the environment makes it longer, `SEED` another run.

mod mutation;
mod smuggling;
mod wrong;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use lineshaft_sim::sink::{Sink, SinkConfig};
use serde_json::Value;

use crate::caller::{Answer, Call, Caller};
use crate::plant::{Hub, PATIENCE, Plant, drained};

/// Documents of each format, one mapping for all: what has an item becomes an event.
const SYSTEM: &str = r"
system: plant
connector: http
sources:
  json: { format: json, mapping: count.jq, contract: counts }
  lines: { format: ndjson, mapping: count.jq, contract: counts }
  csv: { format: { csv: { delimiter: ; } }, mapping: count.jq, contract: counts }
  xml: { format: { xml: { split: count } }, mapping: element.jq, contract: elements }
";

const MAPPING: &str = r#"{
  type: "lineshaft.inventory.counted.v1",
  subject: "\(.item)/\(.location)",
  data: { id: "\(.item)/\(.location)", subject: .item, counted: qty(.counted; "KGM") }
}
"#;

const CONTRACT: &str = r#"
contract: counts
owner: warehouse-lead
schema:
  type: object
  required: [item, location, counted]
  properties:
    item: { type: string, pattern: "^[A-Za-z0-9;\" -]{1,40}$" }
    location: { type: string }
"#;

/// The same for an element, which is a member of its document.
const ELEMENT: &str = r#".count | {
  type: "lineshaft.inventory.counted.v1",
  subject: "\(.item)/\(.location)",
  data: { id: "\(.item)/\(.location)", subject: .item, counted: qty(.counted; "KGM") }
}
"#;

const ELEMENTS: &str = r"
contract: elements
owner: warehouse-lead
schema:
  type: object
  required: [count]
  properties:
    count: { type: object, required: [item, location, counted], properties: { item: { type: string } } }
";

/// What the client has counted from the answers, by intake and verdict.
type Counted = BTreeMap<(String, String), u64>;

/// A hub that takes every format and passes on what it accepts.
struct Hostile {
    plant: Plant,
    hub: Hub,
    token: String,
    caller: Caller,
    counted: Arc<Mutex<Counted>>,
    /// Takes the deliveries.
    _sink: Sink,
}

impl Hostile {
    async fn start() -> Self {
        let sink = Sink::start(SinkConfig::default()).await.unwrap();
        let plant = Plant::new("");
        plant.write("systems/plant.yaml", SYSTEM);
        plant.write("mappings/count.jq", MAPPING);
        plant.write("mappings/element.jq", ELEMENT);
        plant.write("contracts/counts.yaml", CONTRACT);
        plant.write("contracts/elements.yaml", ELEMENTS);
        plant.write_destination("erp", &sink.url(), "concurrency: 8, timeout: 5s");
        plant.write_route("erp");
        let token = plant.token();
        let (hub, caller) = plant.started(&token).await;
        Self { plant, hub, token, caller, counted: Arc::default(), _sink: sink }
    }

    fn another_caller(&self) -> Caller {
        Caller::new(self.caller.address, &self.token)
    }

    /// The hub lives, has no fault of its own in its log, takes a good event as before, and its books say what the client
    /// counted.
    async fn assert_unharmed(mut self) {
        assert!(self.hub.lives(), "{}", self.plant.last_words());
        // The hub closes a connection that has been idle for long.
        let mut caller = self.another_caller();
        let good =
            Call::post("/v1/events", "application/cloudevents+json", mutation::event("last").to_string());
        let answer = caller.call(&good).await.unwrap();
        assert_eq!(
            (answer.status, answer.verdicts()),
            (202, vec!["accepted".to_owned()]),
            "{}",
            answer.text()
        );
        count(&self.counted, &good, &answer);
        // A refused delivery is dead and one behind it parked: neither waits.
        let books = drained(&mut caller, PATIENCE).await;
        let mut kept = Counted::new();
        for (intake, counts) in books["inputs"].as_object().unwrap() {
            for (verdict, count) in counts.as_object().unwrap() {
                kept.insert((intake.clone(), verdict.clone()), count.as_u64().unwrap());
            }
        }
        kept.retain(|_, count| *count > 0);
        assert_eq!(kept, *self.counted.lock().unwrap(), "books (left) and answers (right) differ");
        assert!(self.hub.stop().await.success(), "{}", self.plant.last_words());
        self.plant.assert_no_fault();
    }
}

/// Counts what an answer says was kept, and fails when it blames the hub.
fn count(counted: &Mutex<Counted>, call: &Call, answer: &Answer) {
    let excused = answer.status == 503 && answer.header("retry-after").is_some();
    assert!(answer.status < 500 || excused, "{call:?} was answered {}: {}", answer.status, answer.text());
    let path = call.path.split('?').next().unwrap_or_default();
    let intake = path.strip_prefix("/v1/in/").unwrap_or("events").to_owned();
    let mut counted = counted.lock().unwrap();
    let mut add = |verdict: String| *counted.entry((intake.clone(), verdict)).or_default() += 1;
    if answer.status == 202 {
        answer.verdicts().into_iter().for_each(add);
        return;
    }
    let problem = answer.json();
    assert!(problem["code"].is_string() || problem == Value::Null, "no problem: {}", answer.text());
    if problem["quarantined"].as_u64().is_some() {
        add("quarantined".to_owned());
    }
}
