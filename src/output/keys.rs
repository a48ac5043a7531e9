//! Keys as rows of a table.

use super::relative::{brief, moment, relative};
use super::table::{Cell, Column, listed};
use crate::domain::{Key, KeyId, Safe, Status, Timestamp};

/// The columns of keys. PREFIX…HINT can be a KEY, also in its short form.
pub const COLUMNS: [Column; 16] = [
    Column::text("WORKSPACE").wide(),
    Column::text("NAME"),
    Column::last("ENV"),
    Column::last("STATUS"),
    Column::last("PREFIX…HINT"),
    Column::last("LAST USED"),
    Column::last("EXPIRES"),
    Column::text("ID").wide(),
    Column::text("OWNER").wide(),
    Column::text("SCOPES").wide(),
    Column::text("ALLOWED FROM").wide(),
    Column::text("LABELS").wide(),
    Column::text("PLAN").wide(),
    Column::text("CREATED").wide(),
    Column::text("CREATED BY").wide(),
    Column::text("REPLACES").wide(),
];

pub fn row(key: &Key, now: Timestamp) -> Vec<Cell> {
    let safe = |text: &str| Cell::from(Safe(text).to_string());
    let or_none = |text: String| if text.is_empty() { Cell::from("-") } else { safe(&text) };
    let labels = key.labels.iter();
    let labels = labels.map(|(name, value)| format!("{name}={value}"));
    vec![
        safe(&key.workspace),
        safe(&key.name),
        safe(&key.environment),
        status(key, now),
        handle(key),
        moment(key.last_used_at, now),
        end(key, now),
        safe(key.id.as_str()),
        or_none(key.owner.clone().unwrap_or_default()),
        or_none(listed(&key.scopes)),
        or_none(listed(&key.allow)),
        or_none(listed(labels)),
        or_none(key.plan.clone().unwrap_or_default()),
        relative(key.created_at, now).into(),
        safe(&key.created_by),
        or_none(key.replaces().map(KeyId::to_string).unwrap_or_default()),
    ]
}

/// A key's status, in its colour. A superseded key still verifies for a while.
fn status(key: &Key, now: Timestamp) -> Cell {
    let status = key.status(now);
    let colour = match status {
        Status::Active if key.replaced_by.is_some() => {
            return Cell::from("superseded").coloured("33");
        }
        Status::Active => "32",
        Status::Pending | Status::Disabled => "33",
        Status::Expired | Status::Revoked => "2;31",
    };
    Cell::from(status.word()).coloured(colour)
}

/// The public part of a token with the end of its secret part; if there is too little room, only its random part.
fn handle(key: &Key) -> Cell {
    let ending = |front: &str| format!("{}…{}", Safe(front), Safe(&key.hint));
    let whole = Cell::from(ending(&key.prefix));
    if key.short.is_empty() { whole } else { whole.short(ending(&key.short)) }
}

/// When a key stops, or when and why it was revoked.
fn end(key: &Key, now: Timestamp) -> Cell {
    let lapsed_at = key.lapsed_at(now);
    if let Some(revoked_at) = key.revoked_at.or(lapsed_at) {
        let why = key.reason(now).map_or_else(String::new, |reason| format!(", {}", Safe(reason)));
        let text = format!("revoked {}{why}", relative(revoked_at, now));
        return Cell::from(text).short(format!("{}{why}", brief(revoked_at, now)));
    }
    match (&key.replaced_by, key.expires_at) {
        (Some(_), Some(expires_at)) if key.status(now) == Status::Active => {
            let left = |text: String| text.trim_start_matches("in ").to_owned() + " left";
            Cell::from(left(relative(expires_at, now))).short(left(brief(expires_at, now)))
        }
        _ => moment(key.expires_at, now),
    }
}
