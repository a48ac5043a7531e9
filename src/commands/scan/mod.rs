//! `keyward scan`.
//!
//! This module never shows a token, and never revokes unconfirmed: `--yes` or an answer comes first.

mod answer;
mod known;

use std::path::{Path, PathBuf};

use clap::ValueHint;

use crate::context::Context;
use crate::domain::glob::Glob;
use crate::domain::scan::{Coverage, Exceptions, Hunter};
use crate::domain::size::Size;
use crate::error::{Error, Exit, FINDINGS, Kind, Result};
use crate::ops::scan::{Findings, Kind as Found};
use crate::options::one_of;
use crate::output::relative::size;
use crate::search::{Folders, Limits, Search};
use answer::Answer;
use known::Known;

/// Find this store's keys in files, git history and archives
///
/// A token counts as a key only if its hash is in the store, so there are no false alarms. Tokens are found in plain text, in
/// Base64, hexadecimal, UTF-16 and other encodings, wrapped and concatenated, and in gzip, zstd, tar and zip archives. Inside a
/// git work tree, files that git ignores are skipped. Exits with 18 if a live key is found, with 0 if not and everything was
/// read, with 7 if something could not be read.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward scan
  keyward scan src docs/examples.tar.gz
  keyward scan --history
  keyward scan --history origin/main..HEAD --json
  keyward scan --staged
  keyward scan - < ci.log
  keyward scan --revoke --yes")]
pub struct Args {
    /// Files, folders and archives; - for stdin [default: .]
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    paths: Vec<PathBuf>,

    #[command(flatten)]
    git: Git,

    /// Scan files that git ignores too
    #[arg(long)]
    all_files: bool,

    /// Leave out paths like this (can be repeated)
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<Glob>,

    /// Find only keys of this environment
    #[arg(short, long, value_name = "ENV")]
    environment: Option<String>,

    /// Use this policy's token format instead of a store; nothing is proven but the checksum
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "watch")]
    policy: Option<PathBuf>,

    /// Use this watch list of `keyward patterns` instead of a store
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    watch: Option<PathBuf>,

    /// Exit with 18 for these findings [default: live; any with --policy or --watch]
    #[arg(long, value_name = "KIND", value_parser = one_of(FAIL_ON))]
    fail_on: Option<FailOn>,

    /// Exit with 0 even if something could not be read
    #[arg(long)]
    allow_incomplete: bool,

    /// Largest unpacked size of all archives in one file [default: 2G]
    #[arg(long, value_name = "SIZE")]
    max_bytes: Option<Size>,

    /// How deeply archives may be nested [default: 4]
    #[arg(long, value_name = "N")]
    max_depth: Option<usize>,

    /// Write findings in this format instead of --output's
    #[arg(long, value_name = "FORMAT", value_parser = one_of(FORMATS))]
    format: Option<Sarif>,

    /// Revoke every live key found, as compromised
    #[arg(long, conflicts_with_all = ["policy", "watch"])]
    revoke: bool,

    /// Why, for the record of revoked keys [default: where the key was found]
    #[arg(long, value_name = "TEXT", requires = "revoke")]
    message: Option<String>,

    /// Record in the audit trail where live keys were found
    #[arg(long, conflicts_with_all = ["policy", "watch"])]
    record: bool,
}

/// What of a repository is scanned.
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
struct Git {
    /// Scan every object of the git repository, or those of this range
    #[arg(long, value_name = "RANGE", num_args = 0..=1)]
    history: Option<Option<String>>,

    /// Scan what the next commit would contain
    #[arg(long)]
    staged: bool,

    /// Scan what git is about to push or receive; reads the lines of a pre-push or pre-receive hook
    #[arg(long)]
    pushed: bool,
}

/// Which findings make the gate fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FailOn {
    Live,
    Any,
    Never,
}

const FAIL_ON: &[(&str, &str, FailOn)] = &[
    ("live", "Live keys", FailOn::Live),
    ("any", "Live, revoked, expired and unknown keys", FailOn::Any),
    ("never", "None", FailOn::Never),
];

/// The one format that is only a scan's.
#[derive(Debug, Clone, Copy)]
struct Sarif;

const FORMATS: &[(&str, &str, Sarif)] = &[("sarif", "SARIF 2.1.0, for code scanning", Sarif)];

pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    if args.revoke && !context.yes && !context.prompter.is_allowed() {
        // Before anything is looked at: a script that forgot --yes learns it whatever is found.
        context.prompter.confirm("", "pass --yes to confirm")?;
    }
    let mut known = Known::gather(&args, context)?;
    let now = known.now;
    let mut job = context.ui.job("scanning");
    let mut progress = |coverage: &Coverage| {
        let bytes = coverage.bytes;
        job.show("scanned", bytes >> 20, || format!("scanned {}", size(bytes)));
    };
    let scope = (known.workspace, args.environment.clone());
    let watched = std::mem::take(&mut known.watched);
    let mut findings = Findings::new(known.store.as_mut(), watched, scope, now, &mut progress);
    let mut coverage = Coverage::default();
    search(&args, context, &known.hunter, &mut findings, &mut coverage)?;
    findings.note(&mut coverage);
    let (ignored, doubts) = (findings.ignored, std::mem::take(&mut findings.doubts));
    let (mut found, left_out) = findings.finish();
    drop(job);
    doubts.iter().for_each(|doubt| context.ui.warn(doubt));
    if args.record {
        known::record(&mut known, context, &found)?;
    }
    let mut changes = Vec::new();
    if args.revoke {
        let message = args.message.as_deref();
        changes = known::revoke(&mut known, context, &mut found, message)?;
    }
    let remedies = known.remedies(&found)?;
    let answer = Answer { found: &found, coverage: &coverage, ignored, left_out, now };
    let give = || answer.give(context, &remedies, args.format.is_some(), &known.covered());
    if changes.is_empty() {
        give()?
    } else {
        context.ui.after(&changes.join(", "), give)?
    }
    let fails = match args.fail_on {
        Some(FailOn::Never) => false,
        Some(FailOn::Live) => found.iter().any(|finding| finding.kind == Found::Live),
        None if known.store.is_some() => found.iter().any(|finding| finding.kind == Found::Live),
        Some(FailOn::Any) | None => !found.is_empty(),
    };
    Ok(match (fails, coverage.is_complete() || args.allow_incomplete) {
        (true, _) => FINDINGS,
        (false, true) => 0,
        (false, false) => Kind::Io.exit(),
    })
}

/// Searches everything that was named.
fn search(
    args: &Args,
    context: &mut Context,
    hunter: &Hunter,
    findings: &mut Findings<'_>,
    coverage: &mut Coverage,
) -> Result<()> {
    let limits = Limits {
        bytes: args.max_bytes.map_or(Limits::default().bytes, |size| size.0),
        depth: args.max_depth.unwrap_or(Limits::default().depth),
    };
    let folders = Folders { exclude: args.exclude.clone(), all_files: args.all_files };
    let here = [PathBuf::from(".")];
    let paths = if args.paths.is_empty() { &here[..] } else { &args.paths };
    for path in paths {
        if path.as_os_str().is_empty() {
            return Err(Error::usage("a path is empty"));
        }
        let is_input = path == Path::new("-");
        if is_input && args.git.is_any() {
            return Err(Error::usage("stdin is not a git repository"));
        }
        let exceptions = if is_input { Exceptions::default() } else { context.exceptions(path)? };
        findings.except(exceptions, known::base(path));
        let mut search = Search::new(hunter, findings, limits);
        search.coverage = std::mem::take(coverage);
        if is_input {
            search.input(&mut context.bytes_on_stdin()?)?;
        } else if let Some(range) = &args.git.history {
            search.history(path, range.as_deref())?;
        } else if args.git.staged {
            search.staged(path)?;
        } else if args.git.pushed {
            search.pushed(path, &context.hook_lines()?)?;
        } else {
            search.path(path, &folders)?;
        }
        let is_read = search.has_nothing_to_read || search.coverage.bytes > 0;
        *coverage = search.coverage;
        if !is_read && coverage.is_complete() {
            coverage.lacks("nothing was read");
        }
    }
    Ok(())
}

impl Git {
    fn is_any(&self) -> bool {
        self.history.is_some() || self.staged || self.pushed
    }
}
