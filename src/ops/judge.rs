//! From a presented secret to its key and the reason it is or is not good; this store's secrets in texts where none belongs;
//! and the use of a revoked key, which belongs in the audit trail, because somebody still has its secret.
//!
//! This module does not depend on who presents the secret. It never records a use that is good, never changes a verdict for
//! one that is not, and never fills the trail: a key has one such event an hour at most. It never says which secret of a text
//! it found, or where.

use std::cell::OnceCell;
use std::net::IpAddr;
use std::time::Duration;

use serde_json::json;

use crate::domain::audit::{About, Action};
use crate::domain::exposure::{has_run, parts};
use crate::domain::form::HashForm;
use crate::domain::secret::{MAXIMUM_LENGTH, Secret, SecretHash};
use crate::domain::token::TokenFormat;
use crate::domain::verdict::{Ask, Grounds, judge};
use crate::domain::{Code, Key, KeySeq, Status, Timestamp, WorkspaceId, preset};
use crate::error::{Error, Kind, Result};
use crate::store::{Reader, Store};

/// Judges a secret as of one moment of the store.
///
/// The hash is looked up first, because a hit proves the form. Only a miss asks whether the form was any good.
pub fn judge_secret(
    reader: &Reader<'_>,
    secret: &Secret,
    within: Option<WorkspaceId>,
    ask: &Ask,
    now: Timestamp,
) -> Result<(Code, Option<Key>)> {
    if secret.expose().len() > MAXIMUM_LENGTH {
        return Ok((Code::Malformed, None));
    }
    let forms = Forms::default();
    let found = forms.find(reader, secret)?;
    let Some(key) = found.map(|(seq, _)| reader.key_by_seq(seq)).transpose()?.flatten() else {
        return Ok((judge_unknown(reader, &formats(reader)?, &forms, secret)?, None));
    };
    if within.is_some_and(|workspace| workspace != key.workspace_id) {
        return Ok((Code::NotFound, None));
    }
    Ok((judge(&Grounds::from(&key), ask, now, key.seen), Some(key)))
}

/// Whether the hash of a key's record is that of its whole token.
pub(super) fn is_of_whole_token(key: &Key) -> bool {
    matches!(key.form, None | Some(HashForm::Sha256))
}

/// In which forms other systems' keys are in the store, once that was asked for.
#[derive(Default)]
pub(super) struct Forms(OnceCell<Vec<HashForm>>);

impl Forms {
    pub(super) fn of(&self, reader: &Reader<'_>) -> Result<&[HashForm]> {
        if let Some(forms) = self.0.get() {
            return Ok(forms);
        }
        let forms = reader.forms()?;
        Ok(self.0.get_or_init(|| forms))
    }

    /// The key that this secret is of, without what stands in other tables.
    pub(super) fn find(
        &self,
        reader: &Reader<'_>,
        secret: &Secret,
    ) -> Result<Option<(KeySeq, Key)>> {
        let found = reader.bare_key_by_hash(&secret.hash())?;
        // SECURITY: a hash of another form is of another text, which is not a secret.
        if found.as_ref().is_some_and(|(_, key)| is_of_whole_token(key)) {
            return Ok(found);
        }
        for form in self.of(reader)? {
            let Some(hash) = form.hash(secret.expose().as_bytes()) else {
                continue;
            };
            let found = reader.bare_key_by_hash(&hash)?;
            if found.as_ref().is_some_and(|(_, key)| key.form == Some(*form)) {
                return Ok(found);
            }
        }
        Ok(None)
    }
}

/// Judges a secret that no key has. A key with its public part is looked at all the same: if its record was changed outside
/// keyward, the hash may have been, and if it has the hash, the index that should have found it is broken.
pub(super) fn judge_unknown(
    reader: &Reader<'_>,
    formats: &[TokenFormat],
    forms: &Forms,
    secret: &Secret,
) -> Result<Code> {
    // Other systems' tokens have any form.
    let mut code = match forms.of(reader)? {
        [] => Code::Malformed,
        _ => Code::NotFound,
    };
    for short in formats.iter().filter_map(|format| format.short_of(secret.expose())) {
        code = Code::NotFound;
        if short.is_empty() {
            continue;
        }
        let hash = secret.hash();
        let found = reader.keys_with_short(&[short])?;
        if let Some(key) = found.iter().find(|key| key.hash == hash) {
            return Err(Error::new(
                Kind::Damaged,
                format!("the store is damaged: the index of hashes lacks {}", key.id),
            )
            .hinted("run `keyward store check`"));
        }
    }
    Ok(code)
}

/// The forms a token can have: those of the workspaces; without a workspace, those of the presets.
pub(super) fn formats(reader: &Reader<'_>) -> Result<Vec<TokenFormat>> {
    let workspaces = reader.workspaces()?;
    let mut formats = Vec::new();
    if workspaces.is_empty() {
        formats.extend(preset::all().filter_map(|policy| policy.token_format().ok()));
    }
    for workspace in workspaces {
        let format = workspace.policy.token_format()?;
        if !formats.contains(&format) {
            formats.push(format);
        }
    }
    Ok(formats)
}

/// How a secret was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// The store has its hash.
    Known,
    /// It has the form of one, which other words may have too.
    Form,
}

/// What looks for the secrets of one store.
pub struct Detector<'r, 'c> {
    reader: &'r Reader<'c>,
    /// The forms of the workspaces' tokens, once something is as long as one.
    formats: OnceCell<Vec<TokenFormat>>,
    forms: Forms,
}

impl<'r, 'c> Detector<'r, 'c> {
    pub fn new(reader: &'r Reader<'c>) -> Self {
        Self { reader, formats: OnceCell::new(), forms: Forms::default() }
    }

    /// Whether, and how, any part of the text is a secret of this store or has the form of one.
    pub fn finds(&self, text: &[u8]) -> Result<Option<Found>> {
        let parts = parts(text);
        if parts.is_empty() {
            return Ok(None);
        }
        let forms = self.forms.of(self.reader)?;
        let hashes = parts.iter().flat_map(|part| {
            let foreign = forms.iter().filter_map(|form| form.hash(part));
            foreign.chain([SecretHash::of(part)])
        });
        if self.reader.has_any_hash(&hashes.collect::<Vec<_>>())? {
            return Ok(Some(Found::Known));
        }
        let mut words = parts.iter().filter_map(|part| std::str::from_utf8(part).ok());
        let has_form = |word: &str| {
            has_run(word) && self.formats().iter().any(|format| format.recognises(word))
        };
        Ok(words.any(has_form).then_some(Found::Form))
    }

    /// Those that distinguish a token from a checksum. A workspace that cannot be read is for the command to report.
    fn formats(&self) -> &[TokenFormat] {
        self.formats.get_or_init(|| {
            let workspaces = self.reader.workspaces().unwrap_or_default();
            let formats =
                workspaces.iter().filter_map(|workspace| workspace.policy.token_format().ok());
            formats.filter(TokenFormat::is_distinctive).collect()
        })
    }
}

/// How long a key's last such event speaks for further uses, in milliseconds: an hour.
pub const SPEAKS_FOR: i64 = 60 * 60 * 1000;
/// The longest that the event waits for another process; the verdict is known by then.
const WAIT: Duration = Duration::from_secs(1);

/// Adds the event of a revoked key's use, unless one speaks for it or the key is not revoked.
pub fn note(store: &mut Store, key: KeySeq, address: Option<IpAddr>, now: Timestamp) -> Result<()> {
    if store.read(|reader| to_be_noted(reader, key, now))?.is_none() {
        return Ok(());
    }
    store.write_within(WAIT, |writer| {
        let Some(key) = to_be_noted(writer, key, now)? else {
            return Ok(());
        };
        let details = json!({ "address": address.map(|address| address.to_string()) });
        let actor = format!("key:{}", key.id.as_str());
        writer.audit(now, &actor, Action::KeyReuse, key.id.as_str(), &details)
    })
}

/// The same for the key of a secret that was presented to act or to be activated.
pub fn note_secret(store: &mut Store, secret: &Secret, now: Timestamp) -> Result<()> {
    match store.read(|reader| Forms::default().find(reader, secret))? {
        Some((key, _)) => note(store, key, None, now),
        None => Ok(()),
    }
}

fn to_be_noted(reader: &Reader<'_>, key: KeySeq, now: Timestamp) -> Result<Option<Key>> {
    let Some(key) = reader.key_by_seq(key)? else {
        return Ok(None);
    };
    let newest = reader.newest_action(About::Key, key.id.as_str())?;
    let is_spoken_for = newest.is_some_and(|(action, time)| {
        action == Action::KeyReuse.word() && now.since(time).abs() < SPEAKS_FOR
    });
    Ok((key.status(now) == Status::Revoked && !is_spoken_for).then_some(key))
}
