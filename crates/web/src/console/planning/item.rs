//! An item's supply and demand over time.

use askama::Template;
use axum::extract::{Query, State as Extract};
use lineshaft_engine::planner::{Availability, MovementKind, Shortage};
use lineshaft_model::Millis;
use lineshaft_model::sight::Act;
use serde::Deserialize;

use super::drawing::{DAY_MS, Scale, Tick, WIDTH, day};
use super::{Answer, Section, Shell, State, Viewer, ask, show};
use crate::console::fault::Fault;
use crate::problem::Problem;

/// Which item, where.
#[derive(Debug, Default, Deserialize)]
pub(in crate::console) struct Place {
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
    /// The part of it below nothing, as an area.
    missing: String,
    bars: Vec<Column>,
    zero: i64,
    safety: Option<i64>,
    ticks: Vec<Tick>,
    /// Heights with what they stand for.
    levels: Vec<(i64, String)>,
}

/// A movement as a column.
struct Column {
    x: i64,
    y: i64,
    height: i64,
    /// Its class: what comes, what goes, and whether that is late.
    class: &'static str,
    what: String,
}

/// An item's supply and demand over time.
pub(in crate::console) async fn item(
    Extract(state): Extract<State>,
    viewer: Viewer,
    Query(place): Query<Place>,
) -> Answer {
    viewer.caller.allow(Act::SeePlan)?;
    let caller = viewer.caller.clone();
    let title = format!("{} · Planning", place.item);
    let shell = Shell::new(&state, viewer, Section::Planning, title).live(2_000).beating(super::pulse::PATH);
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

/// Height of the drawing above and below its middle.
const HALF: i64 = 130;

fn chart(availability: &Availability, now: Millis) -> Chart {
    let movements = &availability.movements;
    let last = movements.last().map_or(now.0, |movement| movement.at.0);
    // A little room behind the last, so that its column is seen whole.
    let until = last.max(now.0 + 7 * DAY_MS);
    let scale = Scale { from: now.0, until: until + (until - now.0) / 40 };
    let numbers = movements.iter().flat_map(|movement| [movement.balance.abs(), movement.change.abs()]);
    let highest = numbers.chain([availability.on_hand, availability.safety_stock]).max().unwrap_or_default();
    // Drawn in whole steps: the exact numbers are in the table.
    let y = |value: rust_decimal::Decimal| {
        let along = value.checked_mul(HALF.into()).and_then(|value| value.checked_div(highest));
        along.and_then(|value| i64::try_from(value.round()).ok()).unwrap_or(0)
    };
    let mut balance = format!("0,{}", HALF - y(availability.on_hand));
    let mut missing = format!("0,{HALF}");
    let mut level = availability.on_hand;
    let mut bars = Vec::new();
    for movement in movements {
        let x = scale.x(movement.at);
        balance.push_str(&format!(" {x},{} {x},{}", HALF - y(level), HALF - y(movement.balance)));
        let below = |value: rust_decimal::Decimal| HALF - y(value).min(0);
        missing.push_str(&format!(" {x},{} {x},{}", below(level), below(movement.balance)));
        level = movement.balance;
        bars.push(column(movement, x, y(movement.change.abs()).max(1)));
    }
    balance.push_str(&format!(" {WIDTH},{}", HALF - y(level)));
    missing.push_str(&format!(" {WIDTH},{} {WIDTH},{HALF}", HALF - y(level).min(0)));
    let safety = (!availability.safety_stock.is_zero()).then(|| HALF - y(availability.safety_stock));
    let levels = if highest.is_zero() {
        Vec::new()
    } else {
        let told = |value: rust_decimal::Decimal| value.normalize().to_string();
        vec![(12, told(highest)), (2 * HALF, told(-highest))]
    };
    Chart { balance, missing, bars, zero: HALF, safety, ticks: scale.ticks(), levels }
}

fn column(movement: &lineshaft_engine::planner::Movement, x: i64, height: i64) -> Column {
    let comes = !movement.change.is_sign_negative();
    let is_late = !comes && movement.covered_at.is_none_or(|at| at > movement.at);
    let demand = matches!(movement.kind, MovementKind::Demand(_));
    let covered = match movement.covered_at {
        Some(at) if demand && is_late => format!(", covered on {}", day(at)),
        None if demand => ", covered by nothing".to_owned(),
        _ => String::new(),
    };
    let what = format!(
        "{}: {} {} {}, balance {}{covered}",
        day(movement.at),
        kind(movement.kind),
        movement.key,
        movement.change.normalize(),
        movement.balance.normalize()
    );
    let class = match (comes, demand && is_late) {
        (true, _) => "comes",
        (false, true) => "late",
        (false, false) => "goes",
    };
    Column { x: x.min(WIDTH - 8), y: if comes { HALF - height } else { HALF }, height, class, what }
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

/// Where more of a movement is told.
fn movement_path(movement: &lineshaft_engine::planner::Movement) -> Option<String> {
    use lineshaft_engine::planner::{DemandKind, SupplyKind};
    match movement.kind {
        MovementKind::Supply(SupplyKind::Order) | MovementKind::Demand(DemandKind::Component) => {
            Some(super::order_path(&movement.key))
        }
        MovementKind::Supply(SupplyKind::PurchaseOrder) => {
            let order = movement.key.split('/').next().unwrap_or_default();
            Some(format!("/objects/purchase-order/{}", crate::console::query::encoded(order)))
        }
        _ => None,
    }
}
