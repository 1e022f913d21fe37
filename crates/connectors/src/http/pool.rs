//! The idle connections of one operation: as many as may be in use at once, the warmest first.

use std::fmt;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::connection::Connection;

/// A stack of idle connections. The lane bounds how many are in use; this bounds how many are kept.
pub(super) struct Pool {
    idle: Mutex<Vec<Connection>>,
    most: usize,
    idle_limit: Duration,
}

impl Pool {
    pub(super) fn new(most: usize, idle_ms: u64) -> Self {
        Self { idle: Mutex::new(Vec::new()), most, idle_limit: Duration::from_millis(idle_ms) }
    }

    /// A connection that was still open when last heard of, if there is one.
    pub(super) fn take(&self) -> Option<Connection> {
        let now = Instant::now();
        loop {
            let mut idle = self.idle.lock();
            let mut connection = idle.pop()?;
            if now.saturating_duration_since(connection.idle_since) > self.idle_limit {
                // The rest of the stack has been idle for longer still.
                let stale = std::mem::take(&mut *idle);
                drop(idle);
                drop(stale);
                return None;
            }
            drop(idle);
            if connection.is_quiet() {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection for the next request.
    pub(super) fn put(&self, mut connection: Connection) {
        if self.idle_limit.is_zero() {
            return;
        }
        connection.rest();
        let mut idle = self.idle.lock();
        if idle.len() < self.most {
            idle.push(connection);
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("most", &self.most)
            .field("idle_limit", &self.idle_limit)
            .finish_non_exhaustive()
    }
}
