//! The two streams and the exit status, where they meet: readers that have gone, formats asked for in odd ways, warnings
//! beside errors.

use std::fs::File;
use std::io::pipe;

use crate::support::Sandbox;

/// A stdout that nobody reads any more.
fn unread() -> File {
    let (reader, writer) = pipe().expect("a pipe");
    drop(reader);
    let descriptor: std::os::fd::OwnedFd = writer.into();
    File::from(descriptor)
}

#[test]
fn a_verdict_that_nobody_reads_keeps_its_exit_status() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    sandbox.keyward(["revoke", "ci", "--yes"]).ok();
    for format in [&[][..], &["--json"], &["-o", "tsv"]] {
        for (input, exit) in [(secret.as_str(), 11), ("nonsense", 10)] {
            let verify = sandbox.keyward(["verify"]).args(format).stdin(input);
            verify.stdout(unread()).exit(exit);
        }
    }
    sandbox.tamper("UPDATE audit SET actor = 'nobody' WHERE seq = 2");
    sandbox.keyward(["audit", "verify"]).stdout(unread()).exit(9);
}

#[test]
fn a_listing_that_nobody_reads_to_its_end_is_no_failure() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    for arguments in [&["list"][..], &["list", "-o", "jsonl"], &["audit", "list", "--json"]] {
        let output = sandbox.keyward(arguments).stdout(unread()).exit(0);
        assert_eq!(output.stderr, "");
    }
}

#[test]
fn an_error_is_one_object_however_json_was_asked_for() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    for flags in [
        &["--json"][..],
        &["-ojson"],
        &["-o=json"],
        &["--output=jsonl"],
        &["-qojson"],
        &["-qo", "json"],
        &["--json", "--json"],
        &["-o", "json", "--json"],
    ] {
        let output = sandbox.keyward(flags).args(["show", "nope"]).run();
        assert_eq!(output.error()["code"], "key_not_found", "{flags:?}");
    }
    let missing = sandbox.keyward(["--json", "workspace"]).run();
    assert_eq!(missing.error()["code"], "usage");
}

#[test]
fn a_failure_says_one_thing_even_where_success_would_have_been_warned_of() {
    let sandbox = Sandbox::with_keys(&["taken"]);
    let mint = |name: &str| sandbox.keyward(["--json", "mint", name]).env("CI", "1").run();
    assert_eq!(mint("taken").error()["code"], "name_taken");
    let output = mint("new");
    assert!(output.json()["key"].is_string());
    assert!(output.stderr.starts_with("warning: "), "{}", output.stderr);
}

#[test]
fn a_listing_that_fails_on_its_last_row_has_written_nothing() {
    let sandbox = Sandbox::new();
    sandbox.keyward(["mint", "ci", "--count", "300"]).ok();
    sandbox.tamper("UPDATE key SET scopes = 'no JSON' WHERE name = 'ci-300'");
    for format in ["json", "jsonl", "tsv"] {
        let output = sandbox.keyward(["list", "-o", format]).exit(9);
        assert_eq!(output.stdout, "", "{format}");
    }
    let error = sandbox.keyward(["list", "--json"]).run();
    assert_eq!(error.error()["code"], "damaged");
}
