//! What is shown instead of a page: an error, or the way to the login.

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode, header};
use lineshaft_model::Reason;

use super::assets::{ICON, STYLE};
use super::query::link;
use crate::problem::Problem;

/// Why a page is not shown.
#[derive(Debug)]
pub(super) enum Fault {
    /// Something is wrong, said on a page of its own.
    Problem(Box<Problem>),
    /// Nobody is logged in; comes back here afterwards.
    LoggedOut { path: String },
    /// A link from elsewhere was followed, which leaves the cookie behind: the browser asks once more.
    Arrived { path: String },
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

impl From<Reason> for Fault {
    fn from(reason: Reason) -> Self {
        Self::from(Problem::of(reason))
    }
}

#[derive(Template)]
#[template(path = "fault.html")]
struct Page<'a> {
    style: String,
    icon: String,
    status: u16,
    title: &'a str,
    detail: &'a str,
    hint: &'a str,
}

#[derive(Template)]
#[template(path = "arrived.html")]
struct Arrived<'a> {
    path: &'a str,
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        match self {
            Self::Problem(problem) => drawn(&problem),
            Self::LoggedOut { path } if path == "/" => Redirect::to("/login").into_response(),
            Self::LoggedOut { path } => {
                Redirect::to(&link("/login", &[("return", Some(&path))])).into_response()
            }
            Self::Arrived { path } => {
                Html(Arrived { path: &path }.render().unwrap_or_default()).into_response()
            }
        }
    }
}

fn drawn(problem: &Problem) -> Response {
    let status = problem.status();
    let title = match status {
        StatusCode::NOT_FOUND => "Nothing here",
        StatusCode::FORBIDDEN => "Not allowed",
        StatusCode::CONFLICT => "No longer so",
        StatusCode::SERVICE_UNAVAILABLE => "Not now",
        status if status.is_server_error() => "Something failed in the hub",
        _ => "That did not work",
    };
    let page = Page {
        style: STYLE.path(),
        icon: ICON.path(),
        status: status.as_u16(),
        title,
        detail: problem.detail(),
        hint: problem.hint(),
    };
    (status, Html(page.render().unwrap_or_default())).into_response()
}

/// The answer where nothing is: a page for a browser, a problem for a program.
pub(crate) async fn nothing_here(headers: HeaderMap) -> Response {
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let problem = Problem::not_found("there is nothing at this address");
    if accepts.contains("text/html") { drawn(&problem) } else { problem.into_response() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_is_encoded() {
        let away = Fault::LoggedOut { path: String::from("/search?q=a&b=ü") }.into_response();
        assert_eq!(away.headers()[header::LOCATION], "/login?return=/search%3Fq%3Da%26b%3D%C3%BC");
    }
}
