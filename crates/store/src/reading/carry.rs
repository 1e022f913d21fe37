//! What must be written again before the oldest segment is dropped.
//!
//! A segment is gone through in steps of bounded size. Each step tells what its records speak of (objects, resume tokens, paused
//! systems, configurations) and adds to the sums of what it holds. Of these things, those that are still known from records
//! that are about to go are carried: written again, as they are now. When nothing of a step is left to carry the next one is
//! taken, and at the end the sums are written: from then on the segment may go.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use lineshaft_model::record::{
    Action, Carried, CarriedHead, CarriedState, Configured, Counts, Defined, Disposition, Dropped,
    DroppedDeliveries, DroppedInputs, EventRecord, JsonPayload, OutcomeRecord, Quarantine, RecordKind,
    Replayed, Step as TakenStep, Tally, Token,
};
use lineshaft_model::{Destination, Position, Reason};
use lineshaft_ports::journal::Record;

use super::{Reading, ReadingError};
use crate::index::Span;
use crate::views::ObjectHead;

/// Records and bytes of one step at most; a step of one record may be longer.
const RECORDS_A_STEP: usize = 1024;
const BYTES_A_STEP: usize = 4 << 20;

/// Things and bytes carried at a time at most; one may be longer.
const CARRIES_AT_A_TIME: usize = 256;
const CARRIED_BYTES_AT_A_TIME: usize = 4 << 20;

/// An object whose state is longer cannot be carried: well below what a record holds.
const LONGEST_STATE_BYTES: usize = 48 << 20;

/// What is to be written again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Carry {
    /// An object.
    Object(Box<Carried>),
    /// How far a source has been read.
    Token(Token),
    /// That a person paused a system or set its breaker, as it was recorded.
    Pause(Action),
    /// The configuration that took effect last.
    Configured(Configured),
    /// Where an instance of a process stands, as it was recorded: the instance, and the payload.
    Process(String, Bytes),
    /// A definition that an instance runs by, as it was recorded.
    Definition(Bytes),
    /// The sums of the whole segment, after everything else.
    Dropped(Dropped),
}

/// The way through a segment that is to be dropped.
#[derive(Debug)]
pub struct Sweep {
    span: Span,
    /// The next record to look at.
    next: Position,
    destinations: BTreeMap<String, DroppedDeliveries>,
    inputs: BTreeMap<String, Counts>,
    /// Everything up to here is in sums that an earlier drop wrote, which are in this segment now.
    summed: Position,
}

/// What the records of one step speak of.
#[derive(Debug, Default)]
pub struct Step {
    places: BTreeSet<Place>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Object(String, String, String),
    Token(String, String),
    System(String),
    Breaker(String),
    Configuration,
    Process(String),
    Definition(String),
}

impl Sweep {
    /// Begins with a closed segment.
    #[must_use]
    pub fn new(span: Span) -> Self {
        Self {
            span,
            next: span.first,
            destinations: BTreeMap::new(),
            inputs: BTreeMap::new(),
            summed: Position::ZERO,
        }
    }

    /// The first record that stays.
    #[must_use]
    pub const fn keep(&self) -> Position {
        self.span.last.next()
    }

    fn take(&mut self, record: &Record, step: &mut Step) {
        let payload = &record.payload[..];
        let mut of = |place| {
            step.places.insert(place);
        };
        match RecordKind::from_byte(record.kind) {
            Some(RecordKind::Event) => {
                let Ok(event) = EventRecord::decode(payload) else { return };
                if let Some((object_type, key)) = event.object() {
                    of(Place::Object(event.tenant.into(), object_type.into(), key.into()));
                }
                self.count_event(&event);
            }
            Some(RecordKind::Carried) => {
                let Ok((head, _)) = Carried::decode(payload) else { return };
                of(Place::Object(head.tenant, head.object_type, head.key));
            }
            Some(RecordKind::Quarantine) => {
                let Ok((head, _)) = Quarantine::decode(payload) else { return };
                self.inputs.entry(head.intake).or_default().quarantined += 1;
            }
            Some(RecordKind::Action) => {
                let Ok(action) = Action::decode(payload) else { return };
                match action.action.as_str() {
                    "system.pause" => of(Place::System(action.target)),
                    "system.breaker-open" | "system.breaker-close" => of(Place::Breaker(action.target)),
                    _ => {}
                }
            }
            Some(RecordKind::Token) => {
                let Ok(token) = Token::decode(payload) else { return };
                of(Place::Token(token.intake, token.part));
            }
            Some(RecordKind::Tally) => {
                for duplicate in Tally::decode(payload).unwrap_or_default().duplicates {
                    self.inputs.entry(duplicate.intake).or_default().duplicate += duplicate.count;
                }
            }
            Some(RecordKind::Configured) => of(Place::Configuration),
            Some(RecordKind::Dropped) => {
                let Ok(dropped) = Dropped::decode(payload) else { return };
                self.count_dropped(dropped);
            }
            Some(RecordKind::Replayed) => {
                let Ok((_, event)) = Replayed::decode(payload) else { return };
                for owed in event.owed() {
                    self.sums_of(owed.destination).routed += 1;
                }
            }
            Some(RecordKind::Step) => {
                let Ok((head, _)) = TakenStep::decode(payload) else { return };
                of(Place::Process(head.instance));
            }
            Some(RecordKind::Defined) => {
                let Ok((head, _)) = Defined::decode(payload) else { return };
                of(Place::Definition(head.digest));
            }
            Some(RecordKind::Outcome | RecordKind::Amended | RecordKind::Job) | None => {}
        }
    }

    fn count_event(&mut self, event: &EventRecord<'_>) {
        let counts = self.inputs.entry(event.intake.to_owned()).or_default();
        match event.disposition {
            Disposition::Accepted => counts.accepted += 1,
            Disposition::Stale => counts.stale += 1,
            Disposition::Echo => counts.echo += 1,
        }
        for owed in event.owed() {
            self.sums_of(owed.destination).routed += 1;
        }
    }

    /// Sums that an earlier drop wrote are carried with this segment's own.
    fn count_dropped(&mut self, dropped: Dropped) {
        if dropped.upto <= self.summed {
            return;
        }
        self.summed = dropped.upto;
        for of in dropped.destinations {
            let sums = self.sums_of(&of.destination);
            sums.routed += of.routed;
            sums.discarded += of.discarded;
        }
        for DroppedInputs { intake, counts: of } in dropped.inputs {
            let counts = self.inputs.entry(intake).or_default();
            counts.accepted += of.accepted;
            counts.stale += of.stale;
            counts.echo += of.echo;
            counts.duplicate += of.duplicate;
            counts.quarantined += of.quarantined;
        }
    }

    fn sums_of(&mut self, destination: &str) -> &mut DroppedDeliveries {
        let named =
            || DroppedDeliveries { destination: destination.to_owned(), ..DroppedDeliveries::default() };
        self.destinations.entry(destination.to_owned()).or_insert_with(named)
    }
}

impl Reading {
    /// Looks at the next records of a segment; `None` after the last.
    pub fn sweep(&self, sweep: &mut Sweep) -> Result<Option<Step>, ReadingError> {
        if sweep.next > sweep.span.last {
            return Ok(None);
        }
        let mut step = Step::default();
        let (mut records, mut bytes) = (0, 0);
        for record in self.journal.read_from(sweep.next)? {
            let record = record?;
            if record.position > sweep.span.last {
                break;
            }
            sweep.take(&record, &mut step);
            sweep.next = record.position.next();
            records += 1;
            bytes += record.payload.len();
            if records >= RECORDS_A_STEP || bytes >= BYTES_A_STEP {
                break;
            }
        }
        Ok(Some(step))
    }

    /// What of a step must be written again now, some of it when it is much; empty when nothing is left. Asks the views, which
    /// must have applied the segment; what is written is seen as done once they have applied it.
    pub fn carries(&self, step: &Step, keep: Position) -> Result<Vec<Carry>, ReadingError> {
        let (mut carries, mut bytes) = (Vec::new(), 0);
        for place in &step.places {
            let carry = match place {
                Place::Object(tenant, object_type, key) => {
                    self.carried(tenant, object_type, key, keep)?.map(|carried| {
                        bytes += carried.data.len();
                        Carry::Object(Box::new(carried))
                    })
                }
                Place::Token(intake, part) => {
                    let token = self.views.token_row(intake, part)?.filter(|(_, at)| *at < keep);
                    token.map(|(token, _)| {
                        Carry::Token(Token { intake: intake.clone(), part: part.clone(), token })
                    })
                }
                Place::System(system) => {
                    let paused = self.views.paused_row(system)?.filter(|row| row.position < keep);
                    paused.map(|row| {
                        Carry::Pause(Action {
                            actor: row.actor,
                            action: "system.pause".to_owned(),
                            target: system.clone(),
                            reason: row.reason,
                            at: row.at,
                            events: Vec::new(),
                        })
                    })
                }
                Place::Breaker(system) => {
                    let set = self.views.breaker_row(system)?.filter(|(_, row)| row.position < keep);
                    set.map(|(is_open, row)| {
                        let action = if is_open { "system.breaker-open" } else { "system.breaker-close" };
                        Carry::Pause(Action {
                            actor: row.actor,
                            action: action.to_owned(),
                            target: system.clone(),
                            reason: row.reason,
                            at: row.at,
                            events: Vec::new(),
                        })
                    })
                }
                // What has ended may go with its record.
                Place::Process(id) => {
                    let row = self.views.process(id)?.filter(|row| row.position < keep && !row.ended);
                    let payload = row.map(|row| self.payload(row.position)).transpose()?.flatten();
                    payload.map(|payload| {
                        bytes += payload.len();
                        Carry::Process(id.clone(), payload)
                    })
                }
                Place::Definition(digest) => {
                    let at = self.views.definition(digest)?.filter(|at| *at < keep);
                    let at = if self.views.is_defined_for(digest)? { at } else { None };
                    at.map(|at| self.payload(at)).transpose()?.flatten().map(Carry::Definition)
                }
                Place::Configuration => {
                    let latest = self.views.configuration_row()?.filter(|(_, at)| *at < keep);
                    latest.map(|(configured, _)| Carry::Configured(configured))
                }
            };
            carries.extend(carry);
            if carries.len() >= CARRIES_AT_A_TIME || bytes >= CARRIED_BYTES_AT_A_TIME {
                break;
            }
        }
        Ok(carries)
    }

    fn payload(&self, position: Position) -> Result<Option<Bytes>, ReadingError> {
        Ok(self.journal.get(position)?.map(|record| record.payload))
    }

    /// The sums of a segment that was gone through.
    pub fn sums_of(&self, sweep: Sweep) -> Result<Dropped, ReadingError> {
        let mut sweep = sweep;
        for (destination, count) in self.views.discarded_in((sweep.span.first, sweep.span.last))? {
            sweep.sums_of(&destination).discarded += count;
        }
        let inputs = sweep.inputs.into_iter().map(|(intake, counts)| DroppedInputs { intake, counts });
        Ok(Dropped {
            upto: sweep.span.last,
            destinations: sweep.destinations.into_values().collect(),
            inputs: inputs.collect(),
        })
    }

    fn carried(
        &self,
        tenant: &str,
        object_type: &str,
        key: &str,
        keep: Position,
    ) -> Result<Option<Carried>, ReadingError> {
        // An object of which only stale events came is not held, and may be known to systems all the same.
        let head = self.views.object_head(tenant, object_type, key)?;
        let mut references = Vec::new();
        for row in self.views.reference_rows(tenant, object_type, key)? {
            if self.is_told_before(row.position, keep)? {
                references.push(row.reference);
            }
        }
        let (mut state, mut data) = (None, Bytes::new());
        if let Some(head) = &head
            && self.stands_before(head, keep)?
            && let Some((known, bytes)) = self.state_of(tenant, object_type, key, head)?
        {
            (state, data) = (Some(known), bytes);
        }
        if state.is_none() && references.is_empty() {
            return Ok(None);
        }
        let head = CarriedHead {
            tenant: tenant.to_owned(),
            object_type: object_type.to_owned(),
            key: key.to_owned(),
            through: head.map(|head| head.position).unwrap_or_default(),
            state,
            references,
        };
        Ok(Some(Carried { head, data }))
    }

    /// Whether what is known of an object needs a record before `keep`.
    fn stands_before(&self, head: &ObjectHead, keep: Position) -> Result<bool, ReadingError> {
        if head.since < keep {
            return Ok(true);
        }
        // A whole event that brings no revision leaves the one that was known before it.
        let whole = self.with_event(head.since, |_, event| Ok(event.revision))?;
        Ok(head.revision > 0 && whole == Some(0))
    }

    /// Whether a cross reference is known from a record before `keep`: the record itself, or the event whose delivery brought it.
    fn is_told_before(&self, position: Position, keep: Position) -> Result<bool, ReadingError> {
        if position < keep {
            return Ok(true);
        }
        let record = self.journal.get(position)?;
        let Some(record) = record.filter(|record| record.kind == RecordKind::Outcome as u8) else {
            return Ok(false);
        };
        let outcome = OutcomeRecord::decode(&record.payload)
            .map_err(|source| ReadingError::Record { position, source })?;
        Ok(outcome.delivery.event < keep)
    }

    fn state_of(
        &self,
        tenant: &str,
        object_type: &str,
        key: &str,
        head: &ObjectHead,
    ) -> Result<Option<(CarriedState, Bytes)>, ReadingError> {
        let Some(merged) = self.merged(head.position, None)? else { return Ok(None) };
        let Some(row) = self.views.object_row(tenant, object_type, key)? else { return Ok(None) };
        if merged.data.len() > LONGEST_STATE_BYTES {
            let reason = Reason::new(
                "object-too-long",
                format!(
                    "{object_type} {key} has a state of {} bytes: it cannot be written again",
                    merged.data.len()
                ),
            );
            return Err(ReadingError::TooLong { reason });
        }
        let bound = self.views.object_bound(tenant, object_type, key)?.unwrap_or_default();
        let state = CarriedState {
            revision: head.revision,
            event_type: head.event_type.clone(),
            system: head.system.clone(),
            updated: row.updated,
            hash: head.hash,
            status: row.status,
            owed: self.systems_owed(head.changed)?,
            site: bound.site,
            partners: bound.partners,
        };
        Ok(Some((state, Bytes::from(merged.data))))
    }

    /// The systems that the event at this position, or the object written again there, was owed to.
    pub fn systems_owed(&self, position: Position) -> Result<Vec<String>, ReadingError> {
        let Some(record) = self.journal.get(position)? else { return Ok(Vec::new()) };
        systems_owed(&record)
    }
}

/// The systems that an event, or an object written again, was owed to.
pub fn systems_owed(record: &Record) -> Result<Vec<String>, ReadingError> {
    let unreadable = |source| ReadingError::Record { position: record.position, source };
    let systems: BTreeSet<String> = match RecordKind::from_byte(record.kind) {
        Some(RecordKind::Event) => {
            let event = EventRecord::decode(&record.payload).map_err(unreadable)?;
            let destinations = event.owed().filter_map(|owed| Destination::parse(owed.destination).ok());
            destinations.map(|to| to.system().to_owned()).collect()
        }
        Some(RecordKind::Carried) => {
            let (head, _) = Carried::decode(&record.payload).map_err(unreadable)?;
            head.state.map(|state| state.owed).unwrap_or_default().into_iter().collect()
        }
        _ => BTreeSet::new(),
    };
    Ok(systems.into_iter().collect())
}
