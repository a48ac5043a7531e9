//! What a store is and how much it holds.

use crate::domain::Timestamp;
use crate::error::Result;
use crate::ops::access::{Access, Actor};
use crate::store::{Info, Store};

/// Looks the facts up for the operator.
pub fn run(store: &mut Store, actor: &Actor, now: Timestamp) -> Result<Info> {
    store.read(|reader| Access::admit(reader, actor, now)?.require_operator())?;
    store.info()
}
