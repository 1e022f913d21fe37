//! How a lane pages through what it has left to the views: a class at a time, or the entries of one key.

use lineshaft_model::{DeliveryId, Position, Priority};

use super::chain::Stage;
use super::{Entry, FIRST, Lane};

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

impl Lane {
    /// What the lane wants from the views now; each is asked once and answered by [`Lane::refilled`].
    pub fn refill(&mut self) -> Option<Refill> {
        self.refill_of_a_key().or_else(|| self.refill_of_a_class())
    }

    /// Takes the answer to a refill: entries in order, at most as many as asked for.
    pub fn refilled(&mut self, refill: Refill, entries: &[Entry]) {
        match refill.what {
            Wanted::Class(class) => self.refilled_class(class, refill, entries),
            Wanted::Key(key) => self.refilled_key(key, refill, entries),
        }
    }

    /// Keys go first, the most urgent before the others, as long as there is room for the answers.
    fn refill_of_a_key(&mut self) -> Option<Refill> {
        for class in Priority::ALL {
            while let Some(&key) = self.key_refills[class as usize].front() {
                let used = self.in_memory + self.reserved;
                let wanted = self
                    .chains
                    .get_mut(&key)
                    .filter(|chain| chain.spilled && !chain.asked && chain.stage == Stage::Empty);
                let Some(chain) = wanted else {
                    self.key_refills[class as usize].pop_front();
                    continue;
                };
                // Something in memory or on its way will make room.
                if used > 0 && used + self.window.per_key > self.window.entries {
                    return None;
                }
                self.key_refills[class as usize].pop_front();
                chain.asked = true;
                self.reserved += self.window.per_key;
                let limit = self.window.per_key + chain.len();
                return Some(Refill { what: Wanted::Key(key), after: FIRST, limit, need: self.latest });
            }
        }
        None
    }

    fn refill_of_a_class(&mut self) -> Option<Refill> {
        for class in Priority::ALL {
            let i = class as usize;
            let Some(after) = self.beyond.after(class) else { continue };
            let room = self.window.room_for(class).saturating_sub(self.footprint());
            let low = self.queues[i].fresh <= self.window.entries / 8;
            if !self.beyond.asked[i] && low && room > 0 {
                self.beyond.asked[i] = true;
                let limit = room.min(self.window.entries / 4).max(1);
                self.reserved += limit;
                return Some(Refill { what: Wanted::Class(class), after, limit, need: self.latest });
            }
        }
        None
    }

    fn refilled_class(&mut self, class: Priority, refill: Refill, entries: &[Entry]) {
        let i = class as usize;
        self.beyond.asked[i] = false;
        self.reserved = self.reserved.saturating_sub(refill.limit);
        let all = entries.len() < refill.limit;
        // Every class entry up to `need` has been seen when the answer is short of the limit; entries owed since then were
        // left to the views because the class was beyond.
        let reached = DeliveryId { event: refill.need, n: u8::MAX };
        let after = if all && refill.need >= self.beyond.dropped[i] {
            None
        } else if all {
            Some(reached)
        } else {
            entries.last().map(|entry| entry.id)
        };
        self.beyond.set(class, after);
        for entry in entries {
            let held = self.chains.get(&entry.order).is_some_and(|chain| chain.holds(entry.id));
            if !held && !self.finished_ids.contains(&entry.id) {
                self.load(*entry);
            }
        }
    }

    fn refilled_key(&mut self, key: u64, refill: Refill, entries: &[Entry]) {
        self.reserved = self.reserved.saturating_sub(self.window.per_key);
        let parked = self.parked.contains_key(&key);
        let Some(chain) = self.chains.get_mut(&key) else { return };
        chain.asked = false;
        chain.spilled = entries.len() >= refill.limit || chain.dropped > refill.need;
        if parked {
            self.forget(key);
            return;
        }
        let mut kept = Vec::new();
        for entry in entries {
            if chain.len() >= self.window.per_key {
                chain.spilled = true;
                break;
            }
            if !chain.holds(entry.id) && !self.finished_ids.contains(&entry.id) {
                chain.push(*entry);
                kept.push(entry.share);
            }
        }
        // Only what is behind the answer still lends its class; how urgent it is, is not known, so what was known stays.
        let empty = chain.stage == Stage::Empty;
        kept.into_iter().for_each(|share| self.keep(share));
        self.reclass(key);
        if empty {
            self.go_on(key);
        }
    }
}
