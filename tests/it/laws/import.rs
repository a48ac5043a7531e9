//! Lines of an import: a line that is taken says what its JSON says, holds no secret, and can be handed out and taken again; one
//! that is refused is not repeated.
//!
//! An input is a line without its end.

use keyward::domain::key::{Key, KeyId, State};
use keyward::domain::policy::Policy;
use keyward::domain::timestamp::Timestamp;
use keyward::domain::transfer::{FormatFields, KeyFields, KeyLine, Line};
use keyward::domain::workspace::WorkspaceId;
use keyward::output::json as ascii;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::shown::assert_presentable;

/// A text of a line that is this long is in no message but by being repeated.
const TELLING: usize = 32;
/// A moment before which nothing has expired and no pending key has lapsed.
const LONG_AGO: Timestamp = Timestamp::from_millis(i64::MIN / 4);

/// Holds the reading of lines to its laws.
pub fn hold(data: &[u8]) {
    match Line::parse(data, None) {
        Err(error) => {
            assert_presentable(&error);
            if let Ok(whole) = serde_json::from_slice::<Value>(data)
                && let Some(fields) = whole.as_object()
            {
                // A policy is not a secret, and what is wrong with it has to be named.
                let secret = fields.iter().filter(|(name, _)| *name != "policy");
                secret.for_each(|(_, value)| assert_untold(value, &error.to_string()));
            }
        }
        Ok(Line::Workspace(line)) => {
            let whole: Value = serde_json::from_slice(data).expect("it was read");
            assert_eq!(whole["type"], "workspace");
            assert_eq!(whole["name"], line.name.as_str());
            let policy = Policy::from_toml(whole["policy"].as_str().expect("it is a text"));
            assert_eq!(policy.expect("it was read"), line.policy);
            let plan = line.plan.as_deref();
            assert!(plan.is_none_or(|plan| line.policy.plan(plan).is_ok()));
        }
        Ok(Line::Format(format)) => {
            let whole: Value = serde_json::from_slice(data).expect("it was read");
            let (template, _, prefix, environments) = format.parts();
            assert_eq!(whole["token"].as_str().unwrap_or_default(), template);
            assert_eq!(whole["prefix"], prefix);
            if !template.is_empty() {
                assert_eq!(whole["environments"], json!(environments));
            }
            let written = ascii::to_string(&FormatFields::from(&format));
            let again = Line::parse(written.as_bytes(), None).expect("it was taken before");
            assert!(matches!(again, Line::Format(again) if again == format));
        }
        Ok(Line::Key(line)) => {
            let whole: Value = serde_json::from_slice(data).expect("it was read");
            assert!(whole.get("key").is_none(), "a secret was taken");
            assert_holds_no_secret(&whole, line.key.hash.as_bytes());
            assert_says(&whole, &line);
            assert_comes_back(&line);
        }
    }
}

fn assert_untold(value: &Value, said: &str) {
    match value {
        Value::String(text) => assert!(
            text.len() < TELLING || !said.contains(text.as_str()),
            "{text:?} is repeated in {said:?}"
        ),
        Value::Array(values) => values.iter().for_each(|value| assert_untold(value, said)),
        Value::Object(fields) => fields.values().for_each(|value| assert_untold(value, said)),
        _ => {}
    }
}

fn assert_holds_no_secret(value: &Value, hash: &[u8; 32]) {
    let assert_none = |text: &str| {
        let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        assert_ne!(&digest, hash, "the secret stands in the line");
    };
    match value {
        Value::String(text) => assert_none(text),
        Value::Array(values) => values.iter().for_each(|value| assert_holds_no_secret(value, hash)),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            assert_none(name);
            assert_holds_no_secret(value, hash);
        }),
        _ => {}
    }
}

/// What a line says of a key, worked out from its JSON.
fn assert_says(whole: &Value, line: &KeyLine) {
    assert_eq!(whole["name"], line.name.as_str());
    let text = |field: &str| whole[field].as_str();
    let hexadecimal: String =
        line.key.hash.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let hash = text("hash").expect("it was read");
    assert!(hash.len() != 64 || hash.eq_ignore_ascii_case(&hexadecimal));
    assert_eq!(text("id"), line.id.as_ref().map(KeyId::as_str));
    assert_eq!(text("environment"), line.environment.as_deref());
    assert_eq!(text("prefix").unwrap_or_default(), line.key.prefix);
    assert_eq!(text("owner"), line.key.owner.as_deref());
    let state = match text("status") {
        Some("pending") => State::Pending,
        Some("disabled") => State::Disabled,
        Some("revoked") => State::Revoked,
        _ => State::Active,
    };
    assert_eq!(state, line.key.state);
    assert_eq!(line.has_expired, text("status") == Some("expired"));
    let labels = whole["labels"].as_object().map_or(0, serde_json::Map::len);
    assert_eq!(labels, line.key.labels.len());
}

/// A key that was taken in is handed out as a line that is taken in as the same.
fn assert_comes_back(line: &KeyLine) {
    let key = Key {
        id: line
            .id
            .clone()
            .unwrap_or_else(|| KeyId::from_stored("key_0123456789abcdef".to_owned())),
        workspace_id: WorkspaceId(1),
        workspace: line.workspace.clone().unwrap_or_default(),
        name: line.name.to_string(),
        environment: line.environment.clone().unwrap_or_default(),
        created_at: line.created_at.unwrap_or(LONG_AGO),
        created_by: line.created_by.clone().unwrap_or_default(),
        revision: 1,
        seen: LONG_AGO,
        ..line.key.clone()
    };
    let view = KeyFields::of(&key, LONG_AGO);
    let Ok(Line::Key(again)) = Line::parse(ascii::to_string(&view).as_bytes(), None) else {
        // A time before the first that RFC 3339 can say has no line.
        assert!(line.created_at.is_none(), "it does not come back");
        return;
    };
    assert_eq!(again.key.hash.as_bytes(), line.key.hash.as_bytes());
    assert_eq!(again.name, line.name);
    assert_eq!(again.key.scopes, line.key.scopes);
    assert_eq!(again.key.labels, line.key.labels);
    assert_eq!(again.key.owner, line.key.owner);
    assert_eq!(again.key.expires_at, line.key.expires_at);
    assert_eq!(again.key.rotation, line.key.rotation);
    assert_eq!(again.key.state, line.key.state);
}
