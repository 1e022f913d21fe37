//! The sink of one operation: one transaction for each attempt. Until the commit has been sent there is certainly no effect.

use std::fmt;

use futures::future::BoxFuture;
use lineshaft_model::{Answer, Reason};
use lineshaft_ports::{Delivery, Sink};
use parking_lot::Mutex;

use crate::config::{Operation, Write};
use crate::connection::{Connection, Server};
use crate::fault::Fault;
use crate::identifier::{Dialect, Statement};
use crate::write::{Planned, plan};

/// One operation, ready to be called.
pub(crate) struct SqlSink {
    server: Server,
    operation: Operation,
    idle: Mutex<Vec<Connection>>,
    most_idle: usize,
}

/// How an attempt ended when it did not succeed.
enum Ended {
    /// With certainly no effect.
    Without(Fault),
    /// Nobody knows: the answer to the commit was lost.
    Unknown(Fault),
    /// The key of the delivery was there already: it had been done.
    Done,
    /// A row to update is not there.
    Missing,
}

impl SqlSink {
    pub(crate) fn new(server: Server, operation: Operation, most_idle: usize) -> Self {
        Self { server, operation, idle: Mutex::new(Vec::new()), most_idle }
    }

    async fn attempt(&self, delivery: &Delivery) -> Answer {
        let planned = match plan(&self.operation.write, self.server.dialect, delivery) {
            Ok(planned) => planned,
            Err(reason) => return Answer::Refused { status: 0, reason },
        };
        let mut connection = match self.begun().await {
            Ok(connection) => connection,
            Err(fault) => return fault.answer(),
        };
        let ended = self.transact(&mut connection, &planned, delivery).await;
        let lost = matches!(&ended, Some(Ended::Without(fault) | Ended::Unknown(fault)) if fault.is_lost());
        let answer = match ended {
            None => {
                self.keep(connection);
                return Answer::Delivered { status: 0, foreign_key: None };
            }
            Some(Ended::Done) => Answer::Delivered { status: 0, foreign_key: None },
            Some(Ended::Missing) => Answer::Refused {
                status: 0,
                reason: Reason::new("row-missing", "there is no row with this key to update")
                    .hint("use `mode: upsert` if it should be made, or check the key"),
            },
            Some(Ended::Without(fault)) if fault.is_lost() && self.commits_by_itself() => {
                Answer::Unknown { reason: fault.reason }
            }
            Some(Ended::Without(fault)) => fault.answer(),
            Some(Ended::Unknown(fault)) => Answer::Unknown {
                reason: fault
                    .reason
                    .hint("the commit had gone out; `keys` of the operation lets the hub ask what happened"),
            },
        };
        if !lost && self.server.within(connection.run("ROLLBACK")).await.is_ok() {
            self.keep(connection);
        }
        answer
    }

    /// Whether a routine may have committed before it answered, as those of MariaDB and MySQL can.
    fn commits_by_itself(&self) -> bool {
        self.server.dialect == Dialect::Mysql && matches!(self.operation.write, Write::Call { .. })
    }

    /// A connection in a transaction. An idle one that turns out to be closed is replaced.
    async fn begun(&self) -> Result<Connection, Fault> {
        loop {
            let Some(mut idle) = self.idle.lock().pop() else { break };
            match self.server.within(idle.run("BEGIN")).await {
                Ok(()) => return Ok(idle),
                Err(fault) if fault.is_lost() => {}
                Err(fault) => return Err(fault),
            }
        }
        let mut connection = self.server.connect().await?;
        self.server.within(connection.run("BEGIN")).await?;
        Ok(connection)
    }

    fn keep(&self, connection: Connection) {
        let mut idle = self.idle.lock();
        if idle.len() < self.most_idle {
            idle.push(connection);
        }
    }

    /// Runs the statements and commits. `None` when all is well.
    async fn transact(
        &self,
        connection: &mut Connection,
        planned: &[Planned],
        delivery: &Delivery,
    ) -> Option<Ended> {
        match self.server.within(self.write(connection, planned, delivery)).await {
            Ok(None) => {}
            Ok(ended) => return ended,
            Err(fault) => return Some(Ended::Without(fault)),
        }
        // From here on an answer that does not come says nothing.
        match self.server.within(connection.run("COMMIT")).await {
            Ok(()) => None,
            Err(fault) if fault.is_lost() => Some(Ended::Unknown(fault)),
            Err(fault) => Some(Ended::Without(fault)),
        }
    }

    async fn write(
        &self,
        connection: &mut Connection,
        planned: &[Planned],
        delivery: &Delivery,
    ) -> Result<Option<Ended>, Fault> {
        if self.operation.keys.is_some() {
            match connection.execute(&self.remember(delivery)).await {
                Ok(0) => return Ok(Some(Ended::Done)),
                Ok(_) => {}
                Err(fault) if fault.is_duplicate_key() => return Ok(Some(Ended::Done)),
                Err(fault) => return Err(fault),
            }
        }
        for Planned { statement, must_find } in planned {
            if connection.execute(statement).await? == 0 && *must_find {
                return Ok(Some(Ended::Missing));
            }
        }
        Ok(None)
    }

    /// Keeps the delivery's key in the same transaction; changes nothing when it is there.
    fn remember(&self, delivery: &Delivery) -> Statement {
        let dialect = self.server.dialect;
        let mut statement = Statement::new(dialect);
        if let Some((table, column)) = &self.operation.keys {
            statement.push(&format!(
                "INSERT INTO {} ({}) VALUES (",
                table.quoted(dialect),
                column.quoted(dialect)
            ));
            statement.bind(Some(delivery.idempotency_key.as_str())).push(")");
            // MySQL's IGNORE would also cut a key that is too long; there a key that is there is an error of its own.
            if dialect == Dialect::Postgres {
                statement.push(&format!(" ON CONFLICT ({}) DO NOTHING", column.quoted(dialect)));
            }
        }
        statement
    }

    async fn ask(&self, delivery: &Delivery) -> Answer {
        let dialect = self.server.dialect;
        let mut query = Statement::new(dialect);
        let Some((table, column)) = &self.operation.keys else {
            return Answer::Unknown {
                reason: Reason::new("verify-not-configured", "the operation has no way to ask what happened")
                    .hint("configure `keys`"),
            };
        };
        query.push(&format!("SELECT '1' FROM {} WHERE {} = ", table.quoted(dialect), column.quoted(dialect)));
        query.bind(Some(delivery.idempotency_key.as_str()));
        let asked = async {
            let mut connection = self.server.connect().await?;
            connection.rows(&query).await
        };
        match self.server.within(asked).await {
            Ok(rows) if rows.is_empty() => Answer::Again {
                status: 0,
                after_ms: None,
                reason: Reason::new("verify-absent", "the delivery's key is not there, so it had no effect")
                    .hint("it is tried again"),
            },
            Ok(_) => Answer::Delivered { status: 0, foreign_key: None },
            Err(fault) => Answer::Unknown { reason: fault.reason },
        }
    }
}

impl Sink for SqlSink {
    fn deliver<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Answer> {
        Box::pin(self.attempt(delivery))
    }

    fn verify<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Answer> {
        Box::pin(self.ask(delivery))
    }

    fn keeps_idempotency_key(&self) -> bool {
        self.operation.keeps_idempotency_key()
    }

    fn can_verify(&self) -> bool {
        self.operation.keys.is_some()
    }
}

impl fmt::Debug for SqlSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlSink")
            .field("server", &self.server)
            .field("operation", &self.operation.name)
            .finish_non_exhaustive()
    }
}
