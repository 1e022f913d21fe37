//! What a change does: orders that move, demands that are covered otherwise, shortages that come, go or change.

use std::sync::Arc;

use lineshaft_model::{Millis, Quantity, Reason};
use serde::{Deserialize, Serialize};

use crate::flow::{Covered, NEVER, Outcome, Short};
use crate::plan::{Plan, WasCovered};
use crate::record::Name;
use crate::when;

/// What a change does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Impact {
    /// Orders whose dates are different, the most urgent first.
    pub orders: Vec<OrderImpact>,
    /// Demands of customers and forecasts that are covered otherwise, the most urgent first.
    pub demands: Vec<DemandImpact>,
    /// Item-sites at which something else is missing than before.
    pub shortages: Vec<ShortageImpact>,
    /// Records among the changes that could not be read whole.
    pub problems: Vec<Problem>,
    /// How many item-sites were netted for it.
    pub netted: u64,
    /// How many orders were looked at.
    pub evaluated: u64,
}

/// An order that moves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OrderImpact {
    /// The order.
    pub order: String,
    /// What it makes or brings.
    pub item: String,
    /// Where to.
    pub site: String,
    /// The smaller, the more urgent.
    pub priority: u32,
    /// For whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// Its dates before; none: it was not there.
    pub before: Option<Dates>,
    /// Its dates now; none: it is no more.
    pub after: Option<Dates>,
    /// How much later it ends than before, below zero when sooner; none when one of the ends is unknown.
    pub slip_ms: Option<i64>,
}

/// When an order can start and end; none: not with what is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dates {
    /// Its start.
    #[serde(with = "when::option")]
    pub start: Option<Millis>,
    /// Its end.
    #[serde(with = "when::option")]
    pub end: Option<Millis>,
}

/// A demand that is covered otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DemandImpact {
    /// The demand.
    pub demand: String,
    /// The item.
    pub item: String,
    /// The site.
    pub site: String,
    /// For whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// The smaller, the more urgent.
    pub priority: u32,
    /// How it was covered; none: it was not there.
    pub before: Option<Coverage>,
    /// How it is; none: it is no more.
    pub after: Option<Coverage>,
}

/// How a demand is covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// What is wanted.
    pub quantity: Quantity,
    /// When.
    #[serde(with = "when")]
    pub due: Millis,
    /// How much of it is there then.
    pub on_time: Quantity,
    /// How much of it is pegged at all.
    pub pegged: Quantity,
    /// When all of it is there; none: not with what is known.
    #[serde(with = "when::option")]
    pub covered_at: Option<Millis>,
}

/// An item-site at which something else is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShortageImpact {
    /// The item.
    pub item: String,
    /// The site.
    pub site: String,
    /// What was missing.
    pub before: Option<Missing>,
    /// What is.
    pub after: Option<Missing>,
}

/// What is missing at an item-site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// Not there when it is due, summed over all demands.
    pub quantity: Quantity,
    /// The first due date that is missed; none when only the safety stock is touched.
    #[serde(with = "when::option")]
    pub first: Option<Millis>,
    /// When the last of them is covered; none: not with what is known.
    #[serde(with = "when::option")]
    pub until: Option<Millis>,
    /// How many demands.
    pub demands: u32,
    /// What the safety stock lacks today.
    pub safety_stock: Quantity,
}

/// A record that could not be read whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Which.
    pub name: Name,
    /// What is wrong.
    pub reasons: Vec<Reason>,
}

pub(crate) fn known(at: i64) -> Option<Millis> {
    (at < NEVER).then_some(Millis(at))
}

impl From<Outcome> for Dates {
    fn from(outcome: Outcome) -> Self {
        Self { start: known(outcome.start), end: known(outcome.end) }
    }
}

impl Plan {
    pub(crate) fn begin_noting(&mut self) {
        self.work.noting = true;
        self.work.netted = 0;
        self.work.evaluated = 0;
    }

    pub(crate) fn end_noting(&mut self) -> Impact {
        self.work.noting = false;
        let mut impact =
            Impact { netted: self.work.netted, evaluated: self.work.evaluated, ..Impact::default() };
        for (key, before) in std::mem::take(&mut self.work.noted_orders) {
            impact.orders.extend(self.order_impact(&key, before));
        }
        for (key, before) in std::mem::take(&mut self.work.noted_demands) {
            impact.demands.extend(self.demand_impact(&key, before));
        }
        for (node, before) in std::mem::take(&mut self.work.noted_nodes) {
            let after = self.flow.nodes[node as usize].short;
            if before != after {
                let (item, site) = self.place(node);
                let (before, after) = (self.missing(node, before), self.missing(node, after));
                impact.shortages.push(ShortageImpact { item, site, before, after });
            }
        }
        let mut names = std::mem::take(&mut self.work.noted_problems);
        names.sort_unstable();
        names.dedup();
        for name in names {
            if let Some(reasons) = self.problems.get(&name) {
                impact.problems.push(Problem { name, reasons: reasons.clone() });
            }
        }
        impact.orders.sort_by(|one, other| (one.priority, &one.order).cmp(&(other.priority, &other.order)));
        impact
            .demands
            .sort_by(|one, other| (one.priority, &one.demand).cmp(&(other.priority, &other.demand)));
        impact.shortages.sort_by(|one, other| (&one.item, &one.site).cmp(&(&other.item, &other.site)));
        impact
    }

    fn order_impact(&self, key: &Arc<str>, before: Option<Outcome>) -> Option<OrderImpact> {
        let held = self.flow.orders.find(key).and_then(|id| self.flow.orders.get(id));
        let after = held.map(|held| held.outcome);
        let dates = |outcome: Option<Outcome>| outcome.map(Dates::from);
        if dates(before) == dates(after) {
            return None;
        }
        let slip_ms = match (before, after) {
            (Some(before), Some(after)) if before.end < NEVER && after.end < NEVER => {
                Some(after.end - before.end)
            }
            _ => None,
        };
        let (item, site) = held.map(|held| self.place(held.node)).unwrap_or_default();
        Some(OrderImpact {
            order: key.as_ref().to_owned(),
            item,
            site,
            priority: held.map_or(u32::MAX, |held| held.priority),
            customer: held.and_then(|held| held.customer.as_deref()).map(str::to_owned),
            before: dates(before),
            after: dates(after),
            slip_ms,
        })
    }

    fn demand_impact(&self, key: &Arc<str>, before: Option<WasCovered>) -> Option<DemandImpact> {
        let held = self.flow.demands.find(key).and_then(|id| self.flow.demands.get(id));
        let row = held.and_then(|held| self.flow.demand_rows.get(held.row));
        let after = row.map(|row| (row.outcome, row.due, row.quantity, row.node));
        if before == after {
            return None;
        }
        let node = after.or(before).map(|(.., node)| node)?;
        let (item, site) = self.place(node);
        let coverage =
            |(covered, due, quantity, node): WasCovered| self.coverage(node, covered, due, quantity);
        Some(DemandImpact {
            demand: key.as_ref().to_owned(),
            item,
            site,
            customer: held.and_then(|held| held.customer.as_deref()).map(str::to_owned),
            priority: row.map_or(u32::MAX, |row| row.priority),
            before: before.map(coverage),
            after: after.map(coverage),
        })
    }

    pub(crate) fn coverage(&self, node: u32, covered: Covered, due: i64, quantity: i64) -> Coverage {
        let measure = self.master.measure(self.flow.nodes[node as usize].item);
        Coverage {
            quantity: measure.quantity(quantity.into()),
            due: Millis(due),
            on_time: measure.quantity(covered.on_time.into()),
            pegged: measure.quantity(covered.pegged.into()),
            covered_at: known(covered.at),
        }
    }

    pub(crate) fn missing(&self, node: u32, short: Short) -> Option<Missing> {
        if short.demands == 0 && short.safety == 0 {
            return None;
        }
        let measure = self.master.measure(self.flow.nodes[node as usize].item);
        Some(Missing {
            quantity: measure.quantity(short.quantity),
            first: known(short.first),
            until: if short.demands == 0 { None } else { known(short.until) },
            demands: short.demands,
            safety_stock: measure.quantity(short.safety.into()),
        })
    }
}
