//! A key in the making: a pending record with its secret, and the row it becomes. A pending record of whose delivery nothing is
//! known, a leftover, is given another secret instead.

use rand::TryCryptoRng;
use serde_json::{Value, json};

use crate::domain::audit::Action;
use crate::domain::key::UNDELIVERED;
use crate::domain::restoration::What;
use crate::domain::secret::Secret;
use crate::domain::token::TokenFormat;
use crate::domain::{Key, KeyId, Timestamp, Workspace};
use crate::error::Result;
use crate::ops::access::Act;
use crate::ops::limits;
use crate::store::Reader;

/// Makes a pending record with nothing but its name, and its secret.
pub(super) fn mint<R: TryCryptoRng>(
    act: &Act<'_, '_>,
    workspace: &Workspace,
    (environment, name): (&str, &str),
    format: &TokenFormat,
    rng: &mut R,
) -> Result<(Key, Secret)> {
    let token = format.mint(environment, rng)?;
    let key = Key {
        id: KeyId::generate(rng)?,
        workspace_id: workspace.id,
        workspace: workspace.name.clone(),
        name: name.to_owned(),
        environment: environment.to_owned(),
        prefix: token.prefix,
        short: token.short,
        hint: token.hint,
        hash: token.secret.hash(),
        created_at: act.now,
        created_by: act.access.actor.clone(),
        ..Key::blank()
    };
    Ok((key, token.secret))
}

/// Makes another secret for a leftover, whose place and name are free until it is saved. Its day of waiting for the
/// holder begins again; everything else stays as requested, or as changed since.
pub(super) fn renew<R: TryCryptoRng>(
    act: &Act<'_, '_>,
    workspace: &Workspace,
    leftover: &Key,
    rng: &mut R,
) -> Result<(Key, Secret)> {
    let format = workspace.policy.token_format()?;
    let token = format.mint(&leftover.environment, rng)?;
    let mut aside = leftover.clone();
    aside.revoke(UNDELIVERED, None, act.now);
    act.update_key(&aside)?;
    let key = Key {
        prefix: token.prefix,
        short: token.short,
        hint: token.hint,
        hash: token.secret.hash(),
        created_at: act.now,
        created_by: act.access.actor.clone(),
        ..leftover.clone()
    };
    Ok((key, token.secret))
}

/// The expiry of a key whose lifetime begins now. That of a leftover stays where somebody has set it since it was minted.
pub(super) fn expiry(
    reader: &Reader<'_>,
    leftover: Option<&Key>,
    from_now: impl FnOnce() -> Result<Option<Timestamp>>,
) -> Result<Option<Timestamp>> {
    let Some(leftover) = leftover else {
        return from_now();
    };
    let mut is_set = false;
    reader.for_each_event_about(leftover.id.as_str(), |event| {
        let details: Value = serde_json::from_str(&event.details).unwrap_or_default();
        let is = |action: Action| event.action == action.word();
        let kept = details["kept"].as_array();
        is_set = match () {
            () if is(Action::KeySet) => details.get("expiresAt").is_some(),
            () if is(Action::KeyRestore) => {
                kept.is_some_and(|kept| kept.contains(&json!(What::Expiry.word())))
            }
            () => false,
        };
        Ok(!is_set && !is(Action::KeyMint))
    })?;
    if is_set { Ok(leftover.expires_at) } else { from_now() }
}

/// Adds a pending key, or gives its leftover its secret, and its audit row.
pub(super) fn save(act: &Act<'_, '_>, key: &Key, is_new: bool) -> Result<()> {
    limits::check_expiry(act, key.expires_at, act.now)?;
    limits::check_wait(act, act.now)?;
    let action = match is_new {
        true => {
            act.insert_key(key)?;
            Action::KeyMint
        }
        false => {
            act.reissue_key(key)?;
            Action::KeyReissue
        }
    };
    let details = json!({
        "workspace": key.workspace,
        "name": key.name,
        "environment": key.environment,
        "prefix": key.prefix,
        "scopes": key.scopes,
        "expiresAt": key.expires_at.map(|expires_at| expires_at.to_string()),
        "replaces": key.rotation.as_ref().map(|rotation| rotation.replaces.as_str()),
    });
    act.note(action, key.id.as_str(), &details)
}
