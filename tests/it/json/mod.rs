//! JSON answers against their own schemas, in several states of a store.

mod errors;
mod shapes;
mod strict;

use std::collections::BTreeSet;

use clap::CommandFactory;
use jsonschema::{Draft, Validator};
use keyward::cli::Cli;
use rusqlite::params;
use serde_json::Value;

use crate::support::{Output, Sandbox};

/// Commands that print a format of their own.
const EXEMPT: [&str; 4] = ["schema", "completions", "man", "serve"];

/// What `keyward schema` prints for a command's words.
fn schema(sandbox: &Sandbox, command: &str) -> Value {
    let schema = sandbox.keyward(["schema"]).args(command.split(' ')).ok().json();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema", "{command}");
    assert!(jsonschema::meta::is_valid(&schema), "{command}: {schema:#}");
    schema
}

fn validator(schema: &Value) -> Validator {
    let options = jsonschema::options().with_draft(Draft::Draft202012);
    options.build(schema).expect("a schema can be compiled")
}

/// Asserts that a document is valid, naming everything that is not.
#[track_caller]
fn assert_valid(schema: &Value, document: &Value, what: &str) {
    let validator = validator(schema);
    let faults: Vec<String> = validator
        .iter_errors(document)
        .map(|error| format!("{} at {}", error, error.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{what}: {faults:?}\n{document:#}");
}

/// The schema of one line of a jsonl answer: of an item, where the JSON is a list.
fn of_a_line(schema: &Value, list: Option<&str>) -> Value {
    match list {
        Some(list) => schema["properties"][list]["items"].clone(),
        None => schema.clone(),
    }
}

/// A store with a key in every state, in a workspace with scopes and plans.
struct World {
    sandbox: Sandbox,
    secret: String,
    pending: String,
}

const POLICY: &str = r#"
token = "{prefix}_{env}_{short:12}{secret:32}{crc}"
prefix = "acme"
environments = ["live", "test"]
active_key_cap = 100
default_lifetime = "1y"
maximum_lifetime = "2y"
scopes_per_key = { min = 0, max = 2 }

[scopes.admin]
manage = ["mint", "list", "rename", "set", "disable", "enable", "rotate", "revoke", "verify"]

[scopes.read]
manage = ["list", "verify"]

[plans.free]
rate = "10/minute"
quota = 100
"#;

const MANIFEST: &str = r#"
[workspace.acme]
[workspace.applied]
preset = "amser"

[[key]]
workspace = "acme"
name = "kept"
owner = "platform"
deliver = { out = "other.key" }

[[key]]
workspace = "applied"
name = "production-server"
deliver = { dotenv = "applied/.env", var = "AMSER_KEY" }
"#;

impl World {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        sandbox.file("policy.toml", POLICY);
        sandbox.file("keys.toml", MANIFEST);
        sandbox.file("keys.jsonl", &format!("{{\"name\":\"foreign\",\"hash\":\"{:064}\"}}\n", 7));
        sandbox.file("wrong.jsonl", "{\"name\":\"other\"}\nnonsense\n");
        sandbox
            .file("differs.jsonl", &format!("{{\"name\":\"renamed\",\"hash\":\"{:064}\"}}\n", 7));
        sandbox.workspace("acme", &["--policy", "policy.toml", "--plan", "free"]);
        let full = [
            "--scope",
            "admin",
            "--scope",
            "read",
            "--expires",
            "90d",
            "--allow",
            "203.0.113.0/24",
            "--allow",
            "2001:db8::/32",
            "--owner",
            "platform \u{e9}quipe",
            "--label",
            "team=core",
            "--label",
            "note=a \"b\" \\ \u{9375} \u{1f600} ##[x] ::y",
        ];
        sandbox.mint_with("full", &full);
        let secret = sandbox.mint_with("ci", &["--scope", "admin"]);
        sandbox.file("caller", &secret);
        sandbox.verdict(&secret, &[], 0, "valid");
        let pending = sandbox.mint_with("pending", &["--hold"]);
        sandbox.mint("disabled");
        sandbox.keyward(["disable", "disabled"]).ok();
        sandbox.mint("revoked");
        sandbox
            .keyward(["revoke", "revoked", "--yes", "--reason", "compromised"])
            .args(["--message", "seen in a log"])
            .ok();
        sandbox.mint("expired");
        sandbox.mint("rotated");
        sandbox.keyward(["rotate", "rotated", "--grace", "1h"]).ok();
        sandbox.mint("superseded");
        sandbox.keyward(["rotate", "superseded", "--now"]).ok();
        sandbox.keyward(["mint", "void", "--", "false"]).exit(16);
        sandbox.workspace("bare", &["--preset", "default"]);
        sandbox.keyward(["workspace", "use", "acme"]).ok();
        let connection = sandbox.sqlite();
        let expired = connection.execute(
            "UPDATE key SET expires_at = ?1, created_at = ?1 - 1000 WHERE name = ?2",
            params![1_700_000_000_000_i64, "expired"],
        );
        assert_eq!(expired, Ok(1), "an expiry could not be planted");
        connection.close().expect("the store can be closed");
        sandbox.rewrite("");
        Self { sandbox, secret, pending }
    }
}

/// A run whose answer is looked at: its command's words, everything behind them, stdin, and what it exits with.
struct Case {
    command: &'static str,
    arguments: &'static [&'static str],
    stdin: Stdin,
    exit: i32,
}

#[derive(Clone, Copy)]
enum Stdin {
    Nothing,
    Secret,
    Pending,
    Nonsense,
}

const fn case(command: &'static str, arguments: &'static [&'static str]) -> Case {
    Case { command, arguments, stdin: Stdin::Nothing, exit: 0 }
}

const fn judged(arguments: &'static [&'static str], stdin: Stdin, exit: i32) -> Case {
    Case { command: "verify", arguments, stdin, exit }
}

/// Every command, in the order in which one store can bear them.
const CASES: &[Case] = &[
    case("list", &[]),
    case("list", &["--all"]),
    case("list", &["--status", "active,pending,disabled,expired,revoked"]),
    case("list", &["--owner", "nobody"]),
    case("list", &["-w", "bare"]),
    case("show", &["full"]),
    case("show", &["pending"]),
    case("show", &["disabled"]),
    case("show", &["revoked"]),
    case("show", &["expired"]),
    case("show", &["rotated"]),
    case("show", &["superseded"]),
    case("show", &["void"]),
    case("mint", &["new"]),
    case(
        "mint",
        &["new-full", "--scope", "read", "--owner", "x", "--label", "a=b", "--allow", "::1"],
    ),
    case("mint", &["new-held", "--hold"]),
    case("mint", &["new-file", "--out", "new.key"]),
    case("mint", &["new-command", "--", "sh", "-c", "cat >/dev/null"]),
    case("mint", &["many", "--count", "3"]),
    case("rename", &["new", "newer"]),
    case("rename", &["newer", "newer"]),
    case("set", &["newer", "--expires", "30d", "--owner", "x", "--label", "a=b"]),
    case("set", &["newer", "--clear-owner", "--clear-labels", "--clear-allow"]),
    case("disable", &["newer"]),
    case("disable", &["newer"]),
    case("enable", &["newer"]),
    case("rotate", &["newer"]),
    case("rotate", &["newer", "--cancel"]),
    case("rotate", &["new-full", "--now"]),
    case("rotate", &["new-file", "--hold", "--out", "rotated.key"]),
    case("rotate", &["new-file", "--cancel"]),
    Case { command: "activate", arguments: &[], stdin: Stdin::Pending, exit: 0 },
    Case { command: "activate", arguments: &[], stdin: Stdin::Secret, exit: 0 },
    case("revoke", &["newer", "new-held", "--yes", "--reason", "retired"]),
    case("revoke", &["new-command", "--yes"]),
    judged(&[], Stdin::Secret, 0),
    judged(&["--no-record"], Stdin::Secret, 0),
    judged(&["-e", "test"], Stdin::Secret, 14),
    judged(&["--require", "unheard-of"], Stdin::Secret, 14),
    judged(&["-w", "bare"], Stdin::Secret, 10),
    judged(&[], Stdin::Nonsense, 10),
    judged(&[], Stdin::Nothing, 10),
    case("usage", &[]),
    case("usage", &["--by", "key"]),
    case("usage", &["--by", "day"]),
    case("usage", &["--by", "environment,day"]),
    case("usage", &["--by", "workspace"]),
    case("ensure", &["kept", "--out", "kept.key"]),
    case("ensure", &["kept", "--out", "kept.key"]),
    case("ensure", &["kept", "--owner", "x", "--out", "kept.key"]),
    case("ensure", &["shown", "-e", "test", "--stdout"]),
    case("ensure", &["kept", "--rotate-if-missing", "--out", "other.key"]),
    case("apply", &["keys.toml", "--dry-run"]),
    case("apply", &["keys.toml"]),
    case("apply", &["keys.toml", "--prune", "--dry-run"]),
    Case { exit: 18, ..case("apply", &["keys.toml", "--prune", "--check"]) },
    case("check", &["--older-than", "90d"]),
    Case {
        exit: 18,
        ..case("check", &["--never-used", "--expiring-within", "1y", "--older-than", "0s"])
    },
    Case { exit: 18, ..case("scan", &["caller", "policy.toml"]) },
    Case { exit: 7, ..case("scan", &["nothing-there"]) },
    case("scan", &["policy.toml"]),
    case("patterns", &[]),
    case("patterns", &["-w", "acme", "-e", "test"]),
    case("prune", &[]),
    case("prune", &["--dead-for", "0s", "--dry-run"]),
    case("prune", &["--dead-for", "1y", "--all-workspaces"]),
    case("whoami", &[]),
    case("whoami", &["-w", "bare"]),
    case("whoami", &["--as", "caller"]),
    case("workspace create", &["third", "--preset", "amser"]),
    case("workspace list", &[]),
    case("workspace show", &[]),
    case("workspace show", &["bare"]),
    case("workspace show", &["third"]),
    case("workspace set", &["third", "--cap", "9"]),
    case("workspace set", &["third", "--cap", "9"]),
    case("workspace rename", &["third", "fourth"]),
    case("workspace use", &["bare"]),
    case("workspace delete", &["fourth"]),
    case("workspace use", &["acme"]),
    case("audit list", &[]),
    case("audit list", &["--limit", "1"]),
    case("audit verify", &[]),
    case("audit head", &[]),
    case("store create", &[]),
    case("store migrate", &[]),
    case("store roles", &[]),
    case("store info", &[]),
    case("store check", &[]),
    case("store check", &["--reset-clock"]),
    case("store backup", &["b.db"]),
    case("store export", &[]),
    case("store import", &["keys.jsonl"]),
    case("store import", &["keys.jsonl"]),
    Case { exit: 2, ..case("store import", &["wrong.jsonl", "--keep-going"]) },
    Case { exit: 4, ..case("store import", &["differs.jsonl", "--keep-going"]) },
    case("revoke", &["shown", "--yes"]),
    case("store restore", &["b.db", "--yes"]),
];

/// The command that answers in lines whatever the format.
const IN_LINES: &str = "store export";

/// The documents of an answer in JSON: one, but for the command that answers in lines.
fn documents(case: &Case, output: &Output) -> Vec<Value> {
    match case.command {
        IN_LINES => output.json_lines(),
        _ => vec![output.json()],
    }
}

fn run(world: &World, case: &Case, format: &[&str]) -> Output {
    let run = world.sandbox.keyward(format);
    let run = run.args(case.command.split(' ')).args(case.arguments);
    let run = match case.stdin {
        Stdin::Nothing => run,
        Stdin::Secret => run.stdin(&world.secret),
        Stdin::Pending => run.stdin(&world.pending),
        Stdin::Nonsense => run.stdin("nonsense"),
    };
    run.exit(case.exit)
}

#[test]
fn every_answer_is_valid_by_its_own_schema() {
    let world = World::new();
    for case in CASES {
        let what = format!("{} {:?}", case.command, case.arguments);
        let output = run(&world, case, &["--json"]);
        let documents = documents(case, &output);
        assert!(
            output.stdout.ends_with('\n') && output.stdout.matches('\n').count() == documents.len(),
            "{what}: not one line each: {:?}",
            output.stdout
        );
        assert!(!output.stdout.contains("##["), "{what}");
        let schema = schema(&world.sandbox, case.command);
        for document in documents {
            assert_valid(&schema, &document, &what);
        }
    }
}

#[test]
fn an_answer_about_a_damaged_store_is_valid_too() {
    let world = World::new();
    let sandbox = &world.sandbox;
    sandbox.keyward(["store", "backup", "b.db"]).ok();
    sandbox.tamper(
        "UPDATE key SET owner = 'nobody' WHERE name = 'full'; UPDATE workspace SET plan = NULL;
         DELETE FROM audit WHERE seq = 2; UPDATE clock SET seen = 9000000000000",
    );
    let answers = [
        ("audit verify", &["audit", "verify"][..], 9),
        ("store check", &["store", "check"], 9),
        ("store restore", &["store", "restore", "b.db", "--yes"], 0),
    ];
    for (command, arguments, exit) in answers {
        let output = sandbox.keyward(["--json"]).args(arguments).exit(exit);
        let document = output.json();
        assert_valid(&schema(sandbox, command), &document, command);
        match command {
            "audit verify" => assert!(document["firstBad"].is_i64()),
            "store check" => {
                let problems = document["problems"].as_array().expect("a list");
                let kinds: BTreeSet<Option<&str>> =
                    problems.iter().map(|problem| problem["kind"].as_str()).collect();
                assert_eq!(kinds.len(), 3, "{document:#}");
            }
            _ => assert!(document["putAside"].is_string(), "{document:#}"),
        }
    }
}

#[test]
fn an_answer_from_no_store_is_valid_too() {
    for (arguments, command) in [
        (&["list"][..], "list"),
        (&["whoami"], "whoami"),
        (&["usage"], "usage"),
        (&["workspace", "list"], "workspace list"),
        (&["audit", "list"], "audit list"),
        (&["audit", "head"], "audit head"),
        (&["store", "info"], "store info"),
    ] {
        let sandbox = Sandbox::new();
        let document = sandbox.keyward(arguments).answer();
        assert_valid(&schema(&sandbox, command), &document, command);
        assert!(!sandbox.store_path().exists(), "{command} made a store");
    }
    let sandbox = Sandbox::new();
    let listed = sandbox.keyward(["list", "--json"]).ok();
    assert_eq!(listed.stdout, "{\"keys\":[]}\n");
}

#[test]
fn every_line_of_a_jsonl_answer_is_valid_by_the_schema_of_its_record() {
    let world = World::new();
    for case in CASES {
        let what = format!("{} {:?}", case.command, case.arguments);
        let output = run(&world, case, &["--output", "jsonl"]);
        assert!(output.stdout.is_ascii(), "{what}");
        let list = match case.command {
            "list" | "revoke" | "prune" => Some("keys"),
            "check" | "scan" => Some("findings"),
            "patterns" => Some("patterns"),
            "apply" => Some("changes"),
            "audit list" => Some("events"),
            "workspace list" => Some("workspaces"),
            "usage" => Some("usage"),
            "store import" => Some("results"),
            _ => None,
        };
        let schema = of_a_line(&schema(&world.sandbox, case.command), list);
        let mut lines = 0;
        for line in output.stdout.lines() {
            let record: Value = serde_json::from_str(line)
                .unwrap_or_else(|error| panic!("{what}: {error}: {line}"));
            assert!(record.is_object(), "{what}: {line}");
            assert!(!record["keys"].is_array(), "{what}: {line}");
            assert_valid(&schema, &record, &what);
            lines += 1;
        }
        match (list, case.arguments) {
            (None, ["many", ..]) => assert_eq!(lines, 3, "{what}"),
            (None, _) if case.command == IN_LINES => assert!(lines > 10, "{what}"),
            (None, _) => assert_eq!(lines, 1, "{what}"),
            (
                Some(_),
                ["--owner", "nobody"]
                | ["-w", "bare"]
                | ["--older-than", _]
                | ["--dead-for", "1y", ..]
                | ["nothing-there" | "policy.toml"],
            ) => assert_eq!(lines, 0, "{what}"),
            (Some(_), _) => assert!(lines > 0, "{what}"),
        }
    }
}

#[test]
fn json_and_jsonl_hold_the_same_records() {
    let world = World::new();
    for (command, list) in [
        (&["list", "--all"][..], "keys"),
        (&["audit", "list"], "events"),
        (&["workspace", "list"], "workspaces"),
    ] {
        let document = world.sandbox.keyward(command).answer();
        let lines = world.sandbox.keyward(command).args(["-o", "jsonl"]).ok();
        assert_eq!(document[list], Value::from(lines.json_lines()), "{command:?}");
    }
}

/// The words of every command that does something, from the parser itself.
fn leaves(command: &clap::Command, words: &str) -> Vec<String> {
    if command.get_subcommands().next().is_none() {
        return vec![words.to_owned()];
    }
    command
        .get_subcommands()
        .flat_map(|below| leaves(below, format!("{words} {}", below.get_name()).trim()))
        .collect()
}

/// The words of every command that does something, from what `--help` shows.
fn shown(sandbox: &Sandbox, words: &[String]) -> Vec<String> {
    let help = sandbox.keyward(words).args(["--help"]).ok().stdout;
    let listed = help.split_once("\nCommands:\n").map(|(_, rest)| rest);
    let Some(listed) = listed else {
        return vec![words.join(" ")];
    };
    let below = listed.lines().take_while(|line| !line.is_empty());
    below
        .filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next())
        .flat_map(|word| shown(sandbox, &[words, &[word.to_owned()]].concat()))
        .collect()
}

#[test]
fn every_command_has_a_schema_and_an_answer_that_is_looked_at() {
    let sandbox = Sandbox::new();
    let commands: BTreeSet<String> = shown(&sandbox, &[]).into_iter().collect();
    let parsed: BTreeSet<String> = leaves(&Cli::command(), "").into_iter().collect();
    assert_eq!(commands, parsed, "--help hides a command, or shows one that is not there");
    let looked_at: BTreeSet<String> = CASES.iter().map(|case| case.command.to_owned()).collect();
    for command in &commands {
        if EXEMPT.contains(&command.as_str()) {
            sandbox.keyward(["schema", command]).exit(2);
            continue;
        }
        schema(&sandbox, command);
        assert!(looked_at.contains(command), "no answer of {command} is looked at");
    }
    assert!(commands.len() > 20, "only {commands:?}");
    // Both ways of writing a command of two words.
    let spoken = schema(&sandbox, "workspace list");
    let quoted = sandbox.keyward(["schema", "workspace list"]).ok().json();
    assert_eq!(spoken, quoted);
}
