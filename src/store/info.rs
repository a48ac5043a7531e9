//! What `store info` says of a store.

use std::path::PathBuf;

/// Facts about a store.
#[derive(Debug, Clone, Default)]
pub struct Info {
    /// The schema's number.
    pub schema: i64,
    /// How a file's changes are kept until they are in it.
    pub journal_mode: Option<String>,
    /// The size in bytes: of a file without its log, of a server's tables with their indexes.
    pub size_bytes: u64,
    /// The trusted folder, if the store is in it.
    pub trusted_folder: Option<PathBuf>,
    /// How many workspaces there are.
    pub workspaces: u64,
    /// How many key records there are, dead ones included.
    pub keys: u64,
    /// The server that it is on.
    pub server: Option<ServerInfo>,
}

/// Facts about a server and what this connection has to do with it.
#[derive(Debug, Clone)]
pub struct ServerInfo {
    /// The server's version.
    pub version: String,
    /// The hosts or sockets, with their ports.
    pub server: String,
    /// The database.
    pub database: String,
    /// The role that keyward acts as there.
    pub role: String,
    /// The schema that the store's tables are in.
    pub schema: String,
    /// What a change waits for.
    pub synchronous_commit: String,
    /// The standbys that have a change before it is confirmed; empty for none.
    pub synchronous_standbys: String,
}
