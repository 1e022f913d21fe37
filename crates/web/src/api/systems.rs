//! The connected systems: listed, paused, resumed, their breakers set.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State as Extract;
use lineshaft_engine::Handle;
use lineshaft_engine::handle::{Asked, Forced};
use lineshaft_model::Position;
use lineshaft_model::shown::{Page, SystemRow};
use lineshaft_model::sight::Act;

use super::dead_letters::Recorded;
use super::listing::asked;
use crate::access::Caller;
use crate::extract::Path;
use crate::problem::Problem;
use crate::state::State;

/// Every system with its lanes.
pub(super) async fn list(
    Extract(state): Extract<State>,
    caller: Caller,
) -> Result<Json<Page<SystemRow>>, Problem> {
    caller.allow(Act::SeeHub)?;
    Ok(Json(Page { items: state.hub.systems()?, next: None }))
}

/// Pauses or resumes one, or sets its breaker.
pub(super) async fn act(
    Extract(state): Extract<State>,
    caller: Caller,
    Path((name, action)): Path<(String, String)>,
    body: Bytes,
) -> Result<Json<Recorded>, Problem> {
    caller.allow_with(Act::Operate, &name)?;
    let position = act_on(&state.hub, &name, &action, asked(&caller, &body)?).await?;
    Ok(Json(Recorded { position }))
}

/// What a person may do with a system, by the word of the address.
pub(crate) async fn act_on(
    hub: &Handle,
    name: &str,
    action: &str,
    asked: Asked,
) -> Result<Position, Problem> {
    let forced = match action {
        "pause" | "resume" => return Ok(hub.pause_system(name, action == "pause", asked).await?),
        "breaker-open" => Some(Forced::Open),
        "breaker-close" => Some(Forced::Closed),
        "breaker-auto" => None,
        _ => {
            let actions = "pause, resume, breaker-open, breaker-close or breaker-auto";
            return Err(Problem::not_found(format!("a system cannot be `{action}`: {actions}")));
        }
    };
    Ok(hub.force_breaker(name, forced, asked).await?)
}
