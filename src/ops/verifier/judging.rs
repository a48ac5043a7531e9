//! Where one transaction judges: everything but limits, then limits, then what of it counts.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Request;
use super::known::Spent;
use super::known::{Kept, Known};
use super::state::{State, is_limited, of_stranger, used};
use crate::domain::allowance::{Spending, Used};
use crate::domain::secret::MAXIMUM_LENGTH;
use crate::domain::timestamp::Month;
use crate::domain::usage::LastUse;
use crate::domain::verdict::{Verdict, judge};
use crate::domain::{Code, KeySeq, Permission, Timestamp, WorkspaceId};
use crate::error::{Kind, Result};
use crate::ops::access::Access;
use crate::ops::select;
use crate::store::{Meter, Reader};

/// A place to judge at, for as long as a transaction lasts.
pub(super) struct Judging<'a, T> {
    state: &'a mut State<T>,
    within: Option<WorkspaceId>,
    now: Timestamp,
    /// What was used in this transaction and must be written before its end.
    spent: Spent<T>,
}

impl<T> State<T> {
    /// Admits the actor, and drops what is outdated.
    pub fn judging(
        &mut self,
        reader: &Reader<'_>,
        requests: &[Request],
        now: Timestamp,
    ) -> Result<Judging<'_, T>> {
        if let [request] = requests {
            self.memory.foresee(reader, &request.secret);
        }
        let access = Access::admit(reader, &self.actor, now)?;
        access.require(Permission::Verify)?;
        let within = self.confinement(reader, &access)?;
        if reader.is_far() {
            self.doubt_old_uses(now);
        }
        if self.memory.refresh(reader)? {
            self.clock = reader.clock()?;
        }
        self.clock = self.clock.after(now);
        Ok(Judging { state: self, within, now, spent: Spent::default() })
    }

    fn confinement(&mut self, reader: &Reader<'_>, access: &Access) -> Result<Option<WorkspaceId>> {
        if let Some((id, made_at)) = self.within
            && let Some(workspace) = reader.workspace_by_id(id)?
            && workspace.created_at == made_at
        {
            return Ok(Some(id));
        }
        let found = select::confinement(reader, access, self.workspace.as_deref())?;
        self.within = found.map(|workspace| (workspace.id, workspace.created_at));
        Ok(self.within.map(|(id, _)| id))
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

    /// Looks up at once what several requests need, where that is faster than one after another.
    pub fn prepare(&mut self, reader: &Reader<'_>, requests: &[Request]) -> Result<()> {
        if requests.len() < 2 || !reader.is_far() {
            return Ok(());
        }
        let state = &mut *self.state;
        let hashes = requests.iter().map(|request| request.secret.hash());
        let learnt = match state.memory.learn_all(reader, hashes, &state.keep) {
            // It belongs to the request for that record.
            Err(error) if error.kind() == Kind::Damaged => return Ok(()),
            learnt => learnt?,
        };
        let learnt = learnt.iter().filter(|known| known.allowance.rate.is_none());
        let learnt: BTreeMap<KeySeq, &Arc<Known<T>>> =
            learnt.map(|known| (known.seq, known)).collect();
        if learnt.is_empty() {
            return Ok(());
        }
        let seqs: Vec<KeySeq> = learnt.keys().copied().collect();
        let mut written: BTreeMap<KeySeq, LastUse> = reader.last_uses(&seqs)?.into_iter().collect();
        for (seq, known) in learnt {
            let pending = state.pending.last_use(seq, self.now);
            let last = LastUse::later(written.remove(&seq), pending).map(|last| last.at);
            known.used.take(state.memory.moment(), last, None);
        }
        Ok(())
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
        let Some(known) = self.state.memory.key(reader, secret, &self.state.keep)? else {
            let code = self.state.memory.judge_unknown(reader, secret)?;
            return Ok((code, None));
        };
        let is_elsewhere = self.within.is_some_and(|workspace| workspace != known.workspace);
        if is_elsewhere || !known.is_of(request.workspace.as_deref()) {
            return Ok((Code::NotFound, None));
        }
        if !known.used.are_known() {
            self.look(reader, &known)?;
        }
        let seen = self.state.clock.seen;
        let code = judge(&known.grounds, &request.ask, self.now, seen);
        Ok((code, Some(known)))
    }

    /// The refusal by limits that needs no counting; see [`State::refusal`].
    pub fn refusal(&self, request: &Request, known: &Arc<Known<T>>) -> Option<Verdict<Kept<T>>> {
        self.state.refusal(request, known, self.now)
    }

    /// The verdict of a code, with what is left of the limits but without taking anything of them.
    pub fn verdict(
        &mut self,
        reader: &Reader<'_>,
        request: &Request,
        code: Code,
        known: Option<&Arc<Known<T>>>,
    ) -> Result<Verdict<Kept<T>>> {
        let Some(known) = known else {
            return Ok(of_stranger(code));
        };
        let mut verdict = self.state.told(request, known, code, None);
        if code == Code::Valid && is_limited(known) {
            let at = self.latest(reader)?;
            let used = self.used(reader, known, at)?;
            let cost = u64::from(request.cost);
            let spending = known.allowance.spend(used, cost, self.now, at);
            verdict.code = spending.code;
            verdict.retry_after = spending.retry_after;
            verdict.remaining = known.allowance.remaining(used, at);
        }
        let this_time = (verdict.code == Code::Valid && verdict.recorded).then_some(self.now);
        verdict.last_used_at = self.last_used_at(reader, known, this_time)?;
        Ok(verdict)
    }

    /// When the key was last used, this time included if it is a use. A clock that went back does not make it earlier.
    fn last_used_at(
        &self,
        reader: &Reader<'_>,
        known: &Known<T>,
        this_time: Option<Timestamp>,
    ) -> Result<Option<Timestamp>> {
        if let Some(at) = this_time
            && at >= self.state.clock.furthest
            && known.used.is_latest(at)
        {
            return Ok(this_time);
        }
        self.look(reader, known)?;
        Ok(known.used.last().max(this_time))
    }

    /// Looks up what the key was used for, unless that is known.
    fn look(&self, reader: &Reader<'_>, known: &Known<T>) -> Result<()> {
        let moment = self.state.memory.moment();
        if known.used.are_of(moment) && !known.shares_limits {
            return Ok(());
        }
        if let Some(spent) = self.spent.of(known.seq) {
            // It was dropped for lack of room, and is looked up again.
            known.used.take(moment, spent.last(), spent.whole_at());
            return Ok(());
        }
        let (written, whole_at) =
            reader.metered(known.seq, known.allowance.rate, known.shares_limits)?;
        let pending = self.state.pending.last_use(known.seq, self.now);
        let last = LastUse::later(written, pending).map(|last| last.at);
        known.used.take(moment, last, whole_at);
        Ok(())
    }

    /// Judges a valid request by its key's limits, and takes of them; [`Judging::settle`] writes it. A refusal is still to be
    /// counted. The use is of the time that its limits were judged at, so that what is taken of a month is counted in it.
    pub fn spend(
        &mut self,
        meter: &Meter<'_>,
        request: &Request,
        known: &Arc<Known<T>>,
    ) -> Result<Verdict<Kept<T>>> {
        let at = self.latest(meter)?;
        let before = self.used(meter, known, at)?;
        let cost = u64::from(request.cost);
        let Spending { code, used: after, retry_after } =
            known.allowance.spend(before, cost, self.now, at);
        let is_use = code == Code::Valid;
        let verdict = Verdict {
            code,
            subject: Some(Kept(Arc::clone(known))),
            last_used_at: self.last_used_at(meter, known, is_use.then_some(at))?,
            recorded: true,
            retry_after,
            remaining: known.allowance.remaining(after, at),
        };
        if is_use {
            known.used.add(at);
            known.used.set_whole_at(after.whole_at);
            let place = (known.workspace, Month::of(at));
            self.state.credits.spend(place, cost);
            self.state.own_credits.spend((known.seq, place.1), cost);
            self.spent.add(known, place, cost, at, request.ask.address);
            if known.shares_limits {
                // The next request may be for another key of its lineage.
                self.settle(meter)?;
            }
        }
        Ok(verdict)
    }

    /// Writes what was taken.
    pub fn settle(&mut self, meter: &Meter<'_>) -> Result<()> {
        let at = self.latest(meter)?;
        std::mem::take(&mut self.spent).write(meter, at)
    }

    /// The time that limits are judged at: the caller's, or that of the last count where it is later. The caller took its own
    /// before it waited for the transaction, and others have counted since.
    fn latest(&self, reader: &Reader<'_>) -> Result<Timestamp> {
        Ok(self.now.max(reader.clock()?.seen))
    }

    /// What was used of a key's limits at this time, by other processes and by this one.
    fn used(&mut self, reader: &Reader<'_>, known: &Known<T>, at: Timestamp) -> Result<Used> {
        self.look(reader, known)?;
        let (moment, month) = (self.state.memory.moment(), Month::of(at));
        let State { credits, own_credits, pending, .. } = &mut *self.state;
        Ok(Used {
            whole_at: known.used.whole_at(),
            credits: match known.allowance.quota {
                Some(_) => {
                    let workspace = known.workspace;
                    let read = || reader.credits_spent(workspace, month);
                    let written = credits.look(moment, (workspace, month), read)?;
                    written.saturating_add(pending.credits(workspace, month))
                }
                None => 0,
            },
            own_credits: match known.allowance.own_quota {
                // The next request may be for another key of its lineage.
                Some(_) if known.shares_limits => reader.credits_of(known.seq, month)?,
                Some(_) => {
                    let read = || reader.credits_of(known.seq, month);
                    own_credits.look(moment, (known.seq, month), read)?
                }
                None => 0,
            },
        })
    }
}
