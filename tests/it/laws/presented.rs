//! What a request says of itself over HTTP: the key that is found is in every field that has one, and the client's address is
//! the last that no trusted proxy has, as a proxy that is trusted says.
//!
//! An input is lines: the peer's address (or anything else for a Unix socket), and then header fields.

use std::net::IpAddr;

use keyward::domain::address::{Network, read_address};
use keyward::domain::credential::{Presented, presented};
use keyward::domain::forwarded::{LIST, Peer, client};
use keyward::domain::percent::{decoded, encode, pairs};

/// Holds the reading of requests to its laws.
pub fn hold(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let peer = lines.next().unwrap_or_default();
    let fields: Vec<(String, &[u8])> = lines
        .map(|line| {
            let at = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
            let name = String::from_utf8_lossy(&line[..at]).to_ascii_lowercase();
            (name, line.get(at + 1..).unwrap_or_default())
        })
        .collect();
    of_keys(&fields);
    of_addresses(peer, &fields);
    of_escapes(&String::from_utf8_lossy(data));
}

/// The key of a field, worked out a second time; empty for another scheme's credential.
fn key_of(name: &str, value: &[u8]) -> Vec<u8> {
    let text: Vec<u8> = value.to_vec();
    let words: Vec<&[u8]> =
        text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect();
    let is_bearer = words.first().is_some_and(|word| word.eq_ignore_ascii_case(b"bearer"));
    match (name == "authorization", is_bearer) {
        (false, _) => value.trim_ascii().to_vec(),
        (true, false) => Vec::new(),
        (true, true) => value.trim_ascii()[6..].trim_ascii().to_vec(),
    }
}

fn of_keys(fields: &[(String, &[u8])]) {
    let given = || fields.iter().filter(|(_, value)| !value.trim_ascii().is_empty());
    let mut keys: Vec<Vec<u8>> = given().map(|(name, value)| key_of(name, value)).collect();
    let count = keys.len();
    keys.sort();
    keys.dedup();
    let found = presented(fields.iter().map(|(name, value)| (name.as_str(), *value)));
    let expected = match keys.as_slice() {
        [] => Presented::Nothing,
        [key] if key.is_empty() && count == 1 => Presented::Nothing,
        [key] if key.is_empty() => Presented::Ambiguous,
        [key] => match std::str::from_utf8(key) {
            Err(_) => Presented::Malformed,
            Ok(key) if key.contains([' ', '\t', ',']) => Presented::Ambiguous,
            Ok(key) => Presented::Key(key),
        },
        _ => Presented::Ambiguous,
    };
    assert_eq!(found, expected, "{fields:?}");
}

fn of_addresses(peer: &[u8], fields: &[(String, &[u8])]) {
    let trusted: [Network; 2] =
        ["10.0.0.0/8", "2001:db8::/32"].map(|text| text.parse().expect("a network"));
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.holds(address));
    let peer = std::str::from_utf8(peer).ok().and_then(|text| text.parse().ok());
    let peer = peer.map_or(Peer::Local, Peer::At);
    for name in [LIST, "x-real-ip"] {
        let values = || fields.iter().filter(|(field, _)| field == name).map(|(_, value)| *value);
        let found = client(peer, &trusted, name, values());
        if matches!(peer, Peer::At(address) if !is_trusted(address)) {
            assert_eq!(found, None, "a stranger was believed");
        }
        let Some(found) = found else { continue };
        let last = values().next_back().expect("it was found somewhere");
        let last = std::str::from_utf8(last).expect("it was read");
        let mut hops = last.split(',').map(|hop| read_address(hop.trim_matches([' ', '\t'])));
        if name == LIST {
            assert!(!is_trusted(found), "a proxy was taken for a client");
            let after = hops.by_ref().skip_while(|hop| *hop != Some(found)).skip(1);
            // The same address may stand in the list again, further to the front.
            let after: Vec<_> = after.collect();
            let rest = after.rsplit(|hop| *hop == Some(found)).next().unwrap_or_default();
            assert!(rest.iter().all(|hop| hop.is_some_and(is_trusted)), "{last}");
        } else {
            assert_eq!((values().count(), hops.next()), (1, Some(Some(found))), "{last}");
        }
    }
}

fn of_escapes(text: &str) {
    let mut encoded = String::new();
    encode(text, &mut encoded);
    assert!(encoded != "-" && encoded.bytes().all(|byte| byte.is_ascii_graphic()), "{encoded}");
    assert_eq!(decoded(&encoded), text);
    // What is read of a query has no more of it than there was.
    let read: usize =
        pairs(text).map(|(name, value)| name.chars().count() + value.chars().count()).sum();
    assert!(read <= text.chars().count(), "{text}");
}
