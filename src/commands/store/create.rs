//! `keyward store create`.

use super::info::describe;
use crate::context::Context;
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
