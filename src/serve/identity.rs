//! Who a key is, as the header fields of a 200 say it to the API behind the proxy.
//!
//! They are made once for a key that is remembered, and not for each request.

use hyper::body::Bytes;
use hyper::header::{HeaderName, HeaderValue};

use crate::domain::Key;
use crate::domain::percent::encode;

/// How many keys a worker remembers, and up to as many again: some 450 bytes each.
pub const REMEMBERED: usize = 1 << 14;

/// The fields, in the order of [`Identity`]'s values.
pub const FIELDS: [HeaderName; 6] = [
    HeaderName::from_static("x-keyward-key"),
    HeaderName::from_static("x-keyward-workspace"),
    HeaderName::from_static("x-keyward-environment"),
    HeaderName::from_static("x-keyward-scopes"),
    HeaderName::from_static("x-keyward-name"),
    HeaderName::from_static("x-keyward-owner"),
];
pub const REMAINING: HeaderName = HeaderName::from_static("x-keyward-remaining");

/// What stands for nothing: a field that is missing or empty would let a client's own one through some proxies.
pub const NOTHING: &str = "-";

/// A key's values, one after another.
pub struct Identity {
    text: Bytes,
    ends: [u32; 6],
}

impl Identity {
    pub fn new(key: &Key) -> Self {
        let mut scopes = String::new();
        for scope in &key.scopes {
            if !scopes.is_empty() {
                scopes.push(' ');
            }
            encode(scope, &mut scopes);
        }
        let mut text = String::new();
        let mut ends = [0; 6];
        let plain = |value: &str, text: &mut String| match value {
            "" => text.push_str(NOTHING),
            value => encode(value, text),
        };
        for (at, end) in ends.iter_mut().enumerate() {
            match at {
                0 => plain(key.id.as_str(), &mut text),
                1 => plain(&key.workspace, &mut text),
                2 => plain(&key.environment, &mut text),
                3 if scopes.is_empty() => text.push_str(NOTHING),
                3 => text.push_str(&scopes),
                4 => plain(&key.name, &mut text),
                _ => plain(key.owner.as_deref().unwrap_or_default(), &mut text),
            }
            *end = u32::try_from(text.len()).unwrap_or(u32::MAX);
        }
        Self { text: text.into(), ends }
    }

    fn range(&self, at: usize) -> std::ops::Range<usize> {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        start as usize..self.ends[at] as usize
    }

    pub fn value(&self, at: usize) -> HeaderValue {
        let value = HeaderValue::from_maybe_shared(self.text.slice(self.range(at)));
        value.expect("it was encoded")
    }

    pub fn id(&self) -> &str {
        self.text_of(0)
    }

    /// The workspace's name, encoded.
    pub fn workspace(&self) -> &str {
        self.text_of(1)
    }

    fn text_of(&self, at: usize) -> &str {
        std::str::from_utf8(&self.text[self.range(at)]).unwrap_or(NOTHING)
    }
}
