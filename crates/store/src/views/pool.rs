//! What any thread may ask of the views: a few connections that only read, and what was published with the last commit.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lineshaft_model::Position;
use parking_lot::{Condvar, Mutex, RwLock};
use rusqlite::Connection;

use super::books::Books;
use super::names::Names;
use super::{ViewsError, schema};

/// Connections open at once; who comes when all are busy waits.
const MOST_CONNECTIONS: usize = 4;

/// The views as of the last commit. Cheap to clone; any thread may ask.
#[derive(Clone, Debug)]
pub struct Views(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    pool: Mutex<Pool>,
    returned: Condvar,
    applied: AtomicU64,
    books: RwLock<(Position, Books)>,
    names: RwLock<Names>,
}

#[derive(Debug, Default)]
struct Pool {
    idle: Vec<Connection>,
    busy: usize,
    /// Raised when the file is replaced: connections to the one before are closed when they come back.
    generation: u64,
}

impl Views {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(Arc::new(Shared {
            path,
            pool: Mutex::default(),
            returned: Condvar::new(),
            applied: AtomicU64::new(0),
            books: RwLock::default(),
            names: RwLock::default(),
        }))
    }

    /// The last record that the views in a folder cover, without opening them for more: records up to there were durable
    /// once. `None` when there are none that can be read.
    #[must_use]
    pub fn applied_in(dir: &Path) -> Option<Position> {
        let path = schema::path_of(dir);
        // Opening a file that is not there must not make one.
        let connection = path.exists().then(|| schema::reader(&path).ok())??;
        schema::applied(&connection).ok().flatten()
    }

    /// The last record that the views cover.
    #[must_use]
    pub fn applied(&self) -> Position {
        Position(self.0.applied.load(Ordering::Acquire))
    }

    pub(super) fn publish(&self, applied: Position, books: &Books) {
        *self.0.books.write() = (applied, books.clone());
        self.0.applied.store(applied.0, Ordering::Release);
    }

    pub(super) fn publish_names(&self, names: &Names) {
        *self.0.names.write() = names.clone();
    }

    pub(super) fn names<T>(&self, ask: impl FnOnce(&Names) -> T) -> T {
        ask(&self.0.names.read())
    }

    /// The books with the position that they cover.
    pub(super) fn books<T>(&self, ask: impl FnOnce(Position, &Books) -> T) -> T {
        let published = self.0.books.read();
        ask(published.0, &published.1)
    }

    /// Asks over a connection that sees one committed state.
    pub(super) fn ask<T>(
        &self,
        ask: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, ViewsError> {
        let mut pool = self.0.pool.lock();
        while pool.idle.is_empty() && pool.busy >= MOST_CONNECTIONS {
            self.0.returned.wait(&mut pool);
        }
        pool.busy += 1;
        let generation = pool.generation;
        let idle = pool.idle.pop();
        drop(pool);

        let connection = match idle {
            Some(connection) => Ok(connection),
            None => schema::reader(&self.0.path),
        };
        let (answer, connection) = match connection {
            Ok(connection) => (ask(&connection), Some(connection)),
            Err(error) => (Err(error), None),
        };
        let mut pool = self.0.pool.lock();
        pool.busy -= 1;
        if pool.generation == generation {
            pool.idle.extend(connection);
        }
        drop(pool);
        self.0.returned.notify_one();
        answer.map_err(ViewsError::read)
    }

    /// Replaces the file: nobody opens it meanwhile, and nobody goes on with a connection to the one before.
    pub(super) fn while_closed<T>(&self, replace: impl FnOnce() -> T) -> T {
        let mut pool = self.0.pool.lock();
        pool.generation += 1;
        pool.idle.clear();
        replace()
    }
}
