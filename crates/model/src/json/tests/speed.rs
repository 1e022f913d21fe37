//! How fast the reader is beside serde_json. Run by hand:
//! `cargo test --release -p lineshaft-model json_speed -- --ignored --nocapture`.
// Measuring time and printing it is what this file is for.
#![allow(clippy::disallowed_methods, clippy::print_stdout, clippy::float_arithmetic)]

use std::hint::black_box;
use std::time::Instant;

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

/// The best of several runs, in megabytes a second.
fn measure(bytes: usize, mut run: impl FnMut()) -> f64 {
    let rounds = (16 << 20) / bytes + 1;
    let best = (0..9)
        .map(|_| {
            let start = Instant::now();
            (0..rounds).for_each(|_| run());
            start.elapsed()
        })
        .min()
        .unwrap_or_default();
    (bytes * rounds) as f64 / best.as_secs_f64() / 1e6
}

#[test]
#[ignore = "measures; prints megabytes a second"]
fn json_speed() {
    for (name, text) in samples() {
        let bytes = text.as_bytes();
        let limits = Limits::DEFAULT;
        let ours = measure(bytes.len(), || drop(black_box(check(black_box(bytes), &limits))));
        let theirs = measure(bytes.len(), || {
            drop(black_box(serde_json::from_slice::<serde::de::IgnoredAny>(black_box(bytes))));
        });
        println!("{name}: check {ours:.0}, IgnoredAny {theirs:.0} MB/s, ratio {:.2}", ours / theirs);
        let ours = measure(bytes.len(), || drop(black_box(Value::parse(black_box(bytes), &limits))));
        let theirs = measure(bytes.len(), || {
            drop(black_box(serde_json::from_slice::<serde_json::Value>(black_box(bytes))));
        });
        println!("{name}: Value {ours:.0}, serde_json::Value {theirs:.0} MB/s, ratio {:.2}", ours / theirs);
        let ours = measure(bytes.len(), || drop(black_box(cut(black_box(bytes), &Path::default(), &limits))));
        println!("{name}: cut {ours:.0} MB/s");
    }
}
