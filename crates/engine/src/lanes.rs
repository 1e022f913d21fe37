//! The doors to the lanes: where the recorder leaves what a destination is owed, and where the courier picks it up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use lineshaft_logic::lane::{Change, Entry};
use lineshaft_model::{Destination, Position};
use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;

/// Entries that may wait at a door. Beyond that they are left to the views, and the lane is told so.
const AT_THE_DOOR: usize = 16_384;

/// What waits at a door, in the order of the journal.
#[derive(Debug, Default)]
pub struct Inbox {
    /// Newly owed deliveries.
    pub owed: Vec<Entry>,
    /// Durable outcomes with their positions.
    pub settled: Vec<(Change, Position)>,
    /// The span of owed deliveries that found no room here: the first entry, and the latest position.
    pub left_out: Option<(Entry, Position)>,
}

impl Inbox {
    /// Whether nothing waits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.owed.is_empty() && self.settled.is_empty() && self.left_out.is_none()
    }
}

/// What the console and the metrics show of a lane; written by the courier.
#[derive(Debug, Default)]
pub struct Gauges {
    /// Attempts under way.
    pub in_flight: AtomicU64,
    /// Keys that could go now, by class.
    pub ready: [AtomicU64; 4],
    /// Keys that wait for their next attempt.
    pub delayed: AtomicU64,
    /// Classes of which more is in the views than in memory, by bit.
    pub beyond: AtomicU64,
    /// Delivered since start.
    pub delivered: AtomicU64,
    /// Failed attempts since start.
    pub failed_attempts: AtomicU64,
    /// Attempts since start.
    pub attempts: AtomicU64,
    /// When something was last delivered, in hub milliseconds.
    pub last_delivered: AtomicI64,
    /// Whether a courier serves the lane.
    pub served: AtomicBool,
    /// The latest failure in words.
    pub last_failure: Mutex<Option<String>>,
}

/// The door to one destination's lane.
#[derive(Debug)]
pub struct Door {
    destination: Destination,
    inbox: Mutex<Inbox>,
    wake: Notify,
    /// What is shown of the lane.
    pub gauges: Gauges,
}

impl Door {
    /// The destination behind it.
    #[must_use]
    pub const fn destination(&self) -> &Destination {
        &self.destination
    }

    /// Leaves what a batch owes this destination and what it settled, in the order of the journal. Never waits.
    pub fn leave(&self, owed: &mut Vec<Entry>, settled: &mut Vec<(Change, Position)>) {
        if owed.is_empty() && settled.is_empty() {
            return;
        }
        {
            let mut inbox = self.inbox.lock();
            if let (Some((_, latest)), Some(last)) = (&mut inbox.left_out, owed.last()) {
                *latest = last.id.event;
            } else {
                let room = AT_THE_DOOR.saturating_sub(inbox.owed.len());
                if owed.len() > room
                    && let Some(last) = owed.last()
                {
                    inbox.left_out = Some((owed[room], last.id.event));
                }
                owed.truncate(room);
                inbox.owed.append(owed);
            }
            inbox.settled.append(settled);
        }
        owed.clear();
        self.wake.notify_one();
    }

    /// Picks up everything, leaving `spare` with its memory at the door.
    pub fn pick_up(&self, spare: &mut Inbox) {
        std::mem::swap(&mut *self.inbox.lock(), spare);
    }

    /// Resolves when something was left, or [`Door::nudge`] was called, since the last pick-up.
    pub async fn left(&self) {
        self.wake.notified().await;
    }

    /// Wakes the courier, for instance because a slot of its system is free.
    pub fn nudge(&self) {
        self.wake.notify_one();
    }
}

/// Every door, by destination. Doors are never removed: a destination that a new configuration no longer names may still be
/// owed something.
#[derive(Debug, Default)]
pub struct Lanes {
    doors: RwLock<BTreeMap<String, Arc<Door>>>,
}

impl Lanes {
    /// The door of a destination, made if it is new.
    pub fn door(&self, destination: &Destination) -> Arc<Door> {
        if let Some(door) = self.doors.read().get(destination.as_str()) {
            return Arc::clone(door);
        }
        let mut doors = self.doors.write();
        let door = doors.entry(destination.as_str().to_owned()).or_insert_with(|| {
            Arc::new(Door {
                destination: destination.clone(),
                inbox: Mutex::default(),
                wake: Notify::new(),
                gauges: Gauges::default(),
            })
        });
        Arc::clone(door)
    }

    /// The door of a destination that is known.
    #[must_use]
    pub fn find(&self, destination: &str) -> Option<Arc<Door>> {
        self.doors.read().get(destination).map(Arc::clone)
    }

    /// Every door.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Door>> {
        self.doors.read().values().map(Arc::clone).collect()
    }

    /// Wakes every courier of a system.
    pub fn nudge_system(&self, system: &str) {
        for door in self.doors.read().values().filter(|door| door.destination.system() == system) {
            door.nudge();
        }
    }
}

impl Gauges {
    /// Counts an attempt that has ended.
    pub fn attempted(&self, failed: Option<String>) {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        if let Some(failure) = failed {
            self.failed_attempts.fetch_add(1, Ordering::Relaxed);
            *self.last_failure.lock() = Some(failure);
        }
    }
}
