//! Changing a key, and ending it.

use super::operation::{Answer, Changes, Expiry, Named};
use super::rules::{answer, change, expiry, fault, of_key, refuse_used};
use super::state::{Faults, Model, State};

impl Model {
    pub(super) fn rename(&mut self, named: &Named, name: &str, now: i64) -> Result<Answer, Faults> {
        let number = self.select_living(named, now)?;
        let key = self.keys[&number].clone();
        if key.name == name {
            return Ok(of_key(&key, false));
        }
        let mut faults = Faults::new();
        let holders = self.holders(key.workspace, &key.environment, name, now);
        if key.replaced_by.is_none() && !holders.is_empty() {
            faults.insert("name_taken");
        }
        if key.rotation.is_some() && key.state == State::Pending {
            faults.insert("conflict");
        }
        let at = self.at(now);
        let mut renamed = self.replacements(&key.id);
        renamed.retain(|waiting| self.keys[waiting].status(at) == "pending");
        renamed.push(number);
        for number in renamed {
            self.change(number, |key| name.clone_into(&mut key.name));
            self.tell(number);
        }
        answer(faults, of_key(&key, true))
    }

    pub(super) fn set(
        &mut self,
        named: &Named,
        expires: Option<Expiry>,
        changes: &Changes,
        now: i64,
    ) -> Result<Answer, Faults> {
        let number = self.select_living(named, now)?;
        let before = self.keys[&number].clone();
        let rules = self.owner(&before).rules();
        let mut key = before.clone();
        let mut faults = change(rules, &mut key, changes);
        if expires.is_some() {
            key.expires_at = expiry(rules, expires, self.at(now)).unwrap_or_else(|wrong| {
                faults.extend(wrong);
                before.expires_at
            });
        }
        if key.expires_at != before.expires_at
            && let Some(successor) = &key.replaced_by
        {
            // A superseded key's life is only ever shortened, and a rotation that is taken back later does not undo that.
            if key
                .expires_at
                .is_none_or(|at| before.expires_at.is_some_and(|was| at > was))
            {
                faults.insert("invalid_expiry");
            }
            if let Some(successor) = self.key_of_id(successor) {
                self.change(successor, |successor| {
                    if let Some(rotation) = &mut successor.rotation {
                        rotation.previous = key.expires_at;
                    }
                });
                self.tell(successor);
            }
        }
        let changed = key != before;
        let done = of_key(&key, changed);
        self.keys.insert(number, key);
        if changed {
            self.tell(number);
        }
        answer(faults, done)
    }

    pub(super) fn pause(
        &mut self,
        named: &Named,
        wanted: State,
        idle: Option<i64>,
        now: i64,
    ) -> Result<Answer, Faults> {
        let number = self.select(named, now)?;
        let key = self.keys[&number].clone();
        if !matches!(key.status(self.at(now)), "active" | "disabled") {
            return Err(fault("conflict"));
        }
        let changed = key.state != wanted;
        if changed {
            refuse_used(&key, idle, now)?;
            self.change(number, |key| key.state = wanted);
            self.tell(number);
        }
        Ok(of_key(&key, changed))
    }

    pub(super) fn revoke(
        &mut self,
        workspace: Option<&String>,
        keys: &[Named],
        (reason, message): (&str, Option<&String>),
        idle: Option<i64>,
        now: i64,
    ) -> Result<Answer, Faults> {
        let (mut faults, mut done) = (Faults::new(), Answer::default());
        let mut found: Vec<u64> = Vec::new();
        for named in keys {
            let named = Named {
                workspace: workspace.cloned(),
                ..named.clone()
            };
            match self.select(&named, now) {
                Err(wrong) => faults.extend(wrong),
                Ok(number) => {
                    let key = &self.keys[&number];
                    let is_id = named.text.starts_with("key_") && key.id.starts_with(&named.text);
                    if self.owner(key).rules().revoke_by_id && !is_id {
                        faults.insert("key_not_found");
                    }
                    if !found.contains(&number) {
                        found.push(number);
                    }
                }
            }
        }
        for number in found {
            let key = self.keys[&number].clone();
            let changed = key.status(self.at(now)) != "revoked";
            done.keys.push(key.id.clone());
            done.changed.push(changed);
            if changed {
                faults.extend(refuse_used(&key, idle, now).err().unwrap_or_default());
                self.change(number, |key| key.revoke(reason, message.cloned(), now));
                self.tell(number);
            }
        }
        answer(faults, done)
    }
}
