//! What is shown of keys whose secret is handed over, the secret included where stdout is the sink, or would be.
//!
//! This module never renders anything: it is the one view that may hold a secret.

use schemars::JsonSchema;
use serde::Serialize;

use super::KeyView;
use super::key::texts;
use crate::domain::holding::Action;
use crate::domain::{Key, KeyId, Timestamp};

/// A key that mint, rotate or ensure made. It has its secret only when stdout is the sink.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Minted<'a, Public = &'a str> {
    #[serde(flatten)]
    pub view: KeyView<'a, Public>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaced: Option<KeyView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "texts")]
    #[schemars(with = "Vec<String>")]
    pub also_changed: &'a [KeyId],
    #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "texts")]
    #[schemars(with = "Vec<String>")]
    pub still_valid: &'a [KeyId],
    /// The secret, shown only this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub warnings: &'a [String],
}

impl<'a> Minted<'a> {
    /// The field that is the secret.
    pub const SECRET: &'static str = "key";

    /// A key with nothing beside it.
    pub fn new(key: &'a Key, now: Timestamp) -> Self {
        Self::of(KeyView::new(key, now))
    }

    /// A key that a rehearsal would have minted.
    pub fn unminted(key: &'a Key, now: Timestamp) -> Minted<'a, ()> {
        Minted::of(KeyView::unminted(key, now))
    }

    /// The same with what provisioning did.
    #[must_use]
    pub fn by(mut self, action: Action) -> Self {
        self.changed = Some(action.is_change());
        self.action = Some(action);
        self
    }
}

impl<'a, Public> Minted<'a, Public> {
    fn of(view: KeyView<'a, Public>) -> Self {
        Self {
            view,
            replaced: None,
            changed: None,
            action: None,
            also_changed: &[],
            still_valid: &[],
            key: None,
            warnings: &[],
        }
    }
}
