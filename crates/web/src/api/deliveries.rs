//! `GET /v1/deliveries` and `GET /v1/deliveries/{id}`.

use axum::Json;
use axum::extract::State as Extract;
use lineshaft_model::shown::{DeliveryRow, Page};
use lineshaft_model::sight::Act;
use lineshaft_model::{DeliveryId, DeliveryState};
use lineshaft_store::reading::DeliveryFilter;
use serde::Deserialize;

use super::listing::{page, single};
use crate::access::Caller;
use crate::extract::{Listing, Path};
use crate::problem::Problem;
use crate::state::State;

/// Filters of the listing.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    state: Option<String>,
    destination: Option<String>,
}

/// Unfinished deliveries; finished ones are shown with their event.
pub(super) async fn list(
    Extract(state): Extract<State>,
    caller: Caller,
    listing: Listing<Filter>,
) -> Result<Json<Page<DeliveryRow>>, Problem> {
    caller.allow(Act::SeeDeliveries)?;
    let wanted: Option<DeliveryState> =
        listing.filter.state.map(|text| text.parse()).transpose().map_err(Problem::of)?;
    let filter = DeliveryFilter { state: wanted, destination: listing.filter.destination };
    page(&state, &caller, listing.page, move |reading, cursor, limit| {
        reading.deliveries(&filter, cursor, limit)
    })
    .await
}

/// One delivery with every attempt.
pub(super) async fn show(
    Extract(state): Extract<State>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<DeliveryRow>, Problem> {
    caller.allow(Act::SeeDeliveries)?;
    let id: DeliveryId = id.parse().map_err(Problem::of)?;
    single(&state, &caller, format!("there is no delivery {id}"), move |reading| reading.delivery(id)).await
}
