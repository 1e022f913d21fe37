//! In which order a destination's deliveries go out: one destination's window over what it is owed.
//!
//! The journal and the views hold every unfinished delivery; a lane keeps a bounded number of them in memory. It promises:
//!
//! - deliveries of one order key leave one at a time and in the order their events were accepted, through retries, dead
//!   letters and restarts, whatever their classes (a more urgent delivery lends its class to those it must wait for);
//! - a key that waits, for a retry or behind a dead letter, holds back no other key;
//! - classes share the slots by weight, so that bulk keeps a tenth and nothing starves;
//! - memory stays within the window: what does not fit is left to the views and asked for again ([`Lane::refill`]).
//!
//! The lane decides and remembers; it does no I/O, spawns nothing and is told the time.

mod chain;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};

use lineshaft_model::{DeliveryId, Millis, OutcomeKind, Position, Priority};

use chain::{Chain, Stage};

/// One unfinished delivery as a lane knows it. Its payload stays in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which delivery.
    pub id: DeliveryId,
    /// Fingerprint of the order key.
    pub order: u64,
    /// Its class.
    pub class: Priority,
    /// Attempts so far.
    pub attempts: u16,
    /// Not before this time; zero for at once.
    pub due: Millis,
    /// When the hub took the event.
    pub since: Millis,
    /// Whether a dead letter holds back its key.
    pub parks: bool,
    /// Whether the last attempt's outcome is unknown, so that it is to be verified first.
    pub unknown: bool,
}

/// How much a lane keeps in memory.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Most entries in memory.
    pub entries: usize,
    /// Most entries of one key in memory.
    pub per_key: usize,
}

impl Default for Window {
    fn default() -> Self {
        Self { entries: 32_768, per_key: 64 }
    }
}

/// A request to the views for unfinished deliveries that are not in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refill {
    /// Which.
    pub what: Wanted,
    /// Only after this one.
    pub after: DeliveryId,
    /// At most so many.
    pub limit: usize,
    /// The views must have applied at least this position before they are asked.
    pub need: Position,
}

/// Which deliveries a refill is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wanted {
    /// Runnable ones of a class, in order.
    Class(Priority),
    /// Runnable ones of an order key, in order, of any class.
    Key(u64),
}

/// What a lane says when asked for work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Make an attempt.
    Attempt(Entry),
    /// Nothing before this time.
    At(Millis),
    /// Nothing until something happens.
    Idle,
}

/// One turn of the wheel by which classes share the slots: critical 10, high 5, normal 3, bulk 2 of 20.
const WHEEL: [Priority; 20] = {
    use Priority::{Bulk, Critical, High, Normal};
    [
        Critical, High, Critical, Normal, Critical, High, Critical, Bulk, Critical, High, Critical, Normal,
        Critical, High, Critical, Bulk, Critical, Normal, Critical, High,
    ]
};

const FIRST: DeliveryId = DeliveryId { event: Position::ZERO, n: 0 };

/// A destination's lane.
#[derive(Debug)]
pub struct Lane {
    window: Window,
    chains: HashMap<u64, Chain>,
    queues: [VecDeque<u64>; 4],
    delayed: BinaryHeap<Reverse<(Millis, u64, DeliveryId)>>,
    /// Keys behind dead letters, with how many dead letters.
    parked: HashMap<u64, u32>,
    /// For each class: what lies after this is only in the views.
    beyond: [Option<DeliveryId>; 4],
    /// For each class: the latest that was left to the views.
    dropped: [Position; 4],
    asked: [bool; 4],
    key_refills: VecDeque<u64>,
    /// Finished, but perhaps still shown as unfinished by the views: by the position of the outcome.
    finished: VecDeque<(Position, DeliveryId)>,
    finished_ids: HashSet<DeliveryId>,
    in_memory: usize,
    in_flight: usize,
    latest: Position,
    turn: usize,
}

impl Lane {
    /// A lane that starts with what the views know: everything unfinished is still to be asked for, and these keys stand
    /// behind dead letters. `end` is the journal's end that the views have applied.
    #[must_use]
    pub fn new(window: Window, end: Position, parked: impl IntoIterator<Item = (u64, u32)>) -> Self {
        Self {
            window,
            chains: HashMap::new(),
            queues: Default::default(),
            delayed: BinaryHeap::new(),
            parked: parked.into_iter().collect(),
            beyond: [Some(FIRST); 4],
            dropped: [end; 4],
            asked: [false; 4],
            key_refills: VecDeque::new(),
            finished: VecDeque::new(),
            finished_ids: HashSet::new(),
            in_memory: 0,
            in_flight: 0,
            latest: end,
            turn: 0,
        }
    }

    /// Takes a delivery that has just become owed. Called in the order of the journal.
    pub fn owe(&mut self, entry: Entry) {
        self.latest = self.latest.max(entry.id.event);
        let class = entry.class as usize;
        if self.beyond[class].is_none() && self.in_memory >= self.window.entries {
            self.beyond[class] = Some(before(entry.id));
        }
        if self.beyond[class].is_some() {
            self.dropped[class] = entry.id.event;
        } else {
            self.load(entry);
        }
    }

    /// Learns that deliveries owed from `first` to `latest` were left to the views before they came here.
    pub fn leave_out(&mut self, first: Entry, latest: Position) {
        self.latest = self.latest.max(latest);
        for class in Priority::ALL {
            let i = class as usize;
            self.beyond[i].get_or_insert(before(first.id));
            self.dropped[i] = self.dropped[i].max(latest);
        }
    }

    /// The next attempt to make. A caller that has no slot free does not ask.
    pub fn next(&mut self, now: Millis) -> Next {
        while let Some(&Reverse((due, key, id))) = self.delayed.peek() {
            if due > now {
                break;
            }
            self.delayed.pop();
            if let Some(chain) = self.chains.get_mut(&key)
                && chain.stage == Stage::Delayed
                && chain.head().is_some_and(|head| head.id == id)
            {
                chain.stage = Stage::Ready;
                self.queues[chain.class as usize].push_front(key);
            }
        }
        for _ in 0..WHEEL.len() {
            let class = self.pick();
            self.turn = (self.turn + 1) % WHEEL.len();
            let Some(class) = class else { break };
            if let Some(entry) = self.start(class) {
                return Next::Attempt(entry);
            }
        }
        self.delayed.peek().map_or(Next::Idle, |Reverse((due, ..))| Next::At(*due))
    }

    /// Gives an attempt back that was not made after all, for instance because the system has no slot.
    pub fn put_back(&mut self, id: DeliveryId, order: u64) {
        if let Some(chain) = self.chains.get_mut(&order)
            && chain.stage == Stage::InFlight
            && chain.head().is_some_and(|head| head.id == id)
        {
            chain.stage = Stage::Ready;
            self.in_flight -= 1;
            self.queues[chain.class as usize].push_front(order);
        }
    }

    /// Learns that an outcome is durable at `position`. `parks` is the delivery's own.
    pub fn settle(&mut self, change: Change, position: Position) {
        self.latest = self.latest.max(position);
        let order = change.order;
        let heads = self.chains.get(&order).is_some_and(|c| c.head().is_some_and(|h| h.id == change.id));
        if heads && self.chains.get(&order).is_some_and(|c| c.stage == Stage::InFlight) {
            self.in_flight -= 1;
        }
        match change.kind {
            OutcomeKind::Delivered => {
                self.remember_finished(change.id, position);
                if heads {
                    self.advance(order);
                }
            }
            OutcomeKind::Discarded => {
                self.remember_finished(change.id, position);
                if heads {
                    self.advance(order);
                } else {
                    self.unpark(change, order);
                }
            }
            OutcomeKind::Again | OutcomeKind::Unknown if heads => {
                if let Some(chain) = self.chains.get_mut(&order) {
                    if let Some(head) = chain.head_mut() {
                        head.attempts = change.attempt;
                        head.due = change.due;
                        head.unknown = change.kind == OutcomeKind::Unknown;
                    }
                    chain.stage = Stage::Delayed;
                    self.delayed.push(Reverse((change.due, order, change.id)));
                }
            }
            OutcomeKind::Again | OutcomeKind::Unknown => {}
            OutcomeKind::Dead => {
                if change.parks {
                    *self.parked.entry(order).or_default() += 1;
                    self.forget(order);
                } else if heads {
                    self.advance(order);
                }
            }
            OutcomeKind::Retried => {
                self.unpark(change, order);
                if !self.parked.contains_key(&order) {
                    self.spill(order, position);
                }
            }
        }
    }

    /// Learns how far the views are.
    pub fn applied(&mut self, position: Position) {
        while let Some(&(outcome, id)) = self.finished.front() {
            if outcome > position {
                break;
            }
            self.finished.pop_front();
            self.finished_ids.remove(&id);
        }
    }

    /// What the lane wants from the views now; each is asked once and answered by [`Lane::refilled`].
    pub fn refill(&mut self) -> Option<Refill> {
        while let Some(key) = self.key_refills.pop_front() {
            if let Some(chain) = self.chains.get_mut(&key)
                && chain.spilled
                && !chain.asked
            {
                chain.asked = true;
                let after = FIRST;
                let limit = self.window.per_key + chain.len();
                return Some(Refill { what: Wanted::Key(key), after, limit, need: self.latest });
            }
        }
        for class in Priority::ALL {
            let i = class as usize;
            let Some(after) = self.beyond[i] else { continue };
            let room = self.window.entries.saturating_sub(self.in_memory);
            let low = self.queues[i].len() <= self.window.entries / 8;
            if !self.asked[i] && low && room > 0 {
                self.asked[i] = true;
                let limit = room.min(self.window.entries / 4).max(1);
                return Some(Refill { what: Wanted::Class(class), after, limit, need: self.latest });
            }
        }
        None
    }

    /// Takes the answer to a refill: entries in order, at most as many as asked for.
    pub fn refilled(&mut self, refill: Refill, entries: &[Entry]) {
        match refill.what {
            Wanted::Class(class) => self.refilled_class(class, refill, entries),
            Wanted::Key(key) => self.refilled_key(key, refill, entries),
        }
    }

    /// Attempts under way.
    #[must_use]
    pub const fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Entries in memory, attempts under way included.
    #[must_use]
    pub const fn in_memory(&self) -> usize {
        self.in_memory
    }

    /// Keys that stand behind dead letters.
    #[must_use]
    pub fn parked_keys(&self) -> usize {
        self.parked.len()
    }

    fn pick(&self) -> Option<Priority> {
        let turn = WHEEL[self.turn];
        if !self.queues[turn as usize].is_empty() {
            return Some(turn);
        }
        Priority::ALL.into_iter().find(|class| !self.queues[*class as usize].is_empty())
    }

    /// Starts the head of the first chain in this class that is still ready; chains that were promoted or have moved on
    /// since they were queued are passed over.
    fn start(&mut self, class: Priority) -> Option<Entry> {
        while let Some(key) = self.queues[class as usize].pop_front() {
            if let Some(chain) = self.chains.get_mut(&key)
                && chain.stage == Stage::Ready
                && chain.class == class
                && let Some(head) = chain.head()
            {
                chain.stage = Stage::InFlight;
                self.in_flight += 1;
                return Some(head);
            }
        }
        None
    }

    /// Puts an entry behind those of its key that are in memory; leaves it to the views when its key is parked or spilled,
    /// or when an older entry of its key may be there.
    fn load(&mut self, entry: Entry) {
        if self.parked.contains_key(&entry.order) {
            return;
        }
        let older_beyond = Priority::ALL.into_iter().any(|class| {
            class != entry.class && self.beyond[class as usize].is_some_and(|after| after < entry.id)
        });
        let full = self
            .chains
            .get(&entry.order)
            .is_some_and(|chain| chain.spilled || chain.len() >= self.window.per_key);
        if older_beyond || full {
            self.spill(entry.order, entry.id.event);
            return;
        }
        self.in_memory += 1;
        let chain = self.chains.entry(entry.order).or_default();
        let promoted = chain.push(entry);
        match chain.stage {
            Stage::Empty => self.make_ready(entry.order),
            Stage::Ready if promoted => self.queues[chain.class as usize].push_back(entry.order),
            _ => {}
        }
    }

    /// Readies the head of a chain: at once, or when its next attempt is due.
    fn make_ready(&mut self, key: u64) {
        let Some(chain) = self.chains.get_mut(&key) else { return };
        let Some(head) = chain.head() else { return };
        if head.due.0 > 0 {
            chain.stage = Stage::Delayed;
            self.delayed.push(Reverse((head.due, key, head.id)));
        } else {
            chain.stage = Stage::Ready;
            self.queues[chain.class as usize].push_back(key);
        }
    }

    /// Takes the finished head off its chain and readies the one behind it.
    fn advance(&mut self, key: u64) {
        let Some(chain) = self.chains.get_mut(&key) else { return };
        if chain.pop().is_some() {
            self.in_memory -= 1;
        }
        chain.stage = Stage::Empty;
        if chain.head().is_some() {
            self.make_ready(key);
        } else if chain.spilled {
            self.key_refills.push_back(key);
        } else {
            self.chains.remove(&key);
        }
    }

    /// Drops a chain whose key is parked now; the views hold its entries.
    fn forget(&mut self, key: u64) {
        if let Some(chain) = self.chains.remove(&key) {
            self.in_memory -= chain.len();
        }
    }

    /// Leaves a key's later entries to the views, to be asked for when those in memory are done.
    fn spill(&mut self, key: u64, dropped: Position) {
        let chain = self.chains.entry(key).or_default();
        chain.spilled = true;
        chain.dropped = chain.dropped.max(dropped);
        if chain.stage == Stage::Empty && !chain.asked {
            self.key_refills.push_back(key);
        }
    }

    fn unpark(&mut self, change: Change, order: u64) {
        if !change.parks {
            return;
        }
        if let Some(dead) = self.parked.get_mut(&order) {
            *dead -= 1;
            if *dead == 0 {
                self.parked.remove(&order);
                self.spill(order, self.latest);
            }
        }
    }

    fn remember_finished(&mut self, id: DeliveryId, position: Position) {
        self.finished.push_back((position, id));
        self.finished_ids.insert(id);
    }

    fn refilled_class(&mut self, class: Priority, refill: Refill, entries: &[Entry]) {
        let i = class as usize;
        self.asked[i] = false;
        let all = entries.len() < refill.limit;
        // Every class entry up to `need` has been seen when the answer is short of the limit; entries owed since then were
        // left to the views because the class was beyond.
        let reached = DeliveryId { event: refill.need, n: u8::MAX };
        self.beyond[i] = if all && refill.need >= self.dropped[i] {
            None
        } else if all {
            Some(reached)
        } else {
            entries.last().map(|entry| entry.id)
        };
        for entry in entries {
            let held = self.chains.get(&entry.order).is_some_and(|chain| chain.holds(entry.id));
            if !held && !self.finished_ids.contains(&entry.id) {
                self.load(*entry);
            }
        }
    }

    fn refilled_key(&mut self, key: u64, refill: Refill, entries: &[Entry]) {
        let parked = self.parked.contains_key(&key);
        let Some(chain) = self.chains.get_mut(&key) else { return };
        chain.asked = false;
        chain.spilled = entries.len() >= refill.limit || chain.dropped > refill.need;
        if parked {
            self.forget(key);
            return;
        }
        for entry in entries {
            if chain.len() >= self.window.per_key {
                chain.spilled = true;
                break;
            }
            if !chain.holds(entry.id) && !self.finished_ids.contains(&entry.id) {
                chain.push(*entry);
                self.in_memory += 1;
            }
        }
        if chain.stage == Stage::Empty {
            if chain.head().is_some() {
                self.make_ready(key);
            } else if chain.spilled {
                self.key_refills.push_back(key);
            } else {
                self.chains.remove(&key);
            }
        }
    }
}

/// A durable outcome as a lane needs to know it.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// Which delivery.
    pub id: DeliveryId,
    /// Its order key.
    pub order: u64,
    /// What became of it.
    pub kind: OutcomeKind,
    /// Attempts so far.
    pub attempt: u16,
    /// When the next is due.
    pub due: Millis,
    /// Whether its dead letter holds back its key.
    pub parks: bool,
}

/// The delivery id just before this one.
const fn before(id: DeliveryId) -> DeliveryId {
    match id.n.checked_sub(1) {
        Some(n) => DeliveryId { event: id.event, n },
        None => DeliveryId { event: Position(id.event.0.saturating_sub(1)), n: u8::MAX },
    }
}
