//! A whole manifest: what its workspaces and keys need, and carrying out everything except deliveries.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::difference::Difference;
use crate::domain::holding::{Action, Place};
use crate::domain::manifest::KeyEntry;
use crate::domain::name::composed;
use crate::domain::policy::PolicyChanges;
use crate::domain::{
    Key, KeySeq, Name, Permission, Policy, Timestamp, Workspace, WorkspaceId, preset,
};
use crate::error::{Error, Kind, Result};
use crate::ops::access::{Access, Actor};
use crate::ops::provision::{Decision, decide, environment};
use crate::ops::{select, workspace};
use crate::store::{Reader, Store};

/// A workspace there should be.
#[derive(Debug, Clone)]
pub struct WorkspaceWanted {
    pub name: Name,
    /// Its policy and the preset that it is; what it has, or the preset "default" when it is made, when not given.
    pub policy: Option<(Option<String>, Policy)>,
    pub plan: Option<String>,
    /// The manifest's line it begins in.
    pub line: usize,
}

/// A key there should be.
#[derive(Debug)]
pub struct KeyWanted {
    /// The manifest's values for it.
    pub entry: KeyEntry,
    pub place: Place,
}

#[derive(Debug)]
pub struct Request {
    pub workspaces: Vec<WorkspaceWanted>,
    pub keys: Vec<KeyWanted>,
    /// Whether to revoke live keys of these workspaces that are not in the manifest.
    pub prune: bool,
    /// Whether live keys that a changed policy no longer allows are kept unchanged.
    pub keep_outside: bool,
}

/// What will be done to a workspace.
#[derive(Debug)]
pub enum WorkspaceStep {
    Create,
    /// Change its plan, and its policy where one is given.
    Set {
        policy: Option<Box<(Option<String>, Policy)>>,
        differences: Vec<Difference>,
    },
    Leave,
}

impl WorkspaceStep {
    pub fn action(&self) -> Action {
        match self {
            Self::Create => Action::Created,
            Self::Set { .. } => Action::Updated,
            Self::Leave => Action::Unchanged,
        }
    }
}

/// What will be done.
#[derive(Debug)]
pub struct Plan {
    /// To each workspace, in the request's order.
    pub workspaces: Vec<WorkspaceStep>,
    /// To each key, in the request's order, with its environment.
    pub keys: Vec<(String, Decision)>,
    pub strays: Vec<Key>,
}

impl Plan {
    pub fn is_pending(&self) -> bool {
        self.workspaces.iter().any(|step| step.action().is_change())
            || self.keys.iter().any(|(_, decision)| decision.step.action().is_change())
            || !self.strays.is_empty()
    }
}

pub fn plan(store: &mut Store, actor: &Actor, request: &Request, now: Timestamp) -> Result<Plan> {
    store.read(|reader| {
        let access = Access::to(reader, actor, Permission::List, now)?;
        let mut workspaces = BTreeMap::new();
        let mut steps = Vec::new();
        for wanted in &request.workspaces {
            // A calling key gets no information about other workspaces, not even whether they exist.
            let is_own = |(key, _): &(Key, Policy)| key.workspace == wanted.name.as_str();
            if !access.caller.as_ref().is_none_or(is_own) {
                return Err(select::no_such_workspace(wanted.name.as_str(), &[]));
            }
            let placed = |error: Error| {
                let line = wanted.line;
                error.told(|message| format!("line {line}: workspace: {message}"))
            };
            let (workspace, step) = workspace_as_wanted(reader, wanted, now).map_err(placed)?;
            if step.action().is_change() {
                access.require_operator()?;
                let before = reader.workspace_named(wanted.name.as_str())?;
                if let Some(before) = before {
                    let keep = request.keep_outside;
                    workspace::set::refuse_to_strand(reader, &before, &workspace, keep, now)
                        .map_err(placed)?;
                }
            }
            workspaces.insert(wanted.name.as_str(), workspace);
            steps.push(step);
        }
        let mut keys = Vec::new();
        let mut named: BTreeMap<(&str, String, &str), usize> = BTreeMap::new();
        for key in &request.keys {
            let (entry, wanted) = (&key.entry, &key.entry.wanted);
            let workspace = &workspaces[entry.workspace.as_str()];
            let placed = |error: Error| entry.at_its_line(error);
            let (asked, name) = (wanted.environment.as_deref(), wanted.name.as_str());
            let environment =
                environment(reader, workspace, asked, name, now).map_err(placed)?.to_owned();
            let place = (entry.workspace.as_str(), environment.clone(), name);
            if let Some(first) = named.insert(place, entry.line) {
                let message = format!("name: it is the same key as in line {first}");
                return Err(placed(Error::new(Kind::InvalidManifest, message)));
            }
            let decision = decide(reader, workspace, wanted, &key.place, now).map_err(placed)?;
            keys.push((environment, decision));
        }
        let names: BTreeSet<_> = named.into_keys().collect();
        let mut strays = Vec::new();
        for workspace in workspaces.values().filter(|_| request.prune) {
            reader.for_each_key_after(workspace, KeySeq(0), u32::MAX, |_, key| {
                let name = composed(&key.name);
                let place = (workspace.name.as_str(), key.environment.clone(), name.as_ref());
                let is_named = names.contains(&place);
                if key.is_living(now) && !is_named {
                    strays.push(key);
                }
                Ok(())
            })?;
        }
        Ok(Plan { workspaces: steps, keys, strays })
    })
}

/// Makes a workspace or changes its policy and plan, in one transaction.
pub fn settle_workspace(
    store: &mut Store,
    actor: &Actor,
    wanted: &WorkspaceWanted,
    step: WorkspaceStep,
    keep_outside: bool,
    now: Timestamp,
) -> Result<()> {
    let (name, plan) = (wanted.name.clone(), wanted.plan.clone());
    match step {
        WorkspaceStep::Leave => Ok(()),
        WorkspaceStep::Create => {
            let (preset, policy) = policy_of(wanted)?;
            let request = workspace::Request { name, preset, policy, plan };
            match workspace::create(store, actor, request, now) {
                // Another process was first; what it has made may be as it should be.
                Err(error) if error.kind() == Kind::NameTaken => {
                    let step = |reader: &Reader<'_>| workspace_as_wanted(reader, wanted, now);
                    let (_, step) = store.read(step)?;
                    settle_workspace(store, actor, wanted, step, keep_outside, now)
                }
                made => made.map(drop),
            }
        }
        WorkspaceStep::Set { policy, .. } => {
            let request = workspace::set::Request {
                workspace: Some(name.as_str().to_owned()),
                policy: policy.map(|policy| *policy),
                changes: PolicyChanges::default(),
                plan: plan.map(Some),
                keep_outside,
            };
            workspace::set::run(store, actor, request, now).map(drop)
        }
    }
}

/// A workspace as it will be, and what makes it so.
fn workspace_as_wanted(
    reader: &Reader<'_>,
    wanted: &WorkspaceWanted,
    now: Timestamp,
) -> Result<(Workspace, WorkspaceStep)> {
    let Some(before) = reader.workspace_named(wanted.name.as_str())? else {
        let (preset, policy) = policy_of(wanted)?;
        if let Some(plan) = &wanted.plan {
            policy.plan(plan)?;
        }
        let workspace = Workspace {
            id: WorkspaceId(0),
            name: wanted.name.as_str().to_owned(),
            preset,
            policy,
            plan: wanted.plan.clone(),
            created_at: now,
            created_by: String::new(),
        };
        return Ok((workspace, WorkspaceStep::Create));
    };
    // A policy of the manifest's own says nothing of presets.
    let differs = |(preset, policy): &&(Option<String>, Policy)| {
        before.policy != *policy || (preset.is_some() && before.preset != *preset)
    };
    let policy = wanted.policy.as_ref().filter(differs).cloned();
    let is_on_plan = wanted.plan.is_none() || before.plan == wanted.plan;
    if policy.is_none() && is_on_plan {
        return Ok((before, WorkspaceStep::Leave));
    }
    let changes = PolicyChanges::default();
    let plan = wanted.plan.clone().map(Some);
    let after = workspace::set::changed(&before, policy.clone(), changes, plan)?;
    let step = WorkspaceStep::Set {
        policy: policy.map(Box::new),
        differences: workspace::set::differences(&before, &after),
    };
    Ok((after, step))
}

fn policy_of(wanted: &WorkspaceWanted) -> Result<(Option<String>, Policy)> {
    match &wanted.policy {
        Some(policy) => Ok(policy.clone()),
        None => Ok((Some(preset::DEFAULT.to_owned()), preset::load(preset::DEFAULT)?)),
    }
}
