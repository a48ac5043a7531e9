//! Where a client comes from, as proxies say it and as clients would have it.

use super::client::{Server, ask, bearer, get, socket};
use crate::support::Sandbox;

#[test]
fn a_clients_address_is_known_only_by_a_trusted_peers_word() {
    let sandbox = Sandbox::new();
    let key = sandbox.mint_with("web", &["--allow", "203.0.113.0/24"]);
    let (inside, outside) = ("203.0.113.7", "198.51.100.1");
    let lan = ["--trust-proxy", "127.0.0.0/8", "--client-ip-from"];
    let other = ["--trust-proxy", "192.0.2.1", "--client-ip-from"];
    let list = |flags: [&'static str; 3]| [&flags[..], &["X-Forwarded-For"]].concat();
    let single = |flags: [&'static str; 3]| [&flags[..], &["X-Real-Ip"]].concat();
    for (flags, fields, status) in [
        // Nobody was told whom to believe, or where to look.
        (vec![], format!("X-Forwarded-For: {inside}\r\nX-Real-Ip: {inside}\r\n"), 403),
        (list(other), format!("X-Forwarded-For: {inside}\r\n"), 403),
        (list(lan), format!("X-Forwarded-For: {inside}\r\n"), 200),
        (list(lan), format!("X-Forwarded-For: {outside}\r\n"), 403),
        // The client's own words stand before what the proxy adds.
        (list(lan), format!("X-Forwarded-For: {inside}, {outside}\r\n"), 403),
        (list(lan), format!("X-Forwarded-For: {inside}\r\nX-Forwarded-For: {outside}\r\n"), 403),
        (list(lan), format!("X-Forwarded-For: {outside}, {inside}, 127.0.0.9\r\n"), 200),
        (list(lan), format!("X-Real-Ip: {inside}\r\nForwarded: for={inside}\r\n"), 403),
        (list(lan), "X-Forwarded-For: unknown\r\n".to_owned(), 403),
        (list(lan), "X-Forwarded-For: 127.0.0.1\r\n".to_owned(), 403),
        (single(lan), format!("X-Real-Ip: {inside}\r\n"), 200),
        (single(lan), format!("X-Real-Ip: {inside}:443\r\n"), 200),
        (single(lan), format!("X-Real-Ip: {outside}\r\nX-Forwarded-For: {inside}\r\n"), 403),
        (single(lan), format!("X-Real-Ip: {inside}\r\nX-Real-Ip: {inside}\r\n"), 403),
        (single(lan), format!("X-Real-Ip: {inside}, {inside}\r\n"), 403),
    ] {
        let server = Server::start(&sandbox, &flags);
        let response = server.ask(&get("/v1/auth", &(bearer(&key) + &fields)));
        let expected = if status == 200 { (200, "") } else { (403, "ip_denied") };
        assert_eq!(response.refusal(), expected, "{flags:?} {fields}");
    }
}

#[test]
fn a_peer_on_the_unix_socket_is_believed_and_a_key_without_a_list_needs_no_address() {
    let sandbox = Sandbox::new();
    let key = sandbox.mint_with("web", &["--allow", "203.0.113.0/24"]);
    let open = sandbox.mint("open");
    let place = socket(&sandbox, "auth.sock");
    let server = Server::run(&sandbox, &["--listen", &place, "--client-ip-from", "x-real-ip"]);
    let asked = |key: &str, fields: &str| {
        ask(&server.places[0], get("/v1/auth", &(bearer(key) + fields)).as_bytes()).status
    };
    assert_eq!(asked(&key, "X-Real-Ip: 203.0.113.7\r\n"), 200);
    assert_eq!(asked(&key, "X-Real-Ip: 198.51.100.7\r\n"), 403);
    assert_eq!(asked(&key, ""), 403);
    assert_eq!(asked(&open, ""), 200);
    assert_eq!(asked(&open, "X-Real-Ip: nonsense\r\n"), 200);
    server.end();
}

#[test]
fn the_header_forwarded_is_not_read() {
    let sandbox = Sandbox::new();
    sandbox.mint("web");
    let flags = ["serve", "--listen", "127.0.0.1:0", "--client-ip-from", "Forwarded"];
    sandbox.refuses(&flags, 2, "usage");
}
