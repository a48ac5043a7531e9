//! What a scene is: a command in a place where it has something to do, and what must be said of it afterwards.

use serde_json::Value;

use super::sink::Sink;
use crate::support::{Invocation, Sandbox};

/// A command, and where it runs.
#[derive(Clone)]
pub struct Scene {
    /// Its line in the table, and by what `KEYWARD_FAULTS` chooses it.
    pub name: &'static str,
    /// Makes what is there before.
    pub prepare: fn(&Sandbox),
    /// The command.
    pub command: &'static [&'static str],
    /// Variables that it is given.
    pub environment: &'static [(&'static str, &'static str)],
    /// Whether faults happen in the programs it starts as well.
    pub follows: bool,
    /// Where its secrets go.
    pub sinks: &'static [Sink],
    /// The other files that it makes.
    pub makes: &'static [&'static str],
    /// Whether it changes the store by its log, and so the order of its writes can be looked at there.
    pub is_logged: bool,
    /// Whether it does several things one after the other, of which the first may be done when the second fails.
    pub is_stepwise: bool,
    /// How many pending replacements may stand above the cap: at the cap `rotate --now` has one until the old key goes.
    pub above_the_cap: usize,
    /// What is done when it was cut short.
    pub again: Again,
    /// What else it changes beside keys, in any form that can be compared.
    pub look: fn(&Sandbox) -> Value,
}

/// What is done after a command that was cut short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// The same again, which ends as it would have ended. When everything was done before, it has this exit status.
    Same(i32),
    /// The key that is left is activated or taken away, and then the same again.
    Recovery,
}

/// How many keys the workspace of [`super::scenes`] may have.
pub const CAP: usize = 3;

impl Scene {
    /// What scenes have in common: a command that changes something and ends well when it is run again.
    pub const CHANGE: Self = Self {
        name: "",
        prepare: |_| {},
        command: &[],
        environment: &[],
        follows: true,
        sinks: &[],
        makes: &[],
        is_logged: true,
        is_stepwise: false,
        above_the_cap: 0,
        again: Again::Same(0),
        look: |_| Value::Null,
    };

    /// What scenes have in common that hand a secret over and cannot be run again as they are.
    pub const HAND_OVER: Self = Self { again: Again::Recovery, ..Self::CHANGE };

    /// The command, undisturbed.
    pub fn run(&self, sandbox: &Sandbox) -> Invocation {
        let run = sandbox.keyward(self.command);
        self.environment.iter().fold(run, |run, (name, value)| run.env(name, value))
    }

    /// Whether the secret may be on stdout although the command has failed.
    pub fn speaks(&self) -> bool {
        let on_stdout = |sink: &Sink| matches!(sink, Sink::Stdout | Sink::Runner(_));
        self.sinks.iter().any(on_stdout)
    }
}
