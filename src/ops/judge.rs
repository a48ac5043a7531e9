//! From a presented secret to its key and the reason it is or is not good.
//!
//! This module never records a use and never asks who presents the secret.

use crate::domain::key::Key;
use crate::domain::preset;
use crate::domain::secret::{MAXIMUM_LENGTH, Secret};
use crate::domain::timestamp::Timestamp;
use crate::domain::verdict::{Ask, Code, judge};
use crate::domain::workspace::WorkspaceId;
use crate::error::Result;
use crate::store::Reader;

/// Judges a secret as of one moment of the store.
///
/// The hash is looked up first, because a hit proves the form. Only a miss asks whether the form was any good.
///
/// # Errors
/// The store's.
pub fn judge_secret(
    reader: &Reader<'_>,
    secret: &Secret,
    within: Option<WorkspaceId>,
    ask: &Ask,
    now: Timestamp,
) -> Result<(Code, Option<Key>)> {
    if secret.expose().len() > MAXIMUM_LENGTH {
        return Ok((Code::Malformed, None));
    }
    let Some(key) = reader.key_by_hash(&secret.hash())? else {
        let code = if is_well_formed(reader, secret)? {
            Code::NotFound
        } else {
            Code::Malformed
        };
        return Ok((code, None));
    };
    if within.is_some_and(|workspace| workspace != key.workspace_id) {
        return Ok((Code::NotFound, None));
    }
    Ok((judge(&key, ask, now), Some(key)))
}

/// Whether any workspace's tokens have this form; without a workspace, any preset's.
fn is_well_formed(reader: &Reader<'_>, secret: &Secret) -> Result<bool> {
    let workspaces = reader.workspaces()?;
    let token = secret.expose();
    if workspaces.is_empty() {
        return Ok(preset::all().any(|policy| {
            policy
                .token_format()
                .is_ok_and(|format| format.recognises(token))
        }));
    }
    for workspace in workspaces {
        if workspace.policy.token_format()?.recognises(token) {
            return Ok(true);
        }
    }
    Ok(false)
}
