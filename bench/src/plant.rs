//! A plant that is made up: items in six levels, each product of the next made of some of the one before, orders with components,
//! stock, purchase orders and sales. The same size gives the same plant.

use lineshaft_model::{Millis, Quantity, Unit};
use lineshaft_planning::Record;
use lineshaft_planning::record::{
    Component, Demand, DemandKind, Item, Operation, Order, OrderKind, OrderStatus, StockStatus, Stocking,
    Supply, SupplyKind,
};
use rand::prelude::*;
use rust_decimal::Decimal;

/// A day in milliseconds.
pub const DAY_MS: i64 = 86_400_000;
/// Levels of items, the bought ones the first.
pub const LEVELS: usize = 6;
/// What share of the items stands on each level, in hundredths; the bought ones first.
const SHARES: [usize; LEVELS] = [50, 20, 12, 9, 6, 3];
/// Work centres of a plant.
const CENTRES: usize = 200;
/// Elements for each item, about: ten.
const PER_ITEM: usize = 10;

/// A plant.
#[derive(Debug)]
pub struct Plant {
    items: usize,
    records: Vec<Record>,
}

impl Plant {
    /// A plant of about so many supplies and demands.
    #[must_use]
    pub fn new(elements: usize) -> Self {
        let items = (elements / PER_ITEM).max(100);
        let mut plant = Self { items, records: Vec::new() };
        let mut random = StdRng::seed_from_u64(42);
        let bounds = plant.bounds();
        for level in 0..LEVELS {
            for item in bounds[level]..bounds[level + 1] {
                plant.item(item);
                if level == 0 {
                    plant.bought(item, &mut random);
                } else {
                    plant.made(item, level, &bounds, &mut random);
                }
                if level == LEVELS - 1 {
                    plant.sold(item, &mut random);
                }
            }
        }
        plant
    }

    fn bounds(&self) -> [usize; LEVELS + 1] {
        let mut bounds = [0; LEVELS + 1];
        for (level, share) in SHARES.iter().enumerate() {
            bounds[level + 1] = bounds[level] + self.items * share / 100;
        }
        bounds
    }

    /// Its records, in the order in which they were made up.
    pub fn records(&self) -> impl Iterator<Item = Record> {
        self.records.iter().cloned()
    }

    /// Its open purchase orders.
    #[must_use]
    pub fn purchases(&self) -> Vec<Supply> {
        let bought = |record: &Record| match record {
            Record::Supply(supply) if supply.kind == SupplyKind::PurchaseOrder => Some(supply.clone()),
            _ => None,
        };
        self.records.iter().filter_map(bought).collect()
    }

    fn item(&mut self, item: usize) {
        self.records.push(Record::Item(Item {
            key: name(item),
            unit: Unit::ONE,
            decimals: 3,
            units: Vec::new(),
        }));
        self.records.push(Record::Stocking(Stocking {
            item: name(item),
            site: "P100".to_owned(),
            safety_stock: (item.is_multiple_of(4)).then(|| pieces(5)),
            safety_priority: 0,
            lead_time_ms: Some(60 * DAY_MS),
            receipt_ms: 0,
            time_fence_ms: 0,
        }));
        self.supply(item, "stock", SupplyKind::OnHand, 25, None);
    }

    fn supply(&mut self, item: usize, key: &str, kind: SupplyKind, quantity: i64, on: Option<i64>) {
        self.records.push(Record::Supply(Supply {
            key: format!("{key}-{item}"),
            item: name(item),
            site: "P100".to_owned(),
            kind,
            quantity: pieces(quantity),
            status: StockStatus::Available,
            requested: on.map(|day| Millis(day * DAY_MS)),
            confirmed: on.map(|day| Millis(day * DAY_MS)),
            expires: None,
            supplier: on.map(|_| format!("supplier-{}", item % 500)),
            location: None,
            lot: None,
        }));
    }

    fn bought(&mut self, item: usize, random: &mut StdRng) {
        for line in 0..3 {
            let on = i64::from(line) * 9 + random.random_range(-3..4);
            let quantity = random.random_range(15..35);
            self.supply(item, &format!("45{line:08}/10"), SupplyKind::PurchaseOrder, quantity, Some(on));
        }
    }

    /// Four orders for an item, each of three to five components of the levels below, most of the one right below.
    fn made(&mut self, item: usize, level: usize, bounds: &[usize; LEVELS + 1], random: &mut StdRng) {
        let lines: Vec<usize> = (0..random.random_range(3..=5))
            .map(|line| {
                let below = if line == 0 || random.random_bool(0.7) {
                    level - 1
                } else {
                    random.random_range(0..level)
                };
                random.random_range(bounds[below]..bounds[below + 1])
            })
            .collect();
        for number in 0..4_i64 {
            let start = number * 8 + level as i64 * 2;
            let components = lines.iter().map(|component| Component {
                item: name(*component),
                quantity: pieces(8),
                offset_ms: 0,
            });
            self.records.push(Record::Order(Order {
                key: format!("1{item:07}-{number}"),
                item: name(item),
                site: "P100".to_owned(),
                kind: OrderKind::Production,
                quantity: pieces(30),
                good: Decimal::ONE,
                start: Millis(start * DAY_MS),
                end: Millis((start + 2) * DAY_MS),
                priority: 10 * random.random_range(1..10_u32),
                status: OrderStatus::Released,
                components: Some(components.collect()),
                operations: vec![Operation {
                    work_centre: format!("work centre {}", item % CENTRES),
                    duration_ms: DAY_MS / 100,
                }],
                customer: None,
            }));
        }
    }

    fn sold(&mut self, item: usize, random: &mut StdRng) {
        for number in 0..6_i64 {
            self.records.push(Record::Demand(Demand {
                key: format!("sale {item}-{number}"),
                item: name(item),
                site: "P100".to_owned(),
                kind: DemandKind::Sales,
                quantity: pieces(random.random_range(1..8)),
                due: Millis((14 + number * 6) * DAY_MS),
                priority: 10 * random.random_range(1..10_u32),
                customer: Some(format!("customer {}", random.random_range(0..300))),
            }));
        }
    }
}

fn name(item: usize) -> String {
    format!("ITEM-{item:06}")
}

fn pieces(n: i64) -> Quantity {
    Quantity { value: Decimal::from(n), unit: Unit::ONE }
}
