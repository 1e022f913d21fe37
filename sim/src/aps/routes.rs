//! The scheduler's HTTP face.

use std::sync::Arc;

use axum::Router;

use crate::aps::{Aps, ApsSystem};
use crate::station::route::{shows, takes, takes_in};

pub(crate) fn routes(system: &Arc<ApsSystem>) -> Router {
    let jobs = shows("production-orders").merge(takes("put-production-order", Aps::put_job));
    Router::new()
        .route("/api/supplies/{order}", takes("put-supply", Aps::put_supply))
        .route("/api/confirmations", takes_in("confirm-supply", Aps::confirm_supply))
        .route("/api/inbound/{asn}", takes("announce-inbound", Aps::announce))
        .route("/api/positions", takes_in("put-position", Aps::put_position))
        .route("/api/production-orders/{order}", jobs)
        .route("/api/schedule-requests", takes_in("request-schedule", Aps::request_schedule))
        .with_state(Arc::clone(system))
}
