//! Another system's schedule beside ours: horizons, buckets, what it cannot do, and what changes when it is taken.

use lineshaft_model::Millis;

use super::build::{DAY, bom, day, make, order, pieces, plan, purchase, stock, wanted};
use crate::exchange::{Bucketed, Difference, Schedule, Scheduled};
use crate::record::{Order, OrderStatus};
use crate::{Plan, Record};

const HOUR: i64 = 3_600_000;

/// Pumps on day 3 to 4 whose motors come on day 8, fans on day 5 to 6 with all that they need.
fn two_orders() -> Plan {
    plan(vec![
        bom("PUMP", &[("MOTOR", 1)]),
        purchase("4500/10/0", "MOTOR", 10, 8),
        bom("FAN", &[("BLADE", 3)]),
        stock("blades", "BLADE", 90),
        Record::Order(Order { priority: 10, ..order("pumps", "PUMP", 10, 3, 4) }),
        make("fans", "FAN", 30, 5, 6),
        wanted("sale", "PUMP", 10, 5, 10),
    ])
}

fn scheduled(order: &str, start: i64, end: i64) -> Scheduled {
    Scheduled { order: order.into(), start: Some(Millis(start)), end: Some(Millis(end)) }
}

fn exact(orders: Vec<Scheduled>) -> Schedule {
    Schedule { from: day(0), until: day(14), step_ms: 60_000, orders, ..Schedule::default() }
}

fn told(plan: &Plan, theirs: &Schedule) -> Vec<(String, Difference)> {
    plan.compare(theirs).orders.into_iter().map(|one| (one.order, one.difference)).collect()
}

#[test]
fn what_cannot_be_done_is_told_first_with_what_it_waits_for() {
    let theirs = exact(vec![
        scheduled("fans", 5 * DAY, 7 * DAY),
        scheduled("pumps", 3 * DAY, 4 * DAY),
        scheduled("unheard-of", 0, DAY),
    ]);
    let compared = two_orders().compare(&theirs);
    let kinds: Vec<_> = compared.orders.iter().map(|one| (one.order.as_str(), one.difference)).collect();
    assert_eq!(
        kinds,
        [
            ("pumps", Difference::BeforeMaterial),
            ("unheard-of", Difference::OnlyTheirs),
            ("fans", Difference::Later)
        ]
    );
    assert_eq!(compared.orders[0].waits_for.as_deref(), Some("MOTOR"));
    assert_eq!((compared.orders[0].later_ms, compared.orders[2].later_ms), (Some(-5 * DAY), Some(DAY)));
    // Ours ends the pumps five days late at a weight of 90; theirs ends the fans a day late at a weight of 1.
    assert_eq!((compared.late_days_ours, compared.late_days_theirs), (450.into(), 1.into()));
}

#[test]
fn a_difference_smaller_than_a_step_is_none() {
    let plan = two_orders();
    let agree = |by: i64| {
        exact(vec![scheduled("fans", 5 * DAY + by, 6 * DAY + by), scheduled("pumps", 8 * DAY, 9 * DAY)])
    };
    assert_eq!(told(&plan, &agree(59_999)), []);
    assert_eq!(plan.compare(&agree(59_999)).same, 2);
    assert_eq!(told(&plan, &agree(60_000)), [("fans".to_owned(), Difference::Later)]);
    assert_eq!(told(&plan, &agree(-1)), [("fans".to_owned(), Difference::Sooner)]);
}

#[test]
fn buckets_tell_days_apart_and_no_hours() {
    let plan = two_orders();
    let weeks = |orders: Vec<Scheduled>| Schedule { borders: vec![day(0), day(7), day(14)], ..exact(orders) };
    // The pumps can start on day 8, in the second week: theirs only says which week it is.
    assert_eq!(told(&plan, &weeks(vec![scheduled("pumps", 7 * DAY, 7 * DAY), scheduled("fans", 0, 0)])), []);
    let first_week = weeks(vec![scheduled("pumps", 0, 0), scheduled("fans", 7 * DAY, 7 * DAY)]);
    assert_eq!(
        told(&plan, &first_week),
        [("pumps".to_owned(), Difference::BeforeMaterial), ("fans".to_owned(), Difference::Later)]
    );
}

#[test]
fn what_lies_outside_of_their_horizon_is_no_difference() {
    let plan = two_orders();
    let near = Schedule { until: day(8), ..exact(vec![scheduled("fans", 5 * DAY, 6 * DAY)]) };
    let compared = plan.compare(&near);
    assert_eq!((compared.orders.len(), compared.same, compared.outside), (0, 1, 1));
    let far = exact(vec![scheduled("fans", 5 * DAY, 6 * DAY)]);
    assert_eq!(told(&plan, &far), [("pumps".to_owned(), Difference::OnlyOurs)]);
}

#[test]
fn quantities_are_compared_bucket_by_bucket() {
    let plan = two_orders();
    let week = |n: i64, quantity: i64| Bucketed {
        item: "PUMP".into(),
        site: "P".into(),
        from: day(7 * n),
        until: day(7 * n + 7),
        quantity: pieces(quantity),
    };
    let theirs = Schedule { quantities: vec![week(0, 10), week(1, 4), week(1, 6)], ..exact(Vec::new()) };
    let compared = plan.compare(&theirs);
    let told: Vec<_> =
        compared.quantities.iter().map(|one| (one.from, one.ours.value, one.theirs.value)).collect();
    // Ten pumps come with what is known on day 9, in the second week, as theirs says in two parts.
    assert_eq!(told, [(day(0), 0.into(), 10.into())]);
}

#[test]
fn what_moves_is_told_with_what_it_needs_then() {
    let plan = two_orders();
    let theirs = exact(vec![
        scheduled("fans", 5 * DAY + 30_000, 6 * DAY + 30_000),
        scheduled("pumps", 8 * DAY + 6 * HOUR, 9 * DAY + 6 * HOUR),
        scheduled("unheard-of", 0, DAY),
    ]);
    let moves = plan.moves(&theirs);
    assert_eq!(moves.len(), 1, "{moves:#?}");
    assert_eq!((moves[0].order.as_str(), moves[0].start), ("pumps", Millis(8 * DAY + 6 * HOUR)));
    let need = &moves[0].needs[0];
    assert_eq!(
        (need.item.as_str(), need.on, need.supplies[0].supply.as_str()),
        ("MOTOR", Millis(8 * DAY + 6 * HOUR), "4500/10/0")
    );
    let running = Record::Order(Order { status: OrderStatus::Running, ..order("pumps", "PUMP", 10, 3, 4) });
    let mut started = plan;
    started.load([crate::Change::Put(running)]);
    assert_eq!(started.moves(&theirs), [], "what has started is not moved");
}

#[test]
fn another_system_is_asked_about_what_is_open_and_when_its_material_is_there() {
    let open = two_orders().open_orders(Some("P"), day(5), 10);
    assert_eq!(open.len(), 1);
    assert_eq!((open[0].order.as_str(), open[0].material_at, open[0].weight), ("pumps", Some(day(8)), 90));
    assert_eq!(two_orders().open_orders(None, day(30), 1).len(), 1);
    assert!(two_orders().open_orders(Some("Q"), day(30), 9).is_empty());
}

#[test]
fn closures_are_told_within_what_is_asked_for() {
    use crate::record::{Calendar, Shift, WorkCentre};
    // 1970-01-01 was a Thursday; open from six to two on Thursdays and Fridays.
    let shift = |day: u8| Shift { day, from_minute: 360, until_minute: 840 };
    let calendar = Calendar {
        key: "early".into(),
        from: day(0),
        until: day(30),
        shifts: vec![shift(4), shift(5)],
        offsets: Vec::new(),
        exceptions: Vec::new(),
    };
    let press = WorkCentre { key: "PRESS".into(), calendar: Some("early".into()), places: 2 };
    let plan = plan(vec![Record::Calendar(calendar), Record::WorkCentre(press)]);
    let told = plan.resource("PRESS", Millis(10 * HOUR), Millis(DAY + 20 * HOUR));
    let closed: Vec<(i64, i64)> =
        told.closed.iter().map(|one| (one.from.0 / HOUR, one.until.0 / HOUR)).collect();
    assert_eq!((told.places, closed), (2, vec![(14, 30), (38, 44)]));
    assert_eq!(plan.resource("unheard-of", day(0), day(1)).closed, []);
}
