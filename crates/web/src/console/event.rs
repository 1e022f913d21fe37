//! One event: what came in, what it was made into, and every attempt to deliver it.

use askama::Template;
use axum::extract::{Path, Query, State as Extract};
use lineshaft_model::shown::EventDetail;
use lineshaft_model::sight::Act;
use lineshaft_model::{DeliveryState, Position};
use serde::Deserialize;

use super::fault::Fault;
use super::pretty::pretty;
use super::session::Viewer;
use super::shell::{Section, Shell};
use super::words::{self, Badge};
use super::{Answer, show};
use crate::api::read;
use crate::problem::Problem;
use crate::state::State;

/// The longest payload shown, in bytes; the whole is behind the API.
const SHOWN_BYTES: usize = 256 * 1024;

#[derive(Template)]
#[template(path = "event.html")]
pub(super) struct Page {
    pub(super) shell: Shell,
    pub(super) event: EventDetail,
    data: Payload,
    raw: Option<Payload>,
    raw_size: String,
    done: &'static str,
}

/// A payload laid out, and whether the end is missing.
struct Payload {
    text: String,
    cut: bool,
}

/// What has just been done, told once.
#[derive(Debug, Deserialize)]
pub(super) struct After {
    done: Option<String>,
}

/// One event.
pub(super) async fn page(
    Extract(state): Extract<State>,
    viewer: Viewer,
    Path(at): Path<String>,
    Query(after): Query<After>,
) -> Answer {
    viewer.caller.allow(Act::See)?;
    let missing = || Fault::from(Problem::not_found(format!("there is no event at position {at}")));
    let position: Position = at.parse().map_err(|_| missing())?;
    let event =
        read(&state, &viewer.caller, move |reading| reading.event(position)).await?.ok_or_else(missing)?;
    let settled = event
        .deliveries
        .iter()
        .all(|delivery| matches!(delivery.state, DeliveryState::Delivered | DeliveryState::Discarded));
    let shell = Shell::new(&state, viewer, Section::Events, format!("Event {position}"));
    let shell = if settled { shell } else { shell.live(1_000) };
    let done = match after.done.as_deref() {
        Some("retry") => "It is on its way again. Every attempt is listed below.",
        Some("restart") => "What was sent was mapped again, and what came of it is on its way.",
        Some("edit" | "approve") => {
            "The edited content is on its way. What was changed is kept with your reason."
        }
        Some("reject") => "What was proposed was rejected.",
        Some("confirm") => "It counts as delivered. What was parked behind it goes on.",
        Some("discard") => "It was discarded. What was parked behind it goes on.",
        _ => "",
    };
    show(&Page::new(shell, event, done))
}

impl Page {
    pub(super) fn new(shell: Shell, event: EventDetail, done: &'static str) -> Self {
        let raw =
            event.raw.text.as_deref().or(event.raw.base64.as_deref()).map(|text| Payload::new(text, false));
        Self {
            data: Payload::new(event.data.get(), true),
            raw,
            raw_size: words::size(event.raw.bytes),
            shell,
            event,
            done,
        }
    }
}

impl Payload {
    fn new(text: &str, is_json: bool) -> Self {
        let mut end = text.len().min(SHOWN_BYTES);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let cut = end < text.len();
        let text = if is_json && !cut { pretty(text) } else { text[..end].to_owned() };
        Self { text, cut }
    }
}
