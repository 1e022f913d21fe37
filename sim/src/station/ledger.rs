//! The effect ledger: the independent witness of what reached a system, how often, and in which order.
//!
//! It is kept apart from the idempotency check on purpose. A hub that sends the same business effect under two different
//! keys passes the check and is found here.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use crate::station::answer::Answer;

/// What a key has answered before, and to which request.
#[derive(Clone, Debug)]
struct Kept {
    operation: &'static str,
    fingerprint: u64,
    answer: Answer,
}

/// What the ledger says of a key that arrives.
#[derive(Debug)]
pub(crate) enum Seen {
    /// Never before.
    New,
    /// The same request under the same key: this was the answer.
    Before(Answer),
    /// Another request under the same key.
    Conflict,
}

/// One effect: an operation on a business object, at a revision where it has one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Effect {
    pub operation: String,
    /// The business id, with `@revision` behind it where the message carried one.
    pub id: String,
}

/// Sums of a ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LedgerTotals {
    /// Requests that reached the system's logic.
    pub requests: u64,
    /// Effects applied.
    pub effects: u64,
    /// Different effects applied.
    pub distinct_effects: u64,
    /// Effects applied beyond the first of their kind. Must be 0.
    pub double_effects: u64,
    /// The same key again: answered from memory, no second effect.
    pub replays: u64,
    /// The same key with another request. Must be 0.
    pub key_conflicts: u64,
    /// Requests without a key.
    pub without_key: u64,
    /// Revisions that arrived after a higher one of the same object. Must be 0.
    pub out_of_order: u64,
    /// Requests answered with 4xx by the system's own rules.
    pub refused: u64,
}

/// The ledger of one system. It keeps every key and effect for as long as the factory runs.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    keys: HashMap<String, Kept>,
    effects: HashMap<Effect, u64>,
    revisions: HashMap<(&'static str, String), u64>,
    totals: LedgerTotals,
}

impl Ledger {
    /// Looks a key up and counts the request.
    pub(crate) fn look_up(&mut self, key: Option<&str>, operation: &'static str, fingerprint: u64) -> Seen {
        self.totals.requests += 1;
        let Some(key) = key else {
            self.totals.without_key += 1;
            return Seen::New;
        };
        match self.keys.get(key) {
            None => Seen::New,
            Some(kept) if kept.operation == operation && kept.fingerprint == fingerprint => {
                self.totals.replays += 1;
                Seen::Before(kept.answer.clone())
            }
            Some(_) => {
                self.totals.key_conflicts += 1;
                Seen::Conflict
            }
        }
    }

    /// Remembers the answer to a key. Refusals are not remembered: they had no effect.
    pub(crate) fn keep(
        &mut self,
        key: Option<&str>,
        operation: &'static str,
        fingerprint: u64,
        answer: &Answer,
    ) {
        if !answer.is_success() {
            self.totals.refused += 1;
            return;
        }
        if let Some(key) = key {
            self.keys.insert(key.to_owned(), Kept { operation, fingerprint, answer: answer.clone() });
        }
    }

    /// Counts an effect and says whether it is the first of its kind.
    pub(crate) fn record(
        &mut self,
        operation: &'static str,
        business_id: &str,
        revision: Option<u64>,
    ) -> bool {
        let id =
            revision.map_or_else(|| business_id.to_owned(), |revision| format!("{business_id}@{revision}"));
        let count = self.effects.entry(Effect { operation: operation.to_owned(), id }).or_default();
        *count += 1;
        let first = *count == 1;
        self.totals.effects += 1;
        if first {
            self.totals.distinct_effects += 1;
        } else {
            self.totals.double_effects += 1;
        }
        first
    }

    /// Checks the order of an object's revisions and says whether this one is newer than all before.
    pub(crate) fn in_order(&mut self, kind: &'static str, business_key: &str, revision: u64) -> bool {
        let latest = self.revisions.entry((kind, business_key.to_owned())).or_default();
        if revision < *latest {
            self.totals.out_of_order += 1;
            return false;
        }
        let newer = revision > *latest;
        *latest = revision;
        newer
    }

    pub(crate) fn totals(&self) -> LedgerTotals {
        self.totals
    }

    /// Every effect with its count, sorted.
    pub(crate) fn effects(&self) -> BTreeMap<Effect, u64> {
        self.effects.iter().map(|(effect, count)| (effect.clone(), *count)).collect()
    }

    /// Effects that happened more than once, sorted.
    pub(crate) fn doubles(&self) -> Vec<(Effect, u64)> {
        let mut doubles: Vec<_> = self
            .effects
            .iter()
            .filter(|(_, count)| **count > 1)
            .map(|(effect, count)| (effect.clone(), *count))
            .collect();
        doubles.sort();
        doubles
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_key_again_is_a_replay_and_with_another_body_a_conflict() {
        let mut ledger = Ledger::default();
        assert!(matches!(ledger.look_up(Some("k"), "post", 1), Seen::New));
        ledger.keep(Some("k"), "post", 1, &Answer::created(json!({"n": 1})));
        assert!(matches!(ledger.look_up(Some("k"), "post", 1), Seen::Before(_)));
        assert!(matches!(ledger.look_up(Some("k"), "post", 2), Seen::Conflict));
        assert!(matches!(ledger.look_up(Some("k"), "put", 1), Seen::Conflict));
        assert_eq!((ledger.totals().replays, ledger.totals().key_conflicts), (1, 2));
    }

    #[test]
    fn a_refusal_is_not_remembered() {
        let mut ledger = Ledger::default();
        ledger.keep(Some("k"), "post", 1, &Answer::refused(422, "no"));
        assert!(matches!(ledger.look_up(Some("k"), "post", 2), Seen::New));
        assert_eq!(ledger.totals().refused, 1);
    }

    #[test]
    fn a_double_effect_shows_under_any_key() {
        let mut ledger = Ledger::default();
        assert!(ledger.record("post", "4500000001", Some(1)));
        assert!(ledger.record("post", "4500000001", Some(2)));
        assert!(!ledger.record("post", "4500000001", Some(1)));
        assert_eq!(ledger.totals().double_effects, 1);
        assert_eq!(ledger.doubles()[0].0.id, "4500000001@1");
    }

    #[test]
    fn an_older_revision_is_out_of_order_and_the_same_one_is_not_newer() {
        let mut ledger = Ledger::default();
        assert!(ledger.in_order("order", "A", 2));
        assert!(!ledger.in_order("order", "A", 2));
        assert_eq!(ledger.totals().out_of_order, 0);
        assert!(!ledger.in_order("order", "A", 1));
        assert_eq!(ledger.totals().out_of_order, 1);
        assert!(ledger.in_order("order", "B", 1));
    }
}
