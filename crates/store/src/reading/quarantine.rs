//! Refused inputs: a page of them, and one with its bytes.

use bytes::Bytes;
use lineshaft_model::Position;
use lineshaft_model::record::{Action, JsonPayload, Quarantine, QuarantineHead, RecordKind};
use lineshaft_model::shown::{ClosedRow, Page, QuarantineRow};
use lineshaft_model::sight::Act;

use super::{Reading, ReadingError, position_in, raw_shown};
use crate::views::QuarantineEntry;

/// How often more is read for one page, when little of it is for the reader.
const STEPS: usize = 20;

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
        let (mut page, mut before) = (Page::default(), before);
        for _ in 0..STEPS {
            let entries = self.views.quarantine(open_only, before, limit)?;
            let is_last = entries.len() < limit;
            for entry in entries {
                before = entry.position;
                page.items.extend(self.quarantine_row(entry, false)?);
                if page.items.len() >= limit {
                    page.next = Some(before.to_string());
                    return Ok(page);
                }
            }
            if is_last {
                return Ok(page);
            }
        }
        page.next = Some(before.to_string());
        Ok(page)
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

    /// What is known of a refused input; `None` when there is none at this position.
    pub(super) fn quarantine_head(&self, position: Position) -> Result<Option<QuarantineHead>, ReadingError> {
        let record = self.journal.get(position)?;
        let Some(record) = record.filter(|record| record.kind == RecordKind::Quarantine as u8) else {
            return Ok(None);
        };
        let (head, _) = Quarantine::decode(&record.payload)
            .map_err(|source| ReadingError::Record { position, source })?;
        Ok(Some(head))
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
        if !self.allows_refused(Act::See, &head) {
            return Ok(None);
        }
        let shows_raw = with_raw && self.allows_refused(Act::SeeRaw, &head);
        let mut proposal = if with_raw { self.proposal(&position.to_string())? } else { None };
        if let Some(proposal) = proposal.as_mut().filter(|_| !shows_raw) {
            proposal.head.changes.clear();
        }
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
            proposal,
            raw: shows_raw.then(|| raw_shown(&head.content_type, raw)),
        }))
    }
}
