//! What the readers of dotenv files read in one: python-dotenv, Node.js with the npm package dotenv or with --env-file, and
//! a shell that sources it.
//!
//! This module never changes a text and never copies a value: values are slices of what was given.

mod node;
mod npm;
mod python;
mod shell;

use node::Version;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    Python,
    Npm,
    /// Node.js 20 with `--env-file`.
    Node20,
    /// Node.js 22 and later with `--env-file`.
    Node,
    Shell,
}

/// A variable that a reader sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Binding<'t> {
    name: &'t str,
    /// As written, without the quotes around it. A value that contains escapes is not changed.
    value: &'t str,
    /// Where what the reader takes for this assignment begins, in bytes.
    start: usize,
}

/// Why a variable is not read as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Misread {
    /// The reader that reads another value.
    pub reader: Reader,
    /// The line that makes it so, from 1.
    pub line: usize,
}

impl Reader {
    pub const ALL: [Self; 5] = [Self::Python, Self::Npm, Self::Node, Self::Node20, Self::Shell];

    /// What messages call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Python => "python-dotenv",
            Self::Npm => "dotenv for Node.js",
            Self::Node20 => "node --env-file of Node.js 20",
            Self::Node => "node --env-file",
            Self::Shell => "sh",
        }
    }

    fn bindings(self, text: &str) -> Result<Vec<Binding<'_>>, usize> {
        match self {
            Self::Python => Ok(python::bindings(text)),
            Self::Npm => Ok(npm::bindings(text)),
            Self::Node20 => Ok(node::bindings(text, Version::V20)),
            Self::Node => Ok(node::bindings(text, Version::V22)),
            Self::Shell => shell::bindings(text),
        }
    }
}

/// Refuses a text in which a reader finds another value of the variable than this one, or none. The error is the first
/// reader that does, and the line.
pub fn check(text: &str, name: &str, value: &str) -> Result<(), Misread> {
    let own = text
        .rmatch_indices(value)
        .map(|(at, _)| at)
        .find(|at| text[..*at].ends_with('='))
        .unwrap_or(text.len());
    for reader in Reader::ALL {
        let misread = |at: usize| Misread { reader, line: 1 + text[..at].matches('\n').count() };
        let bindings = reader.bindings(text).map_err(misread)?;
        // All of them count: some readers take the first of several and some the last.
        let mut read = bindings.iter().filter(|binding| binding.name == name);
        if let Some(wrong) = read.clone().find(|binding| binding.value != value) {
            return Err(misread(wrong.start));
        }
        if read.next().is_none() {
            let before = bindings.iter().rev().find(|binding| binding.start <= own);
            return Err(misread(before.map_or(own, |binding| binding.start)));
        }
    }
    Ok(())
}

/// The value that every library reads for the variable, in each of its assignments: nothing where none reads any, and an
/// error where they differ.
///
/// Without a shell and Node.js 20: they are strict about blanks and CR, which does not concern a program that uses a
/// library. The error is the reader that reads a different value than the one before.
pub fn value<'t>(text: &'t str, name: &str) -> Result<Option<&'t str>, Reader> {
    let mut agreed: Option<Option<&str>> = None;
    for (reader, bindings) in [
        (Reader::Python, python::bindings(text)),
        (Reader::Npm, npm::bindings(text)),
        (Reader::Node, node::bindings(text, Version::V22)),
    ] {
        let read: Vec<_> = bindings
            .iter()
            .filter(|binding| binding.name == name)
            .map(|binding| binding.value)
            .collect();
        let first = read.first().copied();
        let differs = read.iter().any(|value| Some(*value) != first);
        if differs || *agreed.get_or_insert(first) != first {
            return Err(reader);
        }
    }
    Ok(agreed.flatten())
}

/// Where a quoted text ends that begins here, in the order in which a regular expression such as `(?:\\'|[^'])*'` tries
/// them: the first quote that has no backslash in front, then those that have one, backwards.
fn closings(text: &str, start: usize, quote: u8) -> Vec<usize> {
    let bytes = text.as_bytes();
    let (mut escaped, mut at) = (Vec::new(), start);
    while at < bytes.len() {
        if bytes[at] == quote {
            escaped.push(at);
            break;
        }
        if bytes[at] == b'\\' && bytes.get(at + 1) == Some(&quote) {
            escaped.push(at + 1);
            at += 1;
        }
        at += 1;
    }
    escaped.reverse();
    escaped
}

/// The end of the blanks that begin here.
fn skip(text: &str, start: usize, is_blank: impl Fn(char) -> bool) -> usize {
    let rest = &text[start..];
    start + (rest.len() - rest.trim_start_matches(is_blank).len())
}

/// The end of the line that begins or goes on here, its line feed or carriage return left out.
fn line_end(text: &str, start: usize) -> usize {
    text[start..].find(['\n', '\r']).map_or(text.len(), |length| start + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn misread(text: &str) -> Option<(Reader, usize)> {
        let misread = check(text, "KEY", "kw_1").err()?;
        Some((misread.reader, misread.line))
    }

    #[test]
    fn every_reader_reads_a_bare_value_among_ordinary_lines() {
        for text in [
            "KEY=kw_1\n",
            "KEY=kw_1",
            "export KEY=kw_1 # why\n",
            "# don't\nA=1\nKEY=kw_1\nB='x y'\n",
            "A=\"it's\"\n\n  KEY=kw_1\n",
            "CERT=\"-----\nKEY is in here\nend\"\nKEY=kw_1\n",
            "A=$(echo \"(\")\nB=`date`\nC=${D:-x}\nKEY=kw_1\n",
            "APP=My App\n\nURL=postgres://u:p@h/d?a=1&b=2\r\nKEY=kw_1\n",
            "KEY=kw_1\nexport A\nB=1; C=2\n",
            "KEY=kw_1\nKEY=kw_1\n",
        ] {
            assert_eq!(misread(text), None, "{text:?}");
        }
    }

    #[test]
    fn who_reads_something_else_is_named_with_the_line() {
        for (text, reader, line) in [
            ("", Reader::Python, 1),
            ("KEY=kw_1; export KEY\n", Reader::Python, 1),
            ("KEY=kw_1\nKEY=kw_2\n", Reader::Python, 2),
            ("KEY=kw_1\n'KEY'=kw_2\n", Reader::Python, 2),
            ("KEY=kw_1\nexport KEY\n", Reader::Python, 2),
            ("A=1\n \nKEY=kw_1\n", Reader::Node20, 2),
            ("KEY=kw_1\nKEY: kw_2\n", Reader::Npm, 2),
            ("A=1\n\nKEY=kw_1\r\n", Reader::Shell, 3),
            ("A=don't\nKEY=kw_1\n", Reader::Shell, 1),
            ("A='don\nKEY=kw_1\nB='x'\n", Reader::Python, 1),
            ("A=`x\nKEY=kw_1\nB=y`\n", Reader::Npm, 1),
            ("A=1\nB=<fill me in>\nKEY=kw_1\n", Reader::Shell, 2),
            ("A=1 |\nKEY=kw_1\n", Reader::Shell, 2),
            ("KEY=kw_1\nexit\n", Reader::Shell, 2),
            ("KEY=kw_1\nA=1 KEY=kw_2\n", Reader::Shell, 2),
            ("KEY=kw_1\nunset KEY\n", Reader::Shell, 2),
            ("A=b\\\nKEY=kw_1\n", Reader::Shell, 1),
            ("A=1\nKEY=kw_1\nA=$((KEY=5))\n", Reader::Shell, 3),
            ("A=${B-'x}'}\nKEY=kw_1\nA='x'\n", Reader::Shell, 1),
            ("KEY=kw_1\nKEY+=x\n", Reader::Shell, 2),
            ("KEY=kw_1\nKEY[0]=x\n", Reader::Shell, 2),
            ("KEY=kw_1\nA=1 KEY=x :\n", Reader::Shell, 2),
            ("KEY=kw_1\nprintf -v KEY x\n", Reader::Shell, 2),
            ("KEY=kw_1\ngetopts a KEY\n", Reader::Shell, 2),
            ("KEY=kw_1\ncommand export KEY=x\n", Reader::Shell, 2),
            ("KEY=kw_1\ntime KEY=x\n", Reader::Shell, 2),
            ("KEY=kw_1\nlocal A=1\n", Reader::Shell, 2),
            ("KEY=kw_1\nselect x\n", Reader::Shell, 2),
        ] {
            assert_eq!(misread(text), Some((reader, line)), "{text:?}");
        }
    }

    #[test]
    fn the_libraries_agree_on_a_value_or_one_is_named() {
        let read = |text| value(text, "KEY");
        assert_eq!(read("A=1\n"), Ok(None));
        for text in [
            "KEY=kw_1",
            "A=1\r\n  export KEY = \"kw_1\"\r\nB=2\r\n",
            "KEY='kw_1' # ours\nKEY=kw_1\n",
        ] {
            assert_eq!(read(text), Ok(Some("kw_1")), "{text:?}");
        }
        assert_eq!(read("KEY=\n"), Ok(Some("")));
        assert_eq!(read("KEY=a\nKEY=b\n"), Err(Reader::Python));
        assert_eq!(read("KEY: a\n"), Err(Reader::Npm));
        assert_eq!(read("KEY= # why\n"), Err(Reader::Npm));
    }
}
