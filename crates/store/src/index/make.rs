//! Makes indexes from the records of the journal, where there is none that can be used.

use std::io;
use std::path::Path;

use lineshaft_model::Position;
use lineshaft_ports::journal::JournalRead;

use super::open::OpenIndex;
use super::segment::{self, SegmentIndex};
use super::{IndexError, Span};
use crate::applied::{AppliedRecord, Progress};

/// Reading records to make indexes of them.
pub(super) struct Work<'a> {
    records: &'a dyn JournalRead,
    end: Position,
    events: u64,
    progress: &'a mut dyn FnMut(Progress),
}

impl<'a> Work<'a> {
    pub(super) fn new(
        records: &'a dyn JournalRead,
        end: Position,
        progress: &'a mut dyn FnMut(Progress),
    ) -> Self {
        Self { records, end, events: 0, progress }
    }

    /// Opens the index of a closed segment; makes it when it is missing or damaged.
    pub(super) fn open_or_make(
        &mut self,
        dir: &Path,
        journal: u64,
        span: Span,
    ) -> Result<SegmentIndex, IndexError> {
        match SegmentIndex::open(dir, journal, span) {
            Ok(segment) => Ok(segment),
            Err(IndexError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                self.make(dir, journal, span)
            }
            Err(IndexError::Damaged { path }) => {
                tracing::warn!(path = %path.display(), "index file damaged, made again from the journal");
                self.make(dir, journal, span)
            }
            Err(error) => Err(error),
        }
    }

    /// Makes the index of a closed segment.
    pub(super) fn make(&mut self, dir: &Path, journal: u64, span: Span) -> Result<SegmentIndex, IndexError> {
        let open = self.scan(span)?;
        segment::write(dir, journal, &open)?;
        SegmentIndex::open(dir, journal, span)
    }

    /// The index of a segment's records in memory.
    pub(super) fn scan(&mut self, span: Span) -> Result<OpenIndex, IndexError> {
        let mut open = OpenIndex::new(span.first);
        if span.last < span.first {
            return Ok(open);
        }
        for record in self.records.read_from(span.first)? {
            let record = record?;
            if record.position > span.last {
                break;
            }
            open.take(AppliedRecord::from(&record))?;
            if record.position.0.is_multiple_of(65_536) {
                let events = self.events + open.stats.events();
                (self.progress)(Progress { position: record.position, end: self.end, events });
            }
        }
        self.events += open.stats.events();
        Ok(open)
    }
}
