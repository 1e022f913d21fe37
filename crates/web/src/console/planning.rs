//! Planning: what is missing, which orders slip and why, and an item's supply and demand over time.

use askama::Template;
use axum::extract::{Query, State as Extract};
use lineshaft_engine::planner::{
    Assessed, Availability, Counts, Impact, Link, MovementKind, OrderImpact, OrderState, Shortage,
};
use lineshaft_model::Millis;
use lineshaft_model::sight::Act;
use serde::Deserialize;

use super::fault::Fault;
use super::query::link;
use super::session::Viewer;
use super::shell::{Section, Shell};
use super::words;
use super::{Answer, show};
use crate::api::planning::ask;
use crate::problem::Problem;
use crate::state::State;

/// Rows of each list.
const ROWS: usize = 40;

/// Width of a drawing in its own units.
const WIDTH: i64 = 1_000;

#[derive(Template)]
#[template(path = "planning.html")]
struct Page {
    shell: Shell,
    /// Why there is no plan to show.
    absent: Option<String>,
    counts: Counts,
    shortages: Vec<Shortage>,
    bars: Vec<Bar>,
    ticks: Vec<Tick>,
    impacts: Vec<Assessed>,
}

/// An order as it was planned and as it can be.
struct Bar {
    order: OrderState,
    planned: (i64, i64),
    feasible: Option<(i64, i64)>,
    slip: String,
    why: String,
}

/// A day on the axis.
struct Tick {
    x: i64,
    label: String,
}

/// What a planner looks at first.
pub(super) async fn page(Extract(state): Extract<State>, viewer: Viewer) -> Answer {
    viewer.caller.allow(Act::SeePlan)?;
    let caller = viewer.caller.clone();
    let all = caller.sees_plan("");
    let shell = Shell::new(&state, viewer, Section::Planning, "Planning").live(2_000);
    let now = shell.now;
    let asked = ask(&state, move |planner| {
        // Of some sites only: what is said of all of them at once is left out.
        let rows = if all { ROWS } else { usize::MAX };
        let (mut shortages, mut orders) = (planner.shortages(rows), planner.late_orders(rows));
        shortages.retain(|shortage| all || caller.sees_plan(&shortage.site));
        orders.retain(|order| all || caller.sees_plan(&order.site));
        shortages.truncate(ROWS);
        orders.truncate(ROWS);
        let counts = if all { planner.counts() } else { Counts::default() };
        (counts, shortages, orders, if all { notable(planner.impacts(200)) } else { Vec::new() })
    });
    let page = match asked.await {
        Ok((counts, shortages, orders, impacts)) => {
            let (from, until) = horizon(&orders, now);
            let scale = Scale { from, until };
            let bars = orders.into_iter().map(|order| bar(order, scale)).collect();
            Page { shell, absent: None, counts, shortages, bars, ticks: scale.ticks(), impacts }
        }
        Err(problem) => Page {
            shell,
            absent: Some(problem.detail().to_owned()),
            counts: Counts::default(),
            shortages: Vec::new(),
            bars: Vec::new(),
            ticks: Vec::new(),
            impacts: Vec::new(),
        },
    };
    show(&page)
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

/// Which item, where.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Place {
    #[serde(default)]
    item: String,
    site: Option<String>,
}

#[derive(Template)]
#[template(path = "planning_item.html")]
struct Item {
    shell: Shell,
    availability: Availability,
    shortage: Option<Shortage>,
    chart: Chart,
}

/// Supply and demand, drawn.
#[derive(Default)]
struct Chart {
    /// The balance as steps.
    balance: String,
    /// x, y, height, whether it comes, and what it is.
    bars: Vec<(i64, i64, i64, bool, String)>,
    zero: i64,
    safety: Option<i64>,
    ticks: Vec<Tick>,
}

/// An item's supply and demand over time.
pub(super) async fn item(
    Extract(state): Extract<State>,
    viewer: Viewer,
    Query(place): Query<Place>,
) -> Answer {
    viewer.caller.allow(Act::SeePlan)?;
    let caller = viewer.caller.clone();
    let title = format!("{} · Planning", place.item);
    let shell = Shell::new(&state, viewer, Section::Planning, title).live(2_000);
    let (missing, now) = (format!("nothing is known of {} there", place.item), shell.now);
    let found = ask(&state, move |planner| {
        let availability = planner.availability(&place.item, place.site.as_deref())?;
        let shortage = planner.shortage(&availability.item, &availability.site);
        Some((availability, shortage))
    });
    let found = found.await.map_err(Fault::from)?;
    let found = found.filter(|(availability, _)| caller.sees_plan(&availability.site));
    let Some((availability, shortage)) = found else { return Err(Fault::from(Problem::not_found(missing))) };
    let chart = chart(&availability, now);
    show(&Item { shell, availability, shortage, chart })
}

/// Where an item's page is.
fn item_path(item: &str, site: &str) -> String {
    link("/planning/item", &[("item", Some(item)), ("site", Some(site))])
}

/// Where an order's object is.
fn order_path(order: &str) -> String {
    format!("/objects/production-order/{}", super::query::encoded(order))
}

/// A stretch of time on the width of a drawing.
#[derive(Clone, Copy)]
struct Scale {
    from: i64,
    until: i64,
}

const DAY_MS: i64 = 86_400_000;

impl Scale {
    fn x(self, at: Millis) -> i64 {
        let along = i128::from(at.0.clamp(self.from, self.until) - self.from) * i128::from(WIDTH);
        i64::try_from(along / i128::from((self.until - self.from).max(1))).unwrap_or(0)
    }

    /// At most about eight days, at their beginning.
    fn ticks(self) -> Vec<Tick> {
        let days = (self.until - self.from) / DAY_MS;
        let step = (days / 8).max(1) * DAY_MS;
        let first = (self.from / DAY_MS + 1) * DAY_MS;
        let at = (0..10).map(|n| Millis(first + n * step)).take_while(|at| at.0 < self.until);
        at.map(|at| Tick { x: self.x(at), label: at.to_string().get(5..10).unwrap_or_default().to_owned() })
            .collect()
    }
}

/// From now or the first planned start to the last end, three days at least.
fn horizon(orders: &[OrderState], now: Millis) -> (i64, i64) {
    let dates = orders
        .iter()
        .flat_map(|order| [order.planned.start, order.planned.end, order.feasible.start, order.feasible.end]);
    let known: Vec<i64> = dates.flatten().map(|at| at.0).chain([now.0]).collect();
    let from = known.iter().copied().min().unwrap_or(now.0).max(now.0 - 30 * DAY_MS);
    let until = known.iter().copied().max().unwrap_or(now.0).min(now.0 + 400 * DAY_MS);
    (from, until.max(from + 3 * DAY_MS))
}

fn bar(order: OrderState, scale: Scale) -> Bar {
    let span = |start: Option<Millis>, end: Option<Millis>| {
        let (start, end) = (scale.x(start?), scale.x(end?));
        Some((start, (end - start).max(4)))
    };
    Bar {
        planned: span(order.planned.start, order.planned.end).unwrap_or_default(),
        feasible: span(order.feasible.start, order.feasible.end),
        slip: order
            .slip_ms
            .map_or_else(|| String::from("no end known"), |ms| format!("+{}", words::span(ms))),
        why: why(&order.chain),
        order,
    }
}

/// The chain of causes as one sentence, its first and last links.
fn why(chain: &[Link]) -> String {
    let said = |link: &Link| match link {
        Link::StartPassed { order } => format!("{order} should have started"),
        Link::Held { order } => format!("{order} is held"),
        Link::WorkCentre { order, work_centre } => format!("{order} waits for {work_centre}"),
        Link::Component { item, site, .. } => format!("waits for {item} at {site}"),
        Link::Supply { supply, supplier, usable_at, .. } => {
            let whose = supplier.as_deref().map(|name| format!(" of {name}")).unwrap_or_default();
            match usable_at {
                Some(at) => format!("{supply}{whose} comes on {}", day(*at)),
                None => format!("{supply}{whose} has no date"),
            }
        }
        Link::Order { order, usable_at } => match usable_at {
            Some(at) => format!("made by {order} on {}", day(*at)),
            None => format!("made by {order}, nobody knows when"),
        },
        Link::Missing { item, quantity, .. } => {
            format!("{} {} of {item} are covered by nothing", quantity.value.normalize(), quantity.unit)
        }
    };
    match chain {
        [] => String::new(),
        [only] => said(only),
        [first, second] => format!("{}: {}", said(first), said(second)),
        [first, .., last] => format!("{}: {} (through {} steps)", said(first), said(last), chain.len()),
    }
}

fn day(at: Millis) -> String {
    at.to_string().get(..10).unwrap_or_default().to_owned()
}

/// Height of the drawing above and below its middle.
const HALF: i64 = 130;

fn chart(availability: &Availability, now: Millis) -> Chart {
    let movements = &availability.movements;
    let last = movements.last().map_or(now.0, |movement| movement.at.0);
    let scale = Scale { from: now.0, until: last.max(now.0 + 7 * DAY_MS) };
    let numbers = movements.iter().flat_map(|movement| [movement.balance.abs(), movement.change.abs()]);
    let highest = numbers.chain([availability.on_hand, availability.safety_stock]).max().unwrap_or_default();
    // Drawn in whole steps: the exact numbers are in the table.
    let y = |value: rust_decimal::Decimal| {
        let along = value.checked_mul(HALF.into()).and_then(|value| value.checked_div(highest));
        along.and_then(|value| i64::try_from(value.round()).ok()).unwrap_or(0)
    };
    let mut balance = format!("0,{}", HALF - y(availability.on_hand));
    let mut level = availability.on_hand;
    let mut bars = Vec::new();
    for movement in movements {
        let x = scale.x(movement.at);
        balance.push_str(&format!(" {x},{} {x},{}", HALF - y(level), HALF - y(movement.balance)));
        level = movement.balance;
        let height = y(movement.change.abs()).max(1);
        let comes = !movement.change.is_sign_negative();
        let what = format!(
            "{} {} {} on {}",
            kind(movement.kind),
            movement.key,
            movement.change.normalize(),
            day(movement.at)
        );
        bars.push((x.min(WIDTH - 8), if comes { HALF - height } else { HALF }, height, comes, what));
    }
    balance.push_str(&format!(" {WIDTH},{}", HALF - y(level)));
    let safety = (!availability.safety_stock.is_zero()).then(|| HALF - y(availability.safety_stock));
    Chart { balance, bars, zero: HALF, safety, ticks: scale.ticks() }
}

/// What moves, in words.
fn kind(kind: MovementKind) -> &'static str {
    use lineshaft_engine::planner::{DemandKind, SupplyKind};
    match kind {
        MovementKind::Supply(SupplyKind::OnHand) => "stock",
        MovementKind::Supply(SupplyKind::PurchaseOrder) => "purchase order",
        MovementKind::Supply(SupplyKind::Shipment) => "shipment",
        MovementKind::Supply(SupplyKind::Order) => "output of",
        MovementKind::Demand(DemandKind::Sales) => "sales",
        MovementKind::Demand(DemandKind::Forecast) => "forecast",
        MovementKind::Demand(DemandKind::Component) => "component of",
        MovementKind::Demand(DemandKind::SafetyStock) => "safety stock",
        MovementKind::StandIn => "stands in for",
        MovementKind::Expiry => "expires",
    }
}
