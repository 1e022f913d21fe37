//! Availability, shortages and the effect of events on orders: what the planner knows.

mod schedules;

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State as Extract;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use lineshaft_engine::planner::{
    Assessed, Availability, Compare, Counts, Direction, Judgement, Objective, Options, OptionsOf, OrderState,
    Peg, PegEnd, Planner, Problems, Shortage, Supposed, Variant,
};
use lineshaft_model::Reason;
use lineshaft_model::shown::Page;
use lineshaft_model::sight::Act;
use serde::{Deserialize, Serialize};

use crate::access::Caller;
use crate::extract::{Listing, Path, Query};
use crate::problem::Problem;
use crate::state::State;

pub(super) use schedules::{ask as ask_planners, request, schedule, schedules, take};

/// Options of one answer when nobody says how many.
const USUAL_OPTIONS: usize = 20;

/// Pegs of one answer.
const MOST_PEGS: usize = 1_000;

/// The planner, once it has taken in every object.
pub(crate) fn planner(state: &State) -> Result<Arc<Planner>, Problem> {
    let Some(planner) = state.hub.planner() else {
        let reason = Reason::new("planning-off", "this hub does not plan")
            .hint("add `planning: {}` to lineshaft.yaml and start it again");
        return Err(Problem::with_status(StatusCode::NOT_FOUND, reason));
    };
    if !planner.is_loaded() {
        return Err(Problem::busy(1_000, "the plan is being made from the objects"));
    }
    Ok(Arc::clone(planner))
}

/// Asks the planner where blocking is allowed.
pub(crate) async fn ask<T: Send + 'static>(
    state: &State,
    question: impl FnOnce(&Planner) -> T + Send + 'static,
) -> Result<T, Problem> {
    let planner = planner(state)?;
    let answer = tokio::task::spawn_blocking(move || question(&planner)).await;
    answer.map_err(|_| Problem::of(Reason::new("internal-fault", "the plan could not be asked")))
}

/// Rows that are looked at for a caller who sees some sites only.
const MOST_LOOKED_AT: usize = 10_000;

/// The rows of a list that are for the caller, by their site.
pub(crate) async fn ask_seen<T: Send + 'static>(
    state: &State,
    caller: &Caller,
    limit: usize,
    list: impl FnOnce(&Planner, usize) -> Vec<T> + Send + 'static,
    site: impl Fn(&T) -> &str,
) -> Result<Vec<T>, Problem> {
    let all = caller.sees_plan("");
    let mut rows = ask(state, move |planner| list(planner, if all { limit } else { MOST_LOOKED_AT })).await?;
    rows.retain(|row| all || caller.sees_plan(site(row)));
    rows.truncate(limit);
    Ok(rows)
}

/// An item at a site.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    item: Option<String>,
    site: Option<String>,
}

/// Supply and demand of an item over time, and what can be promised.
pub(super) async fn availability(
    Extract(state): Extract<State>,
    caller: Caller,
    Query(place): Query<Place>,
) -> Result<Json<Availability>, Problem> {
    caller.allow(Act::SeePlan)?;
    let Some(item) = place.item.filter(|item| !item.is_empty()) else {
        return Err(Problem::of(Reason::new("parameter-malformed", "`item` is missing").at("?item")));
    };
    let missing = format!("nothing is known of {item} there");
    let found = ask(&state, move |planner| planner.availability(&item, place.site.as_deref())).await?;
    let found = found.filter(|found| caller.sees_plan(&found.site));
    found.map(Json).ok_or_else(|| Problem::not_found(missing))
}

/// No filters.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct All {}

/// What is missing, what has the largest effect first.
pub(super) async fn shortages(
    Extract(state): Extract<State>,
    caller: Caller,
    Listing { page, .. }: Listing<All>,
) -> Result<Json<Page<Shortage>>, Problem> {
    caller.allow(Act::SeePlan)?;
    let items =
        ask_seen(&state, &caller, page.limit(), Planner::shortages, |row: &Shortage| &row.site).await?;
    Ok(Json(Page { items, next: None }))
}

/// Of what the options are, and how they are ranked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OptionsQuery {
    item: Option<String>,
    site: Option<String>,
    day_cost: Option<String>,
    all: Option<bool>,
    limit: Option<usize>,
}

/// What could be done about a shortage, the best first. Nothing is kept.
pub(super) async fn options(
    Extract(state): Extract<State>,
    caller: Caller,
    Query(query): Query<OptionsQuery>,
) -> Result<Json<Options>, Problem> {
    caller.allow_whole_plan()?;
    let wrong = |at: &str, message: &str| Problem::of(Reason::new("parameter-malformed", message).at(at));
    let Some(item) = query.item.filter(|item| !item.is_empty()) else {
        return Err(wrong("?item", "`item` is missing"));
    };
    let day_cost = match query.day_cost.map(|text| text.parse::<rust_decimal::Decimal>()) {
        None => None,
        Some(Ok(amount)) if !amount.is_sign_negative() => Some(amount),
        Some(_) => return Err(wrong("?day_cost", "`day_cost` is a decimal of 0 or more")),
    };
    let most = query.limit.unwrap_or(USUAL_OPTIONS);
    if !(1..=100).contains(&most) {
        return Err(wrong("?limit", "`limit` is a whole number from 1 to 100"));
    }
    let missing = format!("nothing is known of {item} there");
    let asked = OptionsOf { item, site: query.site, day_cost, all: query.all.unwrap_or(false), most };
    let found = ask(&state, move |planner| planner.options(&asked)).await?;
    found.map(Json).ok_or_else(|| Problem::not_found(missing))
}

/// What events did to the plan, the latest first.
pub(super) async fn impacts(
    Extract(state): Extract<State>,
    caller: Caller,
    Listing { page, .. }: Listing<All>,
) -> Result<Json<Page<Assessed>>, Problem> {
    caller.allow_whole_plan()?;
    let items = ask(&state, move |planner| planner.impacts(page.limit())).await?;
    Ok(Json(Page { items, next: None }))
}

/// Orders that end later than planned, the most urgent first.
pub(super) async fn late_orders(
    Extract(state): Extract<State>,
    caller: Caller,
    Listing { page, .. }: Listing<All>,
) -> Result<Json<Page<OrderState>>, Problem> {
    caller.allow(Act::SeePlan)?;
    let items =
        ask_seen(&state, &caller, page.limit(), Planner::late_orders, |row: &OrderState| &row.site).await?;
    Ok(Json(Page { items, next: None }))
}

/// One order with what holds it up.
pub(super) async fn order(
    Extract(state): Extract<State>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<OrderState>, Problem> {
    caller.allow(Act::SeePlan)?;
    let missing = format!("the plan has no order {key}");
    let found = ask(&state, move |planner| planner.order(&key)).await?;
    let found = found.filter(|order| caller.sees_plan(&order.site));
    found.map(Json).ok_or_else(|| Problem::not_found(missing))
}

/// One of the three, and which way.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Root {
    order: Option<String>,
    supply: Option<String>,
    demand: Option<String>,
    direction: Option<Direction>,
}

/// What covers an order or demand, or what an order or supply is for.
pub(super) async fn pegging(
    Extract(state): Extract<State>,
    caller: Caller,
    Query(root): Query<Root>,
) -> Result<Json<Vec<Peg>>, Problem> {
    caller.allow_whole_plan()?;
    let (end, usual) = match (root.order, root.supply, root.demand) {
        (Some(key), None, None) => (PegEnd::Order { key }, Direction::ToSupply),
        (None, Some(key), None) => (PegEnd::Supply { key }, Direction::ToDemand),
        (None, None, Some(key)) => (PegEnd::Demand { key }, Direction::ToSupply),
        _ => {
            let message = "name one of `order`, `supply` and `demand`";
            return Err(Problem::of(Reason::new("parameter-malformed", message).at("?order")));
        }
    };
    let direction = root.direction.unwrap_or(usual);
    Ok(Json(ask(&state, move |planner| planner.pegging(&end, direction, MOST_PEGS)).await?))
}

/// How much the plan holds, and what is wrong with what it was told.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    /// The last record it has taken in.
    position: lineshaft_model::Position,
    counts: Counts,
    problems: Problems,
}

/// The plan at a glance.
pub(super) async fn plan(Extract(state): Extract<State>, caller: Caller) -> Result<Json<Told>, Problem> {
    caller.allow_whole_plan()?;
    let told = |planner: &Planner| Told {
        position: planner.position(),
        counts: planner.counts(),
        problems: planner.problems(),
    };
    Ok(Json(ask(&state, told).await?))
}

/// What is supposed to happen, or several alternatives.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    changes: Option<Vec<Supposed>>,
    alternatives: Option<Vec<Variant>>,
}

/// Alternatives side by side.
#[derive(Debug, Serialize)]
struct Compared {
    objective: Objective,
    ranked_by: String,
    /// In the order they were given.
    alternatives: Vec<Judgement>,
}

/// What would follow if these things happened, or how several alternatives compare. Nothing is kept.
pub(super) async fn what_if(
    Extract(state): Extract<State>,
    caller: Caller,
    body: Bytes,
) -> Result<Response, Problem> {
    caller.allow_whole_plan()?;
    let malformed = |why: String| {
        let message = format!(
            "the body is neither `{{\"changes\": [...]}}` nor `{{\"alternatives\": [{{\"name\", \"changes\"}}]}}`: {why}"
        );
        Problem::of(Reason::new("body-malformed", message).hint(
            "a change is an event, {\"type\", \"subject\", \"data\"}, or {\"put\": {...}} or {\"remove\": {...}} of a record",
        ))
    };
    let question: Question = serde_json::from_slice(&body).map_err(|error| malformed(error.to_string()))?;
    let hub = state.hub.clone();
    match (question.changes, question.alternatives) {
        (Some(changes), None) => {
            let answer = ask(&state, move |planner| planner.what_if(hub.reading(), changes)).await?;
            Ok(Json(answer?).into_response())
        }
        (None, Some(alternatives)) => {
            let answer = ask(&state, move |planner| {
                let objective = planner.objective();
                let alternatives = planner.compared(hub.reading(), Compare { alternatives })?;
                Ok::<_, Reason>(Compared { objective, ranked_by: objective.sentence(), alternatives })
            });
            Ok(Json(answer.await??).into_response())
        }
        _ => Err(malformed("it has both or neither".to_owned())),
    }
}
