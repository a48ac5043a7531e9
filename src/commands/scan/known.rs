//! What a scan looks for, from a store, a policy or a watch list, and what is done about the keys of it that were found.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::Args;
use crate::context::{Context, Document};
use crate::domain::policy::Policy;
use crate::domain::scan::{Hunter, WatchList, WatchedKey, shown};
use crate::domain::words::counted;
use crate::domain::{Key, KeyId, Safe, Timestamp, WorkspaceId};
use crate::error::Result;
use crate::ops::access::Actor;
use crate::ops::scan::{self, Finding, Kind, Subject};
use crate::output::relative::relative;
use crate::store::Store;

/// What is looked for, and where keys are looked up.
pub(super) struct Known {
    pub hunter: Hunter,
    pub store: Option<Store>,
    pub actor: Option<Actor>,
    pub workspace: Option<WorkspaceId>,
    pub watched: Vec<WatchedKey>,
    pub now: Timestamp,
    formats: usize,
    keys: u64,
}

impl Known {
    pub(super) fn gather(args: &Args, context: &mut Context) -> Result<Self> {
        let (now, environment) = (context.now(), args.environment.as_deref());
        if let Some(path) = &args.policy {
            let policy = Policy::from_toml(&context.read_text(path, Document::Policy)?)?;
            let hunter = scan::hunter_of_policy(&policy, environment)?;
            return Ok(Self::without_store(hunter, Vec::new(), 1, now));
        }
        if let Some(path) = &args.watch {
            let list = WatchList::parse(&context.read_text(path, Document::WatchList)?)?;
            let (hunter, unproven) = scan::hunter_of_watch_list(&list, environment)?;
            if unproven > 0 {
                let formats = counted(unproven, "format");
                context.ui.warn(&format!(
                    "{formats} of the watch list cannot be searched for without the store"
                ));
            }
            return Ok(Self::without_store(hunter, list.keys, list.formats.len() - unproven, now));
        }
        let (mut store, actor, now) = context.enter()?;
        let scope =
            scan::scope(&mut store, &actor, context.workspace.as_deref(), environment, now)?;
        if scope.has_none {
            context
                .ui
                .warn("the store has no workspace, so only the presets' formats are looked for");
        }
        let keys = store.info()?.keys;
        Ok(Self {
            hunter: scope.hunter,
            store: Some(store),
            actor: Some(actor),
            workspace: scope.workspace,
            watched: Vec::new(),
            now,
            formats: scope.formats,
            keys,
        })
    }

    fn without_store(
        hunter: Hunter,
        watched: Vec<WatchedKey>,
        formats: usize,
        now: Timestamp,
    ) -> Self {
        let keys = watched.len() as u64;
        Self { hunter, store: None, actor: None, workspace: None, watched, now, formats, keys }
    }

    /// What was looked for, as the last line says it.
    pub(super) fn covered(&self) -> String {
        format!("{} in {}", counted(self.keys, "key"), counted(self.formats, "format"))
    }

    /// The command that ends each of the keys, where it is live.
    pub(super) fn remedies(&mut self, found: &[Finding]) -> Result<Vec<Option<String>>> {
        let now = self.now;
        let Some(store) = &mut self.store else {
            return Ok(found.iter().map(|_| None).collect());
        };
        // A key that was revoked a moment ago needs nothing more.
        let is_live = |finding: &&Finding| {
            finding.kind == Kind::Live && finding.key().is_some_and(|key| key.is_living(now))
        };
        found
            .iter()
            .map(|finding| {
                let key = Some(finding).filter(is_live).and_then(Finding::key);
                key.map(|key| scan::remedy(store, key)).transpose()
            })
            .collect()
    }
}

/// What the paths of a folder's files begin with.
pub(super) fn base(path: &Path) -> Vec<u8> {
    if path == Path::new(".") { Vec::new() } else { path.as_os_str().as_bytes().to_vec() }
}

/// Where a finding's first place is, as a record has it.
fn first_place(finding: &Finding) -> String {
    let place = finding.places.first();
    place.map_or_else(String::new, |place| {
        let spot = place.spot.map_or_else(String::new, |spot| format!(":{}", spot.line));
        format!("{}{spot}", shown(&place.location))
    })
}

fn live(found: &[Finding]) -> impl Iterator<Item = (&Finding, &Key)> {
    let live = found.iter().filter(|finding| finding.kind == Kind::Live);
    live.filter_map(|finding| finding.key().map(|key| (finding, key)))
}

/// Notes in the trail where live keys were found.
pub(super) fn record(known: &mut Known, context: &Context, found: &[Finding]) -> Result<()> {
    let (Some(store), Some(actor)) = (&mut known.store, &known.actor) else {
        return Ok(());
    };
    let keys: Vec<(KeyId, String, u64)> = live(found)
        .map(|(finding, key)| (key.id.clone(), first_place(finding), finding.count))
        .collect();
    scan::record(store, actor, &keys, context.now())
}

/// Revokes the live keys, once somebody has said so. Returns what became of each, a sentence.
pub(super) fn revoke(
    known: &mut Known,
    context: &Context,
    found: &mut [Finding],
    message: Option<&str>,
) -> Result<Vec<String>> {
    let (Some(store), Some(actor)) = (&mut known.store, &known.actor) else {
        return Ok(Vec::new());
    };
    let keys: Vec<(KeyId, String)> = live(found)
        .map(|(finding, key)| {
            let found_at = || format!("found by scan: {}", first_place(finding));
            (key.id.clone(), message.map_or_else(found_at, str::to_owned))
        })
        .collect();
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    if !context.yes {
        ask(context, found, known.now)?;
    }
    let mut sentences = Vec::new();
    for outcome in scan::revoke(store, actor, &keys, context.now())? {
        let (name, id) = (Safe(&outcome.key.name), &outcome.key.id);
        let sentence = match outcome.changed {
            true => format!("revoked {name} ({id})"),
            false => format!("no change: {name} ({id}) is already revoked"),
        };
        context.ui.status(&sentence);
        sentences.push(sentence);
        for finding in found.iter_mut() {
            if let Subject::Key(key) = &mut finding.subject
                && key.id == outcome.key.id
            {
                **key = outcome.key.clone();
            }
        }
    }
    Ok(sentences)
}

/// Asks about every key that is to be revoked, a line each.
fn ask(context: &Context, found: &[Finding], now: Timestamp) -> Result<()> {
    let mut count = 0;
    for (finding, key) in live(found) {
        let used = match key.last_used_at {
            None => "never used".to_owned(),
            Some(at) => format!("last used {}", relative(at, now)),
        };
        let (name, hint, status) = (Safe(&key.name), Safe(&key.hint), key.status(now).word());
        let place = first_place(finding);
        context
            .ui
            .notice(&format!("  {name} (…{hint}, {used})  {}, {status}, found in {place}", key.id));
        count += 1;
    }
    let question = match count {
        1 => "Permanently revoke this key?".to_owned(),
        count => format!("Permanently revoke these {count} keys?"),
    };
    context.prompter.confirm(&question, "pass --yes to confirm")
}
