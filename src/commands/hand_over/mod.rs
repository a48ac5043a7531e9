//! Handing secrets over and only then making their keys live: what mint, rotate, ensure and apply share.
//!
//! This module never leaves a live key without a holder: whatever goes wrong before the end voids the keys.

mod answer;

use zeroize::Zeroizing;

pub use answer::Answer;

use crate::commands::sink::Delivery;
use crate::context::Context;
use crate::delivery::{HandOver, Placed, Sink};
use crate::domain::key::{Key, State};
use crate::domain::sanitize::{Safe, SafePath};
use crate::domain::secret::Secret;
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::ops::access::Actor;
use crate::ops::activate;
use crate::output::relative::relative_or_never;
use crate::output::ui::Format;
use crate::signals::Interrupts;
use crate::store::Store;

/// Pending keys on their way to their holder.
pub struct Parcel {
    /// The keys, and the one they replace.
    pub answer: Answer,
    /// The keys' secrets, in the same order.
    pub secrets: Vec<Secret>,
}

impl Parcel {
    /// Delivers the secrets, makes the keys live unless they are held, and answers.
    ///
    /// # Errors
    /// `delivery_failed` or `interrupted`, the keys then being void; the store's.
    pub fn hand_over(
        mut self,
        context: &Context,
        store: &mut Store,
        actor: &Actor,
        delivery: &Delivery,
        interrupts: &Interrupts,
    ) -> Result<()> {
        self.send(context, store, actor, delivery, interrupts)?;
        let is_answer = matches!(delivery.sink, Sink::Stdout);
        if !is_answer && !context.ui.is_for_people() {
            self.answer.warnings = delivery.sink.warnings();
            let text = self.answer.render(context.ui.format, None, context.now())?;
            context.ui.after(&self.done(delivery), || {
                context.ui.data(&String::from_utf8_lossy(&text))
            })?;
        }
        self.tell(context, delivery);
        Ok(())
    }

    /// Delivers the secrets and makes the keys live unless they are held.
    ///
    /// # Errors
    /// As [`Parcel::hand_over`].
    pub fn send(
        &mut self,
        context: &Context,
        store: &mut Store,
        actor: &Actor,
        delivery: &Delivery,
        interrupts: &Interrupts,
    ) -> Result<()> {
        let handed_at = context.now();
        let delivered = self.text(context, delivery, handed_at).and_then(|text| {
            let hand_over = HandOver {
                secrets: &self.secrets,
                text: &text,
            };
            delivery.sink.deliver(&hand_over, interrupts)
        });
        let placed = match delivered {
            Ok(placed) => placed,
            Err(error) => return Err(self.void(context, store, error)),
        };
        // An answer that was shown must come true to the millisecond; behind any other sink, which may have taken
        // its time, the grace of the old key starts now.
        let live_at = match delivery.sink {
            Sink::Stdout => handed_at,
            _ => context.now(),
        };
        if delivery.hold {
            return activate::hold(store, actor, &self.answer.keys, live_at);
        }
        self.activate(context, store, actor, placed, live_at)
    }

    /// The only key.
    pub fn into_key(mut self) -> Key {
        self.answer.keys.pop().expect("a parcel has a key")
    }

    /// What the sink gets. On stdout that is the answer, which shows the keys as they will be once it has been read.
    fn text(
        &self,
        context: &Context,
        delivery: &Delivery,
        handed_at: Timestamp,
    ) -> Result<Zeroizing<Vec<u8>>> {
        match (&delivery.sink, context.ui.format) {
            (Sink::Stdout, format @ (Format::Json | Format::Jsonl | Format::Tsv)) => {
                let answer = match delivery.hold {
                    true => self.answer.clone(),
                    false => self.answer.foretold(handed_at),
                };
                answer.render(format, Some(&self.secrets), handed_at)
            }
            _ => Ok(answer::plain(&self.secrets, delivery.newline)),
        }
    }

    fn activate(
        &mut self,
        context: &Context,
        store: &mut Store,
        actor: &Actor,
        placed: Option<Placed>,
        live_at: Timestamp,
    ) -> Result<()> {
        let activated = match activate::complete(store, actor, &self.answer.keys, live_at) {
            Ok(activated) => activated,
            Err(error)
                if matches!(
                    error.kind(),
                    Kind::Refused(_)
                        | Kind::ScopeRejected
                        | Kind::DeliveryFailed
                        | Kind::Conflict
                        | Kind::InvalidExpiry
                ) =>
            {
                let error = Error::new(Kind::DeliveryFailed, error.to_string());
                let error = match placed.map_or(Ok(()), Placed::take_back) {
                    Ok(()) => error,
                    Err(kept) => error.hinted(format!("{kept}, which still holds the void secret")),
                };
                return Err(self.void(context, store, error));
            }
            Err(error) if error.kind() == Kind::UnknownOutcome => {
                return Err(error.hinted("the secret was delivered: `keyward verify` tells whether its key is active, and `keyward activate` makes it so"));
            }
            Err(error) => return Err(error.hinted(self.way_back(context))),
        };
        self.answer.keys.clear();
        for outcome in activated {
            self.answer.keys.push(outcome.key);
            self.answer.old = outcome.replaced.or(self.answer.old.take());
            self.answer.ended = outcome.ended;
        }
        Ok(())
    }

    /// What can be done with secrets that were delivered, whose keys could not be made live. Another file may have taken the
    /// store's place meanwhile.
    fn way_back(&self, context: &Context) -> &'static str {
        let are_pending =
            |mut store: Store| activate::are_pending(&mut store, &self.answer.keys, context.now());
        match context
            .existing_store()
            .and_then(|store| store.map(are_pending).transpose())
        {
            Ok(Some(true)) => {
                "the secret was delivered and its key is pending: send it to `keyward activate`"
            }
            Ok(_) => {
                "the secret was delivered, but its key is not in the store that is there now: mint another"
            }
            Err(_) => {
                "the secret was delivered: when the store can be read, `keyward activate` makes its key live if it has it"
            }
        }
    }

    /// Voids the keys because of this error, and says so in it.
    fn void(&self, context: &Context, store: &mut Store, error: Error) -> Error {
        let minter = self
            .answer
            .keys
            .first()
            .map(|key| key.created_by.clone())
            .unwrap_or_default();
        let fate = match activate::void(store, &minter, &self.answer.keys, context.now()) {
            Ok(true) => "is void",
            Ok(false) => "is live, because its secret was presented meanwhile",
            // It verifies nowhere, and a day later it is.
            Err(_) => "is pending and will be void in a day",
        };
        let subject = if self.secrets.len() == 1 {
            "the key"
        } else {
            "each key"
        };
        let told = Error::new(error.kind(), format!("{error}; {subject} {fate}"));
        match error.hint() {
            Some(hint) => told.hinted(hint),
            None => told,
        }
    }

    /// What was done, in a line.
    fn done(&self, delivery: &Delivery) -> String {
        let place = place(&delivery.sink);
        let (verb, old) = match (&self.answer.old, delivery.hold) {
            (None, _) => ("minted", String::new()),
            (Some(_), true) => ("rotated", String::new()),
            (Some(old), false) if old.state == State::Revoked => {
                ("rotated", format!(", {} is revoked", old.id))
            }
            (Some(old), false) => ("rotated", format!(", {} is superseded", old.id)),
        };
        match self.answer.keys.as_slice() {
            [key] => {
                let name = Safe(&key.name);
                let held = if delivery.hold { ", pending" } else { "" };
                format!("{verb} {name} ({}){held}, its secret {place}{old}", key.id)
            }
            keys => format!("minted {} keys, their secrets {place}", keys.len()),
        }
    }

    /// Tells people what happened, on stderr.
    fn tell(&self, context: &Context, delivery: &Delivery) {
        for warning in delivery.warnings() {
            context.ui.warn(&warning);
        }
        if !self.answer.rest.is_empty() {
            context.ui.warn(&self.answer.rest.to_string());
        }
        let now = context.now();
        match self.answer.keys.as_slice() {
            [key] => context.ui.status(&format!(
                "{} {} in {}/{}\n  id       {}\n  prefix   {}\n  expires  {}",
                if self.answer.old.is_some() {
                    "rotated"
                } else {
                    "minted"
                },
                Safe(&key.name),
                Safe(&key.workspace),
                Safe(&key.environment),
                key.id,
                Safe(&key.prefix),
                relative_or_never(key.expires_at, now),
            )),
            keys => context.ui.status(&format!("minted {} keys", keys.len())),
        }
        if let (Some(old), false) = (&self.answer.old, delivery.hold) {
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
            for id in &self.answer.ended {
                context.ui.status(&format!("  old key  {id} is revoked"));
            }
        }
        let secrets = if self.secrets.len() == 1 {
            "the secret is"
        } else {
            "the secrets are"
        };
        context.ui.status(&format!(
            "{secrets} {}, shown only this once",
            place(&delivery.sink)
        ));
        if delivery.hold {
            context
                .ui
                .status("pending until the holder sends the secret to `keyward activate`");
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
