//! What a key or a workspace may be called: text in Unicode's form NFC in which nothing is invisible, and that no other key
//! is found by.

use serde_json::json;

use crate::support::{Sandbox, text, token};
use crate::transfer::{hex, import, line};

const COMPOSED: &str = "caf\u{e9}";
const DECOMPOSED: &str = "cafe\u{301}";

#[test]
fn a_name_is_stored_composed_and_found_in_either_form() {
    let sandbox = Sandbox::new();
    let minted = sandbox.keyward(["mint", DECOMPOSED, "--json"]).ok().json();
    assert_eq!(text(&minted, "name"), COMPOSED);
    let id = text(&minted, "id");
    for name in [COMPOSED, DECOMPOSED] {
        assert_eq!(sandbox.id_of(name), id);
        assert_eq!(sandbox.listed(&["--name", name]), [COMPOSED]);
        sandbox.refuses(&["mint", name], 4, "name_taken");
    }
    sandbox.keyward(["rename", DECOMPOSED, "x"]).ok();
    sandbox.keyward(["rename", "x", DECOMPOSED]).ok();
    assert_eq!(text(&sandbox.show(&id), "name"), COMPOSED);
    sandbox.workspace(DECOMPOSED, &[]);
    sandbox.refuses(&["workspace", "create", COMPOSED], 4, "name_taken");
    for name in [COMPOSED, DECOMPOSED] {
        let shown = sandbox.keyward(["workspace", "show", name]).answer();
        assert_eq!(text(&shown, "name"), COMPOSED);
        sandbox.keyward(["list"]).env("KEYWARD_WORKSPACE", name).ok();
    }
    // 64 characters once they are composed.
    sandbox.mint_with(&"e\u{301}".repeat(64), &["-w", "default"]);
    let long = "e\u{301}".repeat(65);
    sandbox.refuses(&["mint", &long], 2, "invalid_name");
}

#[test]
fn a_manifest_and_an_import_mean_the_same_key_in_either_form() {
    let sandbox = Sandbox::new();
    sandbox.mint(COMPOSED);
    let wanted = line(DECOMPOSED, "another-systems-secret", &json!({}));
    import(&sandbox, &wanted).exit(4);
    let manifest = format!(
        "[workspace.default]\n[[key]]\nworkspace = 'default'\nname = '{DECOMPOSED}'\ndeliver = {{ command = ['cat'] }}\n"
    );
    let manifest = sandbox.file("keys.toml", &manifest);
    let run = sandbox.keyward(["apply", "--prune", "--yes", "--json"]).args([&manifest]);
    run.ok();
    assert_eq!(sandbox.listed(&["--all"]), [COMPOSED]);
    sandbox.keyward(["ensure", DECOMPOSED, "--", "cat"]).ok();
    assert_eq!(sandbox.listed(&["--all"]), [COMPOSED]);
}

/// An older keyward took a name as it was typed.
#[test]
fn a_name_that_is_stored_decomposed_stays_usable() {
    let sandbox = Sandbox::with_keys(&["old"]);
    sandbox.workspace("older", &[]);
    sandbox.rewrite(&format!(
        "UPDATE key SET name = '{DECOMPOSED}'; UPDATE workspace SET name = '{DECOMPOSED}' WHERE name = 'older'"
    ));
    for name in [DECOMPOSED, COMPOSED] {
        let shown = sandbox.keyward(["-w", "default", "show", name]).answer();
        assert_eq!(text(&shown, "name"), DECOMPOSED);
        sandbox.refuses(&["-w", "default", "mint", name], 4, "name_taken");
        let shown = sandbox.keyward(["workspace", "show", name]).answer();
        assert_eq!(text(&shown, "name"), DECOMPOSED);
        sandbox.refuses(&["workspace", "create", name], 4, "name_taken");
    }
    sandbox.keyward(["-w", "default", "rotate", DECOMPOSED]).ok();
    let renamed = sandbox.keyward(["-w", "default", "rename", DECOMPOSED, COMPOSED, "--json"]);
    assert_eq!(text(&renamed.ok().json(), "name"), COMPOSED);
    sandbox.keyward(["workspace", "rename", DECOMPOSED, COMPOSED]).ok();
    let shown = sandbox.keyward(["workspace", "show", COMPOSED]).answer();
    assert_eq!(text(&shown, "name"), COMPOSED);
}

#[test]
fn names_with_blank_looking_characters_are_refused() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    for character in [
        '\u{a0}',
        '\u{ad}',
        '\u{34f}',
        '\u{115f}',
        '\u{1160}',
        '\u{1680}',
        '\u{180e}',
        '\u{2000}',
        '\u{2003}',
        '\u{200a}',
        '\u{202f}',
        '\u{205f}',
        '\u{2800}',
        '\u{3000}',
        '\u{3164}',
        '\u{fe0f}',
        '\u{ffa0}',
        '\u{fffc}',
        '\u{13441}',
        '\u{16fe4}',
        '\u{1d159}',
        '\u{e0100}',
    ] {
        for name in [format!("a{character}b"), character.to_string()] {
            for command in
                [&["mint", &name][..], &["rename", "ci", &name], &["workspace", "create", &name]]
            {
                sandbox.keyward(command).refused(2, "invalid_name");
            }
            let wanted = line(&name, "another-systems-secret", &json!({}));
            import(&sandbox, &wanted).exit(2);
        }
    }
    sandbox.mint("a space");
}

#[test]
fn a_name_that_finds_another_key_is_taken() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    sandbox.mint("other");
    let shown = sandbox.show("ci");
    let (id, prefix, short) = (text(&shown, "id"), text(&shown, "prefix"), text(&shown, "short"));
    assert_eq!(token::parts(&secret, "kw_live_").short, short);
    let before = sandbox.head();
    let manifest = |name: &str| {
        format!(
            "[workspace.default]\n[[key]]\nworkspace = 'default'\nname = '{name}'\ndeliver = {{ out = 'x' }}\n"
        )
    };
    for name in [id.as_str(), &id[..10], &id[..15], &prefix, &short] {
        for command in [
            &["mint", name][..],
            &["ensure", name, "--out", "x"],
            &["mint", name, "-e", "test"],
            &["rename", "other", name],
        ] {
            sandbox.keyward(command).refused(4, "name_taken");
        }
        for flags in [&[][..], &["--check"]] {
            let run = sandbox.keyward(["apply", "-"]).args(flags);
            run.stdin(manifest(name)).exit(4);
        }
        import(&sandbox, &line(name, "another-systems-secret", &json!({}))).exit(4);
    }
    assert_eq!(sandbox.head(), before);
    // Too short to name a key by, and of another workspace.
    sandbox.mint(&id[..9]);
    sandbox.workspace("shop", &[]);
    sandbox.mint_with(&short, &["-w", "shop"]);
    sandbox.refuses(&["mint", &id, "-w", "shop"], 4, "name_taken");
    assert!(!hex(&secret).is_empty());
}

#[test]
fn a_manifest_may_write_a_workspace_in_either_form_but_not_twice() {
    let (composed, decomposed) = ("caf\u{e9}", "cafe\u{301}");
    for (table, named) in [(decomposed, decomposed), (decomposed, composed), (composed, decomposed)]
    {
        let sandbox = Sandbox::new();
        let manifest = format!(
            "[workspace.'{table}']\n[[key]]\nworkspace = '{named}'\nname = 'ci'\ndeliver = {{ out = 'ci.key' }}\n"
        );
        let apply = |flags: &[&str]| sandbox.keyward(["apply", "-"]).args(flags).stdin(&manifest);
        assert_eq!(apply(&["--check"]).exit(18).stderr, "", "{manifest}");
        apply(&[]).ok();
        apply(&["--check", "--prune"]).ok();
        assert_eq!(text(&sandbox.show("ci"), "workspace"), composed);
    }
    let twice = format!("[workspace.'{composed}']\n[workspace.'{decomposed}']\n");
    let sandbox = Sandbox::new();
    let apply = sandbox.keyward(["apply", "-", "--check"]).stdin(&twice);
    let error = apply.refused(2, "invalid_manifest");
    let message = text(&error, "message");
    assert!(message.contains("it is the same workspace as in line "), "{message}");
}
