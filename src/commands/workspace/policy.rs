//! The options that make a policy, shared by `workspace create` and `workspace set`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::ValueHint;

use crate::context::{Context, Document};
use crate::domain::policy::PolicyChanges;
use crate::domain::{Alphabet, Lifetime, Policy, preset};
use crate::error::{Error, Result};
use crate::options::one_of;

/// Where the policy comes from and what is different in it.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Policy")]
pub struct PolicyArgs {
    /// Take the policy of this preset
    #[arg(long, value_name = "PRESET", conflicts_with = "policy",
        value_parser = clap::builder::PossibleValuesParser::new(preset::names()))]
    preset: Option<String>,

    /// Take the policy from this TOML file, or - for stdin
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    policy: Option<PathBuf>,

    /// The token's template, of {prefix} {env} {short:N} {secret:N} {crc}
    #[arg(long, value_name = "TEMPLATE")]
    token: Option<String>,

    /// The alphabet of the token's random parts
    #[arg(long, value_name = "ALPHABET", value_parser = one_of(ALPHABETS))]
    alphabet: Option<Alphabet>,

    /// What {prefix} stands for
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<String>,

    /// The environments; replaces the current ones, and the first is the default
    #[arg(long, value_delimiter = ',', value_name = "ENV,...")]
    environments: Option<Vec<String>>,

    /// The scopes a key may have; replaces the current ones
    #[arg(long, value_delimiter = ',', value_name = "SCOPE,...")]
    scopes: Option<Vec<String>>,

    /// How many keys may be active, pending or disabled at once; 0 for no cap
    #[arg(long, visible_alias = "cap", value_name = "N")]
    active_key_cap: Option<u32>,

    /// How long a key lives without --expires; never removes it
    #[arg(long, value_name = "DURATION")]
    default_lifetime: Option<LifetimeOrNever>,

    /// The longest a key may live; never removes it
    #[arg(long, value_name = "DURATION")]
    maximum_lifetime: Option<LifetimeOrNever>,

    /// How long a rotated key's old secret stays valid
    #[arg(long, value_name = "DURATION")]
    rotation_grace: Option<Lifetime>,

    /// How long the usage of a revoked or expired key is kept
    #[arg(long, value_name = "DURATION")]
    usage_retention: Option<Lifetime>,
}

const ALPHABETS: &[(&str, &str, Alphabet)] = &[
    ("base62", "0-9A-Za-z", Alphabet::Base62),
    ("base58", "base62 without 0 O I l", Alphabet::Base58),
    ("base36", "0-9a-z", Alphabet::Base36),
    ("hex", "0-9a-f", Alphabet::Hex),
];

#[derive(Debug, Clone)]
struct LifetimeOrNever(Option<Lifetime>);

impl FromStr for LifetimeOrNever {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "never" => Ok(Self(None)),
            _ => text.parse().map(|lifetime| Self(Some(lifetime))),
        }
    }
}

impl PolicyArgs {
    /// The policy that a preset or a file gives, with the preset's name.
    pub fn base(&self, context: &mut Context) -> Result<Option<(Option<String>, Policy)>> {
        if let Some(name) = &self.preset {
            return Ok(Some((Some(name.clone()), preset::load(name)?)));
        }
        match &self.policy {
            None => Ok(None),
            Some(path) => {
                let text = context.read_text(path, Document::Policy)?;
                Ok(Some((None, Policy::from_toml(&text)?)))
            }
        }
    }

    /// The single fields that are asked for.
    pub fn changes(self) -> PolicyChanges {
        PolicyChanges {
            token: self.token,
            alphabet: self.alphabet,
            prefix: self.prefix,
            environments: self.environments,
            scopes: self.scopes,
            active_key_cap: self.active_key_cap,
            default_lifetime: self.default_lifetime.map(|lifetime| lifetime.0),
            maximum_lifetime: self.maximum_lifetime.map(|lifetime| lifetime.0),
            rotation_grace: self.rotation_grace,
            usage_retention: self.usage_retention,
        }
    }
}
