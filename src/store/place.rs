//! Where a store is: the path of a file, or a server's URI.
//!
//! This module never shows a password.

use std::fmt;
use std::path::{Path, PathBuf};

#[cfg(feature = "postgres")]
use super::postgres::Server;
use super::uri::{SCHEMA, Variables, is_uri, scheme};
use crate::domain::SafePath;
use crate::domain::sanitize::path_text;
use crate::error::{Error, Kind, Result};

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
        let foreign = named.to_str().filter(|text| !is_uri(text)).and_then(scheme);
        if let Some(scheme) = foreign {
            // What follows may have a password in it.
            let message =
                format!("a store is a file or a database of PostgreSQL, not {scheme}://…");
            return Err(Error::usage(message)
                .hinted("write the path of a file, or postgres://USER@HOST/DATABASE"));
        }
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

/// The error of what only a store in a file has.
#[cfg(feature = "postgres")]
pub(super) fn of_files(what: &str) -> Error {
    let instead = "back the database up with pg_dump, or copy the store's records with `keyward store export`";
    Error::usage(format!("{what} is for a store in a file")).hinted(instead)
}

/// What a role needs to administer a store on a server in this schema, and what one needs to verify with it, as statements for
/// psql.
fn roles(schema: &str) -> String {
    let text = include_str!("roles.sql");
    match schema {
        SCHEMA => text.to_owned(),
        other => text
            .replace("keyward_", &format!("{other}_"))
            .replace("keyward.", &format!("{other}."))
            .replace("SCHEMA keyward", &format!("SCHEMA {other}")),
    }
}
