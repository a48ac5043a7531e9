//! `keyward serve`: a real server on real sockets, and whoever asks it.

// A running server, and requests as bytes.
pub mod client;
// `/v1/auth`: what passes, what is refused and how, and what a client may not choose.
mod auth;
// Where a client comes from, as proxies say it and as clients would have it.
mod address;
// `/v1/verify`, `/v1/introspect` and the health of the service.
mod verify;
// What requests and connections may cost: sizes, times, numbers, and a limit over several processes.
mod limits;
// Where it listens, and how it begins and ends.
mod life;
// keyward's own management routes: who may do what, and what is left in the trail.
mod manage;
// Callers of the management side that are refused again and again, and problem details.
mod strangers;
// A server that is killed at any system call of a mint.
mod killed;
// A secret in a response: a client or a server that is gone at any moment leaves no live key without a holder.
mod deliver;
// The documented systems' own clients, read out of their pages.
mod documented;
// The recipes of docs/gateways.md, each in front of an API with the real proxy.
mod gateways;
