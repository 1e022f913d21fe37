//! Planning: what is missing, which orders slip and why, and what could be done.

mod drawing;
mod item;
mod options;
mod order;
mod pulse;
mod schedules;
mod what_if;

use std::borrow::Borrow;

use askama::Template;
use axum::extract::State as Extract;
use lineshaft_engine::planner::{Assessed, Counts, Impact, OrderImpact, OrderState, Planner, Shortage};
use lineshaft_model::Millis;
use lineshaft_model::sight::Act;

use super::query::link;
use super::session::Viewer;
use super::shell::{Section, Shell};
use super::words;
use super::{Answer, show};
use crate::api::planning::ask;
use crate::state::State;

use drawing::{Scale, Spans, Tick, horizon, why};
pub(super) use item::item;
pub(super) use options::options;
pub(super) use order::order;
pub(super) use pulse::pulse;
pub(super) use schedules::{request, schedule, schedules, take};
pub(super) use what_if::what_if;

/// Rows of each list.
const ROWS: usize = 40;

/// Shortages that are told in full at the top.
const TOLD: usize = 3;

#[derive(Template)]
#[template(path = "planning.html")]
struct Page {
    shell: Shell,
    /// Why there is no plan to show.
    absent: Option<String>,
    counts: Counts,
    told: Vec<Wrong>,
    shortages: Vec<Shortage>,
    bars: Vec<Bar>,
    ticks: Vec<Tick>,
    now_x: i64,
    impacts: Vec<Assessed>,
    /// How many schedules other planning systems have sent.
    schedules: usize,
}

/// What is wrong and why, in two lines.
struct Wrong {
    shortage: Shortage,
    /// The order that is hit worst and what holds it up.
    order: Option<OrderState>,
    why: String,
}

/// An order as it was planned and as it can be.
struct Bar {
    order: OrderState,
    planned: (i64, i64),
    feasible: Option<(i64, i64)>,
    slip: String,
    why: String,
}

/// All that the first page shows.
type Asked = (Counts, Vec<Wrong>, Vec<Shortage>, Vec<OrderState>, Vec<Assessed>, usize);

/// What a planner looks at first.
pub(super) async fn page(Extract(state): Extract<State>, viewer: Viewer) -> Answer {
    viewer.caller.allow(Act::SeePlan)?;
    let caller = viewer.caller.clone();
    let all = caller.sees_plan("");
    let shell = Shell::new(&state, viewer, Section::Planning, "Planning").live(2_000).beating(pulse::PATH);
    let now = shell.now;
    let asked = ask(&state, move |planner| -> Asked {
        // Of some sites only: what is said of all of them at once is left out.
        let rows = if all { ROWS } else { usize::MAX };
        let (mut shortages, mut late) = (planner.shortages(rows), planner.late_orders(rows));
        shortages.retain(|shortage| all || caller.sees_plan(&shortage.site));
        late.retain(|order| all || caller.sees_plan(&order.site));
        shortages.truncate(ROWS);
        late.truncate(ROWS);
        let told = shortages.iter().filter(|one| one.missing.demands > 0).take(TOLD);
        let told = told.map(|shortage| wrong(planner, shortage)).collect();
        let impacts = if all { notable(planner.impacts(200)) } else { Vec::new() };
        let counts = if all { planner.counts() } else { Counts::default() };
        let schedules = if all { planner.schedules().len() } else { 0 };
        (counts, told, shortages, late, impacts, schedules)
    });
    let page = match asked.await {
        Ok((counts, told, shortages, orders, impacts, schedules)) => {
            let (from, until) = horizon(&orders, now);
            let scale = Scale { from, until };
            let bars = orders.into_iter().map(|order| bar(order, scale)).collect();
            let (ticks, now_x) = (scale.ticks(), scale.x(now));
            Page { shell, absent: None, counts, told, shortages, bars, ticks, now_x, impacts, schedules }
        }
        Err(problem) => Page {
            shell,
            absent: Some(problem.detail().to_owned()),
            counts: Counts::default(),
            told: Vec::new(),
            shortages: Vec::new(),
            bars: Vec::new(),
            ticks: Vec::new(),
            now_x: 0,
            impacts: Vec::new(),
            schedules: 0,
        },
    };
    show(&page)
}

impl Page {
    fn span(&self, bar: &Bar) -> Spans {
        spans(bar, self.now_x)
    }
}

/// An order's planned and feasible dates, drawn.
fn spans(bar: &Bar, now_x: i64) -> Spans {
    let label = format!("planned and feasible dates of {}", bar.order.order);
    let spans = Spans::new(label, now_x, ("planned", "feasible"));
    spans.upper(Some(bar.planned), bar.order.planned).lower(bar.feasible, bar.order.feasible)
}

fn wrong(planner: &Planner, shortage: &Shortage) -> Wrong {
    let orders = shortage.orders.iter().take(20).filter_map(|order| planner.order(order));
    let worst = orders.max_by_key(|order| order.slip_ms.unwrap_or(i64::MAX));
    let cause = worst.as_ref().and_then(|order| order.chain.last());
    Wrong { shortage: shortage.clone(), why: cause.map(drawing::said).unwrap_or_default(), order: worst }
}

/// The latest that moved an order or touched what is covered. That orders come and go is no news to a planner.
fn notable(impacts: Vec<Assessed>) -> Vec<Assessed> {
    let moved = |order: &OrderImpact| order.before.is_some() && order.after.is_some();
    let is_notable = |assessed: &Assessed| {
        let Impact { orders, demands, shortages, .. } = &assessed.impact;
        orders.iter().any(moved) || !demands.is_empty() || !shortages.is_empty()
    };
    impacts.into_iter().filter(is_notable).take(12).collect()
}

/// Where an item's page is.
fn item_path(item: &str, site: &str) -> String {
    link("/planning/item", &[("item", Some(item)), ("site", Some(site))])
}

/// Where an item's options are.
fn options_path(item: &str, site: &str) -> String {
    link("/planning/options", &[("item", Some(item)), ("site", Some(site))])
}

/// Where alternatives of an item are compared.
fn what_if_path(item: &str, site: &str) -> String {
    link("/planning/what-if", &[("item", Some(item)), ("site", Some(site))])
}

/// Where an order's page is.
fn order_path(order: &str) -> String {
    link("/planning/order", &[("order", Some(order))])
}

/// A slip in words, with its sign.
fn slip(ms: impl Borrow<Option<i64>>) -> String {
    match *ms.borrow() {
        None => String::from("no end known"),
        Some(0) => String::from("0"),
        Some(ms) if ms < 0 => format!("−{}", words::span(-ms)),
        Some(ms) => format!("+{}", words::span(ms)),
    }
}

fn bar(order: OrderState, scale: Scale) -> Bar {
    let span = |start: Option<Millis>, end: Option<Millis>| {
        let (start, end) = (scale.x(start?), scale.x(end?));
        Some((start, (end - start).max(4)))
    };
    Bar {
        planned: span(order.planned.start, order.planned.end).unwrap_or_default(),
        feasible: span(order.feasible.start, order.feasible.end),
        slip: slip(order.slip_ms),
        why: why(&order.chain),
        order,
    }
}
