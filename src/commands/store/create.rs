//! `keyward store create`.

use super::info::describe;
use crate::context::Context;
use crate::domain::SafePath;
use crate::domain::sanitize::path_text;
use crate::error::{Exit, Result};
use crate::output::view::CreatedStoreView;

/// Create an empty store
///
/// An existing store is left as it is. mint, workspace create, ensure, apply, store import and store restore create a store
/// if they need one.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward store create
  keyward store create --store keyward.db --json")]
pub struct Args {}

pub fn run(_args: Args, context: &mut Context) -> Result<Exit> {
    let file = context.store_path()?;
    let changed = context.existing_store()?.is_none();
    let mut store = context.open_or_create_store(|_| Ok(()))?;
    let view =
        CreatedStoreView { store: describe(context, &mut store, path_text(&file))?, changed };
    let path = SafePath(&file);
    let sentence = if changed {
        format!("created the empty store {path}")
    } else {
        format!("no change: the store {path} already exists")
    };
    context.ui.change(&view, &sentence)?;
    Ok(0)
}
