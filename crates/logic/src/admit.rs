//! Whether an event is new, and whether it changes anything: duplicates, stale revisions and echoes.

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
