//! Which addresses are never called: link-local ones and those where clouds serve a machine's own credentials.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether a configuration must say `allow_link_local` before this address is called.
pub(crate) fn is_forbidden(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_forbidden_v4(address),
        IpAddr::V6(address) => is_forbidden_v6(address) || embedded(address).is_some_and(is_forbidden_v4),
    }
}

fn is_forbidden_v4(address: Ipv4Addr) -> bool {
    // 100.100.100.200 and 192.0.0.192 are the metadata addresses of Alibaba Cloud and Oracle Cloud.
    const METADATA: [Ipv4Addr; 2] = [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(192, 0, 0, 192)];
    address.is_link_local()
        || address.is_unspecified()
        || address.is_broadcast()
        || METADATA.contains(&address)
}

fn is_forbidden_v6(address: Ipv6Addr) -> bool {
    // fd00:ec2::254 is the metadata address of AWS.
    const METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    address.is_unicast_link_local()
        || address.is_unspecified()
        || address.is_multicast()
        || address == METADATA
}

/// The IPv4 address inside one of NAT64 (RFC 6052, 64:ff9b::/96) or an IPv4-compatible one.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = address.segments();
    let nat64 = s[..6] == [0x64, 0xff9b, 0, 0, 0, 0];
    let compatible = s[..6] == [0; 6] && s[6] != 0;
    let [.., a, b, c, d] = address.octets();
    (nat64 || compatible).then(|| Ipv4Addr::new(a, b, c, d))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_and_link_local_addresses_are_known_in_every_form() {
        for text in [
            "169.254.169.254",
            "169.254.0.1",
            "0.0.0.0",
            "::",
            "fe80::1",
            "febf::1",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
            "64:ff9b::169.254.169.254",
            "::169.254.169.254",
            "100.100.100.200",
            "192.0.0.192",
        ] {
            assert!(is_forbidden(text.parse().unwrap()), "{text}");
        }
        for text in ["127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "169.253.1.1", "fd00::1", "2001:db8::1"] {
            assert!(!is_forbidden(text.parse().unwrap()), "{text}");
        }
    }
}
