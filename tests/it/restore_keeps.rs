//! What `keyward store restore` leaves as it is, because it is stricter than in the backup: each kind of it, in a whole and in a damaged
//! store, and the rotations that began or were cancelled since.

use serde_json::{Value, json};

use crate::backup::backup;
use crate::import_differs::records;
use crate::restore::restore;
use crate::support::{Sandbox, text};

/// A place inside and a place outside what a narrowed allow-list admits.
const INSIDE: &str = "10.1.0.1";
const OUTSIDE: &str = "10.2.0.1";

/// A workspace whose keys have the scopes `read` and `write`.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let policy = "environments = [\"live\", \"test\"]\n[scopes.read]\nmanage = []\n[scopes.write]\nmanage = []\n";
    sandbox.file("policy.toml", policy);
    sandbox.workspace("acme", &["--policy", "policy.toml"]);
    sandbox
}

/// What was kept, as `name what`, of a restoration after which no problems with the store.
#[track_caller]
fn kept(sandbox: &Sandbox, file: &str) -> Vec<String> {
    let answer = restore(sandbox, file).answer();
    let kept = answer["kept"].as_array().expect("a list").iter();
    let kept = kept.map(|kept| format!("{} {}", text(kept, "name"), text(kept, "what")));
    sandbox.assert_sound();
    kept.collect()
}

/// The key's fields that these tests are about.
fn record(sandbox: &Sandbox, key: &str) -> Value {
    let key = sandbox.show(key);
    let fields = ["status", "allow", "scopes", "expiresAt", "replacedBy"];
    fields.iter().map(|field| key[field].clone()).collect()
}

/// The key's line in an export.
fn line_of(sandbox: &Sandbox, id: &str) -> Value {
    let lines = records(sandbox);
    let found = lines.into_iter().find(|line| line["id"] == id);
    found.expect("it is exported")
}

/// Makes the store one of which only the rows and the trail's readable part can be taken.
fn damage(sandbox: &Sandbox) {
    sandbox.tamper("UPDATE audit SET time = time + 1 WHERE seq = 1");
}

#[test]
fn whatever_was_made_stricter_since_the_backup_stays_so_and_is_said() {
    for is_damaged in [false, true] {
        let sandbox = sandbox();
        let wide = ["--scope", "read", "--scope", "write"];
        let names = ["revoked", "disabled", "allow", "scopes", "expiry", "superseded"];
        let secrets = names.map(|name| sandbox.mint_with(name, &wide));
        let ids = names.map(|name| sandbox.id_of(name));
        backup(&sandbox, "b.db").ok();
        for words in [
            &["revoke", "revoked", "--yes"][..],
            &["disable", "disabled"],
            &["set", "allow", "--allow", "10.1.0.0/16"],
            &["set", "scopes", "--scope", "read"],
            &["set", "expiry", "--expires", "1h"],
            &["rotate", "superseded"],
        ] {
            sandbox.keyward(words).ok();
        }
        let before = ids.each_ref().map(|id| record(&sandbox, id));
        if is_damaged {
            damage(&sandbox);
        }
        let answer = restore(&sandbox, "b.db").answer();
        let expected = if is_damaged { "salvaged" } else { "whole" };
        assert_eq!(answer["compared"], expected);
        let expected = names.iter().zip(&ids);
        let expected = expected.map(|(name, id)| json!({ "id": id, "name": name, "what": name }));
        assert_eq!(answer["kept"], expected.collect::<Value>());
        assert_eq!(ids.each_ref().map(|id| record(&sandbox, id)), before);
        sandbox.assert_sound();
        let ask = |nth: usize, flags: &[&str], exit: i32, code: &str| {
            let flags = [&["--no-record"], flags].concat();
            sandbox.verdict(&secrets[nth], &flags, exit, code);
        };
        ask(0, &[], 11, "revoked");
        ask(1, &[], 13, "disabled");
        ask(2, &["--ip", INSIDE], 0, "valid");
        ask(2, &["--ip", OUTSIDE], 14, "ip_denied");
        ask(3, &["--require", "write"], 14, "insufficient_scope");
        ask(4, &[], 0, "valid");
        ask(5, &[], 0, "valid");
        // Once more is the same, and of a whole store now.
        assert_eq!(kept(&sandbox, "b.db"), names.map(|name| format!("{name} {name}")));
        let run = restore(&sandbox, "b.db").ok();
        let said = [
            "stays revoked (active in the backup)",
            "stays disabled (active in the backup)",
            "keeps its allow-list 10.1.0.0/16 (in the backup: anywhere)",
            "keeps its scopes read (in the backup: read, write)",
            "keeps its shorter expiry 2",
            "stays superseded by key_",
        ];
        for ((name, id), said) in names.iter().zip(&ids).zip(said) {
            let said = format!("{name} ({id}) {said}");
            assert!(run.stderr.contains(&said), "{said}: {}", run.transcript());
        }
        assert_eq!(ids.each_ref().map(|id| record(&sandbox, id)), before);
    }
}

#[test]
fn what_was_made_wider_since_comes_from_the_backup_and_nothing_is_said_of_it() {
    let sandbox = sandbox();
    let narrow = ["--scope", "read", "--allow", "10.1.0.0/16", "--expires", "1h"];
    sandbox.mint_with("ci", &narrow);
    sandbox.keyward(["disable", "ci"]).ok();
    let before = record(&sandbox, "ci");
    backup(&sandbox, "b.db").ok();
    sandbox.keyward(["enable", "ci"]).ok();
    let wide = ["set", "ci", "--scope", "read", "--scope", "write"];
    let other = ["--allow", "10.0.0.0/8", "--expires", "90d"];
    sandbox.keyward([&wide[..], &other].concat()).ok();
    assert!(kept(&sandbox, "b.db").is_empty());
    assert_eq!(record(&sandbox, "ci"), before);
    // The same addresses, cut otherwise, are no fewer.
    let same = ["set", "ci", "--allow", "10.1.0.0/17", "--allow", "10.1.128.0/17"];
    sandbox.keyward(same).ok();
    assert!(kept(&sandbox, "b.db").is_empty());
    // Others are.
    sandbox.keyward(["set", "ci", "--allow", "10.1.0.0/17", "--allow", "10.2.0.0/16"]).ok();
    assert_eq!(kept(&sandbox, "b.db"), ["ci allow"]);
    assert_eq!(record(&sandbox, "ci")[1], json!(["10.1.0.0/17", "10.2.0.0/16"]));
}

#[test]
fn one_key_may_keep_several_things_and_a_revoked_one_keeps_that_alone() {
    let sandbox = sandbox();
    for name in ["both", "dead"] {
        sandbox.mint_with(name, &["--scope", "read", "--scope", "write"]);
    }
    let both = sandbox.id_of("both");
    backup(&sandbox, "b.db").ok();
    for name in ["both", "dead"] {
        sandbox.keyward(["set", name, "--scope", "read", "--expires", "1h"]).ok();
        sandbox.keyward(["disable", name]).ok();
    }
    sandbox.keyward(["revoke", "dead", "--yes"]).ok();
    let before = record(&sandbox, &both);
    let expected = ["both disabled", "both scopes", "both expiry", "dead revoked"];
    for _ in 0..2 {
        assert_eq!(kept(&sandbox, "b.db"), expected);
        assert_eq!(record(&sandbox, &both), before);
    }
}

#[test]
fn an_old_key_whose_successor_is_gone_can_be_kept_with_the_life_it_had() {
    for (is_damaged, is_shortened) in [(false, false), (true, false), (false, true)] {
        let sandbox = sandbox();
        let secret = sandbox.mint_with("ci", &["--scope", "read", "--expires", "90d"]);
        let old = sandbox.show("ci");
        let id = text(&old, "id");
        backup(&sandbox, "b.db").ok();
        let new = sandbox.keyward(["rotate", "ci", "--grace", "1h"]).ok().line();
        let new_id = sandbox.id_of("ci");
        if is_damaged {
            damage(&sandbox);
        }
        for _ in 0..2 {
            assert_eq!(kept(&sandbox, "b.db"), ["ci superseded"]);
        }
        sandbox.verdict(&secret, &["--no-record"], 0, "valid");
        sandbox.verdict(&new, &["--no-record"], 10, "not_found");
        // Everybody names the way on, and it works.
        let cancel = format!("keyward rotate {id} --cancel");
        let said = restore(&sandbox, "b.db").ok();
        assert!(said.stderr.contains(&cancel), "{}", said.transcript());
        let refused = sandbox.keyward(["rotate", &id]).refused(4, "conflict");
        assert!(text(&refused, "hint").contains(&cancel), "{refused:#}");
        let longer = ["set", &id, "--expires", "90d"];
        let refused = sandbox.keyward(longer).refused(5, "invalid_expiry");
        assert!(text(&refused, "hint").contains(&cancel), "{refused:#}");
        let shown = sandbox.keyward(["show", &id]).ok();
        assert!(shown.stdout.contains(&cancel), "{}", shown.transcript());
        let check = ["check", "--expiring-within", "2h", "--json"];
        let findings = sandbox.keyward(check).exit(18).json();
        assert_eq!(findings["findings"][0]["remedy"], cancel.as_str());
        let shortened = ["set", &id, "--expires", "30m"];
        let expiry = match is_shortened {
            true => sandbox.keyward(shortened).answer()["expiresAt"].clone(),
            false => old["expiresAt"].clone(),
        };
        sandbox.keyward(["rotate", &id, "--cancel"]).ok();
        let after = sandbox.show("ci");
        assert_eq!((&after["id"], &after["replacedBy"]), (&old["id"], &Value::Null));
        assert_eq!(after["expiresAt"], expiry);
        sandbox.assert_sound();
        // The new key was cancelled with it, for good.
        let mut events = sandbox.events().into_iter();
        let last = events.rfind(|event| event["subject"] == new_id.as_str());
        assert_eq!(last.expect("it has events")["action"], "key.revoke");
        let expected: &[&str] = if is_shortened { &["ci expiry"] } else { &[] };
        assert_eq!(kept(&sandbox, "b.db"), expected);
    }
}

#[test]
fn the_life_that_a_cancelled_rotation_gives_back_is_no_longer_than_the_backups() {
    let sandbox = sandbox();
    sandbox.mint_with("ci", &["--expires", "30d", "--scope", "read"]);
    let old = sandbox.show("ci");
    let id = text(&old, "id");
    backup(&sandbox, "b.db").ok();
    sandbox.keyward(["set", "ci", "--expires", "90d"]).ok();
    sandbox.keyward(["rotate", "ci"]).ok();
    for _ in 0..2 {
        assert_eq!(kept(&sandbox, "b.db"), ["ci superseded"]);
    }
    sandbox.keyward(["rotate", &id, "--cancel"]).ok();
    assert_eq!(sandbox.show("ci")["expiresAt"], old["expiresAt"]);
}

#[test]
fn a_later_backup_brings_back_what_an_earlier_one_did_not_have() {
    for is_cancelled in [false, true] {
        let sandbox = sandbox();
        let old = sandbox.mint_with("ci", &["--scope", "read"]);
        let id = sandbox.id_of("ci");
        backup(&sandbox, "before.db").ok();
        let after = sandbox.mint_with("after", &["--scope", "read"]);
        let new = sandbox.keyward(["rotate", "ci"]).ok().line();
        let before = record(&sandbox, &id);
        backup(&sandbox, "after.db").ok();
        assert_eq!(kept(&sandbox, "before.db"), ["ci superseded"]);
        for secret in [&new, &after] {
            sandbox.verdict(secret, &["--no-record"], 10, "not_found");
        }
        if is_cancelled {
            sandbox.keyward(["rotate", &id, "--cancel"]).ok();
            assert_eq!(kept(&sandbox, "after.db"), ["ci revoked"]);
            sandbox.verdict(&new, &["--no-record"], 11, "revoked");
            assert_eq!(record(&sandbox, &id)[4], Value::Null);
        } else {
            assert!(kept(&sandbox, "after.db").is_empty());
            sandbox.verdict(&new, &["--no-record"], 0, "valid");
            assert_eq!(record(&sandbox, &id), before);
        }
        for secret in [&old, &after] {
            sandbox.verdict(secret, &["--no-record"], 0, "valid");
        }
    }
}

#[test]
fn a_rotation_that_was_cancelled_since_stays_cancelled() {
    let sandbox = sandbox();
    let old = sandbox.mint_with("ci", &["--scope", "read", "--expires", "90d"]);
    let before = sandbox.show("ci");
    let id = text(&before, "id");
    let new = sandbox.keyward(["rotate", "ci", "--grace", "1h"]).ok().line();
    backup(&sandbox, "b.db").ok();
    sandbox.keyward(["rotate", &id, "--cancel"]).ok();
    for _ in 0..2 {
        assert_eq!(kept(&sandbox, "b.db"), ["ci revoked"]);
        assert_eq!(sandbox.show("ci"), before);
        sandbox.verdict(&old, &["--no-record"], 0, "valid");
        sandbox.verdict(&new, &["--no-record"], 11, "revoked");
    }
    // It has the name that it has now, and what was made stricter after that.
    sandbox.keyward(["rename", &id, "build"]).ok();
    sandbox.keyward(["disable", &id]).ok();
    assert_eq!(kept(&sandbox, "b.db"), ["build disabled", "ci revoked"]);
    assert_eq!(sandbox.show("build")["expiresAt"], before["expiresAt"]);
    sandbox.keyward(["enable", "build"]).ok();
    sandbox.keyward(["rotate", "build", "--grace", "2h"]).ok();
    let again = record(&sandbox, &id);
    assert_eq!(kept(&sandbox, "b.db"), ["build superseded", "ci revoked"]);
    assert_eq!(record(&sandbox, &id), again);
    sandbox.keyward(["rotate", &id, "--cancel"]).ok();
    assert_eq!(sandbox.show("build")["expiresAt"], before["expiresAt"]);
}

#[test]
fn a_cancelled_rotation_is_not_taken_over_where_another_key_has_the_name() {
    let sandbox = sandbox();
    sandbox.mint_with("ci", &["--scope", "read"]);
    let id = sandbox.id_of("ci");
    sandbox.keyward(["rotate", "ci"]).ok();
    let other = sandbox.mint_with("other", &["--scope", "read"]);
    backup(&sandbox, "b.db").ok();
    sandbox.keyward(["rotate", &id, "--cancel"]).ok();
    sandbox.keyward(["rename", "other", "third"]).ok();
    sandbox.keyward(["rename", &id, "other"]).ok();
    for _ in 0..2 {
        kept(&sandbox, "b.db");
        sandbox.verdict(&other, &["--no-record"], 0, "valid");
        assert_ne!(sandbox.id_of("other"), id);
        assert_ne!(record(&sandbox, &id)[4], Value::Null);
    }
    sandbox.keyward(["rotate", &id, "--cancel"]).ok();
    assert_eq!(sandbox.id_of("ci"), id);
}

#[test]
fn a_rotation_that_was_finished_since_can_be_finished_again_or_cancelled() {
    for is_cancelled in [true, false] {
        let sandbox = sandbox();
        let old = sandbox.mint_with("ci", &["--scope", "read", "--expires", "90d"]);
        let before = sandbox.show("ci");
        let id = text(&before, "id");
        let new = sandbox.keyward(["rotate", "ci", "--hold"]).ok().line();
        backup(&sandbox, "b.db").ok();
        sandbox.keyward(["activate"]).stdin(&new).ok();
        let superseded = record(&sandbox, &id);
        assert_eq!(kept(&sandbox, "b.db"), ["ci superseded"]);
        assert_eq!(record(&sandbox, &id), superseded);
        sandbox.verdict(&old, &["--no-record"], 0, "valid");
        sandbox.verdict(&new, &["--no-record"], 13, "pending");
        if !is_cancelled {
            sandbox.keyward(["activate"]).stdin(&new).ok();
            sandbox.verdict(&new, &["--no-record"], 0, "valid");
        }
        // Neither has forgotten how long the old key was to live.
        sandbox.keyward(["rotate", &id, "--cancel"]).ok();
        assert_eq!(sandbox.show("ci")["expiresAt"], before["expiresAt"]);
        sandbox.assert_sound();
    }
}

#[test]
fn an_old_key_whose_successor_was_pruned_can_be_kept_too() {
    let sandbox = sandbox();
    sandbox.mint_with("ci", &["--scope", "read", "--expires", "90d"]);
    let before = sandbox.show("ci");
    let id = text(&before, "id");
    sandbox.keyward(["rotate", "ci"]).ok();
    let new = sandbox.id_of("ci");
    sandbox.keyward(["revoke", &new, "--yes"]).ok();
    sandbox.keyward(["prune", "--dead-for", "0s", "--yes"]).ok();
    sandbox.keyward(["rotate", &id, "--cancel"]).ok();
    assert_eq!(sandbox.show("ci"), before);
    sandbox.assert_sound();
}

#[test]
fn a_key_whose_rotation_was_cancelled_keeps_its_message_where_its_record_was_pruned() {
    let sandbox = sandbox();
    let _ = sandbox.mint_with("ci", &["--scope", "read"]);
    let old = sandbox.id_of("ci");
    sandbox.keyward(["rotate", "ci", "--hold"]).ok();
    let found = sandbox.keyward(["list", "--status", "pending"]).answer();
    let new = text(&found["keys"][0], "id");
    backup(&sandbox, "b.db").ok();
    sandbox.keyward(["rotate", &old, "--cancel"]).ok();
    let before = line_of(&sandbox, &new);
    assert_eq!(before["revokedMessage"], "rotation cancelled");
    sandbox.keyward(["prune", "--dead-for", "0s", "--yes"]).ok();
    assert_eq!(kept(&sandbox, "b.db"), ["ci revoked"]);
    assert_eq!(line_of(&sandbox, &new), before);
    sandbox.assert_sound();
}

#[test]
fn a_key_that_was_revoked_for_no_reason_is_restored_so() {
    let sandbox = sandbox();
    let _ = sandbox.mint_with("ci", &["--scope", "read"]);
    backup(&sandbox, "b.db").ok();
    let id = sandbox.id_of("ci");
    let mut line = line_of(&sandbox, &id);
    line["status"] = "revoked".into();
    line["revokedAt"] = "2026-01-01T00:00:00Z".into();
    let other = self::sandbox();
    let _ = other.file("line", &line.to_string());
    other.keyward(["store", "import", "line"]).ok();
    let was = line_of(&other, &id);
    assert_eq!(was["revokedReason"], Value::Null);
    let backup = sandbox.home().join("b.db");
    let restore = other.keyward(["store", "restore", "--yes"]).args([backup]);
    let _ = restore.ok();
    let is = line_of(&other, &id);
    assert_eq!((&is["status"], &is["revokedReason"]), (&was["status"], &Value::Null));
    let _ = other.file("line", &was.to_string());
    other.keyward(["store", "import", "line"]).ok();
    other.assert_sound();
}

#[test]
fn an_imported_key_whose_successor_is_unknown_is_kept_as_it_is() {
    let sandbox = sandbox();
    sandbox.mint_with("ci", &["--scope", "read", "--expires", "90d"]);
    let id = sandbox.id_of("ci");
    sandbox.keyward(["rotate", "ci"]).ok();
    let lines = sandbox.keyward(["store", "export"]).ok().stdout;
    let first = lines.lines().find(|line| line.contains(&format!("\"id\":\"{id}\"")));
    let other = self::sandbox();
    other.file("line", first.expect("it is exported"));
    other.keyward(["store", "import", "line"]).ok();
    let before = other.show(&id);
    let run = other.keyward(["rotate", &id, "--cancel"]).ok();
    assert!(
        run.stderr.contains("its expiry before the rotation is not known"),
        "{}",
        run.transcript()
    );
    let after = other.show("ci");
    assert_eq!((&after["expiresAt"], &after["replacedBy"]), (&before["expiresAt"], &Value::Null));
    other.assert_sound();
}
