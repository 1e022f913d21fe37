//! The one writer of the views: gathers records, commits them.

use std::path::{Path, PathBuf};

use lineshaft_model::record::{
    Carried, CarriedHead, Disposition, EventRecord, OutcomeRecord, RecordKind, Replayed,
};
use lineshaft_model::{DeliveryId, Destination, Position, share_of};
use lineshaft_ports::journal::JournalRead;
use rusqlite::Connection;

use super::books::Books;
use super::deliveries::Deliveries;
use super::names::Names;
use super::objects::{Objects, signed};
use super::pool::Views;
use super::rare::{self, References};
use super::{ViewsError, schema};
use crate::applied::{AppliedRecord, Progress};
use crate::index::{Feeding, Index};

/// Events gathered at most before they are committed: a page of objects is then written once for many events.
const MOST_EVENTS: u64 = 65_536;
/// Records gathered at most, whatever they are.
const MOST_RECORDS: u64 = 8 * MOST_EVENTS;
/// Cross references gathered at most.
const MOST_REFERENCES: usize = 65_536;
/// Records read from the journal at a time while catching up, and their bytes at most.
const CATCH_UP_RECORDS: usize = 4096;
const CATCH_UP_BYTES: usize = 16 << 20;

/// Applies the journal's records to the views and to the index of the open segment. Lives on one thread.
///
/// After an error it is stopped: what it had gathered is gone, and the next start goes on from what was committed.
#[derive(Debug)]
pub struct Projector {
    connection: Connection,
    dir: PathBuf,
    journal: u64,
    index: Index,
    views: Views,
    gathered: Position,
    applied: Position,
    /// Events and records since the last commit.
    events: u64,
    records: u64,
    stopped: bool,
    names: Names,
    books: Books,
    objects: Objects,
    deliveries: Deliveries,
    references: References,
}

impl Projector {
    /// Opens the views in `dir` of the journal with this id, whose last record is `end`. Views of another version, damaged
    /// or ahead of the journal are removed: `applied` is then zero. Views of another journal are refused.
    pub fn open(dir: &Path, journal: u64, end: Position, index: Index) -> Result<(Self, Views), ViewsError> {
        let (connection, applied) = schema::open(dir, journal, (index.records().first(), end))?;
        let names = Names::load(&connection).map_err(ViewsError::read)?;
        let books = Books::load(&connection).map_err(ViewsError::read)?;
        let views = Views::new(schema::path_of(dir));
        views.publish_names(&names);
        views.publish(applied, &books);
        let projector = Self {
            connection,
            dir: dir.to_owned(),
            journal,
            index,
            views: views.clone(),
            gathered: applied,
            applied,
            events: 0,
            records: 0,
            stopped: false,
            names,
            books,
            objects: Objects::default(),
            deliveries: Deliveries::default(),
            references: References::default(),
        };
        Ok((projector, views))
    }

    /// The last record that is committed.
    #[must_use]
    pub const fn applied(&self) -> Position {
        self.applied
    }

    /// The last record that was taken in.
    #[must_use]
    pub const fn gathered(&self) -> Position {
        self.gathered
    }

    /// Takes in records and commits them.
    pub fn apply(&mut self, records: &[AppliedRecord<'_>]) -> Result<(), ViewsError> {
        self.gather(records)?;
        self.commit()
    }

    /// Takes in records, in order and without gaps; those taken in before are passed over. They are indexed at once and
    /// shown by the views after the next [`commit`](Self::commit), which comes by itself when many are gathered.
    pub fn gather(&mut self, records: &[AppliedRecord<'_>]) -> Result<(), ViewsError> {
        if self.stopped {
            return Err(ViewsError::Stopped);
        }
        let done = self.gather_all(records);
        self.stop_on_error(done)
    }

    /// Writes what was gathered, and the position it goes up to, in one transaction.
    pub fn commit(&mut self) -> Result<(), ViewsError> {
        if self.stopped {
            return Err(ViewsError::Stopped);
        }
        let done = self.commit_all();
        self.stop_on_error(done)
    }

    /// Says that the journal has begun a segment: the index of the one before is written now. To be called before the first
    /// record of the segment is gathered.
    pub fn segment_started(&mut self, first: Position) -> Result<(), ViewsError> {
        Ok(self.index.segment_started(first)?)
    }

    /// Applies what the journal holds beyond the views.
    pub fn catch_up(
        &mut self,
        journal: &dyn JournalRead,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), ViewsError> {
        let end = journal.end();
        let mut events = 0;
        let mut batch = Vec::with_capacity(CATCH_UP_RECORDS);
        let mut bytes = 0;
        if self.gathered.next() < journal.first() {
            // What came next was dropped, and with it what these views would have to say of it. What is kept says all of it.
            self.start_over(journal)?;
        }
        let mut records = journal.read_from(self.gathered.next())?;
        loop {
            let record = records.next().transpose()?.filter(|record| record.position <= end);
            let last = record.is_none();
            if let Some(record) = record {
                bytes += record.payload.len();
                events += u64::from(record.kind == RecordKind::Event as u8);
                batch.push(record);
            }
            if last || batch.len() >= CATCH_UP_RECORDS || bytes >= CATCH_UP_BYTES {
                let borrowed: Vec<AppliedRecord<'_>> = batch.iter().map(AppliedRecord::from).collect();
                self.gather(&borrowed)?;
                batch.clear();
                bytes = 0;
                progress(Progress { position: self.gathered, end, events });
            }
            if last {
                return self.commit();
            }
        }
    }

    /// Drops the views and computes them from the journal's start. Whoever asks the views meanwhile sees them grow.
    pub fn rebuild(
        &mut self,
        journal: &dyn JournalRead,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), ViewsError> {
        self.start_over(journal)?;
        self.catch_up(journal, progress)
    }

    /// Empty views, to be computed from the journal's first record.
    fn start_over(&mut self, journal: &dyn JournalRead) -> Result<(), ViewsError> {
        let since = journal.first();
        let (connection, applied) =
            self.views.while_closed(|| schema::create(&self.dir, self.journal, since))?;
        self.connection = connection;
        (self.gathered, self.applied) = (Position(since.0.saturating_sub(1)), applied);
        (self.events, self.records) = (0, 0);
        self.stopped = false;
        (self.names, self.books) = (Names::default(), Books { since, ..Books::default() });
        self.objects = Objects::default();
        self.deliveries = Deliveries::default();
        self.references = References::default();
        self.views.publish_names(&self.names);
        self.views.publish(applied, &self.books);
        Ok(())
    }

    fn stop_on_error<T>(&mut self, done: Result<T, ViewsError>) -> Result<T, ViewsError> {
        if done.is_err() && !self.stopped {
            self.stopped = true;
            if !self.connection.is_autocommit()
                && let Err(error) = self.connection.execute_batch("ROLLBACK")
            {
                tracing::warn!(%error, "the views' transaction could not be rolled back");
            }
        }
        done
    }

    fn gather_all(&mut self, records: &[AppliedRecord<'_>]) -> Result<(), ViewsError> {
        let index = self.index.clone();
        let mut rest = records;
        while !rest.is_empty() {
            let mut feeding = index.feeding();
            while let Some((record, after)) = rest.split_first() {
                rest = after;
                if record.position <= self.gathered {
                    continue;
                }
                if record.position != self.gathered.next() {
                    let (wanted, given) = (self.gathered.next(), record.position);
                    return Err(ViewsError::Gap { wanted, given });
                }
                self.take(*record, &mut feeding)?;
                self.gathered = record.position;
                self.records += 1;
                if self.is_full() {
                    break;
                }
            }
            drop(feeding);
            if self.is_full() {
                self.commit_all()?;
            }
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.events >= MOST_EVENTS || self.records >= MOST_RECORDS || self.references.len() >= MOST_REFERENCES
    }

    fn take(&mut self, record: AppliedRecord<'_>, feeding: &mut Feeding<'_>) -> Result<(), ViewsError> {
        match RecordKind::from_byte(record.kind) {
            Some(RecordKind::Event) => {
                if let Ok(event) = EventRecord::decode(record.payload) {
                    feeding.event(record.position, &event)?;
                    return self.take_event(record.position, &event).map_err(ViewsError::written);
                }
            }
            Some(RecordKind::Replayed) => {
                if let Ok((_, event)) = Replayed::decode(record.payload) {
                    feeding.other(record.position, record.kind)?;
                    return self.owe(record.position, &event).map_err(ViewsError::written);
                }
            }
            Some(RecordKind::Outcome) => {
                if let Ok(outcome) = OutcomeRecord::decode(record.payload) {
                    feeding.outcome(record.position, &outcome)?;
                    return self.take_outcome(record.position, &outcome);
                }
            }
            Some(RecordKind::Carried) => {
                if let Ok((head, _)) = Carried::decode(record.payload) {
                    feeding.carried(record.position, &head)?;
                    self.take_carried(record.position, &head);
                    return Ok(());
                }
            }
            Some(kind) => {
                feeding.other(record.position, record.kind)?;
                schema::begin(&self.connection).map_err(ViewsError::written)?;
                let (names, books) = (&mut self.names, &mut self.books);
                return rare::apply(&self.connection, names, books, kind, record)
                    .map_err(ViewsError::written);
            }
            None => {}
        }
        tracing::warn!(
            position = record.position.0,
            kind = record.kind,
            "record not understood, passed over"
        );
        Ok(feeding.other(record.position, record.kind)?)
    }

    fn take_event(&mut self, position: Position, event: &EventRecord<'_>) -> rusqlite::Result<()> {
        self.events += 1;
        let intake = self.names.id(event.intake);
        let sums = self.books.inputs.of(intake);
        match event.disposition {
            Disposition::Accepted => sums.accepted += 1,
            Disposition::Stale => sums.stale += 1,
            Disposition::Echo => sums.echo += 1,
        }
        self.objects.take(&mut self.names, position, event);
        for (object_type, foreign) in event.keys() {
            if let (Some(system), Some((of_type, key))) = (object_type.strip_prefix("ref:"), event.object()) {
                let kind = self.names.kind(event.tenant, of_type);
                let system = self.names.id(system);
                self.references.set((kind, key, system), foreign, (position, position));
            }
        }
        self.owe(position, event)
    }

    /// Takes in what an event owes.
    fn owe(&mut self, position: Position, event: &EventRecord<'_>) -> rusqlite::Result<()> {
        let share = if event.owed_count() == 0 { 0 } else { share_of(event.source) };
        for (n, owed) in (0..).zip(event.owed()) {
            let places =
                (self.names.id(owed.destination), self.names.id(owed.route), event.received.0, share);
            let id = DeliveryId { event: position, n };
            self.deliveries.owe(&self.connection, &mut self.books, id, &owed, places)?;
        }
        Ok(())
    }

    /// Takes in an object that is written again.
    fn take_carried(&mut self, position: Position, head: &CarriedHead) {
        let kind = self.names.kind(&head.tenant, &head.object_type);
        if let Some(state) = &head.state {
            self.objects.carry(&mut self.names, position, head, state);
        }
        for reference in &head.references {
            let system = self.names.id(&reference.system);
            let place = (kind, &*head.key, system);
            self.references.set(place, &reference.foreign, (position, reference.position));
        }
    }

    fn take_outcome(&mut self, position: Position, outcome: &OutcomeRecord<'_>) -> Result<(), ViewsError> {
        let settled = self.deliveries.settle(&self.connection, &mut self.books, position, outcome);
        let Some(destination) = settled.map_err(ViewsError::written)? else { return Ok(()) };
        if !outcome.foreign_key.is_empty() {
            self.take_reference(position, outcome, &self.names.text(destination))?;
        }
        Ok(())
    }

    /// The target gave the event's object a key of its own.
    fn take_reference(
        &mut self,
        position: Position,
        outcome: &OutcomeRecord<'_>,
        destination: &str,
    ) -> Result<(), ViewsError> {
        let Some(record) = self.index.records().get(outcome.delivery.event)? else { return Ok(()) };
        let Some(Ok(event)) = crate::reading::event_in(&record) else { return Ok(()) };
        let (Some((object_type, key)), Ok(to)) = (event.object(), Destination::parse(destination)) else {
            return Ok(());
        };
        let kind = self.names.kind(event.tenant, object_type);
        let system = self.names.id(to.system());
        self.references.set((kind, key, system), outcome.foreign_key, (position, position));
        Ok(())
    }

    fn commit_all(&mut self) -> Result<(), ViewsError> {
        if self.gathered == self.applied {
            return Ok(());
        }
        if self.names.has_news() {
            // Before the rows that use them.
            self.views.publish_names(&self.names);
        }
        self.store().map_err(ViewsError::written)?;
        self.applied = self.gathered;
        (self.events, self.records) = (0, 0);
        self.views.publish(self.applied, &self.books);
        Ok(())
    }

    fn store(&mut self) -> rusqlite::Result<()> {
        let connection = &self.connection;
        schema::begin(connection)?;
        self.names.store(connection)?;
        if !self.objects.is_empty() {
            self.objects.store(connection)?;
        }
        if !self.deliveries.is_empty() {
            self.deliveries.store(connection)?;
        }
        if !self.references.is_empty() {
            self.references.store(connection)?;
        }
        self.books.store(connection)?;
        let mut meta =
            connection.prepare_cached("UPDATE meta SET applied = ?1, quarantined = ?2, dropped = ?3")?;
        let (quarantined, dropped) = (self.books.quarantined, self.books.dropped);
        meta.execute((signed(self.gathered.0), signed(quarantined), signed(dropped.0)))?;
        drop(meta);
        self.connection.execute_batch("COMMIT")
    }
}
