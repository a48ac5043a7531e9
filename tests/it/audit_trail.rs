//! Every edit of the trail is found and its row named, and what a chain alone cannot show.

use std::fs;
use std::io::Write;

use serde_json::Value;

use crate::support::{Sandbox, is_thorough};

/// The head of a trail without rows.
const NOTHING: &str = "0:0000000000000000000000000000000000000000000000000000000000000000";

/// A store with a trail, and its bytes, to be put back after each edit.
struct Trail {
    sandbox: Sandbox,
    whole: Vec<u8>,
    rows: i64,
}

impl Trail {
    /// A trail of a handful of rows, or of one of each kind and more where time does not matter.
    fn new(is_long: bool) -> Self {
        let sandbox = Sandbox::with_keys(&["a", "b"]);
        sandbox.keyward(["rename", "a", "c"]).ok();
        sandbox.keyward(["revoke", "b", "--yes"]).ok();
        if is_long {
            for number in 0..12 {
                let name = format!("key-{number}");
                sandbox.mint(&name);
                sandbox.keyward(["set", &name, "--owner", "me"]).ok();
                sandbox.keyward(["disable", &name]).ok();
                sandbox.keyward(["enable", &name]).ok();
                sandbox.keyward(["rotate", &name]).ok();
            }
            sandbox.keyward(["store", "check", "--reset-clock"]).ok();
        }
        let whole = sandbox.settled_bytes();
        let head = sandbox.keyward(["audit", "head"]).answer();
        Self { rows: head["seq"].as_i64().expect("a number"), sandbox, whole }
    }

    /// Puts the trail back as it was, and changes it.
    fn change(&self, sql: &str) {
        fs::write(self.sandbox.store_path(), &self.whole).expect("the store can be put back");
        let sql = format!("PRAGMA ignore_check_constraints = ON; {sql}");
        self.sandbox.tamper(&sql);
    }

    /// Asserts that this change is found, and that this row is named.
    #[track_caller]
    fn assert_found(&self, sql: &str, row: i64) {
        self.change(sql);
        let output = self.sandbox.keyward(["--json", "audit", "verify"]).exit(9);
        let answer = output.json();
        assert_eq!(answer["ok"], false, "{sql}");
        assert_eq!(answer["firstBad"], row, "{sql}");
        assert_eq!(output.stderr, "", "{sql}");
    }
}

/// The values that somebody might put into a column in the place of another: of its type, as the tables are strict.
const EDITS: [(&str, &[&str]); 8] = [
    ("seq", &["seq + 1000"]),
    ("time", &["time + 1", "0", "-time"]),
    ("actor", &["actor || 'x'", "''", "CAST(x'ff' AS TEXT)"]),
    ("action", &["upper(action)", "''", "action || char(0)"]),
    ("subject", &["subject || 'x'", "''", "reverse"]),
    ("details", &["details || ' '", "''", "'null'", "'{}'"]),
    (
        "previous",
        &["randomblob(32)", "x''", "substr(previous, 2)", "CAST(previous || x'00' AS BLOB)"],
    ),
    ("hash", &["randomblob(32)", "x''", "substr(hash, 2)", "CAST(hash || x'00' AS BLOB)"]),
];

#[test]
fn every_edit_of_every_row_is_found_and_the_row_is_named() {
    let is_thorough = is_thorough();
    let trail = Trail::new(is_thorough);
    let mut edits = 0;
    for row in 1..=trail.rows {
        for (column, values) in EDITS {
            for value in values {
                // Where the row's number is another, it is missing in its place; the last one is in none.
                let named = match column {
                    "seq" if row == trail.rows => row + 1000,
                    "seq" => row + 1,
                    _ => row,
                };
                let value = value.replace("reverse", "substr(subject, 2) || substr(subject, 1, 1)");
                trail.assert_found(
                    &format!("UPDATE audit SET {column} = {value} WHERE seq = {row}"),
                    named,
                );
                edits += 1;
            }
        }
        if row < trail.rows {
            trail.assert_found(&format!("DELETE FROM audit WHERE seq = {row}"), row + 1);
            let swap = format!(
                "UPDATE audit SET seq = -1 WHERE seq = {row}; UPDATE audit SET seq = {row} WHERE seq = {0};
                 UPDATE audit SET seq = {0} WHERE seq = -1",
                row + 1
            );
            trail.assert_found(&swap, row);
            edits += 2;
        }
        // A copy of a row further on, below the first one, and in its place with all behind it moved.
        for (place, named) in [(trail.rows + 1, trail.rows + 1), (0, 0)] {
            trail.assert_found(
                &format!(
                    "INSERT INTO audit SELECT {place}, time, actor, action, subject, details, previous, hash
                     FROM audit WHERE seq = {row}"
                ),
                named,
            );
        }
        trail.assert_found(
            &format!(
                "UPDATE audit SET seq = seq + 1000 WHERE seq >= {row};
                 UPDATE audit SET seq = seq - 999 WHERE seq >= 1000;
                 INSERT INTO audit SELECT {row}, time, actor, action, subject, details, previous, randomblob(32)
                 FROM audit WHERE seq = {row} + 1"
            ),
            row,
        );
        edits += 3;
    }
    writeln!(
        std::io::stderr(),
        "keyward audit verify: {edits} edits of {} rows found, the right row named each time",
        trail.rows
    )
    .expect("stderr can be written");
}

#[test]
fn a_row_that_is_no_event_stops_neither_the_check_nor_what_does_not_need_it() {
    let trail = Trail::new(false);
    trail.change("UPDATE audit SET hash = x'00' WHERE seq = 2");
    let answer = trail.sandbox.keyward(["--json", "audit", "verify"]).exit(9).json();
    assert_eq!(answer["checked"], trail.rows);
    trail.sandbox.keyward(["audit", "list"]).refused(9, "damaged");
    trail.sandbox.keyward(["list"]).ok();
    trail.sandbox.keyward(["audit", "list", "--limit", "1"]).ok();
}

/// Checks the trail against a head, and returns the answer's first bad row.
#[track_caller]
fn against(sandbox: &Sandbox, head: &str, exit: i32) -> Value {
    let run = sandbox.keyward(["--json", "audit", "verify", "--against", head]);
    let output = run.exit(exit);
    let answer = output.json();
    assert_eq!(answer["ok"], exit == 0, "{answer:#}");
    assert_eq!(output.stderr, "");
    answer["firstBad"].clone()
}

#[test]
fn a_cut_tail_is_found_by_a_head_that_was_kept_and_not_without() {
    let trail = Trail::new(false);
    let kept = trail.sandbox.head();
    for cut in 1..=trail.rows {
        trail.change(&format!("DELETE FROM audit WHERE seq >= {cut}"));
        let output = trail.sandbox.keyward(["audit", "verify"]).ok();
        assert!(output.stdout.contains("intact"), "{}", output.transcript());
        for said in ["hint: ", "truncated or rewritten", "--against"] {
            assert!(output.stderr.contains(said), "{}", output.transcript());
        }
        assert_eq!(against(&trail.sandbox, &kept, 9), cut);
    }
}

#[test]
fn a_trail_that_was_written_anew_is_found_by_a_head_that_was_kept_and_not_without() {
    let trail = Trail::new(false);
    let kept = trail.sandbox.head();
    let sandbox = &trail.sandbox;
    sandbox.rewrite("UPDATE key SET state = 'active', revoked_at = NULL, revoked_reason = NULL");
    sandbox.keyward(["audit", "verify"]).ok();
    sandbox.keyward(["store", "check"]).ok();
    assert_ne!(against(sandbox, &kept, 9), Value::Null);
    // A longer one has a row in that place, but another.
    for name in ["x", "y", "z"] {
        sandbox.mint(name);
    }
    sandbox.keyward(["audit", "verify"]).ok();
    assert_eq!(against(sandbox, &kept, 9), trail.rows);
}

#[test]
fn an_older_copy_of_the_whole_store_is_found_by_a_head_that_was_kept() {
    let trail = Trail::new(false);
    trail.sandbox.keyward(["revoke", "c", "--yes"]).ok();
    let kept = trail.sandbox.head();
    trail.change("");
    trail.sandbox.keyward(["audit", "verify"]).ok();
    assert_eq!(against(&trail.sandbox, &kept, 9), trail.rows + 1);
}

#[test]
fn a_head_that_was_kept_stays_good_while_the_trail_goes_on() {
    let sandbox = Sandbox::new();
    let mut heads = vec![NOTHING.to_owned()];
    for name in ["a", "b", "c"] {
        sandbox.mint(name);
        heads.push(sandbox.head());
    }
    for kept in &heads {
        assert_eq!(against(&sandbox, kept, 0), Value::Null);
        assert_eq!(against(&sandbox, &kept.to_uppercase(), 0), Value::Null);
    }
    let output = sandbox.keyward(["audit", "verify", "--against", &heads[3]]).ok();
    assert_eq!(output.stderr, "", "there is nothing left to hint at");
    // Of another trail, and of one that is longer.
    let other = Sandbox::new();
    other.mint("a");
    assert_eq!(against(&other, &heads[1], 9), 3);
    assert_eq!(against(&other, &heads[2], 9), 4);
    let empty = Sandbox::new();
    empty.keyward(["store", "create"]).ok();
    assert_eq!(against(&empty, &heads[1], 9), 1);
    assert_eq!(against(&empty, NOTHING, 0), Value::Null);
}

#[test]
fn what_is_no_head_is_refused() {
    let trail = Trail::new(false);
    let kept = trail.sandbox.head();
    let (seq, hash) = kept.split_once(':').expect("a head has a colon");
    for wrong in [
        "",
        seq,
        hash,
        &format!("{seq}:"),
        &format!(":{hash}"),
        &format!("-1:{hash}"),
        &format!("{seq}:{}", &hash[1..]),
        &format!("{seq}:{hash}0"),
        &format!("{seq}:{}g", &hash[1..]),
        &format!("{seq}:{hash}:{hash}"),
        &format!("99999999999999999999:{hash}"),
        // Before the first row there is no other hash than zeros.
        &format!("0:{hash}"),
        &NOTHING.replace(":0", ":1"),
    ] {
        for command in ["verify", "restore"] {
            let words: &[&str] = match command {
                "verify" => &["audit", "verify"],
                _ => &["store", "restore", "none.db", "--yes"],
            };
            let run = trail.sandbox.keyward(words).args(["--against", wrong]);
            run.refused(2, "usage");
        }
    }
}
