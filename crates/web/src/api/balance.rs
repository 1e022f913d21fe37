//! The books, and the hub at a glance.

use axum::Json;
use axum::extract::State as Extract;
use lineshaft_model::shown::{Balance, Overview};
use lineshaft_model::sight::Act;

use crate::access::Caller;
use crate::problem::Problem;
use crate::state::State;

/// Every input and every owed delivery accounted for.
pub(super) async fn balance(
    Extract(state): Extract<State>,
    caller: Caller,
) -> Result<Json<Balance>, Problem> {
    caller.allow(Act::SeeHub)?;
    Ok(Json(state.hub.balance()?))
}

/// Rates, latencies, systems and lanes.
pub(super) async fn overview(
    Extract(state): Extract<State>,
    caller: Caller,
) -> Result<Json<Overview>, Problem> {
    caller.allow(Act::SeeHub)?;
    Ok(Json(state.hub.overview()?))
}
