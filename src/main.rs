//! The binary: understand the arguments, look around, run the command, say what went wrong, exit.
//!
//! This file never holds a rule or touches the store.

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use keyward::cli::Cli;
use keyward::context::{self, Context};
use keyward::error::{Kind, Result};
use keyward::usage;

fn main() -> ExitCode {
    context::harden();
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let mut ui = context::ui(&usage::guess_globals(&arguments));
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        usage::refuse_secrets(&arguments)?;
        match Cli::read(&arguments) {
            Ok(cli) => {
                ui = context::ui(&cli.globals);
                run(cli, arguments.clone())
            }
            Err(error) => usage::answer(&error, &arguments, &ui),
        }
    }));
    match outcome.unwrap_or_else(|_| Err(context::fault())) {
        Ok(exit) => ExitCode::from(exit),
        // Whoever read the listing has seen enough of it: `list | head` is no failure.
        Err(error) if error.is_broken_pipe() && error.kind() == Kind::Io => ExitCode::SUCCESS,
        Err(error) => {
            let error = usage::discreet(error, &arguments);
            ui.error(&error);
            ExitCode::from(error.kind().exit())
        }
    }
}

fn run(cli: Cli, arguments: Vec<OsString>) -> Result<u8> {
    let mut context = Context::new(&cli.globals, arguments)?;
    cli.command.run(&mut context)
}
