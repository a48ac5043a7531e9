//! `keyward apply`: a manifest carried out, run again, edited, and stopped half way.

use std::fmt::Write;
use std::fs;

use serde_json::{Value, json};

use crate::support::files::{Stamp, mode};
use crate::support::time::{DAY, assert_about, now};
use crate::support::{KEYWARD, Sandbox, moment, text};

/// A `[[key]]` of this workspace and name, with more lines and the sink in the braces.
pub fn key(workspace: &str, name: &str, more: &str, deliver: &str) -> String {
    format!(
        "\n[[key]]\nworkspace = \"{workspace}\"\nname = \"{name}\"\n{more}\ndeliver = {{ {deliver} }}\n"
    )
}

/// Applies a manifest and returns the actions that are no "unchanged", each with the key's name.
fn changes(sandbox: &Sandbox, flags: &[&str]) -> Vec<(String, String)> {
    let answer = sandbox.keyward(["apply", "keys.toml"]).args(flags).answer();
    let changes = answer["changes"].as_array().expect("a list of changes");
    let changed = |change: &&Value| change["action"] != "unchanged";
    changes
        .iter()
        .filter(changed)
        .map(|change| (text(change, "name"), text(change, "action")))
        .collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(one, other): &(&str, &str)| ((*one).to_owned(), (*other).to_owned());
    pairs.iter().map(owned).collect()
}

/// How many rows the audit trail has.
fn rows(sandbox: &Sandbox) -> u64 {
    let head = sandbox.keyward(["audit", "head"]).answer();
    head["seq"].as_u64().expect("a number")
}

/// The manifest of the documentation.
const DOCUMENTED: &str = r#"
[workspace.acme]
preset = "default"                 # or policy = "acme-policy.toml"

[[key]]
workspace     = "acme"
environment   = "live"
name          = "ci-pipeline"
scopes        = []
expires       = "90d"
rotate_before = "14d"
grace         = "24h"
owner         = "platform"
labels        = { team = "core" }
deliver       = { out = "secrets/ci-live.key" }
# or { dotenv = ".env", var = "ACME_KEY" } | { command = ["gh", "secret", "set", "ACME_KEY"] }
#    | { github_env = "ACME_KEY" } | { github_output = "key" }
"#;

#[test]
fn the_documented_manifest_is_applied_once() {
    let sandbox = Sandbox::new();
    sandbox.file("keys.toml", DOCUMENTED);
    // The folder is made, and for nobody else whatever the umask.
    let script = "umask 000; exec \"$0\" apply keys.toml --json";
    let answer = sandbox.program("sh", ["-c", script, KEYWARD]).ok().json();
    let shown = sandbox.show("ci-pipeline");
    let change = json!({
        "workspace": "acme", "environment": "live", "name": "ci-pipeline", "id": shown["id"], "action": "created", "differences": [],
    });
    let workspace = json!({ "name": "acme", "action": "created", "differences": [] });
    assert_eq!(answer, json!({ "changes": [change], "workspaces": [workspace] }));
    assert_eq!(shown["owner"], "platform");
    assert_eq!(shown["labels"], json!({ "team": "core" }));
    assert_about(moment(&shown, "expiresAt"), now() + 90 * DAY);
    let file = sandbox.home().join("secrets/ci-live.key");
    assert_eq!(mode(sandbox.home().join("secrets")), 0o700);
    assert_eq!(mode(&file), 0o600);
    let before = (sandbox.store_bytes(), Stamp::of(&file));
    assert_eq!(changes(&sandbox, &[]), pairs(&[]));
    let again = sandbox.keyward(["apply", "keys.toml"]).ok();
    assert_eq!(again.stdout, "");
    assert!(sandbox.store_bytes() == before.0, "the store was touched");
    assert_eq!(Stamp::of(&file), before.1);
    let verdict = sandbox.verdict(&sandbox.line("secrets/ci-live.key"), &[], 0, "valid");
    assert_eq!(verdict["subject"]["id"], shown["id"]);
}

/// Three workspaces with three environments with ten keys each.
fn ninety() -> String {
    let mut manifest = String::new();
    for workspace in ["one", "two", "three"] {
        let _ = writeln!(manifest, "[workspace.{workspace}]\npolicy = \"policy.toml\"");
    }
    for workspace in ["one", "two", "three"] {
        for environment in ["live", "test", "staging"] {
            for number in 0..10 {
                let place = format!("{workspace}-{environment}-{number}");
                let more = format!("environment = \"{environment}\"\nowner = \"of-{place}\"");
                let out = format!("out = \"{workspace}/{environment}/{number}.key\"");
                manifest.push_str(&key(workspace, &format!("key-{number}"), &more, &out));
            }
        }
    }
    manifest
}

#[test]
fn of_ninety_keys_only_the_edited_one_changes() {
    let sandbox = Sandbox::new();
    let policy = "prefix = \"nk\"\nenvironments = [\"live\", \"test\", \"staging\"]\n";
    sandbox.file("policy.toml", policy);
    sandbox.file("keys.toml", &ninety());
    let made = changes(&sandbox, &[]);
    assert_eq!(made.len(), 90);
    assert!(made.iter().all(|(_, action)| action == "created"));
    let before = (sandbox.store_bytes(), rows(&sandbox));
    assert_eq!(changes(&sandbox, &["--prune"]), pairs(&[]));
    assert!(sandbox.store_bytes() == before.0, "the store was touched");

    let edited = ninety().replace("of-two-staging-7", "somebody-else");
    sandbox.file("keys.toml", &edited);
    assert_eq!(changes(&sandbox, &[]), pairs(&[("key-7", "updated")]));
    assert_eq!(rows(&sandbox), before.1 + 1);
    let shown = sandbox.keyward(["show", "key-7", "-w", "two", "-e", "staging"]);
    assert_eq!(shown.answer()["owner"], "somebody-else");

    let at = edited.find("owner = \"of-three-test-4\"").expect("it is there");
    let begin = edited[..at].rfind("\n[[key]]").expect("its beginning");
    let end = at + edited[at..].find("\n[[key]]").expect("another key follows");
    let shorter = format!("{}{}", &edited[..begin], &edited[end..]);
    sandbox.file("keys.toml", &shorter);
    assert_eq!(changes(&sandbox, &[]), pairs(&[]), "without --prune");
    let store = sandbox.store_bytes();
    let error = sandbox.keyward(["apply", "keys.toml", "--prune"]).refused(2, "usage");
    assert!(text(&error, "hint").contains("--yes"), "{error:#}");
    assert!(sandbox.store_bytes() == store);
    let pruned = changes(&sandbox, &["--prune", "--yes"]);
    assert_eq!(pruned, pairs(&[("key-4", "revoked")]));
    assert_eq!(rows(&sandbox), before.1 + 2);
    let secret = sandbox.line("three/test/4.key");
    sandbox.verdict(&secret, &[], 11, "revoked");
    assert_eq!(changes(&sandbox, &["--prune"]), pairs(&[]));
    for place in ["one/live/0", "two/staging/7", "three/live/4", "three/staging/9"] {
        let secret = sandbox.line(&format!("{place}.key"));
        let verdict = sandbox.verdict(&secret, &[], 0, "valid");
        let subject = &verdict["subject"];
        let place: Vec<&str> = place.split('/').collect();
        assert_eq!(subject["workspace"], place[0]);
        assert_eq!(subject["environment"], place[1]);
        assert_eq!(subject["name"], format!("key-{}", place[2]));
    }
}

#[test]
fn a_prune_that_nobody_confirmed_does_nothing_at_all() {
    let sandbox = Sandbox::with_workspace("acme", &[]);
    sandbox.workspace("other", &[]);
    let stray = sandbox.mint_with("stray", &["-w", "acme"]);
    let kept = sandbox.mint_with("kept", &["-w", "other"]);
    for (name, verb) in [("paused", "disable"), ("dead", "revoke")] {
        sandbox.mint_with(name, &["-w", "acme"]);
        sandbox.keyward(["--yes", verb, name, "-w", "acme"]).ok();
    }
    sandbox.mint_with("held", &["-w", "acme", "--hold"]);
    let manifest = format!("[workspace.acme]\n{}", key("acme", "new", "", "out = \"F\""));
    sandbox.file("keys.toml", &manifest);
    let before = sandbox.store_bytes();
    let run = || sandbox.keyward(["apply", "keys.toml", "--prune"]);
    assert_eq!(run().exit(2).stdout, "");
    run().args(["--no-input"]).refused(2, "usage");
    assert!(sandbox.store_bytes() == before);
    assert!(!sandbox.home().join("F").exists());
    let expected =
        [("new", "created"), ("stray", "revoked"), ("paused", "revoked"), ("held", "revoked")];
    assert_eq!(changes(&sandbox, &["--prune", "--yes"]), pairs(&expected));
    let verdict = sandbox.verdict(&stray, &[], 11, "revoked");
    assert_eq!(verdict["subject"]["revokedReason"], "retired");
    sandbox.verdict(&kept, &[], 0, "valid");
    sandbox.verdict(&sandbox.line("F"), &[], 0, "valid");
}

#[test]
fn a_delivery_that_fails_half_way_leaves_the_rest_to_the_next_run() {
    let sandbox = Sandbox::new();
    let mut manifest = "[workspace.acme]\n".to_owned();
    for number in 1..=10 {
        let script = format!("cat >got.{number} && ! test -e broken.{number}");
        let deliver = format!("command = [\"sh\", \"-c\", \"{script}\"]");
        manifest.push_str(&key("acme", &format!("key-{number:02}"), "", &deliver));
    }
    sandbox.file("keys.toml", &manifest);
    let broken = sandbox.file("broken.5", "");
    let names = |numbers: std::ops::RangeInclusive<u32>| -> Vec<String> {
        numbers.map(|number| format!("key-{number:02}")).collect()
    };
    let output = sandbox.keyward(["apply", "keys.toml"]).exit(16);
    assert_eq!(output.stdout, "");
    let message = output.stderr.lines().find(|line| line.starts_with("error: "));
    let message = message.expect("an error is told");
    let (place, rest) = message.split_once("done before it: ").expect("those are named");
    assert!(place.starts_with("error: acme/live/key-05: "), "{message}");
    let (done, left) = rest.split_once("; left after it: ").expect("those are named");
    for name in names(1..=4) {
        assert!(done.contains(&name), "{name} was done: {message}");
        assert!(!left.contains(&name), "{name} was done: {message}");
    }
    for name in names(6..=10) {
        assert!(left.contains(&name), "{name} is not named: {message}");
    }
    assert_eq!(sandbox.listed(&["--status", "active"]), names(1..=4));
    assert_eq!(sandbox.listed(&["--status", "pending"]), [""; 0]);
    assert_eq!(sandbox.listed(&["--all"]), names(1..=5), "the rest is untouched");
    let fifth = sandbox.show("key-05");
    assert_eq!(fifth["revokedReason"], "undelivered", "{fifth:#}");
    let live = |number: u32| {
        let secret = sandbox.line(&format!("got.{number}"));
        let verdict = sandbox.verdict(&secret, &["--no-record"], 0, "valid");
        assert_eq!(verdict["subject"]["name"], format!("key-{number:02}"));
    };
    (1..=4).for_each(live);
    let void = sandbox.line("got.5");
    sandbox.verdict(&void, &["--no-record"], 11, "revoked");
    assert!(!sandbox.home().join("got.6").exists());

    let again = sandbox.keyward(["apply", "keys.toml"]);
    let error = again.refused(16, "delivery_failed");
    assert!(text(&error, "message").contains("done before it: none;"), "{error:#}");
    fs::remove_file(broken).expect("it is there");
    let answer = sandbox.keyward(["apply", "keys.toml"]).answer();
    let count = |action| {
        let changes = answer["changes"].as_array().expect("a list of changes");
        changes.iter().filter(|change| change["action"] == action).count()
    };
    assert_eq!((count("unchanged"), count("created")), (4, 6), "{answer:#}");
    (1..=10).for_each(live);
    assert_eq!(sandbox.listed(&["--status", "active"]), names(1..=10));
}

#[test]
fn a_rehearsal_changes_nothing_and_check_says_whether_anything_is_to_be_done() {
    let sandbox = Sandbox::new();
    sandbox.file("keys.toml", DOCUMENTED);
    let check =
        "if \"$0\" apply keys.toml --check >plan; then echo done; else echo \"pending $?\"; fi";
    let in_a_shell = || sandbox.program("sh", ["-c", check, KEYWARD]).ok().line();
    let rehearse = |pending: bool| {
        let before = sandbox.store_path().exists().then(|| sandbox.store_bytes());
        let plan = sandbox.keyward(["apply", "keys.toml", "--dry-run"]).answer();
        let status = if pending { 18 } else { 0 };
        let check = sandbox.keyward(["--json", "apply", "keys.toml", "--check"]);
        assert_eq!(check.exit(status).json(), plan);
        let expected = if pending { "pending 18" } else { "done" };
        assert_eq!(in_a_shell(), expected);
        let both = ["apply", "keys.toml", "--check", "--dry-run"];
        sandbox.keyward(both).exit(status);
        let after = sandbox.store_path().exists().then(|| sandbox.store_bytes());
        assert!(before == after, "a rehearsal touched the store");
        plan
    };
    let plan = rehearse(true);
    assert_eq!(plan["changes"][0]["action"], "created");
    assert_eq!(plan["changes"][0]["id"], Value::Null);
    assert!(!sandbox.home().join(".local").exists(), "it made a folder");
    assert!(!sandbox.home().join("secrets").exists(), "it made a folder");
    sandbox.keyward(["apply", "keys.toml"]).ok();
    assert_eq!(rehearse(false)["changes"][0]["action"], "unchanged");
    let edited = DOCUMENTED.replace("team = \"core\"", "team = \"web\"");
    sandbox.file("keys.toml", &edited);
    assert_eq!(rehearse(true)["changes"][0]["action"], "updated");
    sandbox.keyward(["apply", "keys.toml"]).ok();
    rehearse(false);
    // A workspace's own change is one as well.
    sandbox.file("keys.toml", &edited.replace("\"default\"", "\"amser\""));
    assert_eq!(rehearse(true)["workspaces"][0]["action"], "updated");
}

#[test]
fn a_plan_begins_each_line_with_what_will_be_done() {
    let sandbox = Sandbox::new();
    sandbox.file("policy.toml", "environments = [\"live\", \"test\"]\n");
    let keys = |owner: &str| {
        let same = key("acme", "same", "", "out = \"same\"");
        let due = key("acme", "due", "expires = \"90d\"\nrotate_before = \"14d\"", "out = \"due\"");
        let more = format!("owner = \"{owner}\"\nenvironment = \"test\"");
        let differs = key("acme", "differs", &more, "dotenv = \".env\", var = \"A\"");
        format!("[workspace.acme]\npolicy = \"policy.toml\"\n{same}{due}{differs}")
    };
    sandbox.file("keys.toml", &keys("one"));
    sandbox.keyward(["apply", "keys.toml"]).ok();
    sandbox.mint_with("stray", &["-e", "test"]);
    sandbox.rewrite(&format!(
        "UPDATE key SET created_at = created_at - {0}, expires_at = expires_at - {0}",
        80 * DAY
    ));
    let new = key("shop", "new", "", "out = \"new\"");
    sandbox.file("keys.toml", &format!("{}[workspace.shop]\n{new}", keys("two")));
    let plan = "= workspace acme\n+ workspace shop\n= acme/live/same\n~ acme/live/due (rotate)\n\
        ~ acme/test/differs (update)\n+ shop/live/new\n- acme/test/stray\n";
    let dry = sandbox.keyward(["apply", "keys.toml", "--prune", "--dry-run"]).ok();
    let signed = |text: &str| {
        let lines = text.split_inclusive('\n');
        lines.filter(|line| !line.starts_with("    ")).collect::<String>()
    };
    assert_eq!(signed(&dry.stdout), plan);
    let difference = "\n~ acme/test/differs (update)\n    owner: one → two\n+ ";
    assert!(dry.stdout.contains(difference), "{}", dry.stdout);
    let done = sandbox.keyward(["apply", "keys.toml", "--prune", "--yes"]).ok();
    assert_eq!(done.stdout, "");
    assert!(signed(&done.stderr).starts_with(plan), "{}", done.stderr);
    assert!(
        done.stderr.ends_with("1 created, 1 rotated, 1 updated, 1 unchanged, 1 revoked\n"),
        "{}",
        done.stderr
    );
}

#[test]
fn a_person_reads_the_plan_and_what_was_done() {
    let sandbox = Sandbox::new();
    let keys =
        key("acme", "ci", "", "out = \"ci.key\"") + &key("acme", "web", "", "out = \"web.key\"");
    sandbox.file("keys.toml", &format!("[workspace.acme]\n{keys}"));
    sandbox.file("wrong.toml", "keys = 1\n");
    let fails = key("acme", "ci", "", "command = [\"false\"]");
    sandbox.file("fails.toml", &format!("[workspace.acme]\n{fails}"));
    sandbox.expect_transcripts(
        r#"
$ keyward apply keys.toml --dry-run
+ workspace acme
+ acme/live/ci
+ acme/live/web
------- stderr -------
[exit status: 0]
$ keyward apply keys.toml
------- stderr -------
created the store ~/.local/share/keyward/keyward.db
+ workspace acme
+ acme/live/ci
+ acme/live/web
created acme/live/ci (<id>)
created acme/live/web (<id>)
2 created
[exit status: 0]
$ keyward apply keys.toml
------- stderr -------
= workspace acme
= acme/live/ci
= acme/live/web
2 unchanged
[exit status: 0]
$ rm ci.key && keyward apply keys.toml
------- stderr -------
error: line 3: ci: "ci.key" does not contain the secret of ci (<id>): it does not exist
hint: put it back, or pass --rotate-if-missing to replace it; see `keyward show <id>`
[exit status: 4]
$ keyward apply keys.toml --rotate-if-missing
------- stderr -------
= workspace acme
~ acme/live/ci (rotate)
= acme/live/web
rotated acme/live/ci (<id>)
1 rotated, 1 unchanged
[exit status: 0]
$ keyward apply missing.toml
------- stderr -------
error: no such file: missing.toml
hint: see `keyward apply --help`
[exit status: 2]
$ keyward apply wrong.toml
------- stderr -------
error: line 1: unknown field `keys`, expected `workspace` or `key`
[exit status: 2]
$ sed "s/name = \"ci\"/name = \"new\"/" fails.toml | keyward apply -
------- stderr -------
= workspace acme
+ acme/live/new
error: acme/live/new: "false" ended with exit status 1; the key is void (done before it: none; left after it: none)
[exit status: 16]
"#,
    );
}
