//! A process that verifies through the library, as a service does, for as long as it is told to.
//!
//! The bench starts itself again for this, so that two processes can be measured. It is told what to do a line at a time:
//! `THREADS WAY MILLISECONDS` with the way `one`, `batch`, `refused`, `unknown` or `malformed`; it answers with the verifications
//! a second. `1 rename MILLISECONDS` renames a key 450 times a second, or as often as the disk lets it; `1 floor MILLISECONDS` looks
//! hashes up and keeps uses in a bare log, and judges nothing. They answer with how often a second they did it.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::sync::Barrier;
use std::time::{Duration, Instant, SystemTime};
use std::{fs, thread};

use keyward::domain::key::{KeyId, KeySeq};
use keyward::error::Kind;
use keyward::ops;
use keyward::ops::access::Actor;
use keyward::ops::verifier::{Request, Verifier};
use keyward::store::Store;
use keyward::{Code, Name, Secret, Selector, Timestamp};
use rusqlite::{Connection, OpenFlags};

use crate::stores::Dice;

/// The hidden first argument; the store's path, the file of its secrets and that of another store's follow.
pub const ARGUMENT: &str = "--worker";
/// A verifier, and with which verdicts every secret has been presented to it once.
type Seen = (Verifier<KeyId>, BTreeSet<Code>);

/// How many requests a call takes where it takes several.
const BATCH: usize = 64;
/// How often the writer changes something: several operators and a pipeline at once.
const CHANGES_PER_SECOND: u32 = 450;

pub fn run(store: &Path, secrets: &Path, strangers: &Path) {
    let [secrets, strangers] = [secrets, strangers].map(read);
    let malformed: Vec<String> = secrets.iter().map(|secret| secret[1..].to_owned()).collect();
    let mut verifiers: Vec<Seen> = Vec::new();
    for line in std::io::stdin().lines() {
        let line = line.expect("orders can be read");
        let words: Vec<&str> = line.split(' ').collect();
        let [threads, way, millis] = words.as_slice() else {
            panic!("an order is three words, not \"{line}\"");
        };
        let threads: usize = threads.parse().expect("a number of threads");
        let length = Duration::from_millis(millis.parse().expect("a number of milliseconds"));
        let rate = match *way {
            "rename" => Some(rename(store, length)),
            "floor" => Some(floor(store, &secrets, length)),
            _ => None,
        };
        if let Some(rate) = rate {
            answer(rate);
            continue;
        }
        for _ in verifiers.len()..threads {
            let opened = Verifier::open(store, Duration::from_secs(10), |key| key.id);
            verifiers.push((opened.expect("the store can be opened"), BTreeSet::new()));
        }
        let (secrets, expected) = match *way {
            "refused" => (&secrets, Code::WrongEnvironment),
            "unknown" => (&strangers, Code::NotFound),
            "malformed" => (&malformed, Code::Malformed),
            _ => (&secrets, Code::Valid),
        };
        let in_batches = *way == "batch";
        let verifiers = &mut verifiers[..threads];
        for (verifier, seen) in &mut *verifiers {
            if seen.insert(expected) {
                present(verifier, secrets, expected);
            }
        }
        let rate = measure(verifiers, in_batches, length, secrets, expected);
        answer(rate);
    }
}

fn answer(rate: f64) {
    println!("{rate}");
    let flushed = std::io::stdout().flush();
    flushed.expect("the bench reads the answer");
}

/// Renames the first key back and forth; every time is a synced commit.
fn rename(store: &Path, length: Duration) -> f64 {
    let opened = Store::open(store, Duration::from_secs(10)).expect("the store can be opened");
    let mut store = opened.expect("it is there");
    let actor = Actor::Operator("bench".to_owned());
    let mut id = None;
    let first = store.read(|reader| {
        let workspaces = reader.workspaces()?;
        reader.for_each_key_after(&workspaces[0], KeySeq(0), 1, |_, key| {
            id = Some(key.id.to_string());
            Ok(())
        })
    });
    first.expect("the store can be read");
    let id: Selector = Selector { text: id.expect("there is a key"), environment: None };
    let (start, mut renamed) = (Instant::now(), 0_u32);
    while start.elapsed() < length {
        let name = if renamed % 2 == 0 { "there" } else { "back" };
        let name: Name = name.parse().expect("a name");
        match ops::rename::run(&mut store, &actor, None, &id, &name, now()) {
            Ok(_) => renamed += 1,
            Err(error) => assert_eq!(error.kind(), Kind::Busy, "{error}"),
        }
        let due = Duration::from_secs(1) * renamed / CHANGES_PER_SECOND;
        thread::sleep(due.saturating_sub(start.elapsed()));
    }
    f64::from(renamed) / start.elapsed().as_secs_f64()
}

/// What verifying cannot do without: a digest, a row by its hash, and a line for each use, written once a second.
fn floor(store: &Path, secrets: &[String], length: Duration) -> f64 {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(store, flags).expect("the store can be read");
    connection.execute_batch("PRAGMA cache_size = -65536; BEGIN").expect("the store can be read");
    let mut row = connection
        .prepare("SELECT seq, state, expires_at FROM key WHERE hash = ?1")
        .expect("the store has keys");
    let log = store.with_extension("uses");
    let mut log = fs::File::create(log).expect("the temporary folder can be written");
    let (mut dice, mut uses) = (Dice::new(7), Vec::new());
    let (start, mut judged) = (Instant::now(), 0_u32);
    let mut written = start;
    while start.elapsed() < length {
        for _ in 0..BATCH {
            let secret = Secret::new(dice.choose(secrets).clone());
            let key: i64 = row
                .query_row([secret.hash().as_bytes()], |row| row.get(0))
                .expect("the key is there");
            uses.extend_from_slice(&key.to_be_bytes());
            judged += 1;
        }
        if written.elapsed() > Duration::from_secs(1) {
            log.write_all(&uses).expect("the temporary folder can be written");
            uses.clear();
            written = Instant::now();
        }
    }
    log.write_all(&uses).expect("the temporary folder can be written");
    f64::from(judged) / start.elapsed().as_secs_f64()
}

fn read(secrets: &Path) -> Vec<String> {
    let secrets = fs::read_to_string(secrets).expect("the bench wrote the secrets");
    secrets.lines().map(str::to_owned).collect()
}

/// Presents every secret once.
fn present(verifier: &mut Verifier<KeyId>, secrets: &[String], expected: Code) {
    for some in secrets.chunks(BATCH) {
        let requests: Vec<Request> = some.iter().map(|secret| request(secret, expected)).collect();
        verifier
            .verify_all(&requests, now(), |verdict| assert_eq!(verdict.code, expected))
            .expect("the store can be read");
    }
    flush(verifier);
}

/// Verifications a second of all threads together, the writing of what they counted included.
fn measure(
    verifiers: &mut [Seen],
    in_batches: bool,
    length: Duration,
    secrets: &[String],
    expected: Code,
) -> f64 {
    let all_ready = Barrier::new(verifiers.len());
    thread::scope(|scope| {
        let threads: Vec<_> = verifiers
            .iter_mut()
            .enumerate()
            .map(|(number, (verifier, _))| {
                let all_ready = &all_ready;
                scope.spawn(move || {
                    let mut dice = Dice::new(u64::from(std::process::id()) << 8 | number as u64);
                    all_ready.wait();
                    let start = Instant::now();
                    let mut judged = 0;
                    while start.elapsed() < length {
                        judged += match in_batches {
                            true => batch(verifier, &mut dice, secrets),
                            false => singles(verifier, &mut dice, secrets, expected),
                        };
                    }
                    flush(verifier);
                    judged as f64 / start.elapsed().as_secs_f64()
                })
            })
            .collect();
        let rates = threads.into_iter().map(|thread| thread.join().expect("no panic"));
        rates.sum()
    })
}

/// Writes what was counted. Another process that writes a million keys' counts keeps the store for longer than a verifier waits.
fn flush(verifier: &mut Verifier<KeyId>) {
    while let Err(error) = verifier.flush() {
        assert_eq!(error.kind(), Kind::Busy, "{error}");
    }
}

/// As many as a batch, one call each.
fn singles(
    verifier: &mut Verifier<KeyId>,
    dice: &mut Dice,
    secrets: &[String],
    expected: Code,
) -> usize {
    for _ in 0..BATCH {
        let request = request(dice.choose(secrets), expected);
        let verdict = verifier.verify(&request, now()).expect("the store can be read");
        assert_eq!(verdict.code, expected);
    }
    BATCH
}

fn batch(verifier: &mut Verifier<KeyId>, dice: &mut Dice, secrets: &[String]) -> usize {
    let requests: Vec<Request> =
        (0..BATCH).map(|_| request(dice.choose(secrets), Code::Valid)).collect();
    verifier
        .verify_all(&requests, now(), |verdict| assert_eq!(verdict.code, Code::Valid))
        .expect("the store can be read");
    BATCH
}

/// A request as a service has it: the secret's text is its own, taken from a header.
fn request(secret: &str, expected: Code) -> Request {
    let mut request = Request::new(Secret::new(secret.to_owned()));
    if expected == Code::WrongEnvironment {
        request.ask.environment = Some("elsewhere".to_owned());
    }
    request
}

#[expect(clippy::disallowed_methods, reason = "the clock is the service's, and this plays one")]
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Timestamp::from_millis(since.map_or(0, |since| since.as_millis() as i64))
}
