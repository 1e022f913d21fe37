//! One request of the hub: its idempotency key and its JSON body.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::amount::Amount;
use crate::station::answer::Answer;

/// Largest body a system reads.
const BODY_BYTES: usize = 4 << 20;

#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) key: Option<String>,
    /// Of path and body, so that the same key with another request shows.
    pub(crate) fingerprint: u64,
    pub(crate) body: Value,
}

impl<S: Send + Sync> FromRequest<S> for Delivery {
    type Rejection = Response;

    async fn from_request(request: Request, _: &S) -> Result<Self, Response> {
        let key = request
            .headers()
            .get("idempotency-key")
            .and_then(|value| value.to_str().ok())
            .map(|text| text.trim_matches('"').to_owned())
            .filter(|text| !text.is_empty());
        let path = request.uri().path().to_owned();
        let body = to_bytes(request.into_body(), BODY_BYTES).await;
        let Ok(bytes) = body else {
            return Err(Answer::refused(413, "the body is larger than 4 MiB or broke off").into_response());
        };
        let body = serde_json::from_slice(&bytes).map_err(|error| {
            Answer::refused(400, format!("the body is not JSON: {error}")).into_response()
        })?;
        // DefaultHasher with fixed keys: the fingerprint lives no longer than the process.
        let mut hasher = DefaultHasher::new();
        (path, &bytes[..]).hash(&mut hasher);
        Ok(Self { key, fingerprint: hasher.finish(), body })
    }
}

/// Reading fields, with the refusal that names what was wrong.
pub(crate) trait Fields {
    fn text(&self, name: &str) -> Result<&str, Answer>;
    fn count(&self, name: &str) -> Result<u64, Answer>;
    fn amount(&self, name: &str) -> Result<Amount, Answer>;
    fn list(&self, name: &str) -> Result<&[Value], Answer>;
}

impl Fields for Value {
    fn text(&self, name: &str) -> Result<&str, Answer> {
        self.get(name)
            .and_then(Self::as_str)
            .filter(|text| !text.is_empty())
            .ok_or_else(|| Answer::missing(name))
    }

    /// A whole number, also when written as text.
    fn count(&self, name: &str) -> Result<u64, Answer> {
        let field = self.get(name);
        field
            .and_then(Self::as_u64)
            .or_else(|| field.and_then(Self::as_str).and_then(|text| text.parse().ok()))
            .ok_or_else(|| Answer::missing(name))
    }

    /// A decimal, as text or as a JSON number.
    fn amount(&self, name: &str) -> Result<Amount, Answer> {
        let read = match self.get(name) {
            Some(Self::String(text)) => Amount::parse(text),
            Some(Self::Number(number)) => Amount::parse(&number.to_string()),
            _ => None,
        };
        read.ok_or_else(|| Answer::missing(name))
    }

    fn list(&self, name: &str) -> Result<&[Value], Answer> {
        self.get(name).and_then(Self::as_array).map(Vec::as_slice).ok_or_else(|| Answer::missing(name))
    }
}
