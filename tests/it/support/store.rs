//! What tests ask of a whole store, and stores that are there before a test begins.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use serde_json::Value;

use super::Sandbox;
use super::files::names_in;

impl Sandbox {
    /// A sandbox with a key of this name, and its secret.
    #[must_use]
    pub fn with_key(name: &str) -> (Self, String) {
        let sandbox = Self::new();
        let secret = sandbox.mint(name);
        (sandbox, secret)
    }

    /// A sandbox with a key of each of these names, minted in this order.
    #[must_use]
    pub fn with_keys(names: &[&str]) -> Self {
        let sandbox = Self::new();
        for name in names {
            sandbox.mint(name);
        }
        sandbox
    }

    /// A sandbox with a workspace, made with these flags.
    #[must_use]
    pub fn with_workspace(name: &str, flags: &[&str]) -> Self {
        let sandbox = Self::new();
        sandbox.workspace(name, flags);
        sandbox
    }

    /// A sandbox with a workspace of this policy, which stands in `policy.toml` as well.
    #[must_use]
    pub fn with_policy(name: &str, policy: &str) -> Self {
        let sandbox = Self::new();
        sandbox.file("policy.toml", policy);
        sandbox.workspace(name, &["--policy", "policy.toml"]);
        sandbox
    }

    /// Mints a key with these flags for each state in which it is refused, named like it, and returns their secrets: expired,
    /// pending, disabled, revoked.
    pub fn mint_refused(&self, flags: &[&str]) -> [String; 4] {
        let expired = self.mint_with("expired", &[flags, &["--expires", "1s"]].concat());
        let pending = self.mint_with("pending", &[flags, &["--hold"]].concat());
        let [disabled, revoked] = ["disabled", "revoked"].map(|name| self.mint_with(name, flags));
        self.keyward(["disable", "disabled"]).ok();
        self.keyward(["revoke", "revoked", "--yes"]).ok();
        self.wait_for_verdict(&expired, 12);
        [expired, pending, disabled, revoked]
    }

    /// Another sandbox with the same files.
    #[must_use]
    pub fn copy(&self) -> Self {
        let copy = Self::new();
        copy_files(&self.home, &copy.home);
        copy
    }

    /// The end of the audit trail, as `audit head` prints it: it stays the same while nothing is changed.
    #[must_use]
    pub fn head(&self) -> String {
        self.keyward(["audit", "head"]).ok().line()
    }

    /// Every event of the audit trail, in its order.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        let trail = self.keyward(["audit", "list", "-A"]).answer();
        let events = trail["events"].as_array();
        events.expect("events are a list").clone()
    }

    /// The events of this action, in their order.
    #[must_use]
    pub fn events_of(&self, action: &str) -> Vec<Value> {
        let mut events = self.events();
        events.retain(|event| event["action"] == action);
        events
    }

    /// Every key, as `list --all --json` has it, with these flags.
    #[must_use]
    pub fn keys(&self, flags: &[&str]) -> Vec<Value> {
        let listed = self.keyward(["list", "--all"]).args(flags).answer();
        listed["keys"].as_array().expect("keys are a list").clone()
    }

    /// Asserts what holds of a store whatever happened to it.
    #[track_caller]
    pub fn assert_whole(&self) {
        self.keyward(["list", "--all"]).ok();
        if self.place().is_none() {
            let connection = self.sqlite();
            let check: String = connection
                .query_row("PRAGMA integrity_check", [], |row| row.get(0))
                .expect("the store can be checked");
            assert_eq!(check, "ok");
            let orphans: i64 = connection
                .query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0))
                .expect("the store can be checked");
            assert_eq!(orphans, 0);
            connection.close().expect("the store can be closed");
        }
        self.keyward(["audit", "verify"]).ok();
    }

    /// The same, and that `store check` has nothing to say either.
    #[track_caller]
    pub fn assert_sound(&self) {
        self.assert_whole();
        let checked = self.keyward(["store", "check", "--json"]).run().json();
        assert_eq!(checked["ok"], true, "{checked:#}");
    }
}

/// Copies what is in a folder; the folders are made for their owner alone.
fn copy_files(from: &Path, to: &Path) {
    for name in names_in(from) {
        let (from, to) = (from.join(&name), to.join(&name));
        if from.is_dir() {
            let made = fs::DirBuilder::new().mode(0o700).create(&to);
            made.expect("a folder can be made");
            copy_files(&from, &to);
        } else {
            fs::copy(&from, &to).expect("a file can be copied");
        }
    }
}
