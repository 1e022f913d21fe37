//! The events accepted a moment ago, so that their deliveries need not read them from the journal.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use lineshaft_model::record::EventRecord;
use lineshaft_model::{Envelope, Position};
use parking_lot::RwLock;
use smallvec::SmallVec;

use crate::work::Candidate;

/// Memory set aside, in bytes. What falls out is read from the journal.
const MOST_BYTES: usize = 32 << 20;

/// An event whose data is longer is not kept.
const LONGEST_BYTES: usize = 64 << 10;

/// What an event takes beside its data, roughly.
const AROUND_BYTES: usize = 768;

/// An event as its deliveries need it.
#[derive(Debug)]
pub(crate) struct Accepted {
    /// Its attributes.
    pub(crate) envelope: Arc<Envelope>,
    /// Its data.
    pub(crate) data: Bytes,
    /// The replay it belongs to, when its effect shall happen again.
    pub(crate) scope: Option<Position>,
    /// The routes of its deliveries, in order.
    routes: SmallVec<[Arc<str>; 4]>,
}

impl Accepted {
    /// An event that was read from its record. `data` holds the record's data.
    pub(crate) fn read(event: &EventRecord<'_>, data: Bytes, scope: Option<Position>) -> Self {
        let routes = event.owed().map(|owed| Arc::from(owed.route)).collect();
        Self { envelope: Arc::new(event.envelope()), data, scope, routes }
    }

    /// The route of the n-th delivery.
    pub(crate) fn route(&self, n: u8) -> Option<&Arc<str>> {
        self.routes.get(usize::from(n))
    }
}

/// The latest events that owe deliveries, as many as fit.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    kept: RwLock<Kept>,
}

/// In the order of their positions.
#[derive(Debug, Default)]
struct Kept {
    events: VecDeque<(Position, Arc<Accepted>)>,
    bytes: usize,
}

impl Recent {
    /// The event at a position, if it is still here.
    pub(crate) fn find(&self, position: Position) -> Option<Arc<Accepted>> {
        let kept = self.kept.read();
        let at = kept.events.binary_search_by_key(&position, |(position, _)| *position).ok()?;
        kept.events.get(at).map(|(_, event)| Arc::clone(event))
    }

    /// Keeps events that stand behind all kept before, and forgets the oldest.
    pub(super) fn keep(&self, events: impl Iterator<Item = (Position, Accepted)>) {
        let kept = &mut *self.kept.write();
        for (position, event) in events {
            kept.bytes += event.data.len() + AROUND_BYTES;
            kept.events.push_back((position, Arc::new(event)));
        }
        while kept.bytes > MOST_BYTES
            && let Some((_, oldest)) = kept.events.pop_front()
        {
            kept.bytes -= oldest.data.len() + AROUND_BYTES;
        }
    }
}

/// What to keep of an event that is written; `None` when it owes nothing or is long.
pub(super) fn worth_keeping(candidate: Candidate) -> Option<Accepted> {
    let Candidate { event, owed, .. } = candidate;
    if owed.is_empty() || event.data.len() > LONGEST_BYTES {
        return None;
    }
    // A copy, because the data may be a small part of a large input that would be held with it.
    let data = Bytes::copy_from_slice(&event.data);
    let routes = owed.into_iter().map(|owing| owing.route).collect();
    Some(Accepted { envelope: Arc::new(event.envelope), data, scope: None, routes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(data_bytes: usize) -> Accepted {
        let data = Bytes::from(vec![b' '; data_bytes]);
        Accepted { envelope: Arc::default(), data, scope: None, routes: SmallVec::new() }
    }

    #[test]
    fn the_oldest_give_way_to_the_latest() {
        let recent = Recent::default();
        let each = LONGEST_BYTES;
        let fit = (MOST_BYTES / (each + AROUND_BYTES)) as u64;
        recent.keep((1..=fit).map(|n| (Position(n * 4), accepted(each))));
        assert!(recent.find(Position(4)).is_some(), "all fit");
        assert!(recent.find(Position(5)).is_none(), "an outcome stands there");
        recent.keep([(Position(fit * 4 + 4), accepted(each))].into_iter());
        assert!(recent.find(Position(4)).is_none(), "the oldest is gone");
        assert!(recent.find(Position(8)).is_some() && recent.find(Position(fit * 4 + 4)).is_some());
    }
}
