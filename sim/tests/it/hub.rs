//! A hub of a few lines: takes documents, keeps them, and may pass them on or refuse them for a while.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};

use lineshaft_sim::HubAddress;

/// A document as it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) system: String,
    pub(crate) source: String,
    pub(crate) body: String,
}

#[derive(Debug)]
struct Desk {
    taken: Mutex<Vec<Taken>>,
    refusals_left: Mutex<u32>,
    count: watch::Sender<usize>,
    pass_on: Option<mpsc::Sender<Taken>>,
}

#[derive(Debug)]
pub(crate) struct Hub {
    address: SocketAddr,
    desk: Arc<Desk>,
}

impl Hub {
    /// Answers the first `refusals` documents with 503.
    pub(crate) async fn start(refusals: u32, pass_on: Option<mpsc::Sender<Taken>>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let desk = Arc::new(Desk {
            taken: Mutex::default(),
            refusals_left: Mutex::new(refusals),
            count: watch::Sender::new(0),
            pass_on,
        });
        let router =
            Router::new().route("/v1/in/{system}/{source}", post(take)).with_state(Arc::clone(&desk));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, desk }
    }

    pub(crate) fn address(&self) -> HubAddress {
        HubAddress(format!("http://{}", self.address))
    }

    pub(crate) fn taken(&self) -> Vec<Taken> {
        self.desk.taken.lock().clone()
    }

    /// Waits for that many documents; the deadline only ends a test that hangs.
    pub(crate) async fn wait_for(&self, count: usize) {
        let mut seen = self.desk.count.subscribe();
        tokio::time::timeout(Duration::from_secs(20), seen.wait_for(|seen| *seen >= count))
            .await
            .expect("enough documents within twenty seconds")
            .unwrap();
    }
}

async fn take(
    State(desk): State<Arc<Desk>>,
    Path((system, source)): Path<(String, String)>,
    body: String,
) -> StatusCode {
    {
        let mut left = desk.refusals_left.lock();
        if *left > 0 {
            *left -= 1;
            return StatusCode::SERVICE_UNAVAILABLE;
        }
    }
    let taken = Taken { system, source, body };
    if let Some(pass_on) = &desk.pass_on {
        pass_on.send(taken.clone()).await.unwrap();
    }
    desk.taken.lock().push(taken);
    desk.count.send_modify(|count| *count += 1);
    StatusCode::ACCEPTED
}
