//! Address allow-lists: which networks a key may be used from.
//!
//! This module never resolves names; an address is what the caller was given.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

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

impl FromStr for Network {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let network = match text.parse::<IpNet>() {
            Ok(network) => network,
            Err(_) => text.parse::<IpAddr>().map(IpNet::from).map_err(|_| {
                Error::usage(format!("{} is not an address or a network", Named(text)))
                    .hinted("write it like 203.0.113.7, 10.0.0.0/8 or 2001:db8::/32")
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

/// Reads an address as a person writes it.
///
/// # Errors
/// `usage` when it is not an address.
pub fn parse_address(text: &str) -> Result<IpAddr, Error> {
    text.parse().map_err(|_| {
        Error::usage(format!("{} is not an IP address", Named(text)))
            .hinted("write it like 203.0.113.7 or 2001:db8::7")
    })
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
        network
            .parse::<Network>()
            .expect(network)
            .holds(address.parse().expect(address))
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
    fn what_is_not_a_network_is_named() {
        let error = "10.0.0.0/33".parse::<Network>().expect_err("too long");
        assert!(error.to_string().contains("10.0.0.0/33"));
        let error = "::1/129".parse::<Network>().expect_err("too long");
        assert!(error.to_string().starts_with("\"::1/129\" is not"));
        let error = parse_address("::1::").expect_err("no address");
        assert!(error.to_string().starts_with("\"::1::\" is not"));
    }
}
