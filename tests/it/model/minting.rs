//! Minting, once and again.

use std::rc::Rc;

use super::operation::{Answer, Token, Wish};
use super::rules::{are_scopes_wrong, expiry, fault, new_key, word};
use super::state::{Faults, Key, Model, Remembered, State};

const WEEK: i64 = 7 * 24 * 60 * 60 * 1000;

impl Model {
    /// Where to mint; on an empty store the first workspace is made.
    pub(super) fn place_to_mint(&mut self, wish: &Wish, now: i64) -> Result<u64, Faults> {
        let named = wish.workspace.as_deref();
        if self.workspaces.is_empty() && named.is_none_or(|name| name == "default") {
            let number = self.make_workspace("default", 0, None, now);
            self.workspaces.entry(number).and_modify(|made| made.is_preset = true);
        }
        self.place(named)
    }

    pub(super) fn mint(
        &mut self,
        workspace: u64,
        wish: &Wish,
        count: u32,
        now: i64,
        minted: &[Token],
    ) -> Result<Answer, Faults> {
        let owner = self.workspaces[&workspace].clone();
        let rules = owner.rules();
        let mut faults = Faults::new();
        let environment = wish.environment.as_deref().unwrap_or(rules.environments[0]);
        if !rules.environments.contains(&environment) {
            faults.insert("invalid_environment");
        }
        if are_scopes_wrong(rules, &wish.scopes) {
            faults.insert("invalid_scope");
        }
        if wish.plan.as_ref().is_some_and(|plan| rules.plan(plan).is_none()) {
            faults.insert("usage");
        }
        let expires_at = expiry(rules, wish.expires, self.at(now)).unwrap_or_else(|wrong| {
            faults.extend(wrong);
            None
        });
        faults.extend(self.wait_fault(now));
        faults.extend(self.cap_fault(workspace, &owner, u64::from(count), now));
        let names: Vec<String> = match count {
            1 => vec![wish.name.clone()],
            _ => (1..=count).map(|number| format!("{}-{number}", wish.name)).collect(),
        };
        let is_taken = |name: &String| !self.holders(workspace, environment, name, now).is_empty();
        if names.iter().any(is_taken) {
            faults.insert("name_taken");
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut ids = Vec::new();
        for (name, token) in names.into_iter().zip(minted) {
            let mut key = new_key(workspace, &owner, token, now);
            key.name = name;
            environment.clone_into(&mut key.environment);
            key.scopes.clone_from(&wish.scopes);
            key.expires_at = expires_at;
            key.allow.clone_from(&wish.allow);
            key.owner.clone_from(&wish.owner);
            key.labels.clone_from(&wish.labels);
            key.plan.clone_from(&wish.plan);
            ids.push(key.id.clone());
            self.put(key, None);
        }
        Ok(Answer { keys: ids, ..Answer::default() })
    }

    /// Gives a key that never reached its holder another secret. Nothing else of it changes, but for its lifetime, which begins
    /// again unless somebody has set its end.
    fn reissue(
        &mut self,
        number: u64,
        wish: &Wish,
        now: i64,
        minted: &[Token],
    ) -> Result<(), Faults> {
        let mut key = self.keys[&number].clone();
        let owner = self.owner(&key).clone();
        let mut faults = self.wait_fault(now);
        if !key.is_life_set {
            key.expires_at =
                expiry(owner.rules(), wish.expires, self.at(now)).unwrap_or_else(|wrong| {
                    faults.extend(wrong);
                    None
                });
        }
        self.change(number, |key| key.revoke("undelivered", None, now));
        if let Some(token) = minted.first() {
            key.secret.clone_from(&token.secret);
            key.form = owner.policy;
        }
        key.created_at = now;
        (key.reused, key.revision) = (None, key.revision + 1);
        self.put(key, Some(number));
        match faults.is_empty() {
            true => Ok(()),
            false => Err(faults),
        }
    }

    /// Adds a key, or gives it the place and the past of one that never reached a holder.
    pub(super) fn put(&mut self, mut key: Key, again: Option<u64>) {
        self.events += 1;
        if let Some(before) = again.and_then(|again| self.keys.remove(&again)) {
            // A key that was void lives again with another secret.
            let endings = Rc::make_mut(&mut self.endings);
            if endings.get(&before.id).is_some_and(|end| end.1 == "undelivered") {
                endings.remove(&before.id);
            }
            key.uses = before.uses;
            key.last_used = before.last_used;
            key.whole_at = before.whole_at;
            self.bury(before.secret, before.form, before.environment);
        }
        match again {
            Some(number) => drop(self.keys.insert(number, key)),
            None => self.add_key(key),
        }
    }

    pub(super) fn mint_again(
        &mut self,
        wish: &Wish,
        idempotency: &str,
        hold: bool,
        holding: Option<&str>,
        now: i64,
        minted: &[Token],
    ) -> Result<Answer, Faults> {
        let place = self.place_to_mint(wish, now)?;
        let rules = self.workspaces[&place].rules();
        let environment = wish.environment.as_deref().unwrap_or(rules.environments[0]);
        let asked = format!("{} {environment} {:?}", wish.name, wish.expires);
        let is_it = |made: &&Remembered| {
            made.workspace == place && made.name == idempotency && made.made_at + WEEK > now
        };
        let mut again = None;
        if !rules.environments.contains(&environment) {
            return Err(fault("invalid_environment"));
        }
        if let Some(made) = self.remembered.iter().find(is_it).cloned() {
            if made.asked != asked {
                return Err(fault("conflict"));
            }
            let number = self.key_of_id(&made.id).ok_or_else(|| fault("conflict"))?;
            let key = self.keys[&number].clone();
            let is_open = key.standing(self.at(now)) == "pending" && key.is_claimed;
            let is_over = key.state == State::Pending && !key.is_living(self.at(now));
            let is_void =
                is_over || key.revoked.as_ref().is_some_and(|(_, why, _)| why == "undelivered");
            if is_open && holding == Some(key.secret.as_str()) {
                if hold {
                    self.leave_pending(number);
                } else {
                    self.activate(number, now)?;
                }
                return Ok(word(&key, "finished"));
            }
            if !is_open && !is_void {
                return Ok(word(&key, "delivered"));
            }
            // What is void stays as it is.
            again = is_open.then_some(number);
        }
        match again {
            Some(number) => self.reissue(number, wish, now, minted)?,
            None => drop(self.mint(place, wish, 1, now, minted)?),
        }
        let Some(token) = minted.first() else {
            return Ok(Answer::default());
        };
        let number = self.key_of_id(&token.id).expect("it was minted");
        self.change(number, |key| key.is_claimed = true);
        self.remembered.retain(|made| {
            let is_this = made.workspace == place && made.name == idempotency;
            !is_this && made.made_at > now - WEEK
        });
        self.remembered.push(Remembered {
            workspace: place,
            name: idempotency.to_owned(),
            asked,
            id: token.id.clone(),
            made_at: now,
        });
        Ok(word(&self.keys[&number], "due"))
    }
}
