//! Purchase and production orders as the ERP keeps them.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::{Value, json};

use crate::amount::Amount;
use crate::erp::{Erp, Todo, documents};
use crate::plan::{ProductionOrder, PurchaseOrder};
use crate::station::system::Desk;
use crate::story::Note;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PurchaseState {
    Open,
    Cancelled,
    Closed,
}

/// A confirmed quantity and its day; without a day it was refused.
pub(crate) type Split = (Amount, Option<Date>);

#[derive(Clone, Debug)]
pub(crate) struct Purchase {
    pub(crate) order: PurchaseOrder,
    pub(crate) state: PurchaseState,
    /// Counted by the ERP: every change that leaves the house has the next number.
    pub(crate) revision: u64,
    /// Confirmations by line and the supplier's number: quantity and day of each split.
    pub(crate) confirmations: BTreeMap<(u64, String), Vec<Split>>,
    pub(crate) received: BTreeMap<u64, Amount>,
    pub(crate) deliveries: Vec<String>,
}

impl Purchase {
    pub(crate) fn view(&self) -> Value {
        let confirmations: Vec<Value> = self
            .confirmations
            .iter()
            .map(|((line, number), splits)| {
                let splits: Vec<Value> = splits
                    .iter()
                    .map(|(quantity, day)| json!({ "quantity": quantity.fixed(3), "date": day.map(|day| day.to_string()) }))
                    .collect();
                json!({ "line": line, "confirmation": number, "splits": splits })
            })
            .collect();
        json!({
            "number": self.order.number,
            "revision": self.revision,
            "state": format!("{:?}", self.state).to_lowercase(),
            "supplier": self.order.supplier,
            "confirmations": confirmations,
            "received": self.received.iter().map(|(line, amount)| (line.to_string(), json!(amount.fixed(3)))).collect::<serde_json::Map<_, _>>(),
            "deliveries": self.deliveries,
        })
    }

    fn is_fully_received(&self) -> bool {
        let received = |line| self.received.get(&line).copied().unwrap_or_default();
        self.order.lines.iter().all(|line| received(line.line) >= line.quantity)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ProductionState {
    Created,
    Released,
    Running,
    Completed,
}

#[derive(Clone, Debug)]
pub(crate) struct Production {
    pub(crate) order: ProductionOrder,
    pub(crate) state: ProductionState,
    pub(crate) revision: u64,
    /// Held by the scheduler: it is not started.
    pub(crate) held: bool,
    /// Its start has come and gone while it was held.
    pub(crate) due: bool,
    /// The scheduler's version that spoke last.
    pub(crate) schedule_version: u64,
}

impl Production {
    pub(crate) fn view(&self) -> Value {
        json!({
            "number": self.order.number,
            "revision": self.revision,
            "state": format!("{:?}", self.state).to_lowercase(),
            "held": self.held,
            "start_overdue": self.due,
            "item": self.order.item,
            "quantity": self.order.quantity.fixed(3),
            "schedule_version": self.schedule_version,
        })
    }
}

impl Erp {
    pub(super) fn put_purchase(&mut self, order: PurchaseOrder, desk: &mut Desk<'_, Todo>) {
        let purchase = self.purchases.entry(order.number.clone()).or_insert_with(|| Purchase {
            order: order.clone(),
            state: PurchaseState::Open,
            revision: 0,
            confirmations: BTreeMap::new(),
            received: BTreeMap::new(),
            deliveries: Vec::new(),
        });
        if purchase.state != PurchaseState::Open {
            return;
        }
        purchase.order = order;
        purchase.revision += 1;
        desk.send(documents::purchase_order(purchase, &self.catalogue, desk.clock.now()));
    }

    pub(super) fn cancel_purchase(&mut self, number: &str, desk: &mut Desk<'_, Todo>) {
        let Some(purchase) =
            self.purchases.get_mut(number).filter(|purchase| purchase.state == PurchaseState::Open)
        else {
            return;
        };
        purchase.state = PurchaseState::Cancelled;
        purchase.revision += 1;
        desk.send(documents::purchase_order(purchase, &self.catalogue, desk.clock.now()));
    }

    /// Books a receipt against an order line and closes the order when everything has come.
    pub(super) fn receive(&mut self, number: &str, line: u64, quantity: Amount, desk: &mut Desk<'_, Todo>) {
        let Some(purchase) = self.purchases.get_mut(number) else { return };
        *purchase.received.entry(line).or_default() += quantity;
        if purchase.state == PurchaseState::Open && purchase.is_fully_received() {
            purchase.state = PurchaseState::Closed;
            purchase.revision += 1;
            desk.send(documents::purchase_order(purchase, &self.catalogue, desk.clock.now()));
        }
    }

    pub(super) fn create_production(&mut self, order: ProductionOrder, desk: &mut Desk<'_, Todo>) {
        let number = order.number.clone();
        let production = Production {
            order,
            state: ProductionState::Created,
            revision: 1,
            held: false,
            due: false,
            schedule_version: 0,
        };
        desk.send(documents::production_order(&production, &self.catalogue, desk.clock));
        self.productions.insert(number, production);
    }

    pub(super) fn release_production(&mut self, number: &str, desk: &mut Desk<'_, Todo>) {
        self.advance(number, ProductionState::Released, desk);
    }

    /// The start of an order has come. A held one is not started; it starts when it is taken up again.
    pub(super) fn start_is_due(&mut self, number: &str, desk: &mut Desk<'_, Todo>) {
        let Some(production) = self.productions.get_mut(number) else { return };
        if production.state != ProductionState::Released {
            return;
        }
        desk.note(Note::StartDue { order: number.to_owned(), held: production.held });
        if production.held {
            production.due = true;
        } else {
            self.start(number, desk);
        }
    }

    fn start(&mut self, number: &str, desk: &mut Desk<'_, Todo>) {
        if !self.started.insert(number.to_owned()) {
            return;
        }
        self.advance(number, ProductionState::Running, desk);
        if let Some(production) = self.productions.get(number) {
            desk.later(production.order.lasts_ms, Todo::Complete { number: number.to_owned() });
        }
    }

    pub(super) fn complete_production(&mut self, number: &str, desk: &mut Desk<'_, Todo>) {
        self.advance(number, ProductionState::Completed, desk);
    }

    /// The scheduler holds an order or takes it up again. A running order goes on.
    pub(super) fn hold(&mut self, number: &str, hold: bool, version: u64, desk: &mut Desk<'_, Todo>) {
        let Some(production) = self.productions.get_mut(number) else { return };
        production.schedule_version = version;
        if production.state >= ProductionState::Running {
            return;
        }
        production.held = hold;
        if hold {
            desk.note(Note::Stopped { system: "erp", order: number.to_owned() });
        } else if std::mem::take(&mut production.due) {
            self.start(number, desk);
        }
    }

    fn advance(&mut self, number: &str, to: ProductionState, desk: &mut Desk<'_, Todo>) {
        let Some(production) = self.productions.get_mut(number).filter(|production| production.state < to)
        else {
            return;
        };
        production.state = to;
        production.revision += 1;
        desk.send(documents::production_order(production, &self.catalogue, desk.clock));
    }
}
