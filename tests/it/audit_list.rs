//! `keyward audit list`: the events of a key, a workspace, a time, an action or an actor, and how many of them.

use serde_json::Value;

use crate::support::terminal::Terminal;
use crate::support::{Sandbox, text};

/// The events with these arguments, each as its action.
fn actions(sandbox: &Sandbox, arguments: &[&str]) -> Vec<String> {
    let answer = sandbox.keyward(["audit", "list"]).args(arguments).answer();
    let events = answer["events"].as_array().expect("events are a list");
    events.iter().map(|event| text(event, "action")).collect()
}

/// How many events there are with these arguments.
fn count(sandbox: &Sandbox, arguments: &[&str]) -> usize {
    actions(sandbox, arguments).len()
}

#[test]
fn a_name_has_the_events_of_every_key_that_had_it_and_an_id_those_of_one() {
    let sandbox = Sandbox::with_keys(&["ci", "other"]);
    let first = sandbox.id_of("ci");
    sandbox.keyward(["rotate", "ci", "--now"]).ok();
    let second = sandbox.id_of("ci");
    let of_first = ["key.mint", "key.activate", "key.rotate"];
    let of_second = ["key.mint", "key.activate"];
    assert_eq!(actions(&sandbox, &[&second]), of_second);
    assert_eq!(actions(&sandbox, &[&first])[..2], of_first[..2]);
    let named = actions(&sandbox, &["ci"]);
    let apart = count(&sandbox, &[&first]) + count(&sandbox, &[&second]);
    assert_eq!(named.len(), apart, "{named:?}");
    sandbox.refuses(&["audit", "list", "nothing"], 3, "key_not_found");
    sandbox.mint_with("ci", &["-e", "test"]);
    sandbox.refuses(&["audit", "list", "ci"], 4, "ambiguous");
    assert_eq!(actions(&sandbox, &["ci", "-e", "test"]), of_second);
}

#[test]
fn the_events_of_a_key_outlive_its_record() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let id = sandbox.id_of("ci");
    sandbox.keyward(["revoke", "ci", "--yes"]).ok();
    let prune = ["prune", "--dead-for", "0s", "--yes"];
    sandbox.keyward(prune).ok();
    let all = ["key.mint", "key.activate", "key.revoke", "key.prune"];
    assert_eq!(actions(&sandbox, &[&id]), all);
    sandbox.keyward(["workspace", "rename", "default", "acme"]).ok();
    let of_workspace = actions(&sandbox, &["-w", "acme"]);
    assert_eq!(of_workspace.len(), 6, "{of_workspace:?}");
}

#[test]
fn a_workspace_has_its_own_events_and_those_of_its_keys() {
    let sandbox = Sandbox::new();
    for (workspace, key) in [("acme", "a"), ("shop", "s")] {
        sandbox.workspace(workspace, &[]);
        sandbox.mint_with(key, &["-w", workspace]);
    }
    let own = ["workspace.create", "key.mint", "key.activate"];
    assert_eq!(actions(&sandbox, &["-w", "shop"]), own);
    assert_eq!(count(&sandbox, &[]), 6);
    sandbox.keyward(["workspace", "rename", "acme", "zenith"]).ok();
    sandbox.workspace("acme", &[]);
    let renamed = [&own[..], &["workspace.rename"]].concat();
    assert_eq!(actions(&sandbox, &["-w", "zenith"]), renamed);
    assert_eq!(actions(&sandbox, &["-w", "acme"]), ["workspace.create"]);
    sandbox.keyward(["workspace", "use", "shop"]).ok();
    let used = [&own[..], &["workspace.use"]].concat();
    assert_eq!(actions(&sandbox, &[]), used);
    assert_eq!(count(&sandbox, &["-A"]), 9);
    let of_both = sandbox.keyward(["audit", "list", "a"]);
    of_both.refused(3, "key_not_found");
    assert_eq!(count(&sandbox, &["a", "-A"]), 2);
    sandbox.refuses(&["audit", "list", "-w", "gone"], 3, "workspace_not_found");
}

#[test]
fn a_deleted_workspaces_events_are_not_those_of_its_namesake() {
    let sandbox = Sandbox::with_workspace("acme", &[]);
    sandbox.keyward(["workspace", "delete", "acme", "--yes"]).ok();
    sandbox.workspace("acme", &[]);
    assert_eq!(actions(&sandbox, &["-w", "acme"]), ["workspace.create"]);
}

#[test]
fn action_actor_and_limit_narrow_the_list_and_the_newest_come_last() {
    let sandbox = Sandbox::with_workspace("sw", &["--preset", "scrapewise"]);
    let user = sandbox.mint_with("user", &["--scope", "USER"]);
    let caller = sandbox.file("user", &user).display().to_string();
    sandbox.mint_with("second", &["--scope", "LLM_READ", "--as", &caller]);
    let id = sandbox.id_of("user");
    let minted = ["--action", "key.mint"];
    assert_eq!(actions(&sandbox, &minted), ["key.mint", "key.mint"]);
    let both = ["--action", "key.mint,workspace.create"];
    assert_eq!(count(&sandbox, &both), 3);
    for actor in [&id, &format!("key:{id}")] {
        let by_key = actions(&sandbox, &["--actor", actor]);
        assert_eq!(by_key, ["key.mint", "key.activate"], "{actor}");
    }
    let newest = sandbox.keyward(["audit", "list", "--limit", "1"]);
    let newest = newest.args(minted).answer();
    let events = newest["events"].as_array().expect("events");
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["actor"], format!("key:{id}"));
    let seqs: Vec<Option<i64>> =
        sandbox.events().iter().map(|event| event["seq"].as_i64()).collect();
    assert!(seqs.is_sorted(), "{seqs:?}");
    assert_eq!(count(&sandbox, &["user", "--limit", "1"]), 1);
    sandbox.refuses(&["audit", "list", "--action", "key.minted"], 2, "usage");
}

#[test]
fn since_and_until_bound_the_time() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    let all = sandbox.events();
    let time = |event: &Value| text(event, "time");
    let (first, last) = (time(&all[0]), time(&all[2]));
    assert_eq!(count(&sandbox, &["--since", "1h"]), 3);
    assert_eq!(count(&sandbox, &["--until", "1h"]), 0);
    assert_eq!(count(&sandbox, &["--since", &first, "--until", &last]), 3);
    // A date is all of its day.
    assert_eq!(count(&sandbox, &["--until", &last[..10]]), 3);
    assert_eq!(count(&sandbox, &["--until", "2001-01-31"]), 0);
    sandbox.refuses(&["audit", "list", "--since", "never"], 2, "usage");
}

#[test]
fn a_terminal_shows_the_newest_fifty_and_says_so() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    for _ in 0..26 {
        sandbox.keyward(["rename", "ci", "cd"]).ok();
        sandbox.keyward(["rename", "cd", "ci"]).ok();
    }
    assert_eq!(count(&sandbox, &[]), 55);
    let piped = sandbox.keyward(["audit", "list"]).ok();
    assert_eq!(piped.stdout.lines().count(), 56);
    let shown = |more: &[&str]| {
        let arguments = [&["audit", "list"], more].concat();
        Terminal::keyward(&sandbox, &arguments, &[]).end().1
    };
    let screen = shown(&[]);
    assert_eq!(screen.matches("key.rename").count(), 50, "{screen}");
    assert!(screen.contains("these are the newest 50"), "{screen}");
    let more = shown(&["--limit", "60"]);
    assert_eq!(more.matches("key.rename").count(), 52, "{more}");
    assert!(!more.contains("these are the newest"), "{more}");
}

#[test]
fn a_limit_of_nothing_is_not_taken_for_an_empty_trail() {
    let sandbox = Sandbox::with_keys(&["ci"]);
    for words in [&["audit", "list", "--limit", "0"][..], &["audit", "list", "ci", "--limit", "0"]]
    {
        let run = sandbox.keyward(words).ok();
        assert_eq!(run.stderr, "hint: --limit 0 lists no events\n", "{words:?}");
    }
}
