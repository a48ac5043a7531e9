//! A name stands for every key of that name and environment that can still verify, when it is revoked, rotated and shown; an
//! id or a prefix stands for one record, and the command names the others.

use std::time::Duration;

use keyward::domain::secret::Secret;
use keyward::domain::timestamp::Timestamp;
use keyward::ops::verifier::{Request, Verifier};
use serde_json::{Value, json};

use crate::support::stream::{answers, each};
use crate::support::time::now;
use crate::support::{Sandbox, text};

/// A key, rotated twice with two days' grace: three secrets that verify and their ids, the oldest first.
#[must_use]
pub fn rotated_twice(sandbox: &Sandbox, name: &str) -> ([String; 3], [String; 3]) {
    let first = sandbox.mint(name);
    let first_id = sandbox.id_of(name);
    let rotate = || {
        let key = sandbox.keyward(["rotate", name, "--grace", "48h"]).answer();
        (text(&key, "key"), text(&key, "id"))
    };
    let ((second, second_id), (third, third_id)) = (rotate(), rotate());
    ([first, second, third], [first_id, second_id, third_id])
}

/// The code words of `verify` for these secrets.
#[must_use]
pub fn codes(sandbox: &Sandbox, secrets: &[String]) -> Vec<String> {
    each(&answers(sandbox, &["--no-record"], secrets.join("\n")), "code")
}

/// Asserts that each secret is refused as revoked wherever one is taken.
#[track_caller]
fn assert_all_revoked(sandbox: &Sandbox, secrets: &[String]) {
    assert!(codes(sandbox, secrets).iter().all(|code| code == "revoked"), "the stream lets one in");
    let (path, wait) = (sandbox.named(), Duration::from_secs(10));
    let mut library = Verifier::open(&path, wait, drop).expect("there is a store");
    for secret in secrets {
        sandbox.verdict(secret, &[], 11, "revoked");
        let caller = sandbox.keyward(["--as", "-", "whoami"]).stdin(secret);
        caller.exit(11);
        let request = Request::new(Secret::new(secret.clone()));
        let verdict = library.verify(&request, Timestamp::from_millis(now()));
        assert_eq!(verdict.expect("a verdict").code.word(), "revoked");
    }
    library.close().expect("the uses can be written");
}

fn ids(list: &Value) -> Vec<String> {
    let list = list.as_array().expect("a list of keys");
    list.iter().map(|key| text(key, "id")).collect()
}

#[test]
fn revoking_a_name_ends_every_secret_of_it() {
    let sandbox = Sandbox::new();
    let (secrets, [first, second, third]) = rotated_twice(&sandbox, "ci");
    assert_eq!(codes(&sandbox, &secrets), ["valid"; 3]);
    let revoke = || {
        let revoke = ["revoke", "ci", "--yes", "--reason", "compromised"];
        sandbox.keyward(revoke).answer()
    };
    let answer = revoke();
    assert_eq!(ids(&answer["keys"]), [third.clone(), second, first]);
    for key in answer["keys"].as_array().expect("a list") {
        assert_eq!((&key["changed"], &key["status"]), (&json!(true), &json!("revoked")));
    }
    assert_eq!(answer.get("stillValid"), None);
    assert_all_revoked(&sandbox, &secrets);
    // One transaction: one time, and nothing between.
    let told = sandbox.events_of("key.revoke");
    let seqs: Vec<u64> = told.iter().filter_map(|event| event["seq"].as_u64()).collect();
    assert_eq!(seqs, [seqs[0], seqs[0] + 1, seqs[0] + 2]);
    assert!(told.iter().all(|event| event["time"] == told[0]["time"]));
    // The second time there is nothing left that a lie could be about.
    let again = revoke();
    assert_eq!(ids(&again["keys"]), [third]);
    assert_eq!(again["keys"][0]["changed"], false);
    assert_eq!(again.get("stillValid"), None);
}

#[test]
fn revoking_an_id_names_the_others_and_the_command_that_ends_them() {
    for is_prefix in [false, true] {
        let sandbox = Sandbox::with_workspace("acme", &[]);
        let (secrets, [first, second, third]) = rotated_twice(&sandbox, "ci");
        sandbox.workspace("other one", &[]);
        sandbox.keyward(["workspace", "use", "other one"]).ok();
        let key = match is_prefix {
            true => text(&sandbox.keyward(["show", &third, "-w", "acme"]).answer(), "prefix"),
            false => third.clone(),
        };
        let run = sandbox.keyward(["revoke", &key, "-w", "acme", "--yes", "--json"]).ok();
        let answer = run.json();
        assert_eq!(ids(&answer["keys"]), [third]);
        assert_eq!(answer["stillValid"], json!([second, first]));
        assert_eq!(codes(&sandbox, &secrets), ["valid", "valid", "revoked"]);
        assert!(
            run.stderr.starts_with("warning: ")
                && run
                    .stderr
                    .contains(&format!("`keyward revoke {second} {first} -w acme` ends them")),
            "{}",
            run.transcript()
        );
        sandbox.follow(&run.stderr).ok();
        assert_all_revoked(&sandbox, &secrets);
    }
}

#[test]
fn no_change_is_never_said_while_a_key_of_the_name_verifies() {
    let sandbox = Sandbox::new();
    let (secrets, [first, second, third]) = rotated_twice(&sandbox, "ci");
    sandbox.keyward(["revoke", &third, "--yes"]).ok();
    for again in [
        &["revoke", &third, "--yes"][..],
        &["enable", &second],
        &["set", &second, "--clear-owner"],
        &["rename", &second, "ci"],
    ] {
        let run = sandbox.keyward(again).ok();
        assert!(
            run.stderr.contains("can still verify") && !run.stderr.contains("nothing changed"),
            "{}",
            run.transcript()
        );
    }
    // Nobody holds the name, and it means those that can still verify.
    assert_eq!(sandbox.id_of("ci"), second);
    sandbox.mint_with("ci", &["-e", "test"]);
    sandbox.refuses(&["revoke", "ci", "--yes"], 4, "ambiguous");
    let answer = sandbox.keyward(["revoke", "ci", "-e", "live", "--yes"]).answer();
    assert_eq!(ids(&answer["keys"]), [second, first]);
    assert!(
        answer["keys"].as_array().is_some_and(|keys| keys.iter().all(|key| key["changed"] == true))
    );
    assert_all_revoked(&sandbox, &secrets);
}

#[test]
fn a_name_revoked_takes_the_pending_replacement_along() {
    let (sandbox, old) = Sandbox::with_key("ci");
    let held = sandbox.keyward(["rotate", "ci", "--hold"]).ok().line();
    let id = sandbox.id_of("ci");
    let pending = text(&sandbox.verdict(&held, &[], 13, "pending")["subject"], "id");
    let answer = sandbox.keyward(["revoke", "ci", "--yes"]).answer();
    assert_eq!(ids(&answer["keys"]), [id, pending]);
    assert_all_revoked(&sandbox, &[old, held.clone()]);
    sandbox.keyward(["activate"]).stdin(&held).refused(11, "revoked");
}

#[test]
fn a_rotation_without_a_grace_ends_the_whole_lineage_before_it() {
    for (flags, by_id) in
        [(["--now"].as_slice(), false), (&["--grace", "0s"], false), (&["--now"], true)]
    {
        let sandbox = Sandbox::new();
        let (secrets, [first, second, third]) = rotated_twice(&sandbox, "ci");
        let key = if by_id { third.as_str() } else { "ci" };
        let answer = sandbox.keyward(["rotate", key]).args(flags).answer();
        assert_eq!(answer["replaced"]["id"], third.as_str());
        assert_eq!(answer["alsoChanged"], json!([second, first]), "{flags:?}");
        assert_eq!(answer.get("stillValid"), None);
        assert_all_revoked(&sandbox, &secrets);
        sandbox.verdict(&text(&answer, "key"), &[], 0, "valid");
        for id in [first, second, third] {
            assert_eq!(sandbox.show(&id)["revokedReason"], "superseded");
        }
    }
}

#[test]
fn a_held_rotation_without_a_grace_ends_the_lineage_at_its_activation() {
    let sandbox = Sandbox::new();
    let (secrets, _) = rotated_twice(&sandbox, "ci");
    let held = sandbox.keyward(["rotate", "ci", "--now", "--hold"]).answer();
    assert_eq!(held.get("alsoChanged"), None);
    assert_eq!(codes(&sandbox, &secrets), ["valid"; 3]);
    sandbox.keyward(["activate"]).stdin(text(&held, "key")).ok();
    assert_all_revoked(&sandbox, &secrets);
}

#[test]
fn a_rotation_that_fails_ends_nothing() {
    let sandbox = Sandbox::new();
    let (secrets, _) = rotated_twice(&sandbox, "ci");
    sandbox.keyward(["rotate", "ci", "--now", "--", "false"]).exit(16);
    assert_eq!(codes(&sandbox, &secrets), ["valid"; 3]);
}

#[test]
fn a_rotation_by_id_names_those_that_go_on_beside_the_old_key() {
    let sandbox = Sandbox::new();
    let (_, [first, second, third]) = rotated_twice(&sandbox, "ci");
    let run = sandbox.keyward(["rotate", &third, "--json"]).ok();
    assert_eq!(run.json()["stillValid"], json!([second, first]));
    assert!(
        run.stderr.contains(&format!("`keyward revoke {second} {first}`")),
        "{}",
        run.transcript()
    );
    // Whoever takes the last field of a line for the secret still does.
    let newest = text(&run.json(), "id");
    let line = sandbox.keyward(["rotate", &newest, "-o", "tsv"]).ok().line();
    let secret = line.rsplit('\t').next().expect("a field");
    sandbox.verdict(secret, &[], 0, "valid");
    let by_name = sandbox.keyward(["rotate", "ci"]).answer();
    assert_eq!(by_name.get("stillValid"), None);
}

#[test]
fn where_ids_alone_revoke_the_hint_names_the_whole_lineage() {
    let sandbox = Sandbox::with_workspace("portal", &["--preset", "scrapewise"]);
    let first = sandbox.mint_with("agent", &["--scope", "USER"]);
    let second = sandbox.keyward(["rotate", "agent"]).ok().line();
    let error = sandbox.keyward(["revoke", "agent", "--yes"]).refused(3, "key_not_found");
    assert_eq!(codes(&sandbox, &[first.clone(), second.clone()]), ["valid"; 2]);
    sandbox.follow(&text(&error, "hint")).ok();
    assert_all_revoked(&sandbox, &[first, second]);
}

#[test]
fn a_calling_key_revokes_the_lineage_of_a_name() {
    let sandbox = Sandbox::new();
    let policy = sandbox.file("policy.toml", "[scopes.admin]\nmanage = [\"revoke\"]\n");
    let policy = policy.display().to_string();
    sandbox.workspace("acme", &["--policy", &policy]);
    let caller = sandbox.mint_with("boss", &["--scope", "admin"]);
    let (secrets, _) = rotated_twice(&sandbox, "ci");
    let run = sandbox.keyward(["--as", "-", "revoke", "ci", "--yes"]);
    run.stdin(caller).ok();
    assert_all_revoked(&sandbox, &secrets);
}

#[test]
fn a_disabled_key_of_the_name_is_not_still_valid() {
    let sandbox = Sandbox::new();
    let (secrets, [first, second, third]) = rotated_twice(&sandbox, "ci");
    let left = |words: &[&str]| sandbox.keyward(words).answer()["stillValid"].clone();
    assert_eq!(left(&["disable", &second]), json!([third, first]));
    assert_eq!(left(&["disable", &first]), json!([third]));
    assert_eq!(codes(&sandbox, &secrets), ["disabled", "disabled", "valid"]);
    let shown = sandbox.keyward(["show", &third]).ok().stdout;
    assert!(!shown.contains("can still verify"), "{shown}");
    let run = sandbox.keyward(["set", &third, "--owner", "me"]).ok();
    assert!(!run.stderr.contains("can still verify"), "{}", run.transcript());
    // One that is enabled again is, and a rotation at once ends the disabled ones too.
    sandbox.keyward(["enable", &second]).ok();
    assert_eq!(left(&["set", &third, "--owner", "you"]), json!([second]));
    sandbox.keyward(["rotate", &third, "--now"]).ok();
    assert_all_revoked(&sandbox, &secrets);
}

#[test]
fn a_pending_key_that_waits_for_a_disabled_one_is_not_still_valid() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let old = sandbox.id_of("ci");
    let held = sandbox.keyward(["rotate", "ci", "--hold"]).answer();
    let disabled = sandbox.keyward(["disable", &old]).answer();
    assert_eq!(disabled.get("stillValid"), None);
    sandbox.keyward(["activate"]).stdin(text(&held, "key")).refused(4, "conflict");
    let enabled = sandbox.keyward(["enable", &old]).answer();
    assert_eq!(enabled["stillValid"], json!([text(&held, "id")]));
}

#[test]
fn show_says_which_others_of_the_name_can_still_verify() {
    let sandbox = Sandbox::new();
    let (_, [first, second, third]) = rotated_twice(&sandbox, "ci");
    let shown = sandbox.keyward(["show", "ci"]).ok().stdout;
    assert!(shown.contains(&third) && shown.contains(&format!("{second}, {first}")), "{shown}");
    sandbox.keyward(["revoke", "ci", "--yes"]).ok();
    let shown = sandbox.keyward(["show", "ci"]).ok().stdout;
    assert!(shown.contains(&third) && !shown.contains(&first), "{shown}");
}
