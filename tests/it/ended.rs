//! Keys that have ended stay ended, whatever was done to the trail's index, to their records or to the list of their hashes.

use serde_json::{Value, json};

use crate::integrity::Scene;
use crate::migrations::{OLD, plant};
use crate::support::stream::{answers, each};
use crate::support::{Sandbox, text};

/// The address that the scene's key is allowed at.
const ADDRESS: &str = "203.0.113.1";

/// Fills the trail's index by subject with what this says instead of its own `(subject)`, and gives it its own text back.
fn reindex(sandbox: &Sandbox, with: &str) {
    let index = |with: &str| format!("CREATE INDEX audit_subject ON audit {with}");
    for (text, after) in [(index(with), "REINDEX audit_subject"), (index("(subject)"), "")] {
        let connection = sandbox.sqlite();
        let version: i64 = connection
            .pragma_query_value(None, "schema_version", |row| row.get(0))
            .expect("a store has a schema");
        let change = format!(
            "PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET sql = '{text}' WHERE name = 'audit_subject';
             PRAGMA schema_version = {};",
            version + 1
        );
        connection.execute_batch(&change).expect("the schema can be written");
        connection.close().expect("the store can be closed");
        sandbox.tamper(after);
    }
}

/// Fills the table of ended hashes in the reverse of its order, so that no hash in it but the last is found by looking it up.
fn reverse_ended(sandbox: &Sandbox) {
    for (from, to, after) in [
        (
            "KEY",
            "KEY DESC",
            "CREATE TEMP TABLE kept AS SELECT hash FROM ended;
             DELETE FROM ended; INSERT INTO ended SELECT hash FROM kept",
        ),
        ("KEY DESC", "KEY", ""),
    ] {
        let connection = sandbox.sqlite();
        let change = format!(
            "PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET sql = replace(sql, 'PRIMARY {from}', 'PRIMARY {to}') WHERE name = 'ended'"
        );
        connection.execute_batch(&change).expect("the schema can be written");
        connection.close().expect("the store can be closed");
        sandbox.tamper(after);
    }
}

/// A scene whose key was revoked and put back as it was before, in a way that the trail's index shows no revocation of.
fn hidden() -> (Scene, String) {
    let scene = Scene::new();
    let head = scene.sandbox.head();
    let copy = scene.sandbox.home().join("copy.db");
    std::fs::write(&copy, &scene.whole).expect("the store can be copied");
    scene.sandbox.keyward(["revoke", &scene.id, "--yes"]).ok();
    let revoked = trail_row(&scene, "key.revoke");
    reindex(&scene.sandbox, &format!("(subject) WHERE seq <> {revoked}"));
    scene.sandbox.tamper(&format!(
        "ATTACH '{}' AS copy; INSERT OR REPLACE INTO key SELECT * FROM copy.key WHERE id = '{}'; DETACH copy",
        copy.display(),
        scene.id
    ));
    (scene, head)
}

/// The last row of the trail with this action about the scene's key.
fn trail_row(scene: &Scene, action: &str) -> i64 {
    let connection = scene.sandbox.sqlite();
    connection
        .query_row(
            "SELECT max(seq) FROM audit NOT INDEXED WHERE action = ?1 AND subject = ?2",
            [action, &scene.id],
            |row| row.get(0),
        )
        .expect("there is one")
}

/// What `audit verify` gives as the first bad row.
#[track_caller]
fn first_bad(sandbox: &Sandbox, flags: &[&str]) -> Value {
    let run = sandbox.keyward(["--json", "audit", "verify"]).args(flags);
    let answer = run.exit(9).json();
    assert_eq!(answer["ok"], false, "{answer:#}");
    answer["firstBad"].clone()
}

fn ended(sandbox: &Sandbox) -> i64 {
    let connection = sandbox.sqlite();
    connection
        .query_row("SELECT count(*) FROM ended", [], |row| row.get(0))
        .expect("it can be counted")
}

#[test]
fn a_revocation_that_is_hidden_from_the_trails_index_still_holds() {
    let (scene, head) = hidden();
    let sandbox = &scene.sandbox;
    let verify = scene.verify(&scene.secret).args(["--ip", ADDRESS]);
    scene.assert_damaged(verify, &scene.id, "verify");
    for words in [
        &["list"][..],
        &["show", &scene.id],
        &["set", &scene.id, "--owner", "me"],
        &["rename", &scene.id, "other"],
        &["disable", &scene.id],
        &["rotate", &scene.id],
        &["list", "--all"],
        &["check", "--older-than", "1d"],
    ] {
        scene.assert_damaged(sandbox.keyward(words), &scene.id, &words.join(" "));
    }
    let line = json!({ "key": scene.secret, "ip": ADDRESS }).to_string() + "\n";
    let answers = answers(sandbox, &[], line);
    assert_eq!(each(&answers, "code"), ["damaged"]);
    assert_eq!(scene.flawed("key"), [scene.id.as_str()]);
    let revoked = trail_row(&scene, "key.revoke");
    assert_eq!(first_bad(sandbox, &[]), revoked);
    assert_eq!(first_bad(sandbox, &["--against", &head]), revoked);
    // The remedy that the check names makes it whole, and so does filling the index again.
    sandbox.keyward(["revoke", &scene.id, "--yes"]).ok();
    sandbox.verdict(&scene.secret, &[], 11, "revoked");
    sandbox.tamper("REINDEX");
    sandbox.keyward(["store", "check"]).ok();
    sandbox.keyward(["audit", "verify"]).ok();
}

#[test]
fn a_record_that_keyward_itself_was_led_to_seal_is_found_by_its_trail() {
    let (scene, head) = hidden();
    let sandbox = &scene.sandbox;
    sandbox.tamper(&format!(
        "DELETE FROM ended WHERE hash = (SELECT hash FROM key WHERE id = '{0}');
         DELETE FROM revision WHERE key_seq = (SELECT seq FROM key WHERE id = '{0}' AND revision = 1)",
        scene.id
    ));
    let owner = sandbox.keyward(["set", &scene.id, "--owner", "me"]);
    owner.ok();
    // Nothing in the index, the chain or the record tells any more.
    sandbox.tamper("REINDEX");
    let revoked = trail_row(&scene, "key.revoke");
    assert_eq!(scene.flawed("key"), [scene.id.as_str()]);
    assert_eq!(first_bad(sandbox, &["--against", &head]), revoked);
    sandbox.keyward(["revoke", &scene.id, "--yes"]).ok();
    sandbox.keyward(["store", "check"]).ok();
    sandbox.keyward(["audit", "verify"]).ok();
}

#[test]
fn a_row_that_is_added_to_the_trails_index_is_found() {
    let scene = Scene::new();
    let minted = trail_row(&scene, "key.mint");
    reindex(&scene.sandbox, &format!("(subject) WHERE seq < {minted}"));
    assert_eq!(first_bad(&scene.sandbox, &[]), minted);
    assert!(!scene.flawed("store").is_empty());
}

#[test]
fn an_index_of_the_trail_that_has_every_row_where_none_looks_for_it_is_found() {
    for with in ["(subject DESC)", "(subject, 'x' || '')", "(subject, seq + 1000000)"] {
        let scene = Scene::new();
        reindex(&scene.sandbox, &with.replace('\'', "''"));
        assert_ne!(first_bad(&scene.sandbox, &[]), Value::Null, "{with}");
        scene.sandbox.tamper("REINDEX");
        scene.sandbox.keyward(["audit", "verify"]).ok();
    }
}

/// The exported line of a key, without these fields.
fn exported(sandbox: &Sandbox, without: &[&str]) -> String {
    let lines = sandbox.keyward(["store", "export"]).ok().stdout;
    let lines = lines.lines().map(|line| {
        let mut line: Value = serde_json::from_str(line).expect("a line is JSON");
        let fields = line.as_object_mut().expect("a line is an object");
        without.iter().for_each(|field| drop(fields.remove(*field)));
        line.to_string() + "\n"
    });
    lines.filter(|line| line.contains("\"hash\"")).collect()
}

#[test]
fn a_pruned_key_is_never_imported_again() {
    let sandbox = Sandbox::new();
    let (revoked, expired) = (sandbox.mint("revoked"), sandbox.mint("expired"));
    let with_id = exported(&sandbox, &[]);
    let without_id = exported(&sandbox, &["id"]);
    sandbox.keyward(["store", "backup", "before.db"]).ok();
    sandbox.keyward(["revoke", "revoked", "--yes"]).ok();
    sandbox.keyward(["set", "expired", "--expires", "1s"]).ok();
    sandbox.wait_for_verdict(&expired, 12);
    let dead = exported(&sandbox, &["id"]);
    sandbox.keyward(["prune", "--dead-for", "0s", "--yes"]).ok();
    assert_eq!(ended(&sandbox), 2);
    for lines in [&with_id, &without_id, &dead] {
        sandbox.file("lines", lines);
        sandbox.refuses(&["store", "import", "lines"], 4, "conflict");
        let run = sandbox.keyward(["--json", "store", "import", "lines", "--keep-going"]);
        let answer = run.exit(4).json();
        assert_eq!(each_code(&answer), ["conflict", "conflict"], "{answer:#}");
    }
    for secret in [&revoked, &expired] {
        sandbox.verdict(secret, &[], 10, "not_found");
    }
    sandbox.keyward(["store", "check"]).ok();

    // Somebody takes the hash off the list, and the line in.
    let whole = sandbox.settled_bytes();
    sandbox.tamper("DELETE FROM ended");
    sandbox.file("lines", &without_id);
    sandbox.keyward(["store", "import", "lines"]).ok();
    let checked = sandbox.keyward(["--json", "store", "check"]).exit(9).json();
    let problems = checked["problems"].as_array().expect("a list");
    assert_eq!(problems.len(), 2, "{checked:#}");
    assert_ne!(first_bad(&sandbox, &[]), Value::Null);

    // A backup from before does not bring them back either, nor take their hashes off.
    sandbox.settled_bytes();
    std::fs::write(sandbox.store_path(), whole).expect("the store can be put back");
    let restore = sandbox.keyward(["store", "restore", "before.db", "--yes"]);
    restore.ok();
    for secret in [&revoked, &expired] {
        sandbox.verdict(secret, &[], 11, "revoked");
    }
    assert_eq!(ended(&sandbox), 2);
    sandbox.keyward(["store", "check"]).ok();
    sandbox.keyward(["audit", "verify"]).ok();
}

#[test]
fn a_pruned_key_whose_hash_is_out_of_its_tables_order_is_found() {
    let sandbox = Sandbox::new();
    for name in ["a", "b", "c"] {
        sandbox.mint(name);
        sandbox.keyward(["revoke", name, "--yes"]).ok();
    }
    sandbox.keyward(["prune", "--dead-for", "0s", "--yes"]).ok();
    sandbox.keyward(["audit", "verify"]).ok();
    reverse_ended(&sandbox);
    assert_eq!(ended(&sandbox), 3);
    assert_ne!(first_bad(&sandbox, &[]), Value::Null);
    sandbox.keyward(["store", "check"]).exit(9);
}

fn each_code(answer: &Value) -> Vec<String> {
    let results = answer["results"].as_array().expect("a list").iter();
    results.map(|result| text(result, "code")).collect()
}

#[test]
fn a_deleted_workspaces_keys_are_not_imported_again_under_another_id() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    sandbox.file("lines", &exported(&sandbox, &["id"]));
    sandbox.keyward(["revoke", "ci", "--yes"]).ok();
    sandbox.keyward(["workspace", "delete", "default", "--yes"]).ok();
    sandbox.refuses(&["store", "import", "lines"], 4, "conflict");
    let asked = sandbox.keyward(["verify"]).stdin(&secret).run();
    assert_ne!(asked.status, 0, "{}", asked.transcript());
    sandbox.tamper("DELETE FROM ended");
    sandbox.keyward(["store", "check"]).exit(9);
}

#[test]
fn a_restored_or_replaced_store_loses_no_ended_hash() {
    let sandbox = Sandbox::with_keys(&["other"]);
    sandbox.keyward(["store", "backup", "before.db"]).ok();
    let secret = sandbox.mint("late");
    sandbox.file("lines", &exported(&sandbox, &["id"]));
    sandbox.keyward(["revoke", "late", "--yes"]).ok();
    sandbox.keyward(["prune", "--dead-for", "0s", "--yes"]).ok();
    sandbox.keyward(["store", "restore", "before.db", "--yes"]).ok();
    assert_eq!(ended(&sandbox), 1);
    // Also where the store is damaged and a new one takes its place.
    sandbox
        .tamper("PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'key_short'");
    sandbox.refuses(&["list"], 9, "damaged");
    sandbox.keyward(["store", "restore", "before.db", "--yes"]).ok();
    assert_eq!(ended(&sandbox), 1);
    let import = sandbox.keyward(["store", "import", "lines", "--keep-going"]);
    import.exit(4);
    sandbox.verdict(&secret, &[], 10, "not_found");
}

#[test]
fn a_key_that_is_imported_as_revoked_has_ended_here_too() {
    let here = Sandbox::new();
    let secret = here.mint("ci");
    let alive = exported(&here, &["id"]);
    here.keyward(["revoke", "ci", "--yes"]).ok();
    let there = Sandbox::new();
    there.mint("other");
    let lines = here.keyward(["store", "export"]).ok().stdout;
    there.file("lines", &lines);
    let import = there.keyward(["store", "import", "lines", "--keep-going"]);
    let _ = import.run();
    assert_eq!(ended(&there), 1);
    there.verdict(&secret, &[], 11, "revoked");
    there.keyward(["prune", "--dead-for", "0s", "--yes"]).ok();
    there.file("lines", &alive);
    there.keyward(["store", "import", "lines"]).refused(4, "conflict");
}

#[test]
fn a_hash_that_is_added_to_the_list_or_missing_is_damage() {
    let scene = Scene::new();
    scene.change(&format!("INSERT INTO ended SELECT hash FROM key WHERE id = '{}'", scene.id));
    let verify = scene.verify(&scene.secret).args(["--ip", ADDRESS]);
    scene.assert_damaged(verify, &scene.id, "added");
    assert_eq!(scene.flawed("key"), [scene.id.as_str()]);
    scene.change("DELETE FROM ended");
    scene.assert_damaged(scene.sandbox.keyward(["list", "--all"]), "ci", "missing");
    let flawed = scene.flawed("key");
    assert_eq!(flawed.len(), 1);
    scene.sandbox.keyward(["revoke", &flawed[0], "--yes"]).ok();
    scene.sandbox.keyward(["store", "check"]).ok();
}

#[test]
fn a_void_key_that_is_given_another_secret_is_no_damage() {
    let sandbox = Sandbox::new();
    let mint = |sink: &str| {
        let words = ["mint", "ci", "--idempotency-key", "run-1", "--out", sink];
        sandbox.keyward(words)
    };
    let _ = mint("/dev/full/ci.key").run();
    std::fs::create_dir(sandbox.home().join("taken")).expect("a folder can be made");
    for sink in ["taken", "ci.key"] {
        let _ = mint(sink).run();
    }
    let secret = std::fs::read_to_string(sandbox.home().join("ci.key")).expect("it was delivered");
    sandbox.verdict(secret.trim_end(), &[], 0, "valid");
    sandbox.keyward(["store", "check"]).ok();
    sandbox.keyward(["audit", "verify"]).ok();
}

#[test]
fn an_older_store_knows_its_ended_keys_from_its_rows_and_its_trail() {
    for change in [
        "",
        "UPDATE key SET state = 'active', revoked_at = NULL, revoked_reason = NULL WHERE name = 'gone'",
    ] {
        let sandbox = Sandbox::new();
        plant(&sandbox, OLD[3]);
        sandbox.tamper(change);
        sandbox.keyward(["store", "info"]).ok();
        let connection = sandbox.sqlite();
        let hash = "SELECT count(*) FROM ended JOIN key USING (hash) WHERE name = 'gone'";
        let found: i64 =
            connection.query_row(hash, [], |row| row.get(0)).expect("it can be counted");
        assert_eq!((found, ended(&sandbox)), (1, 1), "{change}");
    }
}
