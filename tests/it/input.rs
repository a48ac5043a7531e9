//! What stdin may hold: whatever is not exactly one secret, one line of a stream, or one text has the exit status and the
//! code of the contract.

use serde_json::{Value, json};

use crate::support::stream::{answers, each};
use crate::support::{Output, Sandbox};

/// The commands that read a secret from stdin and nothing else.
pub const READERS: [&[&str]; 4] =
    [&["verify"], &["activate"], &["whoami", "--as", "-"], &["verify", "--stream", "--as", "-"]];

/// What is not a secret though there is one in it, or none at all; with a name for each.
fn malformed(secret: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = secret.as_bytes();
    let with = |before: &[u8], after: &[u8]| [before, bytes, after].concat();
    let mut with_nul = bytes.to_vec();
    with_nul[30] = 0;
    let wide: Vec<u8> = secret.encode_utf16().flat_map(u16::to_le_bytes).collect();
    vec![
        ("empty", Vec::new()),
        ("a line end", b"\n".to_vec()),
        ("a line end of two characters", b"\r\n".to_vec()),
        ("two line ends", b"\n\n".to_vec()),
        ("a NUL", b"\0".to_vec()),
        ("a NUL inside", with_nul),
        ("a NUL behind", with(b"", b"\0")),
        ("a NUL behind the line", with(b"", b"\n\0")),
        ("a byte order mark before", with(b"\xef\xbb\xbf", b"\n")),
        ("a byte order mark alone", b"\xef\xbb\xbf".to_vec()),
        ("UTF-16", [b"\xff\xfe", wide.as_slice()].concat()),
        ("bytes that are no UTF-8", b"\xff\xfe\x80\xc0".to_vec()),
        ("a byte that is no UTF-8 behind", with(b"", b"\xff")),
        ("half a character behind", with(b"", b"\xc3\n")),
        ("two lines", with(b"", &with(b"\n", b"\n"))),
        ("an empty line before", with(b"\n", b"\n")),
        ("an empty line behind", with(b"", b"\n\n")),
        ("a carriage return behind", with(b"", b"\r")),
        ("a space before", with(b" ", b"\n")),
        ("a space behind", with(b"", b" \n")),
        ("a tab behind", with(b"", b"\t")),
        ("the longest that is read", vec![b'k'; 1024]),
        ("a byte more than is read", vec![b'k'; 1027]),
        ("itself many times", bytes.repeat(1000)),
    ]
}

/// The code of a verdict or an error.
fn code(output: &Output) -> Value {
    match output.stdout.is_empty() {
        true => output.error()["code"].clone(),
        false => output.json()["code"].clone(),
    }
}

#[test]
fn whatever_is_not_exactly_one_secret_is_malformed() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let before = sandbox.store_bytes();
    for reader in READERS {
        for (what, bytes) in malformed(&secret) {
            let output = sandbox.keyward(["--json"]).args(reader).stdin(bytes).run();
            assert_eq!(output.status, 10, "{reader:?} of {what}");
            assert_eq!(code(&output), "malformed", "{reader:?} of {what}");
        }
    }
    assert!(sandbox.store_bytes() == before, "the store was changed");
}

#[test]
fn one_line_end_or_none_belongs_to_a_secret() {
    let sandbox = Sandbox::new();
    for (number, end) in ["", "\n", "\r\n"].iter().enumerate() {
        let secret = sandbox.mint_with(&format!("key-{number}"), &["--hold"]);
        let line = format!("{secret}{end}");
        sandbox.keyward(["activate"]).stdin(&line).ok();
        sandbox.keyward(["verify"]).stdin(&line).ok();
        sandbox.keyward(["whoami", "--as", "-"]).stdin(&line).ok();
    }
}

#[test]
fn stdin_that_is_closed_is_empty_and_one_that_cannot_be_read_is_said_to_be() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    for reader in READERS {
        let through = |script: &'static str| {
            let run = sandbox.keyward(["--json"]).args(reader);
            run.through(["sh", "-c", script])
        };
        let output = through("exec \"$0\" \"$@\" <&-").exit(10);
        assert_eq!(code(&output), "malformed", "{reader:?}");
        let output = through("exec \"$0\" \"$@\" </").exit(7);
        assert_eq!(code(&output), "io", "{reader:?}");
    }
    for text in [
        &["workspace", "create", "new", "--policy", "-"][..],
        &["apply", "-"],
        &["verify", "--stream"],
    ] {
        let run = sandbox.keyward(["--json"]).args(text);
        let output = run.through(["sh", "-c", "exec \"$0\" \"$@\" </"]).exit(7);
        assert_eq!(code(&output), "io", "{text:?}");
    }
}

#[test]
fn a_stream_answers_every_line_and_takes_no_part_of_one_for_another() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    for (input, codes) in [
        (String::new(), &[][..]),
        ("\n".to_owned(), &["malformed"]),
        ("\r\n".to_owned(), &["malformed"]),
        ("\n\n\n".to_owned(), &["malformed"; 3]),
        ("\0".to_owned(), &["malformed"]),
        (secret.clone(), &["valid"]),
        (format!("{secret}\n"), &["valid"]),
        (format!("{secret}\r\n"), &["valid"]),
        (format!("{secret}\r\r\n"), &["malformed"]),
        (format!("{secret}\n{secret}"), &["valid", "valid"]),
        (format!("{secret}\n\n{secret}\n"), &["valid", "malformed", "valid"]),
        (format!("{secret}\0\n{secret}\n"), &["malformed", "valid"]),
        (format!("\u{feff}{secret}\n\u{feff}{secret}\n"), &["valid", "malformed"]),
        (format!(" {secret}\n{secret} \n{secret}\n"), &["malformed", "malformed", "valid"]),
        (format!("\u{feff}{{\"key\":\"{secret}\"}}\n"), &["valid"]),
        (format!("{{\"key\":\"{secret}\\u0000\"}}\n"), &["malformed"]),
        (format!("{{\"key\":\"{secret}\"}}\0\n{secret}\n"), &["bad_request", "valid"]),
    ] {
        let answers = answers(&sandbox, &[], &input);
        assert_eq!(each(&answers, "code"), codes, "{input:?}");
    }
    for line in [&b"\xff\xfe\x80\n"[..], b"\xc3\n", b"{\"key\":\"\xff\"}\n"] {
        let answers = answers(&sandbox, &[], [line, secret.as_bytes()].concat());
        assert_eq!(each(&answers, "code"), ["bad_request", "valid"], "{line:?}");
    }
}

/// A policy or manifest with what may stand around or in it, and what it is refused with; nothing where it is taken.
fn texts(line: &str, invalid: &'static str) -> Vec<(Vec<u8>, Option<&'static str>)> {
    let with = |before: &[u8], after: &[u8]| [before, line.as_bytes(), after].concat();
    vec![
        // What a command leaves that has failed before it in a pipe.
        (Vec::new(), Some("usage")),
        (b"\n".to_vec(), Some("usage")),
        (b" \r\n".to_vec(), Some("usage")),
        (with(b"", b""), None),
        (with(b"", b"\n"), None),
        (with(b"", b"\r\n"), None),
        (with(b" \t", b" \t\n"), None),
        // TOML's own rule: a byte order mark at the front is passed over.
        (with(b"\xef\xbb\xbf", b"\n"), None),
        (with(b"\n", b"\n\xef\xbb\xbf"), Some(invalid)),
        (b"\0".to_vec(), Some(invalid)),
        (with(b"", b"\0"), Some(invalid)),
        (with(b"", b"\n\0"), Some(invalid)),
        (with(b"", b"\n# \0\n"), Some(invalid)),
        (with(b"", &with(b"\n", b"\n")), Some(invalid)),
        (with(b"\xff\xfe", b"\n"), Some("usage")),
        (with(b"", b"\n# \xff"), Some("usage")),
        (with(b"", &b"\n#".repeat(1 << 20)), Some("usage")),
    ]
}

#[test]
fn a_text_on_stdin_is_taken_whole_or_refused() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    for (number, (bytes, code)) in texts("prefix = \"ab\"", "invalid_policy").iter().enumerate() {
        let name = format!("shop-{number}");
        let line = ["workspace", "create", &name, "--policy", "-"];
        let run = sandbox.keyward(line).stdin(bytes);
        let shown: String = String::from_utf8_lossy(bytes).chars().take(60).collect();
        match code {
            None => assert_eq!(run.answer()["name"], json!(name), "{shown:?}"),
            Some(code) => {
                run.refused(2, code);
                let missing = sandbox.keyward(["workspace", "show", &name]);
                missing.refused(3, "workspace_not_found");
            }
        }
    }
    let before = sandbox.store_bytes();
    for (bytes, code) in texts("[workspace.default]", "invalid_manifest") {
        let run = sandbox.keyward(["apply", "-"]).stdin(&bytes);
        match code {
            None => assert_eq!(run.answer()["changes"], json!([])),
            Some(code) => assert_eq!(run.refused(2, code)["exit"], 2),
        }
        assert!(sandbox.store_bytes() == before, "{code:?} changed the store");
    }
}
