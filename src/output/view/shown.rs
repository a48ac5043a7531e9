//! What `show` says of a key beside its record: what its limits leave it, and when they are whole again.

use schemars::JsonSchema;
use serde::Serialize;

use super::{KeyView, Moment};
use crate::domain::allowance::{Allowance, Used};
use crate::domain::rate::Rate;
use crate::domain::timestamp::Month;
use crate::domain::{Key, Timestamp};

/// A key with what is left of its limits.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Shown<'a> {
    #[serde(flatten)]
    view: KeyView<'a>,
    limits: LimitsView,
}

impl<'a> Shown<'a> {
    pub fn new(key: &'a Key, limits: LimitsView, now: Timestamp) -> Self {
        Self { view: KeyView::new(key, now), limits }
    }
}

/// What limits leave a key; a limit that there is none of is null.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct LimitsView {
    pub rate: Option<RateView>,
    /// Of the key's own quota and its workspace's, the one of which less is left.
    pub quota: Option<QuotaView>,
}

#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RateView {
    pub limit: Rate,
    pub remaining: u64,
    /// When nothing of it is used any more; null where nothing is.
    pub whole_at: Option<Moment>,
}

#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuotaView {
    pub limit: u64,
    pub remaining: u64,
    pub resets_at: Moment,
}

impl LimitsView {
    /// What is left of an allowance at this time.
    pub fn new(allowance: Allowance, used: Used, at: Timestamp) -> Self {
        Self {
            rate: allowance.rate.map(|rate| RateView {
                limit: rate,
                remaining: rate.left(used.whole_at, at),
                whole_at: rate.whole_again(used.whole_at, at).map(Moment),
            }),
            quota: allowance
                .quotas(used)
                .map(|(limit, spent)| QuotaView {
                    limit,
                    remaining: limit.saturating_sub(spent),
                    resets_at: Moment(Month::of(at).end()),
                })
                .min_by_key(|quota| quota.remaining),
        }
    }
}
