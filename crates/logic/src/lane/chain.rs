//! The deliveries of one order key that a lane has in memory, oldest first.

use std::collections::VecDeque;

use lineshaft_model::{DeliveryId, Position, Priority};

use super::Entry;

/// What the oldest delivery of a chain is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing in memory, or not yet placed.
    #[default]
    Empty,
    /// Waiting for a slot, for its first attempt or, when `again`, for one that was due.
    Ready {
        /// Whether it is counted among the repeated ones.
        again: bool,
    },
    /// Being attempted.
    InFlight,
    /// Waiting for its next attempt.
    Delayed,
}

/// A chain; its head is kept apart so that the common chain of one needs no allocation.
#[derive(Debug)]
pub(super) struct Chain {
    head: Option<Entry>,
    waiting: VecDeque<Entry>,
    /// What the head is doing.
    pub(super) stage: Stage,
    /// The most urgent class of any delivery in the chain, those in the views as far as known.
    pub(super) class: Priority,
    /// The place in a queue that counts.
    pub(super) ticket: u32,
    /// Whether later deliveries of the key are only in the views.
    pub(super) spilled: bool,
    /// The most urgent class of those.
    pub(super) lent: Priority,
    /// Whether the views have been asked for them.
    pub(super) asked: bool,
    /// The latest that was left to the views.
    pub(super) dropped: Position,
}

impl Default for Chain {
    fn default() -> Self {
        Self {
            head: None,
            waiting: VecDeque::new(),
            stage: Stage::Empty,
            class: Priority::Bulk,
            ticket: 0,
            spilled: false,
            lent: Priority::Bulk,
            asked: false,
            dropped: Position::ZERO,
        }
    }
}

impl Chain {
    pub(super) const fn head(&self) -> Option<Entry> {
        self.head
    }

    pub(super) const fn head_mut(&mut self) -> Option<&mut Entry> {
        self.head.as_mut()
    }

    pub(super) fn len(&self) -> usize {
        usize::from(self.head.is_some()) + self.waiting.len()
    }

    pub(super) fn holds(&self, id: DeliveryId) -> bool {
        self.head.is_some_and(|head| head.id == id) || self.waiting.iter().any(|entry| entry.id == id)
    }

    /// Adds an entry at the end. The chain's class is looked at again by [`Chain::urge`].
    pub(super) fn push(&mut self, entry: Entry) {
        if self.head.is_none() {
            self.head = Some(entry);
        } else {
            self.waiting.push_back(entry);
        }
    }

    /// Takes the head off; the next becomes head.
    pub(super) fn pop(&mut self) -> Option<Entry> {
        let head = self.head.take();
        self.head = self.waiting.pop_front();
        head
    }

    /// The class at which the chain goes: the most urgent of all that wait in it.
    pub(super) fn urge(&self) -> Priority {
        let lent = if self.spilled { self.lent } else { Priority::Bulk };
        self.head.iter().chain(&self.waiting).map(|entry| entry.class).fold(lent, Priority::min)
    }

    /// Who sent what the chain holds, one for each entry.
    pub(super) fn shares(&self) -> impl Iterator<Item = u32> {
        self.head.iter().chain(&self.waiting).map(|entry| entry.share)
    }
}
