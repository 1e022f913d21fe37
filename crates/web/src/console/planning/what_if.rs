//! Alternatives that a person thinks of, side by side. Nothing is kept.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{RawQuery, State as Extract};
use lineshaft_engine::planner::{Compare, Dates, Idea, IdeaKind, Judgement, Planner, Variant};
use lineshaft_model::{Millis, Reason};

use super::{Answer, Section, Shell, State, Viewer, ask, show};
use crate::console::fault::Fault;

/// Lines of the form.
const LINES: usize = 6;
/// The names of alternatives.
const NAMES: [&str; 3] = ["A", "B", "C"];
/// Orders shown.
const MOST_ORDERS: usize = 60;
/// Keys offered.
const MOST_KEYS: usize = 200;

#[derive(Template)]
#[template(path = "planning_what_if.html")]
struct Page {
    shell: Shell,
    item: String,
    site: String,
    lines: Vec<Line>,
    /// What may be filled in as a key.
    keys: Vec<String>,
    fault: Option<Reason>,
    judged: Vec<Judgement>,
    orders: Vec<Row>,
    ranked_by: String,
}

/// One line of the form as it was filled in.
#[derive(Clone, Default)]
struct Line {
    alternative: String,
    what: String,
    key: String,
    value: String,
}

/// An order's end now, and in each alternative.
struct Row {
    order: String,
    item: String,
    now: Option<Dates>,
    ends: Vec<Then>,
}

/// How an order ends in an alternative.
#[derive(Clone, Copy)]
enum Then {
    AsNow,
    Gone,
    Unknown,
    At(Millis),
}

/// The form, and what comes of it.
pub(in crate::console) async fn what_if(
    Extract(state): Extract<State>,
    viewer: Viewer,
    RawQuery(query): RawQuery,
) -> Answer {
    viewer.caller.allow_whole_plan()?;
    let shell = Shell::new(&state, viewer, Section::Planning, "What if · Planning");
    let fields: Vec<(String, String)> =
        serde_urlencoded::from_str(query.as_deref().unwrap_or_default()).unwrap_or_default();
    let (item, site, mut lines) = read(fields);
    let hub = state.hub.clone();
    let (asked, place) = (lines.clone(), (item.clone(), site.clone()));
    let answer = ask(&state, move |planner| {
        let keys = keys(planner, &place.0, &place.1);
        (keys, judge(planner, hub.reading(), &asked), planner.objective().sentence())
    });
    let (keys, judged, ranked_by) = answer.await.map_err(Fault::from)?;
    let (fault, judged) = match judged {
        Ok(judged) => (None, judged),
        Err(reason) => (Some(reason), Vec::new()),
    };
    let orders = rows(&judged);
    while lines.len() < LINES {
        let alternative = NAMES.get(lines.len() / 2).copied().unwrap_or("C").to_owned();
        lines.push(Line { alternative, ..Line::default() });
    }
    show(&Page { shell, item, site, lines, keys, fault, judged, orders, ranked_by })
}

/// Lines come as `alt`, `what`, `key`, `value`, each repeated.
fn read(fields: Vec<(String, String)>) -> (String, String, Vec<Line>) {
    let (mut item, mut site, mut lines) = (String::new(), String::new(), Vec::<Line>::new());
    for (name, value) in fields {
        let value = value.trim().to_owned();
        match (name.as_str(), lines.last_mut()) {
            ("item", _) => item = value,
            ("site", _) => site = value,
            ("alt", _) => lines.push(Line { alternative: value, ..Line::default() }),
            ("what", Some(line)) => line.what = value,
            ("key", Some(line)) => line.key = value,
            ("value", Some(line)) => line.value = value,
            _ => {}
        }
    }
    lines.retain(|line| !line.key.is_empty());
    lines.truncate(LINES);
    (item, site, lines)
}

/// The supplies and orders of an item, to choose from.
fn keys(planner: &Planner, item: &str, site: &str) -> Vec<String> {
    let site = Some(site).filter(|site| !site.is_empty());
    let availability = planner.availability(item, site);
    let moving = availability.into_iter().flat_map(|one| one.movements).map(|one| one.key);
    let late = planner.late_orders(50).into_iter().map(|order| order.order);
    let mut keys: Vec<String> = moving.chain(late).collect();
    keys.sort();
    keys.dedup();
    keys.truncate(MOST_KEYS);
    keys
}

fn judge(
    planner: &Planner,
    reading: &lineshaft_store::reading::Reading,
    lines: &[Line],
) -> Result<Vec<Judgement>, Reason> {
    let mut alternatives: BTreeMap<&str, Vec<Idea>> = BTreeMap::new();
    for line in lines {
        let kind: IdeaKind = line.what.parse()?;
        let idea = Idea { kind, key: line.key.clone(), value: line.value.clone() };
        alternatives.entry(&line.alternative).or_default().push(idea);
    }
    if alternatives.is_empty() {
        return Ok(Vec::new());
    }
    let variant = |(name, ideas): (&str, Vec<Idea>)| {
        Ok(Variant { name: name.to_owned(), changes: planner.supposed(&ideas)? })
    };
    let alternatives = alternatives.into_iter().map(variant).collect::<Result<Vec<_>, Reason>>()?;
    planner.compared(reading, Compare { alternatives })
}

/// Every order that any alternative moves, the most urgent first.
fn rows(judged: &[Judgement]) -> Vec<Row> {
    let mut rows: BTreeMap<(u32, &str), Row> = BTreeMap::new();
    for (n, one) in judged.iter().enumerate() {
        for order in &one.impact.orders {
            let row = rows.entry((order.priority, &order.order)).or_insert_with(|| Row {
                order: order.order.clone(),
                item: order.item.clone(),
                now: order.before,
                ends: vec![Then::AsNow; judged.len()],
            });
            if let Some(end) = row.ends.get_mut(n) {
                *end = match order.after {
                    None => Then::Gone,
                    Some(dates) => dates.end.map_or(Then::Unknown, Then::At),
                };
            }
        }
    }
    rows.into_values().take(MOST_ORDERS).collect()
}

impl Row {
    fn end_now(&self) -> Option<Millis> {
        self.now.and_then(|dates| dates.end)
    }
}

impl Page {
    fn names(&self) -> [&'static str; 3] {
        NAMES
    }

    fn kinds(&self) -> [IdeaKind; 6] {
        IdeaKind::ALL
    }

    /// How an end in an alternative stands to the end now.
    fn class(&self, now: impl Borrow<Option<Millis>>, then: impl Borrow<Then>) -> &'static str {
        let now = now.borrow().map_or(i64::MAX, |at| at.0);
        let then = match *then.borrow() {
            Then::AsNow | Then::Gone => now,
            Then::Unknown => i64::MAX,
            Then::At(at) => at.0,
        };
        match then.cmp(&now) {
            std::cmp::Ordering::Less => "good",
            std::cmp::Ordering::Equal => "",
            std::cmp::Ordering::Greater => "bad",
        }
    }
}
