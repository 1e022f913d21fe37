//! Unfinished deliveries as the lanes page through them.

use std::sync::Arc;

use lineshaft_model::{DeliveryId, DeliveryState, Millis, Position, Priority};
use rusqlite::{OptionalExtension, Params, Row};

use super::deliveries::{COLUMNS, Delivery, delivery_id, row_id};
use super::objects::signed;
use super::{Views, ViewsError};

/// An unfinished delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneEntry {
    /// Which delivery.
    pub delivery: DeliveryId,
    /// `system.operation`.
    pub destination: Arc<str>,
    /// The route that asked for it.
    pub route: Arc<str>,
    /// The fingerprint of what keeps its order.
    pub order: u64,
    /// The fingerprint of who sent the event.
    pub share: u32,
    /// Its class.
    pub class: Priority,
    /// Whether it holds back its order when it is dead.
    pub parks: bool,
    /// Where it stands.
    pub state: DeliveryState,
    /// Attempts so far.
    pub attempts: u16,
    /// When the next attempt is due, for `Retrying` and `Unknown`.
    pub due: Millis,
    /// When the hub took the event, or a person sent the dead letter back.
    pub since: Millis,
    /// When its latest outcome was, for a dead letter when it died; zero for none.
    pub settled: Millis,
    /// The record of its latest outcome; zero for none.
    pub outcome: Position,
    /// The record of the content that is delivered in place of the event's; zero for none.
    pub amended: Position,
}

/// An unfinished delivery found by its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// `system.operation`.
    pub destination: String,
    /// Where it stands.
    pub entry: LaneEntry,
}

/// Which unfinished deliveries a listing shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// Only those in this state.
    pub state: Option<DeliveryState>,
    /// Only those of this destination.
    pub destination: Option<String>,
}

impl Views {
    /// The deliveries of a destination and class that are after `after` and may be tried now or when they are due, in the
    /// order in which they were owed.
    pub fn runnable(
        &self,
        destination: &str,
        class: Priority,
        after: DeliveryId,
        limit: usize,
    ) -> Result<Vec<LaneEntry>, ViewsError> {
        let Some(destination) = self.names(|names| names.find(destination)) else { return Ok(Vec::new()) };
        let sql = format!(
            "SELECT {COLUMNS} FROM deliveries INDEXED BY deliveries_lane
             WHERE destination = ?1 AND shelf = ?2 AND id > ?3 ORDER BY id LIMIT ?4"
        );
        self.entries(&sql, (destination, class as u8, row_id(after), rows(limit)))
    }

    /// All unfinished deliveries of an order that are after `after`, in the order in which they were owed.
    pub fn of_order(
        &self,
        destination: &str,
        order: u64,
        after: DeliveryId,
        limit: usize,
    ) -> Result<Vec<LaneEntry>, ViewsError> {
        let Some(destination) = self.names(|names| names.find(destination)) else { return Ok(Vec::new()) };
        let sql = format!(
            "SELECT {COLUMNS} FROM deliveries INDEXED BY deliveries_order
             WHERE destination = ?1 AND ord = ?2 AND id > ?3 ORDER BY id LIMIT ?4"
        );
        self.entries(&sql, (destination, signed(order), row_id(after), rows(limit)))
    }

    /// One delivery, when it is unfinished.
    pub fn unfinished(&self, id: DeliveryId) -> Result<Option<Unfinished>, ViewsError> {
        let sql = format!("SELECT {COLUMNS} FROM deliveries WHERE id = ?1");
        let entry = self.entries(&sql, [row_id(id)])?.pop();
        Ok(entry.map(|entry| Unfinished { destination: entry.destination.as_ref().to_owned(), entry }))
    }

    /// The unfinished deliveries of an event.
    pub fn unfinished_of(&self, event: Position) -> Result<Vec<LaneEntry>, ViewsError> {
        let sql = format!("SELECT {COLUMNS} FROM deliveries WHERE id BETWEEN ?1 AND ?2 ORDER BY id");
        let id = |n| row_id(DeliveryId { event, n });
        self.entries(&sql, (id(0), id(u8::MAX)))
    }

    /// Whether a dead letter holds back this order.
    pub fn is_parked(&self, destination: &str, order: u64) -> Result<bool, ViewsError> {
        Ok(self.hold(destination, order)?.is_some_and(|(dead, _)| dead > 0))
    }

    /// How many deliveries are parked in this order.
    pub fn parked_behind(&self, destination: &str, order: u64) -> Result<u64, ViewsError> {
        Ok(self.hold(destination, order)?.map_or(0, |(_, parked)| parked))
    }

    fn hold(&self, destination: &str, order: u64) -> Result<Option<(u64, u64)>, ViewsError> {
        let Some(destination) = self.names(|names| names.find(destination)) else { return Ok(None) };
        let sql = "SELECT dead, parked FROM holds WHERE destination = ?1 AND ord = ?2";
        self.ask(|connection| {
            connection
                .prepare_cached(sql)?
                .query_row((destination, signed(order)), |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })
    }

    /// Unfinished deliveries, newest first, that are before `before`.
    pub fn deliveries(
        &self,
        filter: &DeliveryFilter,
        before: Option<DeliveryId>,
        limit: usize,
    ) -> Result<Vec<LaneEntry>, ViewsError> {
        let before = before.map_or(i64::MAX, row_id);
        let destination = match &filter.destination {
            None => None,
            Some(name) => match self.names(|names| names.find(name)) {
                None => return Ok(Vec::new()),
                found => found,
            },
        };
        let state = filter.state.map(|state| state as u8);
        let Some(destination) = destination else {
            let sql = format!(
                "SELECT {COLUMNS} FROM deliveries WHERE id < ?1 AND (?2 IS NULL OR state = ?2)
                 ORDER BY id DESC LIMIT ?3"
            );
            return self.entries(&sql, (before, state, rows(limit)));
        };
        // The shelves of a destination are each in the order of the deliveries: the newest of each, then of all.
        let mut newest = Vec::new();
        for shelf in 0u8..=5 {
            let sql = format!(
                "SELECT {COLUMNS} FROM deliveries INDEXED BY deliveries_lane
                 WHERE destination = ?1 AND shelf = ?2 AND id < ?3 AND (?4 IS NULL OR state = ?4)
                 ORDER BY id DESC LIMIT ?5"
            );
            newest.extend(self.entries(&sql, (destination, shelf, before, state, rows(limit)))?);
        }
        newest.sort_unstable_by_key(|entry| std::cmp::Reverse(entry.delivery));
        newest.truncate(limit);
        Ok(newest)
    }

    /// Dead letters by the time they died, those after `after` (time and delivery) only.
    pub fn dead(
        &self,
        destination: Option<&str>,
        newest_first: bool,
        after: Option<(Millis, DeliveryId)>,
        limit: usize,
    ) -> Result<Vec<LaneEntry>, ViewsError> {
        let start = if newest_first { (i64::MAX, i64::MAX) } else { (i64::MIN, i64::MIN) };
        let (died, id) = after.map_or(start, |(died, id)| (died.0, row_id(id)));
        let (than, order) = if newest_first { ("<", "DESC") } else { (">", "ASC") };
        // The first comparison is implied by the second and lets the index be entered at its place.
        let tail = format!(
            "state = 3 AND settled {than}= ?1 AND (settled, id) {than} (?1, ?2)
             ORDER BY settled {order}, id {order} LIMIT ?3"
        );
        match destination {
            None => {
                let sql = format!("SELECT {COLUMNS} FROM deliveries INDEXED BY deliveries_dead WHERE {tail}");
                self.entries(&sql, (died, id, rows(limit)))
            }
            Some(destination) => {
                let found = self.names(|names| names.find(destination));
                let Some(destination) = found else { return Ok(Vec::new()) };
                let sql = format!(
                    "SELECT {COLUMNS} FROM deliveries INDEXED BY deliveries_dead_there
                     WHERE destination = ?4 AND {tail}"
                );
                self.entries(&sql, (died, id, rows(limit), destination))
            }
        }
    }

    /// The orders of a destination that dead letters hold back, each with how many dead letters do.
    pub fn parked_keys(&self, destination: &str) -> Result<Vec<(u64, u32)>, ViewsError> {
        let Some(destination) = self.names(|names| names.find(destination)) else { return Ok(Vec::new()) };
        let sql = "SELECT ord, dead FROM holds WHERE destination = ?1 AND dead > 0";
        self.ask(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let hold = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?));
            statement.query_map([destination], hold)?.collect()
        })
    }

    /// Since when the oldest delivery of a destination waits that may be tried now or when it is due.
    pub fn oldest_of(&self, destination: &str) -> Result<Option<Millis>, ViewsError> {
        let Some(destination) = self.names(|names| names.find(destination)) else { return Ok(None) };
        let sql = "SELECT since FROM deliveries INDEXED BY deliveries_lane
                   WHERE destination = ?1 AND shelf = ?2 ORDER BY id LIMIT 1";
        self.ask(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let mut oldest: Option<i64> = None;
            for class in Priority::ALL {
                let first =
                    statement.query_row((destination, class as u8), |row| row.get::<_, i64>(0)).optional()?;
                oldest = oldest.into_iter().chain(first).min();
            }
            Ok(oldest.map(Millis))
        })
    }

    /// The oldest event that still owes a delivery: the journal must not be trimmed beyond it.
    pub fn oldest_unfinished(&self) -> Result<Option<Position>, ViewsError> {
        let oldest: Option<i64> = self.ask(|connection| {
            connection.prepare_cached("SELECT min(id) FROM deliveries")?.query_row([], |row| row.get(0))
        })?;
        Ok(oldest.map(|row| delivery_id(row).event))
    }

    fn entries(&self, sql: &str, params: impl Params) -> Result<Vec<LaneEntry>, ViewsError> {
        let found = self.ask(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map(params, read_row)?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        Ok(self.names(|names| {
            let entry = |(id, d): (DeliveryId, Delivery)| LaneEntry {
                delivery: id,
                destination: names.text(d.destination),
                route: names.text(d.route),
                order: d.order,
                share: d.share,
                class: d.class,
                parks: d.parks,
                state: d.state,
                attempts: d.attempts,
                due: Millis(d.due),
                since: Millis(d.since),
                settled: Millis(d.settled),
                outcome: Position(d.outcome),
                amended: Position(d.amended),
            };
            found.into_iter().map(entry).collect()
        }))
    }
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<(DeliveryId, Delivery)> {
    Ok((delivery_id(row.get(0)?), Delivery::from_row(row)?))
}

fn rows(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
