//! Health for load balancers, and metrics for Prometheus.

use axum::extract::State as Extract;
use axum::response::{IntoResponse, Response};
use http::header;
use lineshaft_model::sight::Act;

use crate::access::Caller;
use crate::problem::Problem;
use crate::state::State;

/// The process answers.
pub(super) async fn alive() -> &'static str {
    "alive\n"
}

/// The hub takes input.
pub(super) async fn ready(Extract(state): Extract<State>) -> Result<&'static str, Problem> {
    match state.hub.not_ready() {
        None => Ok("ready\n"),
        Some(why) => Err(Problem::busy(5_000, why)),
    }
}

/// OpenMetrics text.
pub(super) async fn metrics(Extract(state): Extract<State>, caller: Caller) -> Result<Response, Problem> {
    caller.allow(Act::SeeHub)?;
    let text = state.hub.metrics()?;
    let media = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, media)], text).into_response())
}
