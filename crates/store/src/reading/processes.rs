//! Instances of processes as they were recorded.

use bytes::Bytes;
use lineshaft_model::Position;
use lineshaft_model::record::{Defined, RecordKind, Step, StepHead};
use lineshaft_model::shown::Page;

use super::{Reading, ReadingError};
use crate::views::{ProcessFilter, ProcessRow};

impl Reading {
    /// One instance's row.
    pub fn process(&self, id: &str) -> Result<Option<ProcessRow>, ReadingError> {
        Ok(self.views.process(id)?)
    }

    /// A page of instances, the latest first.
    pub fn processes(
        &self,
        filter: &ProcessFilter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<ProcessRow>, ReadingError> {
        Ok(self.views.processes(filter, cursor, limit)?)
    }

    /// The step recorded at a position, with the state after it; none when there is no step.
    pub fn step(&self, position: Position) -> Result<Option<(StepHead, Bytes)>, ReadingError> {
        let record = self.journal.get(position)?;
        let Some(record) = record.filter(|record| record.kind == RecordKind::Step as u8) else {
            return Ok(None);
        };
        let (head, state) =
            Step::decode(&record.payload).map_err(|source| ReadingError::Record { position, source })?;
        Ok(Some((head, record.payload.slice_ref(state))))
    }

    /// The JSON text of a definition by its fingerprint.
    pub fn definition(&self, digest: &str) -> Result<Option<String>, ReadingError> {
        let Some(position) = self.views.definition(digest)? else { return Ok(None) };
        let Some(record) = self.journal.get(position)? else { return Ok(None) };
        let (_, source) =
            Defined::decode(&record.payload).map_err(|source| ReadingError::Record { position, source })?;
        Ok(Some(String::from_utf8_lossy(source).into_owned()))
    }
}
