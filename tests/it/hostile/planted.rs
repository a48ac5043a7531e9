//! Hostile text that stands in the store all the same: escaped by every command.

use std::fs;

use rusqlite::{Connection, params};
use serde_json::Value;

use super::{FORMATS, HOSTILE, INVISIBLE, faults};
use crate::support::terminal::Terminal;
use crate::support::{Sandbox, is_thorough, text};

/// A store in which everything that is text is this one. Four keys, of which the third and the fourth are revoked
/// and disabled, each with a secret; the workspace that commands work in is the first of two.
struct Planted {
    sandbox: Sandbox,
    ids: Vec<String>,
}

impl Planted {
    fn new(hostile: &[u8]) -> Self {
        let sandbox = Sandbox::with_workspace("acme", &[]);
        sandbox.workspace("other", &[]);
        sandbox.keyward(["workspace", "use", "acme"]).ok();
        let minted = sandbox.keyward(["mint", "key", "--count", "6"]).answer();
        let minted = minted["keys"].as_array().expect("keys are a list");
        for (number, key) in minted.iter().enumerate() {
            sandbox.file(&format!("secret-{number}"), &text(key, "key"));
        }
        let ids = minted.iter().map(|key| text(key, "id")).collect();
        sandbox.keyward(["revoke", "key-3", "--yes"]).ok();
        sandbox.keyward(["disable", "key-4"]).ok();
        let shown = String::from_utf8_lossy(hostile);
        let list = serde_json::to_string(&[&shown]).expect("texts are JSON");
        let object = serde_json::to_string(&Value::Object(
            [(shown.to_string(), Value::String(shown.to_string()))].into_iter().collect(),
        ))
        .expect("texts are JSON");
        let connection = sandbox.sqlite();
        // Bytes that are not UTF-8 come in as SQLite lets them in.
        let statements = [
            "UPDATE key SET name = CAST(?1 AS TEXT), prefix = CAST(?1 AS TEXT), short = CAST(?1 AS TEXT),
                hint = CAST(?1 AS TEXT), created_by = CAST(?1 AS TEXT), owner = CAST(?1 AS TEXT),
                scopes = ?2, labels = ?3, replaced_by = CASE WHEN seq = 1 THEN CAST(?1 AS TEXT) END",
            "UPDATE key SET environment = CAST(?1 AS TEXT) WHERE seq IN (1, 3, 5) AND ?2 <> ?3",
            "UPDATE key SET revoked_reason = CAST(?1 AS TEXT), revoked_message = CAST(?1 AS TEXT)
                WHERE state = 'revoked' AND ?2 <> ?3",
            "UPDATE workspace SET name = CAST(?1 AS TEXT), preset = CAST(?1 AS TEXT), plan = CAST(?1 AS TEXT),
                created_by = CAST(?1 AS TEXT) WHERE name = 'acme' AND ?2 <> ?3",
        ];
        // Rows beside the true ones: a record whose newest event is not whole is not shown at all.
        let events = "INSERT INTO audit SELECT seq + 1000, time, CAST(?1 AS TEXT), CAST(?1 AS TEXT), CAST(?1 AS TEXT),
            CASE seq % 3 WHEN 0 THEN CAST(?1 AS TEXT) WHEN 1 THEN ?2 ELSE ?3 END, previous, hash FROM audit";
        let plant = |connection: &Connection, statement: &str| {
            let changed = connection.execute(statement, params![hostile, list, object]);
            assert!(changed.expect("it can be planted") > 0, "{statement}");
        };
        for statement in statements {
            plant(&connection, statement);
        }
        connection.close().expect("the store can be closed");
        sandbox.rewrite("");
        let connection = sandbox.sqlite();
        plant(&connection, events);
        connection.close().expect("the store can be closed");
        Self { sandbox, ids }
    }

    /// Where a record is not one line of a table or of tsv, or a line of tsv has more or fewer fields than another.
    fn wrong_lines(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (command, records) in [(&["list", "--all"][..], 6), (&["workspace", "list"], 2)] {
            for (format, lines) in [("table", records + 1), ("tsv", records)] {
                let said = self.sandbox.keyward(command).args(["-o", format]).ok().stdout;
                let fields = |line: &str| line.matches('\t').count();
                let first = said.lines().next().map(fields);
                let is_even =
                    format == "table" || said.lines().all(|line| Some(fields(line)) == first);
                if said.lines().count() != lines || !is_even {
                    found.push(format!("{command:?} as {format} breaks a line:\n{said}"));
                }
            }
        }
        found
    }

    /// Runs everything that shows or tells something of the store, in these formats, and gathers the faults.
    fn faults(&self, hostile: &str, formats: &[&str]) -> Vec<String> {
        let ids = &self.ids;
        let reading: [&[&str]; 22] = [
            &["list"],
            &["list", "--all"],
            &["list", "--all", "--sort", "name"],
            &["show", &ids[0]],
            &["show", &ids[1]],
            &["show", &ids[2]],
            &["show", &ids[3]],
            &["show", "missing"],
            &["show", &ids[0], "-e", "missing"],
            &["verify", "--file", "secret-0"],
            &["verify", "--file", "secret-0", "-e", "live"],
            &["verify", "--file", "secret-2"],
            &["verify", "--file", "secret-3"],
            &["verify", "--file", "secret-0", "-w", "other"],
            &["whoami"],
            &["whoami", "--as", "secret-0"],
            &["workspace", "list"],
            &["workspace", "show"],
            &["audit", "list"],
            &["audit", "list", "--limit", "3"],
            &["store", "info"],
            &["list", "--as", "secret-0"],
        ];
        // Each changes a key of its own or nothing, so that the next format finds the same.
        let changing: [&[&str]; 18] = [
            &["disable", &ids[1]],
            &["disable", &ids[1]],
            &["enable", &ids[1]],
            &["enable", &ids[2]],
            &["rename", &ids[2], "new"],
            &["set", &ids[2], "--owner", "x"],
            &["set", &ids[4], "--clear-owner"],
            &["rotate", &ids[1], "--hold"],
            &["rotate", &ids[1]],
            &["rotate", &ids[1], "--cancel"],
            &["rotate", &ids[0], "--out", "never"],
            &["rotate", &ids[2]],
            &["rotate", &ids[3]],
            &["activate", "--file", "secret-1"],
            &["revoke", &ids[2], "--yes"],
            &["revoke", &ids[0]],
            &["mint", "new", "--scope", "x"],
            &["mint", "new", "--as", "secret-0"],
        ];
        let mut found = Vec::new();
        for &format in formats {
            // JSON lines differ from JSON in lists alone, and changes speak to people and in JSON.
            let commands: Vec<_> = match format {
                "jsonl" => reading.iter().filter(|command| command.contains(&"list")).collect(),
                "tsv" => reading.iter().collect(),
                _ => reading.iter().chain(&changing).collect(),
            };
            for command in commands {
                let output = self.sandbox.keyward(["-o", format]).args(*command).run();
                found.extend(faults(&format!("{command:?} of {hostile:?}"), format, &output));
            }
            let _ = fs::remove_file(self.sandbox.home().join("never"));
            // What a person might type of it.
            if !hostile.contains('\0') && matches!(format, "table" | "json") {
                for command in [
                    &["show", "--", hostile][..],
                    &["list", "-w", hostile],
                    &["rename", "--", hostile, hostile],
                    &["workspace", "show", "--", hostile],
                    &["workspace", "delete", "--", hostile],
                    &["workspace", "use", "--", hostile],
                    &["list", "--name", hostile],
                    &["list", "--owner", hostile],
                ] {
                    let output = self.sandbox.keyward(["-o", format]).args(command).run();
                    found.extend(faults(&format!("{command:?}"), format, &output));
                }
            }
        }
        found
    }
}

#[test]
fn hostile_text_in_the_store_is_escaped_by_every_command() {
    let mut found = Vec::new();
    for (nth, hostile) in HOSTILE.into_iter().enumerate() {
        let planted = Planted::new(hostile.as_bytes());
        found.extend(planted.wrong_lines());
        assert_given_back(&planted, hostile);
        found.extend(planted.faults(hostile, &formats(nth)));
    }
    let count = found.len();
    found.truncate(40);
    assert!(found.is_empty(), "{count} faults\n{}", found.join("\n"));
}

/// The formats that the nth text is tried in: two, each in its turn, or in the thorough form all.
fn formats(nth: usize) -> Vec<&'static str> {
    let count = if is_thorough() { FORMATS.len() } else { 2 };
    FORMATS.into_iter().cycle().skip(nth).take(count).collect()
}

/// Asserts that JSON gives hostile text back as it is.
#[track_caller]
fn assert_given_back(planted: &Planted, hostile: &str) {
    let key = planted.sandbox.show(&planted.ids[0]);
    for field in ["name", "environment", "prefix", "keyHint", "createdBy", "owner", "workspace"] {
        assert_eq!(key[field], hostile, "{field}");
    }
    assert_eq!(key["scopes"][0], hostile);
    assert_eq!(key["labels"][hostile], hostile);
    let listed = planted.sandbox.keyward(["list"]).answer();
    assert_eq!(listed["keys"][0], key);
}

#[test]
fn text_in_the_store_that_is_no_utf_8_stops_nothing() {
    let mut found = Vec::new();
    let texts = [
        &b"a\xffb"[..],
        b"\x1b[31m\xc3",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80::x",
        b"a\0b",
        b"\x9b31m",
    ];
    for (nth, bytes) in texts.into_iter().enumerate() {
        let planted = Planted::new(bytes);
        for command in [&["list", "--all"][..], &["audit", "list"], &["workspace", "list"]] {
            planted.sandbox.keyward(command).ok();
        }
        for (number, id) in planted.ids.iter().enumerate() {
            planted.sandbox.keyward(["show", id]).ok();
            let file = format!("secret-{number}");
            let expected = [0, 0, 11, 13, 0, 0][number];
            planted.sandbox.keyward(["verify", "--file", &file]).exit(expected);
        }
        found.extend(planted.faults("a\0", &formats(nth)));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn hostile_ids_are_escaped_too() {
    let mut found = Vec::new();
    for hostile in HOSTILE.iter().step_by(3) {
        let (sandbox, secret) = Sandbox::with_key("ci");
        sandbox.file("secret", &secret);
        sandbox.mint_with("ci", &["-e", "test"]);
        let connection = sandbox.sqlite();
        let planted =
            connection.execute("UPDATE key SET id = ?1 WHERE environment = 'live'", [hostile]);
        assert_eq!(planted, Ok(1));
        connection.close().expect("the store can be closed");
        sandbox.rewrite("");
        for format in ["table", "json", "tsv"] {
            for command in [
                &["list"][..],
                &["show", "ci"],
                &["show", "ci", "-e", "live"],
                &["verify", "--file", "secret"],
                &["whoami", "--as", "secret"],
                &["audit", "list", "--as", "secret"],
                &["mint", "new", "--as", "secret"],
                &["activate", "--file", "secret"],
                &["disable", "ci", "-e", "live"],
                &["disable", "ci", "-e", "live"],
                &["rotate", "ci", "-e", "live"],
                &["enable", "ci", "-e", "live"],
                &["rename", "ci", "ci", "-e", "live"],
                &["set", "ci", "-e", "live", "--label", "a=b"],
                &["set", "ci", "-e", "live", "--clear-labels"],
                &["rotate", "ci", "-e", "live", "--hold"],
                &["rotate", "ci", "-e", "live"],
                &["rotate", "ci", "-e", "live", "--cancel"],
                &["rotate", "ci", "-e", "live", "--cancel"],
            ] {
                let output = sandbox.keyward(["-o", format]).args(command).run();
                found.extend(faults(&format!("{command:?} of {hostile:?}"), format, &output));
            }
        }
        for command in [
            &["revoke", "ci", "-e", "live", "--yes"][..],
            &["revoke", "ci", "-e", "live", "--yes"],
            &["rename", "ci", "new", "-e", "live"],
        ] {
            let output = sandbox.keyward(command).run();
            found.extend(faults(&format!("{command:?} of {hostile:?}"), "table", &output));
        }
    }
    let count = found.len();
    found.truncate(20);
    assert!(found.is_empty(), "{count} faults\n{}", found.join("\n"));
}

#[test]
fn a_question_escapes_the_names_in_it() {
    for hostile in HOSTILE {
        let planted = Planted::new(hostile.as_bytes());
        let secret = &planted.ids[1];
        let mut terminal = Terminal::keyward(&planted.sandbox, &["revoke", secret], &[]);
        terminal.wait_for("never used");
        terminal.types("n\r");
        let (status, seen) = terminal.end();
        assert_eq!(status, 130, "{seen}");
        assert_shown_harmlessly(hostile, &seen);

        let sandbox = Sandbox::with_workspace("doomed", &[]);
        sandbox.mint("ci");
        sandbox.keyward(["revoke", "ci", "--yes"]).ok();
        let connection = sandbox.sqlite();
        let planted = connection.execute("UPDATE workspace SET name = ?1", [hostile]);
        assert_eq!(planted, Ok(1));
        connection.close().expect("the store can be closed");
        sandbox.rewrite("");
        let arguments = ["workspace", "delete", "--", hostile];
        let mut terminal = Terminal::keyward(&sandbox, &arguments, &[]);
        terminal.wait_for("?");
        terminal.types("n\r");
        let (status, seen) = terminal.end();
        assert_eq!(status, 130, "{seen}");
        assert_shown_harmlessly(hostile, &seen);
    }
}

/// Asserts that a terminal was not sent this text as it is. A prompt's own sequences are its own business.
#[track_caller]
fn assert_shown_harmlessly(hostile: &str, seen: &str) {
    let is_plain = hostile == "back\\slash \\u{1b} \\n";
    assert!(is_plain || !seen.contains(hostile), "{seen:?}");
    for character in hostile.chars().filter(|character| INVISIBLE.contains(character)) {
        let is_the_prompts = matches!(character, '\u{1b}' | '\r' | '\n');
        assert!(is_the_prompts || !seen.contains(character), "{seen:?}");
    }
    for sequence in ["\u{1b}[31m", "\u{1b}]0;", "\u{1b}[2J\u{1b}[H", "##["] {
        assert!(!seen.contains(sequence), "{seen:?}");
    }
    let line = seen.lines().find(|line| line.trim_start().starts_with("::"));
    assert_eq!(line, None, "{seen:?}");
}
