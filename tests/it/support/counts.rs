//! What verify has written down, read from the store's own tables: no command shows all of it.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use super::Sandbox;
use super::time::{DAY, SECOND, now};

/// What a key was used for today, by the tables.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests that were valid.
    pub valid: i64,
    /// What they cost.
    pub credits: i64,
    /// When the last of them was, in milliseconds since 1970.
    pub last_used_at: i64,
    /// How many were refused, by their code.
    pub refused: BTreeMap<String, i64>,
}

/// Reads what the key of this name was used for today. It may be read while keyward writes.
#[must_use]
pub fn counts(sandbox: &Sandbox, name: &str) -> Counts {
    let connection = sandbox.sqlite();
    connection.busy_timeout(Duration::from_secs(10)).expect("a time to wait can be set");
    let seq: i64 = connection
        .query_row("SELECT seq FROM key WHERE name = ?1", [name], |row| row.get(0))
        .expect("the key is there");
    // The slot of a key's day, written a second time from the schema's comment.
    let slot = now() / DAY * (1 << 40) + seq;
    let mut counts = Counts::default();
    let mut rows = connection
        .prepare("SELECT valid, credits, last_used_at FROM usage WHERE slot = ?1")
        .expect("there is such a table");
    let mut rows = rows.query([slot]).expect("it can be read");
    if let Some(row) = rows.next().expect("it can be read") {
        counts.valid = row.get(0).expect("a number");
        counts.credits = row.get(1).expect("a number");
        counts.last_used_at = row.get(2).expect("a number");
    }
    drop(rows);
    let mut statement = connection
        .prepare("SELECT code, count FROM refusal WHERE slot = ?1")
        .expect("there is such a table");
    counts.refused = statement
        .query_map([slot], |row| Ok((row.get(0)?, row.get(1)?)))
        .and_then(Iterator::collect)
        .expect("it can be read");
    counts
}

/// The credits a workspace has spent, over all months.
#[must_use]
pub fn credits(sandbox: &Sandbox, workspace: &str) -> i64 {
    let connection = sandbox.sqlite();
    let sql = "SELECT coalesce(sum(allowance.credits), 0) FROM allowance
        JOIN workspace USING (workspace_id) WHERE workspace.name = ?1";
    connection.query_row(sql, [workspace], |row| row.get(0)).expect("there is such a table")
}

/// Waits until so many valid uses of the key stand in the store, and returns how long that took.
pub fn wait_for_valid(sandbox: &Sandbox, name: &str, valid: i64) -> Duration {
    let begun = Instant::now();
    loop {
        let found = counts(sandbox, name).valid;
        if found == valid {
            return begun.elapsed();
        }
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "{found} of {valid} uses of {name} are in the store after 20 seconds"
        );
        thread::sleep(Duration::from_millis(20));
    }
}

/// Days and months are counted apart, so a test that counts and begins just before midnight UTC begins after it.
pub fn not_around_midnight() {
    let left = DAY - now() % DAY;
    if left < 20 * SECOND {
        let left = u64::try_from(left).expect("what is left of a day is positive");
        thread::sleep(Duration::from_millis(left));
    }
}
