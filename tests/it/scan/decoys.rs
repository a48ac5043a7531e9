//! A token that no key has is not a finding, or unknown, and is never revoked.

use super::planted::base64;
use super::{findings, one, plant, scan};
use crate::support::{Sandbox, token};

/// Stands between decoys: a token may be wrapped, so the end of one and the beginning of the next must not make one, and
/// neither with a letter of this.
const APART: &str = "\n(é next é)\n";

#[test]
fn nothing_that_only_looks_like_a_key_is_one() {
    let (sandbox, secrets) = super::everything();
    let (_other, others) = super::everything();
    for ((preset, secret), (_, other)) in secrets.iter().zip(&others) {
        let mut decoys = Vec::new();
        for at in 0..secret.len() {
            for replacement in ["0", "x", "Z", "_"] {
                let mut changed = secret.clone();
                changed.replace_range(at..=at, replacement);
                decoys.push(changed);
            }
        }
        let name = format!("key-{preset}");
        let shown = sandbox.keyward(["show", &name, "-w", preset]).answer();
        let (front, hint) = (shown["prefix"].as_str().expect("text"), &shown["keyHint"]);
        let left = secret.len() - front.len();
        decoys.extend([
            front.to_owned(),
            format!("{front}…{}", hint.as_str().expect("text")),
            format!("{front}{}", "x".repeat(left)),
            format!("{front}{}", "*".repeat(left)),
            format!("{front}{}{}", "*".repeat(left - 4), &secret[secret.len() - 4..]),
            secret[..secret.len() - 1].to_owned(),
            secret[1..].to_owned(),
            secret.to_uppercase(),
            secret.to_lowercase(),
            secret.chars().rev().collect(),
            format!("{}{}", &secret[..secret.len() / 2], &other[secret.len() / 2..]),
        ]);
        decoys.retain(|decoy| decoy != secret);
        plant(&sandbox, &format!("tree/{preset}"), decoys.join(APART));
        let encoded: Vec<String> = decoys.iter().map(|decoy| base64(decoy.as_bytes())).collect();
        plant(&sandbox, &format!("tree/{preset}.b64"), encoded.join(APART));
    }
    assert_eq!(findings(&scan(&sandbox, &["tree"], 0)), Vec::<serde_json::Value>::new());
    // What has a checksum proves nothing else either.
    for (preset, other) in &others {
        plant(&sandbox, &format!("other/{preset}"), other);
    }
    let found = findings(&scan(&sandbox, &["other", "--revoke", "--yes"], 0));
    let kinds: Vec<_> = found.iter().map(|finding| finding["kind"].clone()).collect();
    assert_eq!(kinds, ["unknown"; 3]);
    for (_, secret) in &secrets {
        sandbox.verdict(secret, &[], 0, "valid");
    }
}

#[test]
fn another_stores_key_is_unknown_and_is_never_revoked() {
    let (sandbox, secret) = one();
    let (_other, foreign) = Sandbox::with_key("theirs");
    // The public part of a key that is there, with another secret and the checksum that belongs to it.
    let body = format!("{}{}", &secret[..20], &foreign[20..52]);
    let forged = format!("{body}{}", token::checksum(&body, token::BASE62));
    plant(&sandbox, "tree/a", format!("{foreign}\n{forged}\n"));
    let answer = scan(&sandbox, &["tree"], 0);
    let found = findings(&answer);
    assert_eq!(found.len(), 2, "{answer:#}");
    for finding in &found {
        assert_eq!(finding["kind"], "unknown");
        assert_eq!(finding["remedy"], serde_json::Value::Null);
    }
    assert_eq!(found[1]["prefix"], secret[..20]);
    assert_eq!(found[1]["environment"], "live");
    scan(&sandbox, &["tree", "--fail-on", "any"], 18);
    scan(&sandbox, &["tree", "--revoke", "--yes"], 0);
    sandbox.verdict(&secret, &[], 0, "valid");
}
