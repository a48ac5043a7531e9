//! The library in a service whose calls run in tasks of a runtime of Tokio's, which starts no other runtime on its threads.

use std::path::{Path, PathBuf};
use std::time::Duration;

use keyward::{Code, Keyring, MintRequest, Request, RevokeReason, RevokeRequest, Secret, Verifier};
use tokio::runtime::{Builder, Runtime};

use super::sandbox;
use crate::support::time::now;

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Mints a key, verifies it, revokes it, verifies it again, and lets go of everything.
fn all_calls(place: &Path, name: &str) {
    let wait = Duration::from_secs(10);
    let clock = || keyward::Timestamp::from_millis(now());
    let mut keyring = Keyring::open(place, wait, clock).expect("there is a store");
    let mut secret = String::new();
    let request = MintRequest::new(name.parse().expect("a name"));
    let key = keyring.mint(&request, |_, minted| {
        minted.expose().clone_into(&mut secret);
        std::io::Result::Ok(())
    });
    let key = key.expect("minted");
    let mut verifier = Verifier::open(place, wait, |key| key.name).expect("there is a store");
    let request = Request::new(Secret::new(secret));
    for _ in 0..3 {
        assert_eq!(verifier.verify(&request, clock()).expect("judged").code, Code::Valid);
    }
    verifier.flush().expect("recorded");
    keyring
        .revoke(&RevokeRequest::new(key.id.as_str(), RevokeReason::Unspecified))
        .expect("revoked");
    assert_eq!(verifier.verify(&request, clock()).expect("judged").code, Code::Revoked);
    // One is closed, and the other dropped.
    verifier.close().expect("recorded");
}

#[test]
fn every_call_works_in_a_task_and_on_the_threads_for_blocking_calls() {
    let Some(sandbox) = sandbox() else { return };
    let place = PathBuf::from(sandbox.place().expect("on a server"));
    runtime().block_on(async { all_calls(&place, "task") });
    runtime().block_on(async {
        let blocking = tokio::task::spawn_blocking(move || all_calls(&place, "blocking"));
        blocking.await.expect("it does not panic");
    });
    let usage = sandbox.keyward(["usage"]).answer();
    let counts = usage["usage"].as_array().expect("an array").iter();
    assert_eq!(counts.filter_map(|one| one["valid"].as_i64()).sum::<i64>(), 6, "{usage}");
}
