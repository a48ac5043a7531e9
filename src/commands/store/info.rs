//! `keyward store info`.

use crate::context::Context;
use crate::domain::sanitize::path_text;
use crate::domain::{Safe, SafePath};
use crate::error::{Exit, Result};
use crate::ops::store::info;
use crate::output::relative::size;
use crate::output::table;
use crate::output::view::StoreView;
use crate::store::Store;

/// Show where the store is and what it contains
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward store info
  keyward store info --json")]
pub struct Args {}

pub fn run(_args: Args, context: &mut Context) -> Result<Exit> {
    let file = context.store_path()?;
    let path = path_text(&file);
    let view = match context.store_if_any()? {
        Some(mut store) => describe(context, &mut store, path)?,
        None => StoreView { path, ..StoreView::default() },
    };
    context.ui.record(&view, || {
        let none = || "none: no store yet".to_owned();
        let mut fields = vec![
            ("path", SafePath(&file).to_string()),
            ("schema", view.schema.map_or_else(none, |schema| schema.to_string())),
            ("journal mode", view.journal_mode.clone().unwrap_or_else(none)),
            ("size", size(view.size_bytes)),
            ("workspaces", view.workspaces.to_string()),
            ("keys", view.keys.to_string()),
        ];
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
        journal_mode: Some(info.journal_mode),
        size_bytes: info.size_bytes,
        workspaces: info.workspaces,
        keys: info.keys,
        trusted_folder: info.trusted_folder.map(|folder| path_text(&folder)),
    })
}
