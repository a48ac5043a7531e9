//! Importing a line: as a workspace, or as a key ([`super::keys`]).

use std::collections::{BTreeMap, BTreeSet};

use rand::TryCryptoRng;
use serde_json::json;

use super::{Notes, Request};
use crate::domain::audit::Action;
use crate::domain::exposure::{looks_like_secret, parts};
use crate::domain::known_format::KnownFormat;
use crate::domain::secret::SecretHash;
use crate::domain::transfer::{FormatFields, Line, WorkspaceLine, free_texts, place_of, texts};
use crate::domain::{KeyId, Workspace, WorkspaceId};
use crate::error::{Error, Result};
use crate::ops::access::Act;
use crate::ops::judge::{Detector, Found};
use crate::ops::mint;

/// What taking lines in needs.
pub(super) struct Importer<'a, 'w, R> {
    pub(super) act: Act<'a, 'w>,
    pub(super) request: &'a Request,
    pub(super) rng: &'a mut R,
    /// The workspaces met so far, by the name that lines have for them.
    pub(super) owners: BTreeMap<Option<String>, Workspace>,
    /// The parts of the lines so far that could be a secret: the beginnings of their hashes.
    pub(super) said: BTreeSet<[u8; 8]>,
    /// Whether a line has a key whose secret an earlier line says.
    pub(super) has_said_a_secret: bool,
    /// The hashes of the lines so far, with the lines' numbers.
    pub(super) hashes: BTreeMap<[u8; 32], u64>,
    pub(super) ids: BTreeMap<KeyId, u64>,
    /// Those of records that differ from their lines.
    pub(super) differing: BTreeSet<KeyId>,
    /// What the tokens of these keys begin with.
    pub(super) fronts: BTreeSet<String>,
    /// The successors that records name and that do not exist so far, each with the keys that name it; once they were needed.
    pub(super) awaited: Option<BTreeMap<KeyId, Vec<KeyId>>>,
    /// The next number for each name of a workspace that was taken.
    pub(super) numbers: BTreeMap<(WorkspaceId, String), u64>,
    pub(super) notes: Notes,
}

/// What a line became.
pub(super) struct Taken {
    /// `created`, `unchanged` or `differs`.
    pub(super) code: &'static str,
    pub(super) id: Option<KeyId>,
    /// In which fields the record differs.
    pub(super) fields: Vec<&'static str>,
    /// The key's name, where it may be another than the line's.
    pub(super) name: Option<String>,
}

impl Taken {
    pub(super) fn created(id: Option<KeyId>) -> Self {
        Self { code: "created", id, fields: Vec::new(), name: None }
    }

    /// The result of a line whose record exists and differs in these fields.
    pub(super) fn compared(id: Option<KeyId>, fields: Vec<&'static str>) -> Self {
        let code = if fields.is_empty() { "unchanged" } else { "differs" };
        Self { code, id, fields, name: None }
    }
}

impl<R: TryCryptoRng> Importer<'_, '_, R> {
    /// Imports the line with this number. Returns its name, if it could be read.
    pub(super) fn take(&mut self, line: &[u8], number: u64) -> (Option<String>, Result<Taken>) {
        match self.read(line) {
            Err(error) => (None, Err(error)),
            Ok((Line::Workspace(line), _)) => {
                (Some(line.name.to_string()), self.take_workspace(*line))
            }
            Ok((Line::Format(format), _)) => (None, self.take_format(&format)),
            Ok((Line::Key(line), dropped)) => {
                let said = line.name.to_string();
                match self.take_key(*line, number, dropped) {
                    Ok(mut taken) => (taken.name.take().or(Some(said)), Ok(taken)),
                    refused => (Some(said), refused),
                }
            }
        }
    }

    /// Reads a line, with what another system's row has and the line does not.
    fn read(&mut self, line: &[u8]) -> Result<(Line, Vec<String>)> {
        let mapped = match &self.request.source {
            None => None,
            Some(mapping) => {
                let row = serde_json::from_slice(line)
                    .map_err(|_| Error::usage("it is not a JSON object"))?;
                Some(mapping.line(&row, self.request.form)?)
            }
        };
        let line = mapped.as_ref().map_or(line, |mapped| mapped.line.as_bytes());
        self.refuse_secrets(line)?;
        let parsed = Line::parse(line, self.request.form)?;
        Ok((parsed, mapped.map(|mapped| mapped.dropped).unwrap_or_default()))
    }

    /// Refuses a line that has a secret where none belongs: one of this store, or anything that looks like one.
    fn refuse_secrets(&mut self, line: &[u8]) -> Result<()> {
        let detector = Detector::new(&self.act);
        for text in texts(line) {
            if let Some(found) = detector.finds(text.as_bytes())? {
                return Err(exposed(found, &place_of(line, &text)));
            }
        }
        for text in free_texts(line) {
            if looks_like_secret(&text) {
                return Err(exposed(Found::Form, &place_of(line, &text)));
            }
            self.said.extend(
                parts(text.as_bytes()).into_iter().map(|part| beginning(SecretHash::of(part))),
            );
        }
        Ok(())
    }

    fn take_workspace(&mut self, line: WorkspaceLine) -> Result<Taken> {
        let name = line.name.to_string();
        if let Some(present) = self.act.workspace_named(&name)? {
            return Ok(Taken::compared(None, line.differences(&present)));
        }
        let mut workspace = Workspace {
            id: WorkspaceId(0),
            name: name.clone(),
            preset: line.preset,
            policy: line.policy,
            plan: line.plan,
            created_at: self.act.now,
            created_by: self.act.access.actor.clone(),
        };
        workspace.id = self.act.insert_workspace(&workspace)?;
        let details = json!({ "preset": workspace.preset, "plan": workspace.plan });
        self.act.note(Action::WorkspaceImport, &name, &details)?;
        self.owners.clear();
        Ok(Taken::created(None))
    }

    fn take_format(&mut self, format: &KnownFormat) -> Result<Taken> {
        if !self.act.keep_format(format)? {
            return Ok(Taken::compared(None, Vec::new()));
        }
        self.act.note(Action::StoreFormat, "store", &json!(FormatFields::from(format)))?;
        Ok(Taken::created(None))
    }

    /// The workspace that lines have this name for.
    pub(super) fn owner(&mut self, named: Option<String>) -> Result<Workspace> {
        if let Some(owner) = self.owners.get(&named) {
            return Ok(owner.clone());
        }
        if let (true, Some(name)) = (self.request.by_owner, &named)
            && self.act.workspace_named(name)?.is_none()
        {
            return self.workspace_of(name);
        }
        let (owner, _) = mint::workspace_for(&self.act, named.as_deref())?;
        self.owners.insert(named, owner.clone());
        Ok(owner)
    }
}

/// The error of a secret in a line. It repeats nothing of it.
pub(super) fn exposed(found: Found, place: &str) -> Error {
    let (has, replace) = match found {
        Found::Known => ("contains", "replace this key"),
        Found::Form => ("contains what looks like", "if it is one, replace its key"),
    };
    Error::usage(format!("{place} {has} a key's secret, which must not be in a record"))
        .hinted(format!("remove it, and {replace} with `keyward rotate KEY --now`"))
}

/// Enough of a hash to distinguish ten million.
pub(super) fn beginning(hash: SecretHash) -> [u8; 8] {
    let bytes = hash.as_bytes().first_chunk();
    *bytes.expect("a hash has 32 bytes")
}
