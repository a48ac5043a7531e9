//! A workspace's policy: what its keys look like, what they may do, how many there may be and how long they live; and single
//! fields of it, as the flags of `workspace create` and `workspace set` give them.
//!
//! This module never reads a file; TOML text comes in and goes out.

mod check;
mod grant;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::alphabet::Alphabet;
use crate::domain::lifetime::Lifetime;
use crate::domain::rate::Rate;
use crate::domain::sanitize::Safe;
use crate::domain::template::Template;
use crate::domain::token::TokenFormat;
use crate::error::{Error, Kind, Result};

pub use check::is_environment;
pub use grant::{Outside, Permission};

/// A policy as written. Make one with [`Policy::from_toml`], which checks it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// The token's template.
    pub token: String,
    /// What its random parts are written in.
    pub alphabet: Alphabet,
    /// The text for `{prefix}`.
    pub prefix: String,
    /// The environments a key may be minted for; the first is taken when none is named.
    pub environments: Vec<String>,
    /// How many keys may be active, pending or disabled at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_key_cap: Option<u32>,
    /// How long a key lives when `--expires` does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_lifetime: Option<Lifetime>,
    /// The longest a key may live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum_lifetime: Option<Lifetime>,
    /// How long a rotated key's old secret stays valid.
    pub rotation_grace: Lifetime,
    /// How long the usage of a revoked or expired key is kept.
    pub usage_retention: Lifetime,
    /// What `revoke` takes for a key.
    pub revoke_by: RevokeBy,
    /// The plan of a workspace that names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_plan: Option<String>,
    /// How many of the scopes one key takes.
    #[serde(skip_serializing_if = "Bounds::are_none")]
    pub scopes_per_key: Bounds,
    /// The scopes a key may have.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub scopes: BTreeMap<String, Scope>,
    /// The plans a workspace may be on.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub plans: BTreeMap<String, Plan>,
}

/// What `revoke` takes for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Bounds {
    /// At least.
    pub min: u32,
    /// At most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
}

impl Bounds {
    fn are_none(&self) -> bool {
        *self == Self::default()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Scope {
    /// What its holder may do to the workspace's keys.
    pub manage: Vec<Permission>,
    /// The scopes that its holder may put on a key; the holder's own when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<Vec<String>>,
}

/// One plan; what it leaves out is unlimited.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Plan {
    /// Requests of each key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// Credits of the workspace in a UTC calendar month.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<u64>,
}

impl Default for Policy {
    fn default() -> Self {
        let lifetime = |text: &str| text.parse().expect("a duration");
        Self {
            token: "{prefix}_{env}_{short:12}{secret:32}{crc}".to_owned(),
            alphabet: Alphabet::Base62,
            prefix: "kw".to_owned(),
            environments: vec!["live".to_owned(), "test".to_owned()],
            active_key_cap: None,
            default_lifetime: None,
            maximum_lifetime: None,
            rotation_grace: lifetime("24h"),
            usage_retention: lifetime("90d"),
            revoke_by: RevokeBy::Any,
            default_plan: None,
            scopes_per_key: Bounds::default(),
            scopes: BTreeMap::new(),
            plans: BTreeMap::new(),
        }
    }
}

impl Policy {
    /// Reads and checks a policy. An error has the line of what TOML itself or an unknown field gives.
    pub fn from_toml(text: &str) -> Result<Self> {
        let policy: Self = toml::from_str(text).map_err(|error| {
            let line = error.span().map(|span| 1 + text[..span.start].matches('\n').count());
            let place = line.map_or_else(String::new, |line| format!(" in line {line}"));
            Error::new(
                Kind::InvalidPolicy,
                format!(
                    "the policy cannot be read{place}: {}",
                    Safe(&error.message().replace('\n', " "))
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

    pub fn token_format(&self) -> Result<TokenFormat> {
        Ok(TokenFormat {
            template: self.token.parse::<Template>()?,
            alphabet: self.alphabet,
            prefix: self.prefix.clone(),
            environments: self.environments.clone(),
        })
    }
}

/// The fields to change; `None` means no change.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PolicyChanges {
    pub token: Option<String>,
    pub alphabet: Option<Alphabet>,
    pub prefix: Option<String>,
    /// The environments, which replace the current ones.
    pub environments: Option<Vec<String>>,
    /// The scopes, which replace the current ones. Those that the policy has keep what they manage and grant.
    pub scopes: Option<Vec<String>>,
    /// The cap; 0 takes it away.
    pub active_key_cap: Option<u32>,
    /// The default lifetime; `Some(None)` takes it away.
    pub default_lifetime: Option<Option<Lifetime>>,
    /// The maximum lifetime; `Some(None)` takes it away.
    pub maximum_lifetime: Option<Option<Lifetime>>,
    pub rotation_grace: Option<Lifetime>,
    pub usage_retention: Option<Lifetime>,
}

impl PolicyChanges {
    pub fn apply(self, policy: &mut Policy) -> Result<()> {
        fn put<T>(field: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *field = value;
            }
        }
        put(&mut policy.token, self.token);
        put(&mut policy.alphabet, self.alphabet);
        put(&mut policy.prefix, self.prefix);
        put(&mut policy.environments, self.environments);
        if let Some(names) = self.scopes {
            let mut before = std::mem::take(&mut policy.scopes);
            let kept = |name: String| {
                let scope = before.remove(&name).unwrap_or_default();
                (name, scope)
            };
            policy.scopes = names.into_iter().map(kept).collect();
        }
        put(&mut policy.active_key_cap, self.active_key_cap.map(|cap| (cap > 0).then_some(cap)));
        put(&mut policy.default_lifetime, self.default_lifetime);
        put(&mut policy.maximum_lifetime, self.maximum_lifetime);
        put(&mut policy.rotation_grace, self.rotation_grace);
        put(&mut policy.usage_retention, self.usage_retention);
        policy.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_policy_is_the_default_one() {
        let policy = Policy::from_toml("").expect("defaults");
        assert_eq!(policy.token, "{prefix}_{env}_{short:12}{secret:32}{crc}");
        assert_eq!(policy, Policy::from_toml(&policy.to_toml()).expect("round trip"));
    }
}
