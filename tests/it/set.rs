//! `keyward set`: each field set and cleared.

use serde_json::{Value, json};

use crate::support::time::{DAY, assert_about, now};
use crate::support::{Sandbox, moment};

#[test]
fn each_field_is_set_and_cleared() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let steps: [(&[&str], &str, Value); 8] = [
        (&["--owner", "platform"], "owner", json!("platform")),
        (&["--clear-owner"], "owner", Value::Null),
        (&["--allow", "203.0.113.0/24"], "allow", json!(["203.0.113.0/24"])),
        (&["--clear-allow"], "allow", json!([])),
        (&["--label", "team=core"], "labels", json!({"team": "core"})),
        (&["--clear-labels"], "labels", json!({})),
        (&["--expires", "2101-02-03T04:05:06Z"], "expiresAt", json!("2101-02-03T04:05:06.000Z")),
        (&["--clear-expires"], "expiresAt", Value::Null),
    ];
    for (flags, field, expected) in steps {
        let mut before = sandbox.show("ci");
        let after = sandbox.keyward(["set", "ci"]).args(flags).answer();
        assert_eq!(after[field], expected, "{flags:?}");
        before[field] = expected;
        assert_eq!(after, before, "{flags:?} changed another field");
        assert_eq!(sandbox.show("ci"), after);
    }
}

#[test]
fn scopes_are_replaced_and_cleared() {
    let sandbox = Sandbox::new();
    let policy = sandbox.file(
        "policy.toml",
        "token = \"{prefix}_{env}_{short:12}{secret:32}{crc}\"\nalphabet = \"base62\"\nprefix = \"acme\"\n\
         environments = [\"live\", \"test\"]\nscopes_per_key = { min = 0, max = 2 }\n\
         [scopes.read]\nmanage = []\n[scopes.write]\nmanage = []\n",
    );
    sandbox.keyward(["workspace", "create", "acme", "--policy"]).args([policy]).ok();
    sandbox.mint_with("ci", &["--scope", "read"]);
    let key = sandbox.keyward(["set", "ci", "--scope", "write"]).answer();
    assert_eq!(key["scopes"], json!(["write"]));
    sandbox.refuses(&["set", "ci", "--scope", "admin"], 5, "invalid_scope");
    let key = sandbox.keyward(["set", "ci", "--clear-scopes"]).answer();
    assert_eq!(key["scopes"], json!([]));
}

#[test]
fn a_scope_the_policy_requires_cannot_be_cleared() {
    let sandbox = Sandbox::with_workspace("customer", &["--preset", "scrapewise"]);
    sandbox.mint_with("agent", &["--scope", "LLM_READ"]);
    sandbox.refuses(&["set", "agent", "--clear-scopes"], 5, "invalid_scope");
    sandbox.refuses(
        &["set", "agent", "--scope", "USER", "--scope", "LLM_READ"],
        5,
        "invalid_scope",
    );
    assert_eq!(sandbox.show("agent")["scopes"], json!(["LLM_READ"]));
}

#[test]
fn labels_are_merged() {
    let sandbox = Sandbox::new();
    sandbox.mint_with("ci", &["--label", "team=core", "--label", "tier=1"]);
    let key = sandbox.keyward(["set", "ci", "--label", "tier=2", "--label", "region=eu"]).answer();
    assert_eq!(key["labels"], json!({"region": "eu", "team": "core", "tier": "2"}));
}

#[test]
fn an_expiry_counts_from_now() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let key = sandbox.keyward(["set", "ci", "--expires", "7d"]).answer();
    assert_about(moment(&key, "expiresAt"), now() + 7 * DAY);
    let key = sandbox.keyward(["set", "ci", "--expires", "never"]).answer();
    assert_eq!(key["expiresAt"], Value::Null);
    sandbox.refuses(&["set", "ci", "--expires", "2001-01-01"], 5, "invalid_expiry");
    sandbox.refuses(&["set", "ci", "--expires", "soonish"], 2, "usage");
}

#[test]
fn the_maximum_lifetime_cannot_be_set_away() {
    let sandbox = Sandbox::with_workspace(
        "acme",
        &["--default-lifetime", "30d", "--maximum-lifetime", "60d"],
    );
    sandbox.mint("ci");
    let before = sandbox.show("ci");
    for flags in [&["--expires", "61d"][..], &["--expires", "never"], &["--clear-expires"]] {
        sandbox.keyward(["set", "ci"]).args(flags).refused(5, "invalid_expiry");
    }
    assert_eq!(sandbox.show("ci"), before);
}

#[test]
fn no_flag_is_a_usage_error() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    sandbox.refuses(&["set", "ci"], 2, "usage");
    sandbox.refuses(&["set", "ci", "--allow", "everywhere"], 2, "usage");
    sandbox.refuses(&["set", "ci", "--label", "team"], 2, "usage");
}

#[test]
fn what_it_has_already_is_no_change() {
    let sandbox = Sandbox::new();
    sandbox.mint_with("ci", &["--owner", "platform"]);
    let head = sandbox.head();
    let output = sandbox.keyward(["set", "ci", "--owner", "platform"]).ok();
    assert_ne!(output.stderr, "", "nothing is said of the unchanged owner");
    assert_eq!(sandbox.head(), head);
}

#[test]
fn a_dead_key_cannot_be_set_and_an_expired_one_not_revived() {
    let sandbox = Sandbox::with_keys(&["revoked"]);
    let secret = sandbox.mint_with("expired", &["--expires", "1s"]);
    sandbox.keyward(["revoke", "revoked", "--yes"]).ok();
    sandbox.wait_for_verdict(&secret, 12);
    sandbox.refuses(&["set", "revoked", "--owner", "platform"], 4, "conflict");
    sandbox.refuses(&["set", "expired", "--clear-expires"], 4, "conflict");
    sandbox.refuses(&["set", "expired", "--expires", "7d"], 4, "conflict");
    sandbox.verdict(&secret, &[], 12, "expired");
}

#[test]
fn a_changed_allow_list_holds_at_the_next_verify() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    sandbox.verdict(&secret, &["--ip", "198.51.100.1"], 0, "valid");
    sandbox.keyward(["set", "ci", "--allow", "203.0.113.0/24"]).ok();
    sandbox.verdict(&secret, &["--ip", "198.51.100.1"], 14, "ip_denied");
    sandbox.keyward(["set", "ci", "--clear-allow"]).ok();
    sandbox.verdict(&secret, &["--ip", "198.51.100.1"], 0, "valid");
}

#[test]
fn a_superseded_key_cannot_be_prolonged() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let old = sandbox.id_of("ci");
    sandbox.keyward(["rotate", "ci", "--grace", "1h"]).ok();
    for flags in [&["--clear-expires"][..], &["--expires", "2h"]] {
        sandbox.keyward([&["set", &old], flags].concat()).refused(5, "invalid_expiry");
    }
    sandbox.keyward(["set", &old, "--expires", "10m"]).ok();
}

#[test]
fn a_person_reads_which_key_was_changed_by_its_name_and_id() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    sandbox.expect_transcripts(
        r#"
$ keyward set ci --owner platform
------- stderr -------
changed ci (<id>)
[exit status: 0]
$ keyward set ci --owner platform
------- stderr -------
no change: ci (<id>) already has these values
[exit status: 0]
$ keyward disable ci
------- stderr -------
disabled ci (<id>)
[exit status: 0]
$ keyward disable ci
------- stderr -------
no change: ci (<id>) is already disabled
[exit status: 0]
"#,
    );
}
