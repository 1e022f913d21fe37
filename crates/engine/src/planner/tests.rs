//! What objects come to in the plan, and that a question leaves nothing behind.

mod schedules;
mod telling;
mod terms;

use lineshaft_model::Millis;
use lineshaft_model::json::{Limits, Value};
use lineshaft_planning::{Change, Plan, Record, Settings};

use super::facts::{Facts, Places};

const DAY_MS: i64 = 86_400_000;

/// A plan beside its facts; objects are given as JSON.
struct Bench {
    plan: Plan,
    facts: Facts,
}

impl Bench {
    fn new() -> Self {
        Self::at(Places { site: "P100".into(), issued_at_start: true, ..Places::default() })
    }

    fn at(places: Places) -> Self {
        let plan = Plan::new(Settings { now: Millis(0), finite_capacity: false });
        Self { plan, facts: Facts::new(places) }
    }

    fn changes(&mut self, object_type: &str, key: &str, state: &str) -> Vec<Change> {
        let state = Value::parse(state.as_bytes(), &Limits::DEFAULT).unwrap();
        self.facts.take(object_type, key, Some(&state))
    }

    fn take(&mut self, object_type: &str, key: &str, state: &str) {
        let changes = self.changes(object_type, key, state);
        self.plan.apply(changes);
    }

    /// What goes at P100: key, quantity and when.
    fn wanted(&self, item: &str) -> Vec<String> {
        let availability = self.plan.availability(item, "P100").unwrap();
        let goes = availability.movements.iter().filter(|movement| movement.change.is_sign_negative());
        goes.map(|m| format!("{} {} on day {}", m.key, m.change.normalize(), m.at.0 / DAY_MS)).collect()
    }

    /// What is still to come: key, quantity and when, from the plan's own records.
    fn to_come(&self) -> Vec<String> {
        let availability = self.plan.availability("MOTOR", "P100").unwrap();
        let comes = availability.movements.iter().filter(|movement| !movement.change.is_sign_negative());
        comes.map(|m| format!("{} {} on day {}", m.key, m.change.normalize(), m.at.0 / DAY_MS)).collect()
    }
}

const ORDER: &str = r#"{"supplier":"S1","status":"open","lines":[
    {"line":"10","item":"MOTOR","quantity":{"value":"10","unit":"C62"},"schedule_lines":[
        {"quantity":{"value":"4","unit":"C62"},"date":"1970-01-06"},{"quantity":{"value":"6","unit":"C62"},"date":"1970-01-03"}]},
    {"line":"20","item":"MOTOR","quantity":{"value":"3","unit":"C62"},"status":"closed"}]"#;

fn order(more: &str) -> String {
    format!("{ORDER}{more}}}")
}

#[test]
fn what_is_shipped_and_received_is_taken_from_what_comes_first() {
    let mut bench = Bench::new();
    bench.take("item", "MOTOR", r#"{"unit":"C62"}"#);
    bench.take("purchase-order", "4500", &order(""));
    assert_eq!(bench.to_come(), ["4500/10/0 6 on day 2", "4500/10/1 4 on day 5"]);

    let shipment = r#"{"supplier":"S1","expected":"1970-01-04T12:00:00Z","lines":[
        {"purchase_order":"4500","line":"10","item":"MOTOR","quantity":{"value":"7","unit":"C62"}}]}"#;
    bench.take("shipment", "ASN1", shipment);
    assert_eq!(bench.to_come(), ["ASN1/0 7 on day 3", "4500/10/1 3 on day 5"]);

    let receipt = r#"{"receipt":"R1","purchase_order":"4500","order_line":"10","asn":"ASN1","item":"MOTOR",
        "accepted":{"value":"5","unit":"C62"}}"#;
    bench.take("goods-receipt", "R1-1", receipt);
    assert_eq!(bench.to_come(), ["ASN1/0 2 on day 3", "4500/10/1 3 on day 5"]);
    // The same again changes nothing, and a receipt that is corrected gives back.
    bench.take("goods-receipt", "R1-1", receipt);
    bench.take("goods-receipt", "R1-1", &receipt.replace("\"5\"", "\"4\""));
    assert_eq!(bench.to_come(), ["ASN1/0 3 on day 3", "4500/10/1 3 on day 5"]);
}

#[test]
fn the_order_in_which_objects_come_does_not_matter() {
    let receipt = r#"{"purchase_order":"4500","order_line":"10","accepted":{"value":"8","unit":"C62"}}"#;
    let objects = [
        ("item", "MOTOR", r#"{"unit":"C62"}"#.to_owned()),
        ("goods-receipt", "R1-1", receipt.to_owned()),
        ("purchase-order", "4500", order("")),
    ];
    for turn in 0..objects.len() {
        let mut bench = Bench::new();
        for n in 0..objects.len() {
            let (object_type, key, state) = &objects[(turn + n) % objects.len()];
            bench.take(object_type, key, state);
        }
        assert_eq!(bench.to_come(), ["4500/10/1 2 on day 5"]);
    }
}

#[test]
fn the_latest_confirmation_of_a_line_counts() {
    let mut bench = Bench::new();
    bench.take("item", "MOTOR", r#"{"unit":"C62"}"#);
    let split = |quantity: &str, date: &str| {
        format!(r#"{{"quantity":{{"value":"{quantity}","unit":"C62"}},"date":{date},"status":"confirmed"}}"#)
    };
    let confirmed = format!(
        r#","confirmed":{{"10/A":{{"splits":[{}]}},"20/B":{{"splits":[{}]}},"10/C":{{"outcome":"partial","splits":[{},{}]}}}}"#,
        split("10", r#""1970-01-04""#),
        split("1", r#""1970-01-02""#),
        split("7", r#""1970-01-09""#),
        split("3", "null")
    );
    bench.take("purchase-order", "4500", &order(&confirmed));
    // What has no date does not come.
    assert_eq!(bench.to_come(), ["4500/10/0 7 on day 8"]);
    assert_eq!(bench.plan.availability("MOTOR", "P100").unwrap().unusable, 3.into());
    bench.take("purchase-order", "4500", &order(&confirmed).replace("\"open\"", "\"cancelled\""));
    assert!(bench.to_come().is_empty());
}

#[test]
fn an_order_needs_what_is_not_issued_and_makes_what_is_not_made() {
    let mut bench = Bench::new();
    let state = |status: &str, more: &str| {
        format!(
            r#"{{"item":"PUMP","status":"{status}","quantity":{{"value":"10","unit":"C62"}},"yield":{{"value":"4","unit":"C62"}},
            "start":"1970-01-03T00:00:00Z","end":"1970-01-04T00:00:00Z","priority":"1",
            "components":[{{"component":"MOTOR","quantity":{{"value":"10","unit":"C62"}}{more}}}]}}"#
        )
    };
    let mut made = |status: &str, more: &str| {
        let changes = bench.changes("production-order", "1000", &state(status, more));
        changes.into_iter().find_map(|change| match change {
            Change::Put(Record::Order(order)) => {
                let needs = order
                    .components
                    .unwrap()
                    .first()
                    .map(|needed| needed.quantity.value.normalize().to_string());
                Some((order.quantity.value.normalize().to_string(), needs.unwrap_or_default()))
            }
            _ => None,
        })
    };
    let some = |made: &str, needs: &str| Some((made.to_owned(), needs.to_owned()));
    assert_eq!(made("released", ""), some("6", "10"));
    assert_eq!(made("running", ""), some("6", ""));
    assert_eq!(made("running", r#","issued":{"value":"8","unit":"C62"}"#), some("6", "2"));
    assert_eq!(made("completed", ""), None);
    // That all was issued is assumed where nobody says, and told; the workspace may assume the contrary.
    bench.take("production-order", "1000", &state("running", ""));
    assert_eq!(bench.facts.assumed().iter().collect::<Vec<_>>(), ["1000"]);
    bench.take("production-order", "1000", &state("running", r#","issued":{"value":"10","unit":"C62"}"#));
    assert!(bench.facts.assumed().is_empty());
    let mut other = Bench::at(Places { site: "P100".into(), issued_at_start: false, ..Places::default() });
    other.take("item", "MOTOR", r#"{"unit":"C62"}"#);
    other.take("production-order", "1000", &state("running", ""));
    assert_eq!(other.facts.assumed().len(), 1);
    assert_eq!(other.wanted("MOTOR"), ["1000 -10 on day 2"]);
}

#[test]
fn what_cannot_be_read_is_told_with_its_place() {
    let mut bench = Bench::new();
    bench.take("item", "MOTOR", r#"{"unit":"C62"}"#);
    bench.take(
        "purchase-order",
        "4500",
        r#"{"lines":[{"line":"10","item":"MOTOR","quantity":{"value":5,"unit":"C62"}}]}"#,
    );
    let told = |bench: &Bench| -> Vec<String> {
        let reasons = bench.facts.unread().flat_map(|(object_type, key, reasons)| {
            reasons.iter().map(move |reason| format!("{object_type} {key} {} {}", reason.code, reason.at))
        });
        reasons.collect()
    };
    assert_eq!(
        told(&bench),
        [
            "purchase-order 4500 quantity-malformed /lines/0/quantity",
            "purchase-order 4500 attribute-missing /lines/0"
        ]
    );
    bench.take("purchase-order", "4500", &order(""));
    assert!(told(&bench).is_empty());
}

#[test]
fn what_was_only_supposed_loses_no_removal() {
    let mut bench = Bench::new();
    bench.take("item", "MOTOR", r#"{"unit":"C62"}"#);
    bench.take("purchase-order", "4500", &order(""));
    // Somebody asks after the order was cancelled and before the plan has heard of it.
    let cancelled = order("").replace("\"open\"", "\"cancelled\"");
    bench.facts.begin_supposing();
    drop(bench.changes("purchase-order", "4500", &order(r#","confirmed":{}"#)));
    drop(bench.changes("purchase-order", "4500", &cancelled));
    bench.facts.end_supposing();
    bench.take("purchase-order", "4500", &cancelled);
    assert!(bench.to_come().is_empty(), "{:?}", bench.to_come());
}
