//! The keys of one class that may go now: first attempts shared fairly among senders, repeated ones by the time they were due.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

/// A key's place in a queue. A ticket that is no longer the chain's own is passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) key: u64,
    pub(super) ticket: u32,
}

/// Senders whose queue is empty and kept for its memory, at most.
const IDLE_SHARES: usize = 64;

/// One class of a lane.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// Senders that have something here, in the order of their turns.
    turns: VecDeque<u32>,
    shares: HashMap<u32, VecDeque<Place>, BuildHasherDefault<Spread>>,
    again: VecDeque<Place>,
    /// Keys that are really ready, first attempts and repeated ones.
    pub(super) fresh: usize,
    pub(super) repeated: usize,
}

impl Queue {
    /// Puts a key at the end of its sender's queue, or in front when it gives its turn back.
    pub(super) fn push(&mut self, share: u32, place: Place, in_front: bool) {
        self.fresh += 1;
        let waiting = self.shares.entry(share).or_default();
        if waiting.is_empty() {
            if in_front { self.turns.push_front(share) } else { self.turns.push_back(share) }
        }
        if in_front { waiting.push_front(place) } else { waiting.push_back(place) }
    }

    /// Puts a key whose next attempt is due behind those that were due before it.
    pub(super) fn push_again(&mut self, place: Place, in_front: bool) {
        self.repeated += 1;
        if in_front { self.again.push_front(place) } else { self.again.push_back(place) }
    }

    /// Takes the next place; the caller says with [`Queue::took`] when it was a real one.
    pub(super) fn pop(&mut self, again: bool) -> Option<Place> {
        if again {
            return self.again.pop_front();
        }
        let share = self.turns.pop_front()?;
        let waiting = self.shares.get_mut(&share)?;
        let place = waiting.pop_front();
        if waiting.is_empty() {
            if self.shares.len() > IDLE_SHARES {
                self.shares.remove(&share);
            }
        } else {
            self.turns.push_back(share);
        }
        place
    }

    /// The place that [`Queue::pop`] would give, without taking it.
    pub(super) fn peek(&self) -> Option<Place> {
        self.turns.front().and_then(|share| self.shares.get(share)?.front().copied())
    }

    /// A key has left the queue: it was taken, or goes on elsewhere.
    pub(super) const fn took(&mut self, again: bool) {
        let count = if again { &mut self.repeated } else { &mut self.fresh };
        *count = count.saturating_sub(1);
    }

    /// Drops places that mean nothing any more once they are more than those that do.
    pub(super) fn tidy(&mut self, is_real: impl Fn(Place) -> bool) {
        let held = self.again.len() + self.shares.values().map(VecDeque::len).sum::<usize>();
        if held <= 2 * (self.fresh + self.repeated) + 64 {
            return;
        }
        self.again.retain(|place| is_real(*place));
        self.shares.retain(|_, waiting| {
            waiting.retain(|place| is_real(*place));
            !waiting.is_empty()
        });
        let shares = &self.shares;
        self.turns.retain(|share| shares.contains_key(share));
    }
}

/// Senders are fingerprints already: they need no hashing, only spreading over the table.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u32(&mut self, n: u32) {
        self.0 = u64::from(n);
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = n;
    }
}
