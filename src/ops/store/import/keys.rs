//! Where a line becomes a key, or is compared with the one that is in the store.

use std::collections::btree_map::Entry;

use rand::TryCryptoRng;
use serde_json::json;

use super::Scopes;
use super::adapt;
use super::importer::{Importer, Taken, beginning};
use crate::domain::audit::Action;
use crate::domain::key::UNSPECIFIED;
use crate::domain::known_format::KnownFormat;
use crate::domain::mapping::UNNAMED;
use crate::domain::policy::is_environment;
use crate::domain::transfer::KeyLine;
use crate::domain::{Key, KeyId, State, Status, Timestamp, Workspace};
use crate::error::{Error, Kind, Result};
use crate::ops::{limits, links};

impl<R: TryCryptoRng> Importer<'_, '_, R> {
    pub(super) fn take_key(
        &mut self,
        mut line: KeyLine,
        number: u64,
        mut dropped: Vec<String>,
    ) -> Result<Taken> {
        if self.request.scopes == Scopes::None && line.id.is_none() {
            line.said.remove("scopes");
            if !std::mem::take(&mut line.key.scopes).is_empty() {
                dropped.push("scopes".to_owned());
            }
        }
        self.has_said_a_secret |= self.said.contains(&beginning(line.key.hash));
        self.refuse_twice(&line, number)?;
        let owner = line.key.owner.as_ref().filter(|_| self.request.by_owner);
        let named = line.workspace.as_ref().or(owner).or(self.request.workspace.as_ref()).cloned();
        if let Some(present) = self.present(&line)? {
            if self.request.source.is_some() && adapt::is_numbered(&line.name, &present.name) {
                line.name = present.name.parse()?;
            }
            let fields = line.differences(&present, named.as_deref(), self.act.now);
            if !fields.is_empty() {
                self.differing.insert(present.id.clone());
            }
            let taken = Taken::compared(Some(present.id), fields);
            return Ok(Taken { name: Some(present.name), ..taken });
        }
        self.refuse_ended(&line)?;
        let mut owner = self.owner(named)?;
        // A record of a store is imported unchanged: the policy may have changed since it was made.
        let is_record = line.id.is_some();
        let last_used_at = line.key.last_used_at;
        let mut key = self.key_of(line, &owner)?;
        self.keep_front(&key)?;
        self.refuse_bad_links(&key)?;
        let added = if is_record { Vec::new() } else { self.widen(&mut owner.policy, &key)? };
        if key.is_living(self.act.now) && !is_record {
            owner.policy.check_scopes(&key.scopes, &[])?;
            limits::check_cap(&self.act, &owner, 1, self.act.now)?;
        }
        if let (Some(plan), true) = (&key.plan, key.is_living(self.act.now)) {
            owner.policy.plan(plan)?;
        }
        let is_unnamed = self.request.source.is_some() && key.name == UNNAMED;
        let (said, mut is_free) = (key.name.clone(), !is_unnamed);
        loop {
            match is_free.then(|| self.check_name(&owner, &key, is_record)) {
                Some(Ok(())) => break,
                Some(Err(error))
                    if error.kind() != Kind::NameTaken || self.request.source.is_none() =>
                {
                    return Err(error);
                }
                _ => key.name = self.next_name(&owner, &said),
            }
            is_free = true;
        }
        self.settle(&mut owner, added)?;
        key.workspace_id = owner.id;
        if key.name != said {
            self.notes.numbered.push((number, key.name.clone()));
        }
        self.notes.expired += u64::from(key.status(self.act.now) == Status::Expired);
        for what in dropped {
            *self.notes.dropped.entry(what).or_default() += 1;
        }
        self.insert(key, last_used_at)
    }

    /// Keeps what the key's token begins with, where no format has that and it could be that of other keys too.
    fn keep_front(&mut self, key: &Key) -> Result<()> {
        let Some(front) = KnownFormat::front_of(key) else {
            return Ok(());
        };
        if self.fronts.insert(front.to_owned())
            && !self.act.formats()?.iter().any(|format| format.begins(front))
        {
            self.act.keep_format(&KnownFormat::Front(front.to_owned()))?;
        }
        Ok(())
    }

    /// Refuses a key whose name is taken or means another key.
    fn check_name(&self, owner: &Workspace, key: &Key, is_record: bool) -> Result<()> {
        if !key.holds_its_name(self.act.now) {
            return Ok(());
        }
        // A store has two records of a name where the first had expired by a clock that was ahead for a while: both come.
        let is_known = |id: &KeyId| self.ids.contains_key(id) && !self.differing.contains(id);
        let is_beside = |holder: &Key| is_record && is_known(&holder.id);
        limits::check_name_of(&self.act, owner, key, self.act.now, is_beside)?;
        match is_record {
            true => Ok(()),
            false => limits::check_no_key_is_called(&self.act, owner, &key.name),
        }
    }

    /// Refuses a line that has the hash or the id of an earlier one.
    fn refuse_twice(&mut self, line: &KeyLine, number: u64) -> Result<()> {
        let unit = self.request.unit;
        let twice = |field: &str, earlier: u64| {
            let units = unit.noun(2);
            Err(Error::conflict(format!("{units} {earlier} and {number} have the same {field}")))
        };
        match self.hashes.entry(*line.key.hash.as_bytes()) {
            Entry::Occupied(earlier) => return twice("hash", *earlier.get()),
            Entry::Vacant(free) => free.insert(number),
        };
        let Some(id) = line.id.clone() else {
            return Ok(());
        };
        match self.ids.entry(id) {
            Entry::Occupied(earlier) => return twice("id", *earlier.get()),
            Entry::Vacant(free) => free.insert(number),
        };
        Ok(())
    }

    /// The key that the line is about, by its hash or its id.
    fn present(&self, line: &KeyLine) -> Result<Option<Key>> {
        match (self.act.key_by_hash(&line.key.hash)?, &line.id) {
            (None, Some(id)) => self.act.key_by_id(id.as_str()),
            (found, _) => Ok(found),
        }
    }

    /// Refuses a key that has ended in this store and whose record is gone.
    fn refuse_ended(&self, line: &KeyLine) -> Result<()> {
        // Whatever the line says: its secret is not to be valid again under any id.
        if self.act.is_ended(&line.key.hash)? {
            return Err(Error::conflict(
                "the hash is that of a key which was revoked or pruned in this store",
            ));
        }
        match &line.id {
            // Revoking is permanent, also where the record is gone.
            Some(id) if line.key.state != State::Revoked && self.act.was_ended(id.as_str())? => {
                Err(Error::conflict(format!(
                    "{id} was revoked in this store, or deleted when it was dead"
                )))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a key whose links, or the links of others to it, are none that a rotation makes. A key that is in a later line is
    /// compared then.
    fn refuse_bad_links(&mut self, key: &Key) -> Result<()> {
        let awaited = match &mut self.awaited {
            Some(awaited) => awaited,
            unread => unread.insert(self.act.missing_successors()?),
        };
        let namers = awaited.remove(&key.id).unwrap_or_default();
        let fault = links::fault_of_new(&self.act, key, &namers, self.act.now)?;
        if fault.is_some() && !namers.is_empty() {
            awaited.insert(key.id.clone(), namers);
        }
        match fault {
            None => Ok(()),
            Some(link) if link.holder == key.id => Err(Error::conflict(link.to_string())),
            Some(link) => Err(Error::conflict(format!("in {}, {link}", link.holder))),
        }
    }

    fn key_of(&mut self, line: KeyLine, owner: &Workspace) -> Result<Key> {
        let environment = match &line.environment {
            Some(environment) if line.id.is_some() && is_environment(environment) => environment,
            asked => owner.policy.environment(asked.as_deref())?,
        };
        let mut key = line.key;
        if line.id.is_none() && key.short.is_empty() {
            // A prefix that came from elsewhere selects the key as a whole.
            key.short.clone_from(&key.prefix);
        }
        if line.has_expired {
            key.expires_at = key.expires_at.map(|expires_at| expires_at.min(self.act.now));
        }
        if key.state == State::Revoked {
            key.revoked_at.get_or_insert(self.act.now);
            // A pending key that was void by waiting was revoked for none.
            if !line.said.contains("revokedReason") {
                key.revoked_reason = Some(UNSPECIFIED.to_owned());
            }
        }
        Ok(Key {
            id: match line.id {
                None => KeyId::generate(self.rng)?,
                Some(id) => id,
            },
            workspace_id: owner.id,
            workspace: owner.name.clone(),
            name: line.name.to_string(),
            environment: environment.to_owned(),
            created_at: line.created_at.unwrap_or(self.act.now),
            created_by: line.created_by.unwrap_or_else(|| self.act.access.actor.clone()),
            last_used_at: None,
            seen: self.act.clock()?.seen,
            ..key
        })
    }

    fn insert(&mut self, key: Key, last_used_at: Option<Timestamp>) -> Result<Taken> {
        self.act.insert_key(&key)?;
        if let Some(at) = last_used_at {
            self.act.note_last_use(&key.id, at)?;
        }
        let details = json!({
            "workspace": key.workspace,
            "name": key.name,
            "environment": key.environment,
            "prefix": key.prefix,
            "status": key.status(self.act.now).word(),
        });
        self.act.note(Action::KeyImport, key.id.as_str(), &details)?;
        if let (Some(awaited), Some(successor)) = (&mut self.awaited, &key.replaced_by)
            && self.act.find_seq(successor)?.is_none()
        {
            let namers = awaited.entry(successor.clone()).or_default();
            namers.push(key.id.clone());
        }
        Ok(Taken { name: Some(key.name), ..Taken::created(Some(key.id)) })
    }
}
