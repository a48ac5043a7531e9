//! Judging requests that came in together, with one look at the store for all that are remembered.
//!
//! This module never lets one request's failure become another's.

use std::time::Duration;

use super::known::Kept;
use super::{Request, Verifier};
use crate::domain::Timestamp;
use crate::domain::verdict::Verdict;
use crate::error::{Error, Kind, Result};

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
