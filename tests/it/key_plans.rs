//! A key's own plan: its rate in place of the workspace's, its quota beside the workspace's, and no way round either.

use std::{fs, thread};

use serde_json::{Value, json};

use crate::support::counts::not_around_midnight;
use crate::support::{Output, Sandbox};

/// A workspace `acme` on the plan `free`; a key may be on `pro`, `small` or `open` too.
fn acme() -> Sandbox {
    let sandbox = Sandbox::new();
    create(&sandbox, "rate = \"3/hour\"\nquota = 20");
    sandbox
}

fn policy(sandbox: &Sandbox, free: &str, without: &str) -> String {
    let mut text =
        "environments = [\"live\"]\ndefault_plan = \"free\"\nrotation_grace = \"1d\"\n".to_owned();
    for (plan, limits) in [
        ("free", free),
        ("pro", "rate = \"8/hour\""),
        ("small", "rate = \"1000/second\"\nquota = 4"),
        ("open", ""),
    ] {
        if plan != without {
            text += &format!("[plans.{plan}]\n{limits}\n");
        }
    }
    sandbox.file("policy.toml", &text).display().to_string()
}

fn create(sandbox: &Sandbox, free: &str) {
    let policy = policy(sandbox, free, "");
    sandbox.keyward(["workspace", "create", "acme", "--policy", &policy]).ok();
}

fn mint(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let mut words = vec!["mint"];
    words.extend(arguments);
    sandbox.keyward(words).ok().stdout.trim().to_owned()
}

/// How many of so many requests are let through, and the code of the last.
fn let_through(sandbox: &Sandbox, secret: &str, requests: usize) -> (usize, String) {
    let lines = vec![secret; requests].join("\n");
    let stream = sandbox.keyward(["verify", "--stream"]).stdin(lines).ok();
    let verdicts: Vec<Value> =
        stream.stdout.lines().map(|line| serde_json::from_str(line).expect("a verdict")).collect();
    assert_eq!(verdicts.len(), requests);
    let passed = verdicts.iter().filter(|verdict| verdict["code"] == "valid").count();
    let code = verdicts.last().map_or("", |last| last["code"].as_str().expect("a code"));
    (passed, code.to_owned())
}

fn shown(sandbox: &Sandbox, key: &str) -> Value {
    sandbox.keyward(["show", key, "--json"]).ok().json()
}

#[test]
fn a_key_on_a_plan_has_its_rate_in_place_of_the_workspaces() {
    let sandbox = acme();
    let (plain, pro) = (mint(&sandbox, &["plain"]), mint(&sandbox, &["paying", "--plan", "pro"]));
    let open = mint(&sandbox, &["open", "--plan", "open"]);
    assert_eq!(let_through(&sandbox, &plain, 6), (3, "rate_limited".to_owned()));
    assert_eq!(let_through(&sandbox, &pro, 10), (8, "rate_limited".to_owned()));
    // No rate at all, but the workspace's quota, of which 11 are spent.
    assert_eq!(let_through(&sandbox, &open, 12), (9, "quota_exceeded".to_owned()));
    assert_eq!(shown(&sandbox, "paying")["plan"], "pro");
    assert_eq!(shown(&sandbox, "plain")["plan"], Value::Null);
}

#[test]
fn the_quota_of_a_keys_plan_holds_beside_the_workspaces() {
    not_around_midnight();
    let sandbox = acme();
    let small = mint(&sandbox, &["small", "--plan", "small"]);
    assert_eq!(let_through(&sandbox, &small, 5), (4, "quota_exceeded".to_owned()));
    let limits = &shown(&sandbox, "small")["limits"];
    assert_eq!((&limits["quota"]["limit"], &limits["quota"]["remaining"]), (&json!(4), &json!(0)));
    // What it has spent is the workspace's too: 16 are left.
    let open = mint(&sandbox, &["open", "--plan", "open"]);
    assert_eq!(let_through(&sandbox, &open, 20), (16, "quota_exceeded".to_owned()));
    let limits = &shown(&sandbox, "open")["limits"];
    assert_eq!((&limits["quota"]["limit"], &limits["rate"]), (&json!(20), &Value::Null));
}

#[test]
fn a_rotation_inherits_the_plan_and_what_is_spent_of_it() {
    not_around_midnight();
    let sandbox = acme();
    let old = mint(&sandbox, &["small", "--plan", "small"]);
    assert_eq!(let_through(&sandbox, &old, 3).0, 3);
    let new = sandbox.keyward(["rotate", "small"]).ok().stdout.trim().to_owned();
    assert_eq!(shown(&sandbox, "small")["plan"], "small");
    // One is left for both.
    let lines = [new.as_str(), &old, &new, &old].join("\n");
    let stream = sandbox.keyward(["verify", "--stream"]).stdin(lines).ok();
    let passed = stream.stdout.lines().filter(|line| line.contains("\"valid\":true")).count();
    assert_eq!(passed, 1, "{}", stream.stdout);
    assert_eq!(let_through(&sandbox, &new, 1).1, "quota_exceeded");
}

#[test]
fn another_plan_is_no_second_burst() {
    let sandbox = acme();
    let secret = mint(&sandbox, &["app", "--plan", "pro"]);
    assert_eq!(let_through(&sandbox, &secret, 8).0, 8);
    sandbox.keyward(["set", "app", "--clear-plan"]).ok();
    assert_eq!(let_through(&sandbox, &secret, 1), (0, "rate_limited".to_owned()));
    sandbox.keyward(["set", "app", "--plan", "pro"]).ok();
    assert_eq!(let_through(&sandbox, &secret, 1), (0, "rate_limited".to_owned()));
    // The policy gives the plan another rate.
    let text = fs::read_to_string(policy(&sandbox, "rate = \"3/hour\"", "")).expect("the policy");
    let changed = sandbox.file("changed.toml", &text.replace("8/hour", "9/hour"));
    sandbox.keyward(["workspace", "set", "--policy"]).args([changed]).ok();
    assert!(let_through(&sandbox, &secret, 9).0 <= 1);
}

#[test]
fn eight_processes_at_once_take_exactly_what_the_plan_allows() {
    not_around_midnight();
    let sandbox = acme();
    let secret = mint(&sandbox, &["small", "--plan", "small"]);
    let passed: usize = thread::scope(|scope| {
        let streams: Vec<_> =
            (0..8).map(|_| scope.spawn(|| let_through(&sandbox, &secret, 5).0)).collect();
        streams.into_iter().map(|stream| stream.join().expect("no panic")).sum()
    });
    assert_eq!(passed, 4);
}

#[test]
fn a_plan_that_a_live_key_is_on_cannot_be_dropped() {
    let sandbox = acme();
    mint(&sandbox, &["app", "--plan", "pro"]);
    let without = policy(&sandbox, "rate = \"3/hour\"", "pro");
    let set = |more: &[&str]| -> Output {
        let mut words = vec!["workspace", "set", "--policy", &without];
        words.extend(more);
        sandbox.keyward(words).run()
    };
    for more in [&[][..], &["--keep-outside"]] {
        let refused = set(more);
        assert_eq!(refused.status, 4, "{}", refused.transcript());
        assert!(refused.stderr.contains("app (key_"), "{}", refused.transcript());
        assert!(refused.stderr.contains("--clear-plan"), "{}", refused.transcript());
    }
    sandbox.keyward(["set", "app", "--clear-plan"]).ok();
    assert_eq!(set(&[]).status, 0);
}

#[test]
fn a_plan_that_the_policy_does_not_have_is_refused_by_name() {
    let sandbox = acme();
    mint(&sandbox, &["app"]);
    let key_count = || sandbox.keyward(["list", "-o", "jsonl"]).ok().stdout.lines().count();
    for words in [
        &["mint", "other", "--plan", "gold"][..],
        &["set", "app", "--plan", "gold"],
        &["ensure", "third", "--plan", "gold", "--out", "third.key"],
    ] {
        let refused = sandbox.keyward(words.to_vec()).run();
        assert_ne!(refused.status, 0, "{}", refused.transcript());
        assert!(refused.stderr.contains("gold"), "{}", refused.transcript());
        assert!(refused.stderr.contains("pro"), "{}", refused.transcript());
    }
    assert_eq!(key_count(), 1);
}

#[test]
fn ensure_and_apply_put_a_key_on_its_plan_and_leave_it_alone_after() {
    let sandbox = acme();
    let ensure = |plan: &str| {
        let words = ["ensure", "app", "--plan", plan, "--out", "app.key", "--json"];
        sandbox.keyward(words).ok().json()["action"].clone()
    };
    assert_eq!(ensure("pro"), "created");
    assert_eq!(ensure("pro"), "unchanged");
    assert_eq!(ensure("small"), "updated");
    assert_eq!(shown(&sandbox, "app")["plan"], "small");
    let manifest = sandbox.file(
        "keys.toml",
        "[workspace.acme]\n[[key]]\nworkspace = \"acme\"\nname = \"app\"\nplan = \"pro\"\ndeliver = { out = \"app.key\" }\n",
    );
    let manifest = manifest.display().to_string();
    let plan = sandbox.keyward(["apply", &manifest, "--check"]).run();
    assert!(plan.stdout.contains("small") && plan.stdout.contains("pro"), "{}", plan.transcript());
    sandbox.keyward(["apply", &manifest, "--yes"]).ok();
    assert_eq!(shown(&sandbox, "app")["plan"], "pro");
}

#[test]
fn an_export_takes_the_plan_along_and_a_line_with_another_differs() {
    let sandbox = acme();
    let secret = mint(&sandbox, &["app", "--plan", "pro"]);
    let lines = sandbox.keyward(["store", "export"]).ok().stdout;
    let other = Sandbox::new();
    other.keyward(["store", "import", "-"]).stdin(&lines).ok();
    assert_eq!(shown(&other, "app")["plan"], "pro");
    assert_eq!(let_through(&other, &secret, 10).0, 8);
    let differing = lines.replace("\"plan\":\"pro\"", "\"plan\":\"small\"");
    let refused = other.keyward(["store", "import", "-"]).stdin(&differing).run();
    assert_eq!(refused.status, 4, "{}", refused.transcript());
    assert!(refused.stderr.contains("plan"), "{}", refused.transcript());
}
