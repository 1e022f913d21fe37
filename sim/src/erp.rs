//! The ERP: purchase orders, production orders, master data and the book stock, in the manner of OData V2.

mod documents;
mod orders;
mod routes;
mod stock;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::amount::Amount;
use crate::plan::{Action, Catalogue};
use crate::station::system::{Desk, Simulated, System};

pub(crate) use orders::{Production, Purchase, PurchaseState};
pub(crate) use routes::routes;

pub(crate) type ErpSystem = System<Erp>;

/// What the ERP does later by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Todo {
    Complete { number: String },
}

#[derive(Debug)]
pub(crate) struct Erp {
    catalogue: Arc<Catalogue>,
    purchases: BTreeMap<String, Purchase>,
    productions: BTreeMap<String, Production>,
    /// Book stock by item and storage bin.
    book: BTreeMap<(String, String), Amount>,
    /// Posted documents by the reference of whoever asked for them.
    posted: BTreeMap<String, Value>,
    /// Production orders that were started: once each.
    started: BTreeSet<String>,
    document_number: u64,
}

impl Erp {
    pub(crate) fn new(catalogue: Arc<Catalogue>) -> Self {
        let book = catalogue
            .stock
            .iter()
            .map(|stock| ((stock.item.clone(), stock.location.clone()), stock.quantity))
            .collect();
        Self {
            catalogue,
            purchases: BTreeMap::new(),
            productions: BTreeMap::new(),
            book,
            posted: BTreeMap::new(),
            started: BTreeSet::new(),
            document_number: 4_900_000_000,
        }
    }

    /// Sends the master data, once.
    pub(crate) fn publish_master_data(&self, desk: &mut Desk<'_, Todo>) {
        let moment = desk.clock.now();
        for supplier in &self.catalogue.suppliers {
            desk.send(documents::supplier(supplier, moment));
        }
        for item in self.catalogue.all_items() {
            desk.send(documents::item(item, moment));
        }
        for (item, supplier, terms) in self.catalogue.terms() {
            desk.send(documents::info_record(item, supplier, &terms, moment));
        }
        for item in self.catalogue.all_items().filter(|item| item.is_made()) {
            desk.send(documents::bill_of_material(item, &self.catalogue, moment));
        }
    }

    /// Does what the plan says.
    pub(crate) fn act(&mut self, action: Action, desk: &mut Desk<'_, Todo>) {
        match action {
            Action::PutPurchaseOrder(order) => self.put_purchase(order, desk),
            Action::CancelPurchaseOrder { number, .. } => self.cancel_purchase(&number, desk),
            Action::CreateProduction(order) => self.create_production(order, desk),
            Action::ReleaseProduction { number } => self.release_production(&number, desk),
            Action::StartProduction { number } => self.start_is_due(&number, desk),
            Action::MoveStock(_) | Action::Count { .. } => {}
        }
    }

    pub(crate) fn book(&self) -> &BTreeMap<(String, String), Amount> {
        &self.book
    }

    pub(crate) fn purchases(&self) -> &BTreeMap<String, Purchase> {
        &self.purchases
    }

    pub(crate) fn productions(&self) -> &BTreeMap<String, Production> {
        &self.productions
    }

    fn next_document(&mut self) -> String {
        self.document_number += 1;
        self.document_number.to_string()
    }
}

impl Simulated for Erp {
    type Todo = Todo;

    fn perform(&mut self, todo: Todo, desk: &mut Desk<'_, Todo>) {
        match todo {
            Todo::Complete { number } => self.complete_production(&number, desk),
        }
    }

    fn view(&self, what: &str) -> Option<Value> {
        let (part, key) = what.split_once('/').unwrap_or((what, ""));
        match (part, key) {
            ("", _) => Some(json!({
                "purchase-orders": self.purchases.len(),
                "production-orders": self.productions.len(),
                "book": self.book.len(),
                "posted": self.posted.len(),
            })),
            ("purchase-orders", "") => Some(self.purchases.values().map(Purchase::view).collect()),
            ("purchase-orders", number) => self.purchases.get(number).map(Purchase::view),
            ("production-orders", "") => Some(self.productions.values().map(Production::view).collect()),
            ("production-orders", number) => self.productions.get(number).map(Production::view),
            ("book", "") => {
                let rows = self.book.iter().map(
                    |((item, bin), amount)| json!({ "item": item, "bin": bin, "quantity": amount.fixed(3) }),
                );
                Some(rows.collect())
            }
            ("posted", "") => Some(json!(self.posted)),
            _ => None,
        }
    }
}
