//! The books, and the hub at a glance.

use axum::Json;
use axum::extract::State as Extract;
use lineshaft_model::shown::{Balance, Overview};

use crate::access::{Caller, Scope};
use crate::problem::Problem;
use crate::state::State;

/// Every input and every owed delivery accounted for.
pub(super) async fn balance(
    Extract(state): Extract<State>,
    caller: Caller,
) -> Result<Json<Balance>, Problem> {
    caller.need(Scope::Read)?;
    Ok(Json(state.hub.balance()?))
}

/// Rates, latencies, systems and lanes.
pub(super) async fn overview(
    Extract(state): Extract<State>,
    caller: Caller,
) -> Result<Json<Overview>, Problem> {
    caller.need(Scope::Read)?;
    Ok(Json(state.hub.overview()?))
}
