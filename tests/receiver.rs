//! A system at the far end that keeps idempotency keys and counts what really happened: the independent witness.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;

/// Everything that reached the system.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// Bodies whose effect happened, in the order in which it happened.
    pub(crate) applied: Vec<Value>,
    /// How often each idempotency key came.
    pub(crate) calls: HashMap<String, u64>,
    /// Requests without a key.
    pub(crate) without_key: u64,
}

/// A system that takes any POST or PUT, applies each idempotency key once, and answers 200.
#[derive(Debug, Clone)]
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    effects: Arc<Mutex<Effects>>,
}

impl Receiver {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let receiver = Self { address: listener.local_addr().unwrap(), effects: Arc::default() };
        let serving = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let receiver = serving.clone();
                let service = service_fn(move |request| answer(receiver.clone(), request));
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        receiver
    }

    /// Looks at what has happened so far.
    pub(crate) fn look<T>(&self, at: impl FnOnce(&Effects) -> T) -> T {
        at(&self.effects.lock().unwrap())
    }

    fn apply(&self, key: Option<String>, body: Value) {
        let mut effects = self.effects.lock().unwrap();
        let Some(key) = key else {
            effects.without_key += 1;
            return;
        };
        let calls = effects.calls.entry(key).or_default();
        *calls += 1;
        if *calls == 1 {
            effects.applied.push(body);
        }
    }
}

async fn answer(receiver: Receiver, request: Request<Incoming>) -> hyper::Result<Response<Full<Bytes>>> {
    let key = request.headers().get("idempotency-key").and_then(|key| key.to_str().ok()).map(str::to_owned);
    let body = request.into_body().collect().await?.to_bytes();
    receiver.apply(key, serde_json::from_slice(&body).unwrap_or(Value::Null));
    Ok(Response::new(Full::new(Bytes::from_static(b"{}"))))
}
