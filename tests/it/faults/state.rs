//! What a store says of its keys, in a form that is the same whenever the same was done.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use super::injection::TRACE;
use super::scene::{CAP, Scene};
use super::sink::{files, tokens};
use crate::support::{Output, Sandbox, text};

/// A store's keys by their id, and whatever else the scene looks at.
#[derive(Debug, Clone)]
pub struct State {
    pub keys: BTreeMap<String, Value>,
    pub look: Value,
}

/// What the judge knows of a scene: how it begins, how it ends undisturbed, and who holds which secret.
pub struct Baseline {
    pub before: State,
    /// The keys in it that the command has no business with, or only as the one it is about: where secrets are handed over,
    /// a pending one is what an earlier run has left, and may become anything that a new one may.
    pub known: State,
    /// The exit status of the undisturbed command.
    pub status: i32,
    pub end: State,
    /// The secrets in the files that are there before, each with its key's id.
    pub secrets: Vec<(String, String)>,
    /// Those files, with their bytes.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl State {
    /// Asks an undisturbed keyward.
    ///
    /// # Errors
    /// What it says if it fails, or if a cap is passed.
    pub fn of(scene: &Scene, sandbox: &Sandbox) -> Result<Self, String> {
        let listed = sandbox.keyward(["--json", "list", "--all"]).run();
        if listed.status != 0 {
            return Err(format!("the next command fails: {}", told(&listed)));
        }
        let keys = listed.json()["keys"].as_array().cloned();
        let keys = keys.unwrap_or_default().into_iter();
        let state = Self {
            keys: keys.map(|key| (text(&key, "id"), key)).collect(),
            look: (scene.look)(sandbox),
        };
        let (living, above) = state.counted();
        match living <= CAP && above <= scene.above_the_cap {
            true => Ok(state),
            false => Err(format!(
                "{living} keys and {above} more pending replacements live where {CAP} may"
            )),
        }
    }

    /// How many live keys the workspace with a cap has: up to the cap, pending replacements among them, and how many of
    /// these beyond.
    pub fn counted(&self) -> (usize, usize) {
        let keys = self.keys.values();
        let living = keys.filter(|key| key["workspace"] == "shop" && is_living(key));
        let (replacing, others): (Vec<_>, Vec<_>) =
            living.partition(|key| key["status"] == "pending" && !key["replaces"].is_null());
        let within = replacing.len().min(CAP.saturating_sub(others.len()));
        (others.len() + within, replacing.len() - within)
    }

    /// What is the same of each of these keys whenever the same was done to it.
    pub fn shapes_of(&self, others: &Self) -> BTreeMap<&str, Value> {
        let known = self.keys.iter().filter(|(id, _)| others.has(id));
        known.map(|(id, key)| (id.as_str(), shape(key))).collect()
    }

    /// The shapes of the keys that are not among these, but for void ones, sorted.
    pub fn new_shapes(&self, others: &Self) -> Vec<String> {
        let new = self.new_keys(others);
        let kept = new.filter(|key| !is_void(key));
        let mut shapes: Vec<String> = kept.map(|key| shape(key).to_string()).collect();
        shapes.sort();
        shapes
    }

    /// The keys that are not among these.
    pub fn new_keys<'a>(&'a self, others: &'a Self) -> impl Iterator<Item = &'a Value> {
        let new = self.keys.iter().filter(|(id, _)| !others.has(id));
        new.map(|(_, key)| key)
    }

    pub fn has(&self, id: &str) -> bool {
        self.keys.contains_key(id)
    }

    pub fn status_of(&self, id: &str) -> &str {
        self.keys.get(id).map_or("", |key| key["status"].as_str().unwrap_or_default())
    }
}

impl Baseline {
    /// Looks at the beginning, and runs the command undisturbed; all of it in copies.
    pub fn of(scene: &Scene, template: &Sandbox) -> Result<Self, String> {
        let sandbox = template.copy();
        let before = State::of(scene, &sandbox)?;
        let mut secrets = Vec::new();
        let mut kept = BTreeMap::new();
        for file in files(template.home()) {
            if file.starts_with(".local/") || file == TRACE {
                continue;
            }
            let bytes = fs::read(template.home().join(&file)).expect("it is there");
            for secret in tokens(&bytes) {
                let verdict = verdict(&sandbox, &secret);
                if let Some(id) = verdict["subject"]["id"].as_str() {
                    secrets.push((id.to_owned(), secret));
                }
            }
            kept.insert(file, bytes);
        }
        let mut known = before.clone();
        if !scene.sinks.is_empty() {
            known.keys.retain(|_, key| key["status"] != "pending");
        }
        let sandbox = template.copy();
        let output = scene.run(&sandbox).run();
        Ok(Self {
            before,
            known,
            status: output.status,
            end: State::of(scene, &sandbox)?,
            secrets,
            files: kept,
        })
    }
}

/// What verify answers, without writing it down.
pub fn verdict(sandbox: &Sandbox, secret: &str) -> Value {
    let run = sandbox.keyward(["--json", "verify", "--no-record"]);
    let output = run.stdin(secret).run();
    serde_json::from_str(&output.stdout)
        .unwrap_or_else(|_| json!({ "code": format!("no verdict: {}", told(&output)) }))
}

/// What a run said, for a failure's message.
pub fn told(output: &Output) -> String {
    format!("exit {}\n{}{}", output.status, output.stdout, output.stderr)
}

/// Whether a key counts against the cap.
pub fn is_living(key: &Value) -> bool {
    matches!(key["status"].as_str(), Some("active" | "pending" | "disabled"))
}

/// Whether its secret was never delivered.
pub fn is_void(key: &Value) -> bool {
    key["revokedReason"] == "undelivered"
}

fn shape(key: &Value) -> Value {
    let mut shape = key.clone();
    // Other each time; and an operator whose name cannot be read has a number instead.
    for field in ["id", "prefix", "short", "keyHint", "createdBy"] {
        shape[field] = Value::Null;
    }
    for field in ["createdAt", "expiresAt", "revokedAt", "lastUsedAt", "replaces", "replacedBy"] {
        shape[field] = (!key[field].is_null()).into();
    }
    shape
}
