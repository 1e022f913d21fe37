//! Refused inputs: listed, shown with their bytes, discarded.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State as Extract;
use lineshaft_model::shown::{Page, QuarantineRow};
use lineshaft_model::sight::Act;
use serde::Deserialize;

use super::dead_letters::Done;
use super::listing::{asked, page, position, single};
use crate::access::{Caller, Scope};
use crate::extract::{Listing, Path};
use crate::problem::Problem;
use crate::state::State;

/// Filters of the listing.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    /// `true` shows discarded ones too.
    all: Option<bool>,
}

/// Refused inputs, newest first.
pub(super) async fn list(
    Extract(state): Extract<State>,
    caller: Caller,
    listing: Listing<Filter>,
) -> Result<Json<Page<QuarantineRow>>, Problem> {
    caller.allow(Act::SeeDeliveries)?;
    let open_only = !listing.filter.all.unwrap_or(false);
    page(&state, &caller, listing.page, move |reading, cursor, limit| {
        reading.quarantine(open_only, cursor, limit)
    })
    .await
}

/// One refused input with its bytes.
pub(super) async fn show(
    Extract(state): Extract<State>,
    caller: Caller,
    Path(at): Path<String>,
) -> Result<Json<QuarantineRow>, Problem> {
    caller.allow(Act::SeeDeliveries)?;
    let at = position(&at)?;
    let missing = format!("there is no quarantined input at {at}");
    single(&state, &caller, missing, move |reading| reading.quarantined(at)).await
}

/// Closes one without taking it.
pub(super) async fn discard(
    Extract(state): Extract<State>,
    caller: Caller,
    Path(at): Path<String>,
    body: Bytes,
) -> Result<Json<Done>, Problem> {
    caller.need(Scope::Operate)?;
    let at = position(&at)?;
    caller.allow_quarantined(&state, Act::Mend, at).await?;
    let position = state.hub.discard_quarantined(at, asked(&caller, &body)?).await?;
    Ok(Json(Done { position }))
}
