//! Where one call after another is worked on: who calls, what they want, and what comes of it.
//!
//! This module never answers a calling key more than the table of sentences: messages may name what is not its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::call::{Call, Failure, Outcome, Turn};
use super::route::Route;
use super::{azscraper, fields, keys, listing, scrapewise};
use crate::domain::secret::Secret;
use crate::domain::verdict::Ask;
use crate::domain::{Code, Key, Timestamp};
use crate::error::{Error, Result};
use crate::ops::access::Actor;
use crate::ops::verifier::{Request, Verifier};
use crate::ops::{activate, whoami};
use crate::output::view::{CallerView, KeyView};
use crate::serve::answer::Answer;
use crate::serve::dialect::Refusal;
use crate::serve::metrics::Metrics;
use crate::serve::{Settings, WAIT, metrics, tokens};
use crate::store::{Remark, Store};

/// A desk: a store to change, and a verifier for those who call.
pub struct Desk {
    settings: Arc<Settings>,
    store: Store,
    verifier: Verifier<Key>,
    metrics: Vec<Arc<Metrics>>,
    begun: Timestamp,
}

fn open(settings: &Settings) -> Result<(Store, Verifier<Key>)> {
    let store = (settings.open)(settings.patience)?;
    let judging = (settings.open)(settings.patience)?;
    let mut verifier = Verifier::new(judging, Actor::Operator(String::new()), |key| key);
    verifier.wait_at_most(Duration::from_secs(1).max(WAIT));
    Ok((store, verifier.remembering(0)))
}

impl Desk {
    pub fn open(settings: Arc<Settings>, metrics: Vec<Arc<Metrics>>) -> Result<Self> {
        let (store, verifier) = open(&settings)?;
        let begun = (settings.clock)();
        Ok(Self { settings, store, verifier, metrics, begun })
    }

    pub fn work(&mut self, route: Route, call: Call, answer: oneshot::Sender<Answer>) {
        let outcome = catch_unwind(AssertUnwindSafe(|| self.answer(route, call, answer)));
        if outcome.is_err() {
            if let Some(metrics) = self.metrics.first() {
                metrics.panicked();
            }
            // What the fault has left undone, nobody knows. If this fails, the next call says so.
            if let Ok((store, verifier)) = open(&self.settings) {
                (self.store, self.verifier) = (store, verifier);
            }
        }
    }

    fn answer(&mut self, route: Route, call: Call, answer: oneshot::Sender<Answer>) {
        let dialect = call.dialect;
        let actor = match self.actor(&route, &call) {
            Ok(actor) => actor,
            Err(refusal) => {
                // Whoever asked may have gone; so below.
                let _ = answer.send(Answer::refusal(&refusal, dialect));
                return;
            }
        };
        let mut remark = Remark::new();
        remark.insert("via".to_owned(), "http".into());
        if let Some(address) = call.address {
            remark.insert("client".to_owned(), address.to_string().into());
        }
        self.store.remark(Some(remark));
        let is_operator = matches!(actor, Actor::Operator(_));
        let Self { settings, store, verifier, metrics, begun } = self;
        let mut turn = Turn { settings, store, verifier, actor, call, answer: Some(answer) };
        let outcome = work(&mut turn, route, metrics, *begun);
        let Some(answer) = turn.answer.take() else {
            return;
        };
        let refusal = match outcome {
            Ok(Some(done)) => {
                let _ = answer.send(done);
                return;
            }
            Ok(None) => Refusal::plain("internal", 500),
            Err(Failure::Refused(refusal)) => refusal,
            Err(Failure::Failed(error)) => refusal_of(&error, is_operator),
        };
        let _ = answer.send(Answer::refusal(&refusal, dialect));
    }

    /// Who calls: the operator, or a key that is valid, which is counted and limited as any request's.
    fn actor(&mut self, route: &Route, call: &Call) -> std::result::Result<Actor, Refusal> {
        let unauthorized = || Refusal::plain("unauthorized", 401);
        if *route == Route::Activate {
            // The secret itself is what gives the right.
            return Ok(Actor::Operator("http".to_owned()));
        }
        let Some(secret) = &call.secret else {
            let own = rustix::process::geteuid().as_raw();
            let account = call.account.filter(|account| *account == 0 || *account == own);
            let name = account.map(self.settings.account).ok_or_else(unauthorized)?;
            return Ok(Actor::Operator(name));
        };
        for path in &self.settings.operators {
            if tokens::is_in(path, secret) {
                let stem = path.file_stem().unwrap_or_default().to_string_lossy();
                return Ok(Actor::Operator(stem.into_owned()));
            }
        }
        let mut request = Request::new(secret.clone());
        request.ask = Ask { address: call.address, ..Ask::default() };
        request.workspace.clone_from(&self.settings.workspace);
        let verdict = self.verifier.verify_once(&request, (self.settings.clock)());
        if let Some(metrics) = self.metrics.first() {
            metrics.verdict(&verdict);
        }
        let verdict = verdict.map_err(|error| refusal_of(&error, false))?;
        match verdict.code {
            Code::Valid => Ok(Actor::Caller { secret: secret.clone(), address: call.address }),
            code => Err(Refusal::of(code, verdict.retry_after)),
        }
    }
}

/// The refusal that an error is. The operator is told what a person at the terminal is told.
fn refusal_of(error: &Error, is_operator: bool) -> Refusal {
    let refusal = Refusal::from(error);
    if is_operator { Refusal { message: error.to_string(), ..refusal } } else { refusal }
}

fn work(turn: &mut Turn<'_>, route: Route, counted: &[Arc<Metrics>], begun: Timestamp) -> Outcome {
    turn.store.follow()?;
    match route {
        Route::Metrics => {
            turn.require_operator()?;
            let text = metrics::text(counted, turn.call.is_recording, begun);
            Ok(Some(Answer::text(text)))
        }
        Route::Whoami => whoami(turn),
        Route::Activate => activate(turn),
        Route::List => listing::all(turn),
        Route::Mint => keys::mint(turn),
        Route::Key(id, deed) => keys::work(turn, &id, deed),
        Route::Scrapewise(route) => scrapewise::work(turn, &route),
        Route::Azscraper(project, route) => azscraper::work(turn, &project, &route),
    }
}

fn whoami(turn: &mut Turn<'_>) -> Outcome {
    let (now, workspace) = (turn.now(), turn.workspace());
    let caller = whoami::run(turn.store, &turn.actor, workspace.as_deref(), now)?;
    let view = match &caller {
        whoami::Outcome::Operator { name, workspace } => {
            CallerView::operator(name, workspace.clone())
        }
        whoami::Outcome::Caller(key) => CallerView::key(key),
    };
    Ok(Some(Answer::view(200, &view)))
}

fn activate(turn: &mut Turn<'_>) -> Outcome {
    let wish: fields::Activate = fields::read(&turn.call.body)?;
    let secret = wish.key.map(Secret::new).or_else(|| turn.call.secret.take());
    let Some(secret) = secret else {
        return Err(Refusal::plain("unauthorized", 401).into());
    };
    let (now, workspace) = (turn.now(), turn.settings.workspace.as_deref());
    match activate::present(turn.store, &turn.actor, workspace, &secret, now) {
        Ok(outcome) => Ok(Some(Answer::view(200, &KeyView::new(&outcome.key, now)))),
        // Nobody in particular calls.
        Err(error) => Err(Refusal::from(&error).into()),
    }
}
