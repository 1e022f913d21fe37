//! The connected systems at run time: their pace, whether they are paused, and what came from them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use lineshaft_logic::pace::{BreakerRule, Ending, Limits, Pace, Permit};
use lineshaft_model::Millis;
use parking_lot::{Mutex, RwLock};

use crate::setup::Setup;
use crate::telemetry::Rates;

/// One system at run time. It outlives reloads, so that its breaker and its counts do.
#[derive(Debug)]
pub struct System {
    pace: Mutex<Pace>,
    paused: Mutex<Option<String>>,
    received: AtomicU64,
    last_received: AtomicI64,
    /// What it sent and what it was sent, each second of the last minute.
    rates: Rates,
}

impl System {
    fn new(limits: Limits, rule: BreakerRule) -> Self {
        Self {
            pace: Mutex::new(Pace::new(limits, rule)),
            paused: Mutex::new(None),
            received: AtomicU64::new(0),
            last_received: AtomicI64::new(0),
            rates: Rates::default(),
        }
    }

    /// Asks to make one call.
    pub fn start(&self, now: Millis) -> Permit {
        self.pace.lock().start(now)
    }

    /// Learns how a call ended.
    pub fn ended(&self, now: Millis, ending: Ending, hold_ms: Option<i64>) {
        self.pace.lock().ended(now, ending, hold_ms);
    }

    /// Where the breaker stands.
    #[must_use]
    pub fn breaker(&self) -> lineshaft_logic::pace::Breaker {
        self.pace.lock().breaker()
    }

    /// Pauses with a reason, or resumes.
    pub fn pause(&self, reason: Option<String>) {
        self.pace.lock().pause(reason.is_some());
        *self.paused.lock() = reason;
    }

    /// The reason for which it is paused.
    #[must_use]
    pub fn paused(&self) -> Option<String> {
        self.paused.lock().clone()
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
                Some(known) => known.pace.lock().reconfigure(system.limits, system.breaker),
                None => {
                    by_name.insert(name.clone(), Arc::new(System::new(system.limits, system.breaker)));
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
        let made = || Arc::new(System::new(Limits::default(), BreakerRule::default()));
        Arc::clone(by_name.entry(name.to_owned()).or_insert_with(made))
    }

    /// The system with this name, if it is known.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Arc<System>> {
        self.by_name.read().get(name).map(Arc::clone)
    }
}
