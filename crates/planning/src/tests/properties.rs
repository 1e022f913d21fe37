//! What must hold whatever happens: checked against the plain reference, over changes in any order.

use std::collections::BTreeMap;

use lineshaft_model::{Quantity, Unit};
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::build::{DAY, kept, order, supply};
use super::oracle::{Answer, Fared, Oracle, Records, at};
use crate::record::{
    Bom, BomLine, Component, Demand, DemandKind, Item, Operation, Order, OrderKind, OrderStatus, Reservation,
    StockStatus, Stocking, Substitution, Supplier, Supply, SupplyKind, WorkCentre,
};
use crate::{Change, Direction, Name, PegEnd, Plan, Record, Settings};

const ITEMS: [&str; 6] = ["A", "B", "C", "D", "E", "F"];
const SITES: [&str; 2] = ["P", "Q"];

fn item() -> impl Strategy<Value = String> {
    prop::sample::select(&ITEMS[..]).prop_map(str::to_owned)
}

fn site() -> impl Strategy<Value = String> {
    prop::sample::select(&[SITES[0], SITES[0], SITES[0], SITES[1]][..]).prop_map(str::to_owned)
}

fn key(letter: &'static str, most: u32) -> impl Strategy<Value = String> {
    (0..most).prop_map(move |n| format!("{letter}{n}"))
}

/// Halves, so that decimals are met.
fn quantity() -> impl Strategy<Value = Quantity> {
    (0_i64..24).prop_map(|halves| Quantity { value: Decimal::new(halves * 5, 1), unit: Unit::ONE })
}

fn a_day() -> impl Strategy<Value = i64> {
    -2_i64..16
}

fn a_supply(expiring: bool) -> impl Strategy<Value = Record> {
    let status = prop::sample::select(
        &[StockStatus::Available, StockStatus::Available, StockStatus::Quality, StockStatus::Blocked][..],
    );
    let kind =
        prop::sample::select(&[SupplyKind::OnHand, SupplyKind::PurchaseOrder, SupplyKind::Shipment][..]);
    let expires = prop::option::weighted(0.3, 0_i64..20).prop_map(move |day| day.filter(|_| expiring));
    let dates = (prop::option::of(a_day()), prop::option::of(a_day()), expires);
    (key("s", 8), item(), site(), quantity(), status, kind, dates, prop::option::of(key("v", 2))).prop_map(
        |(key, item, site, quantity, status, kind, (requested, confirmed, expires), supplier)| {
            Record::Supply(Supply {
                site,
                kind,
                quantity,
                status,
                requested: requested.map(at),
                confirmed: confirmed.map(at),
                expires: expires.map(at),
                supplier,
                ..supply(&key, &item, 0)
            })
        },
    )
}

fn a_demand() -> impl Strategy<Value = Record> {
    (key("d", 6), item(), site(), quantity(), a_day(), 0_u32..4).prop_map(
        |(key, item, site, quantity, due, priority)| {
            let (kind, due) = (DemandKind::Sales, at(due));
            Record::Demand(Demand { key, item, site, kind, quantity, due, priority, customer: None })
        },
    )
}

fn an_order() -> impl Strategy<Value = Record> {
    let status = prop::sample::select(
        &[OrderStatus::Planned, OrderStatus::Released, OrderStatus::Running, OrderStatus::Held][..],
    );
    let component = (item(), quantity(), 0_i64..3).prop_map(|(item, quantity, offset)| Component {
        item,
        quantity,
        offset_ms: offset * DAY,
    });
    let components = prop::option::weighted(0.4, prop::collection::vec(component, 0..3));
    let operation = (key("w", 3), 1_i64..4)
        .prop_map(|(work_centre, days)| Operation { work_centre, duration_ms: days * DAY });
    let kind = prop::option::weighted(0.1, site());
    let rest = (components, prop::collection::vec(operation, 0..3), kind, prop::bool::ANY);
    (key("o", 8), item(), site(), quantity(), (a_day(), 0_i64..4), 0_u32..4, status, rest).prop_map(
        |(
            key,
            item,
            site,
            quantity,
            (start, days),
            priority,
            status,
            (components, operations, from, half),
        )| {
            Record::Order(Order {
                site,
                quantity,
                good: if half { Decimal::new(5, 1) } else { Decimal::ONE },
                priority,
                status,
                components,
                operations,
                kind: from.map_or(OrderKind::Production, |from| OrderKind::Transfer { from }),
                ..order(&key, &item, 0, start, start + days)
            })
        },
    )
}

fn a_bom() -> impl Strategy<Value = Record> {
    let line = (item(), 1_i64..4, 0_i64..3, prop::bool::ANY, prop::option::of(a_day())).prop_map(
        |(item, per, offset, scrap, until)| BomLine {
            item,
            per: Decimal::from(per),
            scrap: if scrap { Decimal::new(5, 1) } else { Decimal::ZERO },
            offset_ms: offset * DAY,
            valid_from: None,
            valid_until: until.map(at),
        },
    );
    let lines = prop::collection::vec(line, 0..3);
    (key("b", 6), item(), prop::option::of(site()), prop::option::of(a_day()), lines).prop_map(
        |(key, item, site, from, lines)| {
            Record::Bom(Bom { key, item, site, valid_from: from.map(at), valid_until: None, lines })
        },
    )
}

fn the_rest() -> impl Strategy<Value = Record> {
    let stocking =
        (item(), site(), prop::option::of(quantity()), 0_u32..4, prop::option::of(0_i64..9), 0_i64..3)
            .prop_map(|(item, site, safety_stock, safety_priority, lead, receipt)| {
                Record::Stocking(Stocking {
                    site,
                    safety_stock,
                    safety_priority,
                    lead_time_ms: lead.map(|lead| lead * DAY),
                    receipt_ms: receipt * DAY,
                    ..kept(&item)
                })
            });
    let supplier = (key("v", 2), 0_i64..4)
        .prop_map(|(key, days)| Record::Supplier(Supplier { key, lateness_ms: days * DAY }));
    let reservation =
        (key("r", 3), item(), site(), prop_oneof![key("d", 6), key("o", 8)], key("s", 8), quantity())
            .prop_map(|(key, item, site, demand, supply, quantity)| {
                Record::Reservation(Reservation { key, item, site, demand, supply, quantity })
            });
    let centre = (key("w", 3), 1_u16..3)
        .prop_map(|(key, places)| Record::WorkCentre(WorkCentre { key, calendar: None, places }));
    prop_oneof![3 => stocking, 1 => supplier, 1 => reservation, 1 => centre]
}

fn a_substitution() -> impl Strategy<Value = Record> {
    let ratio = prop::sample::select(vec![Decimal::ONE, Decimal::TWO, Decimal::new(5, 1)]);
    let validity = (prop::option::of(a_day()), prop::option::of(a_day()));
    (key("u", 3), item(), item(), prop::option::of(site()), ratio, 0_u32..3, prop::bool::ANY, validity)
        .prop_map(|(key, item, substitute, site, ratio, preference, automatic, (from, until))| {
            Record::Substitution(Substitution {
                key,
                item,
                substitute,
                site,
                ratio,
                preference,
                automatic,
                valid_from: from.map(at),
                valid_until: until.map(at),
            })
        })
}

fn a_record(odd: bool) -> impl Strategy<Value = Record> {
    let rare = if odd { a_substitution().boxed() } else { a_bom().boxed() };
    prop_oneof![5 => a_supply(odd), 4 => a_demand(), 6 => an_order(), 3 => a_bom(), 3 => the_rest(), 1 => rare]
}

#[derive(Clone, Debug)]
enum Event {
    Changes(Vec<Change>),
    WhatIf(Vec<Change>),
    Advance(i64),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = prop_oneof![
        5 => a_record(true).prop_map(Change::Put),
        1 => a_record(true).prop_map(|record| Change::Remove(record.name())),
    ];
    prop::collection::vec(change, 1..4)
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        8 => changes().prop_map(Event::Changes),
        2 => changes().prop_map(Event::WhatIf),
        1 => (0_i64..3).prop_map(Event::Advance),
    ];
    prop::collection::vec(event, 1..20)
}

fn new_plan(finite: bool) -> Plan {
    let mut plan = Plan::new(Settings { now: at(0), finite_capacity: finite });
    let fine = |item: &&str| {
        // Halves of halves stay exact.
        Record::Item(Item { key: (*item).to_owned(), unit: Unit::ONE, decimals: 12, units: Vec::new() })
    };
    plan.load(ITEMS.iter().map(fine).map(Change::Put));
    plan
}

/// What a plan answers, in the words of the reference.
fn answer(plan: &Plan, records: &Records) -> Answer {
    let mut answer = Answer::default();
    for name in records.keys() {
        match name {
            Name::Demand { key } => {
                let coverage = plan.demand(key).unwrap();
                let fared = Fared {
                    at: coverage.covered_at.map(|at| at.0),
                    on_time: coverage.on_time.value,
                    pegged: coverage.pegged.value,
                };
                answer.demands.insert(key.clone(), fared);
            }
            Name::Order { key } => {
                let dates = plan.order(key).unwrap().feasible;
                answer.orders.insert(key.clone(), (dates.start.map(|at| at.0), dates.end.map(|at| at.0)));
            }
            _ => {}
        }
    }
    for shortage in plan.shortages(usize::MAX) {
        let missing = shortage.missing;
        answer.shortages.insert(
            (shortage.item, shortage.site),
            (missing.quantity.value, missing.demands, missing.safety_stock.value),
        );
    }
    answer.circles = plan.circles().into_iter().flat_map(|circle| circle.places).collect();
    answer
}

fn note(records: &mut Records, changes: &[Change]) {
    for change in changes {
        match change {
            Change::Put(record) => drop(records.insert(record.name(), record.clone())),
            Change::Remove(name) => drop(records.remove(name)),
        }
    }
}

/// Pegs never exceed their supplies nor their demands, and add up to what the demands say of them.
fn conserved(plan: &Plan, records: &Records) -> Result<(), TestCaseError> {
    let mut given: BTreeMap<PegEnd, Decimal> = BTreeMap::new();
    for record in records.values() {
        let (root, most) = match record {
            Record::Supply(one) => (PegEnd::Supply { key: one.key.clone() }, one.quantity.value),
            Record::Order(one) => (PegEnd::Order { key: one.key.clone() }, one.quantity.value * one.good),
            _ => continue,
        };
        let pegs = plan.pegging(&root, Direction::ToDemand, usize::MAX);
        let own = pegs.iter().filter(|peg| peg.depth == 0);
        let plain: Decimal =
            own.clone().filter(|peg| peg.substitute.is_none()).map(|peg| peg.quantity.value).sum();
        prop_assert!(plain <= most, "{root:?} gives {plain} of {most}");
        for peg in own {
            *given.entry(peg.demand.clone()).or_default() += peg.quantity.value;
        }
    }
    for record in records.values() {
        if let Record::Demand(demand) = record {
            let pegged = plan.demand(&demand.key).unwrap().pegged.value;
            prop_assert!(pegged <= demand.quantity.value);
            let end = PegEnd::Demand { key: demand.key.clone() };
            prop_assert_eq!(given.get(&end).copied().unwrap_or_default(), pegged);
        }
    }
    Ok(())
}

fn follow(events: Vec<Event>, finite: bool) -> Result<(), TestCaseError> {
    let mut plan = new_plan(finite);
    let mut records = Records::new();
    let mut now = 0;
    for event in events {
        match event {
            Event::Changes(changes) => {
                note(&mut records, &changes);
                let before = plan.clone();
                let impact = plan.apply(changes);
                told(&before, &plan, &impact, &records)?;
            }
            Event::WhatIf(changes) => {
                let mut other = plan.clone();
                let expected = other.apply(changes.clone());
                let impact = plan.what_if(&changes);
                prop_assert_eq!((impact.orders, impact.demands), (expected.orders, expected.demands));
            }
            Event::Advance(days) => {
                now += days;
                plan.advance(at(now));
            }
        }
        let expected = Oracle::answer(&records, now * DAY, finite);
        prop_assert_eq!(&answer(&plan, &records), &expected);
        conserved(&plan, &records)?;
    }
    // The same records, the other way round and all at once, and the same plan computed anew.
    let mut other = new_plan(finite);
    other.advance(at(now));
    other.load(records.values().rev().cloned().map(Change::Put));
    prop_assert_eq!(answer(&other, &records), answer(&plan, &records));
    let problems: Vec<_> = plan.problems();
    prop_assert_eq!(other.problems(), problems);
    let before = answer(&plan, &records);
    plan.recompute();
    prop_assert_eq!(answer(&plan, &records), before);
    for name in records.keys() {
        prop_assert!(plan.record(name).is_some());
    }
    Ok(())
}

/// The impact names exactly the orders whose dates are different.
fn told(before: &Plan, after: &Plan, impact: &crate::Impact, records: &Records) -> Result<(), TestCaseError> {
    for name in records.keys() {
        if let Name::Order { key } = name {
            let dates = |plan: &Plan| plan.order(key).map(|order| order.feasible);
            let moved = impact.orders.iter().find(|one| one.order == *key);
            prop_assert_eq!(dates(before) != dates(after), moved.is_some(), "{}", key);
            if let Some(moved) = moved {
                prop_assert_eq!((moved.before, moved.after), (dates(before), dates(after)));
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn every_change_gives_what_computing_all_anew_gives(events in events()) {
        follow(events, false)?;
    }

    #[test]
    fn so_it_does_with_finite_work_centres(events in events()) {
        follow(events, true)?;
    }

    /// Without lots that expire and stand-ins: more of a supply, or the same sooner, makes nothing worse.
    #[test]
    fn more_supply_and_sooner_makes_nobody_worse(
        records in prop::collection::vec(a_record(false), 1..40),
        extra in a_supply(false),
        sooner in 0_i64..5,
    ) {
        let mut plan = new_plan(false);
        let mut kept = Records::new();
        note(&mut kept, &records.into_iter().map(Change::Put).collect::<Vec<_>>());
        plan.load(kept.values().cloned().map(Change::Put));
        let before = answer(&plan, &kept);
        let Record::Supply(extra) = extra else { unreachable!() };
        let more = match kept.get(&Name::Supply { key: extra.key.clone() }) {
            Some(Record::Supply(there)) => {
                let mut more = there.clone();
                more.quantity.value += extra.quantity.value;
                for date in [&mut more.requested, &mut more.confirmed].into_iter().flatten() {
                    date.0 -= sooner * DAY;
                }
                more
            }
            _ => extra,
        };
        plan.apply([Change::Put(Record::Supply(more))]);
        let after = answer(&plan, &kept);
        let later = |one: Option<i64>, other: Option<i64>| one.unwrap_or(i64::MAX) > other.unwrap_or(i64::MAX);
        for (key, fared) in &after.demands {
            let was = &before.demands[key];
            prop_assert!(fared.on_time >= was.on_time, "{} {:?} {:?}", key, fared, was);
            prop_assert!(!later(fared.at, was.at), "{} {:?} {:?}", key, fared, was);
        }
        for (key, (_, end)) in &after.orders {
            prop_assert!(!later(*end, before.orders[key].1), "{}", key);
        }
    }
}
