//! What keys were used for, added up by key, day, environment or workspace; and the guard against ending a key that is in use.
//!
//! This module never gathers rows of keys: it hands them over page by page, so a store of any size fits.

use std::collections::BTreeMap;

use crate::domain::usage::Tally;
use crate::domain::{Day, Key, KeySeq, Lifetime, Permission, Safe, Timestamp, Workspace};
use crate::error::{Error, Kind, Result};
use crate::ops::access::{Access, Actor};
use crate::ops::select::{self, Selector};
use crate::store::{Reader, Store};

/// How many keys are read at once. Between two such pages nothing is held in the store.
const PAGE: u32 = 500;
/// How far apart the row numbers of two keys of a page may be for their uses to be read together, gaps included.
const NEAR: i64 = 16;

/// Whose uses of when, and what they are added up by.
#[derive(Debug)]
pub struct Request {
    pub workspace: Option<String>,
    /// Every workspace there is instead.
    pub all: bool,
    pub key: Option<Selector>,
    pub by: Grouping,
    /// The first day.
    pub since: Option<Day>,
    /// The last day.
    pub until: Option<Day>,
}

/// What uses are added up by. Workspaces are always separate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Grouping {
    pub key: bool,
    pub day: bool,
    pub environment: bool,
    /// Every workspace there is, not only the one a command works in.
    pub workspace: bool,
}

#[derive(Debug)]
pub struct Row {
    pub workspace: String,
    /// The key, where each is by itself.
    pub key: Option<Key>,
    /// The environment, where each is by itself or the key has one.
    pub environment: Option<String>,
    /// The day, where each is by itself.
    pub day: Option<Day>,
    /// What is added up.
    pub tally: Tally,
}

/// Keys with their row numbers, in the order of those.
type Page = Vec<(KeySeq, Key)>;

/// The keys whose uses are wanted.
enum Scope {
    One(Page),
    Workspaces(Vec<Workspace>),
}

/// Calls the closure with every row.
pub fn run(
    store: &mut Store,
    actor: &Actor,
    request: &Request,
    now: Timestamp,
    mut body: impl FnMut(Row) -> Result<()>,
) -> Result<()> {
    let (scope, days) = store.read(|reader| {
        let access = Access::to(reader, actor, Permission::List, now)?;
        Ok((scope(reader, &access, request, now)?, days(reader, request)?))
    })?;
    let mut sums = Sums { by: request.by, rows: BTreeMap::new() };
    match scope {
        Scope::One(page) => {
            store.read(|reader| sums.add(reader, &page, &days))?;
            sums.hand_over(&mut body)?;
        }
        Scope::Workspaces(workspaces) => {
            for workspace in workspaces {
                let mut after = Some(KeySeq(0));
                while let Some(last) = after {
                    after = store.read(|reader| {
                        // A caller that was revoked meanwhile gets nothing more.
                        Access::admit(reader, actor, now)?;
                        let (page, next) = page(reader, &workspace, last)?;
                        sums.add(reader, &page, &days)?;
                        Ok(next)
                    })?;
                    if request.by.key {
                        sums.hand_over(&mut body)?;
                    }
                }
            }
            sums.hand_over(&mut body)?;
        }
    }
    Ok(())
}

fn scope(reader: &Reader<'_>, access: &Access, request: &Request, now: Timestamp) -> Result<Scope> {
    let everywhere = request.all || (request.by.workspace && request.workspace.is_none());
    let mut reach = select::reach(reader, access, request.workspace.as_deref(), everywhere)?;
    let Some(selector) = &request.key else {
        return Ok(Scope::Workspaces(reach.into_iter().collect()));
    };
    // Adding up by workspace alone does not say which one a name is of.
    reach.is_each_meant = request.all;
    let key = select::key(reader, &reach, selector, now)?;
    let seq = reader.seq_of(&key.id)?;
    Ok(Scope::One(vec![(seq, key)]))
}

/// The days of the request on which any key was used.
fn days(reader: &Reader<'_>, request: &Request) -> Result<Vec<Day>> {
    let end = request.until.map_or(Day::LAST, Day::next);
    let mut days = Vec::new();
    let mut from = request.since.unwrap_or(Day(0));
    while let Some(day) = reader.next_day_of_use(from, end)? {
        days.push(day);
        from = day.next();
    }
    Ok(days)
}

/// A page of a workspace's keys, and the last of them when there may be more.
fn page(
    reader: &Reader<'_>,
    workspace: &Workspace,
    after: KeySeq,
) -> Result<(Page, Option<KeySeq>)> {
    let mut page = Vec::new();
    let next = reader.for_each_key_after(workspace, after, PAGE, |seq, key| {
        page.push((seq, key));
        Ok(())
    })?;
    Ok((page, next))
}

/// What distinguishes rows, in the order of the answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    workspace: String,
    key: Option<KeySeq>,
    environment: Option<String>,
    day: Option<Day>,
}

/// Sums that are not handed over yet.
struct Sums {
    by: Grouping,
    rows: BTreeMap<Place, (Option<Key>, Tally)>,
}

impl Sums {
    /// Adds what the keys of a page, in the order of their row numbers, were used for on these days.
    fn add(&mut self, reader: &Reader<'_>, page: &[(KeySeq, Key)], days: &[Day]) -> Result<()> {
        let near = |one: &(KeySeq, Key), other: &(KeySeq, Key)| other.0.0 - one.0.0 <= NEAR;
        for day in days {
            for keys in page.chunk_by(near) {
                let [(first, _), ..] = keys else { continue };
                let (last, _) = keys[keys.len() - 1];
                reader.for_each_use(*day, *first, last, |seq, tally| {
                    if let Ok(index) = keys.binary_search_by_key(&seq, |(seq, _)| *seq) {
                        self.count(seq, &keys[index].1, *day, &tally);
                    }
                })?;
            }
        }
        Ok(())
    }

    fn count(&mut self, seq: KeySeq, key: &Key, day: Day, tally: &Tally) {
        if tally.is_empty() {
            return;
        }
        let place = Place {
            workspace: key.workspace.clone(),
            key: self.by.key.then_some(seq),
            environment: (self.by.key || self.by.environment).then(|| key.environment.clone()),
            day: self.by.day.then_some(day),
        };
        let by_key = self.by.key;
        let (_, sum) = self
            .rows
            .entry(place)
            .or_insert_with(|| (by_key.then(|| key.clone()), Tally::default()));
        sum.add(tally);
    }

    fn hand_over(&mut self, body: &mut dyn FnMut(Row) -> Result<()>) -> Result<()> {
        for (place, (key, tally)) in std::mem::take(&mut self.rows) {
            body(Row {
                workspace: place.workspace,
                key,
                environment: place.environment,
                day: place.day,
                tally,
            })?;
        }
        Ok(())
    }
}

/// Refuses a key that was used within this time, and says when it last was and how often.
pub(super) fn refuse_used(
    reader: &Reader<'_>,
    key: &Key,
    idle: Option<&Lifetime>,
    now: Timestamp,
) -> Result<()> {
    let (Some(idle), Some(last_used_at)) = (idle, key.last_used_at) else {
        return Ok(());
    };
    if idle.after(last_used_at)? <= now {
        return Ok(());
    }
    let first = Day::of(now.plus_millis(-idle.millis_from(last_used_at)?));
    let first = first.max(Day::of(key.created_at));
    let count = uses(reader, key, first, Day::of(last_used_at))?;
    let times = if count == 1 { "time" } else { "times" };
    Err(Error::new(
        Kind::InUse,
        format!(
            "{} ({}) is in use: last at {last_used_at}, {count} {times} since {first}",
            Safe(&key.name),
            key.id
        ),
    )
    .hinted("leave out --if-unused-for to do it anyway"))
}

fn uses(reader: &Reader<'_>, key: &Key, first: Day, last: Day) -> Result<u64> {
    let seq = reader.seq_of(&key.id)?;
    let mut count = 0;
    let mut next = first;
    while next <= last {
        reader.for_each_use(next, seq, seq, |_, tally| count += tally.valid)?;
        next = next.next();
    }
    Ok(count)
}
