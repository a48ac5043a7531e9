//! Importing records: those of another store, and other systems' keys by their hashes.
//!
//! This module never takes a secret, and never half a line: each is wholly in or not at all.

mod adapt;
mod importer;
mod keys;
mod sample;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use rand::TryCryptoRng;

use crate::domain::form::HashForm;
use crate::domain::mapping::Mapping;
use crate::domain::transfer::{LineOutcome, Refusal};
use crate::domain::words::words;
use crate::domain::{KeyId, Safe, Timestamp};
use crate::error::{Error, Kind, Result};
use crate::ops::access::{Access, Act, Actor};
use crate::ops::judge::Found;
use crate::store::{Store, beside, put_in_place};
use importer::{Importer, Taken, exposed};

pub use sample::{check_columns, form_of};

/// How lines are imported.
#[derive(Debug, Default)]
pub struct Request {
    /// The workspace of keys whose line names none.
    pub workspace: Option<String>,
    /// Whether to skip refused lines instead of refusing everything.
    pub keep_going: bool,
    /// Where another system's rows have what a line says. Then names that are taken get a number.
    pub source: Option<Mapping>,
    /// The form of hashes whose line names none.
    pub form: Option<HashForm>,
    /// What becomes of scopes that a policy lacks.
    pub scopes: Scopes,
    /// Whether each owner's keys go to a workspace of that name.
    pub by_owner: bool,
    /// What a line is called.
    pub unit: Unit,
}

words! {
    /// What becomes of the scopes of lines.
    #[derive(Default)]
    pub enum Scopes {
        /// Those that the policy lacks are refused.
        #[default]
        Known = "known",
        /// They are added to the policy.
        Declare = "declare",
        /// No key gets any.
        None = "none",
    }
}

words! {
    /// What the records of a file are called.
    #[derive(Default)]
    pub enum Unit {
        #[default]
        Line = "line",
        /// Of an array.
        Entry = "entry",
        /// Of a table.
        Row = "row",
    }
}

#[derive(Debug)]
pub struct Outcome {
    /// What became of each line.
    pub lines: Vec<LineOutcome>,
    /// Why the first that was refused was.
    pub refused: Option<Kind>,
    pub notes: Notes,
}

/// What else there is to say of the keys that were created.
#[derive(Debug, Default)]
pub struct Notes {
    /// The lines whose names got a number, and the names.
    pub numbered: Vec<(u64, String)>,
    /// What means something and was not imported, and of how many keys.
    pub dropped: BTreeMap<String, u64>,
    pub expired: u64,
    /// The scopes and plans that were added to policies.
    pub added: BTreeSet<String>,
}

/// How many refusals an error lists.
const MOST_TOLD: usize = 10;
/// How many refusals are enough where one is too many.
const MOST_REFUSED: usize = 1_000;
/// How many lines can be imported at once.
pub const MOST_LINES: u64 = 1_000_000;

/// Imports the lines in one transaction. Returns each line's result, and the first refusal's kind. If the request is
/// for all lines, the first refusal leaves the store unchanged.
pub fn run<R: TryCryptoRng>(
    store: &mut Store,
    actor: &Actor,
    request: &Request,
    lines: &mut dyn Iterator<Item = Result<Vec<u8>>>,
    now: Timestamp,
    rng: &mut R,
) -> Result<Outcome> {
    store.write(|writer| {
        let mut importer = Importer {
            act: Act { writer, access: Access::of_operator(writer, actor, now)?, now },
            request,
            rng,
            owners: BTreeMap::new(),
            said: BTreeSet::new(),
            has_said_a_secret: false,
            hashes: BTreeMap::new(),
            ids: BTreeMap::new(),
            differing: BTreeSet::new(),
            fronts: BTreeSet::new(),
            awaited: None,
            numbers: BTreeMap::new(),
            notes: Notes::default(),
        };
        let (mut outcomes, mut first, mut refused) = (Vec::new(), None, 0);
        for (index, line) in (0..).zip(lines) {
            let line = line?;
            if index >= MOST_LINES {
                return Err(Error::usage(format!("more than {MOST_LINES} lines"))
                    .hinted("import them in parts"));
            }
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let (name, taken) = importer.take(&line, index + 1);
            if importer.has_said_a_secret {
                // The other line is already imported, so skipping this one would not help.
                return Err(exposed(Found::Known, "a field"));
            }
            let outcome = outcome(index, name, taken)?;
            if let Some(refusal) = &outcome.refusal {
                first.get_or_insert(refusal.kind);
                refused += 1;
            }
            outcomes.push(outcome);
            if !request.keep_going && refused == MOST_REFUSED {
                break;
            }
        }
        match first {
            Some(kind) if !request.keep_going => Err(nothing(kind, &outcomes, request.unit)),
            refused => Ok(Outcome { lines: outcomes, refused, notes: importer.notes }),
        }
    })
}

/// Does the same without a store: one is made, and put in place only if the lines are imported.
pub fn into_new<R: TryCryptoRng>(
    path: &Path,
    wait: Duration,
    actor: &Actor,
    request: &Request,
    lines: &mut dyn Iterator<Item = Result<Vec<u8>>>,
    now: Timestamp,
    rng: &mut R,
) -> Result<Outcome> {
    let beside_it = beside(path)?;
    let mut made = Store::open_or_create(&beside_it, wait)?;
    let taken = run(&mut made, actor, request, lines, now, rng);
    drop(made);
    let taken = taken.and_then(|taken| put_in_place(path, &beside_it).map(|()| taken));
    // What cannot be removed is removed by the next attempt.
    let _ = beside(path);
    taken
}

/// What became of a line.
fn outcome(index: u64, name: Option<String>, taken: Result<Taken>) -> Result<LineOutcome> {
    let (code, id, fields, refusal) = match taken {
        Ok(Taken { code, id, fields, .. }) if fields.is_empty() => (code, id, fields, None),
        Ok(Taken { code, id, fields, .. }) => {
            let subject = match (&id, &name) {
                (None, Some(name)) => format!("workspace {}", Safe(name)),
                (id, _) => id.as_ref().map(KeyId::to_string).unwrap_or_default(),
            };
            let fields_named = fields.join(", ");
            let message = format!("{subject} differs in this store: {fields_named}");
            (code, id, fields, Some(Refusal { kind: Kind::Conflict, message, hint: None }))
        }
        Err(error) if is_refusal(error.kind()) => {
            let hint = error.hint().map(str::to_owned);
            let refusal = Refusal { kind: error.kind(), message: error.to_string(), hint };
            (refusal.kind.code(), None, Vec::new(), Some(refusal))
        }
        Err(error) => return Err(error),
    };
    Ok(LineOutcome { index, code, id, name, fields, refusal })
}

/// Whether it is the line's fault, and not the store's.
fn is_refusal(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Usage
            | Kind::InvalidName
            | Kind::InvalidPolicy
            | Kind::InvalidScope
            | Kind::InvalidEnvironment
            | Kind::InvalidExpiry
            | Kind::WorkspaceNotFound
            | Kind::NameTaken
            | Kind::Ambiguous
            | Kind::Conflict
            | Kind::LimitReached
    )
}

/// The error that says of every refused line why. It has the hint of the only reason if nothing else can help; otherwise each
/// reason has its hint beside it.
fn nothing(kind: Kind, outcomes: &[LineOutcome], unit: Unit) -> Error {
    let refused = outcomes.iter().filter(|outcome| outcome.refusal.is_some());
    let count = refused.clone().count();
    let mut told: Vec<(Vec<u64>, &LineOutcome)> = Vec::new();
    for outcome in refused {
        let same = told.iter().position(|(_, first)| first.refusal == outcome.refusal);
        match same {
            Some(at) => told[at].0.push(outcome.index + 1),
            None if told.len() < MOST_TOLD => told.push((vec![outcome.index + 1], outcome)),
            None => {}
        }
    }
    let said: usize = told.iter().map(|(numbers, _)| numbers.len().min(MOST_TOLD)).sum();
    let is_all = count == outcomes.len();
    let only = match told.as_slice() {
        [(_, first)] if is_all => first.refusal.as_ref().and_then(|refusal| refusal.hint.clone()),
        _ => None,
    };
    let told: Vec<String> = told
        .iter()
        .map(|(numbers, outcome)| {
            let noun = unit.noun(numbers.len());
            let numbers = numbers.iter().take(MOST_TOLD).map(u64::to_string);
            let numbers = numbers.collect::<Vec<_>>().join(", ");
            let refusal = outcome.refusal.as_ref();
            let why = refusal.map_or("", |refusal| refusal.message.as_str());
            let hint = refusal.and_then(|refusal| refusal.hint.as_ref());
            let beside = hint.filter(|_| only.is_none());
            let beside = beside.map_or_else(String::new, |hint| format!(" ({hint})"));
            format!("{noun} {numbers} ({}): {why}{beside}", outcome.code)
        })
        .collect();
    let more = match count.saturating_sub(said) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let error = Error::new(
        kind,
        format!(
            "nothing was imported: {count} of {} {} {} rejected: {}{more}",
            outcomes.len(),
            unit.noun(outcomes.len()),
            if count == 1 { "was" } else { "were" },
            told.join("; ")
        ),
    );
    match (is_all, only) {
        (true, None) => error,
        (true, Some(hint)) => error.hinted(hint),
        (false, _) => error.hinted("`keyward store import --keep-going` imports the others"),
    }
}

impl Unit {
    pub fn noun(self, count: usize) -> &'static str {
        match self {
            _ if count == 1 => self.word(),
            Self::Line => "lines",
            Self::Entry => "entries",
            Self::Row => "rows",
        }
    }
}
