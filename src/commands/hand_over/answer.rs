//! What mint, rotate and ensure answer: the minted keys, with their secrets where the answer is itself the delivery; and what
//! people read about it: what was minted, where its secret is, and what happens to the old key.

use std::io::Write;

use zeroize::Zeroizing;

use crate::commands::sink::Delivery;
use crate::context::Context;
use crate::delivery::Sink;
use crate::domain::holding::Action;
use crate::domain::secret::Secret;
use crate::domain::words::counted;
use crate::domain::{Key, KeyId, Safe, SafePath, State, Timestamp};
use crate::error::{Error, Kind, Result};
use crate::ops::lineage::Rest;
use crate::output::relative::relative_or_never;
use crate::output::ui::{Format, Ui};
use crate::output::view::{KeyView, Keys, Minted};
use crate::output::{json, tsv};

/// The keys that were minted and the one that the only one of them replaces.
#[derive(Clone, Default)]
pub struct Answer {
    pub keys: Vec<Key>,
    pub old: Option<Key>,
    /// Those of the old key's lineage that end with it.
    pub ended: Vec<KeyId>,
    /// Those that stay valid.
    pub rest: Rest,
    /// What provisioning did; the old key is then no part of the answer.
    pub action: Option<Action>,
    /// What the user should know of the file that holds the secret.
    pub warnings: Vec<String>,
}

impl Answer {
    /// The answer as it will be when the secrets have been delivered and the keys are live.
    pub fn foretold(&self, now: Timestamp) -> Self {
        let mut foretold = self.clone();
        for key in &mut foretold.keys {
            key.state = State::Active;
            if let Some(old) = &mut foretold.old {
                key.supersede(old, now);
            }
        }
        foretold
    }

    pub fn into_key(mut self) -> Key {
        self.keys.pop().expect("an answer has a key")
    }

    /// Renders the answer; `secrets`, one for each key, are part of it when it is the delivery.
    pub fn render(
        &self,
        ui: &Ui,
        secrets: Option<&[Secret]>,
        now: Timestamp,
    ) -> Result<Zeroizing<Vec<u8>>> {
        let secret = |at: usize| secrets.and_then(|secrets| secrets.get(at));
        // Provisioning has an answer of its own.
        let plain = |key| match (self.action, &self.old) {
            (Some(action), _) => Minted::new(key, now).by(action),
            (None, old) => Minted {
                replaced: old.as_ref().map(|old| KeyView::new(old, now)),
                ..Minted::new(key, now)
            },
        };
        let (ended, warnings) = match self.action {
            Some(_) => (&[][..], self.warnings.as_slice()),
            None => (self.ended.as_slice(), &[][..]),
        };
        let records = || {
            let keys = self.keys.iter().enumerate();
            keys.map(|(at, key)| Minted {
                also_changed: ended,
                still_valid: &self.rest.ids,
                key: secret(at).map(Secret::expose),
                warnings,
                ..plain(key)
            })
        };
        // SECURITY: room for everything at once, so that growing leaves no copy behind.
        let mut text = Zeroizing::new(Vec::with_capacity(self.keys.len() * 2048 + 4096));
        let written = match &ui.format {
            Format::Json if self.keys.len() > 1 => {
                let keys = Keys { keys: records().collect() };
                json::write(&mut *text, &keys).and_then(|()| text.write_all(b"\n"))
            }
            Format::Table | Format::Wide | Format::Json | Format::Jsonl => {
                records().try_for_each(|record| {
                    json::write(&mut *text, &record)?;
                    text.write_all(b"\n")
                })
            }
            // SECURITY: a TSV line is put together from copies, so the secret is added to it here and not there.
            Format::Tsv => self.keys.iter().enumerate().try_for_each(|(at, key)| {
                let secret = secret(at).map_or("", Secret::expose);
                if at == 0 && ui.has_header {
                    writeln!(text, "{}\tkey", tsv::header(&plain(key)))?;
                }
                writeln!(text, "{}\t{secret}", tsv::line(&plain(key)))
            }),
            // SECURITY: as above.
            Format::Value(field) if field == Minted::SECRET => {
                let keys = 0..self.keys.len();
                keys.into_iter().try_for_each(|at| {
                    let secret = secret(at).map_or("", Secret::expose);
                    writeln!(text, "{secret}")
                })
            }
            Format::Value(field) => self
                .keys
                .iter()
                .try_for_each(|key| writeln!(text, "{}", tsv::value(&plain(key), field))),
        };
        written.map_err(|error| {
            Error::new(Kind::Internal, "the answer could not be rendered").because(error)
        })?;
        Ok(text)
    }
}

/// The secrets alone, one a line: what stdout carries for people, and a file or a command in any case.
pub fn plain(secrets: &[Secret], newline: bool) -> Zeroizing<Vec<u8>> {
    let length: usize = secrets.iter().map(|secret| secret.expose().len() + 1).sum();
    let mut text = Zeroizing::new(Vec::with_capacity(length));
    for secret in secrets {
        text.extend_from_slice(secret.expose().as_bytes());
        if newline {
            text.push(b'\n');
        }
    }
    text
}

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
