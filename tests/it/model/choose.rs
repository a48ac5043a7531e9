//! Choosing the next operation: mostly one that makes sense, often enough one that must be refused.

use std::path::PathBuf;

use super::operation::{Changes, Named, Operation, REASONS};
use super::policies::POLICIES;
use super::random::Random;
use super::state::{Key, Model};
use super::wishes::SCOPES;

/// Few, so that they collide.
pub(super) const NAMES: [&str; 10] =
    ["ci", "web", "batch", "a b", "web-1", "übergabe", "x", "y", "z", "ci-2"];
const WORKSPACES: [&str; 5] = ["default", "acme", "shop", "Zoë", "spare"];
/// In minutes: seconds do not matter where hours pass.
pub(super) const SPANS: [i64; 8] = [1, 60, 600, 1440, 10_080, 20_160, 43_200, 129_600];
/// What it chooses by.
pub struct Chooser<'a> {
    pub model: &'a Model,
    pub now: i64,
    pub random: Random,
}

impl Chooser<'_> {
    /// The next operation.
    pub fn operation(&mut self) -> Operation {
        let at = self.model.at(self.now);
        let living = self.model.keys.values();
        let living = living.filter(|key| key.is_living(at)).count();
        // A store that is neither empty nor endless meets the most rules.
        if living > 60 && self.random.percent(30) {
            return self.revoke(4);
        }
        if self.model.keys.len() > 120 && self.random.percent(15) {
            return self.prune();
        }
        match self.random.below(100) {
            0 => Operation::CreateWorkspace {
                name: self.random.pick(&WORKSPACES).to_owned(),
                policy: self.index(POLICIES.len()),
                plan: self.plan(20),
            },
            1 => Operation::RenameWorkspace {
                from: self.random.pick(&WORKSPACES).to_owned(),
                to: self.random.pick(&WORKSPACES).to_owned(),
            },
            2 => Operation::SetWorkspace {
                workspace: self.workspace(),
                policy: self.random.percent(40).then(|| self.index(POLICIES.len())),
                cap: self.random.percent(40).then(|| self.random.below(9) as u32),
                plan: self.plan(50),
                keep_outside: self.random.percent(60),
            },
            3 => match self.random.percent(30) {
                true => Operation::DeleteWorkspace(self.random.pick(&WORKSPACES).to_owned()),
                false => Operation::UseWorkspace(self.random.pick(&WORKSPACES).to_owned()),
            },
            4..=13 => Operation::Mint {
                wish: self.wish(),
                count: match self.random.percent(80) {
                    true => 1,
                    false => self.random.below(4) as u32 + 1,
                },
            },
            14..=17 => self.mint_again(),
            18..=27 => Operation::Complete(self.delivered()),
            28..=29 => Operation::Void(self.delivered()),
            30 => Operation::Hold(self.delivered()),
            31..=33 => Operation::Present {
                workspace: self.random.percent(20).then(|| self.workspace()).flatten(),
                secret: self.secret(),
            },
            34..=37 => Operation::Rename {
                key: self.named(true),
                name: self.random.pick(&NAMES).to_owned(),
            },
            38..=42 => Operation::Set {
                key: self.named(true),
                expires: self.random.percent(50).then(|| self.expiry()),
                changes: self.changes(),
            },
            43..=45 => Operation::Disable { key: self.named(true), idle: self.idle() },
            46..=48 => Operation::Enable(self.named(true)),
            49..=56 => Operation::Rotate {
                key: self.named(true),
                grace: self.random.percent(50).then(|| match self.random.percent(15) {
                    true => 0,
                    false => self.random.pick(&SPANS),
                }),
                now: self.random.percent(25),
                hold: self.random.percent(30),
                expires: self.random.percent(20).then(|| self.expiry()),
                changes: match self.random.percent(20) {
                    true => self.changes(),
                    false => Changes::default(),
                },
            },
            57..=59 => self.cancel(),
            60..=64 => self.revoke(2),
            65..=89 => self.verify(),
            90..=92 => self.prune(),
            93..=95 => self.list(),
            96 => Operation::Show(self.named(false)),
            _ => self.with_files(),
        }
    }

    /// Something that puts what the store is into a file, or takes what is in one.
    fn with_files(&mut self) -> Operation {
        let folder = &self.model.shelf.folder;
        let exports: Vec<PathBuf> = self.model.shelf.exports.keys().cloned().collect();
        let backups: Vec<PathBuf> = self.model.shelf.backups.keys().cloned().collect();
        let number = self.random.below(3);
        match (self.random.below(100), self.random.any(&exports)) {
            (0..=24, _) if !self.model.is_on_server => {
                Operation::Backup(folder.join(format!("{number}.db")))
            }
            (70..=89, _) if !backups.is_empty() => Operation::Restore(self.random.pick(&backups)),
            (30..=69, Some(file)) => {
                Operation::Import { file, keep_going: self.random.percent(60), into: None }
            }
            _ => Operation::Export {
                file: folder.join(format!("{number}.jsonl")),
                workspace: self.random.percent(30).then(|| self.workspace()).flatten(),
            },
        }
    }

    pub(super) fn index(&mut self, length: usize) -> usize {
        self.random.below(length as u64) as usize
    }

    pub(super) fn keys(&self, is_wanted: impl Fn(&Key) -> bool) -> Vec<u64> {
        let wanted = self.model.keys.iter().filter(|(_, key)| is_wanted(key));
        wanted.map(|(number, _)| *number).collect()
    }

    /// A key, of those that live if possible or of all; often one in a rotation, or the youngest, about which there are more
    /// rules than about others.
    pub(super) fn key(&mut self, living: bool) -> Option<u64> {
        let (now, at) = (self.now, self.model.at(self.now));
        match self.random.below(100) {
            0..=14 => {
                let model = self.model;
                let rotated = self.keys(|key| {
                    let waits = key.is_living(at) && model.has_pending_replacement(&key.id, now);
                    waits || (key.is_living(at) && key.replaced_by.is_some())
                });
                if let Some(number) = self.random.any(&rotated) {
                    return Some(number);
                }
            }
            15..=24 => {
                let replaces = self.keys(|key| key.is_living(at) && key.rotation.is_some());
                if let Some(number) = self.random.any(&replaces) {
                    return Some(number);
                }
            }
            25..=34 => return self.model.keys.keys().next_back().copied(),
            _ => {}
        }
        let found = match living && self.random.percent(90) {
            true => self.keys(|key| key.is_living(at)),
            false => self.keys(|_| true),
        };
        self.random.any(&found)
    }

    pub(super) fn workspace(&mut self) -> Option<String> {
        match self.random.below(100) {
            0..=14 => None,
            15..=19 => Some(self.random.pick(&WORKSPACES).to_owned()),
            _ => {
                let names = self.model.workspaces.values();
                let names: Vec<String> = names.map(|workspace| workspace.name.clone()).collect();
                self.random.any(&names)
            }
        }
    }

    pub(super) fn named(&mut self, living: bool) -> Named {
        let Some(number) = self.key(living) else {
            return Named {
                workspace: self.workspace(),
                text: self.random.pick(&NAMES).to_owned(),
                environment: None,
            };
        };
        let key = &self.model.keys[&number];
        let (prefix, short) = key.prefix();
        let text = match self.random.below(100) {
            0..=54 => key.id.clone(),
            55..=64 => key.id[..10 + self.random.below(10) as usize].to_owned(),
            65..=69 if !short.is_empty() => prefix.to_owned(),
            70..=74 if !short.is_empty() => short.to_owned(),
            75..=97 => key.name.clone(),
            _ => "key_nobody".to_owned(),
        };
        let workspace = match self.random.percent(75) {
            true => Some(self.model.owner(key).name.clone()),
            false => None,
        };
        let workspace = match self.random.percent(95) {
            true => workspace,
            false => self.workspace(),
        };
        let environment = self.random.percent(20).then(|| match self.random.percent(85) {
            true => key.environment.clone(),
            false => "test".to_owned(),
        });
        Named { workspace, text, environment }
    }

    pub(super) fn idle(&mut self) -> Option<i64> {
        self.random.percent(20).then(|| self.random.pick(&SPANS))
    }

    pub(super) fn revoke(&mut self, most: usize) -> Operation {
        let count = 1 + self.index(most);
        let keys: Vec<Named> = (0..count).map(|_| self.named(true)).collect();
        Operation::Revoke {
            workspace: keys[0].workspace.clone(),
            keys,
            reason: self.index(REASONS.len()),
            message: self.random.percent(20).then(|| "left on a train".to_owned()),
            idle: self.idle(),
        }
    }

    fn cancel(&mut self) -> Operation {
        let (model, now, at) = (self.model, self.now, self.model.at(self.now));
        // Those whose name another has taken meanwhile cannot have it back.
        let outdone = self.keys(|key| {
            let held = || model.holders(key.workspace, &key.environment, &key.name, now);
            key.replaced_by.is_some() && key.is_living(at) && !held().is_empty()
        });
        let key = self.random.any(&outdone).filter(|_| self.random.percent(40));
        let key = key.map(|number| &model.keys[&number]);
        Operation::Cancel(match key {
            None => self.named(false),
            Some(key) => Named {
                workspace: Some(model.owner(key).name.clone()),
                text: key.id.clone(),
                environment: None,
            },
        })
    }

    pub(super) fn prune(&mut self) -> Operation {
        let (model, now, at) = (self.model, self.now, self.model.at(self.now));
        let awaited =
            self.keys(|key| !key.is_living(at) && model.has_pending_replacement(&key.id, now));
        if let Some(number) = self.random.any(&awaited).filter(|_| self.random.percent(40)) {
            return Operation::Prune {
                workspace: Some(model.owner(&model.keys[&number]).name.clone()),
                dead_for: Some(0),
                rehearsal: false,
            };
        }
        Operation::Prune {
            workspace: self.workspace(),
            dead_for: self
                .random
                .percent(60)
                .then(|| self.random.pick(&[0, 0, 0, 1, 600, 1440, 10_080])),
            rehearsal: self.random.percent(10),
        }
    }

    pub(super) fn list(&mut self) -> Operation {
        let statuses = ["active", "pending", "disabled", "expired", "revoked"];
        let some = |random: &mut Random, words: &[&str]| {
            random.percent(20).then(|| random.pick(words).to_owned())
        };
        Operation::List {
            workspace: self.workspace(),
            statuses: match self.random.percent(30) {
                true => vec![self.random.pick(&statuses).to_owned(), "active".to_owned()],
                false => Vec::new(),
            },
            all: self.random.percent(50),
            environment: some(&mut self.random, &["live", "test"]),
            name: some(&mut self.random, &["web", "c", "é"]),
            owner: some(&mut self.random, &["platform", "nobody"]),
            label: some(&mut self.random, &["team", "tier"])
                .map(|name| (name, some(&mut self.random, &["core", ""]))),
            scope: some(&mut self.random, &SCOPES),
        }
    }

    pub(super) fn plan(&mut self, percent: u64) -> Option<String> {
        self.random
            .percent(percent)
            .then(|| self.random.pick(&["free", "pro", "huge", "small", "gold"]).to_owned())
    }
}
