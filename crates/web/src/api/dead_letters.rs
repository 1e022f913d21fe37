//! Dead letters: listed, shown, retried, restarted, edited, discarded.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State as Extract;
use lineshaft_engine::handle::{Asked, Done, Edit, Mend, Preview};
use lineshaft_model::shown::{DeadLetter, Page};
use lineshaft_model::sight::Act;
use lineshaft_model::{DeliveryId, Position, Reason};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::listing::{asked, because, page, single};
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
pub(crate) struct Recorded {
    /// The audit record.
    pub(crate) position: Position,
}

/// Other data, and why.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Other {
    data: Box<RawValue>,
    #[serde(default)]
    reason: String,
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
    let Json(mut rows) = page(&state, &caller, listing.page, move |reading, cursor, limit| {
        reading.dead_letters(destination.as_deref(), newest_first, cursor, limit)
    })
    .await?;
    rows.items = rows.items.into_iter().map(|letter| state.hub.told(letter)).collect();
    Ok(Json(rows))
}

/// One dead letter with every attempt.
pub(super) async fn show(
    Extract(state): Extract<State>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<DeadLetter>, Problem> {
    caller.allow(Act::SeeDeliveries)?;
    let id: DeliveryId = id.parse().map_err(Problem::of)?;
    let missing = format!("there is no dead letter {id}");
    let Json(letter) = single(&state, &caller, missing, move |reading| reading.dead_letter(id)).await?;
    Ok(Json(state.hub.told(letter)))
}

/// Retries, restarts, discards or confirms one; approves or rejects what was proposed for it.
pub(super) async fn act(
    Extract(state): Extract<State>,
    caller: Caller,
    Path((id, action)): Path<(String, String)>,
    body: Bytes,
) -> Result<Json<Recorded>, Problem> {
    caller.need(Scope::Operate)?;
    let id: DeliveryId = id.parse().map_err(Problem::of)?;
    caller.allow_delivery(&state, Act::Mend, id).await?;
    let position = act_on(&state, id, &action, asked(&caller, &body)?).await?;
    Ok(Json(Recorded { position }))
}

/// What a person may do with a dead letter, by the word of the address.
pub(crate) async fn act_on(
    state: &State,
    id: DeliveryId,
    action: &str,
    asked: Asked,
) -> Result<Position, Problem> {
    let done = match action {
        "retry" => state.hub.mend(id, Mend::Retry, asked).await,
        "restart" => state.hub.mend(id, Mend::Restart, asked).await,
        "discard" => state.hub.mend(id, Mend::Discard, asked).await,
        "confirm" => state.hub.mend(id, Mend::Confirm, asked).await,
        "approve" | "reject" => state.hub.approve(id, action == "approve", asked).await,
        _ => {
            let actions = "retry, restart, edit, discard, confirm, approve or reject";
            return Err(Problem::not_found(format!("a dead letter cannot be `{action}`: {actions}")));
        }
    };
    done.map_err(Problem::all)
}

/// Puts other data in the place of a dead letter's.
pub(super) async fn edit(
    Extract(state): Extract<State>,
    caller: Caller,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Done>, Problem> {
    let id: DeliveryId = id.parse().map_err(Problem::of)?;
    caller.allow_edit(&state, id).await?;
    let edit = other(&caller, &body)?;
    Ok(Json(state.hub.edit(id, edit).await.map_err(Problem::all)?))
}

/// What that would change, and whether it may.
pub(super) async fn preview(
    Extract(state): Extract<State>,
    caller: Caller,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Preview>, Problem> {
    let id: DeliveryId = id.parse().map_err(Problem::of)?;
    caller.allow_edit(&state, id).await?;
    let edit = other(&caller, &body)?;
    preview_of(&state, id, edit).await.map(Json)
}

/// The same where blocking is allowed.
pub(crate) async fn preview_of(state: &State, id: DeliveryId, edit: Edit) -> Result<Preview, Problem> {
    let hub = state.hub.clone();
    let preview = tokio::task::spawn_blocking(move || hub.preview_edit(id, &edit)).await;
    let failed = |_| Problem::of(Reason::new("internal-fault", "a read failed"));
    preview.map_err(failed)?.map_err(Problem::all)
}

fn other(caller: &Caller, body: &Bytes) -> Result<Edit, Problem> {
    let other: Other = serde_json::from_slice(body).map_err(|error| {
        let message = format!("the body is not `{{\"data\": ..., \"reason\": \"...\"}}`: {error}");
        Problem::of(Reason::new("body-malformed", message))
    })?;
    let data = Bytes::copy_from_slice(other.data.get().as_bytes());
    Ok(Edit { data, roles: caller.roles(), asked: because(caller, other.reason)? })
}
