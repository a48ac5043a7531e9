//! A token that no key has is not a finding, or unknown, and is never revoked.

use super::{findings, one, plant, scan};
use crate::support::{Sandbox, token};

#[test]
fn a_token_with_one_character_changed_is_no_finding() {
    let (sandbox, secret) = one();
    let mut decoys = String::new();
    for at in 0..secret.len() {
        for replacement in ["0", "x", "Z"] {
            let mut changed = secret.clone();
            changed.replace_range(at..=at, replacement);
            if changed != secret {
                decoys += &format!("{changed}\n");
            }
        }
    }
    let (front, end) = (&secret[..20], &secret[secret.len() - 10..]);
    for decoy in [
        front.to_owned(),
        format!("{front}…{}", &end[..4]),
        format!("{front}{}", "x".repeat(secret.len() - 20)),
        format!("{front}{}", "*".repeat(secret.len() - 20)),
        secret[..secret.len() - 1].to_owned(),
    ] {
        decoys += &format!("{decoy}\n");
    }
    plant(&sandbox, "tree/decoys", decoys);
    let answer = scan(&sandbox, &["tree"], 0);
    assert_eq!(findings(&answer), Vec::<serde_json::Value>::new());
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

#[test]
fn a_token_of_a_format_without_a_checksum_that_is_no_keys_is_no_finding() {
    let (sandbox, secrets) = super::everything();
    for (preset, secret) in &secrets {
        if ["azscraper", "audioscrape", "amser", "scrapewise"].contains(preset) {
            let end = if secret.ends_with('a') { "b" } else { "a" };
            plant(
                &sandbox,
                &format!("tree/{preset}"),
                format!("{}{end}", &secret[..secret.len() - 1]),
            );
        }
    }
    assert_eq!(findings(&scan(&sandbox, &["tree"], 0)).len(), 0);
}
