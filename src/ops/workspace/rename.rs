//! Renaming a workspace.

use serde_json::json;

use crate::domain::audit::Action;
use crate::domain::name::composed;
use crate::domain::{Name, Timestamp};
use crate::error::Result;
use crate::ops::access::{Access, Actor};
use crate::ops::select;
use crate::ops::workspace::{Outcome, create};
use crate::store::Store;

/// Renames a workspace. Says whether the name was another.
pub fn run(
    store: &mut Store,
    actor: &Actor,
    from: &str,
    to: &Name,
    now: Timestamp,
) -> Result<(Outcome, bool)> {
    store.write(|writer| {
        let access = Access::admit(writer, actor, now)?;
        access.require_operator()?;
        let mut workspace = select::workspace(writer, &access, Some(from))?;
        let changed = workspace.name != to.as_str();
        if changed {
            // A name that an older keyward took in another form is the same name.
            if composed(&workspace.name) != to.as_str() {
                create::check_name(writer, to.as_str())?;
            }
            workspace.name = to.to_string();
            writer.update_workspace(&workspace)?;
            writer.audit(
                now,
                &access.actor,
                Action::WorkspaceRename,
                to.as_str(),
                &json!({ "from": from }),
            )?;
        }
        Ok((Outcome::of(writer, workspace, now)?, changed))
    })
}
