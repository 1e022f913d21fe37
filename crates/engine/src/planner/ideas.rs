//! Simple things to suppose, as a person says them: a supply comes on another day, an order starts on another, something is gone.

use std::fmt;
use std::str::FromStr;

use lineshaft_model::{Millis, Quantity, Reason};
use lineshaft_planning::{Change, Name, Record};
use rust_decimal::Decimal;

use super::ask::Supposed;
use super::read::time_of;
use super::{Planner, State};

/// What is supposed of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdeaKind {
    /// A supply comes on a day.
    SupplyOn,
    /// A supply is so much.
    SupplyQuantity,
    /// An order starts on a day and takes as long as before.
    OrderStart,
    /// An order is so urgent.
    OrderPriority,
    /// A demand is for a day.
    DemandOn,
    /// A supply, order or demand is no more.
    Gone,
}

impl IdeaKind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::SupplyOn,
        Self::SupplyQuantity,
        Self::OrderStart,
        Self::OrderPriority,
        Self::DemandOn,
        Self::Gone,
    ];

    /// What it is called in addresses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SupplyOn => "supply-on",
            Self::SupplyQuantity => "supply-quantity",
            Self::OrderStart => "order-start",
            Self::OrderPriority => "order-priority",
            Self::DemandOn => "demand-on",
            Self::Gone => "gone",
        }
    }

    /// What it is called by people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::SupplyOn => "supply comes on",
            Self::SupplyQuantity => "supply is this much",
            Self::OrderStart => "order starts on",
            Self::OrderPriority => "order has priority",
            Self::DemandOn => "demand is for",
            Self::Gone => "is cancelled",
        }
    }
}

impl fmt::Display for IdeaKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for IdeaKind {
    type Err = Reason;

    fn from_str(text: &str) -> Result<Self, Reason> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| {
            Reason::new("parameter-malformed", format!("`{text}` is nothing that can be supposed"))
        })
    }
}

/// One thing that is supposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idea {
    /// What.
    pub kind: IdeaKind,
    /// Of which supply, order or demand.
    pub key: String,
    /// The day, quantity or priority; not for what is gone.
    pub value: String,
}

impl Planner {
    /// What is supposed, as changes of the plan's records.
    pub fn supposed(&self, ideas: &[Idea]) -> Result<Vec<Supposed>, Reason> {
        let state = self.state.lock();
        ideas.iter().map(|idea| self.change(&state, idea).map(Supposed::Change)).collect()
    }

    fn change(&self, state: &State, idea: &Idea) -> Result<Change, Reason> {
        let key = || idea.key.clone();
        let names = match idea.kind {
            IdeaKind::SupplyOn | IdeaKind::SupplyQuantity => vec![Name::Supply { key: key() }],
            IdeaKind::OrderStart | IdeaKind::OrderPriority => vec![Name::Order { key: key() }],
            IdeaKind::DemandOn => vec![Name::Demand { key: key() }],
            IdeaKind::Gone => {
                vec![Name::Supply { key: key() }, Name::Order { key: key() }, Name::Demand { key: key() }]
            }
        };
        let found = names.into_iter().find_map(|name| Some((state.plan.record(&name)?, name)));
        let Some((record, name)) = found else {
            let message =
                format!("the plan knows nothing called `{}` of which this could be supposed", idea.key);
            return Err(Reason::new("record-unknown", message).hint("take the key from the item's page"));
        };
        if idea.kind == IdeaKind::Gone {
            return Ok(Change::Remove(name));
        }
        self.put(record, idea).map(Change::Put)
    }

    fn put(&self, record: Record, idea: &Idea) -> Result<Record, Reason> {
        let wrong = |what: &str| {
            let message = format!("`{}` is no {what}", idea.value);
            Reason::new("parameter-malformed", message).hint("write a day as 2026-12-11, a quantity as 12.5")
        };
        let day = |site: &str| -> Result<Millis, Reason> {
            time_of(&idea.value, self.zones.of(Some(site))).ok_or_else(|| wrong("day"))
        };
        Ok(match record {
            Record::Supply(mut supply) if idea.kind == IdeaKind::SupplyQuantity => {
                let value: Decimal = idea.value.parse().map_err(|_| wrong("quantity"))?;
                supply.quantity = Quantity { value, ..supply.quantity };
                Record::Supply(supply)
            }
            Record::Supply(mut supply) => {
                supply.confirmed = Some(day(&supply.site)?);
                Record::Supply(supply)
            }
            Record::Order(mut order) if idea.kind == IdeaKind::OrderPriority => {
                order.priority = idea.value.parse().map_err(|_| wrong("priority"))?;
                Record::Order(order)
            }
            Record::Order(mut order) => {
                let start = day(&order.site)?;
                order.end = order.end.plus(start.0.saturating_sub(order.start.0));
                order.start = start;
                Record::Order(order)
            }
            Record::Demand(mut demand) => {
                demand.due = day(&demand.site)?;
                Record::Demand(demand)
            }
            other => other,
        })
    }
}
