//! The tables of `views.db`, how the file is opened, and when it is thrown away.

use std::fs;
use std::path::{Path, PathBuf};

use lineshaft_model::Position;
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::ViewsError;

/// Raised whenever a table or the meaning of a column changes: views of another version are computed again.
const VERSION: i64 = 4;

/// Pages of 4 KiB after which the write-ahead log is taken over into the file. A page written by many transactions is
/// then taken over once; 64 MiB is small beside the journal.
const CHECKPOINT_PAGES: u32 = 16_384;

const TABLES: &str = "
-- What the views cover, and of which journal; one row. since: the first record they were computed from; dropped: everything
-- up to there is carried forward.
CREATE TABLE meta (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL, journal INTEGER NOT NULL, applied INTEGER NOT NULL, quarantined INTEGER NOT NULL,
    since INTEGER NOT NULL, dropped INTEGER NOT NULL);
-- Numbers for texts that rows repeat.
CREATE TABLE names (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE kinds (id INTEGER PRIMARY KEY, tenant INTEGER NOT NULL, type INTEGER NOT NULL);
-- position: the object's latest event; changed: the latest that changed it; since: its last whole one. site, partners: what
-- decides who may see it; partners one a line, sorted.
CREATE TABLE objects (
    kind INTEGER NOT NULL, key TEXT NOT NULL, position INTEGER NOT NULL, changed INTEGER NOT NULL,
    since INTEGER NOT NULL, revision INTEGER NOT NULL, event_type INTEGER NOT NULL, system INTEGER NOT NULL,
    updated INTEGER NOT NULL, hash INTEGER NOT NULL, status TEXT, site TEXT NOT NULL, partners TEXT NOT NULL,
    PRIMARY KEY (kind, key)) WITHOUT ROWID;
CREATE INDEX objects_partner ON objects (kind, partners, key) WHERE partners <> '';
-- Unfinished deliveries. id: event * 256 + n; shelf: the class of what may run, 4 parked, 5 dead; share: the fingerprint of
-- who sent the event; settled: the time of the latest outcome, whose record is outcome; amended: the record of the content that is
-- delivered in place of the event's.
CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY, destination INTEGER NOT NULL, shelf INTEGER NOT NULL, ord INTEGER NOT NULL,
    state INTEGER NOT NULL, class INTEGER NOT NULL, share INTEGER NOT NULL, parks INTEGER NOT NULL, route INTEGER NOT NULL,
    attempts INTEGER NOT NULL, due INTEGER NOT NULL, since INTEGER NOT NULL, settled INTEGER NOT NULL,
    outcome INTEGER NOT NULL, amended INTEGER NOT NULL);
CREATE INDEX deliveries_lane ON deliveries (destination, shelf);
CREATE INDEX deliveries_order ON deliveries (destination, ord);
CREATE INDEX deliveries_dead ON deliveries (settled) WHERE state = 3;
CREATE INDEX deliveries_dead_there ON deliveries (destination, settled) WHERE state = 3;
-- Deliveries that a person gave up, until their event is dropped.
CREATE TABLE discarded (id INTEGER PRIMARY KEY, destination INTEGER NOT NULL);
-- Orders that a dead letter holds back: how many dead letters, how many behind them.
CREATE TABLE holds (
    destination INTEGER NOT NULL, ord INTEGER NOT NULL, dead INTEGER NOT NULL, parked INTEGER NOT NULL,
    PRIMARY KEY (destination, ord)) WITHOUT ROWID;
-- The books.
CREATE TABLE destinations (
    destination INTEGER PRIMARY KEY, routed INTEGER NOT NULL, delivered INTEGER NOT NULL, discarded INTEGER NOT NULL,
    pending INTEGER NOT NULL, retrying INTEGER NOT NULL, parked INTEGER NOT NULL, dead INTEGER NOT NULL,
    unknown INTEGER NOT NULL);
CREATE TABLE inputs (
    intake INTEGER PRIMARY KEY, accepted INTEGER NOT NULL, stale INTEGER NOT NULL, echo INTEGER NOT NULL,
    duplicate INTEGER NOT NULL, quarantined INTEGER NOT NULL);
-- closed: the record that says who closed it; zero while it is open.
CREATE TABLE quarantine (
    position INTEGER PRIMARY KEY, intake INTEGER NOT NULL, subject TEXT NOT NULL, open INTEGER NOT NULL,
    closed INTEGER NOT NULL);
CREATE INDEX quarantine_open ON quarantine (position) WHERE open = 1;
CREATE INDEX quarantine_subject ON quarantine (subject) WHERE subject <> '';
-- Amendments that wait for a second person, by the delivery or the refused input they are for.
CREATE TABLE proposals (target TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
-- Long work: the record that says how it stands, and whether it goes on.
CREATE TABLE jobs (id INTEGER PRIMARY KEY, position INTEGER NOT NULL, running INTEGER NOT NULL);
CREATE TABLE tokens (
    intake INTEGER NOT NULL, part TEXT NOT NULL, token TEXT NOT NULL, position INTEGER NOT NULL,
    PRIMARY KEY (intake, part)) WITHOUT ROWID;
-- Each system's own key for an object. told: the record that said so; position: the record that says so now.
CREATE TABLE refs (
    kind INTEGER NOT NULL, key TEXT NOT NULL, system INTEGER NOT NULL, foreign_key TEXT NOT NULL,
    position INTEGER NOT NULL, told INTEGER NOT NULL, PRIMARY KEY (kind, key, system)) WITHOUT ROWID;
CREATE INDEX refs_foreign ON refs (foreign_key, kind, system);
CREATE TABLE paused (
    system TEXT PRIMARY KEY, reason TEXT NOT NULL, actor TEXT NOT NULL, at INTEGER NOT NULL, position INTEGER NOT NULL)
    WITHOUT ROWID;
-- Breakers that a person has set: open or closed.
CREATE TABLE breakers (
    system TEXT PRIMARY KEY, breaker TEXT NOT NULL, reason TEXT NOT NULL, actor TEXT NOT NULL, at INTEGER NOT NULL,
    position INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE configurations (
    position INTEGER PRIMARY KEY, digest TEXT NOT NULL, cause TEXT NOT NULL, at INTEGER NOT NULL);
-- Instances of processes. position: the record of the latest step; ended: nothing more happens by itself.
CREATE TABLE processes (
    id TEXT PRIMARY KEY, position INTEGER NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL,
    digest TEXT NOT NULL, business_key TEXT NOT NULL, phase TEXT NOT NULL, ended INTEGER NOT NULL, cases INTEGER NOT NULL,
    started INTEGER NOT NULL, updated INTEGER NOT NULL, parent TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX processes_live ON processes (id) WHERE ended = 0;
CREATE INDEX processes_cases ON processes (id) WHERE cases > 0;
CREATE INDEX processes_started ON processes (started, id);
CREATE INDEX processes_key ON processes (business_key) WHERE business_key <> '';
CREATE INDEX processes_digest ON processes (digest);
CREATE TABLE definitions (digest TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
";

/// The tables that hold what the journal says, for comparing views with each other.
#[cfg(test)]
pub(super) const ALL_TABLES: [&str; 19] = [
    "meta",
    "names",
    "kinds",
    "objects",
    "deliveries",
    "discarded",
    "holds",
    "destinations",
    "inputs",
    "quarantine",
    "proposals",
    "jobs",
    "tokens",
    "refs",
    "paused",
    "breakers",
    "configurations",
    "processes",
    "definitions",
];

/// The views' file in its folder.
pub(super) fn path_of(dir: &Path) -> PathBuf {
    dir.join("views.db")
}

/// Opens the views of a journal for writing; gives the position they cover. Views of another version of the tables, damaged
/// ones and ones that are ahead of the journal are removed and made anew, empty, to be computed from the record at `since`.
pub(super) fn open(
    dir: &Path,
    journal: u64,
    (since, end): (Position, Position),
) -> Result<(Connection, Position), ViewsError> {
    fs::create_dir_all(dir).map_err(|source| ViewsError::Folder { path: dir.to_owned(), source })?;
    let path = path_of(dir);
    if path.exists() {
        match open_existing(&path, journal, end) {
            Ok(Some(opened)) => return Ok(opened),
            Ok(None) => tracing::warn!(path = %path.display(), "views of another form, computed again"),
            Err(error) if error.is_damage() => {
                tracing::warn!(path = %path.display(), %error, "views damaged, computed again");
            }
            Err(error) => return Err(error),
        }
    }
    create(dir, journal, since)
}

/// Removes the views and makes empty ones, to be computed from the record at `since`.
pub(super) fn create(
    dir: &Path,
    journal: u64,
    since: Position,
) -> Result<(Connection, Position), ViewsError> {
    for name in ["views.db", "views.db-wal", "views.db-shm"] {
        let path = dir.join(name);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(ViewsError::Folder { path, source });
            }
            _ => {}
        }
    }
    let opened = |source| ViewsError::Sqlite { verb: "opened", source };
    let connection = writer(&path_of(dir)).map_err(opened)?;
    let meta = "INSERT INTO meta VALUES (1, ?1, ?2, 0, 0, ?3, 0)";
    connection.execute_batch(&format!("BEGIN; {TABLES}")).map_err(opened)?;
    connection.execute(meta, (VERSION, journal.cast_signed(), since.0.cast_signed())).map_err(opened)?;
    connection.execute_batch("COMMIT").map_err(opened)?;
    Ok((connection, Position::ZERO))
}

fn open_existing(
    path: &Path,
    journal: u64,
    end: Position,
) -> Result<Option<(Connection, Position)>, ViewsError> {
    let opened = |source| ViewsError::Sqlite { verb: "opened", source };
    let connection = writer(path).map_err(opened)?;
    let Some(applied) = applied(&connection).map_err(opened)? else { return Ok(None) };
    let found: i64 =
        connection.query_row("SELECT journal FROM meta", [], |row| row.get(0)).map_err(opened)?;
    if found.cast_unsigned() != journal {
        let found = found.cast_unsigned();
        return Err(ViewsError::OtherJournal { path: path.to_owned(), found, wanted: journal });
    }
    Ok((applied <= end).then_some((connection, applied)))
}

/// The position that views of this version cover; `None` for those of another.
pub(super) fn applied(connection: &Connection) -> rusqlite::Result<Option<Position>> {
    let has_meta = "SELECT count(*) > 0 FROM sqlite_schema WHERE name = 'meta'";
    if !connection.query_row(has_meta, [], |row| row.get(0))? {
        return Ok(None);
    }
    // A table of another version may lack the other columns.
    let version: Option<i64> =
        connection.query_row("SELECT version FROM meta", [], |row| row.get(0)).optional()?;
    if version != Some(VERSION) {
        return Ok(None);
    }
    let applied: i64 = connection.query_row("SELECT applied FROM meta", [], |row| row.get(0))?;
    Ok(Some(Position(applied.cast_unsigned())))
}

/// A process that is killed loses nothing under `synchronous = NORMAL`; a power cut loses the latest transactions whole,
/// and the journal has them.
fn writer(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.execute_batch(&format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES};
         PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY; PRAGMA busy_timeout = 10000;"
    ))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Opens the transaction that the next commit ends, unless it is open.
pub(super) fn begin(connection: &Connection) -> rusqlite::Result<()> {
    if connection.is_autocommit() { connection.execute_batch("BEGIN IMMEDIATE") } else { Ok(()) }
}

/// A connection that only reads.
pub(super) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.execute_batch(
        "PRAGMA query_only = ON; PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY; PRAGMA busy_timeout = 10000;",
    )?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}
