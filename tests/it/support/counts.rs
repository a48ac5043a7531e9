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
    let seq = sandbox.number(&format!("SELECT seq FROM key WHERE name = '{name}'"));
    // The slot of a key's day, written a second time from the schema's comment.
    let slot = now() / DAY * (1 << 40) + seq;
    let number = |text: &String| text.parse::<i64>().expect("a number");
    let mut counts = Counts::default();
    let uses = format!("SELECT valid, credits, last_used_at FROM usage WHERE slot = {slot}");
    if let Some([valid, credits, last_used_at]) = sandbox.rows(&uses).first().map(Vec::as_slice) {
        counts.valid = number(valid);
        counts.credits = number(credits);
        counts.last_used_at = number(last_used_at);
    }
    let refused = sandbox.rows(&format!("SELECT code, count FROM refusal WHERE slot = {slot}"));
    counts.refused = refused.iter().map(|row| (row[0].clone(), number(&row[1]))).collect();
    counts
}

/// The credits a workspace has spent, over all months.
#[must_use]
pub fn credits(sandbox: &Sandbox, workspace: &str) -> i64 {
    sandbox.number(&format!(
        "SELECT coalesce(sum(allowance.credits), 0) FROM allowance
        JOIN workspace USING (workspace_id) WHERE workspace.name = '{workspace}'"
    ))
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
