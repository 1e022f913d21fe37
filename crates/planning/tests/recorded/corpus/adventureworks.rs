//! A manufacturer's bills of material, stock and purchase orders, with production orders made by a rule.
//!
//! The rule: of every product that is made and sold, one order of ten, in the order of its number one an hour from the day after the
//! last purchase order falls due; of every component that is made, one order for what the orders above want, ending a day before
//! the first of them starts. Each order takes as many days as the table gives for making the product. Bills are those that hold
//! today (no end date); stock is summed over its shelves; a purchase order of a status other than complete is open with what was
//! ordered less what was received.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use lineshaft_model::Millis;
use lineshaft_planning::record::{
    Bom, BomLine, Demand, DemandKind, Order, OrderStatus, Stocking, Supply, SupplyKind,
};
use lineshaft_planning::{Change, PegEnd, Plan, Record, Settings};
use rust_decimal::Decimal;

use super::{DAY, moment, order, pieces, recorded, sound, supply};

const SITE: &str = "plant";

/// Lines of a table, cut into cells; tables are UTF-8 or UTF-16.
fn table(folder: &Path, name: &str) -> Vec<Vec<String>> {
    let bytes = std::fs::read(folder.join(name)).unwrap();
    let text = match bytes.as_slice() {
        [0xff, 0xfe, rest @ ..] => {
            let units: Vec<u16> =
                rest.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
            String::from_utf16(&units).unwrap()
        }
        bytes => String::from_utf8(bytes.to_vec()).unwrap(),
    };
    text.lines().map(|line| line.split('\t').map(|cell| cell.trim().to_owned()).collect()).collect()
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

struct Tables {
    records: Vec<Record>,
    /// Components and quantities of each product.
    bills: BTreeMap<String, Vec<(String, Decimal)>>,
    /// Days to make it, and whether it is sold.
    products: BTreeMap<String, (i64, bool)>,
    supplies: Vec<(PegEnd, Decimal)>,
    last_due: i64,
}

fn read(folder: &Path) -> Tables {
    let mut tables = Tables {
        records: Vec::new(),
        bills: BTreeMap::new(),
        products: BTreeMap::new(),
        supplies: Vec::new(),
        last_due: 0,
    };
    for row in table(folder, "Product.csv") {
        // Product, name, number, made here, sold ... days to manufacture in the fifteenth column.
        tables.products.insert(row[0].clone(), (row[14].parse().unwrap_or(0), row[4] == "1"));
    }
    for row in table(folder, "BillOfMaterials.csv") {
        if !row[1].is_empty() && row[4].is_empty() {
            tables.bills.entry(row[1].clone()).or_default().push((row[2].clone(), decimal(&row[7])));
        }
    }
    let mut stock: BTreeMap<String, Decimal> = BTreeMap::new();
    for row in table(folder, "ProductInventory.csv") {
        *stock.entry(row[0].clone()).or_default() += decimal(&row[4]);
    }
    for (item, quantity) in stock {
        let key = format!("stock of {item}");
        tables.supplies.push((PegEnd::Supply { key: key.clone() }, quantity));
        tables.records.push(Record::Supply(supply(key, &item, SITE, SupplyKind::OnHand, quantity)));
    }
    let open: BTreeMap<String, String> = table(folder, "PurchaseOrderHeader.csv")
        .into_iter()
        .filter(|row| row[2] != "4")
        .map(|row| (row[0].clone(), row[4].clone()))
        .collect();
    for row in table(folder, "PurchaseOrderDetail.csv") {
        let due = moment(row[2].split('.').next().unwrap());
        tables.last_due = tables.last_due.max(due.0);
        let Some(vendor) = open.get(&row[0]) else { continue };
        let left = (decimal(&row[3]) - decimal(&row[7])).max(Decimal::ZERO);
        let key = format!("{}/{}", row[0], row[1]);
        tables.supplies.push((PegEnd::Supply { key: key.clone() }, left));
        let line = supply(key, &row[4], SITE, SupplyKind::PurchaseOrder, left);
        tables.records.push(Record::Supply(Supply {
            requested: Some(due),
            supplier: Some(vendor.clone()),
            ..line
        }));
    }
    for (product, lines) in &tables.bills {
        let line = |(item, per): &(String, Decimal)| BomLine {
            item: item.clone(),
            per: *per,
            scrap: Decimal::ZERO,
            offset_ms: 0,
            valid_from: None,
            valid_until: None,
        };
        tables.records.push(Record::Bom(Bom {
            key: product.clone(),
            item: product.clone(),
            site: None,
            valid_from: None,
            valid_until: None,
            lines: lines.iter().map(line).collect(),
        }));
    }
    tables
}

/// Production orders and sales by the rule.
fn orders(tables: &Tables) -> Vec<Record> {
    let begin = tables.last_due + 60 * DAY;
    let mut made: Vec<Record> = Vec::new();
    // What is wanted of each item, and by when the first of it.
    let mut wanted: BTreeMap<String, (Decimal, i64)> = BTreeMap::new();
    let components: BTreeSet<&String> = tables.bills.values().flatten().map(|(item, _)| item).collect();
    for (number, item) in tables.bills.keys().filter(|item| !components.contains(item)).enumerate() {
        let sold = tables.products.get(item).is_some_and(|(_, sold)| *sold);
        let due = begin + number as i64 * DAY / 24;
        wanted.insert(item.clone(), (Decimal::TEN, due));
        if sold {
            made.push(Record::Demand(Demand {
                key: format!("sale of {item}"),
                item: item.clone(),
                site: SITE.to_owned(),
                kind: DemandKind::Sales,
                quantity: pieces(Decimal::TEN),
                due: Millis(due + DAY),
                priority: 10,
                customer: None,
            }));
        }
    }
    let mut left: Vec<String> = deepest_last(&tables.bills);
    while let Some(item) = left.pop() {
        let Some(&(quantity, due)) = wanted.get(&item) else { continue };
        let days = tables.products.get(&item).map_or(1, |(days, _)| (*days).max(1));
        let start = due - days * DAY;
        made.push(Record::Order(Order {
            status: OrderStatus::Released,
            ..order(format!("order of {item}"), &item, SITE, quantity, start, due)
        }));
        for (component, per) in &tables.bills[&item] {
            if tables.bills.contains_key(component) {
                let entry = wanted.entry(component.clone()).or_insert((Decimal::ZERO, start - DAY));
                entry.0 += quantity * *per;
                entry.1 = entry.1.min(start - DAY);
            }
        }
    }
    made
}

/// Products sorted so that each stands before what it is made into: taken from the end, a product comes before its components.
fn deepest_last(bills: &BTreeMap<String, Vec<(String, Decimal)>>) -> Vec<String> {
    let mut sorted: Vec<String> = Vec::new();
    let mut seen: BTreeSet<&String> = BTreeSet::new();
    while seen.len() < bills.len() {
        let before = seen.len();
        for (item, lines) in bills {
            let ready =
                lines.iter().all(|(component, _)| !bills.contains_key(component) || seen.contains(component));
            if ready && seen.insert(item) {
                sorted.push(item.clone());
            }
        }
        assert!(seen.len() > before, "the bills go in circles");
    }
    sorted
}

#[test]
fn a_bicycle_maker_is_netted_and_a_late_vendor_is_felt_at_every_level() {
    let tables = read(&recorded().join("planning_adventureworks"));
    let mut plan = Plan::new(Settings { now: Millis(tables.last_due), finite_capacity: false });
    plan.load(tables.records.iter().cloned().chain(orders(&tables)).map(Change::Put));
    let counts = plan.counts();
    assert!(plan.problems().is_empty(), "{:?}", plan.problems());
    assert!(plan.circles().is_empty());
    sound(&plan, &tables.supplies);
    let (short, late) = (plan.shortages(usize::MAX), plan.slips(usize::MAX));
    eprintln!(
        "{} supplies, {} demands, {} orders on {} levels: {} item-sites short, {} orders late",
        counts.supplies,
        counts.demands,
        counts.orders,
        counts.deepest + 1,
        short.len(),
        late.len()
    );
    // Every bought component that is short and can be had in thirty days: as late as that, and told with its name.
    let bought: Vec<&String> =
        short.iter().filter(|one| !tables.bills.contains_key(&one.item)).map(|one| &one.item).collect();
    let anew = bought.iter().map(|item| {
        Change::Put(Record::Stocking(Stocking {
            item: (*item).clone(),
            site: SITE.to_owned(),
            safety_stock: None,
            safety_priority: 0,
            lead_time_ms: Some(30 * DAY),
            receipt_ms: 0,
            time_fence_ms: 0,
        }))
    });
    let impact = plan.apply(anew.collect::<Vec<_>>());
    sound(&plan, &tables.supplies);
    assert!(
        plan.slips(usize::MAX).iter().all(|one| one.slip_ms.is_some()),
        "everything can be had in thirty days"
    );
    eprintln!(
        "{} bought items are short; with thirty days to have them anew {} orders move",
        bought.len(),
        impact.orders.len()
    );
    // The same records the other way round are the same plan.
    let first = plan.clone();
    let mut other = Plan::new(Settings { now: Millis(tables.last_due), finite_capacity: false });
    other.load(tables.records.iter().rev().cloned().chain(orders(&tables)).map(Change::Put));
    let stockings = bought.iter().filter_map(|item| {
        first.record(&lineshaft_planning::Name::Stocking { item: (*item).clone(), site: SITE.to_owned() })
    });
    other.load(stockings.map(Change::Put).collect::<Vec<_>>());
    assert_eq!(other.shortages(usize::MAX), plan.shortages(usize::MAX));
    assert_eq!(other.slips(usize::MAX), plan.slips(usize::MAX));
}
