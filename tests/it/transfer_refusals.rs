//! `keyward store import` of lines that are refused: which, why, and that nothing of them comes in.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Output, Sandbox, text};
use crate::transfer::{foreign, hex, import, line, with_a_key};

/// Asserts that an import is refused with this code, that no line of it came in, and that nothing of this text is repeated.
#[track_caller]
fn assert_refused(sandbox: &Sandbox, lines: &str, exit: i32, code: &str, hidden: &str) -> Output {
    let before = sandbox.settled_bytes();
    let output = import(sandbox, lines).args(["--json"]).run();
    assert_eq!(output.status, exit, "{lines}\n{}", output.transcript());
    assert_eq!(output.error()["code"], code, "{lines}");
    assert!(sandbox.settled_bytes() == before, "the store was written: {lines}");
    assert!(hidden.is_empty() || !output.stderr.contains(hidden), "repeated: {}", output.stderr);
    output
}

#[test]
fn all_lines_come_in_or_none_and_the_error_names_those_that_are_refused() {
    let sandbox = with_a_key();
    let mut lines = line("good", &foreign(1), &json!({}));
    lines += &line("present", &foreign(2), &json!({}));
    lines += "\n";
    lines += &line("bad", &foreign(3), &json!({"scopes": ["admin"]}));
    lines += "nonsense\n";
    let output = assert_refused(&sandbox, &lines, 4, "name_taken", "");
    let message = text(&output.error(), "message");
    for part in ["3 of 4 lines", "line 2 (name_taken)", "line 4 (invalid_scope)", "line 5 (usage)"]
    {
        assert!(message.contains(part), "no {part:?} in {message}");
    }
    assert!(text(&output.error(), "hint").contains("--keep-going"));
    let many: String = (0..40).map(|_| "{}\n").collect();
    let output = assert_refused(&sandbox, &many, 2, "usage", "");
    assert!(text(&output.error(), "message").contains("and 30 more"));
}

#[test]
fn keep_going_takes_in_what_it_can_and_says_what_became_of_each_line() {
    let sandbox = with_a_key();
    let mut lines = line("a", &foreign(1), &json!({}));
    lines += &line("present", &foreign(2), &json!({}));
    lines += " \n";
    lines += &line("a", &foreign(1), &json!({}));
    lines += "{\n";
    lines += &line("b", &foreign(3), &json!({"expires": "never"}));
    lines += &line("c", &foreign(4), &json!({}));
    let output = import(&sandbox, &lines).args(["--keep-going", "--json"]).exit(4);
    assert_eq!(output.stderr, "");
    let answer = output.json();
    let told: Vec<Value> = answer["results"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|result| {
            json!([
                result["index"],
                result["line"],
                result["code"],
                result["name"],
                result["id"].is_string(),
                result["message"].is_string()
            ])
        })
        .collect();
    let expected = json!([
        [0, 1, "created", "a", true, false],
        [1, 2, "name_taken", "present", false, true],
        [3, 4, "conflict", "a", false, true],
        [4, 5, "usage", null, false, true],
        [5, 6, "usage", null, false, true],
        [6, 7, "created", "c", true, false],
    ]);
    assert_eq!(Value::from(told), expected);
    assert_eq!(sandbox.listed(&[]), ["a", "c", "present"]);
    let said = import(&sandbox, &lines).args(["--keep-going"]).exit(4);
    assert!(
        said.stderr.contains("0 created, 2 unchanged, 0 differ, 4 rejected"),
        "{}",
        said.transcript()
    );
    assert!(said.stderr.contains("line 2 (name_taken)"), "{}", said.transcript());
    sandbox.assert_whole();
}

#[test]
fn the_hint_of_a_rejected_line_is_said_with_it() {
    const HINT: &str = "a hash is 64 hexadecimal digits, or 44 characters of Base64";
    let sandbox = with_a_key();
    let unfit = |name: &str| json!({"name": name, "hash": "abc"}).to_string() + "\n";
    let mixed = line("good", &foreign(1), &json!({})) + &unfit("bad") + &unfit("worse");
    let rejected = import(&sandbox, &mixed).args(["--json"]).exit(2).error();
    let message = text(&rejected, "message");
    assert!(message.ends_with(&format!("in hexadecimal or Base64 ({HINT})")), "{message}");
    assert!(text(&rejected, "hint").contains("--keep-going"));
    let only = import(&sandbox, &(unfit("bad") + &unfit("worse"))).args(["--json"]).exit(2).error();
    assert_eq!(text(&only, "hint"), HINT);
    assert!(!text(&only, "message").contains(HINT), "said twice: {only}");
    let said = import(&sandbox, &mixed).args(["--keep-going", "--dry-run"]).exit(2);
    let told: Vec<&str> = said.stderr.lines().skip(1).collect();
    let why = "the field hash is not a SHA-256 in hexadecimal or Base64";
    let expected = [
        format!("line 2 (usage): {why}"),
        format!("hint: {HINT}"),
        format!("line 3 (usage): {why}"),
    ];
    assert_eq!(told, expected, "{}", said.transcript());
    let answer = import(&sandbox, &mixed).args(["--keep-going", "--json"]).exit(2).json();
    let hints = [0, 1, 2].map(|at| answer["results"][at]["hint"].clone());
    assert_eq!(hints, [Value::Null, json!(HINT), json!(HINT)]);
}

#[test]
fn each_conflict_has_its_code() {
    let sandbox = with_a_key();
    let present = sandbox.id_of("present");
    sandbox.workspace("full", &["--cap", "2"]);
    sandbox.workspace("other", &["--prefix", "other"]);
    sandbox.keyward(["workspace", "use", "default"]).ok();
    let export = sandbox.keyward(["store", "export", "-w", "default"]).ok().stdout;
    let taken: Value = serde_json::from_str(export.lines().last().expect("a key")).expect("JSON");
    let with = |name: &str, value: &str| {
        let mut line = taken.clone();
        line[name] = json!(value);
        line.to_string()
    };
    let own = |name: &str, number, more: Value| line(name, &foreign(number), &more);
    let three: String = (0..3)
        .map(|number| own(&format!("x{number}"), number, json!({"workspace": "full"})))
        .collect();
    for (lines, exit, code) in [
        (with("id", "key_zzzzzzzzzzzzzzzz"), 4, "conflict"),
        (with("workspace", "other"), 4, "conflict"),
        (with("hash", &"a".repeat(64)), 4, "conflict"),
        (own("present", 1, json!({})), 4, "name_taken"),
        (own("x", 1, json!({})) + &own("x", 2, json!({})), 4, "name_taken"),
        (three, 5, "limit_reached"),
        (own("x", 1, json!({"workspace": "missing"})), 3, "workspace_not_found"),
        (own("x", 1, json!({"environment": "staging"})), 5, "invalid_environment"),
        (own("x", 1, json!({"scopes": ["admin"]})), 5, "invalid_scope"),
        (own("", 1, json!({})), 2, "invalid_name"),
        (own("a\u{202e}b", 1, json!({})), 2, "invalid_name"),
        (json!({"type": "workspace", "name": "other", "policy": ""}).to_string(), 4, "conflict"),
        (
            json!({"type": "workspace", "name": "new", "policy": "x = 1"}).to_string(),
            2,
            "invalid_policy",
        ),
    ] {
        assert_refused(&sandbox, &lines, exit, code, "");
    }
    // A revoked or expired key needs neither a name nor room.
    let dead = own("present", 1, json!({"status": "revoked"}))
        + &own("present", 2, json!({"status": "expired", "expiresAt": "2020-01-01"}));
    import(&sandbox, &dead).ok();
    assert_eq!(sandbox.id_of(&present), present);
    let secret = sandbox.mint("caller");
    let run = sandbox.keyward(["--as", "-", "store", "import", "none.jsonl"]).stdin(&secret).run();
    assert!([2, 5].contains(&run.status), "{}", run.transcript());
}

#[test]
fn a_line_that_is_none_is_refused() {
    let sandbox = with_a_key();
    let good = hex(&foreign(1));
    for wrong in [
        "x",
        "[]",
        "1",
        "null",
        "\"text\"",
        "{",
        "{}",
        "{\"name\":\"x\"}",
        "{\"hash\":\"\"}",
        "\u{feff}{}",
        "\u{0}",
        "{\"name\":\"x\",\"hash\":\"00\"}",
        "{\"name\":\"x\",\"hash\":null}",
        "{\"type\":\"secret\",\"name\":\"x\"}",
        &format!("{{\"name\":\"x\",\"hash\":\"{good}\",\"hash\":\"{good}\"}}"),
        &format!("{{\"name\":\"x\",\"hash\":\"{good}\"}} {{}}"),
        &format!("{{\"name\":\"x\",\"hash\":\"{good}\",\"lables\":{{}}}}"),
        &format!("{{\"name\":\"x\",\"hash\":\"{good}\",\"algorithm\":\"sha1\"}}"),
        &format!("{{\"name\":\"x\",\"hash\":\"{good}\",\"id\":\"x\"}}"),
        &format!("{{\"name\":\"x\",\"hash\":\"{good}\",\"expiresAt\":\"90d\"}}"),
        &format!("{{\"name\":\"x\",\"hash\":\"{good}\",\"status\":\"gone\"}}"),
        &format!("{{\"name\":\"x\",\"hash\":\"{good}\",\"status\":\"expired\"}}"),
        &format!("{{\"name\":\"x\",\"hash\":\"{good}\",\"revokedAt\":\"2020-01-01\"}}"),
        &format!("{{\"name\":\"x\",\"hash\":\"{good}\",\"revokedReason\":\"retired\"}}"),
        &format!("{{\"name\":\"x\",\"hash\":\"{good}\",\"revokedMessage\":\"seen\"}}"),
        &format!("{{\"name\":\"x\",\"hash\":\"{good}\",\"allow\":[\"everywhere\"]}}"),
        &format!("{{\"name\":\"x\",\"hash\":\"{good}\",\"owner\":\"\"}}"),
        &format!("{{\"name\":\"x\",\"hash\":\"{good}\",\"keyHint\":\"123456789\"}}"),
        &format!("{{\"name\":\"x\",\"hash\":\"{good}\",\"prefix\":\"\\u202e\"}}"),
    ] {
        assert_refused(&sandbox, wrong, 2, "usage", "");
    }
    let before = sandbox.settled_bytes();
    for bytes in [
        &b"{\"name\":\"\xff\"}"[..],
        b"\xef\xbb\xbf\xef\xbb\xbf",
        &[0; 4096],
        &b"x".repeat(300_000),
    ] {
        sandbox.keyward(["store", "import", "-"]).stdin(bytes).refused(2, "usage");
    }
    for nothing in ["", "\n", "\r\n \n\t\n", "\u{feff}", "\u{feff}\r\n"] {
        let answer = import(&sandbox, nothing).answer();
        assert_eq!(answer, json!({"results": []}), "{nothing:?}");
    }
    sandbox.refuses(&["store", "import", "missing.jsonl"], 2, "usage");
    let output = sandbox.keyward(["store", "import", ".", "--json"]).run();
    assert!([2, 7].contains(&output.status), "{}", output.transcript());
    assert!(sandbox.settled_bytes() == before, "it was written");
}

#[test]
fn a_secret_in_a_line_is_neither_taken_nor_repeated() {
    let sandbox = with_a_key();
    let secret = foreign(7);
    let with_key = json!({"name": "x", "key": secret}).to_string();
    assert_refused(&sandbox, &with_key, 2, "usage", &secret);
    let with_both = json!({"name": "x", "key": secret, "hash": hex(&secret)}).to_string();
    let output = assert_refused(&sandbox, &with_both, 2, "usage", &secret);
    assert!(text(&output.error(), "message").contains("secret"), "{}", output.transcript());
    let mut refused_for = Vec::new();
    for more in [
        json!({"prefix": secret}),
        json!({"short": secret}),
        json!({"owner": secret}),
        json!({"labels": {"a": secret}}),
        json!({"labels": {&secret: "a"}}),
        json!({"createdBy": secret}),
        json!({"status": "revoked", "revokedMessage": secret}),
        json!({"status": "revoked", "revokedReason": secret}),
        json!({"status": "revoked", "scopes": [secret]}),
        json!({"scopes": [secret]}),
        json!({"environment": secret}),
        json!({"workspace": secret}),
        json!({"id": secret}),
        json!({"replaces": secret}),
        json!({"allow": [secret]}),
        json!({"status": secret}),
        json!({"type": secret}),
        json!({&secret: 1}),
    ] {
        let before = sandbox.settled_bytes();
        let output = import(&sandbox, &line("x", &secret, &more)).args(["--json"]).run();
        let is_silent = !(output.stdout + &output.stderr).contains(&secret);
        let is_untaken = output.status != 0 && sandbox.settled_bytes() == before;
        if !is_silent || !is_untaken {
            refused_for.push(more.to_string().replace(&secret, "SECRET"));
            fs::write(sandbox.store_path(), &before).expect("own file");
        }
    }
    assert_eq!(refused_for, [""; 0], "taken or repeated");
    let own_name = line(&secret, &secret, &json!({}));
    assert_refused(&sandbox, &own_name, 2, "usage", &secret);
}

#[test]
fn a_refused_import_makes_no_store() {
    let sandbox = Sandbox::new();
    import(&sandbox, "nonsense").refused(2, "usage");
    assert!(!sandbox.store_path().exists(), "it left a store behind");
    import(&sandbox, &line("x", &foreign(1), &json!({}))).ok();
    sandbox.verdict(&foreign(1), &[], 0, "valid");
}
