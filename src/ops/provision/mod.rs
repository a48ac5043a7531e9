//! Provisioning: makes sure that a key exists, has the requested values, and has its secret in place. Running it again
//! changes nothing.
//!
//! This module never delivers, and never makes a key live whose secret is not in its sink. What a run that was killed has
//! left is taken up: a pending key whose secret reached the sink becomes active, any other is given a new secret.

mod decide;
mod settle;

use rand::TryCryptoRng;

use crate::domain::holding::{Action, Holding, Place};
use crate::domain::manifest::Wanted;
use crate::domain::secret::Secret;
use crate::domain::{Key, Permission, Timestamp, Workspace};
use crate::error::{Error, Kind, Result};
use crate::ops::access::{Access, Act, Actor};
use crate::ops::rotate::{self, Terms};
use crate::ops::{activate, limits, mint, select, set};
use crate::store::{Reader, Store};

pub use decide::{Decision, Step};
pub(super) use decide::{decide, environment};
pub use settle::prepare;

#[derive(Debug, Clone)]
pub struct Request {
    pub workspace: Option<String>,
    pub wanted: Wanted,
    pub place: Place,
}

/// What was done so far.
#[derive(Debug)]
pub enum Outcome {
    /// Everything.
    Settled(Box<Key>, Action),
    /// A key is pending, and its secret must be delivered.
    Due(Box<Due>),
}

/// A key on its way.
#[derive(Debug)]
pub struct Due {
    pub key: Key,
    pub secret: Secret,
    /// The key it will replace.
    pub old: Option<Key>,
    pub made_workspace: bool,
}

/// The key whose secret a sink contains.
fn held(reader: &Reader<'_>, holding: Holding) -> Result<Option<Key>> {
    let Holding::Secret(hashes) = holding else {
        return Ok(None);
    };
    for hash in hashes.each() {
        if let Some(key) = reader.key_by_hash(hash)?.filter(|key| hashes.are_of(key)) {
            return Ok(Some(key));
        }
    }
    Ok(None)
}

impl Due {
    pub fn action(&self) -> Action {
        match self.old {
            None => Action::Created,
            Some(_) => Action::Rotated,
        }
    }
}

impl Wanted {
    fn mint(&self) -> mint::Request {
        let wanted = self.clone();
        mint::Request {
            workspace: None,
            name: wanted.name,
            count: 1,
            environment: wanted.environment,
            scopes: wanted.scopes.unwrap_or_default(),
            expires: wanted.expires,
            allow: wanted.allow.unwrap_or_default(),
            owner: wanted.owner,
            labels: wanted.labels.unwrap_or_default(),
            plan: wanted.plan,
        }
    }

    /// Refuses a life that has passed, or that would end with the next run.
    fn check_life(
        &self,
        reader: &Reader<'_>,
        expires_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<()> {
        limits::check_expiry(reader, expires_at, now)?;
        let (Some(before), Some(expires_at)) = (&self.rotate_before, expires_at) else {
            return Ok(());
        };
        match before.after(now)? < expires_at {
            true => Ok(()),
            false => Err(Error::new(
                Kind::InvalidExpiry,
                format!("a key that expires {expires_at} and is rotated {before} before would be rotated by every run"),
            )
            .hinted("--expires lets it live longer, a shorter --rotate-before rotates it later")),
        }
    }
}

/// Says what [`run`] would do.
pub fn preview(
    store: &mut Store,
    actor: &Actor,
    request: &Request,
    now: Timestamp,
) -> Result<Decision> {
    store.read(|reader| {
        let access = Access::to(reader, actor, Permission::List, now)?;
        let named = request.workspace.as_deref();
        match mint::is_first_run(reader, named)? {
            true => Ok(Decision::create(&request.wanted)),
            false => {
                let workspace = select::workspace(reader, &access, named)?;
                decide(reader, &workspace, &request.wanted, &request.place, now)
            }
        }
    })
}

/// Does what one transaction can: a key that is as it should be is left alone, one that differs is changed, one that is
/// missing or due is minted, pending.
pub fn run<R: TryCryptoRng>(
    store: &mut Store,
    actor: &Actor,
    request: &Request,
    now: Timestamp,
    rng: &mut R,
) -> Result<Outcome> {
    store.write(|writer| {
        let act = Act { writer, access: Access::to(writer, actor, Permission::List, now)?, now };
        let named = request.workspace.as_deref();
        let (workspace, made_workspace) = mint::workspace_for(&act, named)?;
        let wanted = &request.wanted;
        let decision = decide(writer, &workspace, wanted, &request.place, now)?;
        let made = match decision.step {
            Step::Leave(key) => return Ok(Outcome::Settled(key, Action::Unchanged)),
            Step::Update(key) => {
                let key = wanted.settle(&act, &workspace, &key)?;
                return Ok(Outcome::Settled(key, Action::Updated));
            }
            Step::Finish(pending, action) => {
                act.access.require(match action {
                    Action::Rotated => Permission::Rotate,
                    _ => Permission::Mint,
                })?;
                let key = activate::activate(&act, *pending)?.key;
                // What was asked for may have changed since it was minted.
                let key = wanted.settle(&act, &workspace, &key)?;
                return Ok(Outcome::Settled(key, action));
            }
            Step::Create { leftover } => {
                act.access.require(Permission::Mint)?;
                create(&act, &workspace, wanted, leftover.as_deref(), rng)?
            }
            Step::Rotate { old, leftover } => {
                act.access.require(Permission::Rotate)?;
                let key = std::slice::from_ref(&*old);
                if !set::differences(&workspace.policy, key, &wanted.changes())?.is_empty() {
                    act.access.require(Permission::Set)?;
                }
                let terms = Terms {
                    grace: wanted.grace.clone(),
                    expires: wanted.expires.clone(),
                    changes: wanted.changes(),
                    leftover: leftover.map(|leftover| *leftover),
                    ..Terms::default()
                };
                let made = rotate::insert(&act, &workspace, &old, &terms, rng);
                let at_once = |error: Error| match error.kind() {
                    Kind::LimitReached => {
                        error.hinted("a grace of 0s revokes the old key at once and fits the cap")
                    }
                    _ => error,
                };
                (made.map_err(at_once)?, Some(old))
            }
        };
        let ((key, secret), old) = made;
        if wanted.bound_others(&act, &workspace, &key)? {
            act.access.require(Permission::Set)?;
        }
        writer.claim(&key.id)?;
        Ok(Outcome::Due(Box::new(Due { key, secret, old: old.map(|old| *old), made_workspace })))
    })
}

/// A minted key and its secret, and the key it replaces.
type Made = ((Key, Secret), Option<Box<Key>>);

fn create<R: TryCryptoRng>(
    act: &Act<'_, '_>,
    workspace: &Workspace,
    wanted: &Wanted,
    leftover: Option<&Key>,
    rng: &mut R,
) -> Result<Made> {
    if let Some(leftover) = leftover {
        let again =
            mint::Again { leftover, expires: wanted.expires.as_ref(), changes: wanted.changes() };
        let made = mint::reissue(act, workspace, &again, rng)?;
        return Ok((made, None));
    }
    let (mut keys, mut secrets) = mint::insert(act, workspace, &wanted.mint(), rng)?;
    let made = keys.pop().zip(secrets.pop());
    Ok((made.expect("one key is minted for a count of one"), None))
}
