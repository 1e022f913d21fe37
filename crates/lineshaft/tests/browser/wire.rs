//! HTTP as the tests need it: JSON to and from a port of this machine, and the same for the browser's driver.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use thirtyfour::error::{WebDriverError, WebDriverResult};
use thirtyfour::session::http::{Body, HttpClient};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A client of its own, so that the driver needs no further crate.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Wire {
    pub(super) fn new() -> Self {
        Self { client: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// Sends JSON; gives back status and body.
    pub(super) async fn json(
        &self,
        method: Method,
        url: &str,
        body: Option<&Value>,
    ) -> Result<Value, String> {
        let body = body.map_or_else(Vec::new, |value| value.to_string().into_bytes());
        let request = Request::builder()
            .method(method)
            .uri(url)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| error.to_string())?;
        let answer = self.answer(request).await?;
        if !answer.status().is_success() {
            return Err(format!("{url}: {} {}", answer.status(), String::from_utf8_lossy(answer.body())));
        }
        serde_json::from_slice(answer.body()).map_err(|error| format!("{url}: {error}"))
    }

    async fn answer(&self, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, String> {
        let whole = async {
            let (parts, body) =
                self.client.request(request).await.map_err(|error| error.to_string())?.into_parts();
            let bytes = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
            Ok(Response::from_parts(parts, bytes))
        };
        tokio::time::timeout(PATIENCE, whole).await.map_err(|_| String::from("no answer within a minute"))?
    }
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// As its attribute macro would write it.
impl HttpClient for Wire {
    fn send<'me, 'body, 'all>(
        &'me self,
        request: Request<Body<'body>>,
    ) -> Boxed<'all, WebDriverResult<Response<Bytes>>>
    where
        'me: 'all,
        'body: 'all,
        Self: 'all,
    {
        Box::pin(async move {
            let request = request.map(|body| match body {
                Body::Json(value) => Full::new(Bytes::from(value.to_string())),
                Body::Empty => Full::default(),
            });
            self.answer(request).await.map_err(WebDriverError::RequestFailed)
        })
    }

    fn new<'me, 'all>(&'me self) -> Boxed<'all, Arc<dyn HttpClient>>
    where
        'me: 'all,
        Self: 'all,
    {
        Box::pin(async { Arc::new(Self::new()) as Arc<dyn HttpClient> })
    }
}
