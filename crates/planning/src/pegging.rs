//! Pegs both ways: where a demand is covered from, and what a supply is for, step by step through the orders.

use std::collections::HashSet;

use lineshaft_model::{Millis, Quantity};
use serde::{Deserialize, Serialize};

use crate::flow::{Node, Owner, PegRow};
use crate::impact::known;
use crate::plan::Plan;
use crate::when;

/// One end of a peg.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "kebab-case")]
pub enum PegEnd {
    /// A supply from outside or stock.
    Supply {
        /// Its key.
        key: String,
    },
    /// A demand of a customer or a forecast.
    Demand {
        /// Its key.
        key: String,
    },
    /// An order: what it makes as a supply, what it needs as a demand.
    Order {
        /// Its key.
        key: String,
    },
    /// The safety stock of an item-site.
    SafetyStock {
        /// The item.
        item: String,
        /// The site.
        site: String,
    },
}

/// Which way to follow pegs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From a demand or order to what covers it.
    ToSupply,
    /// From a supply or order to what it is for.
    ToDemand,
}

/// One peg of a tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Peg {
    /// How far from the root; the root's own pegs are at 0. A peg belongs to the nearest one before it that is less deep.
    pub depth: u32,
    /// What covers.
    pub supply: PegEnd,
    /// What is covered.
    pub demand: PegEnd,
    /// The item of the demand.
    pub item: String,
    /// The site.
    pub site: String,
    /// The item of the supply when it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub substitute: Option<String>,
    /// How much, in the item of the demand.
    pub quantity: Quantity,
    /// When the supply may be used; none: it is there.
    #[serde(with = "when::option")]
    pub usable_at: Option<Millis>,
    /// When the demand is due; none for a safety stock.
    #[serde(with = "when::option")]
    pub due: Option<Millis>,
    /// Whether it comes after that.
    pub late: bool,
}

impl Plan {
    /// The tree of pegs below a demand, supply or order, its branches in front of the next peg; at most `most` pegs. The pegs of
    /// an order that is met again are not repeated, so that circles end.
    #[must_use]
    pub fn pegging(&self, root: &PegEnd, direction: Direction, most: usize) -> Vec<Peg> {
        let mut found = Vec::new();
        let mut left: Vec<(u32, Owner, i64, PegRow)> = Vec::new();
        let Some(owner) = self.owner(root) else { return found };
        let mut seen = HashSet::new();
        if let Owner::Order(order) = owner {
            seen.insert(order);
        }
        self.push_pegs(owner, direction, 0, &mut left);
        while let Some((depth, owner, _, peg)) = left.pop() {
            if found.len() >= most {
                break;
            }
            let Some(shown) = self.show(peg, depth) else { continue };
            found.push(shown);
            if let Owner::Order(order) = owner
                && seen.insert(order)
            {
                self.push_pegs(owner, direction, depth + 1, &mut left);
            }
        }
        found
    }

    fn owner(&self, end: &PegEnd) -> Option<Owner> {
        match end {
            PegEnd::Supply { key } => self.flow.supplies.find(key).map(Owner::Record),
            PegEnd::Order { key } => self.flow.orders.find(key).map(Owner::Order),
            // Demands and supplies are told apart by the direction.
            PegEnd::Demand { key } => self.flow.demands.find(key).map(Owner::Record),
            PegEnd::SafetyStock { .. } => None,
        }
    }

    /// Pegs of a supply's or a demand's rows, with the owner of the other end, the last to be shown first.
    fn push_pegs(
        &self,
        owner: Owner,
        direction: Direction,
        depth: u32,
        left: &mut Vec<(u32, Owner, i64, PegRow)>,
    ) {
        let first = left.len();
        match direction {
            Direction::ToSupply => {
                let rows: Vec<u32> = match owner {
                    Owner::Record(id) => self.flow.demands.get(id).map(|held| held.row).into_iter().collect(),
                    Owner::Order(id) => {
                        self.flow.orders.get(id).map(|order| order.components.clone()).unwrap_or_default()
                    }
                };
                for row in rows {
                    let Some(demand) = self.flow.demand_rows.get(row) else { continue };
                    for peg in
                        self.flow.nodes[demand.node as usize].pegs.iter().filter(|peg| peg.demand == row)
                    {
                        if let Some(supply) = self.flow.supply_rows.get(peg.supply) {
                            left.push((depth, supply.owner, supply.at, *peg));
                        }
                    }
                }
            }
            Direction::ToDemand => {
                let row = match owner {
                    Owner::Record(id) => self.flow.supplies.get(id).map(|held| held.row),
                    Owner::Order(id) => self.flow.orders.get(id).map(|order| order.output),
                };
                let Some((row, supply)) = row.and_then(|row| Some((row, self.flow.supply_rows.get(row)?)))
                else {
                    return;
                };
                let pool = self.flow.pool(supply.node);
                for &member in self.members(&pool) {
                    for peg in self.flow.nodes[member as usize].pegs.iter().filter(|peg| peg.supply == row) {
                        let demand = self.flow.demand_rows.get(peg.demand);
                        let owner = demand.map_or(Owner::Record(u32::MAX), |demand| demand.owner);
                        left.push((depth, owner, demand.map_or(self.now, |demand| demand.due), *peg));
                    }
                }
            }
        }
        left[first..].sort_by(|(_, one, at, _), (_, other, later, _)| {
            let key = |owner: Owner| match direction {
                Direction::ToSupply => self.flow.supply_key(owner),
                Direction::ToDemand => self.flow.demand_key(owner),
            };
            (later, key(*other)).cmp(&(at, key(*one)))
        });
    }

    fn show(&self, peg: PegRow, depth: u32) -> Option<Peg> {
        let supply = self.flow.supply_rows.get(peg.supply)?;
        let demand = self.flow.demand_rows.get(peg.demand);
        // A safety stock is covered at its own item-site alone.
        let node = demand.map_or(supply.node, |demand| demand.node);
        let Node { item: item_id, .. } = &self.flow.nodes[node as usize];
        let supply_item = self.flow.nodes[supply.node as usize].item;
        let (item, site) = self.place(node);
        let key = |owner: Owner, of_supply: bool| {
            if of_supply { self.flow.supply_key(owner) } else { self.flow.demand_key(owner) }.to_owned()
        };
        let due = demand.map(|demand| demand.due);
        Some(Peg {
            depth,
            supply: match supply.owner {
                Owner::Record(_) => PegEnd::Supply { key: key(supply.owner, true) },
                Owner::Order(_) => PegEnd::Order { key: key(supply.owner, true) },
            },
            demand: match demand.map(|demand| demand.owner) {
                Some(owner @ Owner::Record(_)) => PegEnd::Demand { key: key(owner, false) },
                Some(owner @ Owner::Order(_)) => PegEnd::Order { key: key(owner, false) },
                None => PegEnd::SafetyStock { item: item.clone(), site: site.clone() },
            },
            substitute: (supply_item != *item_id).then(|| self.master.items.name(supply_item).to_owned()),
            quantity: self.master.measure(*item_id).quantity(peg.quantity.into()),
            usable_at: known(supply.at).filter(|at| at.0 > crate::flow::BEGIN),
            due: due.map(Millis),
            late: supply.at > due.unwrap_or(self.now),
            item,
            site,
        })
    }
}
