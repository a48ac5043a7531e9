//! The end of the audit trail in the file itself, without the log beside it.
//!
//! It shows that a log does not belong to this file.
//!
//! This module never decides by what it cannot read: while a log is being brought into the file, the file alone may be no store.

use std::time::Duration;

use rusqlite::Connection;

use super::connection::open_alone;
use super::permissions::has_log;
use super::reader;
use crate::domain::audit::Head;
use crate::error::Result;
use crate::files::Entry;
use crate::store::damage::damaged;

/// How often, and how long after each other, a log is read that seems to be a wrong one.
const LOOKS: usize = 3;
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Refuses a log of another store, or of an earlier time: SQLite would apply it, and keys revoked since would be live.
/// The end of the trail in the file itself must be in the trail with the log, and the log must not have fewer commits.
pub(super) fn refuse_wrong_log(connection: &Connection, store: &Entry) -> Result<()> {
    // Others may write to the file at this moment, so it is looked at again before anything is said.
    for _ in 0..LOOKS {
        if !has_log(store)? || is_follower(connection, store)? {
            return Ok(());
        }
        std::thread::sleep(LOOK_AGAIN);
    }
    Err(damaged("the log beside it belongs to another store or to an earlier time"))
}

/// Whether the store with its log has all that the file alone has, as far as can be seen.
fn is_follower(connection: &Connection, store: &Entry) -> Result<bool> {
    let (head_alone, commits_alone) = match open_alone(store.path()) {
        Ok(alone) => (last_event(&alone), reader(&alone).commits().ok()),
        Err(_) => return Ok(true),
    };
    // After the file, which others may write to meanwhile.
    let reader = reader(connection);
    let has_head = head_alone.is_none_or(|head| reader.has_event(head).unwrap_or(false));
    Ok(has_head
        && match commits_alone {
            None => true,
            Some(alone) => alone <= reader.commits()?,
        })
}

/// The end of the trail in the file alone. A page that a crash left half written may put rows together that never were, so a row
/// counts only if its link is right.
fn last_event(alone: &Connection) -> Option<Head> {
    let event = reader(alone).last_event().ok().flatten()?;
    (event.link() == event.hash).then_some(Head { seq: event.seq, hash: event.hash })
}
