//! `keyward prune` where there is much to do, and beside other processes.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use crate::prune::{dead, ids_of, prune, subjects};
use crate::support::disturb::{at_once, can_disturb};
use crate::support::past::{Past, ids};
use crate::support::time::DAY;
use crate::support::{Sandbox, text};

#[test]
fn more_than_a_page_is_pruned_to_the_last_key() {
    let sandbox = Sandbox::new();
    let mut past = Past::of(&sandbox);
    let mut gone = Vec::new();
    let mut stay = Vec::new();
    for round in 0..5 {
        let keys = past.mint(None, &format!("dead-{round}"), 240, 300 * DAY);
        past.revoke(&keys, 100 * DAY);
        gone.extend(keys);
        stay.extend(past.mint(None, &format!("living-{round}"), 10, 300 * DAY));
    }
    drop(past);
    let pruned = prune(&sandbox, &[]);
    let in_order: Vec<String> = pruned.iter().map(|key| text(key, "id")).collect();
    let minted: Vec<String> = gone.iter().map(|key| key.id.clone()).collect();
    assert_eq!(in_order, minted);
    let left = sandbox.keyward(["list", "--all"]).answer();
    let left = left["keys"].as_array().expect("keys").clone();
    assert_eq!(ids_of(&left), ids(&stay));
    assert_eq!(subjects(&sandbox, "key.prune"), ids(&gone));
    sandbox.assert_whole();
}

#[test]
fn two_prunes_at_once_delete_each_key_once_and_no_key_minted_meanwhile() {
    let sandbox = Sandbox::new();
    let gone = dead(&sandbox, 1_200);
    let mut runs = Vec::new();
    for number in 0..8 {
        if number % 4 == 1 {
            runs.push(sandbox.keyward(["--json", "prune"]));
        }
        runs.push(sandbox.keyward(["--json", "mint", &format!("young-{number}")]));
    }
    let (mut minted, mut pruned) = (Vec::new(), BTreeSet::new());
    for output in at_once(runs) {
        assert_eq!(output.status, 0, "{}", output.transcript());
        let answer = output.json();
        match answer["keys"].as_array() {
            Some(keys) => pruned.extend(ids_of(keys)),
            None => minted.push(text(&answer, "key")),
        }
    }
    assert_eq!(pruned.into_iter().collect::<Vec<_>>(), ids(&gone));
    assert_eq!(subjects(&sandbox, "key.prune"), ids(&gone));
    assert_eq!(minted.len(), 8);
    for secret in minted {
        sandbox.verdict(&secret, &[], 0, "valid");
    }
    assert_eq!(sandbox.listed(&["--all"]).len(), 8);
    sandbox.assert_whole();
}

#[test]
fn a_young_key_that_got_a_freed_row_number_meanwhile_is_not_deleted() {
    let sandbox = Sandbox::new();
    let gone = dead(&sandbox, 3);
    let secret = sandbox.mint("young");
    let connection = sandbox.sqlite();
    connection.execute_batch("BEGIN IMMEDIATE").expect("the store can be locked");
    thread::scope(|scope| {
        let prune = scope.spawn(|| sandbox.keyward(["prune"]).run());
        // It has read which keys are dead, and waits to delete them.
        thread::sleep(Duration::from_millis(700));
        assert!(!prune.is_finished(), "it does not wait");
        let freed = &gone[1].id;
        let taken = format!(
            "CREATE TEMP TABLE freed AS SELECT seq FROM key WHERE id = '{freed}';
             DELETE FROM key WHERE id = '{freed}';
             DELETE FROM revision WHERE key_seq = (SELECT seq FROM freed);
             UPDATE key SET seq = (SELECT seq FROM freed) WHERE name = 'young';
             COMMIT;"
        );
        connection.execute_batch(&taken).expect("it is accepted");
        let output = prune.join().expect("a run does not panic");
        assert_eq!(output.status, 0, "{}", output.transcript());
    });
    connection.close().expect("the store can be closed");
    sandbox.verdict(&secret, &[], 0, "valid");
    assert_eq!(sandbox.listed(&["--all"]), ["young"]);
    let mut rest = [gone[0].id.clone(), gone[2].id.clone()];
    rest.sort();
    assert_eq!(subjects(&sandbox, "key.prune"), rest);
}

#[test]
fn a_void_key_is_deleted_while_its_request_mints_another_and_that_one_stays() {
    if !can_disturb() {
        return;
    }
    let sandbox = Sandbox::new();
    let mint = || sandbox.keyward(["mint", "ci", "--idempotency-key", "K"]);
    mint().args(["--", "false"]).exit(16);
    let id = sandbox.keyward(["list", "--all"]).answer();
    let id = text(&id["keys"][0], "id");
    thread::scope(|scope| {
        // The first thing it syncs is its first transaction, which it holds open for so long.
        let delay = "inject=fsync:delay_enter=1500000:when=1";
        let wrapper = ["strace", "-f", "-o", "trace", "-e", delay];
        let run = mint().through(wrapper);
        let again = scope.spawn(|| run.run());
        thread::sleep(Duration::from_millis(700));
        let prune = sandbox.keyward(["prune", "--dead-for", "0s", "--json", "--yes"]);
        let pruned = prune.ok();
        let again = again.join().expect("a run does not panic");
        assert_eq!(again.status, 0, "{}", again.transcript());
        sandbox.verdict(&again.line(), &[], 0, "valid");
        assert_ne!(sandbox.id_of("ci"), id);
        let pruned = pruned.json();
        assert_eq!(ids_of(pruned["keys"].as_array().expect("keys")), [id.as_str()]);
    });
    assert_eq!(subjects(&sandbox, "key.prune"), [id]);
}

#[test]
fn only_the_prune_that_has_deleted_a_key_says_so() {
    if !can_disturb() {
        return;
    }
    let sandbox = Sandbox::new();
    let gone = dead(&sandbox, 5);
    thread::scope(|scope| {
        let delay = "inject=fsync:delay_enter=1000000:when=1";
        let wrapper = ["strace", "-f", "-o", "trace", "-e", delay];
        let run = sandbox.keyward(["prune", "--json"]).through(wrapper);
        let first = scope.spawn(|| run.ok());
        thread::sleep(Duration::from_millis(500));
        // It reads that the keys are there, and waits until the first has deleted them.
        let second = prune(&sandbox, &[]);
        let first = first.join().expect("a run does not panic").json();
        let both = [&first["keys"].as_array().expect("keys")[..], &second].concat();
        assert_eq!(ids_of(&both), ids(&gone));
    });
    assert_eq!(subjects(&sandbox, "key.prune"), ids(&gone));
}

#[test]
fn a_prune_that_is_killed_has_deleted_whole_pages_or_nothing() {
    if !can_disturb() {
        return;
    }
    let sandbox = Sandbox::new();
    let mut gone = ids(&dead(&sandbox, 1_200));
    for place in 1..=3 {
        let injection = format!("inject=fsync:signal=KILL:when={place}");
        let wrapper = ["strace", "-f", "-o", "trace", "-e", &injection];
        sandbox.keyward(["prune"]).through(wrapper).exit(137);
        let pruned = subjects(&sandbox, "key.prune");
        let left = sandbox.keyward(["list", "--all"]).answer();
        let left = ids_of(left["keys"].as_array().expect("keys"));
        let mut both = [pruned.clone(), left].concat();
        both.sort();
        assert_eq!(both, gone, "place {place}");
        assert!(matches!(pruned.len(), 0 | 500 | 1_000 | 1_200));
    }
    gone.retain(|id| !subjects(&sandbox, "key.prune").contains(id));
    assert_eq!(ids_of(&prune(&sandbox, &[])), gone);
    sandbox.assert_whole();
}
