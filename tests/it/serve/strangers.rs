//! Callers of the management side that are refused again and again, and what a client is told that asks for problem details.

use serde_json::json;

use super::client::{Server, ask, bearer, connect_from, get, path_of, send, socket, token_file};
use crate::support::{Sandbox, fields};

/// Asks from an address of this machine, and says the status, the code and in how many seconds to ask again.
fn asked(server: &Server, source: &str, target: &str, key: &str) -> (u16, String, String) {
    let place = server.places[0].parse().expect("an address");
    let request = get(target, &bearer(key));
    let response = connect_from(source, place).exchange(request.as_bytes()).expect("an answer");
    let code = response.field("x-keyward-code").to_owned();
    (response.status, code, response.field("retry-after").to_owned())
}

#[test]
fn twenty_refused_callers_a_minute_are_enough_for_an_address() {
    let sandbox = Sandbox::new();
    sandbox.workspace("customer", &["--preset", "scrapewise"]);
    let reader = sandbox.mint_with("reader", &["--scope", "LLM_READ"]);
    let (file, token) = token_file(&sandbox, "ci.token");
    let flags = ["--manage", "127.0.0.1:0", "--operator-token-file", path_of(&file)];
    let server = Server::run(&sandbox, &[&flags[..], &["--routes", "scrapewise"]].concat());
    // What a key may not do is no reason to listen to it no more.
    for _ in 0..30 {
        let status = asked(&server, "127.0.0.5", "/metrics", &reader).0;
        assert_eq!(status, 403);
    }
    for nth in 0..20 {
        let target = ["/v1/whoami", "/v1/keys", "/api/key/list"][nth % 3];
        let (status, code, _) = asked(&server, "127.0.0.5", target, "x");
        assert_eq!((status, code.as_str()), (401, "malformed"), "{nth}");
    }
    // Nobody from there is listened to, and everybody else is.
    for key in ["x", &reader, &token] {
        let (status, code, seconds) = asked(&server, "127.0.0.5", "/v1/whoami", key);
        assert_eq!((status, code.as_str()), (429, "rate_limited"));
        let seconds: u64 = seconds.parse().expect("seconds");
        assert!((1..=3).contains(&seconds), "{seconds}");
    }
    let place = server.places[0].parse().expect("an address");
    let request = get("/api/key/list", &bearer("x"));
    let told = connect_from("127.0.0.5", place).exchange(request.as_bytes()).expect("an answer");
    assert_eq!(told.body, "{\"error\":\"rate_limited\"}");
    assert_eq!(asked(&server, "127.0.0.5", "/readyz", "x").0, 200);
    assert_eq!(asked(&server, "127.0.0.1", "/v1/whoami", &token).0, 200);
    server.end();
}

#[test]
fn behind_a_proxy_each_client_has_its_own_refusals_and_on_a_unix_socket_nobody_has() {
    let sandbox = Sandbox::new();
    sandbox.mint("web");
    let (file, token) = token_file(&sandbox, "ci.token");
    let known = ["--trust-proxy", "127.0.0.1", "--client-ip-from", "X-Real-Ip"];
    let own = ["--manage", "127.0.0.1:0", "--operator-token-file", path_of(&file)];
    let server = Server::run(&sandbox, &[&own[..], &known].concat());
    let from = |address: &str, key: &str| {
        let fields = bearer(key) + &format!("X-Real-Ip: {address}\r\n");
        server.ask(&get("/v1/whoami", &fields)).status
    };
    for _ in 0..20 {
        assert_eq!(from("192.0.2.1", "x"), 401);
    }
    assert_eq!((from("192.0.2.1", &token), from("192.0.2.2", &token)), (429, 200));
    server.end();
    let place = socket(&sandbox, "admin.sock");
    let server = Server::run(&sandbox, &["--manage", &place]);
    for _ in 0..30 {
        assert_eq!(server.ask(&get("/v1/whoami", &bearer("x"))).status, 401);
    }
    assert_eq!(server.ask(&get("/v1/whoami", "")).status, 200);
    server.end();
}

#[test]
fn a_client_that_asks_for_problem_details_gets_them() {
    let sandbox = Sandbox::new();
    let key = sandbox.mint("web");
    let (file, token) = token_file(&sandbox, "ci.token");
    let own = ["--operator-token-file", path_of(&file), "--manage", "127.0.0.1:0"];
    let server = Server::start(&sandbox, &own);
    let (verify, manage) = (&server.places[0], &server.places[1]);
    let accept = "Accept: text/html, Application/Problem+JSON;q=0.9\r\n";
    let wish = |fields: String| fields + accept;
    let message = "no key was presented; send Authorization: Bearer KEY";
    let response = ask(verify, get("/v1/auth", accept).as_bytes());
    assert_eq!(response.field("content-type"), "application/problem+json");
    let expected = json!({
        "type": "about:blank", "title": "Unauthorized", "status": 401, "detail": message,
        "code": "unauthorized",
    });
    assert_eq!((response.status, response.json()), (401, expected));
    for (place, request, status, code) in [
        (verify, get("/v1/auth?environment=test", &wish(bearer(&key))), 403, "wrong_environment"),
        (verify, send("POST", "/v1/verify", accept, "x"), 400, "bad_request"),
        (verify, send("POST", "/v1/introspect", accept, ""), 401, "unauthorized"),
        (verify, get("/nowhere", accept), 404, "not_found"),
        (manage, get("/nowhere", &wish(bearer(&token))), 404, "not_found"),
        (manage, get("/v1/keys/key_0123456789abcdef", &wish(bearer(&token))), 404, "key_not_found"),
        (manage, get("/v1/keys", &wish(bearer("x"))), 401, "malformed"),
    ] {
        let response = ask(place, request.as_bytes());
        assert_eq!(response.refusal(), (status, code), "{request}");
        assert_eq!(response.field("content-type"), "application/problem+json", "{request}");
        let body = response.json();
        assert_eq!(fields(&body), ["code", "detail", "status", "title", "type"]);
        assert_eq!((&body["status"], &body["code"]), (&json!(status), &json!(code)));
    }
    // Whoever does not ask gets what they always get.
    let plain = ask(verify, get("/v1/auth", "Accept: */*\r\n").as_bytes());
    assert_eq!(plain.field("content-type"), "application/json");
    assert_eq!(fields(&plain.json()), ["error", "message"]);
    server.end();
    // Of a documented system nobody expects anything else than its page has.
    let server = Server::start(&sandbox, &["--errors", "amazonscraperapi"]);
    assert_eq!(server.ask(&get("/v1/auth", accept)).body, r#"{"error":"unauthorized"}"#);
    server.end();
    let server = Server::start(&sandbox, &["--errors", "problem+json"]);
    assert_eq!(server.ask(&get("/v1/auth", "")).json()["code"], "unauthorized");
    server.end();
}

#[test]
fn a_path_that_exists_says_which_methods_it_has() {
    let sandbox = Sandbox::new();
    sandbox.mint("web");
    let place = socket(&sandbox, "admin.sock");
    let server = Server::run(&sandbox, &["--manage", &place, "--routes", "scrapewise"]);
    for (method, target, allowed) in [
        ("PUT", "/v1/keys", &["GET", "POST"][..]),
        ("POST", "/v1/keys/key_0123456789abcdef", &["GET", "PATCH", "DELETE"]),
        ("DELETE", "/v1/keys:activate", &["POST"]),
        ("POST", "/api/key/generate", &["PUT"]),
        ("GET", "/api/key/key_0123456789abcdef", &["DELETE"]),
    ] {
        let response = server.ask(&send(method, target, "", ""));
        assert_eq!(response.refusal(), (405, "method_not_allowed"), "{method} {target}");
        assert_eq!(response.all("allow"), allowed, "{method} {target}");
    }
    assert_eq!(server.ask(&get("/v1/workspaces", "")).refusal(), (404, "not_found"));
    server.end();
}
