//! keyward administers API keys: it mints, lists, renames, rotates, revokes and verifies them, and hands over each secret
//! exactly once, with one binary and one SQLite file or PostgreSQL schema. One command, `serve`, opens a listening socket.
//!
//! # The library
//!
//! The binary is a thin shell over this crate. A service that embeds keyward needs only the names at its root: [`Verifier`]
//! verifies the secrets of requests, and [`Keyring`] mints, rotates and revokes keys and calls a closure that delivers each
//! secret. The modules belong to the command line and change with it. Without the feature `cli`, the crate needs neither
//! clap nor the other crates of the command line. With the feature `postgres`, a store can be on a server. `examples/http_middleware.rs` is a complete service.
//!
//! ```no_run
//! use std::path::Path;
//! use std::time::{Duration, SystemTime};
//!
//! use keyward::{Code, Keyring, MintRequest, Request, Secret, Verifier};
//!
//! # fn send_to_customer(secret: &str) -> std::io::Result<()> { drop(secret); Ok(()) }
//! # fn main() -> keyward::Result<()> {
//! // One for each thread. What the closure returns stays in memory and comes with each verdict.
//! let path = Path::new("/var/lib/my-service/keyward.db");
//! let mut verifier = Verifier::open(path, Duration::from_secs(10), |key| key.owner)?;
//!
//! // For each request. Changes that any process has committed count.
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
//! // A new key becomes active when the closure has delivered its secret. It is void if the closure fails.
//! let mut keyring = Keyring::open(path, Duration::from_secs(10), SystemTime::now)?;
//! let request = MintRequest::new("customer-42".parse()?);
//! let key = keyring.mint(&request, |_key, secret| send_to_customer(secret.expose()))?;
//! # drop(key);
//! # Ok(())
//! # }
//! ```
//!
//! # The modules
//!
//! Calls go in one direction: `main` → `cli` → `commands` → `context` → `serve` → {`ops`, `output`, `prompt`, `delivery`} → `store` →
//! {`files`, `domain`, `random`, `signals`}; `search` stands beside `store` and is called by `commands`. No files import each other in a circle. A service calls `keyring` or
//! `ops::verifier`.
//!
//! | module | what it does | what it never contains |
//! |---|---|---|
//! | `main`, `arguments` | turns arguments into an exit status; reports wrong arguments, after `context` has looked for secrets in them | rules, SQL |
//! | `cli`, `options` | the whole command line as clap types, and what commands share: the global options, and KEY | rules, IO |
//! | `commands` | a file for each command, or for a few that belong together: `Args` (whose doc comments are help and manual page) above `run` | SQL, hashing, randomness, files, the environment |
//! | `serve` | `keyward serve`: sockets, HTTP, and the routes, which are views over `ops`; its `mod.rs` has a map | rules, SQL, the environment |
//! | `keyring` | minting, rotating and revoking for a service: passes the clock, the generator and a closure to `ops` | clap, rules, the store's tables |
//! | `ops` | a file for each use case, or for a few that belong together: `Request` → `Outcome` in one transaction; `now` and the generator are parameters | clap, rendering, prompts, the clock |
//! | `domain` | types that cannot hold an invalid value, and pure rules: token, policy, manifest, status, verdict, names | SQLite, clap, IO, the clock |
//! | `store` | a file for each table with its statements, the audit chain, and the seals of records; the same for every engine | clap, rendering, rules, an engine's crate, and `domain::secret::Secret`: it only gets hashes |
//! | `search` | what a scan reads: files, folders, archives, standard input, and a git repository through git's plumbing | writing, following links, running anything of what it reads, the decision what is a key |
//! | `store/sqlite` | everything specific to SQLite: opening with checks, transactions, migrations, backups; reading another program's database | rules of keys |
//! | `store/postgres` | everything specific to PostgreSQL, with the feature `postgres`: connections, transactions, tables, roles | rules of keys |
//! | `files` | safe files, for the store and for deliveries: a folder is opened once, and its files are checked, made private, locked, synced and renamed below its descriptor | what the files contain, SQLite, secrets |
//! | `delivery` | a file for each sink: stdout, file, dotenv, GitHub variable, command; what a sink contains already | the decision whether a key becomes active |
//! | `output` | `view` has exactly the fields that a user may see; `json`, `tsv` and `table` render it; `ui` owns the streams; `man` renders, shows and writes pages | the store, use cases |
//! | `prompt` | questions at a terminal | the decision what is dangerous |
//! | `context` | environment, clock, terminal, folders, files that a user names | SQLite |
//! | `signals` | signals that arrive during a delivery | ending the process |
//! | `random` | the operating system's random generator, by its system call | files |
//! | `error` | one error type: kind, code word, exit status, hint; and the exit status of an answer | clap, colour |
//!
//! Two things are not where one might look for them. The escaper, `domain::sanitize`, is a rule about text and not part of
//! `output`, because `ops` and `store` need it for error messages. `ops::hand_over` decides the order of delivery and
//! activation without using a sink: a delivery is a closure, and a trait reports what a sink contains.
//!
//! `clippy.toml` and `tests/it/architecture.rs` check these limits.
//!
//! `docs/design.md` explains what involves several modules: how a secret is delivered, how provisioning can be repeated,
//! how verify counts, and how tampering is detected.
//!
//! # Words
//!
//! *Secret*: the whole token. *Prefix*: its public front. *Short*: the random part of the prefix. *Hint*: the last four
//! characters of the secret part. *Pending*: minted, not delivered. *Superseded*: replaced by a rotation. *Live* or
//! *living*: active, pending or disabled, and not past its expiry. *Caller*: the key named by `--as`. *Verdict*: the answer
//! of verify. *Holding*: what a sink contains. *Lineage*: the keys of a name and environment that can still verify, which
//! the name stands for. *Turn*: the right to provision, which one process has at a time. *Claim*: what lets a later run
//! continue a delivery. *Leftover*: a pending key with a claim, which gets a new secret. *Stray*: a live key that a
//! manifest does not name. *Digest*: the SHA-256 of a record. *Seal*: the digest stored beside the record. *Revision*: how
//! often a record was written. *Head*: the end of the trail. *Flaw*: what `store check` finds.
//! *Mapping*: which column of another system's table is which field of an import's line (`src/sources`). *Form*: what of a token a
//! hash is of.

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
pub mod search;
#[cfg(feature = "serve")]
#[doc(hidden)]
pub mod serve;
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
