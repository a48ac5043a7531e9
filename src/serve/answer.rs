//! An answer: its status, its header fields, its body, and what is noted of it.
//!
//! This module never lets an answer be kept by a cache.

use hyper::body::Bytes;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;

use super::body::Content;
use super::dialect::{Dialect, Refusal};
use super::identity::Identity;
use crate::error::Error;
use crate::ops::verifier::Kept;
use crate::output::json;

/// The code word of a refusal.
pub const CODE: HeaderName = HeaderName::from_static("x-keyward-code");
/// The status that a refusal would have if it were not sent as 403.
pub const STATUS: HeaderName = HeaderName::from_static("x-keyward-status");

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// How many fields an answer has at most.
const FIELDS: usize = 14;

pub struct Answer {
    pub status: u16,
    pub fields: HeaderMap,
    pub content: Content,
    /// A word for the log.
    pub code: &'static str,
    pub key: Option<Kept<Identity>>,
}

impl Answer {
    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        let mut fields = HeaderMap::with_capacity(FIELDS);
        fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Self { status, fields, content: Content::Whole(None), code: "", key: None }
    }

    pub fn json(status: u16, text: impl Into<Bytes>) -> Self {
        Self::empty(status).with_json(Content::Whole(Some(text.into())))
    }

    /// Prometheus' text.
    pub fn text(text: String) -> Self {
        let mut answer = Self::empty(200);
        let kind = HeaderValue::from_static("text/plain; version=0.0.4");
        answer.fields.insert(header::CONTENT_TYPE, kind);
        answer.content = Content::Whole(Some(text.into()));
        answer
    }

    pub fn view(status: u16, view: &impl Serialize) -> Self {
        Self::json(status, json::to_string(view) + "\n")
    }

    #[must_use]
    pub fn with_json(mut self, content: Content) -> Self {
        self.fields.insert(header::CONTENT_TYPE, JSON);
        self.content = content;
        self
    }

    pub fn refusal(refusal: &Refusal, dialect: Dialect) -> Self {
        let mut answer = Self::json(refusal.status, dialect.body(refusal));
        answer.fields.insert(header::CONTENT_TYPE, HeaderValue::from_static(dialect.media_type()));
        answer.code = refusal.code;
        answer.fields.insert(CODE, HeaderValue::from_static(refusal.code));
        if refusal.status == 401 {
            let challenge = match refusal.code {
                "unauthorized" => "Bearer",
                _ => "Bearer error=\"invalid_token\"",
            };
            answer.fields.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Some(seconds) = refusal.retry_after {
            answer.fields.insert(header::RETRY_AFTER, seconds.into());
        }
        answer
    }

    /// The same as a 403, for a proxy that knows no refusal but 401. The true status stands beside it.
    #[must_use]
    pub fn only_forbidding(mut self) -> Self {
        if self.status >= 400 {
            self.fields.insert(STATUS, self.status.into());
            if self.status != 401 {
                self.status = 403;
            }
        }
        self
    }
}

impl Refusal {
    /// A refusal that says no more than its status does.
    pub fn plain(code: &'static str, status: u16) -> Self {
        Self::new(code, status, sentence(status))
    }
}

impl From<&Error> for Refusal {
    /// The refusal of a request that could not be judged. It says nothing of the store.
    fn from(error: &Error) -> Self {
        let (kind, status) = (error.kind(), error.kind().http_status());
        let mut refusal = Self::plain(kind.code(), status);
        if status == 503 {
            refusal.retry_after = Some(1);
        }
        refusal
    }
}

/// What is said to somebody who may not know more.
pub fn sentence(status: u16) -> &'static str {
    match status {
        400 => "the request cannot be read",
        401 => "no valid key was presented",
        403 => "the key may not do this",
        404 => "not found",
        405 => "this method is not allowed here",
        408 => "the request took too long",
        409 => "the request conflicts with what exists",
        413 | 414 | 431 => "the request is too large",
        422 => "the request asks for something that is not allowed",
        429 => "too many requests",
        503 => "the key cannot be checked now; try again",
        _ => "internal error",
    }
}
