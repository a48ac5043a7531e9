//! Runs at the same moment, and runs whose system calls are disturbed.

use std::sync::Barrier;
use std::thread;

use super::{Invocation, Output, Sandbox, skipped, tool};

/// Runs them all at the same moment.
pub fn at_once(runs: Vec<Invocation>) -> Vec<Output> {
    let start = Barrier::new(runs.len());
    thread::scope(|scope| {
        let runs: Vec<_> = runs
            .into_iter()
            .map(|run| {
                scope.spawn(|| {
                    start.wait();
                    run.run()
                })
            })
            .collect();
        runs.into_iter().map(|run| run.join().expect("a run does not panic")).collect()
    })
}

/// Runs keyward under strace with one call disturbed, and returns its exit status and stdout.
pub fn disturbed(sandbox: &Sandbox, arguments: &[&str], injection: &str) -> Output {
    let filter = format!("inject={injection}");
    sandbox.keyward(arguments).through(["strace", "-f", "-o", "trace", "-e", &filter]).run()
}

/// Whether system calls can be disturbed here.
pub fn can_disturb() -> bool {
    if !tool("strace") {
        return false;
    }
    let sandbox = Sandbox::new();
    let works = disturbed(&sandbox, &["--version"], "unlink:error=EIO:when=100").status == 0;
    if !works {
        skipped("strace may not trace here");
    }
    works
}
