//! The factory: starts the four systems, plays the plan, and answers for what it saw.

mod audit;
mod build;
mod pulse;
mod scenes;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::aps::ApsSystem;
use crate::clock::ScenarioClock;
use crate::config::{Config, HubAddress};
use crate::erp::ErpSystem;
use crate::plan::Catalogue;
use crate::procurement::ProcurementSystem;
use crate::station::fault::{Fault, FaultView, Mode};
use crate::station::ledger::Effect;
use crate::station::{Station, Stats};
use crate::story::{Story, StoryBoard};
use crate::wms::WmsSystem;

pub use audit::{Audit, Difference};

/// The four systems, with their real types.
#[derive(Clone, Debug)]
struct Systems {
    erp: Arc<ErpSystem>,
    procurement: Arc<ProcurementSystem>,
    wms: Arc<WmsSystem>,
    aps: Arc<ApsSystem>,
}

/// What the factory's tasks share.
#[derive(Debug)]
struct Floor {
    systems: Systems,
    clock: ScenarioClock,
    catalogue: Arc<Catalogue>,
    story: Arc<StoryBoard>,
    scenes_played: parking_lot::Mutex<u64>,
    /// Scenes and their steps asked for while running.
    asked: parking_lot::Mutex<Vec<crate::plan::Step>>,
    asked_more: Notify,
}

/// One system of a running factory.
#[derive(Clone, Debug)]
pub struct SystemHandle {
    station: Arc<Station>,
    address: SocketAddr,
}

impl SystemHandle {
    /// As the hub's workspace calls it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.station.name
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:port`, what the workspace's `base_url` wants.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Breaks the system, or changes how it is broken.
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

    #[must_use]
    pub fn faults(&self) -> Vec<FaultView> {
        self.station.faults.view()
    }

    #[must_use]
    pub fn stats(&self) -> Stats {
        self.station.stats()
    }

    /// Every effect with its count.
    #[must_use]
    pub fn effects(&self) -> BTreeMap<Effect, u64> {
        self.station.ledger.lock().effects()
    }

    /// Documents acknowledged by the hub, by source.
    #[must_use]
    pub fn acknowledged(&self) -> BTreeMap<String, u64> {
        self.station
            .outbox
            .acknowledged()
            .into_iter()
            .map(|(source, count)| (source.to_owned(), count))
            .collect()
    }
}

/// A running factory. Dropping it stops it at once; [`Factory::shutdown`] also waits for its tasks.
#[derive(Debug)]
pub struct Factory {
    floor: Arc<Floor>,
    handles: Vec<SystemHandle>,
    control: SocketAddr,
    hub: watch::Sender<Option<HubAddress>>,
    pulse: CancellationToken,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Factory {
    /// Opens the ports and begins the scenario. Fails when a port cannot be opened.
    pub async fn start(config: Config) -> io::Result<Self> {
        build::start(config).await
    }

    /// Tells the systems where the hub is, or that it has moved.
    pub fn connect(&self, hub: HubAddress) {
        self.hub.send_replace(Some(hub));
    }

    /// The system of a name: `erp`, `procurement`, `wms`, `aps`.
    #[must_use]
    pub fn system(&self, name: &str) -> Option<&SystemHandle> {
        self.handles.iter().find(|handle| handle.name() == name)
    }

    #[must_use]
    pub fn systems(&self) -> &[SystemHandle] {
        &self.handles
    }

    /// The variables a workspace needs: `ERP_URL` and its like.
    #[must_use]
    pub fn variables(&self) -> Vec<(String, String)> {
        self.handles
            .iter()
            .map(|handle| (format!("{}_URL", handle.name().to_uppercase()), handle.url()))
            .collect()
    }

    /// Where `/sim/{system}/faults` and its like are served even while a system is down.
    #[must_use]
    pub fn control(&self) -> SocketAddr {
        self.control
    }

    /// Plays the cycle count now. False when every part kept for it has been counted.
    pub fn play_cycle_count(&self) -> bool {
        self.floor.play_cycle_count().is_some()
    }

    /// The first cycle count, as far as it was observed.
    #[must_use]
    pub fn story(&self) -> Option<Story> {
        self.stories().into_iter().next()
    }

    /// Every cycle count, in the order they were played.
    #[must_use]
    pub fn stories(&self) -> Vec<Story> {
        self.floor.story.stories()
    }

    /// Nothing new begins from now on: no orders, no trucks, no count. What was written is still sent and answered.
    pub fn rest(&self) {
        self.pulse.cancel();
        self.floor.systems.erp.rest();
        self.floor.systems.procurement.rest();
        self.floor.systems.wms.rest();
        self.floor.systems.aps.rest();
    }

    /// Documents written for the hub and not acknowledged yet.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.handles.iter().map(|handle| handle.station.outbox.totals().waiting).sum()
    }

    /// Waits until the hub has acknowledged everything; false when that took longer than `patience`.
    pub async fn drained(&self, patience: Duration) -> bool {
        let deadline = tokio::time::Instant::now() + patience;
        while self.waiting() > 0 {
            if tokio::time::Instant::now() >= deadline {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        true
    }

    /// What the factory can vouch for: effects seen twice, keys misused, order broken, and, once hub and factory are at
    /// rest, where the systems disagree about the same order or the same shelf.
    #[must_use]
    pub fn audit(&self) -> Audit {
        audit::audit(&self.floor, &self.handles)
    }

    /// Stops everything and waits until it has stopped.
    pub async fn shutdown(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Factory {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
