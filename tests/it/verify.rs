//! `keyward verify`: the verdicts, their order, and the forms a secret may arrive in.

use serde_json::{Value, json};

use crate::support::time::{assert_about, now};
use crate::support::{Sandbox, moment, token};

/// A workspace whose keys may have the scopes `read` and `write`, and a key with `read`.
fn scoped(sandbox: &Sandbox, flags: &[&str]) -> String {
    let policy = sandbox.file(
        "policy.toml",
        "token = \"{prefix}_{env}_{short:12}{secret:32}{crc}\"\nalphabet = \"base62\"\nprefix = \"acme\"\n\
         environments = [\"live\", \"test\"]\nscopes_per_key = { min = 0, max = 2 }\n\
         [scopes.read]\nmanage = []\n[scopes.write]\nmanage = []\n",
    );
    sandbox.keyward(["workspace", "create", "acme", "--policy"]).args([policy]).ok();
    sandbox.mint_with("ci", &[&["--scope", "read"], flags].concat())
}

#[test]
fn a_valid_key_is_named_in_the_verdict() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let verdict = sandbox.verdict(&secret, &[], 0, "valid");
    let expected = json!({
        "valid": true, "code": "valid", "status": 200, "message": verdict["message"], "subject": sandbox.show("ci"),
        "retryAfter": null, "remaining": null, "recorded": true,
    });
    assert_eq!(verdict, expected);
    assert!(verdict["message"].is_string());
}

#[test]
fn people_get_the_verdict_on_stdout_too() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let valid = sandbox.keyward(["verify"]).stdin(&secret).ok();
    assert!(valid.stdout.contains("valid"), "{}", valid.transcript());
    sandbox.keyward(["revoke", "ci", "--yes"]).ok();
    let revoked = sandbox.keyward(["verify"]).stdin(&secret).exit(11);
    assert!(revoked.stdout.contains("revoked"), "{}", revoked.transcript());
    assert!(!revoked.transcript().contains("error:"), "{}", revoked.transcript());
}

#[test]
fn a_no_is_an_answer_and_leaves_stderr_empty() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let output = sandbox.keyward(["verify", "--json"]).stdin(token::well_formed()).exit(10);
    assert_eq!(output.json()["valid"], false);
    assert_eq!(output.stderr, "");
}

#[test]
fn a_secret_nobody_minted_is_not_found() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let verdict = sandbox.verdict(&token::well_formed(), &[], 10, "not_found");
    assert_eq!(verdict["subject"], Value::Null);
}

#[test]
fn a_typo_is_malformed_wherever_it_is() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    for place in 0..secret.len() {
        let mistyped = token::with_typo(&secret, place);
        let verdict = sandbox.verdict(&mistyped, &[], 10, "malformed");
        assert_eq!(verdict["subject"], Value::Null);
    }
}

#[test]
fn a_cut_or_lengthened_secret_is_malformed() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let longer = format!("{secret}0");
    let doubled = format!("{secret}{secret}");
    let prefix = &secret[..20];
    for wrong in [&secret[1..], &secret[..secret.len() - 1], &longer, &doubled, prefix, "kw_live_"]
    {
        sandbox.verdict(wrong, &[], 10, "malformed");
    }
}

#[test]
fn a_store_that_does_not_exist_gives_no_verdict_and_is_not_made() {
    let sandbox = Sandbox::new();
    sandbox.keyward(["verify"]).stdin(token::well_formed()).refused(3, "store_not_found");
    assert!(!sandbox.store_path().exists(), "verifying made a store");
}

#[test]
fn each_state_has_its_verdict() {
    let sandbox = Sandbox::new();
    let [expired, pending, disabled, revoked] = sandbox.mint_refused(&[]);
    for (secret, exit, code) in [
        (expired, 12, "expired"),
        (pending, 13, "pending"),
        (disabled, 13, "disabled"),
        (revoked, 11, "revoked"),
    ] {
        let verdict = sandbox.verdict(&secret, &[], exit, code);
        assert_eq!(
            (&verdict["subject"]["name"], &verdict["subject"]["status"]),
            (&json!(code), &json!(code))
        );
        assert!(verdict["subject"].get("key").is_none(), "the verdict repeats the secret");
    }
}

#[test]
fn the_first_reason_in_the_order_decides() {
    let sandbox = Sandbox::new();
    let secret = scoped(&sandbox, &["--allow", "203.0.113.0/24", "--expires", "1s"]);
    let wrong = ["-e", "test", "--ip", "198.51.100.1", "--require", "write"];
    sandbox.wait_for_verdict(&secret, 12);
    // From the last reason to the first: each is hidden by the one before it.
    sandbox.verdict(&secret, &wrong, 12, "expired");
    sandbox.rewrite("UPDATE key SET expires_at = NULL");
    sandbox.verdict(
        &secret,
        &["--ip", "203.0.113.9", "--require", "write"],
        14,
        "insufficient_scope",
    );
    sandbox.verdict(&secret, &["--ip", "198.51.100.1", "--require", "write"], 14, "ip_denied");
    sandbox.verdict(&secret, &wrong, 14, "wrong_environment");
    sandbox.rewrite("UPDATE key SET expires_at = created_at + 1");
    sandbox.verdict(&secret, &wrong, 12, "expired");
    sandbox.rewrite("UPDATE key SET expires_at = NULL");
    sandbox.keyward(["disable", "ci"]).ok();
    sandbox.rewrite("UPDATE key SET expires_at = created_at + 1");
    sandbox.verdict(&secret, &wrong, 13, "disabled");
    sandbox.keyward(["revoke", &sandbox.id_of("ci"), "--yes"]).ok();
    sandbox.verdict(&secret, &wrong, 11, "revoked");
    sandbox.workspace("other", &[]);
    sandbox.verdict(&secret, &["-w", "other"], 10, "not_found");
}

#[test]
fn a_key_answers_for_its_own_environment_alone() {
    let (sandbox, live) = Sandbox::with_key("live");
    let test = sandbox.mint_with("test", &["-e", "test"]);
    sandbox.verdict(&live, &["-e", "live"], 0, "valid");
    sandbox.verdict(&test, &["-e", "test"], 0, "valid");
    sandbox.verdict(&live, &["-e", "test"], 14, "wrong_environment");
    let verdict = sandbox.verdict(&test, &["-e", "live"], 14, "wrong_environment");
    assert_eq!(verdict["subject"]["environment"], "test");
}

#[test]
fn required_scopes_must_all_be_there() {
    let sandbox = Sandbox::new();
    let secret = scoped(&sandbox, &[]);
    sandbox.verdict(&secret, &["--require", "read"], 0, "valid");
    sandbox.verdict(&secret, &["--require", "write"], 14, "insufficient_scope");
    sandbox.verdict(
        &secret,
        &["--require", "read", "--require", "write"],
        14,
        "insufficient_scope",
    );
    sandbox.keyward(["set", "ci", "--scope", "read", "--scope", "write"]).ok();
    sandbox.verdict(&secret, &["--require", "read", "--require", "write"], 0, "valid");
}

#[test]
fn an_allow_list_admits_its_addresses_alone() {
    let sandbox = Sandbox::new();
    let secret =
        sandbox.mint_with("ci", &["--allow", "203.0.113.0/24", "--allow", "2001:db8::/32"]);
    for address in ["203.0.113.9", "::ffff:203.0.113.9", "2001:db8::1", "2001:0DB8:0:0::1"] {
        sandbox.verdict(&secret, &["--ip", address], 0, "valid");
    }
    for address in ["198.51.100.1", "::ffff:198.51.100.1", "2001:db9::1", "::1", "203.0.114.0"] {
        sandbox.verdict(&secret, &["--ip", address], 14, "ip_denied");
    }
    // Without an address there is nothing to admit.
    sandbox.verdict(&secret, &[], 14, "ip_denied");
}

#[test]
fn a_key_without_an_allow_list_is_valid_from_everywhere() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    sandbox.verdict(&secret, &["--ip", "198.51.100.1"], 0, "valid");
    for address in ["nowhere", "203.0.113.0/24", "203.0.113.256"] {
        sandbox.keyward(["verify", "--ip", address]).stdin(&secret).refused(2, "usage");
    }
    sandbox.verdict(&secret, &["--ip", ""], 0, "valid");
}

#[test]
fn one_line_end_is_stripped_and_nothing_else() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    for end in ["", "\n", "\r\n"] {
        sandbox.verdict(&format!("{secret}{end}"), &[], 0, "valid");
    }
    for end in ["\n\n", "\r\n\r\n", "\r", " ", "\t", " \n", "\0", "\n\0", "\u{feff}"] {
        sandbox.verdict(&format!("{secret}{end}"), &[], 10, "malformed");
    }
    for front in [" ", "\n", "\u{feff}", "\0", "Bearer "] {
        sandbox.verdict(&format!("{front}{secret}"), &[], 10, "malformed");
    }
}

#[test]
fn what_is_no_secret_at_all_is_malformed() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let two_lines = format!("{secret}\n{secret}\n");
    let huge = "k".repeat(1 << 20);
    let huge_begun_well = format!("{secret}{huge}");
    for wrong in ["", "\n", "\r\n", "\0", &two_lines, &huge, &huge_begun_well, "kw_live_\u{202e}"] {
        sandbox.verdict(wrong, &[], 10, "malformed");
    }
    let output = sandbox.keyward(["--json", "verify"]).stdin([0xff, 0xfe, 0x80]).exit(10);
    assert_eq!(output.json()["code"], "malformed");
    let output = sandbox.keyward(["--json", "verify"]).exit(10);
    assert_eq!(output.json()["code"], "malformed");
}

#[test]
fn a_use_is_recorded() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    assert_eq!(sandbox.show("ci")["lastUsedAt"], Value::Null);
    let verdict = sandbox.verdict(&secret, &[], 0, "valid");
    assert_eq!(verdict["recorded"], true);
    assert_about(moment(&sandbox.show("ci"), "lastUsedAt"), now());
}

#[test]
fn no_record_leaves_no_trace() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let verdict = sandbox.verdict(&secret, &["--no-record"], 0, "valid");
    assert_eq!(verdict["recorded"], false);
    assert_eq!(verdict["subject"]["lastUsedAt"], Value::Null);
    assert_eq!(sandbox.show("ci")["lastUsedAt"], Value::Null);
}

#[test]
fn a_refused_request_is_no_use() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    sandbox.verdict(&secret, &["-e", "test"], 14, "wrong_environment");
    sandbox.keyward(["disable", "ci"]).ok();
    sandbox.verdict(&secret, &[], 13, "disabled");
    assert_eq!(sandbox.show("ci")["lastUsedAt"], Value::Null);
}

#[test]
fn without_a_workspace_every_workspace_is_searched_and_with_one_only_that() {
    let sandbox = Sandbox::with_workspace("acme", &[]);
    sandbox.workspace("zenith", &["--prefix", "zen"]);
    let acme = sandbox.mint_with("ci", &["-w", "acme"]);
    let zenith = sandbox.mint_with("ci", &["-w", "zenith"]);
    for (secret, own, other) in [(acme, "acme", "zenith"), (zenith, "zenith", "acme")] {
        assert_eq!(sandbox.verdict(&secret, &[], 0, "valid")["subject"]["workspace"], own);
        sandbox.verdict(&secret, &["-w", own], 0, "valid");
        // The other workspace need not know the token's form; either way it is none of its own.
        let output = sandbox.keyward(["--json", "verify", "-w", other]).stdin(&secret).exit(10);
        assert_eq!(output.json()["subject"], Value::Null);
    }
    sandbox
        .keyward(["verify", "-w", "nowhere"])
        .stdin(token::well_formed())
        .refused(3, "workspace_not_found");
}

#[test]
fn the_used_workspace_does_not_narrow_the_search() {
    let sandbox = Sandbox::with_workspace("acme", &[]);
    sandbox.workspace("zenith", &[]);
    let secret = sandbox.mint_with("ci", &["-w", "acme"]);
    sandbox.keyward(["workspace", "use", "zenith"]).ok();
    sandbox.verdict(&secret, &[], 0, "valid");
}

#[test]
fn another_workspaces_key_is_not_found() {
    let sandbox = Sandbox::with_workspace("acme", &[]);
    sandbox.workspace("zenith", &[]);
    let secret = sandbox.mint_with("ci", &["-w", "acme"]);
    let verdict = sandbox.verdict(&secret, &["-w", "zenith"], 10, "not_found");
    assert_eq!(verdict["subject"], Value::Null);
    sandbox.keyward(["revoke", &sandbox.id_of(&secret[..20]), "--yes"]).ok();
    sandbox.verdict(&secret, &["-w", "zenith"], 10, "not_found");
}

#[test]
fn a_secret_may_come_from_a_file_or_a_variable() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let path = sandbox.file("ci.key", &format!("{secret}\n"));
    sandbox.keyward(["verify", "--file"]).args([path]).ok();
    sandbox.keyward(["verify", "--env", "ACME_KEY"]).env("ACME_KEY", &secret).ok();
    sandbox.keyward(["verify", "--env", "ACME_KEY"]).env("ACME_KEY", token::well_formed()).exit(10);
    sandbox.keyward(["verify", "--env", "ACME_KEY"]).env("ACME_KEY", "").exit(10);
    sandbox.refuses(&["verify", "--file", "missing.key"], 2, "usage");
    sandbox.refuses(&["verify", "--env", "ACME_KEY"], 2, "usage");
}

#[test]
fn keys_minted_before_a_prefix_was_changed_still_verify() {
    let (sandbox, old) = Sandbox::with_key("old");
    sandbox.keyward(["workspace", "set", "default", "--prefix", "acme"]).ok();
    let new = sandbox.mint("new");
    assert!(new.starts_with("acme_live_"), "{new}");
    sandbox.verdict(&new, &[], 0, "valid");
    sandbox.verdict(&old, &[], 0, "valid");
}

#[test]
fn a_person_reads_the_verdict_and_why() {
    let sandbox = Sandbox::new();
    sandbox.file("unknown.key", &token::well_formed());
    sandbox.expect_transcripts(
        r#"
$ keyward mint ci --out ci.key --quiet
------- stderr -------
[exit status: 0]
$ keyward verify --file ci.key
valid: ci (<id>) in default/live, never expires
------- stderr -------
[exit status: 0]
$ keyward verify --file ci.key -e test
wrong_environment: ci (<id>) in default/live: the key belongs to environment live, not test
------- stderr -------
[exit status: 14]
$ keyward verify --file ci.key --require admin
insufficient_scope: ci (<id>) in default/live: the key lacks the scope admin
------- stderr -------
[exit status: 14]
$ keyward disable ci --quiet; keyward verify --file ci.key
disabled: ci (<id>) in default/live: the key is disabled
------- stderr -------
[exit status: 13]
$ keyward revoke ci --yes --quiet; keyward verify --file ci.key
revoked: ci (<id>) in default/live: the key was revoked <now>
------- stderr -------
[exit status: 11]
$ keyward verify --file unknown.key
not_found: no key has this secret
------- stderr -------
[exit status: 10]
$ echo secret | keyward verify
malformed: not a key secret: wrong form or checksum
------- stderr -------
[exit status: 10]
$ keyward verify --file missing.key
------- stderr -------
error: no such file: missing.key
hint: see `keyward verify --help`
[exit status: 2]
"#,
    );
}

#[test]
fn a_quiet_verify_answers_by_its_exit_status_alone() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let quiet = |secret: &str, exit: i32| {
        for flags in [&["-q"][..], &["--quiet", "--json"], &["-q", "-o", "tsv"]] {
            let output = sandbox.keyward(["verify"]).args(flags).stdin(secret).exit(exit);
            assert_eq!((&*output.stdout, &*output.stderr), ("", ""), "{flags:?}");
        }
    };
    quiet(&secret, 0);
    quiet("x", 10);
    sandbox.keyward(["disable", "ci"]).ok();
    quiet(&secret, 13);
    sandbox.keyward(["revoke", "ci", "--yes"]).ok();
    quiet(&secret, 11);
    // What keeps it from an answer is said.
    let missing = ["verify", "-q", "--file", "missing"];
    let output = sandbox.keyward(missing).run();
    assert!(output.status != 0 && output.stdout.is_empty());
    assert!(output.stderr.contains("missing"), "{}", output.transcript());
}
