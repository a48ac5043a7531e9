//! The GitHub action in `action.yml`: its YAML, and `release/provision`, which is its step, run as the runner runs it.

use std::collections::BTreeSet;
use std::fs;

use crate::generated::repository;
use crate::support::docs::path_with_keyward;
use crate::support::files::set_mode;
use crate::support::{Invocation, KEYWARD, Sandbox, tool};

fn read(name: &str) -> String {
    fs::read_to_string(repository(name)).expect("it is there")
}

/// A sandbox with a store, the runner's files, and a keyward that notes what it is called with.
fn runner() -> Sandbox {
    let sandbox = Sandbox::new();
    let noted = format!(
        "#!/bin/sh\n{{ printf '%s\\n' \"$@\"; env; }} >>\"$HOME/called\"\nexec {KEYWARD} \"$@\"\n"
    );
    fs::create_dir(sandbox.home().join("bin")).expect("a fresh folder");
    set_mode(sandbox.file("bin/keyward", &noted), 0o755);
    for file in ["env", "path", "called"] {
        sandbox.file(file, "");
    }
    sandbox.workspace("acme", &["--scopes", "read,write"]);
    sandbox
}

/// The step with these inputs; all others are empty, but for what has a default.
fn step(sandbox: &Sandbox, inputs: &[(&str, &str)]) -> Invocation {
    let home = |name: &str| sandbox.home().join(name);
    let tools = path_with_keyward().into_string().expect("UTF-8");
    let (_, tools) = tools.split_once(':').expect("folders");
    let mut run = sandbox
        .program(repository("release/provision"), [""; 0])
        .env("PATH", format!("{}:{tools}", home("bin").display()))
        .env("CI", "true")
        .env("GITHUB_ENV", home("env"))
        .env("GITHUB_PATH", home("path"))
        .env("RUNNER_TEMP", sandbox.home())
        .env("INPUT_VARIABLE", "ACME_KEY")
        .env("INPUT_EXPIRES", "1h");
    for (name, value) in inputs {
        run = run.env(format!("INPUT_{name}"), value);
    }
    run
}

#[test]
fn the_action_is_yaml_and_passes_every_input_by_the_environment() {
    let action = read("action.yml");
    if tool("yamllint") {
        let path = repository("action.yml");
        let words = ["-d", "{extends: relaxed, rules: {line-length: disable}}"];
        Sandbox::new().program("yamllint", words).args([path]).ok();
    }
    let (inputs, runs) = action.split_once("\nruns:\n").expect("it runs something");
    let declared = |line: &str| {
        let name = line.strip_prefix("  ")?.strip_suffix(':')?;
        (!name.starts_with(' ')).then(|| name.to_owned())
    };
    let declared: BTreeSet<_> = inputs.lines().filter_map(declared).collect();
    let passed = |line: &str| {
        let (name, value) = line.trim().split_once(": ${{ inputs.")?;
        let input = value.strip_suffix(" }}")?.to_owned();
        let is_named = name == "KEYWARD_STORE" || name == format!("INPUT_{}", input.to_uppercase());
        assert!(is_named, "{line}");
        Some(input)
    };
    let passed: BTreeSet<_> = runs.lines().filter_map(passed).collect();
    assert_eq!(passed, declared);
    // What the shell runs has no input in it, which anybody could have written.
    let command = runs.lines().find_map(|line| line.trim().strip_prefix("run: "));
    assert_eq!(command, Some("'\"$GITHUB_ACTION_PATH/release/provision\"'"));
    let script = read("release/provision");
    for input in declared.iter().filter(|input| *input != "store") {
        assert!(script.contains(&input.to_uppercase()), "{input}");
    }
}

#[test]
fn the_action_hands_the_next_steps_a_masked_key_of_the_callers() {
    let sandbox = runner();
    sandbox.file(
        "grants.toml",
        "[scopes.admin]\nmanage = [\"mint\"]\ngrant = [\"read\"]\n[scopes.read]\n",
    );
    sandbox.workspace("beta", &["--policy", "grants.toml"]);
    let caller = sandbox.mint_with("caller", &["-w", "beta", "--scope", "admin"]);
    let inputs = [
        ("NAME", "test-1"),
        ("WORKSPACE", "beta"),
        ("ENVIRONMENT", "test"),
        ("OWNER", "core team"),
        ("SCOPES", "read"),
        ("CALLER", &caller),
    ];
    let log = step(&sandbox, &inputs).ok();
    let variables = sandbox.text("env");
    let secret = variables.lines().nth(1).expect("a value");
    assert!(variables.starts_with("ACME_KEY<<"), "{variables}");
    assert_eq!(log.stdout, format!("::add-mask::{secret}\n"));
    let verdict = sandbox.verdict(secret, &[], 0, "valid");
    let key = &verdict["subject"];
    assert_eq!((&key["name"], &key["environment"]), (&"test-1".into(), &"test".into()));
    assert_eq!((&key["owner"], &key["scopes"][0]), (&"core team".into(), &"read".into()));
    assert!(!key["expiresAt"].is_null());
    // Neither secret is in an argument or a variable of keyward's.
    let called = sandbox.text("called");
    assert!(!called.contains(&caller) && !called.contains(secret), "{called}");
    // Both streams are the log, and the runner takes the mask out of both.
    let said = log.stderr.replace(&log.stdout, "");
    assert!(!said.contains(&caller) && !said.contains(secret), "{said}");
    assert_eq!(sandbox.text("path"), "", "nothing was installed");
}

#[test]
fn the_action_applies_a_manifest_and_a_second_run_changes_nothing() {
    let sandbox = runner();
    sandbox.file(
        "keys.toml",
        "[workspace.acme]\n[[key]]\nworkspace = \"acme\"\nenvironment = \"live\"\nname = \"ci\"\ndeliver = { out = \"ci.key\" }\n",
    );
    let apply = || step(&sandbox, &[("MANIFEST", "keys.toml")]).cwd(sandbox.home()).ok();
    apply();
    let secret = sandbox.line("ci.key");
    sandbox.verdict(&secret, &[], 0, "valid");
    let settled = sandbox.settled_bytes();
    apply();
    assert!(sandbox.settled_bytes() == settled && sandbox.line("ci.key") == secret);
    assert_eq!(sandbox.listed(&[]), ["ci"]);
}

#[test]
fn the_action_builds_its_own_sources_once_where_no_keyward_is() {
    let sandbox = runner();
    let home = sandbox.home().display();
    fs::rename(sandbox.home().join("bin/keyward"), sandbox.home().join("built")).expect("moved");
    // The stand-in's last argument is the folder.
    let cargo = "#!/bin/sh\necho \"$@\" >>\"$HOME/cargo\"\nmkdir -p \"$7/bin\"\ncp \"$HOME/built\" \"$7/bin/keyward\"\n";
    set_mode(sandbox.file("bin/cargo", cargo), 0o755);
    for name in ["one", "two"] {
        step(&sandbox, &[("NAME", name)]).env("PATH", format!("{home}/bin:/usr/bin:/bin")).ok();
    }
    let built = sandbox.text("cargo");
    assert_eq!(built.lines().count(), 1, "{built}");
    assert!(built.starts_with("install --quiet --locked --path "), "{built}");
    assert_eq!(sandbox.text("path"), format!("{home}/keyward/bin\n").repeat(2));
    assert_eq!(sandbox.listed(&[]), ["one", "two"]);
}

#[test]
fn the_action_refuses_inputs_that_say_nothing_or_too_much() {
    let sandbox = runner();
    for inputs in [&[][..], &[("NAME", "a"), ("MANIFEST", "b.toml")]] {
        let refused = step(&sandbox, inputs).exit(2);
        assert_eq!(refused.stdout, "::error::keyward: give either manifest or name\n");
    }
    step(&sandbox, &[("NAME", "a"), ("OWNER", "--hold"), ("SCOPES", "*")]).exit(5);
    assert_eq!(sandbox.listed(&["-a"]), [""; 0]);
}
