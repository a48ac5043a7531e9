//! What was taken away is taken away on every host, once the command has returned.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::thread;
use std::time::Duration;

use keyward::{
    Keyring, MintRequest, Request, RevokeReason, RevokeRequest, RotateRequest, RotateTerms, Secret,
    Timestamp, Verifier,
};
use rustix::process::Signal;

use super::pooled::Pooler;
use super::sandbox;
use crate::support::server::Server;
use crate::support::stream::Stream;
use crate::support::time::now;
use crate::support::{Sandbox, is_thorough, tool};

/// Somebody who judges secrets: what they say of one.
type Host<'a> = Box<dyn FnMut(&str) -> String + 'a>;

fn streams(sandbox: &Sandbox) -> Vec<Host<'_>> {
    let stream = |_| {
        let mut stream = Stream::start(sandbox, &[]);
        let host: Host<'_> = Box::new(move |secret| {
            stream.ask(secret)["code"].as_str().unwrap_or_default().to_owned()
        });
        host
    };
    (0..3).map(stream).collect()
}

fn keyring(sandbox: &Sandbox) -> Keyring {
    let place = Path::new(sandbox.place().expect("on a server"));
    Keyring::open(place, Duration::from_secs(10), || Timestamp::from_millis(now()))
        .expect("there is a store")
}

/// Mints a key and returns its id and secret.
fn mint(keyring: &mut Keyring, name: &str) -> (String, String) {
    let mut secret = String::new();
    let request = MintRequest::new(name.parse().expect("a name"));
    let key = keyring.mint(&request, |_, minted| {
        secret = minted.expose().to_owned();
        std::io::Result::Ok(())
    });
    (key.expect("minted").id.to_string(), secret)
}

fn revoke(keyring: &mut Keyring, id: &str) {
    keyring.revoke(&RevokeRequest::new(id, RevokeReason::Unspecified)).expect("revoked");
}

/// Takes a key away, in another way in each round; returns what is said of it then.
fn take_away(sandbox: &Sandbox, keyring: &mut Keyring, id: &str, round: usize) -> &'static str {
    match round % 8 {
        0 => {
            sandbox.keyward(["disable", id]).ok();
            "disabled"
        }
        1 => {
            sandbox.keyward(["set", id, "--allow", "192.0.2.0/24"]).ok();
            "ip_denied"
        }
        2 => {
            sandbox.keyward(["revoke", id, "--yes"]).ok();
            "revoked"
        }
        3..6 => {
            let terms = RotateTerms { now: true, ..RotateTerms::default() };
            let request = RotateRequest { terms, ..RotateRequest::new(id) };
            let rotated = keyring.rotate(&request, |_, _| std::io::Result::Ok(()));
            rotated.expect("rotated");
            "revoked"
        }
        _ => {
            revoke(keyring, id);
            "revoked"
        }
    }
}

/// In each round every host learns a key, it is taken away, and every host is asked again. Returns how often one said valid.
fn rounds(sandbox: &Sandbox, hosts: &mut [Host<'_>], rounds: usize) -> usize {
    let mut keyring = keyring(sandbox);
    let mut valid = 0;
    for round in 0..rounds {
        let (id, secret) = mint(&mut keyring, &format!("key-{round}"));
        for host in hosts.iter_mut() {
            assert_eq!(host(&secret), "valid");
        }
        take_away(sandbox, &mut keyring, &id, round);
        for host in hosts.iter_mut() {
            valid += usize::from(host(&secret) == "valid");
        }
    }
    valid
}

#[test]
fn no_host_says_valid_once_a_command_that_takes_away_has_returned() {
    let Some(sandbox) = sandbox() else { return };
    let count = if is_thorough() { 1_000 } else { 80 };
    assert_eq!(rounds(&sandbox, &mut streams(&sandbox), count), 0);
}

#[test]
fn a_host_that_remembers_without_looking_fails_the_same_rounds() {
    let Some(sandbox) = sandbox() else { return };
    let mut stream = Stream::start(&sandbox, &[]);
    let mut remembered = BTreeMap::new();
    let host: Host<'_> = Box::new(move |secret| {
        let code = remembered
            .entry(secret.to_owned())
            .or_insert_with(|| stream.ask(secret)["code"].clone());
        code.as_str().unwrap_or_default().to_owned()
    });
    assert_eq!(rounds(&sandbox, &mut [host], 16), 16);
}

#[test]
fn a_host_whose_connection_was_cut_or_that_was_stopped_says_valid_no_more() {
    let Some(server) = Server::start("") else { return };
    let sandbox = Sandbox::on_server(&server);
    let pooler = tool("pgbouncer").then(|| Pooler::start(&server));
    let pooled = pooler.as_ref().map(|pooler| pooler.sandbox(&sandbox));
    let mut keyring = keyring(&sandbox);
    let hosts = [&sandbox, pooled.as_ref().unwrap_or(&sandbox), &sandbox];
    let mut streams = hosts.map(|host| Stream::start(host, &[]));
    let count = if is_thorough() { 1_000 } else { 16 };
    let mut unanswered = 0;
    for round in 0..count {
        let (id, secret) = mint(&mut keyring, &format!("key-{round}"));
        for stream in &mut streams {
            unanswered += until_answered(stream, &secret, "valid");
        }
        streams[2].signal(Signal::STOP);
        if round % 2 == 0 {
            server.cut_all();
        }
        // Over a new connection where the old one was cut.
        let code = take_away(&sandbox, &mut keyring, &id, round);
        if is_thorough() && round % 50 == 0 {
            thread::sleep(Duration::from_secs(5));
        }
        streams[2].signal(Signal::CONT);
        for stream in &mut streams {
            unanswered += until_answered(stream, &secret, code);
        }
    }
    let figures = format!("{count} rounds: 0 valid afterwards, {unanswered} times 503");
    writeln!(std::io::stderr(), "{figures}").expect("stderr can be written");
}

/// Asks until there is an answer that is not of a lost connection, as a pooler gives when its own was cut. Returns how often there was
/// none.
fn until_answered(stream: &mut Stream, secret: &str, code: &str) -> usize {
    for unanswered in 0..5 {
        let verdict = stream.ask(secret);
        if verdict["code"] != "io" {
            assert_eq!(verdict["code"], code, "{verdict:#}");
            return unanswered;
        }
    }
    panic!("no answer")
}

#[test]
fn a_service_that_embeds_the_library_sees_it_too() {
    let Some(sandbox) = sandbox() else { return };
    let place = Path::new(sandbox.place().expect("on a server"));
    let mut keyring = keyring(&sandbox);
    let mut verifier =
        Verifier::open(place, Duration::from_secs(10), |key| key.name).expect("open");
    for round in 0..50 {
        let (id, secret) = mint(&mut keyring, &format!("key-{round}"));
        let request = Request::new(Secret::new(secret));
        let mut code = || {
            verifier.verify(&request, Timestamp::from_millis(now())).expect("judged").code.word()
        };
        assert_eq!(code(), "valid");
        assert_eq!(code(), "valid");
        revoke(&mut keyring, &id);
        assert_eq!(code(), "revoked");
    }
}
