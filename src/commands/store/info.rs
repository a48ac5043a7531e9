//! `keyward store info`.

use crate::context::Context;
use crate::domain::Safe;
use crate::domain::sanitize::path_text;
use crate::error::{Exit, Result};
use crate::ops::store::info;
use crate::output::relative::size;
use crate::output::table;
use crate::output::view::{ServerView, StoreView};
use crate::store::Store;

/// Show where the store is and what it contains
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward store info
  keyward store info --json")]
pub struct Args {}

pub fn run(_args: Args, context: &mut Context) -> Result<Exit> {
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
