//! `keyward mint`, and what a key is to have, as the options of mint and ensure.

use std::collections::BTreeMap;

use crate::commands::hand_over::{Answer, HandOver};
use crate::commands::sink::{Delivery, HoldArgs, SinkArgs};
use crate::context::Context;
use crate::domain::idempotency::IdempotencyKey;
use crate::domain::label::{Label, Owner};
use crate::domain::{Name, Network, Safe, When};
use crate::error::{Error, Result};
use crate::ops::access::Actor;
use crate::ops::idempotent::{self, Outcome};
use crate::ops::mint;
use crate::output::view::KeyView;
use crate::signals::Interrupts;
use crate::store::Store;

/// Mint a key and deliver its secret once
///
/// The key stays pending until its whole secret has been delivered, and is void if that fails. Only the secret goes to
/// stdout. If there is no store, one is created with the workspace "default".
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward mint ci-pipeline
  keyward mint deploy -e test --expires 90d --owner platform --label team=core
  keyward mint deploy --out deploy.key
  keyward mint web --dotenv .env --var API_KEY
  keyward mint worker -- install -m 600 /dev/stdin worker.key
  keyward mint job --idempotency-key run-42 --out job.key
  keyward mint device --count 3 --output jsonl")]
pub struct Args {
    /// The key's name, 1 to 64 characters
    #[arg(value_name = "NAME")]
    name: Name,

    #[command(flatten)]
    wish: WishArgs,

    /// Mint this many keys, named NAME-1, NAME-2, ...
    #[arg(long, value_name = "N", default_value_t = 1, hide_default_value = true,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    count: u32,

    /// Makes retries safe: within a week the same WORD mints no second key, unless the first was not delivered
    #[arg(long, value_name = "WORD", conflicts_with = "count")]
    idempotency_key: Option<IdempotencyKey>,

    #[command(flatten)]
    hold: HoldArgs,

    #[command(flatten)]
    sink: SinkArgs,
}

pub fn run(args: Args, context: &mut Context) -> Result<()> {
    let delivery = args.sink.chosen(context, args.count, args.hold.hold)?;
    let wish = args.wish;
    let request = mint::Request {
        workspace: context.workspace.clone(),
        name: args.name,
        count: args.count,
        labels: wish.labels(),
        environment: wish.environment,
        scopes: wish.scopes,
        expires: wish.expires,
        allow: wish.allow,
        owner: wish.owner.map(|owner| owner.0),
        plan: wish.plan,
    };
    if let Some(name) = args.idempotency_key {
        return idempotent(context, request, name, delivery);
    }
    delivery.check()?;
    let mut store = open(context, &request, &delivery)?;
    let actor = context.actor(&mut store)?;
    let interrupts = Interrupts::watch()?;
    let now = context.now();
    let minted = mint::run(&mut store, &actor, &request, now, &mut context.rng)?;
    hand_over(context, minted).run(context, &mut store, &actor, &delivery, &interrupts)
}

/// Mints under an idempotency key, or finds that this was done before.
fn idempotent(
    context: &mut Context,
    request: mint::Request,
    name: IdempotencyKey,
    mut delivery: Delivery,
) -> Result<()> {
    let mut request = idempotent::Request {
        mint: request,
        name,
        hold: delivery.hold,
        holding: delivery.sink.look()?.holding,
    };
    let mut store = open(context, &request.mint, &delivery)?;
    let actor = context.actor(&mut store)?;
    let interrupts = Interrupts::watch()?;
    let _turn = store.turn(|| interrupts.heed())?;
    let mut rng = context.rng;
    let clock = || context.now();
    match idempotent::prepare(&mut store, &actor, &mut request, &mut delivery, clock, &mut rng)? {
        Outcome::Due(minted) => {
            hand_over(context, minted).run(context, &mut store, &actor, &delivery, &interrupts)
        }
        Outcome::Finished(key) => {
            let sentence = format!("minted {} ({})", Safe(&key.name), key.id);
            context.ui.change(&KeyView::new(&key, context.now()), &sentence)
        }
        Outcome::Delivered { key, way_out } => {
            let now = context.now();
            let fate = match key.is_living(now) {
                true => "was minted and handed over before".to_owned(),
                // Perhaps before it was handed over.
                false => format!("was minted before and is {}", key.standing(now).word()),
            };
            Err(Error::conflict(format!("{} {fate}", key.id)).hinted(way_out))
        }
    }
}

/// Opens the store, or makes it when the keys can be minted in an empty one and delivered.
fn open(context: &Context, request: &mint::Request, delivery: &Delivery) -> Result<Store> {
    let now = context.now();
    let mut rng = context.rng;
    context.open_or_create_store(|empty| {
        delivery.check()?;
        let nobody = Actor::Operator(String::new());
        let one = mint::Request { count: 1, ..request.clone() };
        mint::run(empty, &nobody, &one, now, &mut rng).map(drop)
    })
}

fn hand_over(context: &Context, minted: mint::Outcome) -> HandOver {
    if minted.made_workspace {
        context.ui.status("created the workspace \"default\"");
    }
    let answer = Answer { keys: minted.keys, ..Answer::default() };
    HandOver { answer, secrets: minted.secrets }
}

/// What a key is to have.
#[derive(Debug, clap::Args)]
pub struct WishArgs {
    /// The environment [default: the policy's first]
    #[arg(short, long, value_name = "ENV")]
    pub environment: Option<String>,

    /// A scope the key has (can be repeated)
    #[arg(long = "scope", value_name = "SCOPE")]
    pub scopes: Vec<String>,

    /// When the key expires: a date, an RFC 3339 time, a duration such as 90d, or never
    #[arg(long, value_name = "WHEN")]
    pub expires: Option<When>,

    /// An address or network the key may be used from (can be repeated)
    #[arg(long, value_name = "CIDR")]
    pub allow: Vec<Network>,

    /// Person or team responsible for the key
    #[arg(long, value_name = "OWNER")]
    pub owner: Option<Owner>,

    /// A label (can be repeated)
    #[arg(long = "label", value_name = "NAME=VALUE")]
    labels: Vec<Label>,

    /// A plan of the policy only for this key: its rate replaces the workspace's, its quota applies as well as the workspace's
    #[arg(long, value_name = "PLAN")]
    pub plan: Option<String>,
}

impl WishArgs {
    /// The labels by their names; of two of one name the last.
    pub fn labels(&self) -> BTreeMap<String, String> {
        let labels = self.labels.iter().cloned();
        labels.map(|label| (label.name, label.value)).collect()
    }
}
