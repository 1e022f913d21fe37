//! The connected systems: listed, paused, resumed.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State as Extract;
use lineshaft_model::shown::{Page, SystemRow};

use super::dead_letters::Done;
use super::listing::asked;
use crate::access::{Caller, Scope};
use crate::extract::Path;
use crate::problem::Problem;
use crate::state::State;

/// Every system with its lanes.
pub(super) async fn list(
    Extract(state): Extract<State>,
    caller: Caller,
) -> Result<Json<Page<SystemRow>>, Problem> {
    caller.need(Scope::Read)?;
    Ok(Json(Page { items: state.hub.systems()?, next: None }))
}

/// Pauses or resumes one.
pub(super) async fn act(
    Extract(state): Extract<State>,
    caller: Caller,
    Path((name, action)): Path<(String, String)>,
    body: Bytes,
) -> Result<Json<Done>, Problem> {
    caller.need(Scope::Operate)?;
    let pause = match action.as_str() {
        "pause" => true,
        "resume" => false,
        _ => return Err(Problem::not_found(format!("a system cannot be `{action}`: pause or resume"))),
    };
    let position = state.hub.pause_system(&name, pause, asked(&caller, &body)?).await?;
    Ok(Json(Done { position }))
}
