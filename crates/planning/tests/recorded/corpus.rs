//! Job shops against their known optima; a manufacturer's tables and the models of another planner against what must hold.

mod adventureworks;
mod frepple;
mod shops;

use std::path::PathBuf;

use lineshaft_model::{Millis, Moment, Quantity, Unit};
use lineshaft_planning::record::{Order, OrderKind, OrderStatus, StockStatus, Supply, SupplyKind};
use lineshaft_planning::{Direction, PegEnd, Plan};
use rust_decimal::Decimal;

pub(crate) const DAY: i64 = 86_400_000;

/// The folder that holds `corpus/`, as `cargo xtask corpus` names it.
pub(crate) fn recorded() -> PathBuf {
    let folder = std::env::var_os("LINESHAFT_RECORDED").expect("run it with: cargo xtask corpus FOLDER");
    PathBuf::from(folder).join("corpus")
}

pub(crate) fn pieces(value: Decimal) -> Quantity {
    Quantity { value, unit: Unit::ONE }
}

/// `2014-01-01 00:00:00` as the files write it.
pub(crate) fn moment(text: &str) -> Millis {
    let (date, time) = text.trim().split_once(' ').unwrap_or((text.trim(), "00:00:00"));
    format!("{date}T{time}Z").parse::<Moment>().unwrap_or_else(|error| panic!("{text}: {error}")).millis()
}

pub(crate) fn supply(key: String, item: &str, site: &str, kind: SupplyKind, quantity: Decimal) -> Supply {
    Supply {
        key,
        item: item.to_owned(),
        site: site.to_owned(),
        kind,
        quantity: pieces(quantity),
        status: StockStatus::Available,
        requested: None,
        confirmed: None,
        expires: None,
        supplier: None,
        location: None,
        lot: None,
    }
}

pub(crate) fn order(key: String, item: &str, site: &str, quantity: Decimal, start: i64, end: i64) -> Order {
    Order {
        key,
        item: item.to_owned(),
        site: site.to_owned(),
        kind: OrderKind::Production,
        quantity: pieces(quantity),
        good: Decimal::ONE,
        start: Millis(start),
        end: Millis(end),
        priority: 100,
        status: OrderStatus::Planned,
        components: None,
        operations: Vec::new(),
        customer: None,
    }
}

/// What holds of every plan: an order that ends late has a reason, and no supply gives more than it has.
pub(crate) fn sound(plan: &Plan, supplies: &[(PegEnd, Decimal)]) {
    for late in plan.slips(usize::MAX) {
        assert!(!late.chain.is_empty(), "{} is late and nobody says why", late.order);
    }
    for (root, most) in supplies {
        let pegs = plan.pegging(root, Direction::ToDemand, 100_000);
        let given: Decimal = pegs.iter().filter(|peg| peg.depth == 0).map(|peg| peg.quantity.value).sum();
        assert!(given <= *most, "{root:?} gives {given} of {most}");
    }
}
