//! The listener: our own accept loop, because a public port needs a header timeout and a bound on connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use http::{HeaderName, HeaderValue, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use lineshaft_engine::Handle;
use lineshaft_model::Reason;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::ServiceExt;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::state::State;

/// Bounds of the listener.
#[derive(Clone, Copy, Debug)]
pub struct ServeOptions {
    /// Connections at once; more wait in the kernel's queue.
    pub connections: usize,
    /// How long a caller may take to send its request's head.
    pub head_timeout: Duration,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self { connections: 4096, head_timeout: Duration::from_secs(10) }
    }
}

/// A port that is listened on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listening {
    /// The address, with the port that was given when 0 was asked for.
    pub address: SocketAddr,
}

/// Listens and serves until the hub stops.
pub async fn serve(
    address: SocketAddr,
    state: State,
    console: Router<State>,
    options: ServeOptions,
) -> Result<Listening, Reason> {
    let listener = TcpListener::bind(address).await.map_err(|error| {
        Reason::new("listen-failed", format!("cannot listen on {address}: {error}"))
            .at("listen")
            .hint("another process may have the port: choose another in lineshaft.yaml or with --listen")
    })?;
    let listening = listener.local_addr().map_err(|error| Reason::new("listen-failed", error.to_string()))?;
    let hub = state.hub.clone();
    let app = app(state, console);
    hub.supervisor().task("listener", accept(listener, app, hub.clone(), options));
    Ok(Listening { address: listening })
}

/// The whole application: API and console, with the headers every answer carries.
pub fn app(state: State, console: Router<State>) -> Router {
    let fixed = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
                  connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    crate::api::routes(&state)
        .merge(console)
        .fallback(crate::console::nothing_here)
        .with_state(state)
        .layer(fixed(header::CONTENT_SECURITY_POLICY, policy))
        .layer(fixed(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(fixed(header::REFERRER_POLICY, "same-origin"))
        .layer(fixed(header::X_FRAME_OPTIONS, "DENY"))
        .layer(fixed(header::CACHE_CONTROL, "no-store"))
}

async fn accept(listener: TcpListener, app: Router, hub: Handle, options: ServeOptions) {
    let slots = Arc::new(Semaphore::new(options.connections));
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = hub.stopping() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                let serving = connection(stream, peer, app.clone(), hub.clone(), options);
                hub.supervisor().serve("connection", async move {
                    serving.await;
                    drop(slot);
                });
            }
            Err(error) => {
                // Out of file handles, most likely: give the others time to finish.
                tracing::warn!(code = "accept-failed", "a connection could not be accepted: {error}");
                hub.pause(100).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, app: Router, hub: Handle, options: ServeOptions) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(options.head_timeout)
        .max_buf_size(64 * 1024)
        .half_close(false);
    let service = tower::service_fn(move |mut request: http::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(peer);
        app.clone().oneshot(request)
    });
    let serving = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    tokio::pin!(serving);
    tokio::select! {
        // A caller that goes away in the middle is no news.
        ended = &mut serving => drop(ended),
        () = hub.stopping() => {
            serving.as_mut().graceful_shutdown();
            tokio::select! {
                ended = serving => drop(ended),
                () = hub.pause(5_000) => {}
            }
        }
    }
}
