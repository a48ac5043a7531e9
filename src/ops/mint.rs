//! Minting: the first of the two transactions that a secret's hand-over lies between.
//!
//! This module never makes a key active. `ops::activate` does, once the secret has reached its sink; until then the key
//! is pending, verifies nowhere, and is void after a day.

use std::collections::BTreeMap;

use rand::TryCryptoRng;

use crate::domain::preset;
use crate::domain::secret::Secret;
use crate::domain::workspace::FIRST;
use crate::domain::{Key, Name, Network, Permission, Timestamp, When, Workspace};
use crate::error::{Kind, Result};
use crate::ops::access::{Access, Act, Actor};
use crate::ops::draft;
use crate::ops::set::Changes;
use crate::ops::{limits, select, workspace};
use crate::store::{Reader, Store};

/// What to mint.
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
    /// The person or team responsible for it.
    pub owner: Option<String>,
    /// Free words.
    pub labels: BTreeMap<String, String>,
    /// A plan of its own.
    pub plan: Option<String>,
}

impl Request {
    /// One key of this name in the workspace in use, with the policy's defaults for everything else.
    pub fn new(name: Name) -> Self {
        Self {
            workspace: None,
            name,
            count: 1,
            environment: None,
            scopes: Vec::new(),
            expires: None,
            allow: Vec::new(),
            owner: None,
            labels: BTreeMap::new(),
            plan: None,
        }
    }
}

/// A leftover, a pending record whose delivery is unknown, with another secret.
pub(super) struct Again<'a> {
    pub(super) leftover: &'a Key,
    /// When a life that begins again ends.
    pub(super) expires: Option<&'a When>,
    pub(super) changes: Changes,
}

/// Pending keys and their secrets, each secret beside its key.
#[derive(Debug)]
pub struct Outcome {
    pub keys: Vec<Key>,
    pub secrets: Vec<Secret>,
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
        let act = Act { writer, access: Access::to(writer, actor, Permission::Mint, now)?, now };
        let (workspace, made_workspace) = workspace_for(&act, request.workspace.as_deref())?;
        let (keys, secrets) = insert(&act, &workspace, request, rng)?;
        Ok(Outcome { keys, secrets, made_workspace })
    })
}

/// Inserts the pending keys.
pub(super) fn insert<R: TryCryptoRng>(
    act: &Act<'_, '_>,
    workspace: &Workspace,
    request: &Request,
    rng: &mut R,
) -> Result<(Vec<Key>, Vec<Secret>)> {
    let (policy, now) = (&workspace.policy, act.now);
    let environment = policy.environment(request.environment.as_deref())?;
    policy.check_scopes(&request.scopes, &[])?;
    if let Some(plan) = &request.plan {
        policy.plan(plan)?;
    }
    act.access.require_grant(&[Permission::Mint], &request.scopes)?;
    let expires_at = policy.expiry(request.expires.as_ref(), now)?;
    limits::check_cap(act, workspace, u64::from(request.count), now)?;
    let format = policy.token_format()?;
    let (mut keys, mut secrets) = (Vec::new(), Vec::new());
    for name in request.name.numbered(request.count)? {
        let check = |reader: &Reader<'_>| {
            limits::check_name(reader, workspace, environment, name.as_str(), now)?;
            limits::check_no_key_is_called(reader, workspace, name.as_str())
        };
        act.ahead(check);
        check(act)?;
        let place = (environment, name.as_str());
        let (mut key, secret) = draft::mint(act, workspace, place, &format, rng)?;
        key.scopes.clone_from(&request.scopes);
        key.expires_at = expires_at;
        key.allow.clone_from(&request.allow);
        key.owner.clone_from(&request.owner);
        key.labels.clone_from(&request.labels);
        key.plan.clone_from(&request.plan);
        draft::save(act, &key, true)?;
        keys.push(key);
        secrets.push(secret);
    }
    Ok((keys, secrets))
}

/// Gives a leftover another secret. It keeps its place under the cap and its name.
pub(super) fn reissue<R: TryCryptoRng>(
    act: &Act<'_, '_>,
    workspace: &Workspace,
    again: &Again<'_>,
    rng: &mut R,
) -> Result<(Key, Secret)> {
    let (policy, leftover) = (&workspace.policy, again.leftover);
    let (mut key, secret) = draft::renew(act, workspace, leftover, rng)?;
    again.changes.apply(policy, &mut key)?;
    // SECURITY: it may have been given scopes since it was minted.
    act.access.require_grant(&[Permission::Mint], &key.scopes)?;
    let from_now = || policy.expiry(again.expires, act.now);
    key.expires_at = draft::expiry(act, Some(leftover), from_now)?;
    draft::save(act, &key, false)?;
    Ok((key, secret))
}

/// The workspace to mint in; on an empty store the first one is made.
pub(super) fn workspace_for(act: &Act<'_, '_>, named: Option<&str>) -> Result<(Workspace, bool)> {
    match select::workspace(act, &act.access, named) {
        Err(error) if error.kind() == Kind::WorkspaceNotFound && is_first_run(act, named)? => {}
        found => return Ok((found?, false)),
    }
    let policy = preset::load(preset::DEFAULT)?;
    let made = workspace::insert(act, FIRST, Some(preset::DEFAULT.to_owned()), policy, None)?;
    Ok((made, true))
}

/// Whether no workspace yet and the first one is meant.
pub(super) fn is_first_run(reader: &Reader<'_>, named: Option<&str>) -> Result<bool> {
    Ok(named.is_none_or(|name| name == FIRST) && reader.count_workspaces()? == 0)
}
