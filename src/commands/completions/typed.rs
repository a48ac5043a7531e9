//! Where in the command line the cursor is: which command, which of its arguments, and what was given before.

use clap::{Arg, Command, Id};

/// The place of the cursor.
pub struct Place<'a> {
    /// The words of the command.
    pub path: Vec<&'a str>,
    pub command: &'a Command,
    /// The argument whose value is typed, with how many values it was given before.
    pub argument: Option<(&'a Arg, usize)>,
    /// The part of the word before the value: `--reason=`, `-w` or `live,`.
    pub front: &'a str,
    /// The part of the value typed so far.
    pub value: &'a str,
    /// Whether a command may come here.
    pub takes_commands: bool,
    /// Whether an option may come here.
    pub takes_options: bool,
    /// Whether a value that begins with a hyphen would be taken for an option.
    pub minds_hyphens: bool,
    given: Vec<(&'a Id, Option<&'a str>)>,
}

impl<'a> Place<'a> {
    /// The values of the argument of this name so far; one is `None` where only the shell can say what it is.
    pub fn given(&self, id: &str) -> impl Iterator<Item = Option<&'a str>> {
        let given = self.given.iter().filter(move |(own, _)| *own == id);
        given.map(|(_, value)| *value)
    }
}

/// The words before the cursor, one read after the other.
pub struct Words<'a> {
    path: Vec<&'a str>,
    command: &'a Command,
    given: Vec<(&'a Id, Option<&'a str>)>,
    /// How many of the words were positional arguments.
    positionals: usize,
    /// The option whose value comes next.
    awaits: Option<&'a Arg>,
    /// Whether a bare `--` came.
    is_escaped: bool,
}

impl<'a> Words<'a> {
    /// Where the last of these words is, the program's name not among them.
    pub fn place(root: &'a Command, words: &'a [Option<String>]) -> Option<Place<'a>> {
        let (is_help, words) = match words {
            [Some(first), of @ ..] if first == "help" && !of.is_empty() => (true, of),
            _ => (false, words),
        };
        let (last, before) = words.split_last()?;
        let mut read = Self {
            path: Vec::new(),
            command: root,
            given: Vec::new(),
            positionals: 0,
            awaits: None,
            is_escaped: false,
        };
        for word in before {
            read.word(word.as_deref());
        }
        let place = read.cursor(last.as_deref()?);
        Some(match is_help {
            // Only commands have help.
            true => Place { argument: None, takes_options: false, ..place },
            false => place,
        })
    }

    fn word(&mut self, word: Option<&'a str>) {
        let text = word.unwrap_or_default();
        if let Some(option) = self.awaits.take() {
            self.given.push((option.get_id(), word));
        } else if self.is_escaped {
            self.positional(word);
        } else if text == "--" {
            self.is_escaped = true;
        } else if text.len() > 1 && text.starts_with('-') {
            match self.option(text) {
                Some((option, None)) => self.awaits = Some(option),
                Some((option, Some(at))) => self.given.push((option.get_id(), Some(&text[at..]))),
                None => {}
            }
        } else if let Some(command) = self.subcommand(text) {
            self.path.push(command.get_name());
            self.command = command;
        } else {
            self.positional(word);
        }
    }

    fn positional(&mut self, word: Option<&'a str>) {
        if let Some((argument, _)) = self.next_positional() {
            self.given.push((argument.get_id(), word));
        }
        self.positionals += 1;
    }

    fn cursor(self, word: &'a str) -> Place<'a> {
        let is_option = self.awaits.is_none() && !self.is_escaped && word.starts_with('-');
        let attached = match is_option {
            true => self.option(word).and_then(|(option, at)| Some((option, at?))),
            false => None,
        };
        let (argument, at) = match (self.awaits, attached) {
            (Some(option), _) => (Some((option, 0)), 0),
            (None, Some((option, at))) => (Some((option, 0)), at),
            (None, None) if is_option => (None, 0),
            (None, None) => (self.next_positional(), 0),
        };
        let delimiter = argument.and_then(|(argument, _)| argument.get_value_delimiter());
        let last = delimiter.and_then(|delimiter| word[at..].rfind(delimiter));
        let (front, value) = word.split_at(last.map_or(at, |last| at + last + 1));
        let is_bare = self.awaits.is_none() && !self.is_escaped && attached.is_none();
        Place {
            argument,
            front,
            value,
            takes_commands: is_bare && self.positionals == 0,
            takes_options: is_bare && (is_option || argument.is_none()),
            minds_hyphens: !self.is_escaped && attached.is_none(),
            path: self.path,
            command: self.command,
            given: self.given,
        }
    }

    fn subcommand(&self, name: &str) -> Option<&'a Command> {
        let may_be = self.positionals == 0;
        may_be.then(|| self.command.find_subcommand(name)).flatten()
    }

    /// The option with a value that this word is or ends in, and where in the word its value begins, if it does.
    fn option(&self, word: &str) -> Option<(&'a Arg, Option<usize>)> {
        let takes_value = |arg: &&Arg| arg.get_action().takes_values();
        let mut arguments = self.command.get_arguments();
        if let Some(long) = word.strip_prefix("--") {
            let (name, _) = long.split_once('=').unwrap_or((long, ""));
            let option = arguments.find(|arg| {
                arg.get_long_and_visible_aliases().is_some_and(|names| names.contains(&name))
            });
            let at = (name.len() < long.len()).then_some("--".len() + name.len() + "=".len());
            return option.filter(takes_value).map(|option| (option, at));
        }
        for (at, flag) in word.char_indices().skip(1) {
            let after = &word[at + flag.len_utf8()..];
            let is_named = |arg: &&Arg| arg.get_short() == Some(flag);
            let option = self.command.get_arguments().find(is_named)?;
            if takes_value(&option) {
                let value = after.strip_prefix('=').unwrap_or(after);
                let begins = (!after.is_empty()).then_some(word.len() - value.len());
                return Some((option, begins));
            }
        }
        None
    }

    /// The argument that a bare word here would be, with how many values it has.
    fn next_positional(&self) -> Option<(&'a Arg, usize)> {
        let mut before = self.positionals;
        let positionals = || self.command.get_positionals();
        if self.is_escaped
            && let Some(last) = positionals().find(|arg| arg.is_last_set())
        {
            let given = self.given.iter().filter(|(id, _)| *id == last.get_id());
            return Some((last, given.count()));
        }
        for argument in positionals().filter(|arg| !arg.is_last_set()) {
            let most = argument.get_num_args().map_or(1, |count| count.max_values());
            if before < most {
                return Some((argument, before));
            }
            before -= most;
        }
        None
    }
}
