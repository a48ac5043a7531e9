//! A request to verify as JSON: a line of `keyward verify --stream`, or the body of one over HTTP.
//!
//! This module never repeats what stands in a request, which may be a secret, and refuses none for a field that decides
//! nothing.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::Number;
use serde_json::value::RawValue;

use super::Request;
use crate::domain::address::read_address;
use crate::domain::secret::Secret;
use crate::domain::verdict::Ask;
use crate::error::{Error, Result};

/// The deepest that an id is nested. Many readers of JSON go no deeper, and could not read the answer.
const DEEPEST: usize = 128;

/// A line of JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked<'a> {
    #[serde(deserialize_with = "secret")]
    key: Secret,
    #[serde(borrow, default, deserialize_with = "some")]
    id: Option<&'a RawValue>,
    environment: Option<String>,
    scopes: Option<Vec<String>>,
    #[serde(borrow)]
    ip: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "whole")]
    cost: Option<u32>,
}

/// What can be read of a line that is not a request.
#[derive(Deserialize)]
struct Id<'a> {
    #[serde(borrow, default, deserialize_with = "some")]
    id: Option<&'a RawValue>,
}

/// SECURITY: wiped when dropped, whatever becomes of the rest of the line. Null is what a program sends that has none.
fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Secret, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(Secret::new(text.unwrap_or_default()))
}

/// A whole number, also as a language writes it that has no other numbers than with a point.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<u32>, D::Error> {
    let Some(number) = Option::<Number>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let float = number.as_f64().filter(|float| float.fract() == 0.0);
    let exact = number.as_u64().or(float
        .filter(|float| (0.0..=f64::from(u32::MAX)).contains(float))
        .map(|float| float as u64));
    let cost = exact.and_then(|exact| u32::try_from(exact).ok());
    let wrong = || serde::de::Error::custom("not a number of credits");
    cost.map(Some).ok_or_else(wrong)
}

/// Takes whatever is there, null too, for an id.
fn some<'de: 'a, 'a, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// What holds for requests that do not say otherwise.
pub struct Template {
    pub ask: Ask,
    pub workspace: Option<String>,
    pub cost: u32,
    pub record: bool,
}

impl Template {
    /// The request with this secret that says nothing else.
    pub fn request(&self, secret: Secret) -> Request {
        let (ask, workspace) = (self.ask.clone(), self.workspace.clone());
        Request { secret, ask, workspace, cost: self.cost, record: self.record }
    }
}

/// A request and what became of it.
pub struct Turn<'a> {
    /// The id to answer it with, as it was written.
    pub id: Option<&'a RawValue>,
    /// What is to be judged; an error never repeats what stands in the request.
    pub request: Result<Request>,
}

/// Reads a request; messages call it by this word.
pub fn turn<'a>(text: &'a str, word: &str, template: &Template) -> Turn<'a> {
    let unreadable = |message: String| Turn { id: None, request: Err(Error::usage(message)) };
    match serde_json::from_str::<Asked<'a>>(text) {
        Ok(Asked { id: Some(id), .. }) if !can_be_read(id) => unreadable(format!(
            "the field id is nested deeper than {DEEPEST} levels, or has half a character"
        )),
        Ok(asked) => Turn { id: asked.id, request: Ok(request(asked, template)) },
        Err(error) => Turn {
            // Whoever asks by id wants to know which question was not understood.
            id: serde_json::from_str::<Id<'a>>(text)
                .ok()
                .and_then(|asked| asked.id)
                .filter(|id| can_be_read(id)),
            ..unreadable(format!("the {word} is not a request: {}", what_is_wrong(&error)))
        },
    }
}

fn request(asked: Asked<'_>, template: &Template) -> Request {
    let mut request = template.request(asked.key);
    if let Some(ip) = asked.ip.filter(|ip| !ip.is_empty()) {
        // An address that cannot be read counts as unknown.
        request.ask.address = read_address(&ip);
    }
    if let Some(environment) = asked.environment.filter(|text| !text.is_empty()) {
        request.ask.environment = Some(environment);
    }
    if let Some(scopes) = asked.scopes {
        request.ask.scopes = scopes;
    }
    if let Some(cost) = asked.cost {
        request.cost = cost;
    }
    request
}

/// Whether every reader of JSON can read this piece of it again: it is not nested too deep, and its texts have whole
/// characters, of which JSON's escapes can write halves (RFC 8259 8.2).
fn can_be_read(json: &RawValue) -> bool {
    let (mut depth, mut is_text, mut half) = (0, false, false);
    let mut rest = json.get().bytes();
    while let Some(byte) = rest.next() {
        let mut is_half = false;
        match (is_text, byte) {
            (true, b'\\') if rest.next() == Some(b'u') => {
                let digits: Vec<u8> = rest.by_ref().take(4).collect();
                let digits = std::str::from_utf8(&digits).unwrap_or_default();
                match u16::from_str_radix(digits, 16).unwrap_or_default() {
                    0xd800..=0xdbff => is_half = true,
                    0xdc00..=0xdfff if !half => return false,
                    0xdc00..=0xdfff => half = false,
                    _ => {}
                }
            }
            (_, b'"') => is_text = !is_text,
            (false, b'[' | b'{') => depth += 1,
            (false, b']' | b'}') => depth -= 1,
            _ => {}
        }
        if half || depth > DEEPEST {
            return false;
        }
        half = is_half;
    }
    true
}

/// What serde says of a line, but nothing of what stands in it, which may be a secret.
fn what_is_wrong(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Data => "a field is missing, unknown or of the wrong type",
        _ => "it is not JSON",
    }
}
