//! Whether a store and the model are equal, in everything that can be seen of the store.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use keyward::domain::key;
use keyward::domain::policy::Policy;
use keyward::domain::secret::Secret;
use keyward::domain::timestamp::Timestamp;
use keyward::ops::access::Actor;
use keyward::ops::{audit, list, usage, whoami, workspace};
use keyward::store::{Order, Store};
use serde::{Deserialize, Serialize};

use super::clock::Clock;
use super::library::Library;
use super::policies::POLICIES;
use super::state::{Key, Model, Uses};
use crate::support::tables::rows_in;

/// A key as both sides can say it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub id: String,
    place: [String; 3],
    token: [String; 3],
    hash: [u8; 32],
    scopes: Vec<String>,
    status: String,
    created: (i64, String),
    expires_at: Option<i64>,
    last_used: Option<i64>,
    revoked: Option<(i64, String, Option<String>)>,
    rotation: Option<(String, i64, Option<i64>)>,
    replaced_by: Option<String>,
    allow: Vec<String>,
    owner: Option<String>,
    labels: BTreeMap<String, String>,
    plan: Option<String>,
}

impl Record {
    /// What the store says.
    #[must_use]
    pub fn of(key: &key::Key, now: i64) -> Self {
        let millis = Timestamp::as_millis;
        let reason = key.revoked_reason.clone().unwrap_or_default();
        Self {
            id: key.id.as_str().to_owned(),
            place: [&key.workspace, &key.environment, &key.name].map(Clone::clone),
            token: [&key.prefix, &key.short, &key.hint].map(Clone::clone),
            hash: *key.hash.as_bytes(),
            scopes: key.scopes.clone(),
            status: key.status(Timestamp::from_millis(now)).word().to_owned(),
            created: (millis(key.created_at), key.created_by.clone()),
            expires_at: key.expires_at.map(millis),
            last_used: key.last_used_at.map(millis),
            revoked: key.revoked_at.map(|at| (millis(at), reason, key.revoked_message.clone())),
            rotation: key.rotation.as_ref().map(|rotation| {
                let previous = rotation.previous_expires_at.map(millis);
                let replaces = rotation.replaces.as_str().to_owned();
                (replaces, rotation.grace_millis, previous)
            }),
            replaced_by: key.replaced_by.as_ref().map(|id| id.as_str().to_owned()),
            allow: key.allow.iter().map(ToString::to_string).collect(),
            owner: key.owner.clone(),
            labels: key.labels.clone(),
            plan: key.plan.clone(),
        }
    }

    /// What the model says.
    #[must_use]
    pub fn expected(model: &Model, key: &Key, now: i64) -> Self {
        let (prefix, short) = key.prefix();
        let rotation = key.rotation.clone();
        Self {
            id: key.id.clone(),
            place: [&model.owner(key).name, &key.environment, &key.name].map(Clone::clone),
            token: [prefix, short, key.hint()].map(str::to_owned),
            hash: *Secret::new(key.secret.clone()).hash().as_bytes(),
            scopes: key.scopes.clone(),
            status: key.status(model.at(now)).to_owned(),
            created: (key.created_at, "operator:model".to_owned()),
            expires_at: key.expires_at,
            last_used: key.last_used,
            revoked: key.revoked.clone(),
            rotation: rotation
                .map(|rotation| (rotation.replaces, rotation.grace, rotation.previous)),
            replaced_by: key.replaced_by.clone(),
            allow: key.allow.clone(),
            owner: key.owner.clone(),
            labels: key.labels.clone(),
            plan: key.plan.clone(),
        }
    }
}

/// Says where the two differ, if they do.
fn same<T: PartialEq + std::fmt::Debug>(what: &str, store: T, model: T) -> Result<(), String> {
    match store == model {
        true => Ok(()),
        false => Err(format!("{what}\n store: {store:?}\n model: {model:?}")),
    }
}

fn told(what: &'static str) -> impl Fn(keyward::error::Error) -> String {
    move |error| format!("{what}: {error}")
}

/// Compares everything: workspaces, keys, uses and the audit trail.
///
/// # Errors
/// The first difference, in words.
pub fn whole(library: &mut Library, model: &Model, now: i64) -> Result<(), String> {
    let path = library.path.clone();
    unsaid(&path, model)?;
    let store = &mut library.store;
    let actor = Actor::Operator("model".to_owned());
    let at = Timestamp::from_millis(now);
    let trail = audit::verify(store, &actor, None, at, |_| ()).map_err(told("audit verify"))?;
    let expected = audit::Outcome {
        misindexed: None,
        contradicted: None,
        checked: model.events,
        first_bad: None,
    };
    let about = match trail.contradicted.or(trail.first_bad) {
        Some(seq) => trail_of(&path, &format!("(SELECT subject FROM audit WHERE seq = {seq})")),
        None => String::new(),
    };
    same("the audit trail", trail, expected).map_err(|difference| difference + &about)?;
    let clock = store.clock().map_err(told("the clock"))?;
    let clock =
        Clock { latest: clock.seen.as_millis(), leapt: clock.leapt.map(Timestamp::as_millis) };
    same("what is remembered of the time", clock, model.clock)?;
    let mut uses = BTreeMap::new();
    for owner in model.workspaces.values() {
        let mut found = Vec::new();
        let request = everything(&owner.name);
        list::run(store, &actor, &request, at, |key| {
            found.push(Record::of(&key, now));
            Ok(())
        })
        .map_err(told("list"))?;
        let keys = model.keys.values();
        let keys = keys.filter(|key| model.owner(key).name == owner.name);
        let expected: Vec<Record> = keys.map(|key| Record::expected(model, key, now)).collect();
        for (found, expected) in found.iter().zip(&expected) {
            let about =
                |difference: String| difference + &trail_of(&path, &format!("'{}'", found.id));
            same("a key", found, expected).map_err(about)?;
        }
        same("the number of keys", found.len(), expected.len())?;
        let by = usage::Grouping { key: true, day: true, ..usage::Grouping::default() };
        let request = usage::Request {
            workspace: Some(owner.name.clone()),
            all: false,
            key: None,
            by,
            since: None,
            until: None,
        };
        usage::run(store, &actor, &request, at, |row| {
            let refused = row.tally.refused.iter();
            let refused = refused.map(|(code, count)| (code.word().to_owned(), *count));
            let counted = Uses {
                valid: row.tally.valid,
                credits: row.tally.credits,
                refused: refused.collect(),
                has_row: true,
            };
            let id = row.key.map(|key| key.id.as_str().to_owned());
            uses.insert((id, row.day.map(|day| day.0)), counted);
            Ok(())
        })
        .map_err(told("usage"))?;
    }
    let expected = model.keys.values().flat_map(|key| {
        let days = key.uses.iter();
        let days = days.filter(|(_, uses)| uses.valid > 0 || !uses.refused.is_empty());
        days.map(|(day, uses)| {
            let uses = Uses { has_row: true, ..uses.clone() };
            ((Some(key.id.clone()), Some(*day)), uses)
        })
    });
    same("what was used", uses, expected.collect())?;
    workspaces(store, &actor, model, now)
}

/// What the trail has about a subject, said by a term of SQL.
#[must_use]
pub fn trail_of(path: &Path, subject: &str) -> String {
    let columns = "concat_ws(' ', seq, time, action, subject, details)";
    let rows = rows_in(path, &format!("SELECT {columns} FROM audit WHERE subject = {subject}"));
    format!("\n{rows:#?}")
}

/// Compares the order of keys, what is spent of rates and quotas, and which events keep others from being recorded: the store
/// says it in verdicts alone, and rounded, or by what it does later.
fn unsaid(path: &Path, model: &Model) -> Result<(), String> {
    let rows = |query: &str| rows_in(path, query).into_iter().collect::<BTreeSet<_>>();
    // A server never gives a number twice, so there the order is all that can be foreseen.
    let numbers = match model.is_on_server {
        true => "SELECT id, row_number() OVER (ORDER BY seq) FROM key",
        false => "SELECT id, seq FROM key",
    };
    let found = rows(numbers);
    let keys = (1..).zip(&model.keys).map(|(nth, (own, key))| {
        let number: u64 = if model.is_on_server { nth } else { *own };
        vec![key.id.clone(), number.to_string()]
    });
    let expected: BTreeSet<_> = keys.collect();
    same("the order of minting", found, expected)?;
    let found = rows(
        "SELECT id, rate, whole_at FROM meter JOIN key ON seq = key_seq WHERE rate IS NOT NULL",
    );
    let expected = model.keys.values().filter_map(|key| {
        let (rate, whole_at) = key.whole_at.clone()?;
        Some(vec![key.id.clone(), rate, whole_at.to_string()])
    });
    let expected: BTreeSet<_> = expected.collect();
    same("what is spent of rates", found, expected)?;
    let found = rows(
        "SELECT subject, time FROM audit AS newest WHERE action = 'key.reuse' AND subject IN (SELECT id FROM key)
            AND seq = (SELECT max(seq) FROM audit AS one WHERE one.subject = newest.subject)",
    );
    let expected = model.keys.values();
    let expected = expected.filter_map(|key| Some(vec![key.id.clone(), key.reused?.to_string()]));
    let expected: BTreeSet<_> = expected.collect();
    let differing = found.symmetric_difference(&expected).next();
    let about = differing.map_or(String::new(), |row| trail_of(path, &format!("'{}'", row[0])));
    same("which uses of a revoked key speak for others", found, expected)
        .map_err(|difference| difference + &about)?;
    let found =
        rows("SELECT name, month, credits FROM allowance JOIN workspace USING (workspace_id)");
    let expected = model.workspaces.values().flat_map(|owner| {
        let months = owner.credits.iter();
        months.map(|(month, credits)| {
            vec![owner.name.clone(), month.to_string(), credits.to_string()]
        })
    });
    let expected: BTreeSet<_> = expected.collect();
    same("what is spent of quotas", found, expected)
}

fn workspaces(store: &mut Store, actor: &Actor, model: &Model, now: i64) -> Result<(), String> {
    let at = Timestamp::from_millis(now);
    let found = workspace::list(store, actor, at).map_err(told("workspace list"))?;
    let found: Vec<_> = found
        .into_iter()
        .map(|found| {
            let census = found.census;
            let counts = [census.active, census.pending, census.disabled];
            let made = found.workspace;
            (made.name, made.preset, made.policy, made.plan, counts)
        })
        .collect();
    let mut expected: Vec<_> = model
        .workspaces
        .iter()
        .map(|(number, owner)| {
            let count = |status: &str| {
                let keys = model.keys.values();
                let keys = keys
                    .filter(|key| key.workspace == *number && key.status(model.at(now)) == status);
                keys.count() as u64
            };
            let counts = [count("active"), count("pending"), count("disabled")];
            let toml = POLICIES[owner.policy].toml;
            let mut policy = Policy::from_toml(toml).expect("it is a policy");
            policy.active_key_cap = owner.cap.map(|cap| cap as u32);
            let preset = owner.is_preset.then(|| "default".to_owned());
            (owner.name.clone(), preset, policy, owner.plan.clone(), counts)
        })
        .collect();
    expected.sort_by(|one, other| one.0.cmp(&other.0));
    same("the workspaces", found, expected)?;
    let whoami::Outcome::Operator { workspace, .. } =
        whoami::run(store, actor, None, at).map_err(told("whoami"))?
    else {
        return Err("whoami says that the operator is a key".to_owned());
    };
    let place = model.place(None).ok();
    let place = place.map(|number| model.workspaces[&number].name.clone());
    same("the workspace in use", workspace, place)
}

fn everything(workspace: &str) -> list::Request {
    list::Request {
        workspace: Some(workspace.to_owned()),
        everywhere: false,
        statuses: Vec::new(),
        all: true,
        environment: None,
        name: None,
        owner: None,
        labels: Vec::new(),
        scopes: Vec::new(),
        order: Order::Created,
    }
}
