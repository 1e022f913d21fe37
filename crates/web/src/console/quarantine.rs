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
use super::fault::Fault;
use super::query::{ROWS, link};
use super::session::Viewer;
use super::shell::{Section, Shell};
use super::words::{self, Badge};
use super::{Answer, follow, show};
use crate::access::Scope;
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
    let missing = || Fault::from(Problem::not_found(format!("there is no quarantined input at {at}")));
    let position: Position = at.parse().map_err(|_| missing())?;
    let row = read(&state, &viewer.caller, move |reading| reading.quarantined(position))
        .await?
        .ok_or_else(missing)?;
    let shell = Shell::new(&state, viewer, Section::Quarantine, format!("Refused input {position}"));
    let size = words::size(row.raw.as_ref().map_or(0, |raw| raw.bytes));
    show(&Single { shell, row, size })
}

/// Closes one without taking it.
pub(super) async fn discard(
    Extract(state): Extract<State>,
    viewer: Viewer,
    Path(at): Path<String>,
    Form(form): Form<Filled>,
) -> Answer {
    viewer.sent(&form.form_token)?;
    viewer.caller.need(Scope::Operate)?;
    let missing = || Fault::from(Problem::not_found("there is no such quarantined input"));
    let position: Position = at.parse().map_err(|_| missing())?;
    viewer.caller.allow_quarantined(&state, Act::Mend, position).await?;
    let done = state.hub.discard_quarantined(position, because(&viewer, &form.reason)?).await?;
    follow(&state, done).await;
    Ok(Redirect::to("/quarantine?done=discard").into_response())
}
