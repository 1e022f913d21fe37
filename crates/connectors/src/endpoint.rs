//! Where a server of another protocol than HTTP is reached, and how the way there is protected: what databases and brokers
//! share.

use crate::settings::Section;
use crate::tls::TlsSettings;

const HOUR_MS: u64 = 3_600_000;

/// The address of a server and the protection of the way there.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether the way is encrypted; it is unless the server is on this machine.
    pub encrypt: bool,
    /// How.
    pub tls: TlsSettings,
    /// Whether link-local addresses may be called.
    pub allow_link_local: bool,
    /// How long connecting may take.
    pub connect_timeout_ms: u64,
    /// How long an answer may take: connecting never takes longer unless it is set.
    pub timeout_ms: u64,
}

impl Endpoint {
    /// Reads `host`, `port`, `encrypt`, `allow_plain_login`, `tls`, `allow_link_local` and `connect_timeout` of a system.
    pub fn parse(section: &mut Section<'_>, what: &str, default_port: u16, timeout_ms: u64) -> Option<Self> {
        let host = section.required_text("host", &format!("name the host of the {what}")).map(str::to_owned);
        let port = match section.value("port") {
            None => default_port,
            Some(value) => value
                .as_u64()
                .and_then(|port| u16::try_from(port).ok())
                .filter(|port| *port > 0)
                .unwrap_or_else(|| {
                    let hint = "write a number from 1 to 65535";
                    section.problem("port", "setting-range", "this is no port", hint);
                    default_port
                }),
        };
        let is_local = host.as_deref().is_some_and(is_local);
        let encrypt = section.boolean("encrypt", !is_local);
        if !encrypt && !is_local && !section.boolean("allow_plain_login", false) {
            let hint = "leave `encrypt` out, or set `allow_plain_login: true` if the network is safe";
            let message = "login and data would cross the network unencrypted";
            section.problem("encrypt", "login-in-the-clear", message, hint);
        }
        section.leave(&["allow_plain_login"]);
        let tls = TlsSettings::parse(section);
        let allow_link_local = section.boolean("allow_link_local", false);
        let connect_timeout_ms = section.duration_ms("connect_timeout", timeout_ms.min(5_000), 1..=HOUR_MS);
        Some(Self { host: host?, port, encrypt, tls, allow_link_local, connect_timeout_ms, timeout_ms })
    }
}

/// Whether a host is this machine.
pub(crate) fn is_local(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}
