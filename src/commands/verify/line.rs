//! A line of `keyward verify --stream`: a bare secret, or a request as JSON.
//!
//! This module never repeats the content of a line, which may be a secret, and never refuses a line for a field that
//! does not matter.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::Number;
use serde_json::value::RawValue;

use super::Template;
use crate::context::{LONGEST_LINE, Line};
use crate::domain::address::read_address;
use crate::domain::secret::Secret;
use crate::error::{Error, Result};
use crate::ops::verifier::Request;

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

/// Accepts any value as an id, including null.
fn some<'de: 'a, 'a, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// A line and what became of it.
pub struct Turn<'a> {
    /// The id for the answer, as written.
    pub id: Option<&'a RawValue>,
    /// The request to judge; an error never repeats the content of the line.
    pub request: Result<Request>,
}

/// Reads a line.
pub fn turn<'a>(line: &Line<'a>, template: &Template) -> Turn<'a> {
    let unreadable = |message: String| Turn { id: None, request: Err(Error::usage(message)) };
    let Line::Whole(bytes) = line else {
        return unreadable(format!("the line is longer than {LONGEST_LINE} bytes"));
    };
    let Ok(text) = std::str::from_utf8(bytes) else {
        return unreadable("the line is not UTF-8 text".to_owned());
    };
    if !text.trim_start().starts_with('{') {
        return Turn { id: None, request: Ok(template.request(Secret::new(text.to_owned()))) };
    }
    match serde_json::from_str::<Asked<'a>>(text) {
        Ok(Asked { id: Some(id), .. }) if !can_be_read(id) => unreadable(format!(
            "the field id is nested deeper than {DEEPEST} levels, or has half a character"
        )),
        Ok(asked) => Turn { id: asked.id, request: Ok(request(asked, template)) },
        Err(error) => Turn {
            // A client that sends ids needs to know which request was not understood.
            id: serde_json::from_str::<Id<'a>>(text)
                .ok()
                .and_then(|asked| asked.id)
                .filter(|id| can_be_read(id)),
            ..unreadable(format!("the line is not a request: {}", what_is_wrong(&error)))
        },
    }
}

fn request(asked: Asked<'_>, template: &Template) -> Request {
    let mut request = template.request(asked.key);
    if let Some(ip) = asked.ip.filter(|ip| !ip.is_empty()) {
        // Something that is not an address counts as an unknown address.
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

/// What serde says about a line, without its content, which may be a secret.
fn what_is_wrong(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Data => "a field is missing, unknown or of the wrong type",
        _ => "it is not JSON",
    }
}
