//! `keyward store roles`.

use crate::context::Context;
use crate::error::{Exit, Result};
use crate::output::view::RolesView;

/// Print the SQL of an admin and a verifier role for a store on PostgreSQL
///
/// The admin role may do everything but change tables, or edit the audit trail. The verifier role may read, and count uses. The
/// names of the roles begin with the name of the store's schema: keyward, unless the URI of --store names another.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward store roles
  keyward store roles --json")]
pub struct Args {}

pub fn run(_args: Args, context: &mut Context) -> Result<Exit> {
    context.refuse_secrets()?;
    let view = RolesView { sql: context.store_place()?.roles() };
    context.ui.record(&view, || view.sql.clone())?;
    Ok(0)
}
