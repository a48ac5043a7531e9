//! Which keys a policy leaves out: those whose environment or scopes it does not have.

use std::fmt;

use super::Policy;
use crate::domain::key::Key;
use crate::domain::sanitize::Safe;

/// What a policy does not have, of what a key has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outside<'a> {
    /// Its environment.
    Environment(&'a str),
    /// One of its scopes.
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
