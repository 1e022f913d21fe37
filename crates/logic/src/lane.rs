//! In which order a destination's deliveries go out: one destination's window over what it is owed.
//!
//! The journal and the views hold every unfinished delivery; a lane keeps a bounded number of them in memory. It promises:
//!
//! - deliveries of one order key leave one at a time and in the order their events were accepted, through retries, dead
//!   letters and restarts, whatever their classes: a more urgent delivery lends its class to those it must wait for;
//! - a key that waits, for a retry or behind a dead letter, holds back no other key;
//! - within a class, senders take turns, so that one that sends much holds back no other;
//! - memory stays within the window: what does not fit is left to the views and asked for again ([`Lane::refill`]), and
//!   bulk leaves room for what is more urgent.
//!
//! Which class goes next is not the lane's to say: it tells what it wants ([`Lane::wants`]), and [`crate::turns`] decides among
//! all lanes of a system. The lane decides and remembers; it does no I/O, spawns nothing and is told the time.

mod beyond;
mod chain;
mod queue;
mod refill;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};
use std::hash::BuildHasherDefault;

use lineshaft_model::{DeliveryId, Millis, OutcomeKind, Position, Priority};

use crate::turns::{Classes, Wants};
use beyond::Beyond;
use chain::{Chain, Stage};
use queue::{Place, Queue, Spread};
pub use refill::{Refill, Wanted};

/// One unfinished delivery as a lane knows it. Its payload stays in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which delivery.
    pub id: DeliveryId,
    /// Fingerprint of the order key.
    pub order: u64,
    /// Fingerprint of who sent the event: its tenant and system.
    pub share: u32,
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
    /// The record of the content that is delivered in place of the event's; zero for none.
    pub amended: Position,
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

impl Window {
    /// How full the window may be for one more of this class to be kept: each class leaves room for those above it, and the
    /// last eighth is for senders that have little in it.
    const fn room_for(self, class: Priority) -> usize {
        self.entries - self.entries * (class as usize + 1) / 8
    }

    /// With fewer entries than this in memory, a sender may use the last of the room.
    const fn little(self) -> u32 {
        let little = self.entries / 256;
        if little == 0 { 1 } else { little as u32 }
    }
}

/// A class grows old: so long after an event was taken, its delivery may have the turns that others leave unused.
const OLD_MS: [i64; 4] = [i64::MAX, 30_000, 300_000, 1_800_000];

const FIRST: DeliveryId = DeliveryId { event: Position::ZERO, n: 0 };

/// A destination's lane.
#[derive(Debug)]
pub struct Lane {
    window: Window,
    chains: HashMap<u64, Chain>,
    queues: [Queue; 4],
    delayed: BinaryHeap<Reverse<(Millis, u64, DeliveryId)>>,
    /// Keys behind dead letters, with how many dead letters.
    parked: HashMap<u64, u32>,
    beyond: Beyond,
    /// Keys whose later entries are to be asked for, by class.
    key_refills: [VecDeque<u64>; 4],
    /// Room for the answers of refills under way.
    reserved: usize,
    /// Finished, but perhaps still shown as unfinished by the views: by the position of the outcome.
    finished: VecDeque<(Position, DeliveryId)>,
    finished_ids: HashSet<DeliveryId>,
    /// Entries in memory of each sender.
    held: HashMap<u32, u32, BuildHasherDefault<Spread>>,
    in_memory: usize,
    in_flight: usize,
    latest: Position,
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
            beyond: Beyond::all(end),
            key_refills: Default::default(),
            reserved: 0,
            finished: VecDeque::new(),
            finished_ids: HashSet::new(),
            held: HashMap::default(),
            in_memory: 0,
            in_flight: 0,
            latest: end,
        }
    }

    /// Takes a delivery that has just become owed. Called in the order of the journal.
    pub fn owe(&mut self, entry: Entry) {
        self.latest = self.latest.max(entry.id.event);
        let full = self.footprint() >= self.window.room_for(entry.class);
        if self.beyond.after(entry.class).is_none() && !full {
            self.load(entry);
            return;
        }
        self.beyond.leave(entry.class, entry.id, entry.order);
        // A sender with little in memory does not wait for one with much: its key is asked for by itself.
        let held = self.held.get(&entry.share).copied().unwrap_or(0);
        if held < self.window.little()
            && self.footprint() < self.window.entries
            && !self.parked.contains_key(&entry.order)
        {
            self.spill(entry.order, entry.id.event, entry.class);
        } else if let Some(chain) = self.chains.get_mut(&entry.order)
            && chain.spilled
        {
            chain.lent = chain.lent.min(entry.class);
            chain.dropped = chain.dropped.max(entry.id.event);
            self.reclass(entry.order);
        }
    }

    /// Learns that deliveries owed from `first` to `latest` were left to the views before they came here.
    pub fn leave_out(&mut self, first: Entry, latest: Position) {
        self.latest = self.latest.max(latest);
        self.beyond.leave_unseen(first.id, latest);
    }

    /// What could go now, by class.
    pub fn wants(&mut self, now: Millis) -> Wants {
        self.ready_due(now);
        let mut wants = Wants::default();
        for class in Priority::ALL {
            let queue = &self.queues[class as usize];
            if queue.repeated > 0 {
                wants.again.add(class);
            }
            if queue.fresh > 0 {
                wants.fresh.add(class);
            }
        }
        // Age decides only between classes.
        if wants.fresh.count() > 1 {
            for class in Priority::ALL.into_iter().filter(|class| wants.fresh.has(*class)) {
                if self.oldest(class).is_some_and(|since| now.since(since) > OLD_MS[class as usize]) {
                    wants.old.add(class);
                }
            }
        }
        wants
    }

    /// Starts an attempt of a class: a first one, or a repeated one. `None` when there is none after all.
    pub fn take(&mut self, class: Priority, again: bool) -> Option<Entry> {
        while let Some(place) = self.queues[class as usize].pop(again) {
            if !is_real(&self.chains, class, again, place) {
                continue;
            }
            if let Some(chain) = self.chains.get_mut(&place.key)
                && let Some(head) = chain.head()
            {
                chain.stage = Stage::InFlight;
                self.in_flight += 1;
                self.queues[class as usize].took(again);
                return Some(head);
            }
        }
        None
    }

    /// When the next repeated attempt is due.
    #[must_use]
    pub fn due(&self) -> Option<Millis> {
        self.delayed.peek().map(|Reverse((due, ..))| *due)
    }

    /// Gives an attempt back that was not made after all, for instance because the record could not be read.
    pub fn put_back(&mut self, id: DeliveryId, order: u64) {
        if let Some(chain) = self.chains.get_mut(&order)
            && chain.stage == Stage::InFlight
            && chain.head().is_some_and(|head| head.id == id)
        {
            self.in_flight -= 1;
            chain.stage = Stage::Ready { again: chain.head().is_some_and(|head| head.due.0 > 0) };
            self.enqueue(order, true);
        }
    }

    /// Learns that an outcome is durable at `position`. `parks` is the delivery's own.
    pub fn settle(&mut self, change: Change, position: Position) {
        self.latest = self.latest.max(position);
        let order = change.order;
        let heads = self.chains.get(&order).is_some_and(|c| c.head().is_some_and(|h| h.id == change.id));
        if change.kind == OutcomeKind::Begun {
            return;
        }
        if heads {
            self.leave_stage(order);
        }
        match change.kind {
            OutcomeKind::Delivered | OutcomeKind::Discarded => {
                self.remember_finished(change.id, position);
                if heads {
                    self.advance(order);
                } else {
                    self.unpark(change);
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
            OutcomeKind::Again | OutcomeKind::Unknown | OutcomeKind::Begun => {}
            OutcomeKind::Dead => {
                if change.parks {
                    *self.parked.entry(order).or_default() += 1;
                    self.forget(order);
                } else if heads {
                    self.advance(order);
                }
            }
            OutcomeKind::Retried => {
                self.unpark(change);
                if !self.parked.contains_key(&order) {
                    self.spill(order, position, Priority::Bulk);
                }
            }
        }
    }

    /// Learns that the clock was set back: what waits, waits no longer for it.
    pub fn clock_went_back(&mut self, by_ms: i64) {
        for chain in self.chains.values_mut().filter(|chain| chain.stage == Stage::Delayed) {
            if let Some(head) = chain.head_mut() {
                head.due = Millis(head.due.0.saturating_sub(by_ms).max(1));
            }
        }
        let delayed = std::mem::take(&mut self.delayed).into_iter();
        self.delayed = delayed
            .map(|Reverse((due, key, id))| Reverse((Millis(due.0.saturating_sub(by_ms).max(1)), key, id)))
            .collect();
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

    /// Keys that could go now, by class.
    #[must_use]
    pub fn ready(&self) -> [usize; 4] {
        Priority::ALL.map(|class| self.queues[class as usize].fresh + self.queues[class as usize].repeated)
    }

    /// Keys that wait for their next attempt, those that have gone on meanwhile included.
    #[must_use]
    pub fn delayed(&self) -> usize {
        self.delayed.len()
    }

    /// Classes of which more is in the views than in memory.
    #[must_use]
    pub fn beyond(&self) -> Classes {
        let mut beyond = Classes::default();
        Priority::ALL
            .into_iter()
            .filter(|class| self.beyond.after(*class).is_some())
            .for_each(|class| beyond.add(class));
        beyond
    }

    /// Keys that stand behind dead letters.
    #[must_use]
    pub fn parked_keys(&self) -> usize {
        self.parked.len()
    }

    /// What counts against the window: entries, keys that are only known by name, and what has been asked for.
    fn footprint(&self) -> usize {
        self.in_memory.max(self.chains.len()) + self.reserved
    }

    fn ready_due(&mut self, now: Millis) {
        while let Some(&Reverse((due, key, id))) = self.delayed.peek() {
            if due > now {
                break;
            }
            self.delayed.pop();
            if let Some(chain) = self.chains.get_mut(&key)
                && chain.stage == Stage::Delayed
                && chain.head().is_some_and(|head| head.id == id)
            {
                chain.stage = Stage::Ready { again: true };
                self.enqueue(key, false);
            }
        }
    }

    /// When the event of the oldest key of a class was taken that waits for its first attempt.
    fn oldest(&mut self, class: Priority) -> Option<Millis> {
        loop {
            let place = self.queues[class as usize].peek()?;
            if is_real(&self.chains, class, false, place) {
                return self.chains.get(&place.key)?.head().map(|head| head.since);
            }
            self.queues[class as usize].pop(false);
        }
    }

    /// Puts a chain that is ready into the queue of its class.
    fn enqueue(&mut self, key: u64, in_front: bool) {
        let Some(chain) = self.chains.get_mut(&key) else { return };
        chain.ticket = chain.ticket.wrapping_add(1);
        let (place, class) = (Place { key, ticket: chain.ticket }, chain.class);
        let queue = &mut self.queues[class as usize];
        match chain.stage {
            Stage::Ready { again: true } => queue.push_again(place, in_front),
            _ => queue.push(chain.head().map_or(0, |head| head.share), place, in_front),
        }
        queue.tidy(|place| {
            is_real(&self.chains, class, false, place) || is_real(&self.chains, class, true, place)
        });
    }

    /// Gives a chain the class of the most urgent that waits in it, and its place in that class.
    fn reclass(&mut self, key: u64) {
        let Some(chain) = self.chains.get_mut(&key) else { return };
        let (before, after) = (chain.class, chain.urge());
        chain.class = after;
        if before != after
            && let Stage::Ready { again } = chain.stage
        {
            self.queues[before as usize].took(again);
            self.enqueue(key, false);
        }
    }

    /// A head is about to change: it is no longer under way or in a queue.
    fn leave_stage(&mut self, key: u64) {
        let Some(chain) = self.chains.get_mut(&key) else { return };
        match chain.stage {
            Stage::InFlight => self.in_flight -= 1,
            Stage::Ready { again } => self.queues[chain.class as usize].took(again),
            Stage::Empty | Stage::Delayed => {}
        }
        chain.stage = Stage::Empty;
    }

    /// Puts an entry behind those of its key that are in memory; leaves it to the views when its key is parked or spilled,
    /// or when an older entry of its key may be there.
    fn load(&mut self, entry: Entry) {
        if self.parked.contains_key(&entry.order) {
            return;
        }
        let full = self
            .chains
            .get(&entry.order)
            .is_some_and(|chain| chain.spilled || chain.len() >= self.window.per_key);
        if full || self.beyond.may_hold(entry.order, entry.class, entry.id) {
            self.spill(entry.order, entry.id.event, entry.class);
            return;
        }
        let chain = self.chains.entry(entry.order).or_default();
        chain.push(entry);
        let empty = chain.stage == Stage::Empty;
        self.keep(entry.share);
        self.reclass(entry.order);
        if empty {
            self.make_ready(entry.order);
        }
    }

    fn keep(&mut self, share: u32) {
        self.in_memory += 1;
        *self.held.entry(share).or_default() += 1;
    }

    fn drop_share(&mut self, share: u32) {
        self.in_memory -= 1;
        if let Some(held) = self.held.get_mut(&share) {
            *held = held.saturating_sub(1);
            if *held == 0 && self.held.len() > 1_024 {
                self.held.remove(&share);
            }
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
            chain.stage = Stage::Ready { again: false };
            self.enqueue(key, false);
        }
    }

    /// Takes the finished head off its chain and readies the one behind it.
    fn advance(&mut self, key: u64) {
        let Some(chain) = self.chains.get_mut(&key) else { return };
        chain.stage = Stage::Empty;
        let done = chain.pop();
        chain.class = chain.urge();
        if let Some(done) = done {
            self.drop_share(done.share);
        }
        self.go_on(key);
    }

    /// Readies what a chain has, asks for what it has in the views, or removes it.
    fn go_on(&mut self, key: u64) {
        let Some(chain) = self.chains.get(&key) else { return };
        if chain.head().is_some() {
            self.make_ready(key);
        } else if chain.spilled {
            self.key_refills[chain.class as usize].push_back(key);
        } else {
            self.chains.remove(&key);
        }
    }

    /// Drops a chain whose key is parked now; the views hold its entries.
    fn forget(&mut self, key: u64) {
        self.leave_stage(key);
        if let Some(chain) = self.chains.remove(&key) {
            chain.shares().for_each(|share| self.drop_share(share));
        }
    }

    /// Leaves a key's later entries to the views, to be asked for when those in memory are done. They lend their class to
    /// those before them all the same.
    fn spill(&mut self, key: u64, dropped: Position, class: Priority) {
        let chain = self.chains.entry(key).or_default();
        let known = chain.spilled;
        chain.lent = if known { chain.lent.min(class) } else { class };
        chain.spilled = true;
        chain.dropped = chain.dropped.max(dropped);
        let (before, after) = (chain.class, chain.urge());
        let ask = chain.stage == Stage::Empty && !chain.asked && (!known || after < before);
        self.reclass(key);
        if ask {
            self.key_refills[after as usize].push_back(key);
        }
    }

    fn unpark(&mut self, change: Change) {
        if !change.parks {
            return;
        }
        if let Some(dead) = self.parked.get_mut(&change.order) {
            *dead -= 1;
            if *dead == 0 {
                self.parked.remove(&change.order);
                self.spill(change.order, self.latest, Priority::Bulk);
            }
        }
    }

    fn remember_finished(&mut self, id: DeliveryId, position: Position) {
        self.finished.push_back((position, id));
        self.finished_ids.insert(id);
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

/// Whether a place in a queue still stands for a key that is ready there.
fn is_real(chains: &HashMap<u64, Chain>, class: Priority, again: bool, place: Place) -> bool {
    chains.get(&place.key).is_some_and(|chain| {
        chain.ticket == place.ticket && chain.class == class && chain.stage == Stage::Ready { again }
    })
}

/// The delivery id just before this one.
const fn before(id: DeliveryId) -> DeliveryId {
    match id.n.checked_sub(1) {
        Some(n) => DeliveryId { event: id.event, n },
        None => DeliveryId { event: Position(id.event.0.saturating_sub(1)), n: u8::MAX },
    }
}
