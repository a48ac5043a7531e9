//! Judging a secret.
//!
//! This module never changes a key but for its last use, and a verdict never depends on recording that.

use crate::domain::key::Key;
use crate::domain::permission::Permission;
use crate::domain::secret::Secret;
use crate::domain::timestamp::Timestamp;
use crate::domain::verdict::{Ask, Code};
use crate::error::Result;
use crate::ops::access::{Access, Actor};
use crate::ops::judge::judge_secret;
use crate::ops::select;
use crate::store::Store;

/// What is to be judged.
#[derive(Debug)]
pub struct Request {
    /// The secret as it was presented.
    pub secret: Secret,
    /// The workspace it must belong to; `None` looks in every one.
    pub workspace: Option<String>,
    /// What it is wanted for.
    pub ask: Ask,
    /// Whether a valid use is recorded.
    pub record: bool,
}

/// The verdict.
#[derive(Debug)]
pub struct Outcome {
    /// The reason.
    pub code: Code,
    /// The key, unless the secret is malformed or nobody's.
    pub subject: Option<Key>,
    /// Whether the use was recorded.
    pub recorded: bool,
}

/// Judges a secret, and records the use of one that is valid.
///
/// # Errors
/// The store's, `workspace_not_found`, and what keeps a caller from verifying. A secret that is no good is no error.
pub fn run(store: &mut Store, actor: &Actor, request: &Request, now: Timestamp) -> Result<Outcome> {
    let (code, subject) = store.read(|reader| {
        let access = Access::admit(reader, actor, now)?;
        access.require(Permission::Verify)?;
        let within = select::confinement(reader, &access, request.workspace.as_deref())?;
        judge_secret(reader, &request.secret, within, &request.ask, now)
    })?;
    let mut outcome = Outcome {
        code,
        subject,
        recorded: false,
    };
    if let Some(key) = &mut outcome.subject
        && code == Code::Valid
        && request.record
        && store.record_use(&key.id, now).is_ok()
    {
        outcome.recorded = true;
        key.last_used_at = key.last_used_at.max(Some(now));
    }
    Ok(outcome)
}
