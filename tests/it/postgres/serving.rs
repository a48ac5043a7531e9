//! `keyward serve` in front of a store on a server: what it says over HTTP is what it says with a file.

use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::sandbox;
use crate::serve::client::{
    Connection, Server, ask, bearer, connect, get, path_of, send, socket, token_file,
};
use crate::support::server::Server as Database;
use crate::support::{Sandbox, is_thorough, text};

#[test]
fn it_judges_introspects_and_manages() {
    let Some(sandbox) = sandbox() else { return };
    let key = sandbox.mint_with("web", &["--owner", "a b"]);
    let inside = sandbox.mint_with("inside", &["--allow", "10.0.0.0/8"]);
    let (file, token) = token_file(&sandbox, "ci.token");
    let place = socket(&sandbox, "auth.sock");
    let managed = ["--manage", "127.0.0.1:0", "--operator-token-file", path_of(&file)];
    let server = Server::start(&sandbox, &[&["--listen", &place][..], &managed].concat());
    let [tcp, unix, manage] = server.places.as_slice() else { panic!("{:?}", server.places) };
    let ready = ask(tcp, get("/readyz", "").as_bytes());
    assert_eq!(ready.json(), json!({ "ready": true, "recording": true }));
    for _ in 0..3 {
        let passed = ask(tcp, get("/v1/auth", &bearer(&key)).as_bytes());
        assert_eq!((passed.status, passed.field("x-keyward-owner")), (200, "a%20b"), "{passed:?}");
    }
    assert_eq!(server.auth(&inside).refusal(), (403, "ip_denied"));
    assert_eq!(server.auth("x").refusal(), (401, "malformed"));
    let in_url = get(&format!("/v1/auth/?k={inside}"), &bearer(&key));
    assert_eq!(server.ask(&in_url).refusal(), (401, "key_in_url"));
    let many = json!([{ "key": key }, { "key": inside, "ip": "10.0.0.1" }, { "key": "x" }]);
    let many = server.ask(&send("POST", "/v1/verify", "", &many.to_string())).json();
    let codes: Vec<_> = many.as_array().expect("an array").iter().map(|one| &one["code"]).collect();
    assert_eq!(codes, ["valid", "valid", "malformed"]);
    let form = send("POST", "/v1/introspect", "", &format!("token={key}"));
    assert_eq!(ask(unix, form.as_bytes()).json()["active"], true);

    let fields = bearer(&token);
    let call = |method: &str, target: &str, body: &str| {
        ask(manage, send(method, target, &fields, body).as_bytes())
    };
    let minted = call("POST", "/v1/keys", "{\"name\":\"job\"}");
    assert_eq!(minted.status, 201, "{minted:?}");
    let secret = text(&minted.json(), "key");
    assert_eq!(server.auth(&secret).status, 200);
    let target = format!("/v1/keys/{}", text(&minted.json(), "id"));
    let rotated = call("POST", &format!("{target}:rotate"), "{\"now\":true}");
    assert_eq!(rotated.status, 201, "{rotated:?}");
    assert_eq!(server.auth(&secret).refusal(), (401, "revoked"));
    let replacement = text(&rotated.json(), "key");
    assert_eq!(server.auth(&replacement).status, 200);
    let listed = call("GET", "/v1/keys", "").json();
    assert_eq!(listed["keys"].as_array().map(Vec::len), Some(3), "{listed}");
    assert_eq!(call("GET", "/metrics", "").status, 200);
    let target = format!("/v1/keys/{}", text(&rotated.json(), "id"));
    assert_eq!(call("DELETE", &target, "").status, 200);
    assert_eq!(server.auth(&replacement).refusal(), (401, "revoked"));
    server.end();
    let usage = sandbox.keyward(["usage"]).answer();
    let web = usage["usage"].as_array().expect("an array").iter().find(|one| one["name"] == "web");
    assert_eq!(web.expect("it was used")["valid"], 4, "{usage}");
    sandbox.keyward(["store", "check"]).ok();
}

#[test]
fn after_revoke_has_returned_elsewhere_nothing_passes() {
    let Some(sandbox) = sandbox() else { return };
    let rounds = if is_thorough() { 200 } else { 8 };
    let keys: Vec<String> = (0..rounds).map(|nth| sandbox.mint(&format!("k{nth}"))).collect();
    let servers = [(); 2].map(|()| Server::start(&sandbox, &["--workers", "2"]));
    let asked = AtomicU64::new(0);
    for (nth, key) in keys.iter().enumerate() {
        let (revoked, stop) = (AtomicBool::new(false), AtomicBool::new(false));
        thread::scope(|scope| {
            let (revoked, stop, asked) = (&revoked, &stop, &asked);
            for at in 0..4 {
                let place = &servers[at % 2].places[0];
                scope.spawn(move || {
                    let mut connection = connect(place);
                    let request = get("/v1/auth", &bearer(key));
                    while !stop.load(Ordering::SeqCst) {
                        let was_revoked = revoked.load(Ordering::SeqCst);
                        let response = connection.exchange(request.as_bytes()).expect("an answer");
                        let expected: &[u16] = if was_revoked { &[401] } else { &[200, 401] };
                        assert!(expected.contains(&response.status), "{nth}: {response:?}");
                        asked.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            thread::sleep(Duration::from_millis(5));
            sandbox.keyward(["revoke", &format!("k{nth}"), "--yes"]).ok();
            revoked.store(true, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(10));
            stop.store(true, Ordering::SeqCst);
        });
    }
    assert!(asked.into_inner() > 4 * rounds, "nobody asked");
    servers.into_iter().for_each(|server| drop(server.end()));
}

#[test]
fn a_rate_is_exact_over_two_services() {
    let Some(sandbox) = sandbox() else { return };
    let policy = "prefix = \"kw\"\nenvironments = [\"live\"]\n[plans.p]\nrate = \"50/hour\"\n";
    let policy = sandbox.file("policy.toml", policy);
    sandbox.workspace("acme", &["--policy", path_of(&policy), "--plan", "p"]);
    let key = sandbox.mint("web");
    let servers = [(); 2].map(|()| Server::start(&sandbox, &["--workers", "2"]));
    let passed = AtomicU64::new(0);
    thread::scope(|scope| {
        for nth in 0..4 {
            let (place, key, passed) = (&servers[nth % 2].places[0], &key, &passed);
            scope.spawn(move || {
                let mut connection = connect(place);
                let request = get("/v1/auth", &bearer(key));
                let mut left = 25;
                while left > 0 {
                    let response = connection.exchange(request.as_bytes()).expect("an answer");
                    match response.status {
                        200 => drop(passed.fetch_add(1, Ordering::Relaxed)),
                        429 => {}
                        // Busy: no verdict, and nothing spent.
                        503 => continue,
                        status => panic!("{status}: {response:?}"),
                    }
                    left -= 1;
                }
            });
        }
    });
    assert_eq!(passed.into_inner(), 50);
    servers.into_iter().for_each(|server| drop(server.end()));
}

#[test]
fn without_its_server_nothing_passes_and_with_it_everything_is_as_before() {
    let Some(database) = Database::start("") else { return };
    let sandbox = Sandbox::on_server(&database);
    let key = sandbox.mint("web");
    let server = Server::start(&sandbox, &["--workers", "1"]);
    assert_eq!(server.auth(&key).status, 200);
    database.cut_all();
    let begun = Instant::now();
    while server.auth(&key).status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", server.auth(&key));
    }
    database.kill();
    let refused = server.auth(&key);
    assert_eq!(refused.refusal(), (503, "io"), "{refused:?}");
    assert_eq!(refused.field("retry-after"), "1");
    assert_eq!(server.ask(&get("/readyz", "")).status, 503);
    assert_eq!(server.ask(&get("/healthz", "")).status, 200);
    database.restart();
    let begun = Instant::now();
    while server.auth(&key).status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", server.auth(&key));
    }
    server.end();
}

#[test]
fn while_its_server_is_silent_what_needs_no_store_is_answered() {
    let Some(database) = Database::start("") else { return };
    let sandbox = Sandbox::on_server(&database);
    let key = sandbox.mint("web");
    let manage = socket(&sandbox, "admin.sock");
    let server = Server::start(&sandbox, &["--workers", "1", "--manage", &manage]);
    assert_eq!(server.auth(&key).status, 200);
    let paused = database.pause();
    let mut waiting = connect(&server.places[0]);
    waiting.write_all(get("/v1/auth", &bearer(&key)).as_bytes()).expect("it reads");
    for (target, status) in [("/healthz", 200), ("/v1/auth", 401), ("/other", 404)] {
        assert_eq!(server.ask(&get(target, "")).status, status, "{target}");
    }
    // All of that came before this could be answered, or refused.
    let Connection::Tcp(stream) = &mut waiting else { panic!("an address") };
    stream.set_nonblocking(true).expect("possible");
    let answered = stream.peek(&mut [0]).expect_err("it is still asked");
    assert_eq!(answered.kind(), ErrorKind::WouldBlock);
    stream.set_nonblocking(false).expect("possible");
    let metrics = ask(&manage, get("/metrics", "").as_bytes());
    assert_eq!(metrics.status, 200, "{metrics:?}");
    assert!(metrics.body.contains("\nkeyward_recording 0\n"), "{metrics:?}");
    assert_eq!(server.ask(&get("/readyz", "")).status, 503);
    assert_eq!(waiting.response().expect("an answer").refusal(), (503, "io"));
    drop(paused);
    let begun = Instant::now();
    while server.auth(&key).status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", server.auth(&key));
    }
    server.end();
}
