//! What `release/` makes to hand out: a Debian and an RPM package, each installed in a root of its own, the bill of materials, and
//! the checksums; and how many files the package of the source has.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use serde_json::Value;

use crate::entropy::root_folder;
use crate::generated::repository;
use crate::support::{Invocation, KEYWARD, Sandbox, skipped, tool, variable};

#[test]
fn the_debian_package_installs_in_a_bare_root_and_mints() {
    if !geteuid().is_root() || !["chroot", "ldd", "dpkg", "dpkg-deb"].into_iter().all(tool) {
        return skipped("no other root, or no dpkg");
    }
    let sandbox = Sandbox::new();
    let package = made(&sandbox, "release/deb");
    let root = bare_root(&sandbox);
    for folder in ["var/lib/dpkg/info", "var/lib/dpkg/updates", "tmp"] {
        fs::create_dir_all(root.join(folder)).expect("a fresh folder");
    }
    fs::write(root.join("var/lib/dpkg/status"), "").expect("a fresh file");
    let root_option = format!("--root={}", root.display());
    sandbox.program("dpkg", [root_option.as_str(), "--install", &package]).ok();
    assert_works_in(&sandbox, &root, "usr/share/zsh/vendor-completions/_keyward");
    sandbox.program("dpkg", [root_option.as_str(), "--remove", "keyward"]).ok();
    assert!(!root.join("usr/bin/keyward").exists());
}

#[test]
fn the_rpm_package_installs_in_a_bare_root_and_mints() {
    if !geteuid().is_root() || !["chroot", "ldd", "rpm", "rpmbuild"].into_iter().all(tool) {
        return skipped("no other root, or no rpm");
    }
    let sandbox = Sandbox::new();
    let package = made(&sandbox, "release/rpm");
    let query = sandbox.program("rpm", ["--query", "--requires", "--package", &package]);
    let required = query.ok().stdout;
    assert!(required.lines().all(|line| line.starts_with("rpmlib(")), "{required}");
    let root = bare_root(&sandbox);
    let rpm = |words: &[&str]| {
        let root_option = format!("--root={}", root.display());
        sandbox.program("rpm", [&root_option]).args(words)
    };
    rpm(&["--install", &package]).ok();
    assert_works_in(&sandbox, &root, "usr/share/zsh/site-functions/_keyward");
    rpm(&["--erase", "keyward"]).ok();
    assert!(!root.join("usr/bin/keyward").exists());
}

#[test]
fn the_bill_of_materials_names_every_crate_with_its_licence_and_checksum() {
    if !tool("jq") {
        return;
    }
    let sandbox = Sandbox::new();
    let folder = sandbox.home().join("dist").display().to_string();
    let script = repository("release/sbom");
    let run = cargo(&sandbox, &script, &["x86_64-unknown-linux-gnu", &folder]);
    let bill = fs::read_to_string(run.ok().line()).expect("it was made");
    let bill: Value = serde_json::from_str(&bill).expect("JSON");
    assert_eq!((&bill["bomFormat"], &bill["specVersion"]), (&"CycloneDX".into(), &"1.5".into()));
    let components = bill["components"].as_array().expect("a list");
    let named = |name: &str| components.iter().find(|component| component["name"] == name);
    for component in components {
        let text =
            |place: &str| component.pointer(place).and_then(Value::as_str).unwrap_or_default();
        let digits = |text: &str| text.bytes().all(|digit| digit.is_ascii_hexdigit());
        let sum = text("/hashes/0/content");
        let has_sum = sum.len() == 64 && digits(sum) || text("/name") == "sqlite";
        assert!(has_sum && !text("/licenses/0/expression").is_empty(), "{component:#}");
        assert!(text("/purl").contains(text("/version")), "{component:#}");
    }
    for name in ["rusqlite", "libsqlite3-sys", "clap", "sha2", "hyper", "sqlite"] {
        assert!(named(name).is_some(), "{name}");
    }
    for name in ["keyward", "proptest", "tokio-postgres", "windows-sys"] {
        assert!(named(name).is_none(), "{name}");
    }
}

#[test]
fn the_checksums_are_those_of_each_file_to_hand_out() {
    let sandbox = Sandbox::new();
    for name in ["keyward-1.x86_64.rpm", "keyward-1-x86_64-unknown-linux-gnu", "other"] {
        sandbox.file(name, name);
    }
    let home = sandbox.home().to_str().expect("UTF-8");
    let said = sandbox.program(repository("release/sums"), [home]).ok().stdout;
    assert_eq!(sandbox.text("SHA256SUMS"), said);
    let named: Vec<_> = said.lines().filter_map(|line| line.split_once("  ")).collect();
    let names: Vec<_> = named.iter().map(|(_, name)| *name).collect();
    assert_eq!(names, ["keyward-1-x86_64-unknown-linux-gnu", "keyward-1.x86_64.rpm"]);
    sandbox.program("sha256sum", ["--check", "SHA256SUMS"]).cwd(sandbox.home()).ok();
}

/// A reader of the package, and whoever unpacks it, has to find their way in it.
#[test]
fn the_package_of_the_source_has_fewer_than_four_hundred_files() {
    if !tool("cargo") {
        return skipped("no cargo");
    }
    let sandbox = Sandbox::new();
    let words = ["package", "--list", "--locked", "--allow-dirty", "--quiet"];
    let list = cargo(&sandbox, Path::new("cargo"), &words).cwd(repository("")).ok().stdout;
    let count = list.lines().count();
    assert!(list.lines().any(|file| file == "src/lib.rs"), "{list}");
    assert!(count < 400, "{count} files: merge what is read together");
}

/// A run of a script that calls cargo, which finds what it has downloaded as the tests did.
fn cargo(sandbox: &Sandbox, script: &Path, words: &[&str]) -> Invocation {
    let mut run = sandbox.program(script, words);
    for name in ["HOME", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"] {
        if let Some(value) = variable(name) {
            run = run.env(name, value);
        }
    }
    run
}

/// The package that a script makes of the tested binary; it makes the same bytes each time.
fn made(sandbox: &Sandbox, script: &str) -> String {
    let made = |name: &str| {
        let folder = sandbox.home().join(name).display().to_string();
        let pack = sandbox.program(repository(script), [KEYWARD, &folder]);
        // A debug binary takes long to compress.
        pack.env("DPKG_DEB_COMPRESSOR_TYPE", "none")
            .env("KEYWARD_RPM_PAYLOAD", "w0.gzdio")
            .ok()
            .line()
    };
    let (package, again) = (made("dist"), made("again"));
    assert!(fs::read(&package).ok() == fs::read(again).ok(), "the same bytes each time");
    package
}

/// A root with nothing but the libraries that a debug binary needs.
fn bare_root(sandbox: &Sandbox) -> PathBuf {
    let root = root_folder(sandbox, "root");
    fs::remove_file(root.join("keyward")).expect("it was put there");
    root
}

/// Asserts that what is installed in a root mints, verifies, and has its pages and completions.
fn assert_works_in(sandbox: &Sandbox, root: &Path, zsh: &str) {
    let keyward = |words: &[&str]| {
        let run = sandbox.program("/usr/bin/keyward", words);
        run.through(["chroot".as_ref(), root.as_os_str()]).cwd("/")
    };
    let secret = keyward(&["mint", "ci", "--store", "/ci.db"]).ok().line();
    keyward(&["verify", "--store", "/ci.db"]).stdin(secret).ok();
    for file in [
        "usr/share/man/man1/keyward-mint.1.gz",
        "usr/share/bash-completion/completions/keyward",
        "usr/share/fish/vendor_completions.d/keyward.fish",
        "usr/share/doc/keyward/LICENSE-MIT",
        zsh,
    ] {
        assert!(root.join(file).is_file(), "{file}");
    }
    let page = root.join("usr/share/man/man1/keyward-mint.1.gz");
    let page = sandbox.program("gzip", ["-dc", page.to_str().expect("UTF-8")]).ok().stdout;
    assert!(page.contains(".TH KEYWARD-MINT 1 "), "{page}");
}
