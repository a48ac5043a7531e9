//! Hints: the commands in them can be typed, and a near miss is answered with what was meant.

use serde_json::Value;

use crate::support::Sandbox;

/// The `keyward …` command lines in a hint: those in backticks, or the whole of it.
pub fn commands_in(hint: &str) -> Vec<String> {
    if hint.starts_with("keyward ") {
        return vec![hint.to_owned()];
    }
    let quoted = hint.split('`').skip(1).step_by(2);
    quoted.filter(|part| part.starts_with("keyward ")).map(str::to_owned).collect()
}

/// Asserts that a command line in a hint could be typed: clap gets as far as a --help at its end.
#[track_caller]
fn assert_parses(sandbox: &Sandbox, line: &str) {
    // A redirection is the shell's; a comment after the command nobody types.
    let words = line.split_whitespace().take_while(|word| *word != "<");
    let words: Vec<&str> = words.skip(1).collect();
    let output = sandbox.keyward(&words).args(["--help"]).run();
    assert_eq!(output.status, 0, "the hint {line} does not parse\n{}", output.transcript());
}

#[test]
fn every_command_in_a_hint_can_be_typed() {
    let sandbox = Sandbox::new();
    sandbox.file("policy.toml", "[scopes.read]\nmanage = [\"list\"]\n");
    sandbox
        .workspace("acme", &["--policy", "policy.toml", "--cap", "9", "--maximum-lifetime", "1y"]);
    sandbox.workspace("capped", &["--cap", "1"]);
    sandbox.mint_with("one", &["-w", "capped"]);
    let several = sandbox.keyward(["list"]).run();
    sandbox.keyward(["workspace", "use", "acme"]).ok();
    let secret = sandbox.mint("ci");
    sandbox.mint_with("twin", &["-e", "live"]);
    sandbox.mint_with("twin", &["-e", "test"]);
    let held = sandbox.mint_with("held", &["--hold"]);
    sandbox.mint("off");
    sandbox.keyward(["disable", "off"]).ok();
    sandbox.mint("dead");
    sandbox.keyward(["revoke", "dead", "--yes"]).ok();
    sandbox.mint("turning");
    sandbox.keyward(["rotate", "turning", "--hold"]).ok();
    sandbox.file("caller", &secret);
    sandbox.file("held", &held);
    sandbox.file("garbage", "garbage");
    let commands: &[&[&str]] = &[
        &["unheard-of"],
        &["lst"],
        &["mint"],
        &["mint", "a", "--ou", "x"],
        &["mint", " a"],
        &["mint", "a", "--owner", " x"],
        &["mint", "a", "--scope", "write"],
        &["mint", "a", "-e", "staging"],
        &["mint", "a", "--expires", "5y"],
        &["mint", "a", "--expires", "soon"],
        &["mint", "a", "--out", "caller"],
        &["mint", "a", "--out", "missing/a"],
        &["mint", "a", "--github-env", "KEY"],
        &["mint", "ci"],
        &["mint", "a", "-w", "capped"],
        &["mint", "a", "-w", "missing"],
        &["mint", "a", "--", "false"],
        &["mint", "a", "--count", "2", "-n"],
        &["show", "missing"],
        &["show", "twin"],
        &["show", &secret],
        &["rename", "dead", "alive"],
        &["rename", "ci", "twin"],
        &["set", "ci"],
        &["set", "dead", "--owner", "x"],
        &["disable", "held"],
        &["disable", "dead"],
        &["enable", "dead"],
        &["enable", "held"],
        &["rotate", "held"],
        &["rotate", "off"],
        &["rotate", "dead"],
        &["rotate", "turning"],
        &["rotate", "ci", "--cancel"],
        &["activate", "--file", "missing"],
        &["revoke", "ci"],
        &["verify", "--file", "missing"],
        &["verify", "--env", "MISSING"],
        &["whoami", "--as", "missing"],
        &["whoami", "--as", "held"],
        &["audit", "list", "--as", "caller"],
        &["list", "--wait", "never"],
        &["list", "--store", "garbage"],
        &["list", "--store", ""],
        &["list", "--owner", "nobody"],
        &["list", "-w", "missing"],
        &["workspace", "create", "acme"],
        &["workspace", "create", "x", "--preset", "missing"],
        &["workspace", "create", "x", "--token", "{secret:4}"],
        &["workspace", "delete", "acme"],
        &["workspace", "delete", "missing"],
        &["workspace", "use", "missing"],
        &["workspace", "set", "acme"],
        &["schema", "missing"],
        &["completions", "missing"],
        &["man", "missing"],
        &["man", "workspace", "missing"],
    ];
    let mut hints = 0;
    let mut found = 0;
    let mut said: Vec<String> = vec![several.stderr];
    for command in commands {
        said.push(sandbox.keyward(*command).run().stderr);
        let json = sandbox.keyward(["--json"]).args(*command).run();
        if json.status == 0 {
            continue;
        }
        let error = json.error();
        let Value::String(hint) = &error["hint"] else {
            continue;
        };
        hints += 1;
        for line in commands_in(hint) {
            found += 1;
            assert_parses(&sandbox, &line);
        }
    }
    // What is said on stderr beside errors: hints of empty lists, status lines, warnings.
    for line in said.iter().flat_map(|said| said.lines()) {
        for command in commands_in(line.trim_start_matches("hint: ")) {
            found += 1;
            assert_parses(&sandbox, &command);
        }
    }
    assert!(hints > 30 && found > 15, "only {hints} hints with {found} commands");
}

#[test]
fn the_checker_of_hints_sees_one_that_does_not_parse() {
    let sandbox = Sandbox::new();
    for line in
        ["keyward unheard-of", "keyward mint NAME --unheard-of", "keyward workspace see NAME"]
    {
        let words: Vec<&str> = line.split_whitespace().skip(1).collect();
        sandbox.keyward(&words).args(["--help"]).exit(2);
    }
    assert_eq!(commands_in("`keyward list` or `KEY`, `keyward show KEY`").len(), 2);
    assert_eq!(commands_in("keyward enable key_1"), ["keyward enable key_1"]);
    assert_parses(&sandbox, "keyward verify < FILE");
}

#[test]
fn a_near_miss_is_answered_with_what_was_meant() {
    let sandbox = Sandbox::new();
    for (typed, meant) in [("lst", "list"), ("rotat", "rotate"), ("verfy", "verify")] {
        let output = sandbox.keyward([typed]).exit(2);
        assert!(output.stderr.contains(meant), "{typed}: {}", output.stderr);
    }
    let output = sandbox.keyward(["mint", "ci", "--expire", "1d"]).exit(2);
    assert!(output.stderr.contains("--expires"), "{}", output.stderr);
    // A beginning of a command is none: a command that comes later must not change what it means.
    sandbox.keyward(["rev", "ci"]).exit(2);
}
