//! Choosing the workspace that commands take when none is named: `workspace use`.

use serde_json::json;

use crate::domain::Timestamp;
use crate::domain::audit::Action;
use crate::error::Result;
use crate::ops::access::{Access, Actor};
use crate::ops::select;
use crate::ops::workspace::Outcome;
use crate::store::Store;

/// Makes the choice. Says whether it was another before.
pub fn run(
    store: &mut Store,
    actor: &Actor,
    name: &str,
    now: Timestamp,
) -> Result<(Outcome, bool)> {
    store.write(|writer| {
        let access = Access::admit(writer, actor, now)?;
        access.require_operator()?;
        let workspace = select::workspace(writer, &access, Some(name))?;
        let changed = writer.current_workspace()? != Some(workspace.id);
        if changed {
            writer.set_current_workspace(workspace.id)?;
            writer.audit(now, &access.actor, Action::WorkspaceUse, name, &json!({}))?;
        }
        Ok((Outcome::of(writer, workspace, now)?, changed))
    })
}
