//! An idempotent counting sink: the destination of tests, with an external ledger that survives whoever is killed.
//!
//! It takes any method on any path. The first path segment is the operation. It reads the business key, the revision and the
//! event's id from the body, remembers idempotency keys, and counts an effect for every request whose key is new.

mod ledger_file;
mod record;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Router, middleware};
use http::StatusCode;
use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::ScenarioClock;
use crate::station::fault::{Fault, Faults, Mode};
use crate::station::ledger::Ledger;
use crate::station::outbox::Outbox;
use crate::station::{Station, gate, server};
use crate::story::StoryBoard;
use ledger_file::LedgerFile;
pub use record::Arrival;

/// What a sink is started with.
#[derive(Clone, Debug)]
pub struct SinkConfig {
    /// 0 lets the operating system choose.
    pub port: u16,
    pub seed: u64,
    /// A file that has a line for every effect, on disk before the answer leaves.
    pub ledger: Option<PathBuf>,
    /// The bearer token it wants to see, if any.
    pub token: Option<String>,
    /// JSON pointers into the body: the business key, the revision, the event's id.
    pub key_pointer: String,
    pub revision_pointer: String,
    pub id_pointer: String,
}

impl Default for SinkConfig {
    fn default() -> Self {
        Self {
            port: 0,
            seed: 1,
            ledger: None,
            token: None,
            key_pointer: "/subject".to_owned(),
            revision_pointer: "/revision".to_owned(),
            id_pointer: "/id".to_owned(),
        }
    }
}

/// Sums of a sink.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SinkTotals {
    /// Requests that were read.
    pub requests: u64,
    /// Effects, doubles counted too.
    pub effects: u64,
    /// Effects of an (operation, id) beyond its first. Must be 0.
    pub doubles: u64,
    /// Keys seen again with the same body: answered, no effect.
    pub replays: u64,
    /// Keys seen again with another body. Must be 0.
    pub key_conflicts: u64,
    pub without_key: u64,
    /// Effects with a revision below an earlier one of the same business key. Must be 0.
    pub out_of_order: u64,
    /// Requests whose body was not JSON or lacked the id.
    pub unreadable: u64,
}

#[derive(Debug, Default)]
struct Book {
    keys: HashMap<String, u64>,
    effects: HashMap<(String, String), u64>,
    arrivals: BTreeMap<String, Vec<Arrival>>,
    latest: HashMap<(String, String), u64>,
    totals: SinkTotals,
    sequence: u64,
}

#[derive(Debug)]
struct Counter {
    config: SinkConfig,
    book: Mutex<Book>,
    file: Option<LedgerFile>,
    effects: watch::Sender<u64>,
}

/// A running sink. Dropping it ends it.
#[derive(Debug)]
pub struct Sink {
    address: SocketAddr,
    counter: Arc<Counter>,
    station: Arc<Station>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Sink {
    /// Opens the port and the ledger. An existing ledger is appended to, not read.
    pub async fn start(config: SinkConfig) -> io::Result<Self> {
        let (listener, address) = server::open(config.port).await?;
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let file = config.ledger.as_ref().map(|path| LedgerFile::open(path, &tasks)).transpose()?;
        let (_, no_hub) = watch::channel(None);
        let station = Arc::new(Station {
            name: "sink",
            clock: ScenarioClock::start(jiff::Timestamp::UNIX_EPOCH, 1),
            faults: Faults::new(config.seed, "sink"),
            ledger: Mutex::new(Ledger::default()),
            outbox: Outbox::new("sink", no_hub, None, None, config.seed),
            story: Arc::new(StoryBoard::default()),
            token: config.token.clone(),
        });
        let counter =
            Arc::new(Counter { config, book: Mutex::default(), file, effects: watch::Sender::new(0) });
        let router = Router::new()
            .fallback(take)
            .with_state(Arc::clone(&counter))
            .layer(middleware::from_fn_with_state(Arc::clone(&station), gate::gate));
        tasks.spawn(server::serve(Some(Arc::clone(&station)), listener, router, stop.clone(), tasks.clone()));
        Ok(Self { address, counter, station, stop, tasks })
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    #[must_use]
    pub fn totals(&self) -> SinkTotals {
        self.counter.book.lock().totals
    }

    /// How often each (operation, event id) had an effect.
    #[must_use]
    pub fn effects(&self) -> HashMap<(String, String), u64> {
        self.counter.book.lock().effects.clone()
    }

    /// What arrived for a business key, in the order of arrival. Replays are no arrivals.
    #[must_use]
    pub fn arrivals(&self, business_key: &str) -> Vec<Arrival> {
        self.counter.book.lock().arrivals.get(business_key).cloned().unwrap_or_default()
    }

    /// Every business key that had an effect, sorted.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        self.counter.book.lock().arrivals.keys().cloned().collect()
    }

    /// Waits until at least `count` effects happened; false when that took longer than `patience`.
    pub async fn wait_for(&self, count: u64, patience: Duration) -> bool {
        let mut effects = self.counter.effects.subscribe();
        let waited = tokio::time::timeout(patience, effects.wait_for(|seen| *seen >= count)).await;
        waited.is_ok_and(|seen| seen.is_ok())
    }

    /// Breaks the sink.
    pub fn fault(&self, fault: Fault) {
        self.station.faults.set(fault);
    }

    /// Heals one mode.
    pub fn heal(&self, mode: Mode) {
        self.station.faults.clear(Some(mode));
    }

    /// Heals everything.
    pub fn heal_all(&self) {
        self.station.faults.clear(None);
    }

    /// How often each fault struck.
    #[must_use]
    pub fn struck(&self) -> BTreeMap<String, u64> {
        self.station.faults.struck()
    }

    /// Ends everything and waits for it.
    pub async fn shutdown(self) {
        let Self { counter, station, stop, tasks, .. } = self;
        stop.cancel();
        drop((counter, station));
        tasks.close();
        tasks.wait().await;
    }
}

async fn take(State(counter): State<Arc<Counter>>, request: Request) -> Response {
    match counter.take(request).await {
        Ok(status) => status.into_response(),
        Err((status, why)) => (status, why).into_response(),
    }
}

impl Counter {
    async fn take(&self, request: Request) -> Result<StatusCode, (StatusCode, String)> {
        let asked = record::Asked::read(request, &self.config).await.map_err(|why| {
            self.book.lock().totals.unreadable += 1;
            (StatusCode::BAD_REQUEST, why)
        })?;
        let arrival = {
            let mut book = self.book.lock();
            match book.admit(&asked) {
                Ok(Some(arrival)) => arrival,
                Ok(None) => return Ok(StatusCode::OK),
                Err(why) => return Err((StatusCode::UNPROCESSABLE_ENTITY, why)),
            }
        };
        if let Some(file) = &self.file {
            let line = record::line(&asked, &arrival);
            file.write(line).await.map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
        }
        self.effects.send_modify(|count| *count += 1);
        Ok(StatusCode::CREATED)
    }
}

#[cfg(test)]
mod tests;
