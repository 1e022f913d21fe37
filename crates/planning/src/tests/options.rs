//! What is proposed for a shortage, and that each effect is what carrying it out has.

use lineshaft_model::money::Currency;
use lineshaft_model::{Millis, Money};
use rust_decimal::Decimal;

use super::build::{DAY, bom, day, kept, order, pieces, plan, purchase, stock, supply, wanted};
use crate::options::{Objective, OptionKind};
use crate::record::{
    Operation, Order, OrderStatus, Origin, Source, Stocking, Substitution, Supply, SupplyKind, WorkCentre,
};
use crate::{Change, Plan, Record, Settings};

fn money(amount: i64) -> Option<Money> {
    Some(Money { amount: Decimal::from(amount), currency: Currency::parse("EUR").unwrap() })
}

fn source(key: &str, from: Origin, lead: i64) -> Source {
    Source {
        key: key.into(),
        item: "MOTOR".into(),
        site: "P".into(),
        from,
        lead_time_ms: lead * DAY,
        minimum: Some(pieces(15)),
        multiple: Some(pieces(4)),
        price: money(2),
        expedite_ms: None,
        expedite_price: None,
        valid_from: None,
        valid_until: None,
    }
}

/// Ten pumps on day 3 want ten motors; four are there, two of them as safety stock, ten come on day 9.
fn short_of_motors() -> Plan {
    let late = Supply {
        supplier: Some("ACME".into()),
        kind: SupplyKind::PurchaseOrder,
        confirmed: Some(day(9)),
        ..supply("po", "MOTOR", 10)
    };
    let acme = Source {
        expedite_ms: Some(4 * DAY),
        expedite_price: money(50),
        ..source("acme", Origin::Supplier("ACME".into()), 20)
    };
    plan(vec![
        bom("PUMP", &[("MOTOR", 1)]),
        stock("motors", "MOTOR", 4),
        Record::Stocking(Stocking { safety_stock: Some(pieces(2)), ..kept("MOTOR") }),
        Record::Supply(late),
        Record::Source(acme),
        Record::Source(source("fast", Origin::Supplier("FAST".into()), 2)),
        Record::Source(source("other site", Origin::Site("Q".into()), 1)),
        Record::Supply(Supply { site: "Q".into(), ..supply("at q", "MOTOR", 30) }),
        Record::Substitution(Substitution {
            key: "s".into(),
            item: "MOTOR".into(),
            substitute: "ENGINE".into(),
            site: None,
            ratio: Decimal::ONE,
            preference: 1,
            automatic: false,
            valid_from: None,
            valid_until: None,
        }),
        stock("engines", "ENGINE", 12),
        Record::Order(Order { priority: 10, ..order("pumps", "PUMP", 10, 3, 4) }),
        wanted("sale", "PUMP", 10, 5, 10),
    ])
}

#[test]
fn what_can_be_done_is_ranked_and_told_in_sentences() {
    let mut plan = short_of_motors();
    let found = plan.options("MOTOR", "P", Objective::default());
    let told: Vec<String> = found.iter().map(|one| format!("{} | {}", one.score, one.sentence)).collect();
    assert_eq!(
        told,
        [
            "-990 | Let `ENGINE` stand in for `MOTOR`: 1 order sooner by up to 6 days, more of 1 demand on time",
            "-974 | Bring 8 C62 of `MOTOR` from site Q, here on 1970-01-02: 1 order sooner by up to 6 days, more of 1 demand on time; costs 16 EUR",
            "-958 | Buy 16 C62 of `MOTOR` from FAST, here on 1970-01-03: 1 order sooner by up to 6 days, more of 1 demand on time; costs 32 EUR",
            "-670 | Expedite `po` from ACME with 10 C62 of `MOTOR` to 1970-01-06: 1 order sooner by up to 4 days; costs 50 EUR",
            "-670 | Have 8 C62 of `po` from ACME by 1970-01-06, the rest as it is: 1 order sooner by up to 4 days; costs 50 EUR",
        ]
    );
}

#[test]
fn each_effect_is_what_carrying_it_out_has() {
    let mut plan = short_of_motors();
    let everything = Objective { only_better: false, most: 100, ..Objective::default() };
    let found = plan.options("MOTOR", "P", everything);
    let kinds: std::collections::BTreeSet<OptionKind> = found.iter().map(|one| one.kind).collect();
    for kind in [OptionKind::UseSafetyStock, OptionKind::Reduce, OptionKind::Delay, OptionKind::Buy] {
        assert!(kinds.contains(&kind), "{kind:?}");
    }
    for option in found {
        let mut other = plan.clone();
        let impact = other.apply(option.changes.clone());
        assert_eq!(
            (impact.orders, impact.demands),
            (option.impact.orders, option.impact.demands),
            "{}",
            option.sentence
        );
    }
    assert_eq!(plan.options("PUMP", "P", everything).len(), 0, "no pump is missing: the motors are");
}

#[test]
fn an_order_that_can_be_done_takes_the_place_of_one_that_waits() {
    let at_press = |key: &str, item: &str, start: i64, priority: u32| {
        let operations = vec![Operation { work_centre: "PRESS".into(), duration_ms: 2 * DAY }];
        Record::Order(Order {
            priority,
            status: OrderStatus::Released,
            operations,
            ..order(key, item, 1, start, start + 2)
        })
    };
    let mut plan = Plan::new(Settings { now: day(0), finite_capacity: true });
    let records = vec![
        Record::WorkCentre(WorkCentre { key: "PRESS".into(), calendar: None, places: 1 }),
        bom("A", &[("STEEL", 1)]),
        purchase("late steel", "STEEL", 1, 4),
        at_press("waits", "A", 1, 10),
        at_press("could", "B", 5, 20),
        wanted("a", "A", 1, 3, 10),
        wanted("b", "B", 1, 4, 20),
    ];
    plan.load(records.into_iter().map(Change::Put));
    let found = plan.options("STEEL", "P", Objective::default());
    let option = found.iter().find(|one| one.kind == OptionKind::Resequence).unwrap();
    assert_eq!(
        option.sentence,
        "Change the places of 2 orders at work centre PRESS: 2 orders sooner by up to 4 days, more of 1 demand on time"
    );
    let end = option.impact.orders.iter().find(|one| one.order == "could").unwrap().after.unwrap().end;
    assert_eq!(end, Some(Millis(3 * DAY)));
    assert!(plan.order("waits").unwrap().feasible.end == Some(day(9)));
}

#[test]
fn a_reservation_of_a_line_takes_its_parts_in_turn() {
    let reserved = Record::Reservation(crate::record::Reservation {
        key: "r".into(),
        item: "MOTOR".into(),
        site: "P".into(),
        demand: "late".into(),
        supply: "4500/10".into(),
        quantity: pieces(7),
    });
    let part = |n: usize, on: i64| purchase(&format!("4500/10/{n}"), "MOTOR", 4, on);
    let plan = plan(vec![
        part(0, 1),
        part(1, 2),
        purchase("4500/100/0", "MOTOR", 9, 1),
        wanted("late", "MOTOR", 7, 9, 100),
        wanted("soon", "MOTOR", 10, 3, 1),
        reserved,
    ]);
    let supplies = |key: &str| -> Vec<(String, Decimal)> {
        let root = crate::PegEnd::Demand { key: key.into() };
        let pegs = plan.pegging(&root, crate::Direction::ToSupply, 10);
        let supply = |peg: &crate::Peg| match &peg.supply {
            crate::PegEnd::Supply { key } => (key.clone(), peg.quantity.value.normalize()),
            other => panic!("{other:?}"),
        };
        let mut found: Vec<_> = pegs.iter().map(supply).collect();
        found.sort();
        found
    };
    assert_eq!(supplies("late"), [("4500/10/0".to_owned(), 4.into()), ("4500/10/1".to_owned(), 3.into())]);
    assert_eq!(supplies("soon"), [("4500/10/1".to_owned(), 1.into()), ("4500/100/0".to_owned(), 9.into())]);
}

#[test]
fn material_for_an_order_that_is_stopped_counts() {
    let stopped = Order { status: OrderStatus::Held, priority: 10, ..order("pumps", "PUMP", 10, 3, 4) };
    let mut plan = plan(vec![
        bom("PUMP", &[("MOTOR", 1)]),
        stock("motors", "MOTOR", 4),
        Record::Source(source("fast", Origin::Supplier("FAST".into()), 2)),
        Record::Order(stopped),
    ]);
    let found = plan.options("MOTOR", "P", Objective::default());
    let told: Vec<&str> = found.iter().map(|one| one.sentence.as_str()).collect();
    assert_eq!(
        told,
        [
            "Buy 16 C62 of `MOTOR` from FAST, here on 1970-01-03: material sooner for 1 held order; costs 32 EUR"
        ]
    );
    // A year that nobody waits any more, by the order's weight.
    assert_eq!(found[0].saved_days, (365 * 90).into());
    assert_eq!(plan.judge(&found[0].changes).saved_days, found[0].saved_days);
    let given_up = [Change::Remove(crate::Name::Order { key: "pumps".into() })];
    assert_eq!(plan.judge(&given_up).saved_days, Decimal::ZERO);
    let chain = plan.order("pumps").unwrap().chain;
    let missing = |link: &crate::Link| matches!(link, crate::Link::Missing { item, quantity, .. } if item == "MOTOR" && *quantity == pieces(6));
    assert!(matches!(chain[0], crate::Link::Held { .. }) && missing(&chain[2]), "{chain:#?}");
}
