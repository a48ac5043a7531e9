//! Managing a whole store.
//!
//! This module never decides what a key may do.

pub mod backup;
mod carried;
pub mod check;
pub mod clock;
pub mod export;
pub mod import;
pub mod restore;

use crate::domain::Timestamp;
use crate::error::Result;
use crate::ops::access::{Access, Actor};
use crate::store::{Info, Store};

/// Looks the facts up for the operator.
pub fn info(store: &mut Store, actor: &Actor, now: Timestamp) -> Result<Info> {
    store.read(|reader| Access::admit(reader, actor, now)?.require_operator())?;
    store.info()
}
