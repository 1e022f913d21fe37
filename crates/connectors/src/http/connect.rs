//! Opens a connection: looks the host up, checks every address, connects, shakes hands. Nothing of a request has left yet,
//! so whatever fails here had no effect.

use std::sync::Arc;
use std::time::Duration;

use lineshaft_model::Reason;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::stream::Stream;
use super::target::Target;
use crate::outbound::{Outbound, failed};

/// How the connections to one target are opened.
#[derive(Clone)]
pub(super) struct Dial {
    pub(super) target: Target,
    pub(super) tls: Option<Arc<rustls::ClientConfig>>,
    pub(super) outbound: Arc<Outbound>,
    pub(super) limit_ms: u64,
}

impl Dial {
    /// Opens a connection within the limit. The address that was checked is the one that is connected to.
    pub(super) async fn connect(&self) -> Result<Stream, Reason> {
        let shown = &self.target.authority;
        let whole = async {
            let tcp = self.outbound.connect(&self.target.destination(), self.limit_ms).await?;
            // A request is written in one piece: waiting to fill a packet would only delay it.
            tcp.set_nodelay(true).map_err(|error| failed(shown, &error))?;
            match &self.tls {
                None => Ok(Stream::Plain(tcp)),
                Some(config) => shake_hands(&self.target, config, tcp).await,
            }
        };
        match timeout(Duration::from_millis(self.limit_ms), whole).await {
            Ok(opened) => opened,
            Err(_) => Err(Reason::new(
                "connect-timeout",
                format!("{shown} did not take the connection within {} ms", self.limit_ms),
            )
            .hint("is the system up and reachable from here? `connect_timeout` sets the limit")),
        }
    }
}

async fn shake_hands(
    target: &Target,
    config: &Arc<rustls::ClientConfig>,
    tcp: TcpStream,
) -> Result<Stream, Reason> {
    let name = ServerName::try_from(target.host.clone()).map_err(|error| {
        Reason::new("tls-failed", format!("{} cannot be the name of a certificate: {error}", target.host))
            .hint("use the name that the system's certificate carries")
    })?;
    match TlsConnector::from(Arc::clone(config)).connect(name, tcp).await {
        Ok(stream) => Ok(Stream::Tls(Box::new(stream))),
        Err(error) => Err(Reason::new(
            "tls-failed",
            format!("no secure connection to {}: {error}", target.authority),
        )
        .hint("check the certificate's name, dates and authority; `tls.ca` names an authority of your own")),
    }
}
