//! Something about a store that is not as keyward left it.
//!
//! This module never looks for one; the store does.

use crate::domain::audit::About;

/// A flaw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// What it is about.
    pub about: About,
    /// The key's id, the workspace's name, or what of the store: `file` or `trail`.
    pub subject: String,
    /// What is wrong, as a phrase.
    pub problem: String,
    /// What mends it.
    pub remedy: Remedy,
}

/// What mends a flaw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Revoking the key, or a backup.
    Revoke,
    /// A backup.
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

    /// A flaw of the file.
    pub fn of_file(problem: String) -> Self {
        Self::of_store("file", problem)
    }

    /// A file whose journal mode is another one than keyward's.
    pub fn of_journal_mode() -> Self {
        let problem = "its journal mode is not wal, and it cannot be set at the moment";
        Self {
            remedy: Remedy::Reopen,
            ..Self::of_file(problem.to_owned())
        }
    }

    fn of_store(subject: &str, problem: String) -> Self {
        Self {
            about: About::Store,
            subject: subject.to_owned(),
            problem,
            remedy: Remedy::Restore,
        }
    }
}
