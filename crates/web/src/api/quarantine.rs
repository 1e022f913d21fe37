//! Refused inputs: listed, shown with their bytes, taken again, edited, discarded.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State as Extract;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lineshaft_engine::handle::{Asked, Edit, Preview, Taken};
use lineshaft_model::shown::{Page, QuarantineRow};
use lineshaft_model::sight::Act;
use lineshaft_model::{Position, Reason};
use serde::{Deserialize, Serialize};

use super::listing::{asked, because, page, position, single};
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

/// Other bytes, and why: as text, or in base64.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Other {
    text: Option<String>,
    base64: Option<String>,
    #[serde(default)]
    reason: String,
}

/// What became of a refused input.
#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    /// The audit record.
    position: Position,
    /// Whether it waits for a second person.
    proposed: bool,
    /// What became of each event.
    results: Vec<OfEvent>,
}

#[derive(Debug, Serialize)]
struct OfEvent {
    id: String,
    status: &'static str,
    position: Position,
}

impl From<Taken> for Outcome {
    fn from(taken: Taken) -> Self {
        let of = |of: lineshaft_engine::work::Admitted| OfEvent {
            id: of.id,
            status: of.verdict.as_str(),
            position: of.position,
        };
        Self {
            position: taken.done.position,
            proposed: taken.done.proposed,
            results: taken.admitted.into_iter().map(of).collect(),
        }
    }
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

/// Takes one again, closes it without taking it, approves or rejects what was proposed for it.
pub(super) async fn act(
    Extract(state): Extract<State>,
    caller: Caller,
    Path((at, action)): Path<(String, String)>,
    body: Bytes,
) -> Result<Json<Outcome>, Problem> {
    caller.need(Scope::Operate)?;
    let at = position(&at)?;
    caller.allow_quarantined(&state, Act::Mend, at).await?;
    let taken = act_on(&state, at, &action, asked(&caller, &body)?).await?;
    Ok(Json(taken.into()))
}

/// What a person may do with a refused input, by the word of the address.
pub(crate) async fn act_on(
    state: &State,
    at: Position,
    action: &str,
    asked: Asked,
) -> Result<Taken, Problem> {
    let done = match action {
        "discard" => state.hub.discard_quarantined(at, asked).await,
        "restart" => state.hub.restart_quarantined(at, asked).await,
        "approve" | "reject" => state.hub.approve_input(at, action == "approve", asked).await,
        _ => {
            let actions = "restart, edit, discard, approve or reject";
            return Err(Problem::not_found(format!("a refused input cannot be `{action}`: {actions}")));
        }
    };
    done.map_err(Problem::all)
}

/// Takes other bytes in its place.
pub(super) async fn edit(
    Extract(state): Extract<State>,
    caller: Caller,
    Path(at): Path<String>,
    body: Bytes,
) -> Result<Json<Outcome>, Problem> {
    let at = position(&at)?;
    caller.allow_edit_of_input(&state, at).await?;
    let edit = other(&caller, &body)?;
    Ok(Json(state.hub.edit_quarantined(at, edit).await.map_err(Problem::all)?.into()))
}

/// What that would change, and whether it is taken.
pub(super) async fn preview(
    Extract(state): Extract<State>,
    caller: Caller,
    Path(at): Path<String>,
    body: Bytes,
) -> Result<Json<Preview>, Problem> {
    let at = position(&at)?;
    caller.allow_edit_of_input(&state, at).await?;
    let edit = other(&caller, &body)?;
    Ok(Json(state.hub.preview_edit_of_input(at, &edit).await.map_err(Problem::all)?))
}

fn other(caller: &Caller, body: &Bytes) -> Result<Edit, Problem> {
    let wrong = |why: String| {
        let message = format!("the body is not `{{\"text\": \"...\", \"reason\": \"...\"}}`: {why}");
        Problem::of(
            Reason::new("body-malformed", message)
                .hint("send `text`, or `base64` for bytes that are no text"),
        )
    };
    let other: Other = serde_json::from_slice(body).map_err(|error| wrong(error.to_string()))?;
    let data = match (other.text, other.base64) {
        (Some(text), None) => text.into_bytes(),
        (None, Some(text)) => STANDARD.decode(text).map_err(|error| wrong(error.to_string()))?,
        _ => return Err(wrong("it has neither or both of `text` and `base64`".to_owned())),
    };
    let asked = because(caller, other.reason)?;
    Ok(Edit { data: Bytes::from(data), roles: caller.roles(), asked })
}
