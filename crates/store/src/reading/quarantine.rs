//! Refused inputs: a page of them, and one with its bytes.

use bytes::Bytes;
use lineshaft_model::Position;
use lineshaft_model::record::{Action, JsonPayload, Quarantine, QuarantineHead, RecordKind};
use lineshaft_model::shown::{ClosedRow, Page, QuarantineRow};

use super::{Reading, ReadingError, position_in, raw_shown};
use crate::views::QuarantineEntry;

impl Reading {
    /// A page of refused inputs, newest first.
    pub fn quarantine(
        &self,
        open_only: bool,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<QuarantineRow>, ReadingError> {
        let before = position_in(cursor)?.unwrap_or(Position(u64::MAX));
        let limit = limit.max(1);
        let entries = self.views.quarantine(open_only, before, limit)?;
        let last = entries.last().filter(|_| entries.len() >= limit);
        let next = last.map(|entry| entry.position.to_string());
        let rows = entries.into_iter().filter_map(|entry| self.quarantine_row(entry, false).transpose());
        Ok(Page { items: rows.collect::<Result<_, _>>()?, next })
    }

    /// A refused input as its record has it.
    pub fn refused_input(&self, position: Position) -> Result<Option<(QuarantineHead, Bytes)>, ReadingError> {
        let record = self.journal.get(position)?;
        let Some(record) = record.filter(|record| record.kind == RecordKind::Quarantine as u8) else {
            return Ok(None);
        };
        let (head, raw) = Quarantine::decode(&record.payload)
            .map_err(|source| ReadingError::Record { position, source })?;
        Ok(Some((head, record.payload.slice_ref(raw))))
    }

    /// One refused input with its bytes.
    pub fn quarantined(&self, position: Position) -> Result<Option<QuarantineRow>, ReadingError> {
        match self.views.quarantine_entry(position)? {
            Some(entry) => self.quarantine_row(entry, true),
            None => Ok(None),
        }
    }

    fn closed(&self, position: Position) -> Result<Option<ClosedRow>, ReadingError> {
        if position.is_zero() {
            return Ok(None);
        }
        let record = self.journal.get(position)?;
        let Some(record) = record.filter(|record| record.kind == RecordKind::Action as u8) else {
            return Ok(None);
        };
        let action =
            Action::decode(&record.payload).map_err(|source| ReadingError::Record { position, source })?;
        Ok(Some(ClosedRow { position, action }))
    }

    fn quarantine_row(
        &self,
        entry: QuarantineEntry,
        with_raw: bool,
    ) -> Result<Option<QuarantineRow>, ReadingError> {
        let position = entry.position;
        let record = self.journal.get(position)?;
        let Some(record) = record.filter(|record| record.kind == RecordKind::Quarantine as u8) else {
            return Ok(None);
        };
        let (head, raw) = Quarantine::decode(&record.payload)
            .map_err(|source| ReadingError::Record { position, source })?;
        Ok(Some(QuarantineRow {
            position,
            intake: head.intake,
            origin: head.origin,
            received: head.received,
            reasons: head.reasons,
            event_type: head.event_type,
            subject: head.subject,
            open: entry.open,
            closed: if with_raw { self.closed(entry.closed)? } else { None },
            proposal: if with_raw { self.proposal(&position.to_string())? } else { None },
            raw: with_raw.then(|| raw_shown(&head.content_type, raw)),
        }))
    }
}
