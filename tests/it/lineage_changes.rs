//! A name stands for every key of that name and environment that can still verify, when it is changed; an id or a prefix
//! stands for one record, and the command names the others.

use serde_json::json;

use crate::lineage::{codes, rotated_twice};
use crate::support::stream::{answers, each};
use crate::support::time::{HOUR, assert_about, now};
use crate::support::{Sandbox, moment, text};

#[test]
fn an_idle_key_is_spared_with_a_lineage_in_use() {
    let sandbox = Sandbox::new();
    let (secrets, _) = rotated_twice(&sandbox, "ci");
    sandbox.verdict(&secrets[0], &[], 0, "valid");
    for verb in [&["revoke", "ci", "--yes"][..], &["disable", "ci"]] {
        let run = sandbox.keyward(verb).args(["--if-unused-for", "1h"]);
        run.refused(5, "in_use");
    }
    assert_eq!(codes(&sandbox, &secrets), ["valid"; 3]);
}

#[test]
fn a_name_is_paused_and_resumed_with_its_lineage() {
    let sandbox = Sandbox::new();
    let (secrets, [first, second, third]) = rotated_twice(&sandbox, "ci");
    sandbox.keyward(["disable", &second]).ok();
    let paused = sandbox.keyward(["disable", "ci"]).answer();
    assert_eq!((&paused["id"], &paused["status"]), (&json!(third), &json!("disabled")));
    assert_eq!(paused["alsoChanged"], json!([first]));
    assert_eq!(codes(&sandbox, &secrets), ["disabled"; 3]);
    let again = sandbox.keyward(["disable", "ci"]).answer();
    assert_eq!((again.get("alsoChanged"), again.get("stillValid")), (None, None));
    let resumed = sandbox.keyward(["enable", "ci"]).answer();
    assert_eq!(resumed["alsoChanged"], json!([second, first]));
    assert_eq!(codes(&sandbox, &secrets), ["valid"; 3]);
    // By its id it is one of them.
    let run = sandbox.keyward(["disable", &third, "--json"]).ok();
    assert_eq!(run.json()["stillValid"], json!([second, first]));
    assert_eq!(run.json().get("alsoChanged"), None);
    assert_eq!(codes(&sandbox, &secrets), ["valid", "valid", "disabled"]);
    sandbox.follow(&run.stderr).ok();
    assert_eq!(codes(&sandbox, &secrets), ["revoked", "revoked", "disabled"]);
}

#[test]
fn a_pending_key_that_no_pause_holds_back_stands_in_its_way() {
    let sandbox = Sandbox::new();
    let (secrets, [_, second, third]) = rotated_twice(&sandbox, "ci");
    let held = sandbox.keyward(["rotate", "ci", "--hold"]).ok().line();
    // It waits for a key that is paused.
    sandbox.keyward(["disable", "ci"]).ok();
    sandbox.keyward(["activate"]).stdin(&held).refused(4, "conflict");
    sandbox.keyward(["enable", "ci"]).ok();
    // It waits for a key that is gone, and could become live beside the pause of the others.
    sandbox.keyward(["revoke", &third, "--yes"]).ok();
    sandbox.refuses(&["disable", "ci"], 4, "conflict");
    assert_eq!(codes(&sandbox, &secrets[..2]), ["valid"; 2]);
    sandbox.keyward(["activate"]).stdin(&held).ok();
    let paused = sandbox.keyward(["disable", "ci"]).answer();
    assert_eq!(paused["alsoChanged"][0], second.as_str());
    assert_eq!(codes(&sandbox, &[held]), ["disabled"]);
}

#[test]
fn what_is_set_of_a_name_holds_for_its_lineage() {
    let sandbox = Sandbox::new();
    let (secrets, [first, second, third]) = rotated_twice(&sandbox, "ci");
    let held = sandbox.keyward(["rotate", "ci", "--hold"]).answer();
    let pending = text(&held, "id");
    let set = ["set", "ci", "--allow", "10.0.0.0/8", "--label", "tier=1"];
    let answer = sandbox.keyward(set).answer();
    assert_eq!(answer["id"], third.as_str());
    assert_eq!(answer["alsoChanged"], json!([pending, second, first]));
    for secret in &secrets {
        sandbox.verdict(secret, &["--ip", "192.0.2.1"], 14, "ip_denied");
        sandbox.verdict(secret, &["--ip", "10.0.0.1"], 0, "valid");
    }
    assert_eq!(sandbox.show(&pending)["allow"], json!(["10.0.0.0/8"]));
    let again = sandbox.keyward(set).answer();
    assert_eq!(again.get("alsoChanged"), None);
    // One record, and those that go on as they were.
    let run = sandbox.keyward(["set", &second, "--clear-allow", "--json"]).ok();
    assert_eq!(run.json()["stillValid"], json!([pending, third, first]));
    assert_eq!(sandbox.show(&third)["allow"], json!(["10.0.0.0/8"]));
    sandbox.verdict(&secrets[1], &["--ip", "192.0.2.1"], 0, "valid");
}

#[test]
fn an_expiry_set_of_a_name_prolongs_nothing_that_is_superseded() {
    let sandbox = Sandbox::new();
    let (_, [first, second, third]) = rotated_twice(&sandbox, "ci");
    let before = sandbox.show(&second)["expiresAt"].clone();
    for flags in [&["--expires", "30d"][..], &["--clear-expires"]] {
        let answer = sandbox.keyward(["set", "ci"]).args(flags).answer();
        assert_eq!(answer["id"], third.as_str());
        assert_eq!(answer.get("alsoChanged"), None, "{flags:?}");
        assert_eq!(sandbox.show(&second)["expiresAt"], before);
    }
    let answer = sandbox.keyward(["set", "ci", "--expires", "2h"]).answer();
    assert_eq!(answer["alsoChanged"], json!([second, first]));
    for id in [&first, &second, &third] {
        assert_about(moment(&sandbox.show(id), "expiresAt"), now() + 2 * HOUR);
    }
    // Taking the rotation back does not give the older ones their life back.
    sandbox.keyward(["rotate", "ci", "--cancel"]).ok();
    assert_about(moment(&sandbox.show(&second), "expiresAt"), now() + 2 * HOUR);
    // Where only superseded keys are left, there is nothing that it could mean.
    sandbox.keyward(["rotate", "ci"]).ok();
    let newest = sandbox.id_of("ci");
    sandbox.keyward(["revoke", &newest, "--yes"]).ok();
    sandbox.refuses(&["set", "ci", "--expires", "30d"], 5, "invalid_expiry");
}

#[test]
fn a_name_is_changed_with_its_lineage() {
    let sandbox = Sandbox::new();
    let (secrets, [first, second, third]) = rotated_twice(&sandbox, "ci");
    let held = sandbox.keyward(["rotate", "ci", "--hold"]).answer();
    let answer = sandbox.keyward(["rename", "ci", "deploy"]).answer();
    assert_eq!((&answer["id"], &answer["name"]), (&json!(third), &json!("deploy")));
    for id in [&first, &second, &third, &text(&held, "id")] {
        assert_eq!(sandbox.show(id)["name"], "deploy");
    }
    // Nothing is left of the old name, neither for a command nor for another key.
    sandbox.refuses(&["revoke", "ci", "--yes"], 3, "key_not_found");
    sandbox.mint("ci");
    let run = sandbox.keyward(["rename", &second, "other", "--json"]).ok();
    assert_eq!(run.json()["stillValid"], json!([text(&held, "id"), third, first]));
    sandbox.keyward(["revoke", "deploy", "--yes"]).ok();
    assert_eq!(codes(&sandbox, &secrets), ["revoked", "valid", "revoked"]);
}

#[test]
fn ensure_holds_superseded_secrets_to_what_it_is_given() {
    let sandbox = Sandbox::new();
    let ensure = |flags: &[&str]| {
        let key = ["ensure", "ci", "--out", "ci.key", "--rotate-if-missing"];
        let action = sandbox.keyward([&key, flags].concat()).answer();
        text(&action, "action")
    };
    let secret = || std::fs::read_to_string(sandbox.home().join("ci.key")).expect("it is there");
    assert_eq!(ensure(&[]), "created");
    let first = secret();
    std::fs::remove_file(sandbox.home().join("ci.key")).expect("it was there");
    // Rotated and narrowed at once: the old secret is narrowed as well.
    let narrow = ["--allow", "10.0.0.0/8"];
    assert_eq!(ensure(&narrow), "rotated");
    let denied = |secret: &str| {
        sandbox.verdict(secret.trim_end(), &["--ip", "192.0.2.1"], 14, "ip_denied");
    };
    denied(&first);
    assert_eq!(ensure(&narrow), "unchanged");
    // One that was widened by its id is brought back, though the newest is as it should be.
    let superseded = text(&sandbox.show("ci"), "replaces");
    sandbox.keyward(["set", &superseded, "--clear-allow"]).ok();
    assert_eq!(ensure(&narrow), "updated");
    denied(&first);
    denied(&secret());
    // So is one that a new key finds.
    let newest = sandbox.id_of("ci");
    sandbox.keyward(["revoke", &newest, "--yes"]).ok();
    sandbox.keyward(["set", "ci", "--clear-allow"]).ok();
    assert_eq!(ensure(&narrow), "created");
    denied(&first);
    assert_eq!(ensure(&narrow), "unchanged");
    // A rotation without a grace leaves none of them.
    sandbox.keyward(["rotate", "ci"]).ok();
    assert_eq!(ensure(&["--grace", "0s"]), "rotated");
    let dead = each(&answers(&sandbox, &["--no-record"], &first), "code");
    assert_eq!(dead, ["revoked"]);
    sandbox.verdict(secret().trim_end(), &["--ip", "10.0.0.1"], 0, "valid");
}
