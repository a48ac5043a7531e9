//! Handing secrets over, and only then making their keys live: a delivery between two transactions. Everything that mints goes
//! through here: mint, rotate, ensure and apply.
//!
//! This module never leaves a live key without a holder: whatever goes wrong before the end voids the keys. A process that
//! is killed in between leaves them pending: they verify nowhere, presenting the secret makes them live, and after a day they
//! are void.

use crate::domain::holding::Place;
use crate::domain::secret::Secret;
use crate::domain::{Key, Timestamp};
use crate::error::{Error, Kind, Result};
use crate::ops::access::Actor;
use crate::ops::activate;
use crate::store::Store;

/// What to hand over.
pub struct Request<'a> {
    /// The keys, pending.
    pub keys: &'a [Key],
    /// Their secrets, in the same order; wiped after the delivery.
    pub secrets: Vec<Secret>,
    /// Whether the keys stay pending after it, until their holders present the secrets.
    pub hold: bool,
}

/// What has become of the keys.
#[derive(Debug)]
pub enum Outcome {
    Live(Vec<activate::Outcome>),
    /// They are pending, and their holders have the secrets.
    Held,
}

#[derive(Default)]
pub struct Delivered<'a> {
    /// The time from which the keys are live by what the recipient was shown; when nothing was, it is when the delivery ended.
    pub live_at: Option<Timestamp>,
    /// Removes the secrets from where they were put, if that can be done.
    pub take_back: Option<TakeBack<'a>>,
    /// What is left to do once the keys are live: their recipient cannot use the secrets before.
    pub finish: Option<TakeBack<'a>>,
}

/// What takes a delivery back. It fails when the secrets are still there, with a message that says where.
pub type TakeBack<'a> = Box<dyn FnOnce() -> Result<()> + 'a>;

/// Where secrets go, as far as that matters before a delivery.
pub trait Sink {
    /// Looks what it holds now. Changes nothing.
    fn look(&self) -> Result<Place>;

    /// Refuses, before anything is minted, a sink that cannot work; from now on it may replace what it holds, or may not.
    fn check(&mut self, may_replace: bool) -> Result<()>;

    /// Makes what a killed run has put there outlive a power failure.
    fn confirm(&self) -> Result<()>;
}

/// Delivers the secrets of pending keys, and makes the keys live unless they are held. The closure has delivered when it
/// returns: wholly, and with every error checked. If that fails, the message or the hint says what has become of the keys.
pub fn run<'d>(
    store: &mut Store,
    actor: &Actor,
    request: Request<'_>,
    clock: impl Fn() -> Timestamp,
    deliver: impl FnOnce(&[Secret]) -> Result<Delivered<'d>>,
) -> Result<Outcome> {
    let Request { keys, secrets, hold } = request;
    let delivered = match deliver(&secrets) {
        Ok(delivered) => delivered,
        Err(error) => return Err(void(store, keys, error, clock())),
    };
    drop(secrets);
    let finish = || delivered.finish.map_or(Ok(()), |finish| finish());
    // An answer that was shown must come true to the millisecond; behind any other sink, which may have taken its time, the
    // grace of the old key starts now.
    let live_at = delivered.live_at.unwrap_or_else(&clock);
    if hold {
        activate::hold(store, actor, keys, live_at)?;
        return match finish() {
            Ok(()) => Ok(Outcome::Held),
            Err(error) => Err(void(store, keys, error, clock())),
        };
    }
    match activate::complete(store, actor, keys, live_at) {
        Ok(live) => match finish() {
            Ok(()) => Ok(Outcome::Live(live)),
            Err(error) => Err(recall(store, keys, error, clock())),
        },
        Err(error)
            if matches!(
                error.kind(),
                Kind::Refused(_)
                    | Kind::ScopeRejected
                    | Kind::DeliveryFailed
                    | Kind::Conflict
                    | Kind::InvalidExpiry
            ) =>
        {
            let error = Error::new(Kind::DeliveryFailed, error.to_string());
            let error = match delivered.take_back.map_or(Ok(()), |take_back| take_back()) {
                Ok(()) => error,
                Err(kept) => error.hinted(format!("{kept}, which still contains the void secret")),
            };
            Err(void(store, keys, error, clock()))
        }
        Err(error) if error.kind() == Kind::UnknownOutcome => {
            Err(error.hinted("the secret was delivered: check its key with `keyward verify`, and activate it with `keyward activate`"))
        }
        Err(error) => Err(error.hinted(way_back(store, keys, clock()))),
    }
}

/// What can be done with secrets that were delivered, whose keys could not be made live. Another file may have taken the
/// store's place meanwhile.
fn way_back(store: &mut Store, keys: &[Key], now: Timestamp) -> &'static str {
    let are_pending = match store.follow() {
        Ok(_) => activate::are_pending(store, keys, now),
        Err(error) if error.kind() == Kind::StoreNotFound => Ok(false),
        Err(error) => Err(error),
    };
    match are_pending {
        Ok(true) => {
            "the secret was delivered and its key is pending: send it to `keyward activate`"
        }
        Ok(false) => {
            "the secret was delivered, but its key is not in the current store: mint another"
        }
        Err(_) => {
            "the secret was delivered: activate its key with `keyward activate` when the store can be read"
        }
    }
}

/// Ends keys that became live and whose secrets then did not reach their recipient, and says so in the error. One that has
/// replaced another stays: the other has ended, or is about to.
fn recall(store: &mut Store, keys: &[Key], error: Error, now: Timestamp) -> Error {
    let minter = keys.first().map_or("", |key| key.created_by.as_str());
    let fate = match activate::recall(store, minter, keys, now) {
        Ok(true) => "the key is void",
        Ok(false) => "the key stays live, because it has replaced another",
        Err(_) => "the key is live: revoke it",
    };
    error.told(|message| format!("{message}; {fate}"))
}

/// Voids the keys because of this error, and says so in it.
fn void(store: &mut Store, keys: &[Key], error: Error, now: Timestamp) -> Error {
    let minter = keys.first().map_or("", |key| key.created_by.as_str());
    let fate = match activate::void(store, minter, keys, now) {
        Ok(true) => "is void",
        Ok(false) => "is live, because its secret was presented meanwhile",
        // It verifies nowhere, and a day later it is.
        Err(_) => "is pending and will be void in a day",
    };
    let subject = match keys {
        [_] => "the key",
        _ => "each key",
    };
    let told = Error::new(error.kind(), format!("{error}; {subject} {fate}"));
    match error.hint() {
        Some(hint) => told.hinted(hint),
        None => told,
    }
}
