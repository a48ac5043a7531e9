//! The store: tables and their statements, read and written in transactions, whichever engine keeps them.
//!
//! This module never sees a `Secret`, only its hash, so plaintext cannot be stored; and it never decides what a key may
//! do: the rules are in `domain` and `ops`, which load and save through [`Reader`] and [`Writer`].

mod ahead;
mod audit;
mod claims;
mod damage;
mod endings;
mod examine;
mod info;
mod integrity;
mod kept;
mod key_lists;
mod key_row;
mod keys;
mod lineages;
mod meter;
mod opening;
mod place;
#[cfg(feature = "postgres")]
mod postgres;
mod session;
mod settings;
mod sqlite;
mod transaction;
mod uri;
mod usage;
mod value;
mod workspaces;

use std::cell::Cell;
use std::ops::Deref;

use crate::domain::Timestamp;
use crate::domain::audit::Head;
use crate::domain::clock::Clock;
use session::Session;
use transaction::Unaudited;

pub use claims::Remembered;
pub use damage::of_backup;
pub use info::{Info, ServerInfo};
pub use key_lists::Order;
pub use meter::Meter;
pub use opening::Turn;
pub use place::Place;
pub use sqlite::{
    Backup, Copy, Extent, Note, Trace, beside, fingerprint, foreign_kind, foreign_rows,
    look_at_backup, put_in_place, remains, salvage, write_over,
};
pub use uri::has_password;

/// An open store.
pub struct Store {
    engine: Engine,
    /// Whether changes are made only to see what they would come to.
    is_rehearsal: bool,
    /// What every event's details say besides: how its change was asked for.
    remark: Option<Remark>,
}

/// What is said of how a change was asked for: fields of an event's details.
pub type Remark = serde_json::Map<String, serde_json::Value>;

/// What keeps a store's tables.
enum Engine {
    Sqlite(sqlite::Database),
    #[cfg(feature = "postgres")]
    Postgres(postgres::Database),
}

/// The commits of other processes that a reader includes: equal as long as none was made since. On a server, the changes and the last
/// recorded time: counts do not move it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    number: i64,
    /// The last recorded time, where the number does not move with it.
    clock: Option<Clock>,
}

/// What a transaction may read.
pub struct Reader<'a> {
    session: Session<'a>,
    /// The time that the store has recorded, once it was read.
    clock: Cell<Option<Clock>>,
    /// Empty unless this transaction writes.
    unaudited: Unaudited,
    /// Whether records are accepted without checks.
    trusts_rows: Cell<bool>,
}

impl<'a> Reader<'a> {
    fn new(session: Session<'a>) -> Self {
        Self {
            session,
            clock: Cell::new(None),
            unaudited: Unaudited::default(),
            trusts_rows: Cell::new(false),
        }
    }

    /// Whether each statement costs a round trip, so that one for many rows is worth more than it costs, and counts of others are not
    /// told of.
    pub fn is_far(&self) -> bool {
        self.session.is_far()
    }
}

/// What a transaction may read and write. Whatever it writes must leave an audit row, or nothing is committed.
pub struct Writer<'a> {
    reader: Reader<'a>,
    /// The last row this transaction added to the trail.
    head: Cell<Option<Head>>,
    /// When that was.
    time: Cell<Option<Timestamp>>,
    remark: Option<&'a Remark>,
}

impl<'a> Writer<'a> {
    fn new(session: Session<'a>, remark: Option<&'a Remark>) -> Self {
        Self { reader: Reader::new(session), head: Cell::new(None), time: Cell::new(None), remark }
    }
}

impl<'a> Deref for Writer<'a> {
    type Target = Reader<'a>;

    fn deref(&self) -> &Reader<'a> {
        &self.reader
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit::Action;
    use crate::error::{Error, Kind, Result};

    #[test]
    fn a_change_without_an_audit_row_is_taken_back() {
        let mut store = Store::empty();
        let error = store.write(|writer| writer.set_setting("a", "b")).expect_err("no audit row");
        assert_eq!(error.kind(), Kind::Internal);
        assert_eq!(store.read(|reader| reader.setting("a")).expect("readable"), None);
    }

    #[test]
    fn a_failing_body_leaves_nothing() {
        let mut store = Store::empty();
        let outcome: Result<()> = store.write(|writer| {
            writer.set_setting("a", "b")?;
            writer.audit(
                Timestamp::from_millis(1),
                "x",
                Action::WorkspaceUse,
                "x",
                &serde_json::json!({}),
            )?;
            Err(Error::usage("no"))
        });
        assert!(outcome.is_err());
        assert_eq!(store.read(|reader| reader.setting("a")).expect("readable"), None);
        assert_eq!(store.read(|reader| reader.head()).expect("readable"), Head::NONE);
    }
}
