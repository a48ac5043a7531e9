//! Judging requests for keys with a rate or a quota: judged and counted in one transaction, so that the count is exact
//! even if other processes verify.
//!
//! This module never answers before the count is written, unless nothing can be written.

use super::known::{Kept, Known};
use super::state::{is_limited, used};
use super::{Request, Verifier};
use crate::domain::verdict::Verdict;
use crate::domain::{Code, Timestamp};
use crate::error::{Kind, Result};

impl<T> Verifier<T> {
    /// Judges requests of which the first is for a key with limits, in one transaction that counts.
    pub(super) fn verify_limited(
        &mut self,
        requests: &[Request],
        now: Timestamp,
        answer: &mut dyn FnMut(Verdict<Kept<T>>),
    ) -> Result<()> {
        if !self.store.tells_of_counts() {
            self.state.memory.doubt_uses();
        }
        let counted = self.store.count(self.wait, now, |meter| {
            let mut judging = self.state.judging(meter, requests, now)?;
            let mut verdicts = Vec::with_capacity(requests.len());
            for request in requests {
                let (code, known) = match judging.judge(meter, request) {
                    Ok(judged) => judged,
                    // Those before it are counted; it is the first of those that are left.
                    Err(_) if !verdicts.is_empty() => break,
                    Err(error) => return Err(error),
                };
                verdicts.push(match &known {
                    Some(known) if is_to_be_counted(request, code, known) => {
                        (judging.spend(meter, request, known)?, true)
                    }
                    _ => (judging.verdict(meter, request, code, known.as_ref())?, false),
                });
            }
            judging.settle(meter)?;
            Ok(verdicts)
        });
        if counted.is_err() {
            // Nothing of what was taken is written.
            self.state.memory.doubt_uses();
        }
        match counted {
            Ok(verdicts) => {
                let left = &requests[verdicts.len()..];
                for (request, (verdict, spent)) in requests.iter().zip(verdicts) {
                    self.reused.see(request, &verdict, now);
                    let is_written = spent && verdict.code == Code::Valid;
                    if let (false, true, Some(Kept(known))) =
                        (is_written, verdict.recorded, &verdict.subject)
                    {
                        let used = used(request, known, verdict.code, now);
                        self.state.count(used, known);
                    }
                    answer(verdict);
                }
                match left.is_empty() {
                    true => Ok(()),
                    false => self.verify_limited(left, now, answer),
                }
            }
            Err(error) if error.kind() == Kind::Io && self.store.is_there() => {
                self.verify_uncounted(requests, now, answer)
            }
            Err(error) => Err(error),
        }
    }

    /// Judges where nothing can be written: limits are looked at, and nothing is taken of them.
    pub(super) fn verify_uncounted(
        &mut self,
        requests: &[Request],
        now: Timestamp,
        answer: &mut dyn FnMut(Verdict<Kept<T>>),
    ) -> Result<()> {
        // What kept it from being counted may be that another file is in the store's place.
        self.store.confirm_place()?;
        let records = std::mem::replace(&mut self.state.records, false);
        let judged = self.store.read(|reader| {
            let mut judging = self.state.judging(reader, requests, now)?;
            let judge = |request| {
                let (code, known) = judging.judge(reader, request)?;
                judging.verdict(reader, request, code, known.as_ref())
            };
            requests.iter().map(judge).collect::<Result<Vec<_>>>()
        });
        self.state.records = records;
        judged?.into_iter().for_each(answer);
        Ok(())
    }
}

/// Whether a verdict depends on counting: the request is valid up to the limits of its key, and counts against them.
pub(super) fn is_to_be_counted<T>(request: &Request, code: Code, known: &Known<T>) -> bool {
    code == Code::Valid && request.record && is_limited(known)
}
