//! The files of GitHub's runner: one that it could not read is refused beforehand, one that it could is read back, and the mask reaches it whatever becomes of
//! stdout.

use std::fs;

use crate::delivery::{assert_void, pipe_nobody_reads, sandbox};
use crate::support::{KEYWARD, Sandbox, text, token};

const SINKS: [(&str, &str); 2] =
    [("--github-env", "GITHUB_ENV"), ("--github-output", "GITHUB_OUTPUT")];

#[test]
fn a_file_that_the_runner_could_not_read_is_refused_before_anything_is_minted() {
    let utf_16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    for (content, said) in [
        (utf_16("\u{feff}A=1\r\n"), "is not UTF-8 text"),
        (utf_16("A=1\n"), "is not UTF-8 text"),
        (b"A=1\nX<<EOF\nvalue\n".to_vec(), "line 2 of"),
        (b"X<<EOF\nvalue\nEOF \n".to_vec(), "line 1 of"),
        (b"X<<EOF".to_vec(), "line 1 of"),
        (b"A=1\njust words\n".to_vec(), "line 2 of"),
        (b"A=1\r\n\r\n".to_vec(), "line 2 of"),
    ] {
        for (flag, variable) in SINKS {
            let sandbox = Sandbox::new();
            let path = sandbox.file("runner", "");
            fs::write(&path, &content).expect("it can be written");
            for command in ["mint", "ensure"] {
                let run = sandbox.keyward([command, "ci", flag, "KEY"]);
                let error = run.env(variable, &path).refused(16, "delivery_failed");
                assert!(text(&error, "message").contains(said), "{error:#}");
                assert!(error["hint"].is_string(), "{error:#}");
                assert_eq!(fs::read(&path).expect("it is there"), content);
                assert!(!sandbox.store_path().exists());
            }
        }
    }
}

#[test]
fn a_file_that_the_runner_can_read_gets_the_variable_on_lines_of_its_own() {
    for before in [
        "",
        "A=1",
        "\u{feff}A=1\n",
        "X<<EOF\nKEY<<Y\nEOF",
        "X<<EOF\nvalue\nEOF\n",
        "KEY=old\r\n",
        "\n\n",
    ] {
        let sandbox = Sandbox::new();
        let path = sandbox.file("runner", before);
        let run = sandbox.keyward(["mint", "ci", "--github-env", "KEY"]);
        run.env("GITHUB_ENV", &path).ok();
        let after = fs::read_to_string(&path).expect("it is text");
        let block = after.strip_prefix(before).expect("what was there stays");
        let lines: Vec<&str> = block.trim_start_matches('\n').lines().collect();
        let delimiter = lines[0].strip_prefix("KEY<<").expect("a block");
        assert_eq!((lines.len(), lines[2]), (3, delimiter), "{after:?}");
        sandbox.verdict(lines[1], &[], 0, "valid");
    }
}

#[test]
fn the_mask_reaches_the_runner_when_stdout_goes_elsewhere() {
    for (flag, variable) in SINKS {
        let sandbox = Sandbox::new();
        let path = sandbox.file("runner", "");
        let masked = || {
            let content = fs::read_to_string(&path).expect("it is text");
            let secret = content.lines().nth_back(1).expect("a block").to_owned();
            format!("::add-mask::{secret}\n")
        };
        let script = |script: &str| {
            let run = sandbox.program("sh", ["-c", script, KEYWARD, flag]);
            run.env(variable, &path).ok()
        };
        let swallowed = script("X=$(\"$0\" mint swallowed \"$1\" KEY)");
        assert!(swallowed.stderr.contains(&masked()), "{}", swallowed.stderr);
        assert_eq!(swallowed.stdout, "");
        let apart = script("\"$0\" mint apart \"$1\" KEY");
        assert_eq!(apart.stdout, masked());
        assert!(apart.stderr.contains(&masked()), "{}", apart.stderr);
        // One stream, one line.
        let together = script("\"$0\" -q mint together \"$1\" KEY 2>&1");
        assert_eq!(together.stdout, masked());
        let document = script("\"$0\" --json mint document \"$1\" KEY");
        assert!(document.stderr.contains(&masked()), "{}", document.stderr);
        assert!(!document.stdout.contains("add-mask"), "{}", document.stdout);
    }
}

#[test]
fn a_mask_that_nobody_would_read_is_refused_before_anything_is_minted() {
    for (flag, variable) in SINKS {
        for (script, stream) in [
            ("\"$0\" mint ci \"$1\" KEY >/dev/null", "stdout"),
            ("\"$0\" mint ci \"$1\" KEY --json 2>/dev/null", "stderr"),
            ("\"$0\" ensure ci \"$1\" KEY --json 2>&-", "stderr"),
        ] {
            let sandbox = Sandbox::new();
            let path = sandbox.file("runner", "");
            let run = sandbox.program("sh", ["-c", script, KEYWARD, flag]);
            let refused = run.env(variable, &path).exit(16);
            let said = format!("{stream} is closed or /dev/null, so the mask line would be lost");
            let is_said = refused.stderr.contains(&said) || stream == "stderr";
            assert!(is_said, "{}", refused.stderr);
            assert_eq!(refused.stdout, "");
            assert_eq!(fs::read_to_string(&path).expect("it is text"), "");
            assert!(!sandbox.store_path().exists());
        }
    }
}

/// The value a runner would read of the last definition of `name` in its file, and the delimiter used.
fn runner_value(content: &str, name: &str) -> (String, String) {
    let mut lines = content.lines();
    let mut found = None;
    while let Some(line) = lines.next() {
        let Some((key, delimiter)) = line.split_once("<<") else {
            let (key, value) = line
                .split_once('=')
                .unwrap_or_else(|| panic!("the runner cannot read {line:?} of\n{content}"));
            if key == name {
                found = Some((value.to_owned(), String::new()));
            }
            continue;
        };
        let value: Vec<&str> = lines.by_ref().take_while(|line| *line != delimiter).collect();
        if key == name {
            found = Some((value.join("\n"), delimiter.to_owned()));
        }
    }
    found.unwrap_or_else(|| panic!("no {name} in\n{content}"))
}

#[test]
fn a_runners_file_is_appended_to_behind_a_mask_line_and_parses_back() {
    for (flag, variable) in [("--github-env", "GITHUB_ENV"), ("--github-output", "GITHUB_OUTPUT")] {
        let sandbox = Sandbox::new();
        let path = sandbox.file("runner", "BEFORE=1\nWITHOUT_LINE_FEED=2");
        let mut delimiters = Vec::new();
        for name in ["one", "two"] {
            let variable_name = format!("KEY_{name}");
            let output =
                sandbox.keyward(["mint", name, flag, &variable_name]).env(variable, &path).ok();
            let content = fs::read_to_string(&path).expect("the file is there");
            let (secret, delimiter) = runner_value(&content, &variable_name);
            token::parts(&secret, "kw_live_");
            assert_eq!(output.stdout, format!("::add-mask::{secret}\n"), "{flag}");
            let told = output.stderr.replacen(&output.stdout, "", 1);
            assert!(told.len() < output.stderr.len() && !told.contains(&secret), "{flag}");
            assert!(
                delimiter.len() >= 32 && !secret.contains(&delimiter),
                "{flag}: the delimiter {delimiter:?} can be guessed"
            );
            assert_eq!(runner_value(&content, "BEFORE").0, "1");
            assert_eq!(runner_value(&content, "WITHOUT_LINE_FEED").0, "2");
            sandbox.verdict(&secret, &[], 0, "valid");
            delimiters.push(delimiter);
        }
        assert_ne!(delimiters[0], delimiters[1], "the delimiter is always the same");
    }
}

#[test]
fn a_runners_file_that_cannot_be_written_leaves_no_live_key() {
    let sandbox = sandbox();
    for (flag, variable) in [("--github-env", "GITHUB_ENV"), ("--github-output", "GITHUB_OUTPUT")] {
        for path in ["link", "folder", "missing/runner", "/dev/full", "/dev/null"] {
            let run = sandbox.keyward(["mint", "ci", flag, "KEY"]).env(variable, path);
            run.refused(16, "delivery_failed");
            assert_void(&sandbox, &[], "ci");
        }
        sandbox.refuses(&["mint", "ci", flag, "KEY"], 2, "usage");
    }
    // Nobody would read the mask line, so nobody would hide the secret in the log.
    let path = sandbox.file("runner", "");
    sandbox
        .keyward(["mint", "ci", "--github-env", "KEY"])
        .env("GITHUB_ENV", &path)
        .stdout(pipe_nobody_reads())
        .exit(16);
    assert_eq!(fs::read_to_string(path).expect("it is there"), "");
    assert_void(&sandbox, &[], "ci");
}
