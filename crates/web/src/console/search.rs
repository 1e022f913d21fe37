//! Search: whatever carries this number.

use askama::Template;
use axum::extract::{Query, State as Extract};
use axum::response::{IntoResponse, Redirect};
use lineshaft_model::Position;
use lineshaft_model::shown::{EventRow, Hit};
use lineshaft_model::sight::Act;
use serde::Deserialize;

use super::session::Viewer;
use super::shell::{Section, Shell};
use super::{Answer, show};
use crate::api::read;
use crate::state::State;

/// The longest text that is looked for, in bytes.
const MOST_BYTES: usize = 256;

#[derive(Template)]
#[template(path = "search.html")]
pub(super) struct Page {
    pub(super) shell: Shell,
    pub(super) hits: Vec<Hit>,
    /// The event at this position, when a number was asked for.
    pub(super) event: Option<EventRow>,
    pub(super) too_long: bool,
}

/// What was typed.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    q: String,
}

/// Objects that have this key, or whose events mention it; a single one is shown at once.
pub(super) async fn page(
    Extract(state): Extract<State>,
    viewer: Viewer,
    Query(asked): Query<Asked>,
) -> Answer {
    viewer.caller.allow(Act::See)?;
    let caller = viewer.caller.clone();
    let text = asked.q.trim().to_owned();
    let mut shell = Shell::new(&state, viewer, Section::Other, "Search");
    shell.query.clone_from(&text);
    let too_long = text.len() > MOST_BYTES;
    if text.is_empty() || too_long {
        return show(&Page { shell, hits: Vec::new(), event: None, too_long });
    }
    let tenant = state.hub.tenant();
    let position: Option<Position> = text.parse().ok();
    let (hits, event) = read(&state, &caller, move |reading| {
        let event = position.map(|position| reading.event_row(position)).transpose()?.flatten();
        Ok::<_, lineshaft_store::reading::ReadingError>((reading.search(&tenant, &text, 50)?, event))
    })
    .await?;
    if let ([only], None) = (&hits[..], &event) {
        return Ok(Redirect::to(&super::object::path(&only.object)).into_response());
    }
    show(&Page { shell, hits, event, too_long })
}
