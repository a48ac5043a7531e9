//! Stores to be mangled, with keys of each kind in them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use keyward::domain::secret::Secret;
use keyward::domain::timestamp::Timestamp;
use keyward::ops::access::Actor;
use keyward::ops::pause::{self, Change};
use keyward::ops::select::Selector;
use keyward::ops::store::clock;
use keyward::ops::verifier::{Request, Verifier};
use keyward::ops::{activate, mint, revoke, rotate};
use keyward::random::SystemRandom;
use keyward::store::Store;

use crate::model::log::write;
use crate::support::Sandbox;
use crate::support::files::beside;
use crate::support::time::{DAY, HOUR, now};

/// How long a busy store is waited for; here nobody else uses one.
pub(super) const WAIT: Duration = Duration::from_secs(10);
/// A store's two files.
#[derive(Clone)]
pub(super) struct Files {
    pub database: Vec<u8>,
    pub log: Vec<u8>,
}

/// A key and what is right to say of it.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub secret: String,
    pub name: String,
    /// The verdict's code, and the status.
    pub code: &'static str,
    /// The same before what is in the log alone.
    pub before: &'static str,
}

/// A store to be mangled.
#[derive(Clone)]
pub(super) struct Template {
    pub files: Files,
    pub keys: Vec<Known>,
}

/// Makes them.
pub(super) struct Maker {
    pub sandbox: Sandbox,
    pub store: Store,
    pub actor: Actor,
    pub keys: Vec<Known>,
}

pub(super) fn selector(name: &str) -> Selector {
    Selector { text: name.to_owned(), environment: None }
}

impl Maker {
    pub fn new() -> Self {
        let sandbox = Sandbox::new();
        let store = Store::open_or_create(&sandbox.store_path(), WAIT).expect("it can be made");
        Self { sandbox, store, actor: Actor::Operator("someone".to_owned()), keys: Vec::new() }
    }

    fn at(ago: i64) -> Timestamp {
        Timestamp::from_millis(now() - ago)
    }

    fn known(&mut self, name: &str, secret: &str, code: &'static str) {
        self.keys.push(Known {
            secret: secret.to_owned(),
            name: name.to_owned(),
            code,
            before: code,
        });
    }

    /// Mints a key so long ago, live unless it is to stay pending.
    pub fn mint(&mut self, name: &str, expires: Option<&str>, ago: i64, code: &'static str) {
        self.mint_many(name, 1, expires, ago, code);
    }

    fn mint_many(
        &mut self,
        name: &str,
        count: u32,
        expires: Option<&str>,
        ago: i64,
        code: &'static str,
    ) {
        let request = mint::Request {
            workspace: None,
            name: name.parse().expect("a name"),
            count,
            environment: None,
            scopes: Vec::new(),
            expires: expires.map(|expires| expires.parse().expect("a time")),
            allow: Vec::new(),
            owner: Some("platform".to_owned()),
            labels: BTreeMap::from([("team".to_owned(), "core".to_owned())]),
            plan: None,
        };
        let at = Self::at(ago);
        // What was done in a nearer past may have gone before.
        let reset = clock::reset(&mut self.store, &self.actor, at);
        reset.expect("the clock can be set");
        let minted = mint::run(&mut self.store, &self.actor, &request, at, &mut SystemRandom);
        let minted = minted.expect("it can be minted");
        if code != "pending" {
            let live = activate::complete(&mut self.store, &self.actor, &minted.keys, at);
            live.expect("it can be made live");
        }
        for (key, secret) in minted.keys.iter().zip(&minted.secrets) {
            self.known(&key.name, secret.expose(), code);
        }
    }

    pub fn revoke(&mut self, name: &str) {
        let request = revoke::Request {
            workspace: None,
            selectors: vec![selector(name)],
            reason: revoke::Reason::Compromised,
            message: None,
            idle: None,
        };
        let revoked = revoke::run(&mut self.store, &self.actor, &request, Self::at(HOUR));
        revoked.expect("it can be revoked");
    }

    fn rotate(&mut self, name: &str, grace: &str, ago: i64) {
        let request = rotate::Request {
            workspace: None,
            selector: selector(name),
            terms: rotate::Terms {
                grace: Some(grace.parse().expect("a duration")),
                ..rotate::Terms::default()
            },
        };
        let at = Self::at(ago);
        let rotated = rotate::run(&mut self.store, &self.actor, &request, at, &mut SystemRandom);
        let rotated = rotated.expect("it can be rotated");
        let live = activate::complete(&mut self.store, &self.actor, &[rotated.key], at);
        live.expect("it can be made live");
        self.known(name, rotated.secret.expose(), "valid");
    }

    fn disable(&mut self, name: &str) {
        let (at, key) = (Self::at(HOUR), selector(name));
        let paused =
            pause::run(&mut self.store, &self.actor, None, &key, Change::Disable, None, at);
        paused.expect("it can be disabled");
    }

    fn use_all(&self) {
        let path = self.sandbox.store_path();
        let mut verifier = Verifier::open(&path, WAIT, drop).expect("there is a store");
        for key in &self.keys {
            let request = Request::new(Secret::new(key.secret.clone()));
            verifier.verify(&request, Self::at(HOUR)).expect("a verdict");
        }
        verifier.close().expect("uses can be written");
    }

    /// Keys of each kind, and enough others for pages of each kind.
    pub fn fill(&mut self) {
        self.mint_many("other", 40, None, 2 * DAY, "valid");
        self.mint("active", None, 2 * DAY, "valid");
        self.mint("later", Some("30d"), 2 * DAY, "valid");
        self.mint("revoked", None, 2 * DAY, "revoked");
        self.revoke("revoked");
        self.mint("expired", Some("1h"), 2 * DAY, "expired");
        self.mint("pending", None, HOUR, "pending");
        self.mint("void", None, 2 * DAY, "pending");
        self.mint("disabled", None, 2 * DAY, "disabled");
        self.disable("disabled");
        self.mint("swapped", None, 2 * DAY, "revoked");
        self.rotate("swapped", "0s", DAY);
        self.mint("rotated", None, 2 * DAY, "expired");
        self.rotate("rotated", "1h", DAY);
        for known in &mut self.keys {
            if known.name == "void" {
                (known.code, known.before) = ("revoked", "revoked");
            }
        }
        self.use_all();
    }

    pub fn files(&self) -> Files {
        let path = self.sandbox.store_path();
        Files {
            database: fs::read(&path).expect("there is a store"),
            log: fs::read(beside(&path, "-wal")).unwrap_or_default(),
        }
    }

    /// A store that was closed.
    pub fn closed(mut self) -> Template {
        self.fill();
        let keys = std::mem::take(&mut self.keys);
        drop(self.store);
        let path = self.sandbox.store_path();
        let files = Files {
            database: fs::read(&path).expect("there is a store"),
            log: fs::read(beside(&path, "-wal")).unwrap_or_default(),
        };
        assert!(files.log.is_empty(), "a store that was closed has no log");
        Template { files, keys }
    }

    /// A store whose process was killed: much of what it did is in the log alone.
    pub fn killed(mut self) -> Template {
        self.fill();
        self.mint("late", None, DAY, "valid");
        let path = self.sandbox.store_path();
        drop(self.store);
        self.store = Store::open(&path, WAIT).expect("it can be opened").expect("it is there");
        self.revoke("late");
        let late = self.keys.last_mut().expect("it was minted");
        late.code = "revoked";
        self.mint("last", None, HOUR, "valid");
        self.disable("other-1");
        self.keys[0].code = "disabled";
        self.use_all();
        let files = self.files();
        assert!(files.log.len() > 40_000, "the log has {} bytes", files.log.len());
        Template { files, keys: std::mem::take(&mut self.keys) }
    }
}

impl Files {
    /// Puts them where a store is; what SQLite left there before goes.
    pub fn put(&self, path: &Path) {
        write(path, &self.database);
        let _ = fs::remove_file(beside(path, "-shm"));
        match self.log.is_empty() {
            true => drop(fs::remove_file(beside(path, "-wal"))),
            false => write(&beside(path, "-wal"), &self.log),
        }
    }
}

/// A store that was closed, and one whose process was killed.
pub(super) fn templates() -> &'static (Template, Template) {
    static TEMPLATES: OnceLock<(Template, Template)> = OnceLock::new();
    TEMPLATES.get_or_init(|| (Maker::new().closed(), Maker::new().killed()))
}
