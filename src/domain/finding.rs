//! What a gate looks for in keys: that they are too old, about to expire, or not used.

use crate::domain::key::{Key, Status};
use crate::domain::lifetime::Lifetime;
use crate::domain::policy::Policy;
use crate::domain::timestamp::Timestamp;
use crate::domain::words::words;
use crate::error::Result;

words! {
    /// What is wrong with a key.
    pub enum Reason {
        NeverUsed = "never_used",
        Unused = "unused",
        Expiring = "expiring",
        /// It has expired, and no other key took its place.
        Expired = "expired",
        Old = "old",
        /// The policy does not have its environment, or one of its scopes.
        OutsidePolicy = "outside_policy",
        /// A scan has recorded that its secret leaked.
        Exposed = "exposed",
    }
}

impl Reason {
    /// Whether another secret fixes it; an unused key is revoked instead.
    pub fn is_mended_by_rotation(self) -> bool {
        matches!(self, Self::Expiring | Self::Old)
    }
}

#[derive(Debug, Clone, Default)]
pub struct Criteria {
    pub expiring_within: Option<Lifetime>,
    /// Keys that expired at most this long ago and that no rotation replaced.
    pub expired_within: Option<Lifetime>,
    /// Keys whose last use, or whose minting where they were never used, is this long ago.
    pub unused_for: Option<Lifetime>,
    /// Keys that were never used, however young.
    pub never_used: bool,
    /// Keys that were minted this long ago.
    pub older_than: Option<Lifetime>,
    /// Keys that the policy leaves out.
    pub outside_policy: bool,
    /// Keys whose secret a scan has found. That stands in the trail, not in the key.
    pub exposed: bool,
}

impl Criteria {
    pub fn are_none(&self) -> bool {
        let dated =
            [&self.expiring_within, &self.expired_within, &self.unused_for, &self.older_than];
        !self.never_used
            && !self.outside_policy
            && !self.exposed
            && dated.iter().all(|criterion| criterion.is_none())
    }

    /// What is wrong with a key of this policy at this moment. For ended keys, only a recent expiry counts; for a
    /// pending key, only that the policy does not allow it; for a disabled key, also its use.
    pub fn faults(&self, key: &Key, policy: &Policy, now: Timestamp) -> Result<Vec<Reason>> {
        let status = key.status(now);
        let mut faults = Vec::new();
        if let (Some(limit), Status::Expired, Some(expires_at)) =
            (&self.expired_within, status, key.expires_at)
            && key.replaced_by.is_none()
            && now <= limit.after(expires_at)?
        {
            faults.push(Reason::Expired);
        }
        if !key.is_living(now) {
            return Ok(faults);
        }
        if self.outside_policy && policy.lacks(key).is_some() {
            faults.push(Reason::OutsidePolicy);
        }
        if status == Status::Pending {
            return Ok(faults);
        }
        let is_since = |limit: &Option<Lifetime>, moment: Timestamp| -> Result<bool> {
            let passed = |limit: &Lifetime| Ok(limit.after(moment)? <= now);
            limit.as_ref().map_or(Ok(false), passed)
        };
        match key.last_used_at {
            None if self.never_used || is_since(&self.unused_for, key.created_at)? => {
                faults.push(Reason::NeverUsed);
            }
            Some(last_used_at) if is_since(&self.unused_for, last_used_at)? => {
                faults.push(Reason::Unused);
            }
            _ => {}
        }
        if status == Status::Disabled {
            return Ok(faults);
        }
        if let (Some(limit), Some(expires_at)) = (&self.expiring_within, key.expires_at)
            && expires_at <= limit.after(now)?
        {
            faults.push(Reason::Expiring);
        }
        if is_since(&self.older_than, key.created_at)? {
            faults.push(Reason::Old);
        }
        Ok(faults)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::key::State;
    use crate::domain::key::tests::sample;

    const DAY: i64 = 86_400_000;

    fn days(number: i64) -> Timestamp {
        Timestamp::from_millis(number * DAY)
    }

    fn limit(text: &str) -> Option<Lifetime> {
        Some(text.parse().expect("a duration"))
    }

    fn faults(key: &Key, criteria: &Criteria, now: i64) -> Vec<Reason> {
        criteria
            .faults(key, &Policy::from_toml("").expect("defaults"), days(now))
            .expect("within the calendar")
    }

    #[test]
    fn each_limit_is_reached_to_the_millisecond() {
        let old = Criteria { older_than: limit("90d"), ..Criteria::default() };
        let mut key = sample();
        key.created_at = days(10).plus_millis(1);
        assert_eq!(faults(&key, &old, 100), []);
        key.created_at = days(10);
        assert_eq!(faults(&key, &old, 100), [Reason::Old]);

        let expiring = Criteria { expiring_within: limit("14d"), ..Criteria::default() };
        key.expires_at = Some(days(114).plus_millis(1));
        assert_eq!(faults(&key, &expiring, 100), []);
        key.expires_at = Some(days(114));
        assert_eq!(faults(&key, &expiring, 100), [Reason::Expiring]);
    }

    #[test]
    fn a_key_that_was_never_used_is_unused_since_it_was_minted() {
        let unused = Criteria { unused_for: limit("30d"), ..Criteria::default() };
        let mut key = sample();
        key.created_at = days(80);
        assert_eq!(faults(&key, &unused, 100), []);
        assert_eq!(faults(&key, &unused, 110), [Reason::NeverUsed]);
        key.last_used_at = Some(days(90));
        assert_eq!(faults(&key, &unused, 110), []);
        assert_eq!(faults(&key, &unused, 120), [Reason::Unused]);
        let never = Criteria { never_used: true, ..Criteria::default() };
        assert_eq!(faults(&key, &never, 120), []);
        key.last_used_at = None;
        assert_eq!(faults(&key, &never, 80), [Reason::NeverUsed]);
    }

    #[test]
    fn a_key_has_expired_within_a_time_to_the_millisecond() {
        let expired = Criteria { expired_within: limit("7d"), ..Criteria::default() };
        let mut key = sample();
        key.created_at = days(10);
        key.expires_at = Some(days(100).plus_millis(1));
        assert_eq!(faults(&key, &expired, 100), []);
        key.expires_at = Some(days(100));
        assert_eq!(faults(&key, &expired, 100), [Reason::Expired]);
        assert_eq!(faults(&key, &expired, 107), [Reason::Expired]);
        assert_eq!(faults(&key, &expired, 108), []);
        key.replaced_by = Some(key.id.clone());
        assert_eq!(faults(&key, &expired, 100), []);
    }

    #[test]
    fn keys_that_end_by_themselves_have_no_faults() {
        let all = Criteria {
            expiring_within: limit("1d"),
            expired_within: None,
            unused_for: limit("1d"),
            never_used: true,
            older_than: limit("1d"),
            outside_policy: false,
            exposed: false,
        };
        let mut key = sample();
        assert_eq!(faults(&key, &all, 9), [Reason::NeverUsed, Reason::Old]);
        key.state = State::Disabled;
        assert_eq!(faults(&key, &all, 9), [Reason::NeverUsed]);
        key.state = State::Active;
        key.expires_at = Some(days(8));
        assert_eq!(faults(&key, &all, 9), []);
    }
}
