//! `keyward show`: every way to name a key, and what happens when a name means several.

use crate::support::{Sandbox, text};

#[test]
fn a_key_is_found_by_its_id_prefix_short_part_and_name() {
    let sandbox = Sandbox::with_keys(&["ci", "other"]);
    let key = sandbox.show("ci");
    for field in ["id", "prefix", "short", "name"] {
        assert_eq!(sandbox.show(&text(&key, field)), key, "by {field}");
    }
    for length in 6..16 {
        assert_eq!(
            sandbox.show(&text(&key, "id")[.."key_".len() + length]),
            key,
            "by {length} of the id"
        );
    }
}

#[test]
fn an_id_beginning_shorter_than_six_is_no_selector() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let id = sandbox.id_of("ci");
    sandbox.keyward(["show", &id["key_".len()..][..5]]).refused(3, "key_not_found");
    sandbox.keyward(["show", &id[.."key_".len() + 5]]).refused(3, "key_not_found");
}

#[test]
fn an_id_beginning_that_fits_two_keys_is_ambiguous() {
    let sandbox = Sandbox::new();
    for (name, id) in [("a", "key_aaaaaa0000000001"), ("b", "key_aaaaaa0000000002")] {
        sandbox.mint(name);
        sandbox.rewrite(&format!("UPDATE key SET id = '{id}' WHERE name = '{name}'"));
    }
    let error = sandbox.keyward(["show", "key_aaaaaa"]).refused(4, "ambiguous").to_string();
    assert!(
        error.contains("key_aaaaaa0000000001"),
        "the error does not list the candidates: {error}"
    );
    assert!(
        error.contains("key_aaaaaa0000000002"),
        "the error does not list the candidates: {error}"
    );
    assert_eq!(sandbox.id_of("key_aaaaaa0000000002"), "key_aaaaaa0000000002");
}

#[test]
fn a_name_in_two_environments_needs_the_environment() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    sandbox.mint_with("ci", &["-e", "test"]);
    let error = sandbox.keyward(["show", "ci"]).refused(4, "ambiguous").to_string();
    for environment in ["live", "test"] {
        let key = sandbox.keyward(["show", "ci", "-e", environment]).answer();
        assert_eq!(key["environment"], environment);
        assert!(error.contains(&text(&key, "id")), "the error does not list {key:#}: {error}");
    }
}

#[test]
fn a_name_means_the_living_key_before_the_dead_one() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let dead = sandbox.id_of("ci");
    sandbox.keyward(["revoke", "ci", "--yes"]).ok();
    assert_eq!(sandbox.id_of("ci"), dead);
    sandbox.mint("ci");
    assert_ne!(sandbox.id_of("ci"), dead);
    assert_eq!(sandbox.show(&dead)["status"], "revoked");
}

#[test]
fn a_name_that_nobody_holds_means_the_key_that_had_it_last() {
    let sandbox = Sandbox::new();
    for _ in 0..2 {
        sandbox.mint("ci");
        sandbox.keyward(["revoke", "ci", "--yes"]).ok();
    }
    let records = sandbox.keyward(["list", "--all"]).answer();
    assert_eq!(sandbox.show("ci")["id"], records["keys"][1]["id"]);
}

#[test]
fn an_exact_name_is_exact() {
    let sandbox = Sandbox::with_keys(&["production"]);
    for near in ["Production", "prod", "production ", "productio%"] {
        sandbox.refuses(&["show", near], 3, "key_not_found");
    }
}

#[test]
fn an_unknown_key_is_not_found_with_and_without_a_store() {
    let sandbox = Sandbox::new();
    if sandbox.place().is_none() {
        sandbox.refuses(&["show", "ci"], 3, "store_not_found");
        assert!(!sandbox.store_path().exists(), "looking made a store");
    }
    sandbox.mint("ci");
    let error = sandbox.keyward(["show", "cd"]).refused(3, "key_not_found");
    assert!(text(&error, "message").contains("cd"), "the message does not name the key: {error:#}");
}

#[test]
fn a_failure_for_people_is_an_error_line_on_stderr() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    sandbox.expect_transcripts(
        r#"
$ keyward show cd
------- stderr -------
error: no key "cd" in workspace default
hint: did you mean ci? `keyward list --all` shows every key
[exit status: 3]
"#,
    );
}

/// Two workspaces, neither chosen; the key `ci` is in `acme`.
fn two_workspaces() -> Sandbox {
    let sandbox = Sandbox::with_workspace("acme", &[]);
    sandbox.workspace("zenith", &[]);
    sandbox.mint_with("ci", &["-w", "acme"]);
    sandbox
}

#[test]
fn an_id_or_a_prefix_finds_its_key_in_every_workspace() {
    let sandbox = two_workspaces();
    let mut key = sandbox.keyward(["show", "ci", "-w", "acme"]).answer();
    if let Some(fields) = key.as_object_mut() {
        fields.remove("limits");
    }
    for field in ["id", "prefix"] {
        assert_eq!(sandbox.show(&text(&key, field)), key, "by {field}");
    }
    sandbox.refuses(&["show", &text(&key, "id"), "-w", "zenith"], 3, "key_not_found");
}

#[test]
fn a_name_is_looked_for_in_the_chosen_workspace_alone() {
    let sandbox = two_workspaces();
    sandbox.refuses(&["show", "ci", "-w", "zenith"], 3, "key_not_found");
    sandbox.refuses(&["revoke", "ci", "--yes"], 4, "ambiguous");
    sandbox.refuses(&["show", "ci"], 4, "ambiguous");
}

#[test]
fn people_see_the_fields_that_tell_keys_apart() {
    let sandbox = Sandbox::new();
    sandbox.mint_with("ci", &["--owner", "platform"]);
    let key = sandbox.show("ci");
    let shown = sandbox.keyward(["show", "ci"]).ok().stdout;
    for field in ["id", "name", "workspace", "environment", "prefix", "keyHint", "status", "owner"]
    {
        assert!(shown.contains(&text(&key, field)), "no {field} in\n{shown}");
    }
}

#[test]
fn a_person_reads_what_a_key_is_and_when_it_ended() {
    let sandbox = Sandbox::new();
    sandbox.mint_with("ci", &["--expires", "30d", "--owner", "platform"]);
    sandbox.mint_with("ci", &["-e", "test"]);
    sandbox.expect_transcripts(
        r#"
$ keyward show ci -e live
name         ci
id           <id>
workspace    default
environment  live
status       active
prefix       <prefix>
hint         …<hint>
created      <now> (<time>) by operator:<user>
last used    never
expires      in 30 days (<time>)
owner        platform
------- stderr -------
[exit status: 0]
$ keyward revoke ci -e test --yes --reason retired
------- stderr -------
revoked ci (<id>)
[exit status: 0]
$ keyward show ci -e test
name         ci
id           <id>
workspace    default
environment  test
status       revoked
prefix       <prefix>
hint         …<hint>
created      <now> (<time>) by operator:<user>
last used    never
expires      never
revoked      <now> (<time>)
reason       retired
------- stderr -------
[exit status: 0]
"#,
    );
}

#[test]
fn candidates_are_named_by_their_places_in_order() {
    let sandbox = Sandbox::new();
    let policy = "environments = [\"a\", \"b\", \"c\", \"d\", \"e\", \"f\"]\n";
    let policy = sandbox.file("policy.toml", policy);
    let create = sandbox.keyward(["workspace", "create", "acme", "--policy"]);
    create.args([policy]).ok();
    for environment in ["d", "b", "f", "a", "e", "c"] {
        sandbox.mint_with("ci", &["-e", environment]);
    }
    let error = sandbox.keyward(["show", "ci"]).refused(4, "ambiguous");
    let message = text(&error, "message");
    let places: Vec<usize> = ["a", "b", "c", "d", "e", "f"]
        .iter()
        .map(|environment| message.find(&format!("(acme/{environment} ci,")))
        .map(|place| place.expect("it is a candidate"))
        .collect();
    assert!(places.is_sorted(), "{message}");
}
