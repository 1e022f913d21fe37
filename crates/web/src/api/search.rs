//! `GET /v1/search?q=`: whatever carries this number.

use axum::Json;
use axum::extract::State as Extract;
use lineshaft_model::Reason;
use lineshaft_model::shown::Hit;
use lineshaft_model::sight::Act;
use serde::Deserialize;

use super::read;
use crate::access::Caller;
use crate::extract::Listing;
use crate::problem::Problem;
use crate::state::State;

/// The most hits of one answer.
const MOST_HITS: usize = 100;

/// What to look for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct What {
    q: Option<String>,
}

/// Objects that have this key, or whose events mention it.
pub(super) async fn search(
    Extract(state): Extract<State>,
    caller: Caller,
    Listing { filter: what, page }: Listing<What>,
) -> Result<Json<Vec<Hit>>, Problem> {
    caller.allow(Act::See)?;
    let text = what.q.unwrap_or_default().trim().to_owned();
    if text.is_empty() || text.len() > 256 {
        return Err(Problem::of(
            Reason::new("query-malformed", "`q` is a business key of up to 256 bytes").at("?q"),
        ));
    }
    let (tenant, limit) = (state.hub.tenant(), page.limit_or(20).min(MOST_HITS));
    let hits = read(&state, &caller, move |reading| reading.search(&tenant, &text, limit)).await?;
    Ok(Json(hits))
}
