//! `.keywardignore`: findings that are known and not to be reported again.

use crate::domain::glob::Glob;
use crate::domain::key::Key;
use crate::domain::sanitize::Safe;
use crate::domain::timestamp::Timestamp;
use crate::domain::when::When;
use crate::error::{Error, Result};

/// A line: which key, where, and until when.
#[derive(Debug, Clone)]
struct Exception {
    /// A key's id, its prefix or its short part.
    key: String,
    glob: Glob,
    until: Option<Timestamp>,
}

/// The lines of a file.
#[derive(Debug, Clone, Default)]
pub struct Exceptions(Vec<Exception>);

/// What is known of a finding here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Reported,
    Ignored,
    /// A line names it, but a live key is only ignored until a date.
    Undated,
    /// A line named it until a date that is over.
    Over,
}

impl Exceptions {
    /// Reads `KEY-or-PREFIX GLOB [until=DATE] # reason`, a line each.
    pub fn parse(text: &str) -> Result<Self> {
        let mut exceptions = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let wrong = |why: &str| {
                Error::usage(format!("line {number} of .keywardignore {why}"))
                    .hinted("a line is: KEY-or-PREFIX GLOB until=DATE # reason")
            };
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.split_whitespace();
            let Some(key) = words.next() else {
                continue;
            };
            let glob = words.next().ok_or_else(|| wrong("has no pattern for paths"))?;
            let mut exception = Exception {
                key: key.to_owned(),
                glob: glob.parse().map_err(|_| wrong("has an empty pattern"))?,
                until: None,
            };
            for word in words {
                let until = word.strip_prefix("until=").and_then(|date| date.parse().ok());
                let Some(When::At(until)) = until else {
                    return Err(wrong(&format!("has \"{}\", which is not until=DATE", Safe(word))));
                };
                exception.until = Some(until);
            }
            exceptions.push(exception);
        }
        Ok(Self(exceptions))
    }

    /// What the lines say of a key, or of a token with this public front, at a path.
    pub fn of(&self, key: Option<&Key>, prefix: &str, path: &[u8], now: Timestamp) -> Standing {
        let is_live = key.is_some_and(|key| key.is_living(now));
        let is_meant = |text: &str| {
            text == prefix || key.is_some_and(|key| key.id.as_str() == text || key.short == text)
        };
        let named = self.0.iter().filter(|line| !line.key.is_empty() && is_meant(&line.key));
        let mut standing = Standing::Reported;
        for line in named.filter(|line| line.glob.matches(path)) {
            match line.until {
                Some(until) if until <= now => standing = Standing::Over,
                None if is_live => standing = Standing::Undated,
                _ => return Standing::Ignored,
            }
        }
        standing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::key::State;
    use crate::domain::key::tests::sample;

    #[test]
    fn a_live_key_is_ignored_only_until_a_date() {
        let mut key = sample();
        key.prefix = "kw_live_abc".to_owned();
        let now: When = "2027-01-01".parse().expect("a date");
        let now = now.resolve(Timestamp::EPOCH).expect("a date").expect("a time");
        let of = |key: &Key, line: &str, path: &str| {
            let lines = Exceptions::parse(line).expect(line);
            lines.of(Some(key), &key.prefix, path.as_bytes(), now)
        };
        assert_eq!(of(&key, "kw_live_abc docs/*.md # example", "docs/a.md"), Standing::Undated);
        let dated = "kw_live_abc docs/*.md until=2027-02-01 # example";
        assert_eq!(of(&key, dated, "docs/a.md"), Standing::Ignored);
        assert_eq!(of(&key, dated, "src/a.md"), Standing::Reported);
        assert_eq!(of(&key, "kw_live_x docs/*.md", "docs/a.md"), Standing::Reported);
        let over = "kw_live_abc docs/*.md until=2026-12-31";
        assert_eq!(of(&key, over, "docs/a.md"), Standing::Over);
        key.state = State::Revoked;
        assert_eq!(of(&key, "kw_live_abc docs/*.md # example", "docs/a.md"), Standing::Ignored);
        assert_eq!(of(&key, &format!("{} a", key.id), "a"), Standing::Ignored);
    }

    #[test]
    fn a_line_that_is_none_is_named() {
        for line in ["key_1", "key_1 *.md until=soon", "key_1 *.md later", "key_1 /"] {
            let text = format!("# comment\n\n{line}\n");
            let error = Exceptions::parse(&text).expect_err(line);
            assert!(error.to_string().starts_with("line 3 of .keywardignore"), "{error}");
        }
    }
}
