//! Where a line is taken in: as a workspace, or as a key with its rules.
//!
//! This module never decides whether a refusal ends the import.

use std::collections::{BTreeMap, BTreeSet};

use rand::TryCryptoRng;
use serde_json::json;

use super::Request;
use crate::domain::audit::Action;
use crate::domain::exposure::{looks_like_secret, parts};
use crate::domain::key::{self, Key, KeyId, State};
use crate::domain::policy::is_environment;
use crate::domain::sanitize::Safe;
use crate::domain::secret::SecretHash;
use crate::domain::timestamp::Timestamp;
use crate::domain::transfer::{KeyLine, Line, WorkspaceLine, free_texts, texts};
use crate::domain::workspace::{Workspace, WorkspaceId};
use crate::error::{Error, Kind, Result};
use crate::ops::access::Access;
use crate::ops::exposure::{Detector, Found};
use crate::ops::{limits, mint};
use crate::store::Writer;

/// What taking lines in needs.
pub(super) struct Desk<'a, 'w, R> {
    pub(super) writer: &'a Writer<'w>,
    pub(super) access: Access,
    pub(super) request: &'a Request,
    pub(super) now: Timestamp,
    pub(super) rng: &'a mut R,
    /// The workspaces met so far, by the name that lines have for them.
    pub(super) owners: BTreeMap<Option<String>, Workspace>,
    /// The parts of the lines so far that could be a secret: the beginnings of their hashes.
    pub(super) said: BTreeSet<[u8; 8]>,
    /// Whether a line has a key whose secret an earlier line says.
    pub(super) has_said_a_secret: bool,
}

/// What a line became, and of which key.
pub(super) type Taken = (&'static str, Option<KeyId>);

impl<R: TryCryptoRng> Desk<'_, '_, R> {
    pub(super) fn take(&mut self, line: &[u8]) -> (Option<String>, Result<Taken>) {
        if let Err(error) = self.refuse_secrets(line) {
            return (None, Err(error));
        }
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

    /// Refuses a line that has a secret where none belongs: one of this store, or anything that looks like one.
    fn refuse_secrets(&mut self, line: &[u8]) -> Result<()> {
        let detector = Detector::new(self.writer);
        for text in texts(line) {
            if let Some(found) = detector.finds(text.as_bytes())? {
                return Err(exposed(found));
            }
        }
        for text in free_texts(line) {
            if looks_like_secret(&text) {
                return Err(exposed(Found::Form));
            }
            self.said.extend(
                parts(text.as_bytes())
                    .into_iter()
                    .map(|part| beginning(SecretHash::of(part))),
            );
        }
        Ok(())
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
        self.has_said_a_secret |= self.said.contains(&beginning(line.hash));
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
        // Whatever the line says: its record was pruned, and its secret is not to be valid again under any id.
        if self.writer.is_ended(&line.hash)? {
            return Err(Error::new(
                Kind::Conflict,
                "the hash is that of a key which was revoked or pruned in this store",
            ));
        }
        let id = match line.id.clone() {
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
        // A record of a store is taken as it is: the policy may have been changed since it was made.
        let is_record = line.id.is_some();
        let environment = match &line.environment {
            Some(environment) if is_record && is_environment(environment) => environment,
            asked => owner.policy.environment(asked.as_deref())?,
        };
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
        if key.status(self.now).is_living() && !is_record {
            owner.policy.check_scopes(&key.scopes, &[])?;
            limits::check_cap(self.writer, &owner, 1, self.now)?;
        }
        if key.holds_its_name(self.now) {
            limits::check_name(self.writer, &owner, &key.environment, &key.name, self.now)?;
            if !is_record {
                limits::check_no_key_is_called(self.writer, &owner, &key.name)?;
            }
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

/// The error of a secret in a line. It repeats nothing of it.
pub(super) fn exposed(found: Found) -> Error {
    let (has, replace) = match found {
        Found::Known => ("holds", "replace this key"),
        Found::Form => (
            "holds what has the form of",
            "if it is one, replace its key",
        ),
    };
    Error::usage(format!(
        "a field {has} a key's secret, which belongs in no record"
    ))
    .hinted(format!(
        "take it out, and {replace} with `keyward rotate KEY`"
    ))
}

/// Enough of a hash to tell ten million apart.
fn beginning(hash: SecretHash) -> [u8; 8] {
    let bytes = hash.as_bytes().first_chunk();
    *bytes.expect("a hash has 32 bytes")
}
