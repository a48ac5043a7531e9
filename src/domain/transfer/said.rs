//! Which fields a line gives.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::IgnoredAny;

/// The fields in which null is a value: that there is none. In any other it is as good as the field's absence.
const NONE_IS_SAID: [&str; 10] = [
    "preset",
    "plan",
    "expiresAt",
    "revokedAt",
    "revokedReason",
    "revokedMessage",
    "replaces",
    "previousExpiresAt",
    "replacedBy",
    "owner",
];

/// The fields that a line gives; none of what is no JSON object.
pub(super) fn said(line: &str) -> BTreeSet<String> {
    let fields: BTreeMap<String, Option<IgnoredAny>> =
        serde_json::from_str(line).unwrap_or_default();
    let given = |(field, value): (String, Option<IgnoredAny>)| {
        let is_said = value.is_some() || NONE_IS_SAID.contains(&field.as_str());
        is_said.then_some(field)
    };
    fields.into_iter().filter_map(given).collect()
}
