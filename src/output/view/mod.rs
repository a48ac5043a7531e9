//! Exactly the fields a user may see, in the order and with the names that scripts rely on. `schema` describes them as
//! written here, doc comments included.
//!
//! This module never reads a store. A secret appears only in what was handed over: [`Minted`], for stdout and for an answer
//! over HTTP, and the two documented forms of that.

#[cfg(feature = "serve")]
mod documented;
mod key;
mod minted;
mod record;
mod scan;
mod verdict;
mod workspace;

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::domain::Timestamp;

#[cfg(feature = "serve")]
pub use documented::{
    AzscraperKey, AzscraperMinted, Data, ScrapewiseCaller, ScrapewiseKey, ScrapewiseMinted,
};
pub use key::{CallerView, Changed, KeyView, Keys, LimitsView, Revoked, Shown};
pub use minted::Minted;
pub use record::{
    BackupView, CreatedStoreView, EventView, HeadView, HealthView, ImportView, KeptView,
    ProblemView, RestoreView, RolesView, ServerView, StoreView, TrailView,
};
pub use scan::{LeakRow, LeakView, NamedView, PatternView, PlaceView, ScannedView};
pub use verdict::{Answered, VerdictView, answer};
pub use workspace::{ChangeView, Changes, FindingView, WorkspaceChange, WorkspaceView};

/// A point in time as scripts read it: RFC 3339 in UTC with milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Moment(pub Timestamp);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl JsonSchema for Moment {
    fn schema_name() -> Cow<'static, str> {
        "Moment".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$",
        })
    }
}
