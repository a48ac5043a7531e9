//! Judging secrets: the one way in which the command, the stream and a service that embeds keyward do it.
//!
//! This module never changes anything of a key except its uses, and a verdict waits for recording only if a rate or a
//! quota depends on it.
//!
//! Three things make it fast and still correct. Keys are cached until the audit trail names them, and a counter in
//! shared memory shows whether the trail has anything new. Uses are counted in memory and written together within a
//! second. A key with a rate or a quota is judged and counted in one transaction, so the count is exact even if other
//! processes verify.

mod asides;
pub mod asked;
mod changes;
mod group;
mod judging;
mod known;
mod limited;
mod memory;
#[cfg(feature = "cli")]
mod once;
mod pending;
mod state;
mod writing;

use std::path::Path;
use std::time::Duration;

use crate::domain::clock::Clock;
use crate::domain::secret::Secret;
use crate::domain::verdict::{Ask, Verdict};
use crate::domain::{Key, Timestamp};
use crate::error::Result;
use crate::ops::access::Actor;
use crate::store::{Place, Store};
use known::Credits;
pub use known::Kept;
use limited::is_to_be_counted;
use memory::Memory;
use pending::Pending;
use state::State;
use writing::Reused;

/// How many keys are cached, unless [`Verifier::remembering`] says otherwise.
pub const REMEMBERED: usize = 1 << 20;

/// What to judge.
#[derive(Debug, Clone)]
pub struct Request {
    /// The secret as presented.
    pub secret: Secret,
    /// What it is wanted for.
    pub ask: Ask,
    /// The workspace that the key must be of; another's is `not_found`.
    pub workspace: Option<String>,
    /// The credits it costs if it is valid.
    pub cost: u32,
    /// Whether it counts: as a use or a refusal, and against rate and quota.
    pub record: bool,
}

impl Request {
    /// A request of one credit that counts and asks for nothing in particular.
    pub fn new(secret: Secret) -> Self {
        Self { secret, ask: Ask::default(), workspace: None, cost: 1, record: true }
    }
}

/// Judges secrets, one store and one caller to each; `Send`, so a service has one for each of its threads.
///
/// `T` is what is kept in memory of a key and returned with each verdict. It is made once, and again after any change,
/// so it may include data that a service looks up for a key anyway. Nothing else of a key is kept.
pub struct Verifier<T = Key> {
    store: Store,
    state: State<T>,
    wait: Duration,
    reused: Reused,
    /// How many uses could not be recorded since the last report.
    lost: u64,
}

impl<T> Verifier<T> {
    /// Opens the store at this path, or the one on the server that it is a URI of, to verify many secrets.
    ///
    /// # Errors
    /// `store_not_found`, and what [`Store::open`] gives.
    pub fn open(
        path: &Path,
        wait: Duration,
        keep: impl Fn(Key) -> T + Send + 'static,
    ) -> Result<Self> {
        let place = Place::find(path, &|_| None)?;
        let store = Store::open_at(&place, wait)?.ok_or_else(|| place.absent())?;
        let actor = Actor::Operator("library".to_owned());
        Ok(Self::new(store, actor, keep))
    }

    /// Verifies with a store that is open.
    pub fn new(store: Store, actor: Actor, keep: impl Fn(Key) -> T + Send + 'static) -> Self {
        let state = State {
            actor,
            workspace: None,
            within: None,
            keep: Box::new(keep),
            memory: Memory::new(REMEMBERED),
            pending: Pending::default(),
            credits: Credits::default(),
            own_credits: Credits::default(),
            records: store.can_count(),
            clock: Clock::NEW,
            doubted_at: Clock::NEW.seen,
        };
        Self { store, state, wait: Duration::MAX, reused: Reused::default(), lost: 0 }
    }

    /// Accepts only keys of this workspace; any other is `not_found`. If the workspace is renamed, it is still the one
    /// meant.
    #[must_use]
    pub fn within(mut self, workspace: Option<String>) -> Self {
        self.state.workspace = workspace;
        self
    }

    /// Caches the last so many keys, and at most twice as many, which limits the memory. With 0, each key is looked up.
    #[must_use]
    pub fn remembering(mut self, keys: usize) -> Self {
        self.state.memory = Memory::new(keys);
        self
    }

    /// Whether its store is on a server.
    #[cfg(feature = "serve")]
    pub(crate) fn is_far(&self) -> bool {
        self.store.is_far()
    }

    /// Waits at most this long for another process before counting a key with limits, and never longer than the store
    /// would.
    pub fn wait_at_most(&mut self, wait: Duration) {
        self.wait = wait;
    }

    /// Judges a secret at this moment. Everything that any process committed before the call counts, in the file that
    /// is at the store's path now.
    ///
    /// # Errors The store's, `store_not_found` while there is no file, `workspace_not_found`, and what keeps the caller
    /// from verifying; `busy` when another process kept a key with a limit from being counted. An invalid secret is not
    /// an error.
    pub fn verify(
        &mut self,
        request: &Request,
        now: impl Into<Timestamp>,
    ) -> Result<Verdict<Kept<T>>> {
        let now = now.into();
        self.follow()?;
        if self.state.memory.freshness().is_some() {
            let seen = self.store.freshness()?;
            if let Some(verdict) = self.verify_remembered(request, now, seen)? {
                return Ok(verdict);
            }
        }
        let mut answer = None;
        self.verify_in_place(std::slice::from_ref(request), now, |verdict| {
            answer = Some(verdict);
        })?;
        Ok(answer.expect("each request has its verdict"))
    }

    /// Judges several secrets at one moment, in their order. After an error, the verdicts so far stand, and the error
    /// is about the next secret.
    ///
    /// # Errors
    /// As [`Verifier::verify`].
    pub fn verify_all(
        &mut self,
        requests: &[Request],
        now: impl Into<Timestamp>,
        answer: impl FnMut(Verdict<Kept<T>>),
    ) -> Result<()> {
        self.follow()?;
        self.verify_in_place(requests, now.into(), answer)
    }

    /// Judges by the open file.
    fn verify_in_place(
        &mut self,
        requests: &[Request],
        now: Timestamp,
        mut answer: impl FnMut(Verdict<Kept<T>>),
    ) -> Result<()> {
        let mut waiting = requests;
        let mut verdicts = Vec::with_capacity(requests.len());
        let judged = self.store.read(|reader| {
            let mut judging = self.state.judging(reader, waiting, now)?;
            judging.prepare(reader, waiting)?;
            while let [request, others @ ..] = waiting {
                let (code, known) = match judging.judge(reader, request) {
                    Ok(judged) => judged,
                    Err(error) => return Ok(Err(error)),
                };
                let verdict = match &known {
                    Some(known) if is_to_be_counted(request, code, known) => {
                        match judging.refusal(request, known) {
                            Some(refusal) => refusal,
                            None => break,
                        }
                    }
                    _ => judging.verdict(reader, request, code, known.as_ref())?,
                };
                judging.count(request, &verdict);
                self.reused.see(request, &verdict, now);
                verdicts.push(verdict);
                waiting = others;
            }
            Ok(Ok(()))
        })?;
        // Only now is it certain that a read-only store has not changed meanwhile.
        verdicts.into_iter().for_each(&mut answer);
        judged?;
        if !waiting.is_empty() {
            self.verify_limited(waiting, now, &mut answer)?;
        }
        self.write_if_due(now);
        self.note_reused(now);
        Ok(())
    }
}
