//! `keyward patterns`.

use std::path::PathBuf;

use clap::ValueHint;

use crate::context::Context;
use crate::domain::{Safe, SafePath};
use crate::error::{Exit, FINDINGS, Result};
use crate::ops::patterns::{self, Request};
use crate::options::one_of;
use crate::output::patterns as rules;
use crate::output::view::PatternView;

/// Print scanners' rules for this store's keys
///
/// One rule for each token format that has a fixed beginning or a checksum, in the scanner's own file format. Formats without
/// either match anything, so they get no rule and are named. `watch` is a list for `keyward scan --watch`: formats and
/// public prefixes, without secrets or hashes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward patterns
  keyward patterns --format gitleaks
  keyward patterns --format watch -w default")]
pub struct Args {
    /// Print rules for this scanner instead of in --output's format [default: regex]
    #[arg(long, value_name = "FORMAT", value_parser = one_of(FORMATS))]
    format: Option<Format>,

    /// Print only rules for this environment
    #[arg(short, long, value_name = "ENV")]
    environment: Option<String>,

    /// Print nothing, and exit with 18 if this file differs from the rules
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    check: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Regex,
    Gitleaks,
    Trufflehog,
    Github,
    Gitlab,
    Kingfisher,
    Secretlint,
    Semgrep,
    PreCommit,
    Watch,
}

const FORMATS: &[(&str, &str, Format)] = &[
    ("regex", "One regular expression per line", Format::Regex),
    ("gitleaks", ".gitleaks.toml, also for Betterleaks", Format::Gitleaks),
    ("trufflehog", "Custom detectors for --config", Format::Trufflehog),
    ("github", "Fields of a custom pattern", Format::Github),
    ("gitlab", ".gitlab/secret-detection-ruleset.toml", Format::Gitlab),
    ("kingfisher", "Rules for --rules-path", Format::Kingfisher),
    ("secretlint", ".secretlintrc.json", Format::Secretlint),
    ("semgrep", "Rules for --config", Format::Semgrep),
    ("pre-commit", ".pre-commit-config.yaml", Format::PreCommit),
    ("watch", "A list for keyward scan --watch", Format::Watch),
];

pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let (mut store, actor, now) = context.enter()?;
    let workspace = context.workspace.clone();
    let request = Request { workspace, environment: args.environment };
    // Before anything is said of the rules: a failure says nothing else.
    let present = args.check.as_deref().map(|path| context.text_of(path)).transpose()?;
    let is_listed = args.format.is_none() && args.check.is_none() && !context.ui.is_for_people();
    let text = match args.format.unwrap_or(Format::Regex) {
        Format::Watch => rules::pretty(&patterns::watch_list(&mut store, &actor, &request, now)?),
        Format::PreCommit => rules::pre_commit(),
        format => {
            let outcome = patterns::run(&mut store, &actor, &request, now)?;
            for owner in &outcome.without {
                context.ui.warn(&format!(
                    "{} has no rule: its tokens have neither a fixed beginning nor a checksum; `keyward scan` finds them",
                    Safe(owner)
                ));
            }
            if is_listed {
                let mut listing = context.ui.list("patterns")?;
                for pattern in &outcome.patterns {
                    listing.push(&PatternView::from(pattern))?;
                }
                return listing.finish().map(|()| 0);
            }
            let render = match format {
                Format::Gitlab => rules::gitlab,
                Format::Gitleaks => rules::gitleaks,
                Format::Trufflehog => rules::trufflehog,
                Format::Github => rules::github,
                Format::Kingfisher => rules::kingfisher,
                Format::Secretlint => rules::secretlint,
                Format::Semgrep => rules::semgrep,
                _ => rules::regex,
            };
            render(&outcome.patterns)
        }
    };
    let (Some(path), Some(present)) = (&args.check, present) else {
        context.ui.data(&text)?;
        return Ok(0);
    };
    if present == text {
        context.ui.status(&format!("no change: {} has these rules", SafePath(path)));
        return Ok(0);
    }
    context.ui.status(&format!("{} differs from the store's rules", SafePath(path)));
    context.ui.hint("run `keyward patterns` with the same --format to write it again");
    Ok(FINDINGS)
}
