//! The audit trail's rows, the chain that ties each to the one before, and the end of a trail, which is one line to keep
//! elsewhere.
//!
//! This module never writes a row. What a chain shows and what it cannot: an edit, insertion, deletion or reordering
//! breaks it; a cut tail or a complete rewrite does not, so a head should be kept elsewhere.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::domain::digest::{hex, write_hex};
use crate::domain::sanitize::Safe;
use crate::domain::timestamp::Timestamp;
use crate::domain::words::words;
use crate::error::{Error, Result};

/// What a row's hash begins with, so that no other use of SHA-256 can produce one.
const DOMAIN: &[u8] = b"keyward.audit.v1\0";

words! {
    /// What happened.
    pub enum Action {
        WorkspaceCreate = "workspace.create",
        /// A workspace's policy or plan changed.
        WorkspaceSet = "workspace.set",
        WorkspaceRename = "workspace.rename",
        /// A workspace and its revoked and expired keys' records were deleted.
        WorkspaceDelete = "workspace.delete",
        /// A workspace became the one commands take by themselves.
        WorkspaceUse = "workspace.use",
        /// A key was minted, pending.
        KeyMint = "key.mint",
        /// A key that never reached a holder was given another secret, pending.
        KeyReissue = "key.reissue",
        /// A pending key's secret was handed over to be presented later.
        KeyHold = "key.hold",
        KeyActivate = "key.activate",
        /// A key was voided because its secret was not delivered.
        KeyVoid = "key.void",
        KeyRename = "key.rename",
        /// A key's scopes, expiry, addresses, owner or labels changed.
        KeySet = "key.set",
        KeyDisable = "key.disable",
        KeyEnable = "key.enable",
        /// A key was superseded by another.
        KeyRotate = "key.rotate",
        /// A rotation was taken back.
        KeyCancel = "key.cancel",
        KeyRevoke = "key.revoke",
        /// A revoked or expired key's record and usage were deleted.
        KeyPrune = "key.prune",
        /// A revoked key's secret was presented.
        KeyReuse = "key.reuse",
        /// A scan found a key's secret where it does not belong.
        KeyExpose = "key.expose",
        /// A key came in from another system or another store.
        KeyImport = "key.import",
        /// A key's record was restored from a backup, or removed because the backup has none.
        KeyRestore = "key.restore",
        /// A record of an older schema was taken as it stood.
        KeySeal = "key.seal",
        /// A workspace came in from another store.
        WorkspaceImport = "workspace.import",
        /// A workspace was restored from a backup, or removed because the backup has none.
        WorkspaceRestore = "workspace.restore",
        /// A workspace of an older schema was taken as it stood.
        WorkspaceSeal = "workspace.seal",
        StoreRestore = "store.restore",
        /// A token format came in from another store.
        StoreFormat = "store.format",
        /// The latest time that the store had seen was set to the clock's.
        StoreClock = "store.clock",
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// A key; the subject is its id.
    Key,
    /// A workspace; the subject is its name.
    Workspace,
    Store,
}

impl About {
    /// What the words of its actions begin with.
    pub fn front(self) -> &'static str {
        match self {
            Self::Key => "key.",
            Self::Workspace => "workspace.",
            Self::Store => "store.",
        }
    }
}

impl Action {
    /// Whether the event's record no longer exists.
    pub fn ends_record(self) -> bool {
        matches!(self, Self::KeyPrune | Self::WorkspaceDelete)
    }

    pub fn about(self) -> About {
        let word = self.word();
        let kinds = [About::Key, About::Workspace];
        let found = kinds.into_iter().find(|about| word.starts_with(about.front()));
        found.unwrap_or(About::Store)
    }
}

/// One row of the trail.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its place, from 1.
    pub seq: i64,
    pub time: Timestamp,
    /// Who: `operator:NAME` or `key:ID`.
    pub actor: String,
    /// What: an [`Action`]'s word.
    pub action: String,
    /// To what: a key's id or a workspace's name.
    pub subject: String,
    /// Everything else: a JSON object as text, hashed as written.
    pub details: String,
    /// The link before it.
    pub previous: ChainHash,
    /// Its own link.
    pub hash: ChainHash,
}

impl Event {
    /// The link this row should have.
    pub fn link(&self) -> ChainHash {
        let texts = [&self.actor, &self.action, &self.subject, &self.details];
        let texts = texts.map(|text| text.as_bytes());
        link(&self.previous, self.seq, self.time, texts)
    }

    /// Whether the row is whole and follows `previous` at `seq`.
    pub fn follows(&self, seq: i64, previous: ChainHash) -> bool {
        self.seq == seq && self.previous == previous && self.hash == self.link()
    }
}

/// The link of a row: every field with its length before it, so that no two rows read the same. The texts are the actor, the
/// action, the subject and the details.
pub fn link(previous: &ChainHash, seq: i64, time: Timestamp, texts: [&[u8]; 4]) -> ChainHash {
    let mut hasher = Sha256::new();
    hasher.update(DOMAIN);
    hasher.update(previous.as_bytes());
    hasher.update(seq.to_be_bytes());
    hasher.update(time.as_millis().to_be_bytes());
    for text in texts {
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text);
    }
    ChainHash::from_bytes(hasher.finalize().into())
}

/// A link of the chain: SHA-256 of a row and the link before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainHash([u8; 32]);

impl ChainHash {
    /// What the first row follows.
    pub const GENESIS: Self = Self([0; 32]);

    /// Takes a link read from the store.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for ChainHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(formatter, &self.0)
    }
}

impl FromStr for ChainHash {
    type Err = Error;

    /// Reads 64 hexadecimal digits.
    fn from_str(text: &str) -> Result<Self> {
        let hash = hex(text).ok_or_else(|| Error::usage("a link is 64 hexadecimal digits"))?;
        Ok(Self(hash))
    }
}

/// The end of a trail at some moment: its last row's place and link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The place, 0 when there is no row.
    pub seq: i64,
    pub hash: ChainHash,
}

impl Head {
    /// The end of a trail without rows.
    pub const NONE: Self = Self { seq: 0, hash: ChainHash::GENESIS };
}

impl fmt::Display for Head {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.seq, self.hash)
    }
}

impl FromStr for Head {
    type Err = Error;

    /// Reads `SEQ:HASH`, as `audit head` prints it.
    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::usage(format!("\"{}\" is not an audit head", Safe(text)))
                .hinted("an audit head is SEQ:HASH, as `keyward audit head` prints it")
        };
        let (seq, hash) = text.trim().split_once(':').ok_or_else(wrong)?;
        let seq = seq.parse().ok().filter(|seq| *seq >= 0).ok_or_else(wrong)?;
        let hash = hash.parse().map_err(|_| wrong())?;
        let head = Self { seq, hash };
        // A trail without rows has one end.
        if seq == 0 && head != Self::NONE { Err(wrong()) } else { Ok(head) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Event {
        let mut event = Event {
            seq: 1,
            time: Timestamp::from_millis(5),
            actor: "operator:someone".to_owned(),
            action: Action::KeyMint.word().to_owned(),
            subject: "key_1".to_owned(),
            details: "{}".to_owned(),
            previous: ChainHash::GENESIS,
            hash: ChainHash::GENESIS,
        };
        event.hash = event.link();
        event
    }

    #[test]
    fn a_change_of_any_field_breaks_the_link() {
        assert!(event().follows(1, ChainHash::GENESIS));
        let changes: [fn(&mut Event); 7] = [
            |event| event.seq = 2,
            |event| event.time = Timestamp::from_millis(6),
            |event| event.actor.push('x'),
            |event| event.action.push('x'),
            |event| event.subject.push('x'),
            |event| event.details.push('x'),
            |event| event.previous = event.hash,
        ];
        for change in changes {
            let mut changed = event();
            change(&mut changed);
            assert_ne!(changed.link(), changed.hash);
        }
    }

    #[test]
    fn moving_characters_between_fields_breaks_the_link() {
        let mut changed = event();
        changed.action.push('k');
        changed.subject.remove(0);
        assert_ne!(changed.link(), changed.hash);
    }
}
