//! The beginning of a line as bash reads it: its words without quotes, and the text that replaces a completed word.
//!
//! This module never guesses what only the shell knows: a word that contains `$` or a backquote is not taken as text.

/// The words up to the cursor.
#[derive(Debug, Default)]
pub struct Line {
    /// The words, the program's name not among them. The last one is being typed. One that only the shell can say is `None`.
    pub words: Vec<Option<String>>,
    /// Whether the last word is a redirection's file.
    pub is_path: bool,
    /// How many bytes of the last word come before the part that readline replaces.
    stem: usize,
    /// The quotation mark that is open.
    quote: Option<char>,
}

impl Line {
    /// The words of a shell that has read the line itself.
    pub fn of_words(words: &[String]) -> Self {
        Self { words: words.iter().cloned().map(Some).collect(), ..Self::default() }
    }

    /// What readline puts into the place of what it replaces, so that the last word becomes this one: a line.
    pub fn replacement(&self, word: &str) -> String {
        let rest = word.get(self.stem..).unwrap_or_default();
        let mut text = String::new();
        for (at, character) in rest.char_indices() {
            let is_first = at == 0 && self.stem == 0;
            match (self.quote, character) {
                (Some('\''), '\'') => text.push_str("'\\''"),
                // Between double quotes a backslash would stay before it.
                (Some('"'), '!') => text.push_str("\"\\!\""),
                (Some('"'), '"' | '$' | '`' | '\\') => text.extend(['\\', character]),
                (Some(_), _) => text.push(character),
                (None, '~' | '#') if is_first => text.extend(['\\', character]),
                (None, '~' | '#') => text.push(character),
                (None, _) if is_plain(character) => text.push(character),
                (None, _) => text.extend(['\\', character]),
            }
        }
        text.push('\n');
        text
    }
}

/// Reads a line up to the cursor. `breaks` are the characters at which readline divides words.
pub fn read(line: &str, breaks: &str) -> Option<Line> {
    let mut reader = Reader { line: Line::default(), word: None, follows_redirection: false };
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        let quote = reader.line.quote;
        match (quote, character) {
            (Some('\''), '\'') | (Some('"'), '"') => reader.line.quote = None,
            (Some('"'), '\\') => match characters.next() {
                Some(next @ ('"' | '$' | '`' | '\\')) => reader.push(next),
                Some(next) => {
                    reader.push('\\');
                    reader.push(next);
                }
                None => reader.push('\\'),
            },
            (Some('"') | None, '$' | '`') => reader.word().0 = None,
            (Some(_), _) => reader.push(character),
            (None, '\\') => match characters.next() {
                Some('\n') => {}
                Some(next) => reader.push(next),
                None => {}
            },
            (None, '\'' | '"') => {
                reader.line.quote = Some(character);
                let length = reader.length();
                reader.word().1 = length;
            }
            (None, ' ' | '\t' | '\n') => reader.end(),
            (None, '<' | '>') => {
                // `2>` has no word before it.
                reader.word = None;
                reader.follows_redirection = true;
            }
            (None, '|' | '&' | ';' | '(' | ')') => return None,
            (None, _) => {
                reader.push(character);
                if breaks.contains(character) {
                    let length = reader.length();
                    reader.word().1 = length;
                }
            }
        }
    }
    Some(reader.finish())
}

struct Reader {
    line: Line,
    /// The word that is read, and how much of it readline leaves alone because something divides it there.
    word: Option<(Option<String>, usize)>,
    follows_redirection: bool,
}

impl Reader {
    fn word(&mut self) -> &mut (Option<String>, usize) {
        self.word.get_or_insert_with(|| (Some(String::new()), 0))
    }

    fn length(&mut self) -> usize {
        self.word().0.as_ref().map_or(0, String::len)
    }

    fn push(&mut self, character: char) {
        if let Some(text) = &mut self.word().0 {
            text.push(character);
        }
    }

    fn end(&mut self) {
        if let Some((word, _)) = self.word.take()
            && !std::mem::take(&mut self.follows_redirection)
        {
            self.line.words.push(word);
        }
    }

    fn finish(mut self) -> Line {
        self.line.is_path = self.follows_redirection;
        let (word, stem) = self.word.take().unwrap_or((Some(String::new()), 0));
        self.line.words.push(word);
        self.line.words.remove(0);
        self.line.stem = stem;
        self.line
    }
}

/// Whether bash takes a character outside quotes for nothing but itself.
fn is_plain(character: char) -> bool {
    character.is_ascii_alphanumeric() || "_-./+@%,:=^".contains(character) || !character.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BREAKS: &str = " \t\n\"'><=;|&(:";

    fn words(line: &str) -> Vec<Option<String>> {
        read(line, BREAKS).expect("a command").words
    }

    #[test]
    fn quotes_are_taken_off_and_what_only_the_shell_can_say_is_no_text() {
        let text = |words: &[&str]| -> Vec<Option<String>> {
            words.iter().map(|word| Some((*word).to_owned())).collect()
        };
        for (line, expected) in [
            ("keyward ", &[""][..]),
            ("keyward show my\\ k", &["show", "my k"]),
            ("keyward show 'it''s' \"a \\\"b\\\" \\c", &["show", "its", "a \"b\" \\c"]),
            ("keyward show \"my k", &["show", "my k"]),
            ("keyward  list 2>err --st", &["list", "--st"]),
            ("keyward show a:b=c", &["show", "a:b=c"]),
        ] {
            assert_eq!(words(line), text(expected), "{line}");
        }
        assert_eq!(
            words("keyward -w $x show"),
            [Some("-w".to_owned()), None, Some("show".to_owned())]
        );
        assert_eq!(words("keyward show \"$(touch x)"), [Some("show".to_owned()), None]);
        assert_eq!(
            words("keyward show '$(touch x)"),
            [Some("show".to_owned()), Some("$(touch x)".to_owned())]
        );
        assert!(read("keyward show > fi", BREAKS).expect("a command").is_path);
    }

    #[test]
    fn what_readline_replaces_becomes_the_rest_of_the_word() {
        for (line, word, expected) in [
            ("keyward show ", "my key", "my\\ key"),
            ("keyward show my\\ k", "my key", "my\\ key"),
            ("keyward show \"my k", "my key", "my key"),
            ("keyward show my\" k", "my key", " key"),
            ("keyward show 'it", "it's", "it'\\''s"),
            ("keyward show \"", "a!$b", "a\"\\!\"\\$b"),
            ("keyward show ", "$(touch x)", "\\$\\(touch\\ x\\)"),
            ("keyward show ", "~root", "\\~root"),
            ("keyward show a:", "a:b c", "b\\ c"),
            ("keyward revoke --reason=com", "--reason=compromised", "compromised"),
        ] {
            let line = read(line, BREAKS).expect("a command");
            assert_eq!(line.replacement(word).trim_end_matches('\n'), expected);
        }
    }

    #[test]
    fn every_replacement_is_read_as_the_word() {
        let hostile: String = (' '..='~').collect();
        let mut line = Line::default();
        let mut asked = String::new();
        for quote in [None, Some('\''), Some('"')] {
            line.quote = quote;
            let mark = quote.map(String::from).unwrap_or_default();
            asked += &format!("{mark}{}{mark} ", line.replacement(&hostile).trim_end_matches('\n'));
        }
        let again = read(&format!("keyward {asked}"), BREAKS).expect("a command").words;
        assert_eq!(again[..3], [(); 3].map(|()| Some(hostile.clone())));
    }
}
