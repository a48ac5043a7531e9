//! Every format that a store's keys ever had is looked for, wherever the store has been since.

use serde_json::json;

use super::planted::base64;
use super::{findings, one, places, plant, scan, shell};
use crate::coming::{FIXTURES, file_and_source, originals, with_files};
use crate::migrations::{OLD, plant as plant_store};
use crate::support::Sandbox;

/// A store whose keys were minted under three templates, and their secrets.
fn changed() -> (Sandbox, Vec<String>) {
    let sandbox = Sandbox::new();
    sandbox.workspace("default", &["--token", "{prefix}_{env}_{short:10}{secret:30}"]);
    let mut secrets = vec![sandbox.mint("first")];
    sandbox.keyward(["workspace", "set", "--token", "{secret:50}", "--environments", "live"]).ok();
    secrets.push(sandbox.mint("second"));
    sandbox
        .keyward(["workspace", "set", "--token", "{prefix}.{secret:40}{crc}", "--prefix", "acme"])
        .ok();
    secrets.push(sandbox.mint("third"));
    for (nth, secret) in secrets.iter().enumerate() {
        plant(&sandbox, &format!("tree/{nth}"), secret);
    }
    (sandbox, secrets)
}

#[test]
fn keys_of_earlier_templates_are_found() {
    let (sandbox, _) = changed();
    assert_eq!(findings(&scan(&sandbox, &["tree"], 18)).len(), 3);
    sandbox.assert_sound();
}

#[test]
fn an_export_a_backup_and_a_renamed_workspace_keep_them() {
    let (sandbox, _) = changed();
    let exported = sandbox.keyward(["store", "export"]).ok().stdout;
    sandbox.file("keys.jsonl", &exported);
    sandbox.keyward(["store", "backup", "b.db"]).ok();
    shell(&sandbox, "", "cp -r tree kept");
    for way in [&["store", "import", "keys.jsonl"][..], &["store", "restore", "b.db", "--yes"]] {
        let path = sandbox.home().join("other.db").display().to_string();
        let _ = std::fs::remove_file(&path);
        sandbox.keyward(["--store", &path]).args(way).ok();
        let found = sandbox.keyward(["--store", &path, "scan", "kept", "--json"]).exit(18).json();
        assert_eq!(findings(&found).len(), 3, "{way:?}");
    }
    let one = sandbox.keyward(["store", "export", "-w", "default"]).ok().stdout;
    assert_eq!(one, exported);
}

#[test]
fn a_store_of_an_older_schema_gets_the_formats_that_its_trail_has() {
    for sql in OLD {
        let sandbox = Sandbox::new();
        plant_store(&sandbox, sql);
        plant(&sandbox, "tree/a", crate::support::token::well_formed());
        assert_eq!(findings(&scan(&sandbox, &["tree"], 18)).len(), 1);
        sandbox.keyward(["store", "check"]).ok();
    }
}

#[test]
fn imported_keys_are_found_by_what_their_tokens_begin_with() {
    let (sandbox, _) = one();
    let secret = "sk_prod_0123456789abcdefABCDEF0123456789";
    let line = json!({
        "name": "foreign", "hash": crate::scan::response::hash(secret),
        "prefix": "sk_prod_0123", "short": "0123", "keyHint": "6789",
    });
    sandbox.file("keys.jsonl", &format!("{line}\n"));
    sandbox.keyward(["store", "import", "keys.jsonl"]).ok();
    plant(&sandbox, "tree/a", format!("key: \"{secret}\", x"));
    plant(&sandbox, "tree/b", "key: sk_prod_0123456789abcdefABCDEF012345678x");
    let found = findings(&scan(&sandbox, &["tree"], 18));
    assert_eq!((found.len(), &found[0]["name"]), (1, &json!("foreign")));
}

/// The original secrets of every system that keys come from, in every place where a system writes one.
#[test]
fn keys_of_other_systems_are_found_and_revoked() {
    for (system, ..) in FIXTURES {
        let (sandbox, folder) = with_files();
        let (file, source) = file_and_source(&folder, system);
        sandbox.keyward(["store", "import", &file, "--from", &source, "--scopes", "declare"]).ok();
        let keys = originals(system);
        let mut expected = Vec::new();
        for (nth, key) in keys.iter().enumerate() {
            let secret = &key.secret;
            let percent = secret.replace('|', "%7C");
            let wide: Vec<u8> = secret.bytes().flat_map(|byte| [byte, 0]).collect();
            for (form, content, place) in [
                ("env", format!("A=b\nKEY={secret}\n").into_bytes(), "2:5"),
                ("json", json!({ "key": secret }).to_string().into_bytes(), "1:9"),
                ("header", format!("Authorization: Bearer {secret}\r\n").into_bytes(), "1:23"),
                ("url", format!("https://x/?k={percent}&a=1").into_bytes(), "1:14"),
                ("html", secret.replace('|', "&vert;").into_bytes(), "1:1"),
                ("base64", base64(secret.as_bytes()).into_bytes(), "1:1"),
                ("wide", wide, "1:1"),
                ("wrapped", format!("{}\n{}", &secret[..15], &secret[15..]).into_bytes(), "1:1"),
                ("typo", format!("{}!", &secret[..secret.len() - 1]).into_bytes(), ""),
            ] {
                plant(&sandbox, &format!("tree/{nth}-{form}"), content);
                if !place.is_empty() {
                    expected.push((key.name.clone(), format!("tree/{nth}-{form}:{place}")));
                }
            }
        }
        let answer = scan(&sandbox, &["tree"], 18);
        for finding in findings(&answer) {
            let name = finding["name"].as_str().expect("a name");
            let of_name = expected.iter().filter(|(key, _)| key == name);
            let mut of_name: Vec<_> = of_name.map(|(_, place)| place.clone()).collect();
            of_name.sort();
            assert_eq!(places(&answer, name), of_name, "{system}: {name}");
        }
        assert_eq!(findings(&answer).len(), keys.len(), "{system}");
        scan(&sandbox, &["tree", "--revoke", "--yes"], 18);
        for key in keys.iter().filter(|key| key.code == "valid") {
            let verdict = sandbox.keyward(["verify", "--json"]).stdin(&key.secret).exit(11).json();
            assert_eq!(verdict["code"], "revoked", "{system}: {}", key.name);
        }
    }
}

/// What was hashed of a token is no token itself, and nobody has a key revoked by publishing it.
#[test]
fn what_another_system_hashed_is_no_token() {
    let (sandbox, folder) = with_files();
    let (file, source) = file_and_source(&folder, "sanctum");
    sandbox.keyward(["store", "import", &file, "--from", &source, "--scopes", "declare"]).ok();
    let secret = &originals("sanctum")[0].secret;
    let (_, hashed) = secret.split_once('|').expect("a bar");
    plant(&sandbox, "tree/a", format!("key: {hashed}\n"));
    assert_eq!(findings(&scan(&sandbox, &["tree", "--revoke", "--yes"], 0)).len(), 0);
    sandbox.verdict(secret, &[], 0, "valid");
}

#[test]
fn a_format_that_is_missing_is_found_by_store_check() {
    let (sandbox, _) = one();
    sandbox.tamper("DELETE FROM token_format");
    let checked = sandbox.keyward(["store", "check", "--json"]).exit(9).json();
    let problem = checked["problems"][0]["problem"].as_str().unwrap_or_default();
    assert!(problem.contains("token format"), "{checked:#}");
}
