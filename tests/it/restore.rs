//! `keyward store restore`: what comes back and what does not.

use std::fs;

use serde_json::{Value, json};

use crate::support::counts::not_around_midnight;
use crate::support::stream::Stream;
use crate::support::terminal::Terminal;
use crate::support::{Invocation, Sandbox, fields, text};

/// A store with a backup `b.db` of it, and the secrets of what it had then.
pub struct Scene {
    pub sandbox: Sandbox,
    /// Nothing happens to it.
    pub stays: String,
    /// Revoked after the backup.
    pub revoked: String,
    /// The backup's head, as `audit head` prints it.
    pub head: String,
}

/// A run of `store restore` that is not asked.
pub fn restore(sandbox: &Sandbox, file: &str) -> Invocation {
    sandbox.keyward(["store", "restore", file, "--yes"])
}

impl Scene {
    pub fn new() -> Self {
        let (sandbox, stays) = Sandbox::with_key("stays");
        let revoked = sandbox.mint("revoked");
        // Events that no present record depends on.
        sandbox.mint("renamed");
        for name in ["once", "twice", "renamed"] {
            let id = sandbox.id_of("renamed");
            sandbox.keyward(["rename", &id, name]).ok();
            if name != "renamed" {
                sandbox.keyward(["rename", &id, "renamed"]).ok();
            }
        }
        let answer = sandbox.keyward(["store", "backup", "b.db"]).answer();
        let head = format!("{}:{}", answer["seq"], text(&answer, "hash"));
        sandbox.keyward(["revoke", "revoked", "--yes"]).ok();
        Self { sandbox, stays, revoked, head }
    }

    /// The same in a place of its own.
    pub fn copy(&self) -> Self {
        Self {
            sandbox: self.sandbox.copy(),
            stays: self.stays.clone(),
            revoked: self.revoked.clone(),
            head: self.head.clone(),
        }
    }

    /// Breaks the trail where no present record depends on it.
    pub fn break_trail(&self) {
        self.sandbox
            .tamper("UPDATE audit SET time = time + 1 WHERE seq = (SELECT min(seq) FROM audit WHERE action = 'key.rename')");
    }

    /// Asserts that the backup is back but for what was revoked since.
    #[track_caller]
    pub fn assert_restored(&self) {
        let verify = |secret: &str| self.sandbox.keyward(["verify", "--no-record"]).stdin(secret);
        verify(&self.stays).exit(0);
        verify(&self.revoked).exit(11);
        assert_eq!(self.sandbox.listed(&[]), ["renamed", "stays"]);
        self.sandbox.assert_sound();
    }
}

#[test]
fn what_was_revoked_or_expired_since_the_backup_stays_so() {
    let scene = Scene::new();
    let sandbox = &scene.sandbox;
    // What is yet to happen to each when the backup is made.
    let rotated = sandbox.mint("rotated");
    let expired = sandbox.mint("expired");
    let held = sandbox.mint_with("held", &["--hold"]);
    sandbox.keyward(["store", "backup", "b.db"]).ok();
    sandbox.keyward(["rotate", "rotated", "--now"]).ok();
    sandbox.keyward(["set", "expired", "--expires", "1s"]).ok();
    sandbox.keyward(["revoke", "held", "--yes"]).ok();
    let after = sandbox.mint("after");
    let dead_after = sandbox.mint("dead-after");
    sandbox
        .keyward(["revoke", "dead-after", "--yes"])
        .args(["--reason", "compromised", "--message", "seen"])
        .ok();
    sandbox.wait_for_verdict(&expired, 12);
    sandbox.keyward(["list", "--all"]).ok();
    let rotated_id =
        text(&sandbox.verdict(&rotated, &["--no-record"], 11, "revoked")["subject"], "id");
    let held_id = text(&sandbox.verdict(&held, &["--no-record"], 11, "revoked")["subject"], "id");

    let output = restore(sandbox, "b.db").args(["--json"]).ok();
    let answer = output.json();
    let kept = |id: &str, name: &str, what: &str| json!({ "id": id, "name": name, "what": what });
    assert_eq!(
        answer["kept"],
        json!([
            kept(&rotated_id, "rotated", "revoked"),
            kept(&sandbox.id_of("expired"), "expired", "expiry"),
            kept(&held_id, "held", "revoked"),
        ])
    );
    for (secret, exit, code) in [
        (&rotated, 11, "revoked"),
        (&held, 11, "revoked"),
        (&scene.revoked, 11, "revoked"),
        (&dead_after, 11, "revoked"),
        (&expired, 12, "expired"),
        (&after, 10, "not_found"),
        (&scene.stays, 0, "valid"),
    ] {
        sandbox.verdict(secret, &["--no-record"], exit, code);
    }
    let dead = sandbox.verdict(&dead_after, &["--no-record"], 11, "revoked");
    assert_eq!(dead["subject"]["revokedReason"], "compromised");
    sandbox.assert_whole();
    sandbox.keyward(["store", "check"]).ok();
    // Its name is free again, and that of the key that is gone.
    for name in ["after", "rotated"] {
        sandbox.mint(name);
    }
}

#[test]
fn the_answer_says_what_stays_revoked_and_where_the_trail_ends() {
    let scene = Scene::new();
    let sandbox = &scene.sandbox;
    let answer = restore(sandbox, "b.db").answer();
    assert_eq!(
        fields(&answer),
        ["compared", "hash", "kept", "keys", "path", "putAside", "seq", "workspaces"]
    );
    let revoked = sandbox.verdict(&scene.revoked, &["--no-record"], 11, "revoked");
    let id = &revoked["subject"]["id"];
    let kept = json!([{ "id": id, "name": "revoked", "what": "revoked" }]);
    assert_eq!(answer["kept"], kept);
    assert_eq!((&answer["compared"], &answer["putAside"]), (&json!("whole"), &Value::Null));
    assert_eq!((&answer["keys"], &answer["workspaces"]), (&json!(3), &json!(1)));
    assert_eq!(sandbox.head(), format!("{}:{}", answer["seq"], text(&answer, "hash")));
    let said = restore(sandbox, "b.db").ok();
    let sentence = format!(
        "revoked ({}) stays revoked (active in the backup)",
        text(&revoked["subject"], "id")
    );
    assert!(said.stderr.contains(&sentence), "{}", said.transcript());
    scene.assert_restored();
}

#[test]
fn the_trail_goes_on_and_has_every_head_that_was_kept() {
    let scene = Scene::new();
    let sandbox = &scene.sandbox;
    sandbox.mint("after");
    let before = sandbox.head();
    restore(sandbox, "b.db").ok();
    for kept in [&scene.head, &before, &sandbox.head()] {
        sandbox.keyward(["audit", "verify", "--against", kept]).ok();
    }
    let events = sandbox.events();
    let told = events.iter().find(|event| event["action"] == "store.restore");
    let told = told.expect("the trail tells of it");
    assert_eq!(told["details"]["backup"], scene.head.as_str());
    assert_eq!(told["details"]["kept"], 1);
    assert!(text(told, "actor").starts_with("operator:"));
}

#[test]
fn uses_that_were_counted_since_are_kept_and_so_is_what_they_took_of_a_quota() {
    not_around_midnight();
    let sandbox = Sandbox::new();
    sandbox.file("policy.toml", "[plans.small]\nquota = 5\nrate = \"100/minute\"\n");
    sandbox.workspace("acme", &["--policy", "policy.toml", "--plan", "small"]);
    let secret = sandbox.mint("ci");
    sandbox.verdict(&secret, &[], 0, "valid");
    sandbox.keyward(["store", "backup", "b.db"]).ok();
    for _ in 0..4 {
        sandbox.verdict(&secret, &[], 0, "valid");
    }
    sandbox.verdict(&secret, &["-e", "test"], 14, "wrong_environment");
    let usage = sandbox.keyward(["usage"]).answer();
    let last_used = sandbox.show("ci")["lastUsedAt"].clone();
    restore(&sandbox, "b.db").ok();
    assert_eq!(sandbox.keyward(["usage"]).answer(), usage);
    assert_eq!(sandbox.show("ci")["lastUsedAt"], last_used);
    sandbox.verdict(&secret, &[], 15, "quota_exceeded");
}

#[test]
fn everything_else_is_as_it_was_in_the_backup() {
    let scene = Scene::new();
    let sandbox = &scene.sandbox;
    sandbox.workspace("second", &[]);
    let second = sandbox.mint_with("x", &["-w", "second"]);
    sandbox.keyward(["workspace", "use", "default"]).ok();
    sandbox
        .keyward(["set", "stays", "--owner", "platform", "--label", "a=b"])
        .args(["--expires", "30d"])
        .ok();
    sandbox.keyward(["disable", "renamed"]).ok();
    sandbox.keyward(["store", "backup", "b.db"]).ok();
    let lists: [&[&str]; 3] = [&["list"], &["workspace", "list"], &["list", "-w", "second"]];
    let before = lists.map(|words| sandbox.keyward(words).answer());
    for words in [
        &["rename", "stays", "elsewhere"][..],
        &["set", "elsewhere", "--clear-owner", "--clear-labels", "--expires", "90d"],
        &["enable", "renamed"],
        &["workspace", "rename", "second", "third"],
        &["workspace", "create", "fourth"],
        &["workspace", "set", "default", "--cap", "9"],
        &["workspace", "use", "fourth"],
    ] {
        sandbox.keyward(words).ok();
    }
    restore(sandbox, "b.db").ok();
    let after = lists.map(|words| sandbox.keyward(words).answer());
    assert_eq!(after, before);
    let verdict = sandbox.verdict(&second, &["--no-record"], 0, "valid");
    assert_eq!(verdict["subject"]["workspace"], "second");
    sandbox.verdict(&scene.stays, &["--no-record"], 0, "valid");
    sandbox.keyward(["store", "check"]).ok();
    // And a workspace may have the name again that is gone with the restoration.
    sandbox.workspace("fourth", &[]);
    sandbox.keyward(["workspace", "rename", "second", "third"]).ok();
    sandbox.keyward(["store", "check"]).ok();
}

#[test]
fn a_head_that_neither_knows_is_refused_and_the_store_left_as_it_was() {
    let scene = Scene::new();
    let sandbox = &scene.sandbox;
    let newer = sandbox.head();
    sandbox.keyward(["store", "backup", "newer.db"]).ok();
    let before = sandbox.settled_bytes();
    let (seq, hash) = newer.split_once(':').expect("a colon");
    let unknown = [format!("999:{hash}"), format!("{seq}:{}", "0".repeat(64)), format!("1:{hash}")];
    for head in &unknown {
        restore(sandbox, "b.db").args(["--against", head]).refused(4, "conflict");
        assert!(sandbox.settled_bytes() == before, "{head}: the store was written");
        assert_eq!(sandbox.names_beside_store(), ["keyward.db"]);
    }
    restore(sandbox, "b.db").args(["--against", &newer]).ok();
    restore(sandbox, "b.db").args(["--against", &scene.head]).ok();
    // Where the store is gone the backup alone must know it.
    fs::remove_file(sandbox.store_path()).expect("own file");
    restore(sandbox, "b.db").args(["--against", &newer]).refused(4, "conflict");
    assert!(!sandbox.store_path().exists());
    restore(sandbox, "newer.db").args(["--against", &newer]).ok();
    scene.assert_restored();
}

#[test]
fn it_asks_on_a_terminal_and_needs_yes_without_one() {
    let scene = Scene::new();
    let sandbox = &scene.sandbox;
    sandbox.mint("after");
    let before = sandbox.settled_bytes();
    sandbox.refuses(&["store", "restore", "b.db"], 2, "usage");
    for answer in ["n\r", "\r", "\u{3}"] {
        let mut terminal = Terminal::keyward(sandbox, &["store", "restore", "b.db"], &[]);
        terminal.wait_for("?");
        terminal.types(answer);
        let (status, seen) = terminal.end();
        assert_eq!(status, 130, "{seen}");
        assert!(seen.contains("b.db"), "{seen}");
        assert!(sandbox.settled_bytes() == before, "{answer:?}: the store was written");
    }
    let mut terminal = Terminal::keyward(sandbox, &["store", "restore", "b.db"], &[]);
    terminal.wait_for("?");
    terminal.types("y");
    terminal.types("\r");
    let (status, seen) = terminal.end();
    assert_eq!(status, 0, "{seen}");
    assert!(seen.contains("restored 3 of 3 keys"), "it does not say how far it is: {seen}");
    scene.assert_restored();
}

#[test]
fn a_running_stream_sees_the_restored_state_at_its_next_line() {
    let scene = Scene::new();
    let sandbox = &scene.sandbox;
    let after = sandbox.mint("after");
    let mut stream = Stream::start(sandbox, &[]);
    stream.expect(&after, "valid");
    sandbox.keyward(["disable", "stays"]).ok();
    stream.expect(&scene.stays, "disabled");
    restore(sandbox, "b.db").ok();
    stream.expect(&after, "not_found");
    stream.expect(&scene.stays, "disabled");
    stream.expect(&scene.revoked, "revoked");
    sandbox.keyward(["enable", "stays"]).ok();
    stream.expect(&scene.stays, "valid");
    assert_eq!(stream.end().status, 0);
    scene.assert_restored();
}

#[test]
fn restoring_twice_changes_no_verdict() {
    let scene = Scene::new();
    let sandbox = &scene.sandbox;
    let first = restore(sandbox, "b.db").answer();
    sandbox.mint("between");
    let second = restore(sandbox, "b.db").answer();
    assert_eq!(first["kept"], second["kept"]);
    scene.assert_restored();
    // A backup of what was restored is a backup like any other.
    sandbox.keyward(["store", "backup", "again.db"]).ok();
    restore(sandbox, "again.db").ok();
    scene.assert_restored();
}
