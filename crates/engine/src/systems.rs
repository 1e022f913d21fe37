//! The connected systems at run time: their pace, whether they are paused, and what came from them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use lineshaft_logic::calendar::{Hold, Maintenance};
use lineshaft_logic::pace::{BreakerRule, Ending, Forced, Limits, Pace, Permit, Standing};
use lineshaft_logic::turns::{Seat, Turn, Wants};
use lineshaft_model::Millis;
use parking_lot::{Mutex, RwLock};

use crate::clock::Now;
use crate::lanes::Door;
use crate::setup::{Setup, SystemSetup};
use crate::telemetry::Rates;

/// One system at run time. It outlives reloads, so that its breaker and its counts do.
#[derive(Debug)]
pub struct System {
    state: Mutex<State>,
    /// The lanes of the system, by their seats.
    doors: RwLock<Vec<Arc<Door>>>,
    paused: Mutex<Option<String>>,
    forced: Mutex<Option<String>>,
    received: AtomicU64,
    last_received: AtomicI64,
    /// What it sent and what it was sent, each second of the last minute.
    rates: Rates,
}

#[derive(Debug)]
struct State {
    pace: Pace,
    maintenance: Maintenance,
    hold: Hold,
    /// When the maintenance windows were looked at last.
    looked: Option<Millis>,
}

/// What a lane may do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum May {
    /// Make this call.
    Go(Turn),
    /// Nothing before it is woken, or before this time of the steady clock.
    Wait(Option<Millis>),
}

impl State {
    /// When the maintenance window ends that is open now, by the steady clock.
    fn closed(&mut self, now: Now) -> Option<Millis> {
        if self.maintenance.is_empty() {
            return None;
        }
        let over = |at: Option<Millis>| at.is_some_and(|at| now.wall >= at);
        // A clock that was set back is looked at afresh as well.
        let fresh = self.looked.is_some_and(|looked| looked <= now.wall)
            && !over(self.hold.until)
            && !over(self.hold.next);
        if !fresh {
            let was_closed = self.hold.until.is_some();
            self.hold = self.maintenance.at(now.wall);
            self.looked = Some(now.wall);
            if was_closed && self.hold.until.is_none() {
                self.pace.back(now.steady);
            }
        }
        self.hold.until.map(|until| now.steady.plus(until.since(now.wall)))
    }
}

impl System {
    fn new(limits: Limits, rule: BreakerRule, maintenance: Maintenance) -> Self {
        Self {
            state: Mutex::new(State {
                pace: Pace::new(limits, rule),
                maintenance,
                hold: Hold::default(),
                looked: None,
            }),
            doors: RwLock::default(),
            paused: Mutex::new(None),
            forced: Mutex::new(None),
            received: AtomicU64::new(0),
            last_received: AtomicI64::new(0),
            rates: Rates::default(),
        }
    }

    fn reconfigure(&self, setup: &SystemSetup) {
        let mut state = self.state.lock();
        state.pace.reconfigure(setup.limits, setup.breaker);
        if state.maintenance != setup.maintenance {
            state.maintenance = setup.maintenance.clone();
            state.hold = Hold::default();
            state.looked = None;
        }
    }

    /// A place for a lane among those of the system.
    pub(crate) fn sit(&self, door: &Arc<Door>) -> Seat {
        let mut doors = self.doors.write();
        doors.push(Arc::clone(door));
        self.state.lock().pace.sit()
    }

    /// Asks to make one call for a lane that wants this. When it is another lane's turn, that lane is woken.
    pub(crate) fn start(&self, seat: Seat, wants: Wants, now: Now) -> May {
        let permit = {
            let mut state = self.state.lock();
            let closed = state.closed(now);
            state.pace.start(seat, wants, now.steady, closed)
        };
        match permit {
            Permit::Go(turn) => May::Go(turn),
            Permit::At(then) => May::Wait(Some(then)),
            Permit::After(other, then) => {
                self.wake(other);
                May::Wait(then)
            }
            Permit::WhenOneEnds | Permit::Held | Permit::Nothing => May::Wait(None),
        }
    }

    /// Learns how a call ended.
    pub(crate) fn ended(&self, now: Now, ending: Ending, again: bool, hold_ms: Option<i64>) {
        self.state.lock().pace.ended(now.steady, ending, again, hold_ms);
    }

    /// A lane has gone for good.
    pub(crate) fn leave(&self, seat: Seat) {
        let other = self.state.lock().pace.leave(seat);
        if let Some(other) = other {
            self.wake(other);
        }
    }

    fn wake(&self, seat: Seat) {
        if let Some(door) = self.doors.read().get(seat.0) {
            door.nudge();
        }
    }

    /// How it stands.
    #[must_use]
    pub fn standing(&self, now: Now) -> Standing {
        self.state.lock().pace.standing(now.steady)
    }

    /// How its maintenance windows stand.
    #[must_use]
    pub fn maintenance(&self, now: Now) -> Hold {
        let mut state = self.state.lock();
        state.closed(now);
        state.hold
    }

    /// Pauses with a reason, or resumes.
    pub fn pause(&self, reason: Option<String>, now: Now) {
        self.state.lock().pace.pause(reason.is_some(), now.steady);
        *self.paused.lock() = reason;
    }

    /// The reason for which it is paused.
    #[must_use]
    pub fn paused(&self) -> Option<String> {
        self.paused.lock().clone()
    }

    /// Sets the breaker by a person's word with a reason, or leaves it to itself again.
    pub fn force(&self, forced: Option<(Forced, String)>, now: Now) {
        self.state.lock().pace.force(forced.as_ref().map(|(forced, _)| *forced), now.steady);
        *self.forced.lock() = forced.map(|(_, reason)| reason);
    }

    /// The reason for which a person set the breaker.
    #[must_use]
    pub fn forced(&self) -> Option<String> {
        self.forced.lock().clone()
    }

    /// Counts events that came from it.
    pub fn received(&self, events: u64, now: Millis) {
        self.received.fetch_add(events, Ordering::Relaxed);
        self.last_received.store(now.0, Ordering::Relaxed);
        self.rates.count(now, events, 0);
    }

    /// Counts a delivery to it.
    pub fn delivered(&self, now: Millis) {
        self.rates.count(now, 0, 1);
    }

    /// Events from it and deliveries to it a second, over the last ten seconds, times 100.
    #[must_use]
    pub fn per_second_x100(&self, now: Millis) -> (u64, u64) {
        self.rates.per_second_x100(now)
    }

    /// Events since start, and when the latest came.
    #[must_use]
    pub fn intake(&self) -> (u64, Option<Millis>) {
        let last = self.last_received.load(Ordering::Relaxed);
        (self.received.load(Ordering::Relaxed), (last > 0).then_some(Millis(last)))
    }
}

/// Every system that a configuration has named since start.
#[derive(Debug, Default)]
pub struct Systems {
    by_name: RwLock<BTreeMap<String, Arc<System>>>,
}

impl Systems {
    /// Takes over a configuration.
    pub fn configure(&self, setup: &Setup) {
        let mut by_name = self.by_name.write();
        for (name, system) in &setup.systems {
            match by_name.get(name) {
                Some(known) => known.reconfigure(system),
                None => {
                    let made = System::new(system.limits, system.breaker, system.maintenance.clone());
                    by_name.insert(name.clone(), Arc::new(made));
                }
            }
        }
    }

    /// The system with this name; made with the usual limits when no configuration names it, because a destination of an
    /// earlier configuration may still be owed something.
    pub fn get(&self, name: &str) -> Arc<System> {
        if let Some(system) = self.by_name.read().get(name) {
            return Arc::clone(system);
        }
        let mut by_name = self.by_name.write();
        let made =
            || Arc::new(System::new(Limits::default(), BreakerRule::default(), Maintenance::default()));
        Arc::clone(by_name.entry(name.to_owned()).or_insert_with(made))
    }

    /// The system with this name, if it is known.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Arc<System>> {
        self.by_name.read().get(name).map(Arc::clone)
    }
}
