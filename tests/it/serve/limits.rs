//! What requests and connections may cost: sizes, times, numbers, and a limit over several processes.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

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

#[test]
fn a_client_beside_a_thousand_idle_connections_is_answered() {
    let sandbox = Sandbox::new();
    let key = sandbox.mint("web");
    let server = Server::start(&sandbox, &[]);
    let place = &server.places[0];
    // As many as this process may have open.
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let wanted = limit.current.unwrap_or(u64::MAX).saturating_sub(200).min(1024);
    let idle: Vec<Connection> = (0..wanted).map(|_| connect(place)).collect();
    let request = get("/v1/auth", &bearer(&key));
    let mut connection = connect(place);
    let begun = Instant::now();
    for _ in 0..200 {
        let response = connection.exchange(request.as_bytes()).expect("an answer");
        assert_eq!(response.status, 200);
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    drop(idle);
    server.end();
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
        let status_of = response.as_ref().map(|response| response.status);
        assert_eq!(status_of, Some(status), "{request:.80} {response:?}");
    }
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
