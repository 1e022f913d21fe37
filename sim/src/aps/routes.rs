//! The scheduler's HTTP face.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post, put};

use crate::aps::ApsSystem;
use crate::station::answer::Answer;
use crate::station::delivery::Delivery;
use crate::station::system::Simulated;

pub(crate) fn routes(system: &Arc<ApsSystem>) -> Router {
    Router::new()
        .route("/api/supplies/{order}", put(put_supply))
        .route("/api/confirmations", post(confirm_supply))
        .route("/api/inbound/{asn}", put(announce))
        .route("/api/positions", post(put_position))
        .route("/api/production-orders/{order}", get(read_job).put(put_job))
        .with_state(Arc::clone(system))
}

async fn put_supply(
    State(system): State<Arc<ApsSystem>>,
    Path(order): Path<String>,
    delivery: Delivery,
) -> Answer {
    system.once("put-supply", &delivery, |aps, desk| aps.put_supply(&order, &delivery.body, desk))
}

async fn confirm_supply(State(system): State<Arc<ApsSystem>>, delivery: Delivery) -> Answer {
    system.once("confirm-supply", &delivery, |aps, desk| aps.confirm_supply(&delivery.body, desk))
}

async fn announce(
    State(system): State<Arc<ApsSystem>>,
    Path(asn): Path<String>,
    delivery: Delivery,
) -> Answer {
    system.once("announce-inbound", &delivery, |aps, desk| aps.announce(&asn, &delivery.body, desk))
}

async fn put_position(State(system): State<Arc<ApsSystem>>, delivery: Delivery) -> Answer {
    system.once("put-position", &delivery, |aps, desk| aps.put_position(&delivery.body, desk))
}

async fn put_job(
    State(system): State<Arc<ApsSystem>>,
    Path(order): Path<String>,
    delivery: Delivery,
) -> Answer {
    system.once("put-production-order", &delivery, |aps, desk| aps.put_job(&order, &delivery.body, desk))
}

async fn read_job(State(system): State<Arc<ApsSystem>>, Path(order): Path<String>) -> Answer {
    let view = system.state.lock().view(&format!("production-orders/{order}"));
    view.map_or_else(|| Answer::not_found(&order), Answer::ok)
}
