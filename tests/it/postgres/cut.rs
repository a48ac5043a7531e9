//! A connection that is cut after any message of a command, so that the server has the message or has it not.
//!
//! Whatever is told is so: exit status 0 if and only if the change is there, and after 7 and 16 no key lives that nobody holds.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use keyward::{Keyring, MintRequest, Timestamp};

use super::proxy::{Cut, cut_everywhere, states};
use super::{sandbox, schema};
use crate::support::server::Server;
use crate::support::time::now;
use crate::support::{Output, Sandbox};

/// The most runs of a command that is cut everywhere.
const RUNS: usize = 160;

/// Mints keys named key-001 and so on, by the library, which is fast, and returns their secrets.
fn minted(sandbox: &Sandbox) -> Vec<String> {
    let place = Path::new(sandbox.place().expect("on a server"));
    let clock = || Timestamp::from_millis(now());
    let mut keyring = Keyring::open(place, Duration::from_secs(10), clock).expect("a store");
    let mut secrets = Vec::new();
    for number in 1..=RUNS {
        let request = MintRequest::new(name_of(number).parse().expect("a name"));
        let minted = keyring.mint(&request, |_, secret| {
            secrets.push(secret.expose().to_owned());
            std::io::Result::Ok(())
        });
        minted.expect("minted");
    }
    secrets
}

fn name_of(number: usize) -> String {
    format!("key-{number:03}")
}

/// Asserts that a mint was told as it is, where `held` is what its sink has got.
#[track_caller]
fn assert_told(sandbox: &Sandbox, number: usize, output: &Output, held: Option<String>) {
    let states = states(sandbox, &name_of(number));
    let is_active = states.iter().any(|state| state == "active");
    match output.status {
        0 => {
            assert!(is_active, "{states:?} after {}", output.transcript());
            let held = held.expect("it was delivered");
            sandbox.verdict(held.trim_end(), &["--no-record"], 0, "valid");
        }
        17 => {}
        _ => assert!(!is_active, "{states:?} after {}", output.transcript()),
    }
}

/// The flags of a sink, and the variables that it needs.
type Flags = (Vec<String>, Vec<(&'static str, PathBuf)>);

/// Mints into a sink, cut everywhere.
fn cut_mints(
    flags: &dyn Fn(usize, &Sandbox) -> Flags,
    held: &dyn Fn(usize, &Sandbox, &Output) -> Option<String>,
) {
    let Some(sandbox) = sandbox() else { return };
    let server = Server::shared().expect("it is there");
    sandbox.mint("first");
    let command = |number: usize| {
        let (flags, environment) = flags(number, &sandbox);
        let mint = Cut::of(&["mint", &name_of(number)]);
        Cut { arguments: [mint.arguments, flags].concat(), environment, ..mint }
    };
    cut_everywhere(server, &sandbox, &command, &|number, output| {
        assert_told(&sandbox, number, output, held(number, &sandbox, output));
    });
    sandbox.keyward(["store", "check"]).ok();
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// The text of a file in HOME, if there is one.
fn read(sandbox: &Sandbox, name: &str) -> Option<String> {
    fs::read_to_string(sandbox.home().join(name)).ok()
}

/// The value of the variable `KEY` in a file of assignments.
fn value(text: &str) -> Option<String> {
    let found = text.lines().find_map(|line| line.strip_prefix("KEY="));
    found.map(|value| value.trim_matches(['"', '\'']).to_owned())
}

#[test]
fn a_mint_into_a_file_that_is_cut_anywhere_leaves_no_live_key_without_a_holder() {
    cut_mints(
        &|number, _| (words(&["--out", &format!("{number}.key")]), Vec::new()),
        &|number, sandbox, _| read(sandbox, &format!("{number}.key")),
    );
}

#[test]
fn a_mint_on_stdout_that_is_cut_anywhere_leaves_no_live_key_without_a_holder() {
    cut_mints(&|_, _| (words(&["--stdout"]), Vec::new()), &|_, _, output| {
        Some(output.stdout.clone())
    });
}

#[test]
fn a_mint_into_a_dotenv_file_that_is_cut_anywhere_leaves_no_live_key_without_a_holder() {
    cut_mints(
        &|number, _| (words(&["--dotenv", &format!("{number}.env"), "--var", "KEY"]), Vec::new()),
        &|number, sandbox, _| value(&read(sandbox, &format!("{number}.env"))?),
    );
}

#[test]
fn a_mint_for_a_job_that_is_cut_anywhere_leaves_no_live_key_without_a_holder() {
    cut_mints(
        &|number, sandbox| {
            let file = sandbox.file(&format!("{number}.env"), "");
            (words(&["--github-env", "KEY"]), vec![("GITHUB_ENV", file)])
        },
        &|number, sandbox, _| {
            let text = read(sandbox, &format!("{number}.env"))?;
            // NAME<<END, the value, END.
            text.lines().nth(1).map(str::to_owned).or_else(|| value(&text))
        },
    );
}

#[test]
fn a_mint_for_a_command_that_is_cut_anywhere_leaves_no_live_key_without_a_holder() {
    cut_mints(
        &|number, _| (words(&["--", "sh", "-c", &format!("cat > {number}.key")]), Vec::new()),
        &|number, sandbox, _| read(sandbox, &format!("{number}.key")),
    );
}

#[test]
fn a_revocation_that_is_cut_anywhere_is_told_as_it_is() {
    let Some(sandbox) = sandbox() else { return };
    let server = Server::shared().expect("it is there");
    sandbox.mint("first");
    minted(&sandbox);
    let command = |number: usize| Cut::of(&["revoke", &name_of(number), "--yes"]);
    cut_everywhere(server, &sandbox, &command, &|number, output| {
        let states = states(&sandbox, &name_of(number));
        match output.status {
            0 => assert_eq!(states, ["revoked"], "{}", output.transcript()),
            17 => {}
            _ => assert_eq!(states, ["active"], "{}", output.transcript()),
        }
    });
    // The events of what was done, and of nothing else.
    let revoked =
        format!("SELECT count(*) FROM {0}.audit WHERE action = 'key.revoke'", schema(&sandbox));
    let ended = format!("SELECT count(*) FROM {0}.key WHERE state = 'revoked'", schema(&sandbox));
    assert_eq!(server.psql(&revoked), server.psql(&ended));
}

#[test]
fn a_rotation_that_is_cut_anywhere_ends_the_old_secret_only_if_the_new_one_is_held() {
    let Some(sandbox) = sandbox() else { return };
    let server = Server::shared().expect("it is there");
    sandbox.mint("first");
    let secrets = minted(&sandbox);
    let command = |number: usize| {
        Cut::of(&["rotate", &name_of(number), "--now", "--out", &format!("{number}.key")])
    };
    cut_everywhere(server, &sandbox, &command, &|number, output| {
        let states = states(&sandbox, &name_of(number));
        let active: Vec<_> = states.iter().filter(|state| *state == "active").collect();
        let verify = |secret: &str| {
            let verify = sandbox.keyward(["verify", "--no-record"]).stdin(secret).run();
            verify.status == 0
        };
        let is_old_valid = verify(&secrets[number - 1]);
        match output.status {
            0 => {
                assert_eq!((active.len(), is_old_valid), (1, false), "{states:?}");
                let new = read(&sandbox, &format!("{number}.key")).expect("it was delivered");
                assert!(verify(new.trim_end()), "{states:?} after {}", output.transcript());
            }
            17 => assert_eq!(active.len(), 1, "{states:?} after {}", output.transcript()),
            _ => {
                assert_eq!((active.len(), is_old_valid), (1, true), "{}", output.transcript());
            }
        }
    });
    sandbox.keyward(["store", "check"]).ok();
}

#[test]
fn an_activation_that_is_cut_anywhere_is_told_as_it_is() {
    let Some(sandbox) = sandbox() else { return };
    let server = Server::shared().expect("it is there");
    let count = RUNS.to_string();
    let held = sandbox.keyward(["mint", "held", "--hold", "--count", &count]).ok();
    let secrets: Vec<&str> = held.stdout.lines().collect();
    let command = |number: usize| {
        let activate = Cut::of(&["activate"]);
        Cut { stdin: secrets[number - 1].to_owned(), ..activate }
    };
    cut_everywhere(server, &sandbox, &command, &|number, output| {
        let states = states(&sandbox, &format!("held-{number}"));
        match output.status {
            0 => assert_eq!(states, ["active"], "{}", output.transcript()),
            17 => {}
            _ => assert_eq!(states, ["pending"], "{}", output.transcript()),
        }
    });
    sandbox.keyward(["store", "check"]).ok();
}

#[test]
fn an_ensured_key_that_is_cut_anywhere_is_told_as_it_is_and_the_next_run_makes_up_for_it() {
    let Some(sandbox) = sandbox() else { return };
    let server = Server::shared().expect("it is there");
    sandbox.mint("first");
    let file = |number: usize| format!("{number}.key");
    let command = |number: usize| Cut::of(&["ensure", &name_of(number), "--out", &file(number)]);
    cut_everywhere(server, &sandbox, &command, &|number, output| {
        let held = read(&sandbox, &file(number));
        assert_told(&sandbox, number, output, held);
        if output.status != 0 {
            sandbox.keyward(["ensure", &name_of(number), "--out", &file(number)]).ok();
            let held = read(&sandbox, &file(number)).expect("it was delivered");
            sandbox.verdict(held.trim_end(), &["--no-record"], 0, "valid");
            let states = states(&sandbox, &name_of(number));
            let active = states.iter().filter(|state| *state == "active").count();
            assert_eq!(active, 1, "{states:?} after {}", output.transcript());
        }
    });
    sandbox.keyward(["store", "check"]).ok();
}

#[test]
fn an_import_that_is_cut_anywhere_is_there_whole_or_not_at_all() {
    let Some(sandbox) = sandbox() else { return };
    let server = Server::shared().expect("it is there");
    sandbox.mint("first");
    let command = |number: usize| {
        let line = |nth: usize| {
            let hash = format!("{number:032x}{nth:032x}");
            format!("{{\"name\":\"{}-{nth}\",\"hash\":\"{hash}\"}}\n", name_of(number))
        };
        let import = Cut::of(&["store", "import", "-"]);
        Cut { stdin: (1..=3).map(line).collect(), ..import }
    };
    cut_everywhere(server, &sandbox, &command, &|number, output| {
        let states: Vec<String> = (1..=3)
            .flat_map(|nth| states(&sandbox, &format!("{}-{nth}", name_of(number))))
            .collect();
        match output.status {
            0 => assert_eq!(states, ["active"; 3], "{}", output.transcript()),
            17 => assert!(states.is_empty() || states == ["active"; 3], "{states:?}"),
            _ => assert!(states.is_empty(), "{states:?} after {}", output.transcript()),
        }
    });
    sandbox.keyward(["store", "check"]).ok();
}
