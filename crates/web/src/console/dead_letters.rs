//! Dead letters: why each died, what waits behind it, and sending it on or giving it up.

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State as Extract};
use axum::response::{IntoResponse, Redirect};
use lineshaft_engine::handle::{Asked as Because, Mend};
use lineshaft_model::shown::{DeadLetter, Page as Rows};
use lineshaft_model::sight::Act;
use lineshaft_model::{DeliveryId, Position};
use serde::Deserialize;

use super::fault::Fault;
use super::pretty::pretty;
use super::query::{ROWS, filled, link};
use super::session::Viewer;
use super::shell::{Section, Shell};
use super::words::Badge;
use super::{Answer, follow, show};
use crate::access::Scope;
use crate::api::read;
use crate::problem::Problem;
use crate::state::State;

/// How many are sent on with one press.
const MOST_AT_ONCE: usize = 500;

#[derive(Template)]
#[template(path = "dead_letters.html")]
pub(super) struct Listing {
    pub(super) shell: Shell,
    pub(super) rows: Rows<DeadLetter>,
    pub(super) destination: String,
    pub(super) oldest: bool,
    pub(super) next: Option<String>,
    pub(super) retried: Option<u64>,
}

#[derive(Template)]
#[template(path = "dead_letter.html")]
pub(super) struct Single {
    pub(super) shell: Shell,
    pub(super) letter: DeadLetter,
    pub(super) data: String,
}

/// What is looked for, and what has just been done.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    destination: Option<String>,
    order: Option<String>,
    cursor: Option<String>,
    retried: Option<u64>,
}

/// A form's fields.
#[derive(Debug, Deserialize)]
pub(super) struct Filled {
    form_token: String,
    #[serde(default)]
    reason: String,
    destination: Option<String>,
}

/// All of them.
pub(super) async fn list(
    Extract(state): Extract<State>,
    viewer: Viewer,
    Query(asked): Query<Asked>,
) -> Answer {
    viewer.caller.allow(Act::SeeDeliveries)?;
    let destination = filled(asked.destination);
    let oldest = asked.order.as_deref() == Some("oldest");
    let (wanted, cursor) = (destination.clone(), asked.cursor);
    let first = cursor.is_none();
    let rows = read(&state, &viewer.caller, move |reading| {
        reading.dead_letters(wanted.as_deref(), !oldest, cursor.as_deref(), ROWS)
    })
    .await?;
    let shell = Shell::new(&state, viewer, Section::DeadLetters, "Dead letters");
    let shell = if first { shell.live(2_000) } else { shell };
    let next = rows.next.as_deref().map(|next| {
        let order = oldest.then_some("oldest");
        let fields = [("destination", destination.as_deref()), ("order", order), ("cursor", Some(next))];
        link("/dead-letters", &fields)
    });
    let destination = destination.unwrap_or_default();
    show(&Listing { shell, rows, destination, oldest, next, retried: asked.retried })
}

/// One, with every attempt.
pub(super) async fn single(Extract(state): Extract<State>, viewer: Viewer, Path(id): Path<String>) -> Answer {
    viewer.caller.allow(Act::SeeDeliveries)?;
    let id: DeliveryId = id.parse().map_err(Fault::from)?;
    let found = read(&state, &viewer.caller, move |reading| {
        let letter = reading.dead_letter(id)?;
        let event = if letter.is_some() { reading.event(id.event)? } else { None };
        Ok::<_, lineshaft_store::reading::ReadingError>((letter, event))
    })
    .await?;
    let (Some(letter), event) = found else {
        // It was retried or discarded meanwhile: its event tells the rest.
        return Ok(Redirect::to(&format!("/events/{}#d{}", id.event, id.n)).into_response());
    };
    let data = event.map(|event| pretty(event.data.get())).unwrap_or_default();
    let shell = Shell::new(&state, viewer, Section::DeadLetters, format!("Dead letter {id}"));
    show(&Single { shell, letter, data })
}

/// Retries, discards or confirms one.
pub(super) async fn act(
    Extract(state): Extract<State>,
    viewer: Viewer,
    Path((id, action)): Path<(String, String)>,
    Form(form): Form<Filled>,
) -> Answer {
    viewer.sent(&form.form_token)?;
    viewer.caller.need(Scope::Operate)?;
    let id: DeliveryId = id.parse().map_err(Fault::from)?;
    viewer.caller.allow_delivery(&state, Act::Mend, id).await?;
    let mend = match action.as_str() {
        "retry" => Mend::Retry,
        "discard" => Mend::Discard,
        "confirm" => Mend::Confirm,
        _ => return Err(Fault::from(Problem::not_found("a dead letter is retried, discarded or confirmed"))),
    };
    let position = state.hub.mend(id, mend, because(&viewer, &form.reason)?).await?;
    follow(&state, position).await;
    Ok(Redirect::to(&format!("/events/{}?done={action}#d{}", id.event, id.n)).into_response())
}

/// Retries all of a destination, or all there are, oldest first, up to a bound.
pub(super) async fn retry_all(
    Extract(state): Extract<State>,
    viewer: Viewer,
    Form(form): Form<Filled>,
) -> Answer {
    viewer.sent(&form.form_token)?;
    viewer.caller.allow(Act::Mend)?;
    let destination = filled(form.destination);
    let wanted = destination.clone();
    let rows = read(&state, &viewer.caller, move |reading| {
        reading.dead_letters(wanted.as_deref(), false, None, MOST_AT_ONCE)
    })
    .await?;
    let (mut retried, mut last) = (0_u64, Position(0));
    for letter in rows.items {
        if viewer.caller.allow_delivery(&state, Act::Mend, letter.delivery.id).await.is_err() {
            continue;
        }
        // One that was mended meanwhile by somebody else is no failure of this one.
        if let Ok(position) =
            state.hub.mend(letter.delivery.id, Mend::Retry, because(&viewer, &form.reason)?).await
        {
            retried += 1;
            last = position;
        }
    }
    follow(&state, last).await;
    let retried = retried.to_string();
    let fields = [("destination", destination.as_deref()), ("retried", Some(retried.as_str()))];
    Ok(Redirect::to(&link("/dead-letters", &fields)).into_response())
}

/// Who asks and why.
pub(super) fn because(viewer: &Viewer, reason: &str) -> Result<Because, Fault> {
    let reason = reason.trim();
    if reason.chars().count() > 1_000 {
        let too_long =
            lineshaft_model::Reason::new("reason-too-long", "a reason has at most 1000 characters");
        return Err(Fault::from(too_long.at("/reason")));
    }
    Ok(Because { actor: viewer.caller.name.clone(), reason: reason.to_owned() })
}
