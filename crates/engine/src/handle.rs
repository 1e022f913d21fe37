//! The handle: everything others may ask of a running hub.

mod mending;
mod plan;
mod refused;
mod show;

use std::collections::HashSet;
use std::sync::Arc;

pub use lineshaft_logic::pace::Forced;
use lineshaft_model::record::{Action, Configured};
use lineshaft_model::{DeliveryState, Destination, Fingerprint, Millis, Position, Reason};
use lineshaft_ports::{Gate, Refusal};
use lineshaft_store::reading::Reading;
pub use mending::{Done, Edit, Mend, Preview};
use parking_lot::Mutex;
pub use refused::Taken;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::conductor::Conductor;
use crate::hub::{Shared, start_courier, start_source};
use crate::intake::Intake;
use crate::planner::Planner;
use crate::setup::{Setup, Sources};
use crate::work::{Settled, Work};

/// A running hub. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Handle {
    pub(crate) shared: Arc<Shared>,
    intake: Intake,
    pub(crate) work: mpsc::Sender<Work>,
    applied: watch::Receiver<Position>,
    end: watch::Receiver<Position>,
    couriers: Arc<Mutex<HashSet<String>>>,
    sources: Arc<Mutex<CancellationToken>>,
    rooms: Rooms,
}

/// The rooms that answer questions of their own.
#[derive(Clone, Debug)]
pub(crate) struct Rooms {
    pub(crate) planner: Option<Arc<Planner>>,
    pub(crate) conductor: Conductor,
}

/// Who asks, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The name of the token or login.
    pub actor: String,
    /// Why; a discard needs one.
    pub reason: String,
}

impl Handle {
    pub(crate) fn new(
        shared: Arc<Shared>,
        intake: Intake,
        work: mpsc::Sender<Work>,
        applied: watch::Receiver<Position>,
        end: watch::Receiver<Position>,
        rooms: Rooms,
    ) -> Self {
        let (couriers, sources) = (Arc::default(), Arc::default());
        Self { shared, intake, work, applied, end, couriers, sources, rooms }
    }

    /// The planner, where the workspace has one.
    #[must_use]
    pub const fn planner(&self) -> Option<&Arc<Planner>> {
        self.rooms.planner.as_ref()
    }

    /// What runs processes.
    #[must_use]
    pub const fn conductor(&self) -> &Conductor {
        &self.rooms.conductor
    }

    /// The way in.
    #[must_use]
    pub const fn intake(&self) -> &Intake {
        &self.intake
    }

    /// What has been: events, objects, deliveries, quarantine. Blocking reads of well under a millisecond each, listings more.
    #[must_use]
    pub fn reading(&self) -> &Reading {
        &self.shared.reading
    }

    /// The hub's time.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.shared.clock.now()
    }

    /// Resolves after so many milliseconds.
    pub async fn pause(&self, delay_ms: u64) {
        self.shared.clock.pause(delay_ms).await;
    }

    /// The tenant of this hub.
    #[must_use]
    pub fn tenant(&self) -> String {
        self.shared.setup.load().plan.tenant.clone()
    }

    /// Whether this source is configured, and what checks its webhooks' signatures.
    #[must_use]
    pub fn source(&self, intake: &str) -> Option<Option<Arc<dyn Gate>>> {
        let setup = self.shared.setup.load();
        setup.plan.sources.contains_key(intake).then(|| setup.gates.get(intake).cloned())
    }

    /// Every destination there is, by name.
    #[must_use]
    pub fn destinations(&self) -> Vec<String> {
        let mut names: Vec<String> = self.shared.setup.load().plan.operations.keys().cloned().collect();
        names.sort();
        names
    }

    /// The journal's end as it grows.
    #[must_use]
    pub fn end(&self) -> watch::Receiver<Position> {
        self.end.clone()
    }

    /// How far the views are, as they follow.
    #[must_use]
    pub fn applied(&self) -> watch::Receiver<Position> {
        self.applied.clone()
    }

    /// Resolves once every delivery of the event is finished or dead, or after `timeout_ms`; says whether all were delivered.
    pub async fn settled(&self, event: Position, timeout_ms: u64) -> Result<bool, Reason> {
        let mut applied = self.applied();
        let deadline = self.shared.clock.pause(timeout_ms);
        tokio::pin!(deadline);
        loop {
            applied.borrow_and_update();
            let shown = self.reading().event(event).map_err(|e| unreadable(&e))?;
            if let Some(shown) = shown {
                let all =
                    |states: &[DeliveryState]| shown.deliveries.iter().all(|d| states.contains(&d.state));
                if all(&[DeliveryState::Delivered]) {
                    return Ok(true);
                }
                if all(&[
                    DeliveryState::Delivered,
                    DeliveryState::Discarded,
                    DeliveryState::Dead,
                    DeliveryState::Parked,
                ]) {
                    return Ok(false);
                }
            }
            tokio::select! {
                () = &mut deadline => return Ok(false),
                changed = applied.changed() => if changed.is_err() { return Ok(false) },
                () = self.shared.supervisor.stopping().cancelled_owned() => return Ok(false),
            }
        }
    }

    /// Pauses a system, with a reason, or resumes it.
    pub async fn pause_system(&self, system: &str, pause: bool, asked: Asked) -> Result<Position, Reason> {
        if !self.shared.setup.load().systems.contains_key(system) {
            return Err(Reason::new("system-unknown", format!("there is no system `{system}`")));
        }
        if pause && asked.reason.trim().is_empty() {
            return Err(Reason::new("reason-missing", "a system is paused with a reason").at("/reason"));
        }
        let reason = pause.then(|| asked.reason.clone());
        let action = if pause { "system.pause" } else { "system.resume" };
        let position = self.act(action, system, asked, Vec::new()).await?;
        self.shared.systems.get(system).pause(reason, self.shared.clock.both());
        self.shared.lanes.nudge_system(system);
        Ok(position)
    }

    /// Sets the breaker of a system by a person's word, with a reason, or leaves it to itself again (`None`).
    pub async fn force_breaker(
        &self,
        system: &str,
        forced: Option<Forced>,
        asked: Asked,
    ) -> Result<Position, Reason> {
        if !self.shared.setup.load().systems.contains_key(system) {
            return Err(Reason::new("system-unknown", format!("there is no system `{system}`")));
        }
        if forced.is_some() && asked.reason.trim().is_empty() {
            return Err(Reason::new("reason-missing", "a breaker is set with a reason").at("/reason"));
        }
        let action = match forced {
            Some(Forced::Open) => "system.breaker-open",
            Some(Forced::Closed) => "system.breaker-close",
            None => "system.breaker-auto",
        };
        let set = forced.map(|forced| (forced, asked.reason.clone()));
        let position = self.act(action, system, asked, Vec::new()).await?;
        self.shared.systems.get(system).force(set, self.shared.clock.both());
        self.shared.lanes.nudge_system(system);
        Ok(position)
    }

    /// The audit record of what a person does.
    pub(crate) fn action(&self, action: &str, target: &str, asked: Asked) -> Action {
        Action {
            actor: asked.actor,
            action: action.to_owned(),
            target: target.to_owned(),
            reason: asked.reason,
            at: self.now(),
            events: Vec::new(),
        }
    }

    /// Resolves once the views show a record, or the hub stops.
    pub(crate) async fn until_applied(&self, position: Position) {
        self.shared.views_wanted.fetch_max(position.0, std::sync::atomic::Ordering::Relaxed);
        let mut applied = self.applied();
        tokio::select! {
            _ = applied.wait_for(|applied| *applied >= position) => {}
            () = self.stopping() => {}
        }
    }

    async fn act(
        &self,
        action: &str,
        target: &str,
        asked: Asked,
        outcomes: Vec<Settled>,
    ) -> Result<Position, Reason> {
        let (reply, answer) = oneshot::channel();
        tracing::info!(action, target, actor = asked.actor, reason = asked.reason, "a person acted");
        let action = self.action(action, target, asked);
        let closed = || Reason::new("hub-stopping", Refusal::Closed.to_string());
        self.work.send(Work::Action { action, outcomes, reply }).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())
    }

    /// Takes a new configuration: intake, routes, sinks and limits change at once; what was accepted keeps what it owes.
    pub async fn reconfigure(&self, setup: Setup, sources: Sources, cause: &str) -> Result<(), Reason> {
        let configured = Configured { digest: setup.digest.clone(), cause: cause.to_owned(), at: self.now() };
        self.shared.systems.configure(&setup);
        self.shared.setup.store(setup);
        // A new destination starts from what the views know now; nothing can have been owed to it before.
        self.start_couriers(*self.end.borrow())?;
        self.start_sources(sources);
        for door in self.shared.lanes.all() {
            door.nudge();
        }
        let stopped = |_| Reason::new("hub-stopping", Refusal::Closed.to_string());
        self.work.send(Work::Configured(configured)).await.map_err(stopped)
    }

    /// Starts couriers for destinations that have none: those of the configuration, and those that are still owed something.
    pub(crate) fn start_couriers(&self, end: Position) -> Result<(), Reason> {
        let setup = self.shared.setup.load();
        let owed = self.shared.views.counts().into_iter().map(|counts| counts.destination);
        let routed = setup.plan.routes.iter().map(|route| route.to.as_str().to_owned());
        let mut couriers = self.couriers.lock();
        for name in owed.chain(routed).chain(setup.sinks.keys().cloned()) {
            if couriers.contains(&name) {
                continue;
            }
            let destination = Destination::parse(&name)?;
            start_courier(&self.shared, &destination, self.work.clone(), self.applied.clone(), end)?;
            couriers.insert(name);
        }
        Ok(())
    }

    /// Starts sources in place of those that run.
    pub(crate) fn start_sources(&self, sources: Sources) {
        let stop = self.shared.supervisor.stopping().child_token();
        std::mem::replace(&mut *self.sources.lock(), stop.clone()).cancel();
        for (name, source) in sources {
            start_source(&self.shared, self.intake.clone(), name, source, stop.clone());
        }
    }

    /// What watches over the hub's tasks, for the windows to start theirs under it.
    #[must_use]
    pub fn supervisor(&self) -> &crate::supervisor::Supervisor {
        &self.shared.supervisor
    }

    /// Resolves when the hub is stopping, asked for or not.
    pub async fn stopping(&self) {
        self.shared.supervisor.stopping().cancelled().await;
    }

    /// Stops: no new attempts, everything handed over is written, the views are brought up to it.
    pub async fn stop(&self) {
        // A recorder that is gone has nothing to write.
        drop(self.work.send(Work::Stop).await);
        self.shared.supervisor.stop().await;
    }

    /// A trace context for a request that came without one.
    #[must_use]
    pub fn trace(&self, seed: &str) -> String {
        crate::trace::begin(Fingerprint::of(&[seed, &self.shared.clock.ticks_us().to_string()]))
    }
}

fn unreadable(error: &impl std::fmt::Display) -> Reason {
    Reason::new("store-unreadable", error.to_string())
        .hint("`lineshaft journal verify` tells what is damaged")
}
