//! keyward administers API keys: it mints them, hands each secret over exactly once, lists, renames, rotates, revokes
//! and verifies them, from one binary and one SQLite file.
//!
//! # The library
//!
//! The binary is a thin shell over this crate. For a service that embeds it, its root has everything: [`Verifier`] judges the
//! secrets of requests, and [`Keyring`] mints, rotates and revokes keys, with the delivery of each secret as a closure. The
//! modules are the command line's own and change with it. A service leaves out the feature `cli`, and with it clap and the
//! other crates of the command line. `examples/http_middleware.rs` is a whole service.
//!
//! ```no_run
//! use std::path::Path;
//! use std::time::{Duration, SystemTime};
//!
//! use keyward::{Code, Keyring, MintRequest, Request, Secret, Verifier};
//!
//! # fn send_to_customer(secret: &str) -> std::io::Result<()> { drop(secret); Ok(()) }
//! # fn main() -> keyward::Result<()> {
//! // Once for each thread. What the closure returns is kept in memory and comes with each verdict.
//! let path = Path::new("/var/lib/my-service/keyward.db");
//! let mut verifier = Verifier::open(path, Duration::from_secs(10), |key| key.owner)?;
//!
//! // For each request; whatever any process committed before is seen.
//! let request = Request::new(Secret::new("the bearer token".to_owned()));
//! let verdict = verifier.verify(&request, SystemTime::now())?;
//! if verdict.code == Code::Valid {
//!     let owner = verdict.subject.as_deref();
//! } else {
//!     let (status, wait) = (verdict.code.http_status(), verdict.retry_after);
//! }
//!
//! // When idle, and at the end.
//! verifier.flush()?;
//! verifier.close()?;
//!
//! // A new key becomes active when the closure has delivered its secret, and is void if the closure fails.
//! let mut keyring = Keyring::open(path, Duration::from_secs(10), SystemTime::now)?;
//! let request = MintRequest::new("customer-42".parse()?);
//! let key = keyring.mint(&request, |_key, secret| send_to_customer(secret.expose()))?;
//! # drop(key);
//! # Ok(())
//! # }
//! ```
//!
//! # The rooms
//!
//! Calls go one way: `main` → `cli` → `commands` → `context` → {`ops`, `output`, `prompt`, `delivery`} → `store` → {`files`,
//! `domain`, `random`, `signals`}, never back up, and no files import each other in a circle. A service comes in by `keyring` or `ops::verifier`.
//!
//! | room | what lives there | what never does |
//! |---|---|---|
//! | `main`, `arguments` | arguments in, exit status out, nothing said before `context` has looked for secrets; what is said of arguments that make no sense | rules, SQL |
//! | `cli`, `options` | the whole command line as clap types; below it, what commands share: the global options, and KEY | rules, IO |
//! | `commands` | a file per command: `Args` (whose doc comments are help and manual page) above `run` | SQL, hashing, randomness, files, the environment |
//! | `keyring` | minting, rotating and revoking for a service: the clock, the generator and a closure brought to `ops` | clap, rules, the store's tables |
//! | `ops` | a file per use case: `Request` → `Outcome` in one transaction; `now` and the generator are parameters | clap, rendering, prompts, the clock |
//! | `domain` | types that cannot hold a wrong value, and pure rules: token, policy, manifest, status, verdict, names | SQLite, clap, IO, the clock |
//! | `store` | a file per table with its statements, the audit chain, what vouches for a record: the same whichever engine keeps the tables | clap, rendering, rules, an engine's crate, and `domain::secret::Secret`: only its hash crosses |
//! | `store/sqlite` | everything that knows SQLite: opening with care, transactions, migrations, backups | rules of keys |
//! | `files` | safe files: a folder is opened once, and what is in it is checked, made private, locked, synced and renamed below its descriptor; for the store and deliveries alike | what is in them, SQLite, secrets |
//! | `delivery` | a file per sink: stdout, file, dotenv, GitHub variable, command; what a sink holds already | deciding whether a key becomes active |
//! | `output` | `view` has exactly the fields a user may see; `json`, `tsv`, `table` render it; `ui` owns the streams | the store, use cases |
//! | `prompt` | questions at a terminal | deciding what is dangerous |
//! | `context` | environment, clock, terminal, folders, files a user names | SQLite |
//! | `signals` | the signals that come while a secret is on its way | ending the process |
//! | `random` | the operating system's random generator, by its system call | files |
//! | `error`, `exit` | one type of failure: kind, code word, exit status, hint; the exit status of an answer | clap, colour |
//!
//! Two things stand elsewhere than one might look. The escaper, `domain::sanitize`, is a rule about text and not a
//! way of rendering, because error messages made in `ops` and `store` need it too. `ops::hand_over` has the order of delivery
//! and activation, and never sees a sink: a delivery is a closure, and what a sink holds comes through a trait.
//!
//! `clippy.toml` and `tests/it/architecture.rs` hold the walls up.
//!
//! # The pending protocol
//!
//! 1. `ops::mint` (or `ops::rotate`, or `ops::provision` by way of them) inserts the key `pending`, synced.
//! 2. `ops::hand_over` calls the closure that delivers. The command line's is a sink of `delivery`, which checks every error;
//!    a file is written beside its target and takes its place in one step (`files/draft.rs`).
//! 3. `ops::activate` makes the key live, synced. A failure before that voids the key; that its holder has activated it
//!    meanwhile is none.
//!
//! A crash in between leaves a pending key: it verifies nowhere, its holder can activate it by presenting the secret,
//! and it is void after a day.
//!
//! # How provisioning is run again
//!
//! `ensure` and `apply` (`ops::provision`, `ops::apply`, `domain::manifest`) and `mint --idempotency-key`
//! (`ops::idempotent`) may be killed anywhere, and started many at a time.
//!
//! 1. One process at a time has its turn in a store (`store/sqlite/turn.rs`): a delivery lies between two transactions, so neither
//!    could hold the others off.
//! 2. What is in the sink decides (`domain::holding`, a hash). The live key's secret: nothing is to be done. A pending
//!    key's: it only has to become live. A dead key's: it may be replaced. Anything else is refused, unless the operator
//!    says that a new key is the answer. Of a sink that cannot be looked into, the store's word is taken.
//! 3. The transaction that inserts a key `pending` gives it a claim (`store/claims.rs`). A pending key that has one was
//!    cut short, and is given another secret; one that has none is held on purpose, and stays.
//! 4. The claim goes when the key becomes active, is held or is void.
//!
//! # How verify counts
//!
//! 1. `ops::verifier::Verifier` finds the key by its secret's hash, in memory if nothing was changed since: every change
//!    leaves an audit row, so the end of the trail tells, and `store::Freshness` tells when to look there.
//! 2. It judges by `domain::verdict`, in the documented order.
//! 3. A key without limits is counted in memory, and written with others within a second.
//! 4. A key with a rate or a quota (`domain::allowance`) is judged again and counted in one transaction of its own.
//!
//! Every group of requests begins with a look at the store's path: another file there is opened in place of the one that was
//! (`ops/verifier/follow.rs`).
//!
//! Counts stand apart from keys (`src/store/sqlite/migrations/0002_metering.sql` says why) and need no audit row.
//!
//! # What is believed
//!
//! 1. Every event of the trail about a key or a workspace ends with the digest of its record (`domain::record`);
//!    `Writer` adds it, and commits nothing whose record the trail was not told of.
//! 2. `store/integrity.rs` believes a row only if the newest event about it is whole and has its digest. So a row that was
//!    put back to an earlier state is damage too. That the events before and after are whole is for `audit verify` to find.
//!    It also believes a key only if its hash is among those of ended keys (`store/ended.rs`) exactly when it is revoked.
//!    A pruned key's hash stays there, so no import brings it back. `store/sqlite/examine.rs` reads the trail's rows, not its index.
//! 3. Revoking alone takes a row as it stands, because it makes it worthless.
//! 4. `ops/store/restore.rs` replaces the present tables with a backup's in one transaction, keeps what is stricter
//!    now (`domain::restoration`) or has ended by the trail (`domain::endings`), and tells the trail of what differs. Only a
//!    store that is damaged is written over as a whole.
//! 5. The store remembers the time of the latest change or recorded verify (`domain::clock`); expiry, and the day that a
//!    pending key waits, are judged by that or the clock, whichever is later.
//! 6. A record's links to the key that it replaces and to its successor are followed by `ops/links.rs` only, which leads nowhere
//!    where they leave the workspace or the environment, or where the two records disagree (`domain::link`).
//! 7. `store/sqlite/schema.rs` accepts keyward's own schema and the tables of known neighbours; anything else is named.
//!
//! # How an engine is reached
//!
//! `Reader`, `Writer` and `Meter` run the tables' statements through `store/session.rs`, an enum with an arm for each engine.
//! The text of a statement is one that every engine reads, so the rules and the statements stand once; a row's columns bring
//! along what vouches for it, and no statement is run while the rows of another are open. What one engine alone can do, a backup
//! say, is a method of that engine behind `store::Store`.
//!
//! # Files on disk
//!
//! | file | what |
//! |---|---|
//! | `keyward.db` (0600) | the store; `src/store/sqlite/schema.sql` is its schema |
//! | `keyward.db-wal`, `keyward.db-shm` | SQLite's log and its index, there while a process has the store open; `verify` may leave a short log of counts |
//! | `keyward.db.new` | a store being made; it gets its name when it is whole |
//! | `keyward.db.reserve` (0600) | 256 KiB, given up when a key is revoked on a full disk (`store/sqlite/reserve.rs`) |
//! | `keyward.db.schema-N` (0600) | the store before it was brought up to date |
//! | `keyward.db.restoring`, `keyward.db.restored` | a backup that is being restored, and the store made of it |
//! | `keyward.db.damaged-N` | a damaged store in whose place a backup was put |
//! | `FILE.keyward-draft` (0600) | a backup being made; locked while it is |
//! | `keyward.db.lock` (0600) | empty, and never removed: locked by the process that provisions or restores |
//! | `.NAME.keyward-draft` (0600) | beside a file that a secret goes to: its next text, locked while it is written |
//!
//! # Words
//!
//! *Secret*: the whole token. *Prefix*: its public front. *Short*: the random part of the prefix. *Hint*: the last four
//! characters of the secret part. *Pending*: minted, not delivered. *Superseded*: replaced by a rotation. *Living*:
//! active, pending or disabled, and not past its expiry. *Caller*: the key named by `--as`. *Verdict*: what verify answers. *Holding*: what a sink
//! holds. *Lineage*: the keys of a name and environment that can still verify, for which the name stands. *Turn*: being the one process that provisions. *Claim*: what lets a later run take up a hand-over. *Leftover*: a
//! pending key with a claim, to be given another secret. *Stray*: a living key that a manifest does not name. *Digest*: SHA-256
//! of a record. *Head*: the end of the trail. *Flaw*: what `store check` finds.

#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod arguments;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod commands;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod context;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod delivery;
#[doc(hidden)]
pub mod domain;
#[doc(hidden)]
pub mod error;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod exit;
#[doc(hidden)]
pub mod files;
#[doc(hidden)]
pub mod keyring;
#[doc(hidden)]
pub mod ops;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod options;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod output;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod prompt;
#[doc(hidden)]
pub mod random;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod signals;
#[doc(hidden)]
pub mod store;

pub use domain::address::Network;
pub use domain::code::Code;
pub use domain::key::{Key, KeyId, State, Status};
pub use domain::lifetime::Lifetime;
pub use domain::name::Name;
pub use domain::secret::Secret;
pub use domain::timestamp::Timestamp;
pub use domain::verdict::{Ask, Verdict};
pub use domain::when::When;
pub use error::{Error, Kind, Result};
pub use keyring::{Keyring, Rotated};
pub use ops::mint::Request as MintRequest;
pub use ops::revoke::{
    Outcome as RevokeOutcome, Reason as RevokeReason, Request as RevokeRequest, Revoked,
};
pub use ops::rotate::{Request as RotateRequest, Terms as RotateTerms};
pub use ops::select::Selector;
pub use ops::verifier::{Kept, Request, Verifier};
