//! What is made to fit: names, scopes, limits, owners, and what is said of the rest.

use std::fs;

use serde_json::{Value, json};

use super::{database, file_and_source, with_files};
use crate::support::Sandbox;
use crate::transfer::hex;

fn import(sandbox: &Sandbox, source: &str, lines: &str) -> crate::support::Invocation {
    sandbox.keyward(["store", "import", "-", "--from", source]).stdin(lines)
}

fn row(name: &Value, secret: &str, more: &Value) -> String {
    let mut row = json!({"name": name, "key": hex(secret)});
    row.as_object_mut().expect("an object").extend(more.as_object().cloned().expect("an object"));
    row.to_string() + "\n"
}

#[test]
fn what_became_of_names_limits_and_the_rest_is_said() {
    let (sandbox, folder) = with_files();
    let (file, _) = file_and_source(&folder, "unkey");
    let said = sandbox.keyward(["store", "import", &file, "--from", "unkey"]).ok().stderr;
    for sentence in [
        "6 created, 0 unchanged, 0 differ, 0 rejected",
        "entry 2: the name was taken or missing, so it is unnamed-1",
        "entry 3: the name was taken or missing, so it is worker-2",
        "added to the policy: plan 100/minute",
        "not imported: ratelimit_limit of 1 key",
        "not imported: remaining_requests of 1 key",
        "not imported: meta of 1 key",
        "already expired: 1 key",
    ] {
        assert!(said.contains(sentence), "no {sentence:?} in {said}");
    }
    let worker = sandbox.show("worker");
    assert_eq!((&worker["plan"], &worker["owner"]), (&json!("100/minute"), &json!("customer-7")));
    let shown = sandbox.keyward(["show", "worker", "--json"]).ok().json();
    assert_eq!(shown["limits"]["rate"]["limit"], "100/minute", "{shown:#}");
    assert_eq!(sandbox.show("staging")["environment"], "test");
    assert_eq!(sandbox.show("gone")["revokedAt"], "2025-11-03T09:30:00.000Z");
}

#[test]
fn scopes_come_from_objects_of_lists_and_are_refused_declared_or_left_out() {
    let rows = row(&json!("a"), "one", &json!({"permissions": "{\"files\":[\"read\"]}"}));
    let sandbox = Sandbox::new();
    sandbox.mint("own");
    let refused = import(&sandbox, "better-auth", &rows).exit(5);
    assert!(refused.stderr.contains("files:read"), "{}", refused.stderr);
    let declared = import(&sandbox, "better-auth", &rows).args(["--scopes=declare"]).ok();
    assert!(declared.stderr.contains("scope files:read"), "{}", declared.stderr);
    assert_eq!(sandbox.show("a")["scopes"], json!(["files:read"]));
    let other = Sandbox::new();
    let none = import(&other, "better-auth", &rows).args(["--scopes=none"]).ok();
    assert!(none.stderr.contains("not imported: scopes of 1 key"), "{}", none.stderr);
    assert_eq!(other.show("a")["scopes"], json!([]));
}

#[test]
fn a_scope_with_a_star_is_refused_by_name_and_can_be_left_out() {
    let sandbox = Sandbox::new();
    let rows = json!({"id": 4, "name": "a", "token": hex("x"), "abilities": "[\"*\"]"}).to_string();
    for how in ["known", "declare"] {
        let refused = import(&sandbox, "sanctum", &rows).args(["--scopes", how]).exit(5);
        assert!(refused.stderr.contains("the scope \"*\" stands for others"), "{}", refused.stderr);
        assert!(refused.stderr.contains("--scopes none"), "{}", refused.stderr);
    }
    import(&sandbox, "sanctum", &rows).args(["--scopes", "none"]).ok();
    sandbox.verdict("4|x", &[], 0, "valid");
}

#[test]
fn each_owners_keys_go_to_a_workspace_of_its_own() {
    let (sandbox, folder) = with_files();
    let (file, _) = file_and_source(&folder, "sanctum");
    let import = || {
        sandbox
            .keyward(["store", "import", &file, "--from", "sanctum", "--workspace-by", "owner"])
            .args(["--scopes", "declare"])
    };
    import().ok();
    assert_eq!(sandbox.listed(&["-w", "1", "-a"]), ["deploy"]);
    assert_eq!(sandbox.listed(&["-w", "2", "-a"]), ["Ada's phone", "deploy", "trial"]);
    let again = import().ok();
    assert!(again.stderr.contains("0 created, 4 unchanged"), "{}", again.stderr);
    // An owner all of whose lines are left out gets none.
    let rows = row(&json!("a"), "x", &json!({"userId": "7", "permissions": "[\"files\"]"}))
        + &row(&json!("b"), "y", &json!({"userId": "8"}));
    let options = ["--workspace-by=owner", "--keep-going"];
    self::import(&sandbox, "better-auth", &rows).args(options).exit(5);
    assert_eq!(sandbox.listed(&["-w", "8"]), ["b"]);
    sandbox.keyward(["list", "-w", "7"]).refused(3, "workspace_not_found");
}

#[test]
fn a_longest_name_that_is_taken_is_shortened_for_its_number() {
    let sandbox = Sandbox::new();
    let name = "n".repeat(64);
    let rows: String =
        (0..12).map(|number| row(&json!(name), &format!("key {number}"), &json!({}))).collect();
    let said = import(&sandbox, "better-auth", &rows).ok().stderr;
    assert!(said.contains("1 more names got a number"), "{said}");
    assert_eq!(
        sandbox.show(&format!("{}-12", "n".repeat(61)))["name"],
        format!("{}-12", &name[3..])
    );
    let again = import(&sandbox, "better-auth", &rows).ok();
    assert!(again.stderr.contains("0 created, 12 unchanged"), "{}", again.stderr);
}

#[test]
fn columns_are_found_however_their_words_are_joined() {
    let sandbox = Sandbox::new();
    let rows = json!([
        {"name": "a", "key": hex("x"), "reference_id": "ada", "expires_at": 1_704_067_200,
         "created_at": "0001-01-01T00:00:00Z", "ENABLED": 1},
        {"name": "b", "key": hex("y"), "userid": "bob", "expiresAt": "2096-01-01 00:00:00+00", "enabled": "f"},
    ]);
    import(&sandbox, "better-auth", &rows.to_string()).ok();
    let a = sandbox.show("a");
    assert_eq!((&a["owner"], &a["expiresAt"]), (&json!("ada"), &json!("2024-01-01T00:00:00.000Z")));
    let b = sandbox.show("b");
    assert_eq!((&b["owner"], &b["status"]), (&json!("bob"), &json!("disabled")));
    assert_eq!(b["expiresAt"], "2096-01-01T00:00:00.000Z");
}

#[test]
fn a_sample_names_the_form_of_plain_lines() {
    let sandbox = Sandbox::new();
    sandbox.file("sample.key", "4|token");
    let lines = json!({"name": "a", "hash": hex("token")}).to_string()
        + "\n"
        + &json!({"name": "b", "hash": hex("other")}).to_string();
    let import = || sandbox.keyward(["store", "import", "-", "--sample", "sample.key"]);
    let said = import().stdin(&lines).ok().stderr;
    assert!(said.contains("as sha256-after:|"), "{said}");
    sandbox.verdict("9|other", &[], 0, "valid");
    sandbox.verdict("other", &[], 10, "not_found");
    assert!(import().stdin(&lines).ok().stderr.contains("2 unchanged"));
}

#[test]
fn rows_in_a_log_that_their_program_has_open_are_imported_and_nothing_beside_it_changes() {
    let sandbox = Sandbox::new();
    let path = sandbox.home().join("live.db");
    let database = database(&path);
    let sql = "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;
        CREATE TABLE apikey (name TEXT, key TEXT)";
    database.execute_batch(sql).expect("SQL");
    let row = rusqlite::params!["a", hex("x")];
    database.execute("INSERT INTO apikey VALUES (?1, ?2)", row).expect("a row");
    let path = path.to_str().expect("UTF-8").to_owned();
    let import = || sandbox.keyward(["store", "import", &path, "--from", "better-auth"]);
    let of = |suffix: &str| fs::read(format!("{path}{suffix}")).ok();
    let before = (of(""), of("-wal"));
    import().ok();
    sandbox.verdict("x", &[], 0, "valid");
    assert!((of(""), of("-wal")) == before);
    // A copy without the log's index, and one that its program closed.
    for suffix in ["", "-wal"] {
        fs::copy(format!("{path}{suffix}"), sandbox.home().join(format!("copy.db{suffix}")))
            .expect("a copy");
    }
    let refused = sandbox.keyward(["store", "import", "copy.db", "--from", "better-auth"]).exit(7);
    assert!(refused.stderr.contains(".backup"), "{}", refused.stderr);
    drop(database);
    assert!(import().ok().stderr.contains("1 unchanged"));
    assert_eq!((of("-wal"), of("-shm")), (None, None));
}

#[test]
fn a_line_that_is_left_out_adds_nothing_to_the_policy() {
    let sandbox = Sandbox::new();
    sandbox.workspace("full", &["--cap", "1"]);
    let scoped = |scope: &str| json!({"permissions": format!("{{\"files\":[\"{scope}\"]}}")});
    let rows =
        row(&json!("a"), "one", &scoped("read")) + &row(&json!("b"), "two", &scoped("write"));
    let said = import(&sandbox, "better-auth", &rows).args(["--scopes=declare", "--keep-going"]);
    let said = said.exit(5).stderr;
    assert!(said.contains("scope files:read") && !said.contains("files:write"), "{said}");
    let policy = sandbox.keyward(["workspace", "show", "full", "--policy"]).ok().stdout;
    assert!(policy.contains("files:read") && !policy.contains("files:write"), "{policy}");
}
