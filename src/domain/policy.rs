//! A workspace's policy: what its keys look like, what they may do, how many there may be and how long they live.
//!
//! This module never reads a file; TOML text comes in and goes out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::alphabet::Alphabet;
use crate::domain::lifetime::Lifetime;
use crate::domain::permission::Permission;
use crate::domain::rate::Rate;
use crate::domain::template::{Part, Template};
use crate::domain::timestamp::{Timestamp, When};
use crate::domain::token::{HINT_LENGTH, MINIMUM_BITS, TokenFormat};
use crate::error::{Error, Kind, Result};

/// A policy as it is written. Make one with [`Policy::from_toml`], which checks it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The token's template.
    #[serde(default = "default_token")]
    pub token: String,
    /// What its random parts are written in.
    #[serde(default = "default_alphabet")]
    pub alphabet: Alphabet,
    /// What `{prefix}` stands for.
    #[serde(default = "default_prefix")]
    pub prefix: String,
    /// The environments a key may be minted for; the first is taken when none is named.
    #[serde(default = "default_environments")]
    pub environments: Vec<String>,
    /// How many keys may be active, pending or disabled at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_key_cap: Option<u32>,
    /// How long a key lives when `--expires` does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_lifetime: Option<Lifetime>,
    /// The longest a key may live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum_lifetime: Option<Lifetime>,
    /// How long a rotated key's old secret stays valid.
    #[serde(default = "default_grace")]
    pub rotation_grace: Lifetime,
    /// How long usage of a dead key is kept.
    #[serde(default = "default_retention")]
    pub usage_retention: Lifetime,
    /// What `revoke` takes for a key.
    #[serde(default)]
    pub revoke_by: RevokeBy,
    /// The plan of a workspace that names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_plan: Option<String>,
    /// How many of the scopes one key takes.
    #[serde(default, skip_serializing_if = "Bounds::are_none")]
    pub scopes_per_key: Bounds,
    /// The scopes a key may have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scopes: BTreeMap<String, Scope>,
    /// The plans a workspace may be on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub plans: BTreeMap<String, Plan>,
}

/// What `revoke` takes for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RevokeBy {
    /// Any selector.
    #[default]
    Any,
    /// The id alone, so that a prefix read off a log revokes nothing by accident.
    Id,
}

/// How many scopes a key takes; without a maximum, as many as there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// At least.
    #[serde(default)]
    pub min: u32,
    /// At most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
}

impl Bounds {
    fn are_none(&self) -> bool {
        *self == Self::default()
    }
}

/// One scope.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// What its holder may do to the workspace's keys.
    #[serde(default)]
    pub manage: Vec<Permission>,
}

/// One plan; what it leaves out is unlimited.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Requests of each key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// Credits of the workspace in a UTC calendar month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<u64>,
}

fn default_token() -> String {
    "{prefix}_{env}_{short:12}{secret:32}{crc}".to_owned()
}

fn default_alphabet() -> Alphabet {
    Alphabet::Base62
}

fn default_prefix() -> String {
    "kw".to_owned()
}

fn default_environments() -> Vec<String> {
    vec!["live".to_owned(), "test".to_owned()]
}

fn default_grace() -> Lifetime {
    "24h".parse().expect("a duration")
}

fn default_retention() -> Lifetime {
    "90d".parse().expect("a duration")
}

impl Policy {
    /// Reads and checks a policy.
    ///
    /// # Errors
    /// `invalid_policy`, with the line for what TOML itself or an unknown field gives.
    pub fn from_toml(text: &str) -> Result<Self> {
        let policy: Self = toml::from_str(text).map_err(|error| {
            let line = error
                .span()
                .map(|span| 1 + text[..span.start].matches('\n').count());
            let place = line.map_or_else(String::new, |line| format!(" in line {line}"));
            Error::new(
                Kind::InvalidPolicy,
                format!(
                    "the policy cannot be read{place}: {}",
                    error.message().replace('\n', " ")
                ),
            )
            .hinted("`keyward workspace show NAME --policy` prints a policy to start from")
        })?;
        policy.check()?;
        Ok(policy)
    }

    /// Writes the policy so that [`Policy::from_toml`] reads the same again.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a policy is tables, texts and numbers")
    }

    /// Checks every rule that one field alone cannot break.
    ///
    /// # Errors
    /// `invalid_policy`, naming the field.
    pub fn check(&self) -> Result<()> {
        let format = self.token_format()?;
        check_words("environments", &self.environments, is_environment)?;
        if self.environments.is_empty() {
            return Err(invalid("environments is empty: a key needs one"));
        }
        if self.environments.len() > 1 && !format.template.has(&Part::Environment) {
            return Err(
                invalid("the token has no {env}, so there can be only one environment").hinted(
                    "an environment is part of its tokens: add {env}, or keep one environment",
                ),
            );
        }
        let prefix_allowed =
            |character: char| character.is_ascii_alphanumeric() || character == '_';
        if self.prefix.len() > 16 || !self.prefix.chars().all(prefix_allowed) {
            return Err(invalid(
                "prefix must be at most 16 characters of A-Z a-z 0-9 _",
            ));
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
        check_words("plans", self.plans.keys(), is_scope)?;
        self.check_scope_bounds()?;
        self.check_lifetimes()?;
        match &self.default_plan {
            Some(plan) => self
                .plan(plan)
                .map(|_| ())
                .map_err(|_| invalid(format!("default_plan \"{plan}\" is not a plan"))),
            None => Ok(()),
        }
    }

    fn check_lifetimes(&self) -> Result<()> {
        let start = Timestamp::from_millis(0);
        match (&self.default_lifetime, &self.maximum_lifetime) {
            (Some(default), Some(maximum)) if default.after(start)? > maximum.after(start)? => {
                Err(invalid(format!(
                    "default_lifetime {default} is longer than maximum_lifetime {maximum}"
                )))
            }
            _ => Ok(()),
        }
    }

    fn check_scope_bounds(&self) -> Result<()> {
        let known = u32::try_from(self.scopes.len()).unwrap_or(u32::MAX);
        let Bounds { min, max } = self.scopes_per_key;
        if min > known || max.is_some_and(|max| max < min) {
            return Err(invalid(format!(
                "scopes_per_key cannot be met: there are {known} scopes"
            )));
        }
        Ok(())
    }

    /// The token's format.
    ///
    /// # Errors
    /// `invalid_policy` when the template cannot be read.
    pub fn token_format(&self) -> Result<TokenFormat> {
        Ok(TokenFormat {
            template: self.token.parse::<Template>()?,
            alphabet: self.alphabet,
            prefix: self.prefix.clone(),
            environments: self.environments.clone(),
        })
    }

    /// The environment asked for, or the first.
    ///
    /// # Errors
    /// `invalid_environment` when the policy does not have it.
    pub fn environment(&self, asked: Option<&str>) -> Result<&str> {
        let found = match asked {
            None => self.environments.first(),
            Some(asked) => self
                .environments
                .iter()
                .find(|environment| *environment == asked),
        };
        found.map(String::as_str).ok_or_else(|| {
            let asked = asked.unwrap_or_default().escape_debug();
            Error::new(
                Kind::InvalidEnvironment,
                format!("there is no environment \"{asked}\" in this workspace"),
            )
            .hinted(format!("its policy has {}", self.environments.join(", ")))
        })
    }

    /// Checks a key's scopes: known, not repeated, and neither too few nor too many.
    ///
    /// # Errors
    /// `invalid_scope`.
    pub fn check_scopes(&self, scopes: &[String]) -> Result<()> {
        let refused = |message: String| {
            let known: Vec<&str> = self.scopes.keys().map(String::as_str).collect();
            Error::new(Kind::InvalidScope, message).hinted(match known.is_empty() {
                true => "this workspace's policy has no scopes".to_owned(),
                false => format!("its scopes are {}", known.join(", ")),
            })
        };
        for (at, scope) in scopes.iter().enumerate() {
            if !self.scopes.contains_key(scope) {
                return Err(refused(format!(
                    "there is no scope \"{}\" in this workspace",
                    scope.escape_debug()
                )));
            }
            if scopes[..at].contains(scope) {
                return Err(refused(format!("the scope {scope} is given twice")));
            }
        }
        let Bounds { min, max } = self.scopes_per_key;
        let count = u32::try_from(scopes.len()).unwrap_or(u32::MAX);
        match max {
            Some(max) if min == max && count != min => Err(refused(format!(
                "a key of this workspace takes exactly {min} of its scopes, not {count}"
            ))),
            Some(max) if count > max => Err(refused(format!(
                "a key of this workspace takes at most {max} of its scopes, not {count}"
            ))),
            _ if count < min => Err(refused(format!(
                "a key of this workspace takes at least {min} of its scopes, not {count}"
            ))),
            _ => Ok(()),
        }
    }

    /// The expiry of a key that starts now; without a wish, the default lifetime's.
    ///
    /// # Errors
    /// `invalid_expiry` when it is not in the future or lies beyond the maximum lifetime.
    pub fn expiry(&self, wish: Option<&When>, now: Timestamp) -> Result<Option<Timestamp>> {
        let expires_at = match (wish, &self.default_lifetime) {
            (Some(when), _) => when.resolve(now)?,
            (None, Some(lifetime)) => Some(lifetime.after(now)?),
            (None, None) => None,
        };
        if expires_at.is_some_and(|expires_at| expires_at <= now) {
            return Err(Error::new(
                Kind::InvalidExpiry,
                "the expiry is not in the future",
            ));
        }
        match &self.maximum_lifetime {
            None => Ok(expires_at),
            Some(maximum) => {
                let latest = maximum.after(now)?;
                match (expires_at, wish) {
                    (Some(expires_at), _) if expires_at <= latest => Ok(Some(expires_at)),
                    (None, None) => Ok(Some(latest)),
                    _ => Err(Error::new(
                        Kind::InvalidExpiry,
                        format!("keys of this workspace live at most {maximum}"),
                    )
                    .hinted(format!("pass --expires {maximum} or less"))),
                }
            }
        }
    }

    /// The limits of a plan.
    ///
    /// # Errors
    /// `usage` when the policy has no such plan.
    pub fn plan(&self, name: &str) -> Result<&Plan> {
        self.plans.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.plans.keys().map(String::as_str).collect();
            Error::usage(format!(
                "there is no plan \"{}\" in the policy",
                name.escape_debug()
            ))
            .hinted(match known.is_empty() {
                true => "this policy has no plans".to_owned(),
                false => format!("its plans are {}", known.join(", ")),
            })
        })
    }

    /// Whether a key with these scopes may manage this.
    pub fn allows(&self, scopes: &[String], permission: Permission) -> bool {
        scopes
            .iter()
            .filter_map(|scope| self.scopes.get(scope))
            .any(|scope| scope.manage.contains(&permission))
    }
}

fn check_words<'a>(
    field: &str,
    words: impl IntoIterator<Item = &'a String>,
    allowed: fn(&str) -> bool,
) -> Result<()> {
    let mut seen: Vec<&str> = Vec::new();
    for word in words {
        if !allowed(word) {
            return Err(invalid(format!("{field} has \"{}\"", word.escape_debug())).hinted(
                "environments are 1 to 16 of a-z 0-9, scopes and plans 1 to 64 of A-Z a-z 0-9 _ . : / -",
            ));
        }
        if seen.contains(&word.as_str()) {
            return Err(invalid(format!("{field} has \"{word}\" twice")));
        }
        seen.push(word);
    }
    Ok(())
}

fn is_environment(word: &str) -> bool {
    (1..=16).contains(&word.len())
        && word
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
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

    const NOW: Timestamp = Timestamp::from_millis(1_769_817_600_000);

    fn refused(toml: &str) -> String {
        let error = Policy::from_toml(toml).expect_err(toml);
        assert_eq!(error.kind(), Kind::InvalidPolicy);
        error.to_string()
    }

    #[test]
    fn an_empty_policy_is_the_default_one() {
        let policy = Policy::from_toml("").expect("defaults");
        assert_eq!(policy.token, "{prefix}_{env}_{short:12}{secret:32}{crc}");
        assert_eq!(
            policy,
            Policy::from_toml(&policy.to_toml()).expect("round trip")
        );
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
            assert!(
                refused(&toml(enough - 1)).contains("secret bits"),
                "{alphabet}"
            );
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
    }

    #[test]
    fn scopes_are_held_to_their_number() {
        let policy =
            Policy::from_toml("scopes_per_key = { min = 1, max = 1 }\n[scopes.A]\n[scopes.B]")
                .expect("fine");
        let check = |scopes: &[&str]| {
            let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
            policy.check_scopes(&scopes).map_err(|error| error.kind())
        };
        assert_eq!(check(&["A"]), Ok(()));
        for scopes in [&[][..], &["A", "B"], &["C"], &["A", "A"]] {
            assert_eq!(check(scopes), Err(Kind::InvalidScope), "{scopes:?}");
        }
    }

    #[test]
    fn an_expiry_lies_in_the_future_and_within_the_maximum() {
        let policy = Policy::from_toml("default_lifetime = \"30d\"\nmaximum_lifetime = \"90d\"")
            .expect("fine");
        let expiry = |wish: Option<&str>| {
            let when = wish.map(|wish| wish.parse::<When>().expect("a time"));
            policy
                .expiry(when.as_ref(), NOW)
                .map_err(|error| error.kind())
        };
        assert_eq!(expiry(None), Ok(Some(NOW.plus_millis(30 * 86_400_000))));
        assert_eq!(
            expiry(Some("90d")),
            Ok(Some(NOW.plus_millis(90 * 86_400_000)))
        );
        for wish in ["91d", "never", "2020-01-01", "0s"] {
            assert_eq!(expiry(Some(wish)), Err(Kind::InvalidExpiry), "{wish}");
        }
    }
}
