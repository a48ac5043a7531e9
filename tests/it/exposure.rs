//! A secret of the store is refused wherever it is written by mistake, also one that looks like any other word: on the
//! command line, in variables, in manifests, policies and the lines of an import. Nobody repeats it and nothing stores it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::secrecy::{files, holds};
use crate::support::{Output, Sandbox};
use crate::transfer::{hex, import, line};

/// Secrets of other systems, and one of the store's own form whose long run has no digit.
const SECRETS: [(&str, &str); 7] = [
    ("without a digit", "kw_live_ab3defgh.AbcdEfghIjklMnopQrstUvwxYzabCdefGhijKlmn"),
    ("a UUID", "123e4567-e89b-42d3-a456-426614174000"),
    ("base58", "7YWHMfk9JZe3LM6g1ZauHu"),
    ("letters", "qwertzuiopasdfghjklyxcvbnmqwertzuiopasdfghjklyxcvbnmqwertzuiopas"),
    ("Sanctum's 40", "laravel1Sanctum2token3of4forty5letters67"),
    ("Sanctum's whole", "12|laravel8Sanctum7token6of5forty4letters32"),
    ("Base64", "QUJD/REVGR0hJ+SktMTU5PUFFSU1RVVldY+Q=="),
];

/// A store whose keys have these secrets, and the secrets, the first of which was minted.
fn with_secrets() -> (Sandbox, Vec<String>) {
    let sandbox = Sandbox::new();
    let token = "{prefix}_{env}_{short:8}.{secret:40}";
    sandbox.workspace("dotted", &["--token", token, "--environments", "live"]);
    let mut secrets = vec![sandbox.mint("ci")];
    for (nth, (_, secret)) in SECRETS.iter().enumerate() {
        import(&sandbox, &line(&format!("k{nth}"), secret, &json!({}))).ok();
        secrets.push((*secret).to_owned());
    }
    (sandbox, secrets)
}

/// The two halves of a secret, neither of which may be seen.
fn traces(secret: &str) -> [&str; 2] {
    let middle = secret.len() / 2;
    [&secret[middle - 8..middle], &secret[secret.len() - 8..]]
}

/// A secret as TOML may write it.
fn escaped(secret: &str) -> String {
    let letters = secret.chars().map(u32::from);
    letters.map(|letter| format!("\\u{letter:04x}")).collect()
}

#[track_caller]
fn assert_refused(output: &Output, secret: &str, code: &str, what: &str) {
    let told = format!("{what}: {}", output.transcript());
    assert_eq!(output.status, 2, "{told}");
    assert_eq!(output.stdout, "", "{told}");
    for trace in traces(secret) {
        assert!(!output.stderr.contains(trace), "{told}");
    }
    if output.stderr.starts_with('{') {
        assert_eq!(output.error()["code"], code, "{told}");
    }
    assert!(output.stderr.contains("key's secret"), "{told}");
}

/// Asserts that no file under HOME, a copy of the store among them, has anything of the secrets.
#[track_caller]
fn assert_stored_nowhere(sandbox: &Sandbox, secrets: &[String]) {
    match sandbox.place() {
        None => drop(sandbox.keyward(["store", "backup", "copy.db"]).ok()),
        Some(_) => {
            fs::write(sandbox.home().join("copy.xml"), sandbox.store_bytes()).expect("written")
        }
    }
    for (path, bytes) in files(sandbox.home()) {
        for trace in secrets.iter().flat_map(|secret| traces(secret)) {
            assert!(!holds(&bytes, trace.as_bytes()), "{} holds {trace:?}", path.display());
        }
    }
}

const COMMANDS: [&[&str]; 12] = [
    &["mint"],
    &["list"],
    &["show"],
    &["rename", "ci"],
    &["set", "ci"],
    &["rotate"],
    &["revoke", "--yes"],
    &["verify"],
    &["ensure"],
    &["workspace", "create"],
    &["store", "restore"],
    &["schema"],
];

/// Where in a command line a secret stands.
const PLACES: [&[&str]; 9] = [
    &["SECRET"],
    &["--workspace", "SECRET"],
    &["--workspace=SECRET"],
    &["-wSECRET"],
    &["https://example.com/?key=SECRET&page=1"],
    &["-qywSECRET"],
    &["--label", "team=leaked SECRET, sorry"],
    &["--help", "/tmp/SECRET.key"],
    &["x", "--", "sh", "-c", "curl -H 'Authorization: Bearer SECRET' example.com"],
];

#[test]
fn a_secret_anywhere_on_the_command_line_is_refused_whatever_it_looks_like() {
    let (sandbox, secrets) = with_secrets();
    let before = sandbox.head();
    for (nth, secret) in secrets.iter().enumerate() {
        for (at, command) in COMMANDS.iter().enumerate() {
            for (place, words) in PLACES.iter().enumerate() {
                let json: &[&str] = match (nth + at + place) % 2 {
                    0 => &["--json"],
                    _ => &[],
                };
                let words = words.iter().map(|word| word.replace("SECRET", secret));
                let run = sandbox.keyward(json).args(*command).args(words);
                let what = format!("{command:?} {:?} {secret}", PLACES[place]);
                assert_refused(&run.run(), secret, "usage", &what);
            }
        }
    }
    for secret in &secrets {
        for words in [
            vec![secret.as_str()],
            vec!["--store", secret, "mint", "x"],
            vec!["--store", secret, "list"],
        ] {
            let output = sandbox.keyward(&words).run();
            assert_refused(&output, secret, "usage", &format!("{words:?}"));
        }
    }
    assert_eq!(sandbox.head(), before);
    assert_stored_nowhere(&sandbox, &secrets);
}

#[test]
fn a_secret_in_a_variable_that_keyward_reads_is_refused() {
    let (sandbox, secrets) = with_secrets();
    for secret in &secrets {
        for name in [
            "KEYWARD_STORE",
            "KEYWARD_WORKSPACE",
            "KEYWARD_AS_FILE",
            "KEYWARD_REQUIRE_SINK",
            "KEYWARD_TRUSTED_FOLDER",
        ] {
            for command in [&["list"][..], &["mint", "x"], &["nonsense"], &["--json", "show", "x"]]
            {
                let output = sandbox.keyward(command).env(name, secret).run();
                assert_refused(&output, secret, "usage", &format!("{name} {command:?}"));
            }
        }
        for (name, option) in [("GITHUB_ENV", "--github-env"), ("GITHUB_OUTPUT", "--github-output")]
        {
            let run = sandbox.keyward(["mint", "x", option, "K"]);
            assert_refused(&run.env(name, secret).run(), secret, "usage", name);
        }
    }
    assert_eq!(sandbox.listed(&["-w", "dotted"]).len(), 8);
    assert_stored_nowhere(&sandbox, &secrets);
}

#[test]
fn a_secret_in_a_manifest_is_refused() {
    let (sandbox, secrets) = with_secrets();
    let before = sandbox.head();
    for secret in &secrets {
        for (nth, (workspace, name, more)) in [
            ("SECRET", "x", "deliver = { out = 'x' }"),
            ("w", "SECRET", "deliver = { out = 'x' }"),
            ("w", "ESCAPED", "deliver = { out = 'x' }"),
            ("w", "x", "owner = 'SECRET'\ndeliver = { out = 'x' }"),
            ("w", "x", "labels = { a = 'b SECRET' }\ndeliver = { out = 'x' }"),
            ("w", "x", "labels = { 'SECRET' = 'b' }\ndeliver = { out = 'x' }"),
            ("w", "x", "environment = 'SECRET'\ndeliver = { out = 'x' }"),
            ("w", "x", "scopes = ['SECRET']\ndeliver = { out = 'x' }"),
            ("w", "x", "deliver = { out = 'keys/SECRET' }"),
            ("w", "x", "deliver = { dotenv = '.env', var = 'SECRET' }"),
            ("w", "x", "deliver = { command = ['sh', '-c', 'echo SECRET'] }"),
            ("w", "x", "'SECRET' = 1\ndeliver = { out = 'x' }"),
            ("w", "x", "expires = 'SECRET'\ndeliver = { out = 'x' }"),
            ("w", "x", "allow = ['SECRET']\ndeliver = { out = 'x' }"),
            ("w", "x", "owner = SECRET"),
        ]
        .into_iter()
        .enumerate()
        {
            let text = format!(
                "[workspace.\"{workspace}\"]\n[[key]]\nworkspace = \"{workspace}\"\nname = \"{name}\"\n{more}\n"
            );
            let text = text.replace("SECRET", secret).replace("ESCAPED", &escaped(secret));
            for flags in [&[][..], &["--check", "--json"]] {
                let run = sandbox.keyward(["apply", "-"]).args(flags).stdin(&text);
                assert_refused(&run.run(), secret, "invalid_manifest", &format!("{nth}: {text}"));
            }
        }
    }
    assert_eq!(sandbox.head(), before);
    assert_stored_nowhere(&sandbox, &secrets);
}

#[test]
fn a_secret_in_a_policy_is_refused() {
    let (sandbox, secrets) = with_secrets();
    let before = sandbox.head();
    for secret in &secrets {
        for text in [
            "prefix = 'SECRET'",
            "environments = ['SECRET']",
            "[scopes.'SECRET']",
            "default_plan = 'SECRET'",
            "[plans.'SECRET']",
            "'SECRET' = 1",
            "token = 'SECRET{secret:40}'",
            "prefix = SECRET",
            "# was SECRET before",
        ] {
            let text = text.replace("SECRET", secret);
            for command in [&["workspace", "create", "x"][..], &["workspace", "set", "--json"]] {
                let run = sandbox.keyward(command).args(["--policy", "-"]).stdin(&text);
                assert_refused(
                    &run.run(),
                    secret,
                    "invalid_policy",
                    &format!("{command:?} {text}"),
                );
            }
            let file = sandbox.file("policy.toml", &text);
            let manifest = "[workspace.x]\npolicy = 'policy.toml'\n";
            let manifest = sandbox.file("keys.toml", manifest);
            let run = sandbox.keyward(["apply"]).args([&manifest]);
            assert_refused(&run.run(), secret, "invalid_policy", &text);
            fs::remove_file(file).expect("removed");
        }
    }
    assert_eq!(sandbox.head(), before);
    assert_stored_nowhere(&sandbox, &secrets);
}

#[test]
fn a_secret_in_the_line_of_an_import_is_refused() {
    let (sandbox, secrets) = with_secrets();
    let before = sandbox.head();
    for secret in &secrets {
        for more in [
            json!({"name": secret}),
            json!({"owner": secret}),
            json!({"labels": {"a": format!("see {secret}")}}),
            json!({"labels": {secret.as_str(): "a"}}),
            json!({"workspace": secret}),
            json!({"environment": secret}),
            json!({"scopes": [secret]}),
            json!({"createdBy": secret}),
            json!({"prefix": secret}),
            json!({"status": "revoked", "revokedMessage": format!("leaked: {secret}")}),
            json!({secret.as_str(): 1}),
        ] {
            let text = line("new", "another-systems-secret", &more);
            let output = import(&sandbox, &text).run();
            assert_refused(&output, secret, "usage", &text);
            let output = import(&sandbox, &text).args(["--keep-going", "--json"]).exit(2);
            for trace in traces(secret) {
                assert!(!output.stdout.contains(trace) && !output.stderr.contains(trace), "{text}");
            }
        }
        let workspace = json!({"type": "workspace", "name": secret, "policy": ""});
        let output = import(&sandbox, &format!("{workspace}\n")).run();
        assert_refused(&output, secret, "usage", "a workspace");
        let policy = format!("environments = [\"{}\"]", escaped(secret));
        let workspace = json!({"type": "workspace", "name": "w", "policy": policy});
        let output = import(&sandbox, &format!("{workspace}\n")).run();
        assert_refused(&output, secret, "usage", "a policy");
    }
    assert_eq!(sandbox.head(), before);
    assert_stored_nowhere(&sandbox, &secrets);
}

#[test]
fn a_line_that_says_the_secret_of_a_later_one_is_refused_too() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let secret = SECRETS[1].1;
    let lines = line("one", "another-systems-secret", &json!({"owner": secret}))
        + &line("two", secret, &json!({}));
    let before = sandbox.head();
    for flags in [&[][..], &["--keep-going"]] {
        let output = import(&sandbox, &lines).args(flags).run();
        assert_refused(&output, secret, "usage", "two lines");
    }
    assert_eq!(sandbox.head(), before);
    assert!(!hex(secret).is_empty());
}

#[test]
fn words_that_no_store_knows_are_names_like_others() {
    let (sandbox, _) = with_secrets();
    for name in [
        "123e4567-e89b-42d3-a456-426614174001",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "a-rather-long-name-of-a-key",
    ] {
        sandbox.keyward(["mint", name, "--owner", "platform-team-core"]).ok();
        sandbox.keyward(["show", name]).ok();
    }
}

#[test]
fn what_only_looks_like_a_secret_is_not_called_one() {
    let (sandbox, secrets) = with_secrets();
    for (word, sentence) in [
        ("org_01EHZNVPK3SFK441A1RGBPTPKE", "an argument looks like a key's secret"),
        (secrets[2].as_str(), "an argument is a key's secret"),
    ] {
        let error = sandbox.keyward(["show", word]).refused(2, "usage");
        let message = error["message"].as_str().expect("a message");
        assert!(message.starts_with(sentence), "{message}");
    }
}

#[test]
fn where_no_store_can_be_asked_what_may_be_a_secret_is_left_out() {
    let (sandbox, secrets) = with_secrets();
    let mode = |mode| fs::Permissions::from_mode(mode);
    fs::set_permissions(sandbox.store_path(), mode(0o644)).expect("set");
    for secret in secrets.iter().filter(|secret| !secret.contains('/')) {
        for words in [
            vec!["show", secret],
            vec!["--nonsense", secret],
            vec!["-w", secret, "list"],
            vec![secret],
            vec!["verify", "--ip", secret],
        ] {
            let output = sandbox.keyward(&words).run();
            assert_ne!(output.status, 0, "{words:?}");
            for trace in traces(secret) {
                assert!(!output.stderr.contains(trace), "{words:?}: {}", output.transcript());
            }
        }
    }
    let said = sandbox.keyward(["show", "ci"]).exit(8).stderr;
    assert!(said.contains("keyward.db"), "{said}");
    fs::set_permissions(sandbox.store_path(), mode(0o600)).expect("set");
    sandbox.keyward(["show", "ci"]).ok();
}

#[test]
fn a_look_for_a_message_leaves_the_store_as_it_is() {
    let (sandbox, _) = with_secrets();
    let before = fs::read(sandbox.store_path()).expect("read");
    for words in [["--nonsense", "a-rather-long-word"], ["schema", "a-rather-long-word"]] {
        sandbox.keyward(words).exit(2);
    }
    assert_eq!(fs::read(sandbox.store_path()).expect("read"), before);
    let store = sandbox.store_path();
    let beside = fs::read_dir(store.parent().expect("a folder")).expect("read");
    let names: Vec<_> = beside.map(|entry| entry.expect("entry").file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().contains("-wal")), "{names:?}");
}
