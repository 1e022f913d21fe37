//! Another planner's schedule as it is read, and the events by which it is taken.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use lineshaft_model::json::{Limits, Value};
use lineshaft_model::{Millis, Position};

use super::super::exchange::{Proposed, read};
use super::super::facts::Places;
use super::Bench;

fn places() -> Places {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    Places { site: "P100".into(), zones: BTreeMap::from([("P100".to_owned(), zone)]), ..Places::default() }
}

fn schedule(text: &str) -> (lineshaft_planning::exchange::Schedule, Vec<String>) {
    let value = Value::parse(text.as_bytes(), &Limits::DEFAULT).unwrap();
    let (schedule, reasons) = read(&places(), &value, Millis(0));
    (schedule, reasons.into_iter().map(|reason| format!("{} {}", reason.code, reason.at)).collect())
}

#[test]
fn days_of_the_site_are_buckets_although_they_are_not_equally_long() {
    // The clocks go forward on the 29th: that day has 23 hours.
    let (told, reasons) = schedule(
        r#"{"horizon":{"from":"2026-03-28","to":"2026-03-31"},"bucket_days":1,"orders":[{"production_order":"1000","start":"2026-03-29","end":"2026-03-30"}],
        "quantities":[{"item":"PUMP","date":"2026-03-29","quantity":{"value":"5","unit":"C62"}}]}"#,
    );
    assert_eq!(reasons, [""; 0]);
    let hours: Vec<i64> = told.borders.windows(2).map(|pair| (pair[1].0 - pair[0].0) / 3_600_000).collect();
    assert_eq!(hours, [24, 23, 24]);
    assert_eq!(told.quantities[0].until.0 - told.quantities[0].from.0, 23 * 3_600_000);
    assert_eq!((told.quantities[0].site.as_str(), told.orders.len()), ("P100", 1));
    let (weeks, _) = schedule(r#"{"horizon":{"from":"2026-03-02","to":"2026-04-13"},"bucket_days":7}"#);
    assert_eq!(weeks.borders.len(), 7);
    let (shifts, _) = schedule(r#"{"horizon":{"from":"2026-03-02","to":"2026-03-03"},"bucket_minutes":420}"#);
    // The last one is cut at the horizon's end.
    assert_eq!((shifts.borders.len(), shifts.borders[4]), (5, shifts.until));
}

#[test]
fn what_cannot_be_read_of_a_schedule_is_told() {
    let (_, reasons) = schedule(
        r#"{"bucket_minutes":0,"orders":[{"start":"soon"},{"order":"1","start":"soon"}],"quantities":[{"item":"A"}]}"#,
    );
    assert_eq!(
        reasons,
        [
            "horizon-missing /horizon",
            "bucket-range ",
            "attribute-missing /orders/0/production_order",
            "time-malformed /orders/1/start",
            "attribute-missing /quantities/0"
        ]
    );
    let (_, reasons) = schedule(r#"{"horizon":{"from":"2000-01-01","to":"2100-01-01"},"bucket_days":1}"#);
    assert_eq!(reasons, ["bucket-range "]);
}

#[test]
fn a_schedule_that_is_taken_tells_each_order_and_what_it_needs() {
    let mut bench = Bench::new();
    bench.take("item", "MOTOR", r#"{"unit":"C62"}"#);
    bench.take(
        "purchase-order",
        "4500",
        r#"{"supplier":"S1","lines":[{"line":"10","item":"MOTOR",
        "quantity":{"value":"5","unit":"C62"},"due_on":"1970-01-03"}]}"#,
    );
    bench.take("production-order", "1000", r#"{"item":"PUMP","status":"released","quantity":{"value":"5","unit":"C62"},
        "start":"1970-01-04T00:00:00Z","end":"1970-01-05T00:00:00Z","components":[{"component":"MOTOR","quantity":{"value":"5","unit":"C62"}}]}"#);
    let (schedule, unread) = schedule(
        r#"{"horizon":{"from":"1970-01-01","to":"1970-02-01"},"orders":[{"production_order":"1000","start":"1970-01-08T06:00:00Z","end":"1970-01-09T06:00:00Z"}]}"#,
    );
    let proposed = Proposed {
        name: "P100".into(),
        system: "aps".into(),
        position: Position(42),
        received: Millis(0),
        schedule,
        request: None,
        unread: Vec::new(),
    };
    assert_eq!(unread, [""; 0]);
    let drafts = proposed.events(&bench.plan.moves(&proposed.schedule), "main", "");
    let told: Vec<(&str, &str, &str)> = drafts
        .iter()
        .map(|draft| {
            (draft.envelope.event_type.as_str(), draft.envelope.subject.as_str(), draft.envelope.id.as_str())
        })
        .collect();
    assert_eq!(
        told,
        [
            ("lineshaft.schedule.revised.v1", "P100", "P100-42"),
            ("lineshaft.production-order.rescheduled.v1", "1000", "P100-42-1000")
        ]
    );
    assert_eq!(drafts[0].envelope.source, "urn:lineshaft:main:aps");
    let whole: serde_json::Value = serde_json::from_slice(&drafts[0].data).unwrap();
    assert_eq!(whole["purchases"][0]["purchase_order"], "4500", "{whole:#}");
    assert_eq!(whole["purchases"][0]["needed_on"], "1970-01-08T06:00:00.000Z");
    assert_eq!(whole["moves"][0]["needs"][0]["item"], "MOTOR");
    let order: serde_json::Value = serde_json::from_slice(&drafts[1].data).unwrap();
    assert_eq!(
        (order["start"].as_str(), order["schedule_version"].as_u64()),
        (Some("1970-01-08T06:00:00.000Z"), Some(42))
    );
}
