//! `-o value=FIELD`: one field of each record, a line each, and which fields there are.

use crate::support::{Sandbox, text};

/// What a run prints with one field.
fn lines(sandbox: &Sandbox, arguments: &[&str], field: &str) -> Vec<String> {
    let run = sandbox.keyward(arguments).args(["-o", &format!("value={field}")]);
    run.ok().stdout.lines().map(str::to_owned).collect()
}

#[test]
fn a_listing_prints_the_field_of_each_record() {
    let sandbox = Sandbox::with_keys(&["a", "b"]);
    let list = |field: &str| lines(&sandbox, &["list"], field);
    assert_eq!(list("name"), ["a", "b"]);
    assert_eq!(list("id"), [sandbox.id_of("a"), sandbox.id_of("b")]);
    assert_eq!(list("expiresAt"), ["", ""], "what is null is an empty line");
    assert_eq!(lines(&sandbox, &["show", "a"], "status"), ["active"]);
    assert_eq!(lines(&sandbox, &["workspace", "list"], "name"), ["default"]);
    assert_eq!(lines(&sandbox, &["audit", "list", "--limit", "1"], "action"), ["key.activate"]);
    assert_eq!(lines(&sandbox, &["check", "--older-than", "1d"], "remedy"), [""; 0]);
    assert_eq!(lines(&sandbox, &["revoke", "a", "b", "--yes"], "changed"), ["true", "true"]);
    assert_eq!(list("name"), [""; 0]);
}

#[test]
fn a_name_cannot_break_its_line() {
    let sandbox = Sandbox::new();
    sandbox.mint_with("ci", &["--owner", "::add-mask::x"]);
    let scoped = lines(&sandbox, &["show", "ci"], "owner");
    assert!(!scoped[0].starts_with("::"), "{scoped:?}");
}

#[test]
fn a_minted_secret_is_a_field_and_no_other_takes_its_place_on_stdout() {
    let sandbox = Sandbox::new();
    let secret = lines(&sandbox, &["mint", "ci"], "key").concat();
    sandbox.verdict(&secret, &[], 0, "valid");
    let run = sandbox.keyward(["mint", "cd", "-o", "value=id"]);
    assert_eq!(run.exit(2).stdout, "");
    assert_eq!(sandbox.listed(&[]), ["ci"], "a key was minted without a sink");
    let id = lines(&sandbox, &["mint", "cd", "--out", "cd.key"], "id").concat();
    assert_eq!(id, sandbox.id_of("cd"));
    let secret = sandbox.line("cd.key");
    sandbox.verdict(&secret, &[], 0, "valid");
    let old = lines(&sandbox, &["rotate", "cd", "--out", "new.key"], "replaces");
    assert_eq!(old, [id]);
}

#[test]
fn an_unknown_field_is_refused_before_anything_is_done() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    for (words, known) in [
        (&["revoke", "ci", "--yes"][..], "changed"),
        (&["rename", "ci", "cd"], "alsoChanged"),
        (&["workspace", "create", "acme"], "preset"),
        (&["list"], "expiresAt"),
        (&["usage"], "refusedBy"),
        (&["apply", "nothing.toml"], "action"),
    ] {
        let run = sandbox.keyward(words).args(["-o", "value=nmae"]).exit(2);
        assert_eq!(run.stdout, "");
        assert!(run.stderr.contains("\"nmae\""), "{}", run.stderr);
        assert!(run.stderr.contains(known), "{words:?}: {}", run.stderr);
    }
    assert_eq!(sandbox.listed(&["--all"]), ["ci"]);
    let error = sandbox.keyward(["list", "-o", "vlaue=id"]).refused(2, "usage");
    assert!(text(&error, "message").contains("value=FIELD"), "{error:#}");
}

#[test]
fn apply_and_verify_have_fields_too() {
    let sandbox = Sandbox::new();
    let secret = sandbox.mint("ci");
    let run = sandbox.keyward(["verify", "-o", "value=code"]).stdin(&secret).ok();
    assert_eq!(run.stdout, "valid\n");
    let run = sandbox.keyward(["verify", "-o", "value=subject"]).stdin(&secret).ok();
    assert_eq!(run.stdout.trim_end(), sandbox.id_of("ci"));
    let manifest = "[workspace.default]\n[[key]]\nworkspace = \"default\"\nenvironment = \"live\"\nname = \"cd\"\ndeliver = { out = \"cd.key\" }\n";
    sandbox.file("keys.toml", manifest);
    let applied = lines(&sandbox, &["apply", "keys.toml"], "action");
    assert_eq!(applied, ["created"]);
}
