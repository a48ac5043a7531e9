//! Every console block of the README and of `docs/` runs, a page's blocks one after another, and prints what stands there. The
//! policies and manifests that are shown can be used as they are, and the table of exit statuses has every status.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::coming;
use crate::support::docs::{
    COMING_FROM, GUIDE, PAGES, POLICIES, Page, README, SCRIPTING, path_with_keyward,
};
use crate::support::{Sandbox, text, tool};

/// A command of a console block with the lines that follow it.
struct Step {
    command: String,
    expected: Vec<String>,
}

#[test]
fn every_console_block_of_the_docs_runs_and_prints_what_stands_there() {
    if !tool("jq") {
        return;
    }
    for page in PAGES {
        run(*page);
    }
}

/// Runs a page's commands in a fresh folder that has the files which the page shows.
fn run(page: Page) {
    let sandbox = Sandbox::new();
    let folder = sandbox.home().join("folder");
    fs::create_dir(&folder).expect("a fresh folder");
    if page.path == COMING_FROM.path {
        coming::lay_out(&folder);
    }
    for (name, text) in files(page) {
        fs::write(folder.join(name), text).expect("the folder is writable");
    }
    for step in steps(page) {
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
            "{}\n$ {}\nexpected:\n{}\nprinted:\n{actual}",
            page.path,
            step.command,
            step.expected.join("\n")
        );
    }
}

/// The TOML blocks that a line ending with a file's name and a colon introduces.
fn files(page: Page) -> Vec<(&'static str, String)> {
    let mut files: Vec<(&str, String)> = Vec::new();
    let (mut before, mut is_inside) = ("", false);
    for (language, line) in page.lines() {
        if language != Some("toml") {
            is_inside = false;
        } else if is_inside {
            let (_, text) = files.last_mut().expect("a file was begun");
            text.push_str(line);
            text.push('\n');
        } else if let Some(name) =
            before.strip_suffix("`:").and_then(|line| line.rsplit('`').next())
        {
            files.push((name, format!("{line}\n")));
            is_inside = true;
        }
        if !line.is_empty() && language.is_none() && !line.starts_with("```") {
            before = line;
        } else if language.is_some() && !is_inside {
            before = "";
        }
    }
    files
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

/// The commands of a page's console blocks.
fn steps(page: Page) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for (language, line) in page.lines() {
        if language != Some("console") {
            continue;
        }
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => {
                steps.push(Step { command: command.to_owned(), expected: Vec::new() })
            }
            (None, Some(step)) => step.expected.push(line.to_owned()),
            (None, None) => panic!("{}: output without a command: {line}", page.path),
        }
    }
    steps
}

#[test]
fn the_pages_that_explain_commands_show_some() {
    for (page, least) in [(README, 20), (GUIDE, 40), (POLICIES, 10)] {
        let found = steps(page).len();
        assert!(found > least, "{}: only {found} commands were found", page.path);
    }
    let names = |page| -> Vec<&str> { files(page).into_iter().map(|(name, _)| name).collect() };
    assert_eq!(names(README), ["keys.toml"]);
    assert_eq!(names(GUIDE), ["keys.toml"]);
}

#[test]
fn the_pattern_of_expected_lines_can_fail() {
    assert!(fits("a…b", "a b") && fits("a…", "abc") && fits("a", "a"));
    assert!(!fits("a…b", "a c") && !fits("a", "ab") && !fits("…b…c", "ac"));
    let expected = ["x".to_owned(), "…".to_owned(), "z".to_owned()];
    assert!(follows(&expected, &["x", "y", "y", "z"]) && !follows(&expected, &["x", "y"]));
}

#[test]
fn the_policy_with_every_field_can_be_used() {
    let sandbox = Sandbox::new();
    let policy = POLICIES.block("## A policy file", "toml");
    let file = sandbox.file("policy.toml", policy);
    let file = file.to_str().expect("a plain path");
    let created = sandbox.keyward(["workspace", "create", "acme", "--policy", file]).answer();
    assert_eq!(created["plan"], "free");
    let shown = sandbox.keyward(["workspace", "show", "acme"]).answer();
    assert_eq!(shown["policy"]["scopes"]["admin"]["manage"][0], "mint");
}

#[test]
fn the_manifest_of_the_guide_can_be_applied() {
    let sandbox = Sandbox::new();
    let manifest = GUIDE.block("## Describe all keys in one file", "toml");
    let file = sandbox.file("keys.toml", manifest);
    let file = file.to_str().expect("a plain path");
    let actions = |answer: &Value| -> Vec<String> {
        let changes = answer["changes"].as_array().expect("a list");
        changes.iter().map(|change| text(change, "action")).collect()
    };
    let first = sandbox.keyward(["apply", file]).answer();
    assert_eq!(actions(&first), ["created"; 3]);
    let again = sandbox.keyward(["apply", file, "--check"]).answer();
    assert_eq!(actions(&again), ["unchanged"; 3]);

    let read =
        |name: &str| fs::read_to_string(sandbox.home().join(name)).expect("the secret is there");
    let dotenv = read(".env.test");
    let web = dotenv.trim_end().strip_prefix("API_KEY=");
    sandbox.verdict(&read("secrets/ci.key"), &["-e", "live"], 0, "valid");
    sandbox.verdict(web.expect("the variable"), &["-e", "test"], 0, "valid");
    sandbox.verdict(&read("shop-vault.key"), &[], 0, "valid");
    let ci = sandbox.show("ci-pipeline");
    assert_eq!((&ci["owner"], &ci["labels"]["team"]), (&json!("platform"), &json!("core")));
}

/// What the README says beside `cargo install` about installing.
#[test]
fn the_manual_pages_and_completions_are_installed_by_the_commands_of_the_readme() {
    let sandbox = Sandbox::new();
    let commands = README.block("## Install", "sh");
    let commands: Vec<&str> = commands.lines().filter(|line| !line.starts_with("cargo ")).collect();
    let script = commands.join("\n");
    let run = sandbox.program("sh", ["-e", "-c", &script]);
    run.cwd(env!("CARGO_MANIFEST_DIR")).ok();
    for file in ["man/man1/keyward-mint.1", "bash-completion/completions/keyward"] {
        assert!(sandbox.home().join(".local/share").join(file).exists());
    }
}

/// The README's two commands are how a stranger begins: what they name exists.
#[test]
fn the_two_commands_of_the_readme_stand_alone_in_their_block() {
    let block = README.block("## Two commands", "sh");
    let first = "cargo run --release --locked -- mint ci-pipeline";
    assert_eq!(block, format!("{first}\ntests/run\n"));
    assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/run").exists());
}

#[test]
fn the_table_of_exit_statuses_has_those_that_help_lists() {
    let rows = SCRIPTING.section("## Exit statuses").lines();
    let documented: Vec<u8> =
        rows.filter_map(|row| row.strip_prefix("| ")?.split(' ').next()?.parse().ok()).collect();
    let help = Sandbox::new().keyward(["--help"]).ok().stdout;
    let (_, section) = help.split_once("Exit status:\n").expect("help lists them");
    let listed: Vec<u8> = section
        .lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next()?.parse().ok())
        .collect();
    assert_eq!(documented, listed);
    assert!(documented.len() > 15, "{documented:?}");
}
