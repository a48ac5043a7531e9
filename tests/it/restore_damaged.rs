//! `keyward store restore` where the current store is damaged or gone.

use std::fs;

use crate::backup_faults::spoil;
use crate::migrations::{OLD, plant};
use crate::restore::{Scene, restore};
use crate::support::files::mode;
use crate::support::stream::Stream;
use crate::support::{Sandbox, text};

#[test]
fn a_damaged_store_is_put_aside_and_its_revocations_are_kept() {
    let template = Scene::new();
    for damage in ["page", "index", "trail", "cut", "row"] {
        let scene = template.copy();
        let sandbox = &scene.sandbox;
        let store = sandbox.store_path();
        match damage {
            // The trail still tells what the table cannot, or the other way round.
            "page" => spoil(&store, "key"),
            "index" => spoil(&store, "key_name"),
            "trail" => scene.break_trail(),
            "cut" => spoil(&store, "audit"),
            _ => sandbox.tamper(
                "DELETE FROM audit WHERE action = 'key.rename';
                 UPDATE key SET state = 'active', revoked_at = NULL, revoked_reason = NULL",
            ),
        }
        let damaged = fs::read(&store).expect("own file");
        let output = restore(sandbox, "b.db").args(["--json"]).ok();
        let answer = output.json();
        assert_eq!(answer["compared"], "salvaged", "{damage}: {answer:#}");
        let aside = text(&answer, "putAside");
        assert!(output.stderr.contains(&aside), "{damage}: {}", output.transcript());
        assert!(fs::read(&aside).expect("it is kept") == damaged, "{damage}: it is not as it was");
        assert_eq!((mode(&aside), mode(&store)), (0o600, 0o600), "{damage}");
        let kept = answer["kept"].as_array().expect("a list");
        assert_eq!(kept.len(), 1, "{damage}: {answer:#}");
        let is_whole = !output.stderr.contains("not all of its records");
        assert_eq!(is_whole, !["page", "cut"].contains(&damage), "{}", output.transcript());
        scene.assert_restored();
    }
}

#[test]
fn a_row_of_a_damaged_store_that_was_revived_stays_dead_however_it_was_ended() {
    let scene = Scene::new();
    let sandbox = &scene.sandbox;
    let rotated = sandbox.mint("rotated");
    sandbox.keyward(["store", "backup", "b.db"]).ok();
    sandbox.keyward(["rotate", "rotated", "--now"]).ok();
    scene.break_trail();
    sandbox.tamper("UPDATE key SET state = 'active', revoked_at = NULL, revoked_reason = NULL");
    restore(sandbox, "b.db").ok();
    sandbox.verdict(&rotated, &["--no-record"], 11, "revoked");
}

#[test]
fn what_was_disabled_in_a_damaged_store_of_an_older_schema_stays_so() {
    for (schema, sql) in (1..).zip(OLD) {
        let sandbox = Sandbox::new();
        plant(&sandbox, sql);
        sandbox.keyward(["store", "backup", "b.db"]).ok();
        fs::remove_dir_all(sandbox.store_path().parent().expect("a folder")).expect("own files");
        plant(&sandbox, sql);
        sandbox.tamper("UPDATE key SET state = 'disabled' WHERE name = 'ci'");
        spoil(&sandbox.store_path(), "audit");
        let answer = restore(&sandbox, "b.db").args(["--json"]).ok().json();
        assert_eq!(answer["compared"], "salvaged", "{schema}: {answer:#}");
        assert_eq!(sandbox.show("ci")["status"], "disabled", "{schema}: {answer:#}");
    }
}

#[test]
fn what_expired_in_a_damaged_store_stays_expired() {
    let scene = Scene::new();
    let sandbox = &scene.sandbox;
    let expired = sandbox.mint("expired");
    sandbox.keyward(["store", "backup", "b.db"]).ok();
    sandbox.keyward(["set", "expired", "--expires", "1s"]).ok();
    sandbox.wait_for_verdict(&expired, 12);
    scene.break_trail();
    restore(sandbox, "b.db").ok();
    sandbox.verdict(&expired, &["--no-record"], 12, "expired");
}

#[test]
fn without_a_store_the_backup_is_all_there_is_and_that_is_said() {
    let scene = Scene::new();
    let sandbox = Sandbox::new();
    let backup = fs::read(scene.sandbox.home().join("b.db")).expect("it is there");
    fs::write(sandbox.file("b.db", ""), backup).expect("own file");
    let output = restore(&sandbox, "b.db").args(["--json"]).ok();
    assert_eq!(output.json()["compared"], "nothing");
    for said in ["warning: ", "no existing store was found", &scene.head] {
        assert!(output.stderr.contains(said), "{}", output.transcript());
    }
    sandbox.verdict(&scene.stays, &["--no-record"], 0, "valid");
    sandbox.verdict(&scene.revoked, &["--no-record"], 0, "valid");
    assert_eq!(mode(sandbox.store_path()), 0o600);
    sandbox.keyward(["audit", "verify", "--against", &scene.head]).ok();
    sandbox.keyward(["store", "check"]).ok();
    sandbox.assert_whole();
}

#[test]
fn a_running_stream_never_says_valid_of_what_a_damaged_store_is_followed_by() {
    let scene = Scene::new();
    let sandbox = &scene.sandbox;
    let after = sandbox.mint("after");
    scene.break_trail();
    let mut stream = Stream::start(sandbox, &[]);
    for secret in [&after, &scene.stays] {
        stream.expect(secret, "valid");
    }
    restore(sandbox, "b.db").ok();
    sandbox.keyward(["revoke", "stays", "--yes"]).ok();
    // It may answer from the new store or say that it cannot, but nothing else.
    for secret in [&after, &scene.stays] {
        stream.send(format!("{secret}\n"));
    }
    let ended = stream.end();
    for answer in &ended.rest {
        assert_eq!(answer["valid"], false, "{answer:#}");
    }
}
