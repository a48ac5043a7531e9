//! `--if-unused-for` of revoke and disable: a key in use is not ended by mistake, and ended on purpose all the same.

use serde_json::Value;

use crate::support::counts::{not_around_midnight, wait_for_valid};
use crate::support::past::{Old, Past};
use crate::support::stream::Stream;
use crate::support::terminal::Terminal;
use crate::support::time::{DAY, HOUR};
use crate::support::{Invocation, Sandbox, text};

/// The two commands with the guard.
const COMMANDS: [&[&str]; 2] = [&["revoke", "--yes"], &["disable"]];

fn ending(sandbox: &Sandbox, command: &[&str], key: &str, idle: &str) -> Invocation {
    let run = sandbox.keyward(command);
    run.args([key, "--if-unused-for", idle])
}

/// A key named `ci`, minted a year ago and used then and there.
fn used(sandbox: &Sandbox, times: &[i64]) -> Old {
    let mut past = Past::of(sandbox);
    let keys = past.mint(None, "ci", 1, 365 * DAY);
    for time in times {
        past.use_them(&keys, *time);
    }
    keys[0].clone()
}

#[test]
fn a_key_that_was_used_lately_is_not_ended() {
    for command in COMMANDS {
        let (sandbox, secret) = Sandbox::with_key("ci");
        sandbox.verdict(&secret, &[], 0, "valid");
        let before = sandbox.head();
        let error = ending(&sandbox, command, "ci", "30d").refused(5, "in_use");
        let key = sandbox.show("ci");
        let message = text(&error, "message");
        for part in ["ci", &text(&key, "id"), &text(&key, "lastUsedAt")] {
            assert!(message.contains(part), "no {part} in {message}");
        }
        assert!(message.contains(" 1 time since "), "{message}");
        assert!(text(&error, "hint").contains("--if-unused-for"));
        assert_eq!(key["status"], "active");
        let after = sandbox.head();
        assert_eq!(after, before, "{command:?} changed something");
        sandbox.verdict(&secret, &[], 0, "valid");
    }
}

#[test]
fn without_the_option_a_key_in_use_is_ended_at_once() {
    let sandbox = Sandbox::new();
    for (name, command, status, code) in [
        ("a", &["disable", "a"][..], 13, "disabled"),
        ("b", &["revoke", "b", "--yes"], 11, "revoked"),
    ] {
        let secret = sandbox.mint(name);
        sandbox.verdict(&secret, &[], 0, "valid");
        sandbox.keyward(command).ok();
        sandbox.verdict(&secret, &[], status, code);
    }
}

#[test]
fn it_is_said_how_often_the_key_was_used_within_the_time_that_was_asked_for() {
    not_around_midnight();
    let sandbox = Sandbox::new();
    let key = used(&sandbox, &[50 * DAY, 50 * DAY, 49 * DAY, 20 * DAY, 0]);
    // Refused requests are not uses.
    let wrong = &["-e", "test"];
    sandbox.verdict(&key.secret, wrong, 14, "wrong_environment");
    let other = sandbox.mint("other");
    sandbox.verdict(&other, &[], 0, "valid");
    for (idle, expected) in [
        ("1h", " 1 time since "),
        ("30d", " 2 times since "),
        ("50d", " 5 times since "),
        ("2y", " 5 times since "),
    ] {
        for command in COMMANDS {
            let error = ending(&sandbox, command, "ci", idle).refused(5, "in_use");
            let message = text(&error, "message");
            assert!(message.contains(expected), "{idle}: {message}");
        }
    }
}

#[test]
fn a_key_that_was_never_used_or_long_ago_is_ended() {
    for command in COMMANDS {
        let never = Sandbox::new();
        never.mint("ci");
        ending(&never, command, "ci", "30d").ok();
        assert_ne!(never.show("ci")["status"], "active");
        let long_ago = Sandbox::new();
        used(&long_ago, &[30 * DAY]);
        ending(&long_ago, command, "ci", "30d").ok();
        assert_ne!(long_ago.show("ci")["status"], "active");
        let not_quite = Sandbox::new();
        used(&not_quite, &[30 * DAY - HOUR]);
        ending(&not_quite, command, "ci", "30d").refused(5, "in_use");
        assert_eq!(not_quite.show("ci")["status"], "active");
        // No time at all is always over.
        ending(&not_quite, command, "ci", "0s").ok();
        assert_ne!(not_quite.show("ci")["status"], "active");
    }
}

#[test]
fn of_several_keys_none_is_revoked_when_one_is_in_use() {
    let sandbox = Sandbox::new();
    let names = ["a", "b", "c"];
    let secrets = names.map(|name| sandbox.mint(name));
    sandbox.verdict(&secrets[2], &[], 0, "valid");
    let revoke = ["revoke", "a", "b", "c", "--yes", "--if-unused-for", "1d"];
    let error = sandbox.keyward(revoke).refused(5, "in_use");
    let message = text(&error, "message");
    assert!(message.contains(&sandbox.id_of("c")), "{message}");
    assert_eq!(sandbox.listed(&["--status", "active"]), names);
    for secret in &secrets[..2] {
        sandbox.verdict(secret, &["--no-record"], 0, "valid");
    }
    let answer = sandbox.keyward(["revoke", "a", "b", "--yes", "--if-unused-for", "1d"]);
    assert_eq!(answer.answer()["keys"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_key_that_is_ended_already_is_ended_whenever_it_was_used() {
    let sandbox = Sandbox::new();
    for name in ["revoked", "disabled", "unused"] {
        let secret = sandbox.mint(name);
        if name != "unused" {
            sandbox.verdict(&secret, &[], 0, "valid");
        }
    }
    sandbox.keyward(["revoke", "revoked", "--yes"]).ok();
    sandbox.keyward(["disable", "disabled"]).ok();
    let revoke = ["revoke", "revoked", "unused", "--yes"];
    let answer = sandbox.keyward(revoke).args(["--if-unused-for", "1d"]);
    let answer = answer.answer();
    let changed = answer["keys"].as_array().expect("keys").iter();
    let changed: Vec<&Value> = changed.map(|key| &key["changed"]).collect();
    assert_eq!(changed, [false, true]);
    ending(&sandbox, &["disable"], "disabled", "1d").ok();
    // But what can be enabled again is not revoked.
    let run = ending(&sandbox, &["revoke", "--yes"], "disabled", "1d");
    run.refused(5, "in_use");
}

#[test]
fn a_use_that_another_process_counts_is_known_a_second_later() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let mut stream = Stream::start(&sandbox, &[]);
    stream.expect(&secret, "valid");
    wait_for_valid(&sandbox, "ci", 1);
    let revoke = ending(&sandbox, COMMANDS[0], "ci", "1d");
    revoke.refused(5, "in_use");
    stream.expect(&secret, "valid");
}

#[test]
fn on_a_terminal_it_is_asked_first_and_refused_then() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    sandbox.verdict(&secret, &[], 0, "valid");
    let arguments = ["revoke", "ci", "--if-unused-for", "30d"];
    let mut terminal = Terminal::keyward(&sandbox, &arguments, &[]);
    terminal.wait_for("last used");
    terminal.types("y\r");
    let (status, seen) = terminal.end();
    assert_eq!(status, 5, "{seen}");
    assert!(seen.contains("is in use"), "{seen}");
    sandbox.verdict(&secret, &[], 0, "valid");
}

#[test]
fn what_is_no_duration_is_refused() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    for command in COMMANDS {
        for wrong in ["30", "never", "2026-01-01", "-1d", ""] {
            ending(&sandbox, command, "ci", wrong).refused(2, "usage");
        }
    }
    sandbox.verdict(&secret, &[], 0, "valid");
}
