//! When an order can start and end: its components, the time that has passed, and its work centres decide.

use std::sync::Arc;

use crate::flow::{Hold, NEVER, OrderHeld, Outcome};
use crate::plan::Plan;
use crate::record::OrderStatus;

impl Plan {
    /// Finds an order's dates and marks its output when it comes at another time.
    pub(crate) fn evaluate(&mut self, id: u32) {
        let Some(order) = self.flow.orders.get_mut(id) else { return };
        order.dirty = false;
        self.work.evaluated += 1;
        let Some(order) = self.flow.orders.get(id) else { return };
        let mut outcome = self.by_material(order);
        if self.finite && !order.operations.is_empty() {
            outcome = self.by_capacity(id, outcome);
        }
        self.keep_outcome(id, outcome);
    }

    /// Its dates when work centres do everything at once.
    pub(crate) fn by_material(&self, order: &OrderHeld) -> Outcome {
        if order.status == OrderStatus::Held {
            return Outcome { hold: Hold::Stopped, ..Outcome::NOT };
        }
        let (mut start, mut hold) = (order.start, Hold::Nothing);
        if order.status != OrderStatus::Running && start < self.now {
            (start, hold) = (self.now, Hold::Past);
        }
        for component in order.components.iter().filter_map(|row| self.flow.demand_rows.get(*row)) {
            if component.cut || component.outcome.at <= component.due {
                continue;
            }
            let at = match component.outcome.at {
                NEVER.. => NEVER,
                at => order.start + (at - component.due),
            };
            if at > start {
                (start, hold) = (at, Hold::Component(component.line));
            }
        }
        if start >= NEVER {
            return Outcome { hold, ..Outcome::NOT };
        }
        let (start, mut end) = self.moved(order, start);
        if order.status == OrderStatus::Running {
            end = end.max(self.now);
        }
        Outcome { start, end, hold }
    }

    /// The dates of an order that starts at another time than it should: it takes as much working time.
    pub(crate) fn moved(&self, order: &OrderHeld, start: i64) -> (i64, i64) {
        if start == order.start {
            return (start, order.end);
        }
        let site = self.flow.nodes[order.node as usize].site;
        match self.master.site_working(site) {
            Some(working) if order.from.is_none() => {
                let start = working.next_open(start);
                (start, working.after(start, working.between(order.start, order.end)))
            }
            _ => (start, start + (order.end - order.start)),
        }
    }

    fn keep_outcome(&mut self, id: u32, outcome: Outcome) {
        let Some(order) = self.flow.orders.get_mut(id) else { return };
        let before = std::mem::replace(&mut order.outcome, outcome);
        let (node, output) = (order.node, order.output);
        if before != outcome && self.work.noting {
            self.work.noted_orders.entry(Arc::clone(&order.key)).or_insert(Some(before));
        }
        let at = self.usable_at(node, outcome.end);
        if let Some(row) = self.flow.supply_rows.get_mut(output)
            && row.at != at
        {
            row.at = at;
            self.mark_node(node);
        }
    }

    /// When what arrives may be used: after the time it takes to receive it.
    pub(crate) fn usable_at(&self, node: u32, arrival: i64) -> i64 {
        if arrival >= NEVER {
            return NEVER;
        }
        let node = &self.flow.nodes[node as usize];
        match self.master.site_working(node.site) {
            Some(working) => working.after(arrival, node.receipt_ms),
            None => arrival + node.receipt_ms,
        }
    }
}
