//! Changing a workspace's policy and plan.

use std::fmt;

use serde_json::{Value, json};

use crate::domain::allowance::Allowance;
use crate::domain::audit::Action;
use crate::domain::difference::Difference;
use crate::domain::policy::PolicyChanges;
use crate::domain::words::counted;
use crate::domain::{KeySeq, Policy, Safe, Timestamp, Workspace};
use crate::error::{Error, Result};
use crate::ops::access::{Access, Act, Actor};
use crate::ops::select;
use crate::ops::workspace::Outcome;
use crate::store::{Reader, Store, Writer};

#[derive(Debug)]
pub struct Request {
    pub workspace: Option<String>,
    /// The policy to put in the old one's place, with the preset it came from.
    pub policy: Option<(Option<String>, Policy)>,
    /// Fields to change, in that policy or in the current one.
    pub changes: PolicyChanges,
    /// The plan; `Some(None)` is the policy's default plan, or none.
    pub plan: Option<Option<String>>,
    /// Whether live keys that the changed policy no longer allows are kept unchanged.
    pub keep_outside: bool,
}

impl Request {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.policy.is_none() && self.plan.is_none() && self.changes == PolicyChanges::default()
    }
}

/// Changes a workspace. Says whether anything was different.
pub fn run(
    store: &mut Store,
    actor: &Actor,
    request: Request,
    now: Timestamp,
) -> Result<(Outcome, bool)> {
    store.write(|writer| {
        let act = Act { writer, access: Access::of_operator(writer, actor, now)?, now };
        let before = select::workspace(writer, &act.access, request.workspace.as_deref())?;
        let after = changed(&before, request.policy, request.changes, request.plan)?;
        refuse_to_strand(writer, &before, &after, request.keep_outside, now)?;
        let is_changed = after.policy != before.policy
            || after.plan != before.plan
            || after.preset != before.preset;
        if is_changed {
            writer.update_workspace(&after)?;
            carry_rates(writer, &before, &after, now)?;
            let details = json!({
                "preset": after.preset,
                "plan": after.plan,
                "from": before.policy.to_toml(),
                "to": after.policy.to_toml(),
            });
            act.note(Action::WorkspaceSet, &after.name, &details)?;
        }
        Ok((Outcome::of(writer, after, now)?, is_changed))
    })
}

/// Applies what keys have used of the earlier rate to the current one: another plan is not a second burst.
fn carry_rates(
    writer: &Writer<'_>,
    before: &Workspace,
    after: &Workspace,
    now: Timestamp,
) -> Result<()> {
    match before.plan == after.plan && before.policy.plans == after.policy.plans {
        true => Ok(()),
        false => hold_to_rates(writer, after, now),
    }
}

/// Holds what keys of a workspace have used of other rates against those that hold for them.
pub(in crate::ops) fn hold_to_rates(
    writer: &Writer<'_>,
    workspace: &Workspace,
    now: Timestamp,
) -> Result<()> {
    let latest = writer.clock()?.seen.max(now);
    let own = workspace.policy.plans.keys().map(|plan| Some(plan.as_str()));
    for plan in own.chain([None]) {
        if let Some(rate) = Allowance::of(workspace, plan).rate {
            writer.convert_rate_states(workspace.id, plan, rate, latest)?;
        }
    }
    Ok(())
}

/// The workspace as it will be. One that is on no plan goes to the policy's default plan.
pub(in crate::ops) fn changed(
    before: &Workspace,
    policy: Option<(Option<String>, Policy)>,
    changes: PolicyChanges,
    plan: Option<Option<String>>,
) -> Result<Workspace> {
    let mut after = before.clone();
    if let Some((preset, policy)) = policy {
        after.preset = preset;
        after.policy = policy;
    }
    changes.apply(&mut after.policy)?;
    let is_asked = plan.is_some();
    if let Some(plan) = plan {
        after.plan = plan;
    }
    let Some(plan) = &after.plan else {
        after.plan.clone_from(&after.policy.default_plan);
        return Ok(after);
    };
    match after.policy.plan(plan) {
        Ok(_) => Ok(after),
        Err(unknown) if is_asked => Err(unknown),
        Err(unknown) => Err(Error::conflict(format!(
            "workspace {} is on the plan {}, which the new policy does not have",
            Safe(&before.name),
            Safe(plan)
        ))
        .hinted(format!(
            "`keyward workspace set` with --plan or --clear-plan moves it; {}",
            unknown.hint().unwrap_or_default()
        ))),
    }
}

/// In what a workspace will be different: its preset, its plan, and every field of its policy.
pub(in crate::ops) fn differences(before: &Workspace, after: &Workspace) -> Vec<Difference> {
    let fields = |workspace: &Workspace| {
        let mut fields = json!({ "preset": workspace.preset, "plan": workspace.plan });
        let policy = serde_json::to_value(&workspace.policy).unwrap_or_default();
        if let (Some(fields), Value::Object(policy)) = (fields.as_object_mut(), policy) {
            fields.extend(policy);
        }
        fields
    };
    Difference::between(&fields(before), &fields(after))
}

/// Refuses a policy without a plan that a live key is on, and, unless such keys are to live on as they are, one that live keys fall
/// out of with this change, or a cap that is lowered below them.
pub(in crate::ops) fn refuse_to_strand(
    reader: &Reader<'_>,
    before: &Workspace,
    after: &Workspace,
    keep_outside: bool,
    now: Timestamp,
) -> Result<()> {
    if after.policy == before.policy {
        return Ok(());
    }
    let (mut live, mut stranded) = (Listed::default(), Listed::default());
    let mut without_plan = Listed::default();
    reader.for_each_key_after(before, KeySeq(0), u32::MAX, |_, key| {
        if !key.is_living(now) {
            return Ok(());
        }
        let name = format!("{} ({}", Safe(&key.name), key.id);
        live.add(|| format!("{name})"));
        if let Some(plan) = key.plan.as_ref().filter(|plan| !after.policy.plans.contains_key(*plan))
        {
            without_plan.add(|| format!("{name}, {})", Safe(plan)));
        }
        if let Some(outside) = after.policy.lacks(&key)
            && before.policy.lacks(&key).is_none()
        {
            stranded.add(|| format!("{name}, {outside})"));
        }
        Ok(())
    })?;
    if without_plan.count > 0 {
        let workspace = Safe(&before.name);
        return Err(Error::conflict(format!(
            "the new policy of {workspace} lacks plans of {without_plan}"
        ))
        .hinted("`keyward set KEY` with --plan or --clear-plan moves a key to another plan"));
    }
    if keep_outside {
        return Ok(());
    }
    let refused = |message: String| {
        Err(Error::conflict(message)
            .hinted("pass --keep-outside to keep these keys as they are, or revoke them first"))
    };
    if stranded.count > 0 {
        return refused(format!("the new policy of {} leaves out {stranded}", Safe(&before.name)));
    }
    let is_lower = |cap: &u32| before.policy.active_key_cap.is_none_or(|old| *cap < old);
    match after.policy.active_key_cap.filter(is_lower) {
        Some(cap) if live.count > u64::from(cap) => {
            refused(format!("the new cap of {}, {cap}, is below its {live}", Safe(&before.name)))
        }
        _ => Ok(()),
    }
}

/// How many keys there are of a kind, and the first of them.
#[derive(Default)]
struct Listed {
    count: u64,
    first: Vec<String>,
}

impl Listed {
    /// How many keys are named; the others are only counted.
    const NAMED: usize = 20;

    fn add(&mut self, said: impl FnOnce() -> String) {
        self.count += 1;
        if self.first.len() < Self::NAMED {
            self.first.push(said());
        }
    }
}

impl fmt::Display for Listed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = counted(self.count, "live key");
        write!(formatter, "{keys}: {}", self.first.join(", "))?;
        match self.count - self.first.len() as u64 {
            0 => Ok(()),
            more => write!(formatter, " and {more} more"),
        }
    }
}
