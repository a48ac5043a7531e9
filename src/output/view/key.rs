//! What is shown of keys; and what `show` says of one beside its record: what its limits leave it, and when they are whole
//! again.

use std::collections::BTreeMap;
use std::fmt::Display;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::Moment;
use crate::domain::allowance::{Allowance, Used};
use crate::domain::key::UNDELIVERED;
use crate::domain::rate::Rate;
use crate::domain::timestamp::Month;
use crate::domain::{Key, KeyId, Network, Status, Timestamp};
use crate::output::table::listed;

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyView<'a, Public = &'a str> {
    #[schemars(regex(pattern = r"^key_[0-9a-z]{16}$"))]
    id: Public,
    workspace: &'a str,
    name: &'a str,
    environment: &'a str,
    scopes: &'a [String],
    prefix: Public,
    short: Public,
    key_hint: Public,
    status: Status,
    created_at: Moment,
    created_by: &'a str,
    expires_at: Option<Moment>,
    last_used_at: Option<Moment>,
    revoked_at: Option<Moment>,
    revoked_reason: Option<&'a str>,
    replaces: Option<&'a str>,
    replaced_by: Option<&'a str>,
    #[serde(serialize_with = "texts")]
    #[schemars(with = "Vec<String>")]
    allow: &'a [Network],
    owner: Option<&'a str>,
    labels: &'a BTreeMap<String, String>,
    plan: Option<&'a str>,
}

impl<'a> KeyView<'a> {
    /// The key at this moment.
    pub fn new(key: &'a Key, now: Timestamp) -> Self {
        Self::with([key.id.as_str(), &key.prefix, &key.short, &key.hint], key, now)
    }

    /// The key that a rehearsal would have minted, with null for its random parts.
    pub fn unminted(key: &'a Key, now: Timestamp) -> KeyView<'a, ()> {
        KeyView::with([(); 4], key, now)
    }

    /// The same with a last use that the record does not have.
    #[must_use]
    pub(super) fn last_used(mut self, at: Option<Timestamp>) -> Self {
        self.last_used_at = at.map(Moment);
        self
    }
}

impl<'a, Public> KeyView<'a, Public> {
    fn with(public: [Public; 4], key: &'a Key, now: Timestamp) -> Self {
        let [id, prefix, short, key_hint] = public;
        // A pending key that waited too long counts as revoked, although nothing was written.
        let lapsed_at = key.lapsed_at(now);
        let rotation = key.rotation.as_ref();
        Self {
            id,
            workspace: &key.workspace,
            name: &key.name,
            environment: &key.environment,
            scopes: &key.scopes,
            prefix,
            short,
            key_hint,
            status: key.status(now),
            created_at: Moment(key.created_at),
            created_by: &key.created_by,
            expires_at: key.expires_at.map(Moment),
            last_used_at: key.last_used_at.map(Moment),
            revoked_at: key.revoked_at.or(lapsed_at).map(Moment),
            revoked_reason: key
                .revoked_reason
                .as_deref()
                .or_else(|| lapsed_at.map(|_| UNDELIVERED)),
            replaces: rotation.map(|rotation| rotation.replaces.as_str()),
            replaced_by: key.replaced_by.as_ref().map(KeyId::as_str),
            allow: &key.allow,
            owner: key.owner.as_deref(),
            labels: &key.labels,
            plan: key.plan.as_deref(),
        }
    }
}

/// A key that was changed, with the others of its lineage that were and that were not.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Changed<'a> {
    #[serde(flatten)]
    view: KeyView<'a>,
    #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "texts")]
    #[schemars(with = "Vec<String>")]
    also_changed: &'a [KeyId],
    #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "texts")]
    #[schemars(with = "Vec<String>")]
    still_valid: &'a [KeyId],
}

impl<'a> Changed<'a> {
    /// The key after the change, with the others that its name stood for, and those that its id did not include.
    pub fn new(
        key: &'a Key,
        also_changed: &'a [KeyId],
        still_valid: &'a [KeyId],
        now: Timestamp,
    ) -> Self {
        Self { view: KeyView::new(key, now), also_changed, still_valid }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Revoked<'a> {
    #[serde(flatten)]
    view: KeyView<'a>,
    changed: bool,
}

impl<'a> Revoked<'a> {
    /// A key after revoking; `changed` is false when it was revoked before.
    pub fn new(key: &'a Key, changed: bool, now: Timestamp) -> Self {
        Self { view: KeyView::new(key, now), changed }
    }
}

/// Several records under one name.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Keys<T> {
    pub keys: Vec<T>,
}

/// Who is calling.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallerView {
    workspace: Option<String>,
    scopes: Vec<String>,
    prefix: String,
    name: String,
    id: Option<String>,
    created_at: Option<Moment>,
    last_used_at: Option<Moment>,
    #[schemars(extend("enum" = ["key", "operator"]))]
    kind: &'static str,
}

impl CallerView {
    /// The person at the terminal; their prefix is empty.
    pub fn operator(name: &str, workspace: Option<String>) -> Self {
        Self { workspace, name: name.to_owned(), kind: "operator", ..Self::default() }
    }

    pub fn key(key: &Key) -> Self {
        Self {
            workspace: Some(key.workspace.clone()),
            scopes: key.scopes.clone(),
            prefix: key.prefix.clone(),
            name: key.name.clone(),
            id: Some(key.id.as_str().to_owned()),
            created_at: Some(Moment(key.created_at)),
            last_used_at: key.last_used_at.map(Moment),
            kind: "key",
        }
    }
}

pub(super) fn texts<T: Display, S: Serializer>(
    items: &[T],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(items.iter().map(|item| item.to_string()))
}

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

    /// What people read of what was asked for with the key; an empty text where it has none of it.
    pub fn terms(&self) -> [(&'static str, String); 5] {
        let KeyView { scopes, allow, owner, plan, labels, .. } = self.view;
        let or_none = |text: Option<&str>| text.unwrap_or_default().to_owned();
        [
            ("scopes", listed(scopes)),
            ("allowed from", listed(allow)),
            ("owner", or_none(owner)),
            ("plan", or_none(plan)),
            ("labels", listed(labels.iter().map(|(name, value)| format!("{name}={value}")))),
        ]
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
