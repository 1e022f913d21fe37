//! Finite work centres: operations are loaded forward into the first gap that fits, the lower level and the more urgent first.
//!
//! An order is placed against those before it alone: a level of the bill of material before the next, within a level by priority,
//! planned start and key. So one that moves disturbs only those after it.

use std::collections::HashMap;
use std::sync::Arc;

use crate::calendar::Working;
use crate::flow::{Hold, NEVER, Outcome};
use crate::plan::Plan;
use crate::record::OrderStatus;

/// The place of an order in the sequence of loading.
type Rank = (u32, u32, i64, Arc<str>);

#[derive(Clone, Debug, Default)]
pub(crate) struct Load {
    /// Per work centre and place the operations by their starts.
    lanes: HashMap<u32, Vec<Vec<Slot>>>,
    /// Where the operations of an order are.
    pub(crate) placed: HashMap<u32, Vec<Placed>>,
}

#[derive(Clone, Debug)]
struct Slot {
    start: i64,
    end: i64,
    order: u32,
    rank: Rank,
}

/// Where an operation was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) centre: u32,
    pub(crate) lane: u32,
    pub(crate) start: i64,
    pub(crate) end: i64,
}

impl Plan {
    /// Loads an order's operations from when its material is there.
    pub(crate) fn by_capacity(&mut self, id: u32, material: Outcome) -> Outcome {
        let before = self.load.take(id);
        let Some(order) = self.flow.orders.get(id) else { return material };
        if material.end >= NEVER {
            let rank = self.rank(id);
            self.disturb(rank.as_ref(), &before, &[]);
            return material;
        }
        let Some(rank) = self.rank(id) else { return material };
        let running = order.status == OrderStatus::Running;
        let mut ready = if running { material.start.max(self.now) } else { material.start };
        let mut after: Vec<Placed> = Vec::with_capacity(order.operations.len());
        let mut longest = (0, None);
        for (step, &(centre, duration)) in order.operations.iter().enumerate() {
            let row = &self.master.centre_rows[centre as usize];
            let Some(record) = &row.record else {
                // A work centre nobody has told of has room for all.
                ready += duration;
                continue;
            };
            let placed =
                self.load.place(centre, record.places, row.working.as_deref(), ready, duration, &rank);
            let could = row.working.as_deref().map_or(ready, |working| working.next_open(ready));
            if placed.start - could > longest.0 {
                longest = (placed.start - could, Some(step as u16));
            }
            ready = placed.end;
            after.push(placed);
        }
        let mut outcome = material;
        if let (Some(first), false) = (after.first(), running) {
            let (start, end) = self.moved(order, first.start.max(material.start));
            outcome = Outcome { start, end: end.max(material.end), ..material };
        }
        outcome.end = outcome.end.max(ready);
        if let (Some(step), true) = (longest.1, outcome.end > material.end) {
            outcome.hold = Hold::Operation(step);
        }
        self.load.keep(id, &rank, &after);
        if before != after {
            self.disturb(Some(&rank), &before, &after);
        }
        outcome
    }

    /// Takes an order's operations away, for good or to be loaded at another rank.
    pub(crate) fn unload(&mut self, id: u32) {
        if !self.finite {
            return;
        }
        let before = self.load.take(id);
        self.disturb(None, &before, &[]);
    }

    fn rank(&self, id: u32) -> Option<Rank> {
        let order = self.flow.orders.get(id)?;
        Some((self.flow.level(order.node), order.priority, order.start, Arc::clone(&order.key)))
    }

    /// Marks the orders after `rank` that may now stand elsewhere: those that end after the first thing that changed.
    fn disturb(&mut self, rank: Option<&Rank>, before: &[Placed], after: &[Placed]) {
        let mut first: HashMap<u32, i64> = HashMap::new();
        for placed in before.iter().chain(after) {
            let start = first.entry(placed.centre).or_insert(placed.start);
            *start = placed.start.min(*start);
        }
        let mut disturbed = Vec::new();
        for (centre, start) in first {
            let slots = self.load.lanes.get(&centre).into_iter().flatten().flatten();
            let behind = |slot: &&Slot| slot.end > start && rank.is_none_or(|rank| slot.rank > *rank);
            disturbed.extend(slots.filter(behind).map(|slot| slot.order));
        }
        for order in disturbed {
            self.mark_order(order);
        }
    }
}

impl Load {
    /// The first gap on any place of the work centre among the operations before `rank`.
    fn place(
        &mut self,
        centre: u32,
        places: u16,
        working: Option<&Working>,
        ready: i64,
        duration: i64,
        rank: &Rank,
    ) -> Placed {
        let lanes = self.lanes.entry(centre).or_default();
        let places = usize::from(places.clamp(1, 64));
        lanes.resize_with(lanes.len().max(places), Vec::new);
        let mut best: Option<Placed> = None;
        for (lane, slots) in lanes.iter().enumerate().take(places) {
            let (start, end) = gap(slots, working, ready, duration, rank);
            if best.is_none_or(|best| start < best.start) {
                best = Some(Placed { centre, lane: lane as u32, start, end });
            }
        }
        let placed = best.unwrap_or(Placed { centre, lane: 0, start: ready, end: ready });
        // It stands there at once, so that a later step of the same order at the same work centre finds it taken.
        let slots = &mut lanes[placed.lane as usize];
        let at = slots.partition_point(|slot| (slot.start, &slot.rank) < (placed.start, rank));
        slots.insert(at, Slot { start: placed.start, end: placed.end, order: u32::MAX, rank: rank.clone() });
        placed
    }

    fn keep(&mut self, id: u32, rank: &Rank, placed: &[Placed]) {
        for one in placed {
            let slots = self.lanes.get_mut(&one.centre).and_then(|lanes| lanes.get_mut(one.lane as usize));
            let mine =
                |slot: &&mut Slot| slot.order == u32::MAX && slot.start == one.start && slot.rank == *rank;
            if let Some(slot) = slots.into_iter().flatten().find(mine) {
                slot.order = id;
            }
        }
        self.placed.insert(id, placed.to_vec());
    }

    /// Takes away where an order stood.
    fn take(&mut self, id: u32) -> Vec<Placed> {
        let placed = self.placed.remove(&id).unwrap_or_default();
        for one in &placed {
            if let Some(slots) =
                self.lanes.get_mut(&one.centre).and_then(|lanes| lanes.get_mut(one.lane as usize))
            {
                slots.retain(|slot| slot.order != id);
            }
        }
        placed
    }
}

/// The first start from `ready` on at which nothing before `rank` is in the way.
fn gap(slots: &[Slot], working: Option<&Working>, ready: i64, duration: i64, rank: &Rank) -> (i64, i64) {
    let fit = |from: i64| match working {
        Some(working) => {
            let start = working.next_open(from);
            (start, working.after(start, duration))
        }
        None => (from, from + duration),
    };
    let (mut start, mut end) = fit(ready);
    for slot in slots.iter().filter(|slot| slot.rank <= *rank) {
        if slot.start >= end && slot.start > start {
            break;
        }
        if slot.end > start {
            (start, end) = fit(slot.end);
        }
    }
    (start, end)
}
