//! What will be there over time at one item-site: the balance, and what can still be promised.

use lineshaft_model::{Millis, Quantity, Unit};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::amount::decimal;
use crate::flow::{BEGIN, NEVER, Node, Owner, SAFETY};
use crate::impact::known;
use crate::plan::Plan;
use crate::record::{DemandKind, SupplyKind};
use crate::when;

/// Supply and demand of an item-site over time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Availability {
    /// The item.
    pub item: String,
    /// The site.
    pub site: String,
    /// The unit of all numbers here.
    pub unit: Unit,
    /// Usable stock.
    #[serde(with = "rust_decimal::serde::str")]
    pub on_hand: Decimal,
    /// Stock and supplies that may not be used, or do not come.
    #[serde(with = "rust_decimal::serde::str")]
    pub unusable: Decimal,
    /// What is to stay in stock.
    #[serde(with = "rust_decimal::serde::str")]
    pub safety_stock: Decimal,
    /// What changes the balance, in the order of time.
    pub movements: Vec<Movement>,
    /// What can be promised anew, from when on; it never goes down.
    pub promisable: Vec<Promisable>,
}

/// Something that comes or goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Movement {
    /// When: now for what is overdue.
    #[serde(with = "when")]
    pub at: Millis,
    /// What it is.
    pub kind: MovementKind,
    /// The supply, demand or order.
    pub key: String,
    /// What comes, below zero what goes.
    #[serde(with = "rust_decimal::serde::str")]
    pub change: Decimal,
    /// What is there after it; below zero something is missing.
    #[serde(with = "rust_decimal::serde::str")]
    pub balance: Decimal,
    /// For a demand: when all of it is there; none: not with what is known, or not a demand.
    #[serde(with = "when::option")]
    pub covered_at: Option<Millis>,
}

/// What a movement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "movement", content = "kind", rename_all = "kebab-case")]
pub enum MovementKind {
    /// It comes.
    Supply(SupplyKind),
    /// It goes.
    Demand(DemandKind),
    /// It goes to stand in for another item.
    StandIn,
    /// What nobody takes before it expires.
    Expiry,
}

/// From a time on, how much can be promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Promisable {
    /// The time.
    #[serde(with = "when")]
    pub from: Millis,
    /// How much in all, without touching what others need later or the safety stock.
    #[serde(with = "rust_decimal::serde::str")]
    pub quantity: Decimal,
}

struct Step {
    at: i64,
    kind: MovementKind,
    key: String,
    change: i128,
    covered_at: Option<Millis>,
}

impl Plan {
    /// Supply and demand of an item-site over time; none when nothing was ever said of it.
    #[must_use]
    pub fn availability(&self, item: &str, site: &str) -> Option<Availability> {
        let id = self.find_node(item, site)?;
        let node = &self.flow.nodes[id as usize];
        let measure = self.master.measure(node.item);
        let (mut steps, on_hand, unusable) = self.steps(id);
        // What comes goes before what goes at the same time.
        steps.sort_by(|one, other| {
            (one.at, one.change < 0, &one.key).cmp(&(other.at, other.change < 0, &other.key))
        });
        let mut balance = on_hand;
        let mut balances = vec![(self.now.min(steps.first().map_or(NEVER, |step| step.at)), balance)];
        let mut movements = Vec::with_capacity(steps.len());
        for step in steps {
            balance += step.change;
            match balances.last_mut() {
                Some(last) if last.0 == step.at => last.1 = balance,
                _ => balances.push((step.at, balance)),
            }
            movements.push(Movement {
                at: Millis(step.at),
                kind: step.kind,
                key: step.key,
                change: decimal(step.change, measure.decimals),
                balance: decimal(balance, measure.decimals),
                covered_at: step.covered_at,
            });
        }
        let safety = i128::from(node.safety);
        Some(Availability {
            item: item.to_owned(),
            site: site.to_owned(),
            unit: measure.unit,
            on_hand: decimal(on_hand, measure.decimals),
            unusable: decimal(unusable, measure.decimals),
            safety_stock: decimal(safety, measure.decimals),
            movements,
            promisable: promisable(&balances, safety)
                .into_iter()
                .map(|(from, quantity)| Promisable {
                    from: Millis(from.max(self.now)),
                    quantity: decimal(quantity, measure.decimals),
                })
                .collect(),
        })
    }

    /// From when on a quantity can be promised anew without taking it from anybody; by its lead time at the latest, when the
    /// item has one. None: not with what is known.
    pub fn promise(
        &self,
        item: &str,
        site: &str,
        quantity: Quantity,
    ) -> Result<Option<Millis>, lineshaft_model::Reason> {
        let Some(node) = self.find_node(item, site) else { return Ok(None) };
        let Node { item: id, lead_ms, .. } = &self.flow.nodes[node as usize];
        let measure = self.master.measure(*id);
        let wanted = decimal(measure.scaled(quantity, item)?.into(), measure.decimals);
        let from = self.availability(item, site).and_then(|availability| {
            availability.promisable.iter().find(|one| one.quantity >= wanted).map(|one| one.from)
        });
        let anew = lead_ms.map(|lead| Millis(self.now + lead));
        Ok(match (from, anew) {
            (Some(from), Some(anew)) => Some(from.min(anew)),
            (from, anew) => from.or(anew),
        })
    }

    /// What moves, the usable stock, and what may not be used.
    fn steps(&self, id: u32) -> (Vec<Step>, i128, i128) {
        let node = &self.flow.nodes[id as usize];
        let (mut steps, mut on_hand, mut unusable) = (Vec::new(), 0_i128, 0_i128);
        let pegs = self.members(&node.pool).iter().flat_map(|member| &self.flow.nodes[*member as usize].pegs);
        let mut taken: std::collections::HashMap<u32, i64> = std::collections::HashMap::new();
        for peg in pegs {
            *taken.entry(peg.supply).or_default() += peg.taken;
        }
        for (supply, row) in
            node.supplies.iter().filter_map(|id| Some((*id, self.flow.supply_rows.get(*id)?)))
        {
            let quantity = i128::from(row.quantity);
            if row.at >= NEVER || row.expires <= row.at.max(self.now) {
                unusable += quantity;
                continue;
            }
            let key = self.flow.supply_key(row.owner).to_owned();
            if row.expires < NEVER {
                let left = quantity - i128::from(taken.get(&supply).copied().unwrap_or(0));
                let kind = MovementKind::Expiry;
                steps.push(Step { at: row.expires, kind, key: key.clone(), change: -left, covered_at: None });
            }
            if row.at == BEGIN {
                on_hand += quantity;
                continue;
            }
            let kind = match row.owner {
                Owner::Order(_) => SupplyKind::Order,
                Owner::Record(id) => self.flow.supplies.get(id).map_or(SupplyKind::OnHand, |held| held.kind),
            };
            let kind = MovementKind::Supply(kind);
            steps.push(Step { at: row.at, kind, key, change: quantity, covered_at: None });
        }
        self.goings(id, &mut steps);
        steps.retain(|step| step.change != 0);
        (steps, on_hand, unusable)
    }

    /// What leaves an item-site: its own demands as far as nothing stands in for them, and what it stands in for.
    fn goings(&self, id: u32, steps: &mut Vec<Step>) {
        let node = &self.flow.nodes[id as usize];
        let ours = |supply: u32| self.flow.supply_rows.get(supply).is_some_and(|row| row.node == id);
        let mut stood_in: std::collections::HashMap<u32, i64> = std::collections::HashMap::new();
        for peg in node.pegs.iter().filter(|peg| !ours(peg.supply)) {
            *stood_in.entry(peg.demand).or_default() += peg.quantity;
        }
        for (demand, row) in node.demands.iter().filter_map(|id| Some((*id, self.flow.demand_rows.get(*id)?)))
        {
            let kind = match row.owner {
                Owner::Order(_) => DemandKind::Component,
                Owner::Record(id) => self.flow.demands.get(id).map_or(DemandKind::Sales, |held| held.kind),
            };
            steps.push(Step {
                at: row.due.max(self.now),
                kind: MovementKind::Demand(kind),
                key: self.flow.demand_key(row.owner).to_owned(),
                change: -i128::from(row.quantity - stood_in.get(&demand).copied().unwrap_or(0)),
                covered_at: known(row.outcome.at),
            });
        }
        for &member in self.members(&node.pool).iter().filter(|member| **member != id) {
            for peg in self.flow.nodes[member as usize].pegs.iter().filter(|peg| ours(peg.supply)) {
                let Some(row) = self.flow.demand_rows.get(peg.demand).filter(|_| peg.demand != SAFETY) else {
                    continue;
                };
                steps.push(Step {
                    at: row.due.max(self.now),
                    kind: MovementKind::StandIn,
                    key: self.flow.demand_key(row.owner).to_owned(),
                    change: -i128::from(peg.taken),
                    covered_at: known(row.outcome.at),
                });
            }
        }
    }
}

/// At each time the least that is left from then on, without the safety stock; only where it grows.
fn promisable(balances: &[(i64, i128)], safety: i128) -> Vec<(i64, i128)> {
    let mut least = i128::MAX;
    let mut found: Vec<(i64, i128)> = Vec::with_capacity(balances.len());
    for &(at, balance) in balances.iter().rev() {
        least = least.min(balance - safety);
        found.push((at, least.max(0)));
    }
    found.reverse();
    found.dedup_by(|next, kept| next.1 == kept.1);
    found
}

#[cfg(test)]
mod tests {
    use super::promisable;

    #[test]
    fn what_others_need_later_is_not_promised() {
        // Ten are there, eight go at 5, twenty come at 7, four go at 9; three are to stay.
        assert_eq!(promisable(&[(0, 10), (5, 2), (7, 22), (9, 18)], 3), [(0, 0), (7, 15)]);
        assert_eq!(promisable(&[(0, 10), (5, 6)], 0), [(0, 6)]);
    }
}
