//! `keyward patterns`: rules that every token matches in the real engines, and that nothing else does.

use std::fs;

use serde_json::Value;

use crate::support::{Sandbox, fields, skipped, tool, variable};

/// The presets whose tokens have a rule.
const PRESETS: [&str; 4] = ["default", "amazonscraperapi", "amser", "scrapewise"];

/// A store with some keys of each of these presets and of a policy with dots and dashes, and their secrets.
fn minted() -> (Sandbox, Vec<String>) {
    let sandbox = Sandbox::new();
    let mut secrets = Vec::new();
    for preset in PRESETS {
        sandbox.workspace(preset, &["--preset", preset]);
        let scope: &[&str] = if preset == "scrapewise" { &["--scope", "USER"] } else { &[] };
        for number in 0..5 {
            let flags = [&["-w", preset], scope].concat();
            secrets.push(sandbox.mint_with(&format!("key-{number}"), &flags));
        }
    }
    let token = "a-b.{prefix}-{env}.{short:4}{secret:40}{crc}";
    sandbox.workspace("odd", &["--token", token, "--alphabet", "base58"]);
    for environment in ["live", "test"] {
        secrets.push(sandbox.mint_with("odd", &["-w", "odd", "-e", environment]));
    }
    (sandbox, secrets)
}

fn printed(sandbox: &Sandbox, format: &str) -> String {
    sandbox.keyward(["patterns", "--format", format]).ok().stdout
}

/// What a program of another language finds: for each secret, whether one of the patterns matches it wholly, and whether any does
/// with a character less.
fn matched(sandbox: &Sandbox, program: &str, script: &str, secrets: &[String]) {
    if !tool(program) {
        return;
    }
    sandbox.file("patterns.txt", &printed(sandbox, "regex"));
    let shorter = secrets.iter().map(|secret| &secret[..secret.len() - 1]);
    let whole: Vec<&str> = secrets.iter().map(String::as_str).collect();
    for (texts, expected) in [(whole, true), (shorter.collect(), false)] {
        sandbox.file("texts.txt", &texts.join("\n"));
        let flag = if program == "node" { "-e" } else { "-c" };
        let output = sandbox.program(program, [flag, script]).ok().stdout;
        let answers: Vec<bool> = output.lines().map(|line| line == "true").collect();
        assert_eq!(answers, vec![expected; texts.len()], "{program}");
    }
}

#[test]
fn every_token_matches_in_python() {
    let (sandbox, secrets) = minted();
    let script = "
import re
patterns = [re.compile(line) for line in open('patterns.txt').read().split()]
for text in open('texts.txt').read().split():
    print('true' if any(one.fullmatch(text) for one in patterns) else 'false')";
    matched(&sandbox, "python3", script, &secrets);
}

/// With the flag `u`, which refuses escapes that mean nothing.
#[test]
fn every_token_matches_in_javascript() {
    let (sandbox, secrets) = minted();
    let script = "
const fs = require('fs'), lines = name => fs.readFileSync(name, 'utf8').split(/\\s+/).filter(Boolean);
const patterns = lines('patterns.txt').map(text => new RegExp('^' + text + '$', 'u'));
lines('texts.txt').forEach(text => console.log(String(patterns.some(one => one.test(text)))));";
    matched(&sandbox, "node", script, &secrets);
}

#[test]
fn every_token_matches_in_grep() {
    let (sandbox, secrets) = minted();
    // POSIX has no group that does not capture.
    let patterns = printed(&sandbox, "regex").replace("(?:", "(");
    sandbox.file("patterns.txt", &patterns);
    sandbox.file("texts.txt", &(secrets.join("\n") + "\n"));
    let found = sandbox.program("grep", ["-cxEf", "patterns.txt", "texts.txt"]).ok().stdout;
    assert_eq!(found.trim(), secrets.len().to_string());
}

#[test]
fn each_file_can_be_read_and_has_a_rule_for_each_format() {
    let (sandbox, _) = minted();
    let gitleaks: toml::Table = printed(&sandbox, "gitleaks").parse().expect("TOML");
    let rules = gitleaks["rules"].as_array().expect("rules");
    assert_eq!(rules.len(), PRESETS.len() + 1);
    let regexes: Vec<&str> = rules.iter().filter_map(|rule| rule["regex"].as_str()).collect();
    assert_eq!(regexes.join("\n") + "\n", printed(&sandbox, "regex"));
    let _: toml::Table = printed(&sandbox, "gitlab").parse().expect("TOML");
    let secretlint: Value = serde_json::from_str(&printed(&sandbox, "secretlint")).expect("JSON");
    let patterns = &secretlint["rules"][0]["options"]["patterns"];
    assert_eq!(patterns.as_array().map(Vec::len), Some(rules.len()));
    let watch: Value = serde_json::from_str(&printed(&sandbox, "watch")).expect("JSON");
    assert_eq!(watch["keys"].as_array().map(Vec::len), Some(22));
    for format in ["trufflehog", "github", "kingfisher", "semgrep"] {
        let text = printed(&sandbox, format);
        for regex in &regexes {
            assert!(text.contains(regex), "{format}: {text}");
        }
    }
    assert!(printed(&sandbox, "pre-commit").contains("entry: keyward scan --staged"));
}

/// A scanner that no test run installs; where it is not, that is said by its name.
fn scanner(name: &str) -> bool {
    let path = variable("PATH").unwrap_or_default();
    let is_there = std::env::split_paths(&path).any(|folder| folder.join(name).is_file());
    if !is_there {
        skipped(&format!("{name} is not installed"));
    }
    is_there
}

/// Asserts that a scanner that reads gitleaks' configuration finds every token, and writes it to `r.json`.
fn assert_reported(name: &str, words: &[&str]) {
    if !scanner(name) {
        return;
    }
    let (sandbox, secrets) = minted();
    sandbox.file("rules.toml", &printed(&sandbox, "gitleaks"));
    plant(&sandbox, &secrets);
    let common = ["--config", "rules.toml", "--no-banner"];
    let run = sandbox.program(name, words.iter().chain(&common)).run();
    assert_eq!(run.status, 1, "{}", run.transcript());
    let report = fs::read_to_string(sandbox.home().join("r.json")).expect("a report");
    for secret in &secrets {
        assert!(report.contains(secret.as_str()), "a token is not in {report}");
    }
}

#[test]
fn gitleaks_finds_every_token_by_the_printed_rules() {
    assert_reported("gitleaks", &["dir", "tree", "-r", "r.json"]);
}

#[test]
fn betterleaks_finds_every_token_by_the_printed_rules() {
    assert_reported("betterleaks", &["tree", "-o", "r.json"]);
}

#[test]
fn kingfisher_finds_every_token_by_the_printed_rules() {
    if !scanner("kingfisher") {
        return;
    }
    let (sandbox, secrets) = minted();
    sandbox.file("rules.yml", &printed(&sandbox, "kingfisher"));
    plant(&sandbox, &secrets);
    let words = [
        "scan",
        "tree",
        "--rules-path",
        "rules.yml",
        "--load-builtins=false",
        "--no-validate",
        "--no-update-check",
        "--format",
        "json",
    ];
    let output = sandbox.program("kingfisher", words).run();
    for secret in &secrets {
        assert!(output.stdout.contains(secret.as_str()), "{}", output.transcript());
    }
}

/// The secrets, each as a program would have it, in a file of a folder `tree`.
fn plant(sandbox: &Sandbox, secrets: &[String]) {
    let lines: String = secrets.iter().map(|secret| format!("key = \"{secret}\"\n")).collect();
    fs::create_dir(sandbox.home().join("tree")).expect("a folder can be made");
    sandbox.file("tree/keys.txt", &lines);
}

/// GitHub's custom patterns are compiled by Hyperscan.
#[test]
fn hyperscan_finds_every_token_by_the_printed_rules_and_none_that_is_cut() {
    if !tool("python3") {
        return;
    }
    let (sandbox, secrets) = minted();
    if sandbox.program("python3", ["-c", "import hyperscan"]).run().status != 0 {
        skipped("Python's hyperscan is not installed");
        return;
    }
    let github = printed(&sandbox, "github");
    let patterns: Vec<&str> =
        github.lines().filter_map(|line| line.strip_prefix("Secret format: ")).collect();
    sandbox.file("patterns.txt", &patterns.join("\n"));
    sandbox.file("texts.txt", &secrets.join("\n"));
    let script = "
import hyperscan
patterns = open('patterns.txt', 'rb').read().split()
base = hyperscan.Database()
base.compile(expressions=patterns, flags=[hyperscan.HS_FLAG_SOM_LEFTMOST] * len(patterns))
def places(text):
    found = []
    base.scan(text, match_event_handler=lambda id, start, end, *_: found.append((start, end)))
    return found
for text in open('texts.txt', 'rb').read().split():
    print((1, 1 + len(text)) in places(b' ' + text + b' ') and not places(text[:-1]))";
    let answers = sandbox.program("python3", ["-c", script]).ok().stdout;
    assert_eq!(answers.lines().collect::<Vec<_>>(), vec!["True"; secrets.len()]);
}

#[test]
fn secretlint_finds_every_token_by_the_printed_rules() {
    if !scanner("secretlint") {
        return;
    }
    let (sandbox, secrets) = minted();
    // Its rules are packages beside it, and it looks for them beside the file that names them.
    let path = variable("PATH").unwrap_or_default();
    let program =
        std::env::split_paths(&path).find_map(|at| at.join("secretlint").canonicalize().ok());
    let packages = program.iter().flat_map(|program| program.ancestors());
    let packages = packages.filter(|at| at.join("@secretlint/secretlint-rule-pattern").is_dir());
    let Some(packages) = packages.last() else {
        skipped("secretlint's rule for patterns is not installed");
        return;
    };
    std::os::unix::fs::symlink(packages, sandbox.home().join("node_modules")).expect("a link");
    sandbox.file(".secretlintrc.json", &printed(&sandbox, "secretlint"));
    plant(&sandbox, &secrets);
    let output = sandbox.program("secretlint", ["--format", "json", "tree/*"]).exit(1);
    let messages = output.json()[0]["messages"].as_array().map(Vec::len);
    assert_eq!(messages, Some(secrets.len()), "{}", output.stdout);
}

#[test]
fn semgrep_finds_every_token_by_the_printed_rules() {
    if !scanner("semgrep") {
        return;
    }
    let (sandbox, secrets) = minted();
    sandbox.file("rules.yml", &printed(&sandbox, "semgrep"));
    plant(&sandbox, &secrets);
    let words = ["scan", "--metrics=off", "--disable-version-check", "--config", "rules.yml"];
    let output = sandbox.program("semgrep", words).args(["--json", "tree"]).ok().json();
    assert_eq!(output["results"].as_array().map(Vec::len), Some(secrets.len()), "{output:#}");
}

/// What is committed must not be found by the next scan, and the examples in it are nobody's.
#[test]
fn what_is_printed_is_clean_under_a_scan() {
    let (sandbox, _) = minted();
    fs::create_dir(sandbox.home().join("rules")).expect("a folder can be made");
    for format in ["regex", "gitleaks", "trufflehog", "github", "kingfisher", "secretlint", "watch"]
    {
        sandbox.file(&format!("rules/{format}"), &printed(&sandbox, format));
    }
    let answer = sandbox.keyward(["scan", "rules"]).answer();
    assert_eq!(answer["findings"], serde_json::json!([]));
}

#[test]
fn a_format_that_matches_anything_is_named_instead() {
    let sandbox = Sandbox::new();
    sandbox.workspace("opaque", &["--preset", "azscraper"]);
    let output = sandbox.keyward(["patterns"]).ok();
    assert_eq!(output.stdout, "");
    assert!(output.stderr.contains("opaque has no rule"), "{}", output.stderr);
    // GitLab reads the file of gitleaks, which has none either.
    let output = sandbox.keyward(["patterns", "--format", "gitlab"]).ok();
    assert!(output.stderr.contains("opaque has no rule"), "{}", output.stderr);
    // A failure says nothing else.
    let output = sandbox.keyward(["patterns", "--check", "missing", "--json"]).exit(2);
    assert_eq!(output.stderr.lines().count(), 1, "{}", output.stderr);
    output.error();
}

#[test]
fn a_file_that_no_longer_has_the_rules_is_told_from_one_that_has() {
    let (sandbox, _) = minted();
    sandbox.file("rules.toml", &printed(&sandbox, "gitleaks"));
    let check = ["patterns", "--format", "gitleaks", "--check", "rules.toml"];
    sandbox.keyward(check).ok();
    sandbox.keyward(["workspace", "set", "-w", "odd", "--prefix", "other"]).ok();
    let output = sandbox.keyward(check).exit(18);
    assert_eq!(output.stdout, "");
    assert!(output.stderr.starts_with("rules.toml differs"), "{}", output.stderr);
    let only = sandbox.keyward(["patterns", "-w", "amser", "-e", "test"]).ok().stdout;
    assert!(only.starts_with("amsr_test_"), "{only}");
    // What keys still have is looked for too.
    let all = printed(&sandbox, "regex");
    assert!(all.contains("a-b\\.kw-") && all.contains("a-b\\.other-"), "{all}");
}

#[test]
fn the_rules_are_records_too_and_a_scanners_form_is_its_own_whatever_the_output() {
    let (sandbox, _) = minted();
    let regexes = printed(&sandbox, "regex");
    let ids = sandbox.keyward(["patterns", "-o", "value=id"]).ok().stdout;
    assert!(ids.lines().count() > 2 && ids.lines().all(|id| id.starts_with("keyward-")), "{ids}");
    let answer = sandbox.keyward(["patterns"]).answer();
    let records = answer["patterns"].as_array().expect("a list");
    assert_eq!(records.len(), regexes.lines().count());
    for (record, regex) in records.iter().zip(regexes.lines()) {
        assert_eq!(fields(record), ["example", "id", "keywords", "regex"]);
        assert_eq!(record["regex"], regex);
    }
    let gitleaks = printed(&sandbox, "gitleaks");
    let own = sandbox.keyward(["patterns", "--format", "gitleaks", "--json"]).ok().stdout;
    assert_eq!(own, gitleaks);
    sandbox.file("regexes", &regexes);
    let checked = sandbox.keyward(["patterns", "--check", "regexes", "--json"]).ok();
    assert_eq!(checked.stdout, "");
}
