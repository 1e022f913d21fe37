//! PostgreSQL, by its own protocol. The client is two halves, and the half that moves the bytes is polled along with whatever
//! waits for an answer, so that nothing runs on its own.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::BytesMut;
use lineshaft_model::Reason;
use rustls_pki_types::ServerName;
use secrecy::ExposeSecret;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};
use tokio_postgres::types::{Format, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Config, Statement};
use tokio_rustls::TlsConnector;

use crate::connection::{Encrypt, Row, Server};
use crate::fault::Fault;

/// An open connection with the statements it has prepared.
pub(crate) struct PostgresConnection {
    client: Client,
    half: tokio_postgres::Connection<TcpStream, Encrypted>,
    prepared: HashMap<String, Statement>,
    shown: String,
}

/// Statements of one connection; those of a door are a handful.
const MOST_PREPARED: usize = 64;

impl PostgresConnection {
    pub(crate) async fn open(server: &Server) -> Result<Self, Fault> {
        let tcp = server.outbound.connect(&server.destination(), server.connect_timeout_ms).await;
        let tcp = tcp.map_err(Fault::lost)?;
        tcp.set_nodelay(true).map_err(|error| broken(&server.shown, &error.to_string()))?;
        let mut config = Config::new();
        config
            .user(server.user.expose_secret())
            .password(server.password.expose_secret())
            .dbname(&server.database)
            .application_name("lineshaft");
        let tls = match &server.encrypt {
            Encrypt::Postgres(tls) => {
                config.ssl_mode(SslMode::Require);
                Some(Arc::clone(tls))
            }
            _ => {
                config.ssl_mode(SslMode::Disable);
                None
            }
        };
        let tls = Shake { tls, host: server.host.clone() };
        let (client, half) =
            config.connect_raw(tcp, tls).await.map_err(|error| fault(&server.shown, &error))?;
        let mut open = Self { client, half, prepared: HashMap::new(), shown: server.shown.clone() };
        let settings = format!("SET TIME ZONE 'UTC'; SET statement_timeout = {}", server.timeout_ms);
        open.run(&settings).await?;
        Ok(open)
    }

    pub(crate) async fn execute(&mut self, sql: &str, values: &[Option<String>]) -> Result<u64, Fault> {
        let statement = self.prepare(sql).await?;
        let texts: Vec<Text<'_>> = values.iter().map(|value| Text(value.as_deref())).collect();
        let bound: Vec<&(dyn ToSql + Sync)> = texts.iter().map(|text| text as _).collect();
        drive(&mut self.half, self.client.execute(&statement, &bound), &self.shown).await
    }

    pub(crate) async fn rows(&mut self, sql: &str, values: &[Option<String>]) -> Result<Vec<Row>, Fault> {
        let statement = self.prepare(sql).await?;
        let texts: Vec<Text<'_>> = values.iter().map(|value| Text(value.as_deref())).collect();
        let bound: Vec<&(dyn ToSql + Sync)> = texts.iter().map(|text| text as _).collect();
        let rows = drive(&mut self.half, self.client.query(&statement, &bound), &self.shown).await?;
        let text = |row: &tokio_postgres::Row, n| {
            row.try_get::<_, Option<String>>(n).map_err(|error| fault(&self.shown, &error))
        };
        rows.iter().map(|row| (0..row.len()).map(|n| text(row, n)).collect()).collect()
    }

    pub(crate) async fn run(&mut self, sql: &str) -> Result<(), Fault> {
        drive(&mut self.half, self.client.batch_execute(sql), &self.shown).await
    }

    async fn prepare(&mut self, sql: &str) -> Result<Statement, Fault> {
        if let Some(known) = self.prepared.get(sql) {
            return Ok(known.clone());
        }
        let made = drive(&mut self.half, self.client.prepare(sql), &self.shown).await?;
        if self.prepared.len() >= MOST_PREPARED {
            self.prepared.clear();
        }
        self.prepared.insert(sql.to_owned(), made.clone());
        Ok(made)
    }
}

/// Waits for an answer and moves the bytes meanwhile.
async fn drive<T>(
    half: &mut tokio_postgres::Connection<TcpStream, Encrypted>,
    work: impl Future<Output = Result<T, tokio_postgres::Error>>,
    shown: &str,
) -> Result<T, Fault> {
    tokio::select! {
        biased;
        done = work => done.map_err(|error| fault(shown, &error)),
        ended = half => Err(match ended {
            Ok(()) => broken(shown, "it was closed"),
            Err(error) => fault(shown, &error),
        }),
    }
}

fn fault(shown: &str, error: &tokio_postgres::Error) -> Fault {
    if let Some(said) = error.as_db_error() {
        let detail = said.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
        return Fault::said(shown, said.code().code(), 0, &format!("{}{detail}", said.message()));
    }
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        words.push_str(": ");
        words.push_str(&inner.to_string());
        cause = inner.source();
    }
    broken(shown, &words)
}

fn broken(shown: &str, why: &str) -> Fault {
    Fault::lost(
        Reason::new("connection-lost", format!("the connection to {shown} broke: {why}"))
            .hint("is the database up, and does it take this login and this way of encryption?"),
    )
}

/// A value as text, which the database reads as whatever its place asks for.
#[derive(Debug)]
struct Text<'a>(Option<&'a str>);

impl ToSql for Text<'_> {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self.0 {
            Some(text) => {
                out.extend_from_slice(text.as_bytes());
                Ok(IsNull::No)
            }
            None => Ok(IsNull::Yes),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

/// Shakes hands with TLS once the database has agreed to it.
struct Shake {
    tls: Option<Arc<rustls::ClientConfig>>,
    host: String,
}

/// An encrypted connection.
pub(crate) struct Encrypted(Box<tokio_rustls::client::TlsStream<TcpStream>>);

impl TlsConnect<TcpStream> for Shake {
    type Stream = Encrypted;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Encrypted>> + Send>>;

    fn connect(self, stream: TcpStream) -> Self::Future {
        Box::pin(async move {
            let tls = self.tls.ok_or_else(|| io::Error::other("nobody asked for encryption"))?;
            let name = ServerName::try_from(self.host).map_err(io::Error::other)?;
            let stream = TlsConnector::from(tls).connect(name, stream).await?;
            Ok(Encrypted(Box::new(stream)))
        })
    }
}

impl TlsStream for Encrypted {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Encrypted {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.get_mut().0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.get_mut().0).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.get_mut().0).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.get_mut().0).poll_shutdown(cx)
    }
}
