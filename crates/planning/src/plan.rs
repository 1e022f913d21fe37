//! The plan: what is known, what follows from it, and the order in which changes run through.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::sync::Arc;

use lineshaft_model::{Millis, Reason};

use crate::capacity::Load;
use crate::flow::{Covered, Flow, Node, Outcome, Short};
use crate::master::Master;
use crate::net::Scratch;
use crate::record::Name;

/// How to plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The time the plan begins with.
    pub now: Millis,
    /// Whether operations wait for their work centres. Otherwise work centres do everything at once.
    pub finite_capacity: bool,
}

/// Supplies, demands and orders, netted and pegged, and kept so with every change.
///
/// Everything is computed from the records alone: two plans that hold the same records at the same time give the same answers,
/// whatever came first and however often it changed.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(crate) now: i64,
    pub(crate) finite: bool,
    pub(crate) master: Master,
    pub(crate) flow: Flow,
    pub(crate) load: Load,
    /// Item-sites that are made of one another, each circle sorted by item and site.
    pub(crate) circles: Vec<Vec<u32>>,
    pub(crate) problems: BTreeMap<Name, Vec<Reason>>,
    pub(crate) work: Work,
}

/// How a demand was covered, its due date, quantity and item-site.
pub(crate) type WasCovered = (Covered, i64, i64, u32);

/// What is to be done, and what has been touched on the way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Work {
    pub(crate) queue: BinaryHeap<Reverse<Task>>,
    pub(crate) scratch: Scratch,
    /// Marks made while levels may still change.
    pub(crate) pools: Vec<u32>,
    pub(crate) orders: Vec<u32>,
    /// Whether marks go to the queue at once.
    pub(crate) running: bool,
    /// Item-sites whose level may be another.
    pub(crate) unlevelled: Vec<u32>,
    /// Whether the state before is noted.
    pub(crate) noting: bool,
    pub(crate) noted_orders: HashMap<Arc<str>, Option<Outcome>>,
    pub(crate) noted_demands: HashMap<Arc<str>, Option<WasCovered>>,
    pub(crate) noted_nodes: HashMap<u32, Short>,
    pub(crate) noted_problems: Vec<Name>,
    pub(crate) netted: u64,
    pub(crate) evaluated: u64,
}

/// One step of a computation: orders of a level before its pools, and the orders by urgency.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Task {
    pub(crate) level: u32,
    pub(crate) pool: bool,
    pub(crate) urgency: (u32, i64, Option<Arc<str>>),
    pub(crate) id: u32,
}

impl Plan {
    /// A plan of nothing.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            now: crate::flow::time(settings.now.0),
            finite: settings.finite_capacity,
            master: Master::default(),
            flow: Flow::default(),
            load: Load::default(),
            circles: Vec::new(),
            problems: BTreeMap::new(),
            work: Work::default(),
        }
    }

    /// The time it plans from.
    #[must_use]
    pub fn now(&self) -> Millis {
        Millis(self.now)
    }

    /// Computes everything anew. The answers are those it gives already; this is for a first load and for checking that.
    pub fn recompute(&mut self) {
        for node in 0..self.flow.nodes.len() {
            self.mark_node(node as u32);
        }
        let orders: Vec<u32> = self.flow.orders.iter().map(|(id, _)| id).collect();
        for order in orders {
            self.mark_order(order);
        }
        self.settle();
    }

    /// Runs what is marked through all levels.
    pub(crate) fn settle(&mut self) {
        self.level();
        self.work.running = true;
        for pool in std::mem::take(&mut self.work.pools) {
            self.queue_pool(pool);
        }
        for order in std::mem::take(&mut self.work.orders) {
            self.queue_order(order);
        }
        while let Some(Reverse(task)) = self.work.queue.pop() {
            if task.pool {
                self.flow.nodes[task.id as usize].dirty = false;
                self.net(task.id);
            } else {
                self.evaluate(task.id);
            }
        }
        self.work.running = false;
    }

    /// Something at this item-site is different: its pool is to be netted.
    pub(crate) fn mark_node(&mut self, node: u32) {
        let pool = self.flow.pool(node);
        if std::mem::replace(&mut self.flow.nodes[pool as usize].dirty, true) {
            return;
        }
        if self.work.running {
            self.queue_pool(pool);
        } else {
            self.work.pools.push(pool);
        }
    }

    /// Something an order depends on is different.
    pub(crate) fn mark_order(&mut self, order: u32) {
        let Some(held) = self.flow.orders.get_mut(order) else { return };
        if std::mem::replace(&mut held.dirty, true) {
            return;
        }
        if self.work.running {
            self.queue_order(order);
        } else {
            self.work.orders.push(order);
        }
    }

    fn queue_pool(&mut self, pool: u32) {
        // A mark may have been made before its pool became part of another.
        let root = self.flow.pool(pool);
        let Node { level, .. } = self.flow.nodes[root as usize];
        self.flow.nodes[root as usize].dirty = true;
        self.work.queue.push(Reverse(Task { level, pool: true, urgency: (0, 0, None), id: root }));
    }

    fn queue_order(&mut self, id: u32) {
        let Some(order) = self.flow.orders.get(id) else { return };
        let level = self.flow.level(order.node);
        let key = if self.finite { Some(Arc::clone(&order.key)) } else { None };
        let urgency = if self.finite { (order.priority, order.start, key) } else { (0, 0, None) };
        self.work.queue.push(Reverse(Task { level, pool: false, urgency, id }));
    }

    pub(crate) fn touch_demand(&mut self, demand: u32, before: Covered) {
        if !self.work.noting {
            return;
        }
        if let Some(held) = self.flow.demands.get(demand) {
            let row = self.flow.demand_rows.get(held.row);
            let before = row.map(|row| (before, row.due, row.quantity, row.node));
            self.work.noted_demands.entry(Arc::clone(&held.key)).or_insert(before);
        }
    }

    pub(crate) fn touch_node(&mut self, node: u32) {
        if self.work.noting {
            let short = self.flow.nodes[node as usize].short;
            self.work.noted_nodes.entry(node).or_insert(short);
        }
    }
}
