//! Reading from the trail which keys have ended.
//!
//! This module never decides what ends a key; `domain::endings` does.

use std::collections::BTreeMap;

use rusqlite::{Connection, Params, Row};

use super::Reader;
use super::failure::failure;
use super::key_row::text;
use crate::domain::endings::{ACTIONS, Endings, Told};
use crate::domain::timestamp::Timestamp;
use crate::error::Result;

/// The condition of the events that are to be heard of.
fn actions() -> String {
    let words = ACTIONS.map(|action| format!("'{}'", action.word()));
    format!("action IN ({})", words.join(", "))
}

impl Reader<'_> {
    /// Whether the trail has it that the key of this id was revoked, replaced at once, deleted when it was dead, or voided.
    ///
    /// # Errors
    /// The store's.
    pub fn was_ended(&self, id: &str) -> Result<bool> {
        let mut endings = Endings::default();
        let condition = format!("subject = ?1 AND {}", actions());
        let is_wanted = |_: &str| Ok(true);
        hear(
            self.connection,
            "audit",
            &condition,
            [id],
            is_wanted,
            &mut endings,
        )?;
        Ok(endings.contains(id))
    }

    /// The ids of the records that are not revoked although the trail has ended them, each with the row that did.
    ///
    /// SECURITY: both tables are read row by row. Whoever may write the file can make an index leave rows out.
    ///
    /// # Errors
    /// The store's.
    pub fn revived(&self) -> Result<BTreeMap<String, i64>> {
        let mut endings = Endings::default();
        let living = "WITH living AS MATERIALIZED (SELECT id FROM key NOT INDEXED WHERE state <> 'revoked') SELECT id FROM living";
        let condition = format!("subject IN ({living}) AND {}", actions());
        let is_wanted = |_: &str| Ok(true);
        let trail = "audit NOT INDEXED";
        hear(
            self.connection,
            trail,
            &condition,
            [],
            is_wanted,
            &mut endings,
        )?;
        let endings = endings.into_map().into_iter();
        Ok(endings.map(|(id, (seq, _))| (id, seq)).collect())
    }
}

/// Hears of what the whole trail has about the wanted keys, row by row.
pub(super) fn hear_all(
    connection: &Connection,
    is_wanted: impl FnMut(&str) -> Result<bool>,
    endings: &mut Endings,
) -> Result<()> {
    let trail = "audit NOT INDEXED";
    hear(connection, trail, &actions(), [], is_wanted, endings)
}

/// A row that cannot be read is left out, and is the error once all others were heard of.
fn hear(
    connection: &Connection,
    trail: &str,
    condition: &str,
    values: impl Params,
    mut is_wanted: impl FnMut(&str) -> Result<bool>,
    endings: &mut Endings,
) -> Result<()> {
    let mut statement = connection
        .prepare_cached(&format!(
            "SELECT seq, time, action, subject, details FROM {trail} WHERE {condition} ORDER BY seq"
        ))
        .map_err(failure)?;
    let mut rows = statement.query(values).map_err(failure)?;
    let mut unread = Ok(());
    while let Some(row) = rows.next().map_err(failure)? {
        let heard = hear_row(row, &mut is_wanted, endings);
        if unread.is_ok() {
            unread = heard;
        }
    }
    unread
}

fn hear_row(
    row: &Row<'_>,
    is_wanted: &mut impl FnMut(&str) -> Result<bool>,
    endings: &mut Endings,
) -> Result<()> {
    let subject = text(row, 3)?;
    if is_wanted(&subject)? {
        let told = Told {
            seq: row.get(0).map_err(failure)?,
            time: Timestamp::from_millis(row.get(1).map_err(failure)?),
            action: &text(row, 2)?,
            details: &text(row, 4)?,
        };
        endings.hear(&subject, told);
    }
    Ok(())
}
