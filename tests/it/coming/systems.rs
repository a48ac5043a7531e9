//! Each system: one command, and every original secret has the verdict that it had there.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use keyward::domain::secret::Secret;
use keyward::domain::timestamp::Timestamp;
use keyward::ops::verifier::{Request, Verifier};
use serde_json::{Value, json};

use super::{FIXTURES, Original, file_and_source, originals, with_files};
use crate::support::Sandbox;
use crate::support::stream::answers;
use crate::support::time::now;

/// What is in a folder.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).expect("a folder");
    let read = entries.map(|entry| {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        (name, fs::read(path).expect("a file"))
    });
    read.collect()
}

#[track_caller]
fn assert_each_verdict(sandbox: &Sandbox, keys: &[Original], system: &str) {
    let (path, wait) = (sandbox.named(), Duration::from_secs(10));
    let mut library = Verifier::open(&path, wait, drop).expect("there is a store");
    let requests: String =
        keys.iter().map(|key| json!({"key": key.secret}).to_string() + "\n").collect();
    let streamed = answers(sandbox, &[], requests);
    for (key, streamed) in keys.iter().zip(streamed) {
        let verdict = sandbox.keyward(["verify", "--json"]).stdin(&key.secret).run().json();
        for verdict in [&verdict, &streamed] {
            assert_eq!(verdict["code"], key.code, "{system}: {verdict:#}");
            assert_eq!(verdict["subject"]["name"], key.name, "{system}: {verdict:#}");
        }
        let request = Request::new(Secret::new(key.secret.clone()));
        let verdict = library.verify(&request, Timestamp::from_millis(now())).expect("a verdict");
        assert_eq!(verdict.code.word(), key.code, "{system}: {}", key.name);
        let called = sandbox.keyward(["--as", "-", "whoami", "--json"]).stdin(&key.secret).run();
        match called.status {
            0 => {
                assert_eq!((&called.json()["name"], "valid"), (&json!(key.name), key.code.as_str()))
            }
            _ => assert_ne!(key.code, "valid", "{}", called.transcript()),
        }
    }
    library.close().expect("the use can be written");
}

#[test]
fn every_original_secret_of_each_system_keeps_its_verdict_and_a_second_run_changes_nothing() {
    for (system, ..) in FIXTURES {
        let (sandbox, folder) = with_files();
        let (file, source) = file_and_source(&folder, system);
        let before = contents(&folder);
        let sample = folder.join(format!("{system}.key"));
        let import = || {
            let sample = ["--sample", sample.to_str().expect("UTF-8"), "--scopes", "declare"];
            sandbox.keyward(["store", "import", &file, "--from", &source, "--json"]).args(sample)
        };
        let count = |answer: &Value, code: &str| {
            let results = answer["results"].as_array().expect("a list");
            results.iter().filter(|result| result["code"] == code).count()
        };
        let keys = originals(system);
        let rehearsed = import().args(["--dry-run"]).ok().json();
        assert_eq!(count(&rehearsed, "created"), keys.len(), "{system}: {rehearsed:#}");
        let created = import().ok().json();
        assert_eq!(count(&created, "created"), keys.len(), "{system}: {created:#}");
        assert_each_verdict(&sandbox, &keys, system);
        let settled = sandbox.settled_bytes();
        let again = import().ok().json();
        assert_eq!(count(&again, "unchanged"), keys.len(), "{system}: {again:#}");
        assert!(sandbox.settled_bytes() == settled, "{system}: it was written");
        sandbox.keyward(["store", "check"]).ok();
        assert!(contents(&folder) == before, "{system}: its file, or what is beside it, changed");
    }
}

#[test]
fn imported_keys_are_rotated_and_revoked_by_name_and_by_prefix() {
    for (system, ..) in FIXTURES {
        let (sandbox, folder) = with_files();
        let (file, source) = file_and_source(&folder, system);
        sandbox.keyward(["store", "import", &file, "--from", &source, "--scopes", "declare"]).ok();
        let first = &originals(system)[0];
        let shown = sandbox.show(&first.name);
        let prefix = shown["prefix"].as_str().expect("a prefix");
        assert!(first.secret.contains(prefix), "{system}: {shown:#}");
        let found = sandbox.show(prefix);
        assert_eq!(found["id"], shown["id"], "{system}");
        let new = sandbox.keyward(["rotate", prefix, "--grace", "1h"]).ok().line();
        sandbox.verdict(&new, &[], 0, "valid");
        sandbox.verdict(&first.secret, &[], 0, "valid");
        sandbox.keyward(["revoke", &first.name, "--yes"]).ok();
        for secret in [&new, &first.secret] {
            sandbox.verdict(secret, &[], 11, "revoked");
        }
        // A second import does not bring it back.
        let again = sandbox.keyward(["store", "import", &file, "--from", &source]);
        let again = again.args(["--scopes", "declare", "--keep-going"]).exit(4);
        assert!(again.stderr.contains("1 differs"), "{}", again.transcript());
        sandbox.verdict(&first.secret, &[], 11, "revoked");
    }
}
