//! The committed completions in real shells, and the committed manual pages under a real checker.

use std::fs;

use crate::generated::repository;
use crate::support::docs::path_with_keyward;
use crate::support::terminal::Terminal;
use crate::support::{Output, Sandbox, tool};

/// What a shell offers behind `keyward re`: the commands that begin so.
const OFFERED: [&str; 2] = ["rename", "revoke"];

fn script(name: &str) -> String {
    let path = repository("completions").join(name);
    assert!(path.exists(), "there is no {}", path.display());
    path.to_str().expect("the repository's path is UTF-8").to_owned()
}

/// Asserts a shell's silence and what it offered, one a line.
#[track_caller]
fn assert_offered(output: &Output, expected: &[&str]) {
    assert_eq!(output.stderr, "", "the shell complains");
    let mut offered: Vec<&str> = output
        .stdout
        .lines()
        .map(|line| line.split('\t').next().unwrap_or_default().trim())
        .collect();
    offered.sort_unstable();
    assert_eq!(offered, expected, "{}", output.stdout);
}

fn bash(line: &str) -> Output {
    let sandbox = Sandbox::new();
    let asked = r#"
        source "$1" || exit 1
        complete -p keyward >/dev/null || exit 2
        read -ra COMP_WORDS <<<"$2"
        [[ $2 == *' ' ]] && COMP_WORDS+=('')
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        COMP_LINE=$2 COMP_POINT=${#2}
        _keyward keyward "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
        printf '%s\n' "${COMPREPLY[@]}""#;
    let arguments = ["--noprofile", "--norc", "-c", asked, "bash", &script("keyward.bash"), line];
    let path = path_with_keyward();
    sandbox.program("bash", arguments).env("PATH", path).ok()
}

#[test]
fn bash_loads_the_completions_and_offers_commands() {
    if !tool("bash") {
        return;
    }
    assert_offered(&bash("keyward re"), &OFFERED);
    assert_offered(&bash("keyward ro"), &["rotate"]);
    assert_offered(&bash("keyward workspace re"), &["rename"]);
    assert_offered(&bash("keyward rotate --gra"), &["--grace"]);
    assert_offered(&bash("keyward list --status pen"), &["pending"]);
}

fn fish(line: &str) -> Output {
    let sandbox = Sandbox::new();
    let asked = "source $argv[1]; or exit 1; complete -C $argv[2]";
    let arguments = ["--no-config", "-c", asked, &script("keyward.fish"), line];
    let path = path_with_keyward();
    sandbox.program("fish", arguments).env("PATH", path).ok()
}

#[test]
fn fish_loads_the_completions_and_offers_commands() {
    if !tool("fish") {
        return;
    }
    assert_offered(&fish("keyward re"), &OFFERED);
    assert_offered(&fish("keyward ro"), &["rotate"]);
    assert_offered(&fish("keyward workspace re"), &["rename"]);
    assert_offered(&fish("keyward rotate --gra"), &["--grace"]);
    assert_offered(&fish("keyward list --status pen"), &["pending"]);
}

#[test]
fn zsh_loads_the_completions_without_a_word() {
    if !tool("zsh") {
        return;
    }
    let sandbox = Sandbox::new();
    let asked = "fpath=(${1:h} $fpath); autoload -Uz compinit && compinit -u -d ~/dump || exit 1
        [[ ${_comps[keyward]} == _keyward ]] || exit 2
        autoload +X _keyward || exit 3";
    let arguments = ["-f", "-c", asked, "zsh", &script("_keyward")];
    let output = sandbox.program("zsh", arguments).ok();
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("", ""));
    // As a line of a configuration would load it.
    let sourced =
        "autoload -Uz compinit && compinit -u -d ~/dump; source $1 && print $_comps[keyward]";
    let arguments = ["-f", "-c", sourced, "zsh", &script("_keyward")];
    let output = sandbox.program("zsh", arguments).ok();
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("_keyward\n", ""));
}

#[test]
fn zsh_completes_on_a_terminal() {
    if !tool("zsh") {
        return;
    }
    let folder = repository("completions");
    for (typed, shown) in [
        ("keyward ro\t", vec!["keyward rotate"]),
        ("keyward re\t\t", vec!["rename", "revoke"]),
        ("keyward workspace ren\t", vec!["keyward workspace rename"]),
        ("keyward list --status pen\t", vec!["--status pending"]),
    ] {
        let sandbox = Sandbox::new();
        let setup = format!(
            "PROMPT='ready> '; LISTMAX=0; fpath=({} $fpath); autoload -Uz compinit; compinit -u -d ~/dump\n",
            folder.display()
        );
        sandbox.file(".zshrc", &setup);
        let path = path_with_keyward();
        let path = path.to_str().expect("PATH is text");
        let mut terminal = Terminal::start(&sandbox, "zsh", &["-i"], &[("PATH", path)]);
        terminal.wait_for("ready> ");
        terminal.types(typed);
        for shown in shown {
            terminal.wait_for(shown);
        }
        let seen = terminal.seen();
        for complaint in ["command not found", "_arguments:", "parse error", "no such"] {
            assert!(!seen.contains(complaint), "{typed:?}: {seen}");
        }
        // Clears the line, and then says goodbye.
        terminal.types("\u{15}\u{15}exit\r");
        let (status, seen) = terminal.end();
        assert_eq!(status, 0, "{typed:?}: {seen}");
    }
}

#[test]
fn the_manual_pages_have_no_fault() {
    if !tool("mandoc") {
        return;
    }
    let sandbox = Sandbox::new();
    let entries = fs::read_dir(repository("man")).expect("there is man/");
    let mut pages: Vec<_> =
        entries.map(|entry| entry.expect("an entry can be read").path()).collect();
    pages.sort();
    assert!(pages.len() > 25, "only {} pages", pages.len());
    let mut faults = String::new();
    for page in &pages {
        let output = sandbox.program("mandoc", ["-Tlint"]).args([page]).run();
        faults += &output.stdout;
        faults += &output.stderr;
    }
    let lines: Vec<&str> = faults.lines().collect();
    assert!(
        lines.is_empty(),
        "{} faults, the first of them\n{}",
        lines.len(),
        lines[..lines.len().min(20)].join("\n")
    );
}

#[test]
fn a_manual_page_can_be_read() {
    if !tool("mandoc") {
        return;
    }
    let sandbox = Sandbox::new();
    for (page, parts) in [
        ("keyward.1", &["NAME", "SYNOPSIS", "mint", "EXIT STATUS"][..]),
        ("keyward-mint.1", &["NAME", "SYNOPSIS", "--out", "keyward mint ci-pipeline"]),
        ("keyward-workspace-create.1", &["keyward workspace create", "--preset"]),
    ] {
        let path = repository("man").join(page);
        let output = sandbox.program("mandoc", ["-Tascii"]).args([&path]).ok();
        // Bold and underlined letters are overstruck.
        let mut text = String::new();
        for character in output.stdout.chars() {
            match character {
                '\u{8}' => {
                    let _ = text.pop();
                }
                _ => text.push(character),
            }
        }
        for part in parts {
            let is_there = text.to_uppercase().contains(&part.to_uppercase());
            assert!(is_there, "{page} does not say {part}:\n{text}");
        }
    }
}
