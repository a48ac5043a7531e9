//! What is done about keys that a scan has found.

use super::known::Known;
use crate::context::Context;
use crate::domain::scan::shown;
use crate::domain::{Key, KeyId, Safe, Timestamp};
use crate::error::Result;
use crate::ops::scan::{self, Finding, Kind, Subject};
use crate::output::relative::relative;

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
