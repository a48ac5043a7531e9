//! Renaming a key.

use serde_json::json;

use crate::domain::audit::Action;
use crate::domain::name::composed;
use crate::domain::{Key, Name, Permission, Timestamp};
use crate::error::{Error, Result};
use crate::ops::access::{Access, Act, Actor};
use crate::ops::change::{self, Outcome, refuse_dead};
use crate::ops::limits;
use crate::ops::lineage::Meant;
use crate::ops::links;
use crate::ops::select::{self, Selector};
use crate::store::Store;

/// Renames a key, or every key that its name stands for.
pub fn run(
    store: &mut Store,
    actor: &Actor,
    workspace: Option<&str>,
    selector: &Selector,
    name: &Name,
    now: Timestamp,
) -> Result<Outcome> {
    store.write(|writer| {
        let act = Act { writer, access: Access::to(writer, actor, Permission::Rename, now)?, now };
        let workspaces = select::workspaces(writer, &act.access, workspace)?;
        let meant = Meant::by(writer, &workspaces, selector, now)?;
        let key = &meant.key;
        refuse_dead(key, now)?;
        if key.name == name.as_str() {
            return change::outcome(writer, &meant, Vec::new(), now);
        }
        let mut renamed: Vec<Key> = meant.all().cloned().collect();
        // A name that an older keyward took in another form is the same name.
        let is_new = composed(&key.name) != name.as_str();
        if is_new && renamed.iter().any(|key| key.replaced_by.is_none()) {
            let owner = select::owner_of(&workspaces, key);
            limits::check_name(writer, owner, &key.environment, name.as_str(), now)?;
            limits::check_no_key_is_called(writer, owner, name.as_str())?;
        }
        if let Some(rotation) = &key.rotation
            && key.is_pending(now)
            && !select::holds_its_name(writer, key, now)?
        {
            return Err(Error::conflict(format!(
                "{} waits to replace {} and has its name",
                key.id, rotation.replaces
            ))
            .hinted(format!("rename {} instead", rotation.replaces)));
        }
        // A replacement that is pending goes by the name of the key it waits for.
        for replacement in links::replacements(writer, key)? {
            let is_new = renamed.iter().all(|key| key.id != replacement.id);
            if is_new && replacement.is_pending(now) {
                renamed.push(replacement);
            }
        }
        let details = json!({ "from": key.name, "to": name.as_str() });
        for key in &mut renamed {
            name.as_str().clone_into(&mut key.name);
            writer.update_key(key)?;
            act.note(Action::KeyRename, key.id.as_str(), &details)?;
        }
        let changed = renamed.into_iter().map(|key| key.id).collect();
        change::outcome(writer, &meant, changed, now)
    })
}
