//! What is shown of keys whose secret is handed over, the secret included where stdout is the sink.
//!
//! This module never renders anything: it is the one view that may hold a secret.

use schemars::JsonSchema;
use serde::Serialize;

use super::KeyView;
use super::key::texts;
use crate::domain::provision::Action;
use crate::domain::secret::Secret;
use crate::domain::{Key, KeyId, Timestamp};

/// A key that mint, rotate or ensure made. It has its secret only when stdout is the sink.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Minted<'a> {
    #[serde(flatten)]
    view: KeyView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replaced: Option<KeyView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<Action>,
    #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "texts")]
    #[schemars(with = "Vec<String>")]
    also_changed: &'a [KeyId],
    #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "texts")]
    #[schemars(with = "Vec<String>")]
    still_valid: &'a [KeyId],
    /// The secret, shown only this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    warnings: &'a [String],
}

impl<'a> Minted<'a> {
    /// A minted key, with the key it replaces and its secret where they are to be shown.
    pub fn new(
        key: &'a Key,
        replaced: Option<&'a Key>,
        secret: Option<&'a Secret>,
        now: Timestamp,
    ) -> Self {
        Self {
            view: KeyView::new(key, now),
            replaced: replaced.map(|replaced| KeyView::new(replaced, now)),
            changed: None,
            action: None,
            also_changed: &[],
            still_valid: &[],
            key: secret.map(Secret::expose),
            warnings: &[],
        }
    }

    /// The same with those of its lineage that end with the key it replaces, and those that go on.
    #[must_use]
    pub fn beside(mut self, also_changed: &'a [KeyId], still_valid: &'a [KeyId]) -> Self {
        self.also_changed = also_changed;
        self.still_valid = still_valid;
        self
    }

    /// The same with what provisioning did, where it was that.
    #[must_use]
    pub fn by(mut self, action: Option<Action>) -> Self {
        self.changed = action.map(Action::is_change);
        self.action = action;
        self
    }

    /// The same with what the user should know of the file that holds the secret. A TSV line has no room for it.
    #[must_use]
    pub fn warned(mut self, warnings: &'a [String]) -> Self {
        self.warnings = warnings;
        self
    }
}
