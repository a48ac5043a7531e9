//! Minting, rotating and revoking from a service, with the delivery of each secret as a closure.
//!
//! This module never hands a secret to anyone but that closure, and never lets a key live before it has returned.

use std::path::Path;
use std::time::Duration;

use crate::domain::key::Key;
use crate::domain::secret::Secret;
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::ops::access::Actor;
use crate::ops::hand_over::{self, Delivered, Outcome};
use crate::ops::{mint, revoke, rotate};
use crate::random::SystemRandom;
use crate::store::{Place, Store};

/// Why a closure could not deliver: any error, or a text.
type Cause = Box<dyn std::error::Error + Send + Sync>;

/// The keys of a store, for a service that mints, rotates and revokes them. `Send`, so each thread may have one.
///
/// A key is pending while its secret is on its way to its holder, and pending keys verify nowhere. The closure that delivers the
/// secret decides: when it returns `Ok`, the key becomes active, and when it fails, the key is void and its name is free
/// again. A process that is killed in the closure, or a closure that panics, leaves the key pending; it is void after a day.
///
/// Every change is in the audit trail as `operator:library`, unless [`Keyring::acting_as`] says otherwise.
pub struct Keyring {
    store: Store,
    actor: Actor,
    clock: Box<dyn Fn() -> Timestamp + Send>,
}

/// A key and the one that it replaces.
#[derive(Debug)]
pub struct Rotated {
    /// The new key: active, or pending if the request holds it.
    pub key: Key,
    /// The old key, with the time at which it expires now. Unchanged if the new one is held.
    pub old: Key,
}

impl Keyring {
    /// Opens the store at this path, or the one on the server that it is a URI of (`postgres://…`, with the feature `postgres`; the URI
    /// may have the password). The clock is `SystemTime::now`; it is asked before and after each delivery. Another
    /// process that has the store locked is waited for as long as `wait`.
    ///
    /// # Errors
    /// `store_not_found`, `permissions`, `foreign`, `damaged`, `newer_store`, `busy`, `io`.
    pub fn open<T: Into<Timestamp>>(
        path: &Path,
        wait: Duration,
        clock: impl Fn() -> T + Send + 'static,
    ) -> Result<Self> {
        let place = Place::find(path, &|_| None)?;
        Ok(Self {
            store: Store::open_at(&place, wait)?.ok_or_else(|| place.absent())?,
            actor: Actor::Operator("library".to_owned()),
            clock: Box::new(move || clock().into()),
        })
    }

    /// Records changes as `operator:NAME`.
    #[must_use]
    pub fn acting_as(mut self, name: &str) -> Self {
        self.actor = Actor::Operator(name.to_owned());
        self
    }

    /// Mints a key and delivers its secret by the closure. Returns the key, active.
    ///
    /// ```no_run
    /// # use std::{path::Path, time::{Duration, SystemTime}};
    /// use keyward::{Keyring, MintRequest};
    ///
    /// # fn main() -> keyward::Result<()> {
    /// # let respond = |_: &str| std::io::Result::Ok(());
    /// let path = Path::new("/var/lib/my-service/keyward.db");
    /// let mut keyring = Keyring::open(path, Duration::from_secs(10), SystemTime::now)?;
    /// let request = MintRequest::new("customer-42".parse()?);
    /// let key = keyring.mint(&request, |_key, secret| respond(secret.expose()))?;
    /// # drop(key);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `delivery_failed` when the closure fails, the key then being void, unless its holder has presented the secret meanwhile,
    /// as the message says; `usage` for a request of several keys; `name_taken`, `limit_reached`, `invalid_environment`,
    /// `invalid_scope`, `invalid_expiry`, `workspace_not_found`, `ambiguous`; `unknown_outcome`; the store's.
    pub fn mint<E: Into<Cause>>(
        &mut self,
        request: &mint::Request,
        deliver: impl FnOnce(&Key, &Secret) -> Result<(), E>,
    ) -> Result<Key> {
        if request.count != 1 {
            return Err(Error::usage(format!(
                "a keyring mints one key at a time, and not {}",
                request.count
            )));
        }
        self.store.follow()?;
        let now = (self.clock)();
        let mut rng = SystemRandom;
        let mint::Outcome { mut keys, mut secrets, .. } =
            mint::run(&mut self.store, &self.actor, request, now, &mut rng)?;
        let minted = keys.pop().zip(secrets.pop());
        let (key, secret) = minted.expect("one key is minted for a count of one");
        self.hand_over(key, secret, false, deliver).map(|(key, _)| key)
    }

    /// Replaces a key's secret and delivers the new one by the closure. The old key stays valid for the grace, which begins
    /// after the delivery; it is untouched if that fails.
    ///
    /// # Errors
    /// `delivery_failed` as in [`Keyring::mint`]; `conflict` when the key is not active or is being rotated already;
    /// `key_not_found`, `ambiguous`, `limit_reached`, `invalid_expiry`, `workspace_not_found`; `unknown_outcome`; the store's.
    pub fn rotate<E: Into<Cause>>(
        &mut self,
        request: &rotate::Request,
        deliver: impl FnOnce(&Key, &Secret) -> Result<(), E>,
    ) -> Result<Rotated> {
        self.store.follow()?;
        let now = (self.clock)();
        let mut rng = SystemRandom;
        let rotate::Outcome { key, secret, old, .. } =
            rotate::run(&mut self.store, &self.actor, request, now, &mut rng)?;
        let (key, replaced) = self.hand_over(key, secret, request.terms.hold, deliver)?;
        Ok(Rotated { key, old: replaced.unwrap_or(old) })
    }

    /// Revokes keys permanently, all or none. From then on no verify of any process says `valid`.
    ///
    /// # Errors
    /// `key_not_found`, `ambiguous`, `workspace_not_found`; `in_use` for a key that was to be idle; the store's.
    pub fn revoke(&mut self, request: &revoke::Request) -> Result<revoke::Outcome> {
        self.store.follow()?;
        revoke::run(&mut self.store, &self.actor, request, (self.clock)())
    }

    /// Delivers the key's secret. Returns the key after that, and the one that it replaced.
    fn hand_over<E: Into<Cause>>(
        &mut self,
        key: Key,
        secret: Secret,
        hold: bool,
        deliver: impl FnOnce(&Key, &Secret) -> Result<(), E>,
    ) -> Result<(Key, Option<Key>)> {
        let request =
            hand_over::Request { keys: std::slice::from_ref(&key), secrets: vec![secret], hold };
        let deliver = |secrets: &[Secret]| {
            let secret = secrets.first().expect("the secret that was given");
            deliver(&key, secret).map(|()| Delivered::default()).map_err(|cause| {
                Error::new(Kind::DeliveryFailed, "the secret was not delivered")
                    .because(anyhow::Error::from_boxed(cause.into()))
            })
        };
        let (store, actor) = (&mut self.store, &self.actor);
        match hand_over::run(store, actor, request, &self.clock, deliver)? {
            Outcome::Held => Ok((key, None)),
            Outcome::Live(live) => {
                let live = live.into_iter().next();
                let live = live.expect("the key that was delivered");
                Ok((live.key, live.replaced))
            }
        }
    }
}
