//! `keyward store check`.

use crate::context::Context;
use crate::domain::Safe;
use crate::domain::words::counted;
use crate::error::{Exit, Kind, Result};
use crate::ops::store::{check, clock};
use crate::output::view::{HealthView, ProblemView};

/// Check every page, record and event of the store
///
/// Finds damage to the file, rows that were changed, deleted or added outside keyward, a broken audit trail, and links
/// between keys that no rotation makes. Lists each with the command that fixes it, and exits with 9. It changes nothing and
/// blocks no other process.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward store check
  keyward store check --json
  keyward store check --reset-clock")]
pub struct Args {
    /// Reset the last recorded time to the current clock
    ///
    /// The store records the latest time, so that expired keys stay expired when the clock goes back. Use this if a wrong
    /// clock was far ahead. It is refused, naming the keys, if keys would be live again beside others of the same name or
    /// beyond the cap.
    #[arg(long)]
    reset_clock: bool,
}

pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let (mut store, actor, now) = context.enter()?;
    let mut reset = None;
    if args.reset_clock {
        let before = clock::reset(&mut store, &actor, now)?;
        let sentence = format!("reset the last recorded time from {} to {now}", before.seen);
        context.ui.status(&sentence);
        reset = Some(sentence);
    }
    let mut job = context.ui.job("checking the file");
    let outcome = check::run(&mut store, &actor, now, |reached| job.reach(reached))?;
    drop(job);
    let view = HealthView {
        ok: outcome.flaws.is_empty(),
        workspaces: outcome.workspaces,
        keys: outcome.keys,
        events: outcome.events,
        problems: outcome.flaws.iter().map(ProblemView::new).collect(),
    };
    let answer = || context.ui.record(&view, || summary(&view));
    match &reset {
        Some(sentence) => context.ui.after(sentence, answer)?,
        None => answer()?,
    }
    Ok(if view.ok { 0 } else { Kind::Damaged.exit() })
}

fn summary(view: &HealthView) -> String {
    let mut text = String::new();
    for problem in &view.problems {
        let subject = match problem.kind {
            "store" => String::new(),
            kind => format!("{kind} {}: ", Safe(&problem.subject)),
        };
        let (problem, remedy) = (Safe(&problem.problem), Safe(&problem.remedy));
        text += &format!("{subject}{problem}\n  {remedy}\n");
    }
    let found = match view.problems.len() {
        0 => "no problems".to_owned(),
        count => counted(count, "problem"),
    };
    text + &format!(
        "{found}: checked {}, {} and {}\n",
        counted(view.workspaces, "workspace"),
        counted(view.keys, "key"),
        counted(view.events, "event")
    )
}
