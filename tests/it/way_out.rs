//! What a hint says can be done about a key that is in the way: its commands work for what the key is, each of them.

use std::fs;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::hints::commands_in;
use crate::support::{Sandbox, text};

/// A store in which a request was answered, and the key has become something since.
struct Case {
    sandbox: Sandbox,
    request: Vec<&'static str>,
    /// What the holder of a pending key presents.
    pending: String,
}

/// The request that is repeated.
const REQUEST: [&str; 4] = ["mint", "ci", "--idempotency-key", "K"];

fn minted(request: &[&'static str]) -> Case {
    let sandbox = Sandbox::new();
    let pending = sandbox.keyward(request).ok().line();
    Case { sandbox, request: request.to_vec(), pending }
}

impl Case {
    fn new() -> Self {
        minted(&REQUEST)
    }

    /// Runs a command.
    fn then(self, line: &[&str]) -> Self {
        self.sandbox.keyward(["--yes"]).args(line).ok();
        self
    }

    /// Rotates the key of this name, and holds the new one, whose secret is kept.
    fn then_held(mut self) -> Self {
        let rotate = ["rotate", "ci", "--hold"];
        self.pending = self.sandbox.keyward(rotate).ok().line();
        self
    }

    /// Sends the request again, and returns the commands of the hint.
    fn hinted(&self) -> Vec<String> {
        let output = self.sandbox.keyward(["--json"]).args(&self.request).exit(4);
        let error: Value = serde_json::from_str(&output.stderr).expect("one error object");
        let hint = text(&error["error"], "hint");
        let commands = commands_in(&hint);
        assert!(!commands.is_empty(), "there is no command in {hint}");
        commands
    }

    /// Runs a command of the hint, as a person who copies it would.
    fn run(&self, command: &str) {
        self.sandbox.follow(command).stdin(&self.pending).ok();
    }
}

/// Makes the case again for each command of its hint, and runs it. The commands must begin so.
fn each_works(case: impl Fn() -> Case, expected: &[&str]) {
    let commands = case().hinted();
    let verbs: Vec<String> = commands
        .iter()
        .map(|command| {
            let words = command.split(' ').skip(1);
            let words = words.filter(|word| !word.starts_with("key_"));
            words.collect::<Vec<_>>().join(" ")
        })
        .collect();
    assert_eq!(verbs, expected);
    for number in 0..commands.len() {
        // Ids are others each time.
        let case = case();
        case.run(&case.hinted()[number]);
    }
}

#[test]
fn a_repeated_request_says_what_can_be_done_about_the_key_as_it_is() {
    each_works(Case::new, &["rotate", "revoke"]);
    each_works(|| Case::new().then(&["disable", "ci"]), &["enable"]);
    each_works(|| minted(&[&REQUEST[..], &["--hold"]].concat()), &["activate", "revoke"]);
    each_works(|| Case::new().then(&["revoke", "ci"]), &["mint ci -e live"]);
    each_works(|| Case::new().then_held(), &["activate", "rotate --cancel"]);
    // Another key has the name.
    each_works(
        || {
            let case = Case::new().then(&["revoke", "ci"]);
            case.then(&["mint", "ci", "--stdout"])
        },
        &["rotate", "revoke"],
    );
}

#[test]
fn of_a_key_that_was_replaced_it_says_what_can_be_done_about_the_newest() {
    let rotated = || Case::new().then(&["rotate", "ci", "--out", "second"]);
    let newest = |case: &Case| {
        let key = case.sandbox.show("ci");
        text(&key, "id")
    };
    each_works(rotated, &["rotate", "revoke"]);
    let twice = || rotated().then(&["rotate", "ci", "--out", "third"]);
    each_works(twice, &["rotate", "revoke"]);
    let case = twice();
    assert!(case.hinted()[0].contains(&newest(&case)));
    let by_secret = |case: Case, verb: &str| {
        let secret = fs::read_to_string(case.sandbox.home().join("second")).expect("it is there");
        let verdict = case.sandbox.verdict(secret.trim_end(), &[], 0, "valid");
        let id = text(&verdict["subject"], "id");
        case.then(&[verb, &id])
    };
    each_works(|| by_secret(rotated(), "disable"), &["enable"]);
    each_works(|| by_secret(rotated(), "revoke"), &["rotate --cancel"]);
    each_works(|| rotated().then(&["revoke", "ci"]), &["mint ci -e live"]);
    each_works(|| rotated().then_held(), &["activate", "rotate --cancel"]);
}

#[test]
fn of_a_key_that_has_expired_it_says_how_to_mint_another() {
    let brief = [&REQUEST[..], &["--expires", "2s"]].concat();
    for pause in [false, true] {
        let case = || {
            let mut case = minted(&brief);
            if pause {
                case = case.then(&["disable", "ci"]);
            }
            thread::sleep(Duration::from_secs(2));
            case
        };
        each_works(case, &["mint ci -e live"]);
    }
}

#[test]
fn the_command_names_the_workspace_the_environment_and_the_scopes_and_quotes_them() {
    let case = || {
        let sandbox = Sandbox::with_workspace("other", &[]);
        sandbox.workspace("it's", &["--preset", "scrapewise"]);
        let request =
            vec!["-w", "it's", "mint", "a key", "--scope", "LLM_READ", "--idempotency-key", "K"];
        let pending = sandbox.keyward(&request).ok().line();
        let case = Case { sandbox, request, pending };
        let id = text(&case.sandbox.keyward(["-w", "it's", "show", "a key"]).answer(), "id");
        case.then(&["-w", "it's", "revoke", &id])
    };
    each_works(case, &["mint 'a key' -e live --scope LLM_READ -w 'it'\"'\"'s'"]);
}

#[test]
fn ensure_and_rotate_say_the_same() {
    let (sandbox, old) = Sandbox::with_key("ci");
    let old = text(&sandbox.verdict(&old, &[], 0, "valid")["subject"], "id");
    sandbox.keyward(["rotate", "ci"]).ok();
    sandbox.keyward(["rotate", "ci"]).ok();
    let newest = sandbox.id_of("ci");
    let error = sandbox.keyward(["rotate", &old]).refused(4, "conflict");
    let commands = commands_in(&text(&error, "hint"));
    assert_eq!(commands[0], format!("keyward rotate {newest}"));
    sandbox.keyward(["disable", "ci"]).ok();
    for command in [&["rotate", "ci"][..], &["ensure", "ci", "--out", "file"]] {
        let error = sandbox.keyward(command).refused(4, "conflict");
        let commands = commands_in(&text(&error, "hint"));
        assert_eq!(commands, [format!("keyward enable {newest}")], "{command:?}");
    }
}

#[test]
fn at_the_cap_the_commands_of_the_hint_fit_it() {
    let case = || {
        let sandbox = Sandbox::with_workspace("small", &["--cap", "1"]);
        let pending = sandbox.keyward(REQUEST).ok().line();
        Case { sandbox, request: REQUEST.to_vec(), pending }
    };
    let live = case();
    let commands = live.hinted();
    assert!(commands[0].ends_with(" --now"), "{commands:?}");
    live.sandbox.follow(&format!("`{}`", commands[0])).ok();
    let dead = case().then(&["revoke", "ci"]);
    dead.sandbox.mint("other");
    let commands = dead.hinted();
    assert_eq!(commands, ["keyward list"]);
}
