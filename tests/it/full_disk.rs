//! A file system of its own that is full, or can only be read: what cannot be written is refused, what can still be said is
//! right, and a key can be revoked all the same.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use rustix::process::geteuid;

use crate::support::{Sandbox, skipped, tool};

/// A file system in memory under the sandbox's store, taken away again at the end.
struct Disk<'a> {
    sandbox: &'a Sandbox,
    folder: PathBuf,
}

impl<'a> Disk<'a> {
    /// Mounts one of this size, if this user may.
    fn mount(sandbox: &'a Sandbox, size: &str) -> Option<Self> {
        if !geteuid().is_root() {
            skipped("only root can mount a file system");
            return None;
        }
        if !tool("mount") {
            return None;
        }
        let folder = sandbox.store_path();
        let folder = folder.parent().expect("the store has a folder").to_owned();
        sandbox.mint("other");
        fs::remove_dir_all(&folder).expect("the store can be removed");
        fs::create_dir(&folder).expect("its folder can be made");
        let options = format!("size={size},mode=700");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &options, "tmpfs"]);
        let mounted = mount.arg(&folder).output().expect("mount runs");
        if !mounted.status.success() {
            skipped("this machine lets nobody mount a file system");
            return None;
        }
        Some(Self { sandbox, folder })
    }

    /// Fills it to the last byte.
    fn fill(&self) {
        let mut options = fs::File::options();
        let file = options.append(true).create(true);
        let mut file = file.open(self.folder.join("fill")).expect("a file can be made");
        for size in [4096, 512, 1] {
            while file.write_all(&vec![b'x'; size]).is_ok() {}
        }
    }

    fn empty(&self) {
        fs::remove_file(self.folder.join("fill")).expect("it is there");
    }

    fn remount(&self, option: &str) {
        let option = format!("remount,{option}");
        let mut mount = Command::new("mount");
        let remounted = mount.args(["-o", &option]).arg(&self.folder).status();
        assert!(remounted.expect("mount runs").success());
    }

    fn reserve(&self) -> u64 {
        let path = self.folder.join("keyward.db.reserve");
        fs::metadata(path).map_or(0, |file| file.len())
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let mut umount = Command::new("umount");
        // Lazily, so that a test that fails leaves nothing behind either.
        let _ = umount.arg("-l").arg(&self.folder).status();
        let _ = self.sandbox;
    }
}

#[test]
fn a_full_disk_refuses_changes_and_takes_revocations() {
    for size in ["800k", "1200k", "3m"] {
        let sandbox = Sandbox::new();
        let Some(disk) = Disk::mount(&sandbox, size) else {
            return;
        };
        let (first, second) = (sandbox.mint("first"), sandbox.mint("second"));
        let third = sandbox.mint("third");
        disk.fill();

        let verdict = sandbox.verdict(&first, &[], 0, "valid");
        assert_eq!(verdict["recorded"], false, "{size}");
        sandbox.refuses(&["mint", "new"], 7, "io");
        sandbox.refuses(&["rename", "first", "new"], 7, "io");
        sandbox.refuses(&["set", "first", "--owner", "me"], 7, "io");
        sandbox.refuses(&["rotate", "first"], 7, "io");
        disk.fill();
        assert_eq!(sandbox.listed(&["--all"]), ["first", "second", "third"]);

        sandbox.keyward(["revoke", "first", "--yes"]).ok();
        sandbox.verdict(&first, &[], 11, "revoked");
        disk.fill();
        sandbox.keyward(["revoke", "second", "third", "--yes"]).ok();
        for secret in [&first, &second, &third] {
            sandbox.verdict(secret, &[], 11, "revoked");
        }

        disk.empty();
        sandbox.mint("new");
        assert_eq!(disk.reserve(), 256 * 1024, "{size}: nothing is held back any more");
        sandbox.assert_whole();
    }
}

#[test]
fn a_disk_too_full_for_a_store_gets_none() {
    let sandbox = Sandbox::new();
    let Some(disk) = Disk::mount(&sandbox, "64k") else {
        return;
    };
    sandbox.refuses(&["mint", "first"], 7, "io");
    let store = sandbox.store_path();
    assert!(!store.exists(), "half a store was left");
    disk.remount("size=2m");
    let secret = sandbox.mint("first");
    sandbox.verdict(&secret, &[], 0, "valid");
}

#[test]
fn a_file_system_that_can_only_be_read_still_gives_right_answers() {
    let sandbox = Sandbox::new();
    let Some(disk) = Disk::mount(&sandbox, "2m") else {
        return;
    };
    let (alive, dead) = (sandbox.mint("alive"), sandbox.mint("dead"));
    sandbox.keyward(["revoke", "dead", "--yes"]).ok();
    disk.remount("ro");
    let verdict = sandbox.verdict(&alive, &[], 0, "valid");
    assert_eq!(verdict["recorded"], false);
    sandbox.verdict(&dead, &[], 11, "revoked");
    sandbox.refuses(&["mint", "new"], 7, "io");
    sandbox.refuses(&["revoke", "alive", "--yes"], 7, "io");

    // Beside a log that may hold a revocation, and that only whoever can write could read.
    disk.remount("rw");
    sandbox.verdict(&alive, &[], 0, "valid");
    let log = format!("{}-wal", sandbox.store_path().display());
    assert!(fs::metadata(log).is_ok_and(|log| log.len() > 0));
    for beside in ["kept", "lost"] {
        if beside == "lost" {
            disk.remount("rw");
            let index = format!("{}-shm", sandbox.store_path().display());
            fs::remove_file(index).expect("it is there");
        }
        disk.remount("ro");
        let asked = sandbox.keyward(["verify"]).stdin(&alive).run();
        assert!([0, 7].contains(&asked.status), "{beside}: {}", asked.transcript());
        let asked = sandbox.keyward(["verify"]).stdin(&dead).run();
        assert!([11, 7].contains(&asked.status), "{beside}: {}", asked.transcript());
    }
}
