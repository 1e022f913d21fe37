//! The audit: what four independent systems can say about the hub between them.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::erp::PurchaseState;
use crate::factory::{Floor, SystemHandle};

/// Two systems that do not agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// `purchase-order`, `production-order`, `stock`.
    pub kind: &'static str,
    pub key: String,
    /// The system that lacks something, or has something else.
    pub system: &'static str,
    /// What the owner of the fact says.
    pub expected: String,
    pub found: String,
}

/// The findings. The effect counts hold at any time; `differences` mean something once hub and factory are at rest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Audit {
    pub requests: u64,
    pub effects: u64,
    /// `system operation id xN` of everything that happened more than once.
    pub doubles: Vec<String>,
    pub key_conflicts: u64,
    pub without_key: u64,
    pub out_of_order: u64,
    pub refused: u64,
    /// Documents the hub refused for good.
    pub refused_by_hub: u64,
    pub acknowledged: u64,
    pub waiting: u64,
    pub differences: Vec<Difference>,
}

impl Audit {
    /// No effect twice, no key misused, no order broken.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.doubles.is_empty() && self.key_conflicts == 0 && self.out_of_order == 0
    }
}

pub(super) fn audit(floor: &Floor, handles: &[SystemHandle]) -> Audit {
    let mut audit = Audit::default();
    for handle in handles {
        let stats = handle.stats();
        audit.requests += stats.ledger.requests;
        audit.effects += stats.ledger.effects;
        audit.key_conflicts += stats.ledger.key_conflicts;
        audit.without_key += stats.ledger.without_key;
        audit.out_of_order += stats.ledger.out_of_order;
        audit.refused += stats.ledger.refused;
        audit.refused_by_hub += stats.outbox.refused;
        audit.acknowledged += stats.outbox.acknowledged;
        audit.waiting += stats.outbox.waiting;
        for (effect, count) in handle.station.ledger.lock().doubles() {
            audit.doubles.push(format!("{} {} {} x{count}", handle.name(), effect.operation, effect.id));
        }
    }
    audit.differences = differences(floor);
    audit
}

/// Compares one system after the other with the owner of the fact; never two locks at a time.
fn differences(floor: &Floor) -> Vec<Difference> {
    let mut found = purchase_orders(floor);
    found.extend(production_orders(floor));
    found.extend(stock(floor));
    found
}

fn purchase_orders(floor: &Floor) -> Vec<Difference> {
    let owned: Vec<(String, u64, &str)> = {
        let erp = floor.systems.erp.state.lock();
        let state = |state| match state {
            PurchaseState::Open => "open",
            PurchaseState::Cancelled => "cancelled",
            PurchaseState::Closed => "closed",
        };
        erp.purchases()
            .iter()
            .map(|(number, purchase)| (number.clone(), purchase.revision, state(purchase.state)))
            .collect()
    };
    let mut differences = Vec::new();
    let mut compare = |system: &'static str, known: &dyn Fn(&str) -> Option<(u64, String)>| {
        for (number, revision, state) in &owned {
            let expected = format!("revision {revision}, {state}");
            let found = known(number).map_or_else(
                || "unknown".to_owned(),
                |(revision, state)| format!("revision {revision}, {state}"),
            );
            if found != expected {
                differences.push(Difference {
                    kind: "purchase-order",
                    key: number.clone(),
                    system,
                    expected,
                    found,
                });
            }
        }
    };
    {
        let network = floor.systems.procurement.state.lock();
        compare("procurement", &|number| {
            network.orders().get(number).map(|order| (order.revision, order.state.clone()))
        });
    }
    {
        let wms = floor.systems.wms.state.lock();
        compare("wms", &|number| {
            wms.expected().get(number).map(|order| (order.revision, order.state.clone()))
        });
    }
    {
        let aps = floor.systems.aps.state.lock();
        compare("aps", &|number| {
            aps.supplies().get(number).map(|order| (order.revision, order.state.clone()))
        });
    }
    differences
}

fn production_orders(floor: &Floor) -> Vec<Difference> {
    let owned: Vec<(String, u64)> = {
        let erp = floor.systems.erp.state.lock();
        erp.productions().iter().map(|(number, production)| (number.clone(), production.revision)).collect()
    };
    let aps = floor.systems.aps.state.lock();
    owned
        .into_iter()
        .filter_map(|(key, revision)| {
            let found = aps.job_revision(&key);
            (found != Some(revision)).then(|| Difference {
                kind: "production-order",
                key,
                system: "aps",
                expected: format!("revision {revision}"),
                found: found.map_or_else(|| "unknown".to_owned(), |revision| format!("revision {revision}")),
            })
        })
        .collect()
}

/// The warehouse is right about what lies on its shelves; the ERP's book and the scheduler's positions must say the same.
fn stock(floor: &Floor) -> Vec<Difference> {
    let shelves: Vec<((String, String), crate::amount::Amount)> = {
        let wms = floor.systems.wms.state.lock();
        wms.shelves().iter().map(|(key, place)| (key.clone(), place.on_hand)).collect()
    };
    let places: BTreeSet<&(String, String)> = shelves.iter().map(|(key, _)| key).collect();
    let mut differences = Vec::new();
    let mut compare =
        |system: &'static str,
         known: &std::collections::BTreeMap<(String, String), crate::amount::Amount>| {
            let difference = |key: &(String, String), expected: String, found: String| Difference {
                kind: "stock",
                key: format!("{}/{}", key.0, key.1),
                system,
                expected,
                found,
            };
            for (key, on_hand) in &shelves {
                let found = known.get(key);
                if found != Some(on_hand) {
                    let found = found.map_or_else(|| "unknown".to_owned(), ToString::to_string);
                    differences.push(difference(key, on_hand.to_string(), found));
                }
            }
            for (key, amount) in known.iter().filter(|(key, _)| !places.contains(key)) {
                differences.push(difference(key, "nothing".to_owned(), amount.to_string()));
            }
        };
    compare("erp", floor.systems.erp.state.lock().book());
    compare("aps", floor.systems.aps.state.lock().positions());
    differences
}
