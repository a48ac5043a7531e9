//! What must hold after a fault, whatever it was.

use std::fs;

use super::injection::TRACE;
use super::scene::{Again, Scene};
use super::sink::files;
use super::state::{Baseline, State, is_void, told, verdict};
use crate::support::{Output, Sandbox, text};

/// The store, and what keyward and SQLite keep beside it, begin with this.
const STORE: &str = ".local/share/keyward/keyward.db";

/// What a message says where everything was done but the answer.
const UNANSWERED: &str = "only the answer could not be written";

/// Whether a line of stderr says why a command failed, to people or to programs.
fn is_error(line: &str) -> bool {
    ["error: ", "{\"error\":"].iter().any(|word| line.starts_with(word))
}

/// What is found wrong, in words.
pub type Finding = Result<(), String>;

/// A scene with its baseline, and one run of it that was disturbed.
pub struct Case<'a> {
    pub scene: &'a Scene,
    pub baseline: &'a Baseline,
    pub sandbox: &'a Sandbox,
    pub output: &'a Output,
}

/// How a run ended, as its caller must understand it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// As undisturbed: its work is done.
    Done,
    /// Its work is done, and a message says so, because the answer could not be written.
    Unanswered,
    /// Neither an answer nor a message could be written: its work is done, or everything is as it was.
    Unheard,
    /// It is not, and everything is as it was.
    Failed,
    /// Nobody said.
    Unknown,
}

impl Case<'_> {
    /// Looks whether everything holds that must, and then goes on as a user would.
    ///
    /// # Errors
    /// What does not hold.
    pub fn judge(&self) -> Finding {
        let ending = self.ending()?;
        if ending != Ending::Unknown {
            self.no_draft_is_left()?;
        }
        for sink in self.scene.sinks {
            sink.lost(self.sandbox).map_or(Ok(()), Err)?;
        }
        let now = State::of(self.scene, self.sandbox)?;
        self.store_is_whole()?;
        let delivered = self.delivered();
        self.nobody_lacks_a_secret(&now, &delivered)?;
        self.verdicts_agree(&now)?;
        match ending {
            Ending::Done => self.is_done(&now, self.output)?,
            Ending::Unanswered => {
                self.stands_without_an_answer(&now)?;
                self.what_stands_is_said(&now)?;
            }
            Ending::Unheard if self.is_undone(&now).is_err() => {
                self.stands_without_an_answer(&now)?;
            }
            Ending::Unheard | Ending::Failed => {
                self.nothing_is_half_said()?;
                self.is_undone(&now)?;
            }
            Ending::Unknown => self.is_one_or_the_other(&now)?,
        }
        match self.scene.again {
            Again::Same(repeated) => self.run_again(&now, repeated)?,
            Again::Recovery => self.recover(&now, &delivered)?,
        }
        self.store_is_whole()
    }

    fn ending(&self) -> Result<Ending, String> {
        let output = self.output;
        must!(!output.stderr.contains("panicked"), "it panicked: {}", told(output));
        match output.status {
            status if status == self.baseline.status => Ok(Ending::Done),
            17 | 137 => Ok(Ending::Unknown),
            7 if output.stderr.contains(UNANSWERED) => Ok(Ending::Unanswered),
            7 if !output.stderr.lines().any(is_error) => Ok(Ending::Unheard),
            7 => Ok(Ending::Failed),
            // Not the store's or a file's fault: without random numbers there is nothing to be minted.
            1 if output.stderr.contains("random generator failed") => Ok(Ending::Failed),
            // The loader's fault: keyward was not started.
            127 if output.stderr.contains("while loading shared libraries") => Ok(Ending::Failed),
            16 if !self.scene.sinks.is_empty() => Ok(Ending::Failed),
            _ => Err(format!("not an exit status for this: {}", told(output))),
        }
    }

    /// Of the files that were not there before, only those that the command is to make have anything in them.
    fn no_draft_is_left(&self) -> Finding {
        let home = self.sandbox.home();
        for file in files(home) {
            let is_known = file == TRACE
                || file.starts_with(STORE)
                || self.baseline.files.contains_key(&file)
                || self.is_sink(&file);
            let length = fs::metadata(home.join(&file)).map_or(0, |found| found.len());
            must!(
                is_known || length == 0,
                "{file} is left with {length} bytes in it: {}",
                told(self.output)
            );
        }
        Ok(())
    }

    /// After a failure stdout is empty.
    fn nothing_is_answered(&self) -> Finding {
        let output = self.output;
        let is_silent = output.stdout.is_empty() || self.scene.speaks();
        must!(is_silent, "it failed and answered: {}", told(output));
        Ok(())
    }

    /// After a failure stdout is empty, and the sinks are as they were, or it is said that they are not.
    fn nothing_is_half_said(&self) -> Finding {
        self.nothing_is_answered()?;
        let output = self.output;
        let is_said =
            ["still holds", "was delivered"].iter().any(|words| output.stderr.contains(words));
        let kept = self.scene.sinks.iter();
        for sink in kept.filter(|sink| sink.is_kept_by_keyward()) {
            let file = sink.file().unwrap_or_default();
            let is_as_it_was = fs::read(self.sandbox.home().join(file)).ok().as_ref()
                == self.baseline.files.get(file);
            must!(
                is_as_it_was || is_said || self.scene.is_stepwise,
                "{file} is not as it was, and nothing is said of it: {}",
                told(output)
            );
        }
        Ok(())
    }

    /// Whether the command is to make it.
    fn is_sink(&self, file: &str) -> bool {
        self.scene.makes.contains(&file)
            || self.scene.sinks.iter().any(|sink| sink.file() == Some(file))
    }

    fn store_is_whole(&self) -> Finding {
        if !self.sandbox.store_path().exists() {
            return Ok(());
        }
        let connection = self.sandbox.sqlite();
        let ask = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, String>(0));
        let integrity = ask("PRAGMA integrity_check").map_err(|error| error.to_string())?;
        let orphans = ask("SELECT count(*) || '' FROM pragma_foreign_key_check");
        let orphans = orphans.map_err(|error| error.to_string())?;
        connection.close().map_err(|(_, error)| error.to_string())?;
        must!(integrity == "ok", "the store is damaged: {integrity}");
        must!(orphans == "0", "{orphans} rows are of no key or workspace");
        let audit = self.sandbox.keyward(["audit", "verify"]).run();
        must!(audit.status == 0, "the trail is damaged: {}", told(&audit));
        Ok(())
    }

    /// The secrets that are wholly in their sinks, each with the id of its key.
    fn delivered(&self) -> Vec<(String, String)> {
        let sinks = self.scene.sinks.iter();
        let secrets = sinks.filter_map(|sink| sink.secret(self.sandbox, &self.output.stdout));
        let with_id = |secret: String| {
            let verdict = verdict(self.sandbox, &secret);
            Some((verdict["subject"]["id"].as_str()?.to_owned(), secret))
        };
        secrets.filter_map(with_id).collect()
    }

    /// No key is active that was not, unless its secret is with its holder and verifies.
    fn nobody_lacks_a_secret(&self, now: &State, delivered: &[(String, String)]) -> Finding {
        for (id, key) in &now.keys {
            if key["status"] != "active" || self.baseline.before.status_of(id) == "active" {
                continue;
            }
            let held = delivered.iter().chain(&self.baseline.secrets);
            let secret = held.filter(|(held, _)| held == id).map(|(_, secret)| secret);
            let is_valid = |secret: &String| verdict(self.sandbox, secret)["code"] == "valid";
            must!(
                secret.into_iter().any(is_valid),
                "nobody has the secret of an active key: {key:#}\n{}",
                told(self.output)
            );
        }
        Ok(())
    }

    /// Verify says of every secret that was there before what the list says of its key.
    fn verdicts_agree(&self, now: &State) -> Finding {
        for (id, secret) in &self.baseline.secrets {
            let code = text(&verdict(self.sandbox, secret), "code");
            let expected = match now.status_of(id) {
                "active" => "valid",
                "" => "not_found",
                status => status,
            };
            // What was pending may have been given another secret.
            let was_pending = self.baseline.before.status_of(id) == "pending";
            must!(
                code == expected || was_pending && code == "not_found",
                "a secret of {id} is {code}, and its key {expected}"
            );
        }
        Ok(())
    }

    /// Everything is as at the undisturbed end.
    pub(super) fn is_done(&self, now: &State, output: &Output) -> Finding {
        let end = &self.baseline.end;
        self.known_are(now, end, "an undisturbed run")?;
        let known = &self.baseline.known;
        let (new, expected) = (now.new_shapes(known), end.new_shapes(known));
        must!(
            new == expected,
            "it is not done: {}\nkeys {new:#?}\nexpected {expected:#?}",
            told(output)
        );
        must!(now.look == end.look, "it is not done: {:#} and not {:#}", now.look, end.look);
        for sink in self.scene.sinks {
            must!(
                self.baseline.status != 0 || sink.secret(self.sandbox, &output.stdout).is_some(),
                "there is no secret in {sink:?}: {}",
                told(output)
            );
        }
        Ok(())
    }

    /// Everything is as at the undisturbed end, and stdout is empty.
    fn stands_without_an_answer(&self, now: &State) -> Finding {
        self.nothing_is_answered()?;
        self.is_done(now, self.output)
    }

    /// A message in place of an answer names each key that is not as before, and says where to look.
    fn what_stands_is_said(&self, now: &State) -> Finding {
        let (before, said) = (&self.baseline.before, &self.output.stderr);
        let shapes = (now.shapes_of(now), before.shapes_of(before));
        for id in now.keys.keys().map(String::as_str) {
            let is_told = shapes.0.get(id) == shapes.1.get(id) || said.contains(id);
            must!(is_told, "it changed {id}, and does not say so: {}", told(self.output));
        }
        must!(said.contains("hint: "), "it does not say where to look: {}", told(self.output));
        Ok(())
    }

    /// Everything is as before, but for keys that are void, or will be.
    fn is_undone(&self, now: &State) -> Finding {
        let Baseline { before, known, .. } = self.baseline;
        if !self.scene.is_stepwise {
            self.known_are(now, before, "before")?;
        }
        must!(
            now.look == before.look,
            "it failed, and did something: {:#}\n{}",
            now.look,
            told(self.output)
        );
        for (id, key) in now.keys.iter().filter(|(id, _)| !known.has(id)) {
            if before.status_of(id) == key["status"] {
                continue;
            }
            let status = key["status"].as_str().unwrap_or_default();
            let is_told = match status {
                "pending" => self.output.stderr.contains("pending"),
                "active" => self.scene.is_stepwise,
                _ => is_void(key) && self.output.status == 16,
            };
            must!(
                is_told || self.scene.is_stepwise && is_void(key),
                "it failed, and left this key: {key:#}\n{}",
                told(self.output)
            );
        }
        Ok(())
    }

    /// Everything is as before, or as at the end.
    fn is_one_or_the_other(&self, now: &State) -> Finding {
        let Baseline { before, known, end, .. } = self.baseline;
        let is_before = self.known_are(now, before, "before");
        let is_end = self.known_are(now, end, "the end");
        must!(
            is_before.is_ok() || is_end.is_ok(),
            "half of it was done: {}\n{}",
            is_before.err().unwrap_or_default(),
            is_end.err().unwrap_or_default()
        );
        // What a rotation does to the old key it does when the new one becomes active, and not before.
        must!(
            is_before.is_ok() || now.new_shapes(known) == end.new_shapes(known),
            "the old key is no longer what it was, and the new one not yet what it is to be"
        );
        must!(
            now.look == before.look || now.look == end.look,
            "half of it was done: {:#}",
            now.look
        );
        Ok(())
    }

    /// The keys that were there before are as in that state.
    pub(super) fn known_are(&self, now: &State, then: &State, when: &str) -> Finding {
        let known = &self.baseline.known;
        let (now, then) = (now.shapes_of(known), then.shapes_of(known));
        must!(
            now == then,
            "keys are not as {when}: {}\nthey are {now:#?}\nthey were {then:#?}",
            told(self.output)
        );
        Ok(())
    }
}
