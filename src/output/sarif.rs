//! Findings as SARIF 2.1.0 (OASIS), which code scanning services read.
//!
//! It has no line of what was read, and no hash of a token.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::output::json;

/// How many results a run has. GitHub takes 25,000 and shows 5,000.
const MOST: usize = 5_000;

/// A place of a finding.
pub struct Result<'a> {
    /// Whose: an id or a public front.
    pub subject: &'a str,
    pub kind: &'static str,
    pub message: String,
    /// The path, as bytes.
    pub path: Option<&'a [u8]>,
    /// Line and column, from 1.
    pub spot: Option<(u64, u64)>,
}

/// The rules: a kind, its level, its severity as GitHub counts it, and what it is.
const RULES: [(&str, &str, &str, &str); 3] = [
    ("live", "error", "9.8", "A live key's token. Revoke the key, then mint another."),
    (
        "unknown",
        "warning",
        "5.0",
        "A token with a valid checksum that belongs to none of this store's keys.",
    ),
    ("dead", "note", "2.0", "The token of a key that was revoked or has expired."),
];

pub fn document(results: &[Result<'_>], incomplete: &[String]) -> String {
    let rules = RULES.map(|(kind, level, severity, text)| {
        json!({
            "id": format!("{kind}-key"),
            "shortDescription": { "text": text },
            "defaultConfiguration": { "level": level },
            "properties": { "security-severity": severity, "tags": ["security"] },
        })
    });
    let mut notes: Vec<Value> = incomplete
        .iter()
        .map(|text| json!({ "level": "error", "message": { "text": text } }))
        .collect();
    if results.len() > MOST {
        let text = format!("{} of {} places are listed", MOST, results.len());
        notes.push(json!({ "level": "warning", "message": { "text": text } }));
    }
    let listed: Vec<Value> = results.iter().take(MOST).map(result).collect();
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "keyward",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "invocations": [{
                "executionSuccessful": incomplete.is_empty(),
                "toolExecutionNotifications": notes,
            }],
            "results": listed,
        }],
    });
    json::to_string(&document) + "\n"
}

fn result(result: &Result<'_>) -> Value {
    let level = RULES.iter().find(|(kind, ..)| *kind == result.kind).map(|rule| rule.1);
    let path = result.path.unwrap_or(b"unknown");
    let mut location = json!({ "artifactLocation": { "uri": uri(path) } });
    if let Some((line, column)) = result.spot {
        // In bytes, where SARIF counts characters: behind other ones than ASCII, the place is marked too far to the right.
        location["region"] = json!({ "startLine": line, "startColumn": column });
    }
    let known = Sha256::digest([result.subject.as_bytes(), b":", path].concat());
    let fingerprint: String = known.iter().map(|byte| format!("{byte:02x}")).collect();
    json!({
        "ruleId": format!("{}-key", result.kind),
        "level": level,
        "message": { "text": result.message },
        "locations": [{ "physicalLocation": location }],
        "partialFingerprints": { "keyward/v1": fingerprint },
    })
}

/// A path as a relative reference (RFC 3986).
fn uri(path: &[u8]) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(byte);
    path.iter()
        .map(|byte| match is_plain(byte) {
            true => char::from(*byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}
