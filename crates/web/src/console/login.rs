//! Logging in: by name and password, with a token by hand or by a link, or at an identity provider; and out again.

use std::sync::Arc;

use askama::Template;
use axum::extract::{FromRequestParts, Path, Query, State as Extract};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use lineshaft_model::Reason;
use serde::Deserialize;
use subtle::ConstantTimeEq;

use super::Answer;
use super::assets::{ICON, STYLE};
use super::fault::Fault;
use super::session::{Viewer, local_path, same_origin};
use super::throttle::{FAILED_MS, Throttle};
use crate::access::{COOKIE, HOST_COOKIE, Scope, named_cookie};
use crate::extract::Peer;
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
    /// Whether there are people who log in by a password.
    people: bool,
    /// Identity providers: name and title.
    providers: Vec<(String, String)>,
}

/// A link's query: a token to log in with, and where to go then.
#[derive(Deserialize)]
pub(super) struct Link {
    token: Option<String>,
    #[serde(rename = "return")]
    back: Option<String>,
}

/// The form's fields: a name and a password, or a token.
#[derive(Deserialize)]
pub(super) struct Filled {
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
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
        None => drawn(&state, StatusCode::OK, back, ""),
    }
}

/// Takes the form.
pub(super) async fn log_in(
    Extract(state): Extract<State>,
    Extension(throttle): Extension<Arc<Throttle>>,
    peer: Peer,
    headers: HeaderMap,
    Form(filled): Form<Filled>,
) -> Answer {
    if !same_origin(&headers) {
        let reason = Reason::new("form-foreign", "this form was sent from another site")
            .hint("open the console itself and log in there");
        return Err(Fault::from(Problem::with_status(StatusCode::FORBIDDEN, reason)));
    }
    let back = local_path(filled.back.as_deref());
    if filled.name.is_empty() {
        return try_token(&state, &throttle, &headers, filled.token.trim(), back).await;
    }
    let attempt = Attempt { name: filled.name.trim(), password: filled.password, peer };
    try_password(&state, &throttle, &headers, attempt, back).await
}

/// Ends the session in this browser. A token stays good until it is revoked.
pub(super) async fn log_out(
    Extract(state): Extract<State>,
    viewer: Viewer,
    headers: HeaderMap,
    Form(form): Form<super::session::Bare>,
) -> Answer {
    viewer.sent(&form.form_token)?;
    state.access.end_session(&viewer.session);
    let mut answer = Redirect::to("/login").into_response();
    for name in [COOKIE, HOST_COOKIE] {
        let secure = if behind_tls(&headers) { "; Secure" } else { "" };
        let gone = format!("{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict{secure}");
        if let Ok(gone) = HeaderValue::from_str(&gone) {
            answer.headers_mut().append(header::SET_COOKIE, gone);
        }
    }
    Ok(answer)
}

/// Who wants to get in by which password, from where.
struct Attempt<'a> {
    name: &'a str,
    password: String,
    peer: Peer,
}

/// Names of people and whether they may log in are told by one and the same answer.
const WRONG: &str = "This name and password do not belong together, or the login is disabled.";

async fn try_password(
    state: &State,
    throttle: &Throttle,
    headers: &HeaderMap,
    attempt: Attempt<'_>,
    back: &str,
) -> Answer {
    let (access, now) = (&state.access, state.hub.now());
    let address = attempt.peer.0;
    if let Some(seconds) = access.attempts.wait_s(attempt.name, address, now) {
        let wrong = format!("Too many logins failed. Try again in {seconds} seconds.");
        let mut answer = drawn(state, StatusCode::TOO_MANY_REQUESTS, back, &wrong)?;
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        return Ok(answer);
    }
    let Some(_place) = throttle.place() else { return busy(state, back) };
    let Some((caller, session)) = access.log_in(attempt.name, attempt.password, now).await else {
        access.attempts.fail(attempt.name, address, now);
        tracing::warn!(code = "login-failed", peer = ?address, "a login to the console was refused");
        state.hub.pause(FAILED_MS).await;
        return drawn(state, StatusCode::UNAUTHORIZED, back, WRONG);
    };
    access.attempts.succeed(attempt.name);
    arrive(headers, &caller.name, &session, back)
}

async fn try_token(
    state: &State,
    throttle: &Throttle,
    headers: &HeaderMap,
    token: &str,
    back: &str,
) -> Answer {
    let Some(_place) = throttle.place() else { return busy(state, back) };
    let caller = state.access.caller(token, state.hub.now());
    let Some(caller) = caller.filter(|caller| caller.has(Scope::Read)) else {
        tracing::warn!(code = "login-failed", "a login to the console was refused");
        state.hub.pause(FAILED_MS).await;
        let wrong = "This token is unknown, has ended, was revoked, or may not read.";
        return drawn(state, StatusCode::UNAUTHORIZED, back, wrong);
    };
    arrive(headers, &caller.name, token, back)
}

fn busy(state: &State, back: &str) -> Answer {
    let wrong = "Too many logins failed just now. Try again in a few seconds.";
    drawn(state, StatusCode::TOO_MANY_REQUESTS, back, wrong)
}

/// Takes the browser in: its cookie, and on to where it was going.
fn arrive(headers: &HeaderMap, name: &str, session: &str, back: &str) -> Answer {
    tracing::info!(actor = name, "logged in to the console");
    let cookie = session_cookie(session, behind_tls(headers));
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

/// Sends the browser to an identity provider.
pub(super) async fn begin(
    Extract(state): Extract<State>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Query(link): Query<Link>,
) -> Answer {
    let missing = || Fault::from(Problem::not_found("there is no such identity provider"));
    let provider = state.access.provider(&name).ok_or_else(missing)?;
    let back = local_path(link.back.as_deref());
    let begun = provider
        .begin(&state.access.logins, back, state.hub.now())
        .await
        .map_err(|reason| unreached(&reason))?;
    let (bound, address) = begun;
    // Lax: the browser comes back by a link of the provider's.
    let secure = if behind_tls(&headers) { "; Secure" } else { "" };
    let cookie = format!("{LOGIN_COOKIE}={bound}; Path=/login; Max-Age=600; HttpOnly; SameSite=Lax{secure}");
    let cookie = HeaderValue::from_str(&cookie).map_err(|_| missing())?;
    Ok(with_cookie(Redirect::to(&address).into_response(), cookie))
}

/// What the provider sends the browser back with.
#[derive(Deserialize)]
pub(super) struct Returned {
    #[serde(default)]
    state: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    error: String,
}

/// Takes the browser back from an identity provider.
pub(super) async fn returned(
    Extract(state): Extract<State>,
    headers: HeaderMap,
    Cookies(bound): Cookies,
    Query(returned): Query<Returned>,
) -> Answer {
    let now = state.hub.now();
    let same = !bound.is_empty() && bool::from(bound.as_bytes().ct_eq(returned.state.as_bytes()));
    let begun = if same { state.access.logins.take(&returned.state, now) } else { None };
    let Some(begun) = begun else {
        return drawn(
            &state,
            StatusCode::BAD_REQUEST,
            "/",
            "This login was not begun in this browser, or took too long.",
        );
    };
    let Some(provider) = state.access.provider(&begun.provider).filter(|_| returned.error.is_empty()) else {
        return drawn(
            &state,
            StatusCode::UNAUTHORIZED,
            local_path(Some(&begun.back)),
            "The identity provider did not let you in.",
        );
    };
    let principal = match provider.finish(&begun, &returned.code, now).await {
        Ok(principal) => principal,
        Err(reason) if reason.code == "unauthorised" => {
            tracing::warn!(code = "login-failed", "{}", reason.message);
            return drawn(&state, StatusCode::UNAUTHORIZED, local_path(Some(&begun.back)), &reason.message);
        }
        Err(reason) => return Err(unreached(&reason)),
    };
    if principal.roles.is_empty() {
        let wrong = "You are known, but none of your groups has a role here. Ask whoever runs this hub.";
        return drawn(&state, StatusCode::FORBIDDEN, "/", wrong);
    }
    let (caller, session) = state.access.begin_session(principal, now);
    tracing::info!(actor = caller.name, "logged in to the console");
    let cookie = HeaderValue::from_str(&session_cookie(&session, behind_tls(&headers)))
        .map_err(|_| Fault::from(Reason::new("internal-fault", "a session cannot be kept in a cookie")))?;
    let onward = Fault::Arrived { path: local_path(Some(&begun.back)).to_owned() };
    Ok(with_cookie(onward.into_response(), cookie))
}

/// The provider cannot be asked, or is not what it was said to be.
fn unreached(reason: &Reason) -> Fault {
    tracing::error!(code = reason.code, "{}", reason.message);
    Fault::from(Problem::busy(5_000, "the identity provider cannot be reached"))
}

/// What binds a login under way to the browser.
const LOGIN_COOKIE: &str = "lineshaft_login";

/// The value of that cookie.
pub(super) struct Cookies(String);

impl<S: Send + Sync> FromRequestParts<S> for Cookies {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(named_cookie(parts, LOGIN_COOKIE).unwrap_or_default().to_owned()))
    }
}

fn with_cookie(mut response: Response, cookie: HeaderValue) -> Response {
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    response
}

fn session_cookie(token: &str, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    let name = if secure.is_empty() { COOKIE } else { HOST_COOKIE };
    format!("{name}={token}; Path=/; Max-Age={KEPT_S}; HttpOnly; SameSite=Strict{secure}")
}

/// Whether the browser speaks TLS to whatever stands in front of the hub.
fn behind_tls(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    text("x-forwarded-proto") == "https" || text(header::ORIGIN.as_str()).starts_with("https://")
}

fn drawn(state: &State, status: StatusCode, back: &str, wrong: &str) -> Answer {
    let page = Page {
        style: STYLE.path(),
        icon: ICON.path(),
        back,
        wrong,
        people: state.access.has_users(),
        providers: state.access.login_providers(),
    };
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
        let secure = session_cookie("lsh_abc", true);
        assert!(secure.starts_with("__Host-lineshaft_session=") && secure.ends_with("; Secure"), "{secure}");
    }

    #[test]
    fn the_page_shows_what_was_wrong_and_keeps_the_way_back_as_text() {
        let page = Page {
            style: String::new(),
            icon: String::new(),
            back: "/x\"><b>",
            wrong: "no",
            people: true,
            providers: vec![("plant".to_owned(), "Plant".to_owned())],
        };
        let text = page.render().expect("it renders");
        assert!(text.contains("role=\"alert\"") && !text.contains("\"><b>"), "{text}");
    }
}
