//! Records that pretend to be what keyward wrote: earlier states, planted rows, exchanged hashes, digests, older schemas.

use std::fs;

use keyward::domain::secret::Secret;

use crate::integrity::{ADDRESS, STRANGE_ID, Scene};
use crate::migrations::steps;
use crate::support::token;

#[test]
fn a_record_put_back_to_an_earlier_state_is_damage() {
    let scene = Scene::new();
    let copy = scene.sandbox.home().join("copy.db");
    fs::write(&copy, &scene.whole).expect("the store can be copied");
    let put_back = format!(
        "ATTACH '{}' AS copy; INSERT OR REPLACE INTO key SELECT * FROM copy.key WHERE id = '{}'; DETACH copy",
        copy.display(),
        scene.id
    );
    for words in [
        &["revoke", &scene.id, "--yes"][..],
        &["set", &scene.id, "--expires", "1d"],
        &["disable", &scene.id],
        &["set", &scene.id, "--clear-scopes"],
        &["set", &scene.id, "--allow", "198.51.100.1/32"],
    ] {
        scene.put_back();
        scene.sandbox.keyward(words).ok();
        scene.sandbox.tamper(&put_back);
        let what = words.join(" ");
        let verify = scene.verify(&scene.secret).args(ADDRESS);
        scene.assert_damaged(verify, &scene.id, &what);
        scene.assert_damaged(scene.sandbox.keyward(["list"]), &scene.id, &what);
        assert_eq!(scene.flawed("key"), [scene.id.as_str()], "{what}");
    }
}

/// A row like that of a key, but for the id, the name and the hash of this secret.
fn planted(like: &str, secret: &str) -> String {
    let hash = Secret::new(secret.to_owned()).hash();
    format!(
        "INSERT INTO key (id, workspace_id, name, environment, scopes, prefix, short, hint, algorithm, hash, state,
             created_at, created_by, allow, owner, labels, revision, seal, plan, form)
         SELECT '{STRANGE_ID}', workspace_id, 'planted', environment, scopes, prefix, short, hint, algorithm, x'{}',
             'active', created_at, created_by, '[]', owner, labels, revision, seal, plan, form FROM key
         WHERE id = '{like}'",
        hash.to_hex()
    )
}

#[test]
fn a_planted_row_is_damage() {
    let scene = Scene::new();
    let secret = token::well_formed();
    scene.change(&planted(&scene.id, &secret));
    scene.assert_damaged(scene.verify(&secret), STRANGE_ID, "planted");
    scene.assert_damaged(scene.sandbox.keyward(["list"]), STRANGE_ID, "planted");
    assert_eq!(scene.flawed("key"), [STRANGE_ID]);
    scene.sandbox.verdict(&scene.secret, &ADDRESS, 0, "valid");
}

#[test]
fn a_deleted_row_is_listed_and_verifies_nowhere() {
    let scene = Scene::new();
    scene.change(&format!("DELETE FROM key WHERE id = '{}'", scene.id));
    assert_eq!(scene.flawed("key"), [scene.id.as_str()]);
    scene.sandbox.verdict(&scene.secret, &[], 10, "not_found");
    scene.change(
        "DELETE FROM key WHERE workspace_id = 2; DELETE FROM workspace WHERE name = 'other'",
    );
    assert_eq!(scene.flawed("workspace"), ["other"]);
    scene.sandbox.verdict(&scene.stranger, &[], 10, "not_found");
}

#[test]
fn neither_secret_of_a_record_with_anothers_hash_is_believed() {
    let scene = Scene::new();
    let planted = token::well_formed();
    let hash = Secret::new(planted.clone()).hash();
    scene.change(&format!("UPDATE key SET hash = x'{}' WHERE id = '{}'", hash.to_hex(), scene.id));
    for secret in [&planted, &scene.secret] {
        scene.assert_damaged(scene.verify(secret), &scene.id, "a planted hash");
    }
    // Two keys that each have the other's.
    let neighbour = scene.sandbox.keyward(["--json", "verify"]);
    neighbour.stdin(&scene.neighbour).ok();
    scene.change(&format!(
        "CREATE TEMP TABLE two AS SELECT id, hash FROM key WHERE id = '{0}' OR name = 'neighbour';
         UPDATE key SET hash = randomblob(32) WHERE id IN (SELECT id FROM two);
         UPDATE key SET hash = (SELECT hash FROM two WHERE two.id <> key.id) WHERE id IN (SELECT id FROM two)",
        scene.id
    ));
    for secret in [&scene.neighbour, &scene.secret] {
        scene.assert_damaged(scene.verify(secret), "key_", "exchanged hashes");
    }
    assert_eq!(scene.flawed("key").len(), 2);
}

#[test]
fn a_digest_that_was_changed_along_with_the_record_is_not_believed() {
    let scene = Scene::new();
    let before = scene.sandbox.home().join("before.db");
    fs::write(&before, &scene.whole).expect("the store can be copied");
    scene.sandbox.keyward(["revoke", &scene.id, "--yes"]).ok();
    // The record and the last event's digest as they were, all but the chain's hash.
    let newest = format!("SELECT max(seq) FROM audit WHERE subject = '{}'", scene.id);
    scene.sandbox.tamper(&format!(
        "ATTACH '{}' AS before;
         INSERT OR REPLACE INTO key SELECT * FROM before.key WHERE id = '{}';
         UPDATE audit SET details = substr(details, 1, length(details) - 66) || (SELECT substr(details, -66)
             FROM before.audit WHERE seq = ({})) WHERE seq = ({newest});
         DETACH before",
        before.display(),
        scene.id,
        newest.replace("FROM audit", "FROM before.audit"),
    ));
    let verify = scene.verify(&scene.secret).args(ADDRESS);
    scene.assert_damaged(verify, &scene.id, "digest");
    assert_eq!(scene.flawed("key"), [scene.id.as_str()]);
    scene.sandbox.keyward(["audit", "verify"]).exit(9);
}

/// What makes a store look as if it had never had digests: the third schema, without what later migrations add.
pub fn older() -> String {
    let later: String = steps("sqlite").into_iter().skip(3).collect();
    let undone = later.lines().rev().filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["CREATE", "TABLE" | "INDEX", name, ..] => Some(format!("DROP {} {name};", words[1])),
            ["ALTER", "TABLE", table, "ADD", "COLUMN", column, ..] => {
                Some(format!("ALTER TABLE {table} DROP COLUMN {column};"))
            }
            _ => None,
        }
    });
    undone.chain(["PRAGMA user_version = 3".to_owned()]).collect()
}

/// Asserts that a change is not accepted in a store that claims to be an older keyward's.
#[track_caller]
fn assert_unbelieved_when_older(scene: &Scene, sql: &str, secret: &str, subject: &str) {
    scene.change(&format!("{sql}; {}", older()));
    // Whoever opens it first brings it up to date.
    let output = scene.verify(secret).args(ADDRESS).run();
    assert_eq!(output.status, 9, "{sql}\n{}", output.transcript());
    let flawed = [scene.flawed("key"), scene.flawed("workspace")].concat();
    assert!(flawed.iter().any(|found| found == subject), "{flawed:?}");
}

#[test]
fn a_change_is_not_believed_because_the_store_says_it_is_an_older_keywards() {
    let scene = Scene::new();
    let id = scene.id.clone();
    for change in ["expires_at = NULL", "scopes = '[\"admin\"]'", "allow = '[]'"] {
        let sql = format!("UPDATE key SET {change} WHERE id = '{id}'");
        assert_unbelieved_when_older(&scene, &sql, &scene.secret, &id);
    }
    let sql = "UPDATE workspace SET plan = 'pro' WHERE name = 'acme'";
    assert_unbelieved_when_older(&scene, sql, &scene.secret, "acme");
    // Nor does a number that is lower still bring what is dead back.
    let _ = scene.sandbox.keyward(["store", "info"]).run();
    for version in [0, 1, 2] {
        let revived = format!("UPDATE key SET expires_at = NULL WHERE id = '{id}'");
        scene.change(&format!("{revived}; PRAGMA user_version = {version}"));
        let output = scene.verify(&scene.secret).args(ADDRESS).run();
        assert_ne!(output.status, 0, "{version}: {}", output.transcript());
    }
}

#[test]
fn a_record_with_a_new_name_for_itself_is_not_believed_in_a_store_that_says_it_is_older() {
    let scene = Scene::new();
    let sql =
        format!("UPDATE key SET id = '{STRANGE_ID}', expires_at = NULL WHERE id = '{}'", scene.id);
    assert_unbelieved_when_older(&scene, &sql, &scene.secret, STRANGE_ID);
    let secret = token::well_formed();
    let sql = planted(&scene.id, &secret);
    assert_unbelieved_when_older(&scene, &sql, &secret, STRANGE_ID);
    let sql = "UPDATE workspace SET name = 'zenith', plan = 'pro' WHERE name = 'acme'";
    assert_unbelieved_when_older(&scene, sql, &scene.secret, "zenith");
}
