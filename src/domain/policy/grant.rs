//! What a policy grants a key: its environment, scopes, expiry, and what it may do to other keys; and which keys a policy
//! leaves out.

use std::fmt;

use serde::Deserialize;

use super::{Bounds, Plan, Policy};
use crate::domain::key::Key;
use crate::domain::sanitize::Safe;
use crate::domain::timestamp::Timestamp;
use crate::domain::when::When;
use crate::domain::words::{nearest, words};
use crate::error::{Error, Kind, Result};

words! {
    /// One thing a scope may let its holder manage.
    #[derive(PartialOrd, Ord, Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Permission {
        Mint = "mint",
        /// List and show keys and the caller's own workspace.
        List = "list",
        Rename = "rename",
        /// Change scopes, expiry, addresses, owner, labels.
        Set = "set",
        Disable = "disable",
        Enable = "enable",
        Rotate = "rotate",
        /// Revoke keys, itself included.
        Revoke = "revoke",
        /// Verify secrets of its workspace.
        Verify = "verify",
    }
}

impl Policy {
    /// The environment asked for, or the first.
    pub fn environment(&self, asked: Option<&str>) -> Result<&str> {
        let found = match asked {
            None => self.environments.first(),
            Some(asked) => self.environments.iter().find(|environment| *environment == asked),
        };
        found.map(String::as_str).ok_or_else(|| {
            let asked = asked.unwrap_or_default();
            let hint = known(asked, self.environments.iter(), "", "the policy has");
            Error::new(
                Kind::InvalidEnvironment,
                format!("this workspace has no environment \"{}\"", Safe(asked)),
            )
            .hinted(hint)
        })
    }

    /// Checks the scopes that a key is to have: known, not repeated, and neither too few nor too many. A scope that it `had`
    /// may stay, although the policy was changed since and does not know it any more.
    pub fn check_scopes(&self, scopes: &[String], had: &[String]) -> Result<()> {
        let refused_for = |asked: &str, message: String| {
            let none = "this workspace's policy has no scopes";
            let hint = known(asked, self.scopes.keys(), none, "its scopes are");
            Error::new(Kind::InvalidScope, message).hinted(hint)
        };
        let refused = |message| refused_for("", message);
        for (at, scope) in scopes.iter().enumerate() {
            if !self.scopes.contains_key(scope) && !had.contains(scope) {
                let message = format!("this workspace has no scope \"{}\"", Safe(scope));
                let refused = refused_for(scope, message);
                let mut parts = scope.split(',');
                return Err(
                    match scope.contains(',') && parts.all(|part| self.scopes.contains_key(part)) {
                        true => refused.hinted(format!(
                            "repeat the option for each scope: --scope {}",
                            scope.replace(',', " --scope ")
                        )),
                        false => refused,
                    },
                );
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
    pub fn expiry(&self, wish: Option<&When>, now: Timestamp) -> Result<Option<Timestamp>> {
        let expires_at = match (wish, &self.default_lifetime) {
            (Some(when), _) => when.resolve(now)?,
            (None, Some(lifetime)) => Some(lifetime.after(now)?),
            (None, None) => None,
        };
        if let Some(expires_at) = expires_at.filter(|expires_at| *expires_at <= now) {
            let message = format!("the expiry {expires_at} is not in the future");
            return Err(Error::new(Kind::InvalidExpiry, message));
        }
        match &self.maximum_lifetime {
            None => Ok(expires_at),
            Some(maximum) => {
                let latest = maximum.after(now)?;
                match (expires_at, wish) {
                    (Some(expires_at), _) if expires_at <= latest => Ok(Some(expires_at)),
                    // The default may be longer than the maximum in a long month, and neither is wished for.
                    (_, None) => Ok(Some(latest)),
                    _ => Err(Error::new(
                        Kind::InvalidExpiry,
                        format!("keys of this workspace live at most {maximum}"),
                    )
                    .hinted(format!("pass --expires {maximum} or less"))),
                }
            }
        }
    }

    pub fn plan(&self, name: &str) -> Result<&Plan> {
        self.plans.get(name).ok_or_else(|| {
            let message = format!("the policy has no plan \"{}\"", Safe(name));
            let hint = known(name, self.plans.keys(), "this policy has no plans", "its plans are");
            Error::usage(message).hinted(hint)
        })
    }

    /// Whether a key with these scopes may manage this.
    pub fn allows(&self, scopes: &[String], permission: Permission) -> bool {
        scopes
            .iter()
            .filter_map(|scope| self.scopes.get(scope))
            .any(|scope| scope.manage.contains(&permission))
    }

    /// The first of `wanted` that a caller with the scopes `own` may not put on a key. Only those of its scopes count that
    /// manage one of `permissions`; without any, all of them do.
    pub fn first_beyond<'a>(
        &self,
        own: &[String],
        permissions: &[Permission],
        wanted: &'a [String],
    ) -> Option<&'a String> {
        let holds = |manage: &[Permission]| {
            permissions.is_empty() || permissions.iter().any(|word| manage.contains(word))
        };
        let granting = own
            .iter()
            .filter_map(|scope| self.scopes.get(scope))
            .filter(|scope| holds(&scope.manage));
        let granted: Vec<&[String]> =
            granting.map(|scope| scope.grant.as_deref().unwrap_or(own)).collect();
        wanted.iter().find(|scope| !granted.iter().any(|granted| granted.contains(scope)))
    }
}

/// The words there are in place of one that is not, with the nearest in front.
fn known<'a>(
    asked: &str,
    words: impl Iterator<Item = &'a String>,
    none: &str,
    front: &str,
) -> String {
    let words: Vec<&str> = words.map(String::as_str).collect();
    let meant = match nearest(asked, words.iter().copied()) {
        Some(meant) => format!("did you mean {meant}? "),
        None => String::new(),
    };
    match words.as_slice() {
        [] => none.to_owned(),
        words => format!("{meant}{front} {}", words.join(", ")),
    }
}

/// What a policy does not have, of what a key has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outside<'a> {
    Environment(&'a str),
    Scope(&'a str),
}

impl fmt::Display for Outside<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(environment) => {
                write!(formatter, "environment {}", Safe(environment))
            }
            Self::Scope(scope) => write!(formatter, "scope {}", Safe(scope)),
        }
    }
}

impl Policy {
    /// The first thing that this policy lacks for a key; nothing when the key is within it.
    pub fn lacks<'a>(&self, key: &'a Key) -> Option<Outside<'a>> {
        if !self.environments.contains(&key.environment) {
            return Some(Outside::Environment(&key.environment));
        }
        let mut scopes = key.scopes.iter();
        let unknown = scopes.find(|scope| !self.scopes.contains_key(*scope));
        unknown.map(|scope| Outside::Scope(scope))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_769_817_600_000);

    #[test]
    fn scopes_are_held_to_their_number() {
        let policy =
            Policy::from_toml("scopes_per_key = { min = 1, max = 1 }\n[scopes.A]\n[scopes.B]")
                .expect("fine");
        let check = |scopes: &[&str]| {
            let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
            policy.check_scopes(&scopes, &[]).map_err(|error| error.kind())
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
            policy.expiry(when.as_ref(), NOW).map_err(|error| error.kind())
        };
        assert_eq!(expiry(None), Ok(Some(NOW.plus_millis(30 * 86_400_000))));
        assert_eq!(expiry(Some("90d")), Ok(Some(NOW.plus_millis(90 * 86_400_000))));
        for wish in ["91d", "never", "2020-01-01", "0s"] {
            assert_eq!(expiry(Some(wish)), Err(Kind::InvalidExpiry), "{wish}");
        }
    }

    #[test]
    fn a_scope_gives_away_what_it_grants_and_by_default_its_holders_own() {
        let policy = Policy::from_toml(
            "[scopes.chief]\nmanage = [\"mint\"]\ngrant = [\"clerk\", \"read\"]
             [scopes.clerk]\nmanage = [\"mint\"]\n[scopes.read]\n[scopes.turner]\nmanage = [\"rotate\"]",
        )
        .expect("fine");
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let beyond = |own: &[&str], permissions: &[Permission], wanted: &str| {
            let (own, wanted): (Vec<String>, Vec<String>) = (words(own), words(&[wanted]));
            policy.first_beyond(&own, permissions, &wanted).is_some()
        };
        let mint = &[Permission::Mint][..];
        assert!(!beyond(&["chief"], mint, "clerk"));
        assert!(beyond(&["chief"], mint, "chief"), "what is listed is all");
        assert!(!beyond(&["clerk", "read"], mint, "read"));
        assert!(beyond(&["clerk"], mint, "read"));
        // The scope that lets it rotate says nothing of what it may mint.
        assert!(beyond(&["chief", "turner"], mint, "turner"));
        assert!(!beyond(&["chief", "turner"], &[Permission::Rotate], "turner"));
        assert!(!beyond(&["read"], &[], "read"));
        assert!(beyond(&[], &[], "read"));
    }
}
