//! Keys that a changed policy leaves out: the change is refused and lists them, or they live on as they are.

use serde_json::json;

use crate::support::{Invocation, Sandbox, text};

/// A workspace `acme` with two environments, two scopes and a plan, and a key in each environment.
fn acme(sandbox: &Sandbox) -> [String; 2] {
    let policy = "environments = [\"live\", \"test\"]\ndefault_plan = \"free\"\n\
                  [scopes.read]\n[scopes.write]\n[plans.free]\nrate = \"10/minute\"\n[plans.pro]\nrate = \"100/minute\"\n";
    let policy = sandbox.file("policy.toml", policy);
    let create = sandbox.keyward(["workspace", "create", "acme", "--policy"]);
    create.args([policy]).ok();
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
    let before = sandbox.keyward(["workspace", "show", "acme", "--policy"]).ok();
    let refused = set(&sandbox, &["--environments", "live"]).refused(4, "conflict");
    let message = text(&refused, "message");
    assert!(message.contains(&format!("1 live key: jobs ({id}, environment test)")), "{message}");
    assert!(text(&refused, "hint").contains("--keep-outside"));
    let after = sandbox.keyward(["workspace", "show", "acme", "--policy"]).ok();
    assert_eq!(before.stdout, after.stdout);
    set(&sandbox, &["--environments", "live", "--keep-outside"]).ok();
    for secret in [web, jobs] {
        sandbox.verdict(&secret, &[], 0, "valid");
    }
    // What is outside already is in the way of no other change.
    set(&sandbox, &["--rotation-grace", "2h"]).ok();
    sandbox.keyward(["revoke", "jobs", "-e", "test", "--yes"]).ok();
    set(&sandbox, &["--environments", "live,test"]).ok();
    set(&sandbox, &["--environments", "live"]).ok();
}

#[test]
fn a_scope_of_a_live_key_is_not_dropped_in_silence() {
    let sandbox = Sandbox::new();
    acme(&sandbox);
    let id = sandbox.id_of("web");
    let narrow =
        sandbox.file("narrow.toml", "default_plan = \"free\"\n[scopes.write]\n[plans.free]\n");
    let flags = ["--policy", narrow.to_str().expect("UTF-8")];
    let refused = set(&sandbox, &flags).refused(4, "conflict");
    let message = text(&refused, "message");
    assert!(message.contains(&format!("1 live key: web ({id}, scope read)")), "{message}");
    set(&sandbox, &flags).args(["--keep-outside"]).ok();
}

#[test]
fn a_cap_is_not_lowered_below_the_live_keys_in_silence() {
    let sandbox = Sandbox::new();
    acme(&sandbox);
    // Nor is one set that was not there.
    set(&sandbox, &["--cap", "1"]).refused(4, "conflict");
    set(&sandbox, &["--cap", "2"]).ok();
    let refused = set(&sandbox, &["--cap", "1"]).refused(4, "conflict");
    let message = text(&refused, "message");
    assert!(
        message.contains("is below its 2 live keys: web (") && message.contains("jobs ("),
        "{message}"
    );
    set(&sandbox, &["--cap", "1", "--keep-outside"]).ok();
    // A cap that is raised again may still be below them.
    sandbox.keyward(["workspace", "set", "acme", "--cap", "0"]).ok();
}

#[test]
fn a_plan_in_use_is_not_dropped_in_silence() {
    let sandbox = Sandbox::new();
    acme(&sandbox);
    let policy = sandbox
        .file("plans.toml", "default_plan = \"pro\"\n[scopes.read]\n[scopes.write]\n[plans.pro]\n");
    let flags = ["--policy", policy.to_str().expect("UTF-8")];
    let refused = set(&sandbox, &flags).refused(4, "conflict");
    let message = text(&refused, "message");
    assert!(
        message.contains("is on the plan free, which the new policy does not have"),
        "{message}"
    );
    // Keeping keys is not an answer to that; a plan is.
    set(&sandbox, &flags).args(["--keep-outside"]).refused(4, "conflict");
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
    sandbox.file("narrow.toml", "environments = [\"live\"]\ndefault_plan = \"free\"\n[scopes.read]\n[scopes.write]\n[plans.free]\n");
    let manifest = sandbox.file("keys.toml", "[workspace.acme]\npolicy = \"narrow.toml\"\n");
    let apply = |flags: &[&str]| sandbox.keyward(["apply"]).args([&manifest]).args(flags);
    for flags in [&[][..], &["--dry-run"], &["--check"]] {
        let refused = apply(flags).refused(4, "conflict");
        let message = text(&refused, "message");
        assert!(message.contains("1 live key: jobs ("), "{message}");
    }
    apply(&["--keep-outside"]).ok();
    apply(&["--check"]).ok();
    sandbox.verdict(&jobs, &[], 0, "valid");
}

#[test]
fn a_manifest_that_names_a_preset_means_all_of_it() {
    let sandbox = Sandbox::new();
    let manifest = sandbox.file("keys.toml", "[workspace.acme]\npreset = \"default\"\n");
    let apply = |flags: &[&str]| sandbox.keyward(["apply"]).args([&manifest]).args(flags);
    apply(&[]).ok();
    apply(&["--check"]).ok();
    sandbox.keyward(["workspace", "set", "acme", "--cap", "7"]).ok();
    let check = apply(&["--check"]).exit(18);
    assert!(check.stdout.contains("~ workspace acme"), "{}", check.stdout);
    apply(&[]).ok();
    apply(&["--check"]).ok();
    let shown = sandbox.keyward(["workspace", "show", "acme"]).answer();
    assert!(shown["policy"].get("active_key_cap").is_none(), "{shown:#}");
}

/// `acme` with the key `jobs` outside its policy by its environment, or by its scope; and that key's secret.
fn outside(by: &str) -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    let [_, jobs] = acme(&sandbox);
    let (environments, scopes) = match by {
        "environment" => ("\"live\"", "[scopes.read]\n[scopes.write]"),
        "scope" => ("\"live\", \"test\"", "[scopes.read]"),
        other => unreachable!("{other}"),
    };
    let policy = format!(
        "environments = [{environments}]\ndefault_plan = \"free\"\n{scopes}\n[plans.free]\n"
    );
    let policy = sandbox.file("narrow.toml", &policy);
    let run = set(&sandbox, &["--keep-outside", "--policy"]);
    run.args([policy]).ok();
    (sandbox, jobs)
}

#[test]
fn a_key_outside_the_policy_is_set_rotated_ensured_and_listed_as_it_is() {
    for by in ["environment", "scope"] {
        let (sandbox, jobs) = outside(by);
        let jobs_in = |command: &[&str]| {
            let run = sandbox.keyward(command).args(["-e", "test"]);
            run.answer()
        };
        assert_eq!(sandbox.listed(&["-e", "test"]), ["jobs"]);
        assert_eq!(jobs_in(&["set", "jobs", "--owner", "me"])["owner"], "me");
        let same = jobs_in(&["set", "jobs", "--scope", "write"]);
        assert_eq!(same["scopes"], json!(["write"]));
        let unchanged = jobs_in(&["ensure", "jobs", "--scope", "write"]);
        assert_eq!(unchanged["action"], "unchanged", "{unchanged:#}");
        let rotated = jobs_in(&["rotate", "jobs", "--out", "jobs.key"]);
        assert_eq!(
            (&rotated["environment"], &rotated["scopes"]),
            (&json!("test"), &json!(["write"]))
        );
        for secret in [jobs, sandbox.text("jobs.key").trim_end().to_owned()] {
            sandbox.verdict(&secret, &["-e", "test"], 0, "valid");
        }
        // What the policy leaves out is for no other key.
        let run = sandbox.keyward(["mint", "new", "-e", "test", "--scope", "write"]);
        let code = match by {
            "environment" => "invalid_environment",
            _ => "invalid_scope",
        };
        run.refused(5, code);
    }
}

#[test]
fn check_finds_the_keys_outside_the_policy_and_its_remedies_run() {
    for by in ["environment", "scope"] {
        let (sandbox, _) = outside(by);
        let check = ["check", "--outside-policy", "--json"];
        let findings = sandbox.keyward(check).exit(18).json();
        let [finding] = findings["findings"].as_array().expect("a list").as_slice() else {
            panic!("{findings:#}");
        };
        assert_eq!(
            (text(finding, "name"), text(finding, "reason")),
            ("jobs".to_owned(), "outside_policy".to_owned())
        );
        let remedy = text(finding, "remedy");
        let words = remedy.split_whitespace().skip(1);
        sandbox.keyward(words).args(["--yes"]).ok();
        sandbox.keyward(check).ok();
    }
    let (sandbox, _) = outside("scope");
    let both = sandbox.mint_with("both", &["-e", "test", "--scope", "read"]);
    let wide = ["--policy", "policy.toml"];
    set(&sandbox, &wide).ok();
    let set_both = ["set", "both", "-e", "test", "--scope", "read", "--scope", "write"];
    sandbox.keyward(set_both).ok();
    let narrow = ["--policy", "narrow.toml", "--keep-outside"];
    set(&sandbox, &narrow).ok();
    let check = ["check", "--outside-policy", "--json"];
    let findings = sandbox.keyward(check).exit(18).json();
    let remedy = text(&findings["findings"][1], "remedy");
    let id = sandbox.keyward(["show", "both", "-e", "test"]).answer();
    assert_eq!(remedy, format!("keyward set {} --scope read", text(&id, "id")));
    sandbox.keyward(remedy.split(' ').skip(1)).ok();
    sandbox.verdict(&both, &["--require", "read"], 0, "valid");
}

#[test]
fn an_export_of_keys_outside_the_policy_is_imported_whole() {
    for by in ["environment", "scope"] {
        let (sandbox, jobs) = outside(by);
        set(&sandbox, &["--cap", "1", "--keep-outside"]).ok();
        let exported = sandbox.keyward(["store", "export"]).ok().stdout;
        let other = Sandbox::new();
        let lines = other.file("lines.jsonl", &exported);
        other.keyward(["store", "import"]).args([lines]).ok();
        assert_eq!(other.keyward(["store", "export"]).ok().stdout, exported);
        let verdict = other.verdict(&jobs, &["-e", "test"], 0, "valid");
        assert_eq!(verdict["subject"]["scopes"], json!(["write"]));
    }
}

#[test]
fn check_finds_a_pending_key_that_is_outside_the_policy() {
    let sandbox = Sandbox::new();
    acme(&sandbox);
    let held = sandbox.mint_with("held", &["-e", "test", "--scope", "write", "--hold"]);
    let policy = "environments = [\"live\", \"test\"]\ndefault_plan = \"free\"\n[scopes.read]\n[plans.free]\n";
    let policy = sandbox.file("narrow.toml", policy);
    let run = set(&sandbox, &["--keep-outside", "--policy"]);
    run.args([policy]).ok();
    let check = ["check", "--outside-policy", "--json"];
    let findings = sandbox.keyward(check).exit(18).json();
    let found = findings["findings"].as_array().expect("a list");
    let found = found.iter().find(|finding| finding["name"] == "held");
    let finding = found.expect("the pending key is outside too");
    assert_eq!(finding["reason"], "outside_policy");
    let remedy = text(finding, "remedy");
    let words = remedy.split_whitespace().skip(1);
    sandbox.keyward(words).args(["--yes"]).ok();
    sandbox.keyward(["activate"]).stdin(held).refused(11, "revoked");
    // Nothing else is looked for in a pending key.
    sandbox.mint_with("other", &["-e", "live", "--scope", "read", "--hold"]);
    let never = sandbox.keyward(["check", "--never-used", "--json"]).exit(18);
    let findings = &never.json()["findings"];
    let mut names = findings.as_array().expect("a list").iter();
    assert!(names.all(|finding| finding["name"] != "other"), "{findings:#}");
}
