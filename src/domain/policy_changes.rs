//! Single fields of a policy, as the flags of `workspace create` and `workspace set` give them.

use crate::domain::alphabet::Alphabet;
use crate::domain::lifetime::Lifetime;
use crate::domain::policy::Policy;
use crate::error::Result;

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
