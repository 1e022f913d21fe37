//! Spans to an OpenTelemetry collector: OTLP over HTTP with protobuf bodies.
//!
//! <https://opentelemetry.io/docs/specs/otlp/>

mod message;

use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::Full;
use lineshaft_connectors::{SecretText, Secrets};
use lineshaft_model::{Reason, Reasons};
use lineshaft_ports::{NotExported, Span, SpanExport};
use secrecy::ExposeSecret;

use crate::client::{Plain, plain_client};
use crate::workspace::settings::Otlp;

/// How long a collector may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// A collector.
pub(crate) struct Collector {
    traces: Uri,
    headers: HeaderMap,
    service: String,
    client: Plain,
}

impl std::fmt::Debug for Collector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collector").field("traces", &self.traces).finish_non_exhaustive()
    }
}

impl Collector {
    /// The collector that the settings name; every reason why it cannot be used.
    pub(crate) fn of(settings: &Otlp, secrets: &dyn Secrets) -> Result<Self, Reasons> {
        let mut reasons = Reasons::new();
        // The loader has refused an endpoint that is none.
        let traces = settings.traces().unwrap_or_default();
        let mut headers = HeaderMap::new();
        for (name, value) in &settings.headers {
            match header_of(name, value, secrets) {
                Ok((name, value)) => drop(headers.insert(name, value)),
                Err(reason) => reasons.push(reason),
            }
        }
        let client = plain_client()
            .map_err(|error| vec![Reason::new("tls-unusable", format!("TLS cannot be set up: {error}"))])?;
        if reasons.is_empty() {
            Ok(Self { traces, headers, service: settings.service.clone(), client })
        } else {
            Err(reasons)
        }
    }

    async fn send(&self, spans: &[Span]) -> Result<(), NotExported> {
        let again = |why: String| NotExported::Again { after_ms: None, why };
        let refused = |why: String| NotExported::Refused { why };
        let body = Bytes::from(message::request(&self.service, spans));
        let mut request = Request::post(&self.traces)
            .header(header::CONTENT_TYPE, "application/x-protobuf")
            .body(Full::new(body))
            .map_err(|error| refused(error.to_string()))?;
        request.headers_mut().extend(self.headers.clone());
        let answer = tokio::time::timeout(PATIENCE, self.client.request(request)).await;
        let answer = answer
            .map_err(|_| again(format!("{} did not answer within {PATIENCE:?}", self.traces)))?
            .map_err(|error| again(format!("{}: {error}", self.traces)))?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            // What the protocol names as worth another attempt.
            status @ (StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT) => {
                let seconds = answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
                let seconds: Option<u64> = seconds.and_then(|text| text.parse().ok());
                let after_ms = seconds.map(|seconds| seconds.saturating_mul(1_000));
                Err(NotExported::Again { after_ms, why: format!("{} answered {status}", self.traces) })
            }
            status => Err(refused(format!("{} answered {status}", self.traces))),
        }
    }
}

impl SpanExport for Collector {
    fn export<'a>(&'a self, spans: &'a [Span]) -> BoxFuture<'a, Result<(), NotExported>> {
        Box::pin(self.send(spans))
    }
}

fn header_of(name: &str, value: &str, secrets: &dyn Secrets) -> Result<(HeaderName, HeaderValue), Reason> {
    let at = format!("/telemetry/otlp/headers/{name}");
    let unfit = |what: &str| {
        Reason::new("telemetry-header", format!("that is no {what} of a header"))
            .at(at.clone())
            .hint("write for instance { authorization: \"Bearer ${secret:otlp-token}\" }")
    };
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unfit("name"))?;
    let text = SecretText::parse(value, &at)?.resolve(secrets)?;
    let mut value = HeaderValue::from_str(text.expose_secret()).map_err(|_| unfit("value"))?;
    value.set_sensitive(true);
    Ok((name, value))
}
