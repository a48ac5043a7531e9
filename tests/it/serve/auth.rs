//! `/v1/auth`: what passes, what is refused and how, and what a client may not choose.

use super::client::{Server, bearer, get, send};
use crate::support::Sandbox;

/// The identity fields, all of which a 200 has.
const IDENTITY: [&str; 7] = [
    "x-keyward-key",
    "x-keyward-workspace",
    "x-keyward-environment",
    "x-keyward-scopes",
    "x-keyward-name",
    "x-keyward-owner",
    "x-keyward-remaining",
];

const SCOPED: &str = "[scopes.\"files:read\"]\n[scopes.write]\n[plans.slow]\nrate = \"2/hour\"\n";

fn scoped(sandbox: &Sandbox, name: &str, plan: &[&str]) {
    let policy = format!("prefix = \"kw\"\nenvironments = [\"live\", \"test\"]\n{SCOPED}");
    let policy = sandbox.file("policy.toml", &policy);
    let policy = policy.to_str().expect("text");
    sandbox.workspace(name, &[&["--policy", policy], plan].concat());
}

#[test]
fn a_valid_key_passes_with_every_identity_field() {
    let sandbox = Sandbox::new();
    scoped(&sandbox, "acme & co", &[]);
    let key = sandbox
        .mint_with("ci „1“", &["--scope", "files:read", "--scope", "write", "--owner", "Ä, b"]);
    let bare = sandbox.mint("-");
    let server = Server::start(&sandbox, &[]);
    let passed = server.auth(&key);
    assert_eq!(passed.status, 200, "{passed:?}");
    let id = sandbox.id_of("ci „1“");
    let expected = [
        id.as_str(),
        "acme%20%26%20co",
        "live",
        "files:read write",
        "ci%20%E2%80%9E1%E2%80%9C",
        "%C3%84%2C%20b",
        "-",
    ];
    for (name, value) in IDENTITY.into_iter().zip(expected) {
        assert_eq!(passed.field(name), value, "{name}");
    }
    assert_eq!((passed.field("cache-control"), passed.body.as_str()), ("no-store", ""));
    // Nothing is missing or empty of a key that has nothing: a client's own field would get through.
    let passed = server.auth(&bare);
    assert_eq!((passed.status, passed.field("x-keyward-name")), (200, "%2D"));
    for name in IDENTITY {
        assert!(!passed.field(name).is_empty(), "{name}");
    }
    server.end();
}

#[test]
fn every_verdict_has_its_status_and_code() {
    let sandbox = Sandbox::new();
    scoped(&sandbox, "acme", &[]);
    let key = sandbox.mint_with("web", &["--scope", "write"]);
    let revoked = sandbox.mint("revoked");
    let disabled = sandbox.mint("disabled");
    let held = sandbox.mint_with("held", &["--hold"]);
    let inside = sandbox.mint_with("inside", &["--allow", "10.0.0.0/8"]);
    sandbox.keyward(["revoke", "revoked", "--yes"]).ok();
    sandbox.keyward(["disable", "disabled"]).ok();
    sandbox.workspace("other", &[]);
    let unknown = sandbox.keyward(["-w", "other", "mint", "gone"]).ok().line();
    sandbox.keyward(["-w", "other", "revoke", "gone", "--yes"]).ok();
    sandbox.keyward(["-w", "other", "prune", "--dead-for", "0s", "--yes"]).ok();
    let server = Server::start(&sandbox, &[]);
    let wrong = format!("{}x", &key[..key.len() - 1]);
    for (key, query, status, code) in [
        (key.as_str(), "", 200, ""),
        (&key, "?environment=live&scope=write&workspace=acme&cost=3", 200, ""),
        (&wrong, "", 401, "malformed"),
        ("x", "", 401, "malformed"),
        (&unknown, "", 401, "not_found"),
        (&revoked, "", 401, "revoked"),
        (&disabled, "", 401, "disabled"),
        (&held, "", 401, "pending"),
        (&key, "?workspace=other", 401, "not_found"),
        (&key, "?workspace=none", 401, "not_found"),
        (&key, "?environment=test", 403, "wrong_environment"),
        (&inside, "", 403, "ip_denied"),
        (&key, "?scope=write&scope=files:read", 403, "insufficient_scope"),
        // An option that is not known must not be taken for none.
        (&key, "?enviroment=test", 500, "usage"),
        (&key, "?cost=x", 500, "usage"),
    ] {
        let response = server.ask(&get(&format!("/v1/auth{query}"), &bearer(key)));
        assert_eq!(response.refusal(), (status, code), "{query} {response:?}");
        if status == 200 {
            continue;
        }
        assert_eq!(response.field("cache-control"), "no-store", "{response:?}");
        assert_eq!(response.json()["error"], code, "{response:?}");
        let challenge = match code {
            "usage" | "wrong_environment" | "ip_denied" => "",
            "insufficient_scope" => {
                "Bearer error=\"insufficient_scope\", scope=\"write files:read\""
            }
            _ => "Bearer error=\"invalid_token\"",
        };
        assert_eq!(response.field("www-authenticate"), challenge, "{code}");
    }
    let none = server.ask(&get("/v1/auth", ""));
    assert_eq!((none.refusal(), none.field("www-authenticate")), ((401, "unauthorized"), "Bearer"));
    server.end();
}

#[test]
fn a_limit_is_told_with_the_time_that_it_lasts() {
    let sandbox = Sandbox::new();
    scoped(&sandbox, "acme", &["--plan", "slow"]);
    let key = sandbox.mint("web");
    let server = Server::start(&sandbox, &["--workers", "1"]);
    for left in ["1", "0"] {
        let passed = server.auth(&key);
        assert_eq!((passed.status, passed.field("x-keyward-remaining")), (200, left));
    }
    // From memory as well as after a look.
    for _ in 0..3 {
        let limited = server.auth(&key);
        assert_eq!(limited.refusal(), (429, "rate_limited"), "{limited:?}");
        let seconds: u64 = limited.field("retry-after").parse().expect("seconds");
        assert!((1700..=1800).contains(&seconds), "{seconds}");
        assert_eq!(limited.json()["retryAfter"], seconds);
    }
    // nginx knows no refusal but 401 and 403.
    let told = server.ask(&get("/v1/auth?denied=403", &bearer(&key)));
    assert_eq!(told.refusal(), (403, "rate_limited"));
    assert_eq!(told.field("x-keyward-status"), "429");
    assert!(!told.field("retry-after").is_empty());
    let told = server.ask(&get("/v1/auth?denied=403", &bearer("x")));
    assert_eq!((told.refusal(), told.field("x-keyward-status")), ((401, "malformed"), "401"));
    let told = server.ask(&get("/v1/auth?denied=403&x", &bearer(&key)));
    assert_eq!((told.refusal(), told.field("x-keyward-status")), ((403, "usage"), "500"));
    server.end();
}

#[test]
fn below_the_route_the_query_is_the_clients_and_any_method_asks() {
    let sandbox = Sandbox::new();
    let key = sandbox.mint("web");
    let server = Server::start(&sandbox, &[]);
    for target in ["/v1/auth/x?environment=test", "/v1/auth/?denied=403&y=%zz", "/v1/auth/a/b"] {
        assert_eq!(server.ask(&get(target, &bearer(&key))).status, 200, "{target}");
    }
    assert_eq!(server.ask(&get("/v1/authx", &bearer(&key))).status, 404);
    for method in ["POST", "PUT", "OPTIONS", "HEAD", "DELETE", "PROPFIND"] {
        let request = format!("{method} /v1/auth HTTP/1.1\r\nHost: x\r\n{}\r\n", bearer(&key));
        // A HEAD's answer has no body, and no other here has one either.
        assert_eq!(server.ask(&request).status, 200, "{method}");
        let request = format!("{method} /v1/auth HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let mut connection = super::client::connect(&server.places[0]);
        std::io::Write::write_all(&mut connection, request.as_bytes()).expect("it reads");
        let mut text = String::new();
        std::io::Read::read_to_string(&mut connection, &mut text).expect("an answer");
        assert!(text.starts_with("HTTP/1.1 401 "), "{method}: {text}");
    }
    // What was not read of a body must not be taken for a request.
    let smuggled = send("POST", "/v1/auth", &bearer(&key), &get("/v1/auth", ""));
    let mut connection = super::client::connect(&server.places[0]);
    let response = connection.exchange(smuggled.as_bytes()).expect("an answer");
    assert_eq!((response.status, response.field("connection")), (200, "close"));
    assert!(connection.response().is_none(), "the body was taken for a request");
    server.end();
}

#[test]
fn several_credentials_are_refused_unless_they_are_equal() {
    let sandbox = Sandbox::new();
    let (key, other) = (sandbox.mint("one"), sandbox.mint("two"));
    let server =
        Server::start(&sandbox, &["--key-from", "Authorization", "--key-from", "X-Api-Key"]);
    let api = |key: &str| format!("X-Api-Key: {key}\r\n");
    for (fields, refusal) in [
        (bearer(&key), (200, "")),
        (api(&key), (200, "")),
        (bearer(&key) + &api(&key), (200, "")),
        (bearer(&key) + &bearer(&key), (200, "")),
        (bearer(&key) + &api(&other), (401, "ambiguous_key")),
        (bearer(&key) + &bearer(&other), (401, "ambiguous_key")),
        (format!("Authorization: Bearer {key}, Bearer {other}\r\n"), (401, "ambiguous_key")),
        (format!("Authorization: Bearer {key}, Bearer {key}\r\n"), (401, "ambiguous_key")),
        (format!("Authorization: Basic eDp5\r\n{}", bearer(&key)), (401, "ambiguous_key")),
        ("Authorization: Basic eDp5\r\n".to_owned(), (401, "unauthorized")),
        (format!("X-Other: {key}\r\n"), (401, "unauthorized")),
    ] {
        let response = server.ask(&get("/v1/auth", &fields));
        assert_eq!(response.refusal(), refusal, "{fields}");
    }
    server.end();
}

#[test]
fn a_key_in_a_url_is_refused_and_what_only_looks_like_one_is_not() {
    let sandbox = Sandbox::new();
    let (key, other) = (sandbox.mint("one"), sandbox.mint("two"));
    let server = Server::start(&sandbox, &["--access-log"]);
    let escaped = other.replace('_', "%5F");
    for (target, field) in [
        (format!("/v1/auth/x?api_key={other}"), String::new()),
        (format!("/v1/auth/{other}/y"), String::new()),
        (format!("/v1/auth/x?api_key={escaped}"), String::new()),
        ("/v1/auth".to_owned(), format!("X-Forwarded-Uri: /x?k={other}\r\n")),
        ("/v1/auth".to_owned(), format!("X-Original-URI: /x?k={escaped}\r\n")),
        // An option that is not known, and whatever it is called, is no reason to pass over it.
        (format!("/v1/auth?api_key={other}"), String::new()),
        // Even the very key that is presented.
        (format!("/v1/auth/x?api_key={key}"), String::new()),
    ] {
        let response = server.ask(&get(&target, &(bearer(&key) + &field)));
        assert_eq!(response.refusal(), (401, "key_in_url"), "{target} {field}");
    }
    // Identifiers of other systems are in many URLs.
    for id in ["pi_3MtwBwLkdIwHu7ix28a3tqPa", "user_0123456789abcdef0123456789abcdef"] {
        assert_eq!(server.ask(&get(&format!("/v1/auth/{id}"), &bearer(&key))).status, 200, "{id}");
    }
    let said = server.end();
    assert!(said.lines().count() > 5 && !said.contains(&other) && !said.contains(&key), "{said}");
}

#[test]
fn refusals_speak_a_documented_systems_words() {
    let sandbox = Sandbox::new();
    sandbox.workspace("asa", &["--preset", "amazonscraperapi"]);
    let key = sandbox.mint("web");
    sandbox.keyward(["revoke", "web", "--yes"]).ok();
    let server = Server::start(&sandbox, &["--errors", "amazonscraperapi"]);
    assert_eq!(server.auth(&key).body, r#"{"error":"revoked"}"#);
    assert_eq!(server.auth("x").body, r#"{"error":"unauthorized"}"#);
    assert_eq!(server.ask(&get("/v1/auth", "")).body, r#"{"error":"unauthorized"}"#);
    server.end();

    let sandbox = Sandbox::new();
    sandbox.workspace("audio", &["--preset", "audioscrape"]);
    let key = sandbox.mint("web");
    let server = Server::start(&sandbox, &["--errors", "audioscrape", "--workers", "1"]);
    let unauthorized = r#"{"error": "Unauthorized", "message": "Invalid or missing API key"}"#;
    assert_eq!(server.ask(&get("/v1/auth", "")).body, unauthorized);
    assert_eq!(server.auth("x").body, unauthorized);
    let forbidden = r#"{"error": "Forbidden", "message": "Insufficient permissions"}"#;
    let response = server.ask(&get("/v1/auth?scope=x", &bearer(&key)));
    assert_eq!((response.status, response.body.as_str()), (403, forbidden));
    for _ in 0..10 {
        assert_eq!(server.auth(&key).status, 200);
    }
    let limited = server.auth(&key);
    let seconds = limited.field("retry-after");
    let expected = format!(
        r#"{{"error": "Rate Limited", "message": "Too many requests", "retry_after": {seconds}}}"#
    );
    assert_eq!((limited.status, limited.body.as_str()), (429, expected.as_str()));
    server.end();
}
