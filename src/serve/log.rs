//! The access log: a line of JSON on stderr for each request.
//!
//! This module never writes a header field, a query or a path that a client chose: a key could be in any of them.

use std::io::Write;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use serde_json::json;

use super::answer::Answer;
use super::caller::Asked;
use super::worker::Worker;
use crate::domain::percent::decoded;
use crate::output::json;

/// How many lines wait for stderr. A reader that has fallen behind so far misses lines: requests do not wait for it.
const WAITING: usize = 4096;

/// Where lines go.
pub type Log = SyncSender<String>;

/// Starts the thread that writes lines.
pub fn start() -> Log {
    let (log, lines) = sync_channel::<String>(WAITING);
    std::thread::spawn(move || {
        while let Ok(line) = lines.recv() {
            // There is nowhere left to report that stderr is gone.
            let _ = std::io::stderr().write_all(line.as_bytes());
        }
    });
    log
}

impl Worker {
    /// Notes a request and its answer.
    pub fn log(&self, route: &str, asked: &Asked<'_>, answer: &Answer, took: Duration) {
        let Some(log) = &self.settings.log else {
            return;
        };
        let key = answer.key.as_deref();
        let line = json!({
            "time": (self.settings.clock)().to_string(),
            "route": route,
            "status": answer.status,
            "code": answer.code,
            "key": key.map(|key| key.id()),
            "workspace": key.map(|key| decoded(key.workspace())),
            "client": asked.client(&self.settings).map(|address| address.to_string()),
            "micros": u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        });
        let _ = log.try_send(json::to_string(&line) + "\n");
    }
}
