//! What a mangled store is asked, and which answers are allowed.

use std::collections::BTreeMap;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use keyward::domain::secret::Secret;
use keyward::domain::timestamp::Timestamp;
use keyward::error::{Error, Kind};
use keyward::ops::access::Actor;
use keyward::ops::verifier::{Request, Verifier};
use keyward::ops::{audit, list};
use keyward::store::{Order, Store};

use super::template::{Files, Known, WAIT};
use crate::model::random::Random;
use crate::support::time::now;
use crate::support::{Sandbox, is_thorough, variable};

/// Whether a change in a key's row must be told of. Without that, what is in the row is accepted: the key may be taken
/// for another, and one that had expired for one that has not.
pub(super) const STRICT: bool = true;

/// Longer than any round takes; one that does not end by then never ends.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// How many rounds lie between two that ask the binary too.
pub(super) const BINARY_EVERY: usize = 100;

/// What is asked of each mangled store.
pub(super) struct Asked {
    path: PathBuf,
    keys: Vec<Known>,
    /// Whether what is in the log alone may be lost, as it is when a power loss cuts the log.
    forgets: bool,
}

/// Whether the contract has this way to say that a store is damaged or cannot be read.
pub(super) fn is_expected(error: &Error) -> bool {
    matches!(error.kind(), Kind::Damaged | Kind::Foreign | Kind::NewerStore | Kind::Io)
}

impl Asked {
    /// Asks the library everything, and returns what is wrong with its answers.
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut refused = |what: &str, error: &Error| {
            if !is_expected(error) {
                faults.push(format!("{what}: {} ({error})", error.kind().code()));
            }
        };
        let at = Timestamp::from_millis(now());
        let mut verdicts = Vec::new();
        match Verifier::open(&self.path, WAIT, drop) {
            Err(error) => refused("opening for verify", &error),
            Ok(mut verifier) => {
                for known in &self.keys {
                    let request = Request::new(Secret::new(known.secret.clone()));
                    match verifier.verify(&request, at) {
                        Ok(verdict) => verdicts.push((known, verdict.code.word())),
                        Err(error) => refused("verify", &error),
                    }
                }
                if let Err(error) = verifier.close() {
                    refused("writing counts", &error);
                }
            }
        }
        let actor = Actor::Operator("someone".to_owned());
        let mut listed = None;
        match Store::open(&self.path, WAIT) {
            Err(error) => refused("opening", &error),
            Ok(None) => faults.push("there is no store any more".to_owned()),
            Ok(Some(mut store)) => {
                let mut found = Vec::new();
                let all = list::run(&mut store, &actor, &everything(), at, |key| {
                    found.push((key.name.clone(), key.status(at).word()));
                    Ok(())
                });
                match all {
                    Ok(_) => listed = Some(found),
                    Err(error) => refused("list", &error),
                }
                match audit::verify(&mut store, &actor, None, at, |_| ()) {
                    Ok(_) => {}
                    Err(error) => refused("audit verify", &error),
                }
            }
        }
        for (known, code) in verdicts {
            if !self.is_right(known, code) {
                let Known { name, code: right, .. } = known;
                faults.push(format!("{name} is {right}, and verify says {code}"));
            }
        }
        if let Some(listed) = listed.filter(|_| STRICT) {
            for (name, status) in listed {
                let is_right = |known: &&Known| {
                    let status = if status == "active" { "valid" } else { status };
                    known.name == name && self.is_right(known, status)
                };
                // Of those there are many of, only some are presented.
                let is_other =
                    name.starts_with("other-") && name != "other-1" && status == "active";
                if !is_other && !self.keys.iter().any(|known| is_right(&known)) {
                    faults.push(format!("{name:?} is listed as {status}"));
                }
            }
        }
        faults
    }

    fn is_right(&self, known: &Known, code: &str) -> bool {
        if code == known.code || (self.forgets && code == known.before) {
            return true;
        }
        if self.forgets && known.name == "last" {
            return matches!(code, "not_found" | "pending");
        }
        // Until rows are held to what was written, a changed expiry is accepted.
        !STRICT && (code != "valid" || known.code == "expired")
    }

    /// Asks, and says so when that panics or does not end.
    fn ask(self, round: &str) -> Vec<String> {
        let (tell, told) = channel();
        let asking = thread::spawn(move || {
            let faults = catch_unwind(AssertUnwindSafe(|| self.faults()));
            let faults = faults.unwrap_or_else(|_| vec!["it panics".to_owned()]);
            // Nobody listens any more after the patience has ended.
            let _ = tell.send(faults);
        });
        let faults = match told.recv_timeout(PATIENCE) {
            Ok(faults) => {
                asking.join().expect("it has caught its panic");
                faults
            }
            Err(RecvTimeoutError::Timeout) => panic!("{round}: it does not end"),
            Err(RecvTimeoutError::Disconnected) => vec!["its thread is gone".to_owned()],
        };
        let faults = faults.into_iter();
        faults.map(|fault| format!("{round}: {fault}")).collect()
    }
}

pub(super) fn everything() -> list::Request {
    list::Request {
        workspace: None,
        everywhere: false,
        statuses: Vec::new(),
        all: true,
        environment: None,
        name: None,
        owner: None,
        labels: Vec::new(),
        scopes: Vec::new(),
        order: Order::Created,
    }
}

/// A place where mangled stores are put, one after the other.
pub(super) struct Bench {
    pub sandbox: Sandbox,
    seed: u64,
    pub random: Random,
    rounds: usize,
    faults: Vec<String>,
}

impl Bench {
    pub fn new() -> Self {
        let sandbox = Sandbox::with_keys(&["gone"]);
        let seed = variable("KEYWARD_SEED").and_then(|seed| seed.to_str()?.parse().ok());
        let seed = seed.unwrap_or_else(|| now().unsigned_abs());
        Self { sandbox, seed, random: Random::of(seed, 0, 0), rounds: 0, faults: Vec::new() }
    }

    /// One round: these files, and what is asked of them.
    pub fn round(&mut self, what: &str, files: &Files, keys: &[Known], forgets: bool) {
        self.rounds += 1;
        let path = self.sandbox.store_path();
        files.put(&path);
        // One that is alive, and each kind that is not.
        let keys: Vec<Known> = keys
            .iter()
            .filter(|known| !known.name.starts_with("other-") || known.name == "other-1")
            .cloned()
            .collect();
        if self.rounds.is_multiple_of(BINARY_EVERY) {
            self.ask_binary(what, &keys, forgets);
            files.put(&path);
        }
        let asked = Asked { path, keys, forgets };
        self.faults.extend(asked.ask(what));
    }

    pub fn ask_binary(&mut self, what: &str, keys: &[Known], forgets: bool) {
        let path = self.sandbox.store_path();
        for known in keys {
            let run = self.sandbox.keyward(["verify"]).stdin(&known.secret).run();
            let asked = Asked { path: path.clone(), keys: Vec::new(), forgets };
            let right = match run.status {
                0 => asked.is_right(known, "valid"),
                7 | 9 => true,
                10..=13 => !STRICT || known.code != "valid" || forgets,
                _ => false,
            };
            if !right || run.stderr.contains("panicked") {
                self.faults.push(format!("{what}: {} {}", known.name, run.transcript()));
            }
        }
        for command in [&["list", "--all"][..], &["audit", "verify"]] {
            let run = self.sandbox.keyward(command).run();
            if !matches!(run.status, 0 | 7 | 9) || run.stderr.contains("panicked") {
                self.faults.push(format!("{what}: {command:?} {}", run.transcript()));
            }
        }
    }

    /// Asserts that nothing was wrong, and says how much was tried.
    pub fn end(self, what: &str) {
        if is_thorough() {
            let rounds = self.rounds;
            writeln!(std::io::stderr(), "{what}: {rounds} rounds, {} faults", self.faults.len())
                .expect("stderr can be written");
        }
        // One of each sort, because a place that is wrong is met again and again.
        let mut sorts: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
        for fault in &self.faults {
            let sort = fault.rsplit_once(": ").map_or("", |(_, sort)| sort);
            sorts.entry(sort).or_insert((0, fault)).0 += 1;
        }
        let sorts = sorts.values().take(20);
        let sorts: Vec<String> =
            sorts.map(|(count, fault)| format!("{count} times {fault}")).collect();
        assert!(
            self.faults.is_empty(),
            "KEYWARD_SEED={}: {} faults\n{}",
            self.seed,
            self.faults.len(),
            sorts.join("\n")
        );
    }
}
