//! What comes before a delivery: the sink is looked at, what it holds decides, and it is checked before a key is minted for it.

use rand::TryCryptoRng;

use super::{Outcome, Request, Step, preview, run};
use crate::domain::Timestamp;
use crate::domain::holding::Action;
use crate::error::Result;
use crate::ops::access::Actor;
use crate::ops::hand_over::Sink;
use crate::store::Store;

/// Looks at a key and its sink, checks the sink if it will have a delivery, and does what one transaction can.
///
/// Its process has the turn: nobody else delivers meanwhile. If that fails, nothing is changed.
pub fn prepare<R: TryCryptoRng>(
    store: &mut Store,
    actor: &Actor,
    request: &mut Request,
    sink: &mut impl Sink,
    clock: impl Fn() -> Timestamp,
    rng: &mut R,
) -> Result<Outcome> {
    // The process that had the turn before may have delivered the secret.
    request.place = sink.look()?;
    let decision = preview(store, actor, request, clock())?;
    match decision.step {
        Step::Leave(key) => return Ok(Outcome::Settled(key, Action::Unchanged)),
        // The run that put it there may have been killed before it was sure to stay.
        Step::Finish(..) => sink.confirm()?,
        Step::Create { .. } | Step::Rotate { .. } => sink.check(decision.may_replace)?,
        Step::Update(_) => {}
    }
    run(store, actor, request, clock(), rng)
}
