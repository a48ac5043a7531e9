//! What verify answers, and why a verdict is what it is, in a sentence.
//!
//! This module never repeats a word of a request that could be a secret, nor the message of a revocation, which is for
//! operators.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{KeyView, Moment};
use crate::domain::exposure::could_be_secret;
use crate::domain::verdict::{Ask, Verdict};
use crate::domain::{Code, Key, Safe, Timestamp};
use crate::output::json;
use crate::output::relative::relative;
use crate::output::table::listed;

/// A key that is remembered, with what is answered while it is valid: that is put together once, because a busy key is
/// asked about again and again.
pub struct Answered {
    key: Key,
    valid: OnceLock<Valid>,
}

/// The answer of a valid key, but for its last use and what remains, which belong at these places.
struct Valid {
    text: Box<str>,
    last_used_at: usize,
    remaining: usize,
}

impl From<Key> for Answered {
    fn from(key: Key) -> Self {
        Self { key, valid: OnceLock::new() }
    }
}

impl Deref for Answered {
    type Target = Key;

    fn deref(&self) -> &Key {
        &self.key
    }
}

impl Answered {
    fn valid(&self, now: Timestamp) -> Valid {
        let verdict = Verdict {
            code: Code::Valid,
            subject: Some(self),
            last_used_at: None,
            recorded: true,
            retry_after: None,
            remaining: None,
        };
        let mut text = json::to_string(&VerdictView::new(&verdict, &Ask::default(), now));
        // No text of a key has these words with such quotes: a quote within a text is escaped.
        let mut cut = |field: &str| {
            let place = text.find(&format!("{field}:null")).expect("a verdict has every field");
            let value = place + field.len() + 1;
            text.replace_range(value..value + "null".len(), "");
            value
        };
        let (last_used_at, remaining) = (cut("\"lastUsedAt\""), cut("\"remaining\""));
        Valid { text: text.into(), last_used_at, remaining }
    }
}

/// Writes the verdict on a request that asks for this, and that has this id, as a line of JSON without its end.
pub fn answer<S: Deref<Target = Answered>>(
    buffer: &mut Vec<u8>,
    verdict: &Verdict<S>,
    ask: &Ask,
    now: Timestamp,
    id: Option<&RawValue>,
) {
    let subject = verdict.subject.as_deref();
    let Some(key) = subject.filter(|_| verdict.code == Code::Valid && verdict.recorded) else {
        return json::append(buffer, &VerdictView::new(verdict, ask, now).to(id));
    };
    let Valid { text, last_used_at, remaining } = key.valid.get_or_init(|| key.valid(now));
    buffer.push(b'{');
    if let Some(id) = id {
        buffer.extend_from_slice(b"\"id\":");
        json::append(buffer, id);
        buffer.push(b',');
    }
    buffer.extend_from_slice(&text.as_bytes()[1..*last_used_at]);
    json::append(buffer, &verdict.last_used_at.map(Moment));
    buffer.extend_from_slice(&text.as_bytes()[*last_used_at..*remaining]);
    json::append(buffer, &verdict.remaining);
    buffer.extend_from_slice(&text.as_bytes()[*remaining..]);
}

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
    pub fn new<S>(verdict: &'a Verdict<S>, ask: &Ask, now: Timestamp) -> Self
    where
        S: Deref<Target = Answered>,
    {
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

/// How many characters of a request's word are shown at most; policies have none that are longer.
const LONGEST: usize = 64;

/// The sentence on a key that was found; `retry_after` is in seconds. Made for refusals only, because a stream has many that
/// are valid.
pub fn why(
    code: Code,
    key: &Key,
    ask: &Ask,
    retry_after: Option<u64>,
    now: Timestamp,
) -> Cow<'static, str> {
    let said = match code {
        Code::Revoked => revoked(key, now),
        Code::Expired => {
            key.expires_at.map(|expires_at| format!("the key expired {}", past(expires_at, now)))
        }
        Code::WrongEnvironment => {
            ask.environment.as_deref().filter(|word| may_be_shown(word)).map(|asked| {
                let own = Safe(&key.environment);
                format!("the key belongs to environment {own}, not {}", Safe(asked))
            })
        }
        Code::IpDenied => Some(match ask.address {
            Some(address) => format!("the key may not be used from {address}"),
            None => "the key may only be used from certain addresses, and the request has none"
                .to_owned(),
        }),
        Code::InsufficientScope => missing(key, ask),
        Code::RateLimited | Code::QuotaExceeded => retry_after.map(|seconds| {
            let millis = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000);
            let when = relative(now.plus_millis(millis), now);
            format!("{}; try again {when}", code.message())
        }),
        _ => None,
    };
    said.map_or(Cow::Borrowed(code.message()), Cow::Owned)
}

fn revoked(key: &Key, now: Timestamp) -> Option<String> {
    let lapsed_at = key.lapsed_at(now);
    let at = past(key.revoked_at.or(lapsed_at)?, now);
    Some(match key.reason(now) {
        Some(reason) => format!("the key was revoked {at} ({})", Safe(reason)),
        None => format!("the key was revoked {at}"),
    })
}

/// The scopes that are required and that the key does not have.
fn missing(key: &Key, ask: &Ask) -> Option<String> {
    let missing = ask.scopes.iter();
    let missing = missing.filter(|scope| !key.scopes.contains(scope));
    let shown: Vec<_> = missing.map(|scope| may_be_shown(scope).then_some(Safe(scope))).collect();
    // Where one cannot be named, to name the others would mislead.
    let shown: Option<Vec<_>> = shown.into_iter().collect();
    shown.map(|scopes| match scopes.as_slice() {
        [scope] => format!("the key lacks the scope {scope}"),
        scopes => format!("the key lacks the scopes {}", listed(scopes)),
    })
}

/// Whether a word of a request is certainly not a secret in the wrong field.
fn may_be_shown(word: &str) -> bool {
    word.len() <= LONGEST && !could_be_secret(word)
}

/// A time that has passed, also where the clock has gone back behind it.
fn past(time: Timestamp, now: Timestamp) -> String {
    match relative(time.min(now), now).as_str() {
        "now" => "just now".to_owned(),
        ago => ago.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::key::tests::sample;

    #[test]
    fn an_answer_that_was_put_together_before_is_the_same_as_one_that_was_not() {
        let mut key = sample();
        let fields = [r#""lastUsedAt":null"#, r#"lastUsedAt":null"#, r#""remaining":null,"#, "\\"];
        key.name = fields.concat();
        key.owner = Some(fields[0].to_owned());
        key.labels = fields.iter().map(|text| ((*text).to_owned(), (*text).to_owned())).collect();
        key.labels
            .extend(["lastUsedAt", "remaining"].map(|word| (word.to_owned(), "null".to_owned())));
        let key = Answered::from(key);
        let (now, ask) = (Timestamp::from_millis(5000), Ask::default());
        let id: &RawValue =
            serde_json::from_str(r###"["##é", {"lastUsedAt":null}]"###).expect("JSON");
        for id in [None, Some(id)] {
            for remaining in [None, Some(7)] {
                for recorded in [true, false] {
                    for last_used_at in [None, Some(now)] {
                        let verdict = Verdict {
                            code: Code::Valid,
                            subject: Some(&key),
                            last_used_at,
                            recorded,
                            retry_after: None,
                            remaining,
                        };
                        let mut answered = Vec::new();
                        answer(&mut answered, &verdict, &ask, now, id);
                        let view = VerdictView::new(&verdict, &ask, now).to(id);
                        assert_eq!(
                            String::from_utf8(answered).expect("ASCII"),
                            json::to_string(&view)
                        );
                    }
                }
            }
        }
    }
}
