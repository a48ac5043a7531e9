//! Why a verdict is what it is: said to people, in JSON and in a stream in the same words.

use crate::support::past::Past;
use crate::support::stream::answers;
use crate::support::{Sandbox, text};

const DAY: i64 = 24 * 60 * 60 * 1000;

const POLICY: &str = r#"
default_plan = "slow"
[scopes.read]
[scopes.write]
[scopes.admin]
[plans.slow]
rate = "1/minute"
"#;

/// What is said of a secret to people, in JSON and in a stream; the same each time.
#[track_caller]
fn said(sandbox: &Sandbox, secret: &str, flags: &[&str], line: &str) -> String {
    let run = || sandbox.keyward(["verify"]).args(flags).stdin(secret);
    let message = text(&run().args(["--json"]).run().json(), "message");
    let people = run().run().stdout;
    assert!(people.ends_with(&format!(": {message}\n")), "{people}\n{message}");
    let line = line.replace("SECRET", secret);
    let streamed = answers(sandbox, &[], line + "\n");
    assert_eq!(text(&streamed[0], "message"), message);
    message
}

#[test]
fn a_refusal_names_what_was_asked_and_what_the_key_has() {
    let sandbox = Sandbox::with_policy("acme", POLICY);
    let flags = ["--scope", "read", "--allow", "10.0.0.0/8"];
    let secret = sandbox.mint_with("ci", &flags);
    for (flags, line, expected) in [
        (
            &["-e", "test"][..],
            r#"{"key":"SECRET","environment":"test"}"#,
            "the key belongs to environment live, not test",
        ),
        (
            &[],
            r#"{"key":"SECRET"}"#,
            "the key may only be used from certain addresses, and the request has none",
        ),
        (
            &["--ip", "192.0.2.7"],
            r#"{"key":"SECRET","ip":"192.0.2.7"}"#,
            "the key may not be used from 192.0.2.7",
        ),
        (
            &["--ip", "10.0.0.1", "--require", "read", "--require", "write"],
            r#"{"key":"SECRET","ip":"10.0.0.1","scopes":["read","write"]}"#,
            "the key lacks the scope write",
        ),
        (
            &["--ip", "10.0.0.1", "--require", "admin", "--require", "write"],
            r#"{"key":"SECRET","ip":"10.0.0.1","scopes":["admin","write"]}"#,
            "the key lacks the scopes admin, write",
        ),
    ] {
        assert_eq!(said(&sandbox, &secret, flags, line), expected);
    }
}

#[test]
fn a_dead_key_says_when_and_why_but_not_the_operators_message() {
    let sandbox = Sandbox::with_workspace("acme", &[]);
    let mut past = Past::of(&sandbox);
    let revoked = past.mint(None, "revoked", 1, 20 * DAY);
    let expired = past.mint_until(None, "expired", 1, Some("10d"), 14 * DAY);
    past.revoke(&revoked, 3 * DAY);
    drop(past);
    let line = r#"{"key":"SECRET"}"#;
    let why = said(&sandbox, &revoked[0].secret, &[], line);
    assert_eq!(why, "the key was revoked 3 days ago (retired)");
    let why = said(&sandbox, &expired[0].secret, &[], line);
    assert_eq!(why, "the key expired 4 days ago");
    let leaked = sandbox.mint("leaked");
    let revoke = ["revoke", "leaked", "--yes", "--reason", "compromised", "--message", "by Bob"];
    sandbox.keyward(revoke).ok();
    let run = || sandbox.keyward(["verify", "--json"]).stdin(&leaked).exit(11);
    let why = text(&run().json(), "message");
    assert!(why.starts_with("the key was revoked ") && why.ends_with(" (compromised)"), "{why}");
    assert!(!run().stdout.contains("Bob"), "{why}");
}

#[test]
fn a_limited_key_says_how_long_to_wait() {
    let sandbox = Sandbox::with_policy("acme", POLICY);
    let secret = sandbox.mint("ci");
    sandbox.verdict(&secret, &[], 0, "valid");
    let verdict = sandbox.verdict(&secret, &[], 15, "rate_limited");
    let message = text(&verdict, "message");
    let wait = match verdict["retryAfter"].as_u64() {
        Some(60) => "try again in 1 minute".to_owned(),
        seconds => format!("try again in {} seconds", seconds.expect("a number of seconds")),
    };
    assert_eq!(message, format!("the key's rate limit is exceeded; {wait}"));
}

#[test]
fn a_secret_in_the_wrong_field_is_not_repeated() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    for field in ["\"scopes\":[\"SECRET\"]", "\"environment\":\"SECRET\""] {
        let line = format!("{{\"key\":\"SECRET\",{field}}}\n").replace("SECRET", &secret);
        let answer = &answers(&sandbox, &[], line)[0];
        assert!(!answer.to_string().contains(&secret), "{answer:#}");
        assert_eq!(answer["status"], 403);
    }
    let unknown = format!("{{\"key\":\"{secret}\",\"scopes\":[\"a\\u001b[31m\"]}}\n");
    let message = text(&answers(&sandbox, &[], unknown)[0], "message");
    assert_eq!(message, "the key lacks the scope a\\u{1b}[31m");
}

#[test]
fn a_person_reads_which_key_and_why() {
    let sandbox = Sandbox::new();
    sandbox.expect_transcripts(
        r#"
$ keyward mint ci --out ci.key --quiet
------- stderr -------
[exit status: 0]
$ keyward verify --file ci.key -e test
wrong_environment: ci (<id>) in default/live: the key belongs to environment live, not test
------- stderr -------
[exit status: 14]
$ keyward verify --file ci.key --require admin
insufficient_scope: ci (<id>) in default/live: the key lacks the scope admin
------- stderr -------
[exit status: 14]
"#,
    );
}
