//! From a presented secret to its key and the reason it is or is not good.
//!
//! This module never records a use and does not depend on who presents the secret.

use std::cell::OnceCell;

use crate::domain::form::HashForm;
use crate::domain::preset;
use crate::domain::secret::{MAXIMUM_LENGTH, Secret};
use crate::domain::token::TokenFormat;
use crate::domain::verdict::{Ask, Grounds, judge};
use crate::domain::{Code, Key, KeySeq, Timestamp, WorkspaceId};
use crate::error::{Error, Kind, Result};
use crate::store::Reader;

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
                format!("the store is damaged: the index of hashes does not know {}", key.id),
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
