//! What of a class a lane has left to the views, and which order keys may be among it.

use lineshaft_model::{DeliveryId, Position, Priority};

/// Bits of the filter: a quarter of a mebibyte, and only for a lane that has more than its window holds. With 100,000 keys
/// left out one in a hundred others is looked up in vain, with a million one in three.
const BITS: u64 = 1 << 21;

/// The part of a lane that is only in the views.
#[derive(Debug)]
pub(super) struct Beyond {
    /// For each class: what lies after this is only in the views.
    after: [Option<DeliveryId>; 4],
    /// For each class: the latest that was left to the views.
    pub(super) dropped: [Position; 4],
    /// For each class: whether the views have been asked.
    pub(super) asked: [bool; 4],
    /// What was left out up to here has not been seen by the filter.
    unseen: DeliveryId,
    keys: Option<Box<[u64]>>,
}

impl Beyond {
    /// Everything up to `end` is in the views, with keys that nobody has looked at.
    pub(super) const fn all(end: Position) -> Self {
        Self {
            after: [Some(super::FIRST); 4],
            dropped: [end; 4],
            asked: [false; 4],
            unseen: DeliveryId { event: end, n: u8::MAX },
            keys: None,
        }
    }

    pub(super) const fn after(&self, class: Priority) -> Option<DeliveryId> {
        self.after[class as usize]
    }

    /// Sets how far a class has been read; `None` when all of it is in memory.
    pub(super) fn set(&mut self, class: Priority, after: Option<DeliveryId>) {
        self.after[class as usize] = after;
        if self.after.iter().all(Option::is_none) {
            self.keys = None;
        }
    }

    /// Leaves an entry to the views.
    pub(super) fn leave(&mut self, class: Priority, id: DeliveryId, order: u64) {
        self.after[class as usize].get_or_insert(super::before(id));
        self.dropped[class as usize] = id.event;
        let keys = self.keys.get_or_insert_with(|| vec![0; (BITS / 64) as usize].into());
        for bit in bits(order) {
            if let Some(word) = keys.get_mut((bit / 64) as usize) {
                *word |= 1 << (bit % 64);
            }
        }
    }

    /// Leaves entries up to `latest` to the views whose classes and keys are not known.
    pub(super) fn leave_unseen(&mut self, first: DeliveryId, latest: Position) {
        for class in Priority::ALL {
            self.after[class as usize].get_or_insert(super::before(first));
            self.dropped[class as usize] = self.dropped[class as usize].max(latest);
        }
        self.unseen = self.unseen.max(DeliveryId { event: latest, n: u8::MAX });
    }

    /// Whether an entry of this key, older than `id` and of another class, may be only in the views.
    pub(super) fn may_hold(&self, order: u64, class: Priority, id: DeliveryId) -> bool {
        let others = Priority::ALL.into_iter().filter(|other| *other != class);
        let mut older = others.filter_map(|other| self.after(other)).filter(|after| *after < id).peekable();
        if older.peek().is_none() {
            return false;
        }
        older.any(|after| after < self.unseen) || self.may_have(order)
    }

    fn may_have(&self, order: u64) -> bool {
        let Some(keys) = &self.keys else { return false };
        bits(order)
            .iter()
            .all(|bit| keys.get((bit / 64) as usize).is_some_and(|word| word & (1 << (bit % 64)) != 0))
    }
}

/// The order is a fingerprint already: two parts of it are two hashes.
const fn bits(order: u64) -> [u64; 2] {
    [order % BITS, (order >> 32) % BITS]
}
