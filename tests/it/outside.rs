//! Keys that a changed policy leaves out: the change is refused and lists them, or they live on as they are.

use crate::support::{Invocation, Sandbox, text};

/// A workspace `acme` with two environments, two scopes and a plan, and a key in each environment.
fn acme(sandbox: &Sandbox) -> [String; 2] {
    let policy = "environments = [\"live\", \"test\"]\ndefault_plan = \"free\"\n\
                  [scopes.read]\n[scopes.write]\n[plans.free]\nrate = \"10/minute\"\n[plans.pro]\nrate = \"100/minute\"\n";
    let policy = sandbox.file("policy.toml", policy);
    let create = sandbox.keyward(["workspace", "create", "acme", "--policy"]);
    let _ = create.args([policy]).ok();
    [
        sandbox.mint_with("web", &["-e", "live", "--scope", "read"]),
        sandbox.mint_with("jobs", &["-e", "test", "--scope", "write"]),
    ]
}

fn set(sandbox: &Sandbox, flags: &[&str]) -> Invocation {
    sandbox.keyward(["workspace", "set", "acme"]).args(flags)
}

#[test]
fn an_environment_of_a_live_key_is_not_dropped_in_silence() {
    let sandbox = Sandbox::new();
    let [web, jobs] = acme(&sandbox);
    let id = sandbox.id_of("jobs");
    let before = sandbox
        .keyward(["workspace", "show", "acme", "--policy"])
        .ok();
    let refused = set(&sandbox, &["--environments", "live"]).refused(4, "conflict");
    let message = text(&refused, "message");
    assert!(
        message.contains(&format!("1 live key: jobs ({id}, environment test)")),
        "{message}"
    );
    assert!(text(&refused, "hint").contains("--keep-outside"));
    let after = sandbox
        .keyward(["workspace", "show", "acme", "--policy"])
        .ok();
    assert_eq!(before.stdout, after.stdout);
    let _ = set(&sandbox, &["--environments", "live", "--keep-outside"]).ok();
    for secret in [web, jobs] {
        let _ = sandbox.verdict(&secret, &[], 0, "valid");
    }
    // What is outside already is in the way of no other change.
    let _ = set(&sandbox, &["--rotation-grace", "2h"]).ok();
    let _ = sandbox
        .keyward(["revoke", "jobs", "-e", "test", "--yes"])
        .ok();
    let _ = set(&sandbox, &["--environments", "live,test"]).ok();
    let _ = set(&sandbox, &["--environments", "live"]).ok();
}

#[test]
fn a_scope_of_a_live_key_is_not_dropped_in_silence() {
    let sandbox = Sandbox::new();
    let _ = acme(&sandbox);
    let id = sandbox.id_of("web");
    let narrow = sandbox.file(
        "narrow.toml",
        "default_plan = \"free\"\n[scopes.write]\n[plans.free]\n",
    );
    let flags = ["--policy", narrow.to_str().expect("UTF-8")];
    let refused = set(&sandbox, &flags).refused(4, "conflict");
    let message = text(&refused, "message");
    assert!(
        message.contains(&format!("1 live key: web ({id}, scope read)")),
        "{message}"
    );
    let _ = set(&sandbox, &flags).args(["--keep-outside"]).ok();
}

#[test]
fn a_cap_is_not_lowered_below_the_live_keys_in_silence() {
    let sandbox = Sandbox::new();
    let _ = acme(&sandbox);
    let _ = set(&sandbox, &["--cap", "2"]).ok();
    let refused = set(&sandbox, &["--cap", "1"]).refused(4, "conflict");
    let message = text(&refused, "message");
    assert!(
        message.contains("is below its 2 live keys: web (") && message.contains("jobs ("),
        "{message}"
    );
    let _ = set(&sandbox, &["--cap", "1", "--keep-outside"]).ok();
    // A cap that is raised again may still be below them.
    let _ = sandbox
        .keyward(["workspace", "set", "acme", "--cap", "0"])
        .ok();
}

#[test]
fn a_plan_in_use_is_not_dropped_in_silence() {
    let sandbox = Sandbox::new();
    let _ = acme(&sandbox);
    let policy = sandbox.file(
        "plans.toml",
        "default_plan = \"pro\"\n[scopes.read]\n[scopes.write]\n[plans.pro]\n",
    );
    let flags = ["--policy", policy.to_str().expect("UTF-8")];
    let refused = set(&sandbox, &flags).refused(4, "conflict");
    let message = text(&refused, "message");
    assert!(
        message.contains("is on the plan free, which the new policy does not have"),
        "{message}"
    );
    // Keeping keys is no answer to that; a plan is.
    let _ = set(&sandbox, &flags)
        .args(["--keep-outside"])
        .refused(4, "conflict");
    let moved = set(&sandbox, &flags).args(["--plan", "pro"]).answer();
    assert_eq!(moved["plan"], "pro");
    let none = set(&sandbox, &["--clear-plan"]).args(["--preset", "default"]);
    let none = none.args(["--keep-outside"]).answer();
    assert_eq!(none["plan"], serde_json::Value::Null);
}

#[test]
fn a_manifest_strands_no_live_key_either() {
    let sandbox = Sandbox::new();
    let [_, jobs] = acme(&sandbox);
    let _ = sandbox.file("narrow.toml", "environments = [\"live\"]\ndefault_plan = \"free\"\n[scopes.read]\n[scopes.write]\n[plans.free]\n");
    let manifest = sandbox.file("keys.toml", "[workspace.acme]\npolicy = \"narrow.toml\"\n");
    let apply = |flags: &[&str]| sandbox.keyward(["apply"]).args([&manifest]).args(flags);
    for flags in [&[][..], &["--dry-run"], &["--check"]] {
        let refused = apply(flags).refused(4, "conflict");
        let message = text(&refused, "message");
        assert!(message.contains("1 live key: jobs ("), "{message}");
    }
    let _ = apply(&["--keep-outside"]).ok();
    let _ = apply(&["--check"]).ok();
    let _ = sandbox.verdict(&jobs, &[], 0, "valid");
}

#[test]
fn a_manifest_that_names_a_preset_means_all_of_it() {
    let sandbox = Sandbox::new();
    let manifest = sandbox.file("keys.toml", "[workspace.acme]\npreset = \"default\"\n");
    let apply = |flags: &[&str]| sandbox.keyward(["apply"]).args([&manifest]).args(flags);
    let _ = apply(&[]).ok();
    let _ = apply(&["--check"]).ok();
    let _ = sandbox
        .keyward(["workspace", "set", "acme", "--cap", "7"])
        .ok();
    let check = apply(&["--check"]).exit(18);
    assert!(
        check.stdout.contains("~ workspace acme"),
        "{}",
        check.stdout
    );
    let _ = apply(&[]).ok();
    let _ = apply(&["--check"]).ok();
    let shown = sandbox.keyward(["workspace", "show", "acme"]).answer();
    assert!(shown["policy"].get("active_key_cap").is_none(), "{shown:#}");
}
