//! keyward administers API keys: it mints them, hands each secret over exactly once, lists, renames, rotates, revokes
//! and verifies them, from one binary and one SQLite file.
//!
//! # The rooms
//!
//! Calls go one way: `main` → `commands` → {`ops`, `output`, `prompt`, `delivery`} → {`store`, `domain`}, never back up.
//!
//! | room | what lives there | what never does |
//! |---|---|---|
//! | `main`, `usage` | arguments in, exit status out; what is said of arguments that make no sense | rules, SQL |
//! | [`cli`] | the global options and the KEY argument, as clap types | rules, IO |
//! | [`commands`] | a file per command: `Args` (whose doc comments are help and manual page) above `run` | SQL, hashing, randomness, files, the environment |
//! | [`ops`] | a file per use case: `Request` → `Outcome` in one transaction; `now` and the generator are parameters | clap, rendering, prompts, the clock |
//! | [`domain`] | types that cannot hold a wrong value, and pure rules: token, policy, status, verdict, names | SQLite, clap, IO, the clock |
//! | [`store`] | opening with care, migrations, a file per table, the audit chain | clap, rendering, rules, and [`domain::secret::Secret`]: only its hash crosses |
//! | [`delivery`] | a file per sink: stdout, file, dotenv, GitHub variable, command | deciding whether a key becomes active |
//! | [`output`] | `view` has exactly the fields a user may see; `json`, `tsv`, `table` render it; `ui` owns the streams | the store, use cases |
//! | [`prompt`] | questions at a terminal | deciding what is dangerous |
//! | [`context`] | environment, clock, terminal, folders, files a user names | SQLite |
//! | [`error`] | one type: kind, code word, exit status, hint | clap, colour |
//!
//! Two things stand elsewhere than one might look. The escaper, [`domain::sanitize`], is a rule about text and not a
//! way of rendering, because error messages made in `ops` and `store` need it too. `commands::hand_over` holds the
//! order of delivery and activation that mint and rotate share, because it needs a sink, a store and an answer at once.
//!
//! `clippy.toml` and `tests/it/architecture.rs` hold the walls up.
//!
//! # The pending protocol
//!
//! 1. `ops::mint` (or `ops::rotate`) inserts the key `pending`, synced.
//! 2. `delivery` hands the secret over and checks every error.
//! 3. `ops::activate` makes the key live, synced. A failure before that voids the key.
//!
//! A crash in between leaves a pending key: it verifies nowhere, its holder can activate it by presenting the secret,
//! and it is void after a day.
//!
//! # Files on disk
//!
//! | file | what |
//! |---|---|
//! | `keyward.db` (0600) | the store; `src/store/schema.sql` is its schema |
//! | `keyward.db-wal`, `keyward.db-shm` | SQLite's log and its index, there while a process has the store open |
//! | `keyward.db.new` | a store being made; it gets its name when it is whole |
//!
//! # Words
//!
//! *Secret*: the whole token. *Prefix*: its public front. *Short*: the random part of the prefix. *Hint*: the last four
//! characters of the secret part. *Pending*: minted, not delivered. *Superseded*: replaced by a rotation. *Living*:
//! active, pending or disabled. *Caller*: the key named by `--as`. *Verdict*: what verify answers.
//!
//! # The library's face
//!
//! The binary is a thin shell over this crate. A service that embeds it uses [`store::Store`] and [`ops::verify`], with
//! [`domain`]'s types and [`error::Error`]; [`context`], [`cli`], [`commands`], [`usage`], [`prompt`] and [`output`] are
//! the command line's and may change with it.
//!
//! ```
//! use keyward::domain::secret::Secret;
//! use keyward::domain::timestamp::Timestamp;
//! use keyward::domain::verdict::{Ask, Code};
//! use keyward::ops::access::Actor;
//! use keyward::ops::verify;
//! use keyward::store::Store;
//!
//! # fn main() -> keyward::error::Result<()> {
//! let mut store = Store::empty(); // a service opens its file: Store::open(path, wait)?
//! let request = verify::Request {
//!     secret: Secret::new("kw_live_not-a-key".to_owned()),
//!     workspace: None,
//!     ask: Ask::default(),
//!     record: true,
//! };
//! let now = Timestamp::from_millis(1_800_000_000_000);
//! let verdict = verify::run(&mut store, &Actor::Operator("my-service".to_owned()), &request, now)?;
//! assert_eq!(verdict.code, Code::Malformed);
//! # Ok(())
//! # }
//! ```

pub mod cli;
pub mod commands;
pub mod context;
pub mod delivery;
pub mod domain;
pub mod error;
pub mod ops;
pub mod output;
pub mod prompt;
pub mod store;
pub mod usage;
