//! What can be asked of a plan: shortages, orders with what holds them up, circles, problems, counts.

use std::cmp::Reverse;

use lineshaft_model::{Millis, Quantity};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::flow::{Hold, NEVER, Owner};
use crate::impact::{Coverage, Dates, Missing, Problem, known};
use crate::options::{days_of, lateness, weight};
use crate::plan::Plan;
use crate::record::{OrderStatus, SupplyKind};
use crate::when;

/// Longer chains are cut here; no bill of material is as deep.
const LONGEST_CHAIN: usize = 1_000;

/// An item-site at which something is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shortage {
    /// The item.
    pub item: String,
    /// The site.
    pub site: String,
    /// What is missing.
    pub missing: Missing,
    /// The most urgent priority of the demands that are short; none when only the safety stock is touched.
    pub priority: Option<u32>,
    /// Its effect: days by which what is short comes late, each order and demand by its weight (100 less its priority, at least 1);
    /// what never comes is a year late.
    #[serde(with = "rust_decimal::serde::str")]
    pub late_days: Decimal,
    /// Orders that end later for want of it, the most urgent first; at most 100.
    pub orders: Vec<String>,
    /// Demands of customers and forecasts that are late for want of it, the most urgent first; at most 100.
    pub demands: Vec<String>,
}

/// An order, its dates, and what holds it up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OrderState {
    /// The order.
    pub order: String,
    /// What it makes or brings.
    pub item: String,
    /// Where to.
    pub site: String,
    /// How much.
    pub quantity: Quantity,
    /// The smaller, the more urgent.
    pub priority: u32,
    /// How far it is.
    pub status: OrderStatus,
    /// For whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// Its dates as they were given.
    pub planned: Dates,
    /// Its dates with what is known.
    pub feasible: Dates,
    /// How much later it ends than planned; none: nobody knows.
    pub slip_ms: Option<i64>,
    /// What decides its start: first what holds it up itself, last where that comes from. Empty when it is on time.
    pub chain: Vec<Link>,
}

/// One link of a chain of causes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "cause", rename_all = "kebab-case")]
pub enum Link {
    /// The order's start has passed and it has not started.
    StartPassed {
        /// The order.
        order: String,
    },
    /// The order was stopped; when its material is late, why that is follows.
    Held {
        /// The order.
        order: String,
    },
    /// The order waits for a work centre.
    WorkCentre {
        /// The order.
        order: String,
        /// The work centre.
        work_centre: String,
    },
    /// The order waits for a component.
    Component {
        /// The order.
        order: String,
        /// The component.
        item: String,
        /// Where.
        site: String,
        /// How it is covered.
        coverage: Coverage,
    },
    /// The component waits for a supply from outside.
    Supply {
        /// The supply.
        supply: String,
        /// What it is.
        kind: SupplyKind,
        /// From whom.
        #[serde(skip_serializing_if = "Option::is_none")]
        supplier: Option<String>,
        /// When it may be used.
        #[serde(with = "when::option")]
        usable_at: Option<Millis>,
    },
    /// The component waits for what an order makes or brings; that order's own causes follow.
    Order {
        /// The order.
        order: String,
        /// When its output may be used.
        #[serde(with = "when::option")]
        usable_at: Option<Millis>,
    },
    /// Nothing that is known covers the component.
    Missing {
        /// The component.
        item: String,
        /// Where.
        site: String,
        /// How much of it.
        quantity: Quantity,
        /// When it could be had anew by its lead time; none: it has none.
        #[serde(with = "when::option")]
        replaced_at: Option<Millis>,
    },
}

/// Items that are made of one another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Circle {
    /// Item and site, sorted. Orders between them are netted but hold one another up no more.
    pub places: Vec<(String, String)>,
}

/// How much a plan holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Item-sites.
    pub item_sites: usize,
    /// Supplies, the outputs of orders among them.
    pub supplies: usize,
    /// Demands, the components of orders among them.
    pub demands: usize,
    /// Orders.
    pub orders: usize,
    /// Pegs.
    pub pegs: usize,
    /// The deepest level of a bill of material that orders use.
    pub deepest: u32,
}

impl Plan {
    /// What is missing, what has the largest effect first; at most `most`.
    #[must_use]
    pub fn shortages(&self, most: usize) -> Vec<Shortage> {
        let mut found: Vec<(Reverse<i128>, i64, u32)> = Vec::new();
        for (id, node) in self.flow.nodes.iter().enumerate() {
            if node.short.demands > 0 || node.short.safety > 0 {
                found.push((Reverse(self.effect_ms(id as u32)), node.short.first, id as u32));
            }
        }
        found.sort_by_cached_key(|&(effect, first, node)| (effect, first, self.place(node)));
        found.into_iter().take(most).filter_map(|(.., node)| self.shortage_at(node)).collect()
    }

    /// Weighted milliseconds by which what is short at an item-site comes late.
    fn effect_ms(&self, node: u32) -> i128 {
        self.late_rows(node)
            .map(|row| weight(row.priority) * i128::from(lateness(row.outcome.at, row.due)))
            .sum()
    }

    /// What is missing at an item-site; none when nothing is.
    #[must_use]
    pub fn shortage(&self, item: &str, site: &str) -> Option<Shortage> {
        self.shortage_at(self.find_node(item, site)?)
    }

    fn shortage_at(&self, node: u32) -> Option<Shortage> {
        let missing = self.missing(node, self.flow.nodes[node as usize].short)?;
        let (item, site) = self.place(node);
        let (mut orders, mut demands) = (Vec::new(), Vec::new());
        for row in self.late_rows(node) {
            let key = self.flow.demand_key(row.owner).to_owned();
            match row.owner {
                Owner::Order(_) => orders.push((row.priority, key)),
                Owner::Record(_) => demands.push((row.priority, key)),
            }
        }
        let sorted = |mut keys: Vec<(u32, String)>| {
            keys.sort_unstable();
            keys.dedup();
            keys.into_iter().take(100).map(|(_, key)| key).collect()
        };
        let priority = self.late_rows(node).map(|row| row.priority).min();
        let late_days = days_of(self.effect_ms(node));
        let (orders, demands) = (sorted(orders), sorted(demands));
        Some(Shortage { item, site, missing, priority, late_days, orders, demands })
    }

    fn late_rows(&self, node: u32) -> impl Iterator<Item = &crate::flow::DemandRow> {
        let rows = self.flow.nodes[node as usize].demands.iter();
        rows.filter_map(|row| self.flow.demand_rows.get(*row))
            .filter(|row| row.outcome.on_time < row.quantity)
    }

    /// An order with its causes.
    #[must_use]
    pub fn order(&self, key: &str) -> Option<OrderState> {
        self.order_state(self.flow.orders.find(key)?)
    }

    /// Orders that end later than planned, or nobody knows when; the most urgent and the longest first; at most `most`.
    #[must_use]
    pub fn slips(&self, most: usize) -> Vec<OrderState> {
        let mut late: Vec<(u32, i64, &str, u32)> = self
            .flow
            .orders
            .iter()
            .filter(|(_, order)| order.outcome.end > order.end)
            .map(|(id, order)| (order.priority, order.end - order.outcome.end, order.key.as_ref(), id))
            .collect();
        late.sort_unstable();
        late.into_iter().take(most).filter_map(|(.., id)| self.order_state(id)).collect()
    }

    fn order_state(&self, id: u32) -> Option<OrderState> {
        let held = self.flow.orders.get(id)?;
        let (item, site) = self.place(held.node);
        let measure = self.master.measure(self.flow.nodes[held.node as usize].item);
        let quantity =
            measure.scaled(held.quantity, &item).map_or(held.quantity, |own| measure.quantity(own.into()));
        Some(OrderState {
            order: held.key.as_ref().to_owned(),
            item,
            site,
            quantity,
            priority: held.priority,
            status: held.status,
            customer: held.customer.as_deref().map(str::to_owned),
            planned: Dates { start: Some(Millis(held.start)), end: Some(Millis(held.end)) },
            feasible: held.outcome.into(),
            slip_ms: (held.outcome.end < NEVER).then(|| held.outcome.end - held.end),
            chain: self.chain(id),
        })
    }

    fn chain(&self, mut id: u32) -> Vec<Link> {
        let mut chain = Vec::new();
        while let (Some(order), true) = (self.flow.orders.get(id), chain.len() < LONGEST_CHAIN) {
            let key = order.key.as_ref().to_owned();
            match order.outcome.hold {
                Hold::Nothing => break,
                Hold::Past => {
                    chain.push(Link::StartPassed { order: key });
                    break;
                }
                Hold::Stopped => {
                    chain.push(Link::Held { order: key.clone() });
                    // Whoever stopped it may have had this in mind.
                    let Some(line) = self.latest_component(id) else { break };
                    let Some(next) = self.component_cause(id, key, line, &mut chain) else { break };
                    id = next;
                }
                Hold::Operation(step) => {
                    let centre = order.operations.get(usize::from(step)).map(|(centre, _)| *centre);
                    let work_centre = centre.map(|centre| self.master.centres.name(centre).to_owned());
                    chain.push(Link::WorkCentre { order: key, work_centre: work_centre.unwrap_or_default() });
                    break;
                }
                Hold::Component(line) => {
                    let Some(next) = self.component_cause(id, key, line, &mut chain) else { break };
                    id = next;
                }
            }
        }
        chain
    }

    /// The component of an order that comes last of those that are late.
    fn latest_component(&self, id: u32) -> Option<u16> {
        let rows =
            self.flow.orders.get(id)?.components.iter().filter_map(|row| self.flow.demand_rows.get(*row));
        let late = rows.filter(|row| row.outcome.at > row.due && !row.cut);
        late.max_by_key(|row| (row.outcome.at, Reverse(row.line))).map(|row| row.line)
    }

    /// Adds why a component is late, and returns the order that it waits for.
    fn component_cause(&self, id: u32, order: String, line: u16, chain: &mut Vec<Link>) -> Option<u32> {
        let &row_id = self.flow.orders.get(id)?.components.get(usize::from(line))?;
        let row = self.flow.demand_rows.get(row_id)?;
        let (item, site) = self.place(row.node);
        let coverage = self.coverage(row.node, row.outcome, row.due, row.quantity);
        chain.push(Link::Component { order, item: item.clone(), site: site.clone(), coverage });
        let node = &self.flow.nodes[row.node as usize];
        let pegs = node.pegs.iter().filter(|peg| peg.demand == row_id);
        let supplies = pegs.filter_map(|peg| self.flow.supply_rows.get(peg.supply));
        let last = supplies.max_by_key(|supply| supply.at);
        // Not all of it is pegged, or what is comes later than it could be had anew.
        let Some(last) = last.filter(|last| row.outcome.pegged == row.quantity && last.at <= row.outcome.at)
        else {
            let quantity =
                self.master.measure(node.item).quantity((row.quantity - row.outcome.on_time).into());
            let replaced_at = node.lead_ms.map(|lead| Millis(self.now + lead));
            chain.push(Link::Missing { item, site, quantity, replaced_at });
            return None;
        };
        let usable_at = known(last.at);
        match last.owner {
            Owner::Order(next) => {
                let order = self.flow.supply_key(last.owner).to_owned();
                chain.push(Link::Order { order, usable_at });
                Some(next)
            }
            Owner::Record(supply) => {
                let held = self.flow.supplies.get(supply)?;
                chain.push(Link::Supply {
                    supply: held.key.as_ref().to_owned(),
                    kind: held.kind,
                    supplier: held.supplier.map(|id| self.master.suppliers.name(id).to_owned()),
                    usable_at,
                });
                None
            }
        }
    }

    /// How a demand of a customer or a forecast is covered.
    #[must_use]
    pub fn demand(&self, key: &str) -> Option<Coverage> {
        let held = self.flow.demands.get(self.flow.demands.find(key)?)?;
        let row = self.flow.demand_rows.get(held.row)?;
        Some(self.coverage(row.node, row.outcome, row.due, row.quantity))
    }

    /// Item-sites that are made of one another through the orders that are there.
    #[must_use]
    pub fn circles(&self) -> Vec<Circle> {
        let places = |nodes: &Vec<u32>| nodes.iter().map(|node| self.place(*node)).collect();
        self.circles.iter().map(|nodes| Circle { places: places(nodes) }).collect()
    }

    /// Records that could not be read whole; what could not be read of them does not count.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let problem = |(name, reasons): (&crate::record::Name, &Vec<_>)| Problem {
            name: name.clone(),
            reasons: reasons.clone(),
        };
        self.problems.iter().map(problem).collect()
    }

    /// How much it holds.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            item_sites: self.flow.nodes.len(),
            supplies: self.flow.supply_rows.len(),
            demands: self.flow.demand_rows.len(),
            orders: self.flow.orders.len(),
            pegs: self.flow.nodes.iter().map(|node| node.pegs.len()).sum(),
            deepest: self.flow.nodes.iter().map(|node| node.level).max().unwrap_or(0),
        }
    }
}
