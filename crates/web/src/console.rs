//! The console: the hub in a browser.
//!
//! Every page is made here, whole, by a handler and the template of the same name (`console/overview.rs` and
//! `templates/overview.html`). It can be read and used without scripts; the one script only fetches a page's content again
//! while it is looked at. What systems sent is text everywhere: the templates escape, and nothing turns that off.

mod assets;
mod fault;
mod login;
mod overview;
mod session;
mod shell;
mod throttle;
mod words;

use std::sync::Arc;

use askama::Template;
use axum::extract::DefaultBodyLimit;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use lineshaft_model::Reason;

use crate::problem::Problem;
use crate::state::State;
use fault::Fault;
use throttle::Throttle;

/// A page, or why there is none.
type Answer = Result<Response, Fault>;

/// The longest form, in bytes: a reason and a token.
const FORM_BYTES: usize = 16 * 1024;

/// Every page of the console.
pub fn routes() -> Router<State> {
    Router::new()
        .route("/", get(overview::page))
        .route("/login", get(login::page).post(login::log_in))
        .route("/logout", post(login::log_out))
        .route("/assets/{file}", get(assets::file))
        .layer(DefaultBodyLimit::max(FORM_BYTES))
        .layer(Extension(Arc::new(Throttle::default())))
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
