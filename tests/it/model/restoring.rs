//! Restoring a backup, by the contract: it takes away nothing that was stricter. What was revoked, disabled, narrowed, shortened or
//! superseded since stays so; everything else is as the backup has it.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::operation::Answer;
use super::state::{Key, Model, State, Uses};

/// How a key ended, as the trail has it: when, why, and in what words.
pub type End = (i64, String, Option<String>);

impl Model {
    /// Puts a backup in the place of the store. The answer has the keys of which something stays as it is, and what.
    pub(super) fn restore(&mut self, backup: &Self, now: i64) -> Answer {
        let latest = self.at(now).latest.max(backup.clock.latest);
        let is_lost = |(number, key): &(&u64, &Key)| {
            backup.keys.get(number).is_none_or(|theirs| theirs.id != key.id)
        };
        let lost: Vec<u64> = self.keys.iter().filter(is_lost).map(|(number, _)| *number).collect();
        for number in lost {
            self.hand_on(number);
        }
        let present = self.clone();
        let mut kept = Vec::new();
        let mut ended = BTreeSet::clone(&present.ended);
        ended.extend(backup.ended.iter().cloned());
        let dead = present.keys.values().filter(|key| key.state == State::Revoked);
        ended.extend(dead.map(|key| key.secret.clone()));
        self.keys.clear();
        for (number, was) in &backup.keys {
            // One that was imported again since has another place, and its counts are not the backup's.
            let known = present.key_of_id(&was.id);
            let counted = known.filter(|known| known == number);
            let known = known.map(|known| &present.keys[&known]);
            let (mut key, mut what) = match known {
                Some(is) => present.merge(was, is),
                None => (was.clone(), Vec::new()),
            };
            let by_hash = present.keys.values().find(|is| {
                is.state == State::Revoked && is.secret == was.secret && is.id != was.id
            });
            let by_hash = by_hash.and_then(|is| is.revoked.clone());
            let by_trail = present.endings.get(&was.id).cloned();
            let by_secret =
                ended.contains(&was.secret).then(|| (latest, "unspecified".to_owned(), None));
            if let (Some(end), true) =
                (by_hash.or(by_trail).or(by_secret), key.state != State::Revoked)
            {
                key.state = State::Revoked;
                key.revoked = Some(end);
                what = vec!["revoked"];
            }
            count(&mut key, counted.and(known));
            if !what.is_empty() {
                kept.push(format!("{}: {}", key.id, what.join(" ")));
            }
            self.keys.insert(*number, key);
        }
        for (number, workspace) in &backup.workspaces {
            let mut workspace = workspace.clone();
            if let Some(known) = present.workspaces.get(number)
                && known.created_at == workspace.created_at
            {
                workspace.credits.extend(known.credits.clone());
            }
            self.workspaces.insert(*number, workspace);
        }
        self.workspaces.retain(|number, _| backup.workspaces.contains_key(number));
        let secrets: BTreeSet<String> = self.keys.values().map(|key| key.secret.clone()).collect();
        for key in present.keys.values() {
            if backup.key_of_id(&key.id).is_some() || secrets.contains(&key.secret) {
                continue;
            }
            let made_at = |model: &Self| {
                let place = model.workspaces.get(&key.workspace);
                place.map(|place| place.created_at)
            };
            let is_place_there = made_at(&present) == made_at(backup);
            match key.state == State::Revoked && is_place_there {
                // The record of what ended stays, without what was counted of it.
                true => {
                    let buried = Key {
                        uses: Default::default(),
                        last_used: None,
                        whole_at: None,
                        is_claimed: false,
                        ..key.clone()
                    };
                    self.add_key(buried);
                }
                false => self.lose(key.secret.clone(), key.form, key.environment.clone()),
            }
        }
        self.ended = Rc::new(ended);
        self.current = backup.current;
        self.remembered.clone_from(&backup.remembered);
        self.clock.latest = present.clock.latest.max(backup.clock.latest);
        for workspace in self.workspaces.keys().copied().collect::<Vec<_>>() {
            self.carry_rates(workspace, now);
        }
        self.settle_names(&present, backup, now);
        self.tell_of_restored(&present, backup);
        self.events += 1;
        Answer { lines: kept, ..Answer::default() }
    }

    /// A key of a backup with all that is stricter in the present record, and what that is.
    fn merge(&self, was: &Key, is: &Key) -> (Key, Vec<&'static str>) {
        let (mut key, mut what) = (was.clone(), Vec::new());
        if was.state == State::Revoked {
            return (key, what);
        }
        if is.state == State::Revoked {
            let (at, reason, message) = is.revoked.clone().expect("it is revoked");
            // Another secret that never reached its holder says nothing of this one.
            if is.secret == was.secret || reason != "undelivered" {
                key.state = State::Revoked;
                key.revoked = Some((at, reason, message));
                if is.replaced_by.is_some() {
                    key.replaced_by.clone_from(&is.replaced_by);
                }
                what.push("revoked");
            }
            return (key, what);
        }
        if is.state == State::Disabled && was.state != State::Disabled {
            key.state = State::Disabled;
            what.push("disabled");
        }
        let admits =
            |allow: &[String], network: &String| allow.is_empty() || allow.contains(network);
        let is_narrower = !is.allow.is_empty()
            && (was.allow.is_empty() || !was.allow.iter().all(|one| admits(&is.allow, one)));
        if is_narrower {
            key.allow.clone_from(&is.allow);
            what.push("allow");
        }
        if !was.scopes.iter().all(|scope| is.scopes.contains(scope)) {
            key.scopes.clone_from(&is.scopes);
            what.push("scopes");
        }
        let is_superseded = is.replaced_by.is_some() && is.replaced_by != was.replaced_by;
        let expires_at = earlier(was.expires_at, is.expires_at);
        if expires_at != was.expires_at && !is_superseded {
            what.push("expiry");
            key.is_life_set = true;
        }
        key.expires_at = expires_at;
        if is_superseded {
            key.replaced_by.clone_from(&is.replaced_by);
            what.push("superseded");
        }
        if let (Some(of), Some(now)) = (&mut key.rotation, &is.rotation) {
            of.previous = earlier(of.previous, now.previous);
        }
        // A rotation that was cancelled since stays so.
        if was.replaced_by.is_some() && is.replaced_by != was.replaced_by {
            key.name.clone_from(&is.name);
            key.replaced_by.clone_from(&is.replaced_by);
            key.expires_at = is.expires_at;
        }
        (key, what)
    }

    /// Where another key has the name that a cancelled rotation would give back, the old key stays superseded. What a key that
    /// was superseded since gets back is no later than it was in the backup.
    fn settle_names(&mut self, present: &Self, backup: &Self, now: i64) {
        for (number, was) in &backup.keys {
            let key = self.keys[number].clone();
            let Some(is) = present.key_of_id(&was.id).map(|is| &present.keys[&is]) else {
                continue;
            };
            let was_cancelled = key.state != State::Revoked
                && was.replaced_by.is_some()
                && is.replaced_by != was.replaced_by;
            if was_cancelled && key.replaced_by.is_none() {
                let holders = self.holders(key.workspace, &key.environment, &key.name, now);
                if self.holds_name(&key, now) && holders.iter().any(|holder| holder != number) {
                    self.change(*number, |key| {
                        key.name.clone_from(&was.name);
                        key.replaced_by.clone_from(&was.replaced_by);
                        key.expires_at = earlier(was.expires_at, is.expires_at);
                    });
                }
                continue;
            }
            // A revoked key gets nothing back.
            if key.state == State::Revoked || key.replaced_by == was.replaced_by {
                continue;
            }
            let Some(successor) = key.replaced_by.clone() else {
                continue;
            };
            let bound = match was_cancelled {
                true => None,
                false => was.expires_at,
            };
            match self.key_of_id(&successor) {
                Some(successor) => self.change(successor, |successor| {
                    if let Some(rotation) = &mut successor.rotation {
                        rotation.previous = earlier(rotation.previous, bound);
                    }
                }),
                None => {
                    // Of a successor that an earlier restoration lost already, the trail knows.
                    let known = match present.key_of_id(&successor) {
                        Some(gone) => present.keys[&gone].rotation.as_ref().map(|of| of.previous),
                        None => present.before.get(&key.id).map(|(_, previous)| *previous),
                    };
                    let previous = earlier(known.flatten(), bound);
                    self.before.insert(key.id.clone(), (successor, previous));
                }
            }
        }
    }
}

/// The earlier of two ends, of which none is never.
fn earlier(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    one.into_iter().chain(other).min()
}

impl Model {
    /// Tells the trail of each record that is not the one it has. A new store takes the backup's trail.
    fn tell_of_restored(&mut self, present: &Self, backup: &Self) {
        let present = if present.events == 0 { backup } else { present };
        let restored = backup.keys.values().map(|key| key.id.clone());
        self.told = Rc::new(present.told.iter().cloned().chain(restored).collect());
        for (number, was) in &backup.keys {
            let is = present.key_of_id(&was.id).map(|is| &present.keys[&is]);
            self.change(*number, |key| {
                let revision = was.revision + u64::from(!alike(was, key));
                // The first two are the same in the trail.
                let is_same = |is: &&Key| is.revision.max(1) == revision.max(1) && alike(is, key);
                let same = is.filter(is_same);
                key.reused = same.and_then(|is| is.reused);
                key.revision = same.map_or(present.events + 1, |is| is.revision);
            });
        }
    }
}

/// Whether two records are the same, uses aside.
fn alike(one: &Key, other: &Key) -> bool {
    let bare = |key: &Key| Key {
        uses: Default::default(),
        last_used: None,
        whole_at: None,
        is_claimed: false,
        is_life_set: false,
        reused: None,
        revision: 0,
        ..key.clone()
    };
    bare(one) == bare(other)
}

/// What was counted of a key since the backup stays counted.
fn count(key: &mut Key, known: Option<&Key>) {
    let Some(known) = known else {
        return;
    };
    for (day, uses) in &known.uses {
        let counted: &mut Uses = key.uses.entry(*day).or_default();
        if uses.has_row {
            (counted.valid, counted.credits) = (uses.valid, uses.credits);
            counted.has_row = true;
        }
        counted.refused.extend(uses.refused.clone());
    }
    if known.last_used.is_some() || known.whole_at.is_some() {
        key.last_used = known.last_used;
        key.whole_at.clone_from(&known.whole_at);
    }
}
