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
//! | `error` | one type of failure: kind, code word, exit status, hint; the exit status of an answer | clap, colour |
//!
//! Two things stand elsewhere than one might look. The escaper, `domain::sanitize`, is a rule about text and not a
//! way of rendering, because error messages made in `ops` and `store` need it too. `ops::hand_over` has the order of delivery
//! and activation, and never sees a sink: a delivery is a closure, and what a sink holds comes through a trait.
//!
//! `clippy.toml` and `tests/it/architecture.rs` hold the walls up.
//!
//! `docs/design.md` has what crosses several rooms: how a secret is never lost, how provisioning is run again, how verify counts,
//! what of a store is believed, and which files there are.
//!
//! # Words
//!
//! *Secret*: the whole token. *Prefix*: its public front. *Short*: the random part of the prefix. *Hint*: the last four
//! characters of the secret part. *Pending*: minted, not delivered. *Superseded*: replaced by a rotation. *Living*:
//! active, pending or disabled, and not past its expiry. *Caller*: the key named by `--as`. *Verdict*: what verify answers. *Holding*: what a sink
//! holds. *Lineage*: the keys of a name and environment that can still verify, for which the name stands. *Turn*: being the one process that provisions. *Claim*: what lets a later run take up a hand-over. *Leftover*: a
//! pending key with a claim, to be given another secret. *Stray*: a living key that a manifest does not name. *Digest*: SHA-256
//! of a record. *Seal*: the digest beside the record. *Revision*: how often a record was written. *Head*: the end of the trail. *Flaw*: what `store check` finds.

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
