//! Minting under an idempotency key: asked twice for the same thing, the same key.
//!
//! This module never shows a secret twice. If an interrupted run left a pending key and nothing is known about its
//! delivery, the key is given another secret. A void key is not changed, and another key is minted.

use rand::TryCryptoRng;
use serde_json::json;

use crate::domain::holding::Holding;
use crate::domain::idempotency::{Fingerprint, IdempotencyKey, KEPT_MILLIS};
use crate::domain::key::UNDELIVERED;
use crate::domain::{Key, Network, Permission, Safe, State, Timestamp, When, Workspace};
use crate::error::{Error, Result};
use crate::ops::access::{Access, Act, Actor};
use crate::ops::hand_over::Sink;
use crate::ops::set::Changes;
use crate::ops::{activate, mint, remedy, select};
use crate::store::{Reader, Remembered, Store};

#[derive(Debug, Clone)]
pub struct Request {
    /// The key, one of it.
    pub mint: mint::Request,
    /// The client's name for this request.
    pub name: IdempotencyKey,
    /// Whether the key stays pending after its delivery.
    pub hold: bool,
    pub holding: Holding,
}

/// What this request comes to.
#[derive(Debug)]
pub enum Replay {
    /// Mint a key, or give a pending one another secret.
    Mint {
        leftover: Option<Box<Key>>,
        /// Whether the sink holds its secret, which is void and may be replaced.
        may_replace: bool,
    },
    /// The pending key's secret is in the sink: it only has to become active, or is held.
    Finish(Box<Key>),
    /// The key was delivered before, and its secret cannot be shown again.
    Delivered(Box<Key>),
}

#[derive(Debug)]
pub enum Outcome {
    /// A key is pending, and its secret must be delivered.
    Due(mint::Outcome),
    /// The key is live, or held, and its secret is in the sink.
    Finished(Key),
    /// The key was delivered before.
    Delivered {
        key: Key,
        /// What can be done about it, as a hint.
        way_out: String,
    },
}

/// Says what [`run`] would do.
pub fn preview(
    store: &mut Store,
    actor: &Actor,
    request: &Request,
    now: Timestamp,
) -> Result<Replay> {
    store.read(|reader| {
        let access = Access::admit(reader, actor, now)?;
        let named = request.mint.workspace.as_deref();
        if mint::is_first_run(reader, named)? {
            return Ok(first());
        }
        let workspace = select::workspace(reader, &access, named)?;
        decide(reader, &workspace, request, now)
    })
}

/// Looks at the sink and at what was done before, checks the sink if it will have a delivery, and does what [`run`] does.
///
/// Its process has the turn: nobody else delivers meanwhile. If that fails, nothing is minted.
pub fn prepare<R: TryCryptoRng>(
    store: &mut Store,
    actor: &Actor,
    request: &mut Request,
    sink: &mut impl Sink,
    clock: impl Fn() -> Timestamp,
    rng: &mut R,
) -> Result<Outcome> {
    // The process that had the turn before may have delivered the secret.
    request.holding = sink.look()?.holding;
    match preview(store, actor, request, clock())? {
        Replay::Mint { may_replace, .. } => sink.check(may_replace)?,
        // The run that put it there may have been killed before it was sure to stay.
        Replay::Finish(_) => sink.confirm()?,
        Replay::Delivered(_) => {}
    }
    run(store, actor, request, clock(), rng)
}

/// Mints, finishes what was begun, or finds that everything was done.
pub fn run<R: TryCryptoRng>(
    store: &mut Store,
    actor: &Actor,
    request: &Request,
    now: Timestamp,
    rng: &mut R,
) -> Result<Outcome> {
    store.write(|writer| {
        let act = Act { writer, access: Access::to(writer, actor, Permission::Mint, now)?, now };
        act.access.require_grant(&[Permission::Mint], &request.mint.scopes)?;
        let named = request.mint.workspace.as_deref();
        let (workspace, made_workspace) = mint::workspace_for(&act, named)?;
        let leftover = match decide(writer, &workspace, request, now)? {
            Replay::Delivered(key) => {
                return Ok(Outcome::Delivered {
                    way_out: remedy::way_out(writer, &workspace, &key, now)?,
                    key: *key,
                });
            }
            Replay::Finish(key) if request.hold => {
                activate::set_on_hold(&act, &key)?;
                return Ok(Outcome::Finished(*key));
            }
            Replay::Finish(key) => {
                return Ok(Outcome::Finished(activate::activate(&act, *key)?.key));
            }
            Replay::Mint { leftover, .. } => leftover,
        };
        let (keys, secrets) = match leftover {
            None => mint::insert(&act, &workspace, &request.mint, rng)?,
            Some(leftover) => {
                let again = mint::Again {
                    leftover: &leftover,
                    expires: request.mint.expires.as_ref(),
                    changes: Changes::default(),
                };
                let made = mint::reissue(&act, &workspace, &again, rng)?;
                (vec![made.0], vec![made.1])
            }
        };
        for key in &keys {
            writer.claim(&key.id)?;
            writer.forget_until(now.plus_millis(-KEPT_MILLIS))?;
            let made = Remembered {
                request: fingerprint(&workspace, &request.mint)?,
                key: key.id.clone(),
                made_at: now,
            };
            writer.remember(workspace.id, &request.name, &made)?;
        }
        Ok(Outcome::Due(mint::Outcome { keys, secrets, made_workspace }))
    })
}

fn first() -> Replay {
    Replay::Mint { leftover: None, may_replace: false }
}

fn decide(
    reader: &Reader<'_>,
    workspace: &Workspace,
    request: &Request,
    now: Timestamp,
) -> Result<Replay> {
    let remembered = reader.remembered(workspace.id, &request.name)?;
    let is_kept = |made: &Remembered| made.made_at.plus_millis(KEPT_MILLIS) > now;
    let Some(made) = remembered.filter(is_kept) else {
        return Ok(first());
    };
    let name = Safe(request.name.as_str());
    let conflict = |message: String| {
        Err(Error::conflict(message).hinted("another --idempotency-key mints another key"))
    };
    if made.request != fingerprint(workspace, &request.mint)? {
        return conflict(format!(
            "something else was asked for under the idempotency key \"{name}\""
        ));
    }
    let Some(key) = reader.key_by_id(made.key.as_str())? else {
        return conflict(format!(
            "{}, minted under the idempotency key \"{name}\", was pruned",
            made.key
        ));
    };
    let is_over = key.state == State::Pending && !key.is_living(now);
    let is_void = is_over || key.revoked_reason.as_deref() == Some(UNDELIVERED);
    let is_open = key.is_pending(now) && reader.is_claimed(&key.id)?;
    let is_in_place = request.holding.is(&key);
    Ok(match () {
        () if is_open && is_in_place => Replay::Finish(Box::new(key)),
        () if is_open || is_void => {
            Replay::Mint { may_replace: is_in_place, leftover: is_open.then(|| Box::new(key)) }
        }
        () => Replay::Delivered(Box::new(key)),
    })
}

/// What was requested, without where it goes: a failed delivery may be tried again elsewhere.
fn fingerprint(workspace: &Workspace, request: &mint::Request) -> Result<Fingerprint> {
    let allow = request.allow.iter().map(Network::to_string);
    let mut asked = json!({
        "name": request.name.as_str(),
        "environment": workspace.policy.environment(request.environment.as_deref())?,
        "scopes": request.scopes,
        "expires": request.expires.as_ref().map(When::to_string),
        "allow": allow.collect::<Vec<_>>(),
        "owner": request.owner,
        "labels": request.labels,
    });
    // A request of before keys had plans has the same fingerprint as then.
    if let Some(plan) = &request.plan {
        asked["plan"] = json!(plan);
    }
    Ok(Fingerprint::of(&asked.to_string()))
}
