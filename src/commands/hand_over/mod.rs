//! A hand-over as a command sees it: the sink it goes to, and what is answered. The order of things is `ops::hand_over`'s.
//!
//! This module never changes a key by itself.

mod answer;

use zeroize::Zeroizing;

pub use answer::Answer;

use crate::commands::sink::Delivery;
use crate::context::Context;
use crate::delivery::{Payload, Sink};
use crate::domain::Timestamp;
use crate::domain::holding::Place;
use crate::domain::secret::Secret;
use crate::error::Result;
use crate::ops::access::Actor;
use crate::ops::hand_over::{self, Delivered, Outcome, Request, TakeBack};
use crate::ops::provision::Due;
use crate::signals::Interrupts;
use crate::store::Store;

/// Pending keys on their way to their holder.
pub struct HandOver {
    /// The keys, and the one they replace.
    pub answer: Answer,
    /// The keys' secrets, in the same order.
    pub secrets: Vec<Secret>,
}

impl HandOver {
    /// Of a key that provisioning has minted.
    pub fn provisioned(context: &Context, due: Due) -> Self {
        if due.made_workspace {
            context.ui.status("created the workspace \"default\"");
        }
        let answer = Answer {
            action: Some(due.action()),
            keys: vec![due.key],
            old: due.old,
            ..Answer::default()
        };
        Self { answer, secrets: vec![due.secret] }
    }

    /// Delivers the secrets, makes the keys live unless they are held, and answers.
    pub fn run(
        self,
        context: &Context,
        store: &mut Store,
        actor: &Actor,
        delivery: &Delivery,
        interrupts: &Interrupts,
    ) -> Result<()> {
        let mut answer = self.deliver(context, store, actor, delivery, interrupts)?;
        let is_answer = matches!(delivery.sink, Sink::Stdout);
        if !is_answer && !context.ui.is_for_people() {
            answer.warnings = delivery.sink.warnings();
            let text = answer.render(&context.ui, None, context.now())?;
            context.ui.after(&answer.done(delivery), || {
                context.ui.data(&String::from_utf8_lossy(&text))
            })?;
        }
        answer.tell(context, delivery);
        Ok(())
    }

    /// Delivers the secrets and makes the keys live unless they are held. Returns the answer, in which they are. If that
    /// fails, the keys are void.
    pub fn deliver(
        self,
        context: &Context,
        store: &mut Store,
        actor: &Actor,
        delivery: &Delivery,
        interrupts: &Interrupts,
    ) -> Result<Answer> {
        let Self { mut answer, secrets } = self;
        let request = Request { keys: &answer.keys, secrets, hold: delivery.hold };
        let deliver = |secrets: &[Secret]| {
            let handed_at = context.now();
            let text = &answer.text(context, delivery, secrets, handed_at)?;
            let placed = delivery.sink.deliver(&Payload { secrets, text }, interrupts)?;
            Ok(Delivered {
                live_at: matches!(delivery.sink, Sink::Stdout).then_some(handed_at),
                take_back: placed.map(|placed| Box::new(|| placed.take_back()) as TakeBack<'_>),
                finish: None,
            })
        };
        let outcome = hand_over::run(store, actor, request, || context.now(), deliver)?;
        if let Outcome::Live(live) = outcome {
            answer.keys.clear();
            for outcome in live {
                answer.keys.push(outcome.key);
                answer.old = outcome.replaced.or(answer.old);
                answer.ended = outcome.ended;
            }
        }
        Ok(answer)
    }
}

impl Answer {
    /// What the sink gets. On stdout that is the answer, which shows the keys as they will be once it has been read.
    fn text(
        &self,
        context: &Context,
        delivery: &Delivery,
        secrets: &[Secret],
        handed_at: Timestamp,
    ) -> Result<Zeroizing<Vec<u8>>> {
        match (&delivery.sink, &context.ui.format) {
            (Sink::Stdout, format) if !format.is_for_people() => {
                let answer = if delivery.hold { self.clone() } else { self.foretold(handed_at) };
                answer.render(&context.ui, Some(secrets), handed_at)
            }
            _ => Ok(answer::plain(secrets, delivery.newline)),
        }
    }
}

impl hand_over::Sink for Delivery {
    fn look(&self) -> Result<Place> {
        self.sink.look()
    }

    fn check(&mut self, may_replace: bool) -> Result<()> {
        self.sink = self.sink.clone().replacing(may_replace);
        self.sink.check()
    }

    fn confirm(&self) -> Result<()> {
        self.sink.confirm()
    }
}
