//! Dead letters: listed, shown, retried, discarded.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State as Extract};
use lineshaft_engine::handle::Mend;
use lineshaft_model::shown::{DeadLetter, Page};
use lineshaft_model::{DeliveryId, Position};
use serde::{Deserialize, Serialize};

use super::listing::{PageQuery, asked};
use super::read;
use crate::access::{Caller, Scope};
use crate::problem::Problem;
use crate::state::State;

/// Filters of the listing.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Filter {
    destination: Option<String>,
    /// `oldest` for the oldest first.
    order: Option<String>,
    cursor: Option<String>,
    limit: Option<usize>,
}

/// What was done: the position of its audit record.
#[derive(Debug, Serialize)]
pub(crate) struct Done {
    /// The audit record.
    pub(crate) position: Position,
}

/// Dead letters, newest first.
pub(super) async fn list(
    Extract(state): Extract<State>,
    caller: Caller,
    Query(query): Query<Filter>,
) -> Result<Json<Page<DeadLetter>>, Problem> {
    caller.need(Scope::Read)?;
    let newest_first = query.order.as_deref() != Some("oldest");
    let page = PageQuery { cursor: query.cursor, limit: query.limit };
    let destination = query.destination;
    let page = read(&state, move |reading| {
        reading.dead_letters(destination.as_deref(), newest_first, page.cursor.as_deref(), page.limit())
    })
    .await?;
    Ok(Json(page))
}

/// One dead letter with every attempt.
pub(super) async fn show(
    Extract(state): Extract<State>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<DeadLetter>, Problem> {
    caller.need(Scope::Read)?;
    let id: DeliveryId = id.parse().map_err(Problem::of)?;
    let letter = read(&state, move |reading| reading.dead_letter(id)).await?;
    letter.map(Json).ok_or_else(|| Problem::not_found(format!("there is no dead letter {id}")))
}

/// Retries, discards or confirms one.
pub(super) async fn act(
    Extract(state): Extract<State>,
    caller: Caller,
    Path((id, action)): Path<(String, String)>,
    body: Bytes,
) -> Result<Json<Done>, Problem> {
    caller.need(Scope::Operate)?;
    let id: DeliveryId = id.parse().map_err(Problem::of)?;
    let mend = match action.as_str() {
        "retry" => Mend::Retry,
        "discard" => Mend::Discard,
        "confirm" => Mend::Confirm,
        _ => {
            let message = format!("a dead letter cannot be `{action}`: retry, discard or confirm");
            return Err(Problem::not_found(message));
        }
    };
    let position = state.hub.mend(id, mend, asked(&caller, &body)?).await?;
    Ok(Json(Done { position }))
}
