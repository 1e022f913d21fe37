//! `GET /v1/deliveries` and `GET /v1/deliveries/{id}`.

use axum::Json;
use axum::extract::{Path, Query, State as Extract};
use lineshaft_model::shown::{DeliveryRow, Page};
use lineshaft_model::{DeliveryId, DeliveryState};
use lineshaft_store::reading::DeliveryFilter;
use serde::Deserialize;

use super::listing::PageQuery;
use super::read;
use crate::access::{Caller, Scope};
use crate::problem::Problem;
use crate::state::State;

/// Filters of the listing.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Filter {
    state: Option<String>,
    destination: Option<String>,
    cursor: Option<String>,
    limit: Option<usize>,
}

/// Unfinished deliveries; finished ones are shown with their event.
pub(super) async fn list(
    Extract(state): Extract<State>,
    caller: Caller,
    Query(query): Query<Filter>,
) -> Result<Json<Page<DeliveryRow>>, Problem> {
    caller.need(Scope::Read)?;
    let wanted: Option<DeliveryState> =
        query.state.map(|text| text.parse()).transpose().map_err(Problem::of)?;
    let filter = DeliveryFilter { state: wanted, destination: query.destination };
    let page = PageQuery { cursor: query.cursor, limit: query.limit };
    let page = read(&state, move |reading| reading.deliveries(&filter, page.cursor.as_deref(), page.limit()))
        .await?;
    Ok(Json(page))
}

/// One delivery with every attempt.
pub(super) async fn show(
    Extract(state): Extract<State>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<DeliveryRow>, Problem> {
    caller.need(Scope::Read)?;
    let id: DeliveryId = id.parse().map_err(Problem::of)?;
    let delivery = read(&state, move |reading| reading.delivery(id)).await?;
    delivery.map(Json).ok_or_else(|| Problem::not_found(format!("there is no delivery {id}")))
}
