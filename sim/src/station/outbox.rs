//! What a system owes the hub. Everything is sent again until the hub acknowledges it, in order per business key.

mod post;

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::config::HubAddress;
use crate::dice::Dice;
use crate::station::Station;
use crate::station::fault::Mode;
use crate::story::Note;
use post::{Poster, Sent};

/// Documents of one key always take the same lane; lanes run side by side.
const LANES: usize = 8;

/// One document on its way to `POST /v1/in/{system}/{source}`.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) source: &'static str,
    /// What keeps its order.
    pub(crate) key: String,
    /// Its own name, for the story and for a dropped file.
    pub(crate) id: String,
    pub(crate) content_type: &'static str,
    pub(crate) body: Bytes,
}

impl Document {
    pub(crate) fn json(source: &'static str, key: &str, id: &str, body: &Value) -> Self {
        let body = Bytes::from(body.to_string());
        Self { source, key: key.to_owned(), id: id.to_owned(), content_type: "application/json", body }
    }

    pub(crate) fn csv(source: &'static str, key: &str, id: &str, text: String) -> Self {
        let body = Bytes::from(text);
        Self { source, key: key.to_owned(), id: id.to_owned(), content_type: "text/csv", body }
    }
}

/// Sums of an outbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OutboxTotals {
    /// Documents the system wanted the hub to have.
    pub written: u64,
    /// Of these, acknowledged by the hub or dropped as a file.
    pub acknowledged: u64,
    /// Of these, refused by the hub for good.
    pub refused: u64,
    /// Of these, still on their way.
    pub waiting: u64,
    /// Attempts that had to be repeated.
    pub repeated: u64,
    /// Acknowledged documents sent a second time on demand.
    pub duplicates_sent: u64,
    /// Documents sent after the one that follows them, on demand.
    pub reordered: u64,
    /// Broken documents sent on demand; they are no part of `written`.
    pub garbage_sent: u64,
}

#[derive(Debug, Default)]
struct Lane {
    waiting: Mutex<VecDeque<Document>>,
    more: Notify,
}

#[derive(Debug)]
pub(crate) struct Outbox {
    lanes: Vec<Lane>,
    totals: Mutex<OutboxTotals>,
    by_source: Mutex<HashMap<&'static str, u64>>,
    hub: watch::Receiver<Option<HubAddress>>,
    drop_folder: Option<PathBuf>,
    poster: Poster,
    seed: u64,
}

impl Outbox {
    pub(crate) fn new(
        system: &'static str,
        hub: watch::Receiver<Option<HubAddress>>,
        token: Option<String>,
        drop_folder: Option<PathBuf>,
        seed: u64,
    ) -> Self {
        Self {
            lanes: (0..LANES).map(|_| Lane::default()).collect(),
            totals: Mutex::default(),
            by_source: Mutex::default(),
            hub,
            drop_folder,
            poster: Poster::new(system, token),
            seed,
        }
    }

    pub(crate) fn push(&self, document: Document) {
        {
            let mut totals = self.totals.lock();
            totals.written += 1;
            totals.waiting += 1;
        }
        let spread = Dice::for_name(0, &document.key).roll();
        let index = usize::try_from(spread % 8).unwrap_or(0) % LANES;
        if let Some(lane) = self.lanes.get(index) {
            lane.waiting.lock().push_back(document);
            lane.more.notify_one();
        }
    }

    pub(crate) fn totals(&self) -> OutboxTotals {
        *self.totals.lock()
    }

    /// Acknowledged documents by source.
    pub(crate) fn acknowledged(&self) -> HashMap<&'static str, u64> {
        self.by_source.lock().clone()
    }

    /// Works one lane until stopped.
    pub(crate) async fn work(station: Arc<Station>, index: usize, stop: CancellationToken) {
        let outbox = &station.outbox;
        let Some(lane) = outbox.lanes.get(index) else { return };
        let name = format!("lane {index} of {}", station.name);
        let mut sender =
            Sender { station: &station, hub: outbox.hub.clone(), dice: Dice::for_name(outbox.seed, &name) };
        let work = async {
            loop {
                let document = lane.next().await;
                match station.faults.strikes(Mode::OutOfOrder) {
                    Some(fault) => {
                        let patience = Duration::from_millis(fault.delay_ms);
                        if let Ok(following) = tokio::time::timeout(patience, lane.next()).await {
                            outbox.totals.lock().reordered += 1;
                            sender.deliver(following).await;
                        }
                        sender.deliver(document).await;
                    }
                    None => sender.deliver(document).await,
                }
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = work => {}
        }
    }

    /// How many lanes there are to work.
    pub(crate) const fn lanes() -> usize {
        LANES
    }
}

impl Lane {
    async fn next(&self) -> Document {
        loop {
            if let Some(document) = self.waiting.lock().pop_front() {
                return document;
            }
            self.more.notified().await;
        }
    }
}

/// The patience of one lane.
struct Sender<'a> {
    station: &'a Arc<Station>,
    hub: watch::Receiver<Option<HubAddress>>,
    dice: Dice,
}

impl Sender<'_> {
    async fn deliver(&mut self, document: Document) {
        let outbox = &self.station.outbox;
        let dropped = document.content_type == "text/csv" && outbox.drop_folder.is_some();
        let mut wait = Duration::from_millis(20);
        loop {
            if dropped {
                match self.drop_file(&document).await {
                    Ok(()) => break self.acknowledged(&document),
                    Err(error) => {
                        tracing::warn!(%error, document = document.id, "the file could not be dropped, trying again");
                    }
                }
            } else {
                let hub = self.hub_address().await;
                if self.station.faults.strikes(Mode::Garbage).is_some() {
                    self.send_garbage(&hub, &document).await;
                }
                match outbox.poster.post(&hub, &document).await {
                    Sent::Acknowledged => {
                        if self.station.faults.strikes(Mode::Duplicate).is_some() {
                            outbox.totals.lock().duplicates_sent += 1;
                            // What becomes of the copy does not matter to an honest sender: it has its acknowledgement.
                            let _ = outbox.poster.post(&hub, &document).await;
                        }
                        break self.acknowledged(&document);
                    }
                    Sent::Refused(status) => {
                        tracing::warn!(
                            system = self.station.name,
                            document = document.id,
                            status,
                            "the hub refused a document"
                        );
                        break self.finished(|totals| totals.refused += 1);
                    }
                    Sent::Again(asked) => {
                        wait = asked.map_or(wait, |asked| asked.min(Duration::from_secs(5)));
                    }
                }
            }
            outbox.totals.lock().repeated += 1;
            let jitter = Duration::from_millis(self.dice.between(0, 20));
            tokio::time::sleep(wait + jitter).await;
            wait = (wait * 2).min(Duration::from_secs(1));
        }
    }

    async fn hub_address(&mut self) -> HubAddress {
        loop {
            let known = self.hub.borrow_and_update().clone();
            if let Some(address) = known {
                return address;
            }
            if self.hub.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    async fn send_garbage(&self, hub: &HubAddress, document: &Document) {
        self.station.outbox.totals.lock().garbage_sent += 1;
        let mut broken = document.clone();
        broken.body = document.body.slice(..document.body.len() / 2);
        let _ = self.station.outbox.poster.post(hub, &broken).await;
    }

    /// Written beside its place under another name and then renamed, so that nobody reads a half of it.
    async fn drop_file(&self, document: &Document) -> std::io::Result<()> {
        let Some(folder) = &self.station.outbox.drop_folder else { return Ok(()) };
        tokio::fs::create_dir_all(folder).await?;
        let unfinished = folder.join(format!(".{}.csv.part", document.id));
        tokio::fs::write(&unfinished, &document.body).await?;
        tokio::fs::rename(&unfinished, folder.join(format!("{}.csv", document.id))).await
    }

    fn acknowledged(&self, document: &Document) {
        *self.station.outbox.by_source.lock().entry(document.source).or_default() += 1;
        self.finished(|totals| totals.acknowledged += 1);
        let note = Note::Acknowledged { document: document.id.clone() };
        self.station.story.note(self.station.clock.wall(), &note);
    }

    fn finished(&self, count: impl FnOnce(&mut OutboxTotals)) {
        let mut totals = self.station.outbox.totals.lock();
        totals.waiting = totals.waiting.saturating_sub(1);
        count(&mut totals);
    }
}
