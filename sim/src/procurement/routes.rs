//! The network's HTTP face.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use serde_json::json;

use crate::procurement::ProcurementSystem;
use crate::station::answer::Answer;
use crate::station::delivery::Delivery;
use crate::station::system::Simulated;

pub(crate) fn routes(system: &Arc<ProcurementSystem>) -> Router {
    Router::new()
        .route("/api/purchase-orders/{number}", get(read_order).put(put_order))
        .route("/api/receipts", post(post_receipt))
        .route("/api/receipts/{receipt}", get(read_receipt))
        .with_state(Arc::clone(system))
}

async fn read_order(State(system): State<Arc<ProcurementSystem>>, Path(number): Path<String>) -> Answer {
    let view = system.state.lock().view(&format!("purchase-orders/{number}"));
    view.map_or_else(|| Answer::not_found(&number), Answer::ok)
}

async fn put_order(
    State(system): State<Arc<ProcurementSystem>>,
    Path(number): Path<String>,
    delivery: Delivery,
) -> Answer {
    system.once("put-purchase-order", &delivery, |network, desk| {
        network.put_order(&number, &delivery.body, desk)
    })
}

async fn post_receipt(State(system): State<Arc<ProcurementSystem>>, delivery: Delivery) -> Answer {
    system.once("post-receipt", &delivery, |network, desk| network.post_receipt(&delivery.body, desk))
}

async fn read_receipt(State(system): State<Arc<ProcurementSystem>>, Path(receipt): Path<String>) -> Answer {
    let known = system.state.lock().receipts.contains_key(&receipt);
    if known { Answer::ok(json!({ "receipt": receipt })) } else { Answer::not_found(&receipt) }
}
