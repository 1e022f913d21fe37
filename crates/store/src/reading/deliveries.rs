//! Deliveries with every attempt, and dead letters.

use std::collections::BTreeMap;

use lineshaft_model::record::{EventRecord, OutcomeRecord, Owed};
use lineshaft_model::shown::{DeadLetter, DeliveryRow, OutcomeRow, Page};
use lineshaft_model::sight::Act;
use lineshaft_model::{DeliveryId, DeliveryState, Millis, OutcomeKind, Position};

use super::{Reading, ReadingError, clipped};
use crate::views::{DeliveryFilter, LaneEntry, ViewsError};

/// Outcomes shown of one delivery at most: the latest.
const MOST_OUTCOMES: usize = 200;

/// How often more is read for one page, when little of it is for the reader.
const STEPS: usize = 20;

/// What a reader must be allowed to be shown a delivery.
const SHOWN: &[Act] = &[Act::See, Act::SeeDeliveries];

impl Reading {
    /// Every delivery that an event owes.
    pub(super) fn deliveries_of(
        &self,
        position: Position,
        event: &EventRecord<'_>,
        with_outcomes: bool,
    ) -> Result<Vec<DeliveryRow>, ReadingError> {
        let unfinished = self.views.unfinished_of(position)?;
        (0..)
            .zip(event.owed())
            .map(|(n, owed)| {
                let id = DeliveryId { event: position, n };
                let entry = unfinished.iter().find(|entry| entry.delivery == id);
                self.delivery_row(id, event, &owed, entry, with_outcomes)
            })
            .collect()
    }

    /// One delivery with every attempt.
    pub fn delivery(&self, id: DeliveryId) -> Result<Option<DeliveryRow>, ReadingError> {
        let row = self.with_event(id.event, |_, event| {
            let Some(owed) = event.owed_at(id.n) else { return Ok(None) };
            if !self.allows_event(SHOWN, event)? {
                return Ok(None);
            }
            let entry = self.views.unfinished(id)?.map(|unfinished| unfinished.entry);
            self.delivery_row(id, event, &owed, entry.as_ref(), true).map(Some)
        })?;
        Ok(row.flatten())
    }

    /// A page of unfinished deliveries, newest first. Finished ones are shown with their event.
    pub fn deliveries(
        &self,
        filter: &DeliveryFilter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<DeliveryRow>, ReadingError> {
        let before = match cursor {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| ViewsError::Cursor(clipped(text)))?),
        };
        let (limit, mut before, mut page) = (limit.max(1), before, Page::default());
        for _ in 0..STEPS {
            let entries = self.views.deliveries(filter, before, limit)?;
            let Some(last) = last_of_full(&entries, limit).map(|entry| entry.delivery) else {
                page.items.extend(self.rows_of(&entries)?);
                page.next = None;
                break;
            };
            before = Some(last);
            page.items.extend(self.rows_of(&entries)?);
            page.next = Some(last.to_string());
            if page.items.len() >= limit {
                break;
            }
        }
        if page.items.len() > limit {
            page.items.truncate(limit);
            page.next = page.items.last().map(|row| row.id.to_string());
        }
        Ok(page)
    }

    /// One dead letter, with every attempt.
    pub fn dead_letter(&self, id: DeliveryId) -> Result<Option<DeadLetter>, ReadingError> {
        let entry = self.views.unfinished(id)?.map(|unfinished| unfinished.entry);
        let Some(entry) = entry.filter(|entry| entry.state == DeliveryState::Dead) else { return Ok(None) };
        let Some(delivery) = self.delivery(id)? else { return Ok(None) };
        let amendments = delivery.outcomes.iter().filter_map(|outcome| outcome.amendment);
        let amendments = amendments.map(|position| self.amendment(position).transpose());
        let amendments = amendments.flatten().collect::<Result<Vec<_>, _>>()?;
        let cover = self.with_event(id.event, |_, event| self.cover_event(event))?.unwrap_or_default();
        let mut withheld = Vec::new();
        let data = self.data_of(&entry)?.map(|data| cover.data(&data, &mut withheld));
        let amendments = amendments.into_iter().map(|row| cover.amendment(row)).collect();
        Ok(Some(DeadLetter { amendments, data, withheld, ..self.letter(&entry, delivery)? }))
    }

    /// A page of dead letters by the time they died.
    pub fn dead_letters(
        &self,
        destination: Option<&str>,
        newest_first: bool,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<DeadLetter>, ReadingError> {
        let mut after = cursor.map(dead_cursor).transpose()?;
        let (limit, mut page) = (limit.max(1), Page::default());
        for _ in 0..STEPS {
            let entries = self.views.dead(destination, newest_first, after, limit)?;
            let last = last_of_full(&entries, limit).map(|entry| (entry.settled, entry.delivery));
            for row in self.rows_of(&entries)? {
                if let Some(entry) = entries.iter().find(|entry| entry.delivery == row.id) {
                    page.items.push(self.letter(entry, row)?);
                }
            }
            page.next = last.map(|(settled, delivery)| format!("{}~{delivery}", settled.0));
            after = last;
            if last.is_none() || page.items.len() >= limit {
                break;
            }
        }
        if page.items.len() > limit {
            page.items.truncate(limit);
            page.next = page.items.last().map(|row| format!("{}~{}", row.since.0, row.delivery.id));
        }
        Ok(page)
    }

    fn letter(&self, entry: &LaneEntry, delivery: DeliveryRow) -> Result<DeadLetter, ReadingError> {
        let parked = self.views.parked_behind(&entry.destination, entry.order)?;
        let unknown = delivery.reason.as_ref().is_some_and(|reason| reason.code == "outcome-unknown");
        let proposal = self.proposal(&entry.delivery.to_string())?;
        let cover = self.with_event(entry.delivery.event, |_, event| self.cover_event(event))?;
        let proposal = proposal.map(|row| cover.unwrap_or_default().amendment(row));
        let revision = self.amendment(entry.amended)?.map_or(1, |amended| amended.head.revision);
        Ok(DeadLetter {
            delivery,
            since: entry.settled,
            parked,
            unknown,
            owners: BTreeMap::new(),
            overdue: false,
            revision,
            data: None,
            amendments: Vec::new(),
            withheld: Vec::new(),
            // One that was made before it died again is about something else.
            proposal: proposal.filter(|proposal| proposal.position > entry.outcome),
        })
    }

    fn rows_of(&self, entries: &[LaneEntry]) -> Result<Vec<DeliveryRow>, ReadingError> {
        let row = |entry: &LaneEntry| {
            let row = self.with_event(entry.delivery.event, |_, event| {
                let Some(owed) = event.owed_at(entry.delivery.n) else { return Ok(None) };
                if !self.allows_event(SHOWN, event)? {
                    return Ok(None);
                }
                self.delivery_row(entry.delivery, event, &owed, Some(entry), false).map(Some)
            });
            row.map(Option::flatten).transpose()
        };
        entries.iter().filter_map(row).collect()
    }

    /// A delivery as shown: where it stands from the views, or from its outcomes once it is finished.
    fn delivery_row(
        &self,
        id: DeliveryId,
        event: &EventRecord<'_>,
        owed: &Owed<'_>,
        entry: Option<&LaneEntry>,
        with_outcomes: bool,
    ) -> Result<DeliveryRow, ReadingError> {
        let mut row = DeliveryRow {
            id,
            route: owed.route.to_owned(),
            destination: owed.destination.to_owned(),
            priority: owed.priority,
            order_key: owed.order_key.to_owned(),
            state: DeliveryState::Pending,
            attempts: 0,
            due: None,
            event_type: event.event_type.to_owned(),
            subject: event.subject.to_owned(),
            received: event.received,
            settled: None,
            reason: None,
            outcomes: Vec::new(),
        };
        if with_outcomes || entry.is_none() {
            row.outcomes = self.outcomes_of(id)?;
        }
        if let Some(entry) = entry {
            row.state = entry.state;
            row.attempts = entry.attempts;
            if matches!(entry.state, DeliveryState::Retrying | DeliveryState::Unknown) {
                row.due = Some(entry.due);
            }
            if !with_outcomes && !entry.outcome.is_zero() {
                let latest = self.outcome_at(entry.outcome)?;
                row.settled = latest.as_ref().map(|outcome| outcome.at);
                row.reason = latest.and_then(|outcome| outcome.reason);
            }
        } else if let Some(last) = row.outcomes.iter().rev().find(|outcome| outcome.kind.is_final()) {
            row.attempts = last.attempt;
            row.state = match last.kind {
                OutcomeKind::Discarded => DeliveryState::Discarded,
                _ => DeliveryState::Delivered,
            };
        }
        if let Some(latest) = row.outcomes.last() {
            row.settled = Some(latest.at);
            row.reason = latest.reason.clone();
        }
        if !with_outcomes {
            row.outcomes.clear();
        }
        Ok(row)
    }

    /// The outcomes of a delivery, oldest first.
    pub(super) fn outcomes_of(&self, id: DeliveryId) -> Result<Vec<OutcomeRow>, ReadingError> {
        let positions = self.index.outcomes_of(id.event, Some(id.n))?;
        let latest = positions.len().saturating_sub(MOST_OUTCOMES);
        let outcomes = positions[latest..].iter().map(|position| self.outcome_at(*position).transpose());
        outcomes.flatten().collect()
    }

    fn outcome_at(&self, position: Position) -> Result<Option<OutcomeRow>, ReadingError> {
        self.with_outcome(position, |outcome| {
            let waits = matches!(outcome.kind, OutcomeKind::Again | OutcomeKind::Unknown);
            OutcomeRow {
                position,
                kind: outcome.kind,
                attempt: outcome.attempt,
                at: outcome.at,
                due: waits.then_some(outcome.due),
                status: outcome.status,
                reason: outcome.reason(),
                actor: (!outcome.actor.is_empty()).then(|| outcome.actor.to_owned()),
                amendment: (!outcome.amendment.is_zero()).then_some(outcome.amendment),
            }
        })
    }

    /// Why a delivery stands where it does, from the record of its latest outcome.
    pub fn cause(&self, outcome: Position) -> Result<Option<lineshaft_model::Reason>, ReadingError> {
        Ok(self.with_outcome(outcome, |outcome| outcome.reason())?.flatten())
    }

    pub(super) fn with_outcome<T>(
        &self,
        position: Position,
        tell: impl FnOnce(&OutcomeRecord<'_>) -> T,
    ) -> Result<Option<T>, ReadingError> {
        let Some(record) = self.journal.get(position)? else { return Ok(None) };
        let outcome = OutcomeRecord::decode(&record.payload)
            .map_err(|source| ReadingError::Record { position, source })?;
        Ok(Some(tell(&outcome)))
    }
}

/// The last entry of a page that has as many as were asked for.
fn last_of_full(entries: &[LaneEntry], limit: usize) -> Option<&LaneEntry> {
    entries.last().filter(|_| entries.len() >= limit)
}

/// `time~delivery`
fn dead_cursor(text: &str) -> Result<(Millis, DeliveryId), ReadingError> {
    let parsed =
        text.split_once('~').and_then(|(died, id)| Some((Millis(died.parse().ok()?), id.parse().ok()?)));
    parsed.ok_or_else(|| ViewsError::Cursor(clipped(text)).into())
}
