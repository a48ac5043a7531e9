//! The end of the audit trail as the file alone has it, without the log beside it.
//!
//! It tells a log that is not this file's.
//!
//! This module never follows anything but the right edge of one table, and says nothing where a page is not what it takes it
//! for. The format is SQLite's, "Database File Format", sections 1.6 and 2.1.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use rusqlite::Connection;

use super::failure::damaged;
use super::header::Held;
use super::permissions::has_log;
use super::{Reader, schema};
use crate::domain::audit::{ChainHash, link};
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::files::Entry;

/// The page sizes of SQLite end here.
const LARGEST_PAGE: usize = 65_536;
/// No table is deeper than this: with two rows to a page it would have more rows than there are numbers.
const DEEPEST: usize = 64;
/// An interior page of a table, and a leaf of one.
const INTERIOR: u8 = 0x05;
const LEAF: u8 = 0x0d;

/// The last row of the table whose root is this page: its number, and its record.
fn last_row(file: &File, root: u32) -> Option<(i64, Vec<u8>)> {
    let mut header = [0; 100];
    file.read_exact_at(&mut header, 0).ok()?;
    let size = match u16::from_be_bytes([header[16], header[17]]) {
        1 => LARGEST_PAGE,
        size => usize::from(size),
    };
    let usable = size.checked_sub(usize::from(header[20]))?;
    let mut page = vec![0; size];
    let mut number = root;
    for _ in 0..DEEPEST {
        let at = u64::from(number.checked_sub(1)?) * size as u64;
        file.read_exact_at(&mut page, at).ok()?;
        match *page.first()? {
            INTERIOR => number = u32::from_be_bytes(*page.get(8..12)?.first_chunk()?),
            LEAF => return last_cell(&page, usable),
            _ => return None,
        }
    }
    None
}

fn last_cell(page: &[u8], usable: usize) -> Option<(i64, Vec<u8>)> {
    let number = |at: usize| {
        Some(usize::from(u16::from_be_bytes(
            *page.get(at..)?.first_chunk()?,
        )))
    };
    let cells = number(3)?;
    let cell = number(8 + 2 * cells.checked_sub(1)?)?;
    let (payload, after) = varint(page, cell)?;
    let (row, start) = varint(page, after)?;
    let length = usize::try_from(payload).ok()?;
    // A longer one goes on in other pages.
    if length > usable.checked_sub(35)? {
        return None;
    }
    let record = page.get(start..start.checked_add(length)?)?;
    Some((row, record.to_vec()))
}

/// The place and the link of the last row of the `audit` table whose root is this page.
fn head(file: &File, root: u32) -> Option<(i64, ChainHash)> {
    let (seq, record) = last_row(file, root)?;
    let columns = columns(&record)?;
    let [_, time, actor, action, subject, details, previous, hash] = columns.as_slice() else {
        return None;
    };
    let time = Timestamp::from_millis(integer(time)?);
    let previous = ChainHash::from_bytes((*previous).try_into().ok()?);
    let hash = ChainHash::from_bytes((*hash).try_into().ok()?);
    // A page that a crash left half written may put rows together that never were.
    let is_row = link(&previous, seq, time, [actor, action, subject, details]) == hash;
    is_row.then_some((seq, hash))
}

/// How many commits the `clock` table knows of whose root is this page. The root of that table never moves.
fn commits(file: &File, root: u32) -> Option<i64> {
    let (_, record) = last_row(file, root)?;
    let columns = columns(&record)?;
    let [_, _, _, commits] = columns.as_slice() else {
        return None;
    };
    integer(commits)
}

/// The columns of a record as they are stored, without their types.
fn columns(record: &[u8]) -> Option<Vec<&[u8]>> {
    let (header, mut at) = varint(record, 0)?;
    let header = usize::try_from(header).ok()?;
    let (mut columns, mut rest) = (Vec::new(), record.get(header..)?);
    while at < header {
        let (kind, next) = varint(record, at)?;
        let length = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind,
            5 => 6,
            6 | 7 => 8,
            12.. => (kind - 12) / 2,
            _ => return None,
        };
        let (column, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        // The numbers 0 and 1 take no room; neither is a time.
        columns.push(column);
        (rest, at) = (after, next);
    }
    Some(columns)
}

/// An integer in as many bytes as it takes, the highest first.
fn integer(bytes: &[u8]) -> Option<i64> {
    let first = i64::from(bytes.first()?.cast_signed());
    Some(
        bytes[1..]
            .iter()
            .fold(first, |value, byte| value << 8 | i64::from(*byte)),
    )
}

/// A number of one to nine bytes, and where it ends.
fn varint(page: &[u8], at: usize) -> Option<(i64, usize)> {
    let mut value: i64 = 0;
    for index in 0..9 {
        let byte = *page.get(at + index)?;
        if index == 8 {
            return Some((value << 8 | i64::from(byte), at + 9));
        }
        value = value << 7 | i64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, at + index + 1));
        }
    }
    None
}

/// Refuses a log that is not this file's, or takes it back to an earlier time: one that was kept, and put beside it again.
/// SQLite would follow it, and what was revoked since would be alive.
///
/// Refuses a log that is another store's, or of an earlier time: SQLite would follow it, and what was revoked since would be
/// alive. The end of the trail in the file alone must be in the trail with the log, and the log knows of no fewer commits.
pub(super) fn refuse_wrong_log(
    connection: &Connection,
    store: &Entry,
    held: Option<&Held>,
) -> Result<()> {
    let Some(file) = held.and_then(Held::file) else {
        return Ok(());
    };
    // Others may write to the file at this moment, so it is looked at again before anything is said.
    for _ in 0..LOOKS {
        if !has_log(store)? || is_follower(connection, file)? {
            return Ok(());
        }
        std::thread::sleep(LOOK_AGAIN);
    }
    Err(damaged(
        "the log beside it is another store's, or of an earlier time",
    ))
}

/// Whether the store with its log has all that the file alone has, as far as can be seen. While a log is being brought into it
/// the file alone may be no store.
fn is_follower(connection: &Connection, file: &File) -> Result<bool> {
    let reader = Reader::new(connection);
    let (mut head_alone, mut commits_alone) = (None, None);
    for (name, root) in schema::roots(connection)? {
        match name.as_str() {
            "audit" => head_alone = head(file, root),
            _ => commits_alone = commits(file, root),
        }
    }
    // After the file, which others may write to meanwhile.
    let has_head = head_alone.is_none_or(|head| reader.has_event(head).unwrap_or(false));
    Ok(has_head
        && match commits_alone {
            None => true,
            Some(alone) => alone <= reader.commits()?,
        })
}

/// How often a log is looked at that seems to be a wrong one, and how long after each other.
const LOOKS: usize = 3;
const LOOK_AGAIN: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit::Action;
    use crate::store::Store;
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    #[test]
    fn the_last_row_is_found_however_many_there_are() {
        let folder = tempfile::tempdir().expect("a folder");
        let mode = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(folder.path(), mode).expect("changed");
        let path = folder.path().join("keyward.db");
        for (rows, long) in [(1, 1), (20, 1), (3000, 40), (3, 3000)] {
            let mut store = Store::open_or_create(&path, Duration::ZERO).expect("made");
            let details = serde_json::json!({ "text": "x".repeat(long) });
            let written = store.write(|writer| {
                for _ in 0..rows {
                    let time = Timestamp::from_millis(1_800_000_000_000);
                    let action = Action::StoreClock;
                    writer.audit(time, "someone", action, "store", &details)?;
                }
                Ok(())
            });
            written.expect("written");
            let head = store.read(|reader| reader.head()).expect("read");
            let root = store.connection.query_row(
                "SELECT rootpage FROM sqlite_schema WHERE name = 'audit'",
                [],
                |row| row.get(0),
            );
            let root = root.expect("there is a trail");
            drop(store);
            let file = File::open(&path).expect("there");
            assert_eq!(super::head(&file, root), Some(head), "{rows} of {long}");
        }
    }

    #[test]
    fn what_is_no_table_has_no_last_row() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        for content in [vec![], vec![0; 100], vec![0xff; 8192], vec![5; 8192]] {
            std::fs::write(&path, &content).expect("written");
            let file = File::open(&path).expect("there");
            for root in [0, 1, 2, u32::MAX] {
                assert_eq!(head(&file, root), None);
            }
        }
    }
}
