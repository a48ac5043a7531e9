//! What becomes of pending keys: live, void, or held until their secrets are presented.

use super::operation::{Answer, Delivered};
use super::rules::{answer, fault, of_key};
use super::state::{Faults, Model, State};

impl Model {
    pub(super) fn complete(&mut self, delivered: &[Delivered], now: i64) -> Result<Answer, Faults> {
        let (mut faults, mut done) = (Faults::new(), Answer::default());
        for Delivered { number, secret, .. } in delivered {
            let key = &self.keys[number];
            let is_it =
                key.secret == *secret && matches!(key.standing(self.at(now)), "pending" | "active");
            done.keys.push(key.id.clone());
            match is_it {
                true => match self.activate(*number, now) {
                    Ok(changed) => done.changed.push(changed),
                    Err(wrong) => faults.extend(wrong),
                },
                false => {
                    faults.insert("delivery_failed");
                }
            }
        }
        answer(faults, done)
    }

    /// Makes a pending key live, and ends or shortens the life of the one it replaces. Says whether it was not live.
    pub(super) fn activate(&mut self, number: u64, now: i64) -> Result<bool, Faults> {
        let (mut key, at) = (self.keys[&number].clone(), self.at(now));
        if key.state == State::Active {
            return Ok(false);
        }
        if let Some(mut rotation) = key.rotation.clone() {
            let old = self.predecessor(&key).ok_or_else(|| fault("conflict"))?;
            let mut replaced = self.keys[&old].clone();
            if replaced.standing(at) == "disabled" {
                return Err(fault("conflict"));
            }
            let is_living = replaced.is_living(at);
            if is_living && rotation.grace > 0 && now + rotation.grace <= at.latest {
                return Err(fault("invalid_expiry"));
            }
            // A restored key may take over once more; what the old one had before the first time is what it gets back.
            let was_over = replaced.replaced_by.is_some();
            replaced.replaced_by = Some(key.id.clone());
            let is_over = is_living && rotation.grace == 0;
            if is_living && !is_over {
                let ends = now + rotation.grace;
                if !was_over {
                    rotation.previous = replaced.expires_at;
                }
                let before = (key.id.clone(), rotation.previous);
                self.before.insert(replaced.id.clone(), before);
                replaced.expires_at = Some(replaced.expires_at.map_or(ends, |at| at.min(ends)));
            }
            self.keys.insert(old, replaced);
            if is_over {
                self.end(old, "superseded", None, now);
            }
            self.tell(old);
            if rotation.grace == 0 {
                // Nothing of the lineage outlives a rotation without a grace.
                let mut ended = self.namesakes(&key, now);
                ended.retain(|number| *number != old);
                for number in ended {
                    self.end(number, "superseded", None, now);
                    self.tell(number);
                }
            }
            key.rotation = Some(rotation);
        }
        key.state = State::Active;
        key.is_claimed = false;
        self.keys.insert(number, key);
        self.tell(number);
        Ok(true)
    }

    pub(super) fn void(&mut self, delivered: &[Delivered], now: i64) -> Answer {
        let (mut are_void, at) = (true, self.at(now));
        for Delivered { number, secret, .. } in delivered {
            let key = &self.keys[number];
            if key.secret != *secret {
                continue;
            }
            if key.state == State::Pending {
                self.tell(*number);
                self.end(*number, "undelivered", None, now);
                self.change(*number, |key| key.is_claimed = false);
            }
            are_void &= !self.keys[number].is_living(at);
        }
        Answer { changed: vec![are_void], ..Answer::default() }
    }

    pub(super) fn hold(&mut self, delivered: &[Delivered]) -> Answer {
        let is_claimed = |delivered: &Delivered| self.keys[&delivered.number].is_claimed;
        if delivered.iter().any(is_claimed) {
            for Delivered { number, .. } in delivered {
                self.leave_pending(*number);
            }
        }
        Answer::default()
    }

    /// Tells the trail that a key stays pending, which does not write its record.
    pub(super) fn leave_pending(&mut self, number: u64) {
        self.events += 1;
        self.change(number, |key| (key.reused, key.is_claimed) = (None, false));
    }

    pub(super) fn present(
        &mut self,
        workspace: Option<&str>,
        secret: &str,
        now: i64,
    ) -> Result<Answer, Faults> {
        let within = self.confinement(workspace)?;
        let number = self.find(secret, within).map_err(fault)?;
        match self.keys[&number].standing(self.at(now)) {
            "disabled" => Err(fault("conflict")),
            dead @ ("expired" | "revoked") => Err(fault(dead)),
            _ => {
                let changed = self.activate(number, now)?;
                Ok(of_key(&self.keys[&number], changed))
            }
        }
    }
}
