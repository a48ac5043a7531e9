//! Saying who is calling.
//!
//! This module never says more of a key than the key's own holder may know.

use crate::domain::{Key, Timestamp};
use crate::error::{Kind, Result};
use crate::ops::access::{Access, Actor};
use crate::ops::select;
use crate::store::Store;

#[derive(Debug)]
pub enum Outcome {
    /// The operator, with the workspace that commands would work in.
    Operator {
        name: String,
        /// The workspace, when one is chosen or there is just one.
        workspace: Option<String>,
    },
    Caller(Box<Key>),
}

/// Says who is calling.
pub fn run(
    store: &mut Store,
    actor: &Actor,
    workspace: Option<&str>,
    now: Timestamp,
) -> Result<Outcome> {
    store.read(|reader| {
        let access = Access::admit(reader, actor, now)?;
        let found = match select::workspace(reader, &access, workspace) {
            Ok(found) => Some(found),
            Err(error) => match error.kind() {
                Kind::WorkspaceNotFound | Kind::Ambiguous if workspace.is_none() => None,
                _ => return Err(error),
            },
        };
        Ok(match access.caller {
            Some((key, _)) => Outcome::Caller(Box::new(key)),
            None => Outcome::Operator {
                name: access.actor.trim_start_matches("operator:").to_owned(),
                workspace: found.map(|workspace| workspace.name),
            },
        })
    })
}
