//! Address allow-lists: which networks a key may be used from.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv6Net};

use crate::domain::sanitize::Named;
use crate::error::Error;

/// A network in CIDR notation (RFC 4632, RFC 4291), its host bits cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network(IpNet);

impl Network {
    /// Whether the address is in the network. A v4-mapped address (`::ffff:a.b.c.d`, RFC 4291 2.5.5.2) is taken as v4.
    pub fn holds(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

/// Whether a key with the first allow-list can be used where one with the second cannot. An empty list admits everything, also
/// what comes without an address; networks are compared by the addresses in them, however they are cut.
pub fn admits_more(list: &[Network], than: &[Network]) -> bool {
    if than.is_empty() || list.is_empty() {
        return !than.is_empty();
    }
    let mut held: Vec<IpNet> = than.iter().map(|network| network.0).collect();
    // No network holds these, whatever it says: they are taken as v4.
    held.extend(Ipv6Net::new(Ipv4Addr::UNSPECIFIED.to_ipv6_mapped(), 96).map(IpNet::V6));
    let held = IpNet::aggregate(&held);
    // What networks hold together holds another one only if the largest single one around it does.
    let is_held = |network: &Network| held.iter().any(|held| held.contains(&network.0));
    !list.iter().all(is_held)
}

impl FromStr for Network {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let network = match text.parse::<IpNet>() {
            Ok(network) => network,
            Err(_) => text.parse::<IpAddr>().map(IpNet::from).map_err(|_| {
                Error::usage(format!("{} is not an address or a network", Named(text)))
                    .hinted("for example 203.0.113.7, 10.0.0.0/8 or 2001:db8::/32")
            })?,
        };
        Ok(Self(unmap(network).trunc()))
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Where a request comes from, as the command line says it; empty is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin(pub Option<IpAddr>);

impl FromStr for Origin {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match read_address(text) {
            None if !text.is_empty() => {
                Err(Error::usage(format!("{} is not an IP address", Named(text)))
                    .hinted("for example 203.0.113.7 or 2001:db8::7"))
            }
            address => Ok(Self(address)),
        }
    }
}

/// Reads an address as sockets and proxies write it: a port, brackets (RFC 3986 3.2.2) and a zone (RFC 4007 11) are
/// stripped. Nothing for what is not an address.
pub fn read_address(text: &str) -> Option<IpAddr> {
    // The last of it may look like a port: `::1:443` is an address.
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let is_port =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok();
    let host = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            let is_end = after.is_empty() || after.strip_prefix(':').is_some_and(is_port);
            is_end.then_some(host)?
        }
        None => match text.split_once(':') {
            Some((host, port)) if is_port(port) => host,
            _ => text,
        },
    };
    match host.split_once('%') {
        Some((host, zone)) => host
            .parse::<Ipv6Addr>()
            .ok()
            .filter(|_| !zone.is_empty() && !zone.contains(['[', ']']))
            .map(IpAddr::V6),
        None => host.parse().ok(),
    }
}

/// A v4-mapped network of at least 96 bits is the v4 network it stands for.
fn unmap(network: IpNet) -> IpNet {
    let IpNet::V6(v6) = network else {
        return network;
    };
    match (v6.addr().to_ipv4_mapped(), v6.prefix_len().checked_sub(96)) {
        (Some(v4), Some(length)) => IpNet::new(v4.into(), length).unwrap_or(network),
        _ => network,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(network: &str, address: &str) -> bool {
        network.parse::<Network>().expect(network).holds(address.parse().expect(address))
    }

    #[test]
    fn networks_hold_their_addresses_in_every_spelling() {
        assert!(holds("10.0.0.0/8", "10.255.0.1"));
        assert!(holds("10.1.2.3/8", "10.9.9.9"));
        assert!(holds("10.0.0.0/8", "::ffff:10.1.2.3"));
        assert!(holds("::ffff:10.0.0.0/104", "10.1.2.3"));
        assert!(holds("203.0.113.7", "203.0.113.7"));
        assert!(holds("2001:db8::/32", "2001:db8:1::1"));
    }

    #[test]
    fn networks_hold_nothing_else() {
        assert!(!holds("10.0.0.0/8", "11.0.0.1"));
        assert!(!holds("203.0.113.7", "203.0.113.8"));
        assert!(!holds("2001:db8::/32", "2001:db9::1"));
        assert!(!holds("0.0.0.0/0", "2001:db8::1"));
        assert!(!holds("::/0", "10.0.0.1"));
    }

    #[test]
    fn lists_are_compared_by_the_addresses_that_they_admit() {
        let list = |texts: &[&str]| -> Vec<Network> {
            let networks = texts.iter().map(|text| text.parse().expect(text));
            networks.collect()
        };
        for (one, other, is_more) in [
            (&[][..], &[][..], false),
            (&[], &["0.0.0.0/0", "::/0"], true),
            (&["10.0.0.0/8"], &[], false),
            (&["10.0.0.0/8"], &["10.0.0.0/8"], false),
            (&["10.0.0.0/8"], &["10.0.0.0/9", "10.128.0.0/9"], false),
            (&["10.0.0.0/8"], &["10.0.0.0/9", "10.128.0.0/10"], true),
            (&["10.1.0.0/16", "10.2.0.0/16"], &["10.0.0.0/8"], false),
            (&["10.1.0.0/16", "11.0.0.1"], &["10.0.0.0/8"], true),
            (&["10.0.0.0/8"], &["10.1.0.0/16", "192.168.0.0/16"], true),
            (&["2001:db8::/32"], &["10.0.0.0/8"], true),
            (&["2001:db8:1::/48"], &["2001:db8::/32"], false),
            (&["::ffff:10.0.0.0/104"], &["10.0.0.0/8"], false),
            (&["::fffe:0:0/95"], &["::fffe:0:0/96"], false),
        ] {
            let found = admits_more(&list(one), &list(other));
            assert_eq!(found, is_more, "{one:?} and {other:?}");
        }
    }

    #[test]
    fn a_port_brackets_and_a_zone_are_left_out() {
        for (text, address) in [
            ("10.0.0.1", "10.0.0.1"),
            ("10.0.0.1:443", "10.0.0.1"),
            ("[10.0.0.1]:443", "10.0.0.1"),
            ("::1", "::1"),
            ("[::1]", "::1"),
            ("[::1]:443", "::1"),
            ("::1:443", "::1:443"),
            ("fe80::1%eth0", "fe80::1"),
            ("[fe80::1%eth0]", "fe80::1"),
            ("[fe80::1%eth0]:65535", "fe80::1"),
            ("::ffff:10.0.0.1", "::ffff:10.0.0.1"),
            ("[::ffff:10.0.0.1]:80", "::ffff:10.0.0.1"),
        ] {
            assert_eq!(read_address(text), address.parse().ok(), "{text}");
        }
    }

    #[test]
    fn what_is_not_an_address_is_none() {
        for text in [
            "",
            " ",
            "unknown",
            "10.0.0.256",
            "10.0.0.1:",
            "10.0.0.1:x",
            "10.0.0.1:65536",
            "10.0.0.1:+80",
            "10.0.0.1%eth0",
            "[::1",
            "[::1]443",
            "[::1]:",
            "[]",
            "[]:80",
            "fe80::1%",
            "%eth0",
            "::1%eth0]",
            "localhost:80",
            "10.0.0.1, 10.0.0.2",
            ":80",
        ] {
            assert_eq!(read_address(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_not_a_network_is_named() {
        let error = "10.0.0.0/33".parse::<Network>().expect_err("too long");
        assert!(error.to_string().contains("10.0.0.0/33"));
        let error = "::1/129".parse::<Network>().expect_err("too long");
        assert!(error.to_string().starts_with("\"::1/129\" is not"));
        let error = "::1::".parse::<Origin>().expect_err("no address");
        assert!(error.to_string().starts_with("\"::1::\" is not"));
    }
}
