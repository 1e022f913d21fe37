//! The first page: what needs somebody, and the hub at a glance.

use askama::Template;
use axum::extract::State as Extract;
use lineshaft_model::shown::Overview;

use super::session::Viewer;
use super::shell::{Section, Shell};
use super::{Answer, show};
use crate::state::State;

#[derive(Template)]
#[template(path = "overview.html")]
struct Page {
    shell: Shell,
    overview: Overview,
}

/// The hub at a glance.
pub(super) async fn page(Extract(state): Extract<State>, viewer: Viewer) -> Answer {
    let shell = Shell::new(&state, viewer, Section::Overview, "Overview").await.live(1_000);
    show(&Page { shell, overview: state.hub.overview()? })
}
