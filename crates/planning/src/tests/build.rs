//! Records in few words. Days are counted from the plan's beginning.

use lineshaft_model::{Millis, Quantity, Unit};
use rust_decimal::Decimal;

use crate::record::{
    Bom, BomLine, Demand, DemandKind, Order, OrderKind, OrderStatus, StockStatus, Stocking, Supply,
    SupplyKind,
};
use crate::{Change, Plan, Record, Settings};

pub(crate) const DAY: i64 = 86_400_000;

pub(crate) fn day(n: i64) -> Millis {
    Millis(n * DAY)
}

pub(crate) fn pieces(n: i64) -> Quantity {
    Quantity { value: Decimal::from(n), unit: Unit::ONE }
}

pub(crate) fn plan(records: Vec<Record>) -> Plan {
    let mut plan = Plan::new(Settings { now: day(0), finite_capacity: false });
    plan.load(records.into_iter().map(Change::Put));
    plan
}

pub(crate) fn put(record: Record) -> [Change; 1] {
    [Change::Put(record)]
}

pub(crate) fn supply(key: &str, item: &str, n: i64) -> Supply {
    Supply {
        key: key.into(),
        item: item.into(),
        site: "P".into(),
        kind: SupplyKind::OnHand,
        quantity: pieces(n),
        status: StockStatus::Available,
        requested: None,
        confirmed: None,
        expires: None,
        supplier: None,
        location: None,
        lot: None,
    }
}

pub(crate) fn stock(key: &str, item: &str, n: i64) -> Record {
    Record::Supply(supply(key, item, n))
}

pub(crate) fn purchase(key: &str, item: &str, n: i64, on: i64) -> Record {
    Record::Supply(Supply {
        kind: SupplyKind::PurchaseOrder,
        confirmed: Some(day(on)),
        ..supply(key, item, n)
    })
}

pub(crate) fn wanted(key: &str, item: &str, n: i64, on: i64, priority: u32) -> Record {
    Record::Demand(Demand {
        key: key.into(),
        item: item.into(),
        site: "P".into(),
        kind: DemandKind::Sales,
        quantity: pieces(n),
        due: day(on),
        priority,
        customer: None,
    })
}

pub(crate) fn order(key: &str, item: &str, n: i64, start: i64, end: i64) -> Order {
    Order {
        key: key.into(),
        item: item.into(),
        site: "P".into(),
        kind: OrderKind::Production,
        quantity: pieces(n),
        good: Decimal::ONE,
        start: day(start),
        end: day(end),
        priority: 100,
        status: OrderStatus::Planned,
        components: None,
        operations: Vec::new(),
        customer: None,
    }
}

pub(crate) fn make(key: &str, item: &str, n: i64, start: i64, end: i64) -> Record {
    Record::Order(order(key, item, n, start, end))
}

pub(crate) fn bom(item: &str, lines: &[(&str, i64)]) -> Record {
    let line = |&(item, per): &(&str, i64)| BomLine {
        item: item.into(),
        per: Decimal::from(per),
        scrap: Decimal::ZERO,
        offset_ms: 0,
        valid_from: None,
        valid_until: None,
    };
    Record::Bom(Bom {
        key: format!("bom of {item}"),
        item: item.into(),
        site: None,
        valid_from: None,
        valid_until: None,
        lines: lines.iter().map(line).collect(),
    })
}

pub(crate) fn kept(item: &str) -> Stocking {
    Stocking {
        item: item.into(),
        site: "P".into(),
        safety_stock: None,
        safety_priority: 0,
        lead_time_ms: None,
        receipt_ms: 0,
        time_fence_ms: 0,
    }
}

/// The day on which an order can end; none: nobody knows.
pub(crate) fn ends(plan: &Plan, order: &str) -> Option<i64> {
    plan.order(order).unwrap().feasible.end.map(|end| end.0 / DAY)
}

/// The day on which a demand is covered, and how much of it is on time.
pub(crate) fn covered(plan: &Plan, demand: &str) -> (Option<i64>, String) {
    let coverage = plan.demand(demand).unwrap();
    (coverage.covered_at.map(|at| at.0 / DAY), coverage.on_time.value.to_string())
}
