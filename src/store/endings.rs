//! Reading from the trail which keys have ended.

use std::collections::BTreeMap;

use super::Reader;
use super::session::{Row, Session};
use crate::domain::endings::{ACTIONS, Endings, Told};
use crate::error::Result;

/// The condition for the events to read.
fn actions() -> String {
    let words = ACTIONS.map(|action| format!("'{}'", action.word()));
    format!("action IN ({})", words.join(", "))
}

impl Reader<'_> {
    /// The ids of the records that are not revoked although the trail has ended them, each with the row that did.
    ///
    /// SECURITY: both tables are read row by row. Somebody who can write to the file can make an index omit rows.
    pub fn revived(&self) -> Result<BTreeMap<String, i64>> {
        let mut endings = Endings::default();
        let living = format!(
            "WITH living AS MATERIALIZED (SELECT id FROM key {} WHERE state <> 'revoked') SELECT id FROM living",
            self.session.by_rows()
        );
        // The actions first: few events have them, and without any the list is not made.
        let condition = format!("{} AND subject IN ({living})", actions());
        hear(&self.session, &condition, |_| Ok(true), &mut endings)?;
        let endings = endings.into_map().into_iter();
        Ok(endings.map(|(id, (seq, _))| (id, seq)).collect())
    }
}

/// Reads what the whole trail has about the wanted keys, row by row.
pub(super) fn hear_all(
    session: &Session<'_>,
    is_wanted: impl FnMut(&str) -> Result<bool>,
    endings: &mut Endings,
) -> Result<()> {
    hear(session, &actions(), is_wanted, endings)
}

/// A row that cannot be read is skipped, and is the error after all others were read.
fn hear(
    session: &Session<'_>,
    condition: &str,
    mut is_wanted: impl FnMut(&str) -> Result<bool>,
    endings: &mut Endings,
) -> Result<()> {
    let rows = session.by_rows();
    let sql = format!(
        "SELECT seq, time, action, subject, details FROM audit {rows} WHERE {condition} ORDER BY seq"
    );
    let mut unread = Ok(());
    session.each(&sql, &[], |row| {
        let heard = hear_row(row, &mut is_wanted, endings);
        if unread.is_ok() {
            unread = heard;
        }
        Ok(())
    })?;
    unread
}

fn hear_row(
    row: &Row<'_>,
    is_wanted: &mut impl FnMut(&str) -> Result<bool>,
    endings: &mut Endings,
) -> Result<()> {
    let subject = row.text(3)?;
    if is_wanted(&subject)? {
        let told = Told {
            seq: row.get(0)?,
            time: row.get(1)?,
            action: &row.text(2)?,
            details: &row.text(4)?,
        };
        endings.hear(&subject, told);
    }
    Ok(())
}
