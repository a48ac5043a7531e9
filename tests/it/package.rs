//! The Debian package of `release/deb`, installed by dpkg in a root of its own.

use std::fs;
use std::path::Path;

use rustix::process::geteuid;

use crate::entropy::root_folder;
use crate::support::{KEYWARD, Sandbox, skipped, tool};

#[test]
fn the_debian_package_installs_in_a_bare_root_and_mints() {
    if !geteuid().is_root() || !["chroot", "ldd", "dpkg", "dpkg-deb"].into_iter().all(tool) {
        return skipped("no other root, or no dpkg");
    }
    let sandbox = Sandbox::new();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("release/deb");
    let made = |folder: &str| {
        let pack = sandbox.program(&script, [KEYWARD, folder]);
        // A debug binary takes long to compress.
        pack.env("DPKG_DEB_COMPRESSOR_TYPE", "none").ok().line()
    };
    let folder = |name: &str| sandbox.home().join(name).display().to_string();
    let (package, again) = (made(&folder("dist")), made(&folder("again")));
    assert_eq!(fs::read(&package).ok(), fs::read(again).ok(), "the same bytes each time");

    let root = root_folder(&sandbox, "root");
    fs::remove_file(root.join("keyward")).expect("it was put there");
    for folder in ["var/lib/dpkg/info", "var/lib/dpkg/updates", "tmp"] {
        fs::create_dir_all(root.join(folder)).expect("a fresh folder");
    }
    fs::write(root.join("var/lib/dpkg/status"), "").expect("a fresh file");
    let root_option = format!("--root={}", root.display());
    sandbox.program("dpkg", [root_option.as_str(), "--install", &package]).ok();

    let keyward = |words: &[&str]| {
        let run = sandbox.program("/usr/bin/keyward", words);
        run.through(["chroot".as_ref(), root.as_os_str()]).cwd("/")
    };
    let secret = keyward(&["mint", "ci", "--store", "/ci.db"]).ok().line();
    keyward(&["verify", "--store", "/ci.db"]).stdin(secret).ok();
    for file in [
        "usr/share/man/man1/keyward-mint.1.gz",
        "usr/share/bash-completion/completions/keyward",
        "usr/share/zsh/vendor-completions/_keyward",
        "usr/share/fish/vendor_completions.d/keyward.fish",
        "usr/share/doc/keyward/LICENSE-MIT",
    ] {
        assert!(root.join(file).is_file(), "{file}");
    }
    sandbox.program("dpkg", [root_option.as_str(), "--remove", "keyward"]).ok();
    assert!(!root.join("usr/bin/keyward").exists());
}
