//! A user who is not root, for what root may do anyway.

use std::ffi::OsStr;
use std::os::unix::fs::chown;
use std::path::PathBuf;
use std::process::Command;

use rustix::process::geteuid;

use super::files::set_mode;
use super::{Invocation, KEYWARD, Sandbox, tool};

/// The user and group that own nothing on most systems.
pub const NOBODY: u32 = 65_534;

/// A sandbox whose keyward runs as a user without privileges: this one, or, for root, nobody.
pub struct Ordinary {
    /// The HOME, which belongs to that user.
    pub sandbox: Sandbox,
    keyward: PathBuf,
    /// What makes a command line that user's.
    pub wrapper: &'static [&'static str],
}

impl Ordinary {
    /// Makes the sandbox, unless root has no way to become somebody else.
    pub fn new() -> Option<Self> {
        let sandbox = Sandbox::new();
        if !geteuid().is_root() {
            return Some(Self { sandbox, keyward: KEYWARD.into(), wrapper: &[] });
        }
        if !tool("setpriv") {
            return None;
        }
        // The built one may stand in a folder that only root may enter. Copied by another process: a file that this
        // one had open for writing could not be run while a thread beside is between fork and exec.
        let keyward = sandbox.home().join("keyward");
        let copied = Command::new("cp").arg(KEYWARD).arg(&keyward).status();
        assert!(copied.expect("cp can be started").success());
        set_mode(&keyward, 0o755);
        chown(sandbox.home(), Some(NOBODY), Some(NOBODY)).expect("root may give files away");
        Some(Self {
            sandbox,
            keyward,
            wrapper: &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"],
        })
    }

    /// Prepares a run of keyward as that user.
    pub fn keyward<I, S>(&self, arguments: I) -> Invocation
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let run = self.sandbox.program(&self.keyward, arguments);
        run.through(self.wrapper)
    }

    /// Mints a key and returns its secret.
    pub fn mint(&self, name: &str) -> String {
        self.keyward(["mint", name]).ok().line()
    }
}
