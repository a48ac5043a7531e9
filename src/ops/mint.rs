//! Minting: the first of the two transactions that a secret's hand-over lies between.
//!
//! This module never makes a key active. `ops::activate` does, once the secret has reached its sink; until then the key
//! is pending, verifies nowhere, and is void after a day.

use std::collections::BTreeMap;

use rand::TryCryptoRng;
use serde_json::json;

use crate::domain::address::Network;
use crate::domain::audit::Action;
use crate::domain::key::{Key, KeyId, State};
use crate::domain::name::Name;
use crate::domain::permission::Permission;
use crate::domain::preset;
use crate::domain::sanitize::Safe;
use crate::domain::secret::Secret;
use crate::domain::timestamp::{Timestamp, When};
use crate::domain::token::TokenFormat;
use crate::domain::workspace::{FIRST, Workspace};
use crate::error::{Error, Kind, Result};
use crate::ops::access::{Access, Actor};
use crate::ops::{select, workspace};
use crate::store::{Order, Reader, Store, Writer};

/// What is to be minted.
#[derive(Debug, Clone)]
pub struct Request {
    /// The workspace.
    pub workspace: Option<String>,
    /// The key's name; with a count, the front of the names.
    pub name: Name,
    /// How many keys.
    pub count: u32,
    /// The environment; the policy's first when not given.
    pub environment: Option<String>,
    /// The scopes.
    pub scopes: Vec<String>,
    /// The expiry; the policy's default when not given.
    pub expires: Option<When>,
    /// The networks it may be used from.
    pub allow: Vec<Network>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Free words.
    pub labels: BTreeMap<String, String>,
}

/// Pending keys and their secrets, each secret beside its key.
#[derive(Debug)]
pub struct Outcome {
    /// The keys.
    pub keys: Vec<Key>,
    /// Their secrets.
    pub secrets: Vec<Secret>,
    /// Whether the workspace was made for them.
    pub made_workspace: bool,
}

/// Inserts pending keys, their caps and names checked, in one transaction.
///
/// # Errors
/// `name_taken`, `limit_reached`, `invalid_environment`, `invalid_scope`, `invalid_expiry`, `invalid_name`,
/// `scope_rejected`, `workspace_not_found`, `ambiguous`; the store's. Nothing is minted then.
pub fn run<R: TryCryptoRng>(
    store: &mut Store,
    actor: &Actor,
    request: &Request,
    now: Timestamp,
    rng: &mut R,
) -> Result<Outcome> {
    store.write(|writer| {
        let access = Access::admit(writer, actor, now)?;
        access.require(Permission::Mint)?;
        let (workspace, made_workspace) = workspace_for(writer, &access, request, now)?;
        let policy = &workspace.policy;
        let environment = policy.environment(request.environment.as_deref())?;
        policy.check_scopes(&request.scopes)?;
        let expires_at = policy.expiry(request.expires.as_ref(), now)?;
        check_cap(writer, &workspace, u64::from(request.count), now)?;
        let format = policy.token_format()?;
        let mut outcome = Outcome {
            keys: Vec::new(),
            secrets: Vec::new(),
            made_workspace,
        };
        for name in request.name.numbered(request.count)? {
            check_name(writer, &workspace, environment, name.as_str(), now)?;
            let draft = Draft {
                workspace: &workspace,
                name: name.as_str(),
                environment,
                created_by: &access.actor,
                created_at: now,
            };
            let (mut key, secret) = draft.mint(&format, rng)?;
            key.scopes.clone_from(&request.scopes);
            key.expires_at = expires_at;
            key.allow.clone_from(&request.allow);
            key.owner.clone_from(&request.owner);
            key.labels.clone_from(&request.labels);
            insert(writer, &access, &key, now)?;
            outcome.keys.push(key);
            outcome.secrets.push(secret);
        }
        Ok(outcome)
    })
}

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

/// Refuses a name that another key of the environment holds.
///
/// # Errors
/// `name_taken`.
pub(super) fn check_name(
    reader: &Reader<'_>,
    workspace: &Workspace,
    environment: &str,
    name: &str,
    now: Timestamp,
) -> Result<()> {
    for holder in reader.keys_named(workspace.id, name)? {
        if holder.environment == environment && select::holds_its_name(reader, &holder, now)? {
            return Err(Error::new(
                Kind::NameTaken,
                format!(
                    "the name \"{}\" belongs to {} in {}/{environment}",
                    Safe(name),
                    holder.id,
                    Safe(&workspace.name)
                ),
            )
            .hinted(format!(
                "`keyward rotate {0}` replaces its secret, `keyward revoke {0}` ends it",
                holder.id
            )));
        }
    }
    Ok(())
}

/// Refuses more keys than the policy's cap, and names the key that has been unused for longest.
///
/// # Errors
/// `limit_reached`.
pub(super) fn check_cap(
    reader: &Reader<'_>,
    workspace: &Workspace,
    wanted: u64,
    now: Timestamp,
) -> Result<()> {
    let Some(cap) = workspace.policy.active_key_cap else {
        return Ok(());
    };
    let living = reader.census(workspace.id, now)?.living();
    if living + wanted <= u64::from(cap) {
        return Ok(());
    }
    let mut idlest: Option<Key> = None;
    reader.for_each_key(workspace.id, Order::Created, |key| {
        let unused_since = |key: &Key| key.last_used_at.unwrap_or(key.created_at);
        let idler = idlest
            .as_ref()
            .is_none_or(|idlest| unused_since(&key) < unused_since(idlest));
        if key.status(now).is_living() && idler {
            idlest = Some(key);
        }
        Ok(())
    })?;
    let error = Error::new(
        Kind::LimitReached,
        format!(
            "workspace {} has {living} keys that are active, pending or disabled, and its cap is {cap}",
            Safe(&workspace.name)
        ),
    );
    Err(match idlest {
        None => error,
        Some(key) => {
            let used = match key.last_used_at {
                None => "never used".to_owned(),
                Some(last_used_at) => format!("last used {last_used_at}"),
            };
            let name = Safe(&key.name);
            error.hinted(format!(
                "the longest unused is {name} ({used}): `keyward revoke {}`",
                key.id
            ))
        }
    })
}

/// The workspace to mint in; on an empty store the first one is made.
fn workspace_for(
    writer: &Writer<'_>,
    access: &Access,
    request: &Request,
    now: Timestamp,
) -> Result<(Workspace, bool)> {
    let named = request.workspace.as_deref();
    let first_run = named.is_none_or(|name| name == FIRST) && writer.workspaces()?.is_empty();
    if !first_run {
        return Ok((select::workspace(writer, access, named)?, false));
    }
    let policy = preset::load(preset::DEFAULT)?;
    let made = workspace::create::insert(
        writer,
        access,
        FIRST,
        Some(preset::DEFAULT.to_owned()),
        policy,
        None,
        now,
    )?;
    Ok((made, true))
}
