//! Reading events back from the audit trail: all, or those of a key, a workspace, a time, an action or an actor.
//!
//! This module never gathers the events of a whole trail: what is held of those that a listing wants is their numbers.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::domain::audit::{About, Action, Event};
use crate::domain::{Timestamp, Workspace};
use crate::error::{Error, Kind, Result};
use crate::ops::access::{Access, Actor};
use crate::ops::select::{self, Selector};
use crate::store::{Reader, Store};

#[derive(Debug, Default)]
pub struct Request {
    /// The workspace, whose events and whose keys' events are wanted.
    pub workspace: Option<String>,
    /// The whole trail instead, also where a workspace is chosen.
    pub everywhere: bool,
    /// The key. A name means every key that has or had it.
    pub key: Option<Selector>,
    /// The first moment.
    pub since: Option<Timestamp>,
    /// The last moment.
    pub until: Option<Timestamp>,
    /// What happened; empty is anything.
    pub actions: Vec<Action>,
    /// The actor: `operator:NAME` or `key:ID`, or only the part after the colon.
    pub actor: Option<String>,
    /// How many of the newest are wanted.
    pub limit: Option<u32>,
}

impl Request {
    /// Whether it is for the whole trail, or as much of it as the limit allows.
    pub fn is_of_everything(&self) -> bool {
        let is_any = self.actions.is_empty() && self.actor.is_none();
        let is_ever = self.since.is_none() && self.until.is_none();
        self.workspace.is_none() && self.key.is_none() && is_any && is_ever
    }

    fn takes(&self, event: &Event) -> bool {
        let is_by = |actor: &String| {
            let name = event.actor.split_once(':').map(|(_, name)| name);
            event.actor == *actor || name == Some(actor.as_str())
        };
        let is_of = |action: &Action| action.word() == event.action;
        self.since.is_none_or(|since| event.time >= since)
            && self.until.is_none_or(|until| event.time <= until)
            && (self.actions.is_empty() || self.actions.iter().any(is_of))
            && self.actor.as_ref().is_none_or(is_by)
    }
}

/// Calls the closure with the events, oldest first. Says whether the limit left older ones out.
pub fn run(
    store: &mut Store,
    actor: &Actor,
    request: &Request,
    now: Timestamp,
    mut body: impl FnMut(Event) -> Result<()>,
) -> Result<bool> {
    let mut hand_over = |event: Event| match event.time.is_writable() {
        true => body(event),
        false => Err(Error::new(
            Kind::Damaged,
            format!(
                "the store is damaged: row {} of the trail has a time outside the years 0 to 9999",
                event.seq
            ),
        )),
    };
    store.read(|reader| {
        let access = Access::of_operator(reader, actor, now)?;
        if let Some(selector) = &request.key {
            let (events, is_cut) = about_key(reader, &access, request, selector, now)?;
            events.into_iter().try_for_each(hand_over)?;
            return Ok(is_cut);
        }
        let home = match home(reader, &access, request)? {
            None if request.limit.is_none() => {
                reader.for_each_event(1, |event| match request.takes(&event) {
                    true => hand_over(event),
                    false => Ok(()),
                })?;
                return Ok(false);
            }
            home => home,
        };
        let (seqs, is_cut) = wanted(reader, request, home)?;
        let first = seqs.first().copied().unwrap_or(i64::MAX);
        reader.for_each_event(first, |event| match seqs.binary_search(&event.seq) {
            Ok(_) => hand_over(event),
            Err(_) => Ok(()),
        })?;
        Ok(is_cut)
    })
}

/// The events of the keys that a selector means, oldest first, and whether the limit left some out.
fn about_key(
    reader: &Reader<'_>,
    access: &Access,
    request: &Request,
    selector: &Selector,
    now: Timestamp,
) -> Result<(Vec<Event>, bool)> {
    let mut events = Vec::new();
    for id in ids_meant(reader, access, request, selector, now)? {
        reader.for_each_event_about(&id, |event| {
            if event.action.starts_with(About::Key.front()) && request.takes(&event) {
                events.push(event);
            }
            Ok(true)
        })?;
    }
    events.sort_by_key(|event| event.seq);
    let limit = limit(request);
    let surplus = events.len().saturating_sub(limit);
    events.drain(..surplus);
    Ok((events, surplus > 0))
}

/// The ids of the keys that a selector means. The trail keeps events longer than records, so a whole id is accepted
/// without a record too.
fn ids_meant(
    reader: &Reader<'_>,
    access: &Access,
    request: &Request,
    selector: &Selector,
    now: Timestamp,
) -> Result<Vec<String>> {
    let named = request.workspace.as_deref();
    let reach = select::reach(reader, access, named, request.everywhere)?;
    match select::find(reader, &reach, selector, now) {
        Ok((key, true)) => {
            let mut named = reader.keys_named(key.workspace_id, &key.name)?;
            named.retain(|other| other.environment == key.environment);
            Ok(named.iter().map(|key| key.id.as_str().to_owned()).collect())
        }
        Ok((key, false)) => Ok(vec![key.id.as_str().to_owned()]),
        Err(error) if error.kind() == Kind::KeyNotFound => {
            let mut is_known = false;
            reader.for_each_event_about(&selector.text, |event| {
                is_known = event.action.starts_with(About::Key.front());
                Ok(!is_known)
            })?;
            if is_known { Ok(vec![selector.text.clone()]) } else { Err(error) }
        }
        Err(error) => Err(error),
    }
}

/// The numbers of the newest events that are wanted, in their order, and whether the limit left some out.
fn wanted(
    reader: &Reader<'_>,
    request: &Request,
    mut home: Option<Home>,
) -> Result<(Vec<i64>, bool)> {
    let limit = limit(request);
    let (mut seqs, mut is_cut) = (Vec::new(), false);
    reader.for_each_event_back(|event| {
        // Of a workspace every event is looked at: what it says of the older ones.
        let is_of_home = home.as_mut().is_none_or(|home| home.has(&event));
        if is_of_home && request.takes(&event) {
            is_cut = seqs.len() >= limit;
            if !is_cut {
                seqs.push(event.seq);
            }
        }
        Ok(!is_cut)
    })?;
    seqs.reverse();
    Ok((seqs, is_cut))
}

fn limit(request: &Request) -> usize {
    let limit = request.limit.map(usize::try_from);
    limit.and_then(Result::ok).unwrap_or(usize::MAX)
}

/// The workspace whose events are wanted, if one was named or chosen.
fn home(reader: &Reader<'_>, access: &Access, request: &Request) -> Result<Option<Home>> {
    let named = request.workspace.as_deref();
    if request.everywhere || (named.is_none() && reader.current_workspace()?.is_none()) {
        return Ok(None);
    }
    let workspace = select::workspace(reader, access, named)?;
    Home::of(reader, workspace).map(Some)
}

/// A workspace according to the trail, read from its end.
struct Home {
    /// The name it had at the event, until it was made.
    name: Option<String>,
    /// Its keys, those whose records are gone included.
    ids: BTreeSet<String>,
}

impl Home {
    fn of(reader: &Reader<'_>, workspace: Workspace) -> Result<Self> {
        Ok(Self {
            ids: reader.ids_of(workspace.id)?.into_iter().collect(),
            name: Some(workspace.name),
        })
    }

    /// Whether an event is about the workspace or a key of it.
    fn has(&mut self, event: &Event) -> bool {
        let Some(name) = &self.name else {
            return false;
        };
        let details: Value = serde_json::from_str(&event.details).unwrap_or_default();
        match Action::of(&event.action).map(|action| (action, action.about())) {
            Some((_, About::Key)) => {
                if details["workspace"] == name.as_str() {
                    self.ids.insert(event.subject.clone());
                }
                self.ids.contains(&event.subject)
            }
            Some((action, About::Workspace)) if event.subject == *name => {
                match action {
                    // Before that, another workspace had the name.
                    Action::WorkspaceDelete => {
                        self.name = None;
                        return false;
                    }
                    Action::WorkspaceCreate => self.name = None,
                    Action::WorkspaceRename => {
                        let before = details["from"].as_str();
                        self.name = before.map(str::to_owned).or(self.name.take());
                    }
                    _ => {}
                }
                true
            }
            _ => false,
        }
    }
}
