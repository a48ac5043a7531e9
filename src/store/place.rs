//! Where a store is: the path of a file, or a server's URI.
//!
//! This module never shows a password.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

#[cfg(feature = "postgres")]
use super::postgres::Server;
use super::roles::{SCHEMA, roles};
use crate::domain::SafePath;
use crate::domain::sanitize::path_text;
use crate::error::{Error, Kind, Result};

/// How a variable of the environment is looked up. `PGUSER` gives the account's name where nothing else is set.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<OsString>;

const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

/// Where a store is.
#[derive(Debug, Clone)]
pub enum Place {
    /// In a file.
    File(PathBuf),
    /// On a server.
    #[cfg(feature = "postgres")]
    Server(Box<Server>),
}

impl Place {
    /// What a path or a URI names. What a URI leaves out comes from variables of the environment, as for libpq.
    ///
    /// # Errors
    /// `usage` for a URI that cannot be read or that this keyward cannot use; `permissions`, `io` of the files it needs.
    pub fn find(named: &Path, variable: Variables<'_>) -> Result<Self> {
        match named.to_str().filter(|text| is_uri(text)) {
            None => Ok(Self::File(named.to_owned())),
            #[cfg(feature = "postgres")]
            Some(uri) => Server::find(uri, variable).map(|server| Self::Server(Box::new(server))),
            #[cfg(not(feature = "postgres"))]
            Some(_) => {
                let _ = variable;
                let message = "this keyward was built without support for PostgreSQL";
                Err(Error::usage(message).hinted(
                    "name a file with --store, or build it with `cargo install keyward --features postgres`",
                ))
            }
        }
    }

    /// The file; an error for a server, of which the operation makes no sense.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(unused_variables, reason = "without servers everything is a file")
    )]
    pub fn file(self, operation: &str) -> Result<PathBuf> {
        match self {
            Self::File(path) => Ok(path),
            #[cfg(feature = "postgres")]
            Self::Server(_) => Err(of_files(operation)),
        }
    }

    /// Whether a command that needs a store makes one here by itself.
    pub fn makes_itself(&self) -> bool {
        match self {
            Self::File(_) => true,
            #[cfg(feature = "postgres")]
            Self::Server(_) => false,
        }
    }

    /// The SQL of roles for the store on this server; where it is in a file, for one in the usual schema.
    pub fn roles(&self) -> String {
        match self {
            Self::File(_) => roles(SCHEMA),
            #[cfg(feature = "postgres")]
            Self::Server(server) => roles(server.schema()),
        }
    }

    /// As data: the path or the URI.
    pub fn text(&self) -> String {
        match self {
            Self::File(path) => path_text(path),
            #[cfg(feature = "postgres")]
            Self::Server(server) => server.to_string(),
        }
    }

    /// The error of a store that is not there.
    pub fn absent(&self) -> Error {
        let error = Error::new(Kind::StoreNotFound, format!("no store at {self}"));
        match self {
            Self::File(_) => error.hinted(
                "`keyward store create` makes an empty one; --store and KEYWARD_STORE name another",
            ),
            #[cfg(feature = "postgres")]
            Self::Server(_) => error.hinted("`keyward store create` makes its tables"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => SafePath(path).fmt(formatter),
            #[cfg(feature = "postgres")]
            Self::Server(server) => server.fmt(formatter),
        }
    }
}

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

/// The error of what only a store in a file has.
#[cfg(feature = "postgres")]
pub(super) fn of_files(what: &str) -> Error {
    let instead = "back the database up with pg_dump, or copy the store's records with `keyward store export`";
    Error::usage(format!("{what} is for a store in a file")).hinted(instead)
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
