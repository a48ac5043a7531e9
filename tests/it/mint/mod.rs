//! `keyward mint`: the secret on stdout, its shape, its JSON, and what is refused.

// Expiry by flag and by policy.
mod lifetimes;
// Names that are refused, taken and released, and the cap on live keys.
mod names;
// Each sink's happy path: file, dotenv, the runner's variables, a command.
mod sinks;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::time::{assert_about, now};
use crate::support::{Sandbox, moment, text, token};

#[test]
fn stdout_is_the_secret_and_one_line_feed() {
    let sandbox = Sandbox::new();
    let output = sandbox.keyward(["mint", "ci"]).ok();
    let secret = output.line();
    assert_eq!(output.stdout, format!("{secret}\n"));
    sandbox.verdict(&secret, &[], 0, "valid");
}

#[test]
fn n_leaves_the_line_feed_out() {
    let sandbox = Sandbox::new();
    let output = sandbox.keyward(["mint", "ci", "-n"]).ok();
    assert!(!output.stdout.ends_with('\n'), "stdout is {:?}", output.stdout);
    sandbox.verdict(&output.stdout, &[], 0, "valid");
}

#[test]
fn a_quiet_mint_says_nothing_but_the_secret() {
    let sandbox = Sandbox::with_keys(&["first"]);
    sandbox.expect_transcripts(
        "$ keyward mint ci -q\n<secret>\n------- stderr -------\n[exit status: 0]\n",
    );
}

#[test]
fn the_frame_on_stderr_names_the_key_and_not_the_secret() {
    let sandbox = Sandbox::new();
    let output = sandbox.keyward(["mint", "ci"]).ok();
    let secret = output.line();
    let parts = token::parts(&secret, "kw_live_");
    assert!(output.stderr.contains("ci"), "stderr does not name the key:\n{}", output.stderr);
    assert!(
        output.stderr.contains(parts.prefix),
        "stderr does not show the prefix:\n{}",
        output.stderr
    );
    assert!(
        output.stderr.contains("once"),
        "stderr does not say it is shown once:\n{}",
        output.stderr
    );
    assert!(!output.stderr.contains(parts.secret), "stderr holds the secret:\n{}", output.stderr);
}

#[test]
fn the_first_run_makes_a_workspace_and_says_so() {
    let sandbox = Sandbox::new();
    let first = sandbox.keyward(["mint", "first"]).ok();
    assert!(
        first.stderr.contains("workspace"),
        "stderr does not speak of the new workspace:\n{}",
        first.stderr
    );
    assert!(
        first.stderr.contains("default"),
        "stderr does not name the new workspace:\n{}",
        first.stderr
    );
    let listed = sandbox.keyward(["workspace", "list"]).answer();
    assert_eq!(crate::support::names(&listed["workspaces"]), ["default"]);
    sandbox.mint("second");
    let listed = sandbox.keyward(["workspace", "list"]).answer();
    assert_eq!(listed["workspaces"][0]["keys"], json!({"active": 2, "pending": 0, "disabled": 0}));
}

#[test]
fn a_token_has_the_default_shape_and_its_own_checksum() {
    let (sandbox, live) = Sandbox::with_key("live");
    let test = sandbox.mint_with("test", &["-e", "test"]);
    for (secret, front) in [(&live, "kw_live_"), (&test, "kw_test_")] {
        let parts = token::parts(secret, front);
        assert_eq!(
            parts.checksum,
            token::checksum(parts.body, token::BASE62),
            "wrong checksum in {secret}"
        );
    }
}

#[test]
fn every_token_has_a_digit() {
    let sandbox = Sandbox::new();
    // 27 random characters of base58: without a redraw one token in 95 would be letters alone.
    let flags = [
        "--token",
        "{prefix}-{env}-{short:1}{secret:26}",
        "--alphabet",
        "base58",
        "--prefix",
        "acme",
    ];
    sandbox.workspace("acme", &flags);
    let output = sandbox.keyward(["mint", "many", "--count", "200"]).ok();
    let secrets: BTreeSet<&str> = output.stdout.lines().collect();
    assert_eq!(secrets.len(), 200, "two tokens are the same");
    for secret in secrets {
        let random =
            secret.strip_prefix("acme-live-").expect("the template's literals stand in front");
        assert!(
            random.contains(|character: char| character.is_ascii_digit()),
            "{secret} has no digit"
        );
        assert!(!random.contains(['0', 'O', 'I', 'l']), "{secret} is not base58");
    }
}

#[test]
fn json_carries_the_secret_under_key_and_every_field() {
    let sandbox = Sandbox::new();
    let key = sandbox.keyward(["mint", "ci"]).answer();
    let secret = text(&key, "key");
    let parts = token::parts(&secret, "kw_live_");
    assert_about(moment(&key, "createdAt"), now());
    let creator = text(&key, "createdBy");
    assert!(
        creator.strip_prefix("operator:").is_some_and(|name| !name.is_empty()),
        "createdBy is {creator}"
    );
    let expected = json!({
        "id": key["id"], "workspace": "default", "name": "ci", "environment": "live", "scopes": [],
        "prefix": parts.prefix, "short": parts.short, "keyHint": &parts.secret[28..], "status": "active",
        "createdAt": key["createdAt"], "createdBy": creator, "expiresAt": null, "lastUsedAt": null,
        "revokedAt": null, "revokedReason": null, "replaces": null, "replacedBy": null,
        "allow": [], "owner": null, "labels": {}, "plan": null, "key": secret,
    });
    assert_eq!(key, expected);
}

#[test]
fn an_id_is_key_and_sixteen_random_characters() {
    let sandbox = Sandbox::new();
    let key = sandbox.keyward(["mint", "ci"]).answer();
    let id = text(&key, "id");
    let random = id.strip_prefix("key_").expect("an id begins with key_");
    assert_eq!(random.len(), 16, "the id is {id}");
    assert!(random.chars().all(|character| token::BASE36.contains(character)), "the id is {id}");
}

#[test]
fn what_the_flags_say_is_what_the_key_has() {
    let sandbox = Sandbox::new();
    let flags = [
        "--allow",
        "203.0.113.0/24",
        "--allow",
        "2001:db8::/32",
        "--owner",
        "platform",
        "--label",
        "team=core",
        "--label",
        "tier=1",
    ];
    sandbox.mint_with("ci", &flags);
    let key = sandbox.show("ci");
    assert_eq!(key["allow"], json!(["203.0.113.0/24", "2001:db8::/32"]));
    assert_eq!(key["owner"], "platform");
    assert_eq!(key["labels"], json!({"team": "core", "tier": "1"}));
}

#[test]
fn malformed_flags_are_usage_errors_and_mint_nothing() {
    let sandbox = Sandbox::with_keys(&["first"]);
    let wrong: [&[&str]; 7] = [
        &["mint"],
        &["mint", "ci", "--allow", "10.0.0.0/33"],
        &["mint", "ci", "--allow", "here"],
        &["mint", "ci", "--label", "team"],
        &["mint", "ci", "--expires", "soonish"],
        &["mint", "ci", "--count", "0"],
        &["mint", "ci", "--dotenv"],
    ];
    for arguments in wrong {
        sandbox.keyward(arguments).refused(2, "usage");
    }
    assert_eq!(sandbox.listed(&["--all"]), ["first"]);
}

#[test]
fn count_mints_numbered_keys_one_secret_a_line() {
    let sandbox = Sandbox::new();
    let output = sandbox.keyward(["mint", "node", "--count", "3"]).ok();
    assert_eq!(sandbox.listed(&[]), ["node-1", "node-2", "node-3"]);
    let secrets: Vec<&str> = output.stdout.lines().collect();
    assert_eq!(secrets.len(), 3, "stdout is\n{}", output.stdout);
    for (secret, name) in secrets.iter().zip(["node-1", "node-2", "node-3"]) {
        assert_eq!(sandbox.verdict(secret, &[], 0, "valid")["subject"]["name"], name);
    }
}

#[test]
fn count_in_json_is_one_document_and_in_jsonl_one_object_a_line() {
    let sandbox = Sandbox::new();
    let document = sandbox.keyward(["mint", "node", "--count", "2"]).answer();
    let keys = document["keys"].as_array().expect("an array of keys");
    assert_eq!(crate::support::names(&document["keys"]), ["node-1", "node-2"]);
    for key in keys {
        sandbox.verdict(&text(key, "key"), &[], 0, "valid");
    }
    let lines = sandbox.keyward(["mint", "job", "--count", "2", "-o", "jsonl"]).ok();
    let names: Vec<String> = lines
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("a line is one object"))
        .inspect(|key| assert!(key["key"].is_string(), "no secret in {key:#}"))
        .map(|key| text(&key, "name"))
        .collect();
    assert_eq!(names, ["job-1", "job-2"]);
}

#[test]
fn count_mints_all_or_none() {
    let sandbox = Sandbox::with_workspace("acme", &["--active-key-cap", "2"]);
    sandbox.refuses(&["mint", "node", "--count", "3"], 5, "limit_reached");
    assert_eq!(sandbox.listed(&["--all"]), [""; 0]);
    sandbox.keyward(["workspace", "set", "acme", "--active-key-cap", "9"]).ok();
    sandbox.mint("node-2");
    sandbox.refuses(&["mint", "node", "--count", "2"], 4, "name_taken");
    assert_eq!(sandbox.listed(&["--all"]), ["node-2"]);
}

#[test]
fn an_environment_or_a_scope_outside_the_policy_is_refused() {
    let sandbox = Sandbox::with_keys(&["first"]);
    let error = sandbox.keyward(["mint", "ci", "-e", "staging"]).refused(5, "invalid_environment");
    assert!(error.to_string().contains("live"), "the error does not say what there is: {error:#}");
    sandbox.refuses(&["mint", "ci", "--scope", "admin"], 5, "invalid_scope");
    assert_eq!(sandbox.listed(&["--all"]), ["first"]);
}

#[test]
fn a_key_can_be_minted_only_in_a_workspace_that_exists() {
    let sandbox = Sandbox::with_keys(&["first"]);
    sandbox.refuses(&["mint", "ci", "-w", "nowhere"], 3, "workspace_not_found");
}

#[test]
fn a_held_key_is_pending_until_it_is_activated() {
    let sandbox = Sandbox::new();
    let secret = sandbox.mint_with("ci", &["--hold"]);
    assert_eq!(sandbox.show("ci")["status"], "pending");
    sandbox.verdict(&secret, &[], 13, "pending");
    sandbox.keyward(["activate"]).stdin(&secret).ok();
    sandbox.verdict(&secret, &[], 0, "valid");
}

#[test]
fn a_person_reads_what_was_minted_and_where_its_secret_is() {
    let sandbox = Sandbox::new();
    sandbox.expect_transcripts(
        r#"
$ keyward mint ci --expires 30d
<secret>
------- stderr -------
created the store ~/.local/share/keyward/keyward.db
created the workspace "default"
minted ci in default/live
  id       <id>
  prefix   <prefix>
  expires  in 30 days
the secret is on stdout, shown only this once
[exit status: 0]
$ keyward mint web --count 2
<secret>
<secret>
------- stderr -------
minted 2 keys
the secrets are on stdout, shown only this once
[exit status: 0]
$ keyward mint file --out file.key
------- stderr -------
minted file in default/live
  id       <id>
  prefix   <prefix>
  expires  never
the secret is in file.key, shown only this once
[exit status: 0]
$ keyward mint later --hold
<secret>
------- stderr -------
minted later in default/live
  id       <id>
  prefix   <prefix>
  expires  never
the secret is on stdout, shown only this once
pending until the holder sends the secret to `keyward activate`
[exit status: 0]
"#,
    );
}

#[test]
fn a_person_reads_why_nothing_was_minted() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    sandbox.file("taken", "");
    sandbox.expect_transcripts(
        r#"
$ keyward mint ci
------- stderr -------
error: the name "ci" belongs to <id> in default/live
hint: `keyward ensure ci -e live` keeps this key, `keyward rotate <id>` replaces its secret, `keyward revoke <id>` ends it
[exit status: 4]
$ keyward mint web -w nowhere
------- stderr -------
error: no workspace "nowhere"
hint: `keyward workspace list` lists all workspaces
[exit status: 3]
$ keyward mint web --scope admin
------- stderr -------
error: this workspace has no scope "admin"
hint: this workspace's policy has no scopes
[exit status: 5]
$ keyward mint web --out taken
------- stderr -------
error: "taken" already exists
hint: pass --out a file that does not exist
[exit status: 16]
$ keyward mint web --out nowhere/web.key
------- stderr -------
error: cannot use the folder "nowhere": No such file or directory (os error 2)
hint: name a file in a folder that exists
[exit status: 16]
$ keyward mint web -- false
------- stderr -------
error: "false" ended with exit status 1; the key is void
[exit status: 16]
$ keyward mint ""
------- stderr -------
error: the name is empty
[exit status: 2]
"#,
    );
}
