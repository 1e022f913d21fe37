//! The network's HTTP face.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use serde_json::json;

use crate::procurement::{Procurement, ProcurementSystem};
use crate::station::answer::Answer;
use crate::station::route::{shows, takes, takes_in};

pub(crate) fn routes(system: &Arc<ProcurementSystem>) -> Router {
    let orders = shows("purchase-orders").merge(takes("put-purchase-order", Procurement::put_order));
    Router::new()
        .route("/api/purchase-orders/{number}", orders)
        .route("/api/receipts", takes_in("post-receipt", Procurement::post_receipt))
        .route("/api/receipts/{receipt}", get(read_receipt))
        .with_state(Arc::clone(system))
}

async fn read_receipt(State(system): State<Arc<ProcurementSystem>>, Path(receipt): Path<String>) -> Answer {
    let known = system.state.lock().receipts.contains_key(&receipt);
    if known { Answer::ok(json!({ "receipt": receipt })) } else { Answer::not_found(&receipt) }
}
