//! The library's side of the model test: the same operations, done to a real store.

use std::path::{Path, PathBuf};
use std::time::Duration;

use keyward::domain::audit::Head;
use keyward::domain::holding::Holding;
use keyward::domain::key::{Key, KeyId};
use keyward::domain::policy::{Policy, PolicyChanges};
use keyward::domain::secret::Secret;
use keyward::domain::timestamp::Timestamp;
use keyward::error::Result;
use keyward::ops::access::Actor;
use keyward::ops::pause::{self, Change};
use keyward::ops::select::Selector;
use keyward::ops::verifier::Verifier;
use keyward::ops::{
    activate, audit, cancel, change, idempotent, list, mint, prune, rename, revoke, rotate, set,
    show, workspace,
};
use keyward::store::{Place, Store};

use super::operation::{Answer, Ask, Delivered, Operation, Token, Verdict};
use super::policies::POLICIES;
use super::random::Random;
use super::requests::{asked, changed, listing, minutes, named, request, rotation, when};

pub const WAIT: Duration = Duration::from_secs(10);

/// A store that is open, with a verifier that stays open beside it.
pub struct Library {
    pub(super) verifier: Verifier<String>,
    pub store: Store,
    pub path: PathBuf,
    pub(super) actor: Actor,
}

/// What an operation did: its answer, what was minted, and the records it returned as they are afterwards.
#[derive(Debug, Default)]
pub struct Done {
    pub answer: Answer,
    pub minted: Vec<Token>,
    pub records: Vec<Key>,
    /// How long the trail is after a restoration, which tells it of whatever differs.
    pub events: Option<u64>,
    /// The events of token formats that an import brought, which the model does not have.
    pub formats: u64,
}

impl Library {
    /// Opens the store, or makes it.
    ///
    /// # Errors
    /// The library's.
    pub fn open(path: &Path) -> Result<Self> {
        let place = Place::find(path, &|_| None)?;
        Store::create_at(&place, WAIT)?;
        let store = Store::open_at(&place, WAIT)?.ok_or_else(|| place.absent())?;
        let verifier = Verifier::open(path, WAIT, |key| key.id.as_str().to_owned())?;
        let actor = Actor::Operator("model".to_owned());
        Ok(Self { verifier, store, path: path.to_owned(), actor })
    }

    /// The end of the audit trail.
    ///
    /// # Errors
    /// The library's.
    pub fn head(&mut self) -> Result<Head> {
        audit::head(&mut self.store, &self.actor, Timestamp::from_millis(0))
    }

    /// The key of this id.
    ///
    /// # Errors
    /// The library's.
    pub fn show(&mut self, workspace: &str, id: &str, now: i64) -> Result<Key> {
        let selector = Selector { text: id.to_owned(), environment: None };
        let now = Timestamp::from_millis(now);
        show::run(&mut self.store, &self.actor, Some(workspace), &selector, now)
            .map(|shown| shown.key)
    }

    /// Does an operation.
    ///
    /// # Errors
    /// The library's.
    pub fn run(&mut self, operation: &Operation, now: i64, random: &mut Random) -> Result<Done> {
        let at = Timestamp::from_millis(now);
        let (store, actor) = (&mut self.store, &self.actor);
        match operation {
            Operation::Mint { wish, count } => {
                let minted = mint::run(store, actor, &request(wish, *count), at, random)?;
                Ok(Done::minted(minted))
            }
            Operation::MintAgain { wish, idempotency, hold, holding } => {
                let holding = holding.as_ref();
                let request = idempotent::Request {
                    mint: request(wish, 1),
                    name: idempotency.parse()?,
                    hold: *hold,
                    holding: holding
                        .map_or(Holding::Nothing, |secret| Holding::of(secret.as_bytes())),
                };
                let (word, key) = match idempotent::run(store, actor, &request, at, random)? {
                    idempotent::Outcome::Due(minted) => {
                        let mut done = Done::minted(minted);
                        "due".clone_into(&mut done.answer.word);
                        return Ok(done);
                    }
                    idempotent::Outcome::Finished(key) => ("finished", key),
                    idempotent::Outcome::Delivered { key, .. } => ("delivered", key),
                };
                let mut done = Done::of([key], []);
                word.clone_into(&mut done.answer.word);
                Ok(done)
            }
            Operation::Complete(delivered) => {
                let keys = self.delivered(delivered, now)?;
                let outcomes = activate::complete(&mut self.store, &self.actor, &keys, at)?;
                let changed: Vec<bool> = outcomes.iter().map(|outcome| outcome.changed).collect();
                let mut done = Done::of(outcomes.into_iter().map(|outcome| outcome.key), changed);
                // One that a later one of them replaced is something else by now.
                done.records.clear();
                Ok(done)
            }
            Operation::Void(delivered) => {
                let keys = self.delivered(delivered, now)?;
                let void = activate::void(&mut self.store, "operator:model", &keys, at)?;
                Ok(Done::of([], [void]))
            }
            Operation::Hold(delivered) => {
                let keys = self.delivered(delivered, now)?;
                activate::hold(&mut self.store, &self.actor, &keys, at)?;
                Ok(Done::default())
            }
            Operation::Present { workspace, secret } => {
                let secret = Secret::new(secret.clone());
                let outcome = activate::present(store, actor, workspace.as_deref(), &secret, at)?;
                let mut done = Done::of([outcome.key], [outcome.changed]);
                done.records.extend(outcome.replaced);
                Ok(done)
            }
            Operation::Rename { key, name } => {
                let (place, key) = named(key);
                let outcome = rename::run(store, actor, place, &key, &name.parse()?, at)?;
                Ok(Done::changed(outcome))
            }
            Operation::Set { key, expires, changes } => {
                let request = set::Request {
                    workspace: key.workspace.clone(),
                    selector: named(key).1,
                    expires: expires.map(when),
                    changes: changed(changes),
                };
                Ok(Done::changed(set::run(store, actor, &request, at)?))
            }
            Operation::Disable { key, idle } => {
                let ((place, key), idle) = (named(key), idle.map(minutes));
                let change = Change::Disable;
                let outcome = pause::run(store, actor, place, &key, change, idle.as_ref(), at)?;
                Ok(Done::changed(outcome))
            }
            Operation::Enable(key) => {
                let (place, key) = named(key);
                let outcome = pause::run(store, actor, place, &key, Change::Enable, None, at)?;
                Ok(Done::changed(outcome))
            }
            Operation::Rotate { .. } => {
                let request = rotation(operation);
                let outcome = rotate::run(store, actor, &request, at, random)?;
                let minted = token(&outcome.key, &outcome.secret);
                let mut done = Done::of([outcome.key, outcome.old], []);
                done.minted.push(minted);
                done.answer.also = sorted(&outcome.ending);
                done.answer.left = sorted(&outcome.rest.ids);
                Ok(done)
            }
            Operation::Cancel(key) => {
                let (place, key) = named(key);
                let outcome = cancel::run(store, actor, place, &key, at)?;
                let keys = [Some(outcome.key), outcome.cancelled];
                Ok(Done::of(keys.into_iter().flatten(), []))
            }
            Operation::Revoke { workspace, keys, reason, message, idle } => {
                use revoke::Reason::{Compromised, Retired, Superseded, Unspecified};
                let request = revoke::Request {
                    workspace: workspace.clone(),
                    selectors: keys.iter().map(|key| named(key).1).collect(),
                    reason: [Compromised, Superseded, Retired, Unspecified][*reason],
                    message: message.clone(),
                    idle: idle.map(minutes),
                };
                let outcome = revoke::run(store, actor, &request, at)?;
                let changed: Vec<bool> = outcome.keys.iter().map(|one| one.changed).collect();
                let keys = outcome.keys.into_iter().map(|revoked| revoked.key);
                let mut done = Done::of(keys, changed);
                done.answer.left = sorted(&outcome.rest.ids);
                Ok(done)
            }
            Operation::Verify { workspace, asks } => self.verify(workspace.as_ref(), asks, at),
            Operation::Prune { workspace, dead_for, rehearsal } => {
                let request = prune::Request {
                    workspace: workspace.clone(),
                    all: false,
                    dead_for: dead_for.map(minutes),
                    idle: None,
                    is_rehearsal: *rehearsal,
                };
                let mut pruned = Vec::new();
                prune::run(store, actor, &request, at, |keys| {
                    pruned.extend(keys.to_vec());
                    Ok(())
                })?;
                let mut done = Done::of(pruned, []);
                done.records.clear();
                Ok(done)
            }
            Operation::List { .. } => {
                let mut found = Vec::new();
                list::run(store, actor, &listing(operation), at, |key| {
                    found.push(key);
                    Ok(())
                })?;
                Ok(Done::of(found, []))
            }
            Operation::Show(key) => {
                let (place, key) = named(key);
                let shown = show::run(store, actor, place, &key, at)?;
                let mut done = Done::of([shown.key], []);
                done.answer.left = sorted(&shown.others);
                Ok(done)
            }
            Operation::Backup(_)
            | Operation::Restore(_)
            | Operation::Export { .. }
            | Operation::Import { .. } => self.run_on_store(operation, at, random),
            _ => self.run_on_workspaces(operation, at),
        }
    }

    fn run_on_workspaces(&mut self, operation: &Operation, now: Timestamp) -> Result<Done> {
        let (store, actor) = (&mut self.store, &self.actor);
        let policy = |policy: &usize| Policy::from_toml(POLICIES[*policy].toml);
        let changed = match operation {
            Operation::CreateWorkspace { name, policy: of, plan } => {
                let request = workspace::Request {
                    name: name.parse()?,
                    preset: None,
                    policy: policy(of)?,
                    plan: plan.clone(),
                };
                workspace::create(store, actor, request, now)?;
                None
            }
            Operation::RenameWorkspace { from, to } => {
                Some(workspace::rename(store, actor, from, &to.parse()?, now)?.1)
            }
            Operation::SetWorkspace { workspace, policy: of, cap, plan, keep_outside } => {
                let request = workspace::set::Request {
                    workspace: workspace.clone(),
                    policy: match of {
                        Some(of) => Some((None, policy(of)?)),
                        None => None,
                    },
                    changes: PolicyChanges { active_key_cap: *cap, ..PolicyChanges::default() },
                    plan: plan.clone().map(Some),
                    keep_outside: *keep_outside,
                };
                Some(workspace::set::run(store, actor, request, now)?.1)
            }
            Operation::DeleteWorkspace(name) => {
                workspace::delete(store, actor, name, now)?;
                None
            }
            Operation::UseWorkspace(name) => Some(workspace::choose(store, actor, name, now)?.1),
            other => panic!("this is done elsewhere: {other:?}"),
        };
        Ok(Done::of([], changed))
    }

    fn verify(&mut self, workspace: Option<&String>, asks: &[Ask], now: Timestamp) -> Result<Done> {
        let is_in_file = self.path.is_absolute();
        let mut other = None;
        if let Some(workspace) = workspace {
            let opened = Verifier::open(&self.path, WAIT, |key| key.id.as_str().to_owned())?;
            other = Some(opened.within(Some(workspace.clone())));
        }
        let verifier = other.as_mut().unwrap_or(&mut self.verifier);
        let mut done = Done::default();
        for ask in asks {
            let verdict = verifier.verify(&asked(ask), now)?;
            done.answer.verdicts.push(Verdict {
                code: verdict.code.word().to_owned(),
                subject: verdict.subject.map(|key| (*key).clone()),
                last_used: verdict.last_used_at.map(Timestamp::as_millis).filter(|_| is_in_file),
                recorded: verdict.recorded,
                retry_after: verdict.retry_after,
                remaining: verdict.remaining,
            });
        }
        verifier.flush()?;
        Ok(done)
    }

    /// The records of keys as whoever minted them holds them: with the hash of the secret that was handed over.
    fn delivered(&mut self, delivered: &[Delivered], now: i64) -> Result<Vec<Key>> {
        let mut keys = Vec::new();
        for delivered in delivered {
            let mut key = self.show(&delivered.workspace, &delivered.id, now)?;
            key.hash = Secret::new(delivered.secret.clone()).hash();
            keys.push(key);
        }
        Ok(keys)
    }
}

impl Done {
    fn of(keys: impl IntoIterator<Item = Key>, changed: impl IntoIterator<Item = bool>) -> Self {
        let records: Vec<Key> = keys.into_iter().collect();
        let ids = records.iter().map(|key| key.id.as_str().to_owned());
        Self {
            answer: Answer {
                keys: ids.collect(),
                changed: changed.into_iter().collect(),
                ..Answer::default()
            },
            minted: Vec::new(),
            records,
            events: None,
            formats: 0,
        }
    }

    fn changed(outcome: change::Outcome) -> Self {
        let mut done = Self::of([outcome.key], [outcome.changed]);
        done.answer.also = sorted(&outcome.also_changed);
        done.answer.left = sorted(&outcome.rest.ids);
        done
    }

    fn minted(outcome: mint::Outcome) -> Self {
        let minted = outcome.keys.iter().zip(&outcome.secrets);
        let minted = minted.map(|(key, secret)| token(key, secret)).collect();
        let done = Self::of(outcome.keys, []);
        Self { minted, ..done }
    }
}

fn sorted(ids: &[KeyId]) -> Vec<String> {
    let mut ids: Vec<String> = ids.iter().map(|id| id.as_str().to_owned()).collect();
    ids.sort();
    ids
}

fn token(key: &Key, secret: &Secret) -> Token {
    Token { id: key.id.as_str().to_owned(), secret: secret.expose().to_owned() }
}
