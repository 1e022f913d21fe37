//! Long work: replays and actions on many dead letters, asked for, listed, cancelled and resumed.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State as Extract;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use lineshaft_model::record::{JobOrder, LettersAction, LettersOrder, ReplayOrder};
use lineshaft_model::shown::{Counted, JobRow, Page};
use lineshaft_model::sight::Act;
use lineshaft_model::{Moment, Position, Reason};
use serde::{Deserialize, Serialize};

use super::listing::{asked, because, page, position, single};
use crate::access::Caller;
use crate::extract::{Listing, Path};
use crate::problem::Problem;
use crate::state::State;

/// Filters of the listing.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    /// `true` shows only what is under way.
    running: Option<bool>,
}

/// What a replay is asked with.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asking {
    /// `system.operation`.
    pub(crate) to: String,
    /// A position, or an RFC 3339 time.
    pub(crate) since: Option<String>,
    /// The same, what stands there included.
    pub(crate) until: Option<String>,
    pub(crate) route: Option<String>,
    #[serde(rename = "type")]
    pub(crate) event_type: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) system: Option<String>,
    #[serde(rename = "where")]
    pub(crate) condition: Option<String>,
    #[serde(default)]
    pub(crate) new_scope: bool,
    #[serde(default)]
    pub(crate) per_second: u32,
    #[serde(default)]
    pub(crate) dry_run: bool,
    #[serde(default)]
    pub(crate) reason: String,
}

/// What an action on many dead letters is asked with.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Letters {
    action: LettersAction,
    destination: Option<String>,
    code: Option<String>,
    #[serde(default)]
    per_second: u32,
    #[serde(default)]
    dry_run: bool,
    #[serde(default)]
    reason: String,
}

/// The job that was begun.
#[derive(Debug, Serialize)]
struct Begun {
    id: Position,
}

/// Long work, newest first.
pub(super) async fn list(
    Extract(state): Extract<State>,
    caller: Caller,
    listing: Listing<Filter>,
) -> Result<Json<Page<JobRow>>, Problem> {
    caller.allow(Act::SeeHub)?;
    let running = listing.filter.running.unwrap_or(false);
    page(&state, &caller, listing.page, move |reading, cursor, limit| reading.jobs(running, cursor, limit))
        .await
}

/// One of them.
pub(super) async fn show(
    Extract(state): Extract<State>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<JobRow>, Problem> {
    caller.allow(Act::SeeHub)?;
    let id = position(&id)?;
    single(&state, &caller, format!("there is no job {id}"), move |reading| reading.job(id)).await
}

/// Cancels one, or has it go on.
pub(super) async fn act(
    Extract(state): Extract<State>,
    caller: Caller,
    Path((id, action)): Path<(String, String)>,
    body: Bytes,
) -> Result<Json<super::dead_letters::Recorded>, Problem> {
    caller.allow_bulk()?;
    let resume = match action.as_str() {
        "cancel" => false,
        "resume" => true,
        _ => return Err(Problem::not_found(format!("a job cannot be `{action}`: cancel or resume"))),
    };
    let position = state.hub.steer_job(position(&id)?, resume, asked(&caller, &body)?).await?;
    Ok(Json(super::dead_letters::Recorded { position }))
}

/// Begins a replay, or counts what it would take.
pub(super) async fn replay(
    Extract(state): Extract<State>,
    caller: Caller,
    body: Bytes,
) -> Result<Response, Problem> {
    caller.allow_bulk()?;
    let asking: Asking = read_body(&body)?;
    let (dry_run, reason) = (asking.dry_run, asking.reason.clone());
    let order = order_of(&state, &caller, asking).await?;
    begin(&state, &caller, order, dry_run, reason).await
}

/// Begins an action on many dead letters, or counts what it would be about.
pub(super) async fn letters(
    Extract(state): Extract<State>,
    caller: Caller,
    body: Bytes,
) -> Result<Response, Problem> {
    caller.allow_bulk()?;
    let Letters { action, destination, code, per_second, dry_run, reason } = read_body(&body)?;
    let order = JobOrder::DeadLetters(LettersOrder { action, destination, code, per_second });
    begin(&state, &caller, order, dry_run, reason).await
}

fn read_body<T: serde::de::DeserializeOwned>(body: &Bytes) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        Problem::of(Reason::new(
            "body-malformed",
            format!("the body is not what this address takes: {error}"),
        ))
    })
}

/// The order that is asked for, times looked up.
pub(crate) async fn order_of(state: &State, caller: &Caller, asking: Asking) -> Result<JobOrder, Problem> {
    if asking.condition.is_some() {
        caller.allow_all_data()?;
    }
    let from = place(state, caller, asking.since.as_deref(), "/since").await?;
    let until = place(state, caller, asking.until.as_deref(), "/until").await?;
    Ok(JobOrder::Replay(ReplayOrder {
        to: asking.to,
        from: from.unwrap_or_default(),
        until: until.unwrap_or_default(),
        route: asking.route,
        event_type: asking.event_type,
        key: asking.key,
        system: asking.system,
        condition: asking.condition,
        new_scope: asking.new_scope,
        per_second: asking.per_second,
    }))
}

/// A position, or the first event at or after a time.
async fn place(
    state: &State,
    caller: &Caller,
    text: Option<&str>,
    at: &str,
) -> Result<Option<Position>, Problem> {
    let Some(text) = text else { return Ok(None) };
    if let Ok(position) = text.parse() {
        return Ok(Some(position));
    }
    let moment: Moment = text.parse().map_err(|reason: Reason| Problem::of(reason.at(at)))?;
    super::read(state, caller, move |reading| reading.position_at(moment.millis())).await.map(Some)
}

/// What it would do, where blocking is allowed.
pub(crate) async fn counted(state: &State, order: JobOrder) -> Result<Counted, Problem> {
    let hub = state.hub.clone();
    let counted = tokio::task::spawn_blocking(move || hub.count_job(order)).await;
    let failed = |_| Problem::of(Reason::new("internal-fault", "a read failed"));
    Ok(counted.map_err(failed)??)
}

async fn begin(
    state: &State,
    caller: &Caller,
    order: JobOrder,
    dry_run: bool,
    reason: String,
) -> Result<Response, Problem> {
    if dry_run {
        return Ok(Json(counted(state, order).await?).into_response());
    }
    let id = state.hub.start_job(order, because(caller, reason)?).await?;
    Ok((StatusCode::ACCEPTED, Json(Begun { id })).into_response())
}
