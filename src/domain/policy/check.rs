//! The rules a policy must keep to be one.

use super::{Bounds, Policy};
use std::collections::BTreeSet;

use crate::domain::lifetime::Lifetime;
use crate::domain::sanitize::Safe;
use crate::domain::template::Part;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{HINT_LENGTH, MINIMUM_BITS};
use crate::error::{Error, Kind, Result};

impl Policy {
    /// Checks every rule that one field alone cannot break.
    pub fn check(&self) -> Result<()> {
        let format = self.token_format()?;
        check_words("environments", &self.environments, is_environment)?;
        if self.environments.is_empty() {
            return Err(invalid("environments is empty: a key needs one"));
        }
        if self.environments.len() > 1 && !format.template.has(&Part::Environment) {
            return Err(invalid("the token has no {env}, so there can be only one environment")
                .hinted(
                    "an environment is part of its tokens: add {env}, or keep one environment",
                ));
        }
        let prefix_allowed =
            |character: char| character.is_ascii_alphanumeric() || character == '_';
        if self.prefix.len() > 16 || !self.prefix.chars().all(prefix_allowed) {
            return Err(invalid("prefix must be at most 16 characters of A-Z a-z 0-9 _"));
        }
        if self.prefix.is_empty() && format.template.has(&Part::Prefix) {
            return Err(invalid("prefix is empty but the token has {prefix}"));
        }
        if format.secret_bits() < MINIMUM_BITS {
            let needed =
                (MINIMUM_BITS / self.alphabet.bits_per_character()).ceil() as usize + HINT_LENGTH;
            return Err(invalid(format!(
                "the token leaves {:.0} secret bits once its hint is shown; {MINIMUM_BITS:.0} are needed",
                format.secret_bits().floor()
            ))
            .hinted(format!("in {} that takes {{secret:{needed}}} or longer", self.alphabet.word())));
        }
        check_words("scopes", self.scopes.keys(), is_scope)?;
        self.check_grants()?;
        check_words("plans", self.plans.keys(), is_scope)?;
        self.check_scope_bounds()?;
        self.check_lifetimes()?;
        match &self.default_plan {
            Some(plan) => self
                .plan(plan)
                .map(|_| ())
                .map_err(|_| invalid(format!("default_plan \"{}\" is not a plan", Safe(plan)))),
            None => Ok(()),
        }
    }

    fn check_lifetimes(&self) -> Result<()> {
        // From the longest and from the shortest month, so that a default that fits the maximum always does; and from the
        // year 2200, so that no lifetime leads past the year 9999 for as long as anybody uses the policy.
        for start in [
            Timestamp::from_millis(0),
            Timestamp::from_millis(31 * 86_400_000),
            Timestamp::from_millis(7_258_118_400_000),
        ] {
            let end = |field: &str, lifetime: &Option<Lifetime>| match lifetime {
                None => Ok(None),
                Some(lifetime) => match lifetime.after(start) {
                    Ok(end) if end > start => Ok(Some(end)),
                    _ => Err(invalid(format!("{field} {lifetime} is nothing or too long"))),
                },
            };
            let default = end("default_lifetime", &self.default_lifetime)?;
            let maximum = end("maximum_lifetime", &self.maximum_lifetime)?;
            if maximum.is_some_and(|maximum| default.is_some_and(|default| default > maximum)) {
                return Err(invalid("default_lifetime is longer than maximum_lifetime"));
            }
            for (field, lifetime) in [
                ("rotation_grace", &self.rotation_grace),
                ("usage_retention", &self.usage_retention),
            ] {
                lifetime
                    .after(start)
                    .map_err(|_| invalid(format!("{field} {lifetime} is too long")))?;
            }
        }
        match self.active_key_cap {
            Some(0) => Err(invalid("active_key_cap is 0, so there could be no key")
                .hinted("leave it out for no cap")),
            _ => Ok(()),
        }
    }

    fn check_grants(&self) -> Result<()> {
        for (name, scope) in &self.scopes {
            let granted = scope.grant.as_deref().unwrap_or_default();
            let field = format!("grant of scope {name}");
            check_words(&field, granted, is_scope)?;
            if let Some(unknown) =
                granted.iter().find(|granted| !self.scopes.contains_key(*granted))
            {
                return Err(invalid(format!(
                    "{field} has \"{unknown}\", which is not a scope of this policy"
                )));
            }
        }
        Ok(())
    }

    fn check_scope_bounds(&self) -> Result<()> {
        let known = u32::try_from(self.scopes.len()).unwrap_or(u32::MAX);
        let Bounds { min, max } = self.scopes_per_key;
        if min > known || max.is_some_and(|max| max < min) {
            return Err(invalid(format!("scopes_per_key cannot be met: there are {known} scopes")));
        }
        Ok(())
    }
}

fn check_words<'a>(
    field: &str,
    words: impl IntoIterator<Item = &'a String>,
    allowed: fn(&str) -> bool,
) -> Result<()> {
    let mut seen = BTreeSet::new();
    for word in words {
        if !allowed(word) {
            return Err(invalid(format!("{field} has \"{}\"", Safe(word))).hinted(
                "environments are 1 to 16 of a-z 0-9, scopes and plans 1 to 64 of A-Z a-z 0-9 _ . : / -",
            ));
        }
        if !seen.insert(word) {
            return Err(invalid(format!("{field} has \"{word}\" twice")));
        }
    }
    Ok(())
}

/// Whether a word can be an environment: 1 to 16 of a-z and 0-9.
pub fn is_environment(word: &str) -> bool {
    (1..=16).contains(&word.len())
        && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

fn is_scope(word: &str) -> bool {
    let allowed =
        |character: char| character.is_ascii_alphanumeric() || "_.:/-".contains(character);
    (1..=64).contains(&word.len()) && word.chars().all(allowed)
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(Kind::InvalidPolicy, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(toml: &str) -> String {
        let error = Policy::from_toml(toml).expect_err(toml);
        assert_eq!(error.kind(), Kind::InvalidPolicy);
        error.to_string()
    }

    #[test]
    fn a_template_under_128_secret_bits_is_refused_and_one_above_is_taken() {
        for (alphabet, enough) in [("base62", 26), ("base58", 26), ("base36", 29), ("hex", 36)] {
            let toml = |length| {
                format!(
                    "alphabet = \"{alphabet}\"\ntoken = \"{{prefix}}_{{env}}_{{secret:{length}}}\""
                )
            };
            assert!(Policy::from_toml(&toml(enough)).is_ok(), "{alphabet}");
            assert!(refused(&toml(enough - 1)).contains("secret bits"), "{alphabet}");
        }
    }

    #[test]
    fn what_breaks_a_rule_is_named() {
        assert!(refused("tokens = 1").contains("line 1"));
        assert!(refused("prefix = \"kw\"\ncap = 3").contains("line 2"));
        assert!(refused("prefix = \"a-b\"").contains("prefix"));
        assert!(refused("environments = []").contains("environments"));
        assert!(refused("environments = [\"a\", \"a\"]").contains("twice"));
        assert!(refused("environments = [\"LIVE\"]").contains("LIVE"));
        assert!(refused("token = \"{secret:43}\"").contains("{env}"));
        assert!(refused("scopes_per_key = { min = 1 }").contains("scopes_per_key"));
        assert!(refused("default_plan = \"free\"").contains("free"));
        assert!(refused("[plans.free]\nrate = \"often\"").contains("rate"));
        assert!(refused("[scopes.USER]\nmanage = [\"fly\"]").contains("line 2"));
        assert!(refused("[scopes.USER]\ngrant = [\"ROOT\"]").contains("\"ROOT\", which is not"));
        assert!(refused("[scopes.USER]\ngrant = [\"USER\", \"USER\"]").contains("twice"));
    }
}
