//! Judging one secret and writing its count at once.
//!
//! This module never says that a use was recorded before it is.

use super::known::Kept;
use super::limited::is_to_be_counted;
use super::pending::Pending;
use super::writing::{LONGEST_WAIT, write};
use super::{Request, Verifier};
use crate::domain::verdict::Verdict;
use crate::domain::{Code, Timestamp};
use crate::error::{Kind, Result};

impl<T> Verifier<T> {
    /// Judges the only secret of this verifier and writes its count at once, so that the verdict says whether it was
    /// recorded.
    ///
    /// # Errors
    /// As [`Verifier::verify`].
    pub(crate) fn verify_once(
        &mut self,
        request: &Request,
        now: Timestamp,
    ) -> Result<Verdict<Kept<T>>> {
        if let Some(verdict) = self.verify_at_once(request, now)? {
            return Ok(verdict);
        }
        let verdict = self.verify(request, now)?;
        if !verdict.recorded || self.flush().is_ok() {
            return Ok(verdict);
        }
        self.verify_unrecorded(request, now)
    }

    fn verify_unrecorded(&mut self, request: &Request, now: Timestamp) -> Result<Verdict<Kept<T>>> {
        self.state.pending = Pending::default();
        let mut answer = None;
        let request = std::slice::from_ref(request);
        self.verify_uncounted(request, now, &mut |verdict| answer = Some(verdict))?;
        Ok(answer.expect("each request has its verdict"))
    }

    /// Judges a request and writes its count in one transaction, where two would cost more round trips; nothing where that cannot be.
    fn verify_at_once(
        &mut self,
        request: &Request,
        now: Timestamp,
    ) -> Result<Option<Verdict<Kept<T>>>> {
        if !self.store.is_far() || !request.record || !self.state.records || self.due().is_some() {
            return Ok(None);
        }
        self.state.memory.doubt_uses();
        // Whether the verdict is one only if its count is written.
        let mut depends = true;
        let state = &mut self.state;
        let counted = self.store.count(LONGEST_WAIT, now, |meter| {
            let mut judging = state.judging(meter, std::slice::from_ref(request), now)?;
            let (code, known) = judging.judge(meter, request)?;
            let (verdict, is_spent) = match &known {
                Some(known) if is_to_be_counted(request, code, known) => {
                    let verdict = judging.spend(meter, request, known)?;
                    judging.settle(meter)?;
                    let is_spent = verdict.code == Code::Valid;
                    (verdict, is_spent)
                }
                _ => {
                    let verdict = judging.verdict(meter, request, code, known.as_ref())?;
                    depends = false;
                    (verdict, false)
                }
            };
            if !is_spent {
                judging.count(request, &verdict);
            }
            if let Some(batch) = state.pending.outgoing() {
                write(meter, batch)?;
            }
            Ok(verdict)
        });
        match counted {
            Ok(verdict) => {
                self.written();
                self.reused.see(request, &verdict, now);
                self.note_reused(now);
                Ok(Some(verdict))
            }
            Err(error) => {
                self.state.memory.doubt_uses();
                self.state.pending = Pending::default();
                match error.kind() {
                    Kind::Busy | Kind::Io if !depends => {
                        self.verify_unrecorded(request, now).map(Some)
                    }
                    Kind::Busy | Kind::Io if self.store.is_there() => Ok(None),
                    _ => Err(error),
                }
            }
        }
    }
}
