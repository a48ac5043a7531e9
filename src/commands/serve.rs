//! `keyward serve`.

use std::path::PathBuf;

use clap::ValueHint;

use crate::context::Context;
use crate::domain::Network;
use crate::domain::sanitize::Named;
use crate::error::{Error, Kind, Result};
use crate::ops::access::Actor;
use crate::ops::whoami;
use crate::options::one_of;
use crate::serve::{self, Dialect, End, Place, Routes, Settings};

/// Verify requests in front of an HTTP API
///
/// A proxy asks /v1/auth whether a request may pass. The answer is 200 with the key's identity in X-Keyward-* headers, or 401,
/// 403, 429 or 503 with the code in X-Keyward-Code. environment, scope, workspace, cost and denied=403 are query parameters.
/// POST /v1/verify takes the JSON of `keyward verify --stream`, or an array of up to 1,000 such requests; POST /v1/introspect
/// is RFC 7662; /healthz and /readyz are health checks.
///
/// Nothing listens unless --listen or --manage says where, or a service manager passes sockets. There is no TLS; leave it to
/// the proxy in front.
///
/// With --manage, keys are managed over HTTP: /v1/keys and the routes below it, /v1/whoami and /metrics. A caller presents a
/// key and has the same rights as with --as. The operator is anyone who can open the Unix socket or presents a token of
/// --operator-token-file.
///
/// A client's address is known only if --client-ip-from names the header that has it and the peer is in --trust-proxy or on a
/// Unix socket. A key with an allow-list is denied without it.
///
/// SIGTERM ends it: no more connections are accepted, requests are answered for at most 10 seconds, and uses are recorded.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward serve --listen 127.0.0.1:7700
  keyward serve --listen unix:auth.sock --client-ip-from X-Real-Ip
  keyward serve --listen 127.0.0.1:7700 --trust-proxy 127.0.0.1 --client-ip-from X-Forwarded-For
  keyward serve --listen 127.0.0.1:7700 --manage unix:admin.sock
  keyward serve --manage 127.0.0.1:7701 --operator-token-file ci.token --routes scrapewise")]
pub struct Args {
    /// Verify requests here: ADDRESS:PORT or unix:PATH (can be repeated)
    #[arg(long, value_name = "PLACE")]
    listen: Vec<Place>,

    /// Manage keys here: ADDRESS:PORT or unix:PATH
    #[arg(long, value_name = "PLACE")]
    manage: Option<Place>,

    /// Add the management routes of this documented system (can be repeated)
    #[arg(long, value_name = "PRESET", value_parser = one_of(ROUTES))]
    routes: Vec<Routes>,

    /// Answer refusals with the bodies of this documented system, or as in RFC 9457 (problem+json)
    #[arg(long, value_name = "PRESET", value_parser = one_of(ERRORS))]
    errors: Option<Dialect>,

    /// Trust what peers in this network say about their clients (can be repeated)
    #[arg(long, value_name = "CIDR")]
    trust_proxy: Vec<Network>,

    /// Take the client's address from this header
    #[arg(long, value_name = "HEADER")]
    client_ip_from: Option<String>,

    /// Take the key from this header instead of Authorization (can be repeated)
    #[arg(long, value_name = "HEADER")]
    key_from: Vec<String>,

    /// Anyone who presents the token in this file is an operator, named like the file (can be repeated)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    operator_token_file: Vec<PathBuf>,

    /// Anyone who presents the token in this file may introspect
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    client_token_file: Option<PathBuf>,

    /// Verify with this many threads [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: Option<u16>,

    /// Log each request on stderr, one line of JSON per request
    #[arg(long)]
    access_log: bool,

    /// Listen on addresses that other machines can reach
    #[arg(long)]
    allow_remote: bool,
}

const ROUTES: &[(&str, &str, Routes)] =
    &[("scrapewise", "", Routes::Scrapewise), ("azscraper", "", Routes::Azscraper)];

const ERRORS: &[(&str, &str, Dialect)] = &[
    ("amazonscraperapi", "", Dialect::Amazonscraperapi),
    ("audioscrape", "", Dialect::Audioscrape),
    ("azscraper", "", Dialect::Azscraper),
    ("scrapewise", "", Dialect::Scrapewise),
    ("problem+json", "", Dialect::Problem),
];

pub fn run(args: Args, context: &mut Context) -> Result<()> {
    context.refuse_caller()?;
    // It must exist, in today's form: the workers wait for nobody. So must the workspace.
    let mut store = context.open_store()?;
    let nobody = Actor::Operator(String::new());
    whoami::run(&mut store, &nobody, context.workspace.as_deref(), context.now())?;
    drop(store);
    let key_from = match args.key_from.is_empty() {
        true => vec!["authorization".to_owned()],
        false => args.key_from.iter().map(|name| header(name)).collect::<Result<_>>()?,
    };
    let client_from = args.client_ip_from.as_deref().map(header).transpose()?;
    if client_from.as_deref() == Some("forwarded") {
        return Err(Error::usage(
            "the header Forwarded is not read: proxies pass on a client's own",
        )
        .hinted("have the proxy set X-Real-Ip or X-Forwarded-For"));
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (log, unwritten) = args.access_log.then(serve::start_log).unzip();
    let settings = Settings {
        listen: args.listen,
        manage: args.manage,
        allow_remote: args.allow_remote,
        routes: args.routes,
        errors: args.errors.unwrap_or(Dialect::Own),
        trusted: args.trust_proxy,
        client_from,
        key_from,
        operators: args.operator_token_file,
        clients: args.client_token_file,
        workers: args.workers.map_or(cores, usize::from),
        log,
        workspace: context.workspace.clone(),
        open: context.opener()?,
        patience: context.patience(),
        clock: context.clock(),
        account: context.accounts(),
        manager: context.service_manager()?,
    };
    let ui = &context.ui;
    let end = serve::run(settings, |places| {
        for place in places {
            ui.status(&format!("listening on {place}"));
        }
    });
    unwritten.into_iter().for_each(serve::Unwritten::finish);
    match end? {
        End::Told => Ok(()),
        End::Interrupted => Err(Error::new(Kind::Interrupted, "interrupted")),
    }
}

/// The name of a header field in small letters (RFC 9110 5.6.2).
fn header(name: &str) -> Result<String> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    match !name.is_empty() && name.bytes().all(is_token) {
        true => Ok(name.to_ascii_lowercase()),
        false => Err(Error::usage(format!("{} is not the name of a header", Named(name)))
            .hinted("for example X-Api-Key")),
    }
}
