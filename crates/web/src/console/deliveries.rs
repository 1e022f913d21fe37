//! Deliveries that are not finished.

use askama::Template;
use axum::extract::{Query, State as Extract};
use lineshaft_model::DeliveryState;
use lineshaft_model::shown::{DeliveryRow, Page as Rows};
use lineshaft_model::sight::Act;
use lineshaft_store::reading::DeliveryFilter;
use serde::Deserialize;

use super::fault::Fault;
use super::query::{ROWS, filled, link};
use super::session::Viewer;
use super::shell::{Section, Shell};
use super::words::Badge;
use super::{Answer, show};
use crate::api::read;
use crate::state::State;

/// The states a delivery that is not finished can be in.
const UNFINISHED: [DeliveryState; 5] = [
    DeliveryState::Pending,
    DeliveryState::Retrying,
    DeliveryState::Unknown,
    DeliveryState::Parked,
    DeliveryState::Dead,
];

#[derive(Template)]
#[template(path = "deliveries.html")]
pub(super) struct Page {
    pub(super) shell: Shell,
    pub(super) rows: Rows<DeliveryRow>,
    pub(super) state: Option<DeliveryState>,
    pub(super) destination: String,
    pub(super) next: Option<String>,
}

impl Page {
    fn is_chosen(&self, state: &DeliveryState) -> bool {
        self.state.as_ref() == Some(state)
    }
}

/// What is looked for.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    state: Option<String>,
    destination: Option<String>,
    cursor: Option<String>,
}

/// Unfinished deliveries, newest first; finished ones are shown with their event.
pub(super) async fn page(
    Extract(state): Extract<State>,
    viewer: Viewer,
    Query(asked): Query<Asked>,
) -> Answer {
    viewer.caller.allow(Act::SeeDeliveries)?;
    let destination = filled(asked.destination);
    let wanted: Option<DeliveryState> =
        filled(asked.state).map(|text| text.parse()).transpose().map_err(Fault::from)?;
    let filter = DeliveryFilter { state: wanted, destination: destination.clone() };
    let cursor = asked.cursor;
    let first = cursor.is_none();
    let rows =
        read(&state, &viewer.caller, move |reading| reading.deliveries(&filter, cursor.as_deref(), ROWS))
            .await?;
    let shell = Shell::new(&state, viewer, Section::Deliveries, "Deliveries");
    let shell = if first { shell.live(2_000) } else { shell };
    let next = rows.next.as_deref().map(|next| {
        let fields = [
            ("state", wanted.map(DeliveryState::as_str)),
            ("destination", destination.as_deref()),
            ("cursor", Some(next)),
        ];
        link("/deliveries", &fields)
    });
    show(&Page { shell, rows, state: wanted, destination: destination.unwrap_or_default(), next })
}
