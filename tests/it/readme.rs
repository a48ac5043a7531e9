//! Every console block of the README runs, in one shell session after another, and says what the README says it says; its
//! policy and its manifest can be used as they stand.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::readme::{README, block, path_with_keyward};
use crate::support::{Sandbox, text, tool};

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
    // What the README calls by this name.
    std::fs::write(folder.join("keys.toml"), manifest()).expect("the folder is writable");
    let steps = steps(README);
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
    let file = sandbox.file("policy.toml", block("### One policy per customer", "toml"));
    let file = file.to_str().expect("a plain path");
    let created = sandbox
        .keyward(["workspace", "create", "acme", "--policy", file])
        .answer();
    assert_eq!(created["plan"], "free");
    let shown = sandbox.keyward(["workspace", "show", "acme"]).answer();
    assert_eq!(shown["policy"]["scopes"]["admin"]["manage"][0], "mint");
}

fn manifest() -> &'static str {
    block("### Describe all keys in one file", "toml")
}

#[test]
fn the_manifest_in_the_readme_can_be_applied() {
    let sandbox = Sandbox::new();
    let file = sandbox.file("keys.toml", manifest());
    let file = file.to_str().expect("a plain path");
    let actions = |answer: &Value| -> Vec<String> {
        let changes = answer["changes"].as_array().expect("a list");
        changes
            .iter()
            .map(|change| text(change, "action"))
            .collect()
    };
    let first = sandbox.keyward(["apply", file]).answer();
    assert_eq!(actions(&first), ["created"; 3]);
    let again = sandbox.keyward(["apply", file, "--check"]).answer();
    assert_eq!(actions(&again), ["unchanged"; 3]);

    let read = |name: &str| {
        std::fs::read_to_string(sandbox.home().join(name)).expect("the secret is there")
    };
    let dotenv = read(".env.test");
    let web = dotenv.trim_end().strip_prefix("API_KEY=");
    sandbox.verdict(&read("secrets/ci.key"), &["-e", "live"], 0, "valid");
    sandbox.verdict(web.expect("the variable"), &["-e", "test"], 0, "valid");
    sandbox.verdict(&read("shop-vault.key"), &[], 0, "valid");
    let ci = sandbox.show("ci-pipeline");
    assert_eq!(
        (&ci["owner"], &ci["labels"]["team"]),
        (&json!("platform"), &json!("core"))
    );
}
