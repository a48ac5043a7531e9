//! What is said about arguments that were not understood, and about those that must not be there.
//!
//! This module never repeats an argument that could be a secret.

mod nearest;

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::context::Guard;
use crate::domain::SafePath;
use crate::domain::exposure;
use crate::error::{Error, Kind, Result};
use crate::options::{Colour, Globals};
use crate::output::ui::Ui;
use nearest::{meant, nearest_help, other_option};

/// The options that decide how to write output, read from arguments that may be invalid.
pub fn guess_globals(arguments: &[OsString]) -> Globals {
    let own: Vec<&str> = arguments
        .iter()
        .skip(1)
        .take_while(|argument| *argument != "--")
        // Something that is not text is not a value of these options.
        .map(|argument| argument.to_str().unwrap_or_default())
        .collect();
    let has = |short: Option<&str>, long: &str, value: &str| {
        own.windows(2).any(|pair| (pair[0] == long || Some(pair[0]) == short) && pair[1] == value)
            || own.iter().any(|argument| {
                let after_long =
                    argument.strip_prefix(long).and_then(|rest| rest.strip_prefix('='));
                let after_short = short.and_then(|short| argument.strip_prefix(short));
                after_long.or(after_short.map(|rest| rest.trim_start_matches('='))) == Some(value)
            })
    };
    Globals {
        json: own.contains(&"--json")
            || has(Some("-o"), "--output", "json")
            || has(Some("-o"), "--output", "jsonl"),
        color: match (has(None, "--color", "never"), has(None, "--color", "always")) {
            (true, _) => Colour::Never,
            (false, true) => Colour::Always,
            (false, false) => Colour::Auto,
        },
        ..Globals::default()
    }
}

/// The error without what could be a secret of those given: whatever goes wrong, a token of a policy of the operator's
/// own is not repeated. Once a store has been asked, what is left are names with a checksum in them, which may be; where
/// it could not be asked, anything that is long may be a secret.
pub fn discreet(error: Error, guard: &Guard) -> Error {
    let is_suspect = match error.kind().exit() == Kind::Usage.exit() {
        _ if guard.is_in_the_dark() => exposure::could_be_secret,
        true => exposure::has_long_run,
        false => exposure::has_mixed_run,
    };
    let told = Error::new(error.kind(), left_out(error.to_string(), guard, is_suspect));
    match error.hint() {
        Some(hint) => told.hinted(left_out(hint.to_owned(), guard, is_suspect)),
        None => told,
    }
}

/// Answers clap's outcome: help and version on stdout, everything else as an error.
/// `whole` is every command's arguments.
pub fn answer(
    error: &clap::Error,
    arguments: &[OsString],
    whole: fn() -> clap::Command,
    ui: &Ui,
) -> Result<u8> {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let text = if ui.colour_stdout {
                error.render().ansi().to_string()
            } else {
                error.render().to_string()
            };
            ui.data(&text)?;
            Ok(0)
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand if ui.is_for_people() => {
            ui.notice(&error.render().to_string());
            Ok(2)
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let command = format!("keyward {}", named(arguments, whole));
            let hint = format!("`{} --help` lists the commands", command.trim_end());
            Err(Error::usage("no command was given").hinted(hint))
        }
        ErrorKind::InvalidUtf8 => Err(not_text(arguments)),
        // Of what it quotes, clap shows every byte that is not text the same way.
        _ if arguments.iter().any(|argument| argument.to_str().is_none())
            && error.to_string().contains(char::REPLACEMENT_CHARACTER) =>
        {
            Err(not_text(arguments))
        }
        _ => Err(understood(error, arguments, whole)),
    }
}

/// What is said where text was wanted and there are other bytes.
fn not_text(arguments: &[OsString]) -> Error {
    let mut others = arguments.iter().filter(|argument| argument.to_str().is_none());
    let message = match (others.next(), others.next()) {
        (Some(only), None) => format!("\"{}\" is not UTF-8 text", SafePath(only.as_ref())),
        _ => "an argument that has to be text is not UTF-8".to_owned(),
    };
    Error::usage(message).hinted("only paths and the words of -- CMD may be other bytes")
}

/// clap's error in keyward's form. A value's own error is kept; anything else is said in clap's words.
fn understood(error: &clap::Error, arguments: &[OsString], whole: fn() -> clap::Command) -> Error {
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
            None => helped(refused, &named(arguments, whole)),
        };
    }
    let text = error.render().to_string();
    let mut paragraphs = text.trim_start_matches("error: ").split("\n\n");
    let message =
        paragraphs.next().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    let rest: Vec<&str> = paragraphs.flat_map(str::lines).map(str::trim).collect();
    // clap's "use '-- VALUE'" would start the command of `-- CMD`.
    let helps = |line: &&&str| !line.contains("use '-- ");
    let after = |front: &str| rest.iter().filter(helps).find_map(|line| line.strip_prefix(front));
    let command = match after("Usage: ") {
        Some(usage) => {
            let words = usage.split_whitespace().take_while(|word| is_word(word));
            words.skip(1).collect::<Vec<_>>().join(" ")
        }
        None => named(arguments, whole),
    };
    let hint = match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(word)) => Some(meant(&command, word, &whole())),
        _ => None,
    };
    let option = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(option)) => other_option(&command, option).map(str::to_owned),
        _ => None,
    };
    // Of several that are similar, clap names the nearest last.
    let similar = [ContextKind::SuggestedArg, ContextKind::SuggestedValue];
    let similar = similar.into_iter().find_map(|kind| match error.get(kind) {
        Some(ContextValue::String(word)) => Some(word),
        Some(ContextValue::Strings(words)) => words.last(),
        _ => None,
    });
    let similar = similar.map(|word| format!("did you mean {word}?"));
    let tip = after("tip: ").map(str::to_owned);
    let hint = hint.or(option).or(similar).or(tip);
    Error::usage(message).hinted(hint.unwrap_or_else(|| nearest_help(&command)))
}

/// A word of a command's name, as clap writes a usage: what follows is an option or a value.
fn is_word(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_lowercase())
}

/// The words of the arguments that name a command, as far as they do.
fn named(arguments: &[OsString], whole: fn() -> clap::Command) -> String {
    let mut command = &whole();
    let mut words = Vec::new();
    let typed = arguments.iter().skip(1).take_while(|word| *word != "--");
    for word in typed.filter_map(|word| word.to_str()) {
        if let Some(below) = command.find_subcommand(word) {
            words.push(below.get_name());
            command = below;
        }
    }
    words.join(" ")
}

/// The error with the nearest help where it is about the arguments of this command and has no better hint.
pub fn helped(error: Error, command: &str) -> Error {
    match (error.kind(), error.hint()) {
        (Kind::Usage, None) => error.hinted(nearest_help(command)),
        _ => error,
    }
}

/// A message without the suspect words of what was given. What follows a slash is part of a path, which a message is of no
/// use without.
fn left_out(mut message: String, guard: &Guard, is_suspect: fn(&str) -> bool) -> String {
    guard.for_each(|text| {
        let is_path = |word: &str| !text.contains("://") && text.contains(&format!("/{word}"));
        let whole = text.split_whitespace().filter(|word| !word.contains('/'));
        for word in whole.chain(exposure::words(text)) {
            if is_suspect(word) && !is_path(word) {
                message = message.replace(word, "[left out]");
            }
        }
    });
    message
}
