//! Exporting records and importing them, by the contract: what already exists changes nothing, what contradicts a
//! record or has ended is refused, and everything else is taken as it is.

use std::collections::BTreeSet;

use super::operation::Answer;
use super::state::{Faults, Key, Model, State, Workspace};
use crate::support::time::DAY;

/// A line of an export.
#[derive(Debug, Clone)]
pub enum Line {
    Workspace(Workspace),
    Key(Box<KeyLine>),
}

/// A key as it was exported.
#[derive(Debug, Clone)]
pub struct KeyLine {
    pub key: Key,
    pub workspace: String,
    pub status: &'static str,
    /// Whether its time was over.
    pub is_over: bool,
}

/// What becomes of a line.
struct Taken {
    word: &'static str,
    /// The fields in which it contradicts a record.
    fields: Vec<&'static str>,
}

impl Taken {
    fn created() -> Self {
        Self::refused("created")
    }

    fn refused(word: &'static str) -> Self {
        let fields = Vec::new();
        Self { word, fields }
    }

    fn compared(fields: &[(&'static str, bool)]) -> Self {
        let differing = fields.iter().filter(|(_, differs)| *differs);
        let fields: Vec<_> = differing.map(|(field, _)| *field).collect();
        let word = match fields.is_empty() {
            true => "unchanged",
            false => "differs",
        };
        Self { word, fields }
    }

    /// The error that it is where no line may be left out.
    fn fault(&self) -> Option<&'static str> {
        match self.word {
            "created" | "unchanged" => None,
            "differs" => Some("conflict"),
            word => Some(word),
        }
    }

    fn told(&self) -> String {
        match self.fields.is_empty() {
            true => self.word.to_owned(),
            false => format!("{}: {}", self.word, self.fields.join(" ")),
        }
    }
}

impl Model {
    /// The lines of a workspace, or of all.
    pub(super) fn export(&self, workspace: Option<&str>, now: i64) -> Result<Vec<Line>, Faults> {
        let mut owners: Vec<u64> = match workspace {
            Some(name) => vec![self.place(Some(name))?],
            None => self.workspaces.keys().copied().collect(),
        };
        owners.sort_by_key(|number| &self.workspaces[number].name);
        let mut lines = Vec::new();
        for owner in owners {
            let workspace = &self.workspaces[&owner];
            lines.push(Line::Workspace(workspace.clone()));
            let keys = self.keys.values().filter(|key| key.workspace == owner);
            lines.extend(keys.map(|key| {
                let mut key = key.clone();
                let status = key.status(self.at(now));
                key.state = match status {
                    "revoked" => State::Revoked,
                    // What is paused or waits for its holder says so, also when its time is over.
                    _ => key.state,
                };
                let status = match key.state {
                    State::Pending => "pending",
                    State::Disabled => "disabled",
                    _ => status,
                };
                if let (State::Revoked, None) = (key.state, &key.revoked) {
                    let lapsed = key.created_at + super::state::PENDING;
                    // That needed no reason.
                    key.revoked = Some((lapsed, String::new(), None));
                }
                let workspace = workspace.name.clone();
                Line::Key(Box::new(KeyLine {
                    is_over: key.standing(self.at(now)) == "expired",
                    key,
                    workspace,
                    status,
                }))
            }));
        }
        Ok(lines)
    }

    /// Takes lines in: all of them or none, or all that are not refused.
    pub(super) fn import(
        &mut self,
        lines: &[Line],
        keep_going: bool,
        now: i64,
    ) -> Result<Answer, Faults> {
        let (mut words, mut first) = (Vec::new(), None);
        // The keys whose records are as their lines say.
        let mut known = BTreeSet::new();
        for line in lines {
            let taken = match line {
                Line::Workspace(workspace) => self.import_workspace(workspace, now),
                Line::Key(line) => {
                    let taken = self.import_key(line, &known, now);
                    if taken.fault().is_none() {
                        known.insert(line.key.id.clone());
                    }
                    taken
                }
            };
            first = first.or(taken.fault());
            words.push(taken.told());
        }
        match first {
            Some(word) if !keep_going => Err(Faults::from([word])),
            _ => Ok(Answer { lines: words, ..Answer::default() }),
        }
    }

    fn import_workspace(&mut self, line: &Workspace, now: i64) -> Taken {
        if let Some(number) = self.workspace_named(&line.name) {
            let known = &self.workspaces[&number];
            let policy = |workspace: &Workspace| (workspace.policy, workspace.cap);
            return Taken::compared(&[
                ("preset", known.is_preset != line.is_preset),
                ("policy", policy(known) != policy(line)),
                ("plan", known.plan != line.plan),
            ]);
        }
        let mut made = line.clone();
        // What was spent stays where it was.
        made.credits.clear();
        made.created_at = now;
        self.add_workspace(made);
        self.events += 1;
        Taken::created()
    }

    /// Takes so many token formats that an import has brought: an event for each.
    pub(super) fn take_formats(&mut self, count: u64, now: i64) {
        self.events += count;
        if count > 0 {
            self.clock.observe(now);
        }
    }

    fn import_key(&mut self, line: &KeyLine, known: &BTreeSet<String>, now: i64) -> Taken {
        let there = self.key_of_secret(&line.key.secret);
        if let Some(number) = there.or_else(|| self.key_of_id(&line.key.id)) {
            return self.compare(line, &self.keys[&number], now);
        }
        if self.ended.contains(&line.key.secret) {
            return Taken::refused("conflict");
        }
        let Some(owner) = self.workspace_named(&line.workspace) else {
            return Taken::refused("workspace_not_found");
        };
        let mut key = Key {
            workspace: owner,
            whole_at: None,
            is_claimed: false,
            is_life_set: false,
            reused: None,
            revision: match line.key.state {
                State::Pending => 0,
                _ if self.told.contains(&line.key.id) => self.events + 1,
                _ => 1,
            },
            uses: Default::default(),
            ..line.key.clone()
        };
        if line.is_over {
            key.expires_at = key.expires_at.map(|at| at.min(now));
        }
        if let Some(last_used) = key.last_used {
            let uses = key.uses.entry(last_used.div_euclid(DAY)).or_default();
            uses.has_row = true;
        }
        let rules = self.workspaces[&owner].rules();
        let lacks_plan = key.plan.as_ref().is_some_and(|plan| rules.plan(plan).is_none());
        if lacks_plan && key.is_living(self.at(now)) && !self.is_linked_badly(&key, now) {
            return Taken::refused("usage");
        }
        let waits = key.state == State::Pending && key.rotation.is_some();
        let holders = self.holders(owner, &key.environment, &key.name, now);
        let holds = key.is_living(self.at(now)) && key.replaced_by.is_none() && !waits;
        // A store has two keys of a name where the first had expired by a clock that was ahead for a while.
        let mut holders = holders.iter().map(|number| &self.keys[number].id);
        if holds && holders.any(|holder| !known.contains(holder)) {
            return Taken::refused("name_taken");
        }
        if self.is_linked_badly(&key, now) {
            return Taken::refused("conflict");
        }
        self.before.remove(&key.id);
        self.add_key(key);
        self.events += 1;
        Taken::created()
    }

    /// Where a line contradicts the record of its key. What time alone makes of a key is not a contradiction.
    fn compare(&self, line: &KeyLine, known: &Key, now: i64) -> Taken {
        let (key, at) = (&line.key, self.at(now));
        let set = |texts: &[String]| texts.iter().cloned().collect::<BTreeSet<String>>();
        let is_of_another_status = match line.status {
            "revoked" => known.status(at) != "revoked",
            // Of an older store it may be one that was paused.
            "expired" => known.state == State::Revoked,
            _ => known.state != key.state,
        };
        let expires_otherwise = match line.is_over && !known.is_living(at) {
            // It may have been imported by a clock that was behind.
            true => known.expires_at > key.expires_at,
            false => known.expires_at != key.expires_at,
        };
        let revoked = known.revoked.clone();
        let revoked = revoked.or(known.lapsed(at).map(|at| (at, String::new(), None)));
        let revoked = match line.status {
            "revoked" => revoked,
            _ => known.revoked.clone(),
        };
        let [was, is] = [&key.revoked, &revoked].map(|revoked| {
            let (at, reason, message) = revoked.clone().unwrap_or_default();
            (at, reason, message)
        });
        let [from, of] = [&key.rotation, &known.rotation].map(|rotation| {
            let rotation = rotation.as_ref();
            (
                rotation.map(|rotation| rotation.replaces.clone()),
                rotation.map(|rotation| rotation.grace),
                rotation.and_then(|rotation| rotation.previous),
            )
        });
        let is_another_secret = key.secret != known.secret;
        Taken::compared(&[
            ("workspace", line.workspace != self.owner(known).name),
            ("id", key.id != known.id),
            ("name", key.name != known.name),
            ("environment", key.environment != known.environment),
            ("scopes", set(&key.scopes) != set(&known.scopes)),
            ("prefix", key.prefix().0 != known.prefix().0),
            ("short", key.prefix().1 != known.prefix().1),
            ("keyHint", key.hint() != known.hint()),
            ("status", is_of_another_status),
            ("hash", is_another_secret),
            ("createdAt", key.created_at != known.created_at),
            ("expiresAt", expires_otherwise),
            ("revokedAt", was.0 != is.0),
            ("revokedReason", was.1 != is.1),
            ("revokedMessage", was.2 != is.2),
            ("replaces", from.0 != of.0),
            ("graceMillis", from.1 != of.1),
            ("previousExpiresAt", from.2 != of.2),
            ("replacedBy", key.replaced_by != known.replaced_by),
            ("allow", set(&key.allow) != set(&known.allow)),
            ("owner", key.owner != known.owner),
            ("labels", key.labels != known.labels),
            ("plan", key.plan != known.plan),
        ])
    }

    /// Whether a key that comes in has a link that no rotation makes, or another has one to it.
    fn is_linked_badly(&self, new: &Key, now: i64) -> bool {
        let at = self.at(now);
        let is_elsewhere =
            |key: &Key| (key.workspace, &key.environment) != (new.workspace, &new.environment);
        // A live key's predecessor is replaced by it, or waits to be.
        let is_unanswered = |key: &Key, old: &Key| {
            key.is_living(at)
                && match &old.replaced_by {
                    Some(successor) => *successor != key.id,
                    None => key.state != State::Pending,
                }
        };
        self.keys.values().any(|key| {
            let has_followed = new.names(&key.id) && (is_elsewhere(key) || is_unanswered(new, key));
            let is_followed = key.names(&new.id) && (is_elsewhere(key) || is_unanswered(key, new));
            let names = |one: &Key, other: &Key| one.replaced_by.as_ref() == Some(&other.id);
            let is_named = names(new, key) && (is_elsewhere(key) || !key.names(&new.id));
            let is_wanted = names(key, new) && (is_elsewhere(key) || !new.names(&key.id));
            has_followed || is_followed || is_named || is_wanted
        })
    }
}
