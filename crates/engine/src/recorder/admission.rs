//! What the recorder must know exactly at the moment of writing: which events are in the journal, and where each object
//! stands. The index and the views lag by milliseconds; what they have not applied yet is kept here.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use lineshaft_logic::admit::{Arrival, Head, Known, Verdict, decide};
use lineshaft_model::record::{CarriedHead, EventHead, EventRecord, RecordKind};
use lineshaft_model::{Fingerprint, Position, Reason};
use lineshaft_ports::journal::JournalRead;
use lineshaft_store::index::{Index, Seen};
use lineshaft_store::reading::systems_owed;
use lineshaft_store::views::{Views, data_hash};

use crate::work::Candidate;

/// Object heads kept in each of the two generations of the cache. The views never lag by as many events, so a head that has
/// left the cache is in the views.
const GENERATION: usize = 262_144;

/// The exact state at the journal's end.
#[derive(Debug)]
pub(crate) struct Admission {
    seen: Seen,
    index: Index,
    views: Views,
    records: Arc<dyn JournalRead>,
    tail: HashMap<Fingerprint, Position>,
    tail_order: VecDeque<(Position, Fingerprint)>,
    young: HashMap<Fingerprint, Head>,
    old: HashMap<Fingerprint, Head>,
    systems: HashMap<String, Arc<str>>,
}

impl Admission {
    /// The state at the end of `records`, all of which the index and the views have applied.
    pub(crate) fn new(seen: Seen, index: Index, views: Views, records: Arc<dyn JournalRead>) -> Self {
        Self {
            seen,
            index,
            views,
            records,
            tail: HashMap::new(),
            tail_order: VecDeque::new(),
            young: HashMap::new(),
            old: HashMap::new(),
            systems: HashMap::new(),
        }
    }

    /// Decides about a candidate that would be written at `position`, and takes it as written when it is new.
    pub(super) fn admit(&mut self, candidate: &Candidate, position: Position) -> Result<Verdict, Reason> {
        let envelope = &candidate.event.envelope;
        let identity = envelope.identity();
        if let Some(first) = self.find(identity, &envelope.source, &envelope.id)? {
            return Ok(Verdict::Duplicate(first));
        }
        let event_type = envelope.parsed_type()?;
        let (key, below) = event_type.split_subject(&envelope.subject);
        let fingerprint = Fingerprint::of(&[&envelope.tenant, event_type.object_type(), key]);
        let head = match self.head(fingerprint) {
            Some(head) => head,
            None => self.load_head(&envelope.tenant, event_type.object_type(), key)?,
        };
        // A part of an object, such as a confirmation, has revisions of its own: only whole objects are compared.
        let revision = if below.is_some() { 0 } else { envelope.revision };
        let system = self.system(envelope.system());
        let arrival = Arrival { position, revision, hash: candidate.hash, system };
        let echo = head.may_be_echoed(&arrival) && self.owed_to(head.changed, envelope.system())?;
        let disposition = decide(revision, Known { revision: head.revision, echo });
        let previous = head.position;
        let next = head.after(arrival, disposition);
        self.remember(fingerprint, next);
        self.seen.insert(identity);
        self.tail.insert(identity, position);
        self.tail_order.push_back((position, identity));
        Ok(Verdict::Keep(EventHead { disposition, previous }))
    }

    /// Whether an object that is to be written again at `position` is still as it was when it was read; if so, it is taken as
    /// written.
    pub(super) fn carry(&mut self, carried: &CarriedHead, position: Position) -> Result<bool, Reason> {
        if carried.state.is_none() {
            return Ok(true);
        }
        let fingerprint = Fingerprint::of(&[&carried.tenant, &carried.object_type, &carried.key]);
        let head = match self.head(fingerprint) {
            Some(head) => head,
            None => self.load_head(&carried.tenant, &carried.object_type, &carried.key)?,
        };
        let is_as_read = head.position == carried.through;
        if is_as_read {
            self.remember(fingerprint, Head { position, changed: position, ..head });
        }
        Ok(is_as_read)
    }

    /// Forgets what the index knows by now.
    pub(super) fn prune(&mut self) {
        let upto = self.index.upto();
        while let Some(&(position, identity)) = self.tail_order.front() {
            if position > upto {
                break;
            }
            self.tail_order.pop_front();
            self.tail.remove(&identity);
        }
    }

    /// The first record of this event, if it is in the journal.
    fn find(&self, identity: Fingerprint, source: &str, id: &str) -> Result<Option<Position>, Reason> {
        if !self.seen.maybe(identity) {
            return Ok(None);
        }
        if let Some(position) = self.tail.get(&identity) {
            return Ok(Some(*position));
        }
        let candidates = self.index.candidates(identity).map_err(|e| unreadable(&e))?;
        for position in candidates {
            let Some(record) = self.records.get(position).map_err(|e| e.reason())? else { continue };
            if record.kind != RecordKind::Event as u8 {
                continue;
            }
            let event = EventRecord::decode(&record.payload).map_err(|e| unreadable(&e))?;
            if event.source == source && event.id == id {
                return Ok(Some(position));
            }
        }
        Ok(None)
    }

    /// Whether the event at this position, or the object written again there, was owed to a system.
    fn owed_to(&self, position: Position, system: &str) -> Result<bool, Reason> {
        let Some(record) = self.records.get(position).map_err(|e| e.reason())? else { return Ok(false) };
        let systems = systems_owed(&record).map_err(|error| error.reason())?;
        Ok(systems.iter().any(|owed| owed == system))
    }

    fn head(&self, fingerprint: Fingerprint) -> Option<Head> {
        self.young.get(&fingerprint).or_else(|| self.old.get(&fingerprint)).cloned()
    }

    fn load_head(&mut self, tenant: &str, object_type: &str, key: &str) -> Result<Head, Reason> {
        let head = self.views.object_head(tenant, object_type, key).map_err(|e| unreadable(&e))?;
        Ok(head.map_or_else(Head::default, |head| Head {
            position: head.position,
            changed: head.changed,
            revision: head.revision,
            hash: head.hash,
            system: self.system(&head.system),
        }))
    }

    fn remember(&mut self, fingerprint: Fingerprint, head: Head) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(fingerprint, head);
    }

    fn system(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.systems.get(name) {
            return Arc::clone(known);
        }
        let shared: Arc<str> = Arc::from(name);
        // A sender is a configured system or a token's name; the bound keeps a hostile sender of names from growing it.
        if self.systems.len() < 4096 {
            self.systems.insert(name.to_owned(), Arc::clone(&shared));
        }
        shared
    }
}

/// The hash by which an echo is recognised.
#[must_use]
pub(crate) fn hash_of(data: &[u8]) -> u64 {
    data_hash(data)
}

fn unreadable(error: &impl std::fmt::Display) -> Reason {
    Reason::new("store-unreadable", error.to_string())
        .hint("check the data folder; `lineshaft journal verify` tells what is damaged")
}
