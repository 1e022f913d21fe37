//! The index of the open segment, in memory, fed with every record as it becomes durable.

use std::collections::HashMap;

use lineshaft_model::record::{Carried, CarriedHead, EventRecord, OutcomeRecord, RecordKind};
use lineshaft_model::{Millis, Position};
use smallvec::SmallVec;

use super::runs::Runs;
use super::segment::{SegmentStats, TypeCount};
use super::{IndexError, Span, cut, delivery_key, key_of};
use crate::applied::AppliedRecord;

/// Event types counted apart in one segment; a hostile source must not fill the memory with more.
const MOST_TYPES: usize = 1024;
/// One point of the time table for so many events.
const EVENTS_A_POINT: u64 = 256;

/// Everything that is looked up in one segment, while it grows.
#[derive(Debug)]
pub(super) struct OpenIndex {
    pub(super) first: Position,
    /// The last record taken in.
    pub(super) last: Position,
    pub(super) identities: Runs,
    pub(super) keys: Runs,
    pub(super) outcomes: Runs,
    /// (latest receipt so far, offset), both ascending.
    pub(super) times: Vec<(u64, u32)>,
    pub(super) stats: SegmentStats,
    types: HashMap<Box<str>, usize>,
    latest: Millis,
}

impl OpenIndex {
    pub(super) fn new(first: Position) -> Self {
        Self {
            first,
            last: Position(first.0.saturating_sub(1)),
            identities: Runs::default(),
            keys: Runs::default(),
            outcomes: Runs::default(),
            times: Vec::new(),
            stats: SegmentStats::default(),
            types: HashMap::new(),
            latest: Millis(i64::MIN),
        }
    }

    pub(super) const fn span(&self) -> Span {
        Span { first: self.first, last: self.last }
    }

    /// Takes in a record; one that does not read as its kind is counted and passed over.
    pub(super) fn take(&mut self, record: AppliedRecord<'_>) -> Result<(), IndexError> {
        match RecordKind::from_byte(record.kind) {
            Some(RecordKind::Event) => {
                if let Ok(event) = EventRecord::decode(record.payload) {
                    return self.take_event(record.position, &event);
                }
            }
            Some(RecordKind::Outcome) => {
                if let Ok(outcome) = OutcomeRecord::decode(record.payload) {
                    return self.take_outcome(record.position, &outcome);
                }
            }
            Some(RecordKind::Carried) => {
                if let Ok((head, _)) = Carried::decode(record.payload) {
                    return self.take_carried(record.position, &head);
                }
            }
            _ => {}
        }
        self.take_other(record.position, record.kind)
    }

    /// Takes in an event.
    pub(super) fn take_event(
        &mut self,
        position: Position,
        event: &EventRecord<'_>,
    ) -> Result<(), IndexError> {
        let offset = self.note(position, RecordKind::Event as u8)?;
        self.identities.push(cut(event.identity()), offset);
        for key in keys_of(event) {
            self.keys.push(key, offset);
        }
        let events = self.stats.events();
        self.latest = self.latest.max(event.received);
        self.stats.received = Some(match self.stats.received {
            None => (event.received, event.received),
            Some((first, last)) => (first.min(event.received), last.max(event.received)),
        });
        if events % EVENTS_A_POINT == 1 {
            self.times.push((time_key(self.latest), offset));
        }
        self.count_type(event.event_type);
        Ok(())
    }

    /// Takes in an outcome.
    pub(super) fn take_outcome(
        &mut self,
        position: Position,
        outcome: &OutcomeRecord<'_>,
    ) -> Result<(), IndexError> {
        let offset = self.note(position, RecordKind::Outcome as u8)?;
        let event = outcome.delivery.event;
        self.outcomes.push(delivery_key(event, outcome.delivery.n), offset);
        self.stats.settles = Some(match self.stats.settles {
            None => (event, event),
            Some((first, last)) => (first.min(event), last.max(event)),
        });
        Ok(())
    }

    /// Takes in an object that is written again: it is found by its key.
    pub(super) fn take_carried(&mut self, position: Position, head: &CarriedHead) -> Result<(), IndexError> {
        let offset = self.note(position, RecordKind::Carried as u8)?;
        self.keys.push(key_of(&head.tenant, &head.key), offset);
        Ok(())
    }

    /// Takes in a record of any other kind.
    pub(super) fn take_other(&mut self, position: Position, kind: u8) -> Result<(), IndexError> {
        self.note(position, kind).map(|_| ())
    }

    fn note(&mut self, position: Position, kind: u8) -> Result<u32, IndexError> {
        let offset = position.0.wrapping_sub(self.first.0);
        let offset = u32::try_from(offset).map_err(|_| IndexError::TooLarge { first: self.first })?;
        self.last = position;
        self.stats.count_kind(kind);
        Ok(offset)
    }

    fn count_type(&mut self, event_type: &str) {
        if let Some(&at) = self.types.get(event_type) {
            self.stats.types[at].events += 1;
        } else if self.types.len() < MOST_TYPES {
            self.types.insert(event_type.into(), self.stats.types.len());
            self.stats.types.push(TypeCount { event_type: event_type.to_owned(), events: 1 });
        } else {
            self.stats.further_types = true;
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.identities.memory_bytes() + self.keys.memory_bytes() + self.outcomes.memory_bytes()
    }
}

/// The keys by which an event is found, each once: its object's, its whole subject, its further keys, its id and its
/// business transaction.
fn keys_of(event: &EventRecord<'_>) -> SmallVec<[u64; 8]> {
    let mut keys = SmallVec::new();
    let mut add = |text: &str| {
        let key = key_of(event.tenant, text);
        if !text.is_empty() && !keys.contains(&key) {
            keys.push(key);
        }
    };
    add(event.subject);
    if let Some((_, key)) = event.object().filter(|(_, key)| *key != event.subject) {
        add(key);
    }
    for (_, key) in event.keys() {
        add(key);
    }
    add(event.id);
    if !event.correlationid.is_empty() {
        add(event.correlationid);
    }
    keys
}

/// Times as unsigned keys in the same order.
pub(super) const fn time_key(at: Millis) -> u64 {
    at.0.cast_unsigned() ^ (1 << 63)
}
