//! Rotating: a new key that inherits everything, pending until its secret is delivered. The old key is untouched so far.
//!
//! Only the newest of a lineage rotates. Without a grace, all of the lineage before the new key ends, however the key was
//! named: what is superseded already would else outlive the key that superseded it.
//!
//! This module never shortens the old key's life: `ops::activate` does, in the transaction that makes the new one live.

use rand::TryCryptoRng;

use crate::domain::key::Rotation;
use crate::domain::secret::Secret;
use crate::domain::{Key, KeyId, Lifetime, Permission, Policy, Status, Timestamp, When, Workspace};
use crate::error::{Error, Kind, Result};
use crate::ops::access::{Access, Act, Actor};
use crate::ops::draft;
use crate::ops::lineage::{self, Meant, Rest};
use crate::ops::links;
use crate::ops::select::{self, Selector};
use crate::ops::set::Changes;
use crate::ops::{limits, remedy};
use crate::store::{Reader, Store};

/// What to rotate.
#[derive(Debug)]
pub struct Request {
    /// The workspace.
    pub workspace: Option<String>,
    /// The key.
    pub selector: Selector,
    /// How.
    pub terms: Terms,
}

impl Request {
    /// Replaces this key on the policy's terms.
    pub fn new(key: impl Into<Selector>) -> Self {
        Self { workspace: None, selector: key.into(), terms: Terms::default() }
    }
}

/// How a key is replaced.
#[derive(Debug, Default)]
pub struct Terms {
    /// How long the old key stays valid; the policy's rotation grace when not given, zero revokes it at once.
    pub grace: Option<Lifetime>,
    /// Whether the old key is revoked at once.
    pub now: bool,
    /// Whether the new key stays pending after its delivery.
    pub hold: bool,
    /// The new key's expiry; a life as long as the old key's when not given.
    pub expires: Option<When>,
    /// What is different in the new key.
    pub changes: Changes,
    #[doc(hidden)]
    /// The record of a replacement that never reached its holder, to be given another secret.
    pub leftover: Option<Key>,
}

/// The pending replacement, its secret, and the key it will replace.
#[derive(Debug)]
pub struct Outcome {
    /// The new key.
    pub key: Key,
    /// Its secret.
    pub secret: Secret,
    /// The old key, as yet unchanged.
    pub old: Key,
    /// Those of its lineage that were superseded before and are about to end with it, which has no grace.
    pub ending: Vec<KeyId>,
    /// The keys of its lineage that stay valid, if the key was named by its id or prefix.
    pub rest: Rest,
}

/// Inserts the pending replacement in one transaction.
///
/// # Errors
/// `conflict` when the key is not active, is superseded, or already has a pending replacement; `limit_reached` when both
/// keys together break the cap; `invalid_expiry`; `scope_rejected` for scopes that a caller may not give away; what selecting gives; the store's.
pub fn run<R: TryCryptoRng>(
    store: &mut Store,
    actor: &Actor,
    request: &Request,
    now: Timestamp,
    rng: &mut R,
) -> Result<Outcome> {
    store.write(|writer| {
        let act = Act { writer, access: Access::to(writer, actor, Permission::Rotate, now)?, now };
        let workspaces = select::workspaces(writer, &act.access, request.workspace.as_deref())?;
        let meant = Meant::by(writer, &workspaces, &request.selector, now)?;
        let workspace = select::owner_of(&workspaces, &meant.key);
        // Before the new key is one of them.
        let dealt_with: Vec<&Key> = meant.all().collect();
        let rest = Rest::of(writer, &dealt_with, now)?;
        let old = meant.key;
        let others = lineage::others(writer, &old, now)?;
        let (key, secret) = insert(&act, workspace, &old, &request.terms, rng)?;
        let is_graceless = |rotation: &Rotation| rotation.grace_millis == 0;
        let is_at_once = !request.terms.hold && key.rotation.as_ref().is_some_and(is_graceless);
        let others = others.into_iter().map(|other| other.id);
        let (ending, rest) = match is_at_once {
            true => (others.collect(), Rest::default()),
            false => (Vec::new(), rest),
        };
        Ok(Outcome { key, secret, old, ending, rest })
    })
}

/// Inserts the pending replacement of a key.
pub(super) fn insert<R: TryCryptoRng>(
    act: &Act<'_, '_>,
    workspace: &Workspace,
    old: &Key,
    terms: &Terms,
    rng: &mut R,
) -> Result<(Key, Secret)> {
    let now = act.now;
    // What the new key inherits must be what the trail has.
    act.confirm_in_trail(&old.id)?;
    let leftover = terms.leftover.as_ref();
    let renewed = match leftover {
        Some(leftover) => Some(draft::renew(act, workspace, leftover, rng)?),
        None => None,
    };
    check_rotatable(act, workspace, old, now)?;
    let grace_millis = match terms.now {
        true => 0,
        false => grace_millis(&workspace.policy, terms.grace.as_ref(), now)?,
    };
    // The grace of a held replacement begins when it is activated.
    if !terms.hold {
        limits::check_grace(act, grace_millis, now)?;
    }
    // The swap of --now is one transaction; a held replacement and the old key are there together until it comes.
    if (grace_millis > 0 || terms.hold)
        && let Err(error) = limits::check_cap(act, workspace, 1, now)
    {
        let place = remedy::place(act, &workspace.name)?;
        return Err(match error.kind() {
            Kind::LimitReached if !terms.hold => error.hinted(format!(
                "`keyward rotate {}{place} --now` ends the old secrets at once and fits the cap",
                old.id
            )),
            _ => error,
        });
    }
    let (mut key, secret) = match renewed {
        Some(renewed) => renewed,
        None => inherit(act, workspace, old, rng)?,
    };
    terms.changes.apply(&workspace.policy, &mut key)?;
    // SECURITY: the caller gets the new secret, so it must be allowed to grant all of the key's scopes.
    act.access.require_grant(&[Permission::Rotate], &key.scopes)?;
    let from_now = || expiry(&workspace.policy, old, terms.expires.as_ref(), now);
    key.expires_at = draft::expiry(act, leftover, from_now)?;
    key.rotation =
        Some(Rotation { replaces: old.id.clone(), grace_millis, previous_expires_at: None });
    draft::save(act, &key, leftover.is_none())?;
    Ok((key, secret))
}

/// A new key that has all that the old one has.
fn inherit<R: TryCryptoRng>(
    act: &Act<'_, '_>,
    workspace: &Workspace,
    old: &Key,
    rng: &mut R,
) -> Result<(Key, Secret)> {
    // In its environment even if the policy no longer has it.
    let place = (old.environment.as_str(), old.name.as_str());
    let format = workspace.policy.token_format()?;
    let (mut key, secret) = draft::mint(act, workspace, place, &format, rng)?;
    key.scopes.clone_from(&old.scopes);
    key.allow.clone_from(&old.allow);
    key.owner.clone_from(&old.owner);
    key.labels.clone_from(&old.labels);
    key.plan.clone_from(&old.plan);
    Ok((key, secret))
}

fn check_rotatable(
    reader: &Reader<'_>,
    workspace: &Workspace,
    old: &Key,
    now: Timestamp,
) -> Result<()> {
    let (id, standing) = (&old.id, old.standing(now));
    let mut replacements = links::replacements(reader, old)?.into_iter();
    let pending = replacements.find(|replacement| replacement.is_pending(now));
    let message = match (&old.replaced_by, standing, pending) {
        (Some(successor), ..) => format!("{id} is already superseded by {successor}"),
        (None, Status::Active, None) => return Ok(()),
        (None, Status::Active, Some(pending)) => {
            format!("{id} is already being rotated: {} is pending", pending.id)
        }
        (None, standing, _) => {
            format!("{id} is {}: only an active key rotates", standing.word())
        }
    };
    let way_out = remedy::way_out(reader, workspace, old, now)?;
    Err(Error::conflict(message).hinted(way_out))
}

/// How long the old key stays valid when the grace begins now.
pub(super) fn grace_millis(
    policy: &Policy,
    wish: Option<&Lifetime>,
    now: Timestamp,
) -> Result<i64> {
    wish.unwrap_or(&policy.rotation_grace).millis_from(now)
}

/// A life as long as the old key's, starting now, within what the policy allows today.
pub(super) fn expiry(
    policy: &Policy,
    old: &Key,
    wish: Option<&When>,
    now: Timestamp,
) -> Result<Option<Timestamp>> {
    match (wish, old.expires_at) {
        (Some(_), _) => policy.expiry(wish, now),
        (None, None) if policy.maximum_lifetime.is_none() => Ok(None),
        (None, None) => policy.expiry(None, now),
        (None, Some(expires_at)) => {
            let same_length = now.plus_millis(expires_at.since(old.created_at));
            match &policy.maximum_lifetime {
                None => Ok(Some(same_length)),
                Some(maximum) => Ok(Some(same_length.min(maximum.after(now)?))),
            }
        }
    }
}
