//! A test of cost: no statement of the store reads a whole table unless all of it is needed.
//!
//! This module never runs outside tests.

use std::sync::{Arc, Mutex};

use rusqlite::trace::{TraceEvent, TraceEventCodes};

use super::Database;
use crate::domain::audit::{About, Action};
use crate::domain::idempotency::{Fingerprint, IdempotencyKey};
use crate::domain::key::Rotation;
use crate::domain::key::tests::sample;
use crate::domain::known_format::KnownFormat;
use crate::domain::timestamp::Month;
use crate::domain::usage::Tally;
use crate::domain::{Code, Day, Key, KeySeq, Policy, Timestamp, Workspace, WorkspaceId};
use crate::error::Result;
use crate::store::workspaces::SELECT;
use crate::store::{Engine, Order, Remembered, Store};

/// What is allowed to read everything, because everything is its answer.
const WHOLE: [&str; 9] = [
    "SELECT subject FROM audit WHERE action = ?1",
    "SELECT count(*) FROM workspace",
    "SELECT count(*) FROM key",
    "PRAGMA data_version",
    "SELECT details FROM audit",
    "SELECT hint FROM key INDEXED BY key_hint WHERE short = ''",
    "SELECT hint FROM key WHERE short <> ''",
    "SELECT template, alphabet, prefix, environments FROM token_format\n             ORDER BY template, alphabet, prefix, environments",
    "UPDATE meter SET rate = NULL, whole_at = NULL WHERE whole_at > ?1",
];

/// What a plan says of rows outside any table: a constant's, and those that a recursive statement has found so far.
const QUEUES: [&str; 3] = ["SCAN CONSTANT ROW", "SCAN line", "SCAN day"];

/// The files whose methods run statements.
const SOURCES: [&str; 13] = [
    include_str!("../audit.rs"),
    include_str!("../claims.rs"),
    include_str!("../kept.rs"),
    include_str!("info.rs"),
    include_str!("../integrity.rs"),
    include_str!("../key_lists.rs"),
    include_str!("../keys.rs"),
    include_str!("../lineages.rs"),
    include_str!("../meter.rs"),
    include_str!("migrations.rs"),
    include_str!("../settings.rs"),
    include_str!("../usage.rs"),
    include_str!("../workspaces.rs"),
];

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const OWNER: WorkspaceId = WorkspaceId(1);

fn workspace() -> Workspace {
    Workspace {
        id: OWNER,
        name: "default".to_owned(),
        preset: None,
        policy: Policy::from_toml("").expect("defaults"),
        plan: None,
        created_at: NOW,
        created_by: "operator:someone".to_owned(),
    }
}

fn request() -> IdempotencyKey {
    "run-1".parse().expect("an idempotency key")
}

fn made(key: &Key) -> Remembered {
    Remembered { request: Fingerprint::of("{}"), key: key.id.clone(), made_at: NOW }
}

fn write_everything(store: &mut Store, key: &Key) -> Result<()> {
    store.write(|writer| {
        let id = writer.insert_workspace(&workspace())?;
        writer.update_workspace(&workspace())?;
        writer.set_current_workspace(id)?;
        writer.insert_key(key)?;
        writer.update_key(key)?;
        writer.reissue_key(key)?;
        writer.claim(&key.id)?;
        writer.keep_format(&KnownFormat::Front("sk_live_".to_owned()))?;
        writer.remember(OWNER, &request(), &made(key))?;
        writer.reset_clock(NOW)?;
        writer.note_last_use(&key.id, NOW)?;
        writer.convert_rate_states(OWNER, None, "1/day".parse()?, NOW)?;
        writer.convert_rate_state(&key.id, "1/day".parse()?, NOW)?;
        let details = serde_json::json!({});
        for (action, subject) in [
            (Action::WorkspaceSet, "default"),
            (Action::WorkspaceUse, "default"),
            (Action::KeySet, key.id.as_str()),
        ] {
            writer.audit(NOW, "operator:someone", action, subject, &details)?;
        }
        writer.seal_all()?;
        writer.seal_what_the_trail_has()
    })
}

fn count_everything(store: &mut Store, key: &Key) -> Result<()> {
    let mut tally = Tally::default();
    for code in [Code::Valid, Code::Revoked] {
        tally.count(code, 1, NOW, None);
    }
    store.count(std::time::Duration::ZERO, NOW, |meter| {
        for _ in 0..2 {
            meter.add([(Day::of(NOW), KeySeq(1), &tally)])?;
        }
        meter.touch(&key.id, NOW)?;
        meter.spend(OWNER, Month::of(NOW), 1)?;
        let state = Some(("1/day".parse()?, 1));
        meter.add_limited(Day::of(NOW), [(KeySeq(1), &tally, state)])?;
        assert!(meter.gone(&[(KeySeq(1), key.created_at)])?.is_empty());
        assert!(meter.has_workspace(OWNER, NOW)?);
        Ok(())
    })
}

fn read_everything(store: &mut Store, key: &Key) -> Result<()> {
    store.read(|reader| {
        reader.key_by_hash(&key.hash)?.expect("it is there");
        assert!(reader.has_any_hash(&[key.hash])? && reader.forms()?.is_empty());
        reader.for_each_foreign_hash(|form, _| {
            panic!("it has no hash in the form {}", form.word())
        })?;
        reader.bare_key_by_hash(&key.hash)?.expect("it is there");
        let seq = reader.seq_of(&key.id)?;
        assert_eq!(reader.find_seq(&key.id)?, Some(seq));
        reader.key_by_seq(seq)?.expect("it is there");
        assert_eq!(reader.keys_by_seq(&[seq])?.len(), 1);
        assert_eq!(reader.bare_keys_by_hash(&[key.hash])?.len(), 1);
        assert_eq!(reader.last_uses(&[seq])?.len(), 1);
        reader.key_by_seq(seq)?.expect("it is there");
        reader.key_by_id(key.id.as_str())?.expect("it is there");
        reader.keys_by_id_start(Some(OWNER), "key_0", 9)?;
        reader.keys_named(OWNER, &key.name)?;
        reader.key_names(OWNER, Some("live"), "d", Some(NOW), 9)?;
        reader.workspace_names("d", 9)?;
        reader.keys_with_short(&[&key.short, "x"])?;
        reader.keys_replacing(&key.id)?;
        assert!(reader.has_relatives(key)?);
        reader.credits_of(seq, Month::of(NOW))?;
        reader.confirm_in_trail(&key.id)?;
        assert!(reader.is_claimed(&key.id)?);
        reader.remembered(OWNER, &request())?.expect("it was made");
        reader.for_each_key_after(&workspace(), KeySeq(0), 9, |_, _| Ok(()))?;
        for order in
            [Order::Created, Order::Name, Order::Environment, Order::Expires, Order::LastUsed]
        {
            assert_eq!(reader.keys_in_order(Some(OWNER), order)?, [seq]);
        }
        reader.census(OWNER, NOW)?;
        reader.count_keys(OWNER)?;
        assert_eq!(reader.ids_of(OWNER)?, [key.id.to_string()]);
        let head = reader.head()?;
        assert!(reader.has_event(head)?);
        reader.for_each_event(1, |_| Ok(()))?;
        reader.for_each_event_back(|_| Ok(true))?;
        reader.for_each_event_as_it_stands(1, |_, _| Ok(()))?;
        reader.for_each_event_about(key.id.as_str(), |_| Ok(true))?;
        reader.workspace_named("default")?.expect("it is there");
        reader.workspace_by_id(OWNER)?.expect("it is there");
        assert_eq!(reader.workspaces()?.len() as u64, reader.count_workspaces()?);
        reader.current_workspace()?.expect("it is chosen");
        reader.last_use(seq)?.expect("it was used");
        let (last, state) = reader.metered(seq, Some("1/day".parse()?), true)?;
        assert!(last.is_some() && state.is_some());
        assert_eq!(reader.credits_spent(OWNER, Month::of(NOW))?, 1);
        let day = reader.next_day_of_use(Day(0), Day::LAST)?;
        reader.for_each_use(day.expect("there is one"), seq, seq, |_, _| {})?;
        reader.freshness()?;
        assert_eq!(reader.clock()?.seen, NOW);
        let written = reader.key_by_id(key.id.as_str())?.expect("it is there");
        assert!(reader.agrees_on_key(&written)? && !reader.was_ended("x")?);
        assert!(!reader.is_ended(&key.hash)?);
        assert!(reader.exposed()?.is_empty());
        assert_eq!(reader.formats()?.len(), 2);
        assert!(reader.has_format(&workspace().policy)?);
        reader.for_each_hint(false, |_| ())?;
        reader.for_each_hint(true, |_| ())?;
        reader.trust_rows();
        reader.newest_action(About::Key, key.id.as_str())?.expect("it has events");
        Ok(())
    })?;
    store.info().map(|_| ())
}

fn delete_everything(store: &mut Store, key: &Key) -> Result<()> {
    store.write(|writer| {
        writer.unclaim(&key.id)?;
        writer.forget_until(NOW)?;
        writer.delete_keys(&[KeySeq(1)])?;
        writer.delete_workspace(OWNER)?;
        writer.forget_current_workspace(OWNER)?;
        let details = serde_json::json!({});
        writer.audit(NOW, "operator:someone", Action::WorkspaceDelete, "x", &details)
    })
}

#[test]
fn every_statement_finds_its_rows_by_an_index() {
    let mut database = Database::empty();
    let seen = Arc::new(Mutex::new(Vec::<String>::new()));
    let sink = Arc::clone(&seen);
    database
        .connection
        .trace_v2(
            TraceEventCodes::SQLITE_TRACE_STMT,
            Some(move |event: TraceEvent<'_>| {
                if let TraceEvent::Stmt(statement, _) = event {
                    sink.lock().expect("one thread").push(statement.sql().to_string());
                }
            }),
        )
        .expect("tracing starts");
    let mut store = Store::from(database);
    let mut key = sample();
    key.rotation =
        Some(Rotation { replaces: key.id.clone(), grace_millis: 1, previous_expires_at: None });
    write_everything(&mut store, &key).expect("it can be written");
    count_everything(&mut store, &key).expect("it can be counted");
    read_everything(&mut store, &key).expect("it can be read");
    delete_everything(&mut store, &key).expect("it can be deleted");

    let mut statements = seen.lock().expect("one thread").clone();
    statements.sort();
    statements.dedup();
    let mut scans = Vec::new();
    let workspaces = format!("{SELECT} ORDER BY workspace.name");
    let is_whole = |sql: &str| WHOLE.contains(&sql) || sql == workspaces;
    for sql in statements.iter().filter(|sql| !is_whole(sql)) {
        let mut explained = connection(&store)
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .expect("it ran, so it can be explained");
        let steps = explained
            .raw_query()
            .mapped(|row| row.get::<_, String>(3))
            .collect::<std::result::Result<Vec<_>, _>>()
            .expect("a plan is rows of text");
        let scan =
            steps.iter().find(|step| step.starts_with("SCAN") && !QUEUES.contains(&step.as_str()));
        scans.extend(scan.map(|step| format!("{step}: {sql}")));
    }
    assert!(statements.len() > 40, "only {} statements", statements.len());
    assert!(scans.is_empty(), "{scans:#?}");
}

fn connection(store: &Store) -> &rusqlite::Connection {
    match &store.engine {
        Engine::Sqlite(database) => &database.connection,
        #[cfg(feature = "postgres")]
        Engine::Postgres(_) => panic!("the store is in memory"),
    }
}

#[test]
fn no_method_is_forgotten() {
    let test = include_str!("plans.rs");
    let methods = SOURCES.iter().flat_map(|source| source.lines()).filter_map(|line| {
        let (_, name) = line.trim_start().split_once("fn ")?;
        let is_public = line.trim_start().starts_with("pub fn ");
        is_public.then(|| name.split(['(', '<']).next().unwrap_or(name))
    });
    let forgotten: Vec<&str> =
        methods.filter(|name| !test.contains(&format!(".{name}("))).collect();
    assert!(forgotten.is_empty(), "{forgotten:?}");
}
