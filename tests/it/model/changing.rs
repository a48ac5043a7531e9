//! Changing a key, and ending it.

use super::operation::{Answer, Changes, Expiry, Named};
use super::rules::{answer, change, expiry, fault, of_key, refuse_used};
use super::state::{Faults, Key, Model, State};

impl Model {
    pub(super) fn rename(&mut self, named: &Named, name: &str, now: i64) -> Result<Answer, Faults> {
        let meant = self.select_living(named, now)?;
        let before = self.records(&meant);
        let key = &before[0];
        if key.name == name {
            return Ok(self.changed(&before, &[], now));
        }
        let mut faults = Faults::new();
        let holders = self.holders(key.workspace, &key.environment, name, now);
        if before.iter().any(|key| key.replaced_by.is_none()) && !holders.is_empty() {
            faults.insert("name_taken");
        }
        let waits = key.rotation.is_some() && key.state == State::Pending;
        if waits && !self.holds_name(key, now) {
            faults.insert("conflict");
        }
        let at = self.at(now);
        let mut renamed = self.replacements(&key.id);
        renamed.retain(|waiting| self.keys[waiting].standing(at) == "pending");
        renamed.extend(meant);
        renamed.sort_unstable();
        renamed.dedup();
        for number in &renamed {
            self.change(*number, |key| name.clone_into(&mut key.name));
            self.tell(*number);
        }
        answer(faults, self.changed(&before, &renamed, now))
    }

    pub(super) fn set(
        &mut self,
        named: &Named,
        expires: Option<Expiry>,
        changes: &Changes,
        now: i64,
    ) -> Result<Answer, Faults> {
        let meant = self.select_living(named, now)?;
        let before = self.records(&meant);
        let rules = self.owner(&before[0]).rules();
        let (mut faults, mut changed) = (Faults::new(), Vec::new());
        for number in &meant {
            let was = self.keys[number].clone();
            let mut key = was.clone();
            faults.extend(change(rules, &mut key, changes));
            if expires.is_some() {
                key.expires_at = expiry(rules, expires, self.at(now)).unwrap_or_else(|wrong| {
                    faults.extend(wrong);
                    was.expires_at
                });
            }
            // A superseded key's life is only ever shortened; of a lineage's that is not a fault but the newest's.
            let is_longer =
                key.expires_at.is_none_or(|at| was.expires_at.is_some_and(|was| at > was));
            if was.replaced_by.is_some() && key.expires_at != was.expires_at && is_longer {
                if *number == meant[0] {
                    faults.insert("invalid_expiry");
                }
                key.expires_at = was.expires_at;
            }
            if let (Some(before), true) =
                (self.before.get_mut(&key.id), key.expires_at != was.expires_at)
            {
                before.1 = key.expires_at;
            }
            // Nor does a rotation that is taken back later undo that it was shortened.
            if key.expires_at != was.expires_at
                && let Some(successor) = &key.replaced_by
                && let Some(successor) = self.key_of_id(successor)
                && self.keys[&successor].may_replace(&key)
            {
                self.change(successor, |successor| {
                    if let Some(rotation) = &mut successor.rotation {
                        rotation.previous = key.expires_at;
                    }
                });
                self.tell(successor);
            }
            key.is_life_set |= key.expires_at != was.expires_at;
            if key != was {
                changed.push(*number);
                let is_plan_new = key.plan != was.plan;
                self.keys.insert(*number, key);
                if is_plan_new {
                    self.carry_rate(*number, now);
                }
                self.tell(*number);
            }
        }
        answer(faults, self.changed(&before, &changed, now))
    }

    pub(super) fn pause(
        &mut self,
        named: &Named,
        wanted: State,
        idle: Option<i64>,
        now: i64,
    ) -> Result<Answer, Faults> {
        let meant = self.select_all(named, now)?;
        let (before, at) = (self.records(&meant), self.at(now));
        let can_be = |key: &Key| matches!(key.standing(at), "active" | "disabled");
        // A pending key cannot be paused; it is held back by the pause of the key it waits for.
        let is_held_back = |key: &Key| {
            let rotation = key.rotation.as_ref();
            rotation.is_some_and(|rotation| {
                let mut found = before.iter();
                found.any(|key| key.id == rotation.replaces && can_be(key))
            })
        };
        let gets_by = |key: &Key| key.standing(at) == "pending" && !is_held_back(key);
        let is_evaded = wanted == State::Disabled && before.iter().any(gets_by);
        if is_evaded || !before.iter().any(can_be) {
            return Err(fault("conflict"));
        }
        let mut changed = Vec::new();
        for (number, key) in meant.iter().zip(&before) {
            if can_be(key) && key.state != wanted {
                refuse_used(key, idle, now)?;
                self.change(*number, |key| key.state = wanted);
                self.tell(*number);
                changed.push(*number);
            }
        }
        Ok(self.changed(&before, &changed, now))
    }

    fn records(&self, numbers: &[u64]) -> Vec<Key> {
        let records = numbers.iter().map(|number| self.keys[number].clone());
        records.collect()
    }

    /// The answer of a command that meant these keys, the first of them itself, and changed those of these numbers.
    fn changed(&self, meant: &[Key], changed: &[u64], now: i64) -> Answer {
        let mut also: Vec<String> = changed
            .iter()
            .map(|number| self.keys[number].id.clone())
            .filter(|id| *id != meant[0].id)
            .collect();
        also.sort();
        let own = self.key_of_id(&meant[0].id);
        Answer {
            also,
            left: self.left_of(meant.iter(), now),
            ..of_key(&meant[0], own.is_some_and(|own| changed.contains(&own)))
        }
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
            let named = Named { workspace: workspace.cloned(), ..named.clone() };
            match self.select_all(&named, now) {
                Err(wrong) => faults.extend(wrong),
                Ok(meant) => {
                    let key = &self.keys[&meant[0]];
                    let is_id = named.text.starts_with("key_") && key.id.starts_with(&named.text);
                    if self.owner(key).rules().revoke_by_id && !is_id {
                        faults.insert("key_not_found");
                    }
                    for number in meant {
                        if !found.contains(&number) {
                            found.push(number);
                        }
                    }
                }
            }
        }
        for number in &found {
            let key = self.keys[number].clone();
            let changed = key.status(self.at(now)) != "revoked";
            done.keys.push(key.id.clone());
            done.changed.push(changed);
            if changed {
                faults.extend(refuse_used(&key, idle, now).err().unwrap_or_default());
                self.end(*number, reason, message.cloned(), now);
                self.tell(*number);
            }
        }
        done.left = self.left_of(self.records(&found).iter(), now);
        answer(faults, done)
    }
}
