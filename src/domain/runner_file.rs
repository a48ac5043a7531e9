//! What GitHub's runner reads in a step's file of variables or outputs (`FileCommandManager.cs`, `EnvFileKeyValuePairs`).

/// Why the runner would stop at a file, with the line's number from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    /// It is UTF-16 or UTF-32, as PowerShell 5 writes with `>>`.
    Encoding,
    /// The line is neither `NAME=VALUE` nor `NAME<<DELIMITER`.
    Line(usize),
    /// The delimiter that this line names does not come.
    Unclosed(usize),
}

/// A variable or an output that is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable<'t> {
    pub name: &'t [u8],
    pub value: &'t [u8],
}

/// Every variable with its value, in order.
pub fn variables(text: &[u8]) -> Result<Vec<Variable<'_>>, Unreadable> {
    // The runner recognises encodings by their byte order mark; without one, UTF-16 is UTF-8 full of NULs.
    if text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff") || text.contains(&0) {
        return Err(Unreadable::Encoding);
    }
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut found = Vec::new();
    let mut lines = lines(text).enumerate();
    while let Some((index, (start, line))) = lines.next() {
        if line.is_empty() {
            continue;
        }
        let number = index + 1;
        let equals = line.iter().position(|byte| *byte == b'=');
        let marks = line.windows(2).position(|two| two == b"<<");
        match (marks, equals) {
            (Some(marks), equals) if equals.is_none_or(|equals| marks < equals) => {
                let delimiter = &line[marks + 2..];
                if marks == 0 || delimiter.is_empty() {
                    return Err(Unreadable::Line(number));
                }
                let value_start = start + line.len() + 1;
                let (_, (end, _)) = lines
                    .find(|(_, (_, line))| *line == delimiter)
                    .ok_or(Unreadable::Unclosed(number))?;
                let value = text.get(value_start..end).unwrap_or_default();
                let value = value.strip_suffix(b"\n").unwrap_or(value);
                let name = &line[..marks];
                found.push(Variable { name, value });
            }
            (_, Some(equals)) if equals > 0 => {
                let (name, value) = (&line[..equals], &line[equals + 1..]);
                found.push(Variable { name, value });
            }
            _ => return Err(Unreadable::Line(number)),
        }
    }
    Ok(found)
}

/// The lines with where they begin. A CR before the LF is a part of the line, as it is to the runner on Linux.
fn lines(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut start = 0;
    text.split_inclusive(|byte| *byte == b'\n').map(move |line| {
        let begins = start;
        start += line.len();
        (begins, line.strip_suffix(b"\n").unwrap_or(line))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        let string = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let found = variables(text.as_bytes()).expect("readable");
        let pairs = found.into_iter();
        pairs.map(|found| (string(found.name), string(found.value))).collect()
    }

    #[test]
    fn both_forms_are_read_with_and_without_a_last_line_feed() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(read(""), []);
        assert_eq!(read("\u{feff}A=1\n\nB=x<<y=z"), [pair("A", "1"), pair("B", "x<<y=z")]);
        assert_eq!(read("A<<EOF\none\n\ntwo\nEOF"), [pair("A", "one\n\ntwo")]);
        assert_eq!(read("A<<EOF\nEOF\nB=\r\n"), [pair("A", ""), pair("B", "\r")]);
        assert_eq!(read("A<<x=y\n1\nx=y\n"), [pair("A", "1")]);
    }

    #[test]
    fn what_stops_the_runner_is_named_with_its_line() {
        let utf_16: Vec<u8> = "A=1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let marked = [b"\xff\xfe".as_slice(), &utf_16].concat();
        for (text, unreadable) in [
            (utf_16.as_slice(), Unreadable::Encoding),
            (&marked, Unreadable::Encoding),
            (b"A=1\nX<<EOF\nKEY=1\n", Unreadable::Unclosed(2)),
            (b"X<<EOF\nEOF \r\n", Unreadable::Unclosed(1)),
            (b"A=1\n\r\n", Unreadable::Line(2)),
            (b"no assignment\n", Unreadable::Line(1)),
            (b"=1\n", Unreadable::Line(1)),
            (b"<<EOF\nEOF\n", Unreadable::Line(1)),
            (b"A<<\n\n", Unreadable::Line(1)),
        ] {
            assert_eq!(variables(text), Err(unreadable));
        }
    }
}
