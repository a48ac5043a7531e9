//! `keyward mint`.
//!
//! This module never makes a key live: `hand_over` does, after the delivery.

use crate::commands::Exit;
use crate::commands::hand_over::{Answer, Parcel};
use crate::commands::sink::SinkArgs;
use crate::context::Context;
use crate::delivery::Interrupts;
use crate::domain::address::Network;
use crate::domain::label::{Label, Owner};
use crate::domain::name::Name;
use crate::domain::timestamp::When;
use crate::error::Result;
use crate::ops::access::Actor;
use crate::ops::mint;

/// Mint a key and deliver its secret once
///
/// The key is pending until its secret has wholly reached its sink, and is void if it never does: no live key without a
/// holder. On stdout the secret is all there is. Without a store, one is made with a workspace "default".
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward mint ci-pipeline
  keyward mint deploy -e test --expires 90d --owner platform --label team=core
  keyward mint deploy --out deploy.key
  keyward mint web --dotenv .env --var API_KEY
  keyward mint worker -- cat
  keyward mint device --count 3 --output jsonl")]
pub struct Args {
    /// The key's name, 1 to 64 characters
    #[arg(value_name = "NAME")]
    name: Name,

    /// The environment [default: the policy's first]
    #[arg(short, long, value_name = "ENV")]
    environment: Option<String>,

    /// A scope the key has (can be repeated)
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,

    /// When the key expires: a date, an RFC 3339 time, a duration such as 90d, or never
    #[arg(long, value_name = "WHEN")]
    expires: Option<When>,

    /// An address or network the key may be used from (can be repeated)
    #[arg(long, value_name = "CIDR")]
    allow: Vec<Network>,

    /// Who answers for the key
    #[arg(long, value_name = "OWNER")]
    owner: Option<Owner>,

    /// A label (can be repeated)
    #[arg(long = "label", value_name = "NAME=VALUE")]
    labels: Vec<Label>,

    /// Mint this many keys, named NAME-1, NAME-2, ...
    #[arg(long, value_name = "N", default_value_t = 1, hide_default_value = true,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    count: u32,

    #[command(flatten)]
    sink: SinkArgs,
}

/// Runs the command.
pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let delivery = args.sink.delivery(context, args.count)?;
    let request = mint::Request {
        workspace: context.workspace.clone(),
        name: args.name,
        count: args.count,
        environment: args.environment,
        scopes: args.scopes,
        expires: args.expires,
        allow: args.allow,
        owner: args.owner.map(|owner| owner.0),
        labels: args
            .labels
            .into_iter()
            .map(|label| (label.name, label.value))
            .collect(),
    };
    let now = context.now();
    let mut rng = context.rng;
    let mut store = context.open_or_create_store(|empty| {
        let nobody = Actor::Operator(String::new());
        mint::run(
            empty,
            &nobody,
            &mint::Request {
                count: 1,
                ..request.clone()
            },
            now,
            &mut rng,
        )
        .map(drop)
    })?;
    let actor = context.actor(&mut store)?;
    let interrupts = Interrupts::watch()?;
    let minted = mint::run(
        &mut store,
        &actor,
        &request,
        context.now(),
        &mut context.rng,
    )?;
    if minted.made_workspace {
        context.ui.status("made the workspace \"default\"");
    }
    let answer = Answer {
        keys: minted.keys,
        old: None,
    };
    let parcel = Parcel {
        answer,
        secrets: minted.secrets,
    };
    parcel.hand_over(context, &mut store, &actor, &delivery, &interrupts)?;
    Ok(0)
}
