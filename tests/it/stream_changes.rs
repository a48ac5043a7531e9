//! `keyward verify --stream` beside other processes: what they commit is what the very next line is judged by.

use serde_json::{Value, json};

use crate::support::counts::{counts, not_around_midnight};
use crate::support::stream::{Stream, answers, each};
use crate::support::{Sandbox, token};

/// How often a change and the line after it are tried.
const ROUNDS: usize = 1_000;

#[test]
fn a_key_paused_by_another_process_is_refused_by_the_next_line_a_thousand_times() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    // Others are in use as well, so that there is something to count and to forget.
    let bystander = sandbox.mint("bystander");
    let mut stream = Stream::start(&sandbox, &[]);
    for round in 0..ROUNDS / 2 {
        for (verb, code) in [("disable", "disabled"), ("enable", "valid")] {
            sandbox.keyward([verb, "ci", "-q"]).ok();
            let verdict = stream.ask(&secret);
            assert_eq!(verdict["code"], code, "round {round}: {verdict:#}");
            stream.expect(&bystander, "valid");
        }
    }
    assert_eq!(stream.end().status, 0);
}

#[test]
fn a_key_revoked_by_another_process_is_revoked_for_the_next_line_of_every_stream() {
    const KEYS: usize = 60;
    let sandbox = Sandbox::new();
    let count = KEYS.to_string();
    let minted = sandbox.keyward(["mint", "key", "--count", &count]).ok();
    let secrets: Vec<&str> = minted.stdout.lines().collect();
    let mut streams =
        [&[][..], &["--no-record"], &["-w", "default"]].map(|flags| Stream::start(&sandbox, flags));
    for secret in &secrets {
        for stream in &mut streams {
            stream.expect(secret, "valid");
        }
    }
    for (number, secret) in secrets.iter().enumerate() {
        let name = format!("key-{}", number + 1);
        sandbox.keyward(["revoke", &name, "--yes", "-q"]).ok();
        for stream in &mut streams {
            let verdict = stream.expect(secret, "revoked");
            assert_eq!(verdict["subject"]["status"], "revoked", "{verdict:#}");
        }
        // The others still are what they were.
        if let Some(next) = secrets.get(number + 1) {
            streams[0].expect(next, "valid");
        }
    }
    for stream in streams {
        assert_eq!(stream.end().status, 0);
    }
}

#[test]
fn whatever_is_changed_of_a_key_is_so_for_the_next_line() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let mut stream = Stream::start(&sandbox, &[]);
    stream.expect(&secret, "valid");
    sandbox.keyward(["rename", "ci", "renamed"]).ok();
    let verdict = stream.expect(&secret, "valid");
    assert_eq!(verdict["subject"]["name"], "renamed");
    let set = |flag, value| {
        sandbox.keyward(["set", "renamed", flag, value]).ok();
    };
    set("--allow", "203.0.113.0/24");
    stream.expect(&secret, "ip_denied");
    sandbox.keyward(["set", "renamed", "--clear-allow"]).ok();
    set("--owner", "platform");
    let verdict = stream.expect(&secret, "valid");
    assert_eq!(verdict["subject"]["owner"], "platform");
    // A key that nobody had minted when the stream began, and one that it had already called unknown.
    let new = sandbox.mint("new");
    stream.expect(&new, "valid");
    let held = sandbox.mint_with("held", &["--hold"]);
    stream.expect(&held, "pending");
    sandbox.keyward(["activate"]).stdin(&held).ok();
    stream.expect(&held, "valid");
    let replacement = sandbox.keyward(["rotate", "new", "--now"]).ok().line();
    stream.expect(&new, "revoked");
    stream.expect(&replacement, "valid");
    // Time passes without any process changing anything.
    set("--expires", "1s");
    stream.expect(&secret, "valid");
    sandbox.wait_for_verdict(&secret, 12);
    stream.expect(&secret, "expired");
    assert_eq!(stream.end().status, 0);
}

#[test]
fn a_plan_or_a_policy_that_is_changed_holds_for_the_next_line() {
    let sandbox = Sandbox::with_workspace("account", &["--preset", "audioscrape"]);
    let secret = sandbox.mint("app");
    let set = |flags: &[&str]| {
        sandbox.keyward(["workspace", "set"]).args(flags).ok();
    };
    let mut stream = Stream::start(&sandbox, &[]);
    let verdict = stream.expect(&secret, "valid");
    assert_eq!(verdict["remaining"], 9);
    set(&["--plan", "enterprise"]);
    let verdict = stream.expect(&secret, "valid");
    assert_eq!(verdict["remaining"], Value::Null);
    set(&["--plan", "pro"]);
    let verdict = stream.expect(&secret, "valid");
    assert_eq!(verdict["remaining"], 89);
    let policy = sandbox.file("policy.toml", "default_plan = \"pro\"\n[plans.pro]\nquota = 4\n");
    let policy = policy.to_str().expect("the path is text");
    set(&["--policy", policy]);
    // What an unlimited plan accepted was counted in memory, and counts here all the same.
    let verdict = stream.expect(&secret, "valid");
    assert_eq!(verdict["remaining"], 0, "{verdict:#}");
    stream.expect(&secret, "quota_exceeded");
    let unlike = token::well_formed();
    stream.expect(&unlike, "not_found");
    // A policy of another form makes the same line no secret of anybody's.
    set(&["--preset", "audioscrape", "--plan", "enterprise"]);
    stream.expect(&unlike, "malformed");
    stream.expect(&secret, "valid");
    assert_eq!(stream.end().status, 0);
}

#[test]
fn with_a_workspace_another_workspaces_key_is_not_found() {
    let sandbox = Sandbox::with_workspace("acme", &[]);
    sandbox.workspace("zenith", &[]);
    let own = sandbox.mint_with("ci", &["-w", "acme"]);
    let other = sandbox.mint_with("ci", &["-w", "zenith"]);
    let input = format!("{own}\n{other}\n").repeat(3);
    let verdicts = answers(&sandbox, &["-w", "acme"], &input);
    assert_eq!(each(&verdicts, "code"), ["valid", "not_found"].repeat(3));
    assert!(verdicts[1]["subject"].is_null());
    // The workspace may be renamed meanwhile, and stays the one that is meant.
    let mut stream = Stream::start(&sandbox, &["-w", "acme"]);
    stream.expect(&own, "valid");
    stream.expect(&other, "not_found");
    let verdicts = answers(&sandbox, &[], input);
    let codes = each(&verdicts, "code");
    assert!(codes.iter().all(|code| code == "valid"), "{codes:?}");
    sandbox.keyward(["workspace", "rename", "acme", "new"]).ok();
    stream.expect(&own, "valid");
    stream.expect(&other, "not_found");
    assert_eq!(stream.end().status, 0);
}

#[test]
fn a_stream_whose_caller_is_revoked_ends_with_that_verdicts_status() {
    not_around_midnight();
    let sandbox = Sandbox::new();
    let policy = sandbox.file(
        "policy.toml",
        "scopes_per_key = { min = 1, max = 1 }\n[scopes.gate]\nmanage = [\"verify\"]\n[scopes.none]\nmanage = []\n",
    );
    let create = sandbox.keyward(["workspace", "create", "desk", "--policy"]);
    create.args([policy]).ok();
    let caller = sandbox.mint_with("caller", &["--scope", "gate"]);
    let other = sandbox.mint_with("other", &["--scope", "none"]);
    let path = sandbox.file("caller.key", &caller);
    let path = path.to_str().expect("the path is text");
    for (change, exit) in [(&["disable", "caller"][..], 13), (&["revoke", "caller", "--yes"], 11)] {
        let mut stream = Stream::start(&sandbox, &["--as", path, "--json"]);
        stream.expect(&other, "valid");
        // A change of the caller that leaves it what it may do ends nothing.
        let owner = ["set", "caller", "--owner", &exit.to_string()];
        sandbox.keyward(owner).ok();
        stream.expect(&other, "valid");
        sandbox.keyward(change).ok();
        stream.send(format!("{other}\n"));
        let ended = stream.ended();
        assert_eq!(ended.status, exit, "{}", ended.stderr);
        assert!(ended.rest.is_empty(), "{:?}", ended.rest);
        let error: Value = serde_json::from_str(&ended.stderr).expect("one object");
        assert_eq!(error["error"]["exit"], json!(exit), "{error:#}");
        // What it had been answered before is counted all the same.
        let _ = sandbox.keyward(["enable", "caller"]).run();
    }
    assert_eq!(counts(&sandbox, "other").valid, 4);
}

#[test]
fn a_stream_that_began_before_the_first_key_knows_it_when_it_is_there() {
    let sandbox = Sandbox::new();
    let mut stream = Stream::start(&sandbox, &[]);
    stream.expect("nobody's", "store_not_found");
    assert!(!sandbox.store_path().exists(), "a stream made a store");
    let secret = sandbox.mint("first");
    stream.expect(&secret, "valid");
    sandbox.keyward(["revoke", "first", "--yes"]).ok();
    stream.expect(&secret, "revoked");
    assert_eq!(stream.end().status, 0);
}

#[test]
fn the_file_alone_has_every_change_though_a_stream_keeps_a_log() {
    let (sandbox, secret) = Sandbox::with_key("ci");
    let mut stream = Stream::start(&sandbox, &[]);
    stream.expect(&secret, "valid");
    sandbox.keyward(["disable", "ci"]).ok();
    stream.expect(&secret, "disabled");
    assert_eq!(stream.end().status, 0);
    let copy = Sandbox::new();
    let path = copy.file("copy.db", "");
    std::fs::copy(sandbox.store_path(), &path).expect("the file can be copied");
    copy.keyward(["verify", "--store"]).args([&path]).stdin(&secret).exit(13);
}

#[test]
fn the_workspace_that_was_named_stays_the_one_that_is_meant_when_it_is_renamed() {
    let sandbox = Sandbox::new();
    for name in ["acme", "shop"] {
        sandbox.workspace(name, &[]);
    }
    let secret = sandbox.mint_with("ci", &["-w", "acme"]);
    let other = sandbox.mint_with("ci", &["-w", "shop"]);
    let mut stream = Stream::start(&sandbox, &["-w", "acme"]);
    stream.expect(&secret, "valid");
    sandbox.keyward(["workspace", "rename", "acme", "zenith"]).ok();
    let verdict = stream.expect(&secret, "valid");
    assert_eq!(verdict["subject"]["workspace"], "zenith");
    stream.expect(&other, "not_found");
    // Another one of the name is another one.
    sandbox.keyward(["workspace", "rename", "shop", "acme"]).ok();
    stream.expect(&other, "not_found");
    stream.expect(&secret, "valid");
    assert_eq!(stream.end().status, 0);
}
