//! The addresses of a server, and what a connection to one is made with.
//!
//! This module never connects.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use zeroize::Zeroizing;

/// What a connection is made with, by libpq's names.
pub(super) type Parameters = BTreeMap<String, Zeroizing<String>>;

/// How a connection over a network is protected. One through a Unix socket is plain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protection {
    /// Not at all.
    Plain,
    /// By TLS if the server has it, with whatever certificate.
    Preferred,
    /// By TLS, with whatever certificate.
    Unverified,
    /// By TLS with a certificate of a known authority, for whatever name.
    Authority,
    /// By TLS with a certificate of a known authority for the server's name.
    Full,
}

/// One of the places where the server may be.
#[derive(Clone)]
pub(super) struct Address {
    pub host: Host,
    pub port: u16,
    pub password: Option<Zeroizing<String>>,
}

#[derive(Debug, Clone)]
pub(super) enum Host {
    /// The folder of a Unix socket.
    Socket(PathBuf),
    Name(String),
}

impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(folder) => folder.display().fmt(formatter),
            Self::Name(name) => formatter.write_str(name),
        }
    }
}
