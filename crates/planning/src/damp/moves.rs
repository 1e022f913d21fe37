//! When to tell that an order or a demand moves: not of every step on the way, but of where it has come to stay.

use std::collections::{BTreeMap, BTreeSet};

use lineshaft_model::Millis;

use super::Patience;

/// What has been told of each order or demand, and what waits to be. `S` is how it stands.
#[derive(Clone, Debug)]
pub struct Moves<S> {
    patience: Patience,
    /// Whether a change is so grave that it is told although the last one was told a short while ago.
    is_grave: fn(&S, &S) -> bool,
    watches: BTreeMap<String, Watch<S>>,
    timers: BTreeSet<(Millis, String)>,
}

#[derive(Clone, Debug)]
struct Watch<S> {
    told: S,
    told_at: Millis,
    current: S,
    cause: String,
    /// When the difference between what is told and what is began.
    since: Option<Millis>,
    /// When it is looked at again: to tell, or to forget it.
    due: Millis,
}

/// A move that is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved<S> {
    /// The order or demand.
    pub key: String,
    /// How it stood when it was told of last, or before anything was.
    pub from: S,
    /// How it stands.
    pub to: S,
    /// The event that brought it about.
    pub cause: String,
}

impl<S: Clone + PartialEq> Moves<S> {
    /// One that has told nothing yet.
    #[must_use]
    pub fn new(patience: Patience, is_grave: fn(&S, &S) -> bool) -> Self {
        Self { patience, is_grave, watches: BTreeMap::new(), timers: BTreeSet::new() }
    }

    /// Takes how an order or demand stood before an event and how it stands after it.
    pub fn observe(&mut self, key: &str, before: &S, after: &S, cause: &str, now: Millis) {
        let watch = self.watches.entry(key.to_owned()).or_insert_with(|| Watch {
            told: before.clone(),
            told_at: Millis(i64::MIN / 2),
            current: before.clone(),
            cause: String::new(),
            since: None,
            due: now,
        });
        self.timers.remove(&(watch.due, key.to_owned()));
        if watch.current != *after {
            watch.current = after.clone();
            cause.clone_into(&mut watch.cause);
        }
        let quiet_until = watch.told_at.plus(self.patience.again_ms);
        if watch.current == watch.told {
            watch.since = None;
            if quiet_until <= now {
                self.watches.remove(key);
                return;
            }
            watch.due = quiet_until;
        } else {
            let settled = watch.since.get_or_insert(now).plus(self.patience.settle_ms);
            let is_grave = (self.is_grave)(&watch.told, &watch.current);
            watch.due = if is_grave { settled } else { settled.max(quiet_until) };
        }
        self.timers.insert((watch.due, key.to_owned()));
    }

    /// When something is due next.
    #[must_use]
    pub fn next(&self) -> Option<Millis> {
        self.timers.first().map(|(due, _)| *due)
    }

    /// What is due to be told by now; it counts as told.
    pub fn due(&mut self, now: Millis) -> Vec<Moved<S>> {
        let mut moved = Vec::new();
        while let Some((_, key)) = self.timers.first().filter(|(due, _)| *due <= now).cloned() {
            self.timers.pop_first();
            let Some(watch) = self.watches.get_mut(&key) else { continue };
            if watch.current == watch.told {
                self.watches.remove(&key);
                continue;
            }
            let from = std::mem::replace(&mut watch.told, watch.current.clone());
            let (to, cause) = (watch.current.clone(), watch.cause.clone());
            moved.push(Moved { key: key.clone(), from, to, cause });
            watch.since = None;
            watch.told_at = now;
            // Long enough for another move to be measured against this one.
            watch.due = now.plus(self.patience.again_ms.max(1));
            self.timers.insert((watch.due, key));
        }
        moved
    }

    /// Orders or demands that are watched.
    #[must_use]
    pub fn len(&self) -> usize {
        self.watches.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.watches.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn watched() -> Moves<i64> {
        Moves::new(Patience::default(), |told, current| told.abs_diff(*current) >= 10)
    }

    #[test]
    fn a_move_is_told_where_it_ends() {
        let mut moves = watched();
        moves.observe("1000", &0, &4, "e1", Millis(0));
        moves.observe("1000", &4, &7, "e2", Millis(2_000));
        assert_eq!(moves.due(Millis(4_999)), []);
        let told = Moved { key: "1000".into(), from: 0, to: 7, cause: "e2".into() };
        assert_eq!(moves.due(Millis(5_000)), [told]);
        // A small step has to wait its turn, a grave one has not.
        moves.observe("1000", &7, &8, "e3", Millis(10_000));
        assert_eq!(moves.next(), Some(Millis(3_605_000)));
        moves.observe("1000", &8, &20, "e4", Millis(11_000));
        let told = Moved { key: "1000".into(), from: 7, to: 20, cause: "e4".into() };
        assert_eq!(moves.due(Millis(15_000)), [told]);
        assert_eq!(moves.due(Millis(10_000_000)), []);
        assert!(moves.is_empty());
    }

    #[test]
    fn what_flaps_is_not_told() {
        let mut moves = watched();
        for second in 0..600_i64 {
            let (before, after) = ((second % 2) * 50, ((second + 1) % 2) * 50);
            moves.observe("1000", &before, &after, "e", Millis(second * 1_000));
            assert_eq!(moves.due(Millis(second * 1_000)), []);
        }
    }

    proptest! {
        /// Whatever it goes through: each telling begins where the last one ended, the last one tells what is so, and two that
        /// are not grave are an hour apart.
        #[test]
        fn tellings_join_and_end_at_what_is_so(steps in prop::collection::vec((0_i64..40, 0_i64..900_000), 1..60)) {
            let mut moves = watched();
            let (mut now, mut current, mut told, mut at) = (Millis(0), 0, 0, Millis(i64::MIN / 2));
            for (next, wait) in steps {
                moves.observe("1000", &current, &next, "e", now);
                current = next;
                now = now.plus(wait);
                for moved in moves.due(now) {
                    prop_assert_eq!(moved.from, told);
                    prop_assert_ne!(moved.from, moved.to);
                    prop_assert!(now.since(at) >= 3_600_000 || moved.from.abs_diff(moved.to) >= 10);
                    (told, at) = (moved.to, now);
                }
            }
            for moved in moves.due(now.plus(10_000_000)) {
                prop_assert_eq!(moved.from, told);
                told = moved.to;
            }
            prop_assert_eq!(told, current);
            moves.due(now.plus(100_000_000));
            prop_assert!(moves.is_empty());
        }
    }
}
