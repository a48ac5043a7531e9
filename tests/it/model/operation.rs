//! What the model test does to a store, one operation at a time.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A key as an operator names it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Named {
    pub workspace: Option<String>,
    pub text: String,
    pub environment: Option<String>,
}

/// What a new key is asked to be.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Wish {
    pub workspace: Option<String>,
    pub name: String,
    pub environment: Option<String>,
    pub scopes: Vec<String>,
    pub expires: Option<Expiry>,
    pub allow: Vec<String>,
    pub owner: Option<String>,
    pub labels: BTreeMap<String, String>,
    /// A plan of its own.
    pub plan: Option<String>,
}

/// An expiry as it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expiry {
    Never,
    /// So many minutes from now.
    After(i64),
    /// This moment, in milliseconds since 1970.
    At(i64),
}

/// What is to change in a key.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Changes {
    pub scopes: Option<Vec<String>>,
    pub allow: Option<Vec<String>>,
    /// An empty one takes it away.
    pub owner: Option<String>,
    pub clear_labels: bool,
    pub labels: BTreeMap<String, String>,
    /// An empty one takes it away.
    pub plan: Option<String>,
}

/// One request to verify.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ask {
    pub secret: String,
    pub environment: Option<String>,
    pub address: Option<String>,
    pub scopes: Vec<String>,
    pub cost: u32,
    pub record: bool,
}

/// A secret that was handed over, with its key: its number in the model, its workspace and its id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Delivered {
    pub number: u64,
    pub workspace: String,
    pub id: String,
    pub secret: String,
}

/// An operation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Operation {
    CreateWorkspace {
        name: String,
        policy: usize,
        plan: Option<String>,
    },
    RenameWorkspace {
        from: String,
        to: String,
    },
    SetWorkspace {
        workspace: Option<String>,
        policy: Option<usize>,
        /// 0 takes it away.
        cap: Option<u32>,
        plan: Option<String>,
        keep_outside: bool,
    },
    DeleteWorkspace(String),
    UseWorkspace(String),
    Mint {
        wish: Wish,
        count: u32,
    },
    MintAgain {
        wish: Wish,
        idempotency: String,
        hold: bool,
        /// The secret that is in the sink.
        holding: Option<String>,
    },
    Complete(Vec<Delivered>),
    Void(Vec<Delivered>),
    Hold(Vec<Delivered>),
    Present {
        workspace: Option<String>,
        secret: String,
    },
    Rename {
        key: Named,
        name: String,
    },
    Set {
        key: Named,
        expires: Option<Expiry>,
        changes: Changes,
    },
    Disable {
        key: Named,
        /// How many minutes it must be unused.
        idle: Option<i64>,
    },
    Enable(Named),
    Rotate {
        key: Named,
        /// In minutes.
        grace: Option<i64>,
        now: bool,
        hold: bool,
        expires: Option<Expiry>,
        changes: Changes,
    },
    Cancel(Named),
    Revoke {
        workspace: Option<String>,
        keys: Vec<Named>,
        reason: usize,
        message: Option<String>,
        idle: Option<i64>,
    },
    Verify {
        /// Where the verifier looks; one that looks everywhere stays open between operations.
        workspace: Option<String>,
        asks: Vec<Ask>,
    },
    Prune {
        workspace: Option<String>,
        /// In minutes.
        dead_for: Option<i64>,
        rehearsal: bool,
    },
    List {
        workspace: Option<String>,
        statuses: Vec<String>,
        all: bool,
        environment: Option<String>,
        name: Option<String>,
        owner: Option<String>,
        label: Option<(String, Option<String>)>,
        scope: Option<String>,
    },
    Show(Named),
    /// Copy the store to this file.
    Backup(PathBuf),
    /// Put the backup in this file in the place of the store.
    Restore(PathBuf),
    /// Write the records of a workspace, or of all, to this file.
    Export {
        file: PathBuf,
        workspace: Option<String>,
    },
    /// Take in what was exported to this file.
    Import {
        file: PathBuf,
        keep_going: bool,
        /// A store that is made of it.
        into: Option<PathBuf>,
    },
}

/// The words of `revoke --reason`.
pub const REASONS: [&str; 4] = ["compromised", "superseded", "retired", "unspecified"];

impl Operation {
    /// What it is called in the figures.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::CreateWorkspace { .. } => "workspace create",
            Self::RenameWorkspace { .. } => "workspace rename",
            Self::SetWorkspace { .. } => "workspace set",
            Self::DeleteWorkspace(_) => "workspace delete",
            Self::UseWorkspace(_) => "workspace use",
            Self::Mint { .. } => "mint",
            Self::MintAgain { .. } => "mint --idempotency-key",
            Self::Complete(_) => "deliver",
            Self::Void(_) => "void",
            Self::Hold(_) => "hold",
            Self::Present { .. } => "activate",
            Self::Rename { .. } => "rename",
            Self::Set { .. } => "set",
            Self::Disable { .. } => "disable",
            Self::Enable(_) => "enable",
            Self::Rotate { now: true, .. } => "rotate --now",
            Self::Rotate { .. } => "rotate",
            Self::Cancel(_) => "rotate --cancel",
            Self::Revoke { .. } => "revoke",
            Self::Verify { .. } => "verify",
            Self::Prune { .. } => "prune",
            Self::List { .. } => "list",
            Self::Show(_) => "show",
            Self::Backup(_) => "store backup",
            Self::Restore(_) => "store restore",
            Self::Export { .. } => "store export",
            Self::Import { into: None, .. } => "store import",
            Self::Import { .. } => "store import into a new one",
        }
    }
}

/// A key that was minted, as the one who minted it learns of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Token {
    pub id: String,
    pub secret: String,
}

/// One verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub code: String,
    /// The key's id.
    pub subject: Option<String>,
    pub last_used: Option<i64>,
    pub recorded: bool,
    pub retry_after: Option<u64>,
    pub remaining: Option<u64>,
}

/// What an operation answers: the same shape for the model and for the library, so that the two can be compared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The ids of the keys it names, in its order.
    pub keys: Vec<String>,
    /// Whether each thing changed, where the answer says so.
    pub changed: Vec<bool>,
    /// The ids of the others that changed, sorted.
    pub also: Vec<String>,
    /// The ids of those of the same name that it leaves as they were, sorted.
    pub left: Vec<String>,
    /// What asking again came to.
    pub word: String,
    pub verdicts: Vec<Verdict>,
    /// What became of each line of an import; what stays of each key in a restoration.
    pub lines: Vec<String>,
}
