//! What a key is to have, as the options of mint and ensure.

use std::collections::BTreeMap;

use crate::domain::label::{Label, Owner};
use crate::domain::{Network, When};

/// What a key is to have.
#[derive(Debug, clap::Args)]
pub struct WishArgs {
    /// The environment [default: the policy's first]
    #[arg(short, long, value_name = "ENV")]
    pub environment: Option<String>,

    /// A scope the key has (can be repeated)
    #[arg(long = "scope", value_name = "SCOPE")]
    pub scopes: Vec<String>,

    /// When the key expires: a date, an RFC 3339 time, a duration such as 90d, or never
    #[arg(long, value_name = "WHEN")]
    pub expires: Option<When>,

    /// An address or network the key may be used from (can be repeated)
    #[arg(long, value_name = "CIDR")]
    pub allow: Vec<Network>,

    /// Person or team responsible for the key
    #[arg(long, value_name = "OWNER")]
    pub owner: Option<Owner>,

    /// A label (can be repeated)
    #[arg(long = "label", value_name = "NAME=VALUE")]
    labels: Vec<Label>,

    /// A plan of the policy for this key alone: its rate instead of the workspace's, its quota as well as the workspace's
    #[arg(long, value_name = "PLAN")]
    pub plan: Option<String>,
}

impl WishArgs {
    /// The labels by their names; of two of one name the last.
    pub fn labels(&self) -> BTreeMap<String, String> {
        let labels = self.labels.iter().cloned();
        labels.map(|label| (label.name, label.value)).collect()
    }
}
