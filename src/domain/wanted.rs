//! A key there should be: what `ensure` is asked for, and each entry of a manifest.

use std::collections::BTreeMap;

use crate::domain::address::Network;
use crate::domain::lifetime::Lifetime;
use crate::domain::name::Name;
use crate::domain::when::When;

/// The requested key. `None` leaves a field unchanged, or means the policy's default when the key is minted.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub name: Name,
    pub environment: Option<String>,
    pub scopes: Option<Vec<String>>,
    /// When it expires, seen from its minting.
    pub expires: Option<When>,
    /// The networks it may be used from.
    pub allow: Option<Vec<Network>>,
    /// The person or team responsible for it.
    pub owner: Option<String>,
    /// Its labels, all of them.
    pub labels: Option<BTreeMap<String, String>>,
    /// A plan of its own.
    pub plan: Option<String>,
    /// How long before it expires it is rotated.
    pub rotate_before: Option<Lifetime>,
    /// How long its predecessor stays valid.
    pub grace: Option<Lifetime>,
    /// Whether it is rotated when its secret is not in the sink.
    pub rotate_if_missing: bool,
}
