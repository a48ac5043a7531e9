//! Records that were changed outside keyward: named, never accepted, and no reason to refuse the others.

use std::fs;

use serde_json::Value;

use crate::support::stream::{answers, each};
use crate::support::time::DAY;
use crate::support::{Invocation, Sandbox, text};

/// An id that nobody has.
pub const STRANGE_ID: &str = "key_zzzzzzzzzzzzzzzz";

/// The address that the key is allowed at.
pub const ADDRESS: [&str; 2] = ["--ip", "203.0.113.1"];

const POLICY: &str = r#"
scopes_per_key = { min = 0, max = 2 }

[scopes.admin]
manage = ["mint", "list", "revoke"]

[scopes.read]

[plans.free]
quota = 100000

[plans.pro]
"#;

/// A store with a key that has something in every column, and with others beside it.
pub struct Scene {
    pub sandbox: Sandbox,
    /// Of the key that is looked at, and its id.
    pub secret: String,
    pub id: String,
    /// Of a key of the same workspace.
    pub neighbour: String,
    /// Of a key of another workspace.
    pub stranger: String,
    /// The store before anything was done to it.
    pub whole: Vec<u8>,
}

impl Scene {
    pub fn new() -> Self {
        let sandbox = Sandbox::new();
        sandbox.file("policy.toml", POLICY);
        sandbox.workspace("acme", &["--policy", "policy.toml", "--plan", "free"]);
        sandbox.workspace("other", &[]);
        let stranger = sandbox.mint_with("stranger", &["-w", "other"]);
        sandbox.keyward(["workspace", "use", "acme"]).ok();
        let neighbour = sandbox.mint("neighbour");
        let flags = [
            "--scope=read",
            "--expires=90d",
            "--allow=203.0.113.0/24",
            "--owner=platform",
            "--label=team=core",
        ];
        sandbox.mint_with("ci", &flags);
        let old = sandbox.id_of("ci");
        let secret = sandbox.keyward(["rotate", "ci", "--now"]).ok().line();
        let keys = sandbox.keys(&[]);
        let is_new = |key: &&Value| key["replaces"] == old;
        let id = text(keys.iter().find(is_new).expect("it is there"), "id");
        let whole = sandbox.settled_bytes();
        Self { sandbox, secret, id, neighbour, stranger, whole }
    }

    pub fn verify(&self, secret: &str) -> Invocation {
        self.sandbox.keyward(["verify"]).stdin(secret)
    }

    /// Puts the store back as it was.
    pub fn put_back(&self) {
        // What verify left in the log belongs to another state.
        self.sandbox.settled_bytes();
        fs::write(self.sandbox.store_path(), &self.whole).expect("the store can be put back");
    }

    /// Puts the store back as it was, and changes it.
    pub fn change(&self, sql: &str) {
        self.put_back();
        self.sandbox.tamper(&format!(
            "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON; {sql}"
        ));
    }

    /// The problems that `store check` lists about keys or workspaces, each by its subject.
    pub fn flawed(&self, kind: &str) -> Vec<String> {
        let output = self.sandbox.keyward(["--json", "store", "check"]).exit(9);
        let answer = output.json();
        assert_eq!(answer["ok"], false, "{answer:#}");
        let problems = answer["problems"].as_array().expect("problems are a list").iter();
        problems
            .filter(|problem| problem["kind"] == kind)
            .map(|problem| text(problem, "subject"))
            .collect()
    }

    /// Asserts that a run says `damaged`, that the message names this, and that nothing was written.
    #[track_caller]
    pub fn assert_damaged(&self, run: Invocation, names: &str, what: &str) {
        let before = self.sandbox.settled_bytes();
        let error = run.refused(9, "damaged");
        let message = text(&error, "message");
        assert!(message.contains(names), "{what}: {message}");
        assert!(self.sandbox.store_bytes() == before, "{what}: the store was written");
    }
}

/// The columns of a table.
fn columns(sandbox: &Sandbox, table: &str) -> Vec<String> {
    let connection = sandbox.sqlite();
    let mut rows =
        connection.prepare("SELECT name FROM pragma_table_info(?1)").expect("a table of this name");
    rows.query_map([table], |row| row.get(0))
        .and_then(Iterator::collect)
        .expect("columns have names")
}

/// For each column of a key's record, what somebody might put there. The row number is not part of the record.
const KEY_CHANGES: [(&str, &str); 27] = [
    ("id", "id = 'key_zzzzzzzzzzzzzzzz'"),
    ("workspace_id", "workspace_id = (SELECT workspace_id FROM workspace WHERE name = 'other')"),
    ("name", "name = 'ci2'"),
    ("environment", "environment = 'test'"),
    ("scopes", "scopes = '[\"read\",\"admin\"]'"),
    ("prefix", "prefix = prefix || 'x'"),
    // One in 62 begins with either.
    ("short", "short = iif(short LIKE 'x%', 'y', 'x') || substr(short, 2)"),
    ("hint", "hint = 'xxxx'"),
    ("hash", "hash = randomblob(32)"),
    ("state", "state = 'disabled'"),
    ("created_at", "created_at = created_at + 1"),
    ("created_by", "created_by = 'operator:nobody'"),
    ("expires_at", "expires_at = NULL"),
    ("revoked_at", "revoked_at = 1"),
    ("revoked_reason", "revoked_reason = ''"),
    ("revoked_message", "revoked_message = ''"),
    ("replaces", "replaces = 'key_zzzzzzzzzzzzzzzz'"),
    ("grace", "grace = grace + 1"),
    ("previous_expires_at", "previous_expires_at = coalesce(previous_expires_at, 0) + 1"),
    ("replaced_by", "replaced_by = id"),
    ("allow", "allow = '[]'"),
    ("owner", "owner = NULL"),
    ("labels", "labels = '{\"team\":\"Core\"}'"),
    ("revision", "revision = revision + 1"),
    ("seal", "seal = randomblob(32)"),
    ("plan", "plan = 'free'"),
    ("form", "form = 'sha512'"),
];

#[test]
fn a_change_of_any_column_of_a_key_is_damage_that_names_the_key() {
    let scene = Scene::new();
    let mut changed: Vec<&str> = KEY_CHANGES.iter().map(|(column, _)| *column).collect();
    // What stands there has a test of its own.
    changed.push("algorithm");
    let mut columns = columns(&scene.sandbox, "key");
    columns.retain(|column| column != "seq");
    changed.sort_unstable();
    columns.sort_unstable();
    assert_eq!(changed, columns, "a column has no change");
    for (column, change) in KEY_CHANGES {
        scene.change(&format!("UPDATE key SET {change} WHERE id = '{}'", scene.id));
        let (id, workspace) = match column {
            "id" => (STRANGE_ID, "acme"),
            "workspace_id" => (scene.id.as_str(), "other"),
            _ => (scene.id.as_str(), "acme"),
        };
        let verify = scene.verify(&scene.secret).args(ADDRESS);
        scene.assert_damaged(verify, id, column);
        let keyward = |words: &[&str]| scene.sandbox.keyward(words).args(["-w", workspace]);
        scene.assert_damaged(keyward(&["list", "--all"]), id, column);
        scene.assert_damaged(keyward(&["show", id]), id, column);
        let expected: &[&str] = match column {
            "id" => &[STRANGE_ID, &scene.id],
            _ => &[&scene.id],
        };
        assert_eq!(scene.flawed("key"), expected, "{column}");
        for secret in [&scene.neighbour, &scene.stranger] {
            scene.sandbox.verdict(secret, &["--no-record"], 0, "valid");
        }
    }
}

#[test]
fn another_algorithm_beside_a_hash_is_damage_that_names_the_key() {
    let scene = Scene::new();
    scene.change(&format!("UPDATE key SET algorithm = 'none' WHERE id = '{}'", scene.id));
    assert_eq!(scene.flawed("key"), [scene.id.as_str()]);
    let verify = scene.verify(&scene.secret).args(ADDRESS);
    scene.assert_damaged(verify, &scene.id, "algorithm");
}

/// For each column of a workspace's record, what somebody might put there.
const WORKSPACE_CHANGES: [(&str, &str); 7] = [
    ("workspace_id", "workspace_id = 77"),
    ("name", "name = 'zenith'"),
    ("preset", "preset = 'amser'"),
    ("policy", "policy = replace(policy, '100000', '1000000')"),
    ("plan", "plan = 'pro'"),
    ("created_at", "created_at = created_at + 1"),
    ("created_by", "created_by = 'operator:nobody'"),
];

#[test]
fn a_change_of_any_column_of_a_workspace_is_damage() {
    let scene = Scene::new();
    let changed: Vec<&str> = WORKSPACE_CHANGES.iter().map(|(column, _)| *column).collect();
    assert_eq!(changed, columns(&scene.sandbox, "workspace"));
    for (column, change) in WORKSPACE_CHANGES {
        scene.change(&format!("UPDATE workspace SET {change} WHERE name = 'acme'"));
        let name = if column == "name" { "zenith" } else { "acme" };
        let verify = scene.verify(&scene.secret).args(ADDRESS);
        scene.assert_damaged(verify, "", column);
        for words in [
            &["list", "-w", name][..],
            &["workspace", "list"],
            &["workspace", "show", name],
            &["mint", "new", "-w", name],
        ] {
            scene.assert_damaged(scene.sandbox.keyward(words), name, column);
        }
        let expected: &[&str] = match column {
            "name" => &["zenith", "acme"],
            _ => &["acme"],
        };
        assert_eq!(scene.flawed("workspace"), expected, "{column}");
        let verdict = scene.sandbox.verdict(&scene.stranger, &[], 0, "valid");
        assert_eq!(verdict["recorded"], true, "{column}");
    }
}

#[test]
fn a_stream_says_of_a_damaged_key_that_it_is_and_goes_on() {
    let scene = Scene::new();
    scene.change(&format!("UPDATE key SET expires_at = NULL WHERE id = '{}'", scene.id));
    let lines = [&scene.neighbour, &scene.secret, "nonsense", &scene.secret, &scene.stranger];
    let answers = answers(&scene.sandbox, &[], lines.join("\n"));
    assert_eq!(each(&answers, "code"), ["valid", "damaged", "malformed", "damaged", "valid"]);
    assert_eq!(each(&answers, "status"), ["200", "500", "401", "500", "200"]);
    assert_eq!(each(&answers, "valid"), ["true", "false", "false", "false", "true"]);
    assert!(text(&answers[1], "message").contains(&scene.id), "{answers:#?}");
    assert_eq!(answers[1]["subject"], Value::Null);
}

#[test]
fn revoking_a_damaged_key_makes_the_store_whole_again() {
    let scene = Scene::new();
    for change in [
        "expires_at = NULL",
        "scopes = '[\"admin\"]'",
        "created_at = created_at + 1",
        "state = 'pending'",
    ] {
        scene.change(&format!("UPDATE key SET {change} WHERE id = '{}'", scene.id));
        let answer = scene.sandbox.keyward(["revoke", &scene.id, "--yes"]).answer();
        assert_eq!(answer["keys"][0]["changed"], true, "{change}");
        scene.sandbox.verdict(&scene.secret, &ADDRESS, 11, "revoked");
        scene.sandbox.keyward(["store", "check"]).ok();
        scene.sandbox.keyward(["list", "--all"]).ok();
        scene.sandbox.keyward(["audit", "verify"]).ok();
    }
    // One that was revoked and is so no more is revoked once more.
    scene.sandbox.keyward(["revoke", &scene.id, "--yes"]).ok();
    scene.sandbox.tamper(&format!(
        "UPDATE key SET state = 'active', revoked_at = NULL, revoked_reason = NULL WHERE id = '{}'",
        scene.id
    ));
    scene.assert_damaged(scene.verify(&scene.secret), &scene.id, "revived");
    scene.sandbox.keyward(["revoke", &scene.id, "--yes"]).ok();
    scene.sandbox.verdict(&scene.secret, &[], 11, "revoked");
    scene.sandbox.keyward(["store", "check"]).ok();
}

#[test]
fn a_damaged_key_can_neither_act_nor_be_changed() {
    let scene = Scene::new();
    scene.change(&format!(
        "UPDATE key SET scopes = '[\"admin\"]', allow = '[]', expires_at = expires_at + {DAY} WHERE id = '{}'",
        scene.id
    ));
    for words in [&["whoami"][..], &["list"], &["mint", "new"], &["revoke", &scene.id, "--yes"]] {
        let run = scene.sandbox.keyward(["--as", "-"]).args(words);
        scene.assert_damaged(run.stdin(&scene.secret), &scene.id, &words.join(" "));
    }
    for words in [
        &["rename", &scene.id, "new"][..],
        &["set", &scene.id, "--owner", "me"],
        &["disable", &scene.id],
        &["enable", &scene.id],
        &["rotate", &scene.id],
        &["prune", "--dead-for", "0s", "--yes"],
        &["store", "export"],
        &["check", "--never-used"],
    ] {
        let run = scene.sandbox.keyward(words);
        scene.assert_damaged(run, &scene.id, &words.join(" "));
    }
    let activate = scene.sandbox.keyward(["activate"]).stdin(&scene.secret);
    scene.assert_damaged(activate, &scene.id, "activate");
}

#[test]
fn a_time_that_nobody_can_write_is_damage_and_is_never_shown() {
    let scene = Scene::new();
    for time in ["253402300800000", "9223372036854775807", "-62167219200001"] {
        for column in ["created_at", "expires_at"] {
            scene.put_back();
            // As if keyward had written it.
            scene
                .sandbox
                .rewrite(&format!("UPDATE key SET {column} = {time} WHERE id = '{}'", scene.id));
            scene.sandbox.keyward(["store", "info"]).ok();
            let what = format!("{column} {time}");
            let listed = scene.sandbox.keyward(["list", "--all"]);
            scene.assert_damaged(listed, &scene.id, &what);
            assert_eq!(scene.flawed("key"), [scene.id.as_str()], "{what}");
            let revoke = scene.sandbox.keyward(["revoke", &scene.id, "--yes"]);
            let revoked = revoke.answer();
            let shown = text(&revoked["keys"][0], "createdAt");
            assert_eq!(shown.len(), "2026-01-01T00:00:00.000Z".len(), "{what}: {shown}");
        }
    }
    let line = |time: &str| {
        let hash = "a".repeat(64);
        format!("{{\"name\":\"x\",\"hash\":\"{hash}\",\"createdAt\":\"{time}\"}}")
    };
    for time in ["-000001-01-01T00:00:00Z", "10000-01-01T00:00:00Z"] {
        scene.sandbox.file("lines", &line(time));
        let import = scene.sandbox.keyward(["store", "import", "lines"]);
        import.refused(2, "usage");
    }
}

#[test]
fn a_key_is_not_taken_for_the_one_whose_row_was_deleted_before_it() {
    let (sandbox, secret) = Sandbox::with_key("gone");
    sandbox.verdict(&secret, &[], 0, "valid");
    for _ in 0..3 {
        for verb in ["disable", "enable"] {
            sandbox.keyward([verb, "gone"]).ok();
        }
    }
    sandbox.tamper("PRAGMA foreign_keys = OFF; DELETE FROM key");
    let next = sandbox.mint("next");
    assert_eq!(sandbox.show("next")["lastUsedAt"], Value::Null);
    let usage = sandbox.keyward(["usage"]).answer();
    assert_eq!(usage["usage"], serde_json::json!([]), "{usage:#}");
    sandbox.verdict(&next, &[], 0, "valid");
    sandbox.keyward(["set", "next", "--owner", "platform"]).ok();
    sandbox.verdict(&next, &[], 0, "valid");
}
