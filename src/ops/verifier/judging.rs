//! Where one transaction judges: everything but limits, then limits, then what of it counts.
//!
//! This module never begins or ends a transaction.

use std::sync::Arc;

use super::Request;
use super::memory::{Kept, Known, Memory};
use super::pending::{Pending, Use};
use crate::domain::allowance::{Spending, Used};
use crate::domain::clock::Clock;
use crate::domain::code::Code;
use crate::domain::day::{Day, Month};
use crate::domain::key::Key;
use crate::domain::permission::Permission;
use crate::domain::secret::MAXIMUM_LENGTH;
use crate::domain::timestamp::Timestamp;
use crate::domain::usage::{LastUse, Tally};
use crate::domain::verdict::{Verdict, judge};
use crate::domain::workspace::WorkspaceId;
use crate::error::Result;
use crate::ops::access::{Access, Actor};
use crate::ops::select;
use crate::store::{Meter, Reader};

/// What a verifier has beside its store.
pub(super) struct State<T> {
    pub actor: Actor,
    pub workspace: Option<String>,
    pub keep: Box<dyn Fn(Key) -> T + Send>,
    pub memory: Memory<T>,
    pub pending: Pending,
    /// Whether what is counted can be written; learnt from the last attempt.
    pub records: bool,
    /// What the store remembers of the time, and what this verifier has seen since.
    pub clock: Clock,
}

/// A place to judge at, for as long as a transaction lasts.
pub(super) struct Judging<'a, T> {
    state: &'a mut State<T>,
    within: Option<WorkspaceId>,
    now: Timestamp,
}

impl<T> State<T> {
    /// Lets the actor in, and forgets what is no longer so.
    pub fn judging(&mut self, reader: &Reader<'_>, now: Timestamp) -> Result<Judging<'_, T>> {
        let access = Access::admit(reader, &self.actor, now)?;
        access.require(Permission::Verify)?;
        let within = select::confinement(reader, &access, self.workspace.as_deref())?;
        if self.memory.refresh(reader)? {
            self.clock = reader.clock()?;
        }
        self.clock = self.clock.after(now);
        Ok(Judging {
            state: self,
            within,
            now,
        })
    }

    /// Counts a use in memory.
    pub fn count(&mut self, used: Use, known: &Known<T>) {
        if used.code == Code::Valid {
            known.was_used(used.at);
        }
        let head = self.memory.head();
        self.pending.add(used, head, &known.counted);
    }
}

impl<T> Judging<'_, T> {
    /// Counts a request in memory, if its verdict says so.
    pub fn count(&mut self, request: &Request, verdict: &Verdict<Kept<T>>) {
        if let (true, Some(Kept(known))) = (verdict.recorded, &verdict.subject) {
            let used = used(request, known, verdict.code, self.now);
            self.state.count(used, known);
        }
    }

    /// Judges by everything but limits. The hash is looked up first, because a hit proves the form.
    pub fn judge(
        &mut self,
        reader: &Reader<'_>,
        request: &Request,
    ) -> Result<(Code, Option<Arc<Known<T>>>)> {
        let secret = &request.secret;
        if secret.expose().len() > MAXIMUM_LENGTH {
            return Ok((Code::Malformed, None));
        }
        let Some(known) = self
            .state
            .memory
            .key(reader, secret.hash(), &self.state.keep)?
        else {
            let code = self.state.memory.judge_unknown(reader, secret)?;
            return Ok((code, None));
        };
        if self
            .within
            .is_some_and(|workspace| workspace != known.workspace)
        {
            return Ok((Code::NotFound, None));
        }
        {
            let seen = self.state.clock.seen;
            let code = judge(&known.grounds, &request.ask, self.now, seen);
            Ok((code, Some(known)))
        }
    }

    /// The verdict of a code, with what is left of the limits but without taking anything of them.
    pub fn verdict(
        &self,
        reader: &Reader<'_>,
        request: &Request,
        code: Code,
        known: Option<&Arc<Known<T>>>,
    ) -> Result<Verdict<Kept<T>>> {
        let mut verdict = Verdict {
            code,
            subject: known.map(|known| Kept(Arc::clone(known))),
            last_used_at: None,
            recorded: request.record && self.state.records && known.is_some(),
            retry_after: None,
            remaining: None,
        };
        let Some(known) = known else {
            return Ok(verdict);
        };
        if code == Code::Valid && is_limited(Some(known)) {
            let at = self.latest(reader)?;
            let used = self.used(reader, known, at)?;
            let cost = u64::from(request.cost);
            let spending = known.allowance.spend(used, cost, self.now, at);
            verdict.code = spending.code;
            verdict.retry_after = spending.retry_after;
            verdict.remaining = known.allowance.remaining(used, at);
        }
        let is_use = verdict.code == Code::Valid && verdict.recorded;
        verdict.last_used_at = self.last_used_at(reader, known, is_use)?;
        Ok(verdict)
    }

    /// When the key was last used, this time included if it is one. A clock that went back does not make it earlier.
    fn last_used_at(
        &self,
        reader: &Reader<'_>,
        known: &Known<T>,
        is_use: bool,
    ) -> Result<Option<Timestamp>> {
        let this_time = is_use.then_some(self.now);
        // Uses by a clock that has leapt are not among what the store has seen.
        let Clock { seen, leapt } = self.state.clock;
        if is_use && leapt.is_none() && self.now >= seen && known.is_latest(self.now) {
            return Ok(this_time);
        }
        let written = reader.last_use(known.seq)?;
        let pending = self.state.pending.last_use(known.seq, self.now);
        let before = LastUse::later(written, pending).map(|last| last.at);
        Ok(before.max(this_time))
    }

    /// Judges a valid request by its key's limits, and writes what it took of them; a refusal is still to be counted.
    pub fn spend(
        &mut self,
        meter: &Meter<'_>,
        request: &Request,
        known: &Arc<Known<T>>,
    ) -> Result<Verdict<Kept<T>>> {
        let at = self.latest(meter)?;
        let before = self.used(meter, known, at)?;
        let cost = u64::from(request.cost);
        let Spending {
            code,
            used: after,
            retry_after,
        } = known.allowance.spend(before, cost, self.now, at);
        let is_use = code == Code::Valid;
        let verdict = Verdict {
            code,
            subject: Some(Kept(Arc::clone(known))),
            last_used_at: self.last_used_at(meter, known, is_use)?,
            recorded: true,
            retry_after,
            remaining: known.allowance.remaining(after, at),
        };
        if !is_use {
            return Ok(verdict);
        }
        let mut tally = Tally::default();
        tally.count(code, cost, self.now, request.ask.address);
        meter.add([(Day::of(self.now), known.seq, &tally)])?;
        known.was_used(self.now);
        if cost > 0 {
            meter.spend(known.workspace, Month::of(at), cost)?;
        }
        if let (Some(rate), Some(whole_at)) = (known.allowance.rate, after.whole_at) {
            meter.save_rate_state(known.seq, rate, whole_at)?;
        }
        Ok(verdict)
    }

    /// The time that limits are judged at: the caller's, or that of the last count where it is later. The caller took its own
    /// before it waited for the transaction, and others have counted since.
    fn latest(&self, reader: &Reader<'_>) -> Result<Timestamp> {
        Ok(self.now.max(reader.clock()?.seen))
    }

    /// What was used of a key's limits at this time, by other processes and by this one.
    fn used(&self, reader: &Reader<'_>, known: &Known<T>, at: Timestamp) -> Result<Used> {
        let month = Month::of(at);
        Ok(Used {
            whole_at: match known.allowance.rate {
                Some(rate) => reader.rate_state(known.seq, rate)?,
                None => None,
            },
            credits: match known.allowance.quota {
                Some(_) => {
                    let written = reader.credits_spent(known.workspace, month)?;
                    written.saturating_add(self.state.pending.credits(known.workspace, month))
                }
                None => 0,
            },
        })
    }
}

/// Whether a rate or a quota holds for the key.
pub(super) fn is_limited<T>(known: Option<&Known<T>>) -> bool {
    known.is_some_and(|known| !known.allowance.is_unlimited())
}

/// What is counted of a request.
pub(super) fn used<T>(request: &Request, known: &Known<T>, code: Code, now: Timestamp) -> Use {
    Use {
        key: known.seq,
        key_made_at: known.grounds.life.created_at,
        workspace: known.workspace,
        workspace_made_at: known.workspace_made_at,
        code,
        cost: u64::from(request.cost),
        at: now,
        address: request.ask.address,
    }
}
