//! Item-sites with the supplies and demands that meet there, and the orders between them.

use std::collections::HashMap;
use std::sync::Arc;

use lineshaft_model::Quantity;
use rust_decimal::Decimal;

use crate::record::{DemandKind, OrderStatus, Reservation, StockStatus, Stocking, SupplyKind};
use crate::table::{Keyed, Rows, Table};

/// Later than anything: it does not come.
pub(crate) const NEVER: i64 = i64::MAX / 4;
/// Earlier than anything: it is there.
pub(crate) const BEGIN: i64 = i64::MIN / 4;
/// Times are kept within ten thousand years, durations within a hundred, so that their sums cannot overflow.
const FARTHEST_MS: i64 = 320_000_000_000_000;
const LONGEST_MS: i64 = 3_200_000_000_000;
/// The demand of a peg that covers the safety stock.
pub(crate) const SAFETY: u32 = u32::MAX;

pub(crate) fn time(ms: i64) -> i64 {
    ms.clamp(-FARTHEST_MS, FARTHEST_MS)
}

pub(crate) fn duration(ms: i64) -> i64 {
    ms.clamp(-LONGEST_MS, LONGEST_MS)
}

/// Whose row it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Record(u32),
    Order(u32),
}

#[derive(Clone, Debug)]
pub(crate) struct SupplyRow {
    pub(crate) node: u32,
    pub(crate) owner: Owner,
    /// When it may be used: [`BEGIN`] when it is there, [`NEVER`] when it does not come.
    pub(crate) at: i64,
    pub(crate) expires: i64,
    pub(crate) quantity: i64,
}

#[derive(Clone, Debug)]
pub(crate) struct DemandRow {
    pub(crate) node: u32,
    pub(crate) owner: Owner,
    /// Which component of its order.
    pub(crate) line: u16,
    /// Its order is part of a circle: it is netted but holds nothing up.
    pub(crate) cut: bool,
    pub(crate) priority: u32,
    pub(crate) due: i64,
    pub(crate) quantity: i64,
    pub(crate) outcome: Covered,
}

/// How a demand fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Covered {
    /// When the last of it is there, not before it is due.
    pub(crate) at: i64,
    /// How much of it is there when it is due.
    pub(crate) on_time: i64,
    /// How much of it is pegged at all.
    pub(crate) pegged: i64,
}

impl Covered {
    pub(crate) const NOT: Self = Self { at: NEVER, on_time: 0, pegged: 0 };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PegRow {
    pub(crate) supply: u32,
    pub(crate) demand: u32,
    /// In the demand's item.
    pub(crate) quantity: i64,
    /// In the supply's item: another number only when it is a substitute.
    pub(crate) taken: i64,
}

/// What is missing at an item-site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Short {
    /// Not there when it is due, without the safety stock.
    pub(crate) quantity: i128,
    /// The first due date that is missed.
    pub(crate) first: i64,
    /// When the last of them is covered.
    pub(crate) until: i64,
    /// How many demands.
    pub(crate) demands: u32,
    /// What the safety stock lacks today.
    pub(crate) safety: i64,
}

impl Short {
    pub(crate) const NONE: Self = Self { quantity: 0, first: NEVER, until: BEGIN, demands: 0, safety: 0 };
}

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) item: u32,
    pub(crate) site: u32,
    /// The item-site that stands for all that substitute one another; itself when there is no other.
    pub(crate) pool: u32,
    /// Of the pool.
    pub(crate) level: u32,
    /// Of the pool.
    pub(crate) dirty: bool,
    /// Whether automatic substitutions speak of its item.
    pub(crate) pooled: bool,
    pub(crate) supplies: Vec<u32>,
    pub(crate) demands: Vec<u32>,
    pub(crate) reservations: Vec<u32>,
    pub(crate) pegs: Vec<PegRow>,
    pub(crate) stocking: Option<Box<Stocking>>,
    pub(crate) safety: i64,
    pub(crate) safety_priority: u32,
    pub(crate) lead_ms: Option<i64>,
    pub(crate) receipt_ms: i64,
    pub(crate) short: Short,
}

#[derive(Clone, Debug)]
pub(crate) struct SupplyHeld {
    pub(crate) key: Arc<str>,
    pub(crate) row: u32,
    pub(crate) kind: SupplyKind,
    pub(crate) status: StockStatus,
    pub(crate) quantity: Quantity,
    pub(crate) requested: Option<i64>,
    pub(crate) confirmed: Option<i64>,
    pub(crate) expires: Option<i64>,
    pub(crate) supplier: Option<u32>,
    pub(crate) location: Option<Box<str>>,
    pub(crate) lot: Option<Box<str>>,
}

#[derive(Clone, Debug)]
pub(crate) struct DemandHeld {
    pub(crate) key: Arc<str>,
    pub(crate) row: u32,
    pub(crate) kind: DemandKind,
    pub(crate) quantity: Quantity,
    pub(crate) customer: Option<Box<str>>,
}

#[derive(Clone, Debug)]
pub(crate) struct OrderHeld {
    pub(crate) key: Arc<str>,
    pub(crate) node: u32,
    /// The site a transfer comes from.
    pub(crate) from: Option<u32>,
    pub(crate) quantity: Quantity,
    pub(crate) good: Decimal,
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) priority: u32,
    pub(crate) status: OrderStatus,
    /// Components it was given: item, quantity, offset.
    pub(crate) own: Option<Box<[(u32, Quantity, i64)]>>,
    /// Work centre and duration.
    pub(crate) operations: Box<[(u32, i64)]>,
    pub(crate) customer: Option<Box<str>>,
    /// Its supply.
    pub(crate) output: u32,
    /// Its demands.
    pub(crate) components: Vec<u32>,
    pub(crate) dirty: bool,
    pub(crate) outcome: Outcome,
}

/// When an order can start and end with what is known, and what holds it up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) hold: Hold,
}

/// What decides an order's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// Nothing: it keeps its dates.
    Nothing,
    /// Its start has passed.
    Past,
    /// It was stopped.
    Stopped,
    /// This component.
    Component(u16),
    /// This operation waits for its work centre.
    Operation(u16),
}

impl Outcome {
    pub(crate) const NOT: Self = Self { start: NEVER, end: NEVER, hold: Hold::Nothing };
}

#[derive(Clone, Debug)]
pub(crate) struct ReservationHeld {
    pub(crate) record: Reservation,
    pub(crate) node: u32,
}

impl Keyed for SupplyHeld {
    fn key(&self) -> &str {
        &self.key
    }
}

impl Keyed for DemandHeld {
    fn key(&self) -> &str {
        &self.key
    }
}

impl Keyed for OrderHeld {
    fn key(&self) -> &str {
        &self.key
    }
}

impl Keyed for ReservationHeld {
    fn key(&self) -> &str {
        &self.record.key
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Flow {
    pub(crate) nodes: Vec<Node>,
    pub(crate) node_of: HashMap<(u32, u32), u32>,
    pub(crate) supply_rows: Rows<SupplyRow>,
    pub(crate) demand_rows: Rows<DemandRow>,
    pub(crate) supplies: Table<SupplyHeld>,
    pub(crate) demands: Table<DemandHeld>,
    pub(crate) orders: Table<OrderHeld>,
    pub(crate) reservations: Table<ReservationHeld>,
    /// Members of the pools that have more than one.
    pub(crate) pools: HashMap<u32, Vec<u32>>,
    /// Whether pools are to be found anew.
    pub(crate) regroup: bool,
}

impl Node {
    /// Whether anything is known of it: one that was only named once joins no pool.
    pub(crate) fn is_live(&self) -> bool {
        !(self.supplies.is_empty() && self.demands.is_empty() && self.stocking.is_none())
    }
}

impl Flow {
    pub(crate) fn pool(&self, node: u32) -> u32 {
        self.nodes[node as usize].pool
    }

    /// The level of an item-site: that of its pool.
    pub(crate) fn level(&self, node: u32) -> u32 {
        self.nodes[self.pool(node) as usize].level
    }

    pub(crate) fn add_supply(&mut self, row: SupplyRow) -> u32 {
        let node = &mut self.nodes[row.node as usize];
        self.regroup |= node.pooled && !node.is_live();
        let id = self.supply_rows.add(row);
        node.supplies.push(id);
        id
    }

    pub(crate) fn add_demand(&mut self, row: DemandRow) -> u32 {
        let node = &mut self.nodes[row.node as usize];
        self.regroup |= node.pooled && !node.is_live();
        let id = self.demand_rows.add(row);
        node.demands.push(id);
        id
    }

    pub(crate) fn take_supply(&mut self, id: u32) -> Option<SupplyRow> {
        let row = self.supply_rows.take(id)?;
        let node = &mut self.nodes[row.node as usize];
        drop_from(&mut node.supplies, id);
        self.regroup |= node.pooled && !node.is_live();
        Some(row)
    }

    pub(crate) fn take_demand(&mut self, id: u32) -> Option<DemandRow> {
        let row = self.demand_rows.take(id)?;
        let node = &mut self.nodes[row.node as usize];
        drop_from(&mut node.demands, id);
        self.regroup |= node.pooled && !node.is_live();
        Some(row)
    }

    /// The key by which equals are told apart, the same whatever came first.
    pub(crate) fn supply_key(&self, owner: Owner) -> &str {
        match owner {
            Owner::Record(id) => self.supplies.get(id).map_or("", Keyed::key),
            Owner::Order(id) => self.orders.get(id).map_or("", Keyed::key),
        }
    }

    pub(crate) fn demand_key(&self, owner: Owner) -> &str {
        match owner {
            Owner::Record(id) => self.demands.get(id).map_or("", Keyed::key),
            Owner::Order(id) => self.orders.get(id).map_or("", Keyed::key),
        }
    }
}

fn drop_from(ids: &mut Vec<u32>, id: u32) {
    if let Some(place) = ids.iter().position(|other| *other == id) {
        // Netting has sorted them; the next one is faster when they stay so.
        ids.remove(place);
    }
}
