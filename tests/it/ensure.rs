//! `keyward ensure`: a key that is there is left alone, one that is missing is minted and one that differs is changed.

use serde_json::{Value, json};

use crate::support::files::{Stamp, mode, names_in};
use crate::support::held::Held;
use crate::support::time::{DAY, assert_about, now};
use crate::support::{Sandbox, fields, moment, text};

/// Ensures and returns the answer.
pub fn ensure(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    sandbox.keyward(["ensure"]).args(arguments).answer()
}

/// Asserts that this is refused in both forms, and that neither the store nor this file changes.
#[track_caller]
pub fn assert_refused(sandbox: &Sandbox, arguments: &[&str], file: &str, exit: i32, code: &str) {
    let path = sandbox.home().join(file);
    let found = || path.exists().then(|| Stamp::of(&path));
    let before = (sandbox.store_bytes(), found());
    let error = sandbox.keyward(["ensure"]).args(arguments).refused(exit, code);
    let output = sandbox.keyward(["ensure"]).args(arguments).exit(exit);
    assert_eq!(output.stdout, "", "{arguments:?}");
    assert!(output.stderr.starts_with("error: "), "{}", output.stderr);
    let after = (sandbox.store_bytes(), found());
    assert!(before.0 == after.0, "{arguments:?}: the refusal changed the store");
    assert_eq!(before.1, after.1, "{arguments:?}: {error:#}");
    let drafts: Vec<_> = names_in(sandbox.home())
        .into_iter()
        .filter(|name| name.ends_with(".keyward-draft"))
        .collect();
    assert!(drafts.is_empty(), "{drafts:?}");
}

/// The audit trail's actions from this place on.
fn actions(sandbox: &Sandbox, from: usize) -> Vec<String> {
    sandbox.events()[from..].iter().map(|event| text(event, "action")).collect()
}

#[test]
fn a_key_is_created_once_and_then_left_alone() {
    let sandbox = Sandbox::new();
    let file = sandbox.home().join("F");
    let created = ensure(&sandbox, &["ci", "--out", "F"]);
    assert_eq!(created["action"], "created", "{created:#}");
    assert_eq!(created["changed"], true, "{created:#}");
    assert_eq!(mode(&file), 0o600);
    let before = (sandbox.store_bytes(), Stamp::of(&file));
    let unchanged = ensure(&sandbox, &["ci", "--out", "F"]);
    assert_eq!(unchanged["action"], "unchanged", "{unchanged:#}");
    assert_eq!(unchanged["changed"], false, "{unchanged:#}");
    assert_eq!(unchanged["id"], created["id"]);
    for _ in 0..3 {
        sandbox.keyward(["ensure", "ci", "--out", "F"]).ok();
    }
    assert!(sandbox.store_bytes() == before.0, "the store was touched");
    assert_eq!(Stamp::of(&file), before.1);
    let verdict = sandbox.verdict(&sandbox.line("F"), &[], 0, "valid");
    assert_eq!(verdict["subject"]["id"], created["id"]);
    assert_eq!(sandbox.listed(&["--all"]), ["ci"]);
}

#[test]
fn the_answer_is_the_key_and_what_was_done() {
    let sandbox = Sandbox::new();
    for sink in [&["--out", "F"][..], &["--dotenv", ".env", "--var", "KEY"]] {
        let name = sink[1];
        let run = |more: &[&str]| ensure(&sandbox, &[&[name], sink, more].concat());
        for (more, action) in
            [(&[][..], "created"), (&[], "unchanged"), (&["--owner", "x"], "updated")]
        {
            let mut answer = run(more);
            assert_eq!(answer["action"], action, "{answer:#}");
            assert_eq!(answer["changed"], action != "unchanged", "{answer:#}");
            let object = answer.as_object_mut().expect("an object");
            object.remove("action");
            object.remove("changed");
            assert_eq!(answer, sandbox.show(name), "{action}");
        }
    }
}

#[test]
fn the_secret_is_in_the_answer_only_when_stdout_is_its_sink() {
    let sandbox = Sandbox::new();
    let created = ensure(&sandbox, &["ci"]);
    let secret = text(&created, "key");
    let unchanged = ensure(&sandbox, &["ci"]);
    let without_secret = |answer: &Value| -> Vec<String> {
        let names = fields(answer).into_iter().filter(|name| *name != "key");
        names.map(str::to_owned).collect()
    };
    assert_eq!(without_secret(&created), fields(&unchanged));
    sandbox.verdict(&secret, &[], 0, "valid");
    // In `KEY=$(keyward ensure …)` any sentence would be taken for the secret.
    let plain = sandbox.keyward(["ensure", "plain"]).ok();
    sandbox.verdict(plain.stdout.trim_end(), &[], 0, "valid");
    let again = sandbox.keyward(["ensure", "plain"]).ok();
    assert_eq!(again.stdout, "");
    assert!(again.stderr.contains("nothing was delivered"), "{}", again.stderr);
}

#[test]
fn what_differs_is_updated_once_and_what_is_not_given_is_left() {
    let sandbox = Sandbox::with_policy(
        "acme",
        "prefix = \"kw\"\n[scopes.read]\n[scopes.write]\n[scopes.admin]\n",
    );
    ensure(&sandbox, &["ci", "--out", "F"]);
    let file = Stamp::of(sandbox.home().join("F"));
    for (flags, field, expected) in [
        (&["--scope", "read", "--scope", "write"][..], "scopes", json!(["read", "write"])),
        (&["--scope", "write"], "scopes", json!(["write"])),
        (&["--owner", "platform"], "owner", json!("platform")),
        (
            &["--label", "team=core", "--label", "tier=1"],
            "labels",
            json!({ "team": "core", "tier": "1" }),
        ),
        // Exactly those given: the other one goes.
        (&["--label", "team=web"], "labels", json!({ "team": "web" })),
        (
            &["--allow", "203.0.113.0/24", "--allow", "198.51.100.7"],
            "allow",
            json!(["203.0.113.0/24", "198.51.100.7/32"]),
        ),
    ] {
        let mut expected_key = sandbox.show("ci");
        expected_key[field] = expected;
        let rows = actions(&sandbox, 0).len();
        let run = || ensure(&sandbox, &[&["ci", "--out", "F"], flags].concat());
        assert_eq!(run()["action"], "updated", "{flags:?}");
        assert_eq!(actions(&sandbox, rows), ["key.set"], "{flags:?}");
        assert_eq!(sandbox.show("ci"), expected_key);
        let store = sandbox.store_bytes();
        assert_eq!(run()["action"], "unchanged", "{flags:?}");
        let plain = ensure(&sandbox, &["ci", "--out", "F"]);
        assert_eq!(plain["action"], "unchanged", "{flags:?}");
        assert!(sandbox.store_bytes() == store, "{flags:?}");
    }
    assert_eq!(Stamp::of(sandbox.home().join("F")), file);
}

#[test]
fn scopes_in_another_order_are_the_same() {
    let sandbox = Sandbox::with_policy("acme", "[scopes.read]\n[scopes.write]\n");
    let scopes = ["--scope", "write", "--scope", "read"];
    ensure(&sandbox, &[&["ci", "--out", "F"], &scopes[..]].concat());
    let before = sandbox.store_bytes();
    let turned = ["ci", "--out", "F", "--scope", "read", "--scope", "write"];
    assert_eq!(ensure(&sandbox, &turned)["action"], "unchanged");
    assert!(sandbox.store_bytes() == before);
    let unknown = ["ci", "--out", "F", "--scope", "nobody"];
    assert_refused(&sandbox, &unknown, "F", 5, "invalid_scope");
}

#[test]
fn a_new_key_has_what_was_asked_for() {
    let sandbox = Sandbox::new();
    let flags = [
        "ci",
        "-e",
        "test",
        "--expires",
        "90d",
        "--owner",
        "me",
        "--label",
        "a=b",
        "--allow",
        "203.0.113.0/24",
        "--out",
        "F",
    ];
    let key = ensure(&sandbox, &flags);
    assert_about(moment(&key, "expiresAt"), now() + 90 * DAY);
    assert_eq!(key["environment"], "test");
    assert_eq!(key["owner"], "me");
    assert_eq!(key["labels"], json!({ "a": "b" }));
    assert_eq!(key["allow"], json!(["203.0.113.0/24"]));
    // The same name in another environment is another key.
    let live = ensure(&sandbox, &["ci", "--out", "G"]);
    assert_eq!(live["action"], "created");
    assert_eq!(ensure(&sandbox, &flags)["action"], "unchanged");
}

#[test]
fn a_key_that_is_paused_or_somebody_elses_is_a_conflict() {
    let sandbox = Sandbox::new();
    ensure(&sandbox, &["paused", "--out", "F"]);
    sandbox.keyward(["disable", "paused"]).ok();
    sandbox.mint_with("held", &["--hold"]);
    for name in ["paused", "held"] {
        for flags in [&[][..], &["--rotate-if-missing"]] {
            let arguments = [&[name, "--out", "F"], flags].concat();
            assert_refused(&sandbox, &arguments, "F", 4, "conflict");
        }
        let arguments = [name, "--", "sh", "-c", "cat >received"];
        assert_refused(&sandbox, &arguments, "received", 4, "conflict");
    }
    sandbox.keyward(["enable", "paused"]).ok();
    let answer = ensure(&sandbox, &["paused", "--out", "F"]);
    assert_eq!(answer["action"], "unchanged");
}

#[test]
fn a_key_that_is_held_stays_held_although_its_secret_is_in_the_file() {
    let sandbox = Sandbox::new();
    sandbox.keyward(["mint", "ci", "--hold", "--out", "F"]).ok();
    let file = Stamp::of(sandbox.home().join("F"));
    let run = sandbox.keyward(["ensure", "ci", "--out", "F"]);
    run.refused(4, "conflict");
    assert_eq!(sandbox.show("ci")["status"], "pending");
    assert_eq!(Stamp::of(sandbox.home().join("F")), file);
    // Its holder lets it live, and then it is as it should be.
    let activate = sandbox.keyward(["activate"]).stdin(sandbox.line("F"));
    activate.ok();
    let unchanged = ensure(&sandbox, &["ci", "--out", "F"]);
    assert_eq!(unchanged["action"], "unchanged", "{unchanged:#}");
}

#[test]
fn a_calling_key_that_may_not_mint_ensures_nothing() {
    let sandbox = Sandbox::with_workspace("sw", &["--preset", "scrapewise"]);
    sandbox.file("agent", &sandbox.mint_with("agent", &["--scope", "LLM_FULL"]));
    sandbox.file("user", &sandbox.mint_with("user", &["--scope", "USER"]));
    // The calling key's use is recorded, so that it is the trail that is compared.
    let rows = actions(&sandbox, 0).len();
    let wanted = ["new", "--scope", "LLM_READ", "--out", "F"];
    let run = |caller: &str| sandbox.keyward(["ensure", "--as", caller]).args(wanted);
    run("agent").refused(5, "scope_rejected");
    assert_eq!(actions(&sandbox, rows), [""; 0]);
    assert!(!sandbox.home().join("F").exists());
    let created = run("user").answer();
    assert_eq!(created["action"], "created");
    assert_eq!(created["scopes"], json!(["LLM_READ"]));
    // Nor may it change a key: only the operator sets fields in this workspace.
    let update = ["new", "--owner", "me", "--out", "F"];
    let run = sandbox.keyward(["ensure", "--as", "user"]).args(update);
    run.refused(5, "scope_rejected");
}

#[test]
fn a_calling_key_that_may_not_list_learns_nothing_of_other_keys() {
    let sandbox = Sandbox::new();
    // The policy lets no key manage any.
    sandbox.workspace("az", &["--preset", "azscraper"]);
    sandbox.file("caller", &sandbox.mint("caller"));
    ensure(&sandbox, &["ci", "--owner", "platform", "--out", "F"]);
    let show = sandbox.keyward(["show", "ci", "--as", "caller"]);
    show.refused(5, "scope_rejected");
    let run = sandbox.keyward(["ensure", "ci", "--as", "caller", "--", "cat"]);
    run.refused(5, "scope_rejected");
}

#[test]
fn a_person_reads_what_was_done_to_have_the_key() {
    let sandbox = Sandbox::new();
    sandbox.expect_transcripts(
        r#"
$ keyward ensure web --out web.key
------- stderr -------
created the store ~/.local/share/keyward/keyward.db
created the workspace "default"
minted web in default/live
  id       <id>
  prefix   <prefix>
  expires  never
the secret is in web.key, shown only this once
[exit status: 0]
$ keyward ensure web --out web.key
------- stderr -------
no change: web (<id>) is up to date
[exit status: 0]
$ keyward ensure web --out web.key --owner platform
------- stderr -------
updated web (<id>)
[exit status: 0]
$ rm web.key && keyward ensure web --out web.key
------- stderr -------
error: "web.key" does not contain the secret of web (<id>): it does not exist
hint: put it back, or pass --rotate-if-missing to replace it; see `keyward show <id>`
[exit status: 4]
$ keyward ensure web --out web.key --rotate-if-missing
------- stderr -------
rotated web in default/live
  id       <id>
  prefix   <prefix>
  expires  never
  old key  <id> expires in 24 hours
the secret is in web.key, shown only this once
[exit status: 0]
$ keyward ensure ci --out web.key
------- stderr -------
error: "web.key" contains the secret of another key, web (<id>)
hint: deliver each key to its own file, or pass --rotate-if-missing to replace it
[exit status: 4]
$ keyward ensure ci -- false
------- stderr -------
error: "false" ended with exit status 1; the key is void
[exit status: 16]
"#,
    );
}

#[test]
fn a_run_that_takes_a_killed_one_up_keeps_what_was_changed_since() {
    let sandbox = Sandbox::new();
    let asked = ["ensure", "ci", "--owner", "a", "--expires", "30d"];
    Held::start(sandbox.home(), sandbox.keyward(asked)).killed();
    let change = |key: &str| {
        let set = ["set", key, "--owner", "b", "--label", "tier=b"];
        let set = sandbox.keyward(set);
        set.args(["--allow", "10.0.0.0/8", "--expires", "2d"]).ok();
        sandbox.show(key)
    };
    let assert_is = |key: &Value, changed: &Value| {
        for field in ["id", "labels", "allow", "expiresAt"] {
            assert_eq!(key[field], changed[field], "{field}");
        }
        // What is asked for again holds.
        assert_eq!(key["owner"], "a");
        assert_ne!(key["keyHint"], changed["keyHint"]);
    };
    let changed = change(&sandbox.id_of("ci"));
    let out = sandbox.keyward(asked).args(["--out", "F"]).answer();
    assert_is(&out, &changed);
    sandbox.verdict(&sandbox.line("F"), &["--ip", "10.0.0.1"], 0, "valid");

    let due = ["--rotate-before", "20d", "--grace", "1h"];
    let rotate = || sandbox.keyward(asked).args(due);
    Held::start(sandbox.home(), rotate()).killed();
    let pending = sandbox.keys(&["--status", "pending"]);
    let changed = change(&text(&pending[0], "id"));
    let out = rotate().args(["--out", "F", "--rotate-if-missing"]);
    assert_is(&out.answer(), &changed);
    sandbox.verdict(&sandbox.line("F"), &["--ip", "10.0.0.1"], 0, "valid");
}
