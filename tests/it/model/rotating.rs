//! Rotating a key, and taking that back.

use super::operation::{Answer, Named, Token};
use super::rules::{MINUTE, Terms, answer, change, expiry, fault, new_key};
use super::state::{Faults, Model, Rotation};

impl Model {
    pub(super) fn rotate(
        &mut self,
        named: &Named,
        terms: &Terms<'_>,
        now: i64,
        minted: &[Token],
    ) -> Result<Answer, Faults> {
        let meant = self.select_all(named, now)?;
        let meant: Vec<_> = meant
            .iter()
            .map(|number| self.keys[number].clone())
            .collect();
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
        // A grace that has ended already is none; that of a held replacement has not begun.
        if grace > 0 && !terms.hold && now + grace <= at.latest {
            faults.insert("invalid_expiry");
        }
        // The swap of --now fits the cap even when it is reached.
        if grace > 0 || terms.hold {
            faults.extend(self.cap_fault(old.workspace, &owner, 1, now));
        }
        if !rules.environments.contains(&old.environment.as_str()) {
            faults.insert("invalid_environment");
        }
        let token = minted.first().cloned().unwrap_or_else(|| Token {
            id: String::new(),
            secret: String::new(),
        });
        let mut key = new_key(old.workspace, &owner, &token, now);
        key.name.clone_from(&old.name);
        key.environment.clone_from(&old.environment);
        key.scopes.clone_from(&old.scopes);
        key.allow.clone_from(&old.allow);
        key.owner.clone_from(&old.owner);
        key.labels.clone_from(&old.labels);
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
        key.rotation = Some(Rotation {
            replaces: old.id.clone(),
            grace,
            previous: None,
        });
        let is_at_once = grace == 0 && !terms.hold;
        let mut ending = self.left_of([&old].into_iter(), now);
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
        // Without its successor the old key has nothing to make way for.
        let is_abandoned = |old: u64, new: u64| {
            let (old, new) = (&self.keys[&old], &self.keys[&new]);
            let is_followed = old.replaced_by.as_ref() == Some(&new.id);
            old.is_living(at) && is_followed && !new.is_living(at) && new.replaced_by.is_none()
        };
        let is_the_new = |new: &u64| is_open(new) || is_abandoned(number, *new);
        let replacement = self.replacements(&key.id).into_iter().find(is_the_new);
        let replaces = key.rotation.as_ref();
        let replaced = replaces.and_then(|rotation| self.key_of_id(&rotation.replaces));
        let (old, new) = match (replacement, replaced) {
            (Some(new), _) => (number, new),
            (None, Some(old)) if is_open(&number) || is_abandoned(old, number) => (old, number),
            _ => return Err(fault("conflict")),
        };
        let rotation = self.keys[&new].rotation.clone();
        let was_pending = self.keys[&new].status(at) == "pending";
        if !was_pending && !self.keys[&old].is_living(at) {
            return Err(fault("conflict"));
        }
        if self.keys[&new].is_living(at) {
            let message = Some("rotation cancelled".to_owned());
            self.change(new, |key| key.revoke("retired", message, now));
            self.tell(new);
        }
        self.tell(old);
        let mut faults = Faults::new();
        let before = self.keys[&old].clone();
        if before.replaced_by.is_some() {
            let holders = self.holders(before.workspace, &before.environment, &before.name, now);
            if !holders.is_empty() {
                faults.insert("name_taken");
            }
            self.change(old, |key| {
                key.replaced_by = None;
                key.expires_at = rotation.and_then(|rotation| rotation.previous);
            });
        }
        let both = Answer {
            keys: vec![before.id, self.keys[&new].id.clone()],
            ..Answer::default()
        };
        answer(faults, both)
    }
}
