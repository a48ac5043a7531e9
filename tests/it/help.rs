//! Help: what every command and option says of itself, and that every example runs.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;

use keyward::cli::Cli;

use crate::coming;
use crate::generated::commands;
use crate::support::{KEYWARD, Output, Sandbox};

/// The command of these words, built, so that it has the global options too.
fn command(words: &[String]) -> clap::Command {
    let mut root = Cli::whole();
    root.build();
    let mut command = &root;
    for word in words {
        command = command.find_subcommand(word).expect("the words are a command's");
    }
    command.clone()
}

/// The examples in a command's help.
fn examples(sandbox: &Sandbox, words: &[String]) -> Vec<String> {
    let help = sandbox.keyward(words).args(["--help"]).ok().stdout;
    let Some((_, examples)) = help.split_once("\nExamples:\n") else {
        return Vec::new();
    };
    examples
        .lines()
        .take_while(|line| line.starts_with("  "))
        .map(|line| line.trim().to_owned())
        .collect()
}

/// A HOME in which `keyward` is a command, and a store in which this example has everything it names.
fn prepared(example: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.home().join("bin")).expect("a folder can be made");
    symlink(KEYWARD, sandbox.home().join("bin/keyward")).expect("a link can be made");
    sandbox.file(
        "policy.toml",
        "prefix = \"api\"\n[scopes.read]\nmanage = [\"list\"]\n[plans.pro]\nrate = \"100/minute\"\n",
    );
    sandbox.file(
        "keys.toml",
        "[workspace.default]\n[[key]]\nworkspace = \"default\"\nname = \"app\"\ndeliver = { out = \"app.key\" }\n",
    );
    let verb = example.split_whitespace().nth(1).unwrap_or_default();
    let names = |word: &str| example.split_whitespace().any(|part| part == word);
    let makes_its_own = matches!(verb, "mint" | "ensure" | "apply");
    if makes_its_own || example.starts_with("keyward workspace create") {
        if names("--check") {
            sandbox.keyward(["apply", "keys.toml"]).ok();
        }
        return sandbox;
    }
    sandbox.workspace("default", &["--policy", "policy.toml"]);
    if verb == "scan" || verb == "patterns" {
        scanned(&sandbox);
        return sandbox;
    }
    let environment = if names("-e") && names("test") { "test" } else { "live" };
    let secret = sandbox.mint_with("ci-pipeline", &["-e", environment, "--scope", "read"]);
    sandbox.file("secret-file", &secret);
    sandbox.file("key-ids", "ci-pipeline\n");
    sandbox.file("requests.jsonl", &format!("{{\"key\":\"{secret}\"}}\n"));
    if names("restore") {
        sandbox.keyward(["store", "backup", "keyward-backup.db"]).ok();
    }
    if names("--against") {
        let head = sandbox.head();
        sandbox.file("audit-head.txt", &format!("{head}\n"));
    }
    if names("import") {
        let hash = "a".repeat(64);
        sandbox.file("keys.jsonl", &format!("{{\"name\":\"x\",\"hash\":\"{hash}\"}}\n"));
    }
    if names("--from") {
        coming::lay_out(sandbox.home());
    }
    if names("deploy") {
        sandbox.mint("deploy");
    }
    if names("--operator-token-file") {
        sandbox.file("ci.token", "0123456789abcdef0123456789abcdef");
    }
    if names("staging") {
        sandbox.workspace("staging", &[]);
        sandbox.mint_with("old", &["-w", "staging"]);
        sandbox.keyward(["revoke", "old", "-w", "staging", "--yes"]).ok();
    }
    if names("--cancel") {
        sandbox.keyward(["rotate", "ci-pipeline", "--hold"]).ok();
    }
    sandbox
}

/// Makes HOME a repository without a key in it, ahead of its remote, with what examples of `scan` name.
fn scanned(sandbox: &Sandbox) {
    let script = "mkdir src docs && echo text > src/a && echo text > ci.log && tar -czf docs/examples.tar.gz src
        git init -q -b main . && git add src && git -c user.name=a -c user.email=a@b commit -qm first
        git update-ref refs/remotes/origin/main HEAD
        echo more > src/a && git -c user.name=a -c user.email=a@b commit -qam second
        echo staged > src/a && git add src";
    sandbox.program("sh", ["-ec", script]).ok();
}

/// Runs a command line as a person would.
fn typed(sandbox: &Sandbox, line: &str) -> Output {
    let path = format!("{}/bin:/usr/bin:/bin", sandbox.home().display());
    sandbox.program("sh", ["-c", line]).env("PATH", path).run()
}

#[test]
fn every_command_has_examples_and_every_example_runs() {
    let sandbox = Sandbox::new();
    let mut silent = Vec::new();
    let mut failures = Vec::new();
    let mut run = 0;
    for words in commands() {
        let examples = examples(&sandbox, &words);
        if examples.is_empty() {
            silent.push(words.join(" "));
        }
        for example in examples {
            if example.contains("postgres://") {
                // No server of that name is here; `postgres::` tries these commands.
                continue;
            }
            let front = [&["keyward".to_owned()], &words[..]].concat().join(" ");
            assert!(example.starts_with(&front), "{words:?} has the example {example}");
            // A person answers the question that this would ask them.
            let asks = example.contains(" revoke ") && !example.contains("--yes");
            let answer = if asks { " --yes" } else { "" };
            // A service goes on until it is told to end.
            let until = match words.first().map(String::as_str) {
                Some("serve") => "timeout --preserve-status --signal TERM 1 ",
                _ => "",
            };
            let output = typed(&prepared(&example), &format!("{until}{example}{answer}"));
            run += 1;
            if output.status != 0 {
                failures.push(format!("{example}\n{}", output.transcript()));
            }
        }
    }
    assert!(silent.is_empty(), "these commands have no example: {silent:?}");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(run > 40, "only {run} examples");
}

#[test]
fn a_group_of_commands_lists_them_and_says_how_to_go_on() {
    let sandbox = Sandbox::new();
    for words in commands() {
        let command = command(&words);
        if !command.has_subcommands() {
            continue;
        }
        let help = sandbox.keyward(&words).args(["--help"]).ok().stdout;
        for below in command.get_subcommands() {
            assert!(help.contains(&format!("  {}", below.get_name())), "{help}");
        }
        let bare = sandbox.keyward(&words).exit(2);
        assert_eq!(bare.stdout, "", "{words:?}");
        assert!(bare.stderr.contains("Usage: "), "{words:?}: {}", bare.stderr);
    }
}

/// What is wrong with a one-line help text.
fn fault(text: Option<String>) -> Option<&'static str> {
    let Some(text) = text else {
        return Some("has no help");
    };
    let first = text.chars().next();
    match text.as_str() {
        "" => Some("has an empty help"),
        _ if text.contains('\n') => Some("has a help of several lines"),
        _ if text.ends_with('.') && !text.ends_with("...") => Some("ends in a period"),
        _ if text.trim() != text => Some("has a space at its edge"),
        _ if first.is_some_and(|first| first.is_ascii_lowercase()) => Some("begins in lowercase"),
        _ => None,
    }
}

#[test]
fn every_command_and_argument_says_what_it_is_in_one_line_without_a_period() {
    let mut faults = Vec::new();
    for words in commands() {
        let command = command(&words);
        let about = command.get_about().map(ToString::to_string);
        if let Some(fault) = fault(about) {
            faults.push(format!("keyward {} {fault}", words.join(" ")));
        }
        for argument in command.get_arguments() {
            let help = argument.get_help().map(ToString::to_string);
            if let Some(fault) = fault(help) {
                faults.push(format!("{words:?} {} {fault}", argument.get_id()));
            }
            for value in argument.get_possible_values() {
                let help = value.get_help().map(ToString::to_string);
                if help.is_some_and(|help| help.contains('\n') || help.ends_with('.')) {
                    faults.push(format!("{words:?} {} of {}", value.get_name(), argument.get_id()));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_checker_of_help_texts_sees_a_bad_one() {
    for bad in ["", "Ends in a period.", "Two\nlines", " Edge", "lowercase"] {
        assert!(fault(Some(bad.to_owned())).is_some(), "{bad:?}");
    }
    assert!(fault(None).is_some());
    assert!(fault(Some("Mint this many keys, named NAME-1, ...".to_owned())).is_none());
}

#[test]
fn no_command_has_an_option_twice() {
    for words in commands() {
        let command = command(&words);
        let mut seen: BTreeMap<String, String> = BTreeMap::new();
        for argument in command.get_arguments() {
            let long = argument.get_long_and_visible_aliases().unwrap_or_default();
            let long = long.into_iter().map(|name| format!("--{name}"));
            let short = argument.get_short_and_visible_aliases().unwrap_or_default();
            let short = short.into_iter().map(|name| format!("-{name}"));
            for name in long.chain(short) {
                let id = argument.get_id().to_string();
                let other = seen.insert(name.clone(), id.clone());
                assert_eq!(other, None, "{words:?}: {name} is {id} too");
            }
        }
        // clap's own checks: conflicting ids, groups that are not there, positions with a gap.
        command.debug_assert();
    }
}

#[test]
fn an_option_means_the_same_in_every_command() {
    let mut meanings: BTreeMap<char, String> = BTreeMap::new();
    for words in commands() {
        for argument in command(&words).get_arguments() {
            let Some(short) = argument.get_short() else {
                continue;
            };
            let long = argument.get_long().unwrap_or_default().to_owned();
            let first = meanings.entry(short).or_insert_with(|| long.clone());
            assert_eq!(*first, long, "-{short} of {words:?}");
        }
    }
}

#[test]
fn the_order_and_words_of_the_contract_are_there() {
    let sandbox = Sandbox::new();
    let help = sandbox.keyward(["--help"]).ok().stdout;
    let mut last = 0;
    for verb in [
        "mint",
        "list",
        "show",
        "rename",
        "set",
        "disable",
        "enable",
        "rotate",
        "activate",
        "revoke",
        "verify",
        "whoami",
        "workspace",
        "audit",
        "store",
        "schema",
        "completions",
        "man",
    ] {
        let line = format!("\n  {verb} ");
        let place = help.find(&line).unwrap_or_else(|| panic!("no {verb} in\n{help}"));
        assert!(place > last, "{verb} is not where it belongs");
        last = place;
    }
    for (words, flags) in [
        (
            "mint",
            "--environment --scope --expires --allow --owner --label --count --hold --stdout --out --dotenv --var \
            --github-env --github-output --no-newline",
        ),
        ("list", "--status --all --environment --scope --owner --label --sort"),
        ("rotate", "--grace --now --hold --cancel --expires --out --dotenv --github-env"),
        ("revoke", "--reason --message --yes"),
        ("verify", "--environment --require --ip --no-record --file --env"),
        ("workspace create", "--preset --policy --plan"),
        ("workspace set", "--preset --policy --plan"),
        (
            "whoami",
            "--store --workspace --output --json --quiet --yes --no-input --color --as --wait",
        ),
    ] {
        let help = sandbox.keyward(words.split(' ')).args(["--help"]).ok().stdout;
        for flag in flags.split_whitespace() {
            let is_there = help.lines().any(|line| {
                let mut words = line.split([' ', ',']).filter(|word| !word.is_empty());
                words.any(|word| word == flag)
            });
            assert!(is_there, "{words} has no {flag}:\n{help}");
        }
    }
}

#[test]
fn help_and_version_need_no_store_and_no_home() {
    let sandbox = Sandbox::new();
    for command in [&["--help"][..], &["-h"], &["--version"], &["-V"], &["mint", "--help"]] {
        let output = sandbox.keyward(command).env("HOME", "").env("XDG_DATA_HOME", "").ok();
        assert!(!output.stdout.is_empty());
        assert_eq!(output.stderr, "", "{command:?}");
    }
    let version = sandbox.keyward(["--version"]).ok().stdout;
    assert_eq!(version, format!("keyward {}\n", env!("CARGO_PKG_VERSION")));
}
