//! `keyward verify --stream`: what a line may be, what it is answered, and how the stream ends.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::stream::{Stream, answers, each, parsed};
use crate::support::{Sandbox, fields, text, token};

/// The longest line, from the contract.
const LONGEST: usize = 64 * 1024;

/// A request for this secret with more fields, which are given as JSON.
fn request(secret: &str, more: &str) -> String {
    format!("{{\"key\":\"{secret}\"{more}}}")
}

/// Asserts what every answer to a line that cannot be read has in common.
#[track_caller]
fn assert_bad_request(answer: &Value) {
    assert_eq!(answer["code"], "bad_request", "{answer:#}");
    assert_eq!(answer["status"], 400, "{answer:#}");
    assert_eq!(answer["valid"], false, "{answer:#}");
    assert_eq!(answer["recorded"], false, "{answer:#}");
    for field in ["subject", "retryAfter", "remaining"] {
        assert_eq!(answer[field], Value::Null, "{answer:#}");
    }
    assert!(answer["message"].is_string(), "{answer:#}");
}

#[test]
fn a_line_is_a_bare_secret_or_a_request_and_each_has_its_verdict_in_order() {
    let (sandbox, live) = Sandbox::with_key("live");
    let test = sandbox.mint_with("test", &["-e", "test"]);
    let dead = sandbox.mint("dead");
    sandbox.keyward(["revoke", "dead", "--yes"]).ok();
    let unknown = token::well_formed();
    let mut input = String::new();
    let mut expected = Vec::new();
    for number in 0..200 {
        let (secret, code) = match number * 7 % 5 {
            0 => (&live, "valid"),
            1 => (&test, "wrong_environment"),
            2 => (&dead, "revoked"),
            3 => (&unknown, "not_found"),
            _ => (&token::with_typo(&live, 30), "malformed"),
        };
        input += &match number % 2 {
            0 => format!("{secret}\n"),
            _ => request(secret, &format!(",\"id\":{number}")) + "\n",
        };
        expected.push(code);
    }
    let verdicts = answers(&sandbox, &["-e", "live"], input);
    assert_eq!(each(&verdicts, "code"), expected);
    for (number, verdict) in verdicts.iter().enumerate() {
        match number % 2 {
            0 => assert!(verdict.get("id").is_none(), "{verdict:#}"),
            _ => assert_eq!(verdict["id"], number, "{verdict:#}"),
        }
    }
}

#[test]
fn an_answer_is_the_verdict_that_a_call_of_its_own_would_give() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    sandbox.verdict(&secret, &[], 0, "valid");
    for (line, exit, code) in [
        (secret.as_str(), 0, "valid"),
        (&token::well_formed(), 10, "not_found"),
        ("", 10, "malformed"),
    ] {
        let expected = sandbox.verdict(line, &["--no-record"], exit, code);
        let answer = answers(&sandbox, &["--no-record"], format!("{line}\n"));
        assert_eq!(answer, [expected]);
    }
    // Whatever the format asked for, answers are JSON, one a line.
    for format in [&["-o", "table"][..], &["-o", "tsv"], &["--json"], &["-q"]] {
        let answer = answers(&sandbox, format, format!("{secret}\n"));
        assert_eq!(answer[0]["valid"], true);
    }
}

#[test]
fn an_id_of_any_kind_comes_back_as_it_was() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let ids = [
        "1",
        "-0",
        "1.50",
        "1e400",
        "18446744073709551616",
        "123456789012345678901234567890",
        "true",
        "false",
        "\"\"",
        "\"a b\\n\\\"\\\\\"",
        "[1,[2,{\"three\":null}]]",
        "{\"b\":1,\"a\":[]}",
        "\"::error::\"",
    ];
    let mut stream = Stream::start(&sandbox, &[]);
    for id in ids {
        stream.send(request(&secret, &format!(",\"id\":{id}")) + "\n");
        let line = stream.line();
        // As text, because a parser could round what is compared.
        assert!(line.starts_with(&format!("{{\"id\":{id},")), "{line}");
        assert!(line.contains(",\"valid\":true,"), "{line}");
    }
    for id in ["é", "鍵", "😀", "\u{202e}", "\u{7f}", "##[error]"] {
        stream.send(request(&secret, &format!(",\"id\":[\"{id}\"]")) + "\n");
        let line = stream.line();
        assert!(!line.contains("##["), "{line}");
        assert_eq!(parsed(&line)["id"], json!([id]), "{line}");
    }
    assert!(stream.ask(&secret).get("id").is_none());
    assert!(stream.ask(&request(&secret, "")).get("id").is_none());
    assert_eq!(stream.end().status, 0);
}

#[test]
fn an_id_of_null_is_an_id_too() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let verdicts = answers(&sandbox, &[], request(&secret, ",\"id\":null"));
    assert_eq!(verdicts[0].get("id"), Some(&Value::Null), "{verdicts:#?}");
}

#[test]
fn a_line_that_cannot_be_read_is_answered_and_the_stream_goes_on() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let mut stream = Stream::start(&sandbox, &[]);
    let unreadable = [
        "{".to_owned(),
        "{}".to_owned(),
        "{\"key\":}".to_owned(),
        format!("{{\"key\":\"{secret}\""),
        request(&secret, "") + ",",
        request(&secret, "") + &request(&secret, ""),
        "{\"id\":7}".to_owned(),
        "{\"key\":7,\"id\":7}".to_owned(),
        request(&secret, ",\"id\":7,\"env\":\"live\""),
        request(&secret, ",\"id\":7,\"environment\":1"),
        request(&secret, ",\"id\":7,\"scopes\":\"read\""),
        request(&secret, ",\"id\":7,\"scopes\":[1]"),
        request(&secret, ",\"id\":7,\"ip\":1"),
        request(&secret, ",\"id\":7,\"cost\":-1"),
        request(&secret, ",\"id\":7,\"cost\":1.5"),
        request(&secret, ",\"id\":7,\"cost\":4294967296"),
        request(&secret, ",\"id\":7,\"cost\":\"1\""),
        request(&secret, &format!(",\"id\":7,\"key\":\"{secret}\"")),
    ];
    for line in &unreadable {
        stream.send(format!("{line}\n"));
        let raw = stream.line();
        assert!(!raw.contains(&secret[20..]), "the answer repeats: {raw}");
        let answer = parsed(&raw);
        assert_bad_request(&answer);
        let has_id = line.contains("\"id\":7");
        assert_eq!(answer.get("id") == Some(&json!(7)), has_id, "{line}");
        stream.expect(&secret, "valid");
    }
    for bytes in [&b"\xff\xfe"[..], b"{\"key\":\"\x80\"}", b"\xc3"] {
        stream.send([bytes, b"\n"].concat());
        assert_bad_request(&stream.answer());
        stream.expect(&secret, "valid");
    }
    let ended = stream.end();
    assert_eq!((ended.status, ended.stderr.as_str()), (0, ""));
}

#[test]
fn what_is_no_secret_is_malformed_and_no_error() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let mut stream = Stream::start(&sandbox, &[]);
    for line in ["", " ", "\0", "null", "[]", "\"\"", "1", "k\u{202e}", "\t"] {
        let answer = stream.expect(line, "malformed");
        assert_eq!(answer["status"], 401, "{answer:#}");
    }
    let padded = format!(" {secret}");
    stream.expect(&padded, "malformed");
    stream.expect("{\"key\":\"\"}", "malformed");
    // Spaces may stand around JSON, and escapes in it.
    let escaped = format!(" {{ \"key\" : \"\\u006b{}\" }}\t", &secret[1..]);
    stream.expect(&escaped, "valid");
    assert_eq!(stream.end().status, 0);
}

#[test]
fn a_line_may_have_64_kib_and_not_a_byte_more() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let padded = |length: usize| {
        let line = request(&secret, ",\"id\":\"\"");
        line.replace("\"\"", &format!("\"{}\"", "x".repeat(length - line.len())))
    };
    for end in ["\n", "\r\n"] {
        let input = [
            padded(LONGEST) + end,
            padded(LONGEST + 1) + end,
            format!("{secret}{end}"),
            "k".repeat(LONGEST) + end,
            "k".repeat(LONGEST + 1) + end,
            "k".repeat(10 * LONGEST) + end,
            secret.clone() + end,
            padded(LONGEST),
        ];
        let verdicts = answers(&sandbox, &[], input.concat());
        let codes = each(&verdicts, "code");
        assert_eq!(
            codes,
            [
                "valid",
                "bad_request",
                "valid",
                "malformed",
                "bad_request",
                "bad_request",
                "valid",
                "valid"
            ]
        );
        assert_bad_request(&verdicts[1]);
        assert_eq!(text(&verdicts[0], "id").len(), text(&verdicts[7], "id").len());
    }
    for input in [padded(LONGEST + 1), "k".repeat(3 * LONGEST)] {
        let verdicts = answers(&sandbox, &[], input);
        assert_eq!(each(&verdicts, "code"), ["bad_request"]);
    }
}

#[test]
fn one_carriage_return_belongs_to_the_end_of_a_line_and_the_last_end_may_be_missing() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let verdicts = answers(&sandbox, &[], format!("{secret}\r\n{secret}\r\r\n{secret}"));
    assert_eq!(each(&verdicts, "code"), ["valid", "malformed", "valid"]);
    let verdicts = answers(&sandbox, &[], format!("{secret}\n\n{secret}\r"));
    assert_eq!(each(&verdicts, "code"), ["valid", "malformed", "valid"]);
    assert!(answers(&sandbox, &[], "").is_empty());
}

#[test]
fn the_options_hold_for_lines_that_do_not_say_otherwise() {
    let sandbox = Sandbox::new();
    let policy = sandbox.file(
        "policy.toml",
        "environments = [\"live\", \"test\"]\nscopes_per_key = { min = 0, max = 2 }\ndefault_plan = \"only\"\n\
         [scopes.read]\nmanage = []\n[scopes.write]\nmanage = []\n[plans.only]\nquota = 100\n",
    );
    let create = sandbox.keyward(["workspace", "create", "acme", "--policy"]);
    create.args([policy]).ok();
    let flags = ["--scope", "read", "--allow", "203.0.113.0/24"];
    let secret = sandbox.mint_with("ci", &flags);
    let options = ["-e", "live", "--require", "read", "--ip", "203.0.113.7"];
    let mut stream = Stream::start(&sandbox, &[&options[..], &["--cost", "10"]].concat());
    let left = |verdict: &Value| verdict["remaining"].as_i64();
    assert_eq!(left(&stream.expect(&secret, "valid")), Some(90));
    for (more, code) in [
        (",\"environment\":\"test\"", "wrong_environment"),
        (",\"environment\":\"live\"", "valid"),
        (",\"scopes\":[\"read\",\"write\"]", "insufficient_scope"),
        (",\"scopes\":[]", "valid"),
        (",\"ip\":\"198.51.100.1\"", "ip_denied"),
        (",\"ip\":\"::ffff:203.0.113.9\"", "valid"),
    ] {
        stream.expect(&request(&secret, more), code);
    }
    let cheap = stream.expect(&request(&secret, ",\"cost\":1"), "valid");
    assert_eq!(left(&cheap), Some(59), "{cheap:#}");
    let free = stream.expect(&request(&secret, ",\"cost\":0"), "valid");
    assert_eq!(left(&free), Some(59), "{free:#}");
    assert_eq!(left(&stream.expect(&secret, "valid")), Some(49));
    assert_eq!(stream.end().status, 0);
    // Other options, and lines that bring what they lack.
    let options = ["-e", "test", "--require", "write"];
    let input =
        request(&secret, ",\"environment\":\"live\",\"scopes\":[\"read\"],\"ip\":\"203.0.113.1\"");
    let verdicts = answers(&sandbox, &options, format!("{secret}\n{input}\n"));
    assert_eq!(each(&verdicts, "code"), ["wrong_environment", "valid"]);
}

#[test]
fn an_answer_comes_while_the_input_stays_open() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let mut stream = Stream::start(&sandbox, &[]);
    for number in 0..50 {
        let verdict = stream.ask(&request(&secret, &format!(",\"id\":{number}")));
        assert_eq!((&verdict["id"], &verdict["valid"]), (&json!(number), &json!(true)));
    }
    // A line that comes in pieces is one line.
    for piece in [&secret[..10], &secret[10..30], &secret[30..], "\n"] {
        stream.send(piece);
    }
    assert_eq!(stream.answer()["code"], "valid");
    assert!(stream.is_running());
    let ended = stream.end();
    assert_eq!((ended.status, ended.stderr.as_str()), (0, ""));
    assert!(ended.rest.is_empty());
}

#[test]
fn a_stream_takes_its_secrets_from_stdin_alone() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let path = sandbox.file("ci.key", &secret);
    for flags in [["--file", "ci.key"], ["--env", "ACME_KEY"]] {
        sandbox
            .keyward(["verify", "--stream"])
            .args(flags)
            .env("ACME_KEY", &secret)
            .refused(2, "usage");
    }
    assert!(path.exists());
}

#[test]
fn a_stream_without_a_single_yes_ends_well_all_the_same() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    sandbox.keyward(["revoke", "ci", "--yes"]).ok();
    let verdicts = answers(&sandbox, &[], format!("{secret}\n\n{{\n"));
    assert_eq!(each(&verdicts, "code"), ["revoked", "malformed", "bad_request"]);
    // Without a store no key exists.
    let empty = Sandbox::new();
    let verdicts = answers(&empty, &["-q"], format!("{secret}\n"));
    assert_eq!(each(&verdicts, "valid"), ["false"]);
    assert!(!empty.store_path().exists(), "verifying made a store");
}

#[test]
fn no_answer_repeats_a_secret() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let gone = sandbox.mint("gone");
    sandbox.keyward(["revoke", "gone", "--yes"]).ok();
    let lines = [
        secret.clone(),
        gone.clone(),
        request(&secret, ",\"id\":1"),
        request(&gone, ",\"nonsense\":1"),
        format!("{{\"key\":\"{secret}"),
        format!("{{\"{secret}\":1,\"id\":2}}"),
        format!("{secret}{gone}"),
        request(&secret, &format!(",\"environment\":\"{gone}\"")),
        // As a client that confuses the fields would write it.
        request(&gone, &format!(",\"ip\":\"{secret}\"")),
        format!("{{\"key\":\"203.0.113.7\",\"ip\":\"{secret}\"}}"),
    ];
    let run = sandbox.keyward(["verify", "--stream"]);
    let output = run.stdin(lines.join("\n")).ok();
    assert_eq!(output.stdout.lines().count(), lines.len());
    for secret in [&secret, &gone] {
        let secret = token::parts(secret, "kw_live_").secret;
        // The hint, its last four characters, is for everybody.
        assert!(!output.stdout.contains(&secret[..16]), "{}", output.stdout);
        assert!(!output.stdout.contains(&secret[12..]), "{}", output.stdout);
        assert!(!output.stderr.contains(&secret[..16]), "{}", output.stderr);
    }
    for line in output.stdout.lines().map(parsed) {
        assert!(line["subject"].get("key").is_none(), "{line:#}");
    }
}

#[test]
fn a_reader_that_has_gone_ends_the_stream_quietly() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let mut stream = Stream::start(&sandbox, &[]);
    stream.expect(&secret, "valid");
    stream.abandon(&secret);
    let ended = stream.ended();
    assert_eq!((ended.status, ended.stderr.as_str()), (0, ""));
}

#[test]
fn a_signal_ends_a_stream_after_the_lines_it_has_read() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    for (signal, status) in [(Signal::TERM, 0), (Signal::INT, 130), (Signal::HUP, 130)] {
        let mut stream = Stream::start(&sandbox, &[]);
        stream.expect(&secret, "valid");
        // A piece of a line that never ends is not a line.
        stream.send(&secret[..10]);
        let ended = stream.signalled(signal);
        assert_eq!(ended.status, status, "{}", ended.stderr);
        assert!(ended.rest.is_empty());
    }
    let verdicts = answers(&sandbox, &[], format!("{secret}\n"));
    assert!(fields(&verdicts[0]).contains(&"subject"));
}
