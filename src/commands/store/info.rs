//! `keyward store create`, `info`, `migrate` and `roles`: making a store, what it is, and what a server needs for one.

use crate::context::Context;
use crate::domain::Safe;
use crate::domain::sanitize::path_text;
use crate::error::{Exit, Result};
use crate::ops::store::info;
use crate::output::relative::size;
use crate::output::table;
use crate::output::view::{CreatedStoreView, RolesView, ServerView, StoreView};
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

pub fn create(_args: CreateArgs, context: &mut Context) -> Result<Exit> {
    let place = context.store_place()?;
    let changed = context.existing_store()?.is_none();
    let mut store = context.create_store()?;
    let view = CreatedStoreView { store: describe(context, &mut store, place.text())?, changed };
    let sentence = if changed {
        format!("created the empty store {place}")
    } else {
        format!("no change: the store {place} already exists")
    };
    context.ui.change(&view, &sentence)?;
    Ok(0)
}

/// Show where the store is and what it contains
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward store info
  keyward store info --json")]
pub struct InfoArgs {}

pub fn info(_args: InfoArgs, context: &mut Context) -> Result<Exit> {
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
    })?;
    Ok(0)
}

pub(super) fn describe(
    context: &mut Context,
    store: &mut Store,
    path: String,
) -> Result<StoreView> {
    let actor = context.actor(store)?;
    let info = info::run(store, &actor, context.now())?;
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

pub fn migrate(_args: MigrateArgs, context: &mut Context) -> Result<Exit> {
    context.refuse_secrets()?;
    let place = context.store_place()?;
    let changed = Store::migrate_at(&place, context.patience())?;
    let mut store = context.open_store()?;
    let view = CreatedStoreView { store: describe(context, &mut store, place.text())?, changed };
    let sentence = match changed {
        true => format!("brought the store {place} up to date"),
        false => format!("no change: the store {place} is already up to date"),
    };
    context.ui.change(&view, &sentence)?;
    Ok(0)
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

pub fn roles(_args: RolesArgs, context: &mut Context) -> Result<Exit> {
    context.refuse_secrets()?;
    let view = RolesView { sql: context.store_place()?.roles() };
    context.ui.record(&view, || view.sql.clone())?;
    Ok(0)
}
