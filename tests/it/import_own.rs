//! A store's own export comes in again, whatever was done to its policies since its keys were minted.

use std::time::Duration;

use keyward::domain::code::Code;
use keyward::domain::secret::Secret;
use keyward::domain::timestamp::Timestamp;
use keyward::ops::verifier::{Request, Verifier};
use serde_json::{Value, json};

use crate::import_differs::{lines, records};
use crate::support::Sandbox;
use crate::support::past::Past;
use crate::support::stream::answers;
use crate::support::time::{DAY, HOUR, now};
use crate::transfer::import;

const POLICY: &str = "\
prefix = \"acme\"
environments = [\"live\", \"test\"]
active_key_cap = 50
default_plan = \"free\"
[scopes.read]
[scopes.write]
[plans.free]
quota = 1000
[plans.pro]
rate = \"100/minute\"
";

/// The policy above with one part of it replaced.
fn policy(from: &str, to: &str) -> String {
    assert!(POLICY.contains(from), "{from}");
    POLICY.replace(from, to)
}

/// A store with a key in every state and in two environments; and all of their secrets.
fn of_all_kinds() -> (Sandbox, Vec<String>) {
    let sandbox = Sandbox::new();
    sandbox.file("policy.toml", POLICY);
    sandbox.workspace("acme", &["--policy", "policy.toml", "--plan", "free"]);
    sandbox.workspace("beside", &[]);
    sandbox.keyward(["workspace", "use", "acme"]).ok();
    let mut secrets = vec![sandbox.mint_with("beside", &["-w", "beside"])];
    for (name, flags) in [
        ("plain", &[][..]),
        ("plain", &["-e", "test"]),
        ("writer", &["-e", "test", "--scope=read", "--scope=write"]),
        ("full", &["--scope=write", "--allow=203.0.113.0/24", "--owner=ops", "--label=a=b"]),
        ("held", &["--hold"]),
        ("paused", &["--scope=read"]),
        ("gone", &[]),
        ("ended", &["--expires=1s"]),
        ("paused and ended", &["--expires=2s"]),
        ("held and ended", &["--expires=2s", "--hold"]),
        ("overlap", &["--expires=30d"]),
        ("waiting", &[]),
        ("rolling", &["--scope=read"]),
    ] {
        secrets.push(sandbox.mint_with(name, flags));
    }
    for words in [
        &["disable", "paused"][..],
        &["disable", "paused and ended"],
        &["revoke", "gone", "--yes", "--reason=compromised", "--message=seen"],
    ] {
        sandbox.keyward(words).ok();
    }
    for words in [&["rotate", "overlap", "--grace=5h"][..], &["rotate", "waiting", "--hold"]] {
        secrets.push(sandbox.keyward(words).ok().line());
    }
    let ended = secrets[8].clone();
    sandbox.wait_for_verdict(&ended, 12);
    let is_held_and_ended =
        |line: &Value| line["name"] == "held and ended" && line["expired"] == true;
    while !records(&sandbox).iter().any(is_held_and_ended) {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    (sandbox, secrets)
}

/// The code and the status of every secret's verdict, asked for in several ways.
fn verdicts(sandbox: &Sandbox, secrets: &[String]) -> Vec<[String; 2]> {
    let ways = [
        json!({}),
        json!({"ip": "203.0.113.9", "scopes": ["read"]}),
        json!({"environment": "test"}),
    ];
    let mut requests = String::new();
    for secret in secrets {
        for way in &ways {
            let mut request = way.clone();
            request["key"] = json!(secret);
            requests += &(request.to_string() + "\n");
        }
    }
    let verdicts = answers(sandbox, &["--no-record"], requests);
    let of = |verdict: &Value, field: &str| verdict[field].to_string();
    let both = verdicts.iter().map(|verdict| [of(verdict, "code"), of(verdict, "status")]);
    both.collect()
}

/// Asserts that the store's export comes in to a new store as it is, and changes nothing in its own.
#[track_caller]
fn assert_comes_in_again(sandbox: &Sandbox, secrets: &[String], change: &str) {
    let exported = records(sandbox);
    let whole = lines(&exported);
    let other = Sandbox::new();
    import(&other, &whole).ok();
    for (number, (there, here)) in records(&other).iter().zip(&exported).enumerate() {
        assert_eq!(there, here, "{change}, line {}", number + 1);
    }
    assert_eq!(records(&other).len(), exported.len(), "{change}");
    other.keyward(["store", "check"]).ok();
    let here = verdicts(sandbox, secrets);
    assert_eq!(verdicts(&other, secrets), here, "{change}");
    let before = sandbox.settled_bytes();
    let answer = import(sandbox, &whole).answer();
    for result in answer["results"].as_array().expect("a list") {
        assert_eq!(result["code"], "unchanged", "{change}: {result:#}");
    }
    assert!(sandbox.settled_bytes() == before, "{change}: it was written");
}

#[test]
fn a_stores_own_export_comes_in_again_after_every_change_of_its_policy() {
    let (sandbox, mut secrets) = of_all_kinds();
    let codes = verdicts(&sandbox, &secrets);
    for code in ["valid", "disabled", "pending", "revoked", "expired", "insufficient_scope"] {
        assert!(
            codes.iter().any(|verdict| verdict[0] == format!("\"{code}\"")),
            "no {code}: {codes:?}"
        );
    }
    assert_comes_in_again(&sandbox, &secrets, "as it was made");
    let files = [
        ("fewer.toml", policy("[scopes.write]\n", "")),
        ("more.toml", policy("[scopes.write]\n", "[scopes.write]\n[scopes.admin]\n")),
        ("plans.toml", policy("[plans.free]\nquota = 1000\n", "").replace("\"free\"", "\"pro\"")),
        ("quota.toml", policy("quota = 1000", "quota = 5")),
    ];
    for (name, content) in &files {
        sandbox.file(name, content);
    }
    let changes = [
        &["--environments=live", "--keep-outside"][..],
        &["--environments=stage,live,test"],
        &["--policy=fewer.toml", "--keep-outside"],
        &["--policy=more.toml"],
        &["--prefix=other"],
        &["--token={prefix}-{env}-{short:8}.{secret:40}"],
        &["--alphabet=base36"],
        &["--cap=1", "--keep-outside"],
        &["--default-lifetime=7d", "--maximum-lifetime=10d"],
        &["--policy=plans.toml", "--plan=pro", "--keep-outside"],
        &["--policy=quota.toml", "--plan=free"],
        &["--preset=scrapewise", "--clear-plan", "--keep-outside"],
        &["--rotation-grace=2h"],
        &["--preset=default", "--keep-outside"],
    ];
    for change in changes {
        let set = sandbox.keyward(["workspace", "set", "acme"]);
        set.args(change).ok();
        let change = change.join(" ");
        assert_comes_in_again(&sandbox, &secrets, &change);
        // And with a key that was minted by the changed policy.
        let rotate = sandbox.keyward(["rotate", "rolling", "-e", "live", "--now"]);
        secrets.push(rotate.ok().line());
        assert_comes_in_again(&sandbox, &secrets, &change);
    }
}

/// Verifies a secret by the library, so many milliseconds from now: the store sees that moment.
fn visit(sandbox: &Sandbox, secret: &str, millis: i64) {
    let (path, wait) = (sandbox.named(), Duration::from_secs(10));
    let mut verifier = Verifier::open(&path, wait, drop).expect("there is a store");
    let request = Request::new(Secret::new(secret.to_owned()));
    let at = Timestamp::from_millis(now() + millis);
    let verdict = verifier.verify(&request, at).expect("a verdict");
    assert_eq!(verdict.code, Code::Valid);
    verifier.close().expect("the use can be written");
}

/// Imports what a store exports into another one, and asserts that it changes nothing where it comes from.
fn moved(sandbox: &Sandbox) -> Sandbox {
    let whole = lines(&records(sandbox));
    let other = Sandbox::new();
    let _ = import(&other, &whole).ok();
    let _ = other.keyward(["store", "check"]).ok();
    for store in [sandbox, &other] {
        let answer = import(store, &whole).answer();
        for result in answer["results"].as_array().expect("a list") {
            assert_eq!(result["code"], "unchanged", "{result:#}");
        }
    }
    other
}

#[test]
fn what_had_expired_by_the_time_that_its_store_has_seen_has_expired_in_another_one_too() {
    let sandbox = Sandbox::new();
    let secret = sandbox.mint("lasting");
    let short = ["--expires", "1h"];
    for name in ["paused", "held", "plain"] {
        let _ = sandbox
            .mint_with(name, &[&short[..], &["--hold"][..usize::from(name == "held")]].concat());
    }
    let paused = sandbox.id_of("paused");
    let _ = sandbox.keyward(["disable", "paused"]).ok();
    visit(&sandbox, &secret, 2 * HOUR);
    // Their names are free, here and there.
    for name in ["paused", "held", "plain"] {
        let _ = sandbox.mint(name);
    }
    let other = moved(&sandbox);
    for store in [&sandbox, &other] {
        let is_over = |key: &Value| key["expired"] == true;
        let records = records(store);
        let over: Vec<_> = records.iter().filter(|key| is_over(key)).collect();
        let status = over.iter().map(|key| &key["status"]).collect::<Vec<_>>();
        assert_eq!(status, ["disabled", "pending", "expired"], "{over:#?}");
    }
    assert_eq!(other.show(&paused)["status"], "disabled");
    let _ = other.keyward(["enable", &paused]).refused(4, "conflict");
}

#[test]
fn two_keys_of_a_name_come_in_where_the_clock_was_ahead_for_a_while() {
    let sandbox = Sandbox::new();
    let _ = sandbox.mint_with("ci", &["--expires", "10d"]);
    // More than thirty days ahead is not accepted at once, so the first key lives again.
    drop(Past::of(&sandbox).mint_ahead("ci", 40 * DAY));
    assert_eq!(sandbox.listed(&[]), ["ci", "ci"]);
    let other = moved(&sandbox);
    assert_eq!(other.listed(&[]), ["ci", "ci"]);
    // A name that another key has there is taken all the same.
    let third = Sandbox::new();
    let _ = third.mint("ci");
    let whole = lines(&records(&sandbox));
    let _ = import(&third, &whole).refused(4, "name_taken");
}

#[test]
fn what_is_as_long_as_it_may_be_comes_in_again() {
    let sandbox = Sandbox::new();
    let token = format!("{}{{prefix}}{{env}}{{short:128}}{{secret:40}}", "x".repeat(150));
    let prefix = "a".repeat(16);
    sandbox.workspace("long", &["--token", &token, "--prefix", &prefix]);
    let secrets = ["labelled", "graced", "gone"].map(|name| sandbox.mint(name));
    for labels in 0..4 {
        let value = "\u{1f600}".repeat(256);
        let labels = (0..40).map(|label| format!("--label=l{labels}-{label}={value}"));
        let set = sandbox.keyward(["set", "labelled"]);
        set.args(labels.collect::<Vec<_>>()).ok();
    }
    sandbox.keyward(["rotate", "graced", "--grace=5000y"]).ok();
    let message = "\u{1}".repeat(128 * 1024 - 32);
    let revoke = sandbox.keyward(["revoke", "gone", "--yes"]);
    revoke.args([format!("--message={message}")]).ok();
    assert_comes_in_again(&sandbox, &secrets, "long");
}
