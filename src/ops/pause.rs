//! Disabling and enabling a key: the pause that can be taken back.

use serde_json::json;

use crate::domain::audit::Action;
use crate::domain::{Lifetime, Permission, State, Timestamp};
use crate::error::{Error, Result};
use crate::ops::access::{Access, Act, Actor};
use crate::ops::change::{self, Outcome};
use crate::ops::lineage::{self, Meant};
use crate::ops::select::{self, Selector};
use crate::ops::usage;
use crate::store::Store;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Disable,
    Enable,
}

/// Disables or enables a key, or every key that its name stands for. A key that already is so is not changed, and a
/// pending one is held back while the key it waits for is disabled. With `idle`, a key that was used within this time
/// is not disabled.
pub fn run(
    store: &mut Store,
    actor: &Actor,
    workspace: Option<&str>,
    selector: &Selector,
    change: Change,
    idle: Option<&Lifetime>,
    now: Timestamp,
) -> Result<Outcome> {
    let (permission, wanted, action) = match change {
        Change::Disable => (Permission::Disable, State::Disabled, Action::KeyDisable),
        Change::Enable => (Permission::Enable, State::Active, Action::KeyEnable),
    };
    store.write(|writer| {
        let act = Act { writer, access: Access::to(writer, actor, permission, now)?, now };
        let workspaces = select::workspaces(writer, &act.access, workspace)?;
        let meant = Meant::by(writer, &workspaces, selector, now)?;
        let beside = match change {
            Change::Disable => meant.pending_beside_a_pause(now),
            Change::Enable => None,
        };
        let in_the_way = beside.or_else(|| {
            let is_any = meant.all().any(|key| lineage::can_be_paused(key, now));
            (!is_any).then_some(&meant.key)
        });
        if let Some(key) = in_the_way {
            let (verb, status) = (permission.word(), key.standing(now).word());
            return Err(Error::conflict(format!("{} is {status}: it cannot be {verb}d", key.id)));
        }
        let mut changed = Vec::new();
        for key in meant.all() {
            if !lineage::can_be_paused(key, now) || key.state == wanted {
                continue;
            }
            usage::refuse_used(writer, key, idle, now)?;
            let mut key = key.clone();
            key.state = wanted;
            writer.update_key(&key)?;
            act.note(action, key.id.as_str(), &json!({}))?;
            changed.push(key.id);
        }
        change::outcome(writer, &meant, changed, now)
    })
}
