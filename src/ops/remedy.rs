//! What can be done about a key that is in the way, or whose secret is lost: commands that work for what the key is now.

use crate::domain::sanitize::Quoted;
use crate::domain::{Key, Status, Timestamp, Workspace};
use crate::error::Result;
use crate::ops::succession::{Way, newest, way_on};
use crate::ops::{links, select};
use crate::store::Reader;

/// The hint about a key. Of a superseded one it is about the newest key of its rotations, and of one that has ended about the
/// key that has the name now.
pub(super) fn way_out(
    reader: &Reader<'_>,
    workspace: &Workspace,
    key: &Key,
    now: Timestamp,
) -> Result<String> {
    let newest = newest(reader, key)?;
    if newest.is_living(now) && newest.replaced_by.is_none() {
        return living(reader, workspace, &newest, now);
    }
    let (name, environment) = (&newest.name, &newest.environment);
    if let Some(holder) = select::holder(reader, workspace, environment, name, now)? {
        return living(reader, workspace, &holder, now);
    }
    let place = place(reader, &workspace.name)?;
    Ok(match way_on(reader, key, now)? {
        Some(way @ Way::Cancel(_)) => way.hint(&place),
        _ => match has_room(reader, workspace, now)? {
            true => format!("`{}` mints another key", mint_again(&newest, &place)),
            false => format!(
                "the workspace is at its cap, so another key needs the place of one of these: `keyward list{place}`"
            ),
        },
    })
}

/// The command that mints a key like one that has ended.
pub(super) fn mint_again(key: &Key, place: &str) -> String {
    let scopes = key.scopes.iter();
    let scopes: String = scopes.map(|scope| format!(" --scope {}", Quoted(scope))).collect();
    let (name, environment) = (Quoted(&key.name), Quoted(&key.environment));
    format!("keyward mint {name} -e {environment}{scopes}{place}")
}

/// The hint where a name belongs to a key: to keep that key, or [`way_out`].
pub(super) fn of_taken_name(
    reader: &Reader<'_>,
    workspace: &Workspace,
    holder: &Key,
    now: Timestamp,
) -> Result<String> {
    let way_out = way_out(reader, workspace, holder, now)?;
    if holder.status(now) != Status::Active {
        return Ok(way_out);
    }
    let place = place(reader, &workspace.name)?;
    let (name, environment) = (Quoted(&holder.name), Quoted(&holder.environment));
    Ok(format!("`keyward ensure {name} -e {environment}{place}` keeps this key, {way_out}"))
}

/// The hint about a key that can still verify and that no other has replaced.
fn living(reader: &Reader<'_>, workspace: &Workspace, key: &Key, now: Timestamp) -> Result<String> {
    let (id, place) = (&key.id, place(reader, &workspace.name)?);
    let mut replacements = links::replacements(reader, key)?.into_iter();
    let pending = replacements.find(|replacement| replacement.is_pending(now));
    Ok(match (key.status(now), pending) {
        (Status::Disabled, _) => format!("it is disabled: `keyward enable {id}{place}`"),
        (Status::Active, None) => {
            // Without a grace, the new key takes the old one's place under the cap.
            let at_once = if has_room(reader, workspace, now)? { "" } else { " --now" };
            format!(
                "`keyward rotate {id}{place}{at_once}` replaces its secret, `keyward revoke {id}{place}` ends it"
            )
        }
        (Status::Active, Some(_)) => format!(
            "it is being rotated: send the new secret to `keyward activate`, or `keyward rotate {id}{place} --cancel`"
        ),
        _ => format!(
            "it is pending: send its secret to `keyward activate`, or `keyward revoke {id}{place}`"
        ),
    })
}

/// Whether the cap allows one more key.
fn has_room(reader: &Reader<'_>, workspace: &Workspace, now: Timestamp) -> Result<bool> {
    Ok(match workspace.policy.active_key_cap {
        Some(cap) => reader.census(workspace.id, now)?.living < u64::from(cap),
        None => true,
    })
}

/// The option that a hinted command needs to find a key of this workspace, where there are others.
pub(super) fn place(reader: &Reader<'_>, workspace: &str) -> Result<String> {
    Ok(match reader.workspaces()?.len() {
        0 | 1 => String::new(),
        _ => format!(" {}", select::option(workspace)),
    })
}
