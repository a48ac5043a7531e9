//! What plans allow: how often each key may be used, and how many credits it and its workspace may spend in a month.

use crate::domain::code::Code;
use crate::domain::rate::Rate;
use crate::domain::timestamp::{Month, Timestamp};
use crate::domain::workspace::Workspace;

/// The limits that hold for a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Allowance {
    pub rate: Option<Rate>,
    /// How many credits its workspace has in a UTC calendar month.
    pub quota: Option<u64>,
    /// How many of them the key may spend, with those of its lineage.
    pub own_quota: Option<u64>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Used {
    /// The key's [`Rate`] state: when its burst is whole again, in nanoseconds since 1970; `None` before its first use.
    pub whole_at: Option<i64>,
    /// The credits its workspace has spent this month.
    pub credits: u64,
    /// The credits that the key has spent this month, with those of its lineage; 0 where that does not matter.
    pub own_credits: u64,
}

/// The answer to a request that passed every other check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spending {
    /// `Valid`, `RateLimited` or `QuotaExceeded`.
    pub code: Code,
    /// What is used after it; as before when it is refused.
    pub used: Used,
    /// The whole seconds, rounded up, after which the same request can pass; `None` when it passed or never can.
    pub retry_after: Option<u64>,
}

impl Allowance {
    /// What a workspace's plan allows a key, and the key's own if it has one: the rate of its own plan in place of the workspace's,
    /// and both quotas. A plan that the policy does not have, which only a store changed outside keyward names, is none.
    pub fn of(workspace: &Workspace, own: Option<&str>) -> Self {
        let plan = |name: &str| workspace.policy.plans.get(name);
        let (shared, own) = (workspace.plan.as_deref().and_then(plan), own.and_then(plan));
        Self {
            rate: own.or(shared).and_then(|plan| plan.rate),
            quota: shared.and_then(|plan| plan.quota),
            own_quota: own.and_then(|plan| plan.quota),
        }
    }

    pub fn is_unlimited(&self) -> bool {
        self.rate.is_none() && self.quotas(Used::default()).next().is_none()
    }

    /// The quotas that hold, each with what is spent of it.
    pub fn quotas(&self, used: Used) -> impl Iterator<Item = (u64, u64)> {
        let shared = self.quota.map(|quota| (quota, used.credits));
        shared.into_iter().chain(self.own_quota.map(|quota| (quota, used.own_credits)))
    }

    /// How many more requests, or credits where those are fewer, are left; `None` without a limit.
    pub fn remaining(&self, used: Used, now: Timestamp) -> Option<u64> {
        let requests = self.rate.map(|rate| rate.left(used.whole_at, now));
        let credits = self.quotas(used).map(|(quota, spent)| quota.saturating_sub(spent));
        requests.into_iter().chain(credits).min()
    }

    /// Asks for one request of so many credits. The rate is asked first; a refused request takes nothing of either. A request
    /// of no credits passes a spent quota, but takes its turn of the rate.
    ///
    /// `seen` is the latest time at which anything was counted: limits are judged by that or `now`, whichever is later, so
    /// that a process whose clock is behind, or that waited for its turn, neither gives back too much nor takes away.
    pub fn spend(&self, used: Used, cost: u64, now: Timestamp, seen: Timestamp) -> Spending {
        let at = now.max(seen);
        // A client counts the seconds to wait from its own time.
        let behind = at.since(now);
        let refused = |code, wait: Option<i64>| Spending {
            code,
            used,
            retry_after: wait.map(|wait| seconds_up(wait.saturating_add(behind))),
        };
        let taken = match self.rate.map(|rate| rate.request(used.whole_at, at)) {
            Some(Err(wait)) => return refused(Code::RateLimited, Some(wait)),
            Some(Ok(taken)) => Some(taken.whole_at),
            None => used.whole_at,
        };
        let is_spent = |(quota, spent): (u64, u64)| cost > 0 && spent.saturating_add(cost) > quota;
        if self.quotas(used).any(is_spent) {
            // What costs more than a whole month has never passes.
            let month = Month::of(at).end().since(at);
            let wait = self.quotas(used).all(|(quota, _)| quota >= cost).then_some(month);
            return refused(Code::QuotaExceeded, wait);
        }
        let credits = used.credits.saturating_add(cost);
        let own_credits = used.own_credits.saturating_add(cost);
        let used = Used { whole_at: taken, credits, own_credits };
        Spending { code: Code::Valid, used, retry_after: None }
    }
}

fn seconds_up(millis: i64) -> u64 {
    millis.max(0).unsigned_abs().div_ceil(1000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000); // 2026-01-01T00:00:00Z

    fn allowance(rate: Option<&str>, quota: Option<u64>) -> Allowance {
        Allowance { rate: rate.map(|rate| rate.parse().expect("a rate")), quota, own_quota: None }
    }

    #[test]
    fn the_free_plan_of_audioscrape_lets_ten_requests_pass_and_then_says_when_to_come_again() {
        let free = allowance(Some("10/minute"), Some(100));
        let mut used = Used::default();
        for left in (0..10).rev() {
            let spending = free.spend(used, 1, NOW, NOW);
            used = spending.used;
            assert_eq!((spending.code, free.remaining(used, NOW)), (Code::Valid, Some(left)));
        }
        let eleventh = free.spend(used, 1, NOW, NOW);
        assert_eq!(eleventh.code, Code::RateLimited);
        assert_eq!(eleventh.retry_after, Some(6));
        assert_eq!(eleventh.used, used, "a refused request takes nothing");
        assert_eq!(free.spend(used, 1, NOW.plus_millis(5_999), NOW).retry_after, Some(1));
        assert_eq!(free.spend(used, 1, NOW.plus_millis(6_000), NOW).code, Code::Valid);
    }

    #[test]
    fn a_spent_quota_comes_back_with_the_month() {
        let plan = allowance(None, Some(100));
        let used = Used { credits: 99, ..Used::default() };
        assert_eq!(plan.spend(used, 1, NOW, NOW).code, Code::Valid);
        let dear = plan.spend(used, 2, NOW, NOW);
        assert_eq!((dear.code, dear.used), (Code::QuotaExceeded, used));
        assert_eq!(dear.retry_after, Some(31 * 24 * 60 * 60));
        assert_eq!(plan.spend(used, 101, NOW, NOW).retry_after, None, "never");
        assert_eq!(plan.spend(used, 0, NOW, NOW).code, Code::Valid);
    }

    #[test]
    fn a_process_that_is_behind_is_judged_by_the_latest_time_and_told_to_wait_from_its_own() {
        let plan = allowance(Some("2/second"), Some(10));
        let first = plan.spend(Used::default(), 1, NOW, NOW);
        let second = plan.spend(first.used, 1, NOW.plus_millis(-700), NOW);
        assert_eq!(second.code, Code::Valid);
        assert_eq!(second.used.whole_at, first.used.whole_at.map(|at| at + 500_000_000));
        let third = plan.spend(second.used, 1, NOW.plus_millis(-1_700), NOW);
        assert_eq!((third.code, third.retry_after), (Code::RateLimited, Some(3)));
        assert_eq!(third.used, second.used);
        let month =
            plan.spend(Used { credits: 10, ..Used::default() }, 1, NOW.plus_millis(-1), NOW);
        assert_eq!(month.code, Code::QuotaExceeded);
        assert_eq!(month.retry_after, Some(31 * 24 * 60 * 60 + 1), "of the month that has begun");
    }

    #[test]
    fn a_request_that_the_quota_refuses_takes_nothing_of_the_rate() {
        let plan = allowance(Some("2/second"), Some(1));
        let first = plan.spend(Used::default(), 1, NOW, NOW);
        let second = plan.spend(first.used, 1, NOW, NOW);
        assert_eq!((second.code, second.used), (Code::QuotaExceeded, first.used));
    }

    #[test]
    fn the_tighter_limit_is_what_remains() {
        let plan = allowance(Some("10/minute"), Some(3));
        assert_eq!(plan.remaining(Used::default(), NOW), Some(3));
        let plan = allowance(Some("2/minute"), Some(1000));
        assert_eq!(plan.remaining(Used::default(), NOW), Some(2));
        assert_eq!(Allowance::default().remaining(Used::default(), NOW), None);
    }

    proptest! {
        #[test]
        fn waiting_as_long_as_asked_is_enough(
            count in 1u32..2000,
            unit in prop::sample::select(vec!["second", "minute", "hour", "day"]),
            gaps in prop::collection::vec(0i64..90_000, 1..80),
        ) {
            let plan = allowance(Some(&format!("{count}/{unit}")), None);
            let (mut used, mut now) = (Used::default(), NOW);
            for gap in gaps {
                now = now.plus_millis(gap);
                let spending = plan.spend(used, 1, now, NOW);
                if let Some(wait) = spending.retry_after {
                    prop_assert_eq!(spending.used, used);
                    now = now.plus_millis(wait as i64 * 1000);
                    prop_assert_eq!(plan.spend(used, 1, now, NOW).code, Code::Valid);
                }
                used = plan.spend(used, 1, now, NOW).used;
            }
        }

        #[test]
        fn no_window_holds_more_than_the_burst_and_what_the_rate_gives_back(
            count in 1u32..200,
            gaps in prop::collection::vec(0i64..2_000, 1..400),
        ) {
            let plan = allowance(Some(&format!("{count}/minute")), None);
            let (mut used, mut now, mut passed) = (Used::default(), NOW, Vec::new());
            for gap in gaps {
                now = now.plus_millis(gap);
                let spending = plan.spend(used, 1, now, NOW);
                if spending.code == Code::Valid {
                    passed.push(now);
                }
                used = spending.used;
            }
            for (index, start) in passed.iter().enumerate() {
                let within = passed[index..].iter().filter(|at| at.since(*start) <= 60_000).count();
                let span = passed[index..].iter().map(|at| at.since(*start).min(60_000)).max().unwrap_or(0);
                let given_back = span * i64::from(count) / 60_000;
                prop_assert!(within as i64 <= i64::from(count) + given_back + 1);
            }
        }
    }
}
