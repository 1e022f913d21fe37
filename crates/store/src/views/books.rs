//! The books: how many inputs came, and where every owed delivery stands.

use lineshaft_model::record::Counts;
use lineshaft_model::{DeliveryState, Position};
use rusqlite::Connection;

use super::names::NameId;

/// Where the deliveries of one destination stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DestinationCounts {
    /// `system.operation`.
    pub destination: String,
    /// Owed since the journal's start.
    pub routed: u64,
    /// Delivered.
    pub delivered: u64,
    /// Given up by a person.
    pub discarded: u64,
    /// Not yet tried, or waiting for their turn.
    pub pending: u64,
    /// Due again.
    pub retrying: u64,
    /// Behind a dead letter.
    pub parked: u64,
    /// Dead letters.
    pub dead: u64,
    /// The answer was lost.
    pub unknown: u64,
}

impl DestinationCounts {
    /// The count of a state.
    pub(super) const fn of(&mut self, state: DeliveryState) -> &mut u64 {
        match state {
            DeliveryState::Pending => &mut self.pending,
            DeliveryState::Retrying => &mut self.retrying,
            DeliveryState::Parked => &mut self.parked,
            DeliveryState::Dead => &mut self.dead,
            DeliveryState::Unknown => &mut self.unknown,
            DeliveryState::Delivered => &mut self.delivered,
            DeliveryState::Discarded => &mut self.discarded,
        }
    }

    /// Moves `count` deliveries from one state to another.
    pub(super) fn shift(&mut self, from: DeliveryState, to: DeliveryState, count: u64) {
        *self.of(from) -= count;
        *self.of(to) += count;
    }
}

/// All sums, by the number of the destination or intake.
#[derive(Clone, Debug, Default)]
pub(super) struct Books {
    pub(super) destinations: Ledger<DestinationCounts>,
    pub(super) inputs: Ledger<Counts>,
    /// Open quarantined inputs.
    pub(super) quarantined: u64,
    /// The first record that the views were computed from.
    pub(super) since: Position,
    /// Everything up to here is carried forward.
    pub(super) dropped: Position,
}

/// Sums by number, with a mark on those that changed since they were stored.
#[derive(Clone, Debug)]
pub(super) struct Ledger<T> {
    rows: Vec<Option<(T, bool)>>,
}

impl<T> Default for Ledger<T> {
    fn default() -> Self {
        Self { rows: Vec::new() }
    }
}

impl<T: Default> Ledger<T> {
    /// The sums of a name, to be changed.
    pub(super) fn of(&mut self, id: NameId) -> &mut T {
        let at = id as usize;
        if self.rows.len() <= at {
            self.rows.resize_with(at + 1, || None);
        }
        let row = self.rows[at].get_or_insert_with(Default::default);
        row.1 = true;
        &mut row.0
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (NameId, &T)> {
        (0..).zip(&self.rows).filter_map(|(id, row)| Some((id, &row.as_ref()?.0)))
    }

    /// Gives the changed rows to `store` and takes their marks away.
    fn changed(&mut self, mut store: impl FnMut(NameId, &T) -> rusqlite::Result<()>) -> rusqlite::Result<()> {
        for (id, row) in (0..).zip(&mut self.rows) {
            if let Some((sums, changed)) = row
                && std::mem::take(changed)
            {
                store(id, sums)?;
            }
        }
        Ok(())
    }
}

impl Books {
    pub(super) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let mut books = Self::default();
        let mut statement = connection.prepare("SELECT * FROM destinations")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            *books.destinations.of(row.get(0)?) = DestinationCounts {
                destination: String::new(),
                routed: row.get(1)?,
                delivered: row.get(2)?,
                discarded: row.get(3)?,
                pending: row.get(4)?,
                retrying: row.get(5)?,
                parked: row.get(6)?,
                dead: row.get(7)?,
                unknown: row.get(8)?,
            };
        }
        let mut statement = connection.prepare("SELECT * FROM inputs")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            *books.inputs.of(row.get(0)?) = Counts {
                accepted: row.get(1)?,
                stale: row.get(2)?,
                echo: row.get(3)?,
                duplicate: row.get(4)?,
                quarantined: row.get(5)?,
            };
        }
        let meta = "SELECT quarantined, since, dropped FROM meta";
        let (quarantined, since, dropped) = connection
            .query_row(meta, [], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)))?;
        books.quarantined = quarantined;
        books.since = Position(since.cast_unsigned());
        books.dropped = Position(dropped.cast_unsigned());
        Ok(books)
    }

    pub(super) fn store(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached(
            "INSERT OR REPLACE INTO destinations VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?;
        self.destinations.changed(|id, sums| {
            let live = (sums.pending, sums.retrying, sums.parked, sums.dead, sums.unknown);
            let (pending, retrying, parked, dead, unknown) = live;
            let ended = (sums.routed, sums.delivered, sums.discarded);
            let (routed, delivered, discarded) = ended;
            let row = (id, routed, delivered, discarded, pending, retrying, parked, dead, unknown);
            statement.execute(row).map(|_| ())
        })?;
        let mut statement =
            connection.prepare_cached("INSERT OR REPLACE INTO inputs VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
        self.inputs.changed(|id, sums| {
            let row = (id, sums.accepted, sums.stale, sums.echo, sums.duplicate, sums.quarantined);
            statement.execute(row).map(|_| ())
        })
    }
}
