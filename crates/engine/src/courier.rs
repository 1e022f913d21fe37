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
use lineshaft_logic::lane::{Entry, Lane, Window};
use lineshaft_logic::pace::{Ending, Fits, Limits, Throttle};
use lineshaft_logic::turns::{Seat, Turn, Wants};
use lineshaft_model::{Answer, DeliveryState, Millis, OutcomeKind, Position, Reason};
use lineshaft_ports::Sink;
use lineshaft_store::views::Views;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::clock::Now;
use crate::hub::Shared;
use crate::lanes::{Door, Inbox};
use crate::setup::Setup;
use crate::systems::{May, System};
use crate::telemetry::LaneMeter;
use crate::work::{Settled, Work};
use attempt::{Attempted, Place, attempt};
use refill::{Refilled, refill};

/// Attempts one lane may have under way beside what its system allows, outcomes waiting for the disk included.
const MOST_UNDER_WAY: usize = 1024;

/// A courier that waits for a time looks again at least so often: the clock may have been set meanwhile.
const LONGEST_NAP_MS: i64 = 60_000;

/// A clock that was set back by less than this is one that drifts.
const DRIFT_MS: i64 = 1_000;

/// An operation without limits of its own.
const NO_LIMITS: Limits = Limits { per_1000_s: 0, burst: 1, concurrency: u32::MAX };

/// The courier of one destination.
pub(crate) struct Courier {
    door: Arc<Door>,
    lane: Lane,
    system: Arc<System>,
    /// Its place among the lanes of the system.
    seat: Seat,
    /// The operation's own limits.
    throttle: Throttle,
    /// The configuration that the limits are of.
    setup: Option<Arc<Setup>>,
    /// When it looked last.
    looked: Option<Now>,
    shared: Arc<Shared>,
    work: mpsc::Sender<Work>,
    applied: watch::Receiver<Position>,
    attempts: FuturesUnordered<BoxFuture<'static, Attempted>>,
    refills: FuturesUnordered<BoxFuture<'static, Result<Refilled, Reason>>>,
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
            seat: system.sit(&door),
            throttle: Throttle::new(NO_LIMITS),
            setup: None,
            looked: None,
            door,
            system,
            shared,
            work,
            applied,
            attempts: FuturesUnordered::new(),
            refills: FuturesUnordered::new(),
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
                        let delay_ms = until.since(clock.both().steady).clamp(1, LONGEST_NAP_MS);
                        clock.pause(u64::try_from(delay_ms).unwrap_or(1)).await;
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
            let ask = refill(Arc::clone(&self.shared), destination, wanted, self.applied.clone());
            self.refills.push(ask.boxed());
        }
    }

    /// Starts what may start now; gives the time of the steady clock at which to look again, if there is one.
    fn start_attempts(&mut self) -> Option<Millis> {
        let now = self.shared.clock.both();
        let setup = self.take_over(now);
        let sink = setup.sinks.get(self.door.destination().as_str()).cloned();
        let Some(sink) = sink else {
            self.system.start(self.seat, Wants::default(), now);
            return None;
        };
        let mut look_again = None;
        loop {
            let (wants, own) = self.wants(now);
            match self.system.start(self.seat, wants, now) {
                May::Go(turn) => {
                    let Some(entry) = self.lane.take(turn.class, turn.again) else {
                        self.system.ended(now, Ending::Unused, turn.again, None);
                        break;
                    };
                    self.throttle.begin(now.steady);
                    self.attempt(entry, turn, &setup, &sink);
                }
                May::Wait(then) => {
                    look_again = then.into_iter().chain(own).min();
                    break;
                }
            }
        }
        self.show();
        // What is due already goes with the next slot, and that wakes the courier by itself.
        let due = self.lane.due().map(|due| now.steady.plus(now.until(due))).filter(|due| *due > now.steady);
        look_again.into_iter().chain(due).min()
    }

    /// What it could send now: nothing while the operation's own limits are reached, until the time that is given then.
    fn wants(&mut self, now: Now) -> (Wants, Option<Millis>) {
        if self.attempts.len() >= MOST_UNDER_WAY {
            return (Wants::default(), None);
        }
        match self.throttle.fits(now.steady) {
            Fits::Now => (self.lane.wants(now.wall), None),
            Fits::At(then) => (Wants::default(), Some(then)),
            Fits::WhenOneEnds => (Wants::default(), None),
        }
    }

    fn attempt(&self, entry: Entry, turn: Turn, setup: &Arc<Setup>, sink: &Arc<dyn Sink>) {
        let place = Place { door: Arc::clone(&self.door), work: self.work.clone() };
        let job =
            attempt(Arc::clone(&self.shared), Arc::clone(setup), Arc::clone(sink), place, entry, turn.again);
        self.attempts.push(job.boxed());
    }

    /// Takes over what the configuration says of the operation, and notices a clock that was set back.
    fn take_over(&mut self, now: Now) -> Arc<Setup> {
        let setup = self.shared.setup.load();
        if !self.setup.as_ref().is_some_and(|known| Arc::ptr_eq(known, &setup)) {
            let operation = setup.plan.operations.get(self.door.destination().as_str());
            self.throttle.reconfigure(operation.and_then(|operation| operation.limits).unwrap_or(NO_LIMITS));
            self.setup = Some(Arc::clone(&setup));
        }
        if let Some(before) = self.looked {
            let back_ms = now.steady.since(before.steady) - now.wall.since(before.wall);
            if back_ms > DRIFT_MS {
                tracing::warn!(
                    back_ms,
                    destination = self.door.destination().as_str(),
                    "the clock was set back"
                );
                self.lane.clock_went_back(back_ms);
            }
        }
        self.looked = Some(now);
        setup
    }

    fn show(&self) {
        let gauges = &self.door.gauges;
        gauges.in_flight.store(self.attempts.len() as u64, Ordering::Relaxed);
        gauges.delayed.store(self.lane.delayed() as u64, Ordering::Relaxed);
        gauges.beyond.store(u64::from(self.lane.beyond().bits()), Ordering::Relaxed);
        for (gauge, ready) in gauges.ready.iter().zip(self.lane.ready()) {
            gauge.store(ready as u64, Ordering::Relaxed);
        }
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
        if !outcomes.is_empty() {
            // The recorder is gone only when the hub stops.
            drop(self.work.send(Work::Outcomes(outcomes)).await);
        }
        Ok(())
    }

    fn settle(&mut self, attempted: Attempted) -> Option<Settled> {
        let Attempted { entry, again, answer, route, can } = attempted;
        let both = self.shared.clock.both();
        let now = both.wall;
        self.throttle.end();
        let Some(answer) = answer else {
            // The record could not be read just now: nothing was sent, the lane keeps it.
            self.system.ended(both, Ending::Unused, again, None);
            self.lane.put_back(entry.id, entry.order);
            return None;
        };
        let (ending, hold_ms) = health(&answer);
        self.system.ended(both, ending, again, hold_ms);
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
        let now = self.shared.clock.both();
        for _ in 0..self.attempts.len() {
            self.system.ended(now, Ending::Unused, false, None);
        }
        self.system.leave(self.seat);
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

/// A row of the views as a lane knows it. After a clock that was set back an outcome may lie ahead: then its wait begins now.
pub(crate) fn entry_of(row: &lineshaft_store::views::LaneEntry, now: Millis) -> Option<Entry> {
    let ahead_ms = row.settled.since(now).max(0);
    let due = if row.due.0 > 0 { Millis(row.due.0.saturating_sub(ahead_ms).max(1)) } else { row.due };
    let runnable =
        matches!(row.state, DeliveryState::Pending | DeliveryState::Retrying | DeliveryState::Unknown);
    runnable.then(|| Entry {
        id: row.delivery,
        order: row.order,
        share: row.share,
        class: row.class,
        attempts: row.attempts,
        due,
        since: row.since,
        parks: row.parks,
        unknown: row.state == DeliveryState::Unknown,
        amended: row.amended,
    })
}

/// What the target of a sink can do about a lost answer.
pub(crate) fn can_of(sink: &dyn Sink) -> TargetCan {
    TargetCan { keep_key: sink.keeps_idempotency_key(), verify: sink.can_verify() }
}
