//! What is written again before the journal's oldest segment is dropped: only what is still as it was when it was read.
//!
//! The keeper reads the views, which lag. An object's latest event is known exactly to admission. Of the rarer things the
//! recorder remembers which it has written lately.

use std::collections::VecDeque;

use lineshaft_model::record::{Action, JsonPayload, RecordKind, Token};
use lineshaft_model::{Fingerprint, Position, Reason};
use lineshaft_ports::journal::Batch;
use lineshaft_store::reading::Carry;

use super::Recorder;

/// Things remembered; whoever asked the views before the oldest of them asks again.
const MOST_THINGS: usize = 4096;

/// What there is one current record of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thing {
    /// How far a part of an intake has been read, by its fingerprint.
    Token(u64),
    /// Whether a system is paused, by its fingerprint.
    System(u64),
    /// How a person has set a system's breaker, by the system's fingerprint.
    Breaker(u64),
    /// The configuration.
    Configuration,
    /// Where an instance of a process stands, by the instance's fingerprint.
    Process(u64),
}

impl Thing {
    pub(super) fn of_token(token: &Token) -> Self {
        Self::Token(Fingerprint::of(&[&token.intake, &token.part]).short())
    }

    pub(super) fn of_process(instance: &str) -> Self {
        Self::Process(Fingerprint::of(&[instance]).short())
    }

    /// Of most actions there is nothing current.
    pub(super) fn of_action(action: &Action) -> Option<Self> {
        let system = Fingerprint::of(&[&action.target]).short();
        match action.action.as_str() {
            "system.pause" | "system.resume" => Some(Self::System(system)),
            "system.breaker-open" | "system.breaker-close" | "system.breaker-auto" => {
                Some(Self::Breaker(system))
            }
            _ => None,
        }
    }
}

/// Which things were written lately, and where.
#[derive(Debug)]
pub(super) struct Latest<T = Thing> {
    /// Everything written after this is here.
    since: Position,
    written: VecDeque<(Position, T)>,
}

impl<T: Copy + PartialEq> Latest<T> {
    /// Nothing written yet; the next record stands at `next`.
    pub(super) const fn from(next: Position) -> Self {
        Self { since: Position(next.0.saturating_sub(1)), written: VecDeque::new() }
    }

    pub(super) fn note(&mut self, thing: Option<T>, position: Position) {
        let Some(thing) = thing else { return };
        self.written.push_back((position, thing));
        if self.written.len() > MOST_THINGS
            && let Some((oldest, _)) = self.written.pop_front()
        {
            self.since = oldest;
        }
    }

    /// Whether a thing is certain to be as it was at a position.
    pub(super) fn is_unchanged(&self, thing: T, asked: Position) -> bool {
        asked >= self.since && !self.written.iter().any(|(at, of)| *of == thing && *at > asked)
    }
}

impl Recorder {
    /// Writes one thing again, unless it has changed since the views were asked.
    pub(super) fn take_carry(
        &mut self,
        carry: &Carry,
        asked: Position,
        batch: &mut Batch,
    ) -> Result<(), Reason> {
        match carry {
            Carry::Object(carried) => {
                if self.admission.carry(&carried.head, self.next)? {
                    self.push(batch, RecordKind::Carried, |buf| carried.encode(buf))?;
                }
            }
            Carry::Token(token) => {
                if self.latest.is_unchanged(Thing::of_token(token), asked) {
                    self.push_token(token, batch)?;
                }
            }
            Carry::Pause(action) => {
                let thing = Thing::of_action(action);
                if thing.is_some_and(|thing| self.latest.is_unchanged(thing, asked)) {
                    let position = self.push(batch, RecordKind::Action, |buf| action.encode(buf))?;
                    self.latest.note(thing, position);
                }
            }
            Carry::Configured(configured) => {
                if self.latest.is_unchanged(Thing::Configuration, asked) {
                    let position = self.push(batch, RecordKind::Configured, |buf| configured.encode(buf))?;
                    self.latest.note(Some(Thing::Configuration), position);
                }
            }
            Carry::Process(instance, payload) => {
                let thing = Thing::of_process(instance);
                if self.latest.is_unchanged(thing, asked) {
                    let position =
                        self.push(batch, RecordKind::Step, |buf| buf.extend_from_slice(payload))?;
                    self.latest.note(Some(thing), position);
                }
            }
            Carry::Definition(payload) => {
                self.push(batch, RecordKind::Defined, |buf| buf.extend_from_slice(payload))?;
            }
            Carry::Dropped(dropped) => {
                self.push(batch, RecordKind::Dropped, |buf| dropped.encode(buf))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_since_is_not_written_again() {
        let mut latest = Latest::from(Position(11));
        latest.note(Some(Thing::Token(1)), Position(20));
        assert!(!latest.is_unchanged(Thing::Token(1), Position(19)));
        assert!(latest.is_unchanged(Thing::Token(1), Position(20)));
        assert!(latest.is_unchanged(Thing::System(1), Position(10)));
        assert!(!latest.is_unchanged(Thing::System(1), Position(9)), "before this process nothing is known");
        for at in 0..MOST_THINGS as u64 {
            latest.note(Some(Thing::Configuration), Position(100 + at));
        }
        assert!(!latest.is_unchanged(Thing::Token(1), Position(19)), "forgotten is not unchanged");
        assert!(latest.is_unchanged(Thing::Token(1), Position(20)));
    }
}
