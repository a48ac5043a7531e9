//! A server that is killed, and the standby that takes over from it.

use std::io::Write;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use keyward::{Keyring, Kind, MintRequest, RevokeReason, RevokeRequest, Timestamp};

use super::schema;
use crate::support::server::Server;
use crate::support::stream::Stream;
use crate::support::time::now;
use crate::support::{Sandbox, is_thorough};

/// The store on whichever of two servers is the primary.
fn either(sandbox: &Sandbox, [primary, standby]: [&Server; 2]) -> Sandbox {
    let both = format!("{},{}", primary.socket().display(), standby.socket().display());
    let schema = schema(sandbox);
    Sandbox::in_place(format!("postgres:///postgres?host={both}&user=owner&schema={schema}"))
}

fn keyring(sandbox: &Sandbox) -> Keyring {
    let place = Path::new(sandbox.place().expect("on a server"));
    let clock = || Timestamp::from_millis(now());
    Keyring::open(place, Duration::from_secs(30), clock).expect("there is a store")
}

/// Mints keys of these names; their ids and secrets.
fn minted(keyring: &mut Keyring, names: impl Iterator<Item = String>) -> Vec<(String, String)> {
    let mint = |name: String| {
        let mut secret = String::new();
        let key = keyring.mint(&MintRequest::new(name.parse().expect("a name")), |_, minted| {
            secret = minted.expose().to_owned();
            std::io::Result::Ok(())
        });
        (key.expect("minted").id.to_string(), secret)
    };
    names.map(mint).collect()
}

/// Has every commit wait for the standby.
fn synchronize(primary: &Server) {
    primary.psql("ALTER SYSTEM SET synchronous_standby_names = '*'");
    primary.psql("SELECT pg_reload_conf()");
    let start = Instant::now();
    while primary.psql("SELECT sync_state FROM pg_stat_replication") != "sync" {
        assert!(start.elapsed() < Duration::from_secs(30), "the standby does not follow");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_was_told_outlives_a_failover_to_a_synchronous_standby() {
    let (failovers, revocations) = if is_thorough() { (20, 25) } else { (2, 20) };
    let Some(mut primary) = Server::start("") else { return };
    let first = Sandbox::on_server(&primary);
    let (mut told, mut refused) = (0, 0);
    for round in 0..failovers {
        let standby = primary.standby();
        synchronize(&primary);
        let sandbox = either(&first, [&primary, &standby]);
        let mut keyring = keyring(&sandbox);
        let names = (0..revocations).map(|nth| format!("key-{round}-{nth}"));
        let keys = minted(&mut keyring, names);
        let mut stream = Stream::start(&sandbox, &[]);
        for (_, secret) in &keys {
            stream.expect(secret, "valid");
        }
        let begun = Instant::now();
        thread::scope(|scope| {
            let revoker = scope.spawn(|| {
                for (id, _) in &keys {
                    let request = RevokeRequest::new(id.as_str(), RevokeReason::Unspecified);
                    while keyring.revoke(&request).is_err() {
                        // Nobody is the primary at this moment.
                        refused += 1;
                        thread::sleep(Duration::from_millis(50));
                    }
                    told += 1;
                }
            });
            // At another moment of the revocations in each round.
            thread::sleep(Duration::from_micros(now().unsigned_abs() * 7_919 % 120_000));
            primary.kill();
            standby.promote();
            revoker.join().expect("it ends");
        });
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
        let mut other = Stream::start(&sandbox, &[]);
        for (_, secret) in &keys {
            for stream in [&mut stream, &mut other] {
                stream.expect(secret, "revoked");
            }
        }
        assert_eq!(sandbox.keyward(["audit", "verify"]).answer()["ok"], true);
        primary = standby;
    }
    let figures =
        format!("{told} revocations in {failovers} failovers, {refused} refused between: 0 lost");
    writeln!(std::io::stderr(), "{figures}").expect("stderr can be written");
}

#[test]
fn whoever_saw_more_than_an_asynchronous_standby_has_says_valid_of_nothing() {
    for round in 0..if is_thorough() { 10 } else { 1 } {
        let Some(primary) = Server::start("") else { return };
        let first = Sandbox::on_server(&primary);
        let standby = primary.standby();
        let sandbox = either(&first, [&primary, &standby]);
        let mut keyring = keyring(&sandbox);
        let keys = minted(&mut keyring, (0..10).map(|nth| format!("key-{nth}")));
        let start = Instant::now();
        let ends = "SELECT max(seq) FROM {}.audit";
        let end = |server: &Server| server.psql(&ends.replace("{}", &schema(&first)));
        while end(&primary) != end(&standby) {
            assert!(start.elapsed() < Duration::from_secs(30), "the standby does not follow");
            thread::sleep(Duration::from_millis(20));
        }
        // What comes from here on does not reach the standby.
        standby.kill();
        let mut streams: Vec<Stream> = (0..3).map(|_| Stream::start(&sandbox, &[])).collect();
        let lost = &keys[..=round % keys.len()];
        for (id, _) in lost {
            let request = RevokeRequest::new(id.as_str(), RevokeReason::Unspecified);
            keyring.revoke(&request).expect("revoked");
        }
        for stream in &mut streams {
            for (_, secret) in lost {
                stream.expect(secret, "revoked");
            }
        }
        primary.kill();
        standby.restart();
        standby.promote();
        for stream in &mut streams {
            for (_, secret) in &keys {
                let verdict = stream.expect(secret, "io");
                assert_eq!((&verdict["valid"], &verdict["status"]), (&false.into(), &503.into()));
            }
        }
        let request = RevokeRequest::new(keys[9].0.as_str(), RevokeReason::Unspecified);
        let refused = keyring.revoke(&request).expect_err("it has seen more");
        assert_eq!(refused.kind(), Kind::Io, "{refused}");
        // Whoever saw nothing cannot know, which is why docs/postgres.md wants a synchronous one.
        sandbox.verdict(&lost[0].1, &[], 0, "valid");
    }
}
