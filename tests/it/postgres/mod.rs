//! A store on a PostgreSQL server that the tests make themselves. Where PostgreSQL is not installed they are skipped, which says so;
//! in CI that is a failure.

// What a schema is held against.
mod catalog;
// What every command does there, as with a file.
mod commands;
// Counts over several hosts: caps, rates, quotas.
mod counting;
// Passwords, service files, TLS.
mod credentials;
// A connection that is cut at any message.
mod cut;
// A server that is killed, and the standby that takes over.
mod failover;
// Servers that are killed, restarted, behind, or held up.
mod gone;
// Hosts with networks of their own, one of which is cut off.
mod hosts;
// Records that move from a file to a server and back.
mod moving;
// What was planted in a schema.
mod planted;
// How the server finds rows.
mod plans;
// What cuts a connection after any message.
mod proxy;
// PgBouncer between keyward and the server.
mod pooled;
// No host says valid once a command has taken something away.
mod revoking;
// What each role may do.
mod roles;
// `keyward serve` in front of a store on a server.
mod serving;
// The library in the tasks of a runtime.
mod tasks;
// How often a command waits for the server.
mod ways;

use crate::support::Sandbox;
use crate::support::server::Server;

/// A sandbox with a store of its own on the server that tests share.
fn sandbox() -> Option<Sandbox> {
    Server::shared().map(Sandbox::on_server)
}

/// The schema that a sandbox's store is in.
fn schema(sandbox: &Sandbox) -> String {
    let place = sandbox.place().expect("its store is on a server");
    place.rsplit_once("schema=").expect("the schema comes last").1.to_owned()
}
