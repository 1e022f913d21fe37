//! What a hub would remember from one input to the next, for the length of one case.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use lineshaft_logic::References;
use lineshaft_logic::admit::{Arrival, Head, Known, decide};
use lineshaft_model::record::Disposition;
use lineshaft_model::{Envelope, Event, EventType, Fingerprint, Position};
use lineshaft_store::views::data_hash;

use super::case::Reference;

/// The memory of one case.
#[derive(Debug, Default)]
pub(super) struct Memory {
    position: Position,
    seen: HashSet<Fingerprint>,
    heads: HashMap<Fingerprint, Head>,
    /// The systems that the event at a position was owed to.
    owed: HashMap<Position, Vec<String>>,
    references: Vec<Reference>,
    /// Keys held back behind a dead letter, with their destination.
    parked: HashSet<(String, String)>,
}

impl Memory {
    pub(super) fn new(references: &[Reference]) -> Self {
        Self { references: references.to_vec(), ..Self::default() }
    }

    /// Takes an event in as the journal's writer would; `None` for a duplicate.
    pub(super) fn admit(&mut self, event: &Event) -> Option<Disposition> {
        let envelope = &event.envelope;
        if !self.seen.insert(envelope.identity()) {
            return None;
        }
        self.position = self.position.next();
        let Ok(event_type) = envelope.parsed_type() else { return Some(Disposition::Accepted) };
        let (key, below) = event_type.split_subject(&envelope.subject);
        let object = Fingerprint::of(&[&envelope.tenant, event_type.object_type(), key]);
        let head = self.heads.remove(&object).unwrap_or_default();
        let arrival = Arrival {
            position: self.position,
            revision: if below.is_some() { 0 } else { envelope.revision },
            hash: data_hash(&event.data),
            system: Arc::from(envelope.system()),
        };
        let echo = head.may_be_echoed(&arrival) && self.owed_to(head.changed, envelope.system());
        let disposition = decide(arrival.revision, Known { revision: head.revision, echo });
        self.heads.insert(object, head.after(arrival, disposition));
        self.note_references(event, &event_type, key);
        Some(disposition)
    }

    /// Remembers that the event just taken in is owed to a system.
    pub(super) fn owe(&mut self, system: &str) {
        self.owed.entry(self.position).or_default().push(system.to_owned());
    }

    fn owed_to(&self, position: Position, system: &str) -> bool {
        self.owed.get(&position).is_some_and(|systems| systems.iter().any(|owed| owed == system))
    }

    /// An event names what systems call its object under `ref:SYSTEM`.
    fn note_references(&mut self, event: &Event, event_type: &EventType<'_>, key: &str) {
        for (name, foreign) in &event.keys {
            if let Some(system) = name.strip_prefix("ref:") {
                self.refer(event_type.object_type(), key, system, foreign);
            }
        }
    }

    /// A system has said what it calls the object of an event.
    pub(super) fn answered(&mut self, envelope: &Envelope, system: &str, foreign: &str) {
        if let Ok(event_type) = envelope.parsed_type() {
            let (key, _) = event_type.split_subject(&envelope.subject);
            self.refer(event_type.object_type(), key, system, foreign);
        }
    }

    fn refer(&mut self, object_type: &str, key: &str, system: &str, foreign: &str) {
        let of = |r: &Reference| r.object_type == object_type && r.key == key && r.system == system;
        self.references.retain(|known| !of(known));
        self.references.push(Reference {
            object_type: object_type.to_owned(),
            key: key.to_owned(),
            system: system.to_owned(),
            foreign_key: foreign.to_owned(),
        });
    }

    /// Holds back what comes later for a key.
    pub(super) fn park(&mut self, destination: &str, key: &str) {
        self.parked.insert((destination.to_owned(), key.to_owned()));
    }

    pub(super) fn is_parked(&self, destination: &str, key: &str) -> bool {
        self.parked.contains(&(destination.to_owned(), key.to_owned()))
    }
}

impl References for Memory {
    fn canonical(&self, system: &str, object_type: &str, key: &str) -> Option<String> {
        let found = self
            .references
            .iter()
            .rfind(|r| r.system == system && r.object_type == object_type && r.foreign_key == key);
        found.map(|reference| reference.key.clone())
    }

    fn foreign(&self, system: &str, object_type: &str, canonical: &str) -> Option<String> {
        let found = self
            .references
            .iter()
            .rfind(|r| r.system == system && r.object_type == object_type && r.key == canonical);
        found.map(|reference| reference.foreign_key.clone())
    }
}
