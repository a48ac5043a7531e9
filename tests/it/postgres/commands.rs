//! Every command works on a server as with a file, but for those that only a file has.

use serde_json::json;
use sha2::{Digest, Sha256, Sha512};

use super::{sandbox, schema};
use crate::support::server::Server;
use crate::support::{Sandbox, text};

#[test]
fn a_key_lives_on_a_server_as_in_a_file() {
    let Some(sandbox) = sandbox() else { return };
    let first = sandbox.mint("pay");
    sandbox.verdict(&first, &[], 0, "valid");
    assert_eq!(sandbox.listed(&[]), ["pay"]);
    let second = sandbox.keyward(["rotate", "pay"]).ok().line();
    for secret in [&first, &second] {
        sandbox.verdict(secret, &[], 0, "valid");
    }
    sandbox.keyward(["set", "pay", "--owner", "platform", "--label", "team=core"]).ok();
    sandbox.keyward(["rename", "pay", "billing"]).ok();
    assert_eq!(sandbox.show("billing")["owner"], "platform");
    sandbox.keyward(["disable", "billing"]).ok();
    sandbox.verdict(&second, &[], 13, "disabled");
    sandbox.keyward(["enable", "billing"]).ok();
    sandbox.keyward(["revoke", "billing", "--yes"]).ok();
    for secret in [&first, &second] {
        sandbox.verdict(secret, &[], 11, "revoked");
    }
    let uses = sandbox.keyward(["usage"]).answer();
    let counted = uses["usage"].as_array().expect("a list");
    let valid: i64 = counted.iter().map(|day| day["valid"].as_i64().expect("a number")).sum();
    assert_eq!(valid, 3, "{uses:#}");
    let trail = sandbox.keyward(["audit", "verify"]).answer();
    assert_eq!(trail["ok"], true);
    sandbox.keyward(["store", "check"]).ok();
}

#[test]
fn a_held_key_a_manifest_and_a_repeated_request_work_as_with_a_file() {
    let Some(sandbox) = sandbox() else { return };
    let held = sandbox.mint_with("held", &["--hold"]);
    sandbox.verdict(&held, &[], 13, "pending");
    sandbox.keyward(["activate"]).stdin(&held).ok();
    sandbox.verdict(&held, &[], 0, "valid");
    sandbox.file(
        "keys.toml",
        "[workspace.acme]\npreset = \"default\"\n[[key]]\nworkspace = \"acme\"\nenvironment = \"live\"\nname = \"ci\"\ndeliver = { out = \"ci.key\" }\n",
    );
    let apply = || sandbox.keyward(["apply", "keys.toml"]).answer()["changes"][0]["action"].clone();
    assert_eq!(apply(), "created");
    assert_eq!(apply(), "unchanged");
    let once = ["mint", "once", "-w", "default", "--idempotency-key", "run-1", "--out", "once.key"];
    sandbox.keyward(once).ok();
    sandbox.keyward(once).refused(4, "conflict");
    assert_eq!(sandbox.listed(&["-w", "default"]), ["held", "once"]);
    let ensured = || sandbox.keyward(["ensure", "worker", "-w", "acme", "--out", "w.key"]).answer();
    assert_eq!(ensured()["action"], "created");
    assert_eq!(ensured()["action"], "unchanged");
    sandbox.keyward(["workspace", "rename", "acme", "shop"]).ok();
    sandbox.keyward(["workspace", "use", "shop"]).ok();
    assert_eq!(sandbox.listed(&[]), ["ci", "worker"]);
    sandbox.keyward(["revoke", "ci", "worker", "--yes"]).ok();
    sandbox.keyward(["workspace", "delete", "shop", "--yes"]).ok();
    sandbox.keyward(["store", "check"]).ok();
}

#[test]
fn tables_are_made_by_store_create_only_and_by_it_once() {
    let Some(server) = Server::shared() else { return };
    let sandbox = Sandbox::in_place(server.place());
    for command in
        [&["mint", "x"][..], &["list"], &["verify"], &["store", "check"], &["store", "migrate"]]
    {
        sandbox.refuses(command, 3, "store_not_found");
    }
    assert_eq!(sandbox.keyward(["store", "create"]).answer()["changed"], true);
    assert_eq!(sandbox.keyward(["store", "create"]).answer()["changed"], false);
    assert_eq!(sandbox.keyward(["store", "migrate"]).answer()["changed"], false);
    let absent = server.uri("s").replace("/postgres?", "/no_such_database?");
    Sandbox::in_place(absent).refuses(&["list"], 3, "store_not_found");
}

#[test]
fn the_facts_name_server_database_role_and_schema() {
    let Some(sandbox) = sandbox() else { return };
    let info = sandbox.keyward(["store", "info"]).answer();
    assert_eq!(text(&info, "path"), sandbox.place().expect("a place"));
    assert_eq!(info["journalMode"], json!(null));
    let server = &info["server"];
    assert_eq!(server["database"], "postgres");
    assert_eq!(server["role"], "owner");
    assert_eq!(text(server, "schema"), schema(&sandbox));
    assert_eq!(server["synchronousCommit"], "on");
}

#[test]
fn a_backup_of_a_database_is_not_keywards_to_make() {
    let Some(sandbox) = sandbox() else { return };
    for command in ["backup", "restore"] {
        let refusal = sandbox.keyward(["--yes", "store", command, "x.db"]).refused(2, "usage");
        let hint = text(&refusal, "hint");
        assert!(hint.contains("pg_dump") && hint.contains("keyward store export"), "{hint}");
    }
}

#[test]
fn a_clock_that_went_back_revives_nothing() {
    let Some(sandbox) = sandbox() else { return };
    let secret = sandbox.mint_with("short", &["--expires", "1s"]);
    sandbox.wait_for_verdict(&secret, 12);
    // A change raises the store's last recorded time.
    sandbox.mint("other");
    let server = Server::shared().expect("it is there");
    let seen = server.psql(&format!("SELECT seen FROM {}.clock", schema(&sandbox)));
    assert!(seen.parse::<i64>().expect("a number") > 1_700_000_000_000, "{seen}");
    sandbox.keyward(["store", "check", "--reset-clock"]).ok();
}

#[test]
fn lists_have_the_same_orders_as_in_a_file() {
    let Some(on_server) = sandbox() else { return };
    let in_file = Sandbox::new();
    for sandbox in [&on_server, &in_file] {
        for (name, flags) in [
            ("b", &["--expires", "2d"][..]),
            ("Z", &[]),
            ("é", &["--expires", "1d"]),
            ("a", &["-e", "test"]),
            ("_", &[]),
        ] {
            sandbox.mint_with(name, flags);
        }
        let used = sandbox.mint("used");
        sandbox.verdict(&used, &[], 0, "valid");
    }
    for order in ["created", "name", "environment", "expires", "last-used"] {
        let names = |sandbox: &Sandbox| {
            sandbox.keyward(["list", "-o", "value=name", "--sort", order]).ok().stdout
        };
        assert_eq!(names(&on_server), names(&in_file), "{order}");
    }
}

#[test]
fn a_keys_own_plan_and_another_systems_key_are_judged_as_with_a_file() {
    let Some(sandbox) = sandbox() else { return };
    let policy = sandbox.file(
        "policy.toml",
        "environments = [\"live\"]\n[plans.small]\nrate = \"100/second\"\nquota = 2\n",
    );
    sandbox.keyward(["workspace", "create", "acme", "--policy"]).args([policy]).ok();
    let secret = sandbox.mint_with("app", &["--plan", "small"]);
    for _ in 0..2 {
        sandbox.verdict(&secret, &[], 0, "valid");
    }
    sandbox.verdict(&secret, &[], 15, "quota_exceeded");
    let next = sandbox.keyward(["rotate", "app"]).ok().line();
    sandbox.verdict(&next, &[], 15, "quota_exceeded");
    sandbox.keyward(["set", "app", "--clear-plan"]).ok();
    sandbox.verdict(&next, &[], 0, "valid");
    let hash: String = Sha512::digest("Qm1xYz09.wL7vKp4sT8uB2nE6")
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let line = json!({ "name": "django", "hash": hash, "algorithm": "sha512" }).to_string();
    sandbox.keyward(["store", "import", "-"]).stdin(line).ok();
    sandbox.verdict("Qm1xYz09.wL7vKp4sT8uB2nE6", &[], 0, "valid");
    sandbox.verdict("Qm1xYz09.wL7vKp4sT8uB2nE7", &[], 10, "not_found");
    let hash: String =
        Sha256::digest("pT4kWq9zLx2VbN8mRc5").iter().map(|byte| format!("{byte:02x}")).collect();
    let line = json!({ "name": "sanctum", "hash": hash, "algorithm": "sha256-after:|" });
    sandbox.keyward(["store", "import", "-"]).stdin(line.to_string()).ok();
    // A group is looked up at once: what was hashed of a token is not a secret there either.
    let lines = ["pT4kWq9zLx2VbN8mRc5", "17|pT4kWq9zLx2VbN8mRc5", &next];
    let stream = sandbox.keyward(["verify", "--stream"]).stdin(lines.join("\n")).ok();
    let codes: Vec<_> = stream.json_lines().iter().map(|line| line["code"].clone()).collect();
    assert_eq!(codes, ["not_found", "valid", "valid"]);
}
