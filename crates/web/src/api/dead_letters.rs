//! Dead letters: listed, shown, retried, discarded.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State as Extract;
use lineshaft_engine::handle::Mend;
use lineshaft_model::shown::{DeadLetter, Page};
use lineshaft_model::sight::Act;
use lineshaft_model::{DeliveryId, Position};
use serde::{Deserialize, Serialize};

use super::listing::{asked, page, single};
use crate::access::{Caller, Scope};
use crate::extract::{Listing, Path};
use crate::problem::Problem;
use crate::state::State;

/// Filters of the listing.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    destination: Option<String>,
    order: Option<Order>,
}

/// The other way round than usual.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Order {
    /// The oldest first.
    Oldest,
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
    listing: Listing<Filter>,
) -> Result<Json<Page<DeadLetter>>, Problem> {
    caller.allow(Act::SeeDeliveries)?;
    let Filter { destination, order } = listing.filter;
    let newest_first = order.is_none();
    page(&state, &caller, listing.page, move |reading, cursor, limit| {
        reading.dead_letters(destination.as_deref(), newest_first, cursor, limit)
    })
    .await
}

/// One dead letter with every attempt.
pub(super) async fn show(
    Extract(state): Extract<State>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<DeadLetter>, Problem> {
    caller.allow(Act::SeeDeliveries)?;
    let id: DeliveryId = id.parse().map_err(Problem::of)?;
    single(&state, &caller, format!("there is no dead letter {id}"), move |reading| reading.dead_letter(id))
        .await
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
    caller.allow_delivery(&state, Act::Mend, id).await?;
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
