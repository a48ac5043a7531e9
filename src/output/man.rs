//! The manual page of one command, rendered from its clap definition, in the order of man-pages(7); and where pages go: to the
//! reader that the machine has, to stdout, or into a folder.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::Stdio;
use std::{fs, process};

use clap::Command;
use clap_mangen::Man;

use crate::domain::SafePath;
use crate::error::{Error, Kind, Result};
use crate::files;
use crate::output::stdout;
use crate::signals::Interrupts;

/// The date pages carry: that of the release, so that the same source gives the same page.
const RELEASED: &str = "2026-11-21";
/// The sections that end a page, in their order. A command's own come before them.
const LAST: [&str; 4] = ["EXIT STATUS", "ENVIRONMENT", "FILES", "EXAMPLES"];
/// Where the options are that every command has.
const GLOBAL_OPTIONS: &str =
    ".PP\nThe options that every command has are described in\n.BR keyward (1).\n";
/// What `mandoc -Tlint` takes for a line of text.
const LONGEST_LINE: usize = 80;

/// Every command's page, by the name of its file.
pub fn pages(root: &Command) -> Result<Vec<(String, String)>> {
    let mut pages = Vec::new();
    let mut left = vec![Vec::new()];
    while let Some(words) = left.pop() {
        let below = find(root, &words).map(Command::get_subcommands);
        for command in below.into_iter().flatten() {
            left.push([&words[..], &[command.get_name().to_owned()]].concat());
        }
        let page = render(root, &words)?.unwrap_or_default();
        pages.push((format!("{}.1", page_name(&words)), page));
    }
    Ok(pages)
}

/// Renders the page of the command with these words after `keyward`, if there is such a command.
pub fn render(root: &Command, words: &[String]) -> Result<Option<String>> {
    let Some(command) = find(root, words) else {
        return Ok(None);
    };
    let name = page_name(words);
    let is_root = words.is_empty();
    // Global options have a page of their own: keyward(1).
    let own = command.clone().name(name.clone()).mut_args(|arg| {
        let elsewhere = !is_root && arg.is_global_set();
        if elsewhere { arg.hide(true).help_heading(None) } else { arg }
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
    if !is_root {
        section(&|page| {
            page.extend_from_slice(GLOBAL_OPTIONS.as_bytes());
            Ok(())
        })?;
    }
    if own.get_arguments().any(|arg| !arg.is_hide_set()) {
        section(&|page| man.render_options_section(page))?;
    }
    if own.get_subcommands().any(|subcommand| !subcommand.is_hide_set()) {
        section(&|page| man.render_subcommands_section(page))?;
    }
    let mut text = String::from_utf8_lossy(&page).into_owned();
    let mut blocks = blocks(command);
    if !is_root {
        let common = |(title, _): &(String, String)| title != "EXAMPLES";
        blocks.extend(self::blocks(root).into_iter().filter(common));
    }
    let order = |title: &str| LAST.iter().position(|last| *last == title);
    blocks.sort_by_key(|(title, _)| order(title));
    for (title, body) in blocks {
        text.push_str(&format!(".SH \"{title}\"\n.nf\n{}\n.fi\n", escape(&body)));
    }
    text.push_str(&see_also(command, words));
    Ok(Some(tidy(&text)))
}

fn find<'a>(root: &'a Command, words: &[String]) -> Option<&'a Command> {
    let mut words = words.iter();
    words.try_fold(root, |command, word| command.find_subcommand(word))
}

fn page_name(words: &[String]) -> String {
    [&["keyward".to_owned()], words].concat().join("-")
}

fn synopsis(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    format!(".SH SYNOPSIS\n.nf\n{}\n.fi\n", escape(usage.trim_start_matches("Usage: ").trim()))
}

/// The blocks that follow the options in a command's help, each a section of its own.
fn blocks(command: &Command) -> Vec<(String, String)> {
    let after = command.get_after_long_help().or(command.get_after_help());
    let after = after.map(ToString::to_string).unwrap_or_default();
    let blocks = after.split("\n\n").filter(|block| !block.is_empty());
    let section = |block: &str| match block.split_once(":\n") {
        Some((title, body)) => (title.to_uppercase(), body.to_owned()),
        None => ("NOTES".to_owned(), block.to_owned()),
    };
    blocks.map(section).collect()
}

/// Where to read on: the page with the global options, the group's, and those of the commands below.
fn see_also(command: &Command, words: &[String]) -> String {
    let above = (0..words.len()).map(|length| page_name(&words[..length]));
    let below = command.get_subcommands().map(|below| {
        let words = [words, &[below.get_name().to_owned()]].concat();
        page_name(&words)
    });
    let pages: Vec<String> = above.chain(below).map(|page| escape(&page)).collect();
    format!(".SH \"SEE ALSO\"\n.BR {} (1)\n", pages.join(" (1),\n.BR "))
}

/// The text with everything that roff would take for its own escaped.
fn escape(text: &str) -> String {
    let escaped = text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq");
    let line = |line: &str| {
        if line.starts_with('.') { format!("\\&{line}") } else { line.to_owned() }
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
            // clap_mangen defines its apostrophe again in every section.
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

/// Shows a page on a terminal as `man` does, with the reader's own pager. Anywhere else, and without `man`, the page is
/// written unformatted.
pub fn show(page: &str) -> Result<()> {
    let is_read = std::io::stdout().is_terminal() && read(page)?;
    if is_read { Ok(()) } else { stdout::answer(page) }
}

/// Whether `man` has shown the page.
fn read(page: &str) -> Result<bool> {
    // An interrupt is meant for the pager. keyward must not leave the terminal before it.
    let _interrupts = Interrupts::watch()?;
    let reader = process::Command::new("man")
        .args(["-l", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut reader) = reader else {
        return Ok(false);
    };
    if let Some(mut input) = reader.stdin.take() {
        // A pager that is left early reads no more.
        let _ = input.write_all(page.as_bytes());
    }
    Ok(reader.wait().is_ok_and(|status| status.success()))
}

/// Writes pages into a folder, which is made if it does not exist.
pub fn write(folder: &Path, pages: &[(String, String)]) -> Result<()> {
    let unwritten = |path: &Path, error: std::io::Error| {
        Error::new(files::kind_of(&error), format!("cannot write {}", SafePath(path)))
            .because(error)
    };
    fs::create_dir_all(folder).map_err(|error| unwritten(folder, error))?;
    for (name, page) in pages {
        let path = folder.join(name);
        fs::write(&path, page).map_err(|error| unwritten(&path, error))?;
    }
    Ok(())
}
