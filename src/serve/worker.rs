//! A worker: what the connections of a thread share, with a verifier of its own that judges their requests.
//!
//! Requests that can be read at the same moment are judged together: each connection's task puts its request into the group,
//! which is judged when all the connections that were woken with it have had their turn. Whatever asks the store waits for
//! that moment too. For a store on a server it is outside of the runtime, as its engine has one of its own.
//!
//! This module never lets a request's failure end another's, and never judges by what was known before it came in.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{Notify, oneshot};

use super::identity::{Identity, REMEMBERED};
use super::manage::Managers;
use super::metrics::Metrics;
use super::{Settings, WAIT};
use crate::domain::Key;
use crate::domain::verdict::Verdict;
use crate::error::{Error, Kind, Result};
use crate::ops::access::Actor;
use crate::ops::verifier::{Kept, Request, Verifier};

/// How many keys are remembered with their whole records, which only `/v1/verify` asks for.
const WHOLE: usize = 1 << 10;

type Judged = Result<Verdict<Kept<Identity>>>;
/// Something that asks the store.
type Job = Box<dyn FnOnce(&Worker)>;

/// What the connections of a thread share.
pub struct Worker {
    pub settings: Arc<Settings>,
    pub metrics: Arc<Metrics>,
    pub managers: Option<Arc<Managers>>,
    /// Whether it is to end.
    pub is_ending: Cell<bool>,
    verifier: RefCell<Verifier<Identity>>,
    /// The one that knows whole records, once it is needed.
    whole: RefCell<Option<Verifier<Key>>>,
    group: RefCell<Vec<(Request, oneshot::Sender<Judged>)>>,
    jobs: RefCell<Vec<Job>>,
    wanted: Notify,
}

/// Opens a verifier that keeps this of keys.
fn verifier<T>(
    settings: &Settings,
    keep: impl Fn(Key) -> T + Send + 'static,
) -> Result<Verifier<T>> {
    let store = (settings.open)(WAIT)?;
    let mut verifier = Verifier::new(store, Actor::Operator(String::new()), keep);
    verifier.wait_at_most(WAIT);
    Ok(verifier)
}

/// The verifier of a worker, which may be opened before its thread begins: what can fail has not failed then.
pub fn compact(settings: &Settings) -> Result<Verifier<Identity>> {
    Ok(verifier(settings, |key| Identity::new(&key))?.remembering(REMEMBERED))
}

fn whole(settings: &Settings) -> Result<Verifier<Key>> {
    Ok(verifier(settings, |key| key)?.remembering(WHOLE))
}

impl Worker {
    pub fn new(
        settings: Arc<Settings>,
        metrics: Arc<Metrics>,
        managers: Option<Arc<Managers>>,
        verifier: Verifier<Identity>,
    ) -> Self {
        Self {
            settings,
            metrics,
            managers,
            is_ending: Cell::new(false),
            verifier: RefCell::new(verifier),
            whole: RefCell::default(),
            group: RefCell::default(),
            jobs: RefCell::default(),
            wanted: Notify::new(),
        }
    }

    /// Writes the last uses.
    ///
    /// # Errors
    /// They could not be recorded.
    pub fn close(self) -> Result<()> {
        let whole = self.whole.into_inner().map_or(Ok(()), Verifier::close);
        self.verifier.into_inner().close().and(whole)
    }

    /// Judges a request together with those that came in with it.
    pub async fn judge(&self, request: Request) -> Judged {
        let (teller, verdict) = oneshot::channel();
        self.group.borrow_mut().push((request, teller));
        self.wanted.notify_one();
        verdict.await.unwrap_or_else(|_| Err(fault()))
    }

    /// Has this done when it is the store's turn.
    async fn in_turn<R: 'static>(&self, job: impl FnOnce(&Self) -> R + 'static) -> Result<R> {
        let (teller, done) = oneshot::channel();
        self.jobs.borrow_mut().push(Box::new(move |worker| {
            // Whoever asked may have gone; so below.
            let _ = teller.send(job(worker));
        }));
        self.wanted.notify_one();
        done.await.map_err(|_| fault())
    }

    /// Comes to an end when it is the store's turn.
    pub async fn wanted(&self) {
        self.wanted.notified().await;
    }

    /// Does what waits for the store, for as long as the thread lasts.
    pub async fn work_within(self: Rc<Self>) {
        loop {
            self.wanted().await;
            self.work();
        }
    }

    /// Does what waits for the store.
    pub fn work(&self) {
        let (requests, tellers): (Vec<_>, Vec<_>) = self.group.take().into_iter().unzip();
        if !requests.is_empty() {
            self.judge_group(requests, tellers);
        }
        for job in self.jobs.take() {
            job(self);
        }
    }

    fn judge_group(&self, requests: Vec<Request>, tellers: Vec<oneshot::Sender<Judged>>) {
        let begun = Instant::now();
        let now = (self.settings.clock)();
        let verdicts =
            self.guarded(&self.verifier, compact, |verifier| verifier.verify_each(requests, now));
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

    /// Uses a verifier. After a panic it is opened again: what it left undone is not known.
    fn guarded<V, R>(
        &self,
        verifier: &RefCell<V>,
        open: impl FnOnce(&Settings) -> Result<V>,
        body: impl FnOnce(&mut V) -> R,
    ) -> Result<R> {
        let mut verifier = verifier.borrow_mut();
        match catch_unwind(AssertUnwindSafe(|| body(&mut verifier))) {
            Ok(done) => Ok(done),
            Err(_) => {
                self.metrics.panicked();
                *verifier = open(&self.settings)?;
                Err(fault())
            }
        }
    }

    /// Uses the verifier that knows whole records.
    pub async fn with_records<R: 'static>(
        &self,
        body: impl FnOnce(&mut Verifier<Key>) -> R + 'static,
    ) -> Result<R> {
        self.in_turn(|worker| worker.records(body)).await?
    }

    fn records<R>(&self, body: impl FnOnce(&mut Verifier<Key>) -> R) -> Result<R> {
        if self.whole.borrow().is_none() {
            *self.whole.borrow_mut() = Some(whole(&self.settings)?);
        }
        self.guarded(
            &self.whole,
            |settings| whole(settings).map(Some),
            |verifier| body(verifier.as_mut().expect("it was opened")),
        )
    }

    /// Whether any of these texts holds a key of the store.
    pub async fn is_exposed(&self, texts: Vec<String>) -> Result<bool> {
        let look = move |worker: &Self| {
            worker.guarded(&worker.verifier, compact, |verifier| verifier.finds_secret(&texts))?
        };
        self.in_turn(look).await?
    }

    /// Whether the store can be read, and then whether uses are recorded.
    pub async fn is_recording(&self) -> Result<bool> {
        let look =
            |worker: &Self| worker.guarded(&worker.verifier, compact, Verifier::is_recording)?;
        self.in_turn(look).await?
    }

    /// Writes the uses that are due.
    pub async fn write_if_due(&self) {
        // There is nobody to report a fault to, and they are written the next time.
        let _ = self.in_turn(Self::write).await;
    }

    fn write(&self) {
        let now = (self.settings.clock)();
        // A fault leaves them for the next time.
        let unwritten = self.guarded(&self.verifier, compact, |verifier| {
            verifier.write_if_due(now);
            verifier.unwritten()
        });
        self.metrics.unwritten(unwritten.unwrap_or_default());
        if self.whole.borrow().is_some() {
            let _ = self.records(|verifier| verifier.write_if_due(now));
        }
    }
}

fn fault() -> Error {
    Error::new(Kind::Internal, "internal error")
}
