//! Scanning: what is looked for, which key each token is, and what is done about it: keys are revoked, or the trail is told.
//!
//! This module never takes a token for a key by less than its hash, and never touches what a key was last used at.

mod findings;

use std::collections::BTreeSet;

use serde_json::json;

use crate::domain::audit::Action;
use crate::domain::known_format::KnownFormat;
use crate::domain::policy::Policy;
use crate::domain::scan::{Foreign, Hints, Hunter, WatchList, is_opaque, wanted_hints};
use crate::domain::template::Part;
use crate::domain::{Key, KeyId, Permission, Safe, Timestamp, WorkspaceId, preset};
use crate::error::{Error, Result};
use crate::ops::access::{Access, Act, Actor};
use crate::ops::revoke::{self, Reason, Revoked};
use crate::ops::{remedy, select};
use crate::store::{Reader, Store};

pub use findings::{Finding, Findings, Kind, Reached, Subject, Unproven};

/// What a store's scan looks for, and in whose keys.
pub struct Scope {
    pub hunter: Hunter,
    /// How many formats are looked for.
    pub formats: usize,
    /// Whose keys are reported; nothing is everybody's.
    pub workspace: Option<WorkspaceId>,
    /// Whether the store has no format, so that those of the presets are looked for.
    pub has_none: bool,
}

/// Gathers what a store's scan looks for.
pub fn scope(
    store: &mut Store,
    actor: &Actor,
    workspace: Option<&str>,
    environment: Option<&str>,
    now: Timestamp,
) -> Result<Scope> {
    store.read(|reader| {
        let access = Access::to(reader, actor, Permission::List, now)?;
        let own = access.caller.as_ref().map(|(key, _)| key.workspace_id);
        let workspace = match workspace {
            Some(name) => Some(select::workspace(reader, &access, Some(name))?.id),
            None => own,
        };
        let mut formats = reader.formats()?;
        let has_none = formats.is_empty();
        if has_none {
            let presets = preset::all().map(|policy| policy.token_format());
            let presets: Result<Vec<_>> = presets.collect();
            formats = presets?.into_iter().map(KnownFormat::Minted).collect();
        }
        require_environment(environments(&formats), environment)?;
        let hints = hints(reader, &formats)?;
        let mut foreign = Foreign::default();
        reader.for_each_foreign_hash(|form, hash| foreign.add(form, hash))?;
        Ok(Scope {
            hunter: Hunter::new(&formats, Some(hints), foreign),
            formats: formats.len(),
            workspace,
            has_none,
        })
    })
}

fn environments(formats: &[KnownFormat]) -> impl Iterator<Item = &String> {
    formats.iter().flat_map(|format| format.parts().3)
}

/// Refuses an environment that no key can be of: a scan for its keys would find nothing, whatever there is.
pub(super) fn require_environment<'e>(
    known: impl Iterator<Item = &'e String>,
    asked: Option<&str>,
) -> Result<()> {
    let known: BTreeSet<&str> = known.map(String::as_str).collect();
    match asked.filter(|asked| !known.contains(asked)) {
        None => Ok(()),
        Some(asked) => {
            let message = format!("no key has the environment \"{}\"", Safe(asked));
            let known = known.into_iter().collect::<Vec<_>>().join(", ");
            let refused = Error::new(crate::error::Kind::InvalidEnvironment, message);
            Err(refused.hinted(format!("the environments are {}", Safe(&known))))
        }
    }
}

fn hints(reader: &Reader<'_>, formats: &[KnownFormat]) -> Result<Hints> {
    let mut hints = Hints::default();
    for (has_short, is_wanted) in [false, true].into_iter().zip(wanted_hints(formats)) {
        if is_wanted {
            reader.for_each_hint(has_short, |hint| hints.add(hint))?;
        }
    }
    Ok(hints)
}

/// The command that ends a key.
pub fn remedy(store: &mut Store, key: &Key) -> Result<String> {
    let place = store.read(|reader| remedy::place(reader, &key.workspace))?;
    Ok(format!("keyward revoke {}{place} --reason compromised", key.id))
}

/// A hunter for a policy's tokens, where there is no store.
pub fn hunter_of_policy(policy: &Policy, environment: Option<&str>) -> Result<Hunter> {
    require_environment(policy.environments.iter(), environment)?;
    let format = policy.token_format()?;
    if !format.template.has(&Part::Checksum) {
        return Err(Error::usage(
            "tokens of this policy have no checksum, so nothing is proven without the store",
        )
        .hinted("scan where the store is, or use a token with {crc}"));
    }
    Ok(Hunter::new(&[KnownFormat::Minted(format)], None, Foreign::default()))
}

/// A hunter for a watch list. Formats without a checksum prove nothing; says how many there are.
pub fn hunter_of_watch_list(
    list: &WatchList,
    environment: Option<&str>,
) -> Result<(Hunter, usize)> {
    let mut formats = list.formats()?;
    require_environment(environments(&formats), environment)?;
    let all = formats.len();
    formats.retain(|format| match format {
        KnownFormat::Minted(format) => format.template.has(&Part::Checksum) && !is_opaque(format),
        KnownFormat::Front(_) => false,
    });
    if formats.is_empty() {
        return Err(Error::usage(
            "no format of the watch list has a checksum, so nothing is proven",
        ));
    }
    let unproven = all - formats.len();
    Ok((Hunter::new(&formats, None, Foreign::default()), unproven))
}

/// Revokes these keys, each with what is said of it, as compromised: all in one transaction, or none. Keys that have ended
/// meanwhile stay as they are, and so do those that the actor may not see.
pub fn revoke(
    store: &mut Store,
    actor: &Actor,
    keys: &[(KeyId, String)],
    now: Timestamp,
) -> Result<Vec<Revoked>> {
    store.write_with_reserve(|writer| {
        let act = Act { writer, access: Access::to(writer, actor, Permission::Revoke, now)?, now };
        // A record that somebody has changed is revoked all the same.
        writer.trust_rows();
        let mut revoked = Vec::new();
        for (id, message) in keys {
            if let Some(key) = writer.key_by_id(id.as_str())?.filter(|key| act.access.reaches(key))
            {
                let message = Some(message.clone());
                revoked.push(revoke::end(&act, key, Reason::Compromised, message)?);
            }
        }
        Ok(revoked)
    })
}

/// Tells the trail where these keys were found.
pub fn record(
    store: &mut Store,
    actor: &Actor,
    keys: &[(KeyId, String, u64)],
    now: Timestamp,
) -> Result<()> {
    if keys.is_empty() {
        return Ok(());
    }
    store.write(|writer| {
        let act = Act { writer, access: Access::to(writer, actor, Permission::List, now)?, now };
        writer.trust_rows();
        for (id, place, places) in keys {
            if writer.key_by_id(id.as_str())?.is_some_and(|key| act.access.reaches(&key)) {
                let details = json!({ "where": place, "places": places });
                act.note(Action::KeyExpose, id.as_str(), &details)?;
            }
        }
        Ok(())
    })
}
