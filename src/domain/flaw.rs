//! Something about a store that is not as keyward left it.

use crate::domain::audit::About;
use crate::domain::link::BadLink;

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
