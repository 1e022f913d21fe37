//! The console: the hub in a browser.
//!
//! Every page is made here, whole, by a handler and the template of the same name (`console/overview.rs` and
//! `templates/overview.html`). It can be read and used without scripts; the one script only fetches a page's content again
//! while it is looked at. What systems sent is text everywhere: the templates escape, and nothing turns that off.

mod assets;
mod books;
mod dead_letters;
mod deliveries;
mod editor;
mod event;
mod events;
mod fault;
mod jobs;
mod login;
mod map;
mod object;
mod objects;
mod overview;
mod planning;
mod pretty;
mod processes;
mod quarantine;
mod query;
mod search;
mod session;
mod shell;
mod systems;
#[cfg(test)]
mod tests;
mod throttle;
mod words;

use std::sync::Arc;

use askama::Template;
use axum::extract::DefaultBodyLimit;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Extension, Router};
use lineshaft_engine::Handle;
use lineshaft_model::{Position, Reason};

use crate::problem::Problem;
use crate::state::State;
use fault::Fault;
use throttle::Throttle;

pub(crate) use fault::nothing_here;
pub(crate) use session::same_origin;

/// A page, or why there is none.
type Answer = Result<Response, Fault>;

/// The longest form, in bytes: a reason and a token.
const FORM_BYTES: usize = 16 * 1024;

/// Every page of the console.
pub fn routes() -> Router<State> {
    Router::new()
        .route("/", get(overview::page))
        .route("/search", get(search::page))
        .route("/objects", get(objects::page))
        .route("/objects/{type}/{*key}", get(object::page))
        .route("/events", get(events::page))
        .route("/events/{position}", get(event::page))
        .route("/deliveries", get(deliveries::page))
        .route("/dead-letters", get(dead_letters::list))
        .route("/dead-letters/many", post(dead_letters::many))
        .route("/dead-letters/{id}", get(dead_letters::single))
        .route("/dead-letters/{id}/edit", edited(post(dead_letters::edit)))
        .route("/dead-letters/{id}/{action}", post(dead_letters::act))
        .route("/quarantine", get(quarantine::list))
        .route("/quarantine/{position}", get(quarantine::single))
        .route("/quarantine/{position}/edit", edited(post(quarantine::edit)))
        .route("/quarantine/{position}/{action}", post(quarantine::act))
        .route("/jobs", get(jobs::page).post(jobs::replay))
        .route("/jobs/{id}/{action}", post(jobs::act))
        .route("/systems", get(systems::page))
        .route("/systems/{name}/{action}", post(systems::act))
        .route("/processes", get(processes::list))
        .route("/processes/{id}", get(processes::single))
        .route("/processes/{id}/{action}", post(processes::act))
        .route("/planning", get(planning::page))
        .route("/planning/pulse", get(planning::pulse))
        .route("/planning/item", get(planning::item))
        .route("/planning/options", get(planning::options))
        .route("/planning/order", get(planning::order))
        .route("/planning/what-if", get(planning::what_if))
        .route("/planning/schedules", get(planning::schedules))
        .route("/planning/schedules/request", post(planning::request))
        .route("/planning/schedule", get(planning::schedule))
        .route("/planning/schedule/take", post(planning::take))
        .route("/books", get(books::page))
        .route("/login", get(login::page).post(login::log_in))
        .route("/login/with/{provider}", get(login::begin))
        .route("/login/return", get(login::returned))
        .route("/logout", post(login::log_out))
        .route("/assets/{file}", get(assets::file))
        .layer(DefaultBodyLimit::max(FORM_BYTES))
        .layer(Extension(Arc::new(Throttle::default())))
}

/// A form that brings a whole document.
fn edited(form: MethodRouter<State>) -> MethodRouter<State> {
    form.layer(DefaultBodyLimit::max(editor::LONGEST_FORM))
}

/// A rendered page.
fn show(page: &impl Template) -> Answer {
    match page.render() {
        Ok(text) => Ok(Html(text).into_response()),
        Err(error) => {
            let reason = Reason::new("internal-fault", format!("a page could not be drawn: {error}"));
            Err(Fault::from(Problem::of(reason)))
        }
    }
}

/// Asks the hub something that reads its views, where blocking is allowed.
async fn ask<T: Send + 'static>(
    state: &State,
    question: impl FnOnce(&Handle) -> Result<T, Reason> + Send + 'static,
) -> Result<T, Fault> {
    let hub = state.hub.clone();
    let answer = tokio::task::spawn_blocking(move || question(&hub)).await;
    answer.map_err(|_| Fault::from(Reason::new("internal-fault", "a read failed")))?.map_err(Fault::from)
}

/// Waits until the views show what a person has just done, but not for long: the next page should tell the news.
async fn follow(state: &State, done: Position) {
    let mut applied = state.hub.applied();
    tokio::select! {
        _ = applied.wait_for(|applied| *applied >= done) => {}
        () = state.hub.pause(1_000) => {}
    }
}
