//! The courier of one destination: keeps its lane, makes the attempts, records how they ended.
//!
//! A courier is one task. It holds no lock while it waits, spawns nothing, and a slow target holds up nobody but its own lane.

mod attempt;
mod refill;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::StreamExt;
use futures::future::{BoxFuture, FutureExt};
use futures::stream::FuturesUnordered;
use lineshaft_logic::deliver::{RetryRule, TargetCan, decide, health};
use lineshaft_logic::lane::{Entry, Lane, Next, Window};
use lineshaft_logic::pace::{Ending, Permit};
use lineshaft_model::{Answer, DeliveryState, Millis, OutcomeKind, Position, Reason};
use lineshaft_store::views::Views;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::hub::Shared;
use crate::lanes::{Door, Inbox};
use crate::systems::System;
use crate::telemetry::LaneMeter;
use crate::work::{Settled, Work};
use attempt::{Attempted, attempt};
use refill::{Refilled, refill};

/// Attempts one lane may have under way beside what its system allows, outcomes waiting for the disk included.
const MOST_UNDER_WAY: usize = 1024;

/// The courier of one destination.
pub(crate) struct Courier {
    door: Arc<Door>,
    lane: Lane,
    system: Arc<System>,
    shared: Arc<Shared>,
    work: mpsc::Sender<Work>,
    applied: watch::Receiver<Position>,
    attempts: FuturesUnordered<BoxFuture<'static, Attempted>>,
    refills: FuturesUnordered<BoxFuture<'static, Result<Refilled, Reason>>>,
    /// Whether the last look found the system without a slot.
    blocked_until: Option<Millis>,
    meter: LaneMeter,
}

impl Courier {
    /// A courier that takes up what the views know as unfinished. They have applied everything up to `end`.
    pub(crate) fn new(
        door: Arc<Door>,
        shared: Arc<Shared>,
        work: mpsc::Sender<Work>,
        applied: watch::Receiver<Position>,
        end: Position,
    ) -> Result<Self, Reason> {
        let parked = parked_keys(&shared.views, door.destination().as_str())?;
        let system = shared.systems.get(door.destination().system());
        door.gauges.served.store(true, Ordering::Relaxed);
        let meter = shared.telemetry.lane(door.destination());
        Ok(Self {
            lane: Lane::new(Window::default(), end, parked),
            door,
            system,
            shared,
            work,
            applied,
            attempts: FuturesUnordered::new(),
            refills: FuturesUnordered::new(),
            blocked_until: None,
            meter,
        })
    }

    /// Runs until told to stop; attempts under way are dropped then, and their deliveries are taken up at the next start.
    pub(crate) async fn run(mut self, stop: CancellationToken) -> Result<(), Reason> {
        let mut inbox = Inbox::default();
        loop {
            self.pick_up(&mut inbox);
            self.ask_views();
            let wait_until = self.start_attempts();
            let clock = Arc::clone(&self.shared.clock);
            let pause = async {
                match wait_until {
                    Some(until) => {
                        let delay_ms = u64::try_from(until.since(clock.now())).unwrap_or(0);
                        clock.pause(delay_ms.max(1)).await;
                    }
                    None => futures::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                () = self.door.left() => {}
                Some(attempted) = self.attempts.next() => self.finish(attempted).await?,
                Some(refilled) = self.refills.next() => {
                    let refilled = refilled?;
                    self.lane.applied(refilled.applied);
                    self.lane.refilled(refilled.refill, &refilled.entries);
                }
                () = pause => {}
            }
        }
    }

    fn pick_up(&mut self, inbox: &mut Inbox) {
        self.door.pick_up(inbox);
        if inbox.is_empty() {
            return;
        }
        // Owed and settled are independent but for a dead letter and what follows it; the lane drops what it loads for a parked
        // key either way, and an outcome never precedes the delivery it settles.
        for entry in inbox.owed.drain(..) {
            self.lane.owe(entry);
        }
        if let Some((first, latest)) = inbox.left_out.take() {
            self.lane.leave_out(first, latest);
        }
        for (change, position) in inbox.settled.drain(..) {
            self.lane.settle(change, position);
        }
        self.lane.applied(*self.applied.borrow());
    }

    fn ask_views(&mut self) {
        while let Some(wanted) = self.lane.refill() {
            self.shared.views_wanted.fetch_max(wanted.need.0, Ordering::Relaxed);
            let destination = self.door.destination().clone();
            let ask = refill(self.shared.views.clone(), destination, wanted, self.applied.clone());
            self.refills.push(ask.boxed());
        }
    }

    /// Starts what may start now; gives the time at which to look again, if there is one.
    fn start_attempts(&mut self) -> Option<Millis> {
        let setup = self.shared.setup.load();
        let sink = setup.sinks.get(self.door.destination().as_str()).cloned();
        self.door.gauges.in_flight.store(self.attempts.len() as u64, Ordering::Relaxed);
        let sink = sink?;
        let now = self.shared.clock.now();
        self.blocked_until = None;
        while self.attempts.len() < MOST_UNDER_WAY {
            match self.system.start(now) {
                Permit::Go => {}
                Permit::At(then) => return Some(then),
                // Ends of this lane's own attempts wake the loop; those of a sister lane nudge the door.
                Permit::WhenOneEnds | Permit::Paused => return None,
            }
            match self.lane.next(now) {
                Next::Attempt(entry) => {
                    let job = attempt(
                        Arc::clone(&self.shared),
                        Arc::clone(&setup),
                        Arc::clone(&sink),
                        self.door.destination().clone(),
                        entry,
                    );
                    self.attempts.push(job.boxed());
                }
                Next::At(then) => {
                    self.system.ended(now, Ending::Unused, None);
                    return Some(then);
                }
                Next::Idle => {
                    self.system.ended(now, Ending::Unused, None);
                    return None;
                }
            }
        }
        None
    }

    /// Decides what the attempts that have ended came to, and hands all of it to the recorder at once.
    async fn finish(&mut self, first: Attempted) -> Result<(), Reason> {
        let mut outcomes = Vec::new();
        let mut next = Some(first);
        while let Some(attempted) = next {
            if let Some(settled) = self.settle(attempted) {
                outcomes.push(settled);
            }
            next = self.attempts.next().now_or_never().flatten();
        }
        self.shared.lanes.nudge_sisters(&self.door);
        if !outcomes.is_empty() {
            // The recorder is gone only when the hub stops.
            drop(self.work.send(Work::Outcomes(outcomes)).await);
        }
        Ok(())
    }

    fn settle(&mut self, attempted: Attempted) -> Option<Settled> {
        let Attempted { entry, answer, route, can } = attempted;
        let now = self.shared.clock.now();
        let Some(answer) = answer else {
            // The record could not be read just now: nothing was sent, the lane keeps it.
            self.system.ended(now, Ending::Unused, None);
            self.lane.put_back(entry.id, entry.order);
            return None;
        };
        let (ending, hold_ms) = health(&answer);
        self.system.ended(now, ending, hold_ms);
        let gauges = &self.door.gauges;
        gauges.attempted(failure_of(&answer));
        // What is delivered is not retried: most outcomes need neither rule nor jitter.
        let (retry, jitter) = match answer {
            Answer::Delivered { .. } => (RetryRule::default(), 0),
            _ => (self.shared.setup.load().plan.retry(&route), self.shared.jitter()),
        };
        let outcome = decide(answer, &entry, retry, can, now, jitter);
        self.shared.telemetry.outcome(&self.meter, &outcome, entry.since);
        if outcome.kind == OutcomeKind::Delivered {
            gauges.delivered.fetch_add(1, Ordering::Relaxed);
            gauges.last_delivered.store(now.0, Ordering::Relaxed);
            self.system.delivered(now);
        } else {
            log_failure(&self.door, &outcome);
        }
        Some(Settled { outcome, door: Arc::clone(&self.door), order: entry.order, parks: entry.parks })
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        self.door.gauges.served.store(false, Ordering::Relaxed);
        let now = self.shared.clock.now();
        for _ in 0..self.attempts.len() {
            self.system.ended(now, Ending::Unused, None);
        }
    }
}

fn failure_of(answer: &Answer) -> Option<String> {
    match answer {
        Answer::Delivered { .. } => None,
        Answer::Again { reason, .. } | Answer::Refused { reason, .. } | Answer::Unknown { reason } => {
            Some(reason.message.clone())
        }
    }
}

fn log_failure(door: &Door, outcome: &lineshaft_model::Outcome) {
    let reason = outcome.reason.as_ref();
    let (code, message) = reason.map_or(("", ""), |r| (r.code.as_str(), r.message.as_str()));
    let delivery = outcome.delivery.to_string();
    let destination = door.destination().as_str();
    if outcome.kind == OutcomeKind::Dead {
        tracing::warn!(
            delivery,
            destination,
            attempt = outcome.attempt,
            status = outcome.status,
            code,
            "dead letter: {message}"
        );
    } else {
        tracing::debug!(
            delivery,
            destination,
            attempt = outcome.attempt,
            status = outcome.status,
            code,
            "{message}"
        );
    }
}

/// The keys behind dead letters, with how many each.
fn parked_keys(views: &Views, destination: &str) -> Result<Vec<(u64, u32)>, Reason> {
    views.parked_keys(destination).map_err(|error| {
        Reason::new("views-unreadable", error.to_string()).hint("`lineshaft views rebuild` makes them anew")
    })
}

/// A row of the views as a lane knows it.
pub(crate) fn entry_of(row: &lineshaft_store::views::LaneEntry) -> Option<Entry> {
    let runnable =
        matches!(row.state, DeliveryState::Pending | DeliveryState::Retrying | DeliveryState::Unknown);
    runnable.then(|| Entry {
        id: row.delivery,
        order: row.order,
        class: row.class,
        attempts: row.attempts,
        due: row.due,
        since: row.since,
        parks: row.parks,
        unknown: row.state == DeliveryState::Unknown,
    })
}

/// What the target of a sink can do about a lost answer.
pub(crate) fn can_of(sink: &dyn lineshaft_ports::Sink) -> TargetCan {
    TargetCan { keep_key: sink.keeps_idempotency_key(), verify: sink.can_verify() }
}
