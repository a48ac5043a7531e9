//! `keyward apply`.
//!
//! This module never continues after a failure; running it again does.

mod manifest;
mod report;

use std::path::PathBuf;

use clap::ValueHint;

use crate::commands::hand_over::HandOver;
use crate::commands::sink::Delivery;
use crate::commands::workspace::hint_at_choice;
use crate::context::Context;
use crate::domain::holding::Action;
use crate::domain::words::counted;
use crate::domain::{Key, Safe};
use crate::error::{Exit, FINDINGS, Kind, Result};
use crate::ops::access::Actor;
use crate::ops::apply::{self, KeyWanted, Plan, Request, WorkspaceStep};
use crate::ops::provision::{self, Outcome};
use crate::ops::revoke::{self, Reason};
use crate::ops::select::Selector;
use crate::signals::Interrupts;
use crate::store::Store;
use manifest::Source;
use report::Report;

/// Create workspaces and keys from a manifest
///
/// Shows the plan (+ create, ~ rotate or update, = unchanged, - revoke) and carries it out, one key at a time; a key
/// becomes active once its secret is delivered. Running it again changes nothing. It stops at the first failure, and a rerun
/// continues from there. Paths in the manifest are relative to it, and its commands run in its folder.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward apply keys.toml
  keyward apply keys.toml --dry-run
  keyward apply keys.toml --check --json
  keyward apply keys.toml --prune --yes")]
pub struct Args {
    /// The manifest, in TOML, or - for stdin
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: PathBuf,

    /// Show the plan and change nothing
    #[arg(long)]
    dry_run: bool,

    /// Show the plan, change nothing, and exit 18 if it is not empty
    #[arg(long)]
    check: bool,

    /// Revoke live keys in the manifest's workspaces that it does not name
    #[arg(long)]
    prune: bool,

    /// Rotate keys whose file does not contain their secret, replacing the file
    #[arg(long)]
    rotate_if_missing: bool,

    /// Keep live keys that a changed policy no longer allows
    #[arg(long)]
    keep_outside: bool,
}

pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let (source, mut request) = Source::read(context, &args.file)?;
    request.prune = args.prune;
    request.keep_outside = args.keep_outside;
    for key in &mut request.keys {
        key.entry.wanted.rotate_if_missing = args.rotate_if_missing;
    }
    let now = context.now();
    let is_rehearsal = args.dry_run || args.check;
    let existing = match is_rehearsal {
        true => context.existing_store()?,
        false => Some(context.open_or_create_store(|empty| {
            let nobody = Actor::Operator(String::new());
            let plan = apply::plan(empty, &nobody, &request, now)?;
            source.check_sinks(context, &request, &plan)
        })?),
    };
    let has_store = existing.is_some();
    let mut store = existing.unwrap_or_else(Store::empty);
    let actor = if is_rehearsal { context.onlooker()? } else { context.actor(&mut store)? };
    let plan = plan(context, &mut store, &actor, &source, &mut request)?;
    let mut report = Report::new(&request, &plan);
    let is_made = |step: &&WorkspaceStep| matches!(step, WorkspaceStep::Create);
    let made = plan.workspaces.iter().filter(is_made).count();
    if is_rehearsal {
        report.answer(&context.ui)?;
        // A store that would be made is a change too, also for a manifest that asks for nothing else.
        let is_pending = plan.is_pending() || !has_store;
        return Ok(if args.check && is_pending { FINDINGS } else { 0 });
    }
    report.announce(&context.ui);
    if !plan.strays.is_empty() && !context.yes {
        let strays = report.strays();
        if context.prompter.is_allowed() {
            strays.iter().for_each(|line| context.ui.notice(line));
        }
        let question = format!("Permanently revoke {}?", counted(strays.len(), "key"));
        let otherwise = "pass --yes to confirm, or leave out --prune";
        context.prompter.confirm(&question, otherwise)?;
    }
    let mut work =
        Work { interrupts: Interrupts::watch()?, context, source: &source, actor: &actor };
    work.carry_out(&mut store, &request, plan, &mut report)?;
    report.warned(source.warnings(context, &request));
    hint_at_choice(context, &mut store, made);
    report.finish(&context.ui)?;
    Ok(0)
}

/// Makes the plan, its sinks checked.
fn plan(
    context: &Context,
    store: &mut Store,
    actor: &Actor,
    source: &Source,
    request: &mut Request,
) -> Result<Plan> {
    let now = context.now();
    let attempt = |store: &mut Store, request: &Request| -> Result<Plan> {
        let plan = apply::plan(store, actor, request, now)?;
        source.check_sinks(context, request, &plan)?;
        Ok(plan)
    };
    match attempt(store, request) {
        Err(error) if matches!(error.kind(), Kind::SecretMissing | Kind::DeliveryFailed) => {
            // Another process may have delivered since the sinks were inspected. On a read-only disk no turn can be
            // taken, and no other process can have one.
            let _turn = store.turn(|| Ok(())).ok();
            source.look_again(request)?;
            attempt(store, request)
        }
        plan => plan,
    }
}

/// What carrying out a plan takes all along.
struct Work<'a> {
    context: &'a Context,
    source: &'a Source,
    actor: &'a Actor,
    interrupts: Interrupts,
}

impl Work<'_> {
    fn carry_out(
        &mut self,
        store: &mut Store,
        request: &Request,
        plan: Plan,
        report: &mut Report,
    ) -> Result<()> {
        for (at, (wanted, step)) in request.workspaces.iter().zip(plan.workspaces).enumerate() {
            let now = self.context.now();
            apply::settle_workspace(store, self.actor, wanted, step, request.keep_outside, now)
                .map_err(|error| {
                    let name = Safe(wanted.name.as_str());
                    report.stopped(error, &format!("workspace {name}"))
                })?;
            report.settled(at);
        }
        let mut progress = self.context.ui.progress(report.pending());
        for (at, (key, (_, decision))) in request.keys.iter().zip(plan.keys).enumerate() {
            if !decision.step.action().is_change() {
                continue;
            }
            progress.step(&report.place(at));
            let settled = self.settle(store, key);
            let (key, action) =
                settled.map_err(|error| report.stopped(error, &report.place(at)))?;
            report.done(at, &key, action);
            if !progress.is_watched() {
                report.tell(at, &self.context.ui);
            }
        }
        drop(progress);
        self.revoke(store, &plan.strays, report)
            .map_err(|error| report.stopped(error, "--prune"))?;
        report.revoked();
        Ok(())
    }

    /// Does what one key needs now, which may be more or less than was planned.
    fn settle(&mut self, store: &mut Store, key: &KeyWanted) -> Result<(Key, Action)> {
        let _turn = store.turn(|| self.interrupts.heed())?;
        let sink = self.source.sink(self.context, &key.entry)?;
        sink.make_folder()?;
        let mut delivery =
            Delivery { sink, hold: false, newline: key.entry.newline, warning: None };
        let mut wanted = provision::Request {
            workspace: Some(key.entry.workspace.clone()),
            wanted: key.entry.wanted.clone(),
            place: key.place.clone(),
        };
        let (context, actor) = (self.context, self.actor);
        let mut rng = context.rng;
        let clock = || context.now();
        match provision::prepare(store, actor, &mut wanted, &mut delivery, clock, &mut rng)? {
            Outcome::Settled(key, action) => Ok((*key, action)),
            Outcome::Due(due) => {
                let action = due.action();
                let hand_over = HandOver::provisioned(context, *due);
                let answer =
                    hand_over.deliver(context, store, actor, &delivery, &self.interrupts)?;
                Ok((answer.into_key(), action))
            }
        }
    }

    fn revoke(&mut self, store: &mut Store, strays: &[Key], report: &mut Report) -> Result<()> {
        if strays.is_empty() {
            return Ok(());
        }
        // Each in its own workspace: without one named, ids are looked for in the one in use alone.
        for strays in strays.chunk_by(|one, other| one.workspace_id == other.workspace_id) {
            let request = revoke::Request {
                workspace: strays.first().map(|key| key.workspace.clone()),
                selectors: strays.iter().map(|key| Selector::from(key.id.as_str())).collect(),
                reason: Reason::Retired,
                message: Some("not in the manifest".to_owned()),
                idle: None,
            };
            let revoked = revoke::run(store, self.actor, &request, self.context.now())?;
            if !revoked.rest.is_empty() {
                // Another process has rotated one since the plan was made.
                report.warned([revoked.rest.to_string()]);
            }
        }
        Ok(())
    }
}
