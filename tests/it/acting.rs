//! `--as`: what a key may do in its own name.

use std::fs;
use std::path::PathBuf;

use serde_json::json;

use crate::support::{Sandbox, names, text, token};

/// A policy with a scope for every verb, one for listing alone and one for nothing.
const POLICY: &str = r#"
token = "{prefix}_{env}_{short:12}{secret:32}{crc}"
alphabet = "base62"
prefix = "acme"
environments = ["live", "test"]
scopes_per_key = { min = 0, max = 1 }

[scopes.admin]
manage = ["mint", "list", "rename", "set", "disable", "enable", "rotate", "revoke", "verify"]

[scopes.reader]
manage = ["list"]

[scopes.judge]
manage = ["verify"]

[scopes.nothing]
manage = []
"#;

/// A workspace `acme` of that policy, with a key per scope and one without any; each key's file is named like it.
fn acme() -> Sandbox {
    let sandbox = Sandbox::new();
    let policy = sandbox.file("policy.toml", POLICY);
    sandbox.keyward(["workspace", "create", "acme", "--policy"]).args([policy]).ok();
    for scope in ["admin", "reader", "judge", "nothing"] {
        let secret = sandbox.mint_with(scope, &["--scope", scope]);
        sandbox.file(scope, &format!("{secret}\n"));
    }
    let secret = sandbox.mint("scopeless");
    sandbox.file("scopeless", &secret);
    sandbox
}

/// Where that key's file is.
fn key_file(sandbox: &Sandbox, name: &str) -> PathBuf {
    sandbox.home().join(name)
}

#[test]
fn a_key_may_do_what_its_scope_manages() {
    let sandbox = acme();
    sandbox.mint("target");
    let steps: [&[&str]; 11] = [
        &["list"],
        &["show", "target"],
        &["workspace", "list"],
        &["workspace", "show", "acme"],
        &["rename", "target", "renamed"],
        &["set", "renamed", "--owner", "platform"],
        &["disable", "renamed"],
        &["enable", "renamed"],
        &["rotate", "renamed"],
        &["revoke", "renamed", "--yes"],
        &["mint", "child"],
    ];
    for arguments in steps {
        sandbox.keyward(["--as", "admin"]).args(arguments).ok();
    }
    let verified = sandbox.mint("verified");
    sandbox.keyward(["--as", "judge", "verify"]).stdin(verified).ok();
}

#[test]
fn a_key_may_not_do_what_its_scope_does_not_manage() {
    let sandbox = acme();
    sandbox.mint("target");
    let before = sandbox.show("target");
    let head = sandbox.head();
    let steps: [&[&str]; 8] = [
        &["rename", "target", "renamed"],
        &["set", "target", "--owner", "platform"],
        &["disable", "target"],
        &["enable", "target"],
        &["rotate", "target"],
        &["revoke", "target", "--yes"],
        &["mint", "child"],
        &["verify"],
    ];
    for arguments in steps {
        sandbox.keyward(["--as", "reader"]).args(arguments).refused(5, "scope_rejected");
    }
    let mut shown = sandbox.keyward(["--as", "reader", "show", "target"]).answer();
    shown.as_object_mut().expect("an object").remove("limits");
    assert_eq!(shown, before);
    assert_eq!(sandbox.head(), head);
    for arguments in
        [&["list"][..], &["show", "target"], &["workspace", "list"], &["workspace", "show", "acme"]]
    {
        for caller in ["judge", "nothing", "scopeless"] {
            sandbox.keyward(["--as", caller]).args(arguments).refused(5, "scope_rejected");
        }
    }
}

#[test]
fn a_key_without_a_scope_may_still_ask_who_it_is() {
    let sandbox = acme();
    for name in ["scopeless", "nothing", "admin"] {
        let caller = sandbox.keyward(["--as", name, "whoami"]).answer();
        assert_eq!((&caller["name"], &caller["kind"]), (&json!(name), &json!("key")));
    }
}

#[test]
fn what_belongs_to_the_operator_is_refused_to_every_key() {
    let sandbox = acme();
    let steps: [&[&str]; 9] = [
        &["audit", "list"],
        &["audit", "verify"],
        &["audit", "head"],
        &["store", "info"],
        &["workspace", "create", "other"],
        &["workspace", "set", "acme", "--cap", "100"],
        &["workspace", "rename", "acme", "other"],
        &["workspace", "use", "acme"],
        &["workspace", "delete", "acme", "--yes"],
    ];
    for arguments in steps {
        sandbox.keyward(["--as", "admin"]).args(arguments).refused(5, "scope_rejected");
    }
}

#[test]
fn the_secret_may_come_from_stdin_or_by_a_variable_that_names_a_file() {
    let sandbox = acme();
    let secret = fs::read(key_file(&sandbox, "reader")).expect("the file was written");
    let caller = sandbox.keyward(["--as", "-", "whoami"]).stdin(secret).answer();
    assert_eq!(caller["name"], "reader");
    let path = key_file(&sandbox, "judge");
    let caller = sandbox.keyward(["whoami"]).env("KEYWARD_AS_FILE", &path).answer();
    assert_eq!(caller["name"], "judge");
    let caller =
        sandbox.keyward(["whoami", "--as", "admin"]).env("KEYWARD_AS_FILE", &path).answer();
    assert_eq!(caller["name"], "admin");
}

#[test]
fn one_stdin_does_not_carry_two_secrets() {
    let sandbox = acme();
    let secret = fs::read(key_file(&sandbox, "admin")).expect("the file was written");
    for verb in ["verify", "activate"] {
        sandbox.keyward(["--as", "-", verb]).stdin(&secret).refused(2, "usage");
    }
}

#[test]
fn what_a_key_makes_bears_its_id() {
    let sandbox = acme();
    let id = sandbox.id_of("admin");
    let key = sandbox.keyward(["--as", "admin", "mint", "child"]).answer();
    assert_eq!(key["createdBy"], format!("key:{id}"));
    let child = text(&key, "id");
    let events = sandbox.events();
    let about_child: Vec<_> =
        events.iter().filter(|event| event["subject"].to_string().contains(&child)).collect();
    assert_eq!(about_child.len(), 2);
    for event in about_child {
        assert_eq!(event["actor"], format!("key:{id}"), "{event:#}");
    }
}

#[test]
fn a_caller_that_is_not_valid_ends_the_command_with_its_verdict() {
    let sandbox = acme();
    let [expired, pending, disabled, revoked] = sandbox.mint_refused(&["--scope", "admin"]);
    let head = sandbox.head();
    let callers = [
        (token::well_formed().replace("kw_", "acme_"), 10, "malformed"),
        (
            with_own_checksum("acme_live_0123456789abABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"),
            10,
            "not_found",
        ),
        (String::new(), 10, "malformed"),
        (revoked, 11, "revoked"),
        (expired, 12, "expired"),
        (pending, 13, "pending"),
        (disabled, 13, "disabled"),
    ];
    for (secret, exit, code) in callers {
        for arguments in
            [&["whoami"][..], &["list"], &["mint", "child"], &["revoke", "nothing", "--yes"]]
        {
            sandbox.keyward(["--as", "-"]).args(arguments).stdin(&secret).refused(exit, code);
        }
    }
    // Nothing but that the revoked one was used, once for all its uses.
    let trail = sandbox.keyward(["audit", "list", "--limit", "2"]).answer();
    let link = |event: &serde_json::Value| format!("{}:{}", event["seq"], text(event, "hash"));
    assert_eq!(link(&trail["events"][0]), head);
    assert_eq!(trail["events"][1]["action"], "key.reuse");
}

/// A well-formed token of this body.
fn with_own_checksum(body: &str) -> String {
    format!("{body}{}", token::checksum(body, token::BASE62))
}

#[test]
fn a_caller_file_that_is_not_there_is_a_usage_error() {
    let sandbox = acme();
    sandbox.refuses(&["--as", "missing", "whoami"], 2, "usage");
    sandbox.keyward(["whoami"]).env("KEYWARD_AS_FILE", "missing").refused(2, "usage");
}

#[test]
fn a_key_sees_and_touches_its_own_workspace_alone() {
    let sandbox = acme();
    sandbox.workspace("zenith", &[]);
    let secret = sandbox.mint_with("foreign", &["-w", "zenith"]);
    let id = text(&sandbox.keyward(["show", "foreign", "-w", "zenith"]).answer(), "id");
    // Two workspaces, none chosen: a key has no choice to make.
    let own = sandbox.keyward(["--as", "admin", "list"]).answer();
    assert!(!names(&own["keys"]).contains(&"foreign".to_owned()), "{own:#}");
    let workspaces = sandbox.keyward(["--as", "admin", "workspace", "list"]).answer();
    assert_eq!(names(&workspaces["workspaces"]), ["acme"]);
    for arguments in
        [&["show", id.as_str()][..], &["revoke", &id, "--yes"], &["disable", &id], &["rotate", &id]]
    {
        sandbox.keyward(["--as", "admin"]).args(arguments).refused(3, "key_not_found");
    }
    for arguments in [&["list", "-w", "zenith"][..], &["mint", "child", "-w", "zenith"]] {
        let output = sandbox.keyward(["--as", "admin"]).args(arguments).run();
        assert!([3, 5].contains(&output.status), "{}", output.transcript());
        assert_eq!(output.stdout, "");
    }
    let output = sandbox.keyward(["--as", "judge", "verify", "--json"]).stdin(&secret).exit(10);
    assert_eq!(output.json()["code"], "not_found");
    assert_eq!(sandbox.listed(&["--all", "-w", "zenith"]), ["foreign"]);
}

#[test]
fn a_key_can_end_itself_if_its_scope_may_revoke() {
    let sandbox = acme();
    sandbox.keyward(["--as", "admin", "revoke", "admin", "--yes"]).ok();
    sandbox.refuses(&["--as", "admin", "whoami"], 11, "revoked");
}
