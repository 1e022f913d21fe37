//! Tells a page at once that something has happened to the plan, so that nobody looks at what is no longer so.

use axum::extract::{Query, State as Extract};
use axum::response::IntoResponse;
use lineshaft_model::sight::Act;
use serde::Deserialize;

use super::{Answer, State, Viewer};
use crate::console::fault::Fault;

/// An answer comes after this at the latest, so that no connection is held for long.
const LONGEST_MS: u64 = 20_000;

/// Where the script asks.
pub(super) const PATH: &str = "/planning/pulse";

/// What the page has seen.
#[derive(Debug, Default, Deserialize)]
pub(in crate::console) struct Seen {
    #[serde(default)]
    seen: u64,
}

/// Answers with a number once it is another than the page has seen, or after a while.
pub(in crate::console) async fn pulse(
    Extract(state): Extract<State>,
    viewer: Viewer,
    Query(seen): Query<Seen>,
) -> Answer {
    viewer.caller.allow(Act::SeePlan)?;
    let planner = crate::api::planning::planner(&state).map_err(Fault::from)?;
    let mut happened = planner.happened();
    drop(planner);
    let now = tokio::select! {
        changed = happened.wait_for(|now| *now != seen.seen) => changed.map_or(seen.seen, |now| *now),
        () = state.hub.pause(LONGEST_MS) => seen.seen,
        () = state.hub.stopping() => seen.seen,
    };
    Ok(now.to_string().into_response())
}
