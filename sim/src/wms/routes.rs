//! The warehouse's HTTP face.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;

use crate::station::answer::Answer;
use crate::station::delivery::Delivery;
use crate::station::system::Simulated;
use crate::wms::WmsSystem;

pub(crate) fn routes(system: &Arc<WmsSystem>) -> Router {
    Router::new()
        .route("/api/expected-receipts/{order}", get(read_expected).put(put_expected))
        .route("/api/shipments/{asn}", get(read_shipment).put(put_shipment))
        .route("/api/production-orders/{order}", get(read_production).put(put_production))
        .with_state(Arc::clone(system))
}

fn view(system: &WmsSystem, what: &str) -> Answer {
    let view = system.state.lock().view(what);
    view.map_or_else(|| Answer::not_found(what), Answer::ok)
}

async fn read_expected(State(system): State<Arc<WmsSystem>>, Path(order): Path<String>) -> Answer {
    view(&system, &format!("expected-receipts/{order}"))
}

async fn put_expected(
    State(system): State<Arc<WmsSystem>>,
    Path(order): Path<String>,
    delivery: Delivery,
) -> Answer {
    system.once("expect-order", &delivery, |wms, desk| wms.expect_order(&order, &delivery.body, desk))
}

async fn read_shipment(State(system): State<Arc<WmsSystem>>, Path(asn): Path<String>) -> Answer {
    let known = system.state.lock().shipments.get(&asn).map(|shipment| shipment.view(&asn));
    known.map_or_else(|| Answer::not_found(&asn), Answer::ok)
}

async fn put_shipment(
    State(system): State<Arc<WmsSystem>>,
    Path(asn): Path<String>,
    delivery: Delivery,
) -> Answer {
    system.once("expect-shipment", &delivery, |wms, desk| wms.expect_shipment(&asn, &delivery.body, desk))
}

async fn read_production(State(system): State<Arc<WmsSystem>>, Path(order): Path<String>) -> Answer {
    view(&system, &format!("production-orders/{order}"))
}

async fn put_production(
    State(system): State<Arc<WmsSystem>>,
    Path(order): Path<String>,
    delivery: Delivery,
) -> Answer {
    system
        .once("put-production-order", &delivery, |wms, desk| wms.put_production(&order, &delivery.body, desk))
}
