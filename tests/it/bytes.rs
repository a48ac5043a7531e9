//! Arguments, paths and variables are bytes: none is changed on its way. What has to be text and is none is refused.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use crate::support::{Output, Sandbox, names, text};

/// What is not UTF-8, and what a lossy reading makes of it.
const CAFE: &[u8] = b"caf\xe9.key";
const MANGLED: &str = "caf\u{fffd}.key";

fn os(bytes: &[u8]) -> &OsStr {
    OsStr::from_bytes(bytes)
}

/// These words, each as bytes.
fn words(words: &[&[u8]]) -> Vec<OsString> {
    let word = |bytes: &&[u8]| OsString::from_vec(bytes.to_vec());
    words.iter().map(word).collect()
}

/// What is in a folder, sorted.
fn entries(folder: &Path) -> Vec<OsString> {
    let entries = fs::read_dir(folder).expect("a folder can be read");
    let mut entries: Vec<OsString> =
        entries.map(|entry| entry.expect("an entry can be read").file_name()).collect();
    entries.sort();
    entries
}

#[test]
fn a_file_that_is_named_in_bytes_is_the_one_that_is_written() {
    let sandbox = Sandbox::with_keys(&["first"]);
    for (name, glued) in [("ci", false), ("deploy", true)] {
        let folder = sandbox.home().join(name);
        fs::create_dir(&folder).expect("made");
        let option = match glued {
            true => words(&[&[b"--out=", CAFE].concat()]),
            false => words(&[b"--out", CAFE]),
        };
        let minted = sandbox.keyward(["mint", name]).args(option).cwd(&folder);
        let said = minted.ok().stderr;
        assert_eq!(entries(&folder), [os(CAFE)]);
        assert!(said.contains("caf\\xe9.key"), "{said}");
        assert!(!said.contains('\u{fffd}'), "{said}");
        let secret = fs::read_to_string(folder.join(os(CAFE))).expect("text");
        sandbox.verdict(secret.trim_end(), &[], 0, "valid");
        let verified = sandbox.keyward(words(&[b"verify", b"--file", CAFE])).cwd(&folder);
        assert_eq!(verified.run().status, 0);
        let acting = sandbox.keyward(["whoami"]).env("KEYWARD_AS_FILE", os(CAFE));
        assert!(acting.cwd(&folder).ok().stdout.contains(name));
    }
}

#[test]
fn two_stores_whose_paths_differ_in_a_byte_are_two() {
    let sandbox = Sandbox::new();
    for (option, name) in [(&b"a\xfe.db"[..], "one"), (b"a\xff.db", "two")] {
        let run = sandbox.keyward(words(&[b"--store", option, b"mint", name.as_bytes()]));
        run.ok();
    }
    for (path, name, shown) in
        [(&b"a\xfe.db"[..], "one", "a\\xfe.db"), (b"a\xff.db", "two", "a\\xff.db")]
    {
        let listed = sandbox.keyward(["list"]).env("KEYWARD_STORE", os(path));
        assert_eq!(names(&listed.answer()["keys"]), [name]);
        let told = sandbox.keyward(["store", "info"]).env("KEYWARD_STORE", os(path));
        assert_eq!(text(&told.answer(), "path"), shown);
        let told = sandbox.keyward(["store", "info"]).env("KEYWARD_STORE", os(path));
        assert!(told.ok().stdout.contains(shown));
    }
    let mangled = sandbox.keyward(["list"]).env("KEYWARD_STORE", "a\u{fffd}.db");
    let _ = mangled.run();
    assert!(!sandbox.home().join("a\u{fffd}.db").exists());
}

#[test]
fn a_backup_and_what_is_restored_from_it_have_the_names_that_were_given() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let decoy = Sandbox::new();
    decoy.mint("decoy");
    let decoy = decoy.keyward(["store", "backup"]);
    decoy.args([sandbox.home().join(MANGLED)]).ok();
    let backup = sandbox.keyward(words(&[b"store", b"backup", CAFE, b"--json"]));
    assert_eq!(text(&backup.ok().json(), "path"), "caf\\xe9.key");
    sandbox.mint("later");
    let restored = sandbox.keyward(words(&[b"store", b"restore", CAFE, b"--yes"]));
    restored.ok();
    assert_eq!(sandbox.listed(&[]), ["ci"]);
    sandbox.verdict(&secret, &[], 0, "valid");
}

#[test]
fn dotenv_files_runners_files_and_the_words_of_a_command_keep_their_bytes() {
    let sandbox = Sandbox::new();
    let dotenv = words(&[b"mint", b"a", b"--var", b"KEY", b"--dotenv", b"\xff.env"]);
    sandbox.keyward(dotenv).ok();
    let runner =
        sandbox.keyward(["mint", "b", "--github-env", "KEY"]).env("GITHUB_ENV", os(b"\xfe.env"));
    runner.ok();
    let script = b"cat >/dev/null; printf %s \"$1\" >told";
    let command = words(&[b"mint", b"c", b"--", b"sh", b"-c", script, b"sh", b"x\xff\xc3"]);
    sandbox.keyward(command).ok();
    for name in [&b"\xff.env"[..], b"\xfe.env"] {
        let written = fs::read_to_string(sandbox.home().join(os(name))).expect("written");
        assert!(written.contains("kw_live_"), "{written}");
    }
    assert_eq!(fs::read(sandbox.home().join("told")).expect("told"), b"x\xff\xc3");
}

#[test]
fn names_selectors_owners_labels_and_other_words_that_are_no_utf_8_are_refused() {
    let sandbox = Sandbox::with_keys(&["caf\u{fffd}"]);
    let before = sandbox.head();
    let cases: [&[&[u8]]; 19] = [
        &[b"mint", b"caf\xe9"],
        &[b"revoke", b"caf\xff", b"--yes"],
        &[b"revoke", b"caf\xef\xbf\xbd", b"caf\xff", b"--yes"],
        &[b"show", b"caf\xff"],
        &[b"set", b"caf\xff", b"--owner", b"x"],
        &[b"rotate", b"caf\xff"],
        &[b"disable", b"caf\xff"],
        &[b"rename", b"caf\xff", b"x"],
        &[b"rename", b"caf\xef\xbf\xbd", b"\xff"],
        &[b"mint", b"x", b"--owner", b"\xff"],
        &[b"mint", b"x", b"--owner=\xff"],
        &[b"mint", b"x", b"--label", b"a=\xff"],
        &[b"mint", b"x", b"-e\xff"],
        &[b"mint", b"x", b"--scope", b"\xff"],
        &[b"revoke", b"caf\xef\xbf\xbd", b"--yes", b"--message", b"\xff"],
        &[b"-w", b"\xff", b"list"],
        &[b"workspace", b"create", b"\xff"],
        &[b"\xff"],
        &[b"mint", b"x", b"--\xff"],
    ];
    for case in cases {
        let output = sandbox.keyward(words(case)).run();
        let told = format!("{:?}: {}", words(case), output.transcript());
        assert_eq!(output.status, 2, "{told}");
        assert!(!output.stderr.contains('\u{fffd}'), "{told}");
        let json = sandbox.keyward(["--json"]).args(words(case)).run();
        assert_eq!(json.error()["code"], "usage", "{told}");
    }
    let said = sandbox.keyward(words(&[b"mint", b"caf\xe9"])).exit(2).stderr;
    assert!(said.contains("\"caf\\xe9\" is not UTF-8 text"), "{said}");
    let named = sandbox.keyward(["list"]).env("KEYWARD_WORKSPACE", os(b"\xff"));
    let said = named.exit(2).stderr;
    assert!(said.contains("KEYWARD_WORKSPACE is not UTF-8"), "{said}");
    assert_eq!(sandbox.head(), before);
}

#[test]
fn a_dash_is_not_the_name_of_a_file_that_is_about_to_be_made() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let manifest = "[workspace.default]\n[[key]]\nworkspace = 'default'\nname = 'x'\ndeliver = { out = '-' }\n";
    let manifest = sandbox.file("keys.toml", manifest).display().to_string();
    for (words, code) in [
        (&["mint", "a", "--out", "-"][..], "usage"),
        (&["mint", "a", "--dotenv", "-", "--var", "A"], "usage"),
        (&["ensure", "a", "--out", "-"], "usage"),
        (&["rotate", "ci", "--out", "-"], "usage"),
        (&["store", "backup", "-"], "usage"),
        (&["--store", "-", "mint", "a"], "usage"),
        (&["apply", &manifest], "invalid_manifest"),
    ] {
        let output = sandbox.keyward(["--json"]).args(words).exit(2);
        assert_eq!(output.error()["code"], code, "{words:?}");
        assert!(text(&output.error(), "hint").contains("./-"), "{}", output.stderr);
    }
    assert!(!sandbox.home().join("-").exists());
    assert_eq!(sandbox.listed(&["--all"]), ["ci"]);
    sandbox.keyward(["mint", "a", "--out", "./-"]).ok();
    assert!(sandbox.home().join("-").is_file());
}

#[test]
fn a_tilde_that_no_shell_has_replaced_makes_no_folder() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let manifest = "[workspace.default]\n[[key]]\nworkspace = 'default'\nname = 'x'\ndeliver = { out = '~/a/x.key' }\n";
    let manifest = sandbox.file("keys.toml", manifest);
    let refused = |output: Output, code: &str| {
        assert_eq!(output.status, 2, "{}", output.transcript());
        assert_eq!(output.error()["code"], code);
        assert!(text(&output.error(), "hint").contains("$HOME"), "{}", output.stderr);
    };
    for words in [
        &["--store=~/x.db", "mint", "a"][..],
        &["--store", "~", "list"],
        &["mint", "a", "--out=~/a.key"],
        &["mint", "a", "--dotenv=~/.env", "--var", "A"],
        &["store", "backup", "~/copy.db"],
        &["verify", "--file=~/a.key"],
        &["whoami", "--as=~/a.key"],
        &["workspace", "create", "x", "--policy=~/p.toml"],
    ] {
        refused(sandbox.keyward(["--json"]).args(words).run(), "usage");
    }
    let run = sandbox.keyward(["--json", "mint", "a"]);
    refused(run.env("KEYWARD_STORE", "~/x.db").run(), "usage");
    let run = sandbox.keyward(["--json", "apply"]).args([&manifest]);
    refused(run.run(), "invalid_manifest");
    assert!(!sandbox.home().join("~").exists());
    assert_eq!(sandbox.listed(&[]), ["ci"]);
    sandbox.keyward(["mint", "a", "--store", "./~/x.db", "--out=~a.key"]).ok();
    assert!(sandbox.home().join("~/x.db").exists() && sandbox.home().join("~a.key").exists());
}

#[test]
fn an_address_that_is_none_is_shown_as_it_was_written() {
    let sandbox = Sandbox::new();
    for words in [
        &["mint", "a", "--allow", "::1/129"][..],
        &["mint", "a", "--allow=::1/129"],
        &["verify", "--ip", "::1/129"],
    ] {
        let plain = sandbox.keyward(words).exit(2).stderr;
        assert!(plain.contains("\"::1/129\" is not"), "{plain}");
        let error = sandbox.keyward(["--json"]).args(words).exit(2).error();
        assert!(text(&error, "message").contains("\"::1/129\" is not"), "{error}");
    }
}
