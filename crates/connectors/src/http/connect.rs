//! Opens a connection: looks the host up, checks every address, connects, shakes hands. Nothing of a request has left yet,
//! so whatever fails here had no effect.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use lineshaft_model::Reason;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::address::is_forbidden;
use super::stream::Stream;
use super::target::Target;

/// Opens a connection within `limit_ms`. The address that was checked is the one that is connected to.
pub(super) async fn connect(
    target: &Target,
    tls: Option<&Arc<rustls::ClientConfig>>,
    limit_ms: u64,
) -> Result<Stream, Reason> {
    let shown = &target.authority;
    let whole = async {
        let tcp = open(target, limit_ms).await?;
        // A request is written in one piece: waiting to fill a packet would only delay it.
        tcp.set_nodelay(true).map_err(|error| failed("connect-failed", shown, &error))?;
        match tls {
            None => Ok(Stream::Plain(tcp)),
            Some(config) => shake_hands(target, config, tcp).await,
        }
    };
    match timeout(Duration::from_millis(limit_ms), whole).await {
        Ok(opened) => opened,
        Err(_) => Err(Reason::new(
            "connect-timeout",
            format!("{shown} did not take the connection within {limit_ms} ms"),
        )
        .hint("is the system up and reachable from here? `connect_timeout` sets the limit")),
    }
}

async fn open(target: &Target, limit_ms: u64) -> Result<TcpStream, Reason> {
    let shown = &target.authority;
    let addresses = look_up(target).await?;
    let mut left = u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
    let mut last = None;
    for address in addresses {
        if !target.allow_link_local && is_forbidden(address.ip()) {
            last = Some(
                Reason::new(
                    "address-not-allowed",
                    format!("{shown} resolves to {}, which is never called", address.ip()),
                )
                .hint("set `allow_link_local: true` if a machine of yours really lives there"),
            );
            left = left.saturating_sub(1).max(1);
            continue;
        }
        // Each address has its share of the time, so that a dead first one does not use it up.
        let share = Duration::from_millis(limit_ms) / left;
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => return Ok(tcp),
            Ok(Err(error)) => last = Some(failed("connect-failed", shown, &error)),
            Err(_) => {
                last = Some(
                    Reason::new(
                        "connect-timeout",
                        format!("{shown} ({}) did not take the connection", address.ip()),
                    )
                    .hint("is the system up and reachable from here?"),
                );
            }
        }
        left = left.saturating_sub(1).max(1);
    }
    Err(last.unwrap_or_else(|| {
        Reason::new("dns-failed", format!("{} has no address", target.host))
            .hint("check the name in `base_url`")
    }))
}

async fn look_up(target: &Target) -> Result<Vec<SocketAddr>, Reason> {
    if let Ok(ip) = target.host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, target.port)]);
    }
    match tokio::net::lookup_host((target.host.as_str(), target.port)).await {
        Ok(addresses) => Ok(addresses.collect()),
        Err(error) => {
            Err(Reason::new("dns-failed", format!("the name {} cannot be looked up: {error}", target.host))
                .hint("check the name in `base_url` and this machine's name service"))
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

fn failed(code: &str, shown: &str, error: &io::Error) -> Reason {
    let hint = match error.kind() {
        io::ErrorKind::ConnectionRefused => "nothing listens there: is the system up, and the port right?",
        _ => "is the system reachable from here?",
    };
    Reason::new(code, format!("no connection to {shown}: {error}")).hint(hint)
}
