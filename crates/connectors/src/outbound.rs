//! Which addresses the hub may call, and the one way to call them: every address that a name resolves to is checked, and
//! the one that was checked is the one that is connected to.

mod address;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use lineshaft_model::Reason;
use tokio::net::TcpStream;
use tokio::time::timeout;

pub(crate) use address::is_forbidden;

/// The workspace's allow-list. Without one every address may be called but link-local ones and those where clouds serve a
/// machine's own credentials; with one, only what it lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outbound {
    rules: Option<Vec<Rule>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Rule {
    /// A host by its name.
    Host(String),
    /// Every host below a domain: `.example.com`.
    Below(String),
    /// Every address whose first bits are these.
    Network(IpAddr, u8),
}

/// Where a connection leads to.
#[derive(Clone, Copy, Debug)]
pub struct Destination<'a> {
    /// The host to look up, or an address.
    pub host: &'a str,
    /// The port.
    pub port: u16,
    /// As messages show it.
    pub shown: &'a str,
    /// Whether link-local and metadata addresses may be called.
    pub allow_link_local: bool,
}

impl Outbound {
    /// Reads an allow-list: host names, `*.example.com`, addresses, and networks such as `10.0.0.0/8`.
    ///
    /// # Errors
    /// The index of an entry that is none of these, and why.
    pub fn parse<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, (usize, Reason)> {
        let rules: Result<Vec<Rule>, _> = entries
            .into_iter()
            .enumerate()
            .map(|(n, entry)| Rule::parse(entry).ok_or_else(|| (n, malformed(entry))))
            .collect();
        Ok(Self { rules: Some(rules?) })
    }

    /// The list of a workspace that has none.
    #[must_use]
    pub fn any() -> &'static Arc<Self> {
        static ANY: LazyLock<Arc<Outbound>> = LazyLock::new(|| Arc::new(Outbound::default()));
        &ANY
    }

    fn allows(&self, host: &str, ip: IpAddr) -> bool {
        self.rules.as_ref().is_none_or(|rules| rules.iter().any(|rule| rule.covers(host, ip.to_canonical())))
    }

    /// The addresses of a host that may be called, in the order in which the name service gave them.
    ///
    /// # Errors
    /// When the name cannot be looked up, or none of its addresses may be called.
    pub async fn resolve(&self, to: &Destination<'_>) -> Result<Vec<SocketAddr>, Reason> {
        let found = look_up(to).await?;
        let mut refused = None;
        let mut allowed = Vec::with_capacity(found.len());
        for address in found {
            let ip = address.ip();
            if !to.allow_link_local && is_forbidden(ip) {
                refused = Some(
                    not_allowed(to, ip, "which is never called")
                        .hint("set `allow_link_local: true` if a machine of yours really lives there"),
                );
            } else if !self.allows(to.host, ip) {
                refused = Some(
                    not_allowed(to, ip, "which is not in the workspace's allow-list")
                        .hint("add the host or its network to `outbound.allow` in lineshaft.yaml"),
                );
            } else {
                allowed.push(address);
            }
        }
        match refused {
            Some(reason) if allowed.is_empty() => Err(reason),
            _ if allowed.is_empty() => Err(Reason::new("dns-failed", format!("{} has no address", to.host))
                .hint("check the name of the host in the system's settings")),
            _ => Ok(allowed),
        }
    }

    /// Opens a TCP connection within `limit_ms`.
    ///
    /// # Errors
    /// When no address may be called or none takes the connection. Nothing has been sent then.
    pub async fn connect(&self, to: &Destination<'_>, limit_ms: u64) -> Result<TcpStream, Reason> {
        let addresses = self.resolve(to).await?;
        let mut left = u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
        let mut last = None;
        for address in addresses {
            // Each address has its share of the time, so that a dead first one does not use it up.
            let share = Duration::from_millis(limit_ms) / left;
            match timeout(share, TcpStream::connect(address)).await {
                Ok(Ok(tcp)) => return Ok(tcp),
                Ok(Err(error)) => last = Some(failed(to.shown, &error)),
                Err(_) => {
                    let message = format!("{} ({}) did not take the connection", to.shown, address.ip());
                    last = Some(
                        Reason::new("connect-timeout", message)
                            .hint("is the system up and reachable from here?"),
                    );
                }
            }
            left = left.saturating_sub(1).max(1);
        }
        Err(last.unwrap_or_else(|| Reason::new("dns-failed", format!("{} has no address", to.host))))
    }
}

impl Rule {
    fn parse(text: &str) -> Option<Self> {
        if let Some((network, bits)) = text.split_once('/') {
            let (ip, bits) = (network.parse::<IpAddr>().ok()?, bits.parse::<u8>().ok()?);
            let most = if ip.is_ipv4() { 32 } else { 128 };
            return (bits <= most).then_some(Self::Network(ip, bits));
        }
        if let Ok(ip) = text.parse::<IpAddr>() {
            return Some(Self::Network(ip, if ip.is_ipv4() { 32 } else { 128 }));
        }
        let (below, name) = match text.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, text),
        };
        let is_label = |label: &str| {
            !label.is_empty()
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        let good = name.len() <= 253 && name.split('.').all(is_label);
        let name = name.to_ascii_lowercase();
        good.then(|| if below { Self::Below(format!(".{name}")) } else { Self::Host(name) })
    }

    fn covers(&self, host: &str, ip: IpAddr) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        match self {
            Self::Host(name) => host == *name,
            Self::Below(domain) => host.ends_with(domain.as_str()),
            Self::Network(network, bits) => match (network, ip) {
                (IpAddr::V4(network), IpAddr::V4(ip)) => {
                    same_bits(u128::from(network.to_bits()) << 96, u128::from(ip.to_bits()) << 96, *bits)
                }
                (IpAddr::V6(network), IpAddr::V6(ip)) => same_bits(network.to_bits(), ip.to_bits(), *bits),
                _ => false,
            },
        }
    }
}

fn same_bits(a: u128, b: u128, bits: u8) -> bool {
    (a ^ b).leading_zeros() >= u32::from(bits)
}

fn malformed(entry: &str) -> Reason {
    Reason::new(
        "outbound-malformed",
        format!("`{}` is no host and no network", crate::settings::short(entry)),
    )
    .hint("write a host, *.example.com, an address, or a network such as 10.0.0.0/8")
}

fn not_allowed(to: &Destination<'_>, ip: IpAddr, why: &str) -> Reason {
    Reason::new("address-not-allowed", format!("{} resolves to {ip}, {why}", to.shown))
}

async fn look_up(to: &Destination<'_>) -> Result<Vec<SocketAddr>, Reason> {
    if let Ok(ip) = to.host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, to.port)]);
    }
    match tokio::net::lookup_host((to.host, to.port)).await {
        Ok(addresses) => Ok(addresses.collect()),
        Err(error) => {
            Err(Reason::new("dns-failed", format!("the name {} cannot be looked up: {error}", to.host))
                .hint("check the name of the host in the system's settings, and this machine's name service"))
        }
    }
}

pub(crate) fn failed(shown: &str, error: &io::Error) -> Reason {
    let hint = match error.kind() {
        io::ErrorKind::ConnectionRefused => "nothing listens there: is the system up, and the port right?",
        _ => "is the system reachable from here?",
    };
    Reason::new("connect-failed", format!("no connection to {shown}: {error}")).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(list: &[&str], host: &str, ip: &str) -> bool {
        Outbound::parse(list.iter().copied()).unwrap().allows(host, ip.parse().unwrap())
    }

    #[test]
    fn a_list_allows_what_it_names_and_nothing_else() {
        assert!(Outbound::default().allows("anything.example", "203.0.113.7".parse().unwrap()));
        assert!(!allows(&[], "localhost", "127.0.0.1"));
        assert!(allows(&["ERP.example"], "erp.example", "203.0.113.7"));
        assert!(allows(&["*.plant.example"], "wms.plant.example.", "203.0.113.7"));
        assert!(!allows(&["*.plant.example"], "plant.example", "203.0.113.7"));
        assert!(!allows(&["*.plant.example"], "evilplant.example", "203.0.113.7"));
        assert!(allows(&["10.0.0.0/8"], "erp", "10.255.0.1"));
        assert!(allows(&["10.0.0.0/8"], "erp", "::ffff:10.1.2.3"));
        assert!(!allows(&["10.0.0.0/8"], "erp", "11.0.0.1"));
        assert!(!allows(&["10.0.0.0/8"], "erp", "a00::1"), "another family");
        assert!(allows(&["127.0.0.1"], "localhost", "127.0.0.1"));
        assert!(!allows(&["127.0.0.1"], "localhost", "127.0.0.2"));
        assert!(
            allows(&["0.0.0.0/0"], "x", "203.0.113.7") && allows(&["2001:db8::/32"], "x", "2001:db8:1::1")
        );
    }

    #[test]
    fn what_is_no_host_and_no_network_is_told_by_its_place() {
        for bad in ["", "http://erp", "10.0.0.0/33", "a b", "*.", "*", "erp:443", "..", "10.0.0/8"] {
            let (n, reason) = Outbound::parse(["good.example", bad]).unwrap_err();
            assert_eq!((n, reason.code.as_str()), (1, "outbound-malformed"), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_name_is_judged_by_what_it_resolves_to() {
        let to = |host| Destination { host, port: 1, shown: host, allow_link_local: false };
        let only = Outbound::parse(["10.0.0.0/8"]).unwrap();
        let reason = only.resolve(&to("localhost")).await.unwrap_err();
        assert_eq!(reason.code, "address-not-allowed");
        assert!(Outbound::parse(["localhost"]).unwrap().resolve(&to("localhost")).await.is_ok());
        let everything = Outbound::parse(["0.0.0.0/0"]).unwrap();
        let reason = everything.resolve(&to("169.254.169.254")).await.unwrap_err();
        assert_eq!(reason.code, "address-not-allowed", "a list does not open metadata addresses");
    }
}
