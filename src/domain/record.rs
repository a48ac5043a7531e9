//! The digest of a record: what a row of the store said when keyward last wrote it.
//!
//! This module never reads or writes a row. The digest is stored in two places. Beside the record it is the seal, which
//! no longer matches a row that was changed outside keyward. In the newest event about the record, in the audit trail,
//! it does not match a row that was put back to an earlier state.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::domain::digest::write_hex;
use crate::domain::form::HashForm;
use crate::domain::key::{Key, KeyId};
use crate::domain::secret::SecretHash;
use crate::domain::timestamp::Timestamp;
use crate::domain::workspace::Workspace;

/// What the digests of keys and of workspaces begin with, so that neither can be taken for the other.
const KEY: &[u8] = b"keyward.key.v1\0";
const WORKSPACE: &[u8] = b"keyward.workspace.v1\0";

/// SHA-256 of everything in a record except its counts and its workspace's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordDigest([u8; 32]);

impl RecordDigest {
    /// The name of the digest among an event's details, where it comes last.
    pub const FIELD: &'static str = "record";

    /// The digest of a key's record.
    pub fn of_key(key: &Key) -> Self {
        let mut form = Form::begin(KEY);
        form.text(key.id.as_str());
        form.number(key.workspace_id.0);
        for text in [&key.name, &key.environment] {
            form.text(text);
        }
        form.texts(key.scopes.iter());
        for text in [&key.prefix, &key.short, &key.hint] {
            form.text(text);
        }
        form.text(SecretHash::ALGORITHM);
        form.bytes(key.hash.as_bytes());
        form.text(key.state.word());
        form.time(Some(key.created_at));
        form.text(&key.created_by);
        form.time(key.expires_at);
        form.time(key.revoked_at);
        form.maybe(key.revoked_reason.as_deref());
        form.maybe(key.revoked_message.as_deref());
        let rotation = key.rotation.as_ref();
        form.maybe(rotation.map(|rotation| rotation.replaces.as_str()));
        form.number(rotation.map_or(0, |rotation| rotation.grace_millis));
        form.time(rotation.and_then(|rotation| rotation.previous_expires_at));
        form.maybe(key.replaced_by.as_ref().map(KeyId::as_str));
        let networks: Vec<String> = key.allow.iter().map(ToString::to_string).collect();
        form.texts(networks.iter());
        form.maybe(key.owner.as_deref());
        form.texts(key.labels.iter().flat_map(|(name, value)| [name, value]));
        // Records of before there were revisions have the same digest as then.
        if key.revision > 1 {
            form.number(key.revision);
        }
        // Likewise of before a key could have a plan of its own.
        if key.plan.is_some() {
            form.maybe(key.plan.as_deref());
        }
        if let Some(hashed) = key.form {
            form.form(hashed);
        }
        form.end()
    }

    /// The digest of a workspace's record, its policy as the text that is stored.
    pub fn of_workspace(workspace: &Workspace, policy: &str) -> Self {
        let mut form = Form::begin(WORKSPACE);
        form.number(workspace.id.0);
        form.text(&workspace.name);
        form.maybe(workspace.preset.as_deref());
        form.text(policy);
        form.maybe(workspace.plan.as_deref());
        form.time(Some(workspace.created_at));
        form.text(&workspace.created_by);
        form.end()
    }

    /// Takes a digest read from the store.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digest's bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether an event's details, an object as keyward writes them, end with this digest.
    pub fn ends(self, details: &str) -> bool {
        let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble)];
        Self::at_end(details).is_some_and(|digest| {
            let pairs = digest.as_bytes().chunks_exact(2).zip(self.0);
            pairs.into_iter().all(|(pair, byte)| pair == [digit(byte >> 4), digit(byte & 15)])
        })
    }

    /// The 64 characters of the digest at the end of an event's details, if there is one.
    pub fn at_end(details: &str) -> Option<&str> {
        let front = details.strip_suffix("\"}")?;
        let at = front.len().checked_sub(64)?;
        let (front, digest) = front.split_at_checked(at)?;
        // Within a text of the details the quotation marks would have backslashes before them.
        let is_last = front.ends_with("{\"record\":\"") || front.ends_with(",\"record\":\"");
        is_last.then_some(digest)
    }
}

impl fmt::Display for RecordDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(formatter, &self.0)
    }
}

/// The bytes that are hashed: every field in its order with its length before it, so that no two records read the same.
struct Form(Vec<u8>);

impl Form {
    fn begin(domain: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(768);
        bytes.extend_from_slice(domain);
        Self(bytes)
    }

    /// A length in 8 bytes, the highest first, and so many bytes.
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        self.0.extend_from_slice(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// 8 bytes in two's complement, the highest first.
    fn number(&mut self, number: i64) {
        self.0.extend_from_slice(&number.to_be_bytes());
    }

    /// A zero byte for nothing, or a one and the text.
    fn maybe(&mut self, text: Option<&str>) {
        self.0.push(u8::from(text.is_some()));
        if let Some(text) = text {
            self.text(text);
        }
    }

    /// A two, which nothing else that may be left out begins with, and the form's word.
    fn form(&mut self, hashed: HashForm) {
        self.0.push(2);
        self.text(hashed.word());
    }

    /// A zero byte for never, or a one and the milliseconds since 1970.
    fn time(&mut self, time: Option<Timestamp>) {
        self.0.push(u8::from(time.is_some()));
        if let Some(time) = time {
            self.number(time.as_millis());
        }
    }

    /// Their number in 8 bytes, and each text.
    fn texts<'t>(&mut self, texts: impl Iterator<Item = &'t String> + Clone) {
        self.number(texts.clone().count() as i64);
        for text in texts {
            self.text(text);
        }
    }

    fn end(self) -> RecordDigest {
        RecordDigest(Sha256::digest(&self.0).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::key::tests::sample;
    use crate::domain::key::{Rotation, State};
    use crate::domain::policy::Policy;
    use crate::domain::workspace::WorkspaceId;

    #[test]
    fn a_change_of_any_field_of_a_key_is_another_digest() {
        let changes: [fn(&mut Key); 25] = [
            |_| {},
            |key| key.id = KeyId::from_stored("key_1".to_owned()),
            |key| key.workspace_id = WorkspaceId(2),
            |key| key.name.push('x'),
            |key| key.environment.push('x'),
            |key| key.scopes.push("write".to_owned()),
            |key| key.scopes = vec!["re".to_owned(), "ad".to_owned()],
            |key| key.prefix.push('x'),
            |key| key.short.push('x'),
            |key| key.hint.push('x'),
            |key| key.hash = SecretHash::from_bytes([1; 32]),
            |key| key.state = State::Disabled,
            |key| key.created_at = Timestamp::from_millis(1),
            |key| key.created_by.push('x'),
            |key| key.expires_at = Some(Timestamp::from_millis(1)),
            |key| key.revoked_at = Some(Timestamp::from_millis(1)),
            |key| key.revoked_reason = Some(String::new()),
            |key| key.revoked_message = Some(String::new()),
            |key| {
                key.rotation = Some(Rotation {
                    replaces: key.id.clone(),
                    grace_millis: 0,
                    previous_expires_at: None,
                });
            },
            |key| key.replaced_by = Some(key.id.clone()),
            |key| key.owner = Some(String::new()),
            |key| {
                key.labels.insert(String::new(), String::new());
            },
            |key| key.revision = 2,
            |key| key.plan = Some(HashForm::Sha512.word().to_owned()),
            |key| key.form = Some(HashForm::Sha512),
        ];
        let mut seen: Vec<String> = Vec::new();
        for change in changes {
            let mut key = sample();
            change(&mut key);
            let digest = RecordDigest::of_key(&key).to_string();
            assert!(!seen.contains(&digest), "change {}", seen.len());
            seen.push(digest);
        }
        let mut key = sample();
        key.allow.push("10.0.0.0/8".parse().expect("a network"));
        assert!(!seen.contains(&RecordDigest::of_key(&key).to_string()));
    }

    #[test]
    fn what_is_counted_and_what_the_workspace_is_called_are_no_part_of_it() {
        let mut key = sample();
        key.last_used_at = Some(Timestamp::from_millis(1));
        key.workspace.push('x');
        assert_eq!(RecordDigest::of_key(&key), RecordDigest::of_key(&sample()));
    }

    #[test]
    fn a_change_of_any_field_of_a_workspace_is_another_digest() {
        let workspace = Workspace {
            id: WorkspaceId(1),
            name: "default".to_owned(),
            preset: None,
            policy: Policy::from_toml("").expect("defaults"),
            plan: None,
            created_at: Timestamp::from_millis(1),
            created_by: "operator:someone".to_owned(),
        };
        let changes: [fn(&mut Workspace); 6] = [
            |workspace| workspace.id = WorkspaceId(2),
            |workspace| workspace.name.push('x'),
            |workspace| workspace.preset = Some(String::new()),
            |workspace| workspace.plan = Some(String::new()),
            |workspace| workspace.created_at = Timestamp::from_millis(2),
            |workspace| workspace.created_by.push('x'),
        ];
        for change in changes {
            let mut changed = workspace.clone();
            change(&mut changed);
            let digests =
                [&workspace, &changed].map(|workspace| RecordDigest::of_workspace(workspace, ""));
            assert_ne!(digests[0], digests[1]);
        }
        let digests = ["", "x"].map(|policy| RecordDigest::of_workspace(&workspace, policy));
        assert_ne!(digests[0], digests[1]);
    }

    #[test]
    fn a_digest_is_found_at_the_end_of_the_details_alone() {
        let digest = RecordDigest::of_key(&sample());
        let with = |details: serde_json::Value| digest.ends(&details.to_string());
        assert!(with(serde_json::json!({ "record": digest.to_string() })));
        assert!(with(serde_json::json!({ "a": 1, "record": digest.to_string() })));
        assert!(!with(serde_json::json!({ "record": "00".repeat(32) })));
        assert!(!with(serde_json::json!({ "record": digest.to_string(), "a": 1 })));
        let within = format!(",\"record\":\"{digest}");
        assert!(!with(serde_json::json!({ "a": within })));
        assert!(!with(serde_json::json!({})));
        assert!(!digest.ends("é\"}"));
    }
}
