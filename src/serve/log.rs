//! The access log: a line of JSON on stderr for each request.
//!
//! This module never writes a header field, a query or a path that a client chose: a key could be in any of them.

use std::convert::Infallible;
use std::io::Write;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::time::Duration;

use serde_json::json;

use super::answer::Answer;
use super::caller::Asked;
use super::worker::Worker;
use crate::domain::percent::decoded;
use crate::output::json;

/// How many lines wait for stderr. A reader that has fallen behind so far misses lines: requests do not wait for it.
const WAITING: usize = 4096;

/// How long the last lines may take.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Where lines go.
pub type Log = SyncSender<String>;

/// Lines that are not written yet.
pub struct Unwritten(Receiver<Infallible>);

/// Starts the thread that writes lines.
pub fn start() -> (Log, Unwritten) {
    let (log, lines) = sync_channel::<String>(WAITING);
    let (ending, ended) = channel();
    std::thread::spawn(move || {
        while let Ok(line) = lines.recv() {
            // There is nowhere left to report that stderr is gone.
            let _ = std::io::stderr().write_all(line.as_bytes());
        }
        drop(ending);
    });
    (log, Unwritten(ended))
}

impl Unwritten {
    /// Waits until they are written, once nothing more is logged; not for long, as there may be nobody who reads them.
    pub fn finish(self) {
        // It ends with the thread, or after that time.
        let _ = self.0.recv_timeout(LONGEST_WAIT);
    }
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
