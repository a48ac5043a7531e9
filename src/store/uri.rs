//! The URI of a store on a server (libpq's, PostgreSQL documentation, section 34.1.1.2).
//!
//! This module never reads the environment or a file.

use std::ffi::OsString;

/// How a variable of the environment is looked up. `PGUSER` gives the account's name where nothing else is set.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<OsString>;

pub(super) const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

/// Whether a store's name is a server's URI.
pub fn is_uri(named: &str) -> bool {
    SCHEMES.iter().any(|scheme| named.starts_with(scheme))
}

/// Whether a text has a server's URI with a password in it.
pub fn has_password(text: &str) -> bool {
    let mut uris = SCHEMES.iter().flat_map(|scheme| text.split(scheme).skip(1));
    uris.any(|rest| {
        let (front, query) = rest.split_once('?').unwrap_or((rest, ""));
        let login = front.rsplit_once('@').map(|(login, _)| login);
        let mut names = query.split('&').map(|pair| pair.split('=').next().unwrap_or_default());
        login.is_some_and(|login| login.contains(':'))
            || names.any(|name| decoded(name) == "password")
    })
}

/// A part of a URI without percent signs (RFC 3986, section 2.1).
pub(super) fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, others @ ..] = rest {
        let hex = others.first_chunk::<2>().and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &others[2..];
            }
            _ => {
                bytes.push(*first);
                rest = others;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_a_uri_is_found_wherever_it_stands() {
        for text in [
            "postgres://u:p@h/db",
            "--store=postgresql://u:p@h:1/db",
            "postgres:///db?user=u&password=p",
            "postgres:///db?pass%77ord=p",
            "postgres://u:p/q@h/db",
        ] {
            assert!(has_password(text), "{text}");
        }
        for text in
            ["postgres://u@h:5432/db", "postgres:///db?host=/s&port=1", "https://u:p@h/", "u:p@h"]
        {
            assert!(!has_password(text), "{text}");
        }
    }
}
