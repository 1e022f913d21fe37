//! Refused inputs: listed, shown with their bytes, discarded.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State as Extract};
use lineshaft_model::shown::{Page, QuarantineRow};
use serde::Deserialize;

use super::dead_letters::Done;
use super::listing::{PageQuery, asked, position};
use super::read;
use crate::access::{Caller, Scope};
use crate::problem::Problem;
use crate::state::State;

/// Filters of the listing.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Filter {
    /// `true` shows discarded ones too.
    all: Option<bool>,
    cursor: Option<String>,
    limit: Option<usize>,
}

/// Refused inputs, newest first.
pub(super) async fn list(
    Extract(state): Extract<State>,
    caller: Caller,
    Query(query): Query<Filter>,
) -> Result<Json<Page<QuarantineRow>>, Problem> {
    caller.need(Scope::Read)?;
    let open_only = !query.all.unwrap_or(false);
    let page = PageQuery { cursor: query.cursor, limit: query.limit };
    let page = read(&state, move |r| r.quarantine(open_only, page.cursor.as_deref(), page.limit())).await?;
    Ok(Json(page))
}

/// One refused input with its bytes.
pub(super) async fn show(
    Extract(state): Extract<State>,
    caller: Caller,
    Path(at): Path<String>,
) -> Result<Json<QuarantineRow>, Problem> {
    caller.need(Scope::Read)?;
    let at = position(&at)?;
    let row = read(&state, move |reading| reading.quarantined(at)).await?;
    row.map(Json).ok_or_else(|| Problem::not_found(format!("there is no quarantined input at {at}")))
}

/// Closes one without taking it.
pub(super) async fn discard(
    Extract(state): Extract<State>,
    caller: Caller,
    Path(at): Path<String>,
    body: Bytes,
) -> Result<Json<Done>, Problem> {
    caller.need(Scope::Operate)?;
    let position = state.hub.discard_quarantined(position(&at)?, asked(&caller, &body)?).await?;
    Ok(Json(Done { position }))
}
