//! Judging requests that came in together, with one look at the store for all that are remembered: those have their verdicts
//! from memory alone, without a transaction.
//!
//! This module never lets one request's failure become another's.

use std::time::Duration;

use super::known::Kept;
use super::state::{is_limited, of_stranger, used};
use super::{Request, Verifier};
use crate::domain::secret::MAXIMUM_LENGTH;
use crate::domain::verdict::{Verdict, judge};
use crate::domain::{Code, Timestamp};
use crate::error::{Error, Kind, Result};
use crate::ops::access::Actor;
use crate::store::Freshness;

impl<T> Verifier<T> {
    /// Judges several secrets as of one moment, each by itself, in whatever order: the verdicts are in the order of the
    /// requests. Another process is waited for once.
    pub fn verify_each(
        &mut self,
        requests: Vec<Request>,
        now: impl Into<Timestamp>,
    ) -> Vec<Result<Verdict<Kept<T>>>> {
        let now = now.into();
        let looked = self.follow().and_then(|()| self.store.freshness());
        let seen = match looked {
            Ok(seen) => seen,
            Err(error) => return requests.iter().map(|_| Err(same(&error))).collect(),
        };
        let mut verdicts = Vec::with_capacity(requests.len());
        let (mut left, mut places) = (Vec::new(), Vec::new());
        for request in requests {
            match self.verify_remembered(&request, now, seen) {
                Ok(None) => {
                    places.push(verdicts.len());
                    left.push(request);
                    verdicts.push(None);
                }
                Ok(Some(verdict)) => verdicts.push(Some(Ok(verdict))),
                Err(error) => verdicts.push(Some(Err(error))),
            }
        }
        let mut places = places.into_iter();
        for verdict in self.verify_left(&left, now) {
            let place = places.next().expect("each request that was left has a place");
            verdicts[place] = Some(verdict);
        }
        let judged = verdicts.into_iter();
        judged.map(|verdict| verdict.expect("each request has its verdict")).collect()
    }

    /// Judges those that something must be looked up or counted for.
    fn verify_left(
        &mut self,
        requests: &[Request],
        now: Timestamp,
    ) -> Vec<Result<Verdict<Kept<T>>>> {
        let wait = self.wait;
        let mut verdicts = Vec::with_capacity(requests.len());
        while verdicts.len() < requests.len() {
            let waiting = &requests[verdicts.len()..];
            let judged = self.verify_in_place(waiting, now, |verdict| verdicts.push(Ok(verdict)));
            let Err(error) = judged else {
                break;
            };
            match error.kind() {
                // It was waited for once; the others must not wait for it again and again.
                Kind::Busy => self.wait = Duration::ZERO,
                // One record's damage is not a reason to refuse the other keys.
                Kind::Damaged => {}
                // What keeps one from being judged keeps all of them, and may take its time to say so.
                _ => {
                    let left = requests.len().saturating_sub(verdicts.len() + 1);
                    verdicts.extend((0..left).map(|_| Err(same(&error))));
                }
            }
            verdicts.push(Err(error));
        }
        self.wait = wait;
        verdicts
    }
}

/// The error once more.
fn same(error: &Error) -> Error {
    Error::new(error.kind(), error.to_string())
}

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
        let known = state.memory.recall(&hash);
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
