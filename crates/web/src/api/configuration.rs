//! Taking a new configuration.

use axum::Json;
use axum::extract::State as Extract;
use http::StatusCode;
use lineshaft_model::sight::Act;
use serde::Serialize;

use crate::access::Caller;
use crate::problem::Problem;
use crate::state::State;

/// The configuration that runs now.
#[derive(Debug, Serialize)]
pub(super) struct Running {
    digest: String,
}

/// Checks the workspace and takes it; a bad one leaves the running one in place.
pub(super) async fn reload(Extract(state): Extract<State>, caller: Caller) -> Result<Json<Running>, Problem> {
    caller.allow(Act::Configure)?;
    let reload = std::sync::Arc::clone(&state.reload);
    let digest =
        reload().await.map_err(|reasons| Problem::several(StatusCode::UNPROCESSABLE_ENTITY, reasons))?;
    Ok(Json(Running { digest }))
}
