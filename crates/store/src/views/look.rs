//! A look at views that nobody has open: how far they were.

use std::path::Path;

use lineshaft_model::Position;
use rusqlite::{Connection, OpenFlags};

use super::Views;
use super::schema::path_of;

impl Views {
    /// The position that the views in this folder cover: everything up to it was durable once. `None` when there are no views,
    /// or they cannot be read; they are made anew then.
    #[must_use]
    pub fn applied_in(dir: &Path) -> Option<Position> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path_of(dir), flags).ok()?;
        let applied: i64 = connection.query_row("SELECT applied FROM meta", [], |row| row.get(0)).ok()?;
        Some(Position(applied.cast_unsigned()))
    }
}
