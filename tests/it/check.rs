//! `keyward check`: what it finds and what it leaves out, how it says so, and who may ask.

use serde_json::{Value, json};

use crate::support::past::{Past, ids};
use crate::support::time::{DAY, HOUR};
use crate::support::{KEYWARD, Output, Sandbox, fields, text};

/// Runs the gate and returns its findings, whose presence its exit status must tell.
pub fn findings(sandbox: &Sandbox, flags: &[&str]) -> Vec<Value> {
    let output = sandbox.keyward(["check", "--json"]).args(flags).run();
    listed(&output)
}

fn listed(output: &Output) -> Vec<Value> {
    let answer = output.json();
    let findings = answer["findings"].as_array().expect("a list of findings");
    let expected = if findings.is_empty() { 0 } else { 18 };
    assert_eq!(output.status, expected, "{}", output.transcript());
    assert_eq!(output.stderr, "", "an answer is all there is to say");
    findings.clone()
}

/// What was found: name and reason, in the findings' order.
fn found(findings: &[Value]) -> Vec<(String, String)> {
    let pair = |finding| (text(finding, "name"), text(finding, "reason"));
    findings.iter().map(pair).collect()
}

/// The same of a run with these flags, for comparisons with words.
#[track_caller]
pub fn assert_found(sandbox: &Sandbox, flags: &[&str], expected: &[(&str, &str)]) {
    let found = found(&findings(sandbox, flags));
    let found: Vec<(&str, &str)> =
        found.iter().map(|(name, reason)| (name.as_str(), reason.as_str())).collect();
    assert_eq!(found, expected, "{flags:?}");
}

#[test]
fn among_a_thousand_keys_exactly_the_old_ones_are_found() {
    let sandbox = Sandbox::new();
    let mut past = Past::of(&sandbox);
    let mut old = Vec::new();
    // Neither by age nor by page are they together.
    for round in 0..5 {
        let name = |front: &str| format!("{front}-{round}");
        old.extend(past.mint(None, &name("ancient"), 60, 400 * DAY));
        past.mint(None, &name("almost"), 50, 90 * DAY - HOUR);
        old.extend(past.mint(None, &name("just"), 17, 90 * DAY));
        past.mint(None, &name("young"), 73, DAY);
    }
    drop(past);
    let findings = findings(&sandbox, &["--older-than", "90d"]);
    let mut found: Vec<String> = findings.iter().map(|finding| text(finding, "id")).collect();
    let in_order: Vec<String> = old.iter().map(|key| key.id.clone()).collect();
    assert_eq!(found, in_order, "they come in the order of minting");
    found.sort();
    assert_eq!(found, ids(&old));
    assert!(findings.iter().all(|finding| finding["reason"] == "old"));
    assert_found(&sandbox, &["--older-than", "401d"], &[]);
    assert_found(&sandbox, &["--older-than", "90d", "-w", "default"], &{
        let words = findings.iter().map(|finding| {
            let name = finding["name"].as_str().expect("a name");
            (name, "old")
        });
        words.collect::<Vec<_>>()
    });
}

/// A key for each reason, one without any, and one with several.
pub fn with_every_fault(sandbox: &Sandbox) {
    let mut past = Past::of(sandbox);
    past.mint(None, "never", 1, 40 * DAY);
    let unused = past.mint(None, "unused", 1, 41 * DAY);
    past.use_them(&unused, 31 * DAY);
    let expiring = past.mint_until(None, "expiring", 1, Some("30d"), 20 * DAY);
    past.use_them(&expiring, DAY);
    let old = past.mint(None, "old", 1, 200 * DAY);
    past.use_them(&old, DAY);
    let good = past.mint_until(None, "good", 1, Some("90d"), 20 * DAY);
    past.use_them(&good, DAY);
    past.mint_until(None, "all", 1, Some("205d"), 200 * DAY);
    past.mint(None, "fresh", 1, HOUR);
}

#[test]
fn each_criterion_finds_its_own_reason() {
    let sandbox = Sandbox::new();
    with_every_fault(&sandbox);
    assert_found(
        &sandbox,
        &["--unused-for", "30d"],
        &[("never", "never_used"), ("unused", "unused"), ("all", "never_used")],
    );
    assert_found(
        &sandbox,
        &["--never-used"],
        &[("never", "never_used"), ("all", "never_used"), ("fresh", "never_used")],
    );
    assert_found(
        &sandbox,
        &["--expiring-within", "14d"],
        &[("expiring", "expiring"), ("all", "expiring")],
    );
    assert_found(&sandbox, &["--older-than", "90d"], &[("old", "old"), ("all", "old")]);
    assert_found(&sandbox, &["--unused-for", "1y"], &[]);
    assert_found(&sandbox, &["--expiring-within", "4d"], &[]);
}

/// Looks for everything but young keys that were never used.
pub const EVERYTHING: [&str; 6] =
    ["--unused-for", "30d", "--expiring-within", "14d", "--older-than", "90d"];

#[test]
fn a_key_has_one_finding_for_each_reason() {
    let sandbox = Sandbox::new();
    with_every_fault(&sandbox);
    let expected = [
        ("never", "never_used"),
        ("unused", "unused"),
        ("expiring", "expiring"),
        ("old", "old"),
        ("all", "never_used"),
        ("all", "expiring"),
        ("all", "old"),
    ];
    assert_found(&sandbox, &EVERYTHING, &expected);
    let with_the_young = [&EVERYTHING[..], &["--never-used"]].concat();
    let expected = [&expected[..], &[("fresh", "never_used")]].concat();
    assert_found(&sandbox, &with_the_young, &expected);
}

#[test]
fn a_finding_is_the_keys_object_with_a_reason_and_a_remedy() {
    let sandbox = Sandbox::new();
    with_every_fault(&sandbox);
    for mut finding in findings(&sandbox, &EVERYTHING) {
        let id = text(&finding, "id");
        let names = fields(&finding);
        assert!(names.contains(&"reason") && names.contains(&"remedy"), "{names:?}");
        let object = finding.as_object_mut().expect("an object");
        object.remove("reason");
        object.remove("remedy");
        assert_eq!(finding, sandbox.show(&id));
    }
}

#[test]
fn every_format_tells_the_same_findings() {
    let sandbox = Sandbox::new();
    with_every_fault(&sandbox);
    let findings = findings(&sandbox, &EVERYTHING);
    let run = |format| {
        let run = sandbox.keyward(["check", "-o", format]).args(EVERYTHING);
        run.exit(18).stdout
    };
    let lines: Vec<Value> = run("jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line is one object"))
        .collect();
    assert_eq!(lines, findings);

    let tsv = run("tsv");
    assert_eq!(tsv.lines().count(), findings.len());
    let table = run("table");
    assert!(table.starts_with("NAME"), "{table}");
    assert_eq!(table.lines().count(), findings.len() + 1, "{table}");
    let rows = tsv.lines().zip(table.lines().skip(1));
    for (finding, (line, row)) in findings.iter().zip(rows) {
        let cells: Vec<&str> = line.split('\t').collect();
        assert_eq!(cells[0], text(finding, "id"));
        let last = [text(finding, "reason"), text(finding, "remedy")];
        assert_eq!(cells[cells.len() - 2..], last);
        for word in ["name", "reason", "remedy"] {
            assert!(row.contains(&text(finding, word)), "no {word} in {row}");
        }
    }
}

#[test]
fn nothing_found_is_said_to_people_and_an_empty_answer_for_programs() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let run = |format| {
        let flags = ["check", "--older-than", "90d", "-o", format];
        sandbox.keyward(flags).ok()
    };
    let table = run("table");
    assert_eq!(table.stdout, "");
    assert!(table.stderr.contains("no keys found"), "{}", table.stderr);
    assert_eq!(run("json").json(), json!({ "findings": [] }));
    for format in ["jsonl", "tsv"] {
        let output = run(format);
        assert_eq!((output.stdout, output.stderr), Default::default());
    }
}

#[test]
fn keys_that_end_by_themselves_are_never_found() {
    let sandbox = Sandbox::new();
    let mut past = Past::of(&sandbox);
    past.mint(None, "rotated", 1, 300 * DAY);
    let revoked = past.mint(None, "revoked", 1, 300 * DAY);
    past.revoke(&revoked, 200 * DAY);
    past.mint_until(None, "expired", 1, Some("30d"), 300 * DAY);
    drop(past);
    sandbox.keyward(["rotate", "rotated"]).ok();
    sandbox.keyward(["mint", "pending", "--hold"]).ok();
    sandbox.keyward(["mint", "void", "--", "false"]).exit(16);
    sandbox.rewrite(&format!(
        "UPDATE key SET created_at = created_at - {HOUR} WHERE name = 'pending'"
    ));
    let flags =
        ["--unused-for", "30m", "--older-than", "30m", "--expiring-within", "1y", "--never-used"];
    // The new key of the rotation alone: it was never used, and the old one, which ends tomorrow, is not expiring.
    let findings = findings(&sandbox, &flags);
    assert_eq!(found(&findings), [("rotated".to_owned(), "never_used".to_owned())]);
    assert_eq!(findings[0]["id"], sandbox.id_of("rotated").as_str());
}

#[test]
fn of_a_disabled_key_only_the_use_is_looked_at() {
    let sandbox = Sandbox::new();
    let mut past = Past::of(&sandbox);
    let used = past.mint_until(None, "used", 1, Some("205d"), 200 * DAY);
    past.use_them(&used, 60 * DAY);
    past.mint_until(None, "unused", 1, Some("205d"), 200 * DAY);
    drop(past);
    for name in ["used", "unused"] {
        sandbox.keyward(["disable", name]).ok();
    }
    let expected = [("used", "unused"), ("unused", "never_used")];
    assert_found(&sandbox, &EVERYTHING, &expected);
    sandbox.keyward(["enable", "used"]).ok();
    let expected =
        [("used", "unused"), ("used", "expiring"), ("used", "old"), ("unused", "never_used")];
    assert_found(&sandbox, &EVERYTHING, &expected);
}

#[test]
fn one_workspace_is_looked_at_or_all() {
    let sandbox = Sandbox::new();
    for name in ["acme", "zenith"] {
        sandbox.workspace(name, &[]);
    }
    let mut past = Past::of(&sandbox);
    past.mint(Some("acme"), "a", 1, 100 * DAY);
    past.mint(Some("zenith"), "z", 1, 100 * DAY);
    drop(past);
    let old = ["--older-than", "90d"];
    let error = sandbox.keyward(["check"]).args(old);
    let error = error.refused(4, "ambiguous");
    assert!(text(&error, "message").contains("zenith"), "{error:#}");
    let with = |more: &[&'static str]| [&old[..], more].concat();
    assert_found(&sandbox, &with(&["-w", "acme"]), &[("a", "old")]);
    assert_found(&sandbox, &with(&["-w", "zenith"]), &[("z", "old")]);
    assert_found(&sandbox, &with(&["--all-workspaces"]), &[("a", "old"), ("z", "old")]);
    let missing = sandbox.keyward(["check", "-w", "missing"]).args(old);
    missing.refused(3, "workspace_not_found");
    sandbox.keyward(["workspace", "use", "zenith"]).ok();
    assert_found(&sandbox, &old, &[("z", "old")]);
    assert_found(&sandbox, &with(&["--all-workspaces"]), &[("a", "old"), ("z", "old")]);
}

#[test]
fn without_a_criterion_there_is_nothing_to_look_for() {
    let sandbox = Sandbox::new();
    for flags in [&[][..], &["--all-workspaces"], &["-w", "default"]] {
        let run = sandbox.keyward(["check"]).args(flags);
        let error = run.refused(2, "usage");
        assert!(text(&error, "hint").contains("--older-than"), "{error:#}");
    }
    for wrong in ["90", "soon", "-1d", ""] {
        let run = sandbox.keyward(["check", "--older-than", wrong]);
        run.refused(2, "usage");
    }
}

#[test]
fn a_shell_branches_on_it() {
    let sandbox = Sandbox::new();
    Past::of(&sandbox).mint(None, "ci", 1, 100 * DAY);
    let script = "if \"$0\" check --older-than $1 >found; then echo clean; else echo $?; fi";
    let branch = |age: &str| {
        let run = sandbox.program("sh", ["-c", script, KEYWARD, age]);
        run.ok().stdout
    };
    assert_eq!(branch("90d"), "18\n");
    assert_eq!(branch("101d"), "clean\n");
}

#[test]
fn a_key_that_may_list_checks_its_own_workspace_and_no_other_does() {
    let sandbox = Sandbox::with_workspace("sw", &["--preset", "scrapewise"]);
    sandbox.workspace("other", &[]);
    let reader = sandbox.mint_with("reader", &["-w", "sw", "--scope", "LLM_READ"]);
    let other = sandbox.mint_with("other", &["-w", "other"]);
    sandbox.mint_with("never", &["-w", "sw", "--scope", "LLM_FULL"]);
    let reader = sandbox.file("reader", &reader).display().to_string();
    let other = sandbox.file("other", &other).display().to_string();
    for flags in [&[][..], &["--all-workspaces"], &["-w", "sw"]] {
        let flags = [&["--never-used", "--as", &reader][..], flags].concat();
        // Acting is a use, so the reader itself is none.
        assert_found(&sandbox, &flags, &[("never", "never_used")]);
    }
    let run = |flags: &[&str]| sandbox.keyward(["check", "--never-used"]).args(flags);
    run(&["--as", &reader, "-w", "other"]).refused(3, "workspace_not_found");
    for flags in [&["--as", &other][..], &["--as", &other, "--all-workspaces"]] {
        run(flags).refused(5, "scope_rejected");
    }
}

#[test]
fn where_nothing_is_nothing_is_found_and_no_store_is_made() {
    let sandbox = Sandbox::new();
    for flags in [&["--never-used"][..], &["--older-than", "0s", "--all-workspaces"]] {
        let check = sandbox.keyward(["check"]).args(flags);
        check.refused(3, "store_not_found");
        assert!(!sandbox.store_path().exists(), "a store was made");
    }
    sandbox.workspace("empty", &[]);
    sandbox.keyward(["workspace", "delete", "empty", "--yes"]).ok();
    for flags in [&["--never-used"][..], &["--never-used", "--all-workspaces"]] {
        let answer = sandbox.keyward(["check"]).args(flags).answer();
        assert_eq!(answer, json!({ "findings": [] }));
    }
}

#[test]
fn a_person_reads_what_was_found_and_what_would_mend_it() {
    let sandbox = Sandbox::new();
    Past::of(&sandbox).mint(None, "ci", 1, 100 * DAY);
    sandbox.keyward(["store", "check", "--reset-clock"]).ok();
    sandbox.expect_transcripts(
        r#"
$ keyward check --older-than 90d --unused-for 30d
NAME  ENV   REASON      WHEN          REMEDY
ci    live  never_used  100 days ago  keyward revoke <id> --if-unused-for 30d
ci    live  old         100 days ago  keyward rotate <id>
------- stderr -------
[exit status: 18]
$ keyward check --older-than 90d -o wide
NAME  ENV   REASON  WHEN          REMEDY                               WORKSPACE  ID                    MINTED        LAST USED  EXPIRES
ci    live  old     100 days ago  keyward rotate <id>  default    <id>  100 days ago  never      never
------- stderr -------
[exit status: 18]
$ keyward check --older-than 200d
------- stderr -------
no keys found
[exit status: 0]
$ keyward check
------- stderr -------
error: tell check what to look for
hint: pass --expiring-within, --expired-within, --unused-for, --never-used, --older-than, --outside-policy or --exposed
[exit status: 2]
"#,
    );
}

#[test]
fn keys_that_have_just_expired_are_found_until_another_takes_their_place() {
    let sandbox = Sandbox::new();
    let mut past = Past::of(&sandbox);
    past.mint_until(None, "long", 1, Some("1d"), 30 * DAY);
    past.mint_until(None, "lately", 1, Some("8d"), 10 * DAY);
    past.mint_until(None, "minted", 1, Some("8d"), 10 * DAY);
    let revoked = past.mint_until(None, "revoked", 1, Some("8d"), 10 * DAY);
    past.revoke(&revoked, 9 * DAY);
    past.mint_until(None, "coming", 1, Some("20d"), 10 * DAY);
    drop(past);
    sandbox.keyward(["store", "check", "--reset-clock"]).ok();
    sandbox.mint("minted");
    let within = ["--expired-within", "7d"];
    assert_found(&sandbox, &within, &[("lately", "expired")]);
    assert_found(&sandbox, &["--expired-within", "1d"], &[]);
    let wide = ["--expired-within", "60d"];
    assert_found(&sandbox, &wide, &[("long", "expired"), ("lately", "expired")]);
    assert_found(&sandbox, &["--expiring-within", "14d"], &[("coming", "expiring")]);
    let remedy = text(&findings(&sandbox, &within)[0], "remedy");
    assert_eq!(remedy, "keyward mint lately -e live");
    let words: Vec<&str> = remedy.split(' ').skip(1).collect();
    sandbox.keyward(words).ok();
    assert_found(&sandbox, &within, &[]);
}

#[test]
fn an_expired_key_that_was_rotated_is_not_found() {
    let sandbox = Sandbox::new();
    Past::of(&sandbox).mint_until(None, "ci", 1, Some("10d"), DAY);
    sandbox.keyward(["rotate", "ci", "--grace", "1s"]).ok();
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(sandbox.listed(&["--status", "expired"]), ["ci"]);
    sandbox.keyward(["revoke", "ci", "--yes"]).ok();
    assert_found(&sandbox, &["--expired-within", "7d"], &[]);
}
