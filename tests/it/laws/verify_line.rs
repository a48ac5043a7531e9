//! Lines of the stream: a line is read exactly as JSON says, is answered under its own id, and is never repeated when it is
//! refused, as it may hold a secret.
//!
//! An input is a line without its end.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use keyward::commands::stream::{Template, turn};
use keyward::context::{LONGEST_LINE, Line};
use keyward::domain::address::read_address;
use keyward::domain::verdict::Ask;
use keyward::error::Kind;
use keyward::ops::verifier::Request;
use keyward::output::json;
use keyward::output::view::VerdictView;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::shown::{assert_harmless, assert_presentable};

/// All that may be said of a line that is refused.
const REFUSALS: [&str; 5] = [
    "the line is longer than 65536 bytes",
    "the line is not UTF-8 text",
    "the line is not a request: a field is missing, unknown or of the wrong type",
    "the line is not a request: it is not JSON",
    "the field id is nested deeper than 128 levels, or has half a character",
];

/// The fields a line may have.
const FIELDS: [&str; 6] = ["key", "id", "environment", "scopes", "ip", "cost"];

/// Holds the reading of lines to its laws.
pub fn hold(data: &[u8]) {
    // What the options say, so that a line is seen to go before them.
    let template = Template {
        ask: Ask {
            environment: Some("staging".to_owned()),
            address: Some(IpAddr::from([192, 0, 2, 7])),
            scopes: vec!["read".to_owned(), "write".to_owned()],
        },
        workspace: None,
        cost: 7,
        record: false,
    };
    let line = match data.len() {
        ..=LONGEST_LINE => Line::Whole(data),
        _ => Line::TooLong,
    };
    let turn = turn(&line, &template);
    let expected = match line {
        Line::Whole(bytes) => {
            std::str::from_utf8(bytes).map_or((None, None), |text| expected(text, &template))
        }
        Line::TooLong => (None, None),
    };
    let id = turn.id.map(RawValue::get);
    assert_eq!(id, expected.0, "the id");
    match (&turn.request, &expected.1) {
        (Ok(request), Some(expected)) => assert_same(request, expected),
        (Err(error), None) => {
            assert_eq!(error.kind(), Kind::Usage);
            assert_presentable(error);
            let message = error.to_string();
            assert!(REFUSALS.contains(&message.as_str()), "{message}");
            assert_eq!(error.hint(), None);
            is_answered(&message, turn.id);
        }
        (Ok(_), None) => panic!("taken"),
        (Err(error), Some(_)) => panic!("refused: {error}"),
    }
}

/// The id and the request of a line, worked out field by field.
fn expected<'a>(text: &'a str, template: &Template) -> (Option<&'a str>, Option<Request>) {
    let mut request = Request {
        secret: keyward::domain::secret::Secret::new(text.to_owned()),
        workspace: None,
        ask: template.ask.clone(),
        cost: template.cost,
        record: template.record,
    };
    if !text.trim_start().starts_with('{') {
        return (None, Some(request));
    }
    let Ok(Object(fields)) = serde_json::from_str(text) else {
        return (None, None);
    };
    let ids: Vec<&str> = values(&fields, "id").collect();
    let id = Some(&ids).filter(|ids| ids.len() == 1).map(|ids| ids[0]);
    let (id, is_unanswerable) = match id {
        Some(id) if !is_readable(id) => (None, true),
        id => (id, false),
    };
    let names: BTreeSet<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    let are_known = names.iter().all(|name| FIELDS.contains(name));
    if !are_known || names.len() != fields.len() || is_unanswerable {
        return (id, None);
    }
    let fill = || -> Option<Request> {
        let key: Option<String> = read(values(&fields, "key").next()?)?;
        request.secret = keyward::domain::secret::Secret::new(key.unwrap_or_default());
        let environment = optional::<String>(&fields, "environment")?;
        if let Some(environment) = environment.filter(|text| !text.is_empty()) {
            request.ask.environment = Some(environment);
        }
        if let Some(scopes) = optional(&fields, "scopes")? {
            request.ask.scopes = scopes;
        }
        if let Some(ip) = optional::<String>(&fields, "ip")?
            && !ip.is_empty()
        {
            request.ask.address = read_address(&ip);
        }
        if let Some(cost) = optional::<f64>(&fields, "cost")? {
            let is_whole = cost.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&cost);
            request.cost = is_whole.then_some(cost as u32)?;
        }
        Some(request)
    };
    (id, fill())
}

/// Whether a piece of JSON has at most 128 levels, and texts of whole characters alone.
fn is_readable(json: &str) -> bool {
    let (mut levels, mut deepest, mut began, mut escaped) = (0_usize, 0, None, false);
    for (at, character) in json.char_indices() {
        match (character, began) {
            _ if escaped => escaped = false,
            ('\\', Some(_)) => escaped = true,
            ('"', None) => began = Some(at),
            // serde_json checks every character of a text that is kept.
            ('"', Some(start)) if read::<String>(&json[start..=at]).is_none() => return false,
            ('"', Some(_)) => began = None,
            ('[' | '{', None) => levels += 1,
            (']' | '}', None) => levels -= 1,
            _ => {}
        }
        deepest = deepest.max(levels);
    }
    deepest <= 128
}

/// The values of the fields of this name.
fn values<'a>(fields: &[(String, &'a RawValue)], name: &str) -> impl Iterator<Item = &'a str> {
    fields.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.get())
}

fn read<T: for<'de> Deserialize<'de>>(value: &str) -> Option<T> {
    serde_json::from_str(value).ok()
}

/// A field that may be left out or null; nothing when it is of the wrong type.
fn optional<T: for<'de> Deserialize<'de>>(
    fields: &[(String, &RawValue)],
    name: &str,
) -> Option<Option<T>> {
    match values(fields, name).next() {
        Some(value) => read(value),
        None => Some(None),
    }
}

fn assert_same(request: &Request, expected: &Request) {
    assert_eq!(request.secret.expose(), expected.secret.expose());
    assert_eq!(request.ask.environment, expected.ask.environment);
    assert_eq!(request.ask.scopes, expected.ask.scopes);
    assert_eq!(request.ask.address, expected.ask.address);
    assert_eq!(request.cost, expected.cost);
    assert_eq!(request.record, expected.record);
}

/// The answer to a refused line is a line of ASCII, and its id the value that was sent.
fn is_answered(message: &str, id: Option<&RawValue>) {
    let view = VerdictView::none("bad_request", 400, message).to(id);
    let answer = json::to_string(&view);
    assert!(answer.bytes().all(|byte| matches!(byte, b' '..=b'~')));
    assert_harmless(&answer);
    let Object(fields) = serde_json::from_str(&answer).expect(&answer);
    let answered = values(&fields, "id").next();
    assert_eq!(answered.is_some(), id.is_some());
    if let (Some(answered), Some(id)) = (answered, id.map(RawValue::get)) {
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
        assert_eq!(value(answered), value(id), "{answer}");
    }
}

/// An object's fields in their order, those of the same name too.
struct Object<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Object<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Object(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}
