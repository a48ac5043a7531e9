//! A secret in a response: a client or a server that is gone at any moment leaves no live key without a holder.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::client::{Connection, Server, bearer, connect, path_of, send, socket, token_file};
use crate::support::{Sandbox, is_thorough, text};

/// What a key of this name is in the end, when its delivery is over. One that became live and is to be ended again may still
/// be live for a moment.
fn fate(sandbox: &Sandbox, name: &str, may_live: bool) -> String {
    let begun = Instant::now();
    loop {
        let keys = sandbox.keyward(["list", "--all", "--name", name]).answer();
        let found = keys["keys"].as_array().and_then(|keys| keys.first().cloned());
        let status = found.map_or_else(|| "none".to_owned(), |key| text(&key, "status"));
        let is_over = match status.as_str() {
            "pending" => false,
            "active" => may_live,
            _ => true,
        };
        if is_over || begun.elapsed() > Duration::from_secs(3) {
            return status;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Reads this many bytes, goes, and returns everything that has come until then. On a Unix socket going is one step: what is
/// sent later cannot be written. On TCP, the system may take a byte over between the last look and the close.
fn read_and_go(mut connection: Connection, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    let mut read = 0;
    while read < length {
        match connection.read(&mut bytes[read..]) {
            Ok(0) | Err(_) => break,
            Ok(more) => read += more,
        }
    }
    bytes.truncate(read);
    match &connection {
        Connection::Tcp(stream) => stream.set_nonblocking(true),
        Connection::Unix(stream) => stream.shutdown(Shutdown::Read),
    }
    .expect("possible");
    // Nothing more may have come.
    let _ = connection.read_to_end(&mut bytes);
    bytes
}

#[test]
fn a_client_that_goes_at_any_byte_leaves_no_live_key_that_it_has_not_got() {
    let sandbox = Sandbox::new();
    sandbox.mint("web");
    let (file, token) = token_file(&sandbox, "ci");
    let place = socket(&sandbox, "admin.sock");
    let flags = ["--manage", "127.0.0.1:0", "--operator-token-file", path_of(&file)];
    let server = Server::run(&sandbox, &flags);
    let unix = Server::run(&sandbox, &["--manage", &place]);
    let step = if is_thorough() { 1 } else { 53 };
    for (is_local, server, fields) in
        [(false, &server, bearer(&token)), (true, &unix, String::new())]
    {
        let mint = |name: &str| {
            let request = send("POST", "/v1/keys", &fields, &format!("{{\"name\":\"{name}\"}}"));
            let mut connection = connect(&server.places[0]);
            connection.write_all(request.as_bytes()).expect("it reads");
            connection
        };
        let front = if is_local { "u" } else { "t" };
        let response = mint(&format!("{front}0000")).response().expect("an answer");
        let length = response.head.len() + response.body.len();
        let points = (0..length).step_by(step).chain(length - 2..=length);
        let mut ended = 0;
        for (nth, point) in points.enumerate() {
            let name = format!("{front}{:04}", nth + 1);
            let has_all = read_and_go(mint(&name), point).len() == length;
            let status = fate(&sandbox, &name, has_all || !is_local);
            match (has_all, status.as_str()) {
                (true, "active") => {}
                (false, "none" | "revoked") => ended += 1,
                // The system has acknowledged the last byte.
                (false, "active") if !is_local => {}
                other => panic!("gone at {point} of {length}: {other:?}"),
            }
            assert!(has_all || point < length, "{point} of {length}");
        }
        assert!(ended > 0, "nobody went before the end");
    }
    server.end();
    unix.end();
    // What was void has released its name, and the trail is whole.
    sandbox.keyward(["store", "check"]).ok();
    sandbox.keyward(["audit", "verify"]).ok();
}

/// Sends a request on a Unix socket that takes no answer.
fn send_and_go(place: &str, request: &str) {
    let path = place.strip_prefix("unix:").expect("a path");
    let mut stream = UnixStream::connect(path).expect("it listens");
    stream.shutdown(Shutdown::Read).expect("possible");
    stream.write_all(request.as_bytes()).expect("it reads");
    // Until the server has closed its end.
    let begun = Instant::now();
    while stream.write_all(b"\r\n").is_ok() && begun.elapsed() < Duration::from_secs(3) {
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn an_answer_that_nobody_takes_leaves_a_void_key() {
    let sandbox = Sandbox::new();
    sandbox.mint("web");
    let place = socket(&sandbox, "admin.sock");
    let server = Server::run(&sandbox, &["--manage", &place]);
    for nth in 0..4 {
        let name = format!("n{nth}");
        send_and_go(&place, &send("POST", "/v1/keys", "", &format!("{{\"name\":\"{name}\"}}")));
        assert_eq!(fate(&sandbox, &name, false), "revoked", "{name}");
    }
    let shown = sandbox.keyward(["list", "--all", "--name", "n0"]).answer();
    assert_eq!(shown["keys"][0]["revokedReason"], "undelivered");
    server.end();
}

#[test]
fn a_repeated_request_after_a_broken_answer_gets_another_secret_that_works() {
    let sandbox = Sandbox::new();
    sandbox.mint("web");
    let place = socket(&sandbox, "admin.sock");
    let server = Server::run(&sandbox, &["--manage", &place]);
    let fields = "Idempotency-Key: once\r\n";
    let request = send("POST", "/v1/keys", fields, "{\"name\":\"job\"}");
    send_and_go(&place, &request);
    assert_eq!(fate(&sandbox, "job", false), "revoked");
    let response = connect(&place).exchange(request.as_bytes()).expect("an answer");
    assert_eq!(response.status, 201, "{response:?}");
    sandbox.verdict(&text(&response.json(), "key"), &[], 0, "valid");
    server.end();
}

#[test]
fn a_server_that_is_killed_leaves_no_live_key_whose_holder_lacks_more_than_a_byte() {
    let sandbox = Sandbox::new();
    sandbox.mint("web");
    let place = socket(&sandbox, "admin.sock");
    let rounds = if is_thorough() { 200 } else { 16 };
    let mut fates = Vec::new();
    for nth in 0..rounds {
        let name = format!("n{nth:03}");
        let mut server = Server::run(&sandbox, &["--manage", &place]);
        let mut connection = connect(&place);
        let request = send("POST", "/v1/keys", "", &format!("{{\"name\":\"{name}\"}}"));
        connection.write_all(request.as_bytes()).expect("it reads");
        thread::sleep(Duration::from_micros(700 * nth % 12_000));
        server.child.kill().expect("it runs");
        let got = read_and_go(connection, 1 << 20);
        let keys = sandbox.keyward(["list", "--all", "--name", &name]).answer();
        let keys = keys["keys"].as_array().expect("an array");
        let status = keys.first().map_or_else(|| "none".to_owned(), |key| text(key, "status"));
        let body = String::from_utf8(got).expect("text");
        let body = body.split_once("\r\n\r\n").map_or("", |(_, body)| body).to_owned();
        if status == "active" {
            let body = body.trim_end_matches('}').to_owned() + "}";
            let whole: Value = serde_json::from_str(&body).unwrap_or_else(|_| panic!("{body}"));
            sandbox.verdict(&text(&whole, "key"), &[], 0, "valid");
        } else {
            assert!(!body.ends_with('}'), "a whole answer for a key that is {status}");
        }
        fates.push(status);
    }
    assert!(fates.iter().any(|fate| fate != "active"), "{fates:?}");
}
