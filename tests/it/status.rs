//! What a key is: its status and its verdict are the same word, in verify's order, wherever a command says it; and what a
//! key that is disabled or pending and past its expiry still keeps, which is nothing.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use keyward::domain::secret::SecretHash;
use keyward::domain::timestamp::Timestamp;

use crate::support::time::{DAY, HOUR, SECOND, now};
use crate::support::{Sandbox, names, text};

const MINUTE: i64 = 60 * SECOND;

/// A time so many milliseconds from now, as a line has it.
fn from_now(millis: i64) -> String {
    Timestamp::from_millis(now() + millis).to_string()
}

/// A key as a line of an import.
struct Line {
    name: String,
    state: &'static str,
    age: i64,
    /// How long from now the key expires.
    expires: Option<i64>,
    superseded: bool,
}

impl Line {
    fn new(name: &str, state: &'static str, expires: Option<i64>) -> Self {
        Self { name: name.to_owned(), state, age: HOUR, expires, superseded: false }
    }

    /// Any text is a secret that an imported hash knows.
    fn secret(&self) -> String {
        format!("secret-of-{}", self.name)
    }

    fn json(&self, number: usize) -> Value {
        let expires_at = self.expires.map(from_now);
        let mut line = json!({
            "type": "key", "id": format!("key_{number:0>16}"), "name": self.name, "environment": "live",
            "hash": SecretHash::of(self.secret().as_bytes()).to_hex(), "algorithm": "sha256",
            "status": self.state, "createdAt": from_now(-self.age), "expiresAt": expires_at,
        });
        if self.state == "revoked" {
            line["revokedAt"] = from_now(-self.age / 2).into();
            line["revokedReason"] = "retired".into();
        }
        if self.superseded {
            line["replacedBy"] = "key_gone000000000000".into();
        }
        line
    }
}

/// A store that has these keys, and one more.
fn store_of(lines: &[Line]) -> Sandbox {
    let sandbox = Sandbox::with_workspace("default", &[]);
    let successor = Line::new("successor", "active", None);
    let lines = lines.iter().enumerate();
    let mut text: String = lines.map(|(number, line)| format!("{}\n", line.json(number))).collect();
    text.push_str(&format!("{}\n", successor.json(999)));
    let file = sandbox.file("keys.jsonl", &text);
    sandbox.keyward(["store", "import"]).args([file]).ok();
    sandbox
}

/// Every state with every expiry, superseded or not, and keys that have waited too long for their holders.
fn every_life() -> Vec<Line> {
    let mut lines = Vec::new();
    for state in ["active", "pending", "disabled", "revoked"] {
        for expires in [None, Some(HOUR), Some(-HOUR / 2)] {
            for superseded in [false, true] {
                for age in [HOUR, 2 * DAY] {
                    lines.push(Line {
                        name: format!("life-{}", lines.len()),
                        state,
                        age,
                        expires,
                        superseded,
                    });
                }
            }
        }
    }
    lines
}

/// The word of a key, by the order of the contract: revoked, pending, disabled, expired.
fn expected(line: &Line) -> &'static str {
    match line.state {
        "pending" if line.age > DAY => "revoked",
        "active" if line.expires.is_some_and(|expires| expires < 0) => "expired",
        state => state,
    }
}

#[test]
fn the_status_of_every_life_is_its_verdict() {
    let lines = every_life();
    let sandbox = store_of(&lines);
    let all = sandbox.keyward(["list", "--all"]).answer();
    let listed = sandbox.listed(&[]);
    let (mut counts, statuses) = (
        json!({ "active": 1, "pending": 0, "disabled": 0 }),
        ["active", "pending", "disabled", "expired", "revoked"],
    );
    let filtered = statuses.map(|status| sandbox.listed(&["--status", status]));
    for line in &lines {
        let (name, word) = (line.name.as_str(), expected(line));
        let case = format!("{name}: {} {:?} {}", line.state, line.expires, line.superseded);
        let (exit, code) = match word {
            "active" => (0, "valid"),
            "revoked" => (11, word),
            "expired" => (12, word),
            _ => (13, word),
        };
        let verdict = sandbox.verdict(&line.secret(), &["--no-record"], exit, code);
        let of_list = all["keys"].as_array().expect("keys");
        let of_list = of_list.iter().find(|key| key["name"] == name);
        let of_list = of_list.expect("every key is listed");
        assert_eq!(text(&verdict["subject"], "status"), word, "{case}");
        assert_eq!(text(of_list, "status"), word, "{case}");
        let shown = sandbox.keyward(["show", &text(of_list, "id")]).answer();
        assert_eq!(text(&shown, "status"), word, "{case}");
        let is_hidden = ["expired", "revoked"].contains(&word);
        assert_eq!(!listed.iter().any(|listed| listed == name), is_hidden, "{case}");
        for (status, names) in statuses.iter().zip(&filtered) {
            let is_taken = names.iter().any(|listed| listed == name);
            assert_eq!(is_taken, *status == word, "{case}, --status {status}");
        }
        if let Some(count) = counts.get_mut(word) {
            *count = (count.as_u64().expect("a number") + 1).into();
        }
    }
    let workspaces = sandbox.keyward(["workspace", "list"]).answer();
    assert_eq!(workspaces["workspaces"][0]["keys"], counts);
}

#[test]
fn a_key_that_is_past_its_expiry_has_released_its_name_and_its_place() {
    for state in ["active", "disabled", "pending"] {
        let lines = [Line::new("ci", state, Some(-HOUR / 2))];
        let sandbox = store_of(&lines);
        let id = text(&sandbox.show("ci"), "id");
        // Two: the successor that every store here has, and one more.
        let cap = ["workspace", "set", "default", "--cap", "2"];
        sandbox.keyward(cap).ok();
        let secret = sandbox.mint("ci");
        sandbox.refuses(&["mint", "one-more"], 5, "limit_reached");
        let verdict = sandbox.verdict(&secret, &[], 0, "valid");
        // The name means the key that lives, alone.
        let shown = sandbox.show("ci");
        assert_eq!(shown["id"], verdict["subject"]["id"]);
        let people = sandbox.keyward(["show", "ci"]).ok().stdout;
        assert!(!people.contains("can still verify"), "{people}");
        let disabled = sandbox.keyward(["disable", "ci"]).answer();
        assert_eq!(disabled.get("alsoChanged"), None);
        let revoked = sandbox.keyward(["revoke", "ci", "--yes"]).answer();
        assert_eq!(revoked["keys"].as_array().map(Vec::len), Some(1));
        assert_eq!(revoked.get("stillValid"), None);
        assert_ne!(revoked["keys"][0]["id"], id.as_str());
    }
}

#[test]
fn what_is_refused_of_a_key_past_its_expiry_is_refused_because_it_has_expired() {
    for state in ["disabled", "pending"] {
        let line = Line::new("ci", state, Some(-HOUR / 2));
        let sandbox = store_of(std::slice::from_ref(&line));
        let head = sandbox.head();
        for command in [
            &["enable", "ci"][..],
            &["disable", "ci"],
            &["set", "ci", "--expires", "1y"],
            &["set", "ci", "--owner", "me"],
            &["rename", "ci", "cd"],
            &["rotate", "ci"],
        ] {
            let error = sandbox.keyward(command).refused(4, "conflict");
            let message = text(&error, "message");
            assert!(message.contains(" is expired"), "{command:?}: {message}");
        }
        let activate = sandbox.keyward(["activate"]).stdin(line.secret());
        activate.refused(12, "expired");
        assert_eq!(sandbox.head(), head);
        let gate = [
            "check",
            "--never-used",
            "--older-than",
            "1m",
            "--unused-for",
            "1m",
            "--expiring-within",
            "1y",
        ];
        let found = sandbox.keyward(gate).exit(18).stdout;
        assert!(!found.contains("ci"), "{found}");
        // It can be revoked, and is revoked from then on.
        let revoked = sandbox.keyward(["revoke", "ci", "--yes"]).answer();
        assert_eq!(revoked["keys"][0]["changed"], true);
        sandbox.verdict(&line.secret(), &[], 11, "revoked");
        assert_eq!(sandbox.show("ci")["status"], "revoked");
    }
}

#[test]
fn what_is_past_its_expiry_is_pruned_so_long_after_it() {
    for state in ["active", "disabled", "pending"] {
        let lines = [
            Line::new("long", state, Some(-50 * MINUTE)),
            Line::new("short", state, Some(-10 * MINUTE)),
            Line::new("never", "disabled", None),
        ];
        let sandbox = store_of(&lines);
        let pruned = ["prune", "--dead-for", "30m", "--yes"];
        let answer = sandbox.keyward(pruned).answer();
        assert_eq!(names(&answer["keys"]), ["long"]);
        sandbox.verdict(&lines[1].secret(), &[], expected_exit(state), expected(&lines[1]));
    }
}

fn expected_exit(state: &str) -> i32 {
    match state {
        "active" => 12,
        _ => 13,
    }
}

#[test]
fn a_workspace_whose_keys_are_all_past_their_expiry_can_be_deleted() {
    let lines = [
        Line::new("one", "disabled", Some(-HOUR / 2)),
        Line::new("two", "pending", Some(-HOUR / 2)),
        Line::new("three", "disabled", None),
    ];
    let sandbox = store_of(&lines);
    let delete = ["workspace", "delete", "default", "--yes"];
    sandbox.keyward(["revoke", "successor", "--yes"]).ok();
    let error = sandbox.keyward(delete).refused(4, "conflict");
    assert!(text(&error, "message").contains("1 live key"), "{error:#}");
    sandbox.keyward(["revoke", "three", "--yes"]).ok();
    sandbox.keyward(delete).ok();
}

#[test]
fn a_key_that_is_disabled_and_then_expires_is_disabled_in_every_store() {
    let sandbox = Sandbox::new();
    let secret = sandbox.mint_with("ci", &["--expires", "2s"]);
    sandbox.keyward(["disable", "ci"]).ok();
    thread::sleep(Duration::from_secs(2));
    sandbox.verdict(&secret, &[], 13, "disabled");
    assert_eq!(sandbox.show("ci")["status"], "disabled");
    assert_eq!(sandbox.listed(&[]), ["ci"]);
    sandbox.refuses(&["enable", "ci"], 4, "conflict");
    sandbox.mint("ci");
    let lines = sandbox.keyward(["store", "export"]).ok().stdout;
    let other = Sandbox::new();
    let file = other.file("keys.jsonl", &lines);
    other.keyward(["store", "import"]).args([&file]).ok();
    other.verdict(&secret, &[], 13, "disabled");
    other.keyward(["store", "import"]).args([&file]).ok();
    assert_eq!(other.listed(&[]), ["ci", "ci"]);
}
