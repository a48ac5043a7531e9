//! The binary: understand the arguments, look around, run the command, say what went wrong, exit.
//!
//! This file never holds a rule or touches the store.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::rc::Rc;

use keyward::cli::Cli;
use keyward::context::{Context, Guard};
use keyward::error::{Kind, Result};
use keyward::output::tsv;
use keyward::output::ui::Format;
use keyward::{arguments, context};

fn main() -> ExitCode {
    context::harden();
    let guard = Rc::new(Guard::new(std::env::args_os().collect()));
    let mut ui = context::ui(&arguments::guess_globals(guard.arguments()));
    let mut named = String::new();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        guard.refuse_by_look()?;
        match Cli::read(guard.arguments()) {
            Ok(cli) => {
                ui = context::ui(&cli.globals);
                named.clone_from(&cli.named);
                run(cli, guard.clone())
            }
            Err(error) => {
                guard.refuse_known_before_speaking()?;
                arguments::answer(&error, guard.arguments(), Cli::whole, &ui)
            }
        }
    }));
    match outcome.unwrap_or_else(|_| Err(context::fault())) {
        Ok(exit) => ExitCode::from(exit),
        // The reader closed the pipe, as in `list | head`, which is not a failure.
        Err(error) if error.is_broken_pipe() && error.kind() == Kind::Io => ExitCode::SUCCESS,
        Err(error) => {
            let exposed = guard.refuse_known_before_speaking();
            let error = arguments::helped(exposed.err().unwrap_or(error), &named);
            let error = arguments::discreet(error, &guard);
            ui.error(&error);
            ExitCode::from(error.kind().exit())
        }
    }
}

fn run(cli: Cli, guard: Rc<Guard>) -> Result<u8> {
    if let Format::Value(field) = &cli.globals.output {
        tsv::check_field(field, &cli.named)?;
    }
    let mut context = Context::new(&cli.globals, guard, Cli::whole)?;
    let outcome = cli.command.run(&mut context);
    context.ui.conclude(outcome)
}
