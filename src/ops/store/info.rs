//! What a store is and how much it holds.
//!
//! This module never tells a key: the figures are those of every workspace.

use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::ops::access::{Access, Actor};
use crate::store::{Info, Store};

/// Looks the facts up for the operator.
///
/// # Errors
/// `scope_rejected` for a key; the store's.
pub fn run(store: &mut Store, actor: &Actor, now: Timestamp) -> Result<Info> {
    store.read(|reader| Access::admit(reader, actor, now)?.require_operator())?;
    store.info()
}
