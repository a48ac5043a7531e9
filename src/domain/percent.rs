//! Percent-encoding (RFC 3986, section 2.1), in URLs, header fields and the URIs of stores.
//!
//! This module never fails: what is not an escape stands for itself.

use std::borrow::Cow;
use std::fmt::Write;

use crate::domain::digest::nibble;

/// A text with its escapes undone. Bytes that are not UTF-8 are replaced.
pub fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = match rest {
            [b'%', high, low, ..] => nibble(*high).zip(nibble(*low)),
            _ => None,
        };
        match escaped {
            Some((high, low)) => {
                bytes.push(high << 4 | low);
                rest = &rest[3..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned().into()
}

/// The name and value pairs of a query or a form (WHATWG URL, `application/x-www-form-urlencoded`).
pub fn pairs(text: &str) -> impl Iterator<Item = (String, String)> {
    let meant = |part: &str| decoded(&part.replace('+', " ")).into_owned();
    text.split('&').filter(|pair| !pair.is_empty()).map(move |pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (meant(name), meant(value))
    })
}

/// Adds a text as the value of a header field: plain letters, digits and what stands in ids and scopes as they are, everything
/// else escaped. A lone dash, which stands for nothing, is escaped too.
pub fn encode(text: &str, to: &mut String) {
    if text == "-" {
        to.push_str("%2D");
        return;
    }
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => to.push(char::from(byte)),
            _ if b"-._~:/@+=".contains(&byte) => to.push(char::from(byte)),
            _ => write!(to, "%{byte:02X}").expect("memory takes every byte"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_escape_stands_for_itself() {
        for (text, meant) in
            [("a%2Fb", "a/b"), ("%", "%"), ("%4", "%4"), ("%zz%41", "%zzA"), ("%ff", "\u{fffd}")]
        {
            assert_eq!(decoded(text), meant);
        }
    }

    #[test]
    fn a_query_has_pairs_in_their_order() {
        let found: Vec<_> = pairs("a=1&&b&c=x+y%3D&a=").collect();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(found, [pair("a", "1"), pair("b", ""), pair("c", "x y="), pair("a", "")]);
    }

    proptest! {
        #[test]
        fn every_text_comes_back_from_a_header(text in any::<String>()) {
            let mut encoded = String::new();
            encode(&text, &mut encoded);
            prop_assert!(encoded != "-" && encoded.bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert!(!encoded.contains([',', ';', '"', '\\']));
            prop_assert_eq!(decoded(&encoded), text);
        }
    }
}
