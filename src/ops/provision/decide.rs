//! What must be done so that a key has the requested state, or why it is not provisioned and what can be done about it.

use super::held;
use crate::domain::difference::Difference;
use crate::domain::holding::{Action, Holding, Place};
use crate::domain::key::UNDELIVERED;
use crate::domain::manifest::Wanted;
use crate::domain::{Key, Safe, Status, Timestamp, Workspace};
use crate::error::{Error, Kind, Result};
use crate::ops::{limits, lineage, links, remedy, rotate, select, set};
use crate::store::Reader;

#[derive(Debug)]
pub struct Decision {
    pub step: Step,
    /// Whether the file that is the sink may be replaced: it holds a revoked or expired key's secret or the one that is
    /// being replaced, or the operator has said so.
    pub may_replace: bool,
    /// In what the key is changed, or its replacement differs from it.
    pub differences: Vec<Difference>,
}

#[derive(Debug)]
pub enum Step {
    /// Mint a key, or give one that never reached its holder another secret.
    Create {
        leftover: Option<Box<Key>>,
    },
    /// Replace a key that expires soon, or whose secret is not in the sink.
    Rotate {
        old: Box<Key>,
        /// An earlier replacement that never reached its holder.
        leftover: Option<Box<Key>>,
    },
    /// Make a pending key live whose secret is in the sink.
    Finish(Box<Key>, Action),
    /// Change what differs in a key, or in another key that its name stands for.
    Update(Box<Key>),
    Leave(Box<Key>),
}

impl Decision {
    /// To mint a key where there is none.
    pub fn create(wanted: &Wanted) -> Self {
        Self {
            step: Step::Create { leftover: None },
            may_replace: wanted.rotate_if_missing,
            differences: Vec::new(),
        }
    }
}

impl Step {
    pub fn action(&self) -> Action {
        match self {
            Self::Create { .. } => Action::Created,
            Self::Rotate { .. } => Action::Rotated,
            Self::Finish(_, action) => *action,
            Self::Update(_) => Action::Updated,
            Self::Leave(_) => Action::Unchanged,
        }
    }

    pub fn delivers(&self) -> bool {
        matches!(self, Self::Create { .. } | Self::Rotate { .. })
    }

    pub fn key(&self) -> Option<&Key> {
        match self {
            Self::Create { leftover } => leftover.as_deref(),
            Self::Rotate { old: key, .. }
            | Self::Finish(key, _)
            | Self::Update(key)
            | Self::Leave(key) => Some(key),
        }
    }
}

pub fn decide(
    reader: &Reader<'_>,
    workspace: &Workspace,
    wanted: &Wanted,
    place: &Place,
    now: Timestamp,
) -> Result<Decision> {
    let holding = place.holding;
    let policy = &workspace.policy;
    let name = wanted.name.as_str();
    let environment = environment(reader, workspace, wanted.environment.as_deref(), name, now)?;
    let create = |leftover: Option<Key>| -> Result<Decision> {
        match &leftover {
            Some(leftover) => {
                let key = std::slice::from_ref(leftover);
                set::differences(policy, key, &wanted.changes())?;
            }
            None => {
                policy.check_scopes(wanted.scopes.as_deref().unwrap_or_default(), &[])?;
                limits::check_no_key_is_called(reader, workspace, name)?;
            }
        }
        wanted.check_life(reader, policy.expiry(wanted.expires.as_ref(), now)?, now)?;
        Ok(Decision {
            step: Step::Create { leftover: leftover.map(Box::new) },
            may_replace: may_replace(reader, workspace, environment, wanted, place, now)?,
            differences: Vec::new(),
        })
    };
    let Some(key) = select::holder(reader, workspace, environment, name, now)? else {
        return create(None);
    };
    let settled = |step: Step| Decision { step, may_replace: false, differences: Vec::new() };
    match key.status(now) {
        Status::Active => {}
        // Minted by a run that was cut short. One that was not is held, or somebody is handing it over.
        Status::Pending if reader.is_claimed(&key.id)? => {
            return match holding.is(&key) {
                true => Ok(settled(Step::Finish(Box::new(key), Action::Created))),
                false => create(Some(key)),
            };
        }
        _ => return Err(not_live(reader, workspace, &key, now)?),
    }
    let pending = |replacement: &Key| replacement.is_pending(now);
    let replacement = links::replacements(reader, &key)?.into_iter().find(pending);
    // One that is not claimed is somebody else's; rotating reports it.
    let leftover = match replacement {
        Some(replacement) if reader.is_claimed(&replacement.id)? => Some(replacement),
        _ => None,
    };
    if let Some(leftover) = &leftover
        && holding.is(leftover)
    {
        let leftover = Box::new(leftover.clone());
        return Ok(settled(Step::Finish(leftover, Action::Rotated)));
    }
    let is_in_place = holding == Holding::Unknown || holding.is(&key);
    let may_mend = wanted.rotate_if_missing || is_void_successor(reader, holding, &key, now)?;
    if !is_in_place && !may_mend {
        return Err(missing(reader, workspace, &key, place, now)?);
    }
    let mut others = lineage::others(reader, &key, now)?;
    // That one is minted again, as it should be.
    others.retain(|key| leftover.as_ref().is_none_or(|leftover| leftover.id != key.id));
    let mut differences = set::differences(policy, std::slice::from_ref(&key), &wanted.changes())?;
    for difference in set::differences(policy, &others, &wanted.bounds())? {
        if !differences.contains(&difference) {
            differences.push(difference);
        }
    }
    if !is_in_place || is_due(wanted, &key, now)? {
        let expires_at = rotate::expiry(policy, &key, wanted.expires.as_ref(), now)?;
        wanted.check_life(reader, expires_at, now)?;
        let grace_millis = rotate::grace_millis(policy, wanted.grace.as_ref(), now)?;
        limits::check_grace(reader, grace_millis, now)?;
        may_replace(reader, workspace, environment, wanted, place, now)?;
        differences.extend(Difference::of_expiry(key.expires_at, expires_at));
        return Ok(Decision {
            step: Step::Rotate { old: Box::new(key), leftover: leftover.map(Box::new) },
            may_replace: true,
            differences,
        });
    }
    let step = match differences.is_empty() {
        false => Step::Update(Box::new(key)),
        true => Step::Leave(Box::new(key)),
    };
    Ok(Decision { differences, ..settled(step) })
}

/// The requested environment: one that the policy has, or one that it no longer has but in which a key of this name is
/// still live.
pub(in crate::ops) fn environment<'a>(
    reader: &Reader<'_>,
    workspace: &'a Workspace,
    asked: Option<&'a str>,
    name: &str,
    now: Timestamp,
) -> Result<&'a str> {
    match (workspace.policy.environment(asked), asked) {
        (Err(_), Some(asked)) if select::holder(reader, workspace, asked, name, now)?.is_some() => {
            Ok(asked)
        }
        (found, _) => found,
    }
}

/// Whether what the sink holds may go: it is a revoked or expired key's secret, or the operator has said so.
fn may_replace(
    reader: &Reader<'_>,
    workspace: &Workspace,
    environment: &str,
    wanted: &Wanted,
    place: &Place,
    now: Timestamp,
) -> Result<bool> {
    if wanted.rotate_if_missing {
        return Ok(true);
    }
    let Some(held) = held(reader, place.holding)? else {
        return Ok(false);
    };
    let is_living = held.is_living(now);
    let is_of_this_line = (held.workspace_id, held.environment.as_str(), held.name.as_str())
        == (workspace.id, environment, wanted.name.as_str());
    if !is_living || is_of_this_line {
        return Ok(!is_living);
    }
    Err(anothers(place, &held))
}

/// Whether the sink holds the secret of a rotation of this key that was cut short, and is void by now.
fn is_void_successor(
    reader: &Reader<'_>,
    holding: Holding,
    key: &Key,
    now: Timestamp,
) -> Result<bool> {
    let is_void = |successor: &Key| {
        let was_voided = successor.revoked_reason.as_deref() == Some(UNDELIVERED);
        was_voided || successor.lapsed_at(now).is_some()
    };
    let replaces = |successor: Key| is_void(&successor) && successor.may_replace(key);
    Ok(held(reader, holding)?.is_some_and(replaces))
}

fn is_due(wanted: &Wanted, key: &Key, now: Timestamp) -> Result<bool> {
    match (&wanted.rotate_before, key.expires_at) {
        (Some(before), Some(expires_at)) => Ok(expires_at < before.after(now)?),
        _ => Ok(false),
    }
}

/// The sink has the only copy of another live key's secret.
pub(super) fn anothers(place: &Place, held: &Key) -> Error {
    let (sink, name) = (&place.name, Safe(&held.name));
    Error::conflict(format!("{sink} contains the secret of another key, {name} ({})", held.id))
        .hinted("deliver each key to its own file, or pass --rotate-if-missing to replace it")
}

/// The key exists, but is neither live nor a leftover of a run.
pub(super) fn not_live(
    reader: &Reader<'_>,
    workspace: &Workspace,
    key: &Key,
    now: Timestamp,
) -> Result<Error> {
    let (name, status) = (Safe(&key.name), key.status(now).word());
    let error = Error::conflict(format!("{name} ({}) is {status}", key.id));
    Ok(error.hinted(remedy::way_out(reader, workspace, key, now)?))
}

/// The key is live, but its secret is not in its sink.
pub(super) fn missing(
    reader: &Reader<'_>,
    workspace: &Workspace,
    key: &Key,
    place: &Place,
    now: Timestamp,
) -> Result<Error> {
    let instead = match held(reader, place.holding)? {
        Some(held) if held.replaced_by.is_some() => {
            format!(" but that of {}, which is superseded", held.id)
        }
        Some(held) => format!(" but that of {}, which is {}", held.id, held.status(now).word()),
        None if place.holding == Holding::Nothing => ": it does not exist".to_owned(),
        None => " but something else".to_owned(),
    };
    let (sink, name) = (&place.name, Safe(&key.name));
    let place = remedy::place(reader, &workspace.name)?;
    let message = format!("{sink} does not contain the secret of {name} ({}){instead}", key.id);
    Ok(Error::new(Kind::SecretMissing, message).hinted(format!(
        "put it back, or pass --rotate-if-missing to replace it; see `keyward show {}{place}`",
        key.id
    )))
}
