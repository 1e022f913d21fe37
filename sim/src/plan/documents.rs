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

/// An order to a supplier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurchaseOrder {
    /// Ten digits.
    pub number: String,
    /// 1 when it is released, one more with every change.
    pub revision: u64,
    /// The supplier's number.
    pub supplier: String,
    /// The day it was written.
    pub ordered: Date,
    /// At least one.
    pub lines: Vec<OrderLine>,
}

/// What is ordered, in the item's own unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderLine {
    /// 10, 20, 30 ...
    pub line: u64,
    pub item: String,
    /// The sum of the schedule.
    pub quantity: Amount,
    /// EUR for one unit.
    pub price: Amount,
    /// Split deliveries: quantity and day.
    pub schedule: Vec<(Amount, Date)>,
}

/// An order to the shop floor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductionOrder {
    pub number: String,
    pub item: String,
    pub quantity: Amount,
    /// Scenario milliseconds since the beginning.
    pub start_ms: u64,
    /// Scenario milliseconds from start to end.
    pub lasts_ms: u64,
    /// What will not be good of the quantity.
    pub scrap: Amount,
    /// 1 is the most urgent, 9 the least.
    pub priority: u64,
    pub components: Vec<Component>,
}

/// What an order needs, and where it is taken from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    pub item: String,
    pub location: String,
    pub quantity: Amount,
}

/// Goods that change their place within the warehouse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockMove {
    pub number: String,
    pub item: String,
    pub from: String,
    pub to: String,
    pub quantity: Amount,
}

/// A shelf that is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountLine {
    pub item: String,
    pub location: String,
    /// The difference to the book.
    pub found: Amount,
}
