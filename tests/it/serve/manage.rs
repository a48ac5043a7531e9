//! keyward's own management routes: who may do what, and what is left in the trail.

use serde_json::{Value, json};

use super::client::{Response, Server, ask, bearer, get, path_of, send, socket, token_file};
use crate::support::{Sandbox, fields, names, text};

/// A server with its management on a Unix socket and on an address, and the operator's token.
fn managed(sandbox: &Sandbox, flags: &[&str]) -> (Server, String) {
    let (file, token) = token_file(sandbox, "ci.token");
    let flags = [&["--manage", "127.0.0.1:0", "--operator-token-file", path_of(&file)][..], flags];
    (Server::run(sandbox, &flags.concat()), token)
}

struct Caller<'s> {
    server: &'s Server,
    fields: String,
}

impl Caller<'_> {
    fn call(&self, method: &str, target: &str, body: &Value) -> Response {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        ask(&self.server.places[0], send(method, target, &self.fields, &body).as_bytes())
    }

    fn get(&self, target: &str) -> Response {
        self.call("GET", target, &Value::Null)
    }
}

#[test]
fn the_operator_manages_keys_with_the_command_lines_objects() {
    let sandbox = Sandbox::new();
    sandbox.mint("first");
    let (server, token) = managed(&sandbox, &[]);
    let operator = Caller { server: &server, fields: bearer(&token) };
    let wish = json!({
        "name": "web", "environment": "test", "expires": "2099-01-01", "allow": ["10.0.0.0/8"],
        "owner": "platform", "labels": { "team": "core" },
    });
    let minted = operator.call("POST", "/v1/keys", &wish);
    assert_eq!((minted.status, minted.field("cache-control")), (201, "no-store"), "{minted:?}");
    let (minted, secret) = (minted.json(), text(&minted.json(), "key"));
    sandbox.verdict(&secret, &["--ip", "10.0.0.1"], 0, "valid");
    let id = text(&minted, "id");
    let target = format!("/v1/keys/{id}");
    let mut shown = operator.get(&target).json();
    assert_eq!(fields(&shown).len(), fields(&minted).len(), "limits instead of key");
    shown["lastUsedAt"] = Value::Null;
    for field in ["id", "name", "environment", "status", "expiresAt", "allow", "owner", "labels"] {
        assert_eq!(shown[field], minted[field], "{field}");
    }
    assert_eq!(minted["createdBy"], "operator:ci");
    let listed = operator.get("/v1/keys");
    assert_eq!(names(&listed.json()["keys"]), ["first", "web"]);
    let listed = operator.get("/v1/keys?environment=test&status=active,disabled&owner=platform");
    assert_eq!(names(&listed.json()["keys"]), ["web"]);
    let changed =
        operator.call("PATCH", &target, &json!({ "owner": null, "labels": {}, "allow": [] }));
    let changed = (changed.status, changed.json());
    assert_eq!(
        (changed.0, &changed.1["owner"], &changed.1["labels"]),
        (200, &Value::Null, &json!({}))
    );
    let renamed = operator.call("PATCH", &target, &json!({ "name": "api" }));
    assert_eq!(renamed.json()["name"], "api");
    for (verb, status) in [(":disable", "disabled"), (":enable", "active")] {
        let done = operator.call("POST", &format!("{target}{verb}"), &Value::Null);
        assert_eq!((done.status, &done.json()["status"]), (200, &json!(status)));
    }
    let both = json!({ "grace": "1h", "now": true });
    let refused = operator.call("POST", &format!("{target}:rotate"), &both);
    assert_eq!(refused.refusal(), (422, "usage"));
    let rotated = operator.call("POST", &format!("{target}:rotate"), &json!({ "grace": "1h" }));
    assert_eq!(rotated.status, 201);
    let rotated = rotated.json();
    assert_eq!(rotated["replaced"]["id"], id);
    sandbox.verdict(&text(&rotated, "key"), &[], 0, "valid");
    sandbox.verdict(&secret, &[], 0, "valid");
    // What the answer showed has come true to the millisecond.
    assert_eq!(sandbox.show(&id)["expiresAt"], rotated["replaced"]["expiresAt"]);
    let message = json!({ "reason": "compromised", "message": "seen in a log" });
    let revoked = operator.call("POST", &format!("{target}:revoke"), &message);
    assert_eq!((revoked.status, &revoked.json()["changed"]), (200, &json!(true)));
    assert_eq!(revoked.json()["revokedReason"], "compromised");
    let again = operator.call("DELETE", &target, &Value::Null);
    assert_eq!((again.status, &again.json()["changed"]), (200, &json!(false)));
    sandbox.verdict(&secret, &[], 11, "revoked");
    server.end();
    sandbox.keyward(["audit", "verify"]).ok();
    sandbox.keyward(["store", "check"]).ok();
}

#[test]
fn mistakes_have_the_statuses_of_their_codes() {
    let sandbox = Sandbox::new();
    let secret = sandbox.mint("web");
    sandbox.workspace("full", &["--preset", "amser"]);
    let (server, token) = managed(&sandbox, &["-w", "default"]);
    let operator = Caller { server: &server, fields: bearer(&token) };
    let id = sandbox.keyward(["-w", "default", "show", "web"]).answer()["id"].clone();
    let own = format!("/v1/keys/{}", id.as_str().expect("text"));
    for nth in 0..5 {
        let name = json!({ "name": format!("k{nth}") });
        assert_eq!(operator.call("POST", "/v1/keys?workspace=full", &name).status, 201);
    }
    let rotate = format!("{own}:rotate");
    for (method, target, body, status, code) in [
        ("POST", "/v1/keys", json!({ "name": "web" }), 409, "name_taken"),
        ("POST", "/v1/keys", json!({ "name": "" }), 422, "invalid_name"),
        ("POST", "/v1/keys", json!({ "name": secret }), 422, "usage"),
        ("POST", "/v1/keys", json!({ "name": "a", "owner": secret }), 422, "usage"),
        ("POST", "/v1/keys", json!({ "nam": "a" }), 422, "usage"),
        (
            "POST",
            "/v1/keys",
            json!({ "name": "a", "environment": "prod" }),
            422,
            "invalid_environment",
        ),
        ("POST", "/v1/keys", json!({ "name": "a", "scopes": ["x"] }), 422, "invalid_scope"),
        (
            "POST",
            "/v1/keys",
            json!({ "name": "a", "expires": "2001-01-01" }),
            422,
            "invalid_expiry",
        ),
        ("POST", "/v1/keys", json!({ "name": "a", "expires": "soon" }), 422, "usage"),
        ("POST", "/v1/keys", json!({ "name": "a", "allow": ["x"] }), 422, "usage"),
        ("POST", "/v1/keys?workspace=full", json!({ "name": "a" }), 409, "limit_reached"),
        ("POST", "/v1/keys?workspace=no", json!({ "name": "a" }), 404, "workspace_not_found"),
        ("GET", "/v1/keys/key_0000000000000000", Value::Null, 404, "key_not_found"),
        // An id alone names a key.
        ("GET", "/v1/keys/web", Value::Null, 404, "key_not_found"),
        ("DELETE", "/v1/keys/web", Value::Null, 404, "key_not_found"),
        ("PATCH", &own, json!({}), 422, "usage"),
        ("PATCH", &own, json!({ "name": "x", "owner": "y" }), 422, "usage"),
        ("POST", &rotate, json!({ "grace": "x" }), 422, "usage"),
        ("GET", "/v1/keys?stat=active", Value::Null, 422, "usage"),
        ("GET", "/v1/keys?status=x", Value::Null, 422, "usage"),
        ("PUT", "/v1/keys", Value::Null, 405, "method_not_allowed"),
        ("GET", "/v1/nothing", Value::Null, 404, "not_found"),
        ("POST", "/v1/auth", Value::Null, 404, "not_found"),
    ] {
        let response = operator.call(method, target, &body);
        assert_eq!(response.refusal(), (status, code), "{method} {target} {body}");
        assert!(!response.body.contains(&secret), "{response:?}");
    }
    let request = send("POST", "/v1/keys", &bearer(&token), "{");
    assert_eq!(ask(&server.places[0], request.as_bytes()).refusal(), (400, "bad_request"));
    assert_eq!(
        sandbox.keyward(["-w", "default", "list"]).answer()["keys"].as_array().map(Vec::len),
        Some(1)
    );
    server.end();
}

#[test]
fn a_caller_may_do_what_it_may_with_as_and_is_counted_limited_and_judged_by_its_address() {
    let sandbox = Sandbox::new();
    let policy = sandbox.file(
        "policy.toml",
        "prefix = \"kw\"\nenvironments = [\"live\"]\n[scopes.admin]\nmanage = [\"mint\", \"list\"]\ngrant = [\"reader\"]\n\
         [scopes.reader]\n[plans.p]\nrate = \"6/hour\"\n",
    );
    sandbox.workspace("acme", &["--policy", path_of(&policy), "--plan", "p"]);
    sandbox.workspace("other", &[]);
    let admin = sandbox.keyward(["-w", "acme", "mint", "admin", "--scope", "admin"]).ok().line();
    let lan = ["-w", "acme", "mint", "lan", "--scope", "admin", "--allow", "10.0.0.0/8"];
    let lan = sandbox.keyward(lan).ok().line();
    let reader = sandbox.keyward(["-w", "acme", "mint", "reader", "--scope", "reader"]).ok().line();
    let flags = ["--trust-proxy", "127.0.0.1", "--client-ip-from", "X-Real-Ip"];
    let (server, _) = managed(&sandbox, &flags);
    let caller = |key: &str, fields: &str| Caller { server: &server, fields: bearer(key) + fields };
    let admin = caller(&admin, "");
    let whoami = admin.get("/v1/whoami").json();
    assert_eq!((&whoami["name"], &whoami["kind"]), (&json!("admin"), &json!("key")));
    assert!(whoami["lastUsedAt"].is_string(), "{whoami}");
    let minted = admin.call("POST", "/v1/keys", &json!({ "name": "r", "scopes": ["reader"] }));
    assert_eq!(minted.status, 201);
    let minted = minted.json();
    assert_eq!(minted["createdBy"], format!("key:{}", text(&whoami, "id")));
    let more = admin.call("POST", "/v1/keys", &json!({ "name": "a2", "scopes": ["admin"] }));
    assert_eq!(more.refusal(), (403, "scope_rejected"));
    // A caller is told nothing that it need not know.
    assert_eq!(more.json()["message"], "the key may not do this");
    let gone = format!("/v1/keys/{}", text(&minted, "id"));
    assert_eq!(admin.call("DELETE", &gone, &Value::Null).refusal(), (403, "scope_rejected"));
    assert_eq!(admin.get("/v1/keys?workspace=other").refusal(), (404, "workspace_not_found"));
    assert_eq!(admin.get("/metrics").refusal(), (403, "scope_rejected"));
    let limited = admin.get("/v1/whoami");
    assert_eq!(limited.refusal(), (429, "rate_limited"), "{limited:?}");
    assert!(!limited.field("retry-after").is_empty());
    assert_eq!(caller(&reader, "").get("/v1/keys").refusal(), (403, "scope_rejected"));
    assert_eq!(caller(&lan, "").get("/v1/keys").refusal(), (403, "ip_denied"));
    assert_eq!(
        caller(&lan, "X-Real-Ip: 192.0.2.1\r\n").get("/v1/keys").refusal(),
        (403, "ip_denied")
    );
    assert_eq!(caller(&lan, "X-Real-Ip: 10.0.0.1\r\n").get("/v1/keys").status, 200);
    let own = json!({ "name": "from-lan" });
    assert_eq!(caller(&lan, "X-Real-Ip: 10.0.0.1\r\n").call("POST", "/v1/keys", &own).status, 201);
    assert_eq!(caller("x", "").get("/v1/keys").refusal(), (401, "malformed"));
    let nobody = Caller { server: &server, fields: String::new() };
    assert_eq!(nobody.get("/v1/keys").refusal(), (401, "unauthorized"));
    server.end();
    let usage = sandbox.keyward(["-w", "acme", "usage"]).answer();
    let usage = usage["usage"].as_array().expect("an array");
    let valid = usage.iter().find(|one| one["name"] == "admin").expect("it was used");
    assert_eq!((&valid["valid"], &valid["refusedBy"]["rate_limited"]), (&json!(6), &json!(1)));
    let events = sandbox.keyward(["-w", "acme", "audit", "list", "--action", "key.mint"]).answer();
    let last = events["events"].as_array().and_then(|events| events.last()).expect("events");
    assert_eq!(
        (&last["details"]["via"], &last["details"]["client"]),
        (&json!("http"), &json!("10.0.0.1"))
    );
}

#[test]
fn whoever_may_open_the_unix_socket_is_the_operator_that_they_are() {
    let sandbox = Sandbox::new();
    sandbox.mint("web");
    let place = socket(&sandbox, "admin.sock");
    let server = Server::run(&sandbox, &["--manage", &place]);
    let operator = Caller { server: &server, fields: String::new() };
    let whoami = operator.get("/v1/whoami").json();
    let own = sandbox.keyward(["whoami"]).answer();
    assert_eq!((&whoami["name"], &whoami["kind"]), (&own["name"], &json!("operator")));
    assert_eq!(operator.call("POST", "/v1/keys", &json!({ "name": "x" })).status, 201);
    let metrics = operator.get("/metrics").body;
    for line in [
        "keyward_recording 1",
        "keyward_connections ",
        "keyward_verify_seconds_count ",
        "process_start_time_seconds 1",
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').expect("a name and a value");
        let plain = name.split('{').next().unwrap_or_default();
        assert!(plain.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{line}");
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
    // A key that is presented is judged, whoever presents it.
    let wrong = Caller { server: &server, fields: bearer("x") };
    assert_eq!(wrong.get("/v1/whoami").refusal(), (401, "malformed"));
    server.end();
}

#[test]
fn a_repeated_request_mints_no_second_key_and_shows_no_secret_twice() {
    let sandbox = Sandbox::new();
    sandbox.mint("web");
    let (server, token) = managed(&sandbox, &[]);
    let fields = bearer(&token) + "Idempotency-Key: run-42\r\n";
    let operator = Caller { server: &server, fields };
    let minted = operator.call("POST", "/v1/keys", &json!({ "name": "job" }));
    assert_eq!(minted.status, 201);
    let again = operator.call("POST", "/v1/keys", &json!({ "name": "job" }));
    assert_eq!((again.status, &again.json()["error"]), (409, &json!("conflict")));
    assert_eq!(again.json()["subject"]["id"], minted.json()["id"]);
    assert!(again.json()["subject"]["key"].is_null() && again.json()["key"].is_null());
    let other = operator.call("POST", "/v1/keys", &json!({ "name": "other" }));
    assert_eq!(other.refusal(), (409, "conflict"));
    assert_eq!(sandbox.listed(&[]), ["job", "web"]);
    // The command line knows the same words.
    sandbox.refuses(&["mint", "job", "--idempotency-key", "run-42"], 4, "conflict");
    server.end();
}

#[test]
fn a_held_key_is_made_live_by_presenting_its_secret() {
    let sandbox = Sandbox::new();
    sandbox.mint("web");
    let (server, token) = managed(&sandbox, &[]);
    let operator = Caller { server: &server, fields: bearer(&token) };
    let held = operator.call("POST", "/v1/keys", &json!({ "name": "job", "hold": true })).json();
    assert_eq!(held["status"], "pending");
    let secret = text(&held, "key");
    sandbox.verdict(&secret, &[], 13, "pending");
    let holder = Caller { server: &server, fields: bearer(&secret) };
    assert_eq!(holder.get("/v1/whoami").refusal(), (401, "pending"));
    let live = holder.call("POST", "/v1/keys:activate", &Value::Null);
    assert_eq!((live.status, &live.json()["status"]), (200, &json!("active")));
    sandbox.verdict(&secret, &[], 0, "valid");
    let nobody = Caller { server: &server, fields: bearer("x") };
    assert_eq!(
        nobody.call("POST", "/v1/keys:activate", &Value::Null).refusal(),
        (401, "malformed")
    );
    // The operator hands on what a holder presents, in the body.
    let minted = operator.call("POST", "/v1/keys", &json!({ "name": "other", "hold": true }));
    let presented = json!({ "key": minted.json()["key"] });
    let live = operator.call("POST", "/v1/keys:activate", &presented);
    assert_eq!((live.status, &live.json()["status"]), (200, &json!("active")));
    let refused = operator.call("POST", "/v1/keys:activate", &json!({ "key": "x" }));
    assert_eq!(refused.refusal(), (401, "malformed"));
    server.end();
}

#[test]
fn null_takes_an_expiry_away_as_it_does_an_owner() {
    let sandbox = Sandbox::new();
    sandbox.mint_with("web", &["--expires", "90d", "--owner", "me"]);
    let id = text(&sandbox.show("web"), "id");
    let (server, token) = managed(&sandbox, &[]);
    let operator = Caller { server: &server, fields: bearer(&token) };
    let target = format!("/v1/keys/{id}");
    let changed = operator.call("PATCH", &target, &json!({ "owner": "you" }));
    assert!(changed.json()["expiresAt"].is_string(), "{changed:?}");
    let changed = operator.call("PATCH", &target, &json!({ "owner": null, "expires": null }));
    let changed = (changed.status, changed.json());
    assert_eq!((changed.0, &changed.1["expiresAt"]), (200, &Value::Null), "{changed:?}");
    assert_eq!(changed.1["owner"], Value::Null);
    // In a new key it is as good as nothing.
    let wish = json!({
        "name": "new", "environment": null, "scopes": null, "expires": null, "allow": null, "owner": null, "labels": null,
        "plan": null, "hold": null,
    });
    let minted = operator.call("POST", "/v1/keys", &wish);
    assert_eq!((minted.status, &minted.json()["status"]), (201, &json!("active")), "{minted:?}");
    server.end();
}

#[test]
fn a_long_list_is_whole() {
    let sandbox = Sandbox::new();
    sandbox.keyward(["mint", "device", "--count", "1500", "--output", "jsonl"]).ok();
    let (server, token) = managed(&sandbox, &[]);
    let operator = Caller { server: &server, fields: bearer(&token) };
    let response = operator.get("/v1/keys");
    assert_eq!(response.field("transfer-encoding"), "chunked");
    assert_eq!(response.json(), sandbox.keyward(["list"]).answer());
    server.end();
}

#[test]
fn a_token_can_be_replaced_while_it_runs() {
    let sandbox = Sandbox::new();
    sandbox.mint("web");
    let (server, old) = managed(&sandbox, &[]);
    let with = |token: &str| ask(&server.places[0], get("/v1/whoami", &bearer(token)).as_bytes());
    assert_eq!(with(&old).status, 200);
    let new = "another-0123456789abcdef0123456789abcdef";
    sandbox.file("ci.token", new);
    assert_eq!((with(&old).status, with(new).status), (401, 200));
    server.end();
}
