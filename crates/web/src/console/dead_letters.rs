//! Dead letters: why each died, what waits behind it, and sending it on or giving it up.

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State as Extract};
use axum::response::{IntoResponse, Redirect};
use lineshaft_engine::handle::Asked as Because;
use lineshaft_model::DeliveryId;
use lineshaft_model::record::{JobOrder, LettersAction, LettersOrder};
use lineshaft_model::shown::{Counted, DeadLetter, Page as Rows};
use lineshaft_model::sight::Act;
use serde::Deserialize;

use super::editor::{EditStep, Editor, LONGEST_EDIT, Written};
use super::fault::Fault;
use super::pretty::pretty;
use super::query::{ROWS, filled, link};
use super::session::Viewer;
use super::shell::{Section, Shell};
use super::words::Badge;
use super::{Answer, follow, show};
use crate::access::Scope;
use crate::api::dead_letters::{act_on, preview_of};
use crate::api::jobs::counted;
use crate::api::read;
use crate::problem::Problem;
use crate::state::State;

#[derive(Template)]
#[template(path = "dead_letters.html")]
pub(super) struct Listing {
    pub(super) shell: Shell,
    pub(super) rows: Rows<DeadLetter>,
    pub(super) destination: String,
    pub(super) oldest: bool,
    pub(super) next: Option<String>,
}

#[derive(Template)]
#[template(path = "dead_letter.html")]
pub(super) struct Single {
    pub(super) shell: Shell,
    pub(super) letter: DeadLetter,
    pub(super) data: String,
    pub(super) editor: Editor,
    pub(super) editable: bool,
    /// Whether its source sent something that is mapped.
    pub(super) restartable: bool,
}

/// What is looked for, and what has just been done.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    destination: Option<String>,
    order: Option<String>,
    cursor: Option<String>,
}

/// A form's fields.
#[derive(Debug, Deserialize)]
pub(super) struct Filled {
    form_token: String,
    #[serde(default)]
    reason: String,
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
    let mut rows = read(&state, &viewer.caller, move |reading| {
        reading.dead_letters(wanted.as_deref(), !oldest, cursor.as_deref(), ROWS)
    })
    .await?;
    rows.items = rows.items.into_iter().map(|letter| state.hub.told(letter)).collect();
    let shell = Shell::new(&state, viewer, Section::DeadLetters, "Dead letters");
    let shell = if first { shell.live(2_000) } else { shell };
    let next = rows.next.as_deref().map(|next| {
        let order = oldest.then_some("oldest");
        let fields = [("destination", destination.as_deref()), ("order", order), ("cursor", Some(next))];
        link("/dead-letters", &fields)
    });
    let destination = destination.unwrap_or_default();
    show(&Listing { shell, rows, destination, oldest, next })
}

/// One, with every attempt.
pub(super) async fn single(Extract(state): Extract<State>, viewer: Viewer, Path(id): Path<String>) -> Answer {
    viewer.caller.allow(Act::SeeDeliveries)?;
    let id: DeliveryId = id.parse().map_err(Fault::from)?;
    page(&state, viewer, id, Editor::default()).await
}

async fn page(state: &State, viewer: Viewer, id: DeliveryId, given: Editor) -> Answer {
    let found = read(state, &viewer.caller, move |reading| {
        let letter = reading.dead_letter(id)?;
        let sent = if letter.is_some() { reading.sent(id.event)? } else { None };
        Ok::<_, lineshaft_store::reading::ReadingError>((letter, sent))
    })
    .await?;
    let (Some(letter), sent) = found else {
        // It was retried or discarded meanwhile: its event tells the rest.
        return Ok(Redirect::to(&format!("/events/{}#d{}", id.event, id.n)).into_response());
    };
    let letter = state.hub.told(letter);
    let data = letter.data.as_ref().map(|data| pretty(data.get())).unwrap_or_default();
    let roles = viewer.caller.roles();
    let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
    let base = format!("/dead-letters/{id}");
    let editor = Editor {
        text: if given.text.is_empty() { data.clone() } else { given.text },
        action: format!("{base}/edit"),
        base,
        about: "The content of the event as this system gets it. The event itself, and what others got, stay as they are.",
        verb: "Resubmit",
        fields: state.hub.editable(&roles, &letter.delivery.event_type),
        ..given
    };
    let editable = !letter.unknown && letter.withheld.is_empty() && editor.text.len() <= LONGEST_EDIT;
    let restartable = !letter.unknown && sent.is_some_and(|sent| sent.raw.is_some());
    let shell = Shell::new(state, viewer, Section::DeadLetters, format!("Dead letter {id}"));
    show(&Single { shell, letter, data, editor, editable, restartable })
}

/// Retries, restarts, discards or confirms one; approves or rejects what was proposed for it.
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
    let position = act_on(&state, id, &action, because(&viewer, &form.reason)?).await?;
    follow(&state, position).await;
    Ok(Redirect::to(&format!("/events/{}?done={action}#d{}", id.event, id.n)).into_response())
}

/// Shows what an edit would change; then resubmits.
pub(super) async fn edit(
    Extract(state): Extract<State>,
    viewer: Viewer,
    Path(id): Path<String>,
    Form(form): Form<Written>,
) -> Answer {
    viewer.sent(&form.form_token)?;
    viewer.caller.need(Scope::Operate)?;
    let id: DeliveryId = id.parse().map_err(Fault::from)?;
    viewer.caller.allow_edit(&state, id).await?;
    let edit = form.edit(&viewer)?;
    let outcome = match form.step {
        EditStep::Back => Ok(None),
        EditStep::Preview => preview_of(&state, id, edit).await.map(Some),
        EditStep::Send => match state.hub.edit(id, edit).await.map_err(Problem::all) {
            Ok(done) => {
                follow(&state, done.position).await;
                let to = if done.proposed {
                    format!("/dead-letters/{id}")
                } else {
                    format!("/events/{}?done=edit#d{}", id.event, id.n)
                };
                return Ok(Redirect::to(&to).into_response());
            }
            Err(problem) => Err(problem),
        },
    };
    page(&state, viewer, id, Editor::after(form, outcome)).await
}

/// What is done with many.
#[derive(Debug, Deserialize)]
pub(super) struct Many {
    form_token: String,
    #[serde(default)]
    reason: String,
    destination: Option<String>,
    code: Option<String>,
    action: LettersAction,
    step: EditStep,
}

#[derive(Template)]
#[template(path = "many_letters.html")]
pub(super) struct ManyPage {
    pub(super) shell: Shell,
    pub(super) counted: Counted,
    pub(super) action: LettersAction,
    pub(super) destination: String,
    pub(super) code: String,
}

/// Tells what would be done with many, or begins it.
pub(super) async fn many(Extract(state): Extract<State>, viewer: Viewer, Form(form): Form<Many>) -> Answer {
    viewer.sent(&form.form_token)?;
    viewer.caller.allow_bulk()?;
    let (destination, code) = (filled(form.destination), filled(form.code));
    let order = JobOrder::DeadLetters(LettersOrder {
        action: form.action,
        destination: destination.clone(),
        code: code.clone(),
        per_second: 0,
    });
    if form.step == EditStep::Send {
        state.hub.start_job(order, because(&viewer, &form.reason)?).await.map_err(Fault::from)?;
        return Ok(Redirect::to("/jobs").into_response());
    }
    let counted = counted(&state, order).await?;
    let shell = Shell::new(&state, viewer, Section::DeadLetters, "Many dead letters");
    let (destination, code) = (destination.unwrap_or_default(), code.unwrap_or_default());
    show(&ManyPage { shell, counted, action: form.action, destination, code })
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
