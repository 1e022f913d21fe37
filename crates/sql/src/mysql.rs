//! MariaDB and MySQL, by their protocol.

use lineshaft_model::Reason;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error, OptsBuilder, Params, Value};
use secrecy::ExposeSecret;

use crate::connection::{Encrypt, Row, Server};
use crate::fault::Fault;

/// An open connection.
pub(crate) struct MysqlConnection {
    conn: Conn,
    shown: String,
}

impl MysqlConnection {
    pub(crate) async fn open(server: &Server) -> Result<Self, Fault> {
        // The client looks names up by itself, so it is given an address that was checked.
        let addresses = server.outbound.resolve(&server.destination()).await.map_err(Fault::lost)?;
        let mut last = None;
        for address in addresses {
            let mut options = OptsBuilder::default()
                .ip_or_hostname(address.ip().to_string())
                .tcp_port(server.port)
                .user(Some(server.user.expose_secret()))
                .pass(Some(server.password.expose_secret()))
                .db_name(Some(&server.database))
                .prefer_socket(false)
                .client_found_rows(true)
                .tcp_nodelay(true)
                .stmt_cache_size(64);
            if let Encrypt::Mysql(tls) = &server.encrypt {
                options = options
                    .ssl_opts((**tls).clone().with_danger_tls_hostname_override(Some(server.host.clone())));
            }
            match Conn::new(options).await {
                Ok(conn) => {
                    let mut open = Self { conn, shown: server.shown.clone() };
                    // Wrong values are errors and not cut to fit, whatever the server was set to.
                    open.run("SET time_zone = '+00:00', sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')")
                        .await?;
                    return Ok(open);
                }
                Err(error) => last = Some(fault(&server.shown, &error)),
            }
        }
        Err(last.unwrap_or_else(|| broken(&server.shown, "it has no address")))
    }

    pub(crate) async fn execute(&mut self, sql: &str, values: &[Option<String>]) -> Result<u64, Fault> {
        self.conn.exec_drop(sql, bound(values)).await.map_err(|error| fault(&self.shown, &error))?;
        Ok(self.conn.affected_rows())
    }

    pub(crate) async fn rows(&mut self, sql: &str, values: &[Option<String>]) -> Result<Vec<Row>, Fault> {
        let rows: Vec<mysql_async::Row> =
            self.conn.exec(sql, bound(values)).await.map_err(|error| fault(&self.shown, &error))?;
        let text = |value: Value| match value {
            Value::NULL => Ok(None),
            Value::Bytes(bytes) => String::from_utf8(bytes).map(Some).map_err(|_| not_text(&self.shown)),
            Value::Int(number) => Ok(Some(number.to_string())),
            Value::UInt(number) => Ok(Some(number.to_string())),
            _ => Err(not_text(&self.shown)),
        };
        rows.into_iter().map(|row| row.unwrap().into_iter().map(text).collect()).collect()
    }

    pub(crate) async fn run(&mut self, sql: &str) -> Result<(), Fault> {
        self.conn.query_drop(sql).await.map_err(|error| fault(&self.shown, &error))
    }
}

fn bound(values: &[Option<String>]) -> Params {
    if values.is_empty() {
        return Params::Empty;
    }
    let value = |value: &Option<String>| {
        value.as_ref().map_or(Value::NULL, |text| Value::Bytes(text.clone().into_bytes()))
    };
    Params::Positional(values.iter().map(value).collect())
}

fn fault(shown: &str, error: &Error) -> Fault {
    match error {
        Error::Server(said) => Fault::said(shown, &said.state, said.code, &said.message),
        other => broken(shown, &other.to_string()),
    }
}

fn broken(shown: &str, why: &str) -> Fault {
    Fault::lost(
        Reason::new("connection-lost", format!("the connection to {shown} broke: {why}"))
            .hint("is the database up, and does it take this login and this way of encryption?"),
    )
}

fn not_text(shown: &str) -> Fault {
    Fault::said(shown, "22000", 0, "a value of the row is no text in UTF-8")
}
