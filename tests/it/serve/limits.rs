//! What requests and connections may cost: sizes, times, numbers, and a limit over several processes.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::client::{Connection, Server, bearer, connect, get, send};
use crate::support::Sandbox;

#[test]
fn a_rate_is_exact_over_four_workers_of_two_processes() {
    let sandbox = Sandbox::new();
    let policy = "prefix = \"kw\"\nenvironments = [\"live\"]\n[plans.p]\nrate = \"100/hour\"\n";
    let policy = sandbox.file("policy.toml", policy);
    sandbox.workspace("acme", &["--policy", policy.to_str().expect("text"), "--plan", "p"]);
    let key = sandbox.mint("web");
    let servers = [(); 2].map(|()| Server::start(&sandbox, &["--workers", "4"]));
    let (passed, limited) = (AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        for nth in 0..8 {
            let place = &servers[nth % 2].places[0];
            let (key, passed, limited) = (&key, &passed, &limited);
            scope.spawn(move || {
                let mut connection = connect(place);
                let request = get("/v1/auth", &bearer(key));
                let mut left = 25;
                while left > 0 {
                    let response = connection.exchange(request.as_bytes()).expect("an answer");
                    match response.status {
                        200 => passed.fetch_add(1, Ordering::Relaxed),
                        429 => limited.fetch_add(1, Ordering::Relaxed),
                        // The store was busy for longer than a proxy waits: no verdict, and nothing spent.
                        503 => continue,
                        status => panic!("{status}"),
                    };
                    left -= 1;
                }
            });
        }
    });
    assert_eq!((passed.into_inner(), limited.into_inner()), (100, 100));
    servers.into_iter().for_each(|server| drop(server.end()));
}

#[test]
fn slow_clients_are_closed_in_time_and_idle_ones_are_let_be() {
    let sandbox = Sandbox::new();
    let key = sandbox.mint("web");
    let server = Server::start(&sandbox, &[]);
    let place = &server.places[0];
    let whole = get("/v1/auth", &bearer(&key));
    let half = &whole.as_bytes()[..20];
    let body = b"POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{";
    let slow: [(&str, &[u8]); 2] = [("half a head", half), ("half a body", body)];
    thread::scope(|scope| {
        for (what, begin) in slow {
            scope.spawn(move || {
                let mut connection = connect(place);
                connection.write_all(begin).expect("it reads");
                let begun = Instant::now();
                let mut rest = Vec::new();
                // Ended by the server, whatever it has said before.
                let _ = connection.read_to_end(&mut rest);
                let took = begun.elapsed().as_secs_f32();
                assert!((9.0..13.0).contains(&took), "{what}: closed after {took} s");
            });
        }
        scope.spawn(move || {
            let mut connection = connect(place);
            let begun = Instant::now();
            // A byte at a time does not begin the time again.
            while begun.elapsed() < Duration::from_secs(14) {
                if connection.write_all(b"G").is_err() {
                    break;
                }
                thread::sleep(Duration::from_millis(300));
            }
            let took = begun.elapsed().as_secs_f32();
            assert!((9.0..13.5).contains(&took), "dripping: closed after {took} s");
        });
        let whole = &whole;
        scope.spawn(move || {
            let mut connection = connect(place);
            assert_eq!(connection.exchange(whole.as_bytes()).expect("an answer").status, 200);
            thread::sleep(Duration::from_secs(13));
            let again = connection.exchange(whole.as_bytes()).expect("it is kept alive");
            assert_eq!(again.status, 200);
        });
    });
    server.end();
}

/// Sends requests without reading any answer, until it is closed.
fn flood(place: &str, request: &[u8]) {
    let mut stream = TcpStream::connect(place).expect("it listens");
    stream.set_write_timeout(Some(Duration::from_secs(60))).expect("possible");
    loop {
        if let Err(error) = stream.write_all(request) {
            // Otherwise the server has only stopped to read.
            assert_ne!(error.kind(), ErrorKind::WouldBlock, "it is still open");
            return;
        }
    }
}

#[test]
fn clients_that_send_or_read_slowly_are_all_closed_and_one_beside_them_is_answered_all_along() {
    let sandbox = Sandbox::new();
    let key = sandbox.mint("web");
    let unread = get("/v1/auth", &bearer(&sandbox.mint("unread")));
    let server = Server::start(&sandbox, &["--workers", "1"]);
    let place = &server.places[0];
    // As many as this process may have open.
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let wanted = limit.current.unwrap_or(u64::MAX).saturating_sub(200).min(1024);
    let request = get("/v1/auth", &bearer(&key));
    let body = send("POST", "/v1/verify", "", &" ".repeat(100));
    let mut idle: Vec<Connection> = (0..wanted / 2).map(|_| connect(place)).collect();
    let begun = |(nth, begin): (u64, &str)| {
        let mut connection = connect(place);
        let length = if nth % 2 == 0 { begin.len() / 2 } else { begin.len() - 1 };
        connection.write_all(&begin.as_bytes()[..length]).expect("it reads");
        connection
    };
    let slow: Vec<_> = (0..wanted / 4).zip([request.as_str(), &body].into_iter().cycle()).collect();
    let slow: Vec<Connection> = slow.into_iter().map(begun).collect();
    let stop = AtomicBool::new(false);
    let answered = thread::scope(|scope| {
        let beside = scope.spawn(|| {
            let mut connection = connect(place);
            let mut answered = 0;
            while !stop.load(Ordering::Relaxed) {
                let response = connection.exchange(request.as_bytes()).expect("an answer");
                assert_eq!(response.status, 200);
                answered += 1;
            }
            answered
        });
        let readers: Vec<_> =
            (0..8).map(|_| scope.spawn(|| flood(place, unread.as_bytes()))).collect();
        for mut connection in slow {
            // Ended by the server, whatever it has said before.
            let mut rest = Vec::new();
            if let Err(error) = connection.read_to_end(&mut rest) {
                assert_ne!(error.kind(), ErrorKind::WouldBlock, "it is still open");
            }
        }
        readers.into_iter().for_each(|reader| reader.join().expect("it was closed"));
        stop.store(true, Ordering::Relaxed);
        beside.join().expect("it was answered")
    });
    writeln!(std::io::stderr(), "{answered} answers beside them").expect("stderr");
    assert!(answered > 500, "only {answered} answers beside them");
    for connection in &mut idle {
        let response = connection.exchange(request.as_bytes()).expect("it was let be");
        assert_eq!(response.status, 200);
    }
    server.end();
    let usage = sandbox.keyward(["usage"]).answer();
    let used = usage["usage"].as_array().expect("an array").iter();
    let made = used.filter(|one| one["name"] == "unread").filter_map(|one| one["valid"].as_u64());
    let made = made.sum::<u64>();
    writeln!(std::io::stderr(), "{made} answers for 8 that read none").expect("stderr");
    assert!(made < 8 * 2500, "{made} answers for 8 that read none");
}

#[test]
fn when_connections_run_out_the_one_that_was_idle_longest_goes() {
    let sandbox = Sandbox::new();
    let key = sandbox.mint("web");
    // With 160 files, 32 are left for connections.
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "ulimit -n 160; exec \"$0\" serve \"$@\"", crate::support::KEYWARD]);
    command.args(["--listen", "127.0.0.1:0", "--workers", "1"]);
    let server = Server::spawn(&sandbox, command);
    let place = &server.places[0];
    let request = get("/v1/auth", &bearer(&key));
    let mut idle = Vec::new();
    for _ in 0..80 {
        let mut connection = connect(place);
        let response = connection.exchange(request.as_bytes()).expect("an answer");
        assert_eq!(response.status, 200);
        idle.push(connection);
    }
    assert!(idle[0].exchange(request.as_bytes()).is_none(), "the first was kept");
    let last = idle.last_mut().expect("there are some");
    assert_eq!(last.exchange(request.as_bytes()).expect("it was kept").status, 200);
    server.end();
}

#[test]
fn what_is_too_large_or_no_http_is_refused_and_the_connection_ends() {
    let sandbox = Sandbox::new();
    let key = sandbox.mint("web");
    let server = Server::start(&sandbox, &[]);
    let long = format!("X: {}\r\n", "x".repeat(20_000));
    let many: String = (0..200).map(|nth| format!("X-{nth}: 1\r\n")).collect();
    let own = bearer(&key);
    for (request, status) in [
        (get("/v1/auth", &(own.clone() + &long)), 431),
        (get("/v1/auth", &(own.clone() + &many)), 431),
        ("GET /v1/auth\r\n\r\n".to_owned(), 400),
        (format!("GET /v1/auth HTTP/1.1\r\nHost: x\r\nAuthorization : Bearer {key}\r\n\r\n"), 400),
        (get("/v1/auth", &(own.clone() + "Content-Length: 1\r\nContent-Length: 2\r\n")), 400),
        (get("/v1/auth", &(own.clone() + "Transfer-Encoding: gzip\r\n")), 400),
        (format!("CONNECT /v1/auth HTTP/1.1\r\nHost: x\r\n{own}\r\n"), 405),
    ] {
        let mut connection = connect(&server.places[0]);
        let response = connection.exchange(request.as_bytes());
        let response = response.expect("an answer");
        let code = if status == 405 { "method_not_allowed" } else { "bad_request" };
        assert_eq!(response.refusal(), (status, code), "{request:.80} {response:?}");
        assert_eq!(response.json()["error"], code, "{request:.80}");
        assert_eq!(response.field("cache-control"), "no-store");
        assert_eq!(response.field("content-type"), "application/json");
        if status != 405 {
            assert_eq!(response.field("connection"), "close");
            assert_eq!(connection.response().map(|other| other.head), None, "{request:.80}");
        }
    }
    // So is what follows a request.
    let mut connection = connect(&server.places[0]);
    let first = connection.exchange((get("/v1/auth", &own) + "GET /v1/auth\r\n\r\n").as_bytes());
    assert_eq!(first.expect("an answer").status, 200);
    assert_eq!(connection.response().expect("another").refusal(), (400, "bad_request"));
    // With both lengths, what follows is not read as a request.
    let both = "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n";
    let smuggled = format!(
        "POST /v1/auth HTTP/1.1\r\nHost: x\r\n{own}{both}\r\n0\r\n\r\n{}",
        get("/v1/auth", &own)
    );
    let mut connection = connect(&server.places[0]);
    let response = connection.exchange(smuggled.as_bytes()).expect("an answer");
    assert_eq!((response.status, response.field("connection")), (200, "close"));
    assert!(connection.response().is_none(), "a second request was read");
    // Requests one behind another are answered in their order.
    let mut connection = connect(&server.places[0]);
    let two = get("/v1/auth", &own) + &send("POST", "/v1/verify", "", "{\"key\":\"x\"}");
    let first = connection.exchange(two.as_bytes()).expect("an answer");
    let second = connection.response().expect("another");
    assert_eq!((first.body.as_str(), &second.json()["code"]), ("", &"malformed".into()));
    server.end();
}

#[test]
fn what_is_no_http_is_refused_in_the_form_that_every_refusal_has() {
    let sandbox = Sandbox::new();
    sandbox.mint("web");
    let long = get("/v1/auth", &format!("X: {}\r\n", "x".repeat(20_000)));
    for (errors, body, kind) in [
        ("problem+json", "status", "application/problem+json"),
        ("amazonscraperapi", "error", "application/json"),
    ] {
        let server = Server::start(&sandbox, &["--errors", errors]);
        for (request, status) in [("no http\r\n\r\n", 400), (&long, 431)] {
            let response = server.ask(request);
            assert_eq!(response.refusal(), (status, "bad_request"));
            assert_eq!(response.field("content-type"), kind);
            let expected = if body == "status" { status.into() } else { "bad_request".into() };
            assert_eq!(response.json()[body], Value::clone(&expected), "{response:?}");
        }
        server.end();
    }
}
