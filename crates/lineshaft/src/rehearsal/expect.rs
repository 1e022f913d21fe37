//! What a case expects beside what came of it.
//!
//! A list that is named must name everything that belongs into it. `dropped` and `quarantined` that are not named are
//! expected to be empty, and so are dead letters: what gets lost on the way is never passed over.

use lineshaft_model::json::Value;

use super::case::Case;
use super::compare::{Difference, compare};
use super::outcome::Outcome;
use crate::workspace::marked::{Kind, Mark, Node};
use crate::workspace::problem::Problem;
use crate::workspace::spelling;

/// `exactly: true` in an entry: these members are compared as a whole.
const EXACTLY: &str = "exactly";
const WHOLE: [&str; 3] = ["data", "body", "request"];

/// Everything that is not as expected.
pub(super) fn differences(case: &Case, outcome: &Outcome) -> Vec<Problem> {
    let mut problems = Vec::new();
    let expected = |name: &str| case.expected.iter().find(|(list, _)| list == name).map(|(_, node)| node);
    // What was refused or dropped first: it is often why the rest is missing.
    for name in super::case::LISTS.into_iter().rev() {
        let found = outcome.list(name);
        match expected(name) {
            Some(node) => list(case, name, node, found, &mut problems),
            // A snapshot tells all of it.
            None if case.snapshot => {}
            None => {
                let losses = found.iter().filter(|entry| is_loss(name, entry));
                problems.extend(losses.map(|entry| unexpected(case, case.expect_mark, name, entry)));
            }
        }
    }
    problems
}

/// Whether an entry says that something got lost on its way.
fn is_loss(list: &str, entry: &Value<'_>) -> bool {
    match list {
        "dropped" | "quarantined" => true,
        "deliveries" => entry.get("outcome").and_then(Value::as_str) != Some("delivered"),
        _ => false,
    }
}

/// Pairs what is expected with what there is: first what agrees, in its order, then what is closest.
fn list(case: &Case, name: &str, expected: &Node, found: &[Value<'_>], problems: &mut Vec<Problem>) {
    let mut free: Vec<usize> = (0..found.len()).collect();
    let mut unmet = Vec::new();
    for (n, item) in expected.items().iter().enumerate() {
        match free.iter().position(|at| entry(name, item, &found[*at]).is_empty()) {
            Some(place) => {
                free.remove(place);
            }
            None => unmet.push((n, item)),
        }
    }
    for (n, item) in unmet {
        let closest = free.iter().enumerate().map(|(place, at)| (entry(name, item, &found[*at]), place));
        match closest.min_by_key(|(differences, _)| differences.len()) {
            Some((differences, place)) if is_about(item, &found[free[place]]) => {
                free.remove(place);
                let path = format!("{name}/{n}");
                problems.extend(differences.iter().map(|difference| differs(case, &path, difference)));
            }
            _ => {
                let message = format!("{} is expected here, and there is none", singular(name));
                let others = free.iter().map(|at| told(name, &found[*at])).collect::<Vec<_>>();
                let hint = match others.is_empty() {
                    true => format!("there is nothing else in `{name}`"),
                    false => format!("there is also: {}", others.join("; ")),
                };
                problems.push(Problem::error(&case.file, item.mark, "test-failed", message).hint(hint));
            }
        }
    }
    for at in free {
        problems.push(unexpected(case, expected.mark, name, &found[at]));
    }
}

/// What makes two entries be about the same thing, when they are not equal: whatever of these both name.
fn is_about(item: &Node, found: &Value<'_>) -> bool {
    ["to", "type", "why", "code"].into_iter().all(|member| {
        let expected = item.get(member).and_then(Node::text);
        expected.is_none_or(|text| found.get(member).and_then(Value::as_str) == Some(text))
    })
}

/// How an entry differs from what is expected of it.
fn entry(list: &str, item: &Node, found: &Value<'_>) -> Vec<Difference> {
    let mut plain = item.clone();
    let exactly = plain.take(EXACTLY).is_some_and(|entry| entry.value.kind == Kind::Bool(true));
    let mut differences = compare(&plain, Some(found), false);
    if exactly {
        let said = differences.clone();
        for member in WHOLE {
            if let Some(expected) = plain.get(member) {
                let whole = compare(expected, found.get(member), true).into_iter();
                let whole = whole.map(|d| Difference { at: format!("/{member}{}", d.at), ..d });
                // What differs in any case has been said.
                differences.extend(whole.filter(|d| !said.contains(d)));
            }
        }
    }
    let outcome = found.get("outcome").and_then(Value::as_str);
    if list == "deliveries" && is_loss(list, found) && plain.get("outcome").is_none() {
        let why = found.pointer("/reason/message").and_then(Value::as_str).unwrap_or_default();
        let what = format!("expected to be delivered, but is {}: {why}", outcome.unwrap_or_default());
        differences.push(Difference { mark: item.mark, at: "/outcome".to_owned(), what });
    }
    differences
}

fn differs(case: &Case, path: &str, difference: &Difference) -> Problem {
    let message = format!("{path}{}: {}", difference.at, difference.what);
    Problem::error(&case.file, difference.mark, "test-failed", message)
        .hint(format!("in the test `{}`", spelling::clip(&case.name)))
}

fn unexpected(case: &Case, mark: Mark, list: &str, entry: &Value<'_>) -> Problem {
    let message = format!("{} is not expected: {}", singular(list), told(list, entry));
    let hint = match list {
        "quarantined" => "mend the mapping, the contract or the input, or expect it under `quarantined`",
        "dropped" => "if nobody has to get it, expect it under `dropped`",
        "deliveries" if is_loss(list, entry) => "mend the mapping, or expect it with its `outcome`",
        _ => "expect it as well, or mend what brings it about",
    };
    Problem::error(&case.file, mark, "test-failed", message).hint(hint)
}

fn singular(list: &str) -> &'static str {
    match list {
        "events" => "an event",
        "deliveries" => "a delivery",
        "dropped" => "something dropped",
        _ => "something quarantined",
    }
}

/// An entry in a few words.
fn told(list: &str, entry: &Value<'_>) -> String {
    let members: &[&str] = match list {
        "events" => &["type", "subject"],
        "deliveries" => &["to", "subject", "outcome"],
        "dropped" => &["why", "type", "subject", "in", "origin"],
        _ => &["code", "at", "message", "in", "origin"],
    };
    let named = members.iter().filter_map(|member| entry.get(member)?.as_str());
    let mut words: Vec<&str> = named.filter(|text| *text != "delivered").collect();
    let reason = entry.pointer("/reason/message").and_then(Value::as_str);
    words.extend(reason);
    words.join(" ")
}
