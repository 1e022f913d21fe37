//! The gate before a system's business routes: token and faults.

use std::fmt;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Method, StatusCode, header};

use crate::station::Station;
use crate::station::answer::Answer;
use crate::station::fault::Verdict;

/// A mark on a response: end the connection instead of sending it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut;

/// Why a connection ended without an answer.
#[derive(Debug)]
pub(crate) struct CutError;

impl fmt::Display for CutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection was cut by a fault")
    }
}

impl std::error::Error for CutError {}

pub(crate) async fn gate(State(station): State<Arc<Station>>, request: Request, next: Next) -> Response {
    if let Some(token) = &station.token {
        let shown = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        if shown.and_then(|text| text.strip_prefix("Bearer ")) != Some(token.as_str()) {
            return Answer::refused(401, "the bearer token is missing or wrong").into_response();
        }
    }
    let (late, verdict) = station.faults.judge();
    if !late.is_zero() {
        tokio::time::sleep(late).await;
    }
    let writes = request.method() != Method::GET;
    match verdict {
        Verdict::Serve => next.run(request).await,
        Verdict::Reset => cut(),
        Verdict::Error => Answer::refused(503, "out of order, on demand").into_response(),
        Verdict::TooMany { after_s, turn } => too_many(after_s, turn),
        Verdict::Refuse if writes => Answer::refused(422, "refused on demand").into_response(),
        Verdict::Refuse => next.run(request).await,
        Verdict::LoseAnswer => {
            drop(next.run(request).await);
            cut()
        }
        Verdict::Garble => {
            let mut answer = next.run(request).await;
            *answer.body_mut() = Body::from("<html><body>It works!</body>");
            answer.headers_mut().remove(header::CONTENT_LENGTH);
            answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
            answer
        }
    }
}

fn cut() -> Response {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(Cut);
    response
}

/// 429 with each form of Retry-After that is seen in the wild, in turn.
fn too_many(after_s: u64, turn: u64) -> Response {
    let mut response = Answer::refused(429, "too many requests").into_response();
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    let value = match turn % 4 {
        1 => Some(after_s.to_string()),
        2 => Some(http_date(after_s)),
        3 => Some("in a little while".to_owned()),
        _ => None,
    };
    if let Some(value) = value.and_then(|text| HeaderValue::from_str(&text).ok()) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}

/// An HTTP date some seconds from now (RFC 9110, 5.6.7).
fn http_date(after_s: u64) -> String {
    let moment = crate::clock::after(jiff::Timestamp::now(), after_s.saturating_mul(1000));
    moment.to_zoned(jiff::tz::TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
