//! A small HTTP client for the hub's own API: typed answers, problems as failures, everything bounded.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Method, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use lineshaft_model::{Reason, Reasons};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::failure::{Exit, Failure};

/// The longest answer that is read, in bytes.
const MOST_ANSWER_BYTES: usize = 64 << 20;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest event of a stream, in bytes.
const MOST_LINE_BYTES: usize = 4 << 20;

/// HTTP/1.1 with or without TLS.
pub(crate) type Plain = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// A client that trusts the well-known authorities.
pub(crate) fn plain_client() -> Result<Plain, rustls::Error> {
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_connect_timeout(Some(Duration::from_secs(10)));
    let connector = HttpsConnectorBuilder::new()
        .with_provider_and_webpki_roots(provider)?
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    Ok(Client::builder(TokioExecutor::new()).build(connector))
}

/// A hub and how it is spoken to.
pub struct Hub {
    base: String,
    token: Option<String>,
    client: Plain,
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub").field("base", &self.base).finish_non_exhaustive()
    }
}

impl Hub {
    /// The hub at an address such as `http://127.0.0.1:7070`.
    pub fn at(address: &str, token: Option<String>) -> Result<Self, Failure> {
        let hint = "write for instance http://127.0.0.1:7070";
        let unfit =
            |why: &str| Failure::wrong_use(format!("`{address}` is no address of a hub: {why}"), hint);
        let uri: Uri = address.parse().map_err(|_| unfit("it is not a URL"))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.authority().is_none() {
            return Err(unfit("it does not begin with http:// or https://"));
        }
        let client = plain_client().map_err(|error| unfit(&error.to_string()))?;
        Ok(Self { base: address.trim_end_matches('/').to_owned(), token, client })
    }

    /// `GET`, and what the answer says.
    pub async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T, Failure> {
        let answer = self.send(Method::GET, path, query, Bytes::new(), None).await?;
        self.decoded(path, answer).await
    }

    /// `POST` of JSON, and what the answer says.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Failure> {
        let body = serde_json::to_vec(body).map_err(|error| unreadable(path, &error.to_string()))?;
        let answer = self.send(Method::POST, path, &[], Bytes::from(body), None).await?;
        self.decoded(path, answer).await
    }

    /// `POST` without a body, its parameters in the address, and what the answer says.
    pub async fn post_with<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, Failure> {
        let answer = self.send(Method::POST, path, query, Bytes::new(), None).await?;
        self.decoded(path, answer).await
    }

    /// A stream of server-sent events from behind the one with this id.
    pub async fn stream(&self, path: &str, last_id: Option<&str>) -> Result<Events, Failure> {
        let answer = self.send(Method::GET, path, &[], Bytes::new(), last_id).await?;
        Ok(Events { body: answer.into_body(), buffer: BytesMut::new() })
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Bytes,
        last_id: Option<&str>,
    ) -> Result<Response<Incoming>, Failure> {
        let mut uri = format!("{}{path}", self.base);
        for (n, (name, value)) in query.iter().enumerate() {
            uri.push(if n == 0 { '?' } else { '&' });
            uri.push_str(&format!("{name}={}", escaped(value)));
        }
        let mut request =
            Request::builder().method(method).uri(uri).header(header::ACCEPT, "application/json");
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        let request = request.body(Full::new(body)).map_err(|error| {
            Failure::wrong_use(format!("the request cannot be made: {error}"), "look at the arguments")
        })?;
        let answer = tokio::time::timeout(PATIENCE, self.client.request(request)).await;
        let answer = answer.map_err(|_| self.away("it did not answer within a minute"))?;
        let answer = answer.map_err(|error| self.away(&chain(&error)))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        Err(self.problem(path, answer).await)
    }

    async fn decoded<T: DeserializeOwned>(
        &self,
        path: &str,
        answer: Response<Incoming>,
    ) -> Result<T, Failure> {
        let bytes = self.collected(answer).await?;
        serde_json::from_slice(&bytes).map_err(|error| unreadable(path, &error.to_string()))
    }

    async fn collected(&self, answer: Response<Incoming>) -> Result<Bytes, Failure> {
        let body = http_body_util::Limited::new(answer.into_body(), MOST_ANSWER_BYTES).collect();
        let body = tokio::time::timeout(PATIENCE, body).await;
        let body = body.map_err(|_| self.away("its answer did not end within a minute"))?;
        Ok(body.map_err(|error| self.away(&error.to_string()))?.to_bytes())
    }

    /// An RFC 9457 problem as a failure.
    async fn problem(&self, path: &str, answer: Response<Incoming>) -> Failure {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Problem {
            code: String,
            title: String,
            detail: String,
            at: String,
            hint: String,
            errors: Reasons,
        }
        let status = answer.status();
        let bytes = match self.collected(answer).await {
            Ok(bytes) => bytes,
            Err(failure) => return failure,
        };
        let problem: Problem = serde_json::from_slice(&bytes).unwrap_or_default();
        let code = if problem.code.is_empty() { "request-refused".to_owned() } else { problem.code };
        let message = [problem.detail, problem.title].into_iter().find(|text| !text.is_empty());
        let message = message.unwrap_or_else(|| format!("the hub answered {status} to {path}"));
        let hint = match (problem.hint.is_empty(), status) {
            (true, StatusCode::UNAUTHORIZED) => {
                "give --token, LINESHAFT_TOKEN, or the workspace of the hub with --workspace".to_owned()
            }
            (_, _) => problem.hint,
        };
        let first = Reason::new(code, message).at(problem.at).hint(hint);
        let mut reasons = problem.errors;
        if !reasons.iter().any(|reason| reason.code == first.code && reason.message == first.message) {
            reasons.insert(0, first);
        }
        Failure { exit: Exit::Problems, reasons }
    }

    fn away(&self, why: &str) -> Failure {
        Failure::not_reached(
            Reason::new("hub-not-reached", format!("the hub cannot be reached: {why}"))
                .at(self.base.clone())
                .hint("start it with `lineshaft run DIR`, or name it with --hub or LINESHAFT_HUB"),
        )
    }
}

fn unreadable(path: &str, why: &str) -> Failure {
    Failure::problem(
        Reason::new("answer-unreadable", format!("the hub's answer cannot be read: {why}"))
            .at(path)
            .hint("use the same version of the command line and of the hub"),
    )
}

/// An error with its causes, once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = inner.source();
    }
    text
}

/// Percent-encoded, so that it stays one segment of a path or one value of a query.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                escaped.push(char::from(byte));
            }
            other => escaped.push_str(&format!("%{other:02X}")),
        }
    }
    escaped
}

/// Server-sent events as they come.
#[derive(Debug)]
pub struct Events {
    body: Incoming,
    buffer: BytesMut,
}

impl Events {
    /// The data of the next event; `None` when the hub has ended the stream.
    pub async fn next(&mut self) -> Result<Option<String>, Failure> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let event = self.buffer.split_to(end + 2);
                let text = String::from_utf8_lossy(&event);
                let data: Vec<&str> =
                    text.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim_start).collect();
                if data.is_empty() {
                    // A comment that keeps the connection alive.
                    continue;
                }
                return Ok(Some(data.join("\n")));
            }
            if self.buffer.len() > MOST_LINE_BYTES {
                return Err(unreadable("/v1/events/stream", "one event is too long"));
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
                Some(Err(error)) => {
                    let reason = Reason::new("hub-not-reached", format!("the stream ended: {error}"));
                    return Err(Failure::not_reached(
                        reason.hint("the hub may have stopped: start it, then try again"),
                    ));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_checked_before_anything_is_sent() {
        for bad in ["", "localhost:7070", "ftp://a", "http://", "http://a b"] {
            assert_eq!(Hub::at(bad, None).unwrap_err().exit, Exit::WrongUse, "{bad}");
        }
        let hub = Hub::at("http://127.0.0.1:7070/", Some("lsh_canary".to_owned())).unwrap();
        assert!(!format!("{hub:?}").contains("canary"));
    }

    #[test]
    fn keys_stay_one_segment() {
        assert_eq!(escaped("BOLT/A-01 ü?"), "BOLT%2FA-01%20%C3%BC%3F");
    }

    #[tokio::test]
    async fn a_hub_that_is_not_there_is_said() {
        let hub = Hub::at("http://127.0.0.1:9", None).unwrap();
        let failure = hub.get::<serde_json::Value>("/v1/balance", &[]).await.unwrap_err();
        assert_eq!((failure.exit, failure.reasons[0].code.as_str()), (Exit::NotReached, "hub-not-reached"));
    }
}
