//! The timeline of an object through all systems: its events, the events that mention it, and what became of their
//! deliveries, in the order of time.

use std::collections::BTreeSet;

use lineshaft_model::record::{EventRecord, Quarantine};
use lineshaft_model::shown::TimelineEntry;
use lineshaft_model::sight::Act;
use lineshaft_model::{EventType, Position};

use super::{Reading, ReadingError};

impl Reading {
    /// The latest `limit` things that happened to an object, oldest first; `None` when nothing is known of it.
    pub fn timeline(
        &self,
        tenant: &str,
        object_type: &str,
        key: &str,
        limit: usize,
    ) -> Result<Option<Vec<TimelineEntry>>, ReadingError> {
        let limit = limit.max(1);
        // Of one that is held but is not for this reader nothing is known, not even what mentions it.
        let held = self.views.object_head(tenant, object_type, key)?.is_some();
        if held && !self.allows_object(Act::See, (tenant, object_type, key))? {
            return Ok(None);
        }
        let mut entries = Vec::new();
        for position in self.events_of(tenant, object_type, key, limit)? {
            self.with_seen(position, |_, event| self.tell(position, event, &mut entries))?;
        }
        for refused in self.views.quarantined_about(key, limit)? {
            entries.extend(self.refused(tenant, refused.position)?);
        }
        entries.sort_by_key(|entry| (entry.at, entry.position));
        entries.drain(..entries.len().saturating_sub(limit));
        // Of an object that was written again, all events may be gone.
        let is_known = !entries.is_empty() || held;
        Ok(is_known.then_some(entries))
    }

    /// The latest events of an object and those that mention its key, oldest first.
    pub(super) fn events_of(
        &self,
        tenant: &str,
        object_type: &str,
        key: &str,
        limit: usize,
    ) -> Result<BTreeSet<Position>, ReadingError> {
        let mut positions = BTreeSet::new();
        if let Some(head) = self.views.object_head(tenant, object_type, key)? {
            self.walk(head.position, limit, |record, _| {
                positions.insert(record.position);
                true
            })?;
        }
        for position in self.index.positions_of_key(tenant, key, Position(u64::MAX), limit)? {
            if positions.contains(&position) {
                continue;
            }
            let mentions =
                self.with_event(position, |_, event| Ok(mentions(event, tenant, object_type, key)))?;
            if mentions == Some(true) {
                positions.insert(position);
            }
        }
        while positions.len() > limit {
            positions.pop_first();
        }
        Ok(positions)
    }

    /// Tells an event and its outcomes.
    fn tell(
        &self,
        position: Position,
        event: &EventRecord<'_>,
        entries: &mut Vec<TimelineEntry>,
    ) -> Result<(), ReadingError> {
        let title = title_of(event.event_type);
        entries.push(TimelineEntry {
            at: event.received,
            position,
            what: "event".to_owned(),
            system: event.system().to_owned(),
            title: title.clone(),
            event: position,
            delivery: None,
            reason: None,
            after_ms: None,
        });
        if !self.allows_event(&[Act::SeeDeliveries], event)? {
            return Ok(());
        }
        for outcome in self.index.outcomes_of(position, None)? {
            let entry = self.with_outcome(outcome, |record| {
                let destination = event.owed_at(record.delivery.n).map_or("", |owed| owed.destination);
                let (system, operation) = destination.split_once('.').unwrap_or((destination, ""));
                TimelineEntry {
                    at: record.at,
                    position: outcome,
                    what: record.kind.as_str().to_owned(),
                    system: system.to_owned(),
                    title: format!("{title}: {} ({operation})", record.kind.as_str()),
                    event: position,
                    delivery: Some(record.delivery),
                    reason: record.reason(),
                    after_ms: Some(record.at.since(event.received)),
                }
            })?;
            entries.extend(entry);
        }
        Ok(())
    }

    /// Tells a refused input about the object.
    fn refused(&self, tenant: &str, position: Position) -> Result<Option<TimelineEntry>, ReadingError> {
        let Some(record) = self.journal.get(position)? else { return Ok(None) };
        let (head, _) = Quarantine::decode(&record.payload)
            .map_err(|source| ReadingError::Record { position, source })?;
        let is_seen = head.tenant == tenant && self.allows_refused(Act::See, &head);
        let system = head.intake.split('/').next().unwrap_or_default().to_owned();
        let entry = TimelineEntry {
            at: head.received,
            position,
            what: "quarantined".to_owned(),
            system,
            title: "Input refused".to_owned(),
            event: position,
            delivery: None,
            reason: head.reasons.into_iter().next(),
            after_ms: None,
        };
        Ok(is_seen.then_some(entry))
    }
}

/// Whether an event speaks of an object: as its own, or by a key.
pub(super) fn mentions(event: &EventRecord<'_>, tenant: &str, object_type: &str, key: &str) -> bool {
    event.tenant == tenant
        && (event.object() == Some((object_type, key))
            || event.subject == key
            || event.correlationid == key
            || event.id == key
            || event.keys().any(|(of_type, mentioned)| {
                mentioned == key && (of_type == object_type || of_type.starts_with("ref:"))
            }))
}

/// An event type in words: `Purchase order released`.
pub(super) fn title_of(event_type: &str) -> String {
    let Ok(parsed) = EventType::parse(event_type) else { return event_type.to_owned() };
    let object = event_type.split('.').nth(1).unwrap_or_else(|| parsed.object_type());
    let words = format!("{object} {}", parsed.verb()).replace('-', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
