//! The documents the plan speaks of, before any system gives them its own form.

use jiff::civil::Date;

use crate::amount::Amount;

/// One thing that happens, and when: scenario milliseconds since the beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub at_ms: u64,
    pub action: Action,
}

/// What a step does, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// ERP: a purchase order leaves purchasing, or is changed afterwards (the whole order, with a higher revision).
    PutPurchaseOrder(PurchaseOrder),
    /// ERP: a purchase order is withdrawn.
    CancelPurchaseOrder { number: String, revision: u64 },
    /// ERP: a production order is written.
    CreateProduction(ProductionOrder),
    /// ERP: it goes to the shop floor.
    ReleaseProduction { number: String },
    /// ERP: its first operation begins, unless it is held.
    StartProduction { number: String },
    /// Warehouse: goods change their place.
    MoveStock(StockMove),
    /// Warehouse: a count sheet. `found` is the difference to the book, negative when something is missing.
    Count { sheet: String, lines: Vec<CountLine> },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurchaseOrder {
    pub number: String,
    pub revision: u64,
    pub supplier: String,
    pub ordered: Date,
    pub lines: Vec<OrderLine>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderLine {
    /// 10, 20, 30 ...
    pub line: u64,
    pub item: String,
    pub quantity: Amount,
    pub price: Amount,
    /// Split deliveries: quantity and day.
    pub schedule: Vec<(Amount, Date)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductionOrder {
    pub number: String,
    pub item: String,
    pub quantity: Amount,
    /// Scenario milliseconds since the beginning.
    pub start_ms: u64,
    pub lasts_ms: u64,
    pub scrap: Amount,
    /// 1 is the most urgent, 9 the least.
    pub priority: u64,
    pub components: Vec<Component>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    pub item: String,
    pub location: String,
    pub quantity: Amount,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockMove {
    pub number: String,
    pub item: String,
    pub from: String,
    pub to: String,
    pub quantity: Amount,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountLine {
    pub item: String,
    pub location: String,
    pub found: Amount,
}
