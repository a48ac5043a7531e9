//! A worker: what the connections of a thread share, and the way from them to their judge.
//!
//! Requests that can be read at the same moment are judged together: each connection's task puts its request to the others,
//! which are judged when all the connections that were woken with it have had their turn. Whatever asks the store waits for
//! that moment too. A file is asked on this thread. A server may take its time, and is asked on a thread beside it: what needs no
//! store is answered meanwhile, and what comes in waits together for the next look.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{Notify, oneshot};

use super::Settings;
use super::judge::{Judge, Judged, Matter, fault};
use super::manage::Managers;
use super::metrics::Metrics;
use crate::error::{Error, Kind, Result};
use crate::ops::verifier::{Request, Verifier};
use crate::output::view::Answered;

/// How long is waited for the store before it is said that it cannot be read.
const LONGEST_LOOK: Duration = Duration::from_secs(1);

/// What the connections of a thread share.
pub struct Worker {
    pub settings: Arc<Settings>,
    pub metrics: Arc<Metrics>,
    pub managers: Option<Arc<Managers>>,
    pub is_ending: Cell<bool>,
    bench: Bench,
}

/// Where the judge is.
enum Bench {
    /// On this thread, whose turn it is when somebody waits.
    Here { judge: Box<RefCell<Judge>>, waiting: RefCell<Vec<Matter>>, wanted: Notify },
    /// On a thread of its own.
    Beside { waiting: Sender<Matter>, thread: JoinHandle<Result<()>> },
}

/// Judges for as long as somebody may come.
fn judge(mut judge: Judge, waiting: &Receiver<Matter>) -> Result<()> {
    while let Ok(first) = waiting.recv() {
        judge.work([first].into_iter().chain(waiting.try_iter()));
    }
    judge.close()
}

impl Bench {
    fn new(own: Judge) -> Result<Self> {
        if !own.is_far() {
            let (judge, waiting) = (Box::new(RefCell::new(own)), RefCell::default());
            return Ok(Self::Here { judge, waiting, wanted: Notify::new() });
        }
        let (waiting, received) = channel();
        let thread = std::thread::Builder::new().spawn(move || judge(own, &received));
        let thread = thread.map_err(|error| {
            Error::new(Kind::Io, "cannot start a thread that verifies").because(error)
        })?;
        Ok(Self::Beside { waiting, thread })
    }

    fn put(&self, matter: Matter) {
        match self {
            Self::Here { waiting, wanted, .. } => {
                waiting.borrow_mut().push(matter);
                wanted.notify_one();
            }
            // Whoever waits for it learns that it is gone.
            Self::Beside { waiting, .. } => drop(waiting.send(matter)),
        }
    }
}

impl Worker {
    pub fn new(
        settings: Arc<Settings>,
        metrics: Arc<Metrics>,
        managers: Option<Arc<Managers>>,
        judge: Judge,
    ) -> Result<Self> {
        let bench = Bench::new(judge)?;
        Ok(Self { settings, metrics, managers, is_ending: Cell::new(false), bench })
    }

    /// Writes the last uses.
    pub fn close(self) -> Result<()> {
        match self.bench {
            Bench::Here { judge, .. } => (*judge).into_inner().close(),
            Bench::Beside { waiting, thread } => {
                drop(waiting);
                thread.join().unwrap_or_else(|_| Err(fault()))
            }
        }
    }

    /// Does what waits for the store, for as long as the thread lasts.
    pub async fn work(self: Rc<Self>) {
        if let Bench::Here { judge, waiting, wanted } = &self.bench {
            loop {
                wanted.notified().await;
                judge.borrow_mut().work(waiting.take());
            }
        }
    }

    /// Judges a request together with those that came in with it.
    pub async fn judge(&self, request: Request) -> Judged {
        let (teller, verdict) = oneshot::channel();
        self.bench.put(Matter::Request(request, teller));
        verdict.await.unwrap_or_else(|_| Err(fault()))
    }

    /// Has this done when it is the store's turn.
    async fn in_turn<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Judge) -> R + Send + 'static,
    ) -> Result<R> {
        let (teller, done) = oneshot::channel();
        self.bench.put(Matter::Job(Box::new(move |judge| {
            if !teller.is_closed() {
                // Whoever asked may go meanwhile.
                let _ = teller.send(job(judge));
            }
        })));
        done.await.map_err(|_| fault())
    }

    /// Uses the verifier that knows whole records.
    pub async fn with_records<R: Send + 'static>(
        &self,
        body: impl FnOnce(&mut Verifier<Answered>) -> R + Send + 'static,
    ) -> Result<R> {
        self.in_turn(|judge| judge.with_records(body)).await?
    }

    /// Whether any of these texts holds a key of the store.
    pub async fn is_exposed(&self, texts: Vec<String>) -> Result<bool> {
        self.in_turn(move |judge| judge.with(|verifier| verifier.finds_secret(&texts))?).await?
    }

    /// Whether the store can be read, and then whether uses are recorded.
    pub async fn is_recording(&self) -> Result<bool> {
        let look = self.in_turn(|judge| judge.with(Verifier::is_recording)?);
        let silent = |_| Error::new(Kind::Io, "the store does not answer");
        tokio::time::timeout(LONGEST_LOOK, look).await.map_err(silent)??
    }

    pub async fn write_if_due(&self) {
        // There is nobody to report a fault to, and they are written the next time.
        let _ = self.in_turn(Judge::write).await;
    }
}
