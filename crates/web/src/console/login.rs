//! Logging in with a token, by hand or by a link, and out again.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State as Extract};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use lineshaft_model::Reason;
use serde::Deserialize;

use super::Answer;
use super::assets::{ICON, STYLE};
use super::fault::Fault;
use super::session::{Viewer, local_path, same_origin};
use super::throttle::{FAILED_MS, Throttle};
use crate::access::{COOKIE, Scope};
use crate::problem::Problem;
use crate::state::State;

/// How long a browser keeps the session, in seconds. A token that ends earlier ends it earlier.
const KEPT_S: u32 = 30 * 24 * 3600;

#[derive(Template)]
#[template(path = "login.html")]
struct Page<'a> {
    style: String,
    icon: String,
    back: &'a str,
    wrong: &'a str,
}

/// A link's query: a token to log in with, and where to go then.
#[derive(Deserialize)]
pub(super) struct Link {
    token: Option<String>,
    #[serde(rename = "return")]
    back: Option<String>,
}

/// The form's fields.
#[derive(Deserialize)]
pub(super) struct Filled {
    token: String,
    #[serde(rename = "return")]
    back: Option<String>,
}

/// The login page; a link with a token logs in at once.
pub(super) async fn page(
    Extract(state): Extract<State>,
    Extension(throttle): Extension<Arc<Throttle>>,
    viewer: Option<Viewer>,
    headers: HeaderMap,
    Query(link): Query<Link>,
) -> Answer {
    let back = local_path(link.back.as_deref());
    match link.token {
        Some(token) => try_token(&state, &throttle, &headers, &token, back).await,
        None if viewer.is_some() => Ok(Redirect::to(back).into_response()),
        None => drawn(StatusCode::OK, back, ""),
    }
}

/// Takes the form.
pub(super) async fn log_in(
    Extract(state): Extract<State>,
    Extension(throttle): Extension<Arc<Throttle>>,
    headers: HeaderMap,
    Form(filled): Form<Filled>,
) -> Answer {
    if !same_origin(&headers) {
        let reason = Reason::new("form-foreign", "this form was sent from another site")
            .hint("open the console itself and log in there");
        return Err(Fault::from(Problem::with_status(StatusCode::FORBIDDEN, reason)));
    }
    try_token(&state, &throttle, &headers, filled.token.trim(), local_path(filled.back.as_deref())).await
}

/// Ends the session in this browser. The token itself stays good until it is revoked.
pub(super) async fn log_out(viewer: Viewer, Form(form): Form<super::session::Bare>) -> Answer {
    viewer.sent(&form.form_token)?;
    let gone = HeaderValue::from_static("lineshaft_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict");
    Ok(([(header::SET_COOKIE, gone)], Redirect::to("/login")).into_response())
}

async fn try_token(
    state: &State,
    throttle: &Throttle,
    headers: &HeaderMap,
    token: &str,
    back: &str,
) -> Answer {
    let Some(_place) = throttle.place() else {
        return drawn(
            StatusCode::TOO_MANY_REQUESTS,
            back,
            "Too many logins failed just now. Try again in a few seconds.",
        );
    };
    let caller = state.access.caller(token, state.hub.now());
    let Some(caller) = caller.filter(|caller| caller.has(Scope::Read)) else {
        tracing::warn!(code = "login-failed", "a login to the console was refused");
        state.hub.pause(FAILED_MS).await;
        let wrong = "This token is unknown, has ended, was revoked, or may not read.";
        return drawn(StatusCode::UNAUTHORIZED, back, wrong);
    };
    tracing::info!(actor = caller.name, "logged in to the console");
    let cookie = session_cookie(token, behind_tls(headers));
    let cookie = HeaderValue::from_str(&cookie)
        .map_err(|_| Fault::from(Reason::new("token-malformed", "the token cannot be kept in a cookie")))?;
    // A link that was followed from elsewhere must not be answered with a redirect: the browser would leave the new cookie
    // behind on the way. A page that goes on by itself takes it along.
    let elsewhere = !same_origin(headers);
    let onward = if elsewhere {
        Fault::Arrived { path: back.to_owned() }.into_response()
    } else {
        Redirect::to(back).into_response()
    };
    Ok(with_cookie(onward, cookie))
}

fn with_cookie(mut response: Response, cookie: HeaderValue) -> Response {
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    response
}

fn session_cookie(token: &str, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    format!("{COOKIE}={token}; Path=/; Max-Age={KEPT_S}; HttpOnly; SameSite=Strict{secure}")
}

/// Whether the browser speaks TLS to whatever stands in front of the hub.
fn behind_tls(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    text("x-forwarded-proto") == "https" || text(header::ORIGIN.as_str()).starts_with("https://")
}

fn drawn(status: StatusCode, back: &str, wrong: &str) -> Answer {
    let page = Page { style: STYLE.path(), icon: ICON.path(), back, wrong };
    let text =
        page.render().map_err(|error| Fault::from(Reason::new("internal-fault", error.to_string())))?;
    Ok((status, Html(text)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_for_this_host_and_no_script() {
        let cookie = session_cookie("lsh_abc", false);
        assert_eq!(cookie, "lineshaft_session=lsh_abc; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict");
        assert!(session_cookie("lsh_abc", true).ends_with("; Secure"));
    }

    #[test]
    fn the_page_shows_what_was_wrong_and_keeps_the_way_back_as_text() {
        let page = Page { style: String::new(), icon: String::new(), back: "/x\"><b>", wrong: "no" };
        let text = page.render().expect("it renders");
        assert!(text.contains("role=\"alert\"") && !text.contains("\"><b>"), "{text}");
    }
}
