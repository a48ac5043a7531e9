//! Taking in records: those of another store, and other systems' keys by their hashes.
//!
//! This module never takes a secret, and never half a line: each is wholly in or not at all.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use rand::TryCryptoRng;
use serde_json::json;

use crate::domain::audit::Action;
use crate::domain::key::{self, Key, KeyId, State};
use crate::domain::sanitize::Safe;
use crate::domain::timestamp::Timestamp;
use crate::domain::transfer::{KeyLine, Line, LineOutcome, WorkspaceLine};
use crate::domain::workspace::{Workspace, WorkspaceId};
use crate::error::{Error, Kind, Result};
use crate::ops::access::{Access, Actor};
use crate::ops::{limits, mint};
use crate::store::{Store, Writer, beside, put_in_place};

/// How lines are taken in.
#[derive(Debug)]
pub struct Request {
    /// The workspace of keys whose line names none.
    pub workspace: Option<String>,
    /// Whether lines that are refused are left out, instead of everything.
    pub keep_going: bool,
}

/// How many refusals an error tells of.
const MOST_TOLD: usize = 10;
/// How many refusals are enough where one is too many.
const MOST_REFUSED: usize = 1_000;
/// How many lines are taken in at once.
const MOST_LINES: u64 = 1_000_000;

/// Takes the lines in, all in one transaction. Returns what became of each, and the first refusal's kind.
///
/// # Errors
/// The first refusal's kind when not all lines can be taken in and the request is for all; then nothing is. What reading a
/// line gives; `scope_rejected` for a key; the store's.
pub fn run<R: TryCryptoRng>(
    store: &mut Store,
    actor: &Actor,
    request: &Request,
    lines: &mut dyn Iterator<Item = Result<Vec<u8>>>,
    now: Timestamp,
    rng: &mut R,
) -> Result<(Vec<LineOutcome>, Option<Kind>)> {
    store.write(|writer| {
        let access = Access::admit(writer, actor, now)?;
        access.require_operator()?;
        let mut desk = Desk {
            writer,
            access,
            request,
            now,
            rng,
            owners: BTreeMap::new(),
        };
        let (mut outcomes, mut first, mut refused) = (Vec::new(), None, 0);
        for (index, line) in (0..).zip(lines) {
            let line = line?;
            if index >= MOST_LINES {
                return Err(
                    Error::usage(format!("there are more than {MOST_LINES} lines"))
                        .hinted("import them in parts"),
                );
            }
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let (name, taken) = desk.take(&line);
            outcomes.push(match taken {
                Ok((code, id)) => LineOutcome {
                    index,
                    code,
                    id,
                    name,
                    refusal: None,
                },
                Err(error) if is_refusal(error.kind()) => {
                    first.get_or_insert(error.kind());
                    refused += 1;
                    LineOutcome {
                        index,
                        code: error.kind().code(),
                        id: None,
                        name,
                        refusal: Some(error.to_string()),
                    }
                }
                Err(error) => return Err(error),
            });
            if !request.keep_going && refused == MOST_REFUSED {
                break;
            }
        }
        match first {
            Some(kind) if !request.keep_going => Err(nothing(kind, &outcomes)),
            first => Ok((outcomes, first)),
        }
    })
}

/// Does the same where there is no store: one is made, and takes its place only if the lines are taken in.
///
/// # Errors
/// As [`run`]; `conflict` when a store was made there meanwhile.
pub fn into_new<R: TryCryptoRng>(
    path: &Path,
    wait: Duration,
    actor: &Actor,
    request: &Request,
    lines: &mut dyn Iterator<Item = Result<Vec<u8>>>,
    now: Timestamp,
    rng: &mut R,
) -> Result<(Vec<LineOutcome>, Option<Kind>)> {
    let beside_it = beside(path)?;
    let mut made = Store::open_or_create(&beside_it, wait)?;
    let taken = run(&mut made, actor, request, lines, now, rng);
    drop(made);
    let taken = taken.and_then(|taken| put_in_place(path, &beside_it).map(|()| taken));
    // What cannot be removed is removed by the next attempt.
    let _ = beside(path);
    taken
}

/// Whether it is the line's fault, and not the store's.
fn is_refusal(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Usage
            | Kind::InvalidName
            | Kind::InvalidPolicy
            | Kind::InvalidScope
            | Kind::InvalidEnvironment
            | Kind::InvalidExpiry
            | Kind::WorkspaceNotFound
            | Kind::NameTaken
            | Kind::Ambiguous
            | Kind::Conflict
            | Kind::LimitReached
    )
}

fn nothing(kind: Kind, outcomes: &[LineOutcome]) -> Error {
    let refused = outcomes.iter().filter(|outcome| outcome.refusal.is_some());
    let told = refused.clone().take(MOST_TOLD).map(|outcome| {
        let why = outcome.refusal.as_deref().unwrap_or_default();
        format!("line {} ({}): {why}", outcome.index + 1, outcome.code)
    });
    let (told, count): (Vec<String>, usize) = (told.collect(), refused.count());
    let more = match count.saturating_sub(MOST_TOLD) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    Error::new(
        kind,
        format!(
            "nothing was imported, because {count} of {} lines are refused: {}{more}",
            outcomes.len(),
            told.join("; ")
        ),
    )
    .hinted("`keyward store import --keep-going` takes in the others")
}

struct Desk<'a, 'w, R> {
    writer: &'a Writer<'w>,
    access: Access,
    request: &'a Request,
    now: Timestamp,
    rng: &'a mut R,
    /// The workspaces met so far, by the name that lines have for them.
    owners: BTreeMap<Option<String>, Workspace>,
}

/// What a line became, and of which key.
type Taken = (&'static str, Option<KeyId>);

impl<R: TryCryptoRng> Desk<'_, '_, R> {
    fn take(&mut self, line: &[u8]) -> (Option<String>, Result<Taken>) {
        match Line::parse(line) {
            Err(error) => (None, Err(error)),
            Ok(Line::Workspace(line)) => {
                let name = Some(line.name.to_string());
                (name, self.take_workspace(*line).map(|code| (code, None)))
            }
            Ok(Line::Key(line)) => {
                let name = Some(line.name.to_string());
                (
                    name,
                    self.take_key(*line).map(|(code, id)| (code, Some(id))),
                )
            }
        }
    }

    fn take_workspace(&mut self, line: WorkspaceLine) -> Result<&'static str> {
        let name = line.name.to_string();
        if let Some(present) = self.writer.workspace_named(&name)? {
            return match present.policy == line.policy && present.plan == line.plan {
                true => Ok("unchanged"),
                false => Err(Error::new(
                    Kind::Conflict,
                    format!(
                        "there is a workspace \"{}\" with another policy",
                        Safe(&name)
                    ),
                )),
            };
        }
        let mut workspace = Workspace {
            id: WorkspaceId(0),
            name: name.clone(),
            preset: line.preset,
            policy: line.policy,
            plan: line.plan,
            created_at: self.now,
            created_by: self.access.actor.clone(),
        };
        workspace.id = self.writer.insert_workspace(&workspace)?;
        let details = json!({ "preset": workspace.preset, "plan": workspace.plan });
        let (action, actor) = (Action::WorkspaceImport, &self.access.actor);
        self.writer
            .audit(self.now, actor, action, &name, &details)?;
        self.owners.clear();
        Ok("created")
    }

    fn take_key(&mut self, line: KeyLine) -> Result<(&'static str, KeyId)> {
        let named = line
            .workspace
            .clone()
            .or_else(|| self.request.workspace.clone());
        let owner = self.owner(named)?;
        if let Some(present) = self.writer.key_by_hash(&line.hash)? {
            let is_it = present.workspace_id == owner.id
                && line.id.as_ref().is_none_or(|id| *id == present.id);
            let made_at = line.created_at.unwrap_or(present.created_at);
            let status = key::status(line.state, made_at, line.expires_at, self.now, present.seen);
            let is_dead = line.has_expired || !status.is_living();
            return match is_it {
                true if is_dead == present.status(self.now).is_living() => Err(Error::new(
                    Kind::Conflict,
                    format!(
                        "{} is {} here, and {} in the line",
                        present.id,
                        present.status(self.now).word(),
                        if is_dead { "dead" } else { "alive" }
                    ),
                )),
                true => Ok(("unchanged", present.id)),
                false => Err(Error::new(
                    Kind::Conflict,
                    format!("the hash is that of {} already", present.id),
                )),
            };
        }
        let id = match line.id {
            None => KeyId::generate(self.rng)?,
            Some(id) => match self.writer.key_by_id(id.as_str())? {
                // Revoking is for ever, also where the record is gone.
                None if line.state != State::Revoked && self.writer.was_ended(id.as_str())? => {
                    return Err(Error::new(
                        Kind::Conflict,
                        format!("{id} was revoked in this store, or deleted when it was dead"),
                    ));
                }
                None => id,
                Some(_) => {
                    return Err(Error::new(
                        Kind::Conflict,
                        format!("there is a {id} with another hash"),
                    ));
                }
            },
        };
        let environment = owner.policy.environment(line.environment.as_deref())?;
        let is_revoked = line.state == State::Revoked;
        let key = Key {
            id,
            workspace_id: owner.id,
            workspace: owner.name.clone(),
            name: line.name.to_string(),
            environment: environment.to_owned(),
            scopes: line.scopes,
            prefix: line.prefix,
            short: line.short,
            hint: line.hint,
            hash: line.hash,
            state: line.state,
            created_at: line.created_at.unwrap_or(self.now),
            created_by: line.created_by.unwrap_or_else(|| self.access.actor.clone()),
            expires_at: match line.has_expired {
                true => line.expires_at.map(|expires_at| expires_at.min(self.now)),
                false => line.expires_at,
            },
            last_used_at: None,
            revoked_at: is_revoked.then(|| line.revoked_at.unwrap_or(self.now)),
            revoked_reason: is_revoked.then(|| {
                line.revoked_reason
                    .unwrap_or_else(|| "unspecified".to_owned())
            }),
            revoked_message: line.revoked_message.filter(|_| is_revoked),
            rotation: line.rotation,
            replaced_by: line.replaced_by,
            allow: line.allow,
            owner: line.owner,
            labels: line.labels,
            seen: self.writer.clock()?.seen,
        };
        if key.status(self.now).is_living() {
            owner.policy.check_scopes(&key.scopes)?;
            limits::check_cap(self.writer, &owner, 1, self.now)?;
        }
        if key.holds_its_name(self.now) {
            limits::check_name(self.writer, &owner, environment, &key.name, self.now)?;
        }
        self.writer.insert_key(&key)?;
        if let Some(at) = line.last_used_at {
            self.writer.note_last_use(&key.id, at)?;
        }
        let details = json!({
            "workspace": key.workspace,
            "name": key.name,
            "environment": key.environment,
            "prefix": key.prefix,
            "status": key.status(self.now).word(),
        });
        let (action, actor) = (Action::KeyImport, &self.access.actor);
        self.writer
            .audit(self.now, actor, action, key.id.as_str(), &details)?;
        Ok(("created", key.id))
    }

    fn owner(&mut self, named: Option<String>) -> Result<Workspace> {
        if let Some(owner) = self.owners.get(&named) {
            return Ok(owner.clone());
        }
        let (writer, access) = (self.writer, &self.access);
        let (owner, _) = mint::workspace_for(writer, access, named.as_deref(), self.now)?;
        self.owners.insert(named, owner.clone());
        Ok(owner)
    }
}
