//! One attempt to hand a document to the hub.

use std::fmt;
use std::time::Duration;

use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;

use bytes::Bytes;

use crate::config::HubAddress;
use crate::station::outbox::Document;

/// How long an attempt may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// The hub has it and will not lose it.
    Acknowledged,
    /// The hub will never take it.
    Refused(u16),
    /// To be sent again, after as long as the hub asked for.
    Again(Option<Duration>),
}

pub(crate) struct Poster {
    system: &'static str,
    token: Option<HeaderValue>,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl fmt::Debug for Poster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poster").field("system", &self.system).finish_non_exhaustive()
    }
}

impl Poster {
    pub(crate) fn new(system: &'static str, token: Option<String>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let token = token.and_then(|token| HeaderValue::from_str(&format!("Bearer {token}")).ok());
        Self { system, token, client: Client::builder(TokioExecutor::new()).build(connector) }
    }

    pub(crate) async fn post(&self, hub: &HubAddress, document: &Document) -> Sent {
        let uri = format!("{}/v1/in/{}/{}", hub.0.trim_end_matches('/'), self.system, document.source);
        let mut request = Request::post(uri).header(header::CONTENT_TYPE, document.content_type);
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, token);
        }
        let Ok(request) = request.body(Full::new(document.body.clone())) else {
            return Sent::Again(None);
        };
        match tokio::time::timeout(PATIENCE, self.exchange(request)).await {
            Ok(Some((status, retry_after))) => read_status(status, retry_after),
            Ok(None) | Err(_) => Sent::Again(None),
        }
    }

    /// The status and Retry-After, once the whole answer was read.
    async fn exchange(&self, request: Request<Full<Bytes>>) -> Option<(StatusCode, Option<Duration>)> {
        let response = self.client.request(request).await.ok()?;
        let status = response.status();
        let asked =
            response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        Limited::new(response.into_body(), 1 << 20).collect().await.ok()?;
        Some((status, asked.map(Duration::from_secs)))
    }
}

fn read_status(status: StatusCode, retry_after: Option<Duration>) -> Sent {
    match status.as_u16() {
        200..=299 => Sent::Acknowledged,
        // What the document itself is to blame for. Everything else may be mended on the other side.
        400 | 409 | 413 | 415 | 422 => Sent::Refused(status.as_u16()),
        _ => Sent::Again(retry_after),
    }
}
