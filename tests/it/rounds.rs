//! Once `revoke` has returned, nobody says `valid` any more: neither a process that starts then, nor a stream, nor the
//! library in a process that has known the key for long. Sixty rounds, or a thousand in the long form.

use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use keyward::domain::code::Code;
use keyward::domain::secret::Secret;
use keyward::domain::timestamp::Timestamp;
use keyward::ops::verifier::{Request, Verifier};

use crate::support::stream::Stream;
use crate::support::time::now;
use crate::support::{Sandbox, is_thorough};

/// How long one stream is asked before another takes its place: no test may keep one for much longer.
const SHIFT: Duration = Duration::from_secs(20);

/// A stream that is asked again and again.
struct Listener<'a> {
    sandbox: &'a Sandbox,
    stream: Stream,
    since: Instant,
}

impl<'a> Listener<'a> {
    fn start(sandbox: &'a Sandbox) -> Self {
        Self { sandbox, stream: Stream::start(sandbox, &[]), since: Instant::now() }
    }

    fn code(&mut self, secret: &str) -> String {
        if self.since.elapsed() > SHIFT {
            *self = Self::start(self.sandbox);
        }
        let verdict = self.stream.ask(secret);
        verdict["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// Everybody who can be asked about a key.
struct Judges<'a> {
    sandbox: &'a Sandbox,
    listener: Listener<'a>,
    verifier: Verifier<String>,
    asked: [usize; 3],
}

impl<'a> Judges<'a> {
    fn new(sandbox: &'a Sandbox) -> Self {
        let wait = Duration::from_secs(10);
        let verifier = Verifier::open(&sandbox.named(), wait, |key| key.name);
        Self {
            sandbox,
            listener: Listener::start(sandbox),
            verifier: verifier.expect("there is a store"),
            asked: [0; 3],
        }
    }

    /// What one of them says.
    fn code(&mut self, which: usize, secret: &str) -> String {
        self.asked[which] += 1;
        match which {
            0 => {
                let run = self.sandbox.keyward(["--json", "verify"]).stdin(secret);
                let verdict = run.run().json();
                verdict["code"].as_str().unwrap_or_default().to_owned()
            }
            1 => self.listener.code(secret),
            _ => {
                let request = Request::new(Secret::new(secret.to_owned()));
                let verdict = self.verifier.verify(&request, Timestamp::from_millis(now()));
                let code: Code = verdict.expect("the store can be read").code;
                code.word().to_owned()
            }
        }
    }
}

#[test]
fn a_key_is_valid_nowhere_once_its_revocation_has_returned() {
    let rounds = if is_thorough() { 1000 } else { 60 };
    let sandbox = Sandbox::new();
    let count = rounds.to_string();
    let minted = sandbox.keyward(["mint", "key", "--count", &count]).ok();
    let secrets: Vec<String> = minted.stdout.lines().map(str::to_owned).collect();
    assert_eq!(secrets.len(), rounds);
    let revoked: Vec<AtomicBool> = secrets.iter().map(|_| AtomicBool::new(false)).collect();
    let finished = AtomicBool::new(false);
    let beside = AtomicUsize::new(0);
    let begun = Instant::now();
    let mut judges = Judges::new(&sandbox);
    thread::scope(|scope| {
        let _finish = Finish(&finished);
        // A second stream is asked all the while about keys that are, are just being, or are not yet revoked.
        scope.spawn(|| {
            let mut listener = Listener::start(&sandbox);
            for round in 0usize.. {
                if finished.load(Ordering::SeqCst) {
                    break;
                }
                let which = (round * 7) % rounds;
                let was_revoked = revoked[which].load(Ordering::SeqCst);
                let code = listener.code(&secrets[which]);
                let is_right = code == "revoked" || (code == "valid" && !was_revoked);
                assert!(is_right, "key {which}, revoked {was_revoked}: {code}");
                beside.fetch_add(1, Ordering::SeqCst);
            }
        });
        for (round, secret) in secrets.iter().enumerate() {
            // Whoever remembers keys remembers this one as valid.
            for which in 1..3 {
                assert_eq!(judges.code(which, secret), "valid", "round {round}");
            }
            let name = format!("key-{}", round + 1);
            sandbox.keyward(["revoke", &name, "--yes"]).ok();
            revoked[round].store(true, Ordering::SeqCst);
            // Each is the first to be asked in a third of the rounds.
            for turn in 0..3 {
                let which = (round + turn) % 3;
                let code = judges.code(which, secret);
                assert_eq!(code, "revoked", "round {round}, judge {which}");
            }
        }
    });
    let [processes, streams, library] = judges.asked;
    drop(judges);
    let beside = beside.into_inner();
    assert!(beside > rounds, "there was nobody beside: {beside}");
    sandbox.assert_whole();
    writeln!(
        std::io::stderr(),
        "{rounds} revocations: 0 valid of {processes} verdicts of processes, {streams} of a stream, {library} of the library \
         and {beside} of a stream beside them, in {:?}",
        begun.elapsed()
    )
    .expect("stderr can be written");
}

/// Says that it is over when it is dropped, whatever ends it.
struct Finish<'a>(&'a AtomicBool);

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
