//! Beside another planning system: its schedule brought to our terms and compared with what follows from the facts.
//!
//! Planning systems look ahead differently far and count time in steps or buckets of their own: an exact minute, a shift, a day, a
//! week. A difference is one only where both look, and only when it is larger than the coarser of the two can tell.

use std::collections::{BTreeMap, BTreeSet};

use lineshaft_model::{Millis, Quantity};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::flow::{BEGIN, Hold, NEVER, OrderHeld, Owner};
use crate::impact::{Dates, known};
use crate::options::{days_of, weight};
use crate::plan::Plan;
use crate::record::{OrderStatus, SupplyKind};
use crate::when;

/// A schedule of another system, its times as instants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// The first instant it speaks of.
    pub from: Millis,
    /// The first instant it no longer speaks of.
    pub until: Millis,
    /// The borders of its buckets, sorted, the first at `from`; none when its times are exact.
    pub borders: Vec<Millis>,
    /// How exact its times are; 0 is to the millisecond.
    pub step_ms: i64,
    /// The orders it has dates for.
    pub orders: Vec<Scheduled>,
    /// What it plans to be made of an item, bucket by bucket.
    pub quantities: Vec<Bucketed>,
}

/// An order as the other system schedules it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheduled {
    /// The order.
    pub order: String,
    /// Its start.
    pub start: Option<Millis>,
    /// Its end.
    pub end: Option<Millis>,
}

/// What is to be made of an item within a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucketed {
    /// The item.
    pub item: String,
    /// The site.
    pub site: String,
    /// The bucket's first instant.
    pub from: Millis,
    /// The first instant behind it.
    pub until: Millis,
    /// How much.
    pub quantity: Quantity,
}

/// Theirs beside ours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Orders that differ, what cannot be done first, then the most urgent.
    pub orders: Vec<OrderDifference>,
    /// Buckets whose quantities differ.
    pub quantities: Vec<QuantityDifference>,
    /// Orders on which both agree.
    pub same: usize,
    /// Orders of ours that lie outside of what theirs looks at.
    pub outside: usize,
    /// Weighted days by which orders of both end later than planned, with what is known.
    #[serde(with = "rust_decimal::serde::str")]
    pub late_days_ours: Decimal,
    /// The same by their schedule.
    #[serde(with = "rust_decimal::serde::str")]
    pub late_days_theirs: Decimal,
}

/// An order on which the two differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OrderDifference {
    /// The order.
    pub order: String,
    /// What it makes; empty when we do not know it.
    pub item: String,
    /// Where.
    pub site: String,
    /// The smaller, the more urgent.
    pub priority: u32,
    /// How they differ.
    pub difference: Difference,
    /// Its dates as they were given.
    pub planned: Dates,
    /// With what is known.
    pub ours: Dates,
    /// By their schedule.
    pub theirs: Dates,
    /// How much later it ends by theirs, below zero when sooner; none when one of the ends is unknown.
    pub later_ms: Option<i64>,
    /// The component that is not there yet when theirs starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
}

/// How two schedules differ in an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Difference {
    /// Theirs starts before its material can be there.
    BeforeMaterial,
    /// Theirs has no date for it although it lies within what theirs looks at.
    OnlyOurs,
    /// We do not know the order.
    OnlyTheirs,
    /// Theirs ends later.
    Later,
    /// Theirs ends sooner, or ends although we know no end.
    Sooner,
}

/// A bucket in which the two make different quantities.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QuantityDifference {
    /// The item.
    pub item: String,
    /// The site.
    pub site: String,
    /// The bucket's first instant.
    #[serde(with = "when")]
    pub from: Millis,
    /// The first instant behind it.
    #[serde(with = "when")]
    pub until: Millis,
    /// What orders bring within it with what is known.
    pub ours: Quantity,
    /// What theirs plans.
    pub theirs: Quantity,
}

/// An order whose dates change when their schedule is taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Move {
    /// The order.
    pub order: String,
    /// What it makes.
    pub item: String,
    /// Where.
    pub site: String,
    /// Its dates before.
    pub from: Dates,
    /// Its new start.
    #[serde(with = "when")]
    pub start: Millis,
    /// Its new end.
    #[serde(with = "when")]
    pub end: Millis,
    /// What it needs, and when by the new dates.
    pub needs: Vec<Need>,
}

/// A component of an order that moves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Need {
    /// The component.
    pub item: String,
    /// Where.
    pub site: String,
    /// How much.
    pub quantity: Quantity,
    /// When it is needed.
    #[serde(with = "when")]
    pub on: Millis,
    /// What is pegged to it.
    pub supplies: Vec<Pegged>,
}

/// A supply that is pegged to a need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pegged {
    /// The supply, or the order that brings it.
    pub supply: String,
    /// What it is.
    pub kind: SupplyKind,
    /// How much of it, in the need's item.
    pub quantity: Quantity,
    /// When it may be used; none: it is there.
    #[serde(with = "when::option")]
    pub usable_at: Option<Millis>,
}

/// An order as another planning system is asked about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Open {
    /// The order.
    pub order: String,
    /// What it makes.
    pub item: String,
    /// Where.
    pub site: String,
    /// How much is still to be made.
    pub quantity: Quantity,
    /// The smaller, the more urgent.
    pub priority: u32,
    /// How much a day of lateness counts.
    pub weight: u32,
    /// How far it is.
    pub status: OrderStatus,
    /// Its dates as they were given.
    pub planned: Dates,
    /// It cannot start before its material is there; none: nobody knows when that is.
    #[serde(with = "when::option")]
    pub material_at: Option<Millis>,
    /// Its steps in their order: work centre and working time.
    pub operations: Vec<OpenStep>,
}

/// A step of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OpenStep {
    /// Where.
    pub work_centre: String,
    /// How long, in minutes begun.
    pub minutes: i64,
}

/// A work centre as another planning system is told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Resource {
    /// The work centre.
    pub work_centre: String,
    /// How many operations it does at a time.
    pub places: u16,
    /// When it does not work, within what is asked for.
    pub closed: Vec<Closure>,
}

/// A stretch in which a work centre does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Closure {
    /// Its begin.
    #[serde(with = "when")]
    pub from: Millis,
    /// Its end.
    #[serde(with = "when")]
    pub until: Millis,
}

impl Schedule {
    /// The bucket a time lies in, or the time itself in steps; so that times are told apart as far as theirs can.
    fn place(&self, at: i64) -> i64 {
        if self.borders.is_empty() {
            return at.div_euclid(self.step_ms.max(1));
        }
        self.borders.partition_point(|border| border.0 <= at) as i64
    }

    /// The first instant that theirs tells apart from `at`.
    fn behind(&self, at: i64) -> i64 {
        if self.borders.is_empty() {
            return at.saturating_add(self.step_ms.max(1));
        }
        let next = self.borders.partition_point(|border| border.0 <= at);
        self.borders.get(next).map_or(self.until.0, |border| border.0)
    }

    fn looks_at(&self, at: i64) -> bool {
        self.from.0 <= at && at < self.until.0
    }
}

impl Plan {
    /// Compares another system's schedule with what follows from the facts. Orders that have ended or are stopped are left out.
    #[must_use]
    pub fn compare(&self, theirs: &Schedule) -> Comparison {
        let mut found = Comparison::default();
        let (mut ours_ms, mut theirs_ms) = (0_i128, 0_i128);
        let mut named: BTreeSet<&str> = BTreeSet::new();
        for scheduled in &theirs.orders {
            if !named.insert(&scheduled.order) {
                continue;
            }
            let held = self.flow.orders.find(&scheduled.order).and_then(|id| self.flow.orders.get(id));
            let Some(held) = held else {
                found.orders.push(stranger(scheduled));
                continue;
            };
            match self.difference(held, scheduled, theirs) {
                Some(difference) => found.orders.push(difference),
                None => found.same += 1,
            }
            let late = |end: i64| weight(held.priority) * i128::from((end - held.end).max(0));
            if let Some(end) = scheduled.end.filter(|_| held.outcome.end < NEVER) {
                ours_ms += late(held.outcome.end);
                theirs_ms += late(end.0);
            }
        }
        for (_, held) in self.flow.orders.iter() {
            if named.contains(&*held.key) || held.from.is_some() || held.status == OrderStatus::Held {
                continue;
            }
            let start = if held.outcome.start < NEVER { held.outcome.start } else { held.start };
            if theirs.looks_at(start) && !theirs.orders.is_empty() {
                found.orders.push(self.difference_of(held, None, Difference::OnlyOurs));
            } else {
                found.outside += 1;
            }
        }
        found.orders.sort_by(|one, other| {
            (one.difference, one.priority, &one.order).cmp(&(other.difference, other.priority, &other.order))
        });
        found.quantities = self.quantity_differences(theirs);
        (found.late_days_ours, found.late_days_theirs) = (days_of(ours_ms), days_of(theirs_ms));
        found
    }

    fn difference(
        &self,
        held: &OrderHeld,
        scheduled: &Scheduled,
        theirs: &Schedule,
    ) -> Option<OrderDifference> {
        let ours = held.outcome;
        let difference = |kind| Some(self.difference_of(held, Some(scheduled), kind));
        if let (Some(start), Hold::Component(_)) = (scheduled.start, ours.hold)
            && theirs.behind(start.0) <= ours.start
        {
            return difference(Difference::BeforeMaterial);
        }
        let (our_end, their_end) = (ours.end, scheduled.end.map_or(NEVER, |end| end.0));
        if their_end >= NEVER || our_end >= NEVER {
            return match their_end.cmp(&our_end) {
                std::cmp::Ordering::Equal => None,
                std::cmp::Ordering::Less => difference(Difference::Sooner),
                std::cmp::Ordering::Greater => difference(Difference::Later),
            };
        }
        match theirs.place(their_end).cmp(&theirs.place(our_end)) {
            std::cmp::Ordering::Equal => None,
            std::cmp::Ordering::Less => difference(Difference::Sooner),
            std::cmp::Ordering::Greater => difference(Difference::Later),
        }
    }

    fn difference_of(
        &self,
        held: &OrderHeld,
        scheduled: Option<&Scheduled>,
        difference: Difference,
    ) -> OrderDifference {
        let (item, site) = self.place(held.node);
        let theirs =
            Dates { start: scheduled.and_then(|one| one.start), end: scheduled.and_then(|one| one.end) };
        let waits_for = match (difference, held.outcome.hold) {
            (Difference::BeforeMaterial, Hold::Component(line)) => {
                let row =
                    held.components.get(usize::from(line)).and_then(|row| self.flow.demand_rows.get(*row));
                row.map(|row| self.place(row.node).0)
            }
            _ => None,
        };
        OrderDifference {
            order: held.key.as_ref().to_owned(),
            item,
            site,
            priority: held.priority,
            difference,
            planned: Dates { start: Some(Millis(held.start)), end: Some(Millis(held.end)) },
            ours: held.outcome.into(),
            later_ms: theirs.end.filter(|_| held.outcome.end < NEVER).map(|end| end.0 - held.outcome.end),
            theirs,
            waits_for,
        }
    }

    /// What orders bring in each of their buckets, beside what theirs plans.
    fn quantity_differences(&self, theirs: &Schedule) -> Vec<QuantityDifference> {
        let mut wanted: BTreeMap<(&str, &str, Millis, Millis), Quantity> = BTreeMap::new();
        for one in &theirs.quantities {
            let place = (one.item.as_str(), one.site.as_str(), one.from, one.until);
            match wanted.get_mut(&place) {
                Some(sum) if sum.unit == one.quantity.unit => {
                    sum.value = sum.value.saturating_add(one.quantity.value);
                }
                _ => {
                    wanted.insert(place, one.quantity);
                }
            }
        }
        let mut found = Vec::new();
        for ((item, site, from, until), quantity) in wanted {
            let Some(node) = self.find_node(item, site) else { continue };
            let node = &self.flow.nodes[node as usize];
            let measure = self.master.measure(node.item);
            let Ok(theirs) = measure.scaled(quantity, item) else { continue };
            let rows = node.supplies.iter().filter_map(|id| self.flow.supply_rows.get(*id));
            let made = rows.filter(|row| matches!(row.owner, Owner::Order(_)));
            let ours: i128 = made
                .filter(|row| from.0 <= row.at && row.at < until.0)
                .map(|row| i128::from(row.quantity))
                .sum();
            if ours != i128::from(theirs) {
                let (item, site) = (item.to_owned(), site.to_owned());
                let (ours, theirs) = (measure.quantity(ours), measure.quantity(theirs.into()));
                found.push(QuantityDifference { item, site, from, until, ours, theirs });
            }
        }
        found
    }

    /// What changes when their schedule is taken: orders that have not started and whose dates are others by more than theirs can
    /// tell. Only those that theirs gives a start and an end.
    #[must_use]
    pub fn moves(&self, theirs: &Schedule) -> Vec<Move> {
        let mut moves = Vec::new();
        for scheduled in &theirs.orders {
            let (Some(start), Some(end)) = (scheduled.start, scheduled.end) else { continue };
            let held = self.flow.orders.find(&scheduled.order).and_then(|id| self.flow.orders.get(id));
            let Some(held) = held.filter(|held| {
                matches!(held.status, OrderStatus::Planned | OrderStatus::Released) && held.from.is_none()
            }) else {
                continue;
            };
            let same = |one: i64, other: i64| theirs.place(one) == theirs.place(other);
            if end < start || same(held.start, start.0) && same(held.end, end.0) {
                continue;
            }
            let (item, site) = self.place(held.node);
            moves.push(Move {
                order: held.key.as_ref().to_owned(),
                item,
                site,
                from: Dates { start: Some(Millis(held.start)), end: Some(Millis(held.end)) },
                start,
                end,
                needs: self.needs_of(held, start.0),
            });
        }
        moves.sort_by(|one, other| (one.start, &one.order).cmp(&(other.start, &other.order)));
        moves
    }

    /// What an order needs when it starts at another time.
    fn needs_of(&self, held: &OrderHeld, start: i64) -> Vec<Need> {
        let rows = held.components.iter().filter_map(|id| Some((*id, self.flow.demand_rows.get(*id)?)));
        let need = |(id, row): (u32, &crate::flow::DemandRow)| {
            let (item, site) = self.place(row.node);
            let node = &self.flow.nodes[row.node as usize];
            let measure = self.master.measure(node.item);
            let pegs = node.pegs.iter().filter(|peg| peg.demand == id);
            let supplies = pegs.filter_map(|peg| {
                let supply = self.flow.supply_rows.get(peg.supply)?;
                let kind = match supply.owner {
                    Owner::Order(_) => SupplyKind::Order,
                    Owner::Record(id) => self.flow.supplies.get(id)?.kind,
                };
                Some(Pegged {
                    supply: self.flow.supply_key(supply.owner).to_owned(),
                    kind,
                    quantity: measure.quantity(peg.quantity.into()),
                    usable_at: known(supply.at).filter(|at| at.0 > BEGIN),
                })
            });
            Need {
                item,
                site,
                quantity: measure.quantity(row.quantity.into()),
                on: Millis(start + (row.due - held.start)),
                supplies: supplies.collect(),
            }
        };
        rows.map(need).collect()
    }

    /// The open orders of a site (of all when none is named) that are to start before a time, as another system is asked about
    /// them: what is planned, and when the material is there. The soonest first; at most `most`.
    #[must_use]
    pub fn open_orders(&self, site: Option<&str>, until: Millis, most: usize) -> Vec<Open> {
        let here = |held: &&OrderHeld| {
            held.from.is_none()
                && held.status != OrderStatus::Held
                && held.start < until.0
                && site.is_none_or(|site| self.place(held.node).1 == site)
        };
        let mut orders: Vec<&OrderHeld> =
            self.flow.orders.iter().map(|(_, held)| held).filter(here).collect();
        orders.sort_by(|one, other| (one.start, &one.key).cmp(&(other.start, &other.key)));
        orders.truncate(most);
        orders.into_iter().map(|held| self.open_order(held)).collect()
    }

    /// A work centre with its closures between two instants. One that nobody has told of does one thing at a time and never closes.
    #[must_use]
    pub fn resource(&self, work_centre: &str, from: Millis, until: Millis) -> Resource {
        let row = self.master.centres.find(work_centre).map(|id| &self.master.centre_rows[id as usize]);
        let closed =
            row.and_then(|row| row.working.as_deref()).map(|working| working.closed(from.0, until.0));
        let closure = |(from, until): (i64, i64)| Closure { from: Millis(from), until: Millis(until) };
        Resource {
            work_centre: work_centre.to_owned(),
            places: row.and_then(|row| row.record.as_ref()).map_or(1, |record| record.places.clamp(1, 64)),
            closed: closed.unwrap_or_default().into_iter().map(closure).collect(),
        }
    }

    fn open_order(&self, held: &OrderHeld) -> Open {
        let (item, site) = self.place(held.node);
        let measure = self.master.measure(self.flow.nodes[held.node as usize].item);
        let quantity =
            measure.scaled(held.quantity, &item).map_or(held.quantity, |own| measure.quantity(own.into()));
        let step = |&(centre, duration): &(u32, i64)| OpenStep {
            work_centre: self.master.centres.name(centre).to_owned(),
            minutes: duration.saturating_add(59_999) / 60_000,
        };
        Open {
            order: held.key.as_ref().to_owned(),
            item,
            site,
            quantity,
            priority: held.priority,
            weight: u32::try_from(weight(held.priority)).unwrap_or(1),
            status: held.status,
            planned: Dates { start: Some(Millis(held.start)), end: Some(Millis(held.end)) },
            material_at: known(self.by_material(held).start),
            operations: held.operations.iter().map(step).collect(),
        }
    }
}

fn stranger(scheduled: &Scheduled) -> OrderDifference {
    OrderDifference {
        order: scheduled.order.clone(),
        item: String::new(),
        site: String::new(),
        priority: u32::MAX,
        difference: Difference::OnlyTheirs,
        planned: Dates { start: None, end: None },
        ours: Dates { start: None, end: None },
        theirs: Dates { start: scheduled.start, end: scheduled.end },
        later_ms: None,
        waits_for: None,
    }
}
