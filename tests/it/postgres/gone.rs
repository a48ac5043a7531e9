//! Servers that are killed, restarted, behind, or held up by somebody.

use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::{sandbox, schema};
use crate::support::Sandbox;
use crate::support::server::Server;
use crate::support::stream::Stream;

#[test]
fn a_server_that_is_gone_is_exit_7_and_a_stream_goes_on_when_it_is_back() {
    let Some(server) = Server::start("") else { return };
    let sandbox = Sandbox::on_server(&server);
    let secret = sandbox.mint("pay");
    let mut stream = Stream::start(&sandbox, &[]);
    stream.expect(&secret, "valid");
    server.kill();
    let start = Instant::now();
    for command in [&["list"][..], &["mint", "x"], &["verify"]] {
        sandbox.keyward(command).args(["--wait", "2s"]).stdin(&secret).refused(7, "io");
    }
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
    let verdict = stream.expect(&secret, "io");
    assert_eq!((&verdict["valid"], &verdict["status"]), (&false.into(), &503.into()));
    server.restart();
    stream.expect(&secret, "valid");
    sandbox.keyward(["revoke", "pay", "--yes"]).ok();
    stream.expect(&secret, "revoked");
}

#[test]
fn of_a_server_that_is_killed_among_writers_nothing_that_was_told_is_lost() {
    let Some(server) = Server::start("") else { return };
    let sandbox = Sandbox::on_server(&server);
    sandbox.mint("first");
    let (is_over, next) = (AtomicBool::new(false), AtomicUsize::new(0));
    let outcomes: Vec<(String, i32)> = thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut outcomes = Vec::new();
                    while !is_over.load(Ordering::SeqCst) {
                        let name = format!("key-{}", next.fetch_add(1, Ordering::SeqCst));
                        let run = sandbox.keyward(["mint", &name, "--wait", "5s", "--out"]);
                        outcomes
                            .push((name.clone(), run.args([format!("{name}.key")]).run().status));
                    }
                    outcomes
                })
            })
            .collect();
        for _ in 0..3 {
            thread::sleep(Duration::from_millis(900));
            server.kill();
            server.restart();
        }
        is_over.store(true, Ordering::SeqCst);
        writers.into_iter().flat_map(|writer| writer.join().expect("it ends")).collect()
    });
    let listed = sandbox.keyward(["list", "--all"]).answer();
    let keys = listed["keys"].as_array().expect("a list");
    let is_active =
        |name: &str| keys.iter().any(|key| key["name"] == name && key["status"] == "active");
    let minted = outcomes.iter().filter(|(_, status)| *status == 0).count();
    assert!(minted > 0 && minted < outcomes.len(), "{minted} of {}", outcomes.len());
    for (name, status) in &outcomes {
        match status {
            0 => assert!(is_active(name), "{name} was told and is lost"),
            17 => {}
            _ => assert!(!is_active(name), "{name} lives after exit status {status}"),
        }
    }
    assert_eq!(sandbox.keyward(["audit", "verify"]).answer()["ok"], true);
    sandbox.keyward(["store", "check"]).ok();
}

#[test]
fn a_connection_that_the_server_ends_is_made_again_without_a_word() {
    let Some(server) = Server::start("") else { return };
    let sandbox = Sandbox::on_server(&server);
    let secret = sandbox.mint("pay");
    let mut stream = Stream::start(&sandbox, &[]);
    for _ in 0..20 {
        stream.expect(&secret, "valid");
        server.cut_all();
    }
    stream.expect(&secret, "valid");
    let ended = stream.end();
    assert_eq!((ended.status, ended.stderr.as_str()), (0, ""));
}

#[test]
fn whoever_holds_the_writers_lock_is_waited_for_as_long_as_was_said() {
    let Some(sandbox) = sandbox() else { return };
    let server = Server::shared().expect("it is there");
    sandbox.mint("first");
    let held =
        format!("BEGIN; SELECT 1 FROM {}.head FOR UPDATE; SELECT pg_sleep(2)", schema(&sandbox));
    thread::scope(|scope| {
        scope.spawn(|| server.psql(&held));
        thread::sleep(Duration::from_millis(500));
        sandbox.keyward(["mint", "second", "--wait", "300ms"]).refused(6, "busy");
        // Whoever only reads waits for nobody.
        assert_eq!(sandbox.listed(&[]), ["first"]);
        sandbox.keyward(["mint", "second", "--wait", "20s"]).ok();
    });
}

#[test]
fn a_standby_is_refused_and_a_server_that_is_behind_says_valid_of_nothing() {
    let Some(server) = Server::start("") else { return };
    let sandbox = Sandbox::on_server(&server);
    let (secret, other) = (sandbox.mint("pay"), sandbox.mint("other"));
    let standby = server.standby();
    let place = sandbox.place().expect("on a server").to_owned();
    let schema = schema(&sandbox);
    let refusal =
        Sandbox::in_place(standby.uri(&schema)).keyward(["verify"]).stdin(&secret).refused(7, "io");
    assert!(
        refusal["message"].as_str().is_some_and(|said| said.contains("standby")),
        "{refusal:#}"
    );
    // Whatever comes from here on does not reach the standby.
    let both = place.replace(
        &format!("host={}", server.socket().display()),
        &format!("host={},{}", server.socket().display(), standby.socket().display()),
    );
    let sandbox = Sandbox::in_place(both);
    let mut stream = Stream::start(&sandbox, &[]);
    stream.expect(&secret, "valid");
    standby.psql("SELECT pg_wal_replay_pause()");
    server.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_replication");
    standby.kill();
    sandbox.keyward(["revoke", "pay", "--yes"]).ok();
    stream.expect(&secret, "revoked");
    stream.expect(&other, "valid");
    server.kill();
    standby.restart();
    standby.promote();
    for secret in [&secret, &other] {
        let verdict = stream.expect(secret, "io");
        assert_eq!(verdict["status"], 503);
    }
}

#[test]
fn a_turn_lasts_as_long_as_a_delivery_that_outlives_keyward() {
    let Some(sandbox) = sandbox() else { return };
    sandbox.mint("first");
    let place = sandbox.place().expect("on a server");
    let mut killed = Command::new(crate::support::KEYWARD)
        .args([
            "ensure",
            "slow",
            "--",
            "sh",
            "-c",
            "cat >/dev/null; touch begun; sleep 4; touch done",
        ])
        .env_clear()
        .env("PATH", crate::support::variable("PATH").unwrap_or_default())
        .env("HOME", sandbox.home())
        .env("KEYWARD_STORE", place)
        .current_dir(sandbox.home())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("started");
    let start = Instant::now();
    while !sandbox.home().join("begun").exists() {
        assert!(start.elapsed() < Duration::from_secs(20), "it never delivers");
        thread::sleep(Duration::from_millis(20));
    }
    killed.kill().expect("killed");
    killed.wait().expect("ended");
    sandbox.keyward(["ensure", "slow", "--wait", "500ms", "--out", "slow.key"]).refused(6, "busy");
    sandbox.keyward(["ensure", "slow", "--wait", "20s", "--out", "slow.key"]).ok();
    assert!(sandbox.home().join("done").exists(), "the delivery was overtaken");
}
