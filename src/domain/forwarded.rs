//! Where a request comes from, by what the proxies before keyward say and by which of them are trusted.
//!
//! This module never believes a header field of a peer that is not trusted, and never guesses: an address that is in doubt
//! is not known, which a key with an allow-list is denied for.

use std::net::IpAddr;

use crate::domain::address::{Network, read_address};

/// Who sent the request to keyward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// A process of this machine, on a Unix socket that its owner alone can reach.
    Local,
    /// Whoever has this address.
    At(IpAddr),
}

/// The header field that is a list, to which each proxy adds the address of its own peer.
pub const LIST: &str = "x-forwarded-for";

/// The client's address by the values of a header field whose name is in small letters, as they stand in the request.
///
/// The list is read from its end, where the nearest proxy has written, to the first address that is not a trusted proxy's.
/// Any other field has one address and occurs once.
pub fn client<'a>(
    peer: Peer,
    trusted: &[Network],
    name: &str,
    values: impl IntoIterator<Item = &'a [u8]>,
) -> Option<IpAddr> {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.holds(address));
    if let Peer::At(address) = peer
        && !is_trusted(address)
    {
        return None;
    }
    let mut values = values.into_iter();
    let (first, second) = (values.next()?, values.next());
    let address = |text: &str| read_address(text.trim_matches([' ', '\t']));
    if name != LIST {
        let value = std::str::from_utf8(first).ok().filter(|_| second.is_none())?;
        return address(value);
    }
    let last = values.last().or(second).unwrap_or(first);
    let last = std::str::from_utf8(last).ok()?;
    for hop in last.rsplit(',') {
        let hop = address(hop)?;
        if !is_trusted(hop) {
            return Some(hop);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(peer: &str, name: &str, values: &[&str]) -> Option<String> {
        let trusted = ["10.0.0.0/8".parse().expect("a network")];
        let peer = peer.parse().map_or(Peer::Local, Peer::At);
        let values = values.iter().map(|value| value.as_bytes());
        client(peer, &trusted, name, values).map(|address| address.to_string())
    }

    #[test]
    fn a_trusted_peer_is_believed_and_no_other() {
        for peer in ["10.0.0.1", "::ffff:10.0.0.1", "a Unix socket"] {
            let found = of(peer, "x-real-ip", &["203.0.113.7"]);
            assert_eq!(found.as_deref(), Some("203.0.113.7"), "{peer}");
        }
        assert_eq!(of("203.0.113.9", "x-real-ip", &["203.0.113.7"]), None);
        assert_eq!(of("203.0.113.9", LIST, &["203.0.113.7"]), None);
    }

    #[test]
    fn the_list_is_read_from_its_end_past_trusted_proxies() {
        for (values, expected) in [
            (&["203.0.113.7"][..], Some("203.0.113.7")),
            (&["192.0.2.1, 203.0.113.7"], Some("203.0.113.7")),
            (&["192.0.2.1, 203.0.113.7, 10.0.0.2"], Some("203.0.113.7")),
            (&["192.0.2.1", "203.0.113.7"], Some("203.0.113.7")),
            (&["192.0.2.1", "192.0.2.2", "203.0.113.7 , 10.0.0.2:443"], Some("203.0.113.7")),
            (&["[2001:db8::7]:443"], Some("2001:db8::7")),
            // Everything that is left is a proxy, or what cannot be read.
            (&["10.0.0.2"], None),
            (&["203.0.113.7", "10.0.0.2"], None),
            (&["203.0.113.7, unknown"], None),
            (&["203.0.113.7, unknown, 10.0.0.2"], None),
            (&["203.0.113.7,"], None),
            (&[""], None),
            (&[], None),
        ] {
            assert_eq!(of("10.0.0.1", LIST, values).as_deref(), expected, "{values:?}");
        }
    }

    #[test]
    fn any_other_field_has_one_address() {
        for values in
            [&["203.0.113.7", "203.0.113.7"][..], &["203.0.113.7, 192.0.2.1"], &["x"], &[]]
        {
            assert_eq!(of("10.0.0.1", "x-real-ip", values), None, "{values:?}");
        }
    }
}
