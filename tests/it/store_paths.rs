//! Where a store may be, what its path may be, and when one is made.

use std::fs::{self};
use std::os::unix::fs::{PermissionsExt, symlink};

use rusqlite::Connection;
use serde_json::Value;

use crate::store_guards::{COMMANDS, store};
use crate::support::{Invocation, Sandbox, text};

#[test]
fn a_folder_is_no_store() {
    let sandbox = Sandbox::new();
    let folder = sandbox.home().join("folder");
    fs::create_dir(&folder).expect("a folder can be made");
    for path in ["folder", "folder/", ".", "/", ".."] {
        for command in COMMANDS {
            let output = sandbox
                .keyward(["--json", "--store", path])
                .args(*command)
                .env("SECRET", "nonsense")
                .run();
            assert_eq!(output.status, 2, "{path} {command:?}: {}", output.transcript());
            assert_eq!(output.error()["code"], "usage");
        }
    }
    let entries = fs::read_dir(folder).expect("it can be read");
    assert_eq!(entries.count(), 0, "something was made in the folder");
}

#[test]
fn a_path_through_a_file_is_told_of() {
    let sandbox = Sandbox::new();
    sandbox.file("file", "");
    for command in [&["list"][..], &["mint", "ci"], &["store", "info"]] {
        let output = sandbox.keyward(["--json", "--store", "file/keyward.db"]).args(command).run();
        assert!(matches!(output.status, 2 | 7), "{}", output.transcript());
        output.error();
    }
}

/// Runs with this store.
fn with(sandbox: &Sandbox, store: &str, arguments: &[&str]) -> Invocation {
    sandbox.keyward(["--store", store]).args(arguments)
}

#[test]
fn a_relative_path_is_one_from_the_folder_one_is_in() {
    let sandbox = Sandbox::new();
    let below = sandbox.home().join("below");
    fs::create_dir(&below).expect("a folder can be made");
    let secret = with(&sandbox, "k.db", &["mint", "ci"]).ok().line();
    assert!(sandbox.home().join("k.db").is_file());
    let absolute = sandbox.home().join("k.db");
    for (store, folder) in [
        ("k.db", sandbox.home()),
        ("./k.db", sandbox.home()),
        ("below/../k.db", sandbox.home()),
        ("../k.db", &below),
        (absolute.to_str().expect("UTF-8"), &below),
    ] {
        let run = with(&sandbox, store, &["verify"]).cwd(folder);
        run.stdin(&secret).ok();
        let run = sandbox.keyward(["verify"]).env("KEYWARD_STORE", store);
        run.cwd(folder).stdin(&secret).ok();
    }
    with(&sandbox, "new/deeper/k.db", &["mint", "ci"]).ok();
    for folder in ["new", "new/deeper"] {
        let metadata = fs::metadata(sandbox.home().join(folder)).expect("it was made");
        assert_eq!(metadata.permissions().mode() & 0o777, 0o700, "{folder}");
    }
    assert!(!sandbox.store_path().exists(), "the usual store was made");
}

#[test]
fn a_path_that_looks_like_a_uri_or_an_option_is_a_plain_file_name() {
    for store in [
        "file:x?mode=memory",
        "file::memory:?cache=shared",
        "file:x.db?immutable=1",
        ":memory:",
        "with space.db",
        "per%20cent.db",
        "question?.db",
        "hash#.db",
        "quote'\".db",
        "-dash.db",
        "ключ.db",
    ] {
        let sandbox = Sandbox::new();
        let store_option = format!("--store={store}");
        let run = |arguments: &[&str]| sandbox.keyward([&store_option]).args(arguments);
        let secret = run(&["mint", "ci"]).ok().line();
        let path = sandbox.home().join(store);
        assert!(path.is_file(), "there is no file {store}");
        let entries = fs::read_dir(sandbox.home()).expect("HOME can be read");
        assert_eq!(entries.count(), 2, "{store} made more than its reserve");
        let listed = run(&["list"]).answer();
        assert_eq!(listed["keys"][0]["name"], "ci", "{store}");
        run(&["verify"]).stdin(&secret).ok();
        // As a file that can only be read, which SQLite opens by a URI of keyward's making.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).expect("it is ours");
        let verdict = run(&["--json", "verify"]).stdin(&secret).ok().json();
        assert_eq!(verdict["recorded"], false, "{store}");
        assert_eq!(verdict["subject"]["name"], "ci", "{store}");
    }
}

#[test]
fn an_empty_path_is_refused() {
    let sandbox = Sandbox::new();
    for command in [&["list"][..], &["mint", "ci"]] {
        sandbox.keyward(["--store="]).args(command).exit(2);
    }
    // An empty variable is one that is not set.
    let secret = sandbox.mint("ci");
    let run = sandbox.keyward(["verify"]).env("KEYWARD_STORE", "");
    run.stdin(&secret).ok();
}

#[test]
fn without_a_home_nothing_is_made_where_one_happens_to_be() {
    let sandbox = Sandbox::new();
    let elsewhere = sandbox.home().join("elsewhere");
    fs::create_dir(&elsewhere).expect("a folder can be made");
    for home in ["relative/home", ".", "~"] {
        for command in [&["mint", "ci"][..], &["list"], &["store", "info"]] {
            let error =
                sandbox.keyward(command).env("HOME", home).cwd(&elsewhere).refused(2, "usage");
            assert!(text(&error, "hint").contains("--store"), "{error:#}");
        }
        let run = with(&sandbox, "named.db", &["store", "create"]).env("HOME", home);
        run.ok();
        let run = with(&sandbox, "named.db", &["list"]).env("HOME", home);
        run.ok();
    }
    // Nobody asks the account database for another.
    for unset in [&["env", "-u", "HOME"][..], &["env", "HOME="]] {
        let run = sandbox.keyward(["store", "info"]).cwd(&elsewhere);
        let error = run.through(unset).refused(2, "usage");
        assert!(text(&error, "hint").contains("--store"), "{error:#}");
    }
    let entries = fs::read_dir(elsewhere).expect("it can be read");
    assert_eq!(entries.count(), 0, "something was made");
}

#[test]
fn only_an_absolute_data_folder_counts() {
    let sandbox = Sandbox::new();
    let data = sandbox.home().join("data");
    sandbox.keyward(["mint", "a"]).env("XDG_DATA_HOME", &data).ok();
    assert!(data.join("keyward/keyward.db").is_file());
    for ignored in ["relative", ""] {
        let run = sandbox.keyward(["mint", "b"]).env("XDG_DATA_HOME", ignored);
        let _ = run.run();
        assert!(sandbox.store_path().is_file(), "XDG_DATA_HOME={ignored}");
        assert!(!sandbox.home().join("relative").exists());
    }
}

#[test]
fn a_store_that_is_not_there_is_not_made_by_looking() {
    let sandbox = Sandbox::new();
    for (exit, command) in [
        (0, &["list"][..]),
        (0, &["workspace", "list"]),
        (0, &["audit", "list"]),
        (3, &["audit", "verify"]),
        (0, &["audit", "head"]),
        (0, &["whoami"]),
        (0, &["store", "info"]),
        (3, &["show", "ci"]),
        (3, &["revoke", "ci", "--yes"]),
        (3, &["rename", "ci", "new"]),
        (3, &["workspace", "use", "acme"]),
        (3, &["verify"]),
        (3, &["activate"]),
    ] {
        let output = sandbox.keyward(["--json"]).args(command).exit(exit);
        assert!(!sandbox.home().join(".local").exists(), "{command:?} made something");
        if exit == 0 {
            output.json();
        }
    }
    let info = sandbox.keyward(["store", "info"]).answer();
    assert_eq!(text(&info, "path"), sandbox.store_path().to_string_lossy());
    for (field, value) in [
        ("schema", Value::Null),
        ("journalMode", Value::Null),
        ("sizeBytes", 0.into()),
        ("workspaces", 0.into()),
        ("keys", 0.into()),
    ] {
        assert_eq!(info[field], value, "{field}");
    }
}

#[test]
fn a_first_command_that_fails_makes_no_store() {
    let sandbox = Sandbox::new();
    for command in [
        &["mint", "ci", "-e", "staging"][..],
        &["mint", "ci", "--scope", "x"],
        &["mint", "ci", "--expires", "2001-01-01"],
        &["mint", "ci", "-w", "missing"],
        &["mint", " "],
        &["workspace", "create", "acme", "--token", "{secret:4}"],
        &["workspace", "create", "acme", "--plan", "missing"],
    ] {
        let output = sandbox.keyward(command).run();
        assert_ne!(output.status, 0, "{}", output.transcript());
        assert!(!sandbox.home().join(".local").exists(), "{command:?} made something");
    }
}

#[test]
fn a_linked_folder_above_the_store_is_followed() {
    let sandbox = Sandbox::new();
    let real = sandbox.home().join("real");
    fs::create_dir(&real).expect("a folder can be made");
    symlink("real", sandbox.home().join("link")).expect("a link can be made");
    let secret = with(&sandbox, "link/k.db", &["mint", "ci"]).ok().line();
    assert!(real.join("k.db").is_file());
    with(&sandbox, "real/k.db", &["verify"]).stdin(&secret).ok();
}

#[test]
fn the_store_is_what_the_contract_says_it_is() {
    let (sandbox, _, bytes) = store();
    assert_eq!(&bytes[..16], b"SQLite format 3\0");
    let connection: Connection = sandbox.sqlite();
    let mode: String = connection
        .pragma_query_value(None, "journal_mode", |row| row.get(0))
        .expect("a pragma can be asked");
    assert_eq!(mode, "wal");
    for name in ["application_id", "user_version"] {
        let number: i64 = connection
            .pragma_query_value(None, name, |row| row.get(0))
            .expect("a pragma can be asked");
        assert_ne!(number, 0, "{name}");
    }
    let lax: i64 = connection
        .query_row(
            "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND strict = 0 AND name NOT LIKE 'sqlite_%'",
            [],
            |row| row.get(0),
        )
        .expect("the tables can be listed");
    assert_eq!(lax, 0, "a table is not STRICT");
}

#[test]
fn the_uri_of_anything_else_is_neither_a_path_nor_repeated() {
    let sandbox = Sandbox::new();
    for uri in [
        "mysql://alice:hunter2@db/keys",
        "postgresql+psycopg://alice:hunter2@db/keys",
        "Postgres://alice:hunter2@db/keys",
        "file:///tmp/hunter2.db",
    ] {
        for command in [&["list"][..], &["mint", "ci"], &["store", "info"]] {
            let output = with(&sandbox, uri, command).args(["--json"]).exit(2);
            assert_eq!(output.error()["code"], "usage");
            assert!(!output.transcript().contains("hunter2"), "{}", output.transcript());
        }
    }
    assert_eq!(fs::read_dir(sandbox.home()).expect("a folder").count(), 0, "a folder was made");
    with(&sandbox, "./a://b", &["mint", "ci"]).ok();
    assert!(sandbox.home().join("a:").is_dir());
}
