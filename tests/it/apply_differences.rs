//! What `apply` says of the fields that differ: in its plan, in JSON, and in the answer of what was done.

use serde_json::json;

use crate::support::Sandbox;

const POLICY: &str = r#"
active_key_cap = 5
[scopes.read]
[scopes.write]
manage = ["list"]
"#;

const BEFORE: &str = r#"
[workspace.acme]
policy = "policy.toml"
[[key]]
workspace = "acme"
name = "ci"
scopes = ["read"]
owner = "platform"
labels = { team = "core", tier = "1" }
expires = "90d"
deliver = { out = "ci.key" }
[[key]]
workspace = "acme"
name = "same"
deliver = { out = "same.key" }
"#;

/// A sandbox after `BEFORE`, with a manifest that wants something else.
fn changed() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.file("policy.toml", POLICY);
    sandbox.file("keys.toml", BEFORE);
    sandbox.keyward(["apply", "keys.toml"]).ok();
    let policy = POLICY.replace("= 5", "= 6").replace("[\"list\"]", "[\"list\", \"mint\"]");
    sandbox.file("policy.toml", &(policy + "[scopes.admin]\n[plans.free]\nrate = \"5/minute\"\n"));
    let after = BEFORE
        .replace("[\"read\"]", "[\"read\", \"write\"]")
        .replace("owner = \"platform\"\n", "allow = [\"10.0.0.0/8\"]\nowner = \"data\"\n")
        .replace("team = \"core\", tier", "zone = \"eu\", tier");
    sandbox.file("keys.toml", &after);
    sandbox
}

#[test]
fn the_plan_says_field_by_field_what_differs() {
    changed().expect_transcripts(
        r#"
$ keyward apply keys.toml --check
~ workspace acme
    active_key_cap: 5 → 6
    scopes: read, write → admin, read, write
    scopes.write.manage: list → list, mint
    plans: none → free
~ acme/live/ci (update)
    scopes: read → read, write
    allow: anywhere → 10.0.0.0/8
    owner: platform → data
    labels.zone: none → eu
    labels.team: core → none
= acme/live/same
------- stderr -------
[exit status: 18]
$ keyward apply keys.toml
------- stderr -------
~ workspace acme
    active_key_cap: 5 → 6
    scopes: read, write → admin, read, write
    scopes.write.manage: list → list, mint
    plans: none → free
~ acme/live/ci (update)
    scopes: read → read, write
    allow: anywhere → 10.0.0.0/8
    owner: platform → data
    labels.zone: none → eu
    labels.team: core → none
= acme/live/same
updated acme/live/ci (<id>)
1 updated, 1 unchanged
[exit status: 0]
$ keyward apply keys.toml --check
= workspace acme
= acme/live/ci
= acme/live/same
------- stderr -------
[exit status: 0]
"#,
    );
}

#[test]
fn json_has_the_same_with_values_as_they_are() {
    let sandbox = changed();
    let plan = sandbox.keyward(["apply", "keys.toml", "--dry-run"]).answer();
    let expected = json!([
        { "field": "scopes", "from": ["read"], "to": ["read", "write"] },
        { "field": "allow", "from": [], "to": ["10.0.0.0/8"] },
        { "field": "owner", "from": "platform", "to": "data" },
        { "field": "labels.zone", "from": null, "to": "eu" },
        { "field": "labels.team", "from": "core", "to": null },
    ]);
    assert_eq!(plan["changes"][0]["differences"], expected);
    assert_eq!(plan["changes"][1]["differences"], json!([]));
    let policy = &plan["workspaces"][0]["differences"];
    assert_eq!(policy[0], json!({ "field": "active_key_cap", "from": 5, "to": 6 }));
    let schema = sandbox.keyward(["schema", "apply"]).ok().json();
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    validator.validate(&plan).expect("the plan is valid");
    let done = sandbox.keyward(["apply", "keys.toml"]).answer();
    assert_eq!(done["changes"][0]["differences"], expected);
    let columns = |line: &str| line.split('\t').count();
    let tsv = sandbox.keyward(["apply", "keys.toml", "-o", "tsv"]).ok().stdout;
    assert!(tsv.lines().all(|line| columns(line) == 6), "{tsv}");
}

#[test]
fn a_rotation_says_what_its_key_will_have() {
    let sandbox = Sandbox::new();
    sandbox.file("policy.toml", POLICY);
    sandbox.file("keys.toml", BEFORE);
    sandbox.keyward(["apply", "keys.toml"]).ok();
    let after = BEFORE.replace("\"90d\"", "\"120d\"\nrotate_before = \"100d\"");
    sandbox.file("keys.toml", &after.replace("platform", "data"));
    let plan = sandbox.keyward(["apply", "keys.toml", "--dry-run"]).answer();
    let change = &plan["changes"][0];
    assert_eq!(change["action"], "rotated");
    assert_eq!(
        change["differences"][0],
        json!({ "field": "owner", "from": "platform", "to": "data" })
    );
    let expiry = &change["differences"][1];
    assert_eq!(expiry["field"], "expiresAt");
    assert_eq!(expiry["from"], sandbox.show("ci")["expiresAt"]);
}

#[test]
fn signs_have_colours_where_colours_are_wanted() {
    let sandbox = changed();
    let plan = |colour: &str| {
        let run = sandbox.keyward(["apply", "keys.toml", "--dry-run", "--color", colour]);
        run.ok().stdout
    };
    let coloured = plan("always");
    assert!(coloured.contains("\u{1b}[33m~ \u{1b}[0macme/live/ci"), "{coloured}");
    assert!(coloured.contains("\n    owner: "), "{coloured}");
    assert!(!plan("auto").contains('\u{1b}'));
}
