//! `--revoke` and `--record`: only live keys that are proven, all or none, and the trail is told.

use serde_json::json;
use sha2::{Digest, Sha256};

use super::{findings, one, plant, scan, shell};
use crate::support::Sandbox;

/// A secret's SHA-256.
pub fn hash(secret: &str) -> String {
    Sha256::digest(secret).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn what_leaked_is_revoked_as_compromised_with_its_place() {
    let (sandbox, secrets) = super::everything();
    for (preset, secret) in &secrets {
        plant(&sandbox, &format!("tree/{preset}"), format!("\n{secret}\n"));
    }
    let answer = scan(&sandbox, &["tree", "--revoke", "--yes"], 18);
    for finding in findings(&answer) {
        assert_eq!(finding["status"], "revoked");
        assert_eq!(finding["kind"], "live", "as it was found");
        assert_eq!(finding["revokedReason"], "compromised");
    }
    for (_, secret) in &secrets {
        sandbox.verdict(secret, &[], 11, "revoked");
    }
    let events = sandbox.events_of("key.revoke");
    assert_eq!(events.len(), secrets.len());
    assert_eq!(events[0]["details"]["message"], "found by scan: tree/amazonscraperapi:2");
    // Once more: nothing is left to do, and a revoked key is not an alarm.
    scan(&sandbox, &["tree", "--revoke", "--yes"], 0);
    assert_eq!(sandbox.events_of("key.revoke").len(), secrets.len());
    sandbox.keyward(["store", "check"]).ok();
}

#[test]
fn nothing_is_revoked_that_nobody_has_confirmed() {
    let (sandbox, secret) = one();
    plant(&sandbox, "tree/a", &secret);
    let head = sandbox.head();
    let error = sandbox.keyward(["scan", "tree", "--revoke"]).refused(2, "usage");
    assert_eq!(error["hint"], "pass --yes to confirm");
    assert_eq!(sandbox.head(), head);
    sandbox.keyward(["scan", "tree", "--message", "x"]).refused(2, "usage");
    let answer =
        scan(&sandbox, &["tree", "--revoke", "--yes", "--message", "seen in a ticket"], 18);
    assert_eq!(findings(&answer).len(), 1);
    assert_eq!(sandbox.events_of("key.revoke")[0]["details"]["message"], "seen in a ticket");
}

#[test]
fn only_what_a_workspace_narrows_to_is_revoked() {
    let (sandbox, secrets) = super::everything();
    for (preset, secret) in &secrets {
        plant(&sandbox, &format!("tree/{preset}"), secret);
    }
    scan(&sandbox, &["tree", "-w", "amser", "--revoke", "--yes"], 18);
    for (preset, secret) in &secrets {
        match *preset {
            "amser" => sandbox.verdict(secret, &[], 11, "revoked"),
            _ => sandbox.verdict(secret, &[], 0, "valid"),
        };
    }
}

#[test]
fn a_scan_changes_nothing_in_the_store_and_counts_no_use() {
    let (sandbox, secret) = one();
    plant(&sandbox, "tree/a", &secret);
    let before = sandbox.settled_bytes();
    scan(&sandbox, &["tree"], 18);
    assert!(sandbox.settled_bytes() == before, "the store was written");
}

#[test]
fn what_is_recorded_is_found_by_check_until_the_key_is_revoked() {
    let (sandbox, secret) = one();
    plant(&sandbox, "tree/a", &secret);
    sandbox.keyward(["check", "--exposed"]).ok();
    scan(&sandbox, &["tree", "--record"], 18);
    let event = &sandbox.events_of("key.expose")[0];
    assert_eq!(event["details"]["where"], "tree/a:1");
    assert_eq!(event["details"]["places"], 1);
    sandbox.verdict(&secret, &[], 0, "valid");
    let checked = sandbox.keyward(["check", "--exposed", "--json"]).exit(18).json();
    let finding = &checked["findings"][0];
    assert_eq!((&finding["name"], &finding["reason"]), (&json!("ci"), &json!("exposed")));
    let remedy = finding["remedy"].as_str().expect("a command");
    shell(
        &sandbox,
        "",
        &format!("{} {} --yes", crate::support::KEYWARD, &remedy["keyward ".len()..]),
    );
    sandbox.keyward(["check", "--exposed"]).ok();
    sandbox.assert_sound();
}

/// A partner's message or another scanner's report is text.
#[test]
fn a_report_on_standard_input_is_answered() {
    let (sandbox, secret) = one();
    let (_other, foreign) = Sandbox::with_key("theirs");
    let report = json!([
        { "token": secret, "type": "keyward_key", "url": "https://example.com/leak", "source": "commit" },
        { "token": foreign, "type": "keyward_key", "url": "https://example.com/other", "source": "commit" },
    ]);
    let run =
        sandbox.keyward(["scan", "-", "--revoke", "--yes", "--json"]).stdin(report.to_string());
    let answer = run.exit(18).json();
    assert_eq!(findings(&answer).len(), 2);
    sandbox.verdict(&secret, &[], 11, "revoked");
}

#[test]
fn no_secret_hash_or_line_is_in_any_answer_or_record() {
    let (sandbox, secrets) = super::everything();
    for (preset, secret) in &secrets {
        plant(&sandbox, &format!("tree/{preset}"), format!("a telling line {secret} of text\n"));
    }
    let formats: [&[&str]; 6] = [
        &[],
        &["--json"],
        &["-o", "jsonl"],
        &["-o", "tsv"],
        &["-o", "wide"],
        &["--format", "sarif"],
    ];
    let mut said = String::new();
    for format in formats {
        let output = sandbox.keyward(["scan", "tree", "--record"]).args(format).exit(18);
        said += &(output.stdout + &output.stderr);
    }
    said += &sandbox.keyward(["scan", "tree", "--revoke", "--yes"]).exit(18).stderr;
    said += &sandbox.keyward(["audit", "list", "-A", "--json"]).ok().stdout;
    for (_, secret) in &secrets {
        assert!(!said.contains(&secret[secret.len() - 16..]), "a secret was said");
        assert!(!said.contains(&hash(secret)), "a hash was said");
    }
    assert!(!said.contains("telling"), "a line was said");
}
