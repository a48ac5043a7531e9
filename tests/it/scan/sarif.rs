//! SARIF: what code scanning services read, against the schema of its standard.

use std::os::unix::ffi::OsStrExt;

use serde_json::{Value, json};

use super::{one, plant, shell};
use crate::support::Sandbox;

/// The constraints of the standard; the folder has a README about it.
const SCHEMA: &str = include_str!("../fixtures/sarif/sarif-2.1.0.json");

/// Scans, expects this exit status, and returns a document that the schema accepts.
#[track_caller]
fn sarif(sandbox: &Sandbox, arguments: &[&str], exit: i32) -> Value {
    let run = sandbox.keyward(["scan", "--format", "sarif"]).args(arguments);
    let document = run.exit(exit).json();
    let schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    let validator = jsonschema::options().should_validate_formats(true).build(&schema);
    let validator = validator.expect("a schema can be compiled");
    let faults: Vec<String> = validator
        .iter_errors(&document)
        .map(|error| format!("{error} at {}", error.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{arguments:?}: {faults:?}\n{document:#}");
    document
}

fn results(document: &Value) -> &Vec<Value> {
    document["runs"][0]["results"].as_array().expect("a list")
}

#[test]
fn every_sarif_document_is_valid() {
    let (sandbox, secret) = one();
    let foreign = Sandbox::with_key("theirs").1;
    plant(&sandbox, "tree/kept", "text\n");
    assert!(results(&sarif(&sandbox, &["tree"], 0)).is_empty());
    let nowhere = sarif(&sandbox, &["nowhere"], 7);
    let invocation = &nowhere["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    assert_eq!(invocation["toolExecutionNotifications"].as_array().map(Vec::len), Some(1));

    // More than are named.
    let many: Vec<String> = (0..102).map(|number| format!("nowhere-{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let unread = &sarif(&sandbox, &many, 7)["runs"][0]["invocations"][0];
    let notes = unread["toolExecutionNotifications"].as_array().expect("a list");
    assert_eq!(notes[100]["message"]["text"], "2 things more could not be read");

    let dead = sandbox.mint("gone");
    sandbox.keyward(["revoke", "gone", "--yes"]).ok();
    plant(&sandbox, "tree/all", format!("{secret}\n{dead}\n{foreign}\n"));
    plant(&sandbox, &format!("tree/{secret}"), "text");
    let odd = [&b"a\nb"[..], b"x:y", b"100%", b"no\xffutf8", "\u{e4} \u{202e}".as_bytes()];
    for name in odd {
        let path = sandbox.home().join("tree").join(std::ffi::OsStr::from_bytes(name));
        std::fs::write(path, &secret).expect("a file can be written");
    }
    shell(&sandbox, "tree", "tar czf a.tgz all; git init -q .; git add .; git commit -qm all");
    let documents = [
        sarif(&sandbox, &["tree"], 18),
        sarif(&sandbox, &["tree", "--history"], 18),
        sarif(&sandbox, &["tree", "--fail-on", "never", "--revoke", "--yes"], 0),
    ];
    for document in &documents {
        let levels = ["error", "note", "warning"];
        let is_said = |level: &&str| results(document).iter().any(|one| one["level"] == **level);
        assert!(levels.iter().all(is_said), "{document:#}");
    }
}

#[test]
fn sarif_has_a_result_for_each_place_and_no_text_of_it() {
    let (sandbox, secret) = one();
    plant(&sandbox, "tree/a b.py", format!("before secret\n{secret} after secret\n"));
    let output = sandbox.keyward(["scan", "tree", "--format", "sarif"]).exit(18);
    let document = output.json();
    assert_eq!(document["version"], "2.1.0");
    let run = &document["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    let result = &run["results"][0];
    assert!(rules.iter().any(|rule| rule["id"] == result["ruleId"]), "{result:#}");
    assert_eq!((&result["ruleId"], &result["level"]), (&json!("live-key"), &json!("error")));
    let location = &result["locations"][0]["physicalLocation"];
    assert_eq!(location["artifactLocation"]["uri"], "tree/a%20b.py");
    assert_eq!(location["region"], json!({ "startLine": 2, "startColumn": 1 }));
    for absent in [&secret[20..], "before secret", "after secret"] {
        assert!(!output.stdout.contains(absent), "{}", output.stdout);
    }
    assert_eq!(run["invocations"][0]["executionSuccessful"], true);
}
