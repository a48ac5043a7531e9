//! Something about a store that is not as keyward left it, such as a wrong link between a key and the one that replaces it.

use std::fmt;

use crate::domain::audit::About;
use crate::domain::key::{Key, KeyId, State};
use crate::domain::timestamp::Timestamp;
use crate::domain::words::words;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    pub about: About,
    /// The key's id, the workspace's name, or what of the store: `file` or `trail`.
    pub subject: String,
    pub problem: String,
    pub remedy: Remedy,
    /// The option that the remedy needs to find the key, if it needs one.
    pub place: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Revoking the key, or a backup.
    Revoke,
    /// Deleting the record of a key that is revoked or expired.
    Prune,
    Restore,
    /// Opening the store, once no other program keeps the file locked.
    Reopen,
}

impl Flaw {
    /// A flaw of the trail, which is broken at this row.
    pub fn of_trail(seq: i64) -> Self {
        let problem = format!("the audit trail is broken at row {seq}");
        Self::of_store("trail", problem)
    }

    pub fn of_file(problem: String) -> Self {
        Self::of_store("file", problem)
    }

    /// A file whose journal mode is another one than keyward's.
    pub fn of_journal_mode() -> Self {
        let problem = "its journal mode is not wal, and it cannot be set at the moment";
        Self { remedy: Remedy::Reopen, ..Self::of_file(problem.to_owned()) }
    }

    /// Whether a copy of the store would have it too.
    pub fn is_in_the_content(&self) -> bool {
        self.remedy != Remedy::Reopen
    }

    /// A link of a key's record that no rotation makes. It stays until the record is deleted, which a live key's is not.
    pub fn of_link(link: &BadLink, is_living: bool, place: String) -> Self {
        Self {
            about: About::Key,
            subject: link.holder.to_string(),
            problem: link.to_string(),
            remedy: if is_living { Remedy::Revoke } else { Remedy::Prune },
            place,
        }
    }

    fn of_store(subject: &str, problem: String) -> Self {
        Self {
            about: About::Store,
            subject: subject.to_owned(),
            problem,
            remedy: Remedy::Restore,
            place: String::new(),
        }
    }
}

words! {
    /// A record's field that names another key.
    pub enum Field {
        Replaces = "replaces",
        ReplacedBy = "replacedBy",
    }
}

/// A link that no rotation makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLink {
    /// The key whose record contains the link.
    pub holder: KeyId,
    pub field: Field,
    /// The key that it names.
    pub target: KeyId,
    /// What is wrong, as the rest of a sentence about the target.
    pub why: &'static str,
}

impl BadLink {
    /// A link that leads back to its own key by way of others.
    pub fn circle(holder: &Key, target: &KeyId) -> Self {
        Self {
            holder: holder.id.clone(),
            field: Field::Replaces,
            target: target.clone(),
            why: "replaces it in turn",
        }
    }

    /// What is wrong with the link by which the holder names the target, if anything is.
    pub fn between(holder: &Key, field: Field, target: &Key, now: Timestamp) -> Option<Self> {
        let why = if holder.workspace_id != target.workspace_id {
            "belongs to another workspace"
        } else if holder.environment != target.environment {
            "belongs to another environment"
        } else {
            disagreement(holder, field, target, now)?
        };
        Some(Self { holder: holder.id.clone(), field, target: target.id.clone(), why })
    }
}

impl fmt::Display for BadLink {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (field, target, why) = (self.field.word(), &self.target, self.why);
        write!(formatter, "the field {field} names {target}, which {why}")
    }
}

/// How the target contradicts the holder. A key that has ended may name one whose rotation was cancelled since.
fn disagreement(holder: &Key, field: Field, target: &Key, now: Timestamp) -> Option<&'static str> {
    match (field, &target.replaced_by) {
        (Field::ReplacedBy, _) if !holder.is_named_by(target) => Some("does not replace it"),
        (Field::ReplacedBy, _) => None,
        (Field::Replaces, _) if !holder.is_living(now) => None,
        (Field::Replaces, Some(successor)) if *successor == holder.id => None,
        (Field::Replaces, Some(_)) => Some("is replaced by another key"),
        (Field::Replaces, None) if holder.state == State::Pending => None,
        (Field::Replaces, None) => Some("is not replaced by it"),
    }
}

impl Key {
    /// Whether this key has replaced the other one, or may do so: both are of one workspace and environment, and no third key
    /// comes between them.
    pub fn may_replace(&self, old: &Self) -> bool {
        let is_beside =
            self.workspace_id == old.workspace_id && self.environment == old.environment;
        let is_free = old.replaced_by.as_ref().is_none_or(|id| *id == self.id);
        is_beside && is_free && self.id != old.id && old.is_named_by(self)
    }

    /// Whether the other key says that it replaces this one.
    fn is_named_by(&self, new: &Self) -> bool {
        let rotation = new.rotation.as_ref();
        rotation.is_some_and(|rotation| rotation.replaces == self.id)
    }
}
