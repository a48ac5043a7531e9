//! Patterns for paths: `*` and `?` within a name, `**` across folders.

use std::str::FromStr;

use crate::error::Error;

/// A pattern. Without a slash it is for any one name on the way, with one for the path from its beginning. What it matches, it
/// matches with everything below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    parts: Vec<Vec<u8>>,
    is_name: bool,
}

impl FromStr for Glob {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let inner = text.trim_matches('/');
        if inner.is_empty() {
            return Err(Error::usage("the pattern is empty"));
        }
        let parts = inner.split('/').map(|part| part.as_bytes().to_vec()).collect();
        Ok(Self { parts, is_name: !text.trim_end_matches('/').contains('/') })
    }
}

impl Glob {
    /// Whether a path, or a folder that it is in, matches.
    pub fn matches(&self, path: &[u8]) -> bool {
        let names: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
        if self.is_name {
            return names.iter().any(|name| is_like(&self.parts[0], name));
        }
        (1..=names.len()).any(|count| are_like(&self.parts, &names[..count]))
    }
}

fn are_like(parts: &[Vec<u8>], names: &[&[u8]]) -> bool {
    // Whether the first `nth` names are like the parts so far.
    let mut reached = vec![false; names.len() + 1];
    reached[0] = true;
    for part in parts {
        if part == b"**" {
            let first = reached.iter().position(|is| *is).unwrap_or(names.len() + 1);
            reached.iter_mut().skip(first).for_each(|is| *is = true);
            continue;
        }
        for nth in (0..names.len()).rev() {
            reached[nth + 1] = reached[nth] && is_like(part, names[nth]);
        }
        reached[0] = false;
    }
    reached[names.len()]
}

fn is_like(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut here) = (0, 0);
    let mut star = None;
    while here < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, here));
                at += 1;
            }
            Some(byte) if *byte == b'?' || *byte == name[here] => {
                at += 1;
                here += 1;
            }
            _ => {
                // The last star takes one more.
                let Some((star_at, taken)) = star else {
                    return false;
                };
                star = Some((star_at, taken + 1));
                (at, here) = (star_at + 1, taken + 1);
            }
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_as_in_gitignore() {
        for (pattern, path, expected) in [
            ("*.log", "a.log", true),
            ("*.log", "deep/er/a.log", true),
            ("*.log", "a.log.gz", false),
            ("target", "x/target/debug/y", true),
            ("target/", "target/debug", true),
            ("/target", "target/debug", true),
            ("/target", "x/target", false),
            ("docs/*.md", "docs/a.md", true),
            ("docs/*.md", "docs/b/a.md", false),
            ("docs/**", "docs/b/a.md", true),
            ("**/b/*.md", "docs/b/a.md", true),
            ("docs/**/a.md", "docs/a.md", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a*b*", "xxaxxbxx", true),
            ("src/app.py", "src/app.py", true),
            ("src/app.py", "other/src/app.py", false),
        ] {
            let glob: Glob = pattern.parse().expect(pattern);
            assert_eq!(glob.matches(path.as_bytes()), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn many_stars_take_no_longer_than_the_path_is_long() {
        let glob: Glob = "*a".repeat(60).parse().expect("a pattern");
        assert!(!glob.matches("a".repeat(50_000).replace("aa", "ab").as_bytes()));
    }
}
