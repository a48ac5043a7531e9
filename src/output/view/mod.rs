//! Exactly the fields a user may see, in the order and with the names that scripts rely on.
//!
//! This module never reads a store. A secret appears in one place alone: [`Minted`], for what was handed over on stdout.

mod key;
mod minted;
mod provision;
mod record;
mod transfer;
mod verdict;
mod workspace;

use serde::{Serialize, Serializer};

use crate::domain::timestamp::Timestamp;

pub use key::{CallerView, Changed, KeyView, Keys, Revoked};
pub use minted::Minted;
pub use provision::{ChangeView, Changes, FindingView, WorkspaceChange};
pub use record::{
    BackupView, CreatedStoreView, EventView, HeadView, HealthView, KeptView, ProblemView,
    RestoreView, StoreView, TrailView,
};
pub use transfer::{ImportView, KeyLineView, WorkspaceLineView};
pub use verdict::VerdictView;
pub use workspace::{WorkspaceView, Workspaces};

/// A point in time as scripts read it: RFC 3339 in UTC with milliseconds.
#[derive(Debug, Clone, Copy)]
struct Moment(Timestamp);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
