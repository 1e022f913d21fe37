//! How fast the reader is beside serde_json. Run by hand:
//! `cargo test --release -p lineshaft-model json_speed -- --ignored --nocapture`.
// Measuring time and printing it is what this file is for.
#![allow(clippy::disallowed_methods, clippy::print_stdout, clippy::float_arithmetic)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use super::super::*;

/// A purchase order confirmation of about a kilobyte, a list of five hundred of them, and the latter laid out.
fn samples() -> [(&'static str, String); 3] {
    let line = |number: u32| {
        format!(
            r#"{{"line":"{number}0","item":"MZ-FG-C{number}00","description":"Frame, \"{number}\" welded","quantity":{{"value":"12.500","unit":"KGM"}},"price":{{"amount":"1{number}.90","currency":"EUR"}},"splits":[{{"quantity":"10","date":"2026-11-3{number}"}}],"final":true}}"#
        )
    };
    let order = format!(
        r#"{{"id":"8c7b9f0e-0000","type":"lineshaft.purchase-order.confirmed.v1","subject":"4500001234","time":"2026-11-23T06:44:34Z","revision":12,"lines":[{},{},{}],"extensions":{{"erp":{{"EBELN":"4500001234"}}}}}}"#,
        line(1),
        line(2),
        line(3)
    );
    let list = format!("[{}]", vec![order.as_str(); 500].join(","));
    let parsed: serde_json::Value = serde_json::from_str(&list).expect("good");
    [
        ("1 KiB", order),
        ("compact list", list),
        ("laid out", serde_json::to_string_pretty(&parsed).expect("text")),
    ]
}

/// The best of many short runs of two ways, turn by turn so that a busy machine is unfair to neither.
fn compare(name: &str, bytes: usize, mut ours: impl FnMut(), mut theirs: impl FnMut()) {
    let rounds = (2 << 20) / bytes + 1;
    let time = |run: &mut dyn FnMut()| {
        let start = Instant::now();
        (0..rounds).for_each(|_| run());
        start.elapsed()
    };
    let (mut best_ours, mut best_theirs) = (Duration::MAX, Duration::MAX);
    for _ in 0..60 {
        best_ours = best_ours.min(time(&mut ours));
        best_theirs = best_theirs.min(time(&mut theirs));
    }
    let speed = |time: Duration| (bytes * rounds) as f64 / time.as_secs_f64() / 1e6;
    let (ours, theirs) = (speed(best_ours), speed(best_theirs));
    println!("{name}: {ours:.0} MB/s, serde_json {theirs:.0} MB/s, ratio {:.2}", ours / theirs);
}

#[test]
#[ignore = "measures; prints megabytes a second"]
fn json_speed() {
    let limits = Limits::DEFAULT;
    for (name, text) in samples() {
        let bytes = text.as_bytes();
        compare(
            &format!("{name}, check"),
            bytes.len(),
            || drop(black_box(check(black_box(bytes), &limits))),
            || drop(black_box(serde_json::from_slice::<serde::de::IgnoredAny>(black_box(bytes)))),
        );
        compare(
            &format!("{name}, tree"),
            bytes.len(),
            || drop(black_box(Value::parse(black_box(bytes), &limits))),
            || drop(black_box(serde_json::from_slice::<serde_json::Value>(black_box(bytes)))),
        );
    }
}
