//! A store's file that is replaced, moved or deleted under a reader: the next request is judged by what is there now.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use keyward::domain::code::Code;
use keyward::domain::secret::Secret;
use keyward::domain::timestamp::Timestamp;
use keyward::error::Result;
use keyward::ops::verifier::{Request, Verifier};
use serde_json::Value;

use crate::support::Sandbox;
use crate::support::stream::Stream;
use crate::support::time::now;

/// A store with a key that another file, a copy made by a backup, has too.
struct Scene {
    sandbox: Sandbox,
    secret: String,
    other: PathBuf,
}

impl Scene {
    fn new() -> Self {
        let (sandbox, secret) = Sandbox::with_key("ci");
        let other = sandbox.home().join("other.db");
        sandbox.keyward(["store", "backup"]).args([&other]).ok();
        Self { sandbox, secret, other }
    }

    /// Puts the other file in the store's place, as `mv` does.
    fn swap(&self) {
        fs::rename(&self.other, self.sandbox.store_path()).expect("it can be moved");
    }

    fn aside(&self) -> PathBuf {
        self.sandbox.home().join("aside.db")
    }

    fn move_away(&self) {
        fs::rename(self.sandbox.store_path(), self.aside()).expect("it can be moved");
    }

    fn revoke(&self) {
        self.sandbox.keyward(["revoke", "ci", "--yes"]).ok();
    }

    /// How often the key was used, as the file in place has it.
    fn uses(&self) -> u64 {
        let usage = self.sandbox.keyward(["usage", "--by", "key"]).answer();
        let count = |row: &Value| row["valid"].as_u64().expect("a count");
        let rows = usage["usage"].as_array().expect("a list").iter();
        rows.map(count).sum()
    }

    fn verifier(&self) -> Verifier<String> {
        let wait = Duration::from_secs(10);
        Verifier::open(&self.sandbox.store_path(), wait, |key| key.name).expect("there is a store")
    }
}

fn judge(verifier: &mut Verifier<String>, secret: &str) -> Result<Code> {
    let request = Request::new(Secret::new(secret.to_owned()));
    let verdict = verifier.verify(&request, Timestamp::from_millis(now()))?;
    Ok(verdict.code)
}

#[test]
fn a_stream_goes_on_with_the_file_that_is_there() {
    let scene = Scene::new();
    let mut stream = Stream::start(&scene.sandbox, &[]);
    stream.expect(&scene.secret, "valid");
    scene.swap();
    scene.revoke();
    let verdict = stream.expect(&scene.secret, "revoked");
    assert_eq!(verdict["recorded"], true);
    let ended = stream.end();
    assert_eq!((ended.status, ended.stderr.as_str()), (0, ""));
    // The use that waited was of a key that the other file has too.
    assert_eq!(scene.uses(), 1);
}

#[test]
fn a_stream_says_503_while_there_is_no_file() {
    let scene = Scene::new();
    let mut stream = Stream::start(&scene.sandbox, &[]);
    stream.expect(&scene.secret, "valid");
    scene.move_away();
    for _ in 0..3 {
        let verdict = stream.expect(&scene.secret, "store_not_found");
        assert_eq!((&verdict["status"], &verdict["valid"]), (&503.into(), &false.into()));
    }
    assert_eq!(stream.expect("{", "bad_request")["status"], 400);
    // A file that is not a store is refused.
    fs::write(scene.sandbox.store_path(), "nothing").expect("written");
    let odd = stream.ask(&scene.secret);
    assert_eq!(odd["status"], 503, "{odd:#}");
    fs::remove_file(scene.sandbox.store_path()).expect("removed");
    scene.swap();
    stream.expect(&scene.secret, "valid");
    scene.revoke();
    stream.expect(&scene.secret, "revoked");
    let ended = stream.end();
    assert_eq!((ended.status, ended.stderr.as_str()), (0, ""));
    assert_eq!(scene.uses(), 2);
}

#[test]
fn a_stream_says_how_many_uses_were_lost() {
    // Another store, which does not have the key; and no store any more.
    let scene = Scene::new();
    let another = Sandbox::new();
    let theirs = another.mint("theirs");
    let mut stream = Stream::start(&scene.sandbox, &[]);
    for _ in 0..3 {
        stream.expect(&scene.secret, "valid");
    }
    fs::rename(another.store_path(), scene.sandbox.store_path()).expect("moved");
    stream.expect(&scene.secret, "not_found");
    stream.expect(&theirs, "valid");
    let ended = stream.end();
    assert_eq!(ended.status, 0);
    assert!(ended.stderr.contains("3 uses could not be recorded"), "{}", ended.stderr);
    assert_eq!(scene.uses(), 1, "theirs");

    let scene = Scene::new();
    let mut stream = Stream::start(&scene.sandbox, &[]);
    stream.expect(&scene.secret, "valid");
    scene.move_away();
    stream.expect(&scene.secret, "store_not_found");
    let ended = stream.end();
    assert_eq!(ended.status, 0);
    assert!(ended.stderr.contains("not recorded"), "{}", ended.stderr);
}

#[test]
fn a_limit_is_judged_by_the_file_that_is_there() {
    let sandbox = Sandbox::with_policy("default", "default_plan = \"p\"\n[plans.p]\nquota = 5\n");
    let secret = sandbox.mint("ci");
    let other = sandbox.home().join("other.db");
    sandbox.keyward(["store", "backup"]).args([&other]).ok();
    let mut stream = Stream::start(&sandbox, &[]);
    assert_eq!(stream.expect(&secret, "valid")["remaining"], 4);
    fs::rename(&other, sandbox.store_path()).expect("moved");
    stream.expect(&secret, "valid");
    sandbox.keyward(["revoke", "ci", "--yes"]).ok();
    stream.expect(&secret, "revoked");
    assert_eq!(stream.end().stderr, "");
}

#[test]
fn a_verifier_goes_on_with_the_file_that_is_there() {
    let scene = Scene::new();
    let mut verifier = scene.verifier();
    for _ in 0..3 {
        assert_eq!(judge(&mut verifier, &scene.secret).ok(), Some(Code::Valid));
    }
    scene.move_away();
    for _ in 0..2 {
        let error = judge(&mut verifier, &scene.secret).expect_err("there is no file");
        assert_eq!(error.kind().code(), "store_not_found");
    }
    assert_eq!(verifier.flush().expect_err("nowhere to write").kind().code(), "io");
    scene.swap();
    assert_eq!(judge(&mut verifier, &scene.secret).ok(), Some(Code::Valid));
    scene.revoke();
    assert_eq!(judge(&mut verifier, &scene.secret).ok(), Some(Code::Revoked));
    verifier.close().expect("every use is written");
    assert_eq!(scene.uses(), 4);
}

#[test]
fn a_verifier_says_how_many_uses_were_lost() {
    let scene = Scene::new();
    let another = Sandbox::new();
    another.mint("theirs");
    let mut verifier = scene.verifier();
    for _ in 0..2 {
        assert_eq!(judge(&mut verifier, &scene.secret).ok(), Some(Code::Valid));
    }
    fs::rename(another.store_path(), scene.sandbox.store_path()).expect("moved");
    assert_eq!(judge(&mut verifier, &scene.secret).ok(), Some(Code::NotFound));
    let error = verifier.flush().expect_err("two uses are lost");
    assert!(error.to_string().starts_with("2 uses could not be recorded"), "{error}");
    assert!(verifier.loss().is_none(), "it is told once");
    verifier.close().expect("there is nothing more");
}

/// The folder above may be a link, and be pointed elsewhere.
#[test]
fn a_folder_that_is_a_link_may_be_pointed_elsewhere() {
    let scene = Scene::new();
    let home = scene.sandbox.home();
    for folder in ["one", "two"] {
        let folder = home.join(folder);
        fs::create_dir(&folder).expect("made");
        fs::copy(&scene.other, folder.join("keyward.db")).expect("copied");
    }
    let point = |folder: &str| {
        let _ = fs::remove_file(home.join("next"));
        std::os::unix::fs::symlink(folder, home.join("next")).expect("linked");
        fs::rename(home.join("next"), home.join("current")).expect("renamed");
    };
    point("one");
    let store = home.join("current/keyward.db");
    let store = store.to_string_lossy();
    let mut stream = Stream::start(&scene.sandbox, &["--store", &store]);
    stream.expect(&scene.secret, "valid");
    point("two");
    let revoke = ["revoke", "ci", "--yes", "--store", &store];
    scene.sandbox.keyward(revoke).ok();
    stream.expect(&scene.secret, "revoked");
    assert_eq!(stream.end().status, 0);
}

/// One secret, read after the store was opened: the file may be another by then.
#[test]
fn a_single_verdict_is_of_the_file_that_is_there_when_the_secret_comes() {
    let scene = Scene::new();
    let swap = format!(
        "(sleep 1; mv other.db {path}; keyward revoke ci --yes --quiet; printf %s {secret}) | keyward verify",
        path = scene.sandbox.store_path().display(),
        secret = scene.secret,
    );
    let run = scene.sandbox.program("sh", ["-c", &swap]);
    let run = run.env("PATH", crate::support::docs::path_with_keyward());
    let output = run.exit(11);
    assert!(output.stdout.starts_with("revoked: ci"), "{}", output.stdout);
}

/// A delivery during which another file took the store's place: `activate` is named only where it works.
#[test]
fn a_secret_whose_key_is_not_in_the_store_is_not_sent_to_activate() {
    let scene = Scene::new();
    let path = scene.sandbox.store_path();
    // With the log that belongs to the file, or the other would have the key by it.
    let path = path.display();
    let swap = format!("cat >got; rm {path}-wal {path}-shm; mv other.db {path}");
    let run = scene.sandbox.keyward(["mint", "new", "--", "sh", "-c", &swap]);
    let output = run.exit(7);
    assert!(output.stderr.contains("not in the current store"), "{}", output.stderr);
    assert!(!output.stderr.contains("keyward activate"), "{}", output.stderr);
    let got = scene.sandbox.line("got");
    scene.sandbox.verdict(&got, &[], 10, "not_found");
    assert_eq!(scene.sandbox.listed(&[]), ["ci"]);
}
