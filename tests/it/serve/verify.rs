//! `/v1/verify`, `/v1/introspect` and the health of the service.

use std::fs;

use serde_json::{Value, json};

use super::client::{Server, ask, bearer, get, path_of, send, socket, token_file};
use crate::support::Sandbox;

fn post(server: &Server, body: &Value) -> Value {
    let response = server.ask(&send("POST", "/v1/verify", "", &body.to_string()));
    assert_eq!(response.status, 200, "{response:?}");
    response.json()
}

#[test]
fn verdicts_are_those_of_the_stream() {
    let sandbox = Sandbox::new();
    let key = sandbox.mint_with("web", &["--allow", "10.0.0.0/8"]);
    let server = Server::start(&sandbox, &[]);
    let request = json!({ "key": key, "id": [1], "environment": "live", "ip": "10.1.2.3" });
    let mut verdict = post(&server, &request);
    let output = sandbox.keyward(["verify", "--stream"]).stdin(format!("{request}\n")).ok();
    let mut expected = output.json();
    for verdict in [&mut verdict, &mut expected] {
        assert_eq!((&verdict["code"], &verdict["id"]), (&json!("valid"), &json!([1])));
        verdict["subject"]["lastUsedAt"] = Value::Null;
    }
    assert_eq!(verdict, expected);
    assert_eq!(post(&server, &json!({ "key": key }))["code"], "ip_denied");
    let many =
        post(&server, &json!([{ "key": "x", "id": "a" }, { "key": key, "ip": "10.0.0.1" }, 7]));
    let codes: Vec<_> = many.as_array().expect("an array").iter().map(|one| &one["code"]).collect();
    assert_eq!(codes, ["malformed", "valid", "bad_request"]);
    assert_eq!(many[0]["id"], "a");
    server.end();
}

#[test]
fn verdicts_are_counted_whichever_route_gives_them() {
    let sandbox = Sandbox::new();
    let key = sandbox.mint("web");
    let place = socket(&sandbox, "admin.sock");
    let server = Server::start(&sandbox, &["--manage", &place, "--workers", "1"]);
    post(&server, &json!([{ "key": key }, { "key": "x" }, { "key": key }]));
    assert_eq!(server.auth(&key).status, 200);
    let metrics = ask(&place, get("/metrics", "").as_bytes()).body;
    for line in [
        "keyward_verdicts_total{code=\"valid\"} 3",
        "keyward_verdicts_total{code=\"malformed\"} 1",
        "keyward_verify_seconds_count 4",
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
    server.end();
}

#[test]
fn what_is_no_request_is_a_bad_request() {
    let sandbox = Sandbox::new();
    let key = sandbox.mint("web");
    let server = Server::start(&sandbox, &[]);
    let thousand = format!("[{}]", vec!["{\"key\":\"x\"}"; 1000].join(","));
    assert_eq!(server.ask(&send("POST", "/v1/verify", "", &thousand)).status, 200);
    let more = format!("[{}]", vec!["1"; 1001].join(","));
    let long = json!({ "key": "x".repeat(70_000) }).to_string();
    let longer = format!("[{}]", "1,".repeat(600_000));
    for (body, status) in [
        ("", 400),
        ("x", 400),
        (&format!("{{\"key\":\"{key}\",\"typo\":1}}"), 400),
        ("[1", 400),
        (&more, 413),
        (&long, 413),
        (&longer, 413),
    ] {
        let response = server.ask(&send("POST", "/v1/verify", "", body));
        assert_eq!(response.refusal(), (status, "bad_request"));
        assert!(!response.body.contains(&key));
    }
    let response = server.ask(&get("/v1/verify", ""));
    assert_eq!((response.status, response.field("allow")), (405, "POST"));
    server.end();
}

#[test]
fn introspection_counts_nothing_and_says_nothing_of_what_is_not_active() {
    let sandbox = Sandbox::new();
    sandbox.workspace("audio", &["--preset", "audioscrape"]);
    let key = sandbox.mint_with("web", &["--expires", "2099-01-01"]);
    let inside = sandbox.mint_with("inside", &["--allow", "127.0.0.0/8"]);
    let revoked = sandbox.mint("revoked");
    sandbox.keyward(["revoke", "revoked", "--yes"]).ok();
    let place = socket(&sandbox, "auth.sock");
    let (file, token) = token_file(&sandbox, "client.token");
    let flags = ["--listen", &place, "--client-token-file", path_of(&file)];
    let server = Server::start(&sandbox, &flags);
    let asked = |place: &str, fields: &str, token: &str| {
        let body = format!("token_type_hint=x&token={token}");
        ask(place, send("POST", "/v1/introspect", fields, &body).as_bytes())
    };
    let [tcp, unix] = server.places.as_slice() else { panic!("{:?}", server.places) };
    for _ in 0..15 {
        // More often than the rate allows.
        let active = asked(unix, "", &key).json();
        assert_eq!(active["active"], true);
    }
    let active = asked(unix, "", &key).json();
    let id = sandbox.id_of("web");
    assert_eq!(active["client_id"], id);
    assert_eq!((&active["sub"], &active["username"]), (&json!("audio"), &json!("web")));
    assert_eq!(
        (&active["token_type"], &active["exp"]),
        (&json!("Bearer"), &json!(4_070_908_800_i64))
    );
    for token in [inside.as_str(), &revoked, "x", ""] {
        assert_eq!(asked(unix, "", token).body, "{\"active\":false}\n", "{token}");
    }
    // None of it was a use, and a limited key is active.
    for status in [200; 10].into_iter().chain([429]) {
        assert_eq!(ask(unix, get("/v1/auth", &bearer(&key)).as_bytes()).status, status);
    }
    assert_eq!(asked(unix, "", &key).json()["active"], true);
    // On an address, the client is to be known: by Bearer, or as the password of Basic.
    assert_eq!(asked(tcp, "", &key).refusal(), (401, "unauthorized"));
    assert_eq!(asked(tcp, &bearer(&key), &key).refusal(), (401, "unauthorized"));
    assert_eq!(asked(tcp, &bearer(&token), &key).json()["active"], true);
    let basic = "Authorization: Basic Y2xpZW50OmNsaWVudC50b2tlbi0wMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZg==\r\n";
    assert_eq!(asked(tcp, basic, &key).json()["active"], true);
    server.end();
    let usage = sandbox.keyward(["usage"]).answer();
    let web = usage["usage"].as_array().expect("an array").iter().find(|one| one["name"] == "web");
    assert_eq!(web.expect("used")["valid"], 10);
}

#[test]
fn readiness_follows_the_store() {
    let sandbox = Sandbox::new();
    let key = sandbox.mint("web");
    let server = Server::start(&sandbox, &["--workers", "1"]);
    let ready = || server.ask(&get("/readyz", ""));
    assert_eq!(server.ask(&get("/healthz", "")).status, 200);
    assert_eq!(ready().json(), json!({ "ready": true, "recording": true }));
    assert_eq!(server.auth(&key).status, 200);
    let store = sandbox.store_path();
    let aside = store.with_extension("aside");
    fs::rename(&store, &aside).expect("it can be moved");
    assert_eq!((ready().status, server.auth(&key).refusal()), (503, (503, "store_not_found")));
    assert_eq!(server.auth(&key).field("retry-after"), "1");
    assert_eq!(server.ask(&get("/healthz", "")).status, 200);
    fs::rename(&aside, &store).expect("it can be moved");
    assert_eq!((ready().status, server.auth(&key).status), (200, 200));
    server.end();
}
