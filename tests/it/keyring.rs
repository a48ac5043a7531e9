//! The library's `Keyring`: a service mints, rotates and revokes, and delivers each secret by a closure of its own.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use keyward::{
    Code, Key, Keyring, Kind, MintRequest, Request, RevokeReason, RevokeRequest, RotateRequest,
    RotateTerms, Secret, Status, Timestamp, Verifier,
};
use rustix::process::{Signal, getpid, kill_process};

use crate::support::time::now;
use crate::support::{Sandbox, text, variable};

const WAIT: Duration = Duration::from_secs(10);

/// Tells the test binary that it is a process that is killed while it delivers, and where its store is.
const KILLED: &str = "KEYWARD_KILLED_KEYRING";
/// The test that such a process runs.
const KILLED_TEST: &str = "keyring::a_process_is_killed_in_its_closure";

/// What a closure can fail with.
type Undelivered = std::io::Error;

fn open(store: &Path) -> Keyring {
    let clock = || Timestamp::from_millis(now());
    Keyring::open(store, WAIT, clock).expect("there is a store")
}

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let _ = sandbox.keyward(["store", "create"]).ok();
    sandbox
}

fn named(name: &str) -> MintRequest {
    MintRequest::new(name.parse().expect("a name"))
}

fn of(key: &Key) -> RotateRequest {
    RotateRequest::new(key.id.as_str())
}

fn judge(sandbox: &Sandbox, secret: &Secret) -> Code {
    let mut verifier =
        Verifier::open(&sandbox.named(), WAIT, |key| key.name).expect("there is a store");
    let verdict = verifier.verify(&Request::new(secret.clone()), Timestamp::from_millis(now()));
    verdict.expect("the store can be read").code
}

#[test]
fn a_keyring_may_go_to_another_thread_and_takes_the_systems_clock() {
    fn is_send<T: Send>(_: &T) {}
    let sandbox = sandbox();
    #[expect(clippy::disallowed_methods, reason = "what a service gives")]
    let keyring = Keyring::open(&sandbox.named(), WAIT, SystemTime::now);
    is_send(&keyring.expect("there is a store"));
}

#[test]
fn a_key_verifies_once_the_closure_has_delivered_its_secret_and_not_before() {
    let sandbox = sandbox();
    let mut keyring = open(&sandbox.named()).acting_as("billing");
    let mut delivered = None;
    let key = keyring.mint(&named("customer"), |key, secret| {
        assert_eq!(judge(&sandbox, secret), Code::Pending);
        assert_eq!(key.name, "customer");
        delivered = Some(secret.clone());
        Ok::<(), Undelivered>(())
    });
    let key = key.expect("it was delivered");
    let secret = delivered.expect("the closure was called");
    assert_eq!(judge(&sandbox, &secret), Code::Valid);
    assert_eq!(key.status(Timestamp::from_millis(now())), Status::Active);
    let shown = sandbox.show("customer");
    assert_eq!(text(&shown, "id"), key.id.as_str());
    assert_eq!(text(&shown, "createdBy"), "operator:billing");
}

#[test]
fn a_closure_that_fails_leaves_a_void_key_and_a_free_name() {
    let sandbox = sandbox();
    let mut keyring = open(&sandbox.named());
    let mut delivered = None;
    let refused = keyring.mint(&named("customer"), |_, secret| {
        delivered = Some(secret.clone());
        Err(std::io::Error::other("the customer hung up"))
    });
    let error = refused.expect_err("nothing was delivered");
    assert_eq!(error.kind(), Kind::DeliveryFailed);
    assert_eq!(
        error.to_string(),
        "the secret was not delivered: the customer hung up; the key is void"
    );
    let secret = delivered.expect("the closure was called");
    assert_eq!(judge(&sandbox, &secret), Code::Revoked);
    let listed = sandbox.keyward(["list", "--all"]).answer();
    assert_eq!(listed["keys"][0]["revokedReason"], "undelivered");
    let again = keyring.mint(&named("customer"), |_, _| Ok::<(), Undelivered>(()));
    assert_eq!(again.expect("the name is free").name, "customer");
}

#[test]
fn a_closure_that_fails_after_the_holder_has_presented_the_secret_leaves_a_live_key() {
    let sandbox = sandbox();
    let minted = open(&sandbox.named()).mint(&named("customer"), |_, secret| {
        let activate = sandbox.keyward(["activate"]).stdin(secret.expose());
        let _ = activate.ok();
        Err("the answer was lost on its way back")
    });
    assert_eq!(
        minted.expect_err("the closure failed").to_string(),
        "the secret was not delivered: the answer was lost on its way back; the key is live, because its secret was \
         presented meanwhile"
    );
    assert_eq!(sandbox.show("customer")["status"], "active");
}

#[test]
fn a_process_that_is_killed_in_the_closure_leaves_no_live_key() {
    let sandbox = sandbox();
    let binary = std::fs::read_link("/proc/self/exe").expect("the test knows its own binary");
    let status = Command::new(binary)
        .args(["--exact", KILLED_TEST, "--test-threads=1"])
        .env(KILLED, sandbox.store_path())
        .stdout(Stdio::null())
        .status()
        .expect("the test's own binary can be started");
    assert_eq!(status.signal(), Some(Signal::KILL.as_raw()), "{status}");
    let secret = std::fs::read_to_string(handed_to(&sandbox.store_path()));
    let secret = Secret::new(secret.expect("the closure has delivered"));
    assert_eq!(judge(&sandbox, &secret), Code::Pending);
    assert_eq!(sandbox.show("customer")["status"], "pending");
}

/// Where the process that is killed delivers to.
fn handed_to(store: &Path) -> PathBuf {
    store.with_file_name("handed-over")
}

/// What that process does; nothing in any other.
#[test]
fn a_process_is_killed_in_its_closure() {
    let Some(store) = variable(KILLED).map(PathBuf::from) else {
        return;
    };
    let minted = open(&store).mint(&named("customer"), |_, secret| {
        std::fs::write(handed_to(&store), secret.expose())?;
        kill_process(getpid(), Signal::KILL)?;
        Ok::<(), Undelivered>(())
    });
    panic!("it was killed, and went on to {minted:?}");
}

#[test]
fn a_rotation_leaves_the_old_key_untouched_unless_the_new_secret_was_delivered() {
    let sandbox = sandbox();
    let mut keyring = open(&sandbox.named());
    let mut secrets = Vec::new();
    let mut keep = |_: &Key, secret: &Secret| {
        secrets.push(secret.clone());
        Ok::<(), Undelivered>(())
    };
    let key = keyring.mint(&named("customer"), &mut keep).expect("minted");
    let rotated = keyring.rotate(&of(&key), &mut keep).expect("rotated");
    assert_eq!(rotated.old.id, key.id);
    assert_eq!(rotated.old.replaced_by.as_ref(), Some(&rotated.key.id));
    assert!(rotated.old.expires_at.is_some_and(|at| at.as_millis() > now()));
    let failed = keyring.rotate(&of(&rotated.key), |_, _| Err("no way to the customer"));
    assert_eq!(
        failed.expect_err("nothing was delivered").to_string(),
        "the secret was not delivered: no way to the customer; the key is void"
    );
    let both = secrets.iter().map(|secret| judge(&sandbox, secret));
    assert_eq!(both.collect::<Vec<_>>(), [Code::Valid, Code::Valid]);
}

#[test]
fn a_held_rotation_stays_pending_until_its_holder_activates_it() {
    let sandbox = sandbox();
    let mut keyring = open(&sandbox.named());
    let key = keyring.mint(&named("customer"), |_, _| Ok::<(), Undelivered>(()));
    let mut request = of(&key.expect("minted"));
    request.terms = RotateTerms { hold: true, ..RotateTerms::default() };
    let mut delivered = None;
    let rotated = keyring.rotate(&request, |_, secret| {
        delivered = Some(secret.clone());
        Ok::<(), Undelivered>(())
    });
    let rotated = rotated.expect("delivered");
    let secret = delivered.expect("the closure was called");
    assert_eq!(judge(&sandbox, &secret), Code::Pending);
    assert_eq!(rotated.old.replaced_by, None);
    let activate = sandbox.keyward(["activate"]).stdin(secret.expose());
    let _ = activate.ok();
    assert_eq!(judge(&sandbox, &secret), Code::Valid);
}

#[test]
fn a_revoked_key_verifies_nowhere_from_then_on() {
    let sandbox = sandbox();
    let mut keyring = open(&sandbox.named());
    let mut delivered = None;
    let key = keyring.mint(&named("customer"), |_, secret| {
        delivered = Some(secret.clone());
        Ok::<(), Undelivered>(())
    });
    let id = key.expect("minted").id;
    let secret = delivered.expect("the closure was called");
    let request = RevokeRequest::new(id.as_str(), RevokeReason::Retired);
    let revoked = keyring.revoke(&request).expect("revoked");
    assert!(revoked.keys.iter().all(|one| one.changed));
    assert_eq!(judge(&sandbox, &secret), Code::Revoked);
    assert_eq!(sandbox.show(id.as_str())["revokedReason"], "retired");
}

#[test]
fn a_keyring_mints_one_key_at_a_time() {
    let sandbox = sandbox();
    let mut request = named("customer");
    request.count = 2;
    let minted = open(&sandbox.named()).mint(&request, |_, _| Ok::<(), Undelivered>(()));
    assert_eq!(minted.expect_err("two are refused").kind(), Kind::Usage);
    assert_eq!(sandbox.listed(&[]), Vec::<String>::new());
}

#[test]
fn a_keyring_needs_a_store() {
    let sandbox = Sandbox::new();
    let clock = || Timestamp::from_millis(now());
    let opened = Keyring::open(&sandbox.named(), WAIT, clock);
    let error = opened.err().expect("there is no store");
    assert_eq!(error.kind(), Kind::StoreNotFound);
    assert!(!sandbox.store_path().exists());
}
