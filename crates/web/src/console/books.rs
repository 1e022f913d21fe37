//! The books: every input and every owed delivery accounted for.

use askama::Template;
use axum::extract::State as Extract;
use lineshaft_engine::Handle;
use lineshaft_model::shown::Balance;
use lineshaft_model::sight::Act;

use super::session::Viewer;
use super::shell::{Section, Shell};
use super::{Answer, ask, show};
use crate::state::State;

#[derive(Template)]
#[template(path = "books.html")]
pub(super) struct Page {
    pub(super) shell: Shell,
    pub(super) balance: Balance,
}

/// The balance now.
pub(super) async fn page(Extract(state): Extract<State>, viewer: Viewer) -> Answer {
    viewer.caller.allow(Act::SeeHub)?;
    let shell = Shell::new(&state, viewer, Section::Books, "Books").live(2_000);
    show(&Page { shell, balance: ask(&state, Handle::balance).await? })
}
