//! A key in the making: a pending record with its secret, and the row it becomes.
//!
//! This module never checks a name or a cap; `limits` does, before.

use std::collections::BTreeMap;

use rand::TryCryptoRng;
use serde_json::json;

use crate::domain::audit::Action;
use crate::domain::key::{Key, KeyId, State};
use crate::domain::secret::Secret;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::TokenFormat;
use crate::domain::workspace::Workspace;
use crate::error::Result;
use crate::ops::access::Access;
use crate::store::Writer;

/// The parts of a new key that have no default.
pub(super) struct Draft<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) name: &'a str,
    pub(super) environment: &'a str,
    pub(super) created_by: &'a str,
    pub(super) created_at: Timestamp,
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
            id: KeyId::generate(rng)?,
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
        };
        Ok((key, token.secret))
    }
}

/// Adds a pending key and its audit row.
pub(super) fn insert(
    writer: &Writer<'_>,
    access: &Access,
    key: &Key,
    now: Timestamp,
) -> Result<()> {
    writer.insert_key(key)?;
    let details = json!({
        "workspace": key.workspace,
        "name": key.name,
        "environment": key.environment,
        "prefix": key.prefix,
        "scopes": key.scopes,
        "expiresAt": key.expires_at.map(|expires_at| expires_at.to_string()),
        "replaces": key.rotation.as_ref().map(|rotation| rotation.replaces.as_str()),
    });
    writer.audit(
        now,
        &access.actor,
        Action::KeyMint,
        key.id.as_str(),
        &details,
    )
}
