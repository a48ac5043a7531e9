//! What people read about a hand-over: what was minted, where its secret is, and what happens to the old key.

use super::Answer;
use crate::commands::sink::Delivery;
use crate::context::Context;
use crate::delivery::Sink;
use crate::domain::words::counted;
use crate::domain::{Safe, SafePath, State};
use crate::output::relative::relative_or_never;

impl Answer {
    pub(super) fn done(&self, delivery: &Delivery) -> String {
        let place = place(&delivery.sink);
        let (verb, old) = match (&self.old, delivery.hold) {
            (None, _) => ("minted", String::new()),
            (Some(_), true) => ("rotated", String::new()),
            (Some(old), false) if old.state == State::Revoked => {
                ("rotated", format!(", {} is revoked", old.id))
            }
            (Some(old), false) => ("rotated", format!(", {} is superseded", old.id)),
        };
        match self.keys.as_slice() {
            [key] => {
                let name = Safe(&key.name);
                let held = if delivery.hold { ", pending" } else { "" };
                format!("{verb} {name} ({}){held}, its secret {place}{old}", key.id)
            }
            keys => format!("minted {}, their secrets {place}", counted(keys.len(), "key")),
        }
    }

    /// Says on stderr what happened.
    pub(super) fn tell(&self, context: &Context, delivery: &Delivery) {
        for warning in delivery.warnings() {
            context.ui.warn(&warning);
        }
        if !self.rest.is_empty() {
            context.ui.warn(&self.rest.to_string());
        }
        let now = context.now();
        match self.keys.as_slice() {
            [key] => context.ui.status(&format!(
                "{} {} in {}/{}\n  id       {}\n  prefix   {}\n  expires  {}",
                if self.old.is_some() { "rotated" } else { "minted" },
                Safe(&key.name),
                Safe(&key.workspace),
                Safe(&key.environment),
                key.id,
                Safe(&key.prefix),
                relative_or_never(key.expires_at, now),
            )),
            keys => context.ui.status(&format!("minted {}", counted(keys.len(), "key"))),
        }
        if let (Some(old), false) = (&self.old, delivery.hold) {
            context.ui.status(&match old.state {
                State::Revoked => format!("  old key  {} is revoked", old.id),
                _ => format!(
                    "  old key  {} expires {}",
                    old.id,
                    relative_or_never(old.expires_at, now)
                ),
            });
        }
        if !delivery.hold {
            for id in &self.ended {
                context.ui.status(&format!("  old key  {id} is revoked"));
            }
        }
        let secrets = if self.keys.len() == 1 { "the secret is" } else { "the secrets are" };
        context.ui.status(&format!("{secrets} {}, shown only this once", place(&delivery.sink)));
        if delivery.hold {
            context.ui.status("pending until the holder sends the secret to `keyward activate`");
        }
    }
}

/// Where a sink has put a secret, in words.
fn place(sink: &Sink) -> String {
    match sink {
        Sink::Stdout => "on stdout".to_owned(),
        Sink::File(sink) => format!("in {}", SafePath(sink.path.as_ref())),
        Sink::Dotenv(sink) => {
            format!("{} in {}", sink.variable, SafePath(sink.path.as_ref()))
        }
        Sink::GithubEnv(sink) => format!("{} for the job's later steps", sink.variable),
        Sink::GithubOutput(sink) => format!("the step's output {}", sink.variable),
        Sink::Command(sink) => format!("with {}", SafePath(sink.program.as_ref())),
    }
}
