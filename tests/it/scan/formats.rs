//! Every format that a store's keys ever had is looked for, wherever the store has been since.

use super::{findings, one, plant, scan, shell};
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
    let line = serde_json::json!({
        "name": "foreign", "hash": crate::scan::response::hash(secret),
        "prefix": "sk_prod_0123", "short": "0123", "keyHint": "6789",
    });
    sandbox.file("keys.jsonl", &format!("{line}\n"));
    sandbox.keyward(["store", "import", "keys.jsonl"]).ok();
    plant(&sandbox, "tree/a", format!("key: \"{secret}\", x"));
    plant(&sandbox, "tree/b", "key: sk_prod_0123456789abcdefABCDEF012345678x");
    let found = findings(&scan(&sandbox, &["tree"], 18));
    assert_eq!((found.len(), &found[0]["name"]), (1, &serde_json::json!("foreign")));
}

#[test]
fn a_format_that_is_missing_is_found_by_store_check() {
    let (sandbox, _) = one();
    sandbox.tamper("DELETE FROM token_format");
    let checked = sandbox.keyward(["store", "check", "--json"]).exit(9).json();
    let problem = checked["problems"][0]["problem"].as_str().unwrap_or_default();
    assert!(problem.contains("token format"), "{checked:#}");
}
