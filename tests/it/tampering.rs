//! What `verify`, `list`, `store check` and `audit verify` say after each kind of edit outside keyward. The table is
//! the one in `docs/design.md`.

use std::fs;
use std::time::Duration;

use keyward::domain::audit::{ChainHash, Event};
use keyward::domain::record::RecordDigest;
use keyward::domain::secret::Secret;
use keyward::store::Store;
use rusqlite::Connection;

use crate::integrity::{ADDRESS, Scene};
use crate::support::{Sandbox, token};

/// An edit, the SQL that makes it, and whether each of the four finds it. `{id}` is the key that is verified, `{old}` a copy of the
/// store from before its owner was set and it was revoked.
struct Edit {
    what: &'static str,
    before: &'static [&'static str],
    sql: &'static str,
    then: fn(&Scene),
    found: [bool; 4],
}

const EVERYWHERE: [bool; 4] = [true, true, true, false];
const BY_THE_TRAIL: [bool; 4] = [false, false, true, false];

const PUT_BACK: &str =
    "ATTACH '{old}' AS old; PRAGMA foreign_keys = OFF; DELETE FROM key WHERE id = '{id}';
    INSERT INTO key SELECT * FROM old.key WHERE id = '{id}'; DETACH old";

const EDITS: [Edit; 19] = [
    edit("a scope was added", "UPDATE key SET scopes = '[\"read\",\"admin\"]' WHERE id = '{id}'"),
    edit("the expiry was taken away", "UPDATE key SET expires_at = NULL WHERE id = '{id}'"),
    edit("the allow-list was emptied", "UPDATE key SET allow = '[]' WHERE id = '{id}'"),
    edit("the owner was changed", "UPDATE key SET owner = 'me' WHERE id = '{id}'"),
    Edit {
        before: &["disable"],
        ..edit("a disabled key was made active", "UPDATE key SET state = 'active' WHERE id = '{id}'")
    },
    edit("the hash was exchanged for that of another secret", "UPDATE key SET hash = x'{hash}' WHERE id = '{id}'"),
    edit(
        "the seal was copied from another row",
        "UPDATE key SET seal = (SELECT seal FROM key WHERE name = 'neighbour') WHERE id = '{id}'",
    ),
    edit("the seal was removed", "UPDATE key SET seal = NULL WHERE id = '{id}'"),
    edit(
        "the row was copied under another id",
        "CREATE TEMP TABLE copied AS SELECT * FROM key WHERE id = '{id}';
         UPDATE copied SET seq = NULL, id = 'key_zzzzzzzzzzzzzzzz', hash = x'{hash}', name = 'copy';
         INSERT INTO key SELECT * FROM copied",
    ),
    Edit { before: &["set --owner me"], ..edit("the row was put back as it was before a change", PUT_BACK) },
    Edit {
        found: [true; 4], before: &["revoke"], ..edit("the row was put back as it was before it was revoked", PUT_BACK) },
    Edit {
        before: &["revoke"],
        ..edit("the hash of a revoked key was removed from those of ended keys", "DELETE FROM ended")
    },
    edit("the workspace's policy was changed", "UPDATE workspace SET plan = NULL WHERE name = 'acme'"),
    Edit {
        found: [false, false, true, true],
        ..edit(
            "an event was removed",
            "DELETE FROM audit WHERE seq = (SELECT min(seq) FROM audit WHERE subject = '{id}')",
        )
    },
    Edit {
        found: BY_THE_TRAIL,
        ..edit(
            "the newest event was removed",
            "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit WHERE subject = '{id}')",
        )
    },
    Edit {
        found: BY_THE_TRAIL,
        then: seal,
        ..edit("the row was changed and sealed again", "UPDATE key SET expires_at = NULL WHERE id = '{id}'")
    },
    Edit {
        before: &["set --owner me"],
        found: BY_THE_TRAIL,
        ..edit(
            "the row and its revision were put back as they were before a change",
            "ATTACH '{old}' AS old; PRAGMA foreign_keys = OFF; DELETE FROM key WHERE id = '{id}';
             INSERT INTO key SELECT * FROM old.key WHERE id = '{id}'; DELETE FROM revision;
             INSERT INTO revision SELECT * FROM old.revision; DETACH old",
        )
    },
    Edit {
        before: &["revoke"],
        found: [false, false, true, true],
        ..edit(
            "the row, its revision and the hashes of ended keys were put back as they were before it was revoked",
            "ATTACH '{old}' AS old; PRAGMA foreign_keys = OFF; DELETE FROM key WHERE id = '{id}';
             INSERT INTO key SELECT * FROM old.key WHERE id = '{id}'; DELETE FROM revision; DELETE FROM ended;
             INSERT INTO revision SELECT * FROM old.revision; INSERT INTO ended SELECT * FROM old.ended; DETACH old",
        )
    },
    Edit {
        found: [false, false, false, false],
        then: forge,
        ..edit("the row, its seal, its newest event and the chain from there on were rewritten", "UPDATE key SET expires_at = NULL WHERE id = '{id}'")
    },
];

const fn edit(what: &'static str, sql: &'static str) -> Edit {
    Edit { what, before: &[], sql, then: |_| (), found: EVERYWHERE }
}

/// The digest of the record as its row has it now.
fn digest(scene: &Scene) -> RecordDigest {
    let path = scene.sandbox.store_path();
    let mut store =
        Store::open(&path, Duration::from_secs(5)).expect("it opens").expect("it is there");
    let key = store.read(|reader| {
        reader.trust_rows();
        reader.key_by_id(&scene.id)
    });
    RecordDigest::of_key(&key.expect("it can be read").expect("it is there"))
}

fn seal(scene: &Scene) {
    scene.sandbox.tamper(&format!(
        "UPDATE key SET seal = x'{}' WHERE id = '{}'",
        digest(scene),
        scene.id
    ));
}

/// Seals the row, gives its newest event that digest, and links every row of the trail again.
fn forge(scene: &Scene) {
    seal(scene);
    let digest = digest(scene).to_string();
    let newest = format!("(SELECT max(seq) FROM audit WHERE subject = '{}')", scene.id);
    scene.sandbox.tamper(&format!(
        "UPDATE audit SET details = substr(details, 1, length(details) - 66) || '{digest}\"}}' WHERE seq = {newest}"
    ));
    let connection = scene.sandbox.sqlite();
    let mut previous = ChainHash::GENESIS;
    for mut event in events(&connection) {
        event.previous = previous;
        previous = event.link();
        let values = (event.seq, event.previous.as_bytes(), previous.as_bytes());
        connection
            .execute("UPDATE audit SET previous = ?2, hash = ?3 WHERE seq = ?1", values)
            .expect("the trail can be written");
    }
    connection.close().expect("the store can be closed");
}

fn events(connection: &Connection) -> Vec<Event> {
    let mut rows = connection
        .prepare("SELECT seq, time, actor, action, subject, details FROM audit ORDER BY seq")
        .expect("the trail can be read");
    let events = rows.query_map([], |row| {
        Ok(Event {
            seq: row.get(0)?,
            time: keyward::Timestamp::from_millis(row.get(1)?),
            actor: row.get(2)?,
            action: row.get(3)?,
            subject: row.get(4)?,
            details: row.get(5)?,
            previous: ChainHash::GENESIS,
            hash: ChainHash::GENESIS,
        })
    });
    events.and_then(Iterator::collect).expect("rows are events")
}

#[test]
fn each_edit_is_found_where_the_design_says() {
    let scene = Scene::new();
    let old = scene.sandbox.home().join("old.db");
    fs::write(&old, &scene.whole).expect("the store can be copied");
    let planted = token::well_formed();
    let mut rows = Vec::new();
    for edit in &EDITS {
        scene.put_back();
        let kept = scene.sandbox.head();
        for words in edit.before {
            let (command, flags) = words.split_once(' ').unwrap_or((words, "--yes"));
            let flags = flags.split(' ').filter(|flag| command == "revoke" || *flag != "--yes");
            scene.sandbox.keyward([command, &scene.id]).args(flags).ok();
        }
        let sql = edit.sql.replace("{id}", &scene.id).replace("{old}", &old.display().to_string());
        let hash = Secret::new(planted.clone()).hash().to_hex().to_string();
        scene.sandbox.tamper(&format!(
            "PRAGMA ignore_check_constraints = ON; {}",
            sql.replace("{hash}", &hash)
        ));
        (edit.then)(&scene);
        let secret = if edit.sql.contains("copied") { &planted } else { &scene.secret };
        let runs = [
            scene.verify(secret).args(ADDRESS),
            scene.sandbox.keyward(["list", "--all"]),
            scene.sandbox.keyward(["store", "check"]),
            scene.sandbox.keyward(["audit", "verify"]),
        ];
        let found = runs.map(|run| run.run().status == 9);
        assert_eq!(found, edit.found, "{}", edit.what);
        let is_last = edit.found == [false; 4];
        if is_last {
            scene.sandbox.keyward(["audit", "verify", "--against", &kept]).exit(9);
        }
        let cells = edit.found.map(|found| if found { "damaged" } else { "" });
        rows.push(format!("| {} | {} |", edit.what, cells.join(" | ")));
    }
    let design = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/design.md"))
        .expect("there is a design");
    for row in rows {
        assert!(design.contains(&row), "docs/design.md lacks\n{row}");
    }
}

/// A store in which a key's row and its revision were put back as they were before its scopes were taken away.
fn put_back(scene: &Scene) {
    let old = scene.sandbox.home().join("old.db");
    fs::write(&old, &scene.whole).expect("the store can be copied");
    scene.put_back();
    let words = ["set", &scene.id, "--clear-scopes"];
    scene.sandbox.keyward(words).ok();
    scene.sandbox.tamper(&format!(
        "ATTACH '{}' AS old; PRAGMA foreign_keys = OFF; DELETE FROM key WHERE id = '{1}';
         INSERT INTO key SELECT * FROM old.key WHERE id = '{1}'; DELETE FROM revision;
         INSERT INTO revision SELECT * FROM old.revision; DETACH old",
        old.display(),
        scene.id
    ));
}

#[test]
fn no_change_makes_a_record_that_was_put_back_the_trails_own() {
    let scene = Scene::new();
    for words in [
        &["set", &scene.id, "--owner", "me"][..],
        &["rename", &scene.id, "other"],
        &["disable", &scene.id],
        &["rotate", &scene.id],
        &["rotate", &scene.id, "--now"],
        &["rotate", &scene.id, "--hold"],
    ] {
        put_back(&scene);
        scene.assert_damaged(scene.sandbox.keyward(words), &scene.id, &words.join(" "));
        assert_eq!(scene.flawed("key"), [scene.id.as_str()], "{words:?}");
    }
    // Only what makes it worthless takes it.
    scene.sandbox.keyward(["revoke", &scene.id, "--yes"]).ok();
    scene.sandbox.keyward(["store", "check"]).ok();
}

#[test]
fn a_change_of_a_held_key_cannot_be_taken_back_by_its_row_alone() {
    let sandbox = Sandbox::new();
    sandbox.mint("other");
    let secret = sandbox.mint_with("held", &["--hold", "--allow", "203.0.113.0/24"]);
    let id = sandbox.id_of("held");
    let old = sandbox.home().join("old.db");
    fs::write(&old, sandbox.settled_bytes()).expect("the store can be copied");
    let narrow = ["set", &id, "--allow", "203.0.113.9/32"];
    sandbox.keyward(narrow).ok();
    sandbox.tamper(&format!(
        "ATTACH '{}' AS old; PRAGMA foreign_keys = OFF; DELETE FROM key WHERE id = '{id}';
         INSERT INTO key SELECT * FROM old.key WHERE id = '{id}'; DETACH old",
        old.display()
    ));
    let activate = sandbox.keyward(["activate"]).stdin(&secret);
    activate.refused(9, "damaged");
}

#[test]
fn a_record_of_before_two_restorations_is_not_the_last_revision() {
    let sandbox = Sandbox::new();
    sandbox.mint("other");
    sandbox.keyward(["store", "backup", "without.db"]).ok();
    let secret = sandbox.mint("key");
    let id = sandbox.id_of("key");
    sandbox.keyward(["store", "backup", "with.db"]).ok();
    sandbox.keyward(["set", &id, "--owner", "first"]).ok();
    let old = sandbox.home().join("old.db");
    fs::write(&old, sandbox.settled_bytes()).expect("the store can be copied");
    for backup in ["without.db", "with.db"] {
        let restore = ["store", "restore", backup, "--yes"];
        sandbox.keyward(restore).ok();
    }
    sandbox.verdict(&secret, &[], 0, "valid");
    sandbox.keyward(["set", &id, "--owner", "second"]).ok();
    sandbox.tamper(&format!(
        "ATTACH '{}' AS old; PRAGMA foreign_keys = OFF;
         UPDATE key SET (owner, revision, seal) = (SELECT owner, revision, seal FROM old.key WHERE id = '{id}')
             WHERE id = '{id}'; DETACH old",
        old.display()
    ));
    sandbox.keyward(["verify"]).stdin(&secret).refused(9, "damaged");
}
