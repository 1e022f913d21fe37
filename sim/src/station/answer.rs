//! What a system answers.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

/// A status and a JSON body, small enough to keep beside its idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    status: StatusCode,
    body: Value,
}

impl Answer {
    pub(crate) fn ok(body: Value) -> Self {
        Self { status: StatusCode::OK, body }
    }

    pub(crate) fn created(body: Value) -> Self {
        Self { status: StatusCode::CREATED, body }
    }

    /// A refusal that another attempt will not change.
    pub(crate) fn refused(status: u16, message: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        let code = status.canonical_reason().unwrap_or("refused");
        Self {
            status,
            body: json!({ "error": { "code": code, "message": { "lang": "en", "value": message.into() } } }),
        }
    }

    pub(crate) fn missing(what: &str) -> Self {
        Self::refused(400, format!("`{what}` is missing or has the wrong form"))
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::refused(404, format!("there is no {what}"))
    }

    pub(crate) fn is_success(&self) -> bool {
        self.status.is_success()
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body.to_string()));
        *response.status_mut() = self.status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}
