//! Asking for several things in one round trip, where each statement costs one.

use super::Reader;
use super::session::Session;
use super::value::Value;
use crate::domain::secret::SecretHash;
use crate::error::Result;

/// A query that is sent before it is known what will be asked.
#[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "only a server is far"))]
pub(super) struct Foreseen<'q> {
    pub sql: &'q str,
    /// What will be asked; its only value stands in this column of the rows.
    pub asked: &'q str,
    pub column: usize,
}

impl Session<'_> {
    /// Has what the closure asks for brought in one round trip with the next statement that is waited for, where each costs one.
    /// There the closure is told of no rows.
    pub(super) fn ahead(&self, ask: impl FnOnce()) {
        match self {
            Self::Sqlite(_) => drop(ask),
            #[cfg(feature = "postgres")]
            Self::Postgres(session) => session.ahead(ask),
        }
    }

    /// The same of a query whose rows another will ask for.
    pub(super) fn foresee(&self, foreseen: &Foreseen<'_>, values: &[Value<'_>]) {
        match self {
            Self::Sqlite(_) => {
                let _ = (foreseen, values);
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(session) => session.foresee(foreseen, values),
        }
    }
}

impl Reader<'_> {
    /// Has what the closure asks for brought in one round trip, where each statement costs one: the closure runs with no rows there,
    /// and what it asked for is answered without another until this transaction changes something.
    pub fn ahead<T>(&self, ask: impl FnOnce(&Self) -> Result<T>) {
        self.session.ahead(|| {
            // What it says without rows is of no interest.
            let _ = ask(self);
        });
    }

    /// Has what is asked of a secret's key brought at once: its record, its last use and, where that is wanted, its workspace.
    pub fn foresee_key(&self, hash: &SecretHash, with_workspace: bool) {
        self.ahead(|reader| reader.bare_key_by_hash(hash));
        self.foresee_metered("WHERE key.hash = ?1", hash.into());
        if with_workspace {
            let filter = "WHERE workspace.workspace_id = (SELECT key.workspace_id FROM key WHERE key.hash = ?1)";
            self.foresee_workspace(filter, hash.into());
        }
    }
}
