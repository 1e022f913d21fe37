//! What could be done about a shortage, each with its effect as the same engine computes it.
//!
//! The objective: lateness that remains, each customer's demand and each order by its weight and by days, times what a weighted day
//! costs, plus what the option costs. The weight of a priority is 100 less the priority, at least 1. What is never covered counts
//! as a year late; of an order that is stopped counts when its material is there. A smaller sum is better; of equal sums the one that touches less goes first.

mod propose;

use std::collections::BTreeMap;

use lineshaft_model::{Millis, Money};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::flow::NEVER;
use crate::impact::{Coverage, Dates, Impact};
use crate::plan::Plan;
use crate::record::{Change, OrderKind, OrderStatus, Record};

pub use propose::MOST_RESEQUENCED;

const DAY_MS: i128 = 86_400_000;
/// What is never covered counts as so late.
const NEVER_LATE_MS: i64 = 365 * 86_400_000;

/// What kind of thing is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptionKind {
    /// The safety stock is released.
    UseSafetyStock,
    /// An open delivery comes sooner.
    Expedite,
    /// A part of an open delivery comes sooner.
    SplitDelivery,
    /// Another site sends what it can spare.
    Transfer,
    /// Another item stands in.
    Substitute,
    /// It is bought from a supplier.
    Buy,
    /// Orders at a work centre change places.
    Resequence,
    /// An order makes only what it has the components for.
    Reduce,
    /// An order is put to when it can be done, and what it held is free until then.
    Delay,
}

/// One thing that could be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Alternative {
    /// What kind.
    pub kind: OptionKind,
    /// What is done and what comes of it, in a sentence.
    pub sentence: String,
    /// The changes that carry it out in the plan.
    pub changes: Vec<Change>,
    /// What it costs, where that is known.
    pub cost: Option<Money>,
    /// Weighted days of lateness that it saves, below zero when it adds some.
    #[serde(with = "rust_decimal::serde::str")]
    pub saved_days: Decimal,
    /// The change of the objective, below zero is better.
    #[serde(with = "rust_decimal::serde::str")]
    pub score: Decimal,
    /// What it does.
    pub impact: Impact,
}

/// How options are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objective {
    /// What one weighted day of lateness costs, in the currency of the sources.
    #[serde(with = "rust_decimal::serde::str")]
    pub day_cost: Decimal,
    /// Options that are worse than doing nothing are left out.
    pub only_better: bool,
    /// At most so many.
    pub most: usize,
}

impl Default for Objective {
    fn default() -> Self {
        Self { day_cost: Decimal::ONE, only_better: true, most: 20 }
    }
}

impl Objective {
    /// What is small when a thing is good, in a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!(
            "Least of: days late, each demand and order by its weight (100 less its priority, at least 1; what is never covered is a \
             year late), times {} a day, plus what it costs",
            self.day_cost.normalize()
        )
    }
}

/// What changes come to, by the objective.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Judged {
    /// Weighted days of lateness that they save, below zero when they add some.
    #[serde(with = "rust_decimal::serde::str")]
    pub saved_days: Decimal,
    /// What they do.
    pub impact: Impact,
}

/// A thing to try.
pub(crate) struct Proposal {
    kind: OptionKind,
    words: String,
    changes: Vec<Change>,
    cost: Option<Money>,
}

impl Plan {
    /// What could be done about what is missing at an item-site, the best first. Nothing is kept.
    pub fn options(&mut self, item: &str, site: &str, objective: Objective) -> Vec<Alternative> {
        let Some(node) = self.find_node(item, site) else { return Vec::new() };
        if self.missing(node, self.flow.nodes[node as usize].short).is_none() {
            return Vec::new();
        }
        let held = self.held();
        let proposals = self.proposals(node).into_iter();
        let mut found: Vec<Alternative> =
            proposals.map(|proposal| self.tried(proposal, objective, &held)).collect();
        found.retain(|one| !objective.only_better || one.score < Decimal::ZERO);
        let touched = |one: &Alternative| one.impact.orders.len() + one.impact.demands.len();
        found.sort_by(|one, other| {
            (one.score, touched(one), one.kind, &one.sentence).cmp(&(
                other.score,
                touched(other),
                other.kind,
                &other.sentence,
            ))
        });
        found.truncate(objective.most);
        found
    }

    fn tried(&mut self, proposal: Proposal, objective: Objective, held: &[u32]) -> Alternative {
        let Proposal { kind, words, changes, cost } = proposal;
        let (Judged { saved_days, impact }, supplied) = self.judged(&changes, held);
        let price = cost.map_or(Decimal::ZERO, |cost| cost.amount);
        let score = price.saturating_sub(saved_days.saturating_mul(objective.day_cost));
        let sentence = format!(
            "{words}: {}{}",
            effect(&impact, supplied),
            cost.map(|cost| format!("; costs {cost}")).unwrap_or_default()
        );
        Alternative { kind, sentence, changes, cost, saved_days, score: score.normalize(), impact }
    }

    /// What would follow from these changes, and how much lateness that saves. Nothing is kept.
    ///
    /// An order that is stopped brings nothing whatever comes; what counts of it is when its material is there.
    pub fn judge(&mut self, changes: &[Change]) -> Judged {
        let held = self.held();
        self.judged(changes, &held).0
    }

    /// Orders that are stopped.
    fn held(&self) -> Vec<u32> {
        let orders = self.flow.orders.iter();
        orders.filter(|(_, order)| order.status == OrderStatus::Held).map(|(id, _)| id).collect()
    }

    /// How late the material of each of these orders is, by the order's weight; none when the order is no more.
    fn material_late(&self, orders: &[u32]) -> Vec<Option<i128>> {
        let late = |id: &u32| {
            let order = self.flow.orders.get(*id)?;
            let rows = order.components.iter().filter_map(|row| self.flow.demand_rows.get(*row));
            let latest = rows.map(|row| lateness(row.outcome.at, row.due)).max().unwrap_or(0);
            Some(weight(order.priority) * i128::from(latest))
        };
        orders.iter().map(late).collect()
    }

    /// The judgement, and for how many of the stopped orders the material comes sooner.
    fn judged(&mut self, changes: &[Change], held: &[u32]) -> (Judged, usize) {
        // An order that is moved on purpose is still late by the date it had.
        let mut own_ends = BTreeMap::new();
        for change in changes {
            let Change::Put(Record::Order(order)) = change else { continue };
            let held = self.flow.orders.find(&order.key).and_then(|id| self.flow.orders.get(id));
            // A new transfer is wanted by nobody but those who wait for what it brings.
            let new = (order.kind == OrderKind::Production).then_some(order.end.0);
            own_ends.extend(held.map(|held| held.end).or(new).map(|end| (order.key.clone(), end)));
        }
        let before = self.material_late(held);
        let (impact, after) = self.what_if_seen(changes, |plan| plan.material_late(held));
        // What is given up saves nothing here either.
        let gained = before.into_iter().zip(after).filter_map(|(before, after)| Some(before? - after?));
        let gained: Vec<i128> = gained.collect();
        let supplied = gained.iter().filter(|gained| **gained > 0).count();
        let saved_ms = self.saved(&impact, &own_ends) + gained.iter().sum::<i128>();
        (Judged { saved_days: days_of(saved_ms), impact }, supplied)
    }

    /// Weighted milliseconds of lateness that an impact takes away. What is given up is not late and saves nothing.
    fn saved(&self, impact: &Impact, own_ends: &BTreeMap<String, i64>) -> i128 {
        let mut saved = 0;
        for demand in impact.demands.iter().filter(|demand| demand.after.is_some()) {
            let late = |coverage: Option<Coverage>| {
                coverage.map_or(0, |one| lateness(one.covered_at.map_or(NEVER, |at| at.0), one.due.0))
            };
            saved += weight(demand.priority) * i128::from(late(demand.before) - late(demand.after));
        }
        for order in impact.orders.iter().filter(|order| order.after.is_some()) {
            let held = self.flow.orders.find(&order.order).and_then(|id| self.flow.orders.get(id));
            let Some(due) = own_ends.get(&order.order).copied().or(held.map(|held| held.end)) else {
                continue;
            };
            let end = |dates: Option<Dates>| dates.map_or(due, |dates| dates.end.map_or(NEVER, |at| at.0));
            saved += weight(order.priority)
                * i128::from(lateness(end(order.before), due) - lateness(end(order.after), due));
        }
        saved
    }
}

/// How much a priority weighs.
pub(crate) fn weight(priority: u32) -> i128 {
    i128::from(100_u32.saturating_sub(priority).max(1))
}

/// Weighted milliseconds as days, to the hundredth.
pub(crate) fn days_of(weighted_ms: i128) -> Decimal {
    Decimal::try_from_i128_with_scale(weighted_ms * 100 / DAY_MS, 2).unwrap_or_default().normalize()
}

pub(crate) fn lateness(at: i64, due: i64) -> i64 {
    if at >= NEVER { NEVER_LATE_MS } else { (at - due).clamp(0, NEVER_LATE_MS) }
}

/// What an impact comes to, in words.
fn effect(impact: &Impact, supplied: usize) -> String {
    let sooner = impact.orders.iter().filter(|one| is_sooner(one.before, one.after)).count();
    let later = impact.orders.iter().filter(|one| is_sooner(one.after, one.before)).count();
    let most =
        impact.orders.iter().filter_map(|one| one.slip_ms).map(|slip| -slip).filter(|gain| *gain > 0).max();
    let demands = impact.demands.iter().filter(|one| match (one.before, one.after) {
        (Some(before), Some(after)) => after.on_time.value > before.on_time.value,
        _ => false,
    });
    let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let mut parts = Vec::new();
    if sooner > 0 {
        let by = most.map(|ms| format!(" by up to {}", days(ms))).unwrap_or_default();
        parts.push(format!("{} sooner{by}", count(sooner, "order")));
    }
    if later > 0 {
        parts.push(format!("{} later", count(later, "order")));
    }
    match demands.count() {
        0 => {}
        n => parts.push(format!("more of {} on time", count(n, "demand"))),
    }
    if supplied > 0 {
        parts.push(format!("material sooner for {}", count(supplied, "held order")));
    }
    if parts.is_empty() { "no order moves".to_owned() } else { parts.join(", ") }
}

fn is_sooner(before: Option<Dates>, after: Option<Dates>) -> bool {
    let end = |dates: Dates| dates.end.map_or(i64::MAX, |at| at.0);
    matches!((before, after), (Some(before), Some(after)) if end(after) < end(before))
}

/// A span in days, with one decimal place when it is no whole number of them.
fn days(ms: i64) -> String {
    let tenths = (i128::from(ms) * 10 / DAY_MS) as i64;
    let number = if tenths % 10 == 0 {
        format!("{}", tenths / 10)
    } else {
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    format!("{number} day{}", if tenths == 10 { "" } else { "s" })
}

/// The day of a time, for sentences.
pub(crate) fn date(at: Millis) -> String {
    at.to_string().chars().take(10).collect()
}
