//! The threads that work on calls: a change waits for the disk and for other processes, and no request is to wait with it.
//!
//! This module never answers by itself.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::call::Call;
use super::desk::Desk;
use super::refused::Refused;
use super::route::Route;
use crate::error::{Error, Kind, Result};
use crate::serve::Settings;
use crate::serve::answer::Answer;
use crate::serve::metrics::Metrics;

/// How many requests are worked on at once. A slow reader of a listing, or of a secret, keeps one busy.
const DESKS: usize = 4;

/// A call and where its answer goes.
type Job = (Route, Call, oneshot::Sender<Answer>);

/// The threads that work on calls.
pub struct Managers {
    pub refused: Refused,
    jobs: Sender<Job>,
    threads: Vec<JoinHandle<()>>,
}

impl Managers {
    pub fn start(settings: &Arc<Settings>, metrics: Vec<Arc<Metrics>>) -> Result<Self> {
        let (jobs, waiting) = channel();
        let waiting = Arc::new(Mutex::new(waiting));
        let mut threads = Vec::new();
        for _ in 0..DESKS {
            let desk = Desk::open(Arc::clone(settings), metrics.clone())?;
            let waiting = Arc::clone(&waiting);
            let started = std::thread::Builder::new().spawn(move || work(desk, &waiting));
            threads.push(started.map_err(|error| {
                Error::new(Kind::Io, "cannot start a thread that manages").because(error)
            })?);
        }
        Ok(Self { refused: Refused::default(), jobs, threads })
    }

    /// Waits until what was begun is done.
    pub fn end(self) {
        drop(self.jobs);
        for thread in self.threads {
            // One that failed has nothing left to do.
            let _ = thread.join();
        }
    }

    /// Has a call worked on. Nothing when nobody is left who could.
    pub fn work_on(&self, route: Route, call: Call) -> Option<oneshot::Receiver<Answer>> {
        let (teller, answer) = oneshot::channel();
        self.jobs.send((route, call, teller)).ok()?;
        Some(answer)
    }
}

/// Works on one call after another, until nobody is left who could call.
fn work(mut desk: Desk, waiting: &Mutex<Receiver<Job>>) {
    loop {
        let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((route, call, answer)) = job else {
            return;
        };
        desk.work(route, call, answer);
    }
}
