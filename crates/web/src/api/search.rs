//! `GET /v1/search?q=`: whatever carries this number.

use axum::Json;
use axum::extract::{Query, State as Extract};
use lineshaft_model::Reason;
use lineshaft_model::shown::Hit;
use serde::Deserialize;

use super::read;
use crate::access::{Caller, Scope};
use crate::problem::Problem;
use crate::state::State;

/// What to look for.
#[derive(Debug, Deserialize)]
pub(super) struct What {
    q: Option<String>,
    limit: Option<usize>,
}

/// Objects that have this key, or whose events mention it.
pub(super) async fn search(
    Extract(state): Extract<State>,
    caller: Caller,
    Query(what): Query<What>,
) -> Result<Json<Vec<Hit>>, Problem> {
    caller.need(Scope::Read)?;
    let text = what.q.unwrap_or_default().trim().to_owned();
    if text.is_empty() || text.len() > 256 {
        return Err(Problem::of(
            Reason::new("query-malformed", "`q` is a business key of up to 256 bytes").at("?q"),
        ));
    }
    let (tenant, limit) = (state.hub.tenant(), what.limit.unwrap_or(20).clamp(1, 100));
    let hits = read(&state, move |reading| reading.search(&tenant, &text, limit)).await?;
    Ok(Json(hits))
}
