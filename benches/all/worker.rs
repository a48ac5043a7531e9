//! A process that verifies through the library, as a service does, for as long as it is told to.
//!
//! The bench starts itself anew for this, so that two processes can be measured. It is told what to do a line at a time:
//! `THREADS WAY MILLISECONDS` with the way `one`, `batch`, `refused`, `unknown` or `malformed`; it answers with the verifications
//! a second.

use std::io::Write;
use std::path::Path;
use std::sync::Barrier;
use std::time::{Duration, Instant, SystemTime};
use std::{fs, thread};

use keyward::domain::code::Code;
use keyward::domain::key::KeyId;
use keyward::domain::secret::Secret;
use keyward::domain::timestamp::Timestamp;
use keyward::ops::verifier::{Request, Verifier};

use crate::stores::Dice;

/// The hidden first argument; the store's path, the file of its secrets and that of another store's follow.
pub const ARGUMENT: &str = "--worker";
/// How many requests a call takes where it takes several.
const BATCH: usize = 64;

pub fn run(store: &Path, secrets: &Path, strangers: &Path) {
    let [secrets, strangers] = [secrets, strangers].map(read);
    let malformed: Vec<String> = secrets
        .iter()
        .map(|secret| secret[1..].to_owned())
        .collect();
    let mut verifiers: Vec<Verifier<KeyId>> = Vec::new();
    for line in std::io::stdin().lines() {
        let line = line.expect("orders can be read");
        let words: Vec<&str> = line.split(' ').collect();
        let [threads, way, millis] = words.as_slice() else {
            panic!("an order is three words, not \"{line}\"");
        };
        let threads: usize = threads.parse().expect("a number of threads");
        let length = Duration::from_millis(millis.parse().expect("a number of milliseconds"));
        open(&mut verifiers, threads, store, &secrets);
        let (secrets, expected) = match *way {
            "refused" => (&secrets, Code::WrongEnvironment),
            "unknown" => (&strangers, Code::NotFound),
            "malformed" => (&malformed, Code::Malformed),
            _ => (&secrets, Code::Valid),
        };
        let in_batches = *way == "batch";
        let verifiers = &mut verifiers[..threads];
        let rate = measure(verifiers, in_batches, length, secrets, expected);
        println!("{rate}");
        std::io::stdout()
            .flush()
            .expect("the bench reads the answer");
    }
}

fn read(secrets: &Path) -> Vec<String> {
    let secrets = fs::read_to_string(secrets).expect("the bench wrote the secrets");
    secrets.lines().map(str::to_owned).collect()
}

/// Opens verifiers until there are so many; each has had every key once before it is measured.
fn open(verifiers: &mut Vec<Verifier<KeyId>>, threads: usize, store: &Path, secrets: &[String]) {
    for _ in verifiers.len()..threads {
        let opened = Verifier::open(store, Duration::from_secs(10), |key| key.id);
        let mut verifier = opened.expect("the store can be opened");
        for some in secrets.chunks(BATCH) {
            let requests: Vec<Request> = some.iter().map(|secret| request(secret)).collect();
            verifier
                .verify_all(&requests, now(), |verdict| {
                    assert_eq!(verdict.code, Code::Valid)
                })
                .expect("the store can be read");
        }
        verifier.flush().expect("uses can be counted");
        verifiers.push(verifier);
    }
}

/// Verifications a second of all threads together, the writing of what they counted included.
fn measure(
    verifiers: &mut [Verifier<KeyId>],
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
            .map(|(number, verifier)| {
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
                    verifier.flush().expect("uses can be counted");
                    judged as f64 / start.elapsed().as_secs_f64()
                })
            })
            .collect();
        let rates = threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic"));
        rates.sum()
    })
}

/// As many as a batch, one call each.
fn singles(
    verifier: &mut Verifier<KeyId>,
    dice: &mut Dice,
    secrets: &[String],
    expected: Code,
) -> usize {
    for _ in 0..BATCH {
        let mut request = request(dice.choose(secrets));
        if expected == Code::WrongEnvironment {
            request.ask.environment = Some("elsewhere".to_owned());
        }
        let verdict = verifier
            .verify(&request, now())
            .expect("the store can be read");
        assert_eq!(verdict.code, expected);
    }
    BATCH
}

fn batch(verifier: &mut Verifier<KeyId>, dice: &mut Dice, secrets: &[String]) -> usize {
    let requests: Vec<Request> = (0..BATCH).map(|_| request(dice.choose(secrets))).collect();
    verifier
        .verify_all(&requests, now(), |verdict| {
            assert_eq!(verdict.code, Code::Valid)
        })
        .expect("the store can be read");
    BATCH
}

/// A request as a service has it: the secret's text is its own, taken from a header.
fn request(secret: &str) -> Request {
    Request::new(Secret::new(secret.to_owned()))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the clock is the service's, and this plays one"
)]
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Timestamp::from_millis(since.map_or(0, |since| since.as_millis() as i64))
}
