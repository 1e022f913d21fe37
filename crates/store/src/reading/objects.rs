//! Objects: their state now or at a time, and their history.

use std::collections::BTreeMap;

use lineshaft_model::json::{self, Limits, Value};
use lineshaft_model::record::{Carried, CarriedState, Disposition, EventRecord, RecordKind};
use lineshaft_model::shown::{EventRow, ObjectDetail, ObjectRef, ObjectRow, Page};
use lineshaft_model::sight::Act;
use lineshaft_model::{EventType, Millis, Position};
use lineshaft_ports::journal::Record;

use super::events::row_of;
use super::{Reading, ReadingError, position_in};
use crate::views::{ObjectFilter, ObjectHead};

/// Events of one object walked at most; a longer chain tells what its latest events say.
const MOST_EVENTS: usize = 10_000;

impl Reading {
    /// The types of objects that events have spoken of, by name. Known without asking the views' file.
    #[must_use]
    pub fn object_types(&self, tenant: &str) -> Vec<String> {
        let mut types = self.views.object_types(tenant);
        types.retain(|object_type| self.may_some(Act::See, tenant, object_type));
        types.sort_unstable();
        types
    }

    /// A page of objects of a type, by key.
    pub fn objects(
        &self,
        filter: &ObjectFilter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<ObjectRow>, ReadingError> {
        Ok(self.views.objects(filter, cursor, limit, self.sight())?)
    }

    /// An object with its state, now or as it was at a time; `None` when it was not held.
    pub fn object(
        &self,
        tenant: &str,
        object_type: &str,
        key: &str,
        at: Option<Millis>,
    ) -> Result<Option<ObjectDetail>, ReadingError> {
        let Some(head) = self.seen_head(tenant, object_type, key)? else { return Ok(None) };
        let Some(merged) = self.merged(head.position, at)? else { return Ok(None) };
        let row = ObjectRow {
            object: ObjectRef { object_type: object_type.to_owned(), key: key.to_owned() },
            tenant: tenant.to_owned(),
            revision: merged.revision.unwrap_or(if at.is_none() { head.revision } else { 0 }),
            position: merged.position,
            event_type: merged.event_type,
            system: merged.system,
            updated: merged.updated,
            status: merged.status,
        };
        let (cover, mut withheld) = (self.cover_object((tenant, object_type, key))?, Vec::new());
        let data = cover.data(&merged.data, &mut withheld);
        let mut references = BTreeMap::new();
        if cover.no_deliveries {
            withheld.push("deliveries".to_owned());
        } else {
            references = self.views.references_of(tenant, object_type, key)?;
        }
        Ok(Some(ObjectDetail { row, data, references, withheld }))
    }

    /// Where an object that the reader may see stands.
    pub(super) fn seen_head(
        &self,
        tenant: &str,
        object_type: &str,
        key: &str,
    ) -> Result<Option<ObjectHead>, ReadingError> {
        let head = self.views.object_head(tenant, object_type, key)?;
        Ok(if head.is_some() && self.allows_object(Act::See, (tenant, object_type, key))? {
            head
        } else {
            None
        })
    }

    /// What the chain of events that ends at a position says of its object, as it was at a time.
    pub(super) fn merged(&self, from: Position, at: Option<Millis>) -> Result<Option<Merged>, ReadingError> {
        let (mut records, mut is_whole_known) = (Vec::new(), false);
        let end = self.walk(from, MOST_EVENTS, |record, event| {
            let counts = event.disposition == Disposition::Accepted;
            if counts && at.is_none_or(|at| event.received <= at) {
                records.push(record.clone());
                is_whole_known = is_whole(event);
                return !is_whole_known;
            }
            true
        })?;
        records.reverse();
        let events: Vec<EventRecord<'_>> =
            records.iter().filter_map(|record| EventRecord::decode(&record.payload).ok()).collect();

        let end = end.filter(|_| !is_whole_known);
        let base = end.as_ref().map(carried_in).transpose()?.flatten();
        let base = base.filter(|(known, _)| at.is_none_or(|at| known.updated <= at));
        let mut state = Value::Null;
        if let Some((_, data)) = &base {
            state = Value::parse(data, &Limits::DEFAULT).unwrap_or(Value::Null);
        }
        for event in &events {
            if let Some(patch) = patch_of(event) {
                json::merge(&mut state, patch);
            }
        }
        // A part below the object has revisions of its own.
        let own = events.iter().filter(|event| part_below(event).is_none());
        let revision = own.filter(|event| event.revision > 0).map(|event| event.revision).next_back();
        let status = state.get("status").and_then(Value::as_str).map(str::to_owned);
        let data = state.to_vec();
        if let (Some(record), Some(latest)) = (records.last(), events.last()) {
            let known = base.map(|(known, _)| known.revision).filter(|revision| *revision > 0);
            return Ok(Some(Merged {
                position: record.position,
                revision: revision.or(known),
                event_type: latest.event_type.to_owned(),
                system: latest.system().to_owned(),
                updated: latest.received,
                status,
                data,
            }));
        }
        let (Some((known, _)), Some(end)) = (base, &end) else { return Ok(None) };
        let (position, revision, updated) = (end.position, Some(known.revision), known.updated);
        let (event_type, system) = (known.event_type, known.system);
        Ok(Some(Merged { position, revision, event_type, system, updated, status, data }))
    }

    /// A page of an object's events, newest first, stale ones and echoes included.
    pub fn history(
        &self,
        tenant: &str,
        object_type: &str,
        key: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Option<Page<EventRow>>, ReadingError> {
        let Some(head) = self.seen_head(tenant, object_type, key)? else { return Ok(None) };
        let start = position_in(cursor)?.unwrap_or(head.position);
        let mut page = Page::default();
        let (mut stranger, mut failed) = (false, None);
        self.walk(start, limit.max(1), |record, event| {
            // A cursor is only a position: it must not lead into another object's chain.
            stranger |= event.tenant != tenant || event.object() != Some((object_type, key));
            if stranger {
                return false;
            }
            match self.allows_event(&[Act::See], event) {
                Ok(true) => page.items.push(row_of(record.position, event)),
                Ok(false) => {}
                Err(error) => {
                    failed = Some(error);
                    return false;
                }
            }
            page.next = (!event.previous.is_zero()).then(|| event.previous.to_string());
            true
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        Ok((!stranger).then_some(page))
    }

    /// Walks an object's events backwards from a position until `step` says `false`, the chain ends, or `most` were seen. Gives
    /// the record that the chain led to when that is no event: the object, written again.
    pub(super) fn walk(
        &self,
        from: Position,
        most: usize,
        mut step: impl FnMut(&Record, &EventRecord<'_>) -> bool,
    ) -> Result<Option<Record>, ReadingError> {
        let mut position = from;
        for _ in 0..most {
            // What the chain begins with may have been trimmed.
            if position < self.journal.first() {
                break;
            }
            let Some(record) = self.journal.get(position)? else { break };
            if record.kind != RecordKind::Event as u8 {
                return Ok(Some(record));
            }
            let event = EventRecord::decode(&record.payload)
                .map_err(|source| ReadingError::Record { position, source })?;
            // A chain only ever leads back.
            if !step(&record, &event) || event.previous >= position || event.previous.is_zero() {
                break;
            }
            position = event.previous;
        }
        Ok(None)
    }
}

/// What a chain of events says of an object.
pub(super) struct Merged {
    /// The record that changed it last.
    position: Position,
    /// Its revision; `None` when no event seen gives one.
    revision: Option<u64>,
    event_type: String,
    system: String,
    updated: Millis,
    status: Option<String>,
    /// Its state as JSON.
    pub(super) data: Vec<u8>,
}

/// What a record says of an object that is written again, and its state.
fn carried_in(record: &Record) -> Result<Option<(CarriedState, &[u8])>, ReadingError> {
    if record.kind != RecordKind::Carried as u8 {
        return Ok(None);
    }
    let (head, data) = Carried::decode(&record.payload)
        .map_err(|source| ReadingError::Record { position: record.position, source })?;
    Ok(head.state.map(|state| (state, data)))
}

/// What an event adds below its object's key.
fn part_below<'a>(event: &EventRecord<'a>) -> Option<(&'a str, &'a str)> {
    let event_type = EventType::parse(event.event_type).ok()?;
    let (_, below) = event_type.split_subject(event.subject);
    Some((event_type.verb(), below?))
}

/// Whether nothing older is needed to know the object.
fn is_whole(event: &EventRecord<'_>) -> bool {
    let whole = EventType::parse(event.event_type).is_ok_and(|event_type| event_type.is_whole());
    whole && part_below(event).is_none()
}

/// What an event's data says of its object: all of it, or the part under the verb and what the subject has below the key.
fn patch_of<'a>(event: &EventRecord<'a>) -> Option<Value<'a>> {
    let data = Value::parse(event.data, &Limits::DEFAULT).ok()?;
    Some(match part_below(event) {
        None => data,
        Some((verb, below)) => {
            let part = Value::Object(vec![(below.into(), data)]);
            Value::Object(vec![(verb.into(), part)])
        }
    })
}
