//! Which key an HTTP request presents, by the header fields that may carry one (RFC 6750, RFC 9110).
//!
//! This module never chooses between two credentials: what is behind it might choose the other.

/// What a request presents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presented<'a> {
    Nothing,
    /// One, once or several times.
    Key(&'a str),
    /// Something that cannot be a key's secret.
    Malformed,
    /// Several credentials that differ, or what could be several.
    Ambiguous,
}

/// The header field whose value names a scheme first.
const WITH_SCHEME: &str = "authorization";
const SCHEME: &str = "bearer";

/// What these fields present: each its name in small letters and its value, of those that may carry a key.
pub fn presented<'a>(fields: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Presented<'a> {
    let mut found: Option<&'a [u8]> = None;
    for (name, value) in fields {
        let value = value.trim_ascii();
        if value.is_empty() {
            continue;
        }
        // As bytes: two fields that no text can be read from are two credentials all the same.
        let is_other = found
            .replace(value_of(name, value))
            .is_some_and(|first| first != value_of(name, value) || first.is_empty());
        if is_other {
            return Presented::Ambiguous;
        }
    }
    match found.map(std::str::from_utf8) {
        None | Some(Ok("")) => Presented::Nothing,
        Some(Err(_)) => Presented::Malformed,
        // Proxies join two fields with a comma.
        Some(Ok(key)) if key.contains([' ', '\t', ',']) => Presented::Ambiguous,
        Some(Ok(key)) => Presented::Key(key),
    }
}

/// The key in a field; empty where the field has another scheme's credential.
fn value_of<'a>(name: &str, value: &'a [u8]) -> &'a [u8] {
    if name != WITH_SCHEME {
        return value;
    }
    let end = value.iter().position(u8::is_ascii_whitespace).unwrap_or(value.len());
    let (scheme, rest) = value.split_at(end);
    if scheme.eq_ignore_ascii_case(SCHEME.as_bytes()) { rest.trim_ascii() } else { b"" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<'a>(fields: &[(&'a str, &'a str)]) -> Presented<'a> {
        presented(fields.iter().map(|(name, value)| (*name, value.as_bytes())))
    }

    #[test]
    fn one_key_is_found_whatever_field_has_it() {
        for fields in [
            &[("authorization", "Bearer k1")][..],
            &[("authorization", "bearer  k1 ")],
            &[("x-api-key", "k1")],
            &[("authorization", ""), ("x-api-key", " k1")],
            &[("authorization", "Bearer k1"), ("x-api-key", "k1")],
            &[("authorization", "Bearer k1"), ("authorization", "BEARER k1")],
        ] {
            assert_eq!(of(fields), Presented::Key("k1"), "{fields:?}");
        }
    }

    #[test]
    fn no_key_is_none() {
        for fields in [
            &[][..],
            &[("authorization", "")],
            &[("authorization", "Bearer")],
            &[("authorization", "Bearer ")],
            &[("authorization", "Basic azE6")],
            &[("authorization", "Bearerk1")],
            &[("x-api-key", " ")],
        ] {
            assert_eq!(of(fields), Presented::Nothing, "{fields:?}");
        }
        assert_eq!(presented([("x-api-key", &b"k\xff"[..])]), Presented::Malformed);
    }

    #[test]
    fn what_could_be_two_credentials_is_refused() {
        for fields in [
            &[("authorization", "Bearer k1"), ("authorization", "Bearer k2")][..],
            &[("authorization", "Bearer k1"), ("x-api-key", "k2")],
            &[("authorization", "Basic azE6"), ("authorization", "Bearer k1")],
            &[("authorization", "Bearer k1"), ("authorization", "Basic azE6")],
            &[("authorization", "Basic azE6"), ("authorization", "Basic azI6")],
            &[("authorization", "Bearer k1,Bearer k2")],
            &[("authorization", "Bearer k1, Bearer k1")],
            &[("authorization", "Bearer k1 k2")],
            &[("x-api-key", "k1,k2")],
            &[("x-api-key", "k1\tk2")],
        ] {
            assert_eq!(of(fields), Presented::Ambiguous, "{fields:?}");
        }
    }
}
