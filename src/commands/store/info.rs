//! `keyward store create`, `info`, `check`, `migrate` and `roles`: making a store, what it is, whether it is whole, and what a
//! server needs for one.

use crate::context::Context;
use crate::domain::Safe;
use crate::domain::sanitize::path_text;
use crate::domain::words::counted;
use crate::error::{Exit, Kind, Result};
use crate::ops::store::{self, check, clock};
use crate::output::relative::size;
use crate::output::table;
use crate::output::view::{
    CreatedStoreView, HealthView, ProblemView, RolesView, ServerView, StoreView,
};
use crate::store::Store;

/// Create an empty store
///
/// An existing store is left as it is. mint, workspace create, ensure, apply, store import and store restore create a store
/// if they need one.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward store create
  keyward store create --store keyward.db --json")]
pub struct CreateArgs {}

pub fn create(_args: CreateArgs, context: &mut Context) -> Result<()> {
    let place = context.store_place()?;
    let changed = context.existing_store()?.is_none();
    let mut store = context.create_store()?;
    let view = CreatedStoreView { store: describe(context, &mut store, place.text())?, changed };
    let sentence = if changed {
        format!("created the empty store {place}")
    } else {
        format!("no change: the store {place} already exists")
    };
    context.ui.change(&view, &sentence)
}

/// Show where the store is and what it contains
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward store info
  keyward store info --json")]
pub struct InfoArgs {}

pub fn info(_args: InfoArgs, context: &mut Context) -> Result<()> {
    let place = context.store_place()?;
    let path = place.text();
    let view = match context.store_if_any()? {
        Some(mut store) => describe(context, &mut store, path)?,
        None => StoreView { path, ..StoreView::default() },
    };
    context.ui.record(&view, || {
        let none = || "none: no store yet".to_owned();
        let mut fields = vec![
            ("path", place.to_string()),
            ("schema", view.schema.map_or_else(none, |schema| schema.to_string())),
            ("size", size(view.size_bytes)),
            ("workspaces", view.workspaces.to_string()),
            ("keys", view.keys.to_string()),
        ];
        match &view.server {
            None => {
                let mode = view.journal_mode.clone().unwrap_or_else(none);
                fields.insert(2, ("journal mode", mode));
            }
            Some(server) => fields.extend(server.fields()),
        }
        if let Some(folder) = &view.trusted_folder {
            let text = format!("{} (group and other permissions are not checked)", Safe(folder));
            fields.push(("trusted folder", text));
        }
        table::render_record(&fields)
    })
}

pub(super) fn describe(
    context: &mut Context,
    store: &mut Store,
    path: String,
) -> Result<StoreView> {
    let actor = context.actor(store)?;
    let info = store::info(store, &actor, context.now())?;
    Ok(StoreView {
        path,
        schema: Some(info.schema),
        journal_mode: info.journal_mode,
        size_bytes: info.size_bytes,
        workspaces: info.workspaces,
        keys: info.keys,
        trusted_folder: info.trusted_folder.map(|folder| path_text(&folder)),
        server: info.server.map(|server| ServerView {
            host: server.server,
            version: server.version,
            database: server.database,
            role: server.role,
            schema: server.schema,
            synchronous_commit: server.synchronous_commit,
            synchronous_standbys: server.synchronous_standbys,
        }),
    })
}

/// Bring the store's tables up to date
///
/// A store in a file is brought up to date by any command that opens it. On a PostgreSQL server only this command changes tables;
/// run it as their owner.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward store migrate
  keyward store migrate --json")]
pub struct MigrateArgs {}

pub fn migrate(_args: MigrateArgs, context: &mut Context) -> Result<()> {
    context.refuse_secrets()?;
    let place = context.store_place()?;
    let changed = Store::migrate_at(&place, context.patience())?;
    let mut store = context.open_store()?;
    let view = CreatedStoreView { store: describe(context, &mut store, place.text())?, changed };
    let sentence = match changed {
        true => format!("brought the store {place} up to date"),
        false => format!("no change: the store {place} is already up to date"),
    };
    context.ui.change(&view, &sentence)
}

/// Print the SQL of an admin and a verifier role for a store on PostgreSQL
///
/// The admin role may do everything but change tables, or edit the audit trail. The verifier role may read, and count uses. The
/// names of the roles begin with the name of the store's schema: keyward, unless the URI of --store names another.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward store roles
  keyward store roles --json")]
pub struct RolesArgs {}

pub fn roles(_args: RolesArgs, context: &mut Context) -> Result<()> {
    context.refuse_secrets()?;
    let view = RolesView { sql: context.store_place()?.roles() };
    context.ui.record(&view, || view.sql.clone())
}

/// Check every page, record and event of the store
///
/// Finds damage to the file, rows that were changed, deleted or added outside keyward, a broken audit trail, and links
/// between keys that no rotation makes. Lists each with the command that fixes it, and exits with 9. It changes nothing and
/// blocks no other process.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward store check
  keyward store check --json
  keyward store check --reset-clock")]
pub struct CheckArgs {
    /// Reset the last recorded time to the current clock
    ///
    /// The store records the latest time, so that expired keys stay expired when the clock goes back. Use this if a wrong
    /// clock was far ahead. It is refused, naming the keys, if keys would be live again beside others of the same name or
    /// beyond the cap.
    #[arg(long)]
    reset_clock: bool,
}

pub fn check(args: CheckArgs, context: &mut Context) -> Result<Exit> {
    let (mut store, actor, now) = context.enter()?;
    let mut reset = None;
    if args.reset_clock {
        let before = clock::reset(&mut store, &actor, now)?;
        let sentence = format!("reset the last recorded time from {} to {now}", before.seen);
        context.ui.status(&sentence);
        reset = Some(sentence);
    }
    let mut job = context.ui.job("checking the file");
    let outcome = check::run(&mut store, &actor, now, |reached| job.reach(reached))?;
    drop(job);
    let view = HealthView {
        ok: outcome.flaws.is_empty(),
        workspaces: outcome.workspaces,
        keys: outcome.keys,
        events: outcome.events,
        problems: outcome.flaws.iter().map(ProblemView::new).collect(),
    };
    let answer = || context.ui.record(&view, || summary(&view));
    match &reset {
        Some(sentence) => context.ui.after(sentence, answer)?,
        None => answer()?,
    }
    Ok(if view.ok { 0 } else { Kind::Damaged.exit() })
}

fn summary(view: &HealthView) -> String {
    let mut text = String::new();
    for problem in &view.problems {
        let subject = match problem.kind {
            "store" => String::new(),
            kind => format!("{kind} {}: ", Safe(&problem.subject)),
        };
        let (problem, remedy) = (Safe(&problem.problem), Safe(&problem.remedy));
        text += &format!("{subject}{problem}\n  {remedy}\n");
    }
    let found = match view.problems.len() {
        0 => "no problems".to_owned(),
        count => counted(count, "problem"),
    };
    text + &format!(
        "{found}: checked {}, {} and {}\n",
        counted(view.workspaces, "workspace"),
        counted(view.keys, "key"),
        counted(view.events, "event")
    )
}
