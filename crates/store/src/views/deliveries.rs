//! Unfinished deliveries: what events owe, and what each outcome makes of it.
//!
//! Most deliveries are finished before they are stored and never become rows. Where a rule speaks of all deliveries of an
//! order key and there are many, what was gathered is written first (within the open transaction) and the rule is one
//! statement.

use std::collections::hash_map::Entry;

use lineshaft_model::record::{OutcomeRecord, Owed};
use lineshaft_model::{DeliveryId, DeliveryState, OutcomeKind, Position, Priority};
use rusqlite::{Connection, OptionalExtension, Row};

use super::books::Books;
use super::hashing::NumberMap;
use super::names::NameId;
use super::objects::signed;
use super::schema;

/// Where parked and dead rows lie, after the four classes of those that may run.
const PARKED_SHELF: u8 = 4;
const DEAD_SHELF: u8 = 5;

/// With no more deliveries gathered, and no more of an order stored, a rule about the order looks at each; otherwise it is
/// one statement. Small in tests, so that they go both ways.
const FEW: usize = if cfg!(test) { 6 } else { 4096 };

/// An unfinished delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Delivery {
    pub(super) destination: NameId,
    pub(super) route: NameId,
    pub(super) order: u64,
    pub(super) class: Priority,
    /// The fingerprint of who sent the event.
    pub(super) share: u32,
    pub(super) parks: bool,
    pub(super) state: DeliveryState,
    pub(super) attempts: u16,
    pub(super) due: i64,
    pub(super) since: i64,
    /// The latest outcome's time; zero for none.
    pub(super) settled: i64,
    /// The latest outcome's record; zero for none.
    pub(super) outcome: u64,
    /// The record of the content that is delivered in place of the event's; zero for none.
    pub(super) amended: u64,
}

impl Delivery {
    const fn shelf(&self) -> u8 {
        match self.state {
            DeliveryState::Parked => PARKED_SHELF,
            DeliveryState::Dead => DEAD_SHELF,
            _ => self.class as u8,
        }
    }

    const fn holds(&self) -> bool {
        self.parks && matches!(self.state, DeliveryState::Dead)
    }

    /// From columns in the order of [`COLUMNS`].
    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let state: u8 = row.get(4)?;
        let class: u8 = row.get(3)?;
        Ok(Self {
            destination: row.get(1)?,
            order: row.get::<_, i64>(2)?.cast_unsigned(),
            class: Priority::from_byte(class),
            state: DeliveryState::from_byte(state).unwrap_or(DeliveryState::Pending),
            parks: row.get(5)?,
            route: row.get(6)?,
            attempts: row.get(7)?,
            due: row.get(8)?,
            since: row.get(9)?,
            settled: row.get(10)?,
            outcome: row.get::<_, i64>(11)?.cast_unsigned(),
            share: row.get(12)?,
            amended: row.get::<_, i64>(13)?.cast_unsigned(),
        })
    }
}

/// The columns of a delivery, its id first.
pub(super) const COLUMNS: &str = "id, destination, ord, class, state, parks, route, attempts, due, since, settled, outcome, share, amended";

/// A delivery's number in the table.
pub(super) const fn row_id(id: DeliveryId) -> i64 {
    signed((id.event.0 << 8) | id.n as u64)
}

/// The delivery with this number.
pub(super) const fn delivery_id(row: i64) -> DeliveryId {
    let row = row.cast_unsigned();
    DeliveryId { event: Position(row >> 8), n: row as u8 }
}

#[derive(Debug)]
struct Slot {
    delivery: Delivery,
    stored: bool,
    finished: bool,
}

/// An order that dead letters hold back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Hold {
    dead: u64,
    parked: u64,
}

/// How deliveries change in what was gathered since the last commit.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    slots: NumberMap<i64, Slot>,
    holds: NumberMap<(NameId, u64), Hold>,
}

impl Deliveries {
    /// Takes in what an event owes.
    pub(super) fn owe(
        &mut self,
        connection: &Connection,
        books: &mut Books,
        id: DeliveryId,
        owed: &Owed<'_>,
        (destination, route, received, share): (NameId, NameId, i64, u32),
    ) -> rusqlite::Result<()> {
        let order = owed.order();
        let sums = books.destinations.of(destination);
        sums.routed += 1;
        let mut state = DeliveryState::Pending;
        if sums.dead > 0 {
            let hold = self.hold(connection, destination, order)?;
            if hold.dead > 0 {
                hold.parked += 1;
                state = DeliveryState::Parked;
            }
        }
        *books.destinations.of(destination).of(state) += 1;
        let delivery = Delivery {
            destination,
            route,
            order,
            class: owed.priority,
            share,
            parks: owed.parks,
            state,
            attempts: 0,
            due: 0,
            since: received,
            settled: 0,
            outcome: 0,
            amended: 0,
        };
        self.slots.insert(row_id(id), Slot { delivery, stored: false, finished: false });
        Ok(())
    }

    /// Takes in an outcome; gives the delivery's destination, or `None` when it is not unfinished: the outcome of a
    /// delivery that ended before changes nothing.
    pub(super) fn settle(
        &mut self,
        connection: &Connection,
        books: &mut Books,
        position: Position,
        outcome: &OutcomeRecord<'_>,
    ) -> rusqlite::Result<Option<NameId>> {
        let id = row_id(outcome.delivery);
        let Some(slot) = self.slot(connection, id)? else { return Ok(None) };
        let before = slot.delivery.clone();
        let (destination, order) = (before.destination, before.order);
        let state = match outcome.kind {
            OutcomeKind::Delivered => DeliveryState::Delivered,
            OutcomeKind::Discarded => DeliveryState::Discarded,
            OutcomeKind::Again => DeliveryState::Retrying,
            OutcomeKind::Unknown | OutcomeKind::Begun => DeliveryState::Unknown,
            OutcomeKind::Dead => DeliveryState::Dead,
            // What waits for its turn is not sent back, parked or not: where a delivery stands follows from its own outcomes, and
            // must not from a dead letter that is no longer in the journal.
            OutcomeKind::Retried
                if matches!(before.state, DeliveryState::Pending | DeliveryState::Parked) =>
            {
                return Ok(None);
            }
            OutcomeKind::Retried => DeliveryState::Pending,
        };
        slot.delivery.state = state;
        slot.delivery.settled = outcome.at.0;
        slot.delivery.outcome = position.0;
        slot.delivery.due = outcome.due.0;
        if outcome.kind == OutcomeKind::Retried {
            // What a person sends back has all its time again before it is given up.
            slot.delivery.since = outcome.at.0;
            if !outcome.amendment.is_zero() {
                slot.delivery.amended = outcome.amendment.0;
            }
        } else {
            slot.delivery.attempts = outcome.attempt;
        }
        let holds = slot.delivery.holds();
        if outcome.kind.is_final() {
            slot.finished = true;
            if !slot.stored {
                self.slots.remove(&id);
            }
        }
        books.destinations.of(destination).shift(before.state, state, 1);
        if state == DeliveryState::Discarded {
            schema::begin(connection)?;
            let mut insert = connection.prepare_cached("INSERT OR REPLACE INTO discarded VALUES (?1, ?2)")?;
            insert.execute((id, destination))?;
        }
        if before.state == DeliveryState::Parked {
            let hold = self.hold(connection, destination, order)?;
            hold.parked = hold.parked.saturating_sub(1);
        }
        match (before.holds(), holds) {
            (false, true) => self.park_behind(connection, books, id, destination, order)?,
            (true, false) => self.release(connection, books, destination, order)?,
            _ => {}
        }
        Ok(Some(destination))
    }

    /// A dead letter holds its order: what is pending behind it is parked.
    fn park_behind(
        &mut self,
        connection: &Connection,
        books: &mut Books,
        id: i64,
        destination: NameId,
        order: u64,
    ) -> rusqlite::Result<()> {
        self.hold(connection, destination, order)?.dead += 1;
        if books.destinations.of(destination).pending == 0 {
            return Ok(());
        }
        let (pending, parked) = (DeliveryState::Pending, DeliveryState::Parked);
        let parked = self.change_order(connection, (destination, order), id, (pending, parked))?;
        self.hold(connection, destination, order)?.parked += parked;
        let sums = books.destinations.of(destination);
        sums.shift(DeliveryState::Pending, DeliveryState::Parked, parked);
        Ok(())
    }

    /// A dead letter no longer holds its order: after the last, what is parked may run again.
    fn release(
        &mut self,
        connection: &Connection,
        books: &mut Books,
        destination: NameId,
        order: u64,
    ) -> rusqlite::Result<()> {
        let hold = self.hold(connection, destination, order)?;
        hold.dead = hold.dead.saturating_sub(1);
        if hold.dead > 0 || hold.parked == 0 {
            return Ok(());
        }
        hold.parked = 0;
        let (parked, pending) = (DeliveryState::Parked, DeliveryState::Pending);
        let released = self.change_order(connection, (destination, order), 0, (parked, pending))?;
        let sums = books.destinations.of(destination);
        sums.shift(DeliveryState::Parked, DeliveryState::Pending, released);
        Ok(())
    }

    /// Moves the deliveries of an order that come after one of them from a state to another; gives how many.
    fn change_order(
        &mut self,
        connection: &Connection,
        (destination, order): (NameId, u64),
        after: i64,
        (from, to): (DeliveryState, DeliveryState),
    ) -> rusqlite::Result<u64> {
        let mut stored = connection.prepare_cached(
            "SELECT id FROM deliveries INDEXED BY deliveries_order
             WHERE destination = ?1 AND ord = ?2 AND id > ?3 AND state = ?4 LIMIT ?5",
        )?;
        let place = (destination, signed(order), after, from as u8, FEW + 1);
        let stored = stored.query_map(place, |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
        if self.slots.len() > FEW || stored.len() > FEW {
            self.store_slots(connection)?;
            let mut change = connection.prepare_cached(
                "UPDATE deliveries INDEXED BY deliveries_order
                 SET state = ?5, shelf = CASE ?5 WHEN 2 THEN 4 ELSE class END
                 WHERE destination = ?1 AND ord = ?2 AND id > ?3 AND state = ?4",
            )?;
            let changed = change.execute((destination, signed(order), after, from as u8, to as u8))?;
            return Ok(changed as u64);
        }
        for id in stored {
            self.slot(connection, id)?;
        }
        let mut changed = 0;
        for (_, slot) in self.slots.iter_mut().filter(|(id, slot)| **id > after && !slot.finished) {
            let delivery = &mut slot.delivery;
            if delivery.destination == destination && delivery.order == order && delivery.state == from {
                delivery.state = to;
                changed += 1;
            }
        }
        Ok(changed)
    }

    /// An unfinished delivery, gathered or stored.
    fn slot(&mut self, connection: &Connection, id: i64) -> rusqlite::Result<Option<&mut Slot>> {
        let slot = match self.slots.entry(id) {
            Entry::Occupied(held) => held.into_mut(),
            Entry::Vacant(room) => {
                let sql = format!("SELECT {COLUMNS} FROM deliveries WHERE id = ?1");
                let mut statement = connection.prepare_cached(&sql)?;
                let Some(delivery) = statement.query_row([id], Delivery::from_row).optional()? else {
                    return Ok(None);
                };
                room.insert(Slot { delivery, stored: true, finished: false })
            }
        };
        Ok(Some(slot).filter(|slot| !slot.finished))
    }

    fn hold(
        &mut self,
        connection: &Connection,
        destination: NameId,
        order: u64,
    ) -> rusqlite::Result<&mut Hold> {
        match self.holds.entry((destination, order)) {
            Entry::Occupied(held) => Ok(held.into_mut()),
            Entry::Vacant(room) => {
                let sql = "SELECT dead, parked FROM holds WHERE destination = ?1 AND ord = ?2";
                let hold = |row: &Row<'_>| Ok(Hold { dead: row.get(0)?, parked: row.get(1)? });
                let mut statement = connection.prepare_cached(sql)?;
                let stored = statement.query_row((destination, signed(order)), hold).optional()?;
                Ok(room.insert(stored.unwrap_or_default()))
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty() && self.holds.is_empty()
    }

    /// Writes every change, in the order of the tables, and forgets it.
    pub(super) fn store(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.store_slots(connection)?;
        let mut holds: Vec<((NameId, u64), Hold)> = self.holds.drain().collect();
        holds.sort_unstable_by_key(|(key, _)| (key.0, signed(key.1)));
        let mut upsert = connection.prepare_cached("INSERT OR REPLACE INTO holds VALUES (?1, ?2, ?3, ?4)")?;
        let mut delete =
            connection.prepare_cached("DELETE FROM holds WHERE destination = ?1 AND ord = ?2")?;
        for ((destination, order), hold) in holds {
            if hold == Hold::default() {
                delete.execute((destination, signed(order)))?;
            } else {
                upsert.execute((destination, signed(order), signed(hold.dead), signed(hold.parked)))?;
            }
        }
        Ok(())
    }

    fn store_slots(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        schema::begin(connection)?;
        let mut slots: Vec<(i64, Slot)> = self.slots.drain().collect();
        slots.sort_unstable_by_key(|(id, _)| *id);
        let mut insert = connection.prepare_cached(
            "INSERT INTO deliveries
             (id, destination, ord, class, state, parks, route, attempts, due, since, settled, outcome, shelf, share, amended)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        )?;
        let mut update = connection.prepare_cached(
            "UPDATE deliveries SET state = ?2, attempts = ?3, due = ?4, since = ?5, settled = ?6, outcome = ?7,
                shelf = ?8, amended = ?9 WHERE id = ?1",
        )?;
        let mut delete = connection.prepare_cached("DELETE FROM deliveries WHERE id = ?1")?;
        for (id, Slot { delivery: d, stored, finished }) in slots {
            let state = d.state as u8;
            let outcome = signed(d.outcome);
            if finished {
                delete.execute([id])?;
            } else if stored {
                let (shelf, amended) = (d.shelf(), signed(d.amended));
                update
                    .execute((id, state, d.attempts, d.due, d.since, d.settled, outcome, shelf, amended))?;
            } else {
                insert.execute(rusqlite::params![
                    id,
                    d.destination,
                    signed(d.order),
                    d.class as u8,
                    state,
                    d.parks,
                    d.route,
                    d.attempts,
                    d.due,
                    d.since,
                    d.settled,
                    outcome,
                    d.shelf(),
                    d.share,
                    signed(d.amended),
                ])?;
            }
        }
        Ok(())
    }
}
