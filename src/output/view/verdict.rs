//! What verify answers.

use std::borrow::Cow;
use std::ops::Deref;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

use super::KeyView;
use crate::domain::verdict::{Ask, Verdict};
use crate::domain::{Code, Key, Timestamp};
use crate::output::why::why;

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VerdictView<'a> {
    /// The id of a line of `verify --stream`, as given.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a RawValue>,
    valid: bool,
    /// Of `verify --stream` alone are `bad_request`, `busy`, `damaged` and `store_not_found`.
    #[schemars(extend("enum" = codes()))]
    code: &'static str,
    #[schemars(extend("enum" = [200, 400, 401, 403, 429, 500, 503]))]
    status: u16,
    pub message: Cow<'a, str>,
    subject: Option<KeyView<'a>>,
    retry_after: Option<u64>,
    remaining: Option<u64>,
    recorded: bool,
}

fn codes() -> Vec<&'static str> {
    let of_streams = ["bad_request", "busy", "damaged", "store_not_found"];
    let codes = Code::ALL.iter().map(|code| code.word());
    codes.chain(of_streams).collect()
}

impl<'a> VerdictView<'a> {
    /// The verdict on a request that asks for this.
    pub fn new<S: Deref<Target = Key>>(verdict: &'a Verdict<S>, ask: &Ask, now: Timestamp) -> Self {
        let (code, retry_after) = (verdict.code, verdict.retry_after);
        let message = verdict
            .subject
            .as_deref()
            .map_or(Cow::Borrowed(code.message()), |key| why(code, key, ask, retry_after, now));
        let subject = verdict.subject.as_deref();
        let subject = subject.map(|key| KeyView::new(key, now).last_used(verdict.last_used_at));
        Self {
            id: None,
            valid: verdict.code == Code::Valid,
            code: verdict.code.word(),
            status: verdict.code.http_status(),
            message,
            subject,
            retry_after,
            remaining: verdict.remaining,
            recorded: verdict.recorded,
        }
    }

    /// What a stream answers to a line that gets no verdict.
    pub fn none(code: &'static str, status: u16, message: &'a str) -> Self {
        Self {
            id: None,
            valid: false,
            code,
            status,
            message: message.into(),
            subject: None,
            retry_after: None,
            remaining: None,
            recorded: false,
        }
    }

    /// The same for a request with this id.
    #[must_use]
    pub fn to(mut self, id: Option<&'a RawValue>) -> Self {
        self.id = id;
        self
    }
}
