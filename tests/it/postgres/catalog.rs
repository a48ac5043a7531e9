//! What a store's schema on a server is held against is what the migrations make.
//!
//! `KEYWARD_BLESS=1 cargo test --features postgres --test it postgres::catalog` writes it again.

use std::fs;
use std::path::PathBuf;

use crate::generated::{blessing, repository, write};
use crate::migrations::steps;
use crate::support::server::Server;

#[test]
fn the_catalog_is_what_the_migrations_make() {
    let Some(server) = Server::shared() else { return };
    let folder = repository("src/store/postgres");
    let read = |path: PathBuf| fs::read_to_string(path).expect("a file of the source");
    server.psql("CREATE SCHEMA made");
    let list = read(folder.join("catalog.sql"));
    let mut made = String::new();
    for step in steps("postgres").into_iter().chain([list]) {
        let statements = step
            .replace("keyward.", "made.")
            .replace("SCHEMA keyward", "SCHEMA made")
            .replace("nspname = 'keyward'", "nspname = 'made'");
        made = server.psql(&statements) + "\n";
    }
    let catalog = folder.join("catalog.txt");
    if blessing() {
        write(&catalog, &made);
    }
    assert_eq!(read(catalog), made, "KEYWARD_BLESS=1 writes it");
}
