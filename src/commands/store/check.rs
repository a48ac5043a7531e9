//! `keyward store check`.

use crate::context::Context;
use crate::domain::Safe;
use crate::error::{Exit, Kind, Result};
use crate::ops::store::{check, clock};
use crate::output::view::{HealthView, ProblemView};

/// Look through every page, record and event
///
/// Finds damage to the file, rows that were changed, deleted or added behind keyward's back, a broken audit trail, and links
/// between keys that no rotation makes. Each is listed with the command that fixes it, and the exit status is 9. Nothing is
/// changed, and nobody has to wait.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  keyward store check
  keyward store check --json
  keyward store check --reset-clock")]
pub struct Args {
    /// Take the clock's time for the latest there was
    ///
    /// keyward remembers the latest time it has seen, so that what had expired stays expired when the clock goes back. If a
    /// wrong clock was far ahead, this fixes it. It is refused where keys would be live again beside others of their names, or past
    /// the cap: these are named.
    #[arg(long)]
    reset_clock: bool,
}

pub fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let (mut store, actor, now) = context.enter()?;
    let mut reset = None;
    if args.reset_clock {
        let before = clock::reset(&mut store, &actor, now)?;
        let sentence = format!("the latest time seen was {}, and is {now} now", before.seen);
        context.ui.status(&sentence);
        reset = Some(sentence);
    }
    let mut bar = context.ui.percentage("keys");
    let outcome = check::run(&mut store, &actor, now, |done, of| bar.reach(done, of))?;
    drop(bar);
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
        0 => "nothing is wrong".to_owned(),
        1 => "1 problem".to_owned(),
        count => format!("{count} problems"),
    };
    text + &format!(
        "{found}: {} workspaces, {} keys and {} events checked\n",
        view.workspaces, view.keys, view.events
    )
}
