//! A key in the making: a pending record with its secret, and the row it becomes.
//!
//! This module never checks a name or a cap; `limits` does, before.

use std::collections::BTreeMap;

use rand::TryCryptoRng;
use serde_json::json;

use crate::domain::audit::Action;
use crate::domain::key::{Key, KeyId, State, UNDELIVERED};
use crate::domain::secret::Secret;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::TokenFormat;
use crate::domain::workspace::Workspace;
use crate::error::Result;
use crate::ops::access::Access;
use crate::ops::limits;
use crate::store::Writer;

/// The parts of a new key that have no default.
pub(super) struct Draft<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) name: &'a str,
    pub(super) environment: &'a str,
    pub(super) created_by: &'a str,
    pub(super) created_at: Timestamp,
    /// The pending record, of whose delivery nothing is known, that is given another secret, in place of a new one.
    pub(super) leftover: Option<&'a Key>,
}

impl Draft<'_> {
    /// Makes the pending record and its secret.
    pub(super) fn mint<R: TryCryptoRng>(
        &self,
        format: &TokenFormat,
        rng: &mut R,
    ) -> Result<(Key, Secret)> {
        let token = format.mint(self.environment, rng)?;
        let key = Key {
            id: match self.leftover {
                Some(leftover) => leftover.id.clone(),
                None => KeyId::generate(rng)?,
            },
            workspace_id: self.workspace.id,
            workspace: self.workspace.name.clone(),
            name: self.name.to_owned(),
            environment: self.environment.to_owned(),
            scopes: Vec::new(),
            prefix: token.prefix,
            short: token.short,
            hint: token.hint,
            hash: token.secret.hash(),
            state: State::Pending,
            created_at: self.created_at,
            created_by: self.created_by.to_owned(),
            expires_at: None,
            last_used_at: None,
            revoked_at: None,
            revoked_reason: None,
            revoked_message: None,
            rotation: None,
            replaced_by: None,
            allow: Vec::new(),
            owner: None,
            labels: BTreeMap::new(),
            revision: 0,
            seen: Timestamp::EPOCH,
        };
        Ok((key, token.secret))
    }
}

/// Takes a leftover out of the count of keys and off its name before it is minted anew, in the same transaction.
pub(super) fn set_aside(writer: &Writer<'_>, leftover: &Key, now: Timestamp) -> Result<()> {
    let mut aside = leftover.clone();
    aside.revoke(UNDELIVERED, None, now);
    writer.update_key(&aside)
}

/// Adds a pending key, or gives its leftover its identity, and its audit row.
pub(super) fn save(
    writer: &Writer<'_>,
    access: &Access,
    key: &Key,
    leftover: Option<&Key>,
    now: Timestamp,
) -> Result<()> {
    limits::check_expiry(writer, key.expires_at, now)?;
    limits::check_wait(writer, now)?;
    let action = match leftover {
        None => {
            writer.insert_key(key)?;
            Action::KeyMint
        }
        Some(_) => {
            writer.reissue_key(key)?;
            Action::KeyReissue
        }
    };
    let details = json!({
        "workspace": key.workspace,
        "name": key.name,
        "environment": key.environment,
        "prefix": key.prefix,
        "scopes": key.scopes,
        "expiresAt": key.expires_at.map(|expires_at| expires_at.to_string()),
        "replaces": key.rotation.as_ref().map(|rotation| rotation.replaces.as_str()),
    });
    writer.audit(now, &access.actor, action, key.id.as_str(), &details)
}
