//! The latest events, filtered.

use askama::Template;
use axum::extract::{Query, State as Extract};
use lineshaft_model::shown::{EventRow, Page as Rows};
use lineshaft_model::sight::Act;
use lineshaft_store::reading::EventFilter;
use serde::Deserialize;

use super::query::{ROWS, filled, link};
use super::session::Viewer;
use super::shell::{Section, Shell};
use super::words::Badge;
use super::{Answer, show};
use crate::api::read;
use crate::state::State;

#[derive(Template)]
#[template(path = "events.html")]
pub(super) struct Page {
    pub(super) shell: Shell,
    pub(super) rows: Rows<EventRow>,
    pub(super) event_type: String,
    pub(super) system: String,
    pub(super) next: Option<String>,
}

/// What is looked for.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(rename = "type")]
    event_type: Option<String>,
    system: Option<String>,
    cursor: Option<String>,
}

/// Events, newest first.
pub(super) async fn page(
    Extract(state): Extract<State>,
    viewer: Viewer,
    Query(asked): Query<Asked>,
) -> Answer {
    viewer.caller.allow(Act::See)?;
    let (event_type, system) = (filled(asked.event_type), filled(asked.system));
    let filter =
        EventFilter { event_type: event_type.clone(), system: system.clone(), ..EventFilter::default() };
    let cursor = asked.cursor;
    let first = cursor.is_none();
    let rows =
        read(&state, &viewer.caller, move |reading| reading.events(&filter, cursor.as_deref(), ROWS)).await?;
    let shell = Shell::new(&state, viewer, Section::Events, "Events");
    let shell = if first { shell.live(2_000) } else { shell };
    let next = rows.next.as_deref().map(|next| {
        let fields = [("type", event_type.as_deref()), ("system", system.as_deref()), ("cursor", Some(next))];
        link("/events", &fields)
    });
    let (event_type, system) = (event_type.unwrap_or_default(), system.unwrap_or_default());
    show(&Page { shell, rows, event_type, system, next })
}
