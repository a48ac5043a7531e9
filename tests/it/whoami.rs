//! `keyward whoami`: an operator and a key.

use serde_json::{Value, json};

use crate::support::{Sandbox, text};

#[test]
fn an_operator_has_a_name_and_no_prefix() {
    let sandbox = Sandbox::new();
    let caller = sandbox.keyward(["whoami"]).answer();
    assert_ne!(text(&caller, "name"), "");
    let expected = json!({
        "workspace": null, "scopes": [], "prefix": "", "name": caller["name"], "id": null, "createdAt": null,
        "lastUsedAt": null, "kind": "operator",
    });
    assert_eq!(caller, expected);
    assert!(!sandbox.store_path().exists(), "asking made a store");
}

#[test]
fn an_operators_name_is_the_creator_of_what_it_makes() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let caller = sandbox.keyward(["whoami"]).answer();
    assert_eq!(sandbox.show("ci")["createdBy"], format!("operator:{}", text(&caller, "name")));
}

#[test]
fn an_operator_sees_the_chosen_workspace() {
    let sandbox = Sandbox::with_workspace("acme", &[]);
    assert_eq!(sandbox.keyward(["whoami"]).answer()["workspace"], "acme");
    sandbox.workspace("zenith", &[]);
    assert_eq!(sandbox.keyward(["whoami"]).answer()["workspace"], Value::Null);
    sandbox.keyward(["workspace", "use", "zenith"]).ok();
    assert_eq!(sandbox.keyward(["whoami"]).answer()["workspace"], "zenith");
}

#[test]
fn a_key_sees_itself() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let path = sandbox.file("ci.key", &format!("{secret}\n"));
    sandbox.verdict(&secret, &[], 0, "valid");
    let caller = sandbox.keyward(["whoami", "--as"]).args([&path]).answer();
    let key = sandbox.show("ci");
    let expected = json!({
        "workspace": "default", "scopes": [], "prefix": key["prefix"], "name": "ci", "id": key["id"],
        "createdAt": key["createdAt"], "lastUsedAt": caller["lastUsedAt"], "kind": "key",
    });
    assert_eq!(caller, expected);
    assert_ne!(caller["lastUsedAt"], Value::Null);
}

#[test]
fn people_see_a_name() {
    let sandbox = Sandbox::new();
    let name = text(&sandbox.keyward(["whoami"]).answer(), "name");
    let output = sandbox.keyward(["whoami"]).ok();
    assert!(output.stdout.contains(&name), "{}", output.transcript());
}
