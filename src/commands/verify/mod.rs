//! `keyward verify`.
//!
//! This module never takes an error for "valid": only a verdict of valid exits 0.

pub mod stream;

use std::path::PathBuf;

use clap::ValueHint;

use crate::context::{Context, SecretSource};
use crate::domain::address::Origin;
use crate::domain::verdict::{Ask, Verdict};
use crate::domain::{Code, Safe, Timestamp, secret};
use crate::error::{Exit, Result};
use crate::ops::access::Actor;
use crate::ops::verifier::asked::Template;
use crate::ops::verifier::{Kept, Verifier};
use crate::output::relative::relative;
use crate::output::view::{Answered, VerdictView};
use crate::store::Store;

/// Check a secret and say whether it is valid
///
/// The secret is read from stdin, from a hidden prompt on a terminal, or from --file or --env. The exit status is the
/// verdict: 0 valid, 10 not found or malformed, 11 revoked, 12 expired, 13 pending or disabled, 14 wrong environment, scope
/// or address, 15 limited. With --quiet it is the only answer.
///
/// A valid request counts against the key's rate and the workspace's monthly quota if the workspace's plan has them. A
/// rejected one costs nothing.
///
/// With --stream, keyward answers every line of stdin with a line of JSON, in order: a line is a bare secret, or
/// {"key": SECRET, "id": ANYTHING, "environment": ENV, "scopes": [SCOPE], "ip": ADDRESS, "cost": N}. All but "key" are
/// optional, and may be null or an empty string. The options apply to lines that do not say otherwise. A change committed by any
/// process applies to the next line. Uses are recorded within a second, at the end of input, and on SIGTERM. While there is
/// no store, lines are answered with store_not_found and the status 503.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward verify < secret-file
  keyward verify --file secret-file -e live --ip 203.0.113.7
  keyward verify --file secret-file --require read --json
  keyward verify --file secret-file --cost 5
  keyward verify --file secret-file --no-record
  keyward verify --stream < requests.jsonl")]
pub struct Args {
    #[command(flatten)]
    source: SourceArgs,

    /// The environment the key must belong to
    #[arg(short, long, value_name = "ENV")]
    environment: Option<String>,

    /// A scope the key must have (can be repeated)
    #[arg(long, value_name = "SCOPE")]
    require: Vec<String>,

    /// The address of the request (a port is ignored); a key with an allow-list is denied without it
    #[arg(long, value_name = "ADDRESS")]
    ip: Option<Origin>,

    /// The credits that a valid request costs; 0 is accepted even if the quota is spent
    #[arg(long, value_name = "N", default_value_t = 1)]
    cost: u32,

    /// Do not record the use or count it against limits
    #[arg(long)]
    no_record: bool,

    /// Answer requests, one per line, until stdin ends
    #[arg(long, conflicts_with_all = ["file", "env"])]
    stream: bool,
}

/// Where a secret is read from.
#[derive(Debug, clap::Args)]
pub struct SourceArgs {
    /// Read the secret from this file
    #[arg(long, value_name = "FILE", conflicts_with = "env", value_hint = ValueHint::FilePath)]
    file: Option<PathBuf>,

    /// Read the secret from this environment variable
    #[arg(long, value_name = "VAR")]
    env: Option<String>,
}

impl SourceArgs {
    pub fn source(&self) -> SecretSource {
        match (&self.file, &self.env) {
            (Some(path), _) if path.as_os_str() == "-" => SecretSource::Stdin,
            (Some(path), _) => SecretSource::File(path.clone()),
            (None, Some(name)) => SecretSource::Variable(name.clone()),
            (None, None) => SecretSource::Stdin,
        }
    }
}

pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let template = Template {
        ask: Ask {
            environment: args.environment,
            address: args.ip.and_then(|origin| origin.0),
            scopes: args.require,
        },
        workspace: None,
        cost: args.cost,
        record: !args.no_record,
    };
    if args.stream {
        return stream::run(&template, context);
    }
    let mut verifier = open(context)?.remembering(0);
    let secret = context.read_secret(&args.source.source(), "secret")?;
    let slip = secret::slip(&secret);
    let now = context.now();
    let request = template.request(secret);
    let verdict = verifier.verify_once(&request, now)?;
    // SECURITY: the secret goes before anything is written, which may take as long as its reader wants.
    let ask = request.ask.clone();
    drop(request);
    // With --quiet, the exit status is the answer.
    if context.ui.quiet {
        return Ok(verdict.code.exit());
    }
    let view = VerdictView::new(&verdict, &ask, now);
    context.ui.record(&view, || sentence(&verdict, &view.message, now))?;
    if let (Code::Malformed, Some(slip)) = (verdict.code, slip) {
        context.ui.hint(slip);
    }
    if template.record && verdict.code == Code::Valid && !verdict.recorded {
        context.ui.warn("the use could not be recorded");
    }
    Ok(verdict.code.exit())
}

fn open(context: &mut Context) -> Result<Verifier<Answered>> {
    let store = context.open_store()?;
    admit(context, store)
}

/// Lets the caller in.
fn admit(context: &mut Context, mut store: Store) -> Result<Verifier<Answered>> {
    // Verifying leaves nothing that would name the operator, so the account's name need not be looked up.
    let operator = || Actor::Operator(String::new());
    let actor = context.caller(&mut store)?.unwrap_or_else(operator);
    Ok(Verifier::new(store, actor, Answered::from).within(context.workspace.clone()))
}

fn sentence(verdict: &Verdict<Kept<Answered>>, message: &str, now: Timestamp) -> String {
    let code = verdict.code.word();
    let Some(key) = &verdict.subject else {
        return format!("{code}: {message}\n");
    };
    let mut sentence = format!(
        "{code}: {} ({}) in {}/{}",
        Safe(&key.name),
        key.id,
        Safe(&key.workspace),
        Safe(&key.environment),
    );
    if verdict.code != Code::Valid {
        return sentence + &format!(": {message}\n");
    }
    match key.expires_at {
        Some(expires_at) => sentence += &format!(", expires {}", relative(expires_at, now)),
        None => sentence += ", never expires",
    }
    if let Some(remaining) = verdict.remaining {
        sentence += &format!(", {remaining} left");
    }
    sentence + "\n"
}
