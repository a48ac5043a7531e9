//! What each operation on workspaces does, and those that look at or forget many keys.

use super::clock::Moment;
use super::operation::{Answer, Operation};
use super::policies::{POLICIES, Policy};
use super::state::{Faults, Key, Model, Workspace};

const MINUTE: i64 = 60_000;

fn fault(word: &'static str) -> Faults {
    Faults::from([word])
}

fn changed(changed: bool) -> Answer {
    Answer { changed: vec![changed], ..Answer::default() }
}

fn has_plan(policy: usize, plan: &str) -> bool {
    POLICIES[policy].plan(plan).is_some()
}

impl Model {
    pub(super) fn apply_to_workspaces(
        &mut self,
        operation: &Operation,
        now: i64,
    ) -> Result<Answer, Faults> {
        match operation {
            Operation::CreateWorkspace { name, policy, plan } => {
                let mut faults = Faults::new();
                if self.workspace_named(name).is_some() {
                    faults.insert("name_taken");
                }
                if plan.as_ref().is_some_and(|plan| !has_plan(*policy, plan)) {
                    faults.insert("usage");
                }
                if !faults.is_empty() {
                    return Err(faults);
                }
                self.make_workspace(name, *policy, plan.clone(), now);
                Ok(Answer::default())
            }
            Operation::RenameWorkspace { from, to } => {
                let number = self.place(Some(from))?;
                if from == to {
                    return Ok(changed(false));
                }
                if self.workspace_named(to).is_some() {
                    return Err(fault("name_taken"));
                }
                self.alter(number, |workspace| to.clone_into(&mut workspace.name));
                Ok(changed(true))
            }
            Operation::SetWorkspace { workspace, policy, cap, plan, keep_outside } => {
                let number = self.place(workspace.as_deref())?;
                let after = self.workspace_after(number, *policy, *cap, plan.as_deref())?;
                if !keep_outside && self.strands(number, &after, now) {
                    return Err(fault("conflict"));
                }
                if self.lacks_plans(number, &after, now) {
                    return Err(fault("conflict"));
                }
                let before = &self.workspaces[&number];
                let is_new = after != *before;
                let plans = |place: &Workspace| (place.plan.clone(), place.rules().plans);
                let are_plans_new = plans(&after) != plans(before);
                if is_new {
                    self.alter(number, |workspace| *workspace = after);
                }
                if are_plans_new {
                    self.carry_rates(number, now);
                }
                Ok(changed(is_new))
            }
            Operation::DeleteWorkspace(name) => {
                let number = self.place(Some(name))?;
                if self.living(number, now) > 0 {
                    return Err(fault("conflict"));
                }
                let keys = self.keys.iter().filter(|(_, key)| key.workspace == number);
                for key in keys.map(|(key, _)| *key).collect::<Vec<_>>() {
                    self.tell(key);
                    self.forget(key, now);
                }
                self.workspaces.remove(&number);
                self.remembered.retain(|made| made.workspace != number);
                self.current = self.current.filter(|current| *current != number);
                self.events += 1;
                Ok(Answer::default())
            }
            Operation::UseWorkspace(name) => {
                let number = self.place(Some(name))?;
                let is_new = self.current != Some(number);
                self.current = Some(number);
                self.events += u64::from(is_new);
                Ok(changed(is_new))
            }
            Operation::Prune { workspace, dead_for, rehearsal } => {
                if self.clock.is_far_ahead(now) {
                    return Err(fault("conflict"));
                }
                let place = self.place_if_any(workspace.as_deref())?;
                Ok(self.prune(place, *dead_for, *rehearsal, now))
            }
            Operation::List { workspace, .. } => {
                let place = self.place_if_any(workspace.as_deref())?;
                let at = self.at(now);
                let listed = self
                    .keys
                    .values()
                    .filter(|key| Some(key.workspace) == place && is_listed(operation, key, at));
                Ok(Answer { keys: listed.map(|key| key.id.clone()).collect(), ..Answer::default() })
            }
            Operation::Show(named) => {
                let key = &self.keys[&self.select(named, now)?];
                Ok(Answer {
                    keys: vec![key.id.clone()],
                    left: self.left_of([key].into_iter(), now),
                    ..Answer::default()
                })
            }
            other => panic!("this has a rule elsewhere: {other:?}"),
        }
    }

    pub(super) fn make_workspace(
        &mut self,
        name: &str,
        policy: usize,
        plan: Option<String>,
        now: i64,
    ) -> u64 {
        let rules = &POLICIES[policy];
        let made = Workspace {
            name: name.to_owned(),
            created_at: now,
            policy,
            cap: rules.cap,
            plan: plan.or_else(|| rules.default_plan.map(str::to_owned)),
            is_preset: false,
            credits: Default::default(),
        };
        self.events += 1;
        self.add_workspace(made)
    }

    fn alter(&mut self, number: u64, how: impl FnOnce(&mut Workspace)) {
        how(self.workspaces.get_mut(&number).expect("the workspace is there"));
        self.events += 1;
    }

    fn workspace_after(
        &self,
        number: u64,
        policy: Option<usize>,
        cap: Option<u32>,
        plan: Option<&str>,
    ) -> Result<Workspace, Faults> {
        let mut after = self.workspaces[&number].clone();
        if let Some(policy) = policy {
            after.policy = policy;
            after.cap = POLICIES[policy].cap;
            after.is_preset = false;
        }
        if let Some(cap) = cap {
            after.cap = (cap > 0).then_some(u64::from(cap));
        }
        let lacks = |plan: &str| !has_plan(after.policy, plan);
        match (plan, &after.plan) {
            (Some(plan), _) if lacks(plan) => return Err(fault("usage")),
            (Some(plan), _) => after.plan = Some(plan.to_owned()),
            // The policy drops the plan that the workspace is on.
            (None, Some(plan)) if lacks(plan) => return Err(fault("conflict")),
            (None, Some(_)) => {}
            (None, None) => {
                after.plan = POLICIES[after.policy].default_plan.map(str::to_owned);
            }
        }
        Ok(after)
    }

    /// Whether a live key is on a plan that the policy will not have, which nothing lets by.
    fn lacks_plans(&self, number: u64, after: &Workspace, now: i64) -> bool {
        let before = &self.workspaces[&number];
        let at = self.at(now);
        let is_lost = |key: &Key| {
            let plan = key.plan.as_deref();
            key.workspace == number
                && key.is_living(at)
                && plan.is_some_and(|plan| after.rules().plan(plan).is_none())
        };
        (before.policy, before.cap) != (after.policy, after.cap) && self.keys.values().any(is_lost)
    }

    /// Whether live keys fall out of the policy by this change, or a lowered cap is below them.
    fn strands(&self, number: u64, after: &Workspace, now: i64) -> bool {
        let before = &self.workspaces[&number];
        let is_within = |key: &Key, rules: &Policy| {
            rules.environments.contains(&key.environment.as_str())
                && key.scopes.iter().all(|scope| rules.scopes.contains(&scope.as_str()))
        };
        let falls = |key: &Key| is_within(key, before.rules()) && !is_within(key, after.rules());
        let living = |key: &&Key| key.workspace == number && key.is_living(self.at(now));
        let living = || self.keys.values().filter(living);
        let is_lower = |cap: u64| before.cap.is_none_or(|old| cap < old);
        let count = living().count() as u64;
        living().any(falls) || after.cap.is_some_and(|cap| is_lower(cap) && count > cap)
    }

    /// Forgets the keys that have been dead for long enough and that no pending key waits to replace.
    fn prune(
        &mut self,
        place: Option<u64>,
        dead_for: Option<i64>,
        rehearsal: bool,
        now: i64,
    ) -> Answer {
        let Some(owner) = place.map(|place| &self.workspaces[&place]) else {
            return Answer::default();
        };
        let retention = dead_for.map_or(owner.rules().retention, |minutes| minutes * MINUTE);
        let is_due = |key: &Key| {
            let dead_since = match key.standing(self.at(now)) {
                "revoked" => key.revoked.as_ref().map(|(at, ..)| *at).or(key.lapsed(self.at(now))),
                "expired" => key.expires_at,
                _ => None,
            };
            dead_since.is_some_and(|since| since + retention <= now)
                && !self.has_pending_replacement(&key.id, now)
        };
        let due = self.keys.iter().filter(|(_, key)| Some(key.workspace) == place && is_due(key));
        let due: Vec<u64> = due.map(|(number, _)| *number).collect();
        let ids = due.iter().map(|number| self.keys[number].id.clone());
        let answer = Answer { keys: ids.collect(), ..Answer::default() };
        if !rehearsal {
            for number in &due {
                self.hand_on(*number);
            }
            for number in due {
                self.tell(number);
                self.forget(number, now);
            }
        }
        answer
    }
}

fn is_listed(operation: &Operation, key: &Key, at: Moment) -> bool {
    let Operation::List { statuses, all, environment, name, owner, label, scope, .. } = operation
    else {
        return false;
    };
    let has_status = match statuses.is_empty() {
        true => *all || !matches!(key.status(at), "expired" | "revoked"),
        false => statuses.iter().any(|asked| asked == key.status(at)),
    };
    let has_label = |(name, value): &(String, Option<String>)| {
        let found = key.labels.get(name);
        found.is_some() && (value.is_none() || found == value.as_ref())
    };
    has_status
        && environment.as_ref().is_none_or(|environment| key.environment == *environment)
        && name.as_ref().is_none_or(|name| key.name.contains(name.as_str()))
        && (owner.is_none() || key.owner == *owner)
        && label.as_ref().is_none_or(has_label)
        && scope.as_ref().is_none_or(|scope| key.scopes.contains(scope))
}
