//! Hostile text: refused where it is given, and escaped on every output when it stands in the store all the same.
//!
//! A terminal obeys control characters, a reader believes what bidirectional and zero-width ones pretend, and a CI
//! runner takes lines that begin with `::` or hold `##[` for commands. None of these may come out of a store.

mod names;
mod planted;

use crate::support::{Output, Sandbox};

/// What is planted, each a text that does harm somewhere when it is printed as it is.
const HOSTILE: [&str; 20] = [
    "\u{1b}[31mred\u{1b}[0m",
    "\u{1b}]0;title\u{7}",
    "\u{1b}[2J\u{1b}[H",
    "\u{9b}31mred",
    "\u{202e}gpj.yek",
    "a\u{200b}b\u{200d}c\u{feff}",
    "a\u{2066}b\u{2069}c",
    "\u{e0041}\u{e007f}tag",
    "a\u{2028}b\u{2029}c",
    "a\tb\nc\rd",
    "a\u{8}\u{8}\u{7f}b",
    "::add-mask::x",
    "   ::warning::x",
    "\t::error::x",
    "\n::set-output name=x::y",
    "a\r\n::error::x",
    "##[error]x",
    "x\n##vso[task.complete result=Failed;]x",
    "\u{2003}::notice::x",
    "back\\slash \\u{1b} \\n",
];

/// What is wrong with an output, if anything. Tabs are what tsv's fields are apart by.
fn fault(output: &str, tabs: bool) -> Option<String> {
    let is_allowed = |character: char| character == '\n' || (tabs && character == '\t');
    let raw = output.chars().find(|character| {
        let is_bad = character.is_control()
            || INVISIBLE.contains(character)
            || matches!(*character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
            || matches!(*character, '\u{e0000}'..='\u{e007f}' | '\u{fff0}'..='\u{fffd}');
        is_bad && !is_allowed(*character)
    });
    if let Some(raw) = raw {
        return Some(format!("a raw {}", raw.escape_unicode()));
    }
    let line = output.lines().find(|line| line.trim_start().starts_with("::"));
    if let Some(line) = line {
        return Some(format!("a line that a runner takes for a command: {line}"));
    }
    let command = ["##[", "##vso["].iter().find(|command| output.contains(**command));
    command.map(|command| format!("{command:?}"))
}

/// Faults of a run's streams under a format, with what was run.
fn faults(what: &str, format: &str, output: &Output) -> Vec<String> {
    let is_json = format.starts_with("json");
    let mut faults = Vec::new();
    for (stream, said) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        let non_ascii = (is_json && !said.is_ascii()).then(|| "not ASCII".to_owned());
        let tabs = format == "tsv" && stream == "stdout";
        if let Some(fault) = non_ascii.or_else(|| fault(said, tabs)) {
            faults.push(format!("{what} as {format} has on {stream} {fault}\n    {said:?}"));
        }
    }
    if output.stderr.contains("panicked") {
        faults.push(format!("{what} as {format} panics: {}", output.stderr));
    }
    faults
}

const FORMATS: [&str; 4] = ["table", "tsv", "json", "jsonl"];

#[test]
fn errors_that_list_names_escape_them() {
    let mut found = Vec::new();
    for hostile in HOSTILE {
        let sandbox = Sandbox::with_workspace("one", &["--cap", "2"]);
        sandbox.workspace("two", &[]);
        sandbox.mint_with("twin", &["-w", "one", "-e", "live"]);
        sandbox.mint_with("twin", &["-w", "one", "-e", "test"]);
        let connection = sandbox.sqlite();
        for plant in [
            "UPDATE key SET name = ?1",
            "UPDATE key SET environment = ?1 WHERE environment = 'test'",
            "UPDATE workspace SET name = ?1 || name",
        ] {
            let planted = connection.execute(plant, [hostile]);
            assert!(planted.expect("it can be planted") > 0, "{plant}");
        }
        connection.close().expect("the store can be closed");
        sandbox.rewrite("");
        let workspace = format!("{hostile}one");
        for format in ["table", "json"] {
            for (exit, command) in [
                // Several workspaces, several keys, and a cap whose hint names the longest unused key.
                (4, &["mint", "new"][..]),
                (4, &["show", "-w", &workspace, "--", hostile]),
                (5, &["mint", "new", "-w", &workspace]),
                (3, &["show", "missing", "-w", &workspace]),
                (4, &["workspace", "delete", "--yes", "--", &workspace]),
            ] {
                let output = sandbox.keyward(["-o", format]).args(command).exit(exit);
                found.extend(faults(&format!("{command:?}"), format, &output));
            }
        }
    }
    let count = found.len();
    found.truncate(20);
    assert!(found.is_empty(), "{count} faults\n{}", found.join("\n"));
}

#[test]
fn a_policy_that_cannot_be_read_is_told_of_harmlessly() {
    let mut found = Vec::new();
    for hostile in HOSTILE {
        let quoted = hostile.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r");
        let sandbox = Sandbox::with_keys(&["ci"]);
        for policy in [
            format!("prefix = \"{hostile}"),
            hostile.to_owned(),
            format!("prefix = \"{quoted}\""),
            format!("environments = [\"{quoted}\"]"),
            format!("\"{quoted}\" = 1"),
            format!("[scopes.\"{quoted}\"]\nmanage = [\"{quoted}\"]"),
        ] {
            sandbox.file("policy.toml", &policy);
            let connection = sandbox.sqlite();
            let planted = connection.execute("UPDATE workspace SET policy = ?1", [&policy]);
            assert_eq!(planted, Ok(1));
            connection.close().expect("the store can be closed");
            let from_a_file = ["workspace", "create", "new", "--policy", "policy.toml"];
            for (format, command) in [
                ("table", &["list"][..]),
                ("json", &["list"]),
                ("table", &["workspace", "show"]),
                ("table", &from_a_file),
            ] {
                let store = match command.contains(&"create") {
                    true => "elsewhere.db".into(),
                    false => sandbox.store_path(),
                };
                let run = sandbox.keyward(["-o", format]).args(command);
                let output = run.env("KEYWARD_STORE", store).run();
                found.extend(faults(&format!("{command:?} of {policy:?}"), format, &output));
            }
        }
    }
    let count = found.len();
    found.truncate(20);
    assert!(found.is_empty(), "{count} faults\n{}", found.join("\n"));
}

#[test]
fn hostile_arguments_are_escaped_in_messages() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let mut found = Vec::new();
    for hostile in HOSTILE {
        let option = format!("--{hostile}");
        let path = format!("missing/{hostile}");
        let commands: &[&[&str]] = &[
            &["--", hostile],
            &[&option],
            &["mint", &option],
            &["show", "--", hostile],
            &["list", "--status", hostile],
            &["list", "--sort", hostile],
            &["list", "--wait", hostile],
            &["list", "--color", hostile],
            &["list", "-w", hostile],
            &["list", "--as", hostile],
            &["list", "--store", &path],
            &["mint", "new", "--expires", hostile],
            &["mint", "new", "--allow", hostile],
            &["mint", "new", "--scope", hostile],
            &["mint", "new", "-e", hostile],
            &["mint", "new", "--label", hostile],
            &["mint", "new", "--out", &path],
            &["mint", "new", "--out", "ci/", "--var", hostile],
            &["mint", "new", "--dotenv", "x", "--var", hostile],
            &["mint", "new", "--dotenv", &path, "--var", "KEY"],
            &["mint", "new", "--", hostile],
            &["mint", "new", "--", "sh", "-c", "exit 3", hostile],
            &["verify", "--file", hostile],
            &["verify", "--env", hostile],
            &["verify", "--ip", hostile],
            &["verify", hostile],
            &["rotate", "ci", "--grace", hostile],
            &["revoke", "ci", "--yes", "--reason", hostile],
            &["workspace", hostile],
            &["workspace", "create", "a", "--preset", hostile],
            &["workspace", "create", "a", "--policy", hostile],
            &["workspace", "create", "a", "--token", hostile],
            &["workspace", "create", "a", "--prefix", hostile],
            &["workspace", "create", "a", "--environments", hostile],
            &["workspace", "create", "a", "--plan", hostile],
            &["audit", "list", "--limit", hostile],
            &["schema", hostile],
            &["schema", "workspace", hostile],
            &["completions", hostile],
            &["man", hostile],
        ];
        for command in commands {
            let output = sandbox.keyward(*command).run();
            found.extend(faults(&format!("{command:?}"), "table", &output));
        }
    }
    let count = found.len();
    found.truncate(40);
    assert!(found.is_empty(), "{count} faults\n{}", found.join("\n"));
}

#[test]
fn the_checker_of_outputs_sees_each_danger() {
    for hostile in HOSTILE {
        let is_plain = hostile == "back\\slash \\u{1b} \\n";
        assert_eq!(fault(hostile, false).is_none(), is_plain, "{hostile:?}");
    }
    assert_eq!(fault("a\tb\n", true), None);
    assert!(fault("a\tb\n", false).is_some());
    assert_eq!(fault("name  #\\u{23}[error] \\u{3a}:x a::b\n", false), None);
}

/// Characters that no name may hold.
const INVISIBLE: [char; 36] = [
    '\u{1}',
    '\u{7}',
    '\u{8}',
    '\t',
    '\n',
    '\r',
    '\u{1b}',
    '\u{7f}',
    '\u{80}',
    '\u{9b}',
    '\u{9f}',
    '\u{ad}',
    '\u{61c}',
    '\u{180e}',
    '\u{200b}',
    '\u{200c}',
    '\u{200d}',
    '\u{200e}',
    '\u{200f}',
    '\u{2028}',
    '\u{2029}',
    '\u{202a}',
    '\u{202b}',
    '\u{202c}',
    '\u{202d}',
    '\u{202e}',
    '\u{2060}',
    '\u{2066}',
    '\u{2067}',
    '\u{2068}',
    '\u{2069}',
    '\u{feff}',
    '\u{fff9}',
    '\u{e0001}',
    '\u{e0041}',
    '\u{e007f}',
];
