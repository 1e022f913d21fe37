//! What the plan is told: master data, supplies, demands and orders, as the systems of record state them.
//!
//! Every record is named by a key and replaces what stood under that key. A record may name others that are not there yet
//! (an order before its item): it takes effect when they come, so the order of arrival does not matter.

use lineshaft_model::{Millis, Money, Quantity, Unit};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::when;

/// One change of what is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::large_enum_variant, reason = "most changes are of the large kind, and each is short-lived")]
pub enum Change {
    /// A record that is new or replaces the one with its key.
    Put(Record),
    /// A record that is no more. Removing what is not there changes nothing.
    Remove(Name),
}

/// A record of any kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "kebab-case")]
pub enum Record {
    /// A site and its calendar.
    Site(Site),
    /// Working times.
    Calendar(Calendar),
    /// An item, its unit and conversions.
    Item(Item),
    /// How an item is kept at a site.
    Stocking(Stocking),
    /// A supplier and how late it is used to be.
    Supplier(Supplier),
    /// On what terms a supplier delivers an item.
    Source(Source),
    /// What a product is made of.
    Bom(Bom),
    /// What may stand in for an item.
    Substitution(Substitution),
    /// A work centre with its capacity.
    WorkCentre(WorkCentre),
    /// Stock, or something expected from outside.
    Supply(Supply),
    /// Something wanted by somebody outside production.
    Demand(Demand),
    /// A production or transfer order.
    Order(Order),
    /// A hard peg of a supply to a demand.
    Reservation(Reservation),
}

/// Which record is meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "kebab-case")]
pub enum Name {
    /// A site.
    Site { key: String },
    /// A calendar.
    Calendar { key: String },
    /// An item.
    Item { key: String },
    /// How an item is kept at a site.
    Stocking { item: String, site: String },
    /// A supplier.
    Supplier { key: String },
    /// The terms of a supplier for an item.
    Source { key: String },
    /// A bill of material.
    Bom { key: String },
    /// A substitution.
    Substitution { key: String },
    /// A work centre.
    WorkCentre { key: String },
    /// A supply.
    Supply { key: String },
    /// A demand.
    Demand { key: String },
    /// An order.
    Order { key: String },
    /// A reservation.
    Reservation { key: String },
}

impl Record {
    /// The name under which the record is kept.
    #[must_use]
    pub fn name(&self) -> Name {
        match self {
            Self::Site(Site { key, .. }) => Name::Site { key: key.clone() },
            Self::Calendar(Calendar { key, .. }) => Name::Calendar { key: key.clone() },
            Self::Item(Item { key, .. }) => Name::Item { key: key.clone() },
            Self::Stocking(Stocking { item, site, .. }) => {
                Name::Stocking { item: item.clone(), site: site.clone() }
            }
            Self::Supplier(Supplier { key, .. }) => Name::Supplier { key: key.clone() },
            Self::Source(Source { key, .. }) => Name::Source { key: key.clone() },
            Self::Bom(Bom { key, .. }) => Name::Bom { key: key.clone() },
            Self::Substitution(Substitution { key, .. }) => Name::Substitution { key: key.clone() },
            Self::WorkCentre(WorkCentre { key, .. }) => Name::WorkCentre { key: key.clone() },
            Self::Supply(Supply { key, .. }) => Name::Supply { key: key.clone() },
            Self::Demand(Demand { key, .. }) => Name::Demand { key: key.clone() },
            Self::Order(Order { key, .. }) => Name::Order { key: key.clone() },
            Self::Reservation(Reservation { key, .. }) => Name::Reservation { key: key.clone() },
        }
    }
}

/// A place where items are kept and made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// Its key.
    pub key: String,
    /// Its calendar; none: it never closes.
    #[serde(default)]
    pub calendar: Option<String>,
}

/// Working times: weekly shifts in local time, with exceptions, between two instants. Outside them everything is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calendar {
    /// Its key.
    pub key: String,
    /// The first instant it speaks of.
    #[serde(with = "when")]
    pub from: Millis,
    /// The first instant it no longer speaks of; at most 20 years later.
    #[serde(with = "when")]
    pub until: Millis,
    /// The shifts of a week.
    pub shifts: Vec<Shift>,
    /// The site's offset from UTC, step by step, the earliest first; none is UTC. The shell reads them from the time zone.
    #[serde(default)]
    pub offsets: Vec<OffsetStep>,
    /// Closures and extra shifts. A later one overrides an earlier one.
    #[serde(default)]
    pub exceptions: Vec<Exception>,
}

/// Open hours on one day of every week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shift {
    /// The day by ISO 8601: 1 is Monday, 7 is Sunday.
    pub day: u8,
    /// Minutes after local midnight at which it begins.
    pub from_minute: u16,
    /// Minutes after local midnight at which it ends; more than 1440 reaches into the next day, 2880 at most.
    pub until_minute: u16,
}

/// From an instant on, how far local time is ahead of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OffsetStep {
    /// The instant.
    #[serde(with = "when")]
    pub from: Millis,
    /// Minutes east of UTC.
    pub minutes: i16,
}

/// A stretch that is open or closed whatever the shifts say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    /// Its begin.
    #[serde(with = "when")]
    pub from: Millis,
    /// Its end.
    #[serde(with = "when")]
    pub until: Millis,
    /// Whether it is open.
    pub open: bool,
}

/// An item: what it is counted in, and how exactly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its key.
    pub key: String,
    /// The unit it is planned in.
    pub unit: Unit,
    /// Decimal places kept of its quantities, 12 at most. A quantity that needs more is a problem and not rounded.
    #[serde(default = "six")]
    pub decimals: u8,
    /// Other units with their exact factors.
    #[serde(default)]
    pub units: Vec<Factor>,
}

/// How many of the item's own unit are one of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Factor {
    /// The other unit.
    pub unit: Unit,
    /// One of it in the item's own unit: 24 when a box holds 24 pieces.
    #[serde(with = "rust_decimal::serde::str")]
    pub factor: Decimal,
}

/// How an item is kept at a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stocking {
    /// The item.
    pub item: String,
    /// The site.
    pub site: String,
    /// What is to stay in stock.
    #[serde(default)]
    pub safety_stock: Option<Quantity>,
    /// The safety stock is netted as the first demand of this priority: demands with a smaller number may use it up, 0 keeps
    /// it from all.
    #[serde(default)]
    pub safety_priority: u32,
    /// In which time what is short can be had anew; none: not at all, unless somebody orders it.
    #[serde(default)]
    pub lead_time_ms: Option<i64>,
    /// From arrival or completion until it may be used.
    #[serde(default)]
    pub receipt_ms: i64,
    /// Within this time from now nothing is rescheduled or bought.
    #[serde(default)]
    pub time_fence_ms: i64,
}

/// A supplier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Supplier {
    /// Its key.
    pub key: String,
    /// How much later than requested it is used to deliver; added to dates it has not confirmed.
    #[serde(default)]
    pub lateness_ms: i64,
}

/// On what terms an item can be had at a site, from a supplier or from another site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Its key.
    pub key: String,
    /// The item.
    pub item: String,
    /// The site it is delivered to.
    pub site: String,
    /// From whom.
    pub from: Origin,
    /// From order to arrival.
    pub lead_time_ms: i64,
    /// The least that can be ordered.
    #[serde(default)]
    pub minimum: Option<Quantity>,
    /// Only multiples of this can be ordered.
    #[serde(default)]
    pub multiple: Option<Quantity>,
    /// For one of the item's unit.
    #[serde(default)]
    pub price: Option<Money>,
    /// How much sooner an open delivery can be had when it is expedited; none: not at all.
    #[serde(default)]
    pub expedite_ms: Option<i64>,
    /// What expediting a delivery costs.
    #[serde(default)]
    pub expedite_price: Option<Money>,
    /// From when the terms hold.
    #[serde(default, with = "when::option")]
    pub valid_from: Option<Millis>,
    /// Until when.
    #[serde(default, with = "when::option")]
    pub valid_until: Option<Millis>,
}

/// Where a source delivers from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A supplier.
    Supplier(String),
    /// Another site of our own.
    Site(String),
}

/// What a product is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bom {
    /// Its key.
    pub key: String,
    /// The product.
    pub item: String,
    /// The site it holds for; none: all that have none of their own.
    #[serde(default)]
    pub site: Option<String>,
    /// From when it holds, by the order's start; of several that hold, the one that holds from the latest.
    #[serde(default, with = "when::option")]
    pub valid_from: Option<Millis>,
    /// Until when.
    #[serde(default, with = "when::option")]
    pub valid_until: Option<Millis>,
    /// Its lines.
    pub lines: Vec<BomLine>,
}

/// One component of a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BomLine {
    /// The component.
    pub item: String,
    /// How many for one of the product, in the component's unit.
    #[serde(with = "rust_decimal::serde::str")]
    pub per: Decimal,
    /// What is lost of it: 0.05 asks for five per cent more.
    #[serde(default, with = "rust_decimal::serde::str")]
    pub scrap: Decimal,
    /// How long after the order's start it is needed.
    #[serde(default)]
    pub offset_ms: i64,
    /// From when the line holds, by the order's start.
    #[serde(default, with = "when::option")]
    pub valid_from: Option<Millis>,
    /// Until when.
    #[serde(default, with = "when::option")]
    pub valid_until: Option<Millis>,
}

/// What may stand in for an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Substitution {
    /// Its key.
    pub key: String,
    /// The item that may be short.
    pub item: String,
    /// What may stand in for it.
    pub substitute: String,
    /// Where; none: everywhere.
    #[serde(default)]
    pub site: Option<String>,
    /// How many of the substitute stand in for one, each in its own unit.
    #[serde(with = "rust_decimal::serde::str")]
    pub ratio: Decimal,
    /// The smaller, the sooner it is taken.
    #[serde(default)]
    pub preference: u32,
    /// Whether netting takes it by itself; otherwise it is only an option for a shortage.
    #[serde(default)]
    pub automatic: bool,
    /// From when it may be used, by the date of the demand.
    #[serde(default, with = "when::option")]
    pub valid_from: Option<Millis>,
    /// Until when.
    #[serde(default, with = "when::option")]
    pub valid_until: Option<Millis>,
}

/// A work centre.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkCentre {
    /// Its key.
    pub key: String,
    /// When it works; none: always.
    #[serde(default)]
    pub calendar: Option<String>,
    /// How many operations it does at a time, 1 to 64.
    #[serde(default = "one")]
    pub places: u16,
}

/// Stock on hand, or something expected from outside: a schedule line of a purchase order, a shipment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Supply {
    /// Its key: the purchase order, line and split, or item, location and lot.
    pub key: String,
    /// The item.
    pub item: String,
    /// The site.
    pub site: String,
    /// What it is.
    pub kind: SupplyKind,
    /// What is still to come, or is there.
    pub quantity: Quantity,
    /// Whether it may be used.
    #[serde(default)]
    pub status: StockStatus,
    /// When it was asked for, or when quality stock will be released.
    #[serde(default, with = "when::option")]
    pub requested: Option<Millis>,
    /// When the supplier or carrier says it comes; goes before `requested`.
    #[serde(default, with = "when::option")]
    pub confirmed: Option<Millis>,
    /// From when on it may no longer be used.
    #[serde(default, with = "when::option")]
    pub expires: Option<Millis>,
    /// From whom.
    #[serde(default)]
    pub supplier: Option<String>,
    /// Where it lies.
    #[serde(default)]
    pub location: Option<String>,
    /// Its lot.
    #[serde(default)]
    pub lot: Option<String>,
}

/// What a supply is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SupplyKind {
    /// Stock.
    OnHand,
    /// A schedule line of a purchase order, or a part of it.
    PurchaseOrder,
    /// On its way.
    Shipment,
    /// What an order makes or brings; such supplies come with their order.
    Order,
}

/// Whether a supply may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StockStatus {
    /// It may.
    #[default]
    Available,
    /// It is looked at; usable from `requested` on, or never when there is none.
    Quality,
    /// It may not.
    Blocked,
}

/// Something wanted by somebody outside production.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demand {
    /// Its key.
    pub key: String,
    /// The item.
    pub item: String,
    /// The site.
    pub site: String,
    /// What it is.
    pub kind: DemandKind,
    /// What is still wanted.
    pub quantity: Quantity,
    /// When.
    #[serde(with = "when")]
    pub due: Millis,
    /// The smaller, the more urgent.
    #[serde(default = "hundred")]
    pub priority: u32,
    /// For whom.
    #[serde(default)]
    pub customer: Option<String>,
}

/// What a demand is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DemandKind {
    /// A customer's order.
    Sales,
    /// What is expected to be ordered; net of the orders already there.
    Forecast,
    /// A component of an order; such demands come with their order.
    Component,
    /// Stock to be kept; such demands come with the stocking.
    SafetyStock,
}

/// A production or transfer order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its key.
    pub key: String,
    /// What it makes or brings.
    pub item: String,
    /// Where to.
    pub site: String,
    /// What it is.
    #[serde(default)]
    pub kind: OrderKind,
    /// What is still to be made or brought.
    pub quantity: Quantity,
    /// The good part of it: 0.95 when five of a hundred are lost.
    #[serde(default = "whole", with = "rust_decimal::serde::str")]
    pub good: Decimal,
    /// When it is to start.
    #[serde(with = "when")]
    pub start: Millis,
    /// When it is to end.
    #[serde(with = "when")]
    pub end: Millis,
    /// The smaller, the more urgent.
    #[serde(default = "hundred")]
    pub priority: u32,
    /// How far it is.
    #[serde(default)]
    pub status: OrderStatus,
    /// What it still needs; none: by the bill of material. Not for transfers.
    #[serde(default)]
    pub components: Option<Vec<Component>>,
    /// What is still to be done, in its order.
    #[serde(default)]
    pub operations: Vec<Operation>,
    /// For whom.
    #[serde(default)]
    pub customer: Option<String>,
}

/// What an order is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrderKind {
    /// It makes something.
    #[default]
    Production,
    /// It brings something from another site.
    Transfer {
        /// Which.
        from: String,
    },
}

/// How far an order is. One that is completed, closed or cancelled is removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrderStatus {
    /// It has not started.
    #[default]
    Planned,
    /// It has not started, and its dates are given out.
    Released,
    /// It has started.
    Running,
    /// It is stopped, nobody knows for how long: it brings nothing until that changes.
    Held,
}

/// What an order needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// The item.
    pub item: String,
    /// What is still needed.
    pub quantity: Quantity,
    /// How long after the order's start.
    #[serde(default)]
    pub offset_ms: i64,
}

/// A step of an order at a work centre.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Where.
    pub work_centre: String,
    /// How long, in working time.
    pub duration_ms: i64,
}

/// A hard peg: this much of the supply is kept for the demand, whatever else would be better.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// Its key.
    pub key: String,
    /// The item.
    pub item: String,
    /// The site.
    pub site: String,
    /// The demand, or the order whose component it is.
    pub demand: String,
    /// The supply, or the order that brings it. A key that others are below, for instance a purchase order's line, means all of
    /// those, what comes first before what comes later.
    pub supply: String,
    /// How much.
    pub quantity: Quantity,
}

const fn six() -> u8 {
    6
}

const fn one() -> u16 {
    1
}

const fn hundred() -> u32 {
    100
}

const fn whole() -> Decimal {
    Decimal::ONE
}
