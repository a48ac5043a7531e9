//! Manifests that are refused: nothing is done then, and the message names the line and the field.

use std::os::unix::fs::symlink;

use crate::apply::key;
use crate::support::files::names_in;
use crate::support::{Sandbox, text};

/// Asserts that this manifest is refused with these texts in its message, where there is no store and where there is
/// one with the workspace, and that nothing is made or changed.
#[track_caller]
fn assert_refused(manifest: &str, exit: i32, code: &str, told: &[&str]) {
    for has_store in [false, true] {
        let sandbox = Sandbox::new();
        if has_store {
            sandbox.workspace("acme", &[]);
        }
        sandbox.file("keys.toml", manifest);
        let bytes = || has_store.then(|| sandbox.store_bytes());
        let before = (names_in(sandbox.home()), bytes());
        for flags in [&[][..], &["--dry-run"], &["--check"], &["--prune", "--yes"]] {
            let run = || sandbox.keyward(["apply", "keys.toml"]).args(flags);
            let message = text(&run().refused(exit, code), "message");
            for told in told {
                assert!(message.contains(told), "{told:?} is not in {message:?}");
            }
            let plain = run().exit(exit);
            assert_eq!(plain.stdout, "");
            for output in [&message, &plain.stderr] {
                let is_harmless = |character: char| character == '\n' || !character.is_control();
                assert!(output.chars().all(is_harmless), "{output:?}");
                assert!(!output.contains(['\u{202e}', '\u{200b}']), "{output:?}");
            }
            let after = (names_in(sandbox.home()), bytes());
            assert!(before == after, "{flags:?}: {manifest}: something was made");
        }
    }
}

/// A manifest of a good key, whose sink must not come into being, and these lines after it, from the 7th on.
fn after_a_good_key(lines: &str) -> String {
    let good = key("acme", "good", "owner = \"me\"", "out = \"good.key\"");
    format!("[workspace.acme]{good}{lines}")
}

/// A manifest with these lines in its second key, from the 10th on.
fn in_a_key(lines: &str) -> String {
    let head = "[[key]]\nworkspace = \"acme\"\nname = \"bad\"\n";
    after_a_good_key(&format!("{head}{lines}\n"))
}

const OUT: &str = "deliver = { out = \"bad.key\" }";

#[test]
fn fields_that_are_unknown_missing_or_twice() {
    for (lines, told) in [
        (format!("{OUT}\nskopes = []"), ["line 11", "skopes"]),
        (format!("{OUT}\nname = \"again\""), ["line 11", "name"]),
        ("deliver = { out = \"F\", vra = \"x\" }".to_owned(), ["line 10", "vra"]),
        ("owner = \"me\"".to_owned(), ["line 7", "deliver"]),
    ] {
        assert_refused(&in_a_key(&lines), 2, "invalid_manifest", &told);
    }
    let nameless = format!("[[key]]\nworkspace = \"acme\"\n{OUT}\n");
    let nameless = after_a_good_key(&nameless);
    assert_refused(&nameless, 2, "invalid_manifest", &["line 7", "name"]);
    let homeless = after_a_good_key(&format!("[[key]]\nname = \"bad\"\n{OUT}\n"));
    assert_refused(&homeless, 2, "invalid_manifest", &["line 7", "workspace"]);
    for (lines, told) in [
        ("[workspace.acme]\n", ["line 7", "duplicate"]),
        ("[workspace.two]\nprest = \"default\"\n", ["line 8", "prest"]),
        ("[workspaces.two]\n", ["line 7", "workspaces"]),
        ("[[keys]]\n", ["line 7", "keys"]),
    ] {
        assert_refused(&after_a_good_key(lines), 2, "invalid_manifest", &told);
    }
}

#[test]
fn values_of_a_wrong_form() {
    for (line, field) in [
        ("expires = \"soon\"", "expires"),
        ("expires = 90", "expires"),
        ("rotate_before = \"14 days\"", "rotate_before"),
        ("rotate_before = \"-14d\"", "rotate_before"),
        ("grace = \"\"", "grace"),
        ("scopes = \"read\"", "scopes"),
        ("scopes = [1]", "scopes"),
        ("allow = [\"203.0.113.0/33\"]", "allow"),
        ("owner = \"\"", "owner"),
        ("owner = \"a\\u0007\"", "owner"),
        ("labels = { \"a b\" = \"c\" }", "labels"),
        ("labels = [\"a=b\"]", "labels"),
        ("environment = 3", "environment"),
    ] {
        let manifest = in_a_key(&format!("{line}\n{OUT}"));
        assert_refused(&manifest, 2, "invalid_manifest", &["line 10", field]);
    }
}

#[test]
fn text_that_is_no_toml() {
    for (text, line) in [
        ("this is not TOML", "line 1"),
        ("[workspace.acme]\n[[key]\n", "line 2"),
        ("[workspace.acme]\n\n\npreset = \"default\n", "line 4"),
        ("{\"workspace\": {}}", "line 1"),
        ("[workspace.acme]\npreset = \u{1}\n", "line 2"),
    ] {
        assert_refused(text, 2, "invalid_manifest", &[line]);
    }
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.home().join("keys.toml"), b"[workspace.acme]\n\xff").expect("written");
    sandbox.keyward(["apply", "keys.toml"]).exit(2);
    sandbox.keyward(["apply", "missing.toml"]).exit(2);
    let run = sandbox.keyward(["apply", "-"]).stdin("nonsense");
    run.refused(2, "invalid_manifest");
    assert!(!sandbox.store_path().exists());
}

#[test]
fn names_that_are_none_are_shown_escaped() {
    let named = |name: &str| {
        let key = key("acme", name, "", "out = \"bad.key\"");
        after_a_good_key(&key)
    };
    for (name, told) in [
        ("a\\u001b[31mb", "U+001B"),
        ("a\\u202eb", "U+202E"),
        ("a\\u200bb", "U+200B"),
        ("a\\nb", "U+000A"),
        ("", "name"),
        (" a", "name"),
    ] {
        assert_refused(&named(name), 2, "invalid_manifest", &["line 10", "name", told]);
        let workspace = after_a_good_key(&format!("[workspace.\"{name}\"]\n"));
        assert_refused(&workspace, 2, "invalid_manifest", &["line 7", "workspace"]);
    }
    let escape = "\\u{1b}";
    let workspace =
        in_a_key(OUT).replace("\"acme\"\nname = \"bad\"", "\"a\\u001bb\"\nname = \"bad\"");
    assert_refused(&workspace, 2, "invalid_manifest", &["line 8", "workspace", escape]);
    let preset = after_a_good_key("[workspace.two]\npreset = \"a\\u001bb\"\n");
    assert_refused(&preset, 2, "invalid_manifest", &["line 8", "preset", escape]);
}

#[test]
fn an_unknown_field_is_shown_escaped() {
    let field = in_a_key(&format!("{OUT}\n\"a\\u001b\\u202eb\" = 1"));
    assert_refused(&field, 2, "invalid_manifest", &["line 11", "\\u{1b}"]);
}

#[test]
fn workspaces_the_manifest_does_not_have_and_presets_there_are_not() {
    let stray = after_a_good_key(&key("acne", "bad", "", "out = \"bad.key\""));
    assert_refused(&stray, 2, "invalid_manifest", &["line 9", "workspace", "acne"]);
    let preset = after_a_good_key("[workspace.two]\npreset = \"nonesuch\"\n");
    assert_refused(&preset, 2, "invalid_manifest", &["line 8", "preset", "nonesuch"]);
    let both = after_a_good_key("[workspace.two]\npreset = \"default\"\npolicy = \"p.toml\"\n");
    assert_refused(&both, 2, "invalid_manifest", &["line 9", "policy"]);
}

#[test]
fn sinks_that_are_none_or_two() {
    for deliver in [
        "",
        "out = \"a\", github_env = \"A\"",
        "out = \"a\", dotenv = \".env\", var = \"A\"",
        "dotenv = \".env\"",
        "var = \"A\"",
        "command = []",
        "command = \"cat\"",
        "stdout = true",
    ] {
        let manifest = in_a_key(&format!("deliver = {{ {deliver} }}"));
        assert_refused(&manifest, 2, "invalid_manifest", &["line 10", "deliver"]);
    }
}

#[test]
fn a_key_that_is_there_twice() {
    for (one, other) in [
        ("", ""),
        ("environment = \"live\"", ""),
        ("", "environment = \"live\""),
        ("environment = \"test\"", "environment = \"test\""),
    ] {
        let manifest = format!(
            "[workspace.acme]{}{}",
            key("acme", "ci", one, "out = \"a.key\""),
            key("acme", "ci", other, "out = \"b.key\"")
        );
        let told = ["line 8", "name", "line 2"];
        assert_refused(&manifest, 2, "invalid_manifest", &told);
    }
}

#[test]
fn two_keys_in_one_place() {
    for (one, other) in [
        ("out = \"a.key\"", "out = \"a.key\""),
        ("out = \"a.key\"", "out = \"./b/../a.key\""),
        ("out = \"a.key\"", "dotenv = \"a.key\", var = \"A\""),
        ("dotenv = \".env\", var = \"A\"", "dotenv = \"./.env\", var = \"A\""),
        ("github_env = \"A\"", "github_env = \"A\""),
    ] {
        let manifest = format!(
            "[workspace.acme]{}{}",
            key("acme", "one", "", one),
            key("acme", "two", "", other)
        );
        let told = ["line 12", "deliver", "line 2"];
        assert_refused(&manifest, 2, "invalid_manifest", &told);
    }
}

#[test]
fn two_keys_in_one_place_by_two_paths_are_never_both_live() {
    let sandbox = Sandbox::with_workspace("acme", &[]);
    symlink(".", sandbox.home().join("link")).expect("a link can be made");
    let absolute = sandbox.home().to_string_lossy().into_owned();
    for folder in [absolute.as_str(), "link"] {
        for (one, other) in [
            ("out = \"F\"", format!("out = \"{folder}/F\"")),
            (
                "dotenv = \".env\", var = \"KEY\"",
                format!("dotenv = \"{folder}/.env\", var = \"KEY\""),
            ),
        ] {
            let manifest = format!(
                "[workspace.acme]{}{}",
                key("acme", "one", "", one),
                key("acme", "two", "", &other)
            );
            sandbox.file("keys.toml", &manifest);
            let output = sandbox.keyward(["apply", "keys.toml"]).run();
            // The second would take the first one's place, and leave it without a holder.
            assert_ne!(output.status, 0, "{other}: {}", output.transcript());
            for name in sandbox.listed(&["-w", "acme"]) {
                sandbox.keyward(["revoke", &name, "-w", "acme", "--yes"]).ok();
            }
        }
    }
}

#[test]
fn what_the_policy_refuses_is_told_with_its_line() {
    for (line, code, told) in [
        ("scopes = [\"nobody\"]", "invalid_scope", "nobody"),
        ("environment = \"nowhere\"", "invalid_environment", "nowhere"),
        ("expires = \"2001-01-01\"", "invalid_expiry", "expiry"),
        ("scopes = [\"a\\u001bb\"]", "invalid_scope", "\\u{1b}"),
    ] {
        let manifest = in_a_key(&format!("{line}\n{OUT}"));
        assert_refused(&manifest, 5, code, &["line 7", told]);
    }
}

#[test]
fn a_life_that_every_run_would_rotate_is_refused_before_anything_is_done() {
    let lines = format!("expires = \"10d\"\nrotate_before = \"14d\"\n{OUT}");
    assert_refused(&in_a_key(&lines), 5, "invalid_expiry", &["line 7"]);
}

#[test]
fn a_policy_that_cannot_be_used_is_told_with_its_file() {
    let sandbox = Sandbox::new();
    let manifest = after_a_good_key("[workspace.two]\npolicy = \"policy.toml\"\n");
    sandbox.file("keys.toml", &manifest);
    let run = || sandbox.keyward(["apply", "keys.toml"]);
    let told = |policy: Option<&str>, code: &str| {
        if let Some(policy) = policy {
            sandbox.file("policy.toml", policy);
        }
        let message = text(&run().refused(2, code), "message");
        assert!(message.contains("policy.toml"), "{message}");
        assert!(!sandbox.store_path().exists());
    };
    told(None, "usage");
    told(Some("tokn = \"x\"\n"), "invalid_policy");
    told(Some("token = \"{secret:4}\"\n"), "invalid_policy");
    assert!(!sandbox.home().join("good.key").exists());
    sandbox.file("policy.toml", "prefix = \"two\"\n");
    assert_eq!(run().answer()["changes"][0]["action"], "created");
}

#[test]
fn a_sink_that_cannot_work_is_told_with_its_line() {
    let sandbox = Sandbox::new();
    sandbox.file("taken", "precious\n");
    symlink("taken", sandbox.home().join("link")).expect("a link can be made");
    std::fs::create_dir(sandbox.home().join("folder")).expect("a folder can be made");
    for deliver in [
        "out = \"taken\"",
        "out = \"link\"",
        "out = \"folder\"",
        "dotenv = \"link\", var = \"A\"",
        "dotenv = \"folder\", var = \"A\"",
    ] {
        let manifest = in_a_key(&format!("deliver = {{ {deliver} }}"));
        sandbox.file("keys.toml", &manifest);
        let run = sandbox.keyward(["apply", "keys.toml"]);
        let error = run.refused(16, "delivery_failed");
        assert!(text(&error, "message").starts_with("line 7: bad: "), "{error:#}");
        assert!(!sandbox.store_path().exists(), "{deliver} made a store");
        assert!(!sandbox.home().join("good.key").exists());
        assert_eq!(sandbox.text("taken"), "precious\n");
    }
}

#[test]
fn two_keys_that_go_to_one_file_are_refused_however_its_path_is_written() {
    let sandbox = Sandbox::new();
    let home = sandbox.home();
    std::fs::create_dir(home.join("real")).expect("a folder");
    symlink("real", home.join("linked")).expect("a link");
    let absolute = |name: &str| home.join(name).display().to_string();
    let out = |path: &str| format!("out = \"{path}\"");
    let dotenv = |path: &str| format!("dotenv = \"{path}\", var = \"KEY\"");
    for (one, other) in [
        (out("real/a"), out("linked/a")),
        (out("a"), out(&absolute("a"))),
        (out("real/new/folder/a"), out("linked/new/folder/a")),
        (out("real/a"), dotenv("linked/a")),
        (dotenv("real/.env"), dotenv(&absolute("linked/.env"))),
    ] {
        let key = |name: &str, deliver: &str| {
            format!("[[key]]\nworkspace = \"acme\"\nname = \"{name}\"\ndeliver = {{ {deliver} }}\n")
        };
        let text = format!("[workspace.acme]\n{}{}", key("x", &one), key("y", &other));
        sandbox.file("keys.toml", &text);
        for flags in [&[][..], &["--check"], &["--dry-run"]] {
            let run = sandbox.keyward(["apply", "keys.toml"]).args(flags);
            let error = run.refused(2, "invalid_manifest");
            let message = error["message"].as_str().unwrap_or_default();
            assert_eq!(message, "line 6: y: deliver: the key in line 2 already goes to that file");
        }
        assert!(!sandbox.store_path().exists());
    }
    let text = "[workspace.acme]\n\
        [[key]]\nworkspace = \"acme\"\nname = \"x\"\ndeliver = { dotenv = \"real/.env\", var = \"X\" }\n\
        [[key]]\nworkspace = \"acme\"\nname = \"y\"\ndeliver = { dotenv = \"linked/.env\", var = \"Y\" }\n";
    sandbox.file("keys.toml", text);
    sandbox.keyward(["apply", "keys.toml"]).ok();
    let again = sandbox.keyward(["apply", "keys.toml"]).answer();
    let actions = again["changes"].as_array().expect("a list").iter();
    assert!(actions.map(|change| &change["action"]).all(|action| action == "unchanged"));
}

#[test]
fn a_runners_file_is_no_place_for_another_secret() {
    for (one, other) in [
        ("github_env = \"ONE\"", "dotenv = \"runner\", var = \"TWO\""),
        ("dotenv = \"runner\", var = \"ONE\"", "github_env = \"TWO\""),
        ("github_env = \"ONE\"", "out = \"runner\""),
        ("github_output = \"one\"", "dotenv = \"runner\", var = \"TWO\""),
    ] {
        let sandbox = Sandbox::new();
        let file = sandbox.file("runner", "");
        let text = format!(
            "[workspace.acme]\n{}{}",
            key("acme", "one", "", one),
            key("acme", "two", "", other)
        );
        sandbox.file("keys.toml", &text);
        for flags in [&["--check"][..], &["--dry-run"], &[]] {
            let run = sandbox.keyward(["apply", "keys.toml"]).args(flags);
            let run = run.env("GITHUB_ENV", &file).env("GITHUB_OUTPUT", &file);
            let error = run.refused(2, "invalid_manifest");
            let message = error["message"].as_str().unwrap_or_default();
            assert!(message.contains("deliver: the key in line"), "{message}");
        }
        assert_eq!(sandbox.text("runner"), "");
        assert!(!sandbox.store_path().exists());
    }
}
