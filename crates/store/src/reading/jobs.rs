//! Long work as its records tell it, and the events of the past that a replay goes through.

use bytes::Bytes;
use lineshaft_model::record::{Disposition, EventRecord, Job, JsonPayload, RecordKind};
use lineshaft_model::shown::{JobRow, Page};
use lineshaft_model::{Event, Millis, Position, Priority, Raw};

use super::{Reading, ReadingError, position_in};
use crate::views::LaneEntry;

/// An event of the past, with what it owed.
#[derive(Debug)]
pub struct Past {
    /// Its record.
    pub position: Position,
    /// The event; what was sent is left out.
    pub event: Event,
    /// Route, destination, class, order key and whether a dead letter holds it back, of each delivery.
    pub owed: Vec<PastOwed>,
}

/// One delivery that an event owed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of Owed, where they are described")]
pub struct PastOwed {
    pub route: String,
    pub destination: String,
    pub priority: Priority,
    pub order_key: String,
    pub parks: bool,
}

impl Reading {
    /// A page of long work, newest first.
    pub fn jobs(
        &self,
        running: bool,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<JobRow>, ReadingError> {
        let before = position_in(cursor)?.unwrap_or(Position(u64::MAX));
        let limit = limit.max(1);
        let positions = self.views.jobs(running, before, limit)?;
        let full = positions.len() >= limit;
        let rows = positions.into_iter().filter_map(|position| self.job_at(position).transpose());
        let items = rows.collect::<Result<Vec<JobRow>, _>>()?;
        let next = items.last().filter(|_| full).map(|row| row.job.id.to_string());
        Ok(Page { items, next })
    }

    /// One of them.
    pub fn job(&self, id: Position) -> Result<Option<JobRow>, ReadingError> {
        match self.views.job(id)? {
            Some(position) => self.job_at(position),
            None => Ok(None),
        }
    }

    fn job_at(&self, position: Position) -> Result<Option<JobRow>, ReadingError> {
        let record = self.journal.get(position)?;
        let Some(record) = record.filter(|record| record.kind == RecordKind::Job as u8) else {
            return Ok(None);
        };
        let mut job =
            Job::decode(&record.payload).map_err(|source| ReadingError::Record { position, source })?;
        if job.id.is_zero() {
            job.id = position;
        }
        Ok(Some(JobRow { position, job }))
    }

    /// The first record with an event at or after a time.
    pub fn position_at(&self, time: Millis) -> Result<Position, ReadingError> {
        Ok(self.index.position_at_time(time)?)
    }

    /// Goes through the accepted events from `from` to `until`, oldest first, looking at so many records at most; gives the last
    /// record that was looked at, so that it can be gone on from there. `take` says whether to go on.
    pub fn past(
        &self,
        from: Position,
        until: Position,
        most: usize,
        mut take: impl FnMut(Past) -> bool,
    ) -> Result<Position, ReadingError> {
        let from = from.max(self.journal.first());
        let mut reached = Position(from.0.saturating_sub(1));
        for record in self.journal.read_from(from)?.take(most) {
            let record = record?;
            if record.position > until {
                break;
            }
            reached = record.position;
            if record.kind != RecordKind::Event as u8 {
                continue;
            }
            let position = record.position;
            let event = EventRecord::decode(&record.payload)
                .map_err(|source| ReadingError::Record { position, source })?;
            if event.disposition == Disposition::Accepted
                && !take(past_of(position, &event, record.payload.slice_ref(event.data)))
            {
                break;
            }
        }
        Ok(reached)
    }

    /// Dead letters by the time they died, oldest first, after one of them.
    pub fn letters_after(
        &self,
        destination: Option<&str>,
        after: Option<(Millis, lineshaft_model::DeliveryId)>,
        limit: usize,
    ) -> Result<Vec<LaneEntry>, ReadingError> {
        Ok(self.views.dead(destination, false, after, limit)?)
    }
}

fn past_of(position: Position, event: &EventRecord<'_>, data: Bytes) -> Past {
    let owed = event.owed().map(|owed| PastOwed {
        route: owed.route.to_owned(),
        destination: owed.destination.to_owned(),
        priority: owed.priority,
        order_key: owed.order_key.to_owned(),
        parks: owed.parks,
    });
    let keys = event.keys().map(|(of_type, key)| (of_type.to_owned(), key.to_owned())).collect();
    let owed = owed.collect();
    let event = Event {
        envelope: event.envelope(),
        data,
        raw: Raw::Same,
        intake: event.intake.to_owned(),
        keys,
        received: event.received,
    };
    Past { position, event, owed }
}
