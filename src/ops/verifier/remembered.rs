//! Verdicts from memory alone, without a transaction.

use std::sync::Arc;

use super::known::Kept;
use super::state::{is_limited, of_stranger, used};
use super::{Request, Verifier};
use crate::domain::secret::MAXIMUM_LENGTH;
use crate::domain::verdict::{Verdict, judge};
use crate::domain::{Code, Timestamp};
use crate::error::Result;
use crate::ops::access::Actor;
use crate::store::Freshness;

impl<T> Verifier<T> {
    /// The verdict on a cached secret, unless something must be looked up for it or its limits counted.
    ///
    /// `seen` is the store's freshness after the request came in.
    pub(super) fn verify_remembered(
        &mut self,
        request: &Request,
        now: Timestamp,
        seen: Freshness,
    ) -> Result<Option<Verdict<Kept<T>>>> {
        let state = &mut self.state;
        let anyone = matches!(state.actor, Actor::Operator(_)) && state.workspace.is_none();
        if !anyone || !request.record || !state.records {
            return Ok(None);
        }
        // Another process may have recorded a later use, so it must be looked up.
        if now < state.clock.furthest {
            return Ok(None);
        }
        if state.memory.freshness() != Some(seen) {
            return Ok(None);
        }
        if request.secret.expose().len() > MAXIMUM_LENGTH {
            return Ok(None);
        }
        if !self.store.tells_of_counts() {
            state.doubt_old_uses(now);
        }
        let clock = state.clock.after(now);
        let hash = request.secret.hash();
        let known = state.memory.recall(&hash).map(Arc::clone);
        let verdict = match &known {
            None => state.memory.recall_stranger(&hash).map(of_stranger),
            Some(known) if !known.is_of(request.workspace.as_deref()) => {
                return Ok(Some(of_stranger(Code::NotFound)));
            }
            Some(known) => match judge(&known.grounds, &request.ask, now, clock.seen) {
                Code::Valid if is_limited(known) => state.refusal(request, known, now),
                Code::Valid if !known.used.is_latest(now) => None,
                Code::Valid => Some(state.told(request, known, Code::Valid, Some(now))),
                _ if !known.used.are_of(state.memory.moment()) => None,
                code => Some(state.told(request, known, code, known.used.last())),
            },
        };
        let Some(verdict) = verdict else {
            return Ok(None);
        };
        state.clock = clock;
        if let Some(known) = &known {
            state.count(used(request, known, verdict.code, now), known);
            self.reused.see(request, &verdict, now);
        }
        self.write_if_due(now);
        self.note_reused(now);
        Ok(Some(verdict))
    }
}
