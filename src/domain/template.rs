//! The shape of a token: literals and the parts `{prefix} {env} {short:N} {secret:N} {crc}`.

use std::fmt;
use std::str::FromStr;

use crate::domain::sanitize::Safe;
use crate::error::{Error, Kind};

/// The longest random part a template may ask for, in characters.
pub const MAXIMUM_PART: usize = 128;
/// The longest template text, in characters.
const MAXIMUM_TEXT: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Characters that every token carries.
    Literal(String),
    Prefix,
    Environment,
    /// That many random characters, public.
    Short(usize),
    /// That many random characters, secret.
    Secret(usize),
    /// The checksum of everything before it.
    Checksum,
}

impl Part {
    /// The part as written in a template, without its length; a literal has no name.
    fn name(&self) -> &'static str {
        match self {
            Self::Literal(_) => "",
            Self::Prefix => "{prefix}",
            Self::Environment => "{env}",
            Self::Short(_) => "{short:N}",
            Self::Secret(_) => "{secret:N}",
            Self::Checksum => "{crc}",
        }
    }
}

/// A parsed template: it holds exactly one secret, any short before it, any checksum at the very end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

impl Template {
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// How many random characters are secret.
    pub fn secret_length(&self) -> usize {
        let secret = self.parts.iter().find_map(|part| match part {
            Part::Secret(length) => Some(*length),
            _ => None,
        });
        secret.expect("parsing refuses a template without a secret")
    }

    pub fn has(&self, part: &Part) -> bool {
        self.parts.contains(part)
    }
}

impl FromStr for Template {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.len() > MAXIMUM_TEXT {
            return Err(invalid(format!("is longer than {MAXIMUM_TEXT} characters")));
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(inner) = rest.strip_prefix('{') {
                let (name, after) =
                    inner.split_once('}').ok_or_else(|| invalid("has a { without its }".into()))?;
                parts.push(parse_part(name)?);
                rest = after;
            } else {
                let end = rest.find('{').unwrap_or(rest.len());
                parts.push(parse_literal(&rest[..end])?);
                rest = &rest[end..];
            }
        }
        check_arrangement(&parts)?;
        Ok(Self { parts })
    }
}

impl fmt::Display for Template {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Literal(text) => formatter.write_str(text)?,
                Part::Prefix => formatter.write_str("{prefix}")?,
                Part::Environment => formatter.write_str("{env}")?,
                Part::Short(length) => write!(formatter, "{{short:{length}}}")?,
                Part::Secret(length) => write!(formatter, "{{secret:{length}}}")?,
                Part::Checksum => formatter.write_str("{crc}")?,
            }
        }
        Ok(())
    }
}

fn parse_part(name: &str) -> Result<Part, Error> {
    match name.split_once(':') {
        None if name == "prefix" => Ok(Part::Prefix),
        None if name == "env" => Ok(Part::Environment),
        None if name == "crc" => Ok(Part::Checksum),
        Some(("short", length)) => Ok(Part::Short(parse_length(name, length)?)),
        Some(("secret", length)) => Ok(Part::Secret(parse_length(name, length)?)),
        _ => Err(invalid(format!(
            "has the unknown part {{{}}}: the parts are {{prefix}} {{env}} {{short:N}} {{secret:N}} {{crc}}",
            Safe(name)
        ))),
    }
}

fn parse_length(name: &str, length: &str) -> Result<usize, Error> {
    match length.parse() {
        Ok(length @ 1..=MAXIMUM_PART) => Ok(length),
        _ => {
            Err(invalid(format!("has {{{}}}: the length must be 1 to {MAXIMUM_PART}", Safe(name))))
        }
    }
}

fn parse_literal(text: &str) -> Result<Part, Error> {
    match text
        .chars()
        .find(|character| !character.is_ascii_alphanumeric() && !"_.-".contains(*character))
    {
        None => Ok(Part::Literal(text.to_owned())),
        Some(character) => Err(invalid(format!(
            "has the character {} outside A-Z a-z 0-9 _ . -",
            character.escape_default()
        ))),
    }
}

fn check_arrangement(parts: &[Part]) -> Result<(), Error> {
    let count = |name: &str| parts.iter().filter(|part| part.name() == name).count();
    if count("{secret:N}") != 1 {
        return Err(invalid("must have exactly one {secret:N}".into()));
    }
    for name in ["{short:N}", "{crc}", "{prefix}", "{env}"] {
        if count(name) > 1 {
            return Err(invalid(format!("has {name} more than once")));
        }
    }
    if count("{crc}") == 1 && parts.last() != Some(&Part::Checksum) {
        return Err(invalid("must end with its {crc}: it covers everything before it".into()));
    }
    // The public front is everything up to the secret, so only a literal and the checksum may follow it.
    let mut after_secret = parts.iter().skip_while(|part| !matches!(part, Part::Secret(_))).skip(1);
    if after_secret.any(|part| !matches!(part, Part::Literal(_) | Part::Checksum)) {
        return Err(invalid("must have {prefix}, {env} and {short:N} before {secret:N}".into()));
    }
    Ok(())
}

fn invalid(what: String) -> Error {
    Error::new(Kind::InvalidPolicy, format!("the token template {what}"))
        .hinted("the default template is {prefix}_{env}_{short:12}{secret:32}{crc}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_prints_as_it_was_written() {
        for text in [
            "{prefix}_{env}_{short:12}{secret:32}{crc}",
            "sw_{env}_{short:7}.{secret:40}",
            "{secret:43}",
        ] {
            assert_eq!(text.parse::<Template>().expect(text).to_string(), text);
        }
    }

    #[test]
    fn shapes_that_could_not_be_read_back_are_refused() {
        for text in [
            "",
            "{prefix}_{env}",
            "{secret:32}{secret:32}",
            "{crc}{secret:32}",
            "{secret:32}{short:8}",
            "{secret:32}_{env}",
            "{secret:0}",
            "{secret:999}",
            "{secret}",
            "{secret:32",
            "{word}{secret:32}",
            "a b{secret:32}",
            "{env}{env}{secret:32}",
        ] {
            assert_eq!(text.parse::<Template>().expect_err(text).kind(), Kind::InvalidPolicy);
        }
    }
}
