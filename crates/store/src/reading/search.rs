//! Search by any business key: an order's number, an item, a system's own key, an event's id.

use lineshaft_model::record::{Carried, EventRecord, RecordKind};
use lineshaft_model::shown::{Hit, ObjectRef};
use lineshaft_model::sight::Act;
use lineshaft_model::{Millis, Position};

use super::{Reading, ReadingError};
use crate::views::ObjectFilter;

/// The latest events that are looked at for one search.
const MOST_EVENTS: usize = 200;
/// A text longer than any key.
const MOST_TEXT_BYTES: usize = 1024;

impl Reading {
    /// The objects that a text leads to: those whose key it is, those that a system knows by it, those of the events whose
    /// id or business transaction it is; then those whose key starts with it.
    pub fn search(&self, tenant: &str, text: &str, limit: usize) -> Result<Vec<Hit>, ReadingError> {
        let text = text.trim();
        let mut hits: Vec<Hit> = Vec::new();
        if text.is_empty() || text.len() > MOST_TEXT_BYTES || limit == 0 {
            return Ok(hits);
        }
        for position in self.index.positions_of_key(tenant, text, Position(u64::MAX), MOST_EVENTS)? {
            let event = self.with_event(position, |_, event| {
                if !self.allows_event(&[Act::See], event)? {
                    return Ok(());
                }
                for object in spoken_of(event, tenant, text) {
                    add(&mut hits, object, position, event.received);
                }
                Ok(())
            })?;
            if event.is_none() {
                self.add_carried(&mut hits, tenant, text, position)?;
            }
        }
        for object in self.views.known_as(tenant, text, limit)? {
            if !hits.iter().any(|hit| hit.object == object) {
                self.add_held(&mut hits, tenant, object)?;
            }
        }
        for object_type in self.views.object_types(tenant) {
            if hits.len() >= limit {
                break;
            }
            let filter = ObjectFilter {
                tenant: tenant.to_owned(),
                object_type,
                key_prefix: Some(text.to_owned()),
                ..ObjectFilter::default()
            };
            for row in self.views.objects(&filter, None, limit - hits.len(), self.sight())?.items {
                if !hits.iter().any(|hit| hit.object == row.object) {
                    add(&mut hits, row.object, row.position, row.updated);
                }
            }
        }
        if self.sight().is_some() {
            let mut seen = Vec::with_capacity(hits.len());
            for hit in hits {
                let (object_type, key) = (&hit.object.object_type, &hit.object.key);
                if self.allows_object(Act::See, (tenant, object_type, key))? {
                    seen.push(hit);
                }
            }
            hits = seen;
        }
        hits.truncate(limit);
        for hit in &mut hits {
            let (object_type, key) = (&hit.object.object_type, &hit.object.key);
            hit.held = self.views.object_head(tenant, object_type, key)?.is_some();
        }
        // What the hub holds first; what was spoken of last first.
        hits.sort_by_key(|hit| (!hit.held, std::cmp::Reverse(hit.latest)));
        Ok(hits)
    }

    /// Adds the object that is written again at a position, when it is one of this key.
    fn add_carried(
        &self,
        hits: &mut Vec<Hit>,
        tenant: &str,
        text: &str,
        position: Position,
    ) -> Result<(), ReadingError> {
        let record = self.journal.get(position)?;
        let Some(record) = record.filter(|record| record.kind == RecordKind::Carried as u8) else {
            return Ok(());
        };
        let (head, _) =
            Carried::decode(&record.payload).map_err(|source| ReadingError::Record { position, source })?;
        let object = ObjectRef { object_type: head.object_type, key: head.key };
        let is_new = !hits.iter().any(|hit| hit.object == object);
        if is_new && head.tenant == tenant && object.key == text {
            self.add_held(hits, tenant, object)?;
        }
        Ok(())
    }

    fn add_held(&self, hits: &mut Vec<Hit>, tenant: &str, object: ObjectRef) -> Result<(), ReadingError> {
        if let Some(row) = self.views.object_row(tenant, &object.object_type, &object.key)? {
            add(hits, object, row.position, row.updated);
        }
        Ok(())
    }
}

/// The objects that an event speaks of when it is found by a text.
fn spoken_of(event: &EventRecord<'_>, tenant: &str, text: &str) -> Vec<ObjectRef> {
    let mut objects = Vec::new();
    let mut add = |object_type: &str, key: &str| {
        let object = ObjectRef { object_type: object_type.to_owned(), key: key.to_owned() };
        if !objects.contains(&object) {
            objects.push(object);
        }
    };
    if event.tenant != tenant {
        return objects;
    }
    let by_reference = event.keys().any(|(of_type, key)| key == text && of_type.starts_with("ref:"));
    let own = event.subject == text || event.id == text || event.correlationid == text || by_reference;
    if let Some((object_type, key)) = event.object().filter(|(_, key)| own || *key == text) {
        add(object_type, key);
    }
    for (object_type, key) in event.keys() {
        if key == text && !object_type.starts_with("ref:") {
            add(object_type, key);
        }
    }
    objects
}

fn add(hits: &mut Vec<Hit>, object: ObjectRef, position: Position, at: Millis) {
    if let Some(hit) = hits.iter_mut().find(|hit| hit.object == object) {
        hit.events += 1;
    } else {
        hits.push(Hit { object, events: 1, latest: position, at, held: false });
    }
}
