//! What a verifier has beside its store, and what can be said by that alone.

use std::sync::Arc;

use super::Request;
use super::known::Credits;
use super::known::{Kept, Known};
use super::memory::Memory;
use super::pending::{Pending, Use};
use crate::domain::allowance::Used;
use crate::domain::clock::{COUNTS_LAG_MILLIS, Clock};
use crate::domain::timestamp::Month;
use crate::domain::verdict::Verdict;
use crate::domain::{Code, Key, KeySeq, Timestamp, WorkspaceId};
use crate::ops::access::Actor;

/// What a verifier has beside its store.
pub(super) struct State<T> {
    pub actor: Actor,
    pub workspace: Option<String>,
    /// The workspace of that name, or the caller's, as first found, and when it was made: it stays the one that is meant, whatever
    /// it is called later.
    pub within: Option<(WorkspaceId, Timestamp)>,
    pub keep: Box<dyn Fn(Key) -> T + Send>,
    pub memory: Memory<T>,
    pub pending: Pending,
    pub credits: Credits<WorkspaceId>,
    /// Those of keys with a quota of their own.
    pub own_credits: Credits<KeySeq>,
    /// Whether what is counted can be written; learnt from the last attempt.
    pub records: bool,
    /// The time that the store has recorded, and what this verifier has met since.
    pub clock: Clock,
    /// When uses were last looked up again for their age.
    pub doubted_at: Timestamp,
}

impl<T> State<T> {
    /// Counts a use in memory.
    pub fn count(&mut self, used: Use, known: &Known<T>) {
        if used.code == Code::Valid {
            known.used.add(used.at);
        }
        let head = self.memory.head();
        self.pending.add(used, head, &known.counted);
    }

    /// Has uses that were looked up some time ago looked up again: this store does not tell of what others count.
    pub fn doubt_old_uses(&mut self, now: Timestamp) {
        if now.since(self.doubted_at).abs() >= COUNTS_LAG_MILLIS {
            self.memory.doubt_uses();
            self.doubted_at = now;
        }
    }

    /// The verdict on a key, with what is left of its limits as far as that was asked for.
    pub fn told(
        &self,
        request: &Request,
        known: &Arc<Known<T>>,
        code: Code,
        last_used_at: Option<Timestamp>,
    ) -> Verdict<Kept<T>> {
        Verdict {
            code,
            subject: Some(Kept(Arc::clone(known))),
            last_used_at,
            recorded: request.record && self.records,
            retry_after: None,
            remaining: None,
        }
    }

    /// The refusal of a request by its key's limits, if it is certain without a lookup because nothing was counted
    /// since the last one.
    pub fn refusal(
        &self,
        request: &Request,
        known: &Arc<Known<T>>,
        now: Timestamp,
    ) -> Option<Verdict<Kept<T>>> {
        let moment = self.memory.moment();
        if !known.used.are_of(moment) || known.shares_limits {
            return None;
        }
        let at = now.max(self.clock.seen);
        let month = Month::of(at);
        let credits = match known.allowance.quota {
            Some(_) => {
                let written = self.credits.known(moment, (known.workspace, month))?;
                written.saturating_add(self.pending.credits(known.workspace, month))
            }
            None => 0,
        };
        let own_credits = match known.allowance.own_quota {
            Some(_) => self.own_credits.known(moment, (known.seq, month))?,
            None => 0,
        };
        let used = Used { whole_at: known.used.whole_at(), credits, own_credits };
        let spending = known.allowance.spend(used, u64::from(request.cost), now, at);
        let verdict = self.told(request, known, spending.code, known.used.last());
        (spending.code != Code::Valid).then(|| Verdict {
            retry_after: spending.retry_after,
            remaining: known.allowance.remaining(used, at),
            ..verdict
        })
    }
}

/// The verdict on a secret without a key, or with a key that must not be shown.
pub(super) fn of_stranger<T>(code: Code) -> Verdict<Kept<T>> {
    Verdict {
        code,
        subject: None,
        last_used_at: None,
        recorded: false,
        retry_after: None,
        remaining: None,
    }
}

/// Whether a rate or a quota holds for the key.
pub(super) fn is_limited<T>(known: &Known<T>) -> bool {
    !known.allowance.is_unlimited()
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
