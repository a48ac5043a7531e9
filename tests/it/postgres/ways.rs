//! How often a command waits for the server: over a network that is what takes the time.

use super::proxy::{Cut, Proxy};
use super::sandbox;
use crate::support::Sandbox;
use crate::support::server::Server;

/// A store with a key, the proxy before it, and the key's secret.
fn with_key() -> Option<(Sandbox, Proxy, String)> {
    let sandbox = sandbox()?;
    let secret = sandbox.mint("pay");
    let proxy = Proxy::start(Server::shared().expect("it is there"));
    Some((sandbox, proxy, secret))
}

#[test]
fn a_mint_waits_for_the_server_eight_times_at_most() {
    let Some((sandbox, proxy, _)) = with_key() else { return };
    assert_eq!(proxy.ways(&sandbox, &Cut::of(&["mint", "first"])), 8);
    assert_eq!(proxy.ways(&sandbox, &Cut::of(&["mint", "second", "-w", "default"])), 7);
    sandbox.keyward(["workspace", "use", "default"]).ok();
    assert_eq!(proxy.ways(&sandbox, &Cut::of(&["mint", "third", "--out", "third.key"])), 7);
}

#[test]
fn a_verify_waits_for_the_server_four_times_at_most() {
    let Some((sandbox, proxy, secret)) = with_key() else { return };
    let verify = |flags: &[&str], secret: &str| {
        let arguments = [&["verify"], flags].concat();
        proxy.ways(&sandbox, &Cut { stdin: secret.to_owned(), ..Cut::of(&arguments) })
    };
    assert_eq!(verify(&[], &secret), 4);
    assert_eq!(verify(&[], &secret), 4);
    assert_eq!(verify(&["--no-record"], &secret), 3);
    let usage = sandbox.keyward(["usage"]).answer();
    assert_eq!(usage["usage"][0]["valid"], 2, "{usage:#}");
}

#[test]
fn a_change_waits_for_the_server_nine_times_at_most() {
    let Some((sandbox, proxy, _)) = with_key() else { return };
    let id = sandbox.id_of("pay");
    let ways = |key: &str, owner: &str| {
        proxy.ways(&sandbox, &Cut::of(&["set", key, "--owner", owner, "-w", "default"]))
    };
    // Whose name it is costs one more.
    assert_eq!((ways("pay", "me"), ways(&id, "you")), (9, 8));
}
