//! `keyward verify`.
//!
//! This module never takes "cannot tell" for "valid": only a verdict of valid exits 0.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::ValueHint;

use crate::commands::Exit;
use crate::context::{Context, SecretSource};
use crate::domain::address::parse_address;
use crate::domain::key::Key;
use crate::domain::sanitize::Safe;
use crate::domain::timestamp::Timestamp;
use crate::domain::verdict::{Ask, Code};
use crate::error::Result;
use crate::ops::verify;
use crate::output::relative::relative_or_never;
use crate::output::view::VerdictView;

/// Judge a secret
///
/// The secret is read from stdin, from a hidden prompt on a terminal, or from --file or --env. The exit status tells the
/// verdict: 0 valid, 10 not one of ours, 11 revoked, 12 expired, 13 pending or disabled, 14 not for this.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward verify < secret-file
  keyward verify --file secret-file -e live --ip 203.0.113.7
  keyward verify --file secret-file --require read --json
  keyward verify --file secret-file --no-record")]
pub struct Args {
    #[command(flatten)]
    source: SourceArgs,

    /// The environment the key must be of
    #[arg(short, long, value_name = "ENV")]
    environment: Option<String>,

    /// A scope the key must have (can be repeated)
    #[arg(long, value_name = "SCOPE")]
    require: Vec<String>,

    /// The address the request comes from; a key with an allow-list is denied without it
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
    ip: Option<IpAddr>,

    /// Do not record the use
    #[arg(long)]
    no_record: bool,
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
    /// What the options mean.
    pub fn source(&self) -> SecretSource {
        match (&self.file, &self.env) {
            (Some(path), _) if path.as_os_str() == "-" => SecretSource::Stdin,
            (Some(path), _) => SecretSource::File(path.clone()),
            (None, Some(name)) => SecretSource::Variable(name.clone()),
            (None, None) => SecretSource::Stdin,
        }
    }
}

/// Runs the command.
pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let mut store = context.open_store()?;
    let actor = context.actor(&mut store)?;
    let request = verify::Request {
        secret: context.read_secret(&args.source.source(), "secret")?,
        workspace: context.workspace.clone(),
        ask: Ask {
            environment: args.environment,
            address: args.ip,
            scopes: args.require,
        },
        record: !args.no_record,
    };
    let now = context.now();
    let outcome = verify::run(&mut store, &actor, &request, now)?;
    let view = VerdictView::new(
        outcome.code,
        outcome.subject.as_ref(),
        outcome.recorded,
        now,
    );
    context.ui.record(&view, || {
        sentence(outcome.code, outcome.subject.as_ref(), now)
    })?;
    if outcome.code == Code::Valid && request.record && !outcome.recorded {
        context.ui.warn("the use could not be recorded");
    }
    Ok(outcome.code.exit())
}

fn sentence(code: Code, subject: Option<&Key>, now: Timestamp) -> String {
    match subject {
        None => format!("{}: {}\n", code.word(), code.message()),
        Some(key) => format!(
            "{}: {} ({}) in {}/{}, expires {}\n",
            code.word(),
            Safe(&key.name),
            Safe(key.id.as_str()),
            Safe(&key.workspace),
            Safe(&key.environment),
            relative_or_never(key.expires_at, now),
        ),
    }
}
