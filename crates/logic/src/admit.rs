//! Whether an event is new, and whether it changes anything: duplicates, stale revisions and echoes.

use std::sync::Arc;

use lineshaft_model::Position;
use lineshaft_model::record::{Disposition, EventHead};

/// What is known of an event's object at the moment of writing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The revision of the latest event that changed it; 0 for none.
    pub revision: u64,
    /// The event says what was last delivered to its sender, byte for byte: our own change coming back.
    pub echo: bool,
}

/// Where an object stands at the moment of writing.
#[derive(Clone, Debug, Default)]
pub struct Head {
    /// Its latest event, whatever became of it: the next event's `previous`.
    pub position: Position,
    /// Its latest event that changed it.
    pub changed: Position,
    /// The revision of that event; 0 for none.
    pub revision: u64,
    /// The hash of that event's data.
    pub hash: u64,
    /// The system that sent it.
    pub system: Arc<str>,
}

/// What an event brings to its object.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Where it would be written.
    pub position: Position,
    /// Its revision; 0 for none, and for a part of an object, whose revisions are its own.
    pub revision: u64,
    /// The hash of its data.
    pub hash: u64,
    /// The system that sends it.
    pub system: Arc<str>,
}

impl Head {
    /// Whether another system said the same last. Then it is an echo if that was owed to the sender.
    #[must_use]
    pub fn may_be_echoed(&self, arrival: &Arrival) -> bool {
        self.hash == arrival.hash && !self.changed.is_zero() && self.system != arrival.system
    }

    /// Where the object stands when the event has been written.
    #[must_use]
    pub fn after(self, arrival: Arrival, disposition: Disposition) -> Self {
        if disposition != Disposition::Accepted {
            return Self { position: arrival.position, ..self };
        }
        Self {
            position: arrival.position,
            changed: arrival.position,
            revision: arrival.revision.max(self.revision),
            hash: arrival.hash,
            system: arrival.system,
        }
    }
}

/// What becomes of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is in the journal already, there.
    Duplicate(Position),
    /// It is written.
    Keep(EventHead),
}

/// Decides about an event that is not a duplicate. `revision` is 0 when the source gives none: such events are always newer.
#[must_use]
pub const fn decide(revision: u64, known: Known) -> Disposition {
    if known.echo {
        Disposition::Echo
    } else if revision > 0 && revision <= known.revision {
        Disposition::Stale
    } else {
        Disposition::Accepted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_higher_revision_changes_an_object() {
        let known = Known { revision: 7, echo: false };
        assert_eq!(decide(8, known), Disposition::Accepted);
        assert_eq!(decide(7, known), Disposition::Stale);
        assert_eq!(decide(3, known), Disposition::Stale);
        assert_eq!(decide(0, known), Disposition::Accepted, "a source without revisions is believed");
    }

    #[test]
    fn an_echo_stops_whatever_its_revision() {
        assert_eq!(decide(9, Known { revision: 7, echo: true }), Disposition::Echo);
    }
}
