//! `keyward store info`, and where the store is looked for.

use std::fs;

use crate::support::files::mode;
use crate::support::{Sandbox, fields, text};

#[test]
fn a_store_is_described() {
    let sandbox = Sandbox::with_keys(&["a", "b"]);
    let info = sandbox.keyward(["store", "info"]).answer();
    assert_eq!(text(&info, "path"), sandbox.store_path().to_string_lossy());
    assert_eq!(text(&info, "journalMode"), "wal");
    assert!(info["schema"].as_u64() >= Some(1), "{info:#}");
    assert!(info["sizeBytes"].as_u64() >= Some(4096), "{info:#}");
    assert_eq!(info["workspaces"], 1);
    assert_eq!(info["keys"], 2);
    assert_eq!(fields(&info), ["journalMode", "keys", "path", "schema", "sizeBytes", "workspaces"]);
}

#[test]
fn describing_a_store_that_does_not_exist_does_not_make_it() {
    let sandbox = Sandbox::new();
    let info = sandbox.keyward(["store", "info"]).answer();
    assert_eq!(text(&info, "path"), sandbox.store_path().to_string_lossy());
    assert_eq!((&info["workspaces"], &info["keys"]), (&0.into(), &0.into()));
    assert!(!sandbox.store_path().exists(), "describing made a store");
}

#[test]
fn a_new_store_is_private() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    assert_eq!(mode(sandbox.store_path()), 0o600);
    assert_eq!(mode(sandbox.store_path().parent().expect("the store has a folder")), 0o700);
}

#[test]
fn the_store_is_found_by_flag_then_variable_then_data_directory() {
    let sandbox = Sandbox::new();
    let [by_flag, by_variable, data] =
        ["flag.db", "variable.db", "data"].map(|name| sandbox.home().join(name));
    sandbox.keyward(["mint", "flag", "--store"]).args([&by_flag]).ok();
    sandbox.keyward(["mint", "variable"]).env("KEYWARD_STORE", &by_variable).ok();
    sandbox.keyward(["mint", "data"]).env("XDG_DATA_HOME", &data).ok();
    sandbox.mint("home");
    assert!(by_flag.exists() && by_variable.exists());
    assert!(data.join("keyward/keyward.db").exists());
    assert_eq!(sandbox.listed(&[]), ["home"]);
    let run = || sandbox.keyward(["list"]).env("XDG_DATA_HOME", &data);
    let names = |run: crate::support::Invocation| crate::support::names(&run.answer()["keys"]);
    assert_eq!(names(run()), ["data"]);
    assert_eq!(names(run().env("KEYWARD_STORE", &by_variable)), ["variable"]);
    let flag = by_flag.to_string_lossy();
    assert_eq!(names(run().env("KEYWARD_STORE", &by_variable).args(["--store", &flag])), ["flag"]);
}

#[test]
fn a_relative_data_directory_is_ignored() {
    let sandbox = Sandbox::new();
    sandbox.keyward(["mint", "ci"]).env("XDG_DATA_HOME", "data").ok();
    assert!(!sandbox.home().join("data").exists());
    assert!(sandbox.store_path().exists());
}

#[test]
fn a_store_may_be_named_relative_to_the_working_folder() {
    let sandbox = Sandbox::new();
    let folder = sandbox.home().join("work");
    let mut builder = fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700)
        .create(&folder)
        .expect("a folder in the sandbox");
    sandbox.keyward(["mint", "ci", "--store", "keys.db"]).cwd(&folder).ok();
    assert!(folder.join("keys.db").exists());
}

#[test]
fn the_last_to_close_leaves_no_log_behind() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    sandbox.keyward(["revoke", "ci", "--yes"]).ok();
    let folder = sandbox.store_path().parent().expect("the store has a folder").to_owned();
    let left: Vec<_> = fs::read_dir(folder)
        .expect("the folder is there")
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    assert!(
        !left.iter().any(|name| name.to_string_lossy().ends_with("-wal")),
        "left behind: {left:?}"
    );
}
