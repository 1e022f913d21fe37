//! The warehouse's HTTP face.

use std::sync::Arc;

use axum::Router;

use crate::station::route::{shows, takes};
use crate::wms::{Wms, WmsSystem};

pub(crate) fn routes(system: &Arc<WmsSystem>) -> Router {
    let expected = shows("expected-receipts").merge(takes("expect-order", Wms::expect_order));
    let shipments = shows("shipments").merge(takes("expect-shipment", Wms::expect_shipment));
    let productions = shows("production-orders").merge(takes("put-production-order", Wms::put_production));
    Router::new()
        .route("/api/expected-receipts/{order}", expected)
        .route("/api/shipments/{asn}", shipments)
        .route("/api/production-orders/{order}", productions)
        .with_state(Arc::clone(system))
}
