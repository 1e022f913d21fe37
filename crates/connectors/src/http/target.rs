//! Where requests go: the parts of `base_url`.

use std::net::IpAddr;

use crate::outbound::Destination;
use crate::settings::Section;

/// The only host that a system's operations ever call.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// Whether the connection is encrypted.
    pub(super) tls: bool,
    /// The host to look up, without the brackets of an IPv6 address.
    pub(super) host: String,
    /// The port.
    pub(super) port: u16,
    /// The value of the `Host` header.
    pub(super) authority: String,
    /// The path of the base, without a slash at its end.
    pub(super) base_path: String,
    /// Whether link-local and metadata addresses may be called.
    pub(super) allow_link_local: bool,
}

const EXAMPLE: &str = "write the address all paths start from, for instance https://wms.example/api";

impl Target {
    /// Reads `base_url` and `allow_link_local`.
    pub(super) fn parse(system: &mut Section<'_>, needed: bool) -> Option<Self> {
        let allow_link_local = system.boolean("allow_link_local", false);
        let text =
            if needed { system.required_text("base_url", EXAMPLE)? } else { system.text("base_url")? };
        match Self::read(text, allow_link_local) {
            Ok(target) => Some(target),
            Err((message, hint)) => {
                system.problem("base_url", "base-url-malformed", message, hint);
                None
            }
        }
    }

    /// The same as a destination of the network.
    pub(super) fn destination(&self) -> Destination<'_> {
        Destination {
            host: &self.host,
            port: self.port,
            shown: &self.authority,
            allow_link_local: self.allow_link_local,
        }
    }

    /// Reads a URL; why it is none, and what to write instead.
    pub(super) fn read(text: &str, allow_link_local: bool) -> Result<Self, (&'static str, &'static str)> {
        let uri: http::Uri = text.parse().map_err(|_| ("this is not a URL", EXAMPLE))?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(("the URL must begin with http:// or https://", EXAMPLE)),
        };
        let authority = uri.authority().ok_or(("the URL has no host", EXAMPLE))?;
        if authority.as_str().contains('@') {
            return Err(("the URL carries a login", "put it into `auth`, where it is kept secret"));
        }
        if uri.query().is_some() || text.contains('#') {
            return Err(("the URL has a query or a fragment", "put queries into `request.query`"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(("the URL has no host", EXAMPLE));
        }
        let has_port = authority.as_str().len() > authority.host().len();
        let port = match (authority.port_u16(), has_port) {
            (Some(0), _) | (None, true) => return Err(("the URL has an impossible port", EXAMPLE)),
            (Some(port), _) => port,
            (None, false) => {
                if tls {
                    443
                } else {
                    80
                }
            }
        };
        if let Ok(ip) = host.parse::<IpAddr>()
            && !allow_link_local
            && crate::outbound::is_forbidden(ip)
        {
            return Err((
                "the address is link-local or serves a cloud's metadata",
                "set `allow_link_local: true` if a machine of yours really lives there",
            ));
        }
        let base_path = uri.path().trim_end_matches('/').to_owned();
        Ok(Self { tls, host, port, authority: authority.as_str().to_owned(), base_path, allow_link_local })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_url() {
        let target = Target::read("https://wms.example:8443/api/v2/", false).unwrap();
        assert_eq!((target.tls, target.host.as_str(), target.port), (true, "wms.example", 8443));
        assert_eq!((target.authority.as_str(), target.base_path.as_str()), ("wms.example:8443", "/api/v2"));
        let target = Target::read("http://[::1]", false).unwrap();
        assert_eq!((target.host.as_str(), target.port, target.base_path.as_str()), ("::1", 80, ""));
    }

    #[test]
    fn what_is_no_base_is_refused() {
        let bad = [
            "",
            "wms.example",
            "ftp://a",
            "http://",
            "http://u:p@a",
            "http://a?b",
            "http://a#b",
            "http://a:99999",
            "http://a:0",
            "http://169.254.169.254/",
            "http://[fe80::1]",
            "http://[::ffff:169.254.1.1]",
            "http://a b",
        ];
        for text in bad {
            assert!(Target::read(text, false).is_err(), "{text}");
        }
        assert!(Target::read("http://169.254.1.1", true).is_ok());
    }
}
