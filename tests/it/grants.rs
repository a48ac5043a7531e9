//! What a caller gives away: no scope beyond what the policy lets its own scopes grant, whatever the way.

use serde_json::json;

use crate::support::{Sandbox, text};

/// Every word of `manage`.
const WORDS: [&str; 9] =
    ["mint", "list", "rename", "set", "disable", "enable", "rotate", "revoke", "verify"];

/// A workspace whose policy has a scope for each word of `manage`, and one for all of them.
fn world() -> Sandbox {
    let sandbox = Sandbox::new();
    let words = WORDS.map(|word| format!("[scopes.{word}]\nmanage = [\"{word}\"]\n"));
    let all = format!("[scopes.admin]\nmanage = {}\n", json!(WORDS));
    sandbox.file("policy.toml", &(words.concat() + &all));
    sandbox.workspace("default", &["--policy", "policy.toml"]);
    sandbox
}

/// A key with these scopes, and the file of its secret.
fn caller(sandbox: &Sandbox, name: &str, scopes: &[&str]) {
    let flags: Vec<&str> = scopes.iter().flat_map(|scope| ["--scope", scope]).collect();
    let secret = sandbox.mint_with(name, &flags);
    sandbox.file(name, &secret);
}

/// Every key's scopes by its id, as the operator sees them.
fn scopes(sandbox: &Sandbox) -> Vec<(String, serde_json::Value)> {
    let keys = sandbox.keys(&[]);
    keys.iter().map(|key| (text(key, "id"), key["scopes"].clone())).collect()
}

#[test]
fn no_single_word_of_manage_leads_to_a_scope_that_the_caller_has_not() {
    let sandbox = world();
    sandbox.mint_with("chief", &["--scope", "admin"]);
    sandbox.file("plain.key", &sandbox.mint("plain"));
    let held = sandbox.mint_with("held", &["--scope", "admin", "--hold"]);
    sandbox.file(
        "manifest.toml",
        "[workspace.default]\n[[key]]\nworkspace = \"default\"\nname = \"plain\"\nscopes = [\"admin\"]\ndeliver = { out = \"plain.key\" }\n\
         [[key]]\nworkspace = \"default\"\nname = \"child\"\nscopes = [\"admin\"]\ndeliver = { out = \"child.key\" }\n",
    );
    let line = json!({ "name": "child", "hash": "ab".repeat(32), "scopes": ["admin"] });
    sandbox.file("lines.jsonl", &line.to_string());
    for word in WORDS {
        // Some ways need to see the keys too.
        for scopes_of_caller in [&[word][..], &[word, "list"]] {
            let name = format!("by-{}", scopes_of_caller.join("-"));
            let distinct: Vec<&str> = match scopes_of_caller {
                [one, other] if one == other => continue,
                distinct => distinct.to_vec(),
            };
            caller(&sandbox, &name, &distinct);
            let before = scopes(&sandbox);
            let ways: [&[&str]; 14] = [
                &["mint", "child", "--scope", "admin"],
                &["mint", "child", "--scope", "admin", "--hold"],
                &["mint", "child", "--scope", "admin", "--idempotency-key", "once"],
                &["set", "plain", "--scope", "admin"],
                &["set", &name, "--scope", "admin"],
                &["set", &name, "--scope", word, "--scope", "admin"],
                &["rotate", "chief"],
                &["rotate", "chief", "--now", "--out", "stolen"],
                &["rotate", "chief", "--hold"],
                &["ensure", "child", "--scope", "admin", "--out", "child.key"],
                &["ensure", "plain", "--scope", "admin", "--out", "plain.key"],
                &["ensure", "chief", "--rotate-if-missing", "--out", "stolen"],
                &["apply", "manifest.toml"],
                &["store", "import", "lines.jsonl"],
            ];
            for way in ways {
                let run = sandbox.keyward(["--as", &name]).args(way);
                run.refused(5, "scope_rejected");
            }
            let activate = sandbox.keyward(["--as", &name, "activate"]);
            activate.stdin(&held).refused(5, "scope_rejected");
            for made in ["stolen", "child.key"] {
                assert!(!sandbox.home().join(made).exists(), "{name}: {made}");
            }
            assert_eq!(scopes(&sandbox), before, "{name}");
        }
    }
    sandbox.verdict(&held, &[], 13, "pending");
    sandbox.keyward(["activate"]).stdin(&held).ok();
}

#[test]
fn by_default_a_caller_gives_away_its_own_scopes() {
    let sandbox = world();
    caller(&sandbox, "minter", &["mint", "verify"]);
    let run = |arguments: &[&str]| sandbox.keyward(["--as", "minter"]).args(arguments);
    run(&["mint", "none"]).ok();
    run(&["mint", "both", "--scope", "verify", "--scope", "mint"]).ok();
    let refused = run(&["mint", "more", "--scope", "verify", "--scope", "list"]);
    let message = text(&refused.refused(5, "scope_rejected"), "message");
    assert!(message.contains("the scope list"), "{message}");
    // A replacement of itself gives it nothing that it has not.
    caller(&sandbox, "turner", &["rotate"]);
    sandbox.keyward(["--as", "turner", "rotate", "turner"]).ok();
    // One that is pending and has no more than the caller.
    let held = sandbox.mint_with("held", &["--scope", "verify", "--hold"]);
    let activate = sandbox.keyward(["--as", "minter", "activate"]);
    assert_eq!(activate.stdin(&held).answer()["status"], "active");
}

#[test]
fn a_policy_says_what_a_scope_grants() {
    let sandbox = Sandbox::new();
    let policy = "[scopes.desk]\nmanage = [\"mint\", \"set\", \"rotate\", \"list\"]\ngrant = [\"read\"]\n\
                  [scopes.read]\n[scopes.write]\n";
    sandbox.file("policy.toml", policy);
    sandbox.workspace("default", &["--policy", "policy.toml"]);
    caller(&sandbox, "desk", &["desk"]);
    let run = |arguments: &[&str]| sandbox.keyward(["--as", "desk"]).args(arguments);
    run(&["mint", "reader", "--scope", "read"]).ok();
    run(&["rotate", "reader"]).ok();
    sandbox.mint_with("writer", &["--scope", "write"]);
    // What a key has already is not put on it, unless its secret is handed out.
    run(&["set", "writer", "--scope", "write", "--scope", "read"]).ok();
    run(&["rotate", "writer"]).refused(5, "scope_rejected");
    run(&["set", "reader", "--scope", "write"]).refused(5, "scope_rejected");
    for own in [&["mint", "child", "--scope", "desk"][..], &["rotate", "desk"]] {
        run(own).refused(5, "scope_rejected");
    }
    // It is printed as it is read, and shown in JSON.
    let printed = sandbox.keyward(["workspace", "show", "--policy"]).ok().stdout;
    assert!(printed.contains("grant = [\"read\"]"), "{printed}");
    sandbox.file("printed.toml", &printed);
    sandbox.workspace("again", &["--policy", "printed.toml"]);
    let again = sandbox.keyward(["workspace", "show", "again", "--policy"]);
    assert_eq!(again.ok().stdout, printed);
    let shown = sandbox.keyward(["workspace", "show", "again"]).answer();
    assert_eq!(shown["policy"]["scopes"]["desk"]["grant"], json!(["read"]));
    assert!(shown["policy"]["scopes"]["read"].get("grant").is_none());
}

#[test]
fn a_grant_of_no_scope_of_the_policy_is_refused() {
    let sandbox = Sandbox::new();
    for (grant, why) in [("[\"root\"]", "root"), ("[\"a\", \"a\"]", "twice")] {
        sandbox.file("policy.toml", &format!("[scopes.a]\ngrant = {grant}\n"));
        let create = ["workspace", "create", "x", "--policy", "policy.toml"];
        let error = sandbox.keyward(create).refused(2, "invalid_policy");
        assert!(text(&error, "message").contains(why), "{error:#}");
    }
}

/// A hand-over that was cut short, whose key the operator gave more since, is not finished by the caller.
#[test]
fn a_caller_finishes_no_delivery_of_a_key_that_has_more_by_now() {
    let sandbox = world();
    caller(&sandbox, "minter", &["mint", "list"]);
    let mint = ["--as", "minter", "mint", "job", "--idempotency-key", "once"];
    let killed = "cat >job.key; chmod 600 job.key; kill -9 $PPID; sleep 1";
    let run = sandbox.keyward(mint).args(["--", "sh", "-c", killed]);
    run.exit(137);
    sandbox.keyward(["set", "job", "--scope", "admin"]).ok();
    let secret = std::fs::read_to_string(sandbox.home().join("job.key")).expect("delivered");
    let again = sandbox.keyward(mint).args(["--out", "job.key"]);
    again.refused(5, "scope_rejected");
    sandbox.verdict(secret.trim(), &[], 13, "pending");
}

/// Cancelling gives the old key its life back and ends the new one.
#[test]
fn a_caller_cancels_no_rotation_of_a_key_that_it_may_not_rotate_and_none_of_its_own_once_superseded()
 {
    let sandbox = world();
    sandbox.mint_with("chief", &["--scope", "admin"]);
    caller(&sandbox, "turner", &["rotate"]);
    let cancel = |by: &str, name: &str| sandbox.keyward(["--as", by, "rotate", name, "--cancel"]);
    sandbox.keyward(["rotate", "chief"]).ok();
    cancel("turner", "chief").refused(5, "scope_rejected");
    let newest = sandbox.keyward(["rotate", "turner", "--out", "newest"]);
    newest.ok();
    for named in ["turner", &sandbox.id_of("turner")] {
        cancel("turner", named).refused(5, "scope_rejected");
    }
    // Its successor may, and it itself may while it is not superseded yet.
    cancel("newest", "turner").ok();
    sandbox.keyward(["rotate", "turner", "--hold"]).ok();
    cancel("turner", "turner").ok();
}
