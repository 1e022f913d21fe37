//! Quarantine: refused inputs with their bytes and everything that is wrong with them.

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State as Extract};
use axum::response::{IntoResponse, Redirect};
use lineshaft_model::Position;
use lineshaft_model::shown::{Page as Rows, QuarantineRow};
use lineshaft_model::sight::Act;
use serde::Deserialize;

use super::dead_letters::because;
use super::editor::{EditStep, Editor, LONGEST_EDIT, Written};
use super::fault::Fault;
use super::query::{ROWS, link};
use super::session::Viewer;
use super::shell::{Section, Shell};
use super::words::{self, Badge};
use super::{Answer, follow, show};
use crate::access::Scope;
use crate::api::quarantine::act_on;
use crate::api::read;
use crate::problem::Problem;
use crate::state::State;

#[derive(Template)]
#[template(path = "quarantine.html")]
pub(super) struct Listing {
    pub(super) shell: Shell,
    pub(super) rows: Rows<QuarantineRow>,
    pub(super) all: bool,
    pub(super) next: Option<String>,
    pub(super) discarded: bool,
}

#[derive(Template)]
#[template(path = "quarantined.html")]
pub(super) struct Single {
    pub(super) shell: Shell,
    pub(super) row: QuarantineRow,
    pub(super) size: String,
    pub(super) editor: Editor,
    pub(super) editable: bool,
    /// Whether it was taken after all.
    pub(super) restarted: bool,
}

/// What is looked for, and what has just been done.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    all: Option<String>,
    cursor: Option<String>,
    done: Option<String>,
}

/// A form's fields.
#[derive(Debug, Deserialize)]
pub(super) struct Filled {
    form_token: String,
    #[serde(default)]
    reason: String,
}

/// Refused inputs, newest first.
pub(super) async fn list(
    Extract(state): Extract<State>,
    viewer: Viewer,
    Query(asked): Query<Asked>,
) -> Answer {
    viewer.caller.allow(Act::SeeDeliveries)?;
    let (all, cursor) = (asked.all.is_some(), asked.cursor);
    let first = cursor.is_none();
    let rows = read(&state, &viewer.caller, move |reading| reading.quarantine(!all, cursor.as_deref(), ROWS))
        .await?;
    let shell = Shell::new(&state, viewer, Section::Quarantine, "Quarantine");
    let shell = if first { shell.live(2_000) } else { shell };
    let next = rows
        .next
        .as_deref()
        .map(|next| link("/quarantine", &[("all", all.then_some("1")), ("cursor", Some(next))]));
    show(&Listing { shell, rows, all, next, discarded: asked.done.is_some() })
}

/// One, with its bytes.
pub(super) async fn single(Extract(state): Extract<State>, viewer: Viewer, Path(at): Path<String>) -> Answer {
    viewer.caller.allow(Act::SeeDeliveries)?;
    page(&state, viewer, &at, Editor::default()).await
}

fn missing(at: &str) -> Fault {
    Fault::from(Problem::not_found(format!("there is no quarantined input at {at}")))
}

async fn page(state: &State, viewer: Viewer, at: &str, given: Editor) -> Answer {
    let position: Position = at.parse().map_err(|_| missing(at))?;
    let row = read(state, &viewer.caller, move |reading| reading.quarantined(position))
        .await?
        .ok_or_else(|| missing(at))?;
    let shell = Shell::new(state, viewer, Section::Quarantine, format!("Refused input {position}"));
    let size = words::size(row.raw.as_ref().map_or(0, |raw| raw.bytes));
    let text = row.raw.as_ref().and_then(|raw| raw.text.clone());
    let editable = text.as_ref().is_some_and(|text| text.len() <= LONGEST_EDIT);
    let base = format!("/quarantine/{position}");
    let editor = Editor {
        text: if given.text.is_empty() { text.unwrap_or_default() } else { given.text },
        action: format!("{base}/edit"),
        base,
        about: "The input as it should have come. The original stays in the journal.",
        verb: "Take it so",
        ..given
    };
    let restarted = row.closed.as_ref().is_some_and(|closed| closed.action.action != "quarantine.discard");
    show(&Single { shell, row, size, editor, editable, restarted })
}

/// Takes one again, closes it without taking it, approves or rejects what was proposed for it.
pub(super) async fn act(
    Extract(state): Extract<State>,
    viewer: Viewer,
    Path((at, action)): Path<(String, String)>,
    Form(form): Form<Filled>,
) -> Answer {
    viewer.sent(&form.form_token)?;
    viewer.caller.need(Scope::Operate)?;
    let position: Position = at.parse().map_err(|_| missing(&at))?;
    viewer.caller.allow_quarantined(&state, Act::Mend, position).await?;
    match act_on(&state, position, &action, because(&viewer, &form.reason)?).await {
        Ok(taken) => {
            follow(&state, taken.done.position).await;
            Ok(Redirect::to(&format!("/quarantine/{position}")).into_response())
        }
        // Refused again: it stays, with the reasons.
        Err(problem) if action == "restart" && problem.status() != http::StatusCode::CONFLICT => {
            page(&state, viewer, &at, Editor::refused(&problem)).await
        }
        Err(problem) => Err(Fault::from(problem)),
    }
}

/// Shows what an edit would change; then takes it.
pub(super) async fn edit(
    Extract(state): Extract<State>,
    viewer: Viewer,
    Path(at): Path<String>,
    Form(form): Form<Written>,
) -> Answer {
    viewer.sent(&form.form_token)?;
    viewer.caller.need(Scope::Operate)?;
    let position: Position = at.parse().map_err(|_| missing(&at))?;
    viewer.caller.allow_edit_of_input(&state, position).await?;
    let edit = form.edit(&viewer)?;
    let outcome = match form.step {
        EditStep::Back => Ok(None),
        EditStep::Preview => {
            state.hub.preview_edit_of_input(position, &edit).await.map(Some).map_err(Problem::all)
        }
        EditStep::Send => match state.hub.edit_quarantined(position, edit).await.map_err(Problem::all) {
            Ok(taken) => {
                follow(&state, taken.done.position).await;
                return Ok(Redirect::to(&format!("/quarantine/{position}")).into_response());
            }
            Err(problem) => Err(problem),
        },
    };
    page(&state, viewer, &at, Editor::after(form, outcome)).await
}
