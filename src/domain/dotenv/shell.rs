//! What a POSIX shell sets that sources a file, as far as that shows without running it.
//!
//! The shell's commands are parsed, not carried out: whatever depends on a loop or a condition is refused.

use super::Binding;

/// Words that, as a command's first, decide what else is run: the reserved ones and the special built-in commands
/// (POSIX, Shell Command Language, 2.4 and 2.14), but for those that set and unset variables; what bash adds to them; and
/// what runs any command or sets any variable. `local` ends dash.
const DECIDING: [&str; 37] = [
    "!", ".", "{", "}", "[[", "break", "builtin", "case", "command", "continue", "coproc", "do",
    "done", "elif", "else", "esac", "eval", "exec", "exit", "fi", "for", "function", "if", "let",
    "local", "printf", "return", "select", "set", "shift", "source", "then", "time", "times",
    "trap", "until", "while",
];

/// A command so far.
#[derive(Default)]
struct Command<'t> {
    words: Vec<(usize, &'t str)>,
    /// Whether it is sure to run, in this shell, when its line is reached.
    is_sure: bool,
}

/// The variables that are set; or where a shell would give up or decide.
pub(super) fn bindings(text: &str) -> Result<Vec<Binding<'_>>, usize> {
    let bytes = text.as_bytes();
    let (mut found, mut command) = (Vec::new(), Command::sure());
    // What is open: quotes and brackets, with where.
    let mut open: Vec<(u8, usize)> = Vec::new();
    let (mut word, mut at) = (None, 0);
    while at < bytes.len() {
        let byte = bytes[at];
        let inner = open.last().map(|(opened, _)| *opened);
        let next = bytes.get(at + 1).copied();
        match (inner, byte) {
            (Some(b'\''), b'\'') => drop(open.pop()),
            (Some(b'\''), _) => {}
            // What spans lines inside is a script of its own.
            (Some(b'(' | b'{' | b'`'), b'\n') => return Err(at),
            // An expansion that may fail ends the shell; whether an apostrophe quotes depends on what is around it.
            (Some(b'{'), b'?' | b'!' | b'\'') => return Err(at),
            // Arithmetic sets variables too.
            (_, b'$') if bytes[at..].starts_with(b"$((") => return Err(at),
            (_, b'\\') => {
                word = word.or(Some(at).filter(|_| next != Some(b'\n')));
                at += 1;
            }
            (Some(opened @ (b'"' | b'`')), _) if byte == opened => drop(open.pop()),
            (Some(b'('), b')') | (Some(b'{'), b'}') => drop(open.pop()),
            (_, b'$') if matches!(next, Some(b'(' | b'{')) => {
                word = word.or(Some(at));
                at += 1;
                let is_name = bytes.get(at + 1).is_some_and(|byte| is_word(*byte));
                if bytes[at] == b'{' && !is_name {
                    return Err(at);
                }
                open.push((bytes[at], at));
            }
            (_, b'`') | (None | Some(b'(' | b'{'), b'"') => {
                word = word.or(Some(at));
                open.push((byte, at));
            }
            (None | Some(b'('), b'\'') => {
                word = word.or(Some(at));
                open.push((byte, at));
            }
            (Some(b'('), b'(') => open.push((byte, at)),
            (Some(_), _) => {}
            (None, b'#') if word.is_none() => {
                at += text[at..].find('\n').unwrap_or(text.len() - at);
                continue;
            }
            (None, b'(' | b')' | b'<' | b'>') => return Err(at),
            (None, b' ' | b'\t' | b'\n' | b';' | b'&' | b'|') => {
                command.words.extend(word.take().map(|start: usize| (start, &text[start..at])));
                match byte {
                    b' ' | b'\t' => {}
                    // A line that ends in an operator continues on the next.
                    b'\n' if command.words.is_empty() => {}
                    b'\n' => std::mem::replace(&mut command, Command::sure()).set(&mut found)?,
                    _ if command.words.is_empty() => return Err(at),
                    _ => {
                        let is_double = next == Some(byte);
                        if is_double && byte == b';' {
                            return Err(at);
                        }
                        at += usize::from(is_double);
                        // One side of a pipe, and what is in the background, is another process.
                        command.is_sure &= byte == b';' || is_double;
                        let following = Command { words: Vec::new(), is_sure: byte == b';' };
                        std::mem::replace(&mut command, following).set(&mut found)?;
                        // `a &` may end its line.
                        if byte == b'&' && !is_double {
                            command.is_sure = true;
                        }
                    }
                }
            }
            (None, _) => word = word.or(Some(at)),
        }
        at += 1;
    }
    if let Some((_, at)) = open.first() {
        return Err(*at);
    }
    command.words.extend(word.map(|start| (start, &text[start..])));
    if command.words.is_empty() && !command.is_sure {
        return Err(text.len());
    }
    command.set(&mut found)?;
    Ok(found)
}

impl<'t> Command<'t> {
    fn sure() -> Self {
        Self { words: Vec::new(), is_sure: true }
    }

    fn set(self, found: &mut Vec<Binding<'t>>) -> Result<(), usize> {
        let assigned = |&(start, word): &(usize, &'t str)| {
            let (name, value) = word.split_once('=')?;
            is_name(name).then(|| Binding { name, value: unquoted(value), start })
        };
        let own = self.words.iter().take_while(|word| assigned(word).is_some()).count();
        let Some((start, first)) = self.words.get(own) else {
            found.extend(self.words.iter().filter_map(assigned).filter(|_| self.is_sure));
            return Ok(());
        };
        if DECIDING.contains(first) {
            return Err(*start);
        }
        let arguments = &self.words[own + 1..];
        let is_named = |(_, word): &(usize, &str)| is_name(word.split('=').next().unwrap_or(word));
        let own_assignments = self.words[..own].iter().filter_map(assigned);
        if matches!(*first, ":" | "export" | "readonly" | "unset") {
            // POSIX, 2.14: in front of a special built-in command they stay.
            found.extend(own_assignments);
        }
        // To bash these are assignments: NAME+=more, NAME[0]=value.
        if let Some((name, _)) = first.split_once(['+', '[']).filter(|_| first.contains('=')) {
            found.push(Binding { name, value: "", start: *start });
        }
        match *first {
            // Something that is not a name ends the shell.
            "export" | "readonly" | "unset" if !arguments.iter().all(is_named) => {
                return Err(*start);
            }
            "export" => {
                found.extend(arguments.iter().filter_map(assigned).filter(|_| self.is_sure))
            }
            // They may do anything to the variables that they name.
            "readonly" | "unset" | "read" | "declare" | "typeset" | "getopts" | "mapfile"
            | "readarray" => {
                let named = |&(start, word): &(usize, &'t str)| Binding {
                    name: word.split('=').next().unwrap_or(word),
                    value: "",
                    start,
                };
                found.extend(arguments.iter().map(named));
            }
            // `NAME=value command` sets it for that command.
            _ => {}
        }
        Ok(())
    }
}

fn is_name(word: &str) -> bool {
    !word.starts_with(|first: char| first.is_ascii_digit())
        && !word.is_empty()
        && word.bytes().all(is_word)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// A word without the quotes around all of it.
fn unquoted(word: &str) -> &str {
    for quote in ['\'', '"'] {
        let inner = word.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
        if let Some(inner) = inner.filter(|inner| !inner.contains(['\'', '"', '\\', '$', '`'])) {
            return inner;
        }
    }
    word
}
