//! Amendments: other content for a delivery or a refused input.

use bytes::Bytes;
use lineshaft_model::record::{Amended, AmendedHead, EventRecord, RawRef, RecordKind};
use lineshaft_model::shown::AmendmentRow;
use lineshaft_model::{Envelope, Position};
use lineshaft_ports::journal::Record;

use super::{Reading, ReadingError};
use crate::views::LaneEntry;

/// What a source sent for an event.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The event's attributes.
    pub envelope: Envelope,
    /// `system/source`, or `events`.
    pub intake: String,
    /// Media type and bytes; none when the canonical data is what was sent.
    pub raw: Option<(String, Bytes)>,
}

impl Reading {
    /// An amendment with its content; `None` when no amendment stands there.
    pub fn amended(&self, position: Position) -> Result<Option<(AmendedHead, Bytes)>, ReadingError> {
        if position.is_zero() {
            return Ok(None);
        }
        let record = self.journal.get(position)?;
        let Some(record) = record.filter(|record| record.kind == RecordKind::Amended as u8) else {
            return Ok(None);
        };
        let (head, data) =
            Amended::decode(&record.payload).map_err(|source| ReadingError::Record { position, source })?;
        Ok(Some((head, record.payload.slice_ref(data))))
    }

    /// An amendment as it is shown.
    pub fn amendment(&self, position: Position) -> Result<Option<AmendmentRow>, ReadingError> {
        Ok(self.amended(position)?.map(|(head, _)| AmendmentRow { position, head }))
    }

    /// The amendment of a delivery or a refused input that waits for a second person.
    pub fn proposal(&self, target: &str) -> Result<Option<AmendmentRow>, ReadingError> {
        match self.views.proposal(target)? {
            Some(position) => self.amendment(position),
            None => Ok(None),
        }
    }

    /// What an unfinished delivery would deliver: its amendment, or the event's data.
    pub fn data_of(&self, entry: &LaneEntry) -> Result<Option<Bytes>, ReadingError> {
        if let Some((_, data)) = self.amended(entry.amended)? {
            return Ok(Some(data));
        }
        self.with_event(entry.delivery.event, |record, event| Ok(record.payload.slice_ref(event.data)))
    }

    /// An event's attributes, with what its source sent.
    pub fn sent(&self, position: Position) -> Result<Option<Sent>, ReadingError> {
        self.with_event(position, |record, event| {
            let raw = match event.raw {
                RawRef::Before(n) => {
                    let first = Position(record.position.0.saturating_sub(n));
                    self.with_event(first, |record, event| Ok(inline(record, event)))?.flatten()
                }
                RawRef::Same | RawRef::Inline { .. } => inline(record, event),
            };
            Ok(Sent { envelope: event.envelope(), intake: event.intake.to_owned(), raw })
        })
    }
}

fn inline(record: &Record, event: &EventRecord<'_>) -> Option<(String, Bytes)> {
    match event.raw {
        RawRef::Inline { content_type, bytes } => {
            Some((content_type.to_owned(), record.payload.slice_ref(bytes)))
        }
        RawRef::Same | RawRef::Before(_) => None,
    }
}
