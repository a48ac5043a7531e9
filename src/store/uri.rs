//! The URI of a store on a server (libpq's, PostgreSQL documentation, section 34.1.1.2).
//!
//! This module never reads the environment or a file.

use std::ffi::OsString;

use crate::domain::percent::decoded;

/// How a variable of the environment is looked up. `PGUSER` gives the account's name where nothing else is set.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The schema that a store on a server is in unless its URI says otherwise.
pub(super) const SCHEMA: &str = "keyward";

pub(super) const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

/// Whether a store's name is a server's URI.
pub fn is_uri(named: &str) -> bool {
    SCHEMES.iter().any(|scheme| named.starts_with(scheme))
}

/// The scheme of a URI (RFC 3986), where a text begins with one.
#[must_use]
pub fn scheme(named: &str) -> Option<&str> {
    let (scheme, _) = named.split_once("://")?;
    let is_one = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    is_one.then_some(scheme)
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
