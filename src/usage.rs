//! What is said about arguments that were not understood, and about those that must not be there.
//!
//! This module never repeats an argument that could be a secret.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::cli::Globals;
use crate::context::exposed_secret;
use crate::domain::exposure;
use crate::domain::name::is_invisible;
use crate::domain::sanitize::Safe;
use crate::error::{Error, Result};
use crate::output::ui::Ui;

/// Refuses arguments among which there is a secret.
///
/// # Errors
/// `usage`, without a word of the secret.
pub fn refuse_secrets(arguments: &[String]) -> Result<()> {
    match arguments
        .iter()
        .skip(1)
        .any(|argument| exposure::looks_like_secret(argument))
    {
        true => Err(exposed_secret()),
        false => Ok(()),
    }
}

/// The options that decide how to speak, read off arguments that may not make sense as a whole.
pub fn guess_globals(arguments: &[String]) -> Globals {
    let own: Vec<&str> = arguments
        .iter()
        .skip(1)
        .map(String::as_str)
        .take_while(|argument| *argument != "--")
        .collect();
    let is_output = |option: &str| matches!(option, "-o" | "--output");
    let asked_for = |format: &str| {
        own.windows(2)
            .any(|pair| is_output(pair[0]) && pair[1] == format)
            || own.iter().any(|argument| {
                let value = argument
                    .strip_prefix("--output=")
                    .or_else(|| argument.strip_prefix("-o"));
                value.is_some_and(|value| value.trim_start_matches('=') == format)
            })
    };
    let json = own.contains(&"--json") || asked_for("json") || asked_for("jsonl");
    Globals {
        json,
        ..Globals::default()
    }
}

/// Answers clap's outcome: help and version on stdout, everything else as an error.
///
/// # Errors
/// `usage`; `io` when help cannot be written.
pub fn answer(error: &clap::Error, arguments: &[String], ui: &Ui) -> Result<u8> {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let text = match ui.colour_stdout {
                true => error.render().ansi().to_string(),
                false => error.render().to_string(),
            };
            ui.data(&text)?;
            Ok(0)
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand if ui.is_for_people() => {
            ui.notice(&error.render().to_string());
            Ok(2)
        }
        _ => Err(understood(error, arguments)),
    }
}

/// clap's error in keyward's form: a value's own error as it is, anything else in clap's words.
fn understood(error: &clap::Error, arguments: &[String]) -> Error {
    if let Some(own) =
        std::error::Error::source(error).and_then(|source| source.downcast_ref::<Error>())
    {
        let option = match error.get(ContextKind::InvalidArg) {
            Some(ContextValue::String(name)) if name.starts_with('-') => format!("{name}: "),
            _ => String::new(),
        };
        let refused = Error::new(own.kind(), format!("{option}{own}"));
        return match own.hint() {
            Some(hint) => refused.hinted(hint),
            None => refused,
        };
    }
    let text = harmless(error.render().to_string(), arguments);
    let mut paragraphs = text.trim_start_matches("error: ").split("\n\n");
    let message = paragraphs
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let rest: Vec<&str> = paragraphs.flat_map(str::lines).map(str::trim).collect();
    let after = |front: &str| rest.iter().find_map(|line| line.strip_prefix(front));
    Error::usage(message).hinted(match (after("tip: "), after("Usage: ")) {
        (Some(tip), _) => tip.to_owned(),
        (None, Some(usage)) => format!("usage: {usage}"),
        (None, None) => "`keyward --help` shows what can be typed".to_owned(),
    })
}

/// A message without the arguments that could be a secret, and with those escaped that could mislead.
fn harmless(mut message: String, arguments: &[String]) -> String {
    for word in arguments
        .iter()
        .skip(1)
        .flat_map(|argument| argument.split('='))
    {
        if exposure::has_long_run(word) {
            message = message.replace(word, "[left out]");
        } else if word.chars().any(is_invisible) {
            message = message.replace(word, &Safe(word).to_string());
        }
    }
    message
}
