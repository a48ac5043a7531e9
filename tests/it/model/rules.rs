//! What each operation does, and what speaks against it: which rule stands where, and what the rules share.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::clock::{By, Moment};
use super::operation::{Answer, Changes, Expiry, Named, Operation, REASONS, Token};
use super::policies::Policy;
use super::state::{Faults, Key, Model, PENDING, State, Workspace};

pub(super) const MINUTE: i64 = 60_000;

/// What a rotation is asked to be.
pub(super) struct Terms<'a> {
    pub grace: Option<i64>,
    pub now: bool,
    pub hold: bool,
    pub expires: Option<Expiry>,
    pub changes: &'a Changes,
}

pub(super) fn fault(word: &'static str) -> Faults {
    Faults::from([word])
}

pub(super) fn answer(faults: Faults, answer: Answer) -> Result<Answer, Faults> {
    if faults.is_empty() { Ok(answer) } else { Err(faults) }
}

pub(super) fn of_key(key: &Key, changed: bool) -> Answer {
    Answer { keys: vec![key.id.clone()], changed: vec![changed], ..Answer::default() }
}

/// The expiry of a key that starts now. One that there was already is none, whatever the clock says.
pub(super) fn expiry(
    rules: &Policy,
    wish: Option<Expiry>,
    at: Moment,
) -> Result<Option<i64>, Faults> {
    let now = at.now;
    let longest = rules.maximum_lifetime.map(|lifetime| now + lifetime);
    let asked = match wish {
        None => rules.default_lifetime.map(|life| now + life).or(longest),
        Some(Expiry::Never) => None,
        Some(Expiry::After(minutes)) => Some(now + minutes * MINUTE),
        Some(Expiry::At(moment)) => Some(moment),
    };
    let is_past = asked.is_some_and(|asked| asked <= at.latest);
    let is_too_long = longest.is_some_and(|longest| asked.is_none_or(|asked| asked > longest));
    match is_past || is_too_long {
        true => Err(fault("invalid_expiry")),
        false => Ok(asked),
    }
}

pub(super) fn are_scopes_wrong(rules: &Policy, scopes: &[String]) -> bool {
    let (least, most) = rules.scopes_per_key;
    let mut different = scopes.to_vec();
    different.sort_unstable();
    different.dedup();
    different.len() < scopes.len()
        || !scopes.iter().all(|scope| rules.scopes.contains(&scope.as_str()))
        || !(least..=most).contains(&scopes.len())
}

/// Changes a key; scopes that are the same in another order stay as they are.
pub(super) fn change(rules: &Policy, key: &mut Key, changes: &Changes) -> Faults {
    let mut faults = Faults::new();
    let sorted = |scopes: &[String]| {
        let mut scopes = scopes.to_vec();
        scopes.sort_unstable();
        scopes
    };
    if let Some(scopes) = &changes.scopes
        && sorted(scopes) != sorted(&key.scopes)
    {
        if are_scopes_wrong(rules, scopes) {
            faults.insert("invalid_scope");
        }
        key.scopes.clone_from(scopes);
    }
    if let Some(allow) = &changes.allow {
        key.allow.clone_from(allow);
    }
    if let Some(owner) = &changes.owner {
        key.owner = (!owner.is_empty()).then(|| owner.clone());
    }
    if let Some(plan) = &changes.plan {
        if !plan.is_empty() && rules.plan(plan).is_none() {
            faults.insert("usage");
        }
        key.plan = (!plan.is_empty()).then(|| plan.clone());
    }
    if changes.clear_labels {
        key.labels.clear();
    }
    key.labels.extend(changes.labels.clone());
    faults
}

impl Model {
    /// Does an operation, or says what speaks against it; then the model is of no more use.
    ///
    /// `minted` is what the library made of it: ids and secrets that nobody can foresee.
    pub fn apply(
        &mut self,
        operation: &Operation,
        by: By,
        minted: &[Token],
    ) -> Result<Answer, Faults> {
        let before = self.events;
        let answer = self.do_it(operation, by, minted)?;
        if self.events > before && !matches!(operation, Operation::Verify { .. }) {
            self.clock.observe(by.now);
            self.note_commit(None);
        }
        Ok(answer)
    }

    fn do_it(&mut self, operation: &Operation, by: By, minted: &[Token]) -> Result<Answer, Faults> {
        let now = by.now;
        match operation {
            Operation::Mint { wish, count } => {
                let workspace = self.place_to_mint(wish, now)?;
                self.mint(workspace, wish, *count, now, minted)
            }
            Operation::MintAgain { wish, idempotency, hold, holding } => {
                self.mint_again(wish, idempotency, *hold, holding.as_deref(), now, minted)
            }
            Operation::Complete(delivered) => self.complete(delivered, now),
            Operation::Void(delivered) => Ok(self.void(delivered, now)),
            Operation::Hold(delivered) => Ok(self.hold(delivered)),
            Operation::Present { workspace, secret } => {
                self.present(workspace.as_deref(), secret, now)
            }
            Operation::Rename { key, name } => self.rename(key, name, now),
            Operation::Set { key, expires, changes } => self.set(key, *expires, changes, now),
            Operation::Disable { key, idle } => self.pause(key, State::Disabled, *idle, now),
            Operation::Enable(key) => self.pause(key, State::Active, None, now),
            Operation::Rotate { key, grace, now: at_once, hold, expires, changes } => {
                let terms =
                    Terms { grace: *grace, now: *at_once, hold: *hold, expires: *expires, changes };
                self.rotate(key, &terms, now, minted)
            }
            Operation::Cancel(key) => self.cancel(key, now),
            Operation::Revoke { workspace, keys, reason, message, idle } => {
                let why = (REASONS[*reason], message.as_ref());
                self.revoke(workspace.as_ref(), keys, why, *idle, now)
            }
            Operation::Verify { workspace, asks } => self.verify(workspace.as_deref(), asks, by),
            Operation::Backup(file) => {
                self.back_up(file);
                Ok(Answer::default())
            }
            Operation::Restore(file) => {
                let backup = Rc::clone(&self.shelf.backups[file]);
                Ok(self.restore(&backup, now))
            }
            Operation::Export { file, workspace } => {
                let lines = Rc::new(self.export(workspace.as_deref(), now)?);
                self.shelf.exports.insert(file.clone(), lines);
                Ok(Answer::default())
            }
            Operation::Import { file, keep_going, .. } => {
                let lines = Rc::clone(&self.shelf.exports[file]);
                self.import(&lines, *keep_going, now)
            }
            _ => self.apply_to_workspaces(operation, now),
        }
    }

    /// A key whose day to be activated in has passed already is not minted.
    pub(super) fn wait_fault(&self, now: i64) -> Faults {
        match now + PENDING <= self.at(now).latest {
            true => fault("invalid_expiry"),
            false => Faults::new(),
        }
    }

    pub(super) fn cap_fault(
        &self,
        number: u64,
        owner: &Workspace,
        wanted: u64,
        now: i64,
    ) -> Faults {
        let living = self.living(number, now);
        match owner.cap.is_some_and(|cap| living + wanted > cap) {
            true => fault("limit_reached"),
            false => Faults::new(),
        }
    }

    /// The key that is meant, which must not be dead, and the others that its name stands for.
    pub(super) fn select_living(&self, named: &Named, now: i64) -> Result<Vec<u64>, Faults> {
        let meant = self.select_all(named, now)?;
        match self.keys[&meant[0]].is_living(self.at(now)) {
            true => Ok(meant),
            false => Err(fault("conflict")),
        }
    }

    pub(super) fn change(&mut self, number: u64, how: impl FnOnce(&mut Key)) {
        how(self.keys.get_mut(&number).expect("the key is there"));
    }
}

pub(super) fn word(key: &Key, word: &'static str) -> Answer {
    Answer { keys: vec![key.id.clone()], word: word.to_owned(), ..Answer::default() }
}

pub(super) fn refuse_used(key: &Key, idle: Option<i64>, now: i64) -> Result<(), Faults> {
    let idle = idle.map(|minutes| minutes * MINUTE);
    match (idle, key.last_used) {
        (Some(idle), Some(last_used)) if last_used + idle > now => Err(fault("in_use")),
        _ => Ok(()),
    }
}

pub(super) fn new_key(workspace: u64, owner: &Workspace, token: &Token, now: i64) -> Key {
    Key {
        id: token.id.clone(),
        secret: token.secret.clone(),
        workspace,
        form: owner.policy,
        name: String::new(),
        environment: String::new(),
        scopes: Vec::new(),
        state: State::Pending,
        created_at: now,
        expires_at: None,
        revoked: None,
        rotation: None,
        replaced_by: None,
        allow: Vec::new(),
        owner: None,
        labels: BTreeMap::new(),
        plan: None,
        last_used: None,
        uses: BTreeMap::new(),
        whole_at: None,
        is_claimed: false,
        is_life_set: false,
        reused: None,
        revision: 0,
    }
}
