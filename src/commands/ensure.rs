//! `keyward ensure`.

use crate::commands::hand_over::HandOver;
use crate::commands::mint::WishArgs;
use crate::commands::sink::SinkArgs;
use crate::context::Context;
use crate::delivery::{Existing, Sink};
use crate::domain::holding::Action;
use crate::domain::manifest::Wanted;
use crate::domain::{Key, Lifetime, Name, Safe};
use crate::error::{Error, Result};
use crate::ops::access::Actor;
use crate::ops::provision::{self, Outcome, Step};
use crate::output::ui::Format;
use crate::output::view::Minted;
use crate::signals::Interrupts;

/// Ensure a key exists and its secret is in place
///
/// Mints the key if it does not exist, and rotates it if it expires within --rotate-before. Otherwise it only updates
/// scopes, addresses, owner and labels you give that differ; each replaces the whole set. Running it again changes nothing.
/// A file named by --out or --dotenv must still contain the secret. Only one run at a time works in a store; if a run is
/// killed, the next one finishes its work.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward ensure deploy --out deploy.key
  keyward ensure deploy --expires 90d --rotate-before 14d --out deploy.key
  keyward ensure web -e test --owner platform --dotenv .env --var API_KEY
  keyward ensure worker --rotate-if-missing --out worker.key
  keyward ensure vault -- install -m 600 /dev/stdin vault.key")]
pub struct Args {
    /// The key's name, 1 to 64 characters
    #[arg(value_name = "NAME")]
    name: Name,

    #[command(flatten)]
    wish: WishArgs,

    /// Rotate the key when it expires within this time
    #[arg(long, value_name = "DURATION")]
    rotate_before: Option<Lifetime>,

    /// How long a rotated key's old secret stays valid [default: the policy's, 24h]
    #[arg(long, value_name = "DURATION")]
    grace: Option<Lifetime>,

    /// Rotate the key if the file named by --out or --dotenv does not contain its secret, replacing the file
    #[arg(long)]
    rotate_if_missing: bool,

    #[command(flatten)]
    sink: SinkArgs,
}

pub fn run(args: Args, context: &mut Context) -> Result<()> {
    let rotate_if_missing = args.rotate_if_missing;
    let mut delivery = args.sink.chosen(context, 1, false)?;
    if let Sink::File(file) = &mut delivery.sink {
        file.existing = Existing::Kept;
    }
    let can_be_looked_at = matches!(delivery.sink, Sink::File(_) | Sink::Dotenv(_));
    if rotate_if_missing && !can_be_looked_at {
        return Err(Error::usage("--rotate-if-missing needs a file to look into").hinted(
            "deliver with --out FILE or --dotenv FILE --var NAME, or use `keyward rotate`",
        ));
    }
    let wish = args.wish;
    let labels = wish.labels();
    let mut request = provision::Request {
        workspace: context.workspace.clone(),
        wanted: Wanted {
            name: args.name,
            environment: wish.environment,
            scopes: Some(wish.scopes).filter(|scopes| !scopes.is_empty()),
            expires: wish.expires,
            allow: Some(wish.allow).filter(|allow| !allow.is_empty()),
            owner: wish.owner.map(|owner| owner.0),
            labels: Some(labels).filter(|labels| !labels.is_empty()),
            plan: wish.plan,
            rotate_before: args.rotate_before,
            grace: args.grace,
            rotate_if_missing,
        },
        place: delivery.sink.look()?,
    };
    let now = context.now();
    let mut rng = context.rng;
    let sink = delivery.sink.clone();
    let mut store = context.open_or_create_store(|empty| {
        sink.replacing(rotate_if_missing).check()?;
        let nobody = Actor::Operator(String::new());
        provision::run(empty, &nobody, &request, now, &mut rng).map(drop)
    })?;
    let actor = context.actor(&mut store)?;
    if let Ok(decision) = provision::preview(&mut store, &actor, &request, now)
        && let Step::Leave(key) = decision.step
    {
        // There is no need to wait for a process that is handing over another key.
        return settled(context, &key, Action::Unchanged, &delivery.sink);
    }
    let interrupts = Interrupts::watch()?;
    let _turn = store.turn(|| interrupts.heed())?;
    let clock = || context.now();
    match provision::prepare(&mut store, &actor, &mut request, &mut delivery, clock, &mut rng)? {
        Outcome::Due(due) => {
            let hand_over = HandOver::provisioned(context, *due);
            hand_over.run(context, &mut store, &actor, &delivery, &interrupts)
        }
        Outcome::Settled(key, action) => settled(context, &key, action, &delivery.sink),
    }
}

/// Answers where nothing was delivered.
fn settled(context: &Context, key: &Key, action: Action, sink: &Sink) -> Result<()> {
    let name = Safe(&key.name);
    let told = format!("{name} was delivered before, so nothing was delivered now");
    match sink {
        Sink::File(_) | Sink::Dotenv(_) => {}
        // It has the secret, as far as can be known.
        Sink::Command(_) => context.ui.status(&told),
        // What was to get it is empty.
        Sink::Stdout | Sink::GithubEnv(_) | Sink::GithubOutput(_) => context.ui.warn(&told),
    }
    let sentence = match action {
        Action::Unchanged => format!("no change: {} ({}) is up to date", Safe(&key.name), key.id),
        _ => format!("{} {} ({})", action.word(), Safe(&key.name), key.id),
    };
    let warnings = sink.warnings();
    for warning in &warnings {
        context.ui.warn(warning);
    }
    let mut view = Minted::new(key, context.now()).by(action);
    // A TSV line has no room for them.
    if context.ui.format != Format::Tsv {
        view.warnings = &warnings;
    }
    context.ui.change(&view, &sentence)
}
