//! Rotating a key, and taking that back.

use std::rc::Rc;

use super::clock::Moment;
use super::operation::{Answer, Named, Token};
use super::rules::{MINUTE, Terms, answer, change, expiry, fault, new_key};
use super::state::{Faults, Model, Rotation};

/// What is said of a new key whose rotation was cancelled.
const CANCELLED: &str = "rotation cancelled";

impl Model {
    pub(super) fn rotate(
        &mut self,
        named: &Named,
        terms: &Terms<'_>,
        now: i64,
        minted: &[Token],
    ) -> Result<Answer, Faults> {
        let meant = self.select_all(named, now)?;
        let meant: Vec<_> = meant.iter().map(|number| self.keys[number].clone()).collect();
        let old = meant[0].clone();
        let left = self.left_of(meant.iter(), now);
        let owner = self.owner(&old).clone();
        let rules = owner.rules();
        let (mut faults, at) = (Faults::new(), self.at(now));
        let is_busy = self.has_pending_replacement(&old.id, now);
        if old.status(at) != "active" || old.replaced_by.is_some() || is_busy {
            faults.insert("conflict");
        }
        let grace = match terms.now {
            true => 0,
            false => terms.grace.map_or(rules.grace, |minutes| minutes * MINUTE),
        };
        faults.extend(self.wait_fault(now));
        // A grace that has ended already is none; that of a held replacement has not begun.
        if grace > 0 && !terms.hold && now + grace <= at.latest {
            faults.insert("invalid_expiry");
        }
        // The swap of --now fits the cap even when it is reached.
        if grace > 0 || terms.hold {
            faults.extend(self.cap_fault(old.workspace, &owner, 1, now));
        }
        let token = minted
            .first()
            .cloned()
            .unwrap_or_else(|| Token { id: String::new(), secret: String::new() });
        let mut key = new_key(old.workspace, &owner, &token, now);
        key.name.clone_from(&old.name);
        key.environment.clone_from(&old.environment);
        key.scopes.clone_from(&old.scopes);
        key.allow.clone_from(&old.allow);
        key.owner.clone_from(&old.owner);
        key.labels.clone_from(&old.labels);
        key.plan.clone_from(&old.plan);
        faults.extend(change(rules, &mut key, terms.changes));
        let latest = rules.maximum_lifetime.map(|lifetime| now + lifetime);
        let expires_at = match (terms.expires, old.expires_at) {
            (None, None) if latest.is_none() => Ok(None),
            (None, Some(expires_at)) => {
                let same = now + (expires_at - old.created_at);
                Ok(Some(latest.map_or(same, |latest| same.min(latest))))
            }
            (wish, _) => expiry(rules, wish, at),
        };
        match expires_at {
            Ok(Some(expires_at)) if expires_at <= at.latest => {
                faults.insert("invalid_expiry");
            }
            Ok(expires_at) => key.expires_at = expires_at,
            Err(wrong) => faults.extend(wrong),
        }
        key.rotation = Some(Rotation { replaces: old.id.clone(), grace, previous: None });
        let is_at_once = grace == 0 && !terms.hold;
        let namesakes = self.namesakes(&old, now);
        let mut ending: Vec<String> =
            namesakes.iter().map(|one| self.keys[one].id.clone()).collect();
        ending.sort();
        ending.retain(|_| is_at_once);
        let both = Answer {
            keys: vec![key.id.clone(), old.id],
            also: ending,
            left: if is_at_once { Vec::new() } else { left },
            ..Answer::default()
        };
        self.put(key, None);
        answer(faults, both)
    }

    pub(super) fn cancel(&mut self, named: &Named, now: i64) -> Result<Answer, Faults> {
        let (number, at) = (self.select(named, now)?, self.at(now));
        let key = &self.keys[&number];
        let is_open = |number: &u64| {
            let key = &self.keys[number];
            key.is_living(at) && key.replaced_by.is_none()
        };
        let replacement = self.replacements(&key.id).into_iter().find(is_open);
        let replaced = self.predecessor(key);
        let is_mine = |old: &u64| self.keys[old].replaced_by.as_ref() == Some(&key.id);
        let (old, new) = match (replacement, replaced) {
            (Some(new), _) => (number, Some(new)),
            (None, Some(old)) if is_open(&number) => (old, Some(number)),
            _ if self.is_left_alone(number, at) => {
                let successor = key.replaced_by.as_ref();
                (number, successor.and_then(|id| self.key_of_id(id)))
            }
            (None, Some(old)) if is_mine(&old) && self.is_left_alone(old, at) => {
                (old, Some(number))
            }
            _ => return Err(fault("conflict")),
        };
        let new_status = new.map(|new| self.keys[&new].standing(at));
        if new_status != Some("pending") && !self.keys[&old].is_living(at) {
            return Err(fault("conflict"));
        }
        let rotation = new.and_then(|new| self.keys[&new].rotation.clone());
        if let Some(new) = new.filter(|new| self.keys[new].is_living(at)) {
            let message = Some(CANCELLED.to_owned());
            self.end(new, "retired", message, now);
            self.tell(new);
        }
        let gone = self.keys[&old].replaced_by.clone();
        if let (None, Some(gone)) = (new, gone)
            && !self.endings.contains_key(&gone)
        {
            // No backup brings it back alive.
            let message = Some(CANCELLED.to_owned());
            let end = (now, "retired".to_owned(), message);
            Rc::make_mut(&mut self.endings).insert(gone, end);
            self.events += 1;
        }
        self.tell(old);
        let mut faults = Faults::new();
        let before = self.keys[&old].clone();
        let known = self.before.remove(&before.id);
        if let Some(successor) = &before.replaced_by {
            let holders = self.holders(before.workspace, &before.environment, &before.name, now);
            if !holders.is_empty() {
                faults.insert("name_taken");
            }
            // Where its successor is gone, the trail has what it had before, or nobody.
            let known = known.filter(|(id, _)| id == successor);
            let expires_at = match (new, known) {
                (Some(_), _) => rotation.and_then(|rotation| rotation.previous),
                (None, Some((_, expires_at))) => expires_at,
                (None, None) => before.expires_at,
            };
            self.change(old, |key| {
                key.replaced_by = None;
                key.expires_at = expires_at;
            });
        }
        let new = new.map(|new| self.keys[&new].id.clone());
        let both =
            Answer { keys: [before.id].into_iter().chain(new).collect(), ..Answer::default() };
        answer(faults, both)
    }

    /// Whether all that followed a superseded key has ended or is gone, so that it is the last of them that lives.
    fn is_left_alone(&self, old: u64, at: Moment) -> bool {
        let mut last = &self.keys[&old];
        if !last.is_living(at) || last.replaced_by.is_none() {
            return false;
        }
        while let Some(successor) = &last.replaced_by {
            match self.key_of_id(successor) {
                None => return true,
                Some(next) if self.keys[&next].is_living(at) => return false,
                Some(next) => last = &self.keys[&next],
            }
        }
        true
    }
}
