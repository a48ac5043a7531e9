//! Secrets among the arguments: refused, and not repeated.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use crate::secrecy::{assert_in_no_file, assert_unsaid};
use crate::support::{Sandbox, token};

/// Where in a command line a secret may stand by mistake; `SECRET` stands for it.
const PLACES: &[&[&str]] = &[
    &["SECRET"],
    &["--SECRET"],
    &["--SECRET=1"],
    &["--unheard-of", "SECRET"],
    &["--unheard-of=SECRET"],
    &["unheard-of", "SECRET"],
    &["show", "SECRET"],
    &["show", "ci", "SECRET"],
    &["show", "--", "SECRET"],
    &["show", "-e", "SECRET", "ci"],
    &["show", "-eSECRET", "ci"],
    &["mint", "SECRET"],
    &["mint", "new", "--owner", "SECRET"],
    &["mint", "new", "--owner=SECRET"],
    &["mint", "new", "--label", "key=SECRET"],
    &["mint", "new", "--scope", "SECRET"],
    &["mint", "new", "--allow", "SECRET"],
    &["mint", "new", "--expires", "SECRET"],
    &["mint", "new", "--out", "SECRET"],
    &["mint", "new", "--count", "SECRET"],
    &["mint", "new", "--", "cat", "SECRET"],
    &["mint", "new", "--", "cat", "--token=SECRET"],
    &["rename", "ci", "SECRET"],
    &["rename", "SECRET", "new"],
    &["set", "ci", "--owner", "SECRET"],
    &["disable", "SECRET"],
    &["enable", "SECRET"],
    &["rotate", "SECRET"],
    &["rotate", "ci", "--grace", "SECRET"],
    &["activate", "SECRET"],
    &["activate", "--file", "SECRET"],
    &["revoke", "SECRET", "--yes"],
    &["revoke", "ci", "SECRET", "--yes"],
    &["revoke", "ci", "--yes", "--message", "leaked: SECRET"],
    &["revoke", "ci", "--yes", "--reason", "SECRET"],
    &["verify", "SECRET"],
    &["verify", "--file", "SECRET"],
    &["verify", "--file=SECRET"],
    &["verify", "--env", "SECRET"],
    &["verify", "--require", "SECRET"],
    &["verify", "--ip", "SECRET"],
    &["verify", "Bearer SECRET"],
    &["verify", "'SECRET'"],
    &["verify", "SECRET\n"],
    &["list", "--name", "SECRET"],
    &["list", "--label", "SECRET"],
    &["list", "--status", "SECRET"],
    &["list", "--sort=SECRET"],
    &["list", "-w", "SECRET"],
    &["list", "-wSECRET"],
    &["list", "--store", "SECRET"],
    &["list", "--wait", "SECRET"],
    &["list", "--color", "SECRET"],
    &["list", "-o", "SECRET"],
    &["list", "--as", "SECRET"],
    &["list", "--as=SECRET"],
    &["whoami", "--as", "SECRET"],
    &["workspace", "SECRET"],
    &["workspace", "create", "SECRET"],
    &["workspace", "use", "SECRET"],
    &["workspace", "delete", "SECRET", "--yes"],
    &["workspace", "create", "new", "--token", "SECRET"],
    &["audit", "list", "--limit", "SECRET"],
    &["schema", "SECRET"],
    &["completions", "SECRET"],
    &["man", "SECRET"],
    &["show", "SECRET", "--help"],
    &["--help", "SECRET"],
    &["https://example.com/?key=SECRET&page=1"],
];

#[test]
fn a_secret_among_the_arguments_is_refused_and_not_repeated() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let stranger = token::well_formed();
    let before = sandbox.head();
    for secret in [&secret, &stranger] {
        for place in PLACES {
            for format in [&[][..], &["--json"]] {
                let arguments = place.iter().map(|word| word.replace("SECRET", secret));
                // In front, so that `--` does not take it for CMD's.
                let output = sandbox.keyward(format).args(arguments).run();
                let what = format!("{format:?} {place:?}");
                assert_eq!(output.status, 2, "{what}: {}", output.transcript());
                assert_eq!(output.stdout, "", "{what}");
                assert_unsaid(&output.stderr, secret, &what);
                let hint = output.stderr.to_lowercase();
                assert!(
                    hint.contains("standard input") || hint.contains("stdin"),
                    "{what}: nobody is told of stdin: {}",
                    output.stderr
                );
                if !format.is_empty() {
                    assert_eq!(output.error()["code"], "usage", "{what}");
                }
            }
        }
    }
    assert_eq!(sandbox.head(), before);
    assert_in_no_file(&sandbox, &[&secret]);
    sandbox.verdict(&secret, &[], 0, "valid");
}

#[test]
fn a_secret_among_the_arguments_is_refused_without_a_store_and_in_other_formats() {
    let sandbox = Sandbox::new();
    let secret = token::well_formed();
    for format in ["table", "json", "jsonl", "tsv"] {
        for place in [&["show", "SECRET"][..], &["SECRET"], &["mint", "SECRET"]] {
            let arguments = place.iter().map(|word| word.replace("SECRET", &secret));
            let output = sandbox.keyward(["--output", format]).args(arguments).exit(2);
            assert_eq!(output.stdout, "");
            assert_unsaid(&output.stderr, &secret, format);
        }
    }
    assert!(!sandbox.store_path().exists(), "a store was made");
}

#[test]
fn the_tokens_of_every_preset_are_known_for_secrets() {
    let sandbox = Sandbox::new();
    for preset in ["default", "amazonscraperapi", "azscraper", "audioscrape", "amser", "scrapewise"]
    {
        sandbox.workspace(preset, &["--preset", preset]);
        let scopes: &[&str] = match preset {
            "scrapewise" => &["--scope", "USER"],
            _ => &[],
        };
        let run = sandbox.keyward(["mint", "ci", "-w", preset]).args(scopes);
        let secret = run.ok().line();
        for place in [&["show", "SECRET"][..], &["--x=SECRET"], &["verify", "SECRET"]] {
            for format in [&[][..], &["--json"]] {
                let arguments = place.iter().map(|word| word.replace("SECRET", &secret));
                let output = sandbox.keyward(format).args(arguments).exit(2);
                let tail = &secret[secret.len() - 12..];
                assert!(!output.stderr.contains(tail), "{preset}: {}", output.stderr);
                assert_eq!(output.stdout, "");
            }
        }
    }
}

/// Tokens that look like a checksum or an ordinary word are known by being this store's.
#[test]
fn the_token_of_a_policy_of_ones_own_is_refused_as_an_argument_too() {
    for (name, template, alphabet) in [
        ("hex", "{secret:40}", "hex"),
        ("words", "{secret:30}", "base36"),
        ("dotted", "{short:8}.{secret:40}", "hex"),
        ("dashed", "{prefix}-{env}-{secret:32}", "base62"),
        ("checked", "{secret:40}{crc}", "hex"),
    ] {
        let sandbox = Sandbox::with_workspace(
            name,
            &["--token", template, "--alphabet", alphabet, "--environments", "live"],
        );
        let secret = sandbox.mint("ci");
        let tail = secret[secret.len() - 16..].to_owned();
        let mut faults = Vec::new();
        for place in PLACES {
            for format in [&[][..], &["--json"]] {
                let arguments = place.iter().map(|word| word.replace("SECRET", &secret));
                let output = sandbox.keyward(format).args(arguments).run();
                let said = output.stdout.contains(&tail) || output.stderr.contains(&tail);
                if output.status != 2 || said {
                    let what = if said { ", repeated" } else { "" };
                    faults.push(format!("{format:?} {place:?}: {}{what}", output.status));
                }
            }
        }
        assert!(faults.is_empty(), "{template}:\n{}", faults.join("\n"));
        assert_eq!(sandbox.listed(&[]), ["ci"], "{template}");
        sandbox.verdict(&secret, &[], 0, "valid");
    }
}

#[test]
fn a_secret_that_is_no_text_is_not_repeated_either() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let mut bytes = secret.clone().into_bytes();
    bytes.insert(0, 0xff);
    let argument = OsString::from(std::ffi::OsStr::from_bytes(&bytes));
    for command in ["show", "verify", "mint"] {
        let output = sandbox.keyward([command]).args([&argument]).exit(2);
        assert_eq!(output.stdout, "");
        assert_unsaid(&output.stderr, &secret, command);
    }
}
