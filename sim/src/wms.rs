//! The warehouse: expected receipts, goods receipts, stock moves and cycle counts.

mod documents;
mod inbound;
mod production;
mod routes;
mod shelf;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::plan::{Action, Catalogue};
use crate::station::outbox::Document;
use crate::station::system::{Desk, Simulated, System};

use inbound::{Expected, Shipment};
use production::Reservation;
pub(crate) use routes::routes;
pub(crate) use shelf::Shelves;

pub(crate) type WmsSystem = System<Wms>;

/// What the warehouse does later by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Todo {
    /// The truck of a shipment is at the gate.
    Arrive { asn: String },
}

#[derive(Debug)]
pub(crate) struct Wms {
    seed: u64,
    catalogue: Arc<Catalogue>,
    shelves: Shelves,
    expected: BTreeMap<String, Expected>,
    shipments: BTreeMap<String, Shipment>,
    reservations: BTreeMap<String, Reservation>,
    receipts: u64,
    moves: u64,
}

impl Wms {
    pub(crate) fn new(seed: u64, catalogue: Arc<Catalogue>) -> Self {
        Self {
            seed,
            shelves: Shelves::opening(&catalogue.stock),
            catalogue,
            expected: BTreeMap::new(),
            shipments: BTreeMap::new(),
            reservations: BTreeMap::new(),
            receipts: 0,
            moves: 0,
        }
    }

    /// Sends every stock position, once.
    pub(crate) fn publish_positions(&self, desk: &mut Desk<'_, Todo>) {
        let rows: Vec<_> = self.shelves.iter().collect();
        for (chunk, n) in rows.chunks(20).zip(1..) {
            let id = format!("OPENING-{n}");
            let body = documents::positions(&id, chunk, &self.catalogue, desk.clock.now());
            desk.send(Document::json("positions", &id, &id, &body));
        }
    }

    /// Does what the plan says.
    pub(crate) fn act(&mut self, action: Action, desk: &mut Desk<'_, Todo>) {
        match action {
            Action::MoveStock(moved) => self.transfer(&moved, desk),
            Action::Count { sheet, lines } => self.count(&sheet, &lines, desk),
            _ => {}
        }
    }

    pub(crate) fn shelves(&self) -> &Shelves {
        &self.shelves
    }

    pub(crate) fn expected(&self) -> &BTreeMap<String, Expected> {
        &self.expected
    }
}

impl Simulated for Wms {
    type Todo = Todo;

    fn perform(&mut self, todo: Todo, desk: &mut Desk<'_, Todo>) {
        match todo {
            Todo::Arrive { asn } => self.arrive(&asn, desk),
        }
    }

    fn view(&self, what: &str) -> Option<Value> {
        match what.split_once('/').unwrap_or((what, "")) {
            ("", _) => Some(json!({
                "stock": self.shelves.iter().count(),
                "expected-receipts": self.expected.len(),
                "shipments": self.shipments.len(),
                "production-orders": self.reservations.len(),
                "receipts": self.receipts,
                "moves": self.moves,
            })),
            ("stock", "") => Some(self.shelves.view("")),
            ("stock", item) => Some(self.shelves.view(item)),
            ("expected-receipts", "") => {
                Some(self.expected.iter().map(|(order, known)| known.view(order)).collect())
            }
            ("expected-receipts", order) => self.expected.get(order).map(|known| known.view(order)),
            ("shipments", "") => Some(self.shipments.iter().map(|(asn, known)| known.view(asn)).collect()),
            ("shipments", asn) => self.shipments.get(asn).map(|known| known.view(asn)),
            ("production-orders", "") => {
                Some(self.reservations.iter().map(|(order, known)| known.view(order)).collect())
            }
            ("production-orders", order) => self.reservations.get(order).map(|known| known.view(order)),
            _ => None,
        }
    }
}
