//! A scan where there is no store: by a policy, or by a watch list.

use serde_json::json;

use super::{findings, one, plant};
use crate::support::{Sandbox, text};

#[test]
fn a_policy_proves_by_its_checksum() {
    let (sandbox, secret) = one();
    let away = Sandbox::new();
    let policy = sandbox.keyward(["workspace", "show", "default", "--policy"]).ok().stdout;
    away.file("policy.toml", &policy);
    plant(&away, "tree/a", format!("{secret}\n{}x\n", &secret[..secret.len() - 1]));
    let answer =
        away.keyward(["scan", "tree", "--policy", "policy.toml", "--json"]).exit(18).json();
    let found = findings(&answer);
    assert_eq!(found.len(), 1);
    assert_eq!((&found[0]["kind"], &found[0]["prefix"]), (&json!("unknown"), &json!(secret[..20])));
    away.keyward(["scan", "tree", "--policy", "policy.toml", "--fail-on", "live"]).ok();
    away.file("opaque.toml", "token = \"{secret:43}\"\nenvironments = [\"live\"]\n");
    away.keyward(["scan", "tree", "--policy", "opaque.toml"]).refused(2, "usage");
    away.keyward(["scan", "tree", "--policy", "policy.toml", "--revoke", "--yes"])
        .refused(2, "usage");
    away.keyward(["scan", "tree"]).refused(3, "store_not_found");
}

#[test]
fn a_watch_list_names_the_key_and_proves_nothing_more() {
    let (sandbox, secret) = one();
    let list = sandbox.keyward(["patterns", "--format", "watch"]).ok().stdout;
    assert!(
        !list.contains(&super::response::hash(&secret)) && !list.contains(&secret[20..]),
        "{list}"
    );
    let away = Sandbox::new();
    away.file("keys.watch", &list);
    plant(&away, "tree/a", &secret);
    let answer = away.keyward(["scan", "tree", "--watch", "keys.watch", "--json"]).exit(18).json();
    let finding = &findings(&answer)[0];
    let named = (&finding["kind"], &finding["name"], &finding["status"], &finding["id"]);
    let id = sandbox.id_of("ci");
    assert_eq!(named, (&json!("unknown"), &json!("ci"), &json!("active"), &json!(id)));
    assert_eq!(finding["remedy"], json!(null));
}

#[test]
fn an_environment_that_no_key_can_have_is_no_clean_scan() {
    let (sandbox, secret) = one();
    let policy = sandbox.keyward(["workspace", "show", "default", "--policy"]).ok().stdout;
    sandbox.file("policy.toml", &policy);
    let list = sandbox.keyward(["patterns", "--format", "watch"]).ok().stdout;
    sandbox.file("keys.watch", &list);
    plant(&sandbox, "tree/a", &secret);
    for words in [
        &["scan", "tree"][..],
        &["scan", "tree", "--policy", "policy.toml"],
        &["scan", "tree", "--watch", "keys.watch"],
        &["patterns"],
        &["patterns", "--format", "watch"],
    ] {
        let refused = sandbox.keyward(words).args(["-e", "lvie"]).refused(5, "invalid_environment");
        assert_eq!(text(&refused, "hint"), "the environments are live, test", "{words:?}");
    }
    sandbox.keyward(["scan", "tree", "-e", "test"]).ok();
    // An environment that a policy no longer has is still one that keys have.
    sandbox.mint_with("old", &["-e", "test"]);
    let set = ["workspace", "set", "default", "--environments", "live", "--keep-outside"];
    sandbox.keyward(set).ok();
    sandbox.keyward(["scan", "tree", "-e", "test"]).ok();
}
