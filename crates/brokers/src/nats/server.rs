//! A connection to a server of NATS. The client keeps a task of its own for as long as it is held, and no longer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{Client, ConnectOptions};
use lineshaft_connectors::Outbound;
use lineshaft_connectors::outbound::Destination;
use lineshaft_model::Reason;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;

/// Everything a connection is opened with.
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    /// Host and port, for messages.
    pub(super) shown: String,
    pub(super) login: Login,
    pub(super) tls: Option<Arc<rustls::ClientConfig>>,
    pub(super) outbound: Arc<Outbound>,
    pub(super) allow_link_local: bool,
    pub(super) connect_timeout_ms: u64,
    pub(super) timeout_ms: u64,
}

pub(super) enum Login {
    None,
    Basic(SecretString, SecretString),
    Token(SecretString),
    Nkey(SecretString),
    Credentials(SecretString),
}

impl Server {
    /// Opens a connection. It does not come back by itself when it is lost: whoever holds it opens another one, so that the
    /// address is checked again and failures are seen.
    pub(super) async fn connect(&self) -> Result<Client, Reason> {
        let to = Destination {
            host: &self.host,
            port: self.port,
            shown: &self.shown,
            allow_link_local: self.allow_link_local,
        };
        let limit = Duration::from_millis(self.connect_timeout_ms);
        let opening = async {
            let addresses = self.outbound.resolve(&to).await?;
            // The client looks names up by itself. Without TLS it is given the address that was checked; with it the name,
            // which the certificate must carry.
            let host = match (&self.tls, addresses.first()) {
                (None, Some(address)) => match address.ip() {
                    std::net::IpAddr::V6(ip) => format!("[{ip}]"),
                    ip => ip.to_string(),
                },
                _ => self.host.clone(),
            };
            let scheme = if self.tls.is_some() { "tls" } else { "nats" };
            let options = self.options()?;
            let address = format!("{scheme}://{host}:{}", self.port);
            options.connect(address).await.map_err(|error| {
                Reason::new("connect-failed", format!("no connection to {}: {}", self.shown, chain(&error)))
                    .hint("is the server up and reachable from here, and does it take this login and this way of encryption?")
            })
        };
        match timeout(limit, opening).await {
            Ok(opened) => opened,
            Err(_) => {
                let message = format!(
                    "{} did not take the connection within {} ms",
                    self.shown, self.connect_timeout_ms
                );
                Err(Reason::new("connect-timeout", message)
                    .hint("is the server up and reachable from here? `connect_timeout` sets the limit"))
            }
        }
    }

    /// How many messages a stream has.
    pub(super) async fn waiting(&self, client: &Client, name: &str) -> Result<u64, Reason> {
        let mut context = async_nats::jetstream::new(client.clone());
        context.set_timeout(Duration::from_millis(self.timeout_ms));
        let stream = context.get_stream(name).await.map_err(|error| unreadable(name, &error))?;
        Ok(stream.cached_info().state.messages)
    }

    fn options(&self) -> Result<ConnectOptions, Reason> {
        let mut options = ConnectOptions::new()
            .name("lineshaft")
            .connection_timeout(Duration::from_millis(self.connect_timeout_ms))
            .request_timeout(Some(Duration::from_millis(self.timeout_ms)))
            .max_reconnects(1)
            .ignore_discovered_servers()
            .ping_interval(Duration::from_secs(10));
        let text = |secret: &SecretString| secret.expose_secret().to_owned();
        options = match &self.login {
            Login::None => options,
            Login::Basic(user, password) => options.user_and_password(text(user), text(password)),
            Login::Token(token) => options.token(text(token)),
            Login::Nkey(seed) => options.nkey(text(seed)),
            // What the reader says may repeat a piece of the file.
            Login::Credentials(file) => options.credentials(file.expose_secret()).map_err(|_| {
                Reason::new("nats-credentials", "the secret holds no credentials of NATS")
                    .hint("it is the whole .creds file, with a JWT and a seed")
            })?,
        };
        if let Some(tls) = &self.tls {
            options = options.require_tls(true).tls_client_config((**tls).clone());
        }
        Ok(options)
    }
}

/// The reason for a stream that is not there, or not for this login.
pub(super) fn unreadable(stream: &str, error: &dyn std::error::Error) -> Reason {
    Reason::new("stream-unreadable", format!("the stream `{stream}` cannot be read: {}", chain(error)))
        .hint("check its name and the rights of the login, and that the server has JetStream")
}

/// Whether a connection can still be used.
pub(super) fn is_open(client: &Client) -> bool {
    client.connection_state() == State::Connected
}

/// An error and what is behind it, in words.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !words.contains(&said) {
            words.push_str(": ");
            words.push_str(&said);
        }
        cause = inner.source();
    }
    words.chars().take(400).collect()
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("shown", &self.shown).finish_non_exhaustive()
    }
}
