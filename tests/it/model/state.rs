//! What the model knows: workspaces, keys, what was used, and what follows from that at a moment.
//!
//! Written from the contract (its sections 2, 4, 6 and 7) and in plain collections; nothing here asks the library.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::clock::{Clock, Moment};
use super::policies::{POLICIES, Policy, are_alike};
use super::restoring::End;
use super::reuse::Memory;
use super::shelf::Shelf;

/// How long a pending key waits.
pub const PENDING: i64 = 24 * 60 * 60 * 1000;

/// A workspace.
#[derive(Debug, Clone, PartialEq)]
pub struct Workspace {
    pub name: String,
    pub created_at: i64,
    pub policy: usize,
    pub cap: Option<u64>,
    pub plan: Option<String>,
    /// Whether `mint` made it, from the preset of this name.
    pub is_preset: bool,
    /// Credits by month, counted from January of the year 0.
    pub credits: BTreeMap<i64, u64>,
}

/// What limits a key.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// As the policy writes it, how many, in how many nanoseconds.
    pub rate: Option<(&'static str, i64, i64)>,
    /// Credits of its workspace in a month.
    pub quota: Option<u64>,
    /// Those of them that are its own, with those of its line.
    pub own_quota: Option<u64>,
}

/// What is stored of a key's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Pending,
    Active,
    Disabled,
    Revoked,
}

/// The rotation a key came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Rotation {
    /// The id of the key it replaces.
    pub replaces: String,
    pub grace: i64,
    /// That key's expiry before.
    pub previous: Option<i64>,
}

/// Uses on a day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Uses {
    /// Whether there was a valid one, or an import said that there was.
    pub has_row: bool,
    pub valid: u64,
    pub credits: u64,
    pub refused: BTreeMap<String, u64>,
}

/// A key. Times are in milliseconds since 1970.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    pub id: String,
    pub secret: String,
    /// The workspace's number and the policy the token was made by.
    pub workspace: u64,
    pub form: usize,
    pub name: String,
    pub environment: String,
    pub scopes: Vec<String>,
    pub state: State,
    pub created_at: i64,
    pub expires_at: Option<i64>,
    pub revoked: Option<(i64, String, Option<String>)>,
    pub rotation: Option<Rotation>,
    pub replaced_by: Option<String>,
    pub allow: Vec<String>,
    pub owner: Option<String>,
    pub labels: BTreeMap<String, String>,
    /// A plan of its own.
    pub plan: Option<String>,
    pub last_used: Option<i64>,
    pub uses: BTreeMap<i64, Uses>,
    /// The rate it was last held to, and when its burst is whole again, in nanoseconds.
    pub whole_at: Option<(String, i64)>,
    /// Whether its hand-over may be taken up by asking again.
    pub is_claimed: bool,
    /// Whether somebody has set its expiry since it was minted.
    pub is_life_set: bool,
    /// When it was used though it was dead, if that is the newest event about it.
    pub reused: Option<i64>,
    /// How often its record was written since it was minted; more where a number might else be used again.
    pub revision: u64,
}

/// What was minted under an idempotency key.
#[derive(Debug, Clone, PartialEq)]
pub struct Remembered {
    pub workspace: u64,
    pub name: String,
    pub asked: String,
    pub id: String,
    pub made_at: i64,
}

/// A secret that is nobody's any more.
#[derive(Debug, Clone, PartialEq)]
pub struct Gone {
    pub secret: String,
    pub form: usize,
    pub environment: String,
}

/// Everything.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// By their row numbers, each one more than the greatest there is; so also keys, in the order of minting.
    pub workspaces: BTreeMap<u64, Workspace>,
    pub keys: BTreeMap<u64, Key>,
    pub current: Option<u64>,
    pub remembered: Vec<Remembered>,
    /// The last of them.
    pub gone: Vec<Gone>,
    /// All of them that have ended here: no record of theirs is imported again.
    pub ended: Rc<BTreeSet<String>>,
    /// The ids of all keys that the trail has an event of.
    pub told: Rc<BTreeSet<String>>,
    /// How keys ended for good, by their ids.
    pub endings: Rc<BTreeMap<String, End>>,
    /// Of each superseded key its successor's id, and the expiry that it had before, as the trail has them.
    pub before: BTreeMap<String, (String, Option<i64>)>,
    /// Rows of the audit trail.
    pub events: u64,
    pub clock: Clock,
    /// What the verifier of each process has in memory, which stays open between operations.
    pub memories: Vec<Memory>,
    pub shelf: Shelf,
    /// Whether the store is on a server, whose last recorded time lags behind counts.
    pub is_on_server: bool,
}

/// The code words of everything that speaks against an operation; any of them may be the answer.
pub type Faults = BTreeSet<&'static str>;

impl Key {
    /// When it became void by waiting, if it has.
    pub fn lapsed(&self, at: Moment) -> Option<i64> {
        let lapses = self.created_at + PENDING;
        (self.state == State::Pending && lapses <= at.latest).then_some(lapses)
    }

    /// What it is at this moment, as verify says it.
    pub fn status(&self, at: Moment) -> &'static str {
        match self.state {
            State::Revoked => "revoked",
            State::Pending if self.lapsed(at).is_some() => "revoked",
            State::Pending => "pending",
            State::Disabled => "disabled",
            State::Active if self.has_expired(at) => "expired",
            State::Active => "active",
        }
    }

    /// The same to whoever would change it: what is over is over, paused and pending keys too.
    pub fn standing(&self, at: Moment) -> &'static str {
        match self.status(at) {
            "pending" | "disabled" if self.has_expired(at) => "expired",
            status => status,
        }
    }

    pub fn has_expired(&self, at: Moment) -> bool {
        self.expires_at.is_some_and(|expires_at| expires_at <= at.latest)
    }

    pub fn is_living(&self, at: Moment) -> bool {
        matches!(self.standing(at), "active" | "pending" | "disabled")
    }

    /// Whether it says that it replaces that key.
    pub fn names(&self, old: &str) -> bool {
        let rotation = self.rotation.as_ref();
        rotation.is_some_and(|rotation| rotation.replaces == old)
    }

    /// Whether it has replaced that key, or may do so: no link leads out of a workspace or an environment.
    pub fn may_replace(&self, old: &Self) -> bool {
        let place = |key: &Self| (key.workspace, key.environment.clone());
        let is_free = old.replaced_by.as_ref().is_none_or(|id| *id == self.id);
        place(self) == place(old) && is_free && self.id != old.id && self.names(&old.id)
    }

    pub fn revoke(&mut self, reason: &str, message: Option<String>, now: i64) {
        self.state = State::Revoked;
        self.revoked = Some((now, reason.to_owned(), message));
    }

    /// The public front of its token, and the random part of that.
    pub fn prefix(&self) -> (&str, &str) {
        match POLICIES[self.form].has_short {
            // The short part ends 32 characters of secret and 6 of checksum before the end.
            true => {
                let end = self.secret.len() - 32 - 6;
                (&self.secret[..end], &self.secret[end - 12..end])
            }
            false => (&self.secret[..self.secret.len() - 43 - 1], ""),
        }
    }

    /// The end of the secret's random part.
    pub fn hint(&self) -> &str {
        let end = self.secret.len() - POLICIES[self.form].after_hint;
        &self.secret[end - 4..end]
    }
}

impl Workspace {
    pub fn rules(&self) -> &'static Policy {
        &POLICIES[self.policy]
    }

    /// What limits its keys, and one with this plan of its own: that plan's rate in place of the workspace's, and both quotas.
    pub fn limits(&self, own: Option<&str>) -> Limits {
        let plan = |name: &str| self.rules().plan(name);
        let (shared, own) = (self.plan.as_deref().and_then(plan), own.and_then(plan));
        Limits {
            rate: own.or(shared).and_then(|plan| plan.rate),
            quota: shared.and_then(|plan| plan.quota),
            own_quota: own.and_then(|plan| plan.quota),
        }
    }
}

impl Limits {
    pub fn is_any(&self) -> bool {
        self.rate.is_some() || self.quota.is_some() || self.own_quota.is_some()
    }
}

impl Model {
    pub fn workspace_named(&self, name: &str) -> Option<u64> {
        let mut found = self.workspaces.iter();
        found.find(|(_, workspace)| workspace.name == name).map(|(number, _)| *number)
    }

    pub fn key_of_id(&self, id: &str) -> Option<u64> {
        let mut found = self.keys.iter();
        found.find(|(_, key)| key.id == id).map(|(number, _)| *number)
    }

    pub fn key_of_secret(&self, secret: &str) -> Option<u64> {
        let mut found = self.keys.iter();
        found.find(|(_, key)| key.secret == secret).map(|(number, _)| *number)
    }

    pub fn owner(&self, key: &Key) -> &Workspace {
        &self.workspaces[&key.workspace]
    }

    pub fn limits(&self, key: &Key) -> Limits {
        self.owner(key).limits(key.plan.as_deref())
    }

    pub fn living(&self, workspace: u64, now: i64) -> u64 {
        let at = self.at(now);
        let living = |key: &&Key| key.workspace == workspace && key.is_living(at);
        self.keys.values().filter(living).count() as u64
    }

    /// Keys minted to replace this one; once one of them has, that one alone.
    pub fn replacements(&self, id: &str) -> Vec<u64> {
        let Some(old) = self.key_of_id(id).map(|old| &self.keys[&old]) else {
            return Vec::new();
        };
        let found = self.keys.iter().filter(|(_, key)| key.may_replace(old));
        found.map(|(number, _)| *number).collect()
    }

    /// The key that this one has replaced, or waits to replace.
    pub fn predecessor(&self, key: &Key) -> Option<u64> {
        let old = self.key_of_id(&key.rotation.as_ref()?.replaces)?;
        key.may_replace(&self.keys[&old]).then_some(old)
    }

    pub fn has_pending_replacement(&self, id: &str, now: i64) -> bool {
        let at = self.at(now);
        let mut replacements = self.replacements(id).into_iter();
        replacements.any(|number| self.keys[&number].standing(at) == "pending")
    }

    /// Whether a key's name is its own: it is neither dead nor superseded. A pending replacement shares the name of the
    /// key it waits for, as long as that has it.
    pub fn holds_name(&self, key: &Key, now: i64) -> bool {
        let at = self.at(now);
        if !key.is_living(at) || key.replaced_by.is_some() {
            return false;
        }
        let waits_for = match (&key.rotation, key.state) {
            (Some(_), State::Pending) => self.predecessor(key),
            _ => return true,
        };
        !waits_for.is_some_and(|old| {
            let old = &self.keys[&old];
            let waits_too = old.state == State::Pending && old.rotation.is_some();
            old.is_living(at) && old.replaced_by.is_none() && !waits_too
        })
    }

    /// The keys that have this name for their own.
    pub fn holders(&self, workspace: u64, environment: &str, name: &str, now: i64) -> Vec<u64> {
        let is_holder = |key: &Key| {
            key.workspace == workspace
                && key.environment == environment
                && key.name == name
                && self.holds_name(key, now)
        };
        let found = self.keys.iter().filter(|(_, key)| is_holder(key));
        found.map(|(number, _)| *number).collect()
    }

    /// Whether a secret that is nobody's looks like one of a workspace's. Without a workspace, like one of the presets'.
    pub fn is_well_formed(&self, gone: &Gone) -> bool {
        let of = |policy: usize| {
            are_alike(policy, gone.form)
                && POLICIES[policy].environments.contains(&gone.environment.as_str())
        };
        match self.workspaces.is_empty() {
            true => of(0),
            false => self.workspaces.values().any(|workspace| of(workspace.policy)),
        }
    }

    /// Revokes a key, and notes how it ended.
    pub fn end(&mut self, number: u64, reason: &str, message: Option<String>, now: i64) {
        let key = self.keys.get_mut(&number).expect("the key is there");
        key.revoke(reason, message.clone(), now);
        let (id, end) = (key.id.clone(), (now, reason.to_owned(), message));
        Rc::make_mut(&mut self.endings).entry(id).or_insert(end);
    }

    pub fn add_key(&mut self, key: Key) {
        Rc::make_mut(&mut self.told).insert(key.id.clone());
        let last = self.keys.keys().next_back();
        self.keys.insert(last.map_or(1, |last| last + 1), key);
    }

    pub fn add_workspace(&mut self, workspace: Workspace) -> u64 {
        let number = self.workspaces.keys().next_back().map_or(1, |last| last + 1);
        self.workspaces.insert(number, workspace);
        number
    }

    /// Forgets a key that has ended, but for its secret.
    pub fn forget(&mut self, number: u64, now: i64) {
        let id = self.keys[&number].id.clone();
        let end = (now, "unspecified".to_owned(), None);
        Rc::make_mut(&mut self.endings).entry(id).or_insert(end);
        if let Some(key) = self.keys.remove(&number) {
            self.bury(key.secret, key.form, key.environment);
        }
    }

    pub fn bury(&mut self, secret: String, form: usize, environment: String) {
        Rc::make_mut(&mut self.ended).insert(secret.clone());
        self.lose(secret, form, environment);
    }

    /// Remembers a secret that is nobody's any more, though it has not ended.
    pub fn lose(&mut self, secret: String, form: usize, environment: String) {
        self.gone.push(Gone { secret, form, environment });
        if self.gone.len() > 20 {
            self.gone.remove(0);
        }
    }
}
