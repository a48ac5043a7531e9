//! Keys that another system minted: each is known by its whole token, whatever that system hashes of it.

use serde_json::{Value, json};
use sha2::{Digest, Sha256, Sha512};

use crate::support::Sandbox;
use crate::support::stream::Stream;

/// A key of another system: its name, its token and the fields of its line.
struct Foreign {
    name: &'static str,
    token: &'static str,
    algorithm: &'static str,
    hash: String,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A key of each form, with hashes in the ways that systems write them.
fn keys() -> Vec<Foreign> {
    let sha256 = |text: &str| hex(&Sha256::digest(text));
    let key = |name, token, algorithm, hash| Foreign { name, token, algorithm, hash };
    vec![
        key("plain", "ba_Xk29fLQmWz81nT0pRc", "sha256", sha256("ba_Xk29fLQmWz81nT0pRc")),
        key(
            "tagged",
            "tg-5f0a7c1be94d2a6388",
            "sha256",
            format!("sha256:{}", sha256("tg-5f0a7c1be94d2a6388")),
        ),
        key(
            "django",
            "Qm1xYz09.wL7vKp4sT8uB2nE6",
            "sha512",
            format!("sha512$${}", hex(&Sha512::digest("Qm1xYz09.wL7vKp4sT8uB2nE6"))),
        ),
        key("sanctum", "17|pT4kWq9zLx2|VbN8mRc5", "sha256-after:|", sha256("pT4kWq9zLx2|VbN8mRc5")),
        key(
            "seam",
            "seam_live_Zt7Yq1Lp_0aBcDeFgHiJkLm",
            "sha256-after:_",
            format!("\\x{}", sha256("0aBcDeFgHiJkLm")),
        ),
    ]
}

/// A store with those keys and one of its own, whose secret is returned.
fn store(sandbox: &Sandbox) -> String {
    let own = sandbox.mint("own");
    let lines: Vec<String> = keys().iter().map(line).collect();
    sandbox.keyward(["store", "import", "-"]).stdin(lines.join("\n")).ok();
    own
}

fn line(key: &Foreign) -> String {
    json!({ "name": key.name, "hash": key.hash, "algorithm": key.algorithm }).to_string()
}

fn codes(sandbox: &Sandbox, tokens: &[&str]) -> Vec<String> {
    let stream = sandbox.keyward(["verify", "--stream"]).stdin(tokens.join("\n")).ok();
    let code = |verdict: &Value| verdict["code"].as_str().expect("a code").to_owned();
    stream.json_lines().iter().map(code).collect()
}

#[test]
fn the_whole_token_of_each_form_verifies_by_call_and_by_stream() {
    let sandbox = Sandbox::new();
    let own = store(&sandbox);
    let mut tokens = vec![own.as_str()];
    for key in keys() {
        let verdict = sandbox.verdict(key.token, &[], 0, "valid");
        assert_eq!(verdict["subject"]["name"], key.name, "{verdict:#}");
        tokens.push(key.token);
    }
    assert_eq!(codes(&sandbox, &tokens), vec!["valid"; tokens.len()]);
    // A second look comes from memory.
    let twice = [&tokens[..], &tokens].concat();
    assert_eq!(codes(&sandbox, &twice), vec!["valid"; twice.len()]);
}

#[test]
fn what_was_hashed_of_a_token_is_no_secret_by_itself() {
    let sandbox = Sandbox::new();
    store(&sandbox);
    let parts = ["pT4kWq9zLx2|VbN8mRc5", "0aBcDeFgHiJkLm", "17|VbN8mRc5", "VbN8mRc5"];
    assert_eq!(codes(&sandbox, &parts), vec!["not_found"; parts.len()]);
    for part in parts {
        sandbox.verdict(part, &[], 10, "not_found");
    }
}

#[test]
fn a_typing_error_is_not_found_where_other_systems_have_keys_and_malformed_where_none_has() {
    let sandbox = Sandbox::new();
    sandbox.mint("own");
    sandbox.verdict("ba_Xk29fLQmWz81nT0pRC", &[], 10, "malformed");
    let other = Sandbox::new();
    store(&other);
    other.verdict("ba_Xk29fLQmWz81nT0pRC", &[], 10, "not_found");
}

#[test]
fn they_are_revoked_rotated_and_exported_like_any_other() {
    let sandbox = Sandbox::new();
    store(&sandbox);
    sandbox.keyward(["revoke", "sanctum", "--yes"]).ok();
    sandbox.verdict("17|pT4kWq9zLx2|VbN8mRc5", &[], 11, "revoked");
    let new = sandbox.keyward(["rotate", "django", "--now"]).ok().line().to_owned();
    sandbox.verdict(&new, &[], 0, "valid");
    sandbox.verdict("Qm1xYz09.wL7vKp4sT8uB2nE6", &[], 11, "revoked");
    let lines = sandbox.keyward(["store", "export"]).ok().stdout;
    let other = Sandbox::new();
    other.keyward(["store", "import", "-"]).stdin(&lines).ok();
    let tokens: Vec<&str> = keys().iter().map(|key| key.token).collect();
    assert_eq!(codes(&other, &tokens), codes(&sandbox, &tokens));
    let again = other.keyward(["store", "import", "-", "--json"]).stdin(&lines).ok().json();
    let results = again["results"].as_array().expect("results");
    assert!(results.iter().all(|result| result["code"] == "unchanged"), "{again:#}");
}

#[test]
fn a_plain_hash_is_still_another_systems_when_it_has_moved_to_another_store() {
    let sandbox = Sandbox::new();
    sandbox.mint("own");
    sandbox.keyward(["store", "import", "-"]).stdin(line(&keys()[0])).ok();
    let exported = sandbox.keyward(["store", "export"]).ok();
    let said: Vec<Value> = exported.json_lines();
    let foreign =
        |name: &str| said.iter().find(|line| line["name"] == name).map(|line| &line["foreign"]);
    assert_eq!((foreign("own"), foreign("plain")), (Some(&json!(false)), Some(&json!(true))));
    let other = Sandbox::new();
    other.keyward(["store", "import", "-"]).stdin(&exported.stdout).ok();
    for store in [&sandbox, &other] {
        store.verdict("ba_Xk29fLQmWz81nT0pRC", &[], 10, "not_found");
    }
    assert_eq!(other.keyward(["store", "export"]).ok().json_lines(), said);
}

#[test]
fn a_line_of_another_form_than_the_record_differs() {
    let sandbox = Sandbox::new();
    store(&sandbox);
    let exported = sandbox.keyward(["store", "export"]).ok().stdout;
    let line = exported.lines().find(|line| line.contains("\"seam\"")).expect("it is exported");
    let line = line.replace("sha256-after:_", "sha256-after:|");
    let refused = sandbox.keyward(["store", "import", "-"]).stdin(line).exit(4);
    assert!(refused.stderr.contains("differs in this store: algorithm"), "{}", refused.stderr);
}

#[test]
fn ensure_knows_an_imported_keys_secret_in_its_file_and_in_its_variable() {
    let sandbox = Sandbox::new();
    store(&sandbox);
    let ensure =
        |name: &str, sink: &[&str]| sandbox.keyward(["ensure", name]).args(sink).args(["--json"]);
    for key in keys() {
        sandbox.file("F", key.token);
        assert_eq!(ensure(key.name, &["--out", "F"]).answer()["action"], "unchanged");
        sandbox.file(".env", &format!("KEY='{}'\n", key.token));
        let found = ensure(key.name, &["--dotenv", ".env", "--var", "KEY"]).answer();
        assert_eq!(found["action"], "unchanged", "{}", key.name);
        // Another key's is named, and only what is hashed of it is no secret.
        let refused = ensure("own", &["--out", "F"]).exit(4).error();
        let said = refused["message"].as_str().expect("a message");
        assert!(said.contains(&sandbox.id_of(key.name)), "{said}");
    }
    sandbox.file("F", "0aBcDeFgHiJkLm");
    ensure("seam", &["--out", "F"]).refused(4, "secret_missing");
}

#[test]
fn a_stream_takes_a_key_of_another_form_that_came_meanwhile() {
    let sandbox = Sandbox::new();
    sandbox.mint("own");
    let django = &keys()[2];
    let (before, after) = {
        let mut stream = Stream::start(&sandbox, &[]);
        let before = stream.ask(django.token);
        sandbox.keyward(["store", "import", "-"]).stdin(line(django)).ok();
        (before, stream.ask(django.token))
    };
    assert_eq!((&before["code"], &after["code"]), (&json!("malformed"), &json!("valid")));
}

#[test]
fn a_foreign_token_in_an_argument_is_refused_unechoed() {
    let sandbox = Sandbox::new();
    store(&sandbox);
    for key in keys() {
        let refused = sandbox.keyward(["show", key.token]).exit(2);
        assert!(!refused.stderr.contains(key.token), "{}", refused.stderr);
    }
}

#[test]
fn a_hash_in_the_form_of_another_is_refused_by_field() {
    let sandbox = Sandbox::new();
    sandbox.mint("own");
    let sha256 = hex(&Sha256::digest("x"));
    for (algorithm, hash) in [
        ("sha512", format!("sha256:{sha256}")),
        ("sha256", format!("sha512$${}", hex(&Sha512::digest("x")))),
        ("sha256", hex(&Sha512::digest("x"))),
        ("sha512", "$2b$12$abcdefghijklmnopqrstuv".to_owned()),
        ("md5", "d41d8cd98f00b204e9800998ecf8427e".to_owned()),
    ] {
        let line = json!({ "name": "a", "hash": hash, "algorithm": algorithm }).to_string();
        let refused = sandbox.keyward(["store", "import", "-"]).stdin(line).exit(2);
        assert!(refused.stderr.contains("line 1"), "{}", refused.stderr);
        assert!(!refused.stderr.contains(&hash), "{}", refused.stderr);
    }
    assert_eq!(sandbox.keyward(["list", "-o", "jsonl"]).ok().stdout.lines().count(), 1);
}

#[test]
fn a_hash_may_name_its_form_by_its_tag() {
    let sandbox = Sandbox::new();
    sandbox.mint("own");
    let [django, plain] = ["Qm1xYz09.wL7vKp4sT8uB2nE6", "ba_Xk29fLQmWz81nT0pRc"];
    let [sha512, sha256] = [hex(&Sha512::digest(django)), hex(&Sha256::digest(plain))];
    let lines = [
        json!({ "name": "django", "hash": format!("sha512$${sha512}") }),
        json!({ "name": "plain", "hash": format!("sha256${sha256}") }),
    ];
    // The sample says what the hashes without a tag are of, and nothing of the others.
    sandbox.file("sample", plain);
    let lines = lines.map(|line| line.to_string()).join("\n");
    sandbox.keyward(["store", "import", "-", "--sample", "sample"]).stdin(lines).ok();
    sandbox.verdict(django, &[], 0, "valid");
    sandbox.verdict(plain, &[], 0, "valid");
}

#[test]
fn a_line_has_its_times_as_its_system_writes_them() {
    let sandbox = Sandbox::new();
    sandbox.mint("own");
    let line = |name: &str, expires: Value| {
        let hash = hex(&Sha256::digest(name));
        json!({ "name": name, "hash": hash, "createdAt": 1_700_000_000, "expiresAt": expires })
    };
    let lines = [
        line("seconds", json!(4_102_444_800_u64)),
        line("millis", json!(4_102_444_800_000_u64)),
        line("sql", json!("2100-01-01 00:00:00")),
        line("text", json!("4102444800")),
        line("zero", json!("0001-01-01T00:00:00Z")),
        line("none", Value::Null),
    ];
    // Windows programs write a byte order mark first.
    let lines = lines.map(|line| line.to_string()).join("\r\n");
    sandbox.keyward(["store", "import", "-"]).stdin(format!("\u{feff}{lines}\r\n")).ok();
    for name in ["seconds", "millis", "sql", "text", "zero", "none"] {
        let key = sandbox.show(name);
        assert_eq!(key["createdAt"], "2023-11-14T22:13:20.000Z", "{name}");
        let expires = match name {
            "zero" | "none" => Value::Null,
            _ => json!("2100-01-01T00:00:00.000Z"),
        };
        assert_eq!(key["expiresAt"], expires, "{name}");
    }
    let array = json!([line("array", Value::Null)]).to_string();
    sandbox.file("array.json", &format!("\u{feff}{array}"));
    sandbox.keyward(["store", "import", "array.json"]).ok();
    let wrong = line("wrong", json!(true)).to_string();
    let refused = sandbox.keyward(["store", "import", "-"]).stdin(wrong).exit(2);
    assert!(refused.stderr.contains("the field expiresAt is not a time"), "{}", refused.stderr);
}

#[test]
fn null_is_absent_in_every_field_that_may_be_left_out() {
    let sandbox = Sandbox::new();
    let own = sandbox.mint("own");
    let exported = sandbox.keyward(["store", "export"]).ok().json_lines();
    let record = exported.iter().find(|line| line["type"] == "key").expect("a key");
    let fields: Vec<String> = record.as_object().expect("an object").keys().cloned().collect();
    assert!(fields.len() > 25, "{fields:?}");
    for field in fields.iter().filter(|field| !["name", "hash"].contains(&field.as_str())) {
        let token = format!("{field}.Xk29fLQmWz81nT0pRc");
        let mut line = json!({ "name": field, "hash": hex(&Sha256::digest(&token)) });
        line[field] = Value::Null;
        sandbox.keyward(["store", "import", "-"]).stdin(line.to_string()).ok();
        sandbox.verdict(&token, &[], 0, "valid");
    }
    sandbox.verdict(&own, &[], 0, "valid");
}
