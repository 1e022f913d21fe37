//! A connection to a database, whichever speaks on its other side: statements with bound texts in, rows of texts out.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use lineshaft_connectors::Outbound;
use lineshaft_connectors::outbound::Destination;
use lineshaft_model::Reason;
use secrecy::SecretString;
use tokio::time::timeout;

use crate::fault::Fault;
use crate::identifier::{Dialect, Statement};
use crate::mysql::MysqlConnection;
use crate::postgres::PostgresConnection;

/// Everything a connection is opened with.
pub(crate) struct Server {
    pub(crate) dialect: Dialect,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Host and port, for messages.
    pub(crate) shown: String,
    pub(crate) database: String,
    pub(crate) user: SecretString,
    pub(crate) password: SecretString,
    pub(crate) encrypt: Encrypt,
    pub(crate) outbound: Arc<Outbound>,
    pub(crate) allow_link_local: bool,
    pub(crate) connect_timeout_ms: u64,
    /// For one statement, or for an attempt as a whole.
    pub(crate) timeout_ms: u64,
}

/// How a connection is kept from others.
pub(crate) enum Encrypt {
    No,
    Postgres(Arc<rustls::ClientConfig>),
    Mysql(Box<mysql_async::SslOpts>),
}

/// One row, every value as text.
pub(crate) type Row = Vec<Option<String>>;

/// An open connection.
pub(crate) enum Connection {
    Postgres(Box<PostgresConnection>),
    Mysql(Box<MysqlConnection>),
}

impl Server {
    /// Opens a connection and sets it to UTC.
    pub(crate) async fn connect(&self) -> Result<Connection, Fault> {
        let opening = async {
            match self.dialect {
                Dialect::Postgres => {
                    PostgresConnection::open(self).await.map(|open| Connection::Postgres(Box::new(open)))
                }
                Dialect::Mysql => {
                    MysqlConnection::open(self).await.map(|open| Connection::Mysql(Box::new(open)))
                }
            }
        };
        match timeout(Duration::from_millis(self.connect_timeout_ms), opening).await {
            Ok(opened) => opened,
            Err(_) => {
                let message = format!(
                    "{} did not take the connection within {} ms",
                    self.shown, self.connect_timeout_ms
                );
                Err(Fault::lost(
                    Reason::new("connect-timeout", message)
                        .hint("is the database up and reachable from here? `connect_timeout` sets the limit"),
                ))
            }
        }
    }

    pub(crate) fn destination(&self) -> Destination<'_> {
        Destination {
            host: &self.host,
            port: self.port,
            shown: &self.shown,
            allow_link_local: self.allow_link_local,
        }
    }

    /// Waits for an answer as long as the settings allow.
    pub(crate) async fn within<T>(&self, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        match timeout(Duration::from_millis(self.timeout_ms), work).await {
            Ok(done) => done,
            Err(_) => {
                let message = format!("{} did not answer within {} ms", self.shown, self.timeout_ms);
                Err(Fault::lost(
                    Reason::new("answer-timeout", message).hint("`limits.timeout` sets the limit"),
                ))
            }
        }
    }
}

impl Connection {
    /// Runs a statement; how many rows it changed or found.
    pub(crate) async fn execute(&mut self, statement: &Statement) -> Result<u64, Fault> {
        match self {
            Self::Postgres(connection) => connection.execute(&statement.sql, &statement.values).await,
            Self::Mysql(connection) => connection.execute(&statement.sql, &statement.values).await,
        }
    }

    /// Runs a query whose columns are all texts.
    pub(crate) async fn rows(&mut self, statement: &Statement) -> Result<Vec<Row>, Fault> {
        match self {
            Self::Postgres(connection) => connection.rows(&statement.sql, &statement.values).await,
            Self::Mysql(connection) => connection.rows(&statement.sql, &statement.values).await,
        }
    }

    /// Runs SQL of our own without values.
    pub(crate) async fn run(&mut self, sql: &str) -> Result<(), Fault> {
        match self {
            Self::Postgres(connection) => connection.run(sql).await,
            Self::Mysql(connection) => connection.run(sql).await,
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("dialect", &self.dialect)
            .field("shown", &self.shown)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Postgres(_) => "Postgres",
            Self::Mysql(_) => "Mysql",
        })
    }
}
