//! The verifiers of a worker, and whatever else its connections ask the store.
//!
//! Requests that wait at the same moment are judged together, with one look at the store for all of them.
//!
//! This module never lets a request's failure end another's, and never judges by what was known before it came in.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;

use super::identity::{Identity, REMEMBERED};
use super::metrics::Metrics;
use super::{Settings, WAIT};
use crate::domain::Key;
use crate::domain::verdict::Verdict;
use crate::error::{Error, Kind, Result};
use crate::ops::access::Actor;
use crate::ops::verifier::{Kept, Request, Verifier};
use crate::output::view::Answered;

/// How many keys are remembered with their whole records, which only `/v1/verify` asks for.
const WHOLE: usize = 1 << 13;

/// What a request comes to.
pub type Judged = Result<Verdict<Kept<Identity>>>;

/// What waits for the store.
pub enum Matter {
    /// A request that is judged together with others.
    Request(Request, oneshot::Sender<Judged>),
    /// Something else. Nothing is done for those who have gone.
    Job(Box<dyn FnOnce(&mut Judge) + Send>),
}

/// The verifiers of a worker.
pub struct Judge {
    settings: Arc<Settings>,
    metrics: Arc<Metrics>,
    verifier: Verifier<Identity>,
    /// The one that knows whole records, once it is needed.
    whole: Option<Verifier<Answered>>,
}

/// Opens a verifier that keeps this of keys.
fn open<T>(settings: &Settings, keep: impl Fn(Key) -> T + Send + 'static) -> Result<Verifier<T>> {
    let store = (settings.open)(WAIT)?;
    let mut verifier = Verifier::new(store, Actor::Operator(String::new()), keep);
    verifier.wait_at_most(WAIT);
    Ok(verifier)
}

fn compact(settings: &Settings) -> Result<Verifier<Identity>> {
    Ok(open(settings, |key| Identity::new(&key))?.remembering(REMEMBERED))
}

fn whole(settings: &Settings) -> Result<Verifier<Answered>> {
    Ok(open(settings, Answered::from)?.remembering(WHOLE))
}

/// Uses a verifier. After a panic it is opened again: what it left undone is not known.
fn guarded<T, R>(
    (settings, metrics): (&Settings, &Metrics),
    verifier: &mut Verifier<T>,
    open: impl FnOnce(&Settings) -> Result<Verifier<T>>,
    body: impl FnOnce(&mut Verifier<T>) -> R,
) -> Result<R> {
    match catch_unwind(AssertUnwindSafe(|| body(verifier))) {
        Ok(done) => Ok(done),
        Err(_) => {
            metrics.panicked();
            *verifier = open(settings)?;
            Err(fault())
        }
    }
}

impl Judge {
    /// A judge with a verifier of its own, before its thread begins: what can fail has not failed then.
    pub fn open(settings: &Arc<Settings>, metrics: &Arc<Metrics>) -> Result<Self> {
        let verifier = compact(settings)?;
        let (settings, metrics) = (Arc::clone(settings), Arc::clone(metrics));
        Ok(Self { settings, metrics, verifier, whole: None })
    }

    /// Whether the store is on a server.
    pub fn is_far(&self) -> bool {
        self.verifier.is_far()
    }

    /// Writes the last uses.
    pub fn close(self) -> Result<()> {
        let whole = self.whole.map_or(Ok(()), Verifier::close);
        self.verifier.close().and(whole)
    }

    /// Does what waits for the store.
    pub fn work(&mut self, matters: impl IntoIterator<Item = Matter>) {
        let (mut requests, mut tellers, mut jobs) = (Vec::new(), Vec::new(), Vec::new());
        for matter in matters {
            match matter {
                // Whoever asked may have gone; so below.
                Matter::Request(_, teller) if teller.is_closed() => {}
                Matter::Request(request, teller) => {
                    requests.push(request);
                    tellers.push(teller);
                }
                Matter::Job(job) => jobs.push(job),
            }
        }
        if !requests.is_empty() {
            self.judge(requests, tellers);
        }
        for job in jobs {
            job(self);
        }
    }

    fn judge(&mut self, requests: Vec<Request>, tellers: Vec<oneshot::Sender<Judged>>) {
        let begun = Instant::now();
        let now = (self.settings.clock)();
        let verdicts = self.with(|verifier| verifier.verify_each(requests, now));
        self.metrics.judged(tellers.len(), begun.elapsed());
        match verdicts {
            Ok(verdicts) => {
                for (teller, verdict) in tellers.into_iter().zip(verdicts) {
                    self.metrics.verdict(&verdict);
                    let _ = teller.send(verdict);
                }
            }
            Err(error) => {
                for teller in tellers {
                    let _ = teller.send(Err(Error::new(error.kind(), error.to_string())));
                }
            }
        }
    }

    pub fn with<R>(&mut self, body: impl FnOnce(&mut Verifier<Identity>) -> R) -> Result<R> {
        let Self { settings, metrics, verifier, .. } = self;
        guarded((settings, metrics), verifier, compact, body)
    }

    /// Uses the verifier that knows whole records.
    pub fn with_records<R>(
        &mut self,
        body: impl FnOnce(&mut Verifier<Answered>) -> R,
    ) -> Result<R> {
        let Self { settings, metrics, whole: opened, .. } = self;
        let verifier = match opened {
            Some(verifier) => verifier,
            none => none.insert(whole(settings)?),
        };
        guarded((settings, metrics), verifier, whole, body)
    }

    /// Writes the uses that are due.
    pub fn write(&mut self) {
        let now = (self.settings.clock)();
        // A fault leaves them for the next time.
        let unwritten = self.with(|verifier| {
            verifier.write_if_due(now);
            verifier.unwritten()
        });
        self.metrics.unwritten(unwritten.unwrap_or_default());
        if self.whole.is_some() {
            let _ = self.with_records(|verifier| verifier.write_if_due(now));
        }
    }
}

/// What is said where something has failed that cannot.
pub fn fault() -> Error {
    Error::new(Kind::Internal, "internal error")
}
