//! Sixteen writers and sixteen readers at once, for four seconds, or for a minute in the long form: whatever was
//! acknowledged is there in the end, nobody is told that the store is busy, and nobody sees what is not so.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::stream::Stream;
use crate::support::{Sandbox, is_thorough, text};

const WRITERS: usize = 16;
const READERS: usize = 16;

/// How long a reader keeps one stream: no test may keep one for much longer.
const SHIFT: Duration = Duration::from_secs(20);

/// A key that readers may ask about.
struct Shared {
    secret: String,
    /// Its revocation has begun, so that it may be valid no more.
    is_going: AtomicBool,
    /// Its revocation has returned, so that it must not be valid.
    is_gone: AtomicBool,
}

/// What everybody has in common.
struct Crowd {
    sandbox: Sandbox,
    keys: Mutex<Vec<Arc<Shared>>>,
    end: Instant,
}

/// What was acknowledged to one writer.
#[derive(Default)]
struct Written {
    /// Its keys by their names, each with its owner and status.
    keys: BTreeMap<String, (Value, &'static str)>,
    /// How often it did what.
    actions: BTreeMap<&'static str, usize>,
    /// What it waited for longest.
    longest: Duration,
}

impl Crowd {
    fn is_on(&self) -> bool {
        Instant::now() < self.end
    }

    /// The `number`-th key that was shared, counted round and round.
    fn shared(&self, number: usize) -> Arc<Shared> {
        let keys = self.keys.lock().expect("nobody fails with the lock");
        Arc::clone(&keys[number % keys.len()])
    }

    fn share(&self, secret: String) -> Arc<Shared> {
        let key = Arc::new(Shared {
            secret,
            is_going: AtomicBool::new(false),
            is_gone: AtomicBool::new(false),
        });
        let mut keys = self.keys.lock().expect("nobody fails with the lock");
        keys.push(Arc::clone(&key));
        key
    }

    /// A change, which must succeed: it may wait for a minute.
    fn change(&self, written: &mut Written, action: &'static str, line: &[&str]) -> String {
        let begun = Instant::now();
        let run = self.sandbox.keyward(["--wait", "60s"]).args(line);
        let output = run.run();
        assert_eq!(output.status, 0, "{line:?}: {}", output.transcript());
        written.longest = written.longest.max(begun.elapsed());
        *written.actions.entry(action).or_default() += 1;
        output.stdout.trim_end_matches('\n').to_owned()
    }

    /// Mints keys, changes them, and revokes every second one.
    fn write(&self, writer: usize) -> Written {
        let mut written = Written::default();
        for round in 0.. {
            let name = format!("w{writer}-{round}");
            let secret = self.change(&mut written, "key.mint", &["mint", &name]);
            let key = self.share(secret);
            written.keys.insert(name.clone(), (Value::Null, "active"));
            if !self.is_on() {
                break;
            }
            let new = format!("{name}-renamed");
            self.change(&mut written, "key.rename", &["rename", &name, &new]);
            written.keys.remove(&name);
            written.keys.insert(new.clone(), (Value::Null, "active"));
            let owner = format!("owner-{writer}-{round}");
            let line = ["set", &new, "--owner", &owner];
            self.change(&mut written, "key.set", &line);
            let mut state = (json!(owner), "active");
            if round % 2 == 0 {
                key.is_going.store(true, Ordering::SeqCst);
                self.change(&mut written, "key.revoke", &["revoke", &new, "--yes"]);
                key.is_gone.store(true, Ordering::SeqCst);
                state.1 = "revoked";
            }
            written.keys.insert(new, state);
            if !self.is_on() {
                break;
            }
        }
        written
    }

    /// Asks about keys, by processes or by a stream, and lists them. Returns how often.
    fn read(&self, reader: usize) -> usize {
        let mut asked = 0;
        let mut stream: Option<(Stream, Instant)> = None;
        while self.is_on() {
            asked += 1;
            if reader % 4 == 3 {
                let line = ["list", "--all", "--wait", "60s"];
                let listed = self.sandbox.keyward(line).answer();
                assert!(listed["keys"].as_array().is_some_and(|keys| !keys.is_empty()));
                continue;
            }
            let key = self.shared(asked * 31 + reader);
            let was_gone = key.is_gone.load(Ordering::SeqCst);
            let code = if reader.is_multiple_of(4) {
                let is_tired = |(_, since): &(Stream, Instant)| since.elapsed() > SHIFT;
                if stream.as_ref().is_none_or(is_tired) {
                    stream = Some((Stream::start(&self.sandbox, &[]), Instant::now()));
                }
                let (stream, _) = stream.as_mut().expect("it was started");
                // A stream answers at once; without a pause nobody else would come to do anything.
                thread::sleep(Duration::from_millis(5));
                stream.ask(&key.secret)
            } else {
                let line = ["--json", "verify", "--wait", "60s"];
                self.sandbox.keyward(line).stdin(&key.secret).run().json()
            };
            let is_going = key.is_going.load(Ordering::SeqCst);
            let is_right = match code["code"].as_str() {
                Some("valid") => !was_gone,
                Some("revoked") => is_going,
                _ => false,
            };
            assert!(is_right, "gone {was_gone}, going {is_going}: {code:#}");
        }
        asked
    }
}

/// The store's schema, as it stands there.
fn schema(sandbox: &Sandbox) -> Vec<String> {
    let connection = sandbox.sqlite();
    let mut rows = connection
        .prepare(
            "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema ORDER BY 1",
        )
        .expect("there is a schema");
    let rows = rows.query_map([], |row| row.get(0)).expect("it can be read");
    rows.collect::<Result<_, _>>().expect("it is text")
}

/// How often each action stands in the trail.
fn actions(sandbox: &Sandbox) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for event in sandbox.events() {
        *counts.entry(text(&event, "action")).or_default() += 1;
    }
    counts
}

#[test]
fn nothing_is_lost_and_nobody_turned_away_in_a_crowd() {
    let seconds = if is_thorough() { 60 } else { 4 };
    let (sandbox, first) = Sandbox::with_key("first");
    let before = (schema(&sandbox), actions(&sandbox));
    let crowd = Crowd {
        sandbox,
        keys: Mutex::default(),
        end: Instant::now() + Duration::from_secs(seconds),
    };
    crowd.share(first);
    let (written, reads) = thread::scope(|scope| {
        let crowd = &crowd;
        let writers: Vec<_> =
            (0..WRITERS).map(|writer| scope.spawn(move || crowd.write(writer))).collect();
        let readers: Vec<_> =
            (0..READERS).map(|reader| scope.spawn(move || crowd.read(reader))).collect();
        let written: Vec<Written> = writers
            .into_iter()
            .map(|writer| writer.join().expect("no writer was turned away"))
            .collect();
        let reads: Vec<usize> = readers
            .into_iter()
            .map(|reader| reader.join().expect("no reader saw what is not so"))
            .collect();
        (written, reads)
    });
    let sandbox = &crowd.sandbox;

    // Each change that was acknowledged is there, and nothing else.
    let mut expected = BTreeMap::from([("first".to_owned(), (Value::Null, "active"))]);
    let mut counts = before.1;
    for writer in &written {
        expected.extend(writer.keys.clone());
        for (action, count) in &writer.actions {
            *counts.entry((*action).to_owned()).or_default() += count;
        }
    }
    let mints: usize = written.iter().map(|writer| writer.actions["key.mint"]).sum();
    *counts.entry("key.activate".to_owned()).or_default() += mints;
    let listed: BTreeMap<String, (Value, String)> = sandbox
        .keys(&[])
        .iter()
        .map(|key| {
            let state = (key["owner"].clone(), text(key, "status"));
            (text(key, "name"), state)
        })
        .collect();
    let expected: BTreeMap<String, (Value, String)> = expected
        .into_iter()
        .map(|(name, (owner, status))| (name, (owner, status.to_owned())))
        .collect();
    assert_eq!(listed, expected, "an update was lost");
    let mut told = actions(sandbox);
    // Readers may be late with a revoked key, which the trail tells of, and once for each.
    let reused = told.remove("key.reuse").unwrap_or_default();
    assert!(reused <= counts["key.revoke"], "{reused} uses of revoked keys");
    assert_eq!(told, counts, "the trail differs");
    assert_eq!(schema(sandbox), before.0, "the schema was changed");
    sandbox.assert_whole();

    let changes: Vec<usize> = written.iter().map(|writer| writer.actions.values().sum()).collect();
    let longest = written.iter().map(|writer| writer.longest).max();
    writeln!(
        std::io::stderr(),
        "{WRITERS} writers and {READERS} readers for {seconds} s: {} changes ({} to {} a writer, none waited longer than \
         {:?}), {} reads, none lost, none busy",
        changes.iter().sum::<usize>(),
        changes.iter().min().expect("there are writers"),
        changes.iter().max().expect("there are writers"),
        longest.expect("there are writers"),
        reads.iter().sum::<usize>()
    )
    .expect("stderr can be written");
    // Where every change waits for the disk it may be few of them, but nobody comes away with nothing.
    assert!(changes.iter().all(|count| *count > 0), "{changes:?}");
    assert!(reads.iter().all(|count| *count > 0), "{reads:?}");
}
