//! What ensure and apply share: looking at a key and its sink, and preparing what is to be delivered.
//!
//! This module never delivers: a parcel is handed back.

use crate::commands::hand_over::{Answer, Parcel};
use crate::commands::sink::Delivery;
use crate::context::Context;
use crate::domain::key::Key;
use crate::domain::provision::Action;
use crate::error::Result;
use crate::ops::access::Actor;
use crate::ops::provision::{self, Outcome, Request, Step};
use crate::store::Store;

/// What a key's provisioning has come to.
pub enum Prepared {
    /// Its end.
    Settled(Box<Key>, Action),
    /// A delivery.
    Due {
        /// What is to be delivered.
        parcel: Box<Parcel>,
        /// What that does to the key.
        action: Action,
    },
}

/// Looks at a key, checks its sink if it will have a delivery, and does what one transaction can.
///
/// # Errors
/// What `ops::provision` and the sink give. Nothing is changed then.
pub fn prepare(
    context: &mut Context,
    store: &mut Store,
    actor: &Actor,
    request: &Request,
    delivery: &mut Delivery,
) -> Result<Prepared> {
    let decision = provision::preview(store, actor, request, context.now())?;
    if let (Some(key), Action::Unchanged) = (decision.step.key(), decision.step.action()) {
        return Ok(Prepared::Settled(Box::new(key.clone()), Action::Unchanged));
    }
    if let Step::Finish(..) = decision.step {
        // The run that put it there may have been killed before it was sure to stay.
        delivery.sink.confirm()?;
    }
    if decision.step.delivers() {
        delivery.sink = delivery.sink.clone().replacing(decision.may_replace);
        delivery.sink.check()?;
    }
    match provision::run(store, actor, request, context.now(), &mut context.rng)? {
        Outcome::Settled(key, action) => Ok(Prepared::Settled(key, action)),
        Outcome::Due(due) => {
            if due.made_workspace {
                context.ui.status("made the workspace \"default\"");
            }
            let action = match due.old {
                None => Action::Created,
                Some(_) => Action::Rotated,
            };
            let answer = Answer {
                keys: vec![due.key],
                old: due.old,
                action: Some(action),
                ..Answer::default()
            };
            let secrets = vec![due.secret];
            let parcel = Box::new(Parcel { answer, secrets });
            Ok(Prepared::Due { parcel, action })
        }
    }
}
