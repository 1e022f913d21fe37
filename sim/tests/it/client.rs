//! A caller of the simulated systems, as the hub is one.

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

#[derive(Clone, Debug)]
pub(crate) struct Caller {
    client: Client<HttpConnector, Full<Bytes>>,
}

/// A status, its headers and the JSON body; null when it was none.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
    pub(crate) text: String,
}

impl Caller {
    pub(crate) fn new() -> Self {
        // A connection a call: a test sees the fault it set, not a connection kept from before.
        Self { client: Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http() }
    }

    /// `None` when the connection was refused or ended without an answer.
    pub(crate) async fn call(
        &self,
        method: Method,
        url: &str,
        key: Option<&str>,
        body: &Value,
    ) -> Option<Reply> {
        let mut request =
            Request::builder().method(method).uri(url).header("content-type", "application/json");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let response = self.client.request(request.body(Full::new(body)).unwrap()).await.ok()?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.into_body().collect().await.ok()?.to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Some(Reply { status, headers, body: serde_json::from_slice(&bytes).unwrap_or_default(), text })
    }

    pub(crate) async fn put(&self, url: &str, key: &str, body: &Value) -> Option<Reply> {
        self.call(Method::PUT, url, Some(key), body).await
    }

    pub(crate) async fn post(&self, url: &str, key: &str, body: &Value) -> Option<Reply> {
        self.call(Method::POST, url, Some(key), body).await
    }

    pub(crate) async fn get(&self, url: &str) -> Option<Reply> {
        self.call(Method::GET, url, None, &Value::Null).await
    }
}
