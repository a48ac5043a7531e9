//! Every console block of the README runs, in one shell session after another, and says what the README says it says.

use std::process::{Command, Stdio};

use crate::support::{KEYWARD, Sandbox, tool, variable};

/// A command of a console block with the lines that follow it.
struct Step {
    command: String,
    expected: Vec<String>,
}

#[test]
fn every_console_block_of_the_readme_runs_as_written() {
    if !tool("jq") {
        return;
    }
    let sandbox = Sandbox::new();
    let folder = sandbox.home().join("readme");
    std::fs::create_dir(&folder).expect("a fresh folder");
    let steps = steps(include_str!("../../README.md"));
    assert!(
        steps.len() > 20,
        "the README's console blocks were not found"
    );
    for step in steps {
        let output = Command::new("sh")
            .args(["-c", &step.command])
            .current_dir(&folder)
            .env_clear()
            .env("HOME", sandbox.home())
            .env("PATH", path_with_keyward())
            .stdin(Stdio::null())
            .output()
            .expect("a shell");
        let mut actual = String::from_utf8(output.stderr).expect("text");
        actual.push_str(&String::from_utf8(output.stdout).expect("text"));
        let status = output.status.code().expect("no signal");
        if status != 0 {
            actual.push_str(&format!("[exit status: {status}]\n"));
        }
        let lines: Vec<&str> = actual.lines().collect();
        assert!(
            follows(&step.expected, &lines),
            "$ {}\nREADME says:\n{}\nit says:\n{actual}",
            step.command,
            step.expected.join("\n")
        );
    }
}

/// Whether the lines are the expected ones; `…` stands for any text, and alone on a line for any lines.
fn follows(expected: &[String], lines: &[&str]) -> bool {
    match expected.split_first() {
        None => lines.is_empty(),
        Some((first, rest)) if first == "…" => {
            (0..=lines.len()).any(|skip| follows(rest, &lines[skip..]))
        }
        Some((first, rest)) => lines
            .split_first()
            .is_some_and(|(line, others)| fits(first, line) && follows(rest, others)),
    }
}

fn fits(pattern: &str, line: &str) -> bool {
    let mut pieces = pattern.split('…');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else {
        return false;
    };
    let mut pieces = pieces.peekable();
    if pieces.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        let Some(at) = rest.find(piece) else {
            return false;
        };
        rest = &rest[at + piece.len()..];
    }
    true
}

fn steps(readme: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = false;
    for line in readme.lines() {
        match line {
            "```console" => inside = true,
            "```" => inside = false,
            _ if !inside => {}
            _ => match line.strip_prefix("$ ") {
                Some(command) => steps.push(Step {
                    command: command.to_owned(),
                    expected: Vec::new(),
                }),
                None => steps
                    .last_mut()
                    .expect("output follows a command")
                    .expected
                    .push(line.to_owned()),
            },
        }
    }
    steps
}

fn path_with_keyward() -> std::ffi::OsString {
    let binary = std::path::Path::new(KEYWARD);
    let mut folders = vec![binary.parent().expect("a folder").to_owned()];
    folders.extend(std::env::split_paths(&variable("PATH").expect("a PATH")));
    std::env::join_paths(folders).expect("folders without colons")
}

#[test]
fn the_pattern_of_expected_lines_can_fail() {
    assert!(fits("a…b", "a b") && fits("a…", "abc") && fits("a", "a"));
    assert!(!fits("a…b", "a c") && !fits("a", "ab") && !fits("…b…c", "ac"));
    let expected = ["x".to_owned(), "…".to_owned(), "z".to_owned()];
    assert!(follows(&expected, &["x", "y", "y", "z"]) && !follows(&expected, &["x", "y"]));
}

#[test]
fn the_policy_in_the_readme_can_be_used() {
    let sandbox = Sandbox::new();
    let readme = include_str!("../../README.md");
    let policy = readme
        .split("```toml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    let file = sandbox.file("policy.toml", policy.expect("a TOML block"));
    let file = file.to_str().expect("a plain path");
    let created = sandbox
        .keyward(["workspace", "create", "acme", "--policy", file])
        .answer();
    assert_eq!(created["plan"], "free");
    let shown = sandbox.keyward(["workspace", "show", "acme"]).answer();
    assert_eq!(shown["policy"]["scopes"]["admin"]["manage"][0], "mint");
}
