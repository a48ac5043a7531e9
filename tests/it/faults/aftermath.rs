//! What a user does after a command that was cut short, and that it ends as it should have.

use std::fs;

use serde_json::Value;

use super::judge::{Case, Finding};
use super::scene::CAP;
use super::state::{Baseline, State, is_living, told, verdict};
use crate::support::text;

impl Case<'_> {
    /// Runs the command again, which must end where it would have ended.
    pub(super) fn run_again(&self, now: &State, repeated: i32) -> Finding {
        let Baseline { before, known, end, .. } = self.baseline;
        let is_begun = self.known_are(now, before, "before").is_ok()
            && now.new_shapes(known) == before.new_shapes(known)
            && now.look == before.look;
        let again = self.scene.run(self.sandbox).run();
        let expected = match is_begun {
            true => self.baseline.status,
            false => repeated,
        };
        must!(again.status == expected, "the same command again: {}", told(&again));
        let now = State::of(self.scene, self.sandbox)?;
        self.known_are(&now, end, "an undisturbed run")?;
        self.is_done(&now, &again)
    }

    /// Activates a key whose secret is with its holder, takes another one away, and runs the command again if nothing came
    /// of it. At the end another key can be minted, unless there are as many as there may be.
    pub(super) fn recover(&self, now: &State, delivered: &[(String, String)]) -> Finding {
        let before = &self.baseline.before;
        let left = now.new_keys(before).find(|key| is_living(key)).cloned();
        match left {
            Some(key) if key["status"] == "pending" => {
                let id = text(&key, "id");
                match delivered.iter().find(|(held, _)| *held == id) {
                    Some((_, secret)) => self.present(secret)?,
                    None => {
                        self.take_away(&key)?;
                        self.start_over()?;
                    }
                }
            }
            Some(_) => {}
            None => self.start_over()?,
        }
        let next = self.sandbox.keyward(["mint", "afterwards"]).run();
        let now = State::of(self.scene, self.sandbox)?;
        let is_full = next.status != 0 && now.counted().0 == CAP;
        let expected = if is_full { 5 } else { 0 };
        must!(next.status == expected, "the next mint: {}", told(&next));
        Ok(())
    }

    fn present(&self, secret: &str) -> Finding {
        let activate = self.sandbox.keyward(["activate"]).stdin(secret).run();
        must!(activate.status == 0, "activate: {}", told(&activate));
        let verdict = verdict(self.sandbox, secret);
        must!(verdict["code"] == "valid", "after activate: {verdict:#}");
        Ok(())
    }

    fn take_away(&self, key: &Value) -> Finding {
        let run = match key["replaces"].as_str() {
            Some(old) => self.sandbox.keyward(["rotate", old, "--cancel"]),
            None => self.sandbox.keyward(["revoke", &text(key, "id"), "--yes"]),
        };
        let output = run.run();
        must!(output.status == 0, "the way back: {}", told(&output));
        Ok(())
    }

    /// Runs the command again in a store that is as before; a file that could not be taken back is removed first.
    fn start_over(&self) -> Finding {
        let before = &self.baseline.before;
        for sink in self.scene.sinks {
            let Some(file) = sink.file() else { continue };
            let path = self.sandbox.home().join(file);
            if !self.baseline.files.contains_key(file) && path.exists() {
                fs::remove_file(path).map_err(|error| error.to_string())?;
            }
        }
        let again = self.scene.run(self.sandbox).run();
        must!(again.status == self.baseline.status, "the same command again: {}", told(&again));
        let now = State::of(self.scene, self.sandbox)?;
        // Beside it stands what was taken away.
        let mut living = now;
        living.keys.retain(|id, key| before.has(id) || is_living(key));
        self.is_done(&living, &again)
    }
}
