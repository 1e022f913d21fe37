//! Cases that can be worked out on paper.

use lineshaft_model::Unit;
use rust_decimal::Decimal;

use super::build::{
    DAY, bom, covered, day, ends, kept, make, order, pieces, plan, purchase, put, stock, supply, wanted,
};
use crate::record::{
    Factor, Item, OrderKind, OrderStatus, Reservation, StockStatus, Stocking, Substitution, Supplier, Supply,
};
use crate::{Change, Direction, Link, Name, PegEnd, Record};

/// The record of material requirements planning: J. Orlicky, Material Requirements Planning, 1975: the projected balance of a
/// period is that of the one before, and scheduled receipts, less gross requirements.
#[test]
fn the_projected_balance_of_an_mrp_record() {
    let plan = plan(vec![
        stock("on hand", "A", 30),
        purchase("receipt", "A", 40, 2),
        wanted("week 1", "A", 20, 1, 100),
        wanted("week 3", "A", 45, 3, 100),
        wanted("week 5", "A", 25, 5, 100),
    ]);
    let available = plan.availability("A", "P").unwrap();
    let balances: Vec<(i64, String)> =
        available.movements.iter().map(|one| (one.at.0 / DAY, one.balance.to_string())).collect();
    let expected = [(1, "10"), (2, "50"), (3, "5"), (5, "-20")];
    assert_eq!(balances, expected.map(|(at, balance)| (at, balance.to_owned())));
    let shortage = &plan.shortages(10)[0];
    assert_eq!(shortage.missing.quantity, pieces(20));
    assert_eq!(shortage.missing.first, Some(day(5)));
    assert_eq!(shortage.missing.until, None);
    assert_eq!(shortage.demands, ["week 5"]);
    assert_eq!(covered(&plan, "week 3"), (Some(3), "45".to_owned()));
}

#[test]
fn the_urgent_one_takes_first_and_the_latest_that_is_on_time() {
    let plan = plan(vec![
        stock("stock", "A", 10),
        purchase("po", "A", 10, 4),
        wanted("sooner, less urgent", "A", 10, 2, 200),
        wanted("later, urgent", "A", 10, 5, 1),
    ]);
    assert_eq!(covered(&plan, "later, urgent"), (Some(5), "10".to_owned()));
    assert_eq!(covered(&plan, "sooner, less urgent"), (Some(2), "10".to_owned()));
    let pegs = plan.pegging(&PegEnd::Demand { key: "later, urgent".into() }, Direction::ToSupply, 10);
    assert_eq!(pegs[0].supply, PegEnd::Supply { key: "po".into() });
}

fn two_levels() -> Vec<Record> {
    vec![
        bom("BICYCLE", &[("FRAME", 1), ("WHEEL", 2)]),
        bom("WHEEL", &[("RIM", 1), ("SPOKE", 36)]),
        stock("frames", "FRAME", 100),
        stock("spokes", "SPOKE", 10_000),
        purchase("rims", "RIM", 20, 1),
        make("wheels", "WHEEL", 20, 2, 3),
        make("bicycles", "BICYCLE", 10, 4, 6),
        wanted("sale", "BICYCLE", 10, 7, 10),
    ]
}

#[test]
fn a_late_component_moves_every_level_above_and_the_chain_says_why() {
    let mut plan = plan(two_levels());
    assert_eq!((ends(&plan, "wheels"), ends(&plan, "bicycles")), (Some(3), Some(6)));
    assert!(plan.slips(10).is_empty());
    let impact = plan.apply(put(purchase("rims", "RIM", 20, 5)));
    assert_eq!((ends(&plan, "wheels"), ends(&plan, "bicycles")), (Some(6), Some(8)));
    let slips: Vec<(&str, Option<i64>)> =
        impact.orders.iter().map(|one| (one.order.as_str(), one.slip_ms.map(|ms| ms / DAY))).collect();
    assert_eq!(slips, [("bicycles", Some(2)), ("wheels", Some(3))]);
    assert_eq!(impact.demands[0].after.unwrap().covered_at, Some(day(8)));
    let chain = plan.order("bicycles").unwrap().chain;
    let told: Vec<String> = chain
        .iter()
        .map(|link| match link {
            Link::Component { order, item, .. } => format!("{order} waits for {item}"),
            Link::Order { order, .. } => format!("which {order} makes"),
            Link::Supply { supply, usable_at, .. } => {
                format!("which {supply} brings on day {}", usable_at.unwrap().0 / DAY)
            }
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(
        told,
        [
            "bicycles waits for WHEEL",
            "which wheels makes",
            "wheels waits for RIM",
            "which rims brings on day 5"
        ]
    );
    let tree = plan.pegging(&PegEnd::Demand { key: "sale".into() }, Direction::ToSupply, 100);
    let tree: Vec<(u32, &str)> = tree.iter().map(|peg| (peg.depth, peg.item.as_str())).collect();
    assert_eq!(tree, [(0, "BICYCLE"), (1, "FRAME"), (1, "WHEEL"), (2, "SPOKE"), (2, "RIM")]);
    let up = plan.pegging(&PegEnd::Supply { key: "rims".into() }, Direction::ToDemand, 100);
    let ends: Vec<&PegEnd> = up.iter().map(|peg| &peg.demand).collect();
    assert_eq!(
        ends,
        [
            &PegEnd::Order { key: "wheels".into() },
            &PegEnd::Order { key: "bicycles".into() },
            &PegEnd::Demand { key: "sale".into() }
        ]
    );
}

#[test]
fn what_if_changes_nothing() {
    let mut plan = plan(two_levels());
    let before = (plan.order("bicycles"), plan.shortages(10), plan.availability("RIM", "P"));
    let changes = [
        Change::Put(purchase("rims", "RIM", 20, 5)),
        Change::Remove(Name::Order { key: "wheels".into() }),
        Change::Put(make("other wheels", "WHEEL", 20, 2, 9)),
    ];
    let impact = plan.what_if(&changes);
    let bicycles = impact.orders.iter().find(|one| one.order == "bicycles").unwrap();
    assert_eq!(bicycles.slip_ms, Some(8 * DAY));
    assert_eq!((plan.order("bicycles"), plan.shortages(10), plan.availability("RIM", "P")), before);
    assert!(plan.order("other wheels").is_none());
}

#[test]
fn nothing_known_covers_it_but_the_lead_time_does() {
    let mut plan = plan(vec![bom("A", &[("B", 1)]), make("a", "A", 5, 1, 2)]);
    assert_eq!(ends(&plan, "a"), None);
    assert!(matches!(&plan.order("a").unwrap().chain[1], Link::Missing { item, .. } if item == "B"));
    plan.apply(put(Record::Stocking(Stocking { lead_time_ms: Some(9 * DAY), ..kept("B") })));
    assert_eq!(ends(&plan, "a"), Some(10));
    plan.advance(day(3));
    assert_eq!(ends(&plan, "a"), Some(13));
}

#[test]
fn a_lot_is_not_used_after_it_expires_and_the_first_to_expire_goes_first() {
    let lot = |key: &str, expires: i64| {
        Record::Supply(Supply {
            expires: Some(day(expires)),
            lot: Some(key.into()),
            ..supply(key, "YEAST", 10)
        })
    };
    let plan = plan(vec![
        lot("old", 4),
        lot("young", 9),
        wanted("w3", "YEAST", 8, 3, 1),
        wanted("w6", "YEAST", 10, 6, 2),
    ]);
    assert_eq!(covered(&plan, "w3"), (Some(3), "8".to_owned()));
    assert_eq!(covered(&plan, "w6"), (Some(6), "10".to_owned()));
    let available = plan.availability("YEAST", "P").unwrap();
    let lost = available.movements.iter().find(|one| one.at == day(4)).unwrap();
    assert_eq!((lost.change.to_string(), lost.balance.to_string()), ("-2".to_owned(), "10".to_owned()));
    assert_eq!(available.movements.last().unwrap().balance, Decimal::ZERO);
}

#[test]
fn a_substitute_stands_in_after_the_item_itself_by_its_ratio() {
    let substitution = |automatic| {
        Record::Substitution(Substitution {
            key: "s".into(),
            item: "M8".into(),
            substitute: "M10".into(),
            site: None,
            ratio: Decimal::TWO,
            preference: 1,
            automatic,
            valid_from: None,
            valid_until: Some(day(20)),
        })
    };
    let whole =
        |item: &str| Record::Item(Item { key: item.into(), unit: Unit::ONE, decimals: 0, units: Vec::new() });
    let mut plan = plan(vec![
        substitution(true),
        whole("M8"),
        whole("M10"),
        stock("m8", "M8", 4),
        stock("m10", "M10", 9),
        wanted("w", "M8", 10, 1, 5),
        wanted("own", "M10", 3, 1, 9),
        wanted("too late to stand in", "M8", 1, 21, 1),
    ]);
    // The one that may not take a stand-in is more urgent: it has one of the four. Seven are left, and nine are four and a half.
    assert_eq!(covered(&plan, "w"), (None, "7".to_owned()));
    assert_eq!(covered(&plan, "own"), (None, "1".to_owned()));
    let pegs = plan.pegging(&PegEnd::Demand { key: "w".into() }, Direction::ToSupply, 10);
    assert!(pegs.iter().any(|peg| peg.substitute.as_deref() == Some("M10") && peg.quantity == pieces(4)));
    assert_eq!(plan.availability("M10", "P").unwrap().movements.last().unwrap().balance.to_string(), "-2");
    plan.apply(put(substitution(false)));
    assert_eq!(covered(&plan, "w"), (None, "3".to_owned()));
    assert_eq!(covered(&plan, "own"), (Some(1), "3".to_owned()));
}

#[test]
fn safety_stock_is_kept_from_all_but_the_more_urgent() {
    let kept = |priority| {
        Record::Stocking(Stocking { safety_stock: Some(pieces(5)), safety_priority: priority, ..kept("A") })
    };
    let mut plan = plan(vec![kept(0), stock("s", "A", 8), wanted("w", "A", 6, 1, 10)]);
    assert_eq!(covered(&plan, "w"), (None, "3".to_owned()));
    assert_eq!(plan.shortage("A", "P").unwrap().missing.safety_stock, pieces(0));
    plan.apply(put(kept(20)));
    assert_eq!(covered(&plan, "w"), (Some(1), "6".to_owned()));
    assert_eq!(plan.shortage("A", "P").unwrap().missing.safety_stock, pieces(3));
}

#[test]
fn a_reservation_goes_before_priority() {
    let mut plan = plan(vec![
        stock("s", "A", 5),
        purchase("po", "A", 5, 8),
        wanted("urgent", "A", 5, 2, 1),
        wanted("patient", "A", 5, 2, 9),
    ]);
    assert_eq!(covered(&plan, "urgent"), (Some(2), "5".to_owned()));
    let reservation = Reservation {
        key: "r".into(),
        item: "A".into(),
        site: "P".into(),
        demand: "patient".into(),
        supply: "s".into(),
        quantity: pieces(4),
    };
    plan.apply(put(Record::Reservation(reservation)));
    assert_eq!(covered(&plan, "urgent"), (Some(8), "1".to_owned()));
    assert_eq!(covered(&plan, "patient"), (Some(8), "4".to_owned()));
}

#[test]
fn confirmed_goes_before_requested_and_a_supplier_is_as_late_as_it_is_used_to_be() {
    let line = |confirmed: Option<i64>| {
        Record::Supply(Supply {
            kind: crate::record::SupplyKind::PurchaseOrder,
            requested: Some(day(3)),
            confirmed: confirmed.map(day),
            supplier: Some("S".into()),
            ..supply("po", "A", 1)
        })
    };
    let mut plan = plan(vec![line(None), wanted("w", "A", 1, 1, 1)]);
    assert_eq!(covered(&plan, "w").0, Some(3));
    plan.apply(put(Record::Supplier(Supplier { key: "S".into(), lateness_ms: 2 * DAY })));
    assert_eq!(covered(&plan, "w").0, Some(5));
    plan.apply(put(line(Some(4))));
    assert_eq!(covered(&plan, "w").0, Some(4));
    plan.advance(day(6));
    assert_eq!(covered(&plan, "w").0, Some(6));
}

#[test]
fn blocked_stock_and_held_orders_bring_nothing() {
    let with = |status| Record::Supply(Supply { status, requested: Some(day(4)), ..supply("s", "A", 5) });
    let mut plan = plan(vec![with(StockStatus::Blocked), wanted("w", "A", 5, 1, 1)]);
    assert_eq!(covered(&plan, "w").0, None);
    plan.apply(put(with(StockStatus::Quality)));
    assert_eq!(covered(&plan, "w").0, Some(4));
    plan.apply(put(with(StockStatus::Blocked)));
    plan.apply(put(make("o", "A", 5, 1, 2)));
    assert_eq!(covered(&plan, "w").0, Some(2));
    let held = crate::record::Order { status: OrderStatus::Held, ..order("o", "A", 5, 1, 2) };
    plan.apply(put(Record::Order(held)));
    assert_eq!(covered(&plan, "w").0, None);
}

#[test]
fn a_transfer_waits_for_its_origin() {
    let transfer =
        crate::record::Order { kind: OrderKind::Transfer { from: "Q".into() }, ..order("t", "A", 5, 1, 4) };
    let at_q = Record::Supply(Supply { site: "Q".into(), ..supply("q", "A", 3) });
    let late = Record::Supply(Supply {
        site: "Q".into(),
        kind: crate::record::SupplyKind::PurchaseOrder,
        confirmed: Some(day(2)),
        ..supply("q2", "A", 3)
    });
    let plan = plan(vec![Record::Order(transfer), at_q, late, wanted("w", "A", 5, 4, 1)]);
    assert_eq!(ends(&plan, "t"), Some(5));
    assert_eq!(covered(&plan, "w").0, Some(5));
}

#[test]
fn a_circle_is_named_and_cut() {
    let mut plan = plan(vec![
        bom("A", &[("B", 1)]),
        bom("B", &[("C", 1)]),
        bom("C", &[("A", 1)]),
        bom("TOP", &[("A", 1)]),
        make("a", "A", 2, 3, 4),
        make("b", "B", 1, 2, 3),
        make("c", "C", 1, 1, 2),
        make("top", "TOP", 1, 5, 6),
    ]);
    let circles = plan.circles();
    let places: Vec<&str> = circles[0].places.iter().map(|(item, _)| item.as_str()).collect();
    assert_eq!((circles.len(), places), (1, vec!["A", "B", "C"]));
    assert_eq!(ends(&plan, "top"), Some(6));
    plan.apply([Change::Remove(Name::Bom { key: "bom of C".into() })]);
    assert!(plan.circles().is_empty());
    assert_eq!(plan.counts().deepest, 3);
}

#[test]
fn what_cannot_be_read_is_told_and_does_not_count_until_it_is_mended() {
    let mut plan = plan(vec![stock("s", "A", 5), wanted("w", "A", 5, 1, 1)]);
    let boxes = Unit::parse("BX").unwrap();
    let mut odd = supply("s", "A", 1);
    odd.quantity.unit = boxes;
    let impact = plan.apply(put(Record::Supply(odd)));
    assert_eq!(impact.problems[0].reasons[0].code, "unit-without-factor");
    assert_eq!(covered(&plan, "w").0, None);
    let item = Item {
        key: "A".into(),
        unit: Unit::ONE,
        decimals: 0,
        units: vec![Factor { unit: boxes, factor: Decimal::from(24) }],
    };
    plan.apply(put(Record::Item(item)));
    assert!(plan.problems().is_empty());
    assert_eq!(covered(&plan, "w"), (Some(1), "5".to_owned()));
    assert_eq!(plan.availability("A", "P").unwrap().on_hand, Decimal::from(24));
}
