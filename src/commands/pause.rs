//! What `keyward disable` and `keyward enable` share.

use crate::commands::changed;
use crate::context::Context;
use crate::domain::Lifetime;
use crate::error::{Exit, Result};
use crate::ops::pause::{self, Change};
use crate::options::KeyArgument;

/// Pauses or resumes a key and answers.
pub fn run(
    key: &KeyArgument,
    change: Change,
    idle: Option<&Lifetime>,
    context: &mut Context,
) -> Result<Exit> {
    let (mut store, actor, now) = context.enter()?;
    let outcome = pause::run(
        &mut store,
        &actor,
        context.workspace.as_deref(),
        &key.selector(),
        change,
        idle,
        now,
    )?;
    let done = match change {
        Change::Disable => "disabled",
        Change::Enable => "enabled",
    };
    let sentence = match outcome.subjects() {
        Some(ids) => format!("{done} {}", outcome.named(ids)),
        None => {
            let what = format!("{} is already {done}", outcome.named(&outcome.key.id));
            changed::unchanged(&what, &outcome.rest)
        }
    };
    changed::answer(context, &outcome, &sentence, now)?;
    Ok(0)
}
