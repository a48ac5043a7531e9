//! A manual page of one command, rendered from its clap definition.

use clap::Command;
use clap_mangen::Man;

use crate::error::{Error, Kind, Result};

/// The date pages carry: that of the release, so that the same source gives the same page.
const RELEASED: &str = "2026-11-21";
/// What `mandoc -Tlint` takes for a line of text.
const LONGEST_LINE: usize = 80;

/// Renders the page of the command with these words after `keyward`.
pub fn render(command: &Command, words: &[String]) -> Result<String> {
    let name = [&["keyward".to_owned()], words].concat().join("-");
    let is_root = words.is_empty();
    // Global options have a page of their own: keyward(1).
    let own = command.clone().name(name.clone()).mut_args(|arg| {
        let elsewhere = !is_root && arg.is_global_set();
        if elsewhere {
            arg.hide(true).help_heading(None)
        } else {
            arg
        }
    });
    let man = Man::new(own.clone())
        .title(name.to_uppercase())
        .date(RELEASED)
        .source("keyward")
        .manual("keyward manual");
    let mut page = Vec::new();
    let mut section = |render: &dyn Fn(&mut Vec<u8>) -> std::io::Result<()>| {
        render(&mut page)
            .map_err(|error| Error::new(Kind::Internal, "the page was not rendered").because(error))
    };
    section(&|page| man.render_title(page))?;
    section(&|page| man.render_name_section(page))?;
    section(&|page| {
        page.extend_from_slice(synopsis(command).as_bytes());
        Ok(())
    })?;
    section(&|page| man.render_description_section(page))?;
    if own.get_arguments().any(|arg| !arg.is_hide_set()) {
        section(&|page| man.render_options_section(page))?;
    }
    if own
        .get_subcommands()
        .any(|subcommand| !subcommand.is_hide_set())
    {
        section(&|page| man.render_subcommands_section(page))?;
    }
    let mut text = String::from_utf8_lossy(&page).into_owned();
    let after = command.get_after_long_help().or(command.get_after_help());
    let after = after.map(ToString::to_string).unwrap_or_default();
    text.push_str(&closing(&after, is_root));
    Ok(tidy(&text))
}

fn synopsis(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    format!(
        ".SH SYNOPSIS\n.nf\n{}\n.fi\n",
        escape(usage.trim_start_matches("Usage: ").trim())
    )
}

/// The blocks that follow the options in the help, each a section of its own, and where to read on.
fn closing(after_help: &str, is_root: bool) -> String {
    let mut text = String::new();
    for block in after_help.split("\n\n").filter(|block| !block.is_empty()) {
        let (title, body) = match block.split_once(":\n") {
            Some((title, body)) => (title.to_uppercase(), body),
            None => ("NOTES".to_owned(), block),
        };
        text.push_str(&format!(".SH \"{title}\"\n.nf\n{}\n.fi\n", escape(body)));
    }
    if !is_root {
        text.push_str(
            ".SH \"SEE ALSO\"\n.BR keyward (1)\nfor the global options and the exit status.\n",
        );
    }
    text
}

/// The text with everything that roff would take for its own escaped.
fn escape(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\e")
        .replace('-', "\\-")
        .replace('\'', "\\(aq");
    let line = |line: &str| {
        if line.starts_with('.') {
            format!("\\&{line}")
        } else {
            line.to_owned()
        }
    };
    escaped.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// The page as `mandoc -Tlint` likes it: filled text in short lines, no breaks beside paragraphs, no trailing spaces.
fn tidy(page: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut filled = true;
    let source: Vec<&str> = page.lines().collect();
    for (at, line) in source.iter().enumerate() {
        match *line {
            ".nf" => filled = false,
            ".fi" => filled = true,
            // clap_mangen sets an empty line between two breaks, which is one paragraph.
            ".br" if source.get(at + 1) == Some(&"") => {
                lines.push(".sp".to_owned());
                continue;
            }
            ".br" if at > 0 && source[at - 1].is_empty() => continue,
            "" if filled => continue,
            // clap_mangen defines its apostrophe anew in every section.
            line if at > 1
                && (line.starts_with(".ie \\n(.g") || line.starts_with(".el .ds Aq")) =>
            {
                continue;
            }
            _ => {}
        }
        if filled && !line.starts_with('.') {
            lines.extend(wrap(line))
        } else {
            lines.push(line.trim_end().to_owned())
        }
    }
    lines.join("\n") + "\n"
}

/// Breaks a line of filled text at spaces. A word that roff would take for a request stays where it is.
fn wrap(line: &str) -> Vec<String> {
    let mut wrapped = vec![String::new()];
    for word in line.split_whitespace() {
        let last = wrapped.last_mut().expect("there is one to begin with");
        let fits = last.is_empty() || last.len() + 1 + word.len() <= LONGEST_LINE;
        if fits || word.starts_with(['.', '\'']) {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        } else {
            wrapped.push(word.to_owned());
        }
    }
    wrapped
}
