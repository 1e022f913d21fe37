//! Errors as RFC 9457 problems: the one place where a status code is chosen.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use lineshaft_model::{Position, Reason, Reasons};
use serde::Serialize;

/// An error as the caller sees it.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    body: Box<Body>,
    retry_after_s: Option<u64>,
    challenge: bool,
}

#[derive(Debug, Serialize)]
struct Body {
    #[serde(rename = "type")]
    kind: String,
    title: String,
    status: u16,
    code: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    detail: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    at: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    hint: String,
    /// Every reason, when there are several or one has a place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Reasons,
    /// Where a refused input is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    quarantined: Option<Position>,
}

impl Problem {
    /// A problem with the status that belongs to the reason's code.
    #[must_use]
    pub fn of(reason: Reason) -> Self {
        Self::with_status(status_of(&reason.code), reason)
    }

    /// A problem with a status of the handler's own.
    #[must_use]
    pub fn with_status(status: StatusCode, reason: Reason) -> Self {
        let body = Body {
            kind: format!("/problems/{}", reason.code),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            code: reason.code,
            detail: reason.message,
            at: reason.at,
            hint: reason.hint,
            errors: Vec::new(),
            quarantined: None,
        };
        Self {
            status,
            body: Box::new(body),
            retry_after_s: None,
            challenge: status == StatusCode::UNAUTHORIZED,
        }
    }

    /// A refused input that is kept in quarantine.
    #[must_use]
    pub fn refused(mut reasons: Reasons, position: Position) -> Self {
        let unnamed = || Reason::new("input-refused", "the input was refused");
        let first = reasons.first().cloned().unwrap_or_else(unnamed);
        let mut problem = Self::of(first);
        problem.body.quarantined = (!position.is_zero()).then_some(position);
        problem.body.errors = std::mem::take(&mut reasons);
        problem
    }

    /// Several reasons for one refusal, none of it kept.
    #[must_use]
    pub fn several(status: StatusCode, reasons: Reasons) -> Self {
        let unnamed = || Reason::new("request-refused", "the request was refused");
        let first = reasons.first().cloned().unwrap_or_else(unnamed);
        let mut problem = Self::with_status(status, first);
        problem.body.errors = reasons;
        problem
    }

    /// Every reason why nothing was done.
    #[must_use]
    pub fn all(reasons: Reasons) -> Self {
        let mut problem = Self::refused(reasons, Position::ZERO);
        if problem.body.errors.len() == 1 && problem.body.at.is_empty() {
            problem.body.errors.clear();
        }
        problem
    }

    /// The first reason of it.
    #[must_use]
    pub fn reason(&self) -> Reason {
        Reason::new(&*self.body.code, &*self.body.detail).at(&*self.body.at).hint(&*self.body.hint)
    }

    /// The reasons it names.
    #[must_use]
    pub fn errors(&self) -> &[Reason] {
        &self.body.errors
    }

    /// Nothing there, or nothing for this caller.
    #[must_use]
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::with_status(StatusCode::NOT_FOUND, Reason::new("not-found", what))
    }

    /// The hub cannot take it now.
    #[must_use]
    pub fn busy(after_ms: u64, why: impl Into<String>) -> Self {
        let reason =
            Reason::new("busy", why).hint("nothing was kept: send it again after Retry-After seconds");
        let mut problem = Self::with_status(StatusCode::SERVICE_UNAVAILABLE, reason);
        problem.retry_after_s = Some(after_ms.div_ceil(1000).max(1));
        problem
    }

    /// The status it answers with.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// What happened, as text.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.body.detail
    }

    /// What to do next, as text.
    #[must_use]
    pub fn hint(&self) -> &str {
        &self.body.hint
    }
}

/// The status of each code; what is malformed is 400 and what breaks a contract or a mapping 422.
fn status_of(code: &str) -> StatusCode {
    match code {
        "ownership-conflict"
        | "revision-conflict"
        | "not-a-dead-letter"
        | "not-quarantined"
        | "mended-meanwhile"
        | "job-not-so"
        | "no-proposal"
        | "outcome-not-known"
        | "process-not-waiting" => StatusCode::CONFLICT,
        "source-foreign" | "tenant-foreign" | "edit-not-allowed" | "second-person-needed" => {
            StatusCode::FORBIDDEN
        }
        "system-unknown"
        | "job-unknown"
        | "schedule-unknown"
        | "process-unknown"
        | "process-instance-unknown" => StatusCode::NOT_FOUND,
        "contract-violation"
        | "type-not-announced"
        | "unknown-code"
        | "document-empty"
        | "reason-missing"
        | "edit-without-change"
        | "destination-unknown"
        | "replay-too-fast"
        | "expression-malformed"
        | "edit-too-large"
        | "restart-not-mapped"
        | "restart-other-event"
        | "source-unknown"
        | "event-not-kept"
        | "too-many-deliveries" => StatusCode::UNPROCESSABLE_ENTITY,
        "hub-stopping" => StatusCode::SERVICE_UNAVAILABLE,
        "store-unreadable"
        | "views-unreadable"
        | "views-failed"
        | "views-damaged"
        | "views-unusable"
        | "views-other-journal"
        | "index-unreadable"
        | "record-unreadable"
        | "journal-corrupt"
        | "journal-unreadable"
        | "internal-fault" => StatusCode::INTERNAL_SERVER_ERROR,
        _ if code.starts_with("mapping-") || code.starts_with("contract-") => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        _ => StatusCode::BAD_REQUEST,
    }
}

impl From<Reason> for Problem {
    fn from(reason: Reason) -> Self {
        Self::of(reason)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        if self.status.is_server_error() && self.status != StatusCode::SERVICE_UNAVAILABLE {
            tracing::error!(code = self.body.code, "{}", self.body.detail);
        }
        let text = serde_json::to_vec(&self.body).unwrap_or_default();
        let mut response = (self.status, text).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"lineshaft\""));
        }
        response
    }
}
