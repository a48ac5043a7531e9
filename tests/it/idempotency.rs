//! `keyward mint --idempotency-key`: asked twice for the same thing, the same key, and never two holders.

use std::fs::{self, OpenOptions};

use serde_json::Value;

use keyward::domain::secret::SecretHash;

use crate::secrecy::assert_in_no_file;
use crate::support::held::Held;
use crate::support::time::{DAY, HOUR, SECOND, assert_about, now};
use crate::support::{Invocation, Output, Sandbox, moment, text, token};

/// A mint of `ci` under the idempotency key `K`.
pub fn mint(sandbox: &Sandbox, flags: &[&str]) -> Invocation {
    let run = sandbox.keyward(["mint", "ci", "--idempotency-key", "K"]);
    run.args(flags)
}

/// A command that keeps the secret in this file and ends with this exit status.
fn keeping(file: &str, status: i32) -> String {
    format!("cat >{file}; exit {status}")
}

pub fn kept(sandbox: &Sandbox, file: &str) -> String {
    let kept = fs::read_to_string(sandbox.home().join(file)).expect("it was kept");
    kept.trim_end_matches('\n').to_owned()
}

/// The only key that the store has a record of.
#[track_caller]
pub fn only_key(sandbox: &Sandbox) -> Value {
    let answer = sandbox.keyward(["list", "--all"]).answer();
    let keys = answer["keys"].as_array().expect("keys").clone();
    assert_eq!(keys.len(), 1, "{answer:#}");
    keys[0].clone()
}

/// Asserts that nothing was minted because it was done before, and returns the id of the key that the error names.
#[track_caller]
pub fn told(output: &Output) -> String {
    assert_eq!(output.status, 4, "{}", output.transcript());
    assert_eq!(output.stdout, "", "a script would take it for the secret");
    let error: Value = serde_json::from_str(&output.stderr).expect("one error object");
    assert_eq!(error["error"]["code"], "conflict", "{error:#}");
    let message = text(&error["error"], "message");
    let id = message.split(' ').next().expect("a word");
    assert!(id.starts_with("key_"), "{message}");
    id.to_owned()
}

/// The records that deliveries have left which failed, the oldest first.
fn void(sandbox: &Sandbox) -> Vec<Value> {
    let answer = sandbox.keyward(["list", "--status", "revoked"]).answer();
    let keys = answer["keys"].as_array().expect("keys").clone();
    for key in &keys {
        assert_eq!(key["revokedReason"], "undelivered", "{key:#}");
    }
    keys
}

/// Fails a delivery, which leaves its secret in `half`, and returns the void key.
fn fail(sandbox: &Sandbox) -> Value {
    let before = void(sandbox);
    let half = keeping("half", 1);
    mint(sandbox, &["--", "sh", "-c", &half]).exit(16);
    let mut after = void(sandbox);
    let key = after.pop().expect("its record stays");
    assert_eq!(after, before, "the record of an earlier failure is another");
    key
}

/// Asserts that this key is as it was when its delivery had failed, with its secret in `half`, and that another is live with
/// this secret.
#[track_caller]
fn assert_minted_again(sandbox: &Sandbox, failed: &Value, secret: &str) {
    assert_eq!(void(sandbox).last(), Some(failed));
    let answer = sandbox.keyward(["list"]).answer();
    let keys = answer["keys"].as_array().expect("keys");
    assert_eq!(keys.len(), 1, "{answer:#}");
    assert_ne!(keys[0]["id"], failed["id"]);
    let verdict = sandbox.verdict(secret, &["--no-record"], 0, "valid");
    assert_eq!(verdict["subject"], keys[0]);
    let half = kept(sandbox, "half");
    let verdict = sandbox.verdict(&half, &["--no-record"], 11, "revoked");
    assert_eq!(verdict["subject"], *failed);
    let activate = sandbox.keyward(["activate"]).stdin(&half);
    activate.refused(11, "revoked");
    let hash = SecretHash::of(half.as_bytes()).to_hex();
    let ended = sandbox.rows("SELECT hash FROM ended").concat();
    assert!(ended.contains(&format!("\\x{hash}")), "its hash is not among those of ended keys");
}

/// Asserts that the key of this id is live with this secret, and that `half` is nobody's.
#[track_caller]
pub fn assert_reissued(sandbox: &Sandbox, id: &str, secret: &str) {
    let key = only_key(sandbox);
    assert_eq!(key["id"], id);
    assert_eq!(key["status"], "active");
    assert_eq!((&key["revokedAt"], &key["revokedReason"]), (&Value::Null, &Value::Null));
    let verdict = sandbox.verdict(secret, &["--no-record"], 0, "valid");
    assert_eq!(verdict["subject"], key);
    assert_eq!(key["prefix"], token::parts(secret, "kw_live_").prefix);
    let half = kept(sandbox, "half");
    assert_ne!(half, secret);
    sandbox.verdict(&half, &[], 10, "not_found");
    let activate = sandbox.keyward(["activate"]).stdin(half);
    activate.refused(10, "not_found");
}

#[test]
fn after_a_delivery_that_failed_its_void_key_stays_and_another_is_minted() {
    let sandbox = Sandbox::new();
    let failed = fail(&sandbox);
    let whole = keeping("whole", 0);
    mint(&sandbox, &["--", "sh", "-c", &whole]).ok();
    assert_minted_again(&sandbox, &failed, &kept(&sandbox, "whole"));
    sandbox.keyward(["audit", "verify"]).ok();
    sandbox.keyward(["store", "check"]).ok();
    // The word means the key that was delivered.
    let again = told(&mint(&sandbox, &["--json"]).run());
    assert_eq!(again, sandbox.id_of("ci"));
}

#[test]
fn a_key_that_nobody_came_for_in_a_day_stays_void_and_another_is_minted() {
    let sandbox = Sandbox::new();
    let held = Held::start(sandbox.home(), mint(&sandbox, &[]));
    sandbox.file("half", &held.secret);
    held.killed();
    let id = text(&only_key(&sandbox), "id");
    sandbox.rewrite(&format!("UPDATE key SET created_at = created_at - {DAY}"));
    let secret = mint(&sandbox, &[]).ok().line();
    let answer = sandbox.keyward(["list"]).answer();
    assert_ne!(answer["keys"][0]["id"], id.as_str());
    sandbox.verdict(&secret, &[], 0, "valid");
    let verdict = sandbox.verdict(&kept(&sandbox, "half"), &[], 11, "revoked");
    assert_eq!(verdict["subject"]["id"], id.as_str());
    assert_eq!(verdict["subject"]["revokedReason"], "undelivered");
}

#[test]
fn a_delivery_may_fail_as_often_as_it_likes() {
    let sandbox = Sandbox::new();
    let mut failed = fail(&sandbox);
    let full = || OpenOptions::new().write(true).open("/dev/full");
    for format in [&[][..], &["--json"], &["-o", "tsv"]] {
        let run = mint(&sandbox, format).stdout(full().expect("a device"));
        run.exit(16);
        failed = fail(&sandbox);
    }
    let secret = mint(&sandbox, &[]).ok().line();
    assert_eq!(void(&sandbox).len(), 7);
    assert_minted_again(&sandbox, &failed, &secret);
}

#[test]
fn what_is_tried_again_may_go_elsewhere() {
    for (number, sink) in
        [&["--out", "file"][..], &["--dotenv", ".env", "--var", "KEY"], &["--stdout", "-n"]]
            .iter()
            .enumerate()
    {
        let sandbox = Sandbox::new();
        let failed = fail(&sandbox);
        let output = mint(&sandbox, sink).ok();
        let secret = match number {
            0 => kept(&sandbox, "file"),
            1 => kept(&sandbox, ".env").replace("KEY=", ""),
            _ => output.stdout,
        };
        assert_minted_again(&sandbox, &failed, &secret);
    }
}

#[test]
fn what_was_delivered_is_a_conflict_that_names_the_key_and_never_a_secret() {
    let sandbox = Sandbox::new();
    let secret = mint(&sandbox, &[]).ok().line();
    let key = only_key(&sandbox);
    let hidden = [&secret[..], token::parts(&secret, "kw_live_").secret];
    let tells_nothing = |output: &Output| {
        let said = output.stdout.clone() + &output.stderr;
        assert!(!hidden.iter().any(|part| said.contains(part)), "{said}");
    };
    for sink in [&[][..], &["--out", "again"], &["--", "sh", "-c", "cat >a"]] {
        let json = mint(&sandbox, &[&["--json"], sink].concat()).run();
        assert_eq!(told(&json), key["id"]);
        let jsonl = mint(&sandbox, &[&["-o", "jsonl"], sink].concat()).run();
        assert_eq!(told(&jsonl), key["id"]);
        let tsv = mint(&sandbox, &[&["-o", "tsv"], sink].concat()).exit(4);
        let people = mint(&sandbox, sink).exit(4);
        for output in [&tsv, &people] {
            assert_eq!(output.stdout, "", "a script would take it for the secret");
            assert!(output.stderr.contains(&text(&key, "id")));
        }
        for output in [&json, &jsonl, &tsv, &people] {
            tells_nothing(output);
        }
    }
    for file in ["again", "a"] {
        assert!(!sandbox.home().join(file).exists(), "{file} was made");
    }
    assert_eq!(only_key(&sandbox), key);
    sandbox.verdict(&secret, &[], 0, "valid");
}

#[test]
fn something_else_under_the_same_key_is_a_conflict() {
    let sandbox = Sandbox::new();
    mint(&sandbox, &["--label", "a=1", "--label", "b=2"]).ok();
    let before = only_key(&sandbox);
    let same = ["--label", "a=1", "--label", "b=2"];
    let others: [&[&str]; 7] = [
        &[],
        &["--label", "a=1"],
        &["-e", "test"],
        &["--expires", "30d"],
        &["--allow", "203.0.113.0/24"],
        &["--owner", "platform"],
        &["--label", "c=3"],
    ];
    for (number, other) in others.iter().enumerate() {
        let flags = match number {
            0 | 1 => other.to_vec(),
            _ => [&same[..], other].concat(),
        };
        let error = mint(&sandbox, &flags).refused(4, "conflict");
        assert!(text(&error, "message").contains("\"K\""), "{error:#}");
    }
    let named = ["mint", "other", "--idempotency-key", "K"];
    let run = sandbox.keyward(named).args(same);
    run.refused(4, "conflict");
    assert_eq!(only_key(&sandbox), before);
}

#[test]
fn something_else_is_a_conflict_after_a_failed_delivery_too() {
    let sandbox = Sandbox::new();
    let failed = fail(&sandbox);
    mint(&sandbox, &["-e", "test"]).refused(4, "conflict");
    let secret = mint(&sandbox, &[]).ok().line();
    assert_minted_again(&sandbox, &failed, &secret);
}

#[test]
fn the_same_said_in_other_words_is_the_same() {
    let sandbox = Sandbox::new();
    mint(&sandbox, &["--label", "a=1", "--label", "b=2"]).ok();
    let key = only_key(&sandbox);
    let words = ["-e", "live", "-w", "default", "--json"];
    let labels = ["--label", "b=2", "--label", "a=1"];
    let again = mint(&sandbox, &[&words[..], &labels].concat()).run();
    assert_eq!(told(&again), key["id"]);
}

#[test]
fn another_workspace_is_another_request() {
    let sandbox = Sandbox::new();
    for name in ["one", "two"] {
        sandbox.workspace(name, &[]);
        let secret = mint(&sandbox, &["-w", name]).ok().line();
        let verdict = sandbox.verdict(&secret, &[], 0, "valid");
        assert_eq!(verdict["subject"]["workspace"], name);
    }
    mint(&sandbox, &["-w", "two"]).exit(4);
    // A workspace that is deleted and made again remembers nothing.
    sandbox.keyward(["revoke", "ci", "-w", "two", "--yes"]).ok();
    let delete = ["workspace", "delete", "two", "--yes"];
    sandbox.keyward(delete).ok();
    sandbox.workspace("two", &[]);
    mint(&sandbox, &["-w", "two", "--owner", "x"]).ok();
}

/// Lets so much time pass since the key was minted.
fn pass(sandbox: &Sandbox, millis: i64) {
    sandbox.tamper(&format!("UPDATE idempotency SET made_at = made_at - {millis}"));
}

#[test]
fn a_week_later_the_same_word_means_another_request() {
    let sandbox = Sandbox::new();
    let first = mint(&sandbox, &[]).ok().line();
    let id = sandbox.id_of("ci");
    pass(&sandbox, 7 * DAY - 30 * SECOND);
    assert_eq!(told(&mint(&sandbox, &["--json"]).run()), id);
    pass(&sandbox, 30 * SECOND);
    // The name is still the first key's.
    mint(&sandbox, &[]).refused(4, "name_taken");
    let second = mint(&sandbox, &["-e", "test"]).ok().line();
    sandbox.verdict(&first, &[], 0, "valid");
    let verdict = sandbox.verdict(&second, &[], 0, "valid");
    assert_ne!(verdict["subject"]["id"], id.as_str());
    // And now it means that one.
    mint(&sandbox, &[]).refused(4, "conflict");
    let again = told(&mint(&sandbox, &["-e", "test", "--json"]).run());
    assert_eq!(again, verdict["subject"]["id"]);
    let rows = sandbox.number("SELECT count(*) FROM idempotency");
    assert_eq!(rows, 1, "what is too old is kept");
}

#[test]
fn a_held_key_that_was_delivered_is_not_given_another_secret() {
    let sandbox = Sandbox::new();
    let secret = mint(&sandbox, &["--hold"]).ok().line();
    let id = sandbox.id_of("ci");
    for flags in [&["--json", "--hold"][..], &["--json"], &["--json", "--out", "f"]] {
        assert_eq!(told(&mint(&sandbox, flags).run()), id);
        assert_eq!(sandbox.show("ci")["status"], "pending");
    }
    sandbox.keyward(["activate"]).stdin(&secret).ok();
    sandbox.verdict(&secret, &[], 0, "valid");
    assert_eq!(told(&mint(&sandbox, &["--json", "--hold"]).run()), id);
    assert_eq!(sandbox.show("ci")["status"], "active");
}

#[test]
fn the_word_of_a_key_that_is_gone_mints_no_other() {
    let sandbox = Sandbox::new();
    mint(&sandbox, &[]).ok();
    let id = sandbox.id_of("ci");
    sandbox.keyward(["revoke", "ci", "--yes"]).ok();
    let key = only_key(&sandbox);
    assert_eq!(told(&mint(&sandbox, &["--json"]).run()), key["id"]);
    assert_eq!(key["status"], "revoked");
    sandbox.keyward(["prune", "--dead-for", "0s", "--yes"]).ok();
    let error = mint(&sandbox, &[]).refused(4, "conflict");
    assert!(text(&error, "message").contains(&id), "{error:#}");
    assert_eq!(sandbox.listed(&["--all"]), [""; 0]);
    sandbox.mint("ci");
}

#[test]
fn a_word_is_short_and_visible_and_for_one_key() {
    let sandbox = Sandbox::new();
    let long = "k".repeat(256);
    let wrong = ["", &long, "a\nb", "a\tb", "a\u{7f}", "a\u{202e}b", "a\u{200b}b"];
    for word in wrong {
        let run = sandbox.keyward(["mint", "ci", "--idempotency-key", word]);
        run.refused(2, "usage");
    }
    for count in ["1", "2"] {
        mint(&sandbox, &["--count", count]).refused(2, "usage");
    }
    assert!(!sandbox.store_path().exists(), "a store was made");
    for (number, word) in [&long[..255], "a b", "ünï ✓", "'\"$`\\", "::x"].iter().enumerate() {
        let name = format!("key-{number}");
        let run = || sandbox.keyward(["mint", &name, "--idempotency-key", word]);
        run().ok();
        run().exit(4);
    }
    assert_eq!(sandbox.listed(&["--all"]).len(), 5);
}

/// Mints with these flags and is killed when the secret has reached a command, which nobody else learns of.
fn killed(sandbox: &Sandbox, flags: &[&str]) {
    Held::start(sandbox.home(), mint(sandbox, flags)).killed();
}

#[test]
fn what_was_changed_of_a_key_before_it_is_given_another_secret_stays() {
    let policy = "environments = [\"live\"]\n[scopes]\nread = {}\nwrite = {}\n";
    let sandbox = Sandbox::with_policy("w", policy);
    let asked = ["--scope", "write", "--expires", "30d", "--owner", "a", "--label", "team=a"];
    killed(&sandbox, &asked);
    let id = text(&only_key(&sandbox), "id");
    let change = |words: &[&str]| {
        sandbox.keyward(words).ok();
    };
    change(&["rename", "ci", "build"]);
    change(&["set", &id, "--scope", "read", "--allow", "10.0.0.0/8"]);
    change(&["set", &id, "--owner", "b", "--expires", "2d"]);
    change(&["set", &id, "--clear-labels", "--label", "tier=b"]);
    let is_left = |key: &Value| {
        let fields = ["id", "name", "scopes", "allow", "owner", "labels", "expiresAt"];
        fields.map(|field| key[field].clone())
    };
    let changed = only_key(&sandbox);
    // Killed again, it is still as it was changed.
    killed(&sandbox, &asked);
    let key = mint(&sandbox, &[&asked[..], &["--json"]].concat()).answer();
    assert_eq!(is_left(&key), is_left(&changed));
    assert_ne!(key["keyHint"], changed["keyHint"]);
    let secret = text(&key, "key");
    sandbox.verdict(&secret, &["--ip", "10.0.0.1"], 0, "valid");
    sandbox.verdict(&secret, &["--ip", "11.0.0.1"], 14, "ip_denied");
    // Another key may have the name that it no longer has.
    sandbox.mint_with("ci", &["--scope", "read"]);
    sandbox.assert_sound();
}

#[test]
fn a_lifetime_that_nobody_changed_begins_again_with_another_secret() {
    let sandbox = Sandbox::new();
    killed(&sandbox, &["--expires", "2h"]);
    sandbox.rewrite(
        "UPDATE key SET created_at = created_at - 3600000, expires_at = expires_at - 3600000",
    );
    let key = mint(&sandbox, &["--expires", "2h", "--json"]).answer();
    assert_about(moment(&key, "expiresAt"), now() + 2 * HOUR);
    assert_about(moment(&key, "createdAt"), now());
}

#[test]
fn a_key_that_expired_before_it_was_delivered_is_void_and_another_is_minted() {
    let sandbox = Sandbox::new();
    killed(&sandbox, &["--expires", "2h"]);
    let id = text(&only_key(&sandbox), "id");
    sandbox.rewrite(
        "UPDATE key SET created_at = created_at - 7200000, expires_at = expires_at - 7200000",
    );
    let key = mint(&sandbox, &["--expires", "2h", "--json"]).answer();
    assert_ne!(key["id"], id.as_str());
    sandbox.verdict(&text(&key, "key"), &[], 0, "valid");
}

#[test]
fn a_cap_that_was_lowered_below_its_keys_holds_none_of_their_secrets_back() {
    let sandbox = Sandbox::with_workspace("small", &["--cap", "2"]);
    sandbox.mint("other");
    killed(&sandbox, &[]);
    let lower = ["workspace", "set", "small", "--cap", "1", "--keep-outside"];
    sandbox.keyward(lower).ok();
    let secret = mint(&sandbox, &[]).ok().line();
    sandbox.verdict(&secret, &[], 0, "valid");
}

#[test]
fn the_cap_is_not_used_up_by_trying_again() {
    let sandbox = Sandbox::with_workspace("small", &["--cap", "1"]);
    let failed = fail(&sandbox);
    let held = Held::start(sandbox.home(), mint(&sandbox, &[]));
    held.killed();
    let pending = sandbox.show("ci");
    assert_eq!(pending["status"], "pending");
    let secret = mint(&sandbox, &[]).ok().line();
    assert_minted_again(&sandbox, &failed, &secret);
    assert_eq!(sandbox.id_of("ci"), text(&pending, "id"));
    sandbox.refuses(&["mint", "b"], 5, "limit_reached");
    // Of a request that was refused nothing is remembered.
    let run = || sandbox.keyward(["mint", "b", "--idempotency-key", "B"]);
    run().refused(5, "limit_reached");
    sandbox.keyward(["revoke", "ci", "--yes"]).ok();
    run().ok();
}

#[test]
fn no_file_of_the_stores_holds_a_secret_of_the_key() {
    let sandbox = Sandbox::new();
    fail(&sandbox);
    let half = kept(&sandbox, "half");
    fs::remove_file(sandbox.home().join("half")).expect("it can be removed");
    let secret = mint(&sandbox, &[]).ok().line();
    told(&mint(&sandbox, &["--json"]).run());
    assert_in_no_file(&sandbox, &[&half, &secret]);
}

#[test]
fn a_key_that_may_not_mint_learns_nothing() {
    let sandbox = Sandbox::with_workspace("sw", &["--preset", "scrapewise"]);
    let scope = ["--scope", "USER"];
    let secret = mint(&sandbox, &scope).ok().line();
    let reader = sandbox.mint_with("reader", &["--scope", "LLM_READ"]);
    let reader = sandbox.file("reader", &reader);
    let run = mint(&sandbox, &scope).args(["--as"]).args([reader]);
    let error = run.refused(5, "scope_rejected");
    let id = sandbox.id_of("ci");
    assert!(!error.to_string().contains(&id), "{error:#}");
    let user = sandbox.file("user", &secret);
    let run = mint(&sandbox, &scope).args(["--json", "--as"]).args([user]);
    assert_eq!(told(&run.run()), id);
}

#[test]
fn a_key_that_was_revoked_before_its_delivery_is_not_called_handed_over() {
    let sandbox = Sandbox::new();
    killed(&sandbox, &[]);
    sandbox.keyward(["revoke", "ci", "--yes"]).ok();
    let error = mint(&sandbox, &[]).refused(4, "conflict");
    let id = text(&only_key(&sandbox), "id");
    assert_eq!(text(&error, "message"), format!("{id} was minted before and is revoked"));
}
