//! What the views know that must not go with the oldest segments: where it is recorded, and what may not go at all.

use lineshaft_model::record::{CarriedReference, Configured};
use lineshaft_model::{DeliveryId, Millis, Position};
use rusqlite::OptionalExtension;

use super::deliveries::row_id;
use super::names::NameId;
use super::{Views, ViewsError};

/// Why a record and everything after it cannot be dropped yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Its event still owes a delivery: pending, in retry, parked, dead or of unknown outcome.
    Delivery,
    /// It is a quarantined input that nobody has closed.
    Quarantine,
    /// It says how long work stands that goes on.
    Job,
    /// Deliveries are parked behind a dead letter that is gone while another one holds the same order.
    Order,
}

impl Hold {
    /// The word used in logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivery => "unfinished delivery",
            Self::Quarantine => "open quarantined input",
            Self::Job => "job under way",
            Self::Order => "order held by several dead letters",
        }
    }
}

/// A system's own key for an object, with the record that says so now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceRow {
    /// As it is carried.
    pub reference: CarriedReference,
    /// The record that says so now.
    pub position: Position,
}

/// A system that a person has paused, or whose breaker a person has set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PausedRow {
    /// Why.
    pub reason: String,
    /// Who.
    pub actor: String,
    /// When.
    pub at: Millis,
    /// The record that says so.
    pub position: Position,
}

impl Views {
    /// The last record that the journal need not keep: everything up to there is carried forward. As of the last commit.
    #[must_use]
    pub fn dropped(&self) -> Position {
        self.books(|_, books| books.dropped)
    }

    /// The first record that must stay because it is unfinished business, and why; `None` when there is none.
    pub fn held_back(&self) -> Result<Option<(Position, Hold)>, ViewsError> {
        // A delivery parked before every dead letter of its order that is left: the one that parked it is gone. Computed from
        // later records alone it would be pending.
        let sql = "
            SELECT (SELECT min(id) FROM deliveries),
                   (SELECT min(position) FROM quarantine INDEXED BY quarantine_open WHERE open = 1),
                   (SELECT min(position) FROM jobs WHERE running = 1),
                   EXISTS (
                       SELECT 1 FROM holds h WHERE h.dead > 0 AND EXISTS (
                           SELECT 1 FROM deliveries INDEXED BY deliveries_order
                           WHERE destination = h.destination AND ord = h.ord AND state = 2 AND id < (
                               SELECT min(id) FROM deliveries INDEXED BY deliveries_order
                               WHERE destination = h.destination AND ord = h.ord AND state = 3 AND parks = 1)))";
        let (delivery, input, job, order): (Option<i64>, Option<i64>, Option<i64>, bool) =
            self.ask(|connection| {
                let held = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
                connection.prepare_cached(sql)?.query_row([], held)
            })?;
        let delivery = delivery.map(|row| (super::deliveries::delivery_id(row).event, Hold::Delivery));
        let input = input.map(|position| (Position(position.cast_unsigned()), Hold::Quarantine));
        let order = order.then_some((Position::ZERO, Hold::Order));
        let job = job.map(|position| (Position(position.cast_unsigned()), Hold::Job));
        Ok(delivery.into_iter().chain(input).chain(job).chain(order).min_by_key(|held| held.0))
    }

    /// Each system's own key for an object, with where it is recorded.
    pub(crate) fn reference_rows(
        &self,
        tenant: &str,
        object_type: &str,
        key: &str,
    ) -> Result<Vec<ReferenceRow>, ViewsError> {
        let Some(kind) = self.names(|names| names.find_kind(tenant, object_type)) else {
            return Ok(Vec::new());
        };
        let sql = "SELECT system, foreign_key, position, told FROM refs WHERE kind = ?1 AND key = ?2";
        let found: Vec<(NameId, String, i64, i64)> = self.ask(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement
                .query_map((kind, key), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
            rows.collect()
        })?;
        Ok(self.names(|names| {
            let row = |(system, foreign, position, told): (NameId, String, i64, i64)| ReferenceRow {
                reference: CarriedReference {
                    system: names.text(system).as_ref().to_owned(),
                    foreign,
                    position: Position(told.cast_unsigned()),
                },
                position: Position(position.cast_unsigned()),
            };
            found.into_iter().map(row).collect()
        }))
    }

    /// How far a part of an intake has been read, with where that is recorded.
    pub(crate) fn token_row(
        &self,
        intake: &str,
        part: &str,
    ) -> Result<Option<(String, Position)>, ViewsError> {
        let Some(intake) = self.names(|names| names.find(intake)) else { return Ok(None) };
        let sql = "SELECT token, position FROM tokens WHERE intake = ?1 AND part = ?2";
        self.ask(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            statement.query_row((intake, part), |row| Ok((row.get(0)?, position_at(row, 1)?))).optional()
        })
    }

    /// A paused system, with where that is recorded.
    pub(crate) fn paused_row(&self, system: &str) -> Result<Option<PausedRow>, ViewsError> {
        let sql = "SELECT reason, actor, at, position FROM paused WHERE system = ?1";
        self.ask(|connection| {
            let paused = |row: &rusqlite::Row<'_>| {
                let (reason, actor, at) = (row.get(0)?, row.get(1)?, Millis(row.get(2)?));
                Ok(PausedRow { reason, actor, at, position: position_at(row, 3)? })
            };
            connection.prepare_cached(sql)?.query_row([system], paused).optional()
        })
    }

    /// A breaker that a person has set, whether open, with where that is recorded.
    pub(crate) fn breaker_row(&self, system: &str) -> Result<Option<(bool, PausedRow)>, ViewsError> {
        let sql = "SELECT reason, actor, at, position, breaker = 'open' FROM breakers WHERE system = ?1";
        self.ask(|connection| {
            let set = |row: &rusqlite::Row<'_>| {
                let (reason, actor, at) = (row.get(0)?, row.get(1)?, Millis(row.get(2)?));
                Ok((row.get(4)?, PausedRow { reason, actor, at, position: position_at(row, 3)? }))
            };
            connection.prepare_cached(sql)?.query_row([system], set).optional()
        })
    }

    /// The configuration that took effect last, with where that is recorded.
    pub(crate) fn configuration_row(&self) -> Result<Option<(Configured, Position)>, ViewsError> {
        let sql = "SELECT digest, cause, at, position FROM configurations ORDER BY position DESC LIMIT 1";
        self.ask(|connection| {
            let configured = |row: &rusqlite::Row<'_>| {
                let configured =
                    Configured { digest: row.get(0)?, cause: row.get(1)?, at: Millis(row.get(2)?) };
                Ok((configured, position_at(row, 3)?))
            };
            connection.prepare_cached(sql)?.query_row([], configured).optional()
        })
    }

    /// How many deliveries of the events in a span a person gave up, by destination.
    pub(crate) fn discarded_in(
        &self,
        (first, last): (Position, Position),
    ) -> Result<Vec<(String, u64)>, ViewsError> {
        let row = |event| row_id(DeliveryId { event, n: 0 });
        let sql =
            "SELECT destination, count(*) FROM discarded WHERE id >= ?1 AND id < ?2 GROUP BY destination";
        let found: Vec<(NameId, u64)> = self.ask(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let rows =
                statement.query_map((row(first), row(last.next())), |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        })?;
        Ok(self.names(|names| {
            found.into_iter().map(|(id, count)| (names.text(id).as_ref().to_owned(), count)).collect()
        }))
    }
}

fn position_at(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Position> {
    Ok(Position(row.get::<_, i64>(column)?.cast_unsigned()))
}
