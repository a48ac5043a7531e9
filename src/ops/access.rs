//! Who acts, and what they may do: an operator everything, a key what its scopes manage in its own workspace.
//!
//! This module never trusts an earlier look: every transaction admits its actor again.

use std::net::IpAddr;
use std::ops::Deref;
use std::time::Duration;

use serde_json::Value;

use crate::domain::audit::Action;
use crate::domain::secret::Secret;
use crate::domain::verdict::Ask;
use crate::domain::{Code, Key, Permission, Policy, Safe, Timestamp};
use crate::error::{Error, Kind, Result};
use crate::ops::judge::{self, judge_secret};
use crate::store::{Reader, Store, Writer};

/// The longest that recording a use waits for another process; what the caller wants done matters more.
const RECORDING_WAIT: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub enum Actor {
    /// The person at the terminal, by the name of their account.
    Operator(String),
    /// The key whose secret was given with `--as`, or presented over HTTP.
    Caller {
        secret: Secret,
        /// Where it calls from, if that is known.
        address: Option<IpAddr>,
    },
}

impl Actor {
    /// The key of this secret, wherever it calls from.
    pub fn caller(secret: Secret) -> Self {
        Self::Caller { secret, address: None }
    }
}

/// Admits the key with this secret and records the use. The trail records the use of a revoked key.
pub fn enter(store: &mut Store, secret: Secret, now: Timestamp) -> Result<Actor> {
    let actor = Actor::caller(secret);
    let admitted = store.read(|reader| Access::admit(reader, &actor, now));
    if let (Err(error), Actor::Caller { secret, .. }) = (&admitted, &actor)
        && error.kind() == Kind::Refused(Code::Revoked)
    {
        // The refusal matters more than the note of it.
        let _ = judge::note_secret(store, secret, now);
    }
    if let Some((key, _)) = admitted?.caller {
        // A caller that cannot be recorded, on a read-only disk say, may still act where nothing is written.
        let _ = store.count(RECORDING_WAIT, now, |meter| meter.touch(&key.id, now));
    }
    Ok(actor)
}

/// An admitted actor.
#[derive(Debug)]
pub struct Access {
    /// The actor as the audit trail names it: `operator:NAME` or `key:ID`.
    pub actor: String,
    /// The key that acts and its workspace's policy; `None` for the operator.
    pub caller: Option<(Key, Policy)>,
}

impl Access {
    /// Lets the operator in, and a key whose secret verifies.
    pub fn admit(reader: &Reader<'_>, actor: &Actor, now: Timestamp) -> Result<Self> {
        let (secret, address) = match actor {
            Actor::Operator(name) => {
                return Ok(Self { actor: format!("operator:{name}"), caller: None });
            }
            Actor::Caller { secret, address } => (secret, *address),
        };
        let ask = Ask { address, ..Ask::default() };
        let (code, key) = judge_secret(reader, secret, None, &ask, now)?;
        match (code, key) {
            (Code::Valid, Some(key)) => {
                let workspace = reader.workspace_by_id(key.workspace_id)?.ok_or_else(|| {
                    Error::new(
                        Kind::Damaged,
                        format!("the store is damaged: {} has no workspace", key.id),
                    )
                })?;
                Ok(Self {
                    actor: format!("key:{}", key.id.as_str()),
                    caller: Some((key, workspace.policy)),
                })
            }
            (code, _) => {
                let refused = format!("the key given with --as is rejected: {}", code.message());
                let error = Error::new(Kind::Refused(code), refused);
                Err(match code {
                    Code::IpDenied => {
                        error.hinted("keys with an address allow-list cannot be used with --as")
                    }
                    _ => error,
                })
            }
        }
    }

    /// Lets in whoever may manage this.
    pub fn to(
        reader: &Reader<'_>,
        actor: &Actor,
        permission: Permission,
        now: Timestamp,
    ) -> Result<Self> {
        let access = Self::admit(reader, actor, now)?;
        access.require(permission)?;
        Ok(access)
    }

    /// Lets in the operator alone.
    pub fn of_operator(reader: &Reader<'_>, actor: &Actor, now: Timestamp) -> Result<Self> {
        let access = Self::admit(reader, actor, now)?;
        access.require_operator()?;
        Ok(access)
    }

    /// Checks that the actor may manage this.
    pub fn require(&self, permission: Permission) -> Result<()> {
        match &self.caller {
            Some((key, policy)) if !policy.allows(&key.scopes, permission) => {
                let word = permission.word();
                Err(Error::new(
                    Kind::ScopeRejected,
                    format!("the calling key {} may not {word} keys", key.id),
                )
                .hinted("the workspace's policy says what each scope manages"))
            }
            _ => Ok(()),
        }
    }

    /// Checks that the actor may put these scopes on a key by what these permissions let it do; without any, by whatever it
    /// may do.
    pub fn require_grant(&self, permissions: &[Permission], scopes: &[String]) -> Result<()> {
        let Some((key, policy)) = &self.caller else {
            return Ok(());
        };
        match policy.first_beyond(&key.scopes, permissions, scopes) {
            None => Ok(()),
            Some(beyond) => Err(Error::new(
                Kind::ScopeRejected,
                format!("the calling key {} may not give a key the scope {}", key.id, Safe(beyond)),
            )
            .hinted("`grant` in the workspace's policy lists what each scope may give")),
        }
    }

    /// Whether the actor may learn that a key exists: the operator of every key, a key of those in its own workspace.
    pub fn reaches(&self, key: &Key) -> bool {
        self.caller.as_ref().is_none_or(|(own, _)| own.workspace_id == key.workspace_id)
    }

    /// Checks that the actor is the operator.
    pub fn require_operator(&self) -> Result<()> {
        match &self.caller {
            None => Ok(()),
            Some((key, _)) => Err(Error::new(
                Kind::ScopeRejected,
                format!("the calling key {} may not do this: only the operator may", key.id),
            )),
        }
    }
}

/// What an admitted actor does in one transaction, all of it at one time.
pub(super) struct Act<'a, 'w> {
    pub(super) writer: &'a Writer<'w>,
    pub(super) access: Access,
    pub(super) now: Timestamp,
}

impl<'w> Deref for Act<'_, 'w> {
    type Target = Writer<'w>;

    fn deref(&self) -> &Writer<'w> {
        self.writer
    }
}

impl Act<'_, '_> {
    /// Adds an event to the trail.
    pub(super) fn note(&self, action: Action, subject: &str, details: &Value) -> Result<()> {
        self.writer.audit(self.now, &self.access.actor, action, subject, details)
    }
}
