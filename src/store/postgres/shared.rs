//! Looks at a store that all threads of a process share: whoever waits takes what the next one sees that begins after they came.
//!
//! This module never gives anybody what was seen by a look that had begun before they asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};

use super::look::Look;
use super::server::Server;

/// The looks at the stores of this process.
static ALL: Mutex<BTreeMap<String, Weak<Shared>>> = Mutex::new(BTreeMap::new());

/// The looks at one store.
#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    done: Condvar,
}

#[derive(Default)]
struct State {
    /// How many looks have begun, and how many of them are over.
    begun: u64,
    over: u64,
    /// What the last one saw; nothing if it failed.
    seen: Option<Look>,
}

impl Shared {
    /// Those of this server's store.
    pub(super) fn of(server: &Server) -> Arc<Self> {
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, shared| shared.strong_count() > 0);
        let name = server.identity();
        let known = all.get(&name).and_then(Weak::upgrade);
        known.unwrap_or_else(|| {
            let shared = Arc::new(Self::default());
            all.insert(name, Arc::downgrade(&shared));
            shared
        })
    }

    /// What a look sees that begins after this call: one of the caller's own, or another's.
    pub(super) fn look(&self, look: impl FnOnce() -> Option<Look>) -> Option<Look> {
        let mut state = self.state();
        let own = state.begun + 1;
        while state.over < own {
            if state.begun == state.over {
                state.begun += 1;
                drop(state);
                let mut ending = Ending { shared: self, seen: None };
                ending.seen = look();
                return ending.seen;
            }
            state = self.done.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.seen
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends a look, however it ends.
struct Ending<'a> {
    shared: &'a Shared,
    seen: Option<Look>,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.over = state.begun;
        state.seen = self.seen;
        self.shared.done.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::domain::audit::Head;

    #[test]
    fn nobody_is_given_what_was_seen_before_they_asked_and_few_look() {
        let (shared, clock, looks) = (Shared::default(), AtomicI64::new(0), AtomicI64::new(0));
        let look = || {
            looks.fetch_add(1, Ordering::SeqCst);
            let seq = clock.load(Ordering::SeqCst);
            thread::sleep(Duration::from_millis(2));
            Some(Look { head: Head { seq, hash: Head::NONE.hash }, clock: None })
        };
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let asked = clock.fetch_add(1, Ordering::SeqCst) + 1;
                        let seq = shared.look(look).expect("a look").head.seq;
                        assert!(seq >= asked, "{seq} at {asked}");
                    }
                });
            }
        });
        let looks = looks.load(Ordering::SeqCst);
        assert!(looks < 100, "{looks} looks for 160 who asked");
    }
}
