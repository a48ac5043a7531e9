//! A store that is not there: what was named must exist, a gate does not pass because it saw nothing, and whoever makes a
//! store says where.

use serde_json::json;

use crate::support::stream::{Stream, each};
use crate::support::{Sandbox, text};

/// Every command that reads or changes a store, but those that make one.
const COMMANDS: [&[&str]; 29] = [
    &["list"],
    &["show", "ci"],
    &["rename", "ci", "build"],
    &["set", "ci", "--owner", "platform"],
    &["disable", "ci"],
    &["enable", "ci"],
    &["rotate", "ci"],
    &["rotate", "ci", "--cancel"],
    &["activate"],
    &["revoke", "ci", "--yes"],
    &["verify"],
    &["whoami"],
    &["usage"],
    &["check", "--never-used"],
    &["prune"],
    &["prune", "--dry-run"],
    &["workspace", "list"],
    &["workspace", "show"],
    &["workspace", "set", "default", "--cap", "1"],
    &["workspace", "rename", "default", "other"],
    &["workspace", "delete", "default", "--yes"],
    &["workspace", "use", "default"],
    &["audit", "list"],
    &["audit", "verify"],
    &["audit", "head"],
    &["store", "info"],
    &["store", "check"],
    &["store", "backup", "copy.db"],
    &["store", "export"],
];

#[test]
fn a_store_that_was_named_must_be_there() {
    let sandbox = Sandbox::new();
    let missing = sandbox.home().join("nowhere/keyward.db");
    for arguments in COMMANDS {
        let run = || sandbox.keyward(arguments).stdin("nonsense");
        let error = run().env("KEYWARD_STORE", &missing);
        let error = error.refused(3, "store_not_found");
        let message = text(&error, "message");
        assert!(message.contains("nowhere/keyward.db"), "{message}");
        let by_flag = sandbox.keyward(["--store"]).args([&missing]);
        let by_flag = by_flag.args(arguments).stdin("nonsense");
        by_flag.refused(3, "store_not_found");
        assert!(!sandbox.home().join("nowhere").exists(), "{arguments:?}");
    }
}

#[test]
fn where_no_store_was_named_listings_are_empty_and_gates_do_not_pass() {
    let sandbox = Sandbox::new();
    for arguments in [&["list"][..], &["workspace", "list"]] {
        let output = sandbox.keyward(arguments).ok();
        assert!(output.stderr.contains("no store at "), "{}", output.stderr);
    }
    for arguments in [
        &["verify"][..],
        &["check", "--never-used"],
        &["check", "--never-used", "--all-workspaces"],
        &["audit", "verify"],
        &["store", "check"],
        &["show", "ci"],
        &["revoke", "ci", "--yes"],
        &["activate"],
        &["store", "export"],
        &["store", "backup", "copy.db"],
    ] {
        let run = sandbox.keyward(arguments).stdin("nonsense");
        run.refused(3, "store_not_found");
    }
    assert!(!sandbox.store_path().exists());
}

#[test]
fn a_check_of_a_manifest_is_pending_where_there_is_no_store() {
    let sandbox = Sandbox::new();
    let missing = sandbox.home().join("nowhere.db");
    sandbox.file(
        "keys.toml",
        "[workspace.default]\n[[key]]\nworkspace = \"default\"\nname = \"ci\"\ndeliver = { out = \"ci.key\" }\n",
    );
    sandbox.file("empty.toml", "");
    for manifest in ["keys.toml", "empty.toml"] {
        let check = || sandbox.keyward(["apply", manifest, "--check"]);
        check().exit(18);
        check().env("KEYWARD_STORE", &missing).exit(18);
        sandbox.keyward(["apply", manifest, "--dry-run"]).ok();
    }
    assert!(!sandbox.store_path().exists() && !missing.exists());
    sandbox.keyward(["store", "create"]).ok();
    sandbox.keyward(["apply", "empty.toml", "--check"]).ok();
}

#[test]
fn a_stream_waits_for_its_store() {
    for named in [true, false] {
        let sandbox = Sandbox::new();
        let elsewhere = Sandbox::new();
        let secret = elsewhere.mint("ci");
        let path = match named {
            true => sandbox.home().join("late.db"),
            false => sandbox.store_path(),
        };
        let flag = path.to_string_lossy().into_owned();
        let flags = ["--store", &flag];
        let mut stream = Stream::start(&sandbox, if named { &flags } else { &[] });
        for line in [secret.clone(), json!({"key": secret, "id": 7}).to_string()] {
            let verdict = stream.expect(&line, "store_not_found");
            assert_eq!((&verdict["status"], &verdict["valid"]), (&json!(503), &json!(false)));
        }
        assert_eq!(stream.expect("{", "bad_request")["status"], 400);
        let folder = path.parent().expect("a folder");
        std::fs::create_dir_all(folder).expect("it can be made");
        // Half of a copy is not a store yet.
        std::fs::write(&path, "SQLite format 3").expect("written");
        assert_eq!(stream.ask(&secret)["status"], 503);
        // In one step, as a restoration or a copy to a volume is done.
        let beside = folder.join("beside.db");
        elsewhere.keyward(["store", "backup"]).args([&beside]).ok();
        std::fs::rename(&beside, &path).expect("renamed");
        let verdict = stream.expect(&json!({"key": secret, "id": 8}).to_string(), "valid");
        assert_eq!((&verdict["status"], &verdict["id"]), (&json!(200), &json!(8)));
        let ended = stream.end();
        assert_eq!((ended.status, ended.stderr.as_str()), (0, ""));
        assert!(each(&ended.rest, "code").is_empty());
    }
}

#[test]
fn whoever_makes_a_store_says_its_path() {
    let manifest = "[workspace.default]\n[[key]]\nworkspace = \"default\"\nname = \"ci\"\ndeliver = { out = \"ci.key\" }\n";
    let line = json!({ "name": "ci", "hash": "ab".repeat(32) }).to_string();
    let makers: [&[&str]; 7] = [
        &["mint", "ci"],
        &["workspace", "create", "acme"],
        &["ensure", "ci", "--out", "ci.key"],
        &["apply", "keys.toml"],
        &["store", "create"],
        &["store", "import", "lines.jsonl"],
        &["store", "restore", "backup.db", "--yes"],
    ];
    let origin = Sandbox::new();
    origin.mint("ci");
    for maker in makers {
        let sandbox = Sandbox::new();
        sandbox.file("keys.toml", manifest);
        sandbox.file("lines.jsonl", &line);
        let backup = sandbox.home().join("backup.db");
        origin.keyward(["store", "backup"]).args([&backup]).ok();
        let path = sandbox.home().join("sub/made.db");
        let run = || sandbox.keyward(maker).env("KEYWARD_STORE", &path);
        let output = run().ok();
        let said = path.to_string_lossy();
        let says = |stderr: &str, verbs: &[&str]| {
            let is_said = |line: &&str| verbs.iter().any(|verb| line.starts_with(verb));
            stderr.lines().filter(is_said).filter(|line| line.contains(&*said)).count()
        };
        let made = says(&output.stderr, &["created the ", "restored "]);
        assert_eq!(made, 1, "{maker:?}: {}", output.stderr);
        assert!(path.exists(), "{maker:?}");
        // Once only.
        assert_eq!(says(&run().run().stderr, &["created the "]), 0, "{maker:?}");
    }
}

#[test]
fn an_empty_store_can_be_made_and_is_made_once() {
    let sandbox = Sandbox::new();
    let made = sandbox.keyward(["store", "create"]).answer();
    assert_eq!(text(&made, "path"), sandbox.store_path().to_string_lossy());
    assert_eq!(
        (&made["changed"], &made["keys"], &made["workspaces"]),
        (&json!(true), &json!(0), &json!(0))
    );
    let bytes = std::fs::read(sandbox.store_path()).expect("it is there");
    let again = sandbox.keyward(["store", "create"]).answer();
    assert_eq!(again["changed"], false);
    assert_eq!(std::fs::read(sandbox.store_path()).expect("it is there"), bytes);
    // A gate has something to look at now, and nothing to complain of.
    sandbox.keyward(["store", "check"]).ok();
    sandbox.verdict("nonsense", &[], 10, "malformed");
    // It is the operator's.
    let secret = sandbox.mint("ci");
    sandbox.file("ci.key", &secret);
    sandbox.refuses(&["--as", "ci.key", "store", "create"], 5, "scope_rejected");
    let elsewhere = sandbox.keyward(["--as", "ci.key", "store", "create", "--store", "other.db"]);
    elsewhere.refused(10, "not_found");
    assert!(!sandbox.home().join("other.db").exists());
    // A file that is not a store stays what it is.
    let text = sandbox.file("notes", "notes");
    sandbox.keyward(["store", "create", "--store", "notes"]).exit(9);
    assert_eq!(std::fs::read_to_string(text).expect("it is there"), "notes");
}
