//! What keys were used for: counts of a key and a day.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::domain::code::Code;
use crate::domain::timestamp::Timestamp;

/// Uses of one key on one UTC day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests that were answered with valid.
    pub valid: u64,
    pub credits: u64,
    /// Requests that were refused, by reason.
    pub refused: BTreeMap<Code, u64>,
    pub last: Option<LastUse>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastUse {
    pub at: Timestamp,
    /// From where, when the asker said so.
    pub address: Option<IpAddr>,
}

impl Tally {
    pub fn count(&mut self, code: Code, credits: u64, at: Timestamp, address: Option<IpAddr>) {
        match code {
            Code::Valid => {
                self.valid += 1;
                self.credits = self.credits.saturating_add(credits);
                self.last = LastUse::later(self.last, Some(LastUse { at, address }));
            }
            refused => *self.refused.entry(refused).or_default() += 1,
        }
    }

    pub fn add(&mut self, other: &Self) {
        self.valid = self.valid.saturating_add(other.valid);
        self.credits = self.credits.saturating_add(other.credits);
        for (code, count) in &other.refused {
            let sum = self.refused.entry(*code).or_default();
            *sum = sum.saturating_add(*count);
        }
        self.last = LastUse::later(self.last, other.last);
    }

    /// How many requests were refused, for whatever reason.
    pub fn refusals(&self) -> u64 {
        self.refused.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// How many requests were counted, valid or refused.
    pub fn uses(&self) -> u64 {
        self.valid.saturating_add(self.refusals())
    }

    pub fn is_empty(&self) -> bool {
        self.valid == 0 && self.refused.is_empty()
    }
}

impl LastUse {
    /// The later of two; of two at the same moment, the second.
    pub fn later(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) => Some(if one.at > other.at { one } else { other }),
            (one, other) => one.or(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_counted_by_its_reason_and_is_no_use() {
        let mut tally = Tally::default();
        let address = "203.0.113.7".parse().ok();
        tally.count(Code::Revoked, 5, Timestamp::from_millis(9), address);
        assert_eq!((tally.credits, tally.last, tally.refusals()), (0, None, 1));
        tally.count(Code::Valid, 5, Timestamp::from_millis(7), address);
        let mut sum = tally.clone();
        sum.add(&tally);
        assert_eq!((sum.valid, sum.credits), (2, 10));
        assert_eq!(sum.refused[&Code::Revoked], 2);
        assert_eq!(sum.last.map(|last| last.at.as_millis()), Some(7));
    }
}
