//! What comes before a delivery: the sink is looked at, what it holds decides, and it is checked before a key is minted for it;
//! and making keys that are there as they should be: the one that holds the name, and older secrets of it in their grace.

use rand::TryCryptoRng;

use super::{Outcome, Request, Step, preview, run};
use crate::domain::holding::Action;
use crate::domain::manifest::Wanted;
use crate::domain::{Key, Permission, Timestamp, Workspace};
use crate::error::Result;
use crate::ops::access::{Act, Actor};
use crate::ops::hand_over::Sink;
use crate::ops::lineage;
use crate::ops::set::{self, Changes};
use crate::store::Store;

/// Looks at a key and its sink, checks the sink if it will have a delivery, and does what one transaction can.
///
/// Its process has the turn: nobody else delivers meanwhile. If that fails, nothing is changed.
pub fn prepare<R: TryCryptoRng>(
    store: &mut Store,
    actor: &Actor,
    request: &mut Request,
    sink: &mut impl Sink,
    clock: impl Fn() -> Timestamp,
    rng: &mut R,
) -> Result<Outcome> {
    // The process that had the turn before may have delivered the secret.
    request.place = sink.look()?;
    let decision = preview(store, actor, request, clock())?;
    match decision.step {
        Step::Leave(key) => return Ok(Outcome::Settled(key, Action::Unchanged)),
        // The run that put it there may have been killed before it was sure to stay.
        Step::Finish(..) => sink.confirm()?,
        Step::Create { .. } | Step::Rotate { .. } => sink.check(decision.may_replace)?,
        Step::Update(_) => {}
    }
    run(store, actor, request, clock(), rng)
}

impl Wanted {
    /// The requested values of an existing key.
    pub(super) fn changes(&self) -> Changes {
        Changes {
            scopes: self.scopes.clone(),
            allow: self.allow.clone(),
            owner: self.owner.clone().map(Some),
            plan: self.plan.clone().map(Some),
            clear_labels: self.labels.is_some(),
            labels: self.labels.clone().unwrap_or_default(),
        }
    }

    /// What holds for older secrets of the name in their grace too; whose they are is the newest key's alone.
    pub(super) fn bounds(&self) -> Changes {
        Changes {
            scopes: self.scopes.clone(),
            allow: self.allow.clone(),
            plan: self.plan.clone().map(Some),
            ..Changes::default()
        }
    }

    /// Bounds the other keys of a key's name. Says whether anything was different.
    pub(super) fn bound_others(
        &self,
        act: &Act<'_, '_>,
        workspace: &Workspace,
        key: &Key,
    ) -> Result<bool> {
        let others = lineage::others(act, key, act.now)?;
        set::change_all(act, &workspace.policy, &others, &self.bounds())
    }

    /// Makes a key as it should be, and bounds the others of its name.
    pub(super) fn settle(
        &self,
        act: &Act<'_, '_>,
        workspace: &Workspace,
        key: &Key,
    ) -> Result<Box<Key>> {
        let keys = std::slice::from_ref(key);
        let is_changed = set::change_all(act, &workspace.policy, keys, &self.changes())?;
        if self.bound_others(act, workspace, key)? || is_changed {
            act.access.require(Permission::Set)?;
        }
        let key = act.key_by_id(key.id.as_str())?;
        Ok(Box::new(key.expect("a key that is provisioned stays")))
    }
}
