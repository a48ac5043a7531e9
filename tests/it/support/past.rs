//! Keys with a past, made through the library: no option of the binary says what time it is.

use std::collections::BTreeMap;
use std::time::Duration;

use keyward::domain::code::Code;
use keyward::domain::secret::Secret;
use keyward::domain::timestamp::Timestamp;
use keyward::ops::access::Actor;
use keyward::ops::select::Selector;
use keyward::ops::store::clock;
use keyward::ops::verifier::{Request, Verifier};
use keyward::ops::{activate, mint, revoke};
use keyward::random::SystemRandom;
use keyward::store::Store;

use super::Sandbox;
use super::time::now;

/// A key that was made in the past.
#[derive(Debug, Clone)]
pub struct Old {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: String,
}

/// The sandbox's store as it was used in the past. Every time is said as so many milliseconds before now.
pub struct Past<'a> {
    sandbox: &'a Sandbox,
    store: Store,
    actor: Actor,
}

fn ago(millis: i64) -> Timestamp {
    Timestamp::from_millis(now() - millis)
}

fn request(
    workspace: Option<&str>,
    name: &str,
    count: u32,
    expires: Option<&str>,
) -> mint::Request {
    mint::Request {
        workspace: workspace.map(str::to_owned),
        name: name.parse().expect("a name"),
        count,
        environment: None,
        scopes: Vec::new(),
        expires: expires.map(|expires| expires.parse().expect("a time")),
        allow: Vec::new(),
        owner: None,
        labels: BTreeMap::new(),
        plan: None,
    }
}

impl<'a> Past<'a> {
    /// Opens the store, or makes it.
    pub fn of(sandbox: &'a Sandbox) -> Self {
        let store = sandbox.open().or_else(|| {
            sandbox.keyward(["store", "create"]).ok();
            sandbox.open()
        });
        Self {
            sandbox,
            store: store.expect("the store is there"),
            actor: Actor::Operator("someone".to_owned()),
        }
    }

    /// Mints so many keys in this workspace, or in the only one, and makes them active, all at that time.
    pub fn mint(
        &mut self,
        workspace: Option<&str>,
        name: &str,
        count: u32,
        millis: i64,
    ) -> Vec<Old> {
        self.mint_until(workspace, name, count, None, millis)
    }

    /// The same with a lifetime that began then.
    pub fn mint_until(
        &mut self,
        workspace: Option<&str>,
        name: &str,
        count: u32,
        expires: Option<&str>,
        millis: i64,
    ) -> Vec<Old> {
        let request = request(workspace, name, count, expires);
        let (then, store) = (ago(millis), &mut self.store);
        // What was done in a nearer past may have gone before.
        let reset = clock::reset(store, &self.actor, then);
        reset.expect("the clock can be set");
        let minted = mint::run(store, &self.actor, &request, then, &mut SystemRandom);
        let minted = minted.expect("keys can be minted");
        let activated = activate::complete(store, &self.actor, &minted.keys, then);
        activated.expect("keys can become active");
        let keys = minted.keys.iter().zip(&minted.secrets);
        keys.map(|(key, secret)| Old {
            id: key.id.as_str().to_owned(),
            secret: secret.expose().to_owned(),
        })
        .collect()
    }

    /// Mints a key by a clock that is so far ahead, in the only workspace.
    pub fn mint_ahead(&mut self, name: &str, millis: i64) -> mint::Outcome {
        let request = request(None, name, 1, None);
        let (then, store) = (ago(-millis), &mut self.store);
        let minted = mint::run(store, &self.actor, &request, then, &mut SystemRandom);
        let minted = minted.expect("a key can be minted");
        let activated = activate::complete(store, &self.actor, &minted.keys, then);
        let _ = activated.expect("a key can become active");
        minted
    }

    /// Mints a key that stays pending, in the only workspace.
    pub fn hold(&mut self, name: &str, millis: i64) {
        let request = request(None, name, 1, None);
        let minted =
            mint::run(&mut self.store, &self.actor, &request, ago(millis), &mut SystemRandom);
        minted.expect("a key can be minted");
    }

    /// Verifies each key's secret once.
    pub fn use_them(&self, keys: &[Old], millis: i64) {
        let (path, wait) = (self.sandbox.named(), Duration::from_secs(10));
        let mut verifier = Verifier::open(&path, wait, drop).expect("there is a store");
        for key in keys {
            let request = Request::new(Secret::new(key.secret.clone()));
            let verdict = verifier.verify(&request, ago(millis)).expect("a verdict");
            assert_eq!(verdict.code, Code::Valid, "{}", key.id);
        }
        verifier.close().expect("the uses can be written");
    }

    /// Revokes the keys.
    pub fn revoke(&mut self, keys: &[Old], millis: i64) {
        let selector = |key: &Old| Selector { text: key.id.clone(), environment: None };
        let request = revoke::Request {
            workspace: None,
            selectors: keys.iter().map(selector).collect(),
            reason: revoke::Reason::Retired,
            message: None,
            idle: None,
        };
        revoke::run(&mut self.store, &self.actor, &request, ago(millis)).expect("they are there");
    }
}

/// The keys' ids, sorted.
#[must_use]
pub fn ids(keys: &[Old]) -> Vec<String> {
    let mut ids: Vec<String> = keys.iter().map(|key| key.id.clone()).collect();
    ids.sort();
    ids
}
