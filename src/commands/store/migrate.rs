//! `keyward store migrate`.

use super::info::describe;
use crate::context::Context;
use crate::error::{Exit, Result};
use crate::output::view::CreatedStoreView;
use crate::store::Store;

/// Bring the store's tables up to date
///
/// A store in a file is brought up to date by any command that opens it. On a PostgreSQL server only this command changes tables;
/// run it as their owner.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward store migrate
  keyward store migrate --json")]
pub struct Args {}

pub fn run(_args: Args, context: &mut Context) -> Result<Exit> {
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
