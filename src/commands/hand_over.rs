//! Handing secrets over and only then making their keys live: what mint and rotate share.
//!
//! This module never leaves a live key without a holder: whatever goes wrong before the end voids the keys.

use std::io::Write;

use zeroize::Zeroizing;

use crate::commands::sink::Delivery;
use crate::context::Context;
use crate::delivery::{HandOver, Interrupts, Sink};
use crate::domain::key::{Key, KeyId, State};
use crate::domain::sanitize::Safe;
use crate::domain::secret::Secret;
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::ops::access::Actor;
use crate::ops::activate;
use crate::output::relative::relative_or_never;
use crate::output::ui::Format;
use crate::output::view::{Keys, Minted};
use crate::output::{json, tsv};
use crate::store::Store;

/// Pending keys on their way to their holder.
pub struct Parcel {
    /// The keys.
    pub keys: Vec<Key>,
    /// Their secrets, in the same order.
    pub secrets: Vec<Secret>,
    /// The key that the only one replaces.
    pub old: Option<Key>,
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
        let ids: Vec<KeyId> = self.keys.iter().map(|key| key.id.clone()).collect();
        let to_stdout = matches!(delivery.sink, Sink::Stdout);
        let handed_at = context.now();
        let delivered = match to_stdout {
            // The answer is the delivery: it shows the keys as they will be when it has been read.
            true => {
                let foretold = self.foretell(delivery.hold, handed_at);
                foretold.render(context.ui.format, delivery.newline, true, handed_at)
            }
            false => Ok(plain(&self.secrets, delivery.newline)),
        }
        .and_then(|text| {
            let hand_over = HandOver {
                secrets: &self.secrets,
                text: &text,
            };
            delivery.sink.deliver(&hand_over, interrupts)
        });
        if let Err(error) = delivered {
            return Err(self.void(context, store, error));
        }
        if !delivery.hold {
            // A grace starts when the new secret is live, so a slow sink must not eat into it.
            let live_at = if to_stdout { handed_at } else { context.now() };
            let activated = match activate::complete(store, actor, &ids, live_at) {
                Ok(activated) => activated,
                Err(error) => return Err(self.explain(context, store, error)),
            };
            for outcome in &activated {
                self.old = outcome.replaced.clone().or(self.old);
            }
            self.keys = activated.into_iter().map(|outcome| outcome.key).collect();
        }
        if !to_stdout && context.ui.format != Format::Table {
            let text = self.render(context.ui.format, delivery.newline, false, context.now())?;
            context
                .ui
                .data(std::str::from_utf8(&text).expect("views are ASCII or escaped text"))?;
        }
        self.frame(context, delivery);
        Ok(())
    }

    /// The parcel as it will be once it is delivered.
    fn foretell(&self, hold: bool, now: Timestamp) -> Foretold<'_> {
        let mut keys = self.keys.clone();
        let mut old = self.old.clone();
        if !hold {
            for key in &mut keys {
                key.state = State::Active;
                if let Some(old) = &mut old {
                    key.supersede(old, now);
                }
            }
        }
        Foretold {
            keys,
            old,
            secrets: &self.secrets,
        }
    }

    fn render(
        &self,
        format: Format,
        newline: bool,
        shown: bool,
        now: Timestamp,
    ) -> Result<Zeroizing<Vec<u8>>> {
        let foretold = Foretold {
            keys: self.keys.clone(),
            old: self.old.clone(),
            secrets: &self.secrets,
        };
        foretold.render(format, newline, shown, now)
    }

    /// Voids the keys because of this error, which is then the command's.
    fn void(&self, context: &Context, store: &mut Store, error: Error) -> Error {
        let ids: Vec<KeyId> = self.keys.iter().map(|key| key.id.clone()).collect();
        let actor = self
            .keys
            .first()
            .map(|key| key.created_by.clone())
            .unwrap_or_default();
        if activate::void(store, &actor, &ids, context.now()).is_err() {
            context.ui.warn("the key could not be voided now; it is pending, verifies nowhere, and voids itself in a day");
        }
        error
    }

    /// What a delivered secret is worth when its key could not be made live.
    fn explain(&self, context: &Context, store: &mut Store, error: Error) -> Error {
        match error.kind() {
            Kind::Refused(_) | Kind::DeliveryFailed => {
                let reason = error.to_string();
                let error = Error::new(Kind::DeliveryFailed, format!("the key is void: {reason}"));
                self.void(context, store, error)
            }
            _ => error.hinted(
                "the secret was delivered but its key is pending: send it to `keyward activate`",
            ),
        }
    }

    fn frame(&self, context: &Context, delivery: &Delivery) {
        let now = context.now();
        let place = match &delivery.sink {
            Sink::Stdout => "on stdout".to_owned(),
            Sink::File(sink) => format!("in {}", Safe(&sink.path.to_string_lossy())),
            Sink::Dotenv(sink) => {
                format!(
                    "as {} in {}",
                    sink.variable,
                    Safe(&sink.path.to_string_lossy())
                )
            }
            Sink::GithubEnv(sink) => format!("as {} for the job's later steps", sink.variable),
            Sink::GithubOutput(sink) => format!("as the step's output {}", sink.variable),
            Sink::Command(sink) => format!("with {}", Safe(&sink.program.to_string_lossy())),
        };
        match self.keys.as_slice() {
            [key] => {
                let verb = if self.old.is_some() {
                    "rotated"
                } else {
                    "minted"
                };
                context.ui.status(&format!(
                    "{verb} {} in {}/{}\n  id       {}\n  prefix   {}\n  expires  {}",
                    Safe(&key.name),
                    Safe(&key.workspace),
                    key.environment,
                    key.id,
                    key.prefix,
                    relative_or_never(key.expires_at, now),
                ));
                if let (Some(old), false) = (&self.old, delivery.hold) {
                    let fate = match old.state {
                        State::Revoked => "is revoked".to_owned(),
                        _ => format!("expires {}", relative_or_never(old.expires_at, now)),
                    };
                    context.ui.status(&format!("  old key  {} {fate}", old.id));
                }
            }
            keys => context.ui.status(&format!("minted {} keys", keys.len())),
        }
        context
            .ui
            .status(&format!("the secret is {place}, shown only this once"));
        if delivery.hold {
            context.ui.status(
                "the key is pending until its holder sends the secret to `keyward activate`",
            );
        }
    }
}

/// What an answer shows of a parcel.
struct Foretold<'a> {
    keys: Vec<Key>,
    old: Option<Key>,
    secrets: &'a [Secret],
}

impl Foretold<'_> {
    /// Renders the answer, with the secrets when it is itself the delivery.
    fn render(
        &self,
        format: Format,
        newline: bool,
        shown: bool,
        now: Timestamp,
    ) -> Result<Zeroizing<Vec<u8>>> {
        let records = || {
            self.keys.iter().zip(self.secrets).map(|(key, secret)| {
                Minted::new(key, self.old.as_ref(), shown.then_some(secret), now)
            })
        };
        // SECURITY: room for everything at once, so that no copy is left behind by growing.
        let mut text = Zeroizing::new(Vec::with_capacity(self.keys.len() * 2048 + 4096));
        let written = match format {
            Format::Table => return Ok(plain(self.secrets, newline)),
            Format::Json if self.keys.len() == 1 => records()
                .try_for_each(|record| json::write(&mut *text, &record))
                .and_then(|()| text.write_all(b"\n")),
            Format::Json => {
                let keys = Keys {
                    keys: records().collect(),
                };
                json::write(&mut *text, &keys).and_then(|()| text.write_all(b"\n"))
            }
            Format::Jsonl => records().try_for_each(|record| {
                json::write(&mut *text, &record).and_then(|()| text.write_all(b"\n"))
            }),
            // SECURITY: a TSV line is put together from copies, so the secret is added to it here and not there.
            Format::Tsv => self
                .keys
                .iter()
                .zip(self.secrets)
                .try_for_each(|(key, secret)| {
                    let record = Minted::new(key, self.old.as_ref(), None, now);
                    let secret = if shown { secret.expose() } else { "" };
                    writeln!(text, "{}\t{secret}", tsv::line(&record))
                }),
        };
        written.map_err(|error| {
            Error::new(Kind::Internal, "the answer could not be rendered").because(error)
        })?;
        Ok(text)
    }
}

/// The secrets alone, one a line.
fn plain(secrets: &[Secret], newline: bool) -> Zeroizing<Vec<u8>> {
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
