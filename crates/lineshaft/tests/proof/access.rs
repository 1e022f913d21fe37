//! Who sees what: every route against every role, and every way to somebody else's records.

mod foreign;
mod identity;
mod matrix;
mod people;

use lineshaft_sim::sink::{Sink, SinkConfig};
use serde_json::{Value, json};

use crate::caller::{Call, Caller};
use crate::load::FEED;
use crate::planning::send;
use crate::plant::{Hub, PATIENCE, Plant, balance, until};

/// The roles, with what each is bound to.
const HOLDERS: &[(&str, &[&str])] = &[
    ("integration-engineer", &[]),
    ("operator", &[]),
    ("buyer", &[]),
    ("planner", &[]),
    ("warehouse-lead", &["--site", "P100"]),
    ("object-owner", &["--type", "item"]),
    ("auditor", &[]),
    ("supplier", &["--partner", "S1"]),
    ("application", &[]),
    ("agent", &["--system", "feed"]),
];

/// A hub with orders of two suppliers, at two sites, dead letters and a refused input, and a token for each role.
struct House {
    plant: Plant,
    _sink: Sink,
    _hub: Hub,
    address: std::net::SocketAddr,
    /// Role and token.
    tokens: Vec<(&'static str, String)>,
}

fn order(supplier: &str, item: &str) -> Value {
    json!({
        "supplier": supplier, "status": "open", "currency": "EUR",
        "lines": [{ "line": "10", "item": item, "price": { "amount": "417.25", "currency": "EUR" },
                    "quantity": { "value": "5", "unit": "C62" } }],
    })
}

impl House {
    async fn open() -> Self {
        let sink = Sink::start(SinkConfig::default()).await.unwrap();
        let sites = "sites:\n  P100: { timezone: Europe/Berlin }\n  P200: { timezone: Europe/Berlin }\n";
        let plant = Plant::new(&format!("planning: {{ site: P100 }}\n{sites}"));
        plant.write("systems/feed.yaml", FEED);
        plant.write("systems/aps.yaml", &format!(
            "system: aps\nconnector: http\nbase_url: {}\noperations:\n  post:\n    request: {{ method: POST, path: /aps }}\n    answers: {{ refused: [200] }}\n",
            sink.url()
        ));
        plant.write_route("aps");
        let tokens = HOLDERS.iter().map(|(role, bounds)| {
            let arguments = ["token", "create", role, "--role", role, "--data", "data"];
            let made = plant.printed(&[&arguments[..], bounds].concat());
            (*role, made.trim().to_owned())
        });
        let tokens: Vec<(&'static str, String)> = tokens.collect();
        let (hub, mut caller) = plant.started(&tokens[0].1).await;
        send(&mut caller, "purchase-order.released", "PO-S1", &order("S1", "BOLT")).await;
        send(&mut caller, "purchase-order.released", "PO-S2", &order("S2", "BOLT")).await;
        send(&mut caller, "purchase-order.released", "PO-NOBODY", &json!({ "status": "open" })).await;
        let both = json!({ "status": "open", "lines": [{ "supplier": "S1" }, { "supplier": "S2" }] });
        send(&mut caller, "purchase-order.released", "PO-BOTH", &both).await;
        // It names no supplier: whose it is, its order says.
        let confirmed = json!({ "splits": [], "price": { "amount": "398.50" } });
        send(&mut caller, "purchase-order.confirmed", "PO-S2/10/A1", &confirmed).await;
        send(&mut caller, "purchase-order.confirmed", "PO-S1/10/A1", &confirmed).await;
        send(&mut caller, "item.changed", "BOLT", &json!({ "unit": "C62", "standard_price": "301.75" }))
            .await;
        let refused = Call::post("/v1/in/feed/counts", "application/json", "{\"type\": 1}");
        assert_eq!(caller.call(&refused).await.unwrap().status, 400);
        until("seven dead letters", PATIENCE, async || {
            let books = balance(&mut caller).await;
            let all = books["destinations"].as_array().unwrap().iter();
            all.map(|books| books["dead"].as_u64().unwrap() + books["parked"].as_u64().unwrap()).sum::<u64>()
                == 7
                && books["applied"] == books["position"]
        })
        .await;
        let address = caller.address;
        Self { plant, _sink: sink, _hub: hub, address, tokens }
    }

    fn token(&self, role: &str) -> &str {
        &self.tokens.iter().find(|(known, _)| *known == role).unwrap().1
    }

    fn caller(&self, role: &str) -> Caller {
        Caller::new(self.address, self.token(role))
    }
}
