//! Events: one with everything known of it, and listings.

use lineshaft_model::record::{EventRecord, RawRef, RecordKind};
use lineshaft_model::shown::{EventDetail, EventRow, ObjectRef, Page, RawShown};
use lineshaft_model::sight::Act;
use lineshaft_model::{Millis, Position};
use lineshaft_ports::journal::Record;
use serde_json::value::RawValue;

use super::{Reading, ReadingError, position_in, raw_shown};

/// Records looked at for one step of following the journal, for each row asked for.
const RECORDS_A_ROW: usize = 16;
/// Positions taken from the index at a time.
const POSITIONS_A_STEP: usize = 256;

/// Which events a listing shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Of this type.
    pub event_type: Option<String>,
    /// About exactly this subject.
    pub subject: Option<String>,
    /// Sent by this system.
    pub system: Option<String>,
    /// Of this tenant. A subject is looked for in the tenant `main` when this is not given.
    pub tenant: Option<String>,
    /// Not before this record.
    pub since: Option<Position>,
    /// Not received before this time.
    pub since_time: Option<Millis>,
}

impl EventFilter {
    pub(super) fn passes(&self, event: &EventRecord<'_>) -> bool {
        let is =
            |wanted: &Option<String>, given: &str| wanted.as_deref().is_none_or(|wanted| wanted == given);
        is(&self.event_type, event.event_type)
            && is(&self.subject, event.subject)
            && is(&self.system, event.system())
            && is(&self.tenant, event.tenant)
            && self.since_time.is_none_or(|since| event.received >= since)
    }
}

/// A row of a listing.
pub(super) fn row_of(position: Position, event: &EventRecord<'_>) -> EventRow {
    EventRow {
        position,
        received: event.received,
        status: event.disposition,
        envelope: event.envelope(),
        intake: event.intake.to_owned(),
        owes: event.owed_count(),
    }
}

/// Bytes that should be JSON as a value; `null` when they are not.
pub(super) fn json_of(bytes: &[u8]) -> Box<RawValue> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

impl Reading {
    /// The event record at a position, with what it says, when the reader may see it.
    pub(super) fn with_seen<T>(
        &self,
        position: Position,
        tell: impl FnOnce(&Record, &EventRecord<'_>) -> Result<T, ReadingError>,
    ) -> Result<Option<T>, ReadingError> {
        let told = self.with_event(position, |record, event| {
            if self.allows_event(&[Act::See], event)? { tell(record, event).map(Some) } else { Ok(None) }
        })?;
        Ok(told.flatten())
    }

    /// An event's row.
    pub fn event_row(&self, position: Position) -> Result<Option<EventRow>, ReadingError> {
        self.with_seen(position, |_, event| Ok(row_of(position, event)))
    }

    /// An event with everything known of it.
    pub fn event(&self, position: Position) -> Result<Option<EventDetail>, ReadingError> {
        self.with_seen(position, |record, event| {
            let (cover, mut withheld) = (self.cover_event(event)?, Vec::new());
            let data = cover.data(event.data, &mut withheld);
            let mut raw = self.raw_of(record, event)?;
            if cover.no_raw {
                (raw.text, raw.base64) = (None, None);
                withheld.push("raw".to_owned());
            }
            let (mut keys, mut deliveries) = (Vec::new(), Vec::new());
            let object_ref = |(object_type, key): (&str, &str)| ObjectRef {
                object_type: object_type.into(),
                key: key.into(),
            };
            if cover.no_deliveries {
                withheld.push("deliveries".to_owned());
            } else {
                keys = event.keys().map(object_ref).collect();
                deliveries = self.deliveries_of(position, event, true)?;
            }
            Ok(EventDetail {
                row: row_of(position, event),
                object: event.object().map(object_ref),
                previous: event.previous,
                data,
                raw,
                keys,
                deliveries,
                withheld,
            })
        })
    }

    /// What the source sent; for an event that came with others, from the first of them.
    fn raw_of(&self, record: &Record, event: &EventRecord<'_>) -> Result<RawShown, ReadingError> {
        match event.raw {
            RawRef::Same => Ok(raw_shown("application/json", event.data)),
            RawRef::Inline { content_type, bytes } => Ok(raw_shown(content_type, bytes)),
            RawRef::Before(n) => {
                let first = Position(record.position.0.saturating_sub(n));
                let raw = self.with_event(first, |_, first| match first.raw {
                    RawRef::Inline { content_type, bytes } => Ok(raw_shown(content_type, bytes)),
                    RawRef::Same | RawRef::Before(_) => Ok(raw_shown("application/json", first.data)),
                })?;
                Ok(raw.unwrap_or_default())
            }
        }
    }

    /// A page of events, newest first. A page may be short, even empty, and still have a next: a filter that hits rarely
    /// gives short pages instead of slow ones.
    pub fn events(
        &self,
        filter: &EventFilter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<EventRow>, ReadingError> {
        let before = position_in(cursor)?.unwrap_or(Position(u64::MAX));
        let limit = limit.max(1);
        let mut floor = filter.since.unwrap_or_default();
        if let Some(time) = filter.since_time {
            floor = floor.max(self.index.position_at_time(time)?);
        }
        if filter.subject.is_some() {
            return self.events_about(filter, before, floor, limit);
        }
        let scanned = self.scan_back(filter, before, floor, limit)?;
        Ok(Page { items: scanned.rows, next: scanned.next.map(|next| next.to_string()) })
    }

    /// The same for one subject, found through the index.
    fn events_about(
        &self,
        filter: &EventFilter,
        mut before: Position,
        floor: Position,
        limit: usize,
    ) -> Result<Page<EventRow>, ReadingError> {
        let subject = filter.subject.as_deref().unwrap_or_default();
        let tenant = filter.tenant.as_deref().unwrap_or("main");
        let mut page = Page::default();
        let positions = self.index.positions_of_key(tenant, subject, before, POSITIONS_A_STEP)?;
        let more = positions.len() == POSITIONS_A_STEP;
        for position in positions {
            if position < floor {
                return Ok(page);
            }
            before = position;
            let row = self
                .with_seen(position, |_, event| Ok(filter.passes(event).then(|| row_of(position, event))))?;
            page.items.extend(row.flatten());
            if page.items.len() >= limit {
                page.next = Some(before.to_string());
                return Ok(page);
            }
        }
        page.next = more.then(|| before.to_string());
        Ok(page)
    }

    /// The events after a record, oldest first, at most `most`, and the last record that was looked at: where to go on.
    pub fn events_after(
        &self,
        after: Position,
        most: usize,
    ) -> Result<(Vec<EventRow>, Position), ReadingError> {
        let start = after.next().max(self.journal.first());
        let mut reached = after;
        let mut rows = Vec::new();
        for record in self.journal.read_from(start)?.take(most.saturating_mul(RECORDS_A_ROW)) {
            let record = record?;
            reached = record.position;
            if record.kind == RecordKind::Event as u8
                && let Ok(event) = EventRecord::decode(&record.payload)
                && self.allows_event(&[Act::See], &event)?
            {
                rows.push(row_of(reached, &event));
            }
            if rows.len() >= most {
                break;
            }
        }
        Ok((rows, reached))
    }
}
