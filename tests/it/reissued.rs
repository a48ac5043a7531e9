//! A key whose hand-over was cut short and that was then given another secret under the same id: only that one is ever valid.

use std::fs;

use serde_json::{Value, json};

use crate::restore::restore;
use crate::support::{KEYWARD, Sandbox, text};

/// A key whose first hand-over was killed and whose second went well.
struct Scene {
    sandbox: Sandbox,
    id: String,
    /// The secret that was replaced.
    first: String,
    /// The one that is live.
    live: String,
}

/// Mints under an idempotency key, and leaves the secret in this file.
fn mint(sandbox: &Sandbox, script: &str, status: i32) {
    let words = ["mint", "ci", "--idempotency-key", "K", "--", "sh", "-c"];
    sandbox.keyward(words).args([script, KEYWARD]).exit(status);
}

impl Scene {
    /// Backups, where there are any: `none` has no key, `pending` has it with the first secret, `live` with the other.
    fn new() -> Self {
        let sandbox = Sandbox::with_keys(&["other"]);
        let backup = |file: &str| {
            if sandbox.place().is_none() {
                sandbox.keyward(["store", "backup", file]).ok();
            }
        };
        backup("none");
        mint(&sandbox, "cat >first; \"$0\" store backup pending; kill -9 $PPID", 137);
        mint(&sandbox, "cat >second", 0);
        backup("live");
        let secret = |file: &str| {
            let kept = fs::read_to_string(sandbox.home().join(file)).expect("it was kept");
            kept.trim_end().to_owned()
        };
        Self { id: sandbox.id_of("ci"), first: secret("first"), live: secret("second"), sandbox }
    }

    /// Asserts what the two secrets are, and that no problems with the store.
    #[track_caller]
    fn assert_are(&self, first: &str, live: &str) {
        for (secret, code) in [(&self.first, first), (&self.live, live)] {
            let verify = self.sandbox.keyward(["--json", "verify", "--no-record"]);
            let verdict = verify.stdin(secret).run().json();
            assert_eq!(verdict["code"], code, "{verdict:#}");
        }
        self.sandbox.assert_sound();
    }

    fn restore(&self, file: &str) -> Value {
        restore(&self.sandbox, file).answer()["kept"].clone()
    }
}

#[test]
fn a_key_that_was_given_another_secret_is_live_and_nothing_is_wrong_with_it() {
    let scene = Scene::new();
    scene.assert_are("not_found", "valid");
    let sandbox = &scene.sandbox;
    for words in [
        &["set", &scene.id, "--owner", "me"][..],
        &["disable", &scene.id],
        &["enable", &scene.id],
        &["rename", &scene.id, "build"],
    ] {
        sandbox.keyward(words).ok();
    }
    scene.assert_are("not_found", "valid");
    sandbox.keyward(["rotate", &scene.id]).ok();
    sandbox.assert_sound();
}

#[test]
fn restoring_backups_from_before_and_after_the_other_secret_brings_back_the_live_one_alone() {
    for earlier in ["none", "pending"] {
        let scene = Scene::new();
        let revoked = json!([{ "id": scene.id, "name": "ci", "what": "revoked" }]);
        let (first, expected) = match earlier {
            "none" => ("not_found", json!([])),
            // It was replaced, so it must not be presented to `activate` any more.
            _ => ("revoked", revoked),
        };
        assert_eq!(scene.restore(earlier), expected, "{earlier}");
        scene.assert_are(first, "not_found");
        assert_eq!(scene.restore("live"), json!([]), "{earlier}");
        scene.assert_are("not_found", "valid");
        assert_eq!(scene.sandbox.show(&scene.id)["status"], "active");
    }
}

#[test]
fn the_first_secret_of_a_store_that_is_damaged_holds_the_other_back_no_more() {
    let scene = Scene::new();
    scene.restore("pending");
    scene.sandbox.tamper("UPDATE audit SET time = time + 1 WHERE seq = 1");
    assert_eq!(scene.restore("live"), json!([]));
    scene.assert_are("not_found", "valid");
}

#[test]
fn it_moves_to_another_store_and_comes_back_from_an_export() {
    let scene = Scene::new();
    let lines = scene.sandbox.keyward(["store", "export"]).ok().stdout;
    let other = Sandbox::new();
    for sandbox in [&other, &scene.sandbox] {
        sandbox.file("lines", &lines);
    }
    let import = |sandbox: &Sandbox| {
        sandbox.keyward(["store", "import", "lines"]).ok();
    };
    import(&other);
    other.verdict(&scene.live, &["--no-record"], 0, "valid");
    other.assert_sound();
    if scene.sandbox.place().is_none() {
        scene.restore("none");
    }
    import(&scene.sandbox);
    scene.assert_are("not_found", "valid");
    assert_eq!(text(&scene.sandbox.show("ci"), "id"), scene.id);
}

#[test]
fn a_void_key_that_was_given_no_other_secret_comes_back_by_no_import_and_no_restoration() {
    let sandbox = Sandbox::with_keys(&["other"]);
    sandbox.keyward(["store", "backup", "none"]).ok();
    let script = "cat >first; \"$0\" store backup pending; \"$0\" store export >lines; exit 1";
    mint(&sandbox, script, 16);
    let void = fs::read_to_string(sandbox.home().join("first")).expect("it was kept");
    let assert_void = || {
        let kept = restore(&sandbox, "pending").answer()["kept"].clone();
        assert_eq!(kept[0]["what"], "revoked", "{kept:#}");
        sandbox.verdict(void.trim_end(), &["--no-record"], 11, "revoked");
        sandbox.assert_sound();
    };
    assert_void();
    restore(&sandbox, "none").ok();
    sandbox.refuses(&["store", "import", "lines"], 4, "conflict");
    assert_void();
}
