//! Terms, calendars, transfers and what is wanted, as objects tell of them.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use lineshaft_model::Millis;
use lineshaft_model::json::{Limits, Value};
use lineshaft_planning::options::{Objective, OptionKind};
use lineshaft_planning::record::{Calendar, Record};
use lineshaft_planning::{Change, Name};

use super::super::facts::Places;
use super::super::spans::{Dates, set_end};
use super::{Bench, DAY_MS};

fn berlin() -> Places {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    Places {
        site: "P100".into(),
        zones: BTreeMap::from([("P100".to_owned(), zone)]),
        calendars: (Millis(0), Millis(400 * DAY_MS)),
        issued_at_start: true,
    }
}

const PUMP: &str = r#"{"item":"PUMP","status":"released","quantity":{"value":"10","unit":"C62"},"start":"1970-01-03T00:00:00Z",
    "end":"1970-01-04T00:00:00Z","priority":"1","components":[{"component":"MOTOR","quantity":{"value":"10","unit":"C62"}}]}"#;

#[test]
fn every_term_becomes_an_option() {
    let mut bench = Bench::new();
    let motor = r#"{"unit":"C62","safety_stock":{"value":"3","unit":"C62"},"safety_priority":0,"lead_time_days":90,
        "sites":[{"site":"P200","receipt_days":1}]}"#;
    bench.take("item", "MOTOR", motor);
    let stock = |item: &str, site: &str, n: u32| {
        format!(r#"{{"item":"{item}","site":"{site}","on_hand":{{"value":"{n}","unit":"C62"}}}}"#)
    };
    bench.take("inventory-position", "MOTOR/A", &stock("MOTOR", "P100", 5));
    bench.take("inventory-position", "MOTOR/B", &stock("MOTOR", "P200", 40));
    bench.take("inventory-position", "ENGINE/A", &stock("ENGINE", "P100", 20));
    bench.take(
        "purchase-order",
        "4500",
        r#"{"supplier":"S1","lines":[{"line":"10","item":"MOTOR",
        "quantity":{"value":"20","unit":"C62"},"due_on":"1970-01-20"}]}"#,
    );
    bench.take("production-order", "1000", PUMP);
    let terms = |more: &str| {
        format!(
            r#"{{"item":"MOTOR","lead_time_days":2,"price":{{"amount":"7.50","currency":"EUR"}},{more}}}"#
        )
    };
    bench.take("source-of-supply", "S1/MOTOR", &terms(r#""supplier":"S1","expedite_days":10"#));
    let lots =
        r#""supplier":"S2","minimum":{"value":"12","unit":"C62"},"lot_size":{"value":"5","unit":"C62"}"#;
    bench.take("source-of-supply", "S2/MOTOR", &terms(lots));
    bench.take("source-of-supply", "P200/MOTOR", &terms(r#""from_site":"P200""#));
    bench.take("substitution", "MOTOR/ENGINE", r#"{"item":"MOTOR","substitute":"ENGINE","ratio":"1"}"#);
    let told: Vec<String> =
        bench.facts.unread().map(|(kind, key, why)| format!("{kind} {key} {why:?}")).collect();
    assert_eq!(told, [""; 0]);

    let all = Objective { only_better: false, most: 100, ..Objective::default() };
    let options = bench.plan.options("MOTOR", "P100", all);
    let bought: Vec<&str> = options
        .iter()
        .filter(|one| one.kind == OptionKind::Buy && one.sentence.contains("S2"))
        .map(|one| one.sentence.as_str())
        .collect();
    // Eight are missing with the safety stock, twelve is the least, and five the lot: fifteen.
    assert!(
        bought.len() == 1 && bought[0].contains("15 C62") && bought[0].ends_with("costs 112.5 EUR"),
        "{bought:?}"
    );
    let kinds: Vec<OptionKind> = options.iter().map(|one| one.kind).collect();
    for kind in
        [OptionKind::Expedite, OptionKind::Transfer, OptionKind::Substitute, OptionKind::UseSafetyStock]
    {
        assert!(kinds.contains(&kind), "{kind:?} is not among {kinds:?}");
    }
    // What is retired is no option any more.
    bench.take(
        "substitution",
        "MOTOR/ENGINE",
        r#"{"item":"MOTOR","substitute":"ENGINE","status":"retired"}"#,
    );
    let options = bench.plan.options("MOTOR", "P100", all);
    assert!(options.iter().all(|one| one.kind != OptionKind::Substitute));
    // Inside the time fence nothing is bought.
    bench.take("item", "MOTOR", &motor.replace("\"sites\"", "\"time_fence_days\":5,\"sites\""));
    let options = bench.plan.options("MOTOR", "P100", all);
    assert!(options.iter().all(|one| one.kind != OptionKind::Buy), "{options:#?}");
}

#[test]
fn a_calendar_is_read_in_the_sites_own_time() {
    let mut bench = Bench::at(berlin());
    let calendar = r#"{"site":"P100","shifts":[{"days":["mon","tue","wed","thu","fri"],"from":"06:00","until":"22:00"},
        {"days":[5],"from":"22:00","until":"02:00"}],"closed":["1970-05-01"],"open":[{"from":"1970-05-03T08:00:00Z","until":"1970-05-03T12:00:00Z"}]}"#;
    let changes = bench.changes("calendar", "two shifts", calendar);
    let told = changes.iter().find_map(|change| match change {
        Change::Put(Record::Calendar(calendar)) => Some(calendar.clone()),
        _ => None,
    });
    let Calendar { shifts, offsets, exceptions, .. } = told.unwrap();
    assert_eq!(shifts.len(), 6);
    assert_eq!((shifts[5].day, shifts[5].from_minute, shifts[5].until_minute), (5, 1_320, 1_560));
    // In 1970 Berlin kept one hour ahead the whole year; May Day lasts from midnight to midnight there.
    assert_eq!(offsets.iter().map(|step| step.minutes).collect::<Vec<_>>(), [60]);
    assert_eq!(
        (exceptions[0].until.0 - exceptions[0].from.0, exceptions[0].from.0 % DAY_MS),
        (DAY_MS, 23 * 3_600_000)
    );
    assert!(exceptions[1].open && !exceptions[0].open);
    let site = |change: &Change| matches!(change, Change::Put(Record::Site(site)) if site.calendar.as_deref() == Some("two shifts"));
    assert!(changes.iter().any(site));

    // Ten hours of work that begin on the eve of May Day end after it, because nobody works on it.
    bench.plan.apply(changes);
    bench.take("production-order", "1000", r#"{"item":"PUMP","status":"released","quantity":{"value":"1","unit":"C62"},
        "start":"1970-04-30T08:00:00Z","end":"1970-04-30T18:00:00Z","components":[{"component":"MOTOR","quantity":{"value":"1","unit":"C62"}}]}"#);
    bench.take("shipment", "ASN", r#"{"expected":"1970-04-30T13:00:00Z","lines":[{"item":"MOTOR","quantity":{"value":"1","unit":"C62"}}]}"#);
    let order = bench.plan.order("1000").unwrap();
    // Eight hours until 22:00 in Berlin, the last two of Friday's late shift once May Day is over there.
    assert_eq!(order.feasible.end.unwrap().to_string(), "1970-05-02T01:00:00.000Z");
    assert!(bench.facts.unread().next().is_none());
    bench.take("calendar", "two shifts", r#"{"shifts":[{"days":["someday"],"from":"6","until":"14:00"}]}"#);
    let told: Vec<&str> =
        bench.facts.unread().flat_map(|(.., why)| why).map(|why| why.code.as_str()).collect();
    assert_eq!(told, ["calendar-malformed"]);
}

#[test]
fn a_zone_that_changes_its_clocks_has_its_steps() {
    let mut bench =
        Bench::at(Places { calendars: (Millis(1_767_225_600_000), Millis(1_798_761_600_000)), ..berlin() });
    let changes =
        bench.changes("calendar", "c", r#"{"shifts":[{"days":[1],"from":"06:00","until":"14:00"}]}"#);
    let Some(Change::Put(Record::Calendar(calendar))) = changes.first() else { panic!("{changes:?}") };
    let steps: Vec<(String, i16)> =
        calendar.offsets.iter().map(|step| (step.from.to_string()[..10].to_owned(), step.minutes)).collect();
    let expected = [("2026-01-01", 60), ("2026-03-29", 120), ("2026-10-25", 60)];
    assert_eq!(steps, expected.map(|(day, minutes)| (day.to_owned(), minutes)));
}

#[test]
fn a_transfer_takes_from_one_site_and_comes_to_another() {
    let mut bench = Bench::new();
    let transfer = |more: &str| {
        format!(
            r#"{{"item":"MOTOR","from":"P200","to":"P100","quantity":{{"value":"8","unit":"C62"}},"ship_on":"1970-01-03",
            "arrive_on":"1970-01-05"{more}}}"#
        )
    };
    bench.take(
        "inventory-position",
        "MOTOR/B",
        r#"{"item":"MOTOR","site":"P200","on_hand":{"value":"8","unit":"C62"}}"#,
    );
    bench.take("transfer", "T1", &transfer(""));
    assert_eq!(bench.to_come(), ["T1 8 on day 4"]);
    let there = bench.plan.availability("MOTOR", "P200").unwrap();
    assert_eq!(there.movements.last().unwrap().balance, 0.into());
    // What is in transit has left, and what has arrived is no longer to come.
    bench.take(
        "transfer",
        "T1",
        &transfer(r#","status":"in-transit","received":{"value":"3","unit":"C62"}"#),
    );
    assert_eq!(bench.to_come(), ["T1 5 on day 4"]);
    assert!(bench.plan.availability("MOTOR", "P200").unwrap().movements.is_empty());
    bench.take("transfer", "T1", &transfer(r#","status":"received""#));
    assert!(bench.to_come().is_empty());
}

#[test]
fn sales_use_up_the_forecast_of_their_time() {
    let mut bench = Bench::new();
    let demand = |kind: &str, n: u32, on: &str, more: &str| {
        format!(
            r#"{{"kind":"{kind}","item":"PUMP","quantity":{{"value":"{n}","unit":"C62"}},"date":"{on}"{more}}}"#
        )
    };
    bench.take("demand", "F1", &demand("forecast", 50, "1970-02-01", r#","until":"1970-03-01""#));
    bench.take("demand", "F2", &demand("forecast", 50, "1970-03-01", r#","until":"1970-04-01""#));
    bench.take("demand", "F3", &demand("forecast", 7, "1970-02-01", ""));
    let order = |status: &str| {
        format!(
            r#"{{"customer":"C1","status":"{status}","lines":[{{"line":"10","item":"PUMP","quantity":{{"value":"30","unit":"C62"}},
            "delivered":{{"value":"10","unit":"C62"}},"schedule_lines":[{{"date":"1970-02-10","quantity":{{"value":"20","unit":"C62"}}}},
            {{"date":"1970-03-10","quantity":{{"value":"10","unit":"C62"}}}}]}}]}}"#
        )
    };
    bench.take("sales-order", "SO1", &order("open"));
    let wanted = |bench: &Bench| {
        let mut wanted = bench.wanted("PUMP");
        wanted.sort();
        wanted
    };
    let net = ["F1 -30 on day 31", "F2 -40 on day 59", "F3 -7 on day 31"];
    assert_eq!(wanted(&bench), [&net[..], &["SO1/10/0 -10 on day 40", "SO1/10/1 -10 on day 68"]].concat());
    // What was delivered was ordered; what is cancelled was not.
    bench.take("sales-order", "SO1", &order("completed"));
    assert_eq!(wanted(&bench), net);
    bench.take("sales-order", "SO1", &order("cancelled"));
    assert_eq!(wanted(&bench), ["F1 -50 on day 31", "F2 -50 on day 59", "F3 -7 on day 31"]);
    bench.take("demand", "D1", &demand("sales", 90, "1970-02-20", ""));
    assert_eq!(wanted(&bench), ["D1 -90 on day 50", "F2 -50 on day 59", "F3 -7 on day 31"]);
}

#[test]
fn a_bill_of_material_holds_from_its_day_on() {
    let mut bench = Bench::new();
    let bill = |component: &str, from: &str| {
        format!(
            r#"{{"item":"PUMP","valid_from":"{from}","components":[{{"component":"{component}","quantity":{{"value":"1","unit":"C62"}}}}]}}"#
        )
    };
    bench.take("bill-of-material", "B1", &bill("MOTOR", "1970-01-01"));
    bench.take("bill-of-material", "B2", &bill("ENGINE", "1970-02-01"));
    let order = |on: &str| {
        format!(
            r#"{{"item":"PUMP","quantity":{{"value":"3","unit":"C62"}},"yield_factor":"0.5","start":"{on}","end":"{on}"}}"#
        )
    };
    bench.take("production-order", "1", &order("1970-01-10"));
    bench.take("production-order", "2", &order("1970-02-10"));
    assert_eq!(
        (bench.wanted("MOTOR"), bench.wanted("ENGINE")),
        (vec!["1 -3 on day 9".to_owned()], vec!["2 -3 on day 40".to_owned()])
    );
    // Half of what is made is lost, and nobody knows when the rest comes: nothing covers the components.
    assert_eq!(bench.plan.availability("PUMP", "P100").unwrap().unusable, 3.into());
}

#[test]
fn a_lot_on_its_way_expires_too() {
    let mut bench = Bench::new();
    bench.take(
        "shipment",
        "ASN",
        r#"{"expected":"1970-01-03","lines":[{"item":"MOTOR","lot":"L1","expires":"1970-01-09",
        "quantity":{"value":"4","unit":"C62"}}]}"#,
    );
    assert_eq!(bench.wanted("MOTOR"), ["ASN/0 -4 on day 8"]);
    let held = bench.plan.record(&Name::Supply { key: "ASN/0".into() });
    assert!(matches!(held, Some(Record::Supply(supply)) if supply.lot.as_deref() == Some("L1")));
}

#[test]
fn whoever_moves_the_start_alone_moves_the_end_along() {
    let utc = TimeZone::UTC;
    let dates = |text: &str| Dates::of(&Value::parse(text.as_bytes(), &Limits::DEFAULT).unwrap(), &utc);
    let order = dates(r#"{"start":"1970-01-03T06:00:00Z","end":"1970-01-04T18:00:00Z"}"#);
    let steps = [
        r#"{"start":"1970-01-08T06:00:00Z","status":"released"}"#,
        r#"{"status":"held"}"#,
        r#"{"start":"1970-01-06T08:00:00Z","reason":"sooner after all"}"#,
    ];
    let moved = steps.iter().fold(order, |before, step| before.after(dates(step)));
    assert_eq!(moved, dates(r#"{"start":"1970-01-06T08:00:00Z","end":"1970-01-07T20:00:00Z"}"#));
    // Who gives both is taken at his word, and who gives the end alone too.
    let given = dates(r#"{"start":"1970-01-08","end":"1970-01-10"}"#);
    assert_eq!(moved.after(given), given);
    let longer = dates(r#"{"end":"1970-01-12"}"#);
    assert_eq!(moved.after(longer), dates(r#"{"start":"1970-01-06T08:00:00Z","end":"1970-01-12"}"#));

    let merged = r#"{"item":"PUMP","start":"1970-01-06T08:00:00Z","end":"1970-01-04T18:00:00Z"}"#;
    let mut state = Value::parse(merged.as_bytes(), &Limits::DEFAULT).unwrap().into_owned();
    set_end(&mut state, moved, &utc);
    assert_eq!(Dates::of(&state, &utc), moved);
}
