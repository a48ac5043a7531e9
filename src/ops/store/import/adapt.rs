//! What is made to fit where other systems' keys come in: names that are taken, scopes and plans that a policy lacks, and a
//! workspace for each owner.

use rand::TryCryptoRng;
use serde_json::json;

use super::Scopes;
use super::importer::Importer;
use crate::domain::audit::Action;
use crate::domain::mapping::UNNAMED;
use crate::domain::name::MAXIMUM_LENGTH;
use crate::domain::policy::{Plan, Policy, Scope};
use crate::domain::{Key, Name, Safe, Workspace, WorkspaceId, preset};
use crate::error::{Error, Kind, Result};
use crate::ops::workspace;

/// What a workspace has for its number until it is saved; the store gives none below 1.
const UNSAVED: WorkspaceId = WorkspaceId(0);

/// A name with a number behind it, shortened where both are too long.
fn numbered(name: &str, number: u64) -> String {
    let number = format!("-{number}");
    let front: String = name.chars().take(MAXIMUM_LENGTH - number.len()).collect();
    format!("{}{number}", front.trim_end())
}

/// Whether a key of this name may have been called `said` where it came from.
pub(super) fn is_numbered(said: &Name, name: &str) -> bool {
    let number = name.rsplit_once('-').and_then(|(_, number)| number.parse().ok());
    number.is_some_and(|number| numbered(said.as_str(), number) == name)
}

impl<R: TryCryptoRng> Importer<'_, '_, R> {
    /// The next name to try for a key whose own is taken, or that has none.
    pub(super) fn next_name(&mut self, owner: &Workspace, said: &str) -> String {
        let first = if said == UNNAMED { 1 } else { 2 };
        let next = self.numbers.entry((owner.id, said.to_owned())).or_insert(first);
        let name = numbered(said, *next);
        *next += 1;
        name
    }

    /// The workspace of an owner that has none; it is not saved.
    pub(super) fn workspace_of(&self, owner: &str) -> Result<Workspace> {
        Ok(Workspace {
            id: UNSAVED,
            name: owner.parse::<Name>()?.to_string(),
            preset: Some(preset::DEFAULT.to_owned()),
            policy: preset::load(preset::DEFAULT)?,
            plan: None,
            created_at: self.act.now,
            created_by: self.act.access.actor.clone(),
        })
    }

    /// The policy with what a key needs of it, and what that is: its scopes where they are to be declared, and the plan that its own
    /// rate became.
    pub(super) fn widen(&self, policy: &mut Policy, key: &Key) -> Result<Vec<String>> {
        refuse_wildcards(&key.scopes)?;
        let mut added = Vec::new();
        if self.request.scopes == Scopes::Declare {
            for scope in &key.scopes {
                if !policy.scopes.contains_key(scope) {
                    policy.scopes.insert(scope.clone(), Scope::default());
                    added.push(format!("scope {scope}"));
                }
            }
        }
        if let (Some(plan), true) = (&key.plan, self.request.source.is_some())
            && !policy.plans.contains_key(plan)
        {
            let rate = Some(plan.parse()?);
            policy.plans.insert(plan.clone(), Plan { rate, quota: None });
            added.push(format!("plan {plan}"));
        }
        if !added.is_empty() {
            policy.check()?;
        }
        Ok(added)
    }

    /// Saves a workspace that is new, or to whose policy these were added.
    pub(super) fn settle(&mut self, owner: &mut Workspace, added: Vec<String>) -> Result<()> {
        if owner.id == UNSAVED {
            let Workspace { name, preset, policy, .. } = owner.clone();
            *owner = workspace::insert(&self.act, &name, preset, policy, None)?;
        } else if !added.is_empty() {
            let before = self.act.workspace_by_id(owner.id)?;
            let before = before.map(|before| before.policy.to_toml());
            self.act.update_workspace(owner)?;
            let details = json!({
                "preset": owner.preset,
                "plan": owner.plan,
                "from": before,
                "to": owner.policy.to_toml(),
            });
            self.act.note(Action::WorkspaceSet, &owner.name, &details)?;
            self.owners.clear();
        }
        self.notes.added.extend(added);
        Ok(())
    }
}

/// Refuses a scope that stands for others: what a key may do is a list, which is compared word by word.
fn refuse_wildcards(scopes: &[String]) -> Result<()> {
    match scopes.iter().find(|scope| scope.contains('*')) {
        None => Ok(()),
        Some(scope) => Err(Error::new(
            Kind::InvalidScope,
            format!(
                "the scope \"{}\" stands for others, and a key's scopes are a list: name each of them, or leave all out with --scopes none",
                Safe(scope)
            ),
        )),
    }
}
