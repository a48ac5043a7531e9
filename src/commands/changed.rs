//! What the commands that change a key in place answer.

use crate::context::Context;
use crate::domain::Timestamp;
use crate::error::Result;
use crate::ops::change::Outcome;
use crate::ops::lineage::Rest;
use crate::output::view::Changed;

/// Answers with the key, with those that changed with it, and with those that were not meant.
pub fn answer(context: &Context, outcome: &Outcome, sentence: &str, now: Timestamp) -> Result<()> {
    let Outcome { key, also_changed, rest, .. } = outcome;
    if !rest.is_empty() {
        context.ui.warn(&rest.to_string());
    }
    let view = Changed::new(key, also_changed, &rest.ids, now);
    context.ui.change(&view, sentence)
}

/// Says that a key is already in the requested state. While another key of its name can still verify, "no change" is
/// left out: during an incident, a reader would stop there.
pub fn unchanged(what: &str, rest: &Rest) -> String {
    if rest.is_empty() { format!("no change: {what}") } else { what.to_owned() }
}
