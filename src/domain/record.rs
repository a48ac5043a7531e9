//! The digest of a record: what a row of the store said when keyward last wrote it.
//!
//! This module never reads or writes a row. The digest is stored in two places. Beside the record it is the seal, which
//! no longer matches a row that was changed outside keyward. In the newest event about the record, in the audit trail,
//! it does not match a row that was put back to an earlier state.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::domain::digest::write_hex;
use crate::domain::key::Key;
use crate::domain::stored::{Field, Stored};
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
        for field in key.fields().iter().filter(|field| field.is_hashed) {
            form.field(field);
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

    /// Adds the digest at the end of an event's details, which are an object.
    pub fn append(self, details: &mut String) {
        details.pop();
        let comma = if details.ends_with('{') { "" } else { "," };
        details.push_str(&format!("{comma}\"{}\":\"{self}\"}}", Self::FIELD));
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

    fn field(&mut self, field: &Field<'_>) {
        self.0.extend_from_slice(field.lead);
        match field.value {
            Stored::Text(text) => self.text(text),
            Stored::Maybe(text) => self.maybe(text),
            Stored::Number(number) => self.number(number.unwrap_or(0)),
            Stored::Time(time) => self.time(time),
            Stored::Hash(hash) => self.bytes(hash.as_bytes()),
            Stored::Texts(texts) => self.texts(texts.iter()),
            Stored::Networks(networks) => {
                let networks: Vec<String> = networks.iter().map(ToString::to_string).collect();
                self.texts(networks.iter());
            }
            Stored::Labels(labels) => {
                self.texts(labels.iter().flat_map(|(name, value)| [name, value]));
            }
        }
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
    use crate::domain::form::HashForm;
    use crate::domain::key::tests::sample;
    use crate::domain::key::{KeyId, Rotation, State};
    use crate::domain::policy::Policy;
    use crate::domain::secret::SecretHash;
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

    /// Stores have these digests in their records and their trails: none may ever change.
    #[test]
    fn the_digests_of_records_are_those_of_every_keyward_before() {
        let digest = |change: fn(&mut Key)| {
            let mut key = sample();
            change(&mut key);
            RecordDigest::of_key(&key).to_string()
        };
        let digests = [
            digest(|_| {}),
            digest(whole),
            digest(|key| key.revision = 7),
            digest(|key| key.plan = Some("pro".to_owned())),
            digest(|key| key.form = Some(HashForm::AfterBar)),
        ];
        let before = [
            "35c8ce58480a6be2841365ba1c5afe58d328d542031bc8bb9ba731bcf6cc72ef",
            "bb0c7bf8dd71b35565db5dbb70020222566faf14e2884c461a61e5f005c031d8",
            "38b835524c5d7b6c3832b61e2bb972b2bcf8af703b2e91ab8ea49a729fc5dc7d",
            "3f8b9afc033517008d5017bab4bcc247ed292a196c74c454d0423fec62af7e71",
            "04ceef683d6833587706968194832555800fa9326e7fd8cf76da8bb944171296",
        ];
        assert_eq!(digests, before);
    }

    /// Gives a key something in each of its fields.
    fn whole(key: &mut Key) {
        let time = |millis| Some(Timestamp::from_millis(millis));
        key.form = Some(HashForm::Sha512);
        key.state = State::Revoked;
        key.expires_at = time(1);
        key.revoked_at = time(2);
        key.revoked_reason = Some("leaked".to_owned());
        key.revoked_message = Some("in a log".to_owned());
        key.rotation = Some(Rotation {
            replaces: KeyId::from_stored("key_aaaaaaaaaaaaaaaa".to_owned()),
            grace_millis: 3,
            previous_expires_at: time(4),
        });
        key.replaced_by = Some(KeyId::from_stored("key_bbbbbbbbbbbbbbbb".to_owned()));
        key.allow.push("10.0.0.0/8".parse().expect("a network"));
        key.owner = Some("ops".to_owned());
        key.labels.insert("team".to_owned(), "a".to_owned());
        key.plan = Some("pro".to_owned());
        key.revision = 5;
    }

    #[test]
    fn a_field_that_is_added_now_is_hashed_after_its_name_where_it_has_a_value() {
        let key = sample();
        for field in key.fields().iter().skip_while(|field| field.column != "form").skip(1) {
            let lead = [b"\x03", field.column.as_bytes(), b"\0"].concat();
            assert_eq!((field.lead, field.is_hashed), (&lead[..], false), "{}", field.column);
        }
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
        for mut details in [serde_json::json!({}), serde_json::json!({ "a": 1 })] {
            let mut text = details.to_string();
            digest.append(&mut text);
            details["record"] = digest.to_string().into();
            assert_eq!(text, details.to_string());
        }
        let within = format!(",\"record\":\"{digest}");
        assert!(!with(serde_json::json!({ "a": within })));
        assert!(!with(serde_json::json!({})));
        assert!(!digest.ends("é\"}"));
    }
}
