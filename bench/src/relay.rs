//! The bare relay: axum in, three posts out, nothing checked, nothing stored. What the hub is held against.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, Request, StatusCode, Uri, header};
use axum::routing::post;
use futures::future::try_join_all;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::machine::Outcome;

#[derive(Clone)]
struct Relay {
    client: Client<HttpConnector, Full<Bytes>>,
    to: [Uri; 3],
}

/// Serves until the process is ended.
pub async fn serve(listen: SocketAddr, to: SocketAddr) -> Outcome<()> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let uri = |system: &str| format!("http://{to}/{system}/confirmations").parse::<Uri>();
    let relay = Relay { client, to: [uri("erp")?, uri("wms")?, uri("aps")?] };
    let routes = Router::new().route("/in", post(forward)).with_state(relay);
    let listener = tokio::net::TcpListener::bind(listen).await?;
    axum::serve(listener, routes).await?;
    Ok(())
}

/// Answers when all three have: the next of the same connection, and so of the same key, is sent after that.
async fn forward(State(relay): State<Relay>, body: Bytes) -> StatusCode {
    let posts = relay.to.iter().map(|to| post_to(&relay.client, to.clone(), body.clone()));
    match try_join_all(posts).await {
        Ok(_) => StatusCode::OK,
        Err(_) => StatusCode::BAD_GATEWAY,
    }
}

async fn post_to(client: &Client<HttpConnector, Full<Bytes>>, to: Uri, body: Bytes) -> Outcome<()> {
    let request = Request::builder()
        .method(Method::POST)
        .uri(to)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(body))?;
    let answer = client.request(request).await?;
    if !answer.status().is_success() {
        return Err("refused".into());
    }
    answer.into_body().collect().await?;
    Ok(())
}
