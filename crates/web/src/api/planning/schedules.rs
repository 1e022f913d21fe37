//! To and from other planning systems: what they are asked, their schedules beside ours, and taking one.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State as Extract;
use lineshaft_engine::intake::parse_span_ms;
use lineshaft_engine::planner::{Compared, PlanRequest};
use lineshaft_model::shown::Page;
use lineshaft_model::{Position, Reason};
use serde::{Deserialize, Serialize};

use super::{Caller, Path, Problem, Query, State, planner};
use crate::access::Scope;
use crate::api::listing::asked;

/// What the request is about.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct About {
    site: Option<String>,
    horizon: Option<String>,
}

impl About {
    fn horizon_ms(&self) -> Result<Option<i64>, Problem> {
        let read = |text: &String| {
            parse_span_ms(text).map_err(|why| Reason::new("horizon-range", why).at("?horizon"))
        };
        let span = self.horizon.as_ref().map(read).transpose().map_err(Problem::of)?;
        Ok(span.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX)))
    }
}

/// What another planning system would be asked now; nothing is sent.
pub(crate) async fn request(
    Extract(state): Extract<State>,
    caller: Caller,
    Query(about): Query<About>,
) -> Result<Json<PlanRequest>, Problem> {
    caller.allow_whole_plan()?;
    let (span, now) = (about.horizon_ms()?, state.hub.now());
    let built = super::ask(&state, move |planner| planner.request(about.site.as_deref(), span, now)).await?;
    Ok(Json(built?))
}

/// A request that is on its way.
#[derive(Debug, Serialize)]
pub(crate) struct Asked {
    /// Its name.
    request: String,
    /// Its event.
    position: Position,
    /// How many orders it is about.
    orders: usize,
}

/// Asks other planning systems: the request goes out as an event.
pub(crate) async fn ask(
    Extract(state): Extract<State>,
    caller: Caller,
    Query(about): Query<About>,
) -> Result<Json<Asked>, Problem> {
    caller.need(Scope::Operate)?;
    caller.allow_whole_plan()?;
    planner(&state)?;
    let span = about.horizon_ms()?;
    let (request, position) = state.hub.ask_planners(about.site.as_deref(), span).await?;
    Ok(Json(Asked { orders: request.orders.len(), request: request.request, position }))
}

/// The schedules of other planning systems beside ours.
pub(crate) async fn schedules(
    Extract(state): Extract<State>,
    caller: Caller,
) -> Result<Json<Page<Compared>>, Problem> {
    caller.allow_whole_plan()?;
    let items = super::ask(&state, |planner| planner.schedules()).await?;
    Ok(Json(Page { items, next: None }))
}

/// One of them.
pub(crate) async fn schedule(
    Extract(state): Extract<State>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<Compared>, Problem> {
    caller.allow_whole_plan()?;
    let missing = format!("no planning system has sent a schedule {name}");
    let found = super::ask(&state, move |planner| planner.schedule(&name)).await?;
    found.map(Json).ok_or_else(|| Problem::not_found(missing))
}

/// What was taken.
#[derive(Debug, Serialize)]
pub(crate) struct Taken {
    /// The audit record.
    position: Position,
    /// How many orders move.
    orders: usize,
}

/// Takes one: it goes out as `schedule.revised`, wherever routes carry it.
pub(crate) async fn take(
    Extract(state): Extract<State>,
    caller: Caller,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Json<Taken>, Problem> {
    caller.need(Scope::Operate)?;
    caller.allow_whole_plan()?;
    planner(&state)?;
    let (position, orders) = state.hub.take_schedule(&name, asked(&caller, &body)?).await?;
    Ok(Json(Taken { position, orders }))
}
