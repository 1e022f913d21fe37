//! The listener of a system: opens, refuses while the system is down, opens again on the same port.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::station::Station;
use crate::station::fault::Mode;
use crate::station::gate::{Cut, CutError};

/// How long an answer that is being written may still take when the system goes down.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// Opens a loopback port, 0 for any.
pub(crate) async fn open(port: u16) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Serves until stopped. `station` decides when the door is closed; without one it is always open.
pub(crate) async fn serve(
    station: Option<Arc<Station>>,
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    let Ok(address) = listener.local_addr() else { return };
    let mut changed = station.as_ref().map(|station| station.faults.watch());
    let mut door = Some(listener);
    let mut open_time = stop.child_token();
    loop {
        let down = station.as_ref().and_then(|station| station.faults.down());
        if let Some(until) = down {
            if door.take().is_some() {
                open_time.cancel();
                if let Some(station) = &station {
                    station.faults.note_strike(Mode::Down);
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = changed_or_never(changed.as_mut()) => {}
                () = sleep_until_or_never(until) => {}
            }
            continue;
        }
        let Some(listener) = door.as_ref() else {
            match TcpListener::bind(address).await {
                Ok(listener) => {
                    door = Some(listener);
                    open_time = stop.child_token();
                }
                Err(error) => {
                    tracing::warn!(%address, %error, "the port is taken, trying again");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
            continue;
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = changed_or_never(changed.as_mut()) => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    tasks.spawn(attend(stream, router.clone(), open_time.clone()));
                }
                Err(error) => {
                    tracing::warn!(%address, %error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        }
    }
}

async fn changed_or_never(changed: Option<&mut tokio::sync::watch::Receiver<u64>>) {
    match changed {
        Some(receiver) => {
            if receiver.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
        None => std::future::pending().await,
    }
}

async fn sleep_until_or_never(until: Option<tokio::time::Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}

/// One connection, until it ends or the door closes.
async fn attend(stream: TcpStream, router: Router, open_time: CancellationToken) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: http::Request<Incoming>| {
        let router = router.clone();
        async move {
            let answered = router.oneshot(request.map(Body::new)).await;
            let response = answered.map_err(|_| CutError)?;
            if response.extensions().get::<Cut>().is_some() { Err(CutError) } else { Ok(response) }
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(30))
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => {}
        () = open_time.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(LAST_WORDS, connection).await;
        }
    }
}
