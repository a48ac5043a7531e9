//! What can still be read of the dead keys in a store that is to be replaced.
//!
//! This module never stops at damage: it takes what there is, and says whether that was all.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::failure::failure;
use super::open::prepare;
use super::permissions::{entry_if_possible, look};
use super::schema;
use crate::domain::key::KeyId;
use crate::domain::secret::SecretHash;
use crate::domain::timestamp::Timestamp;
use crate::error::Result;

/// How many stores that were put aside are looked for; some may have been removed.
const MOST_PUT_ASIDE: u32 = 100;

/// What is left of a store that is to be replaced: the file in its place, and those that were put aside before.
///
/// # Errors
/// `io`.
pub fn remains(store: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let Some(store) = entry_if_possible(store)? else {
        return Ok(found);
    };
    if look(&store)?.is_some() {
        found.push(store.path().to_owned());
    }
    for number in 1..=MOST_PUT_ASIDE {
        let aside = store.beside(&format!(".damaged-{number}"));
        if look(&aside)?.is_some() {
            found.push(aside.path().to_owned());
        }
    }
    Ok(found)
}

/// The end of a key in a store that is to be replaced.
#[derive(Debug, Clone)]
pub struct Death {
    /// Of this key.
    pub key: KeyId,
    /// Whether it was revoked; otherwise it has expired.
    pub is_revoked: bool,
    /// When.
    pub at: Timestamp,
    /// Why: a word.
    pub reason: Option<String>,
    /// Why: a sentence.
    pub message: Option<String>,
}

/// What could be read of the dead in stores that are to be replaced.
#[derive(Debug, Clone, Default)]
pub struct Salvaged {
    /// How keys ended. Those that only expired come last.
    pub deaths: Vec<Death>,
    /// The hashes of ended keys, those without a record included.
    pub ended: Vec<SecretHash>,
    /// Whether anything could not be read.
    pub is_partial: bool,
}

/// Reads what can be read of the dead in a store that may be damaged: by their rows, and by the trail whatever a row says. Of those
/// that expired, it takes the ones that had by `latest`.
pub fn salvage(path: &Path, latest: Timestamp) -> Salvaged {
    let mut salvaged = Salvaged::default();
    let read = read(path, latest, &mut salvaged);
    salvaged.is_partial |= read.is_err();
    salvaged
}

fn read(path: &Path, latest: Timestamp, salvaged: &mut Salvaged) -> Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failure)?;
    let connection = prepare(connection, Duration::from_secs(1))?;
    let expired = format!(
        "SELECT id, 0, expires_at, NULL, NULL FROM key NOT INDEXED WHERE expires_at <= {}",
        latest.as_millis()
    );
    let queries = [
        "SELECT id, 1, revoked_at, revoked_reason, revoked_message FROM key NOT INDEXED WHERE state = 'revoked'",
        "SELECT subject, 1, time, json_extract(details, '$.reason'), json_extract(details, '$.message')
            FROM audit NOT INDEXED WHERE action = 'key.revoke' AND json_valid(details)",
        "SELECT subject, 1, time, 'unspecified', NULL FROM audit NOT INDEXED WHERE action = 'key.prune'",
        "SELECT subject, 1, time, 'superseded', NULL FROM audit NOT INDEXED
            WHERE action = 'key.rotate' AND json_valid(details) AND json_extract(details, '$.revoked')",
        &expired,
    ];
    for query in queries {
        let read = read_deaths(&connection, query, &mut salvaged.deaths);
        salvaged.is_partial |= read.is_err();
    }
    let mut hashes = vec!["SELECT hash FROM key NOT INDEXED WHERE state = 'revoked'"];
    if schema::has_table(&connection, "ended")? {
        hashes.push("SELECT hash FROM ended");
    }
    for query in hashes {
        let read = read_hashes(&connection, query, &mut salvaged.ended);
        salvaged.is_partial |= read.is_err();
    }
    Ok(())
}

fn read_hashes(
    connection: &Connection,
    query: &str,
    found: &mut Vec<SecretHash>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(query)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        found.push(SecretHash::from_bytes(row.get(0)?));
    }
    Ok(())
}

fn read_deaths(
    connection: &Connection,
    query: &str,
    found: &mut Vec<Death>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(query)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        found.push(Death {
            key: KeyId::from_stored(row.get(0)?),
            is_revoked: row.get(1)?,
            at: Timestamp::from_millis(row.get(2)?),
            reason: row.get(3)?,
            message: row.get(4)?,
        });
    }
    Ok(())
}
