//! What is told of what happens, and what is not.

use lineshaft_model::{Millis, Position};
use lineshaft_planning::damp::Patience;

use super::super::tell::{Telling, Told};
use super::super::{Assessed, Cause};
use super::{Bench, DAY_MS};

struct Story {
    bench: Bench,
    telling: Telling,
    now: Millis,
    position: u64,
}

fn order(due: &str) -> String {
    format!(
        r#"{{"supplier":"S1","lines":[{{"line":"10","item":"MOTOR","quantity":{{"value":"5","unit":"C62"}},"due_on":"{due}"}}]}}"#
    )
}

impl Story {
    /// A pump on day 3 that waits for motors of day 2.
    fn new() -> Self {
        let mut bench = Bench::new();
        bench.take("item", "MOTOR", r#"{"unit":"C62"}"#);
        bench.take("purchase-order", "4500", &order("1970-01-03"));
        bench.take("production-order", "1000", r#"{"item":"PUMP","status":"released","quantity":{"value":"5","unit":"C62"},"customer":"C7",
            "start":"1970-01-04T00:00:00Z","end":"1970-01-05T00:00:00Z","priority":"1","components":[{"component":"MOTOR","quantity":{"value":"5","unit":"C62"}}]}"#);
        Self { bench, telling: Telling::new(Patience::default()), now: Millis(0), position: 100 }
    }

    /// The purchase order is due on another day.
    fn due(&mut self, day: &str) {
        self.position += 1;
        let changes = self.bench.changes("purchase-order", "4500", &order(day));
        let cause = Cause {
            position: Position(self.position),
            event_type: "lineshaft.purchase-order.changed.v1".into(),
            subject: "4500".into(),
        };
        let impact = self.bench.plan.apply(changes);
        self.telling.observe(&Assessed { cause: Some(cause), at: self.now, impact });
    }

    /// After so many seconds: what is told, its verb and its data.
    fn after(&mut self, seconds: i64) -> Vec<(String, serde_json::Value)> {
        self.now = self.now.plus(seconds * 1_000);
        let told = self.telling.due(&self.bench.plan, self.now);
        let one = |draft: lineshaft_logic::draft::Draft| {
            let verb = draft.envelope.event_type.split('.').nth(2).unwrap_or_default().to_owned();
            (verb, serde_json::from_slice(&draft.data).unwrap())
        };
        told.into_iter().map(one).collect()
    }
}

fn verbs(told: &[(String, serde_json::Value)]) -> Vec<&str> {
    told.iter().map(|(verb, _)| verb.as_str()).collect()
}

#[test]
fn what_stays_is_told_with_its_cause_and_its_orders() {
    let mut story = Story::new();
    story.due("1970-01-09");
    assert_eq!(verbs(&story.after(4)), [""; 0]);
    let told = story.after(1);
    assert_eq!(verbs(&told), ["shortage-detected", "impact-assessed"]);
    let (detected, assessed) = (&told[0].1, &told[1].1);
    assert_eq!((&detected["orders"][0], &detected["cause"]["position"]), (&"1000".into(), &101.into()));
    assert_eq!(
        (&assessed["orders"][0]["slip_ms"], &assessed["orders"][0]["customer"]),
        (&(5 * DAY_MS).into(), &"C7".into())
    );
    assert_eq!(assessed["shortages"][0]["item"], "MOTOR");
    // It is resolved when it has stayed away, with the orders that it was about.
    story.due("1970-01-03");
    let told = story.after(5);
    assert_eq!(verbs(&told), ["impact-assessed"], "a day or more is told at once");
    assert_eq!(told[0].1["orders"][0]["slip_ms"], -5 * DAY_MS);
    let told = story.after(60);
    assert_eq!(verbs(&told), ["shortage-resolved"]);
    assert_eq!((&told[0].1["orders"][0], &told[0].1["cause"]["position"]), (&"1000".into(), &102.into()));
}

#[test]
fn what_flaps_is_not_told() {
    let mut story = Story::new();
    for turn in 0..200 {
        story.due(if turn % 2 == 0 { "1970-01-09" } else { "1970-01-03" });
        assert_eq!(verbs(&story.after(2)), [""; 0], "in turn {turn}");
    }
    assert_eq!(verbs(&story.after(4_000)), [""; 0]);
}

#[test]
fn a_later_life_tells_what_came_and_went_in_between_and_nothing_twice() {
    let mut story = Story::new();
    story.due("1970-01-09");
    let told = story.after(5);
    let missing = serde_json::from_value(told[0].1["missing"].clone()).unwrap();
    let told = |item: &str| Told {
        item: item.into(),
        site: "P100".into(),
        missing,
        orders: vec!["1000".into()],
        at: Millis(5_000),
    };
    story.telling = Telling::new(Patience::default());
    story.telling.begin(vec![told("MOTOR"), told("BOLT")], &story.bench.plan, story.now);
    let told = story.after(100);
    assert_eq!(verbs(&told), ["shortage-resolved"], "{told:#?}");
    assert_eq!((&told[0].1["item"], &told[0].1["cause"]), (&"BOLT".into(), &serde_json::Value::Null));
}
