//! Imports that are refused as a whole: a wrong sample, hashes that no key can be found by, files and mappings that are wrong.

use serde_json::json;

use super::{file_and_source, originals, with_files};
use crate::support::Sandbox;
use crate::transfer::hex;

/// Asserts that an import is refused, says this, and leaves no store.
#[track_caller]
fn assert_refused(sandbox: &Sandbox, arguments: &[&str], lines: &str, exit: i32, said: &[&str]) {
    let import = sandbox.keyward(["store", "import"]).args(arguments).stdin(lines);
    let refused = import.exit(exit);
    for words in said {
        assert!(refused.stderr.contains(words), "no {words:?} in {}", refused.transcript());
    }
    assert!(!sandbox.store_path().exists(), "a store was made");
}

#[test]
fn a_sample_that_is_in_no_line_and_hashes_with_a_key_import_nothing() {
    let (sandbox, folder) = with_files();
    sandbox.file("wrong.key", "acme_Ai5xLyto_Bvex5j9PZcNH77RK3g6TPHw9");
    for system in ["better-auth", "drf", "sanctum", "unkey", "seam", "own"] {
        let (file, source) = file_and_source(&folder, system);
        let arguments = [&file, "--from", &source, "--sample", "wrong.key", "--keep-going"];
        assert_refused(&sandbox, &arguments, "", 2, &["no ", "has the sample's hash in any form"]);
    }
    // HMAC-SHA256 looks like any other hash, and the secret's own is not among them.
    let lines = json!({"name": "a", "hash": "7f".repeat(32)}).to_string();
    sandbox.file("one.key", "the secret");
    let arguments = ["-", "--sample", "one.key", "--keep-going"];
    assert_refused(&sandbox, &arguments, &lines, 2, &["a salt or a key (HMAC)"]);
}

#[test]
fn a_sample_of_another_form_than_the_mappings_names_both() {
    let (sandbox, folder) = with_files();
    let sample = folder.join("sanctum.key");
    let token = originals("sanctum")[0].secret.clone();
    let line = json!({"id": 1, "name": "a", "key": hex(token.split_once('|').expect("a bar").1)});
    let sample = sample.to_str().expect("UTF-8");
    let arguments = ["-", "--from", "better-auth", "--sample", sample];
    let said = ["line 1 as sha256-after:|, and the mapping says sha256"];
    assert_refused(&sandbox, &arguments, &line.to_string(), 2, &said);
}

#[test]
fn hashes_that_no_token_can_be_looked_up_by_are_refused_with_the_way_that_works() {
    let sandbox = Sandbox::new();
    for (hash, what) in [
        ("$2b$12$KIXbGmzGk0rUO1fFQ0wWeOe1aJq1", "bcrypt"),
        ("bcrypt_sha256$$2b$12$KIXbGmzGk0rUO1f", "bcrypt"),
        ("$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA", "Argon2"),
        ("argon2$argon2id$v=19$m=102400,t=2,p=8$c2FsdA$aGFzaA", "Argon2"),
        ("pbkdf2_sha256$600000$salt$aGFzaA==", "PBKDF2"),
        ("scrypt$salt$16384$8$1$aGFzaA==", "scrypt"),
        ("$6$salt$aGFzaA", "salted"),
        ("hmac-sha256:0123456789abcdef", "keyed (HMAC)"),
    ] {
        let lines: String = (0..3)
            .map(|number| {
                json!({"name": format!("a{number}"), "hashed_key": hash}).to_string() + "\n"
            })
            .collect();
        let said = ["lines 1, 2, 3 (usage)", what, "mint a new key"];
        assert_refused(&sandbox, &["-", "--from", "drf"], &lines, 2, &said);
        let plain = lines.replace("hashed_key", "hash");
        assert_refused(&sandbox, &["-"], &plain, 2, &said);
    }
    let lines =
        json!({"name": "a", "hash": "7f".repeat(32), "algorithm": "hmac-sha256"}).to_string();
    assert_refused(&sandbox, &["-"], &lines, 2, &["keyed (HMAC)"]);
}

#[test]
fn files_and_mappings_that_are_wrong_are_named() {
    let (sandbox, folder) = with_files();
    let file = |name: &str| folder.join(name).to_str().expect("UTF-8").to_owned();
    let (app, django) = (file("app.db"), file("django.sqlite3"));
    assert_refused(&sandbox, &[&app], "", 2, &["is a database", "--from"]);
    assert_refused(&sandbox, &[&app, "--from", "drf"], "", 2, &["has no table", "apikey"]);
    assert_refused(
        &sandbox,
        &[&django, "--from", "kong"],
        "",
        2,
        &["no such file: kong", "sanctum"],
    );
    for (mapping, said) in [
        ("hash = 1", "line 1"),
        ("", "missing field `hash`"),
        ("hash = \"h\"\nexpiry = \"e\"", "unknown field `expiry`"),
        ("hash = \"h\"\nname = { jsn = \"x\" }", "line 2"),
        ("hash = \"hashed_key\"", "a mapping with its table"),
        (
            "table = \"rest_framework_api_key_apikey\"\nhash = \"hash\"",
            "\"hash\", which no row has",
        ),
        (
            "table = \"rest_framework_api_key_apikey\"\nhash = \"hashed_key\"\nexpires_at = \"expires\"",
            "expires_at names the column \"expires\"",
        ),
        ("hash = \"hashed_key\"\nform = { value = \"md5\" }", "md5"),
        (
            "table = \"rest_framework_api_key_apikey\"\nhash = \"hashed_key\"\nform = \"md5\"",
            "column \"md5\"",
        ),
    ] {
        sandbox.file("mapping.toml", mapping);
        assert_refused(&sandbox, &[&django, "--from", "mapping.toml"], "", 2, &[said]);
    }
    sandbox.file("broken.json", "[{\"name\": \"a\"},");
    assert_refused(&sandbox, &["broken.json"], "", 2, &["JSON array"]);
}
