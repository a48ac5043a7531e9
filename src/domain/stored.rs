//! What the list of a key's stored fields consists of: [`Key::fields`](crate::domain::Key::fields) names each column with its
//! value and says how it is hashed, and [`Key::load`](crate::domain::Key::load) takes them from a [`Source`] in the same order.
//!
//! This module never reads or writes a row.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use crate::domain::address::Network;
use crate::domain::secret::SecretHash;
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Result};

/// A field of a record as it is stored.
#[derive(Debug, Clone, Copy)]
pub struct Field<'k> {
    pub column: &'static str,
    /// Whether it changes after the record was made.
    pub changes: bool,
    /// Whether it is part of the record's digest, and after which bytes.
    pub is_hashed: bool,
    pub lead: &'static [u8],
    pub value: Stored<'k>,
}

/// A field's value.
#[derive(Debug, Clone, Copy)]
pub enum Stored<'k> {
    Text(&'k str),
    Maybe(Option<&'k str>),
    Number(Option<i64>),
    Time(Option<Timestamp>),
    Hash(&'k SecretHash),
    Texts(&'k [String]),
    Networks(&'k [Network]),
    Labels(&'k BTreeMap<String, String>),
}

impl<'k> Field<'k> {
    /// A field that is written once.
    pub const fn fixed(column: &'static str, value: Stored<'k>) -> Self {
        Self { column, changes: false, is_hashed: true, lead: b"", value }
    }

    /// A field that changes.
    pub const fn changing(column: &'static str, value: Stored<'k>) -> Self {
        Self { changes: true, ..Self::fixed(column, value) }
    }

    /// A field that older records do not have. It is hashed only if it has a value, because theirs stay as they are, and after
    /// bytes with which no other begins.
    pub const fn added(self, lead: &'static [u8], has_value: bool) -> Self {
        Self { is_hashed: has_value, lead, ..self }
    }
}

/// A row, whose columns are taken one after another.
pub trait Source {
    /// A text, whatever bytes it holds.
    fn maybe(&mut self, column: &'static str) -> Result<Option<String>>;
    fn integer(&mut self, column: &'static str) -> Result<i64>;
    fn number(&mut self, column: &'static str) -> Result<Option<i64>>;
    fn hash(&mut self, column: &'static str) -> Result<SecretHash>;
    /// What is stored as JSON.
    fn json<T: DeserializeOwned + Default>(
        &mut self,
        column: &'static str,
        empty: &str,
    ) -> Result<T>;
    /// A text that is read as one of a few words, without a copy.
    fn word<T>(
        &mut self,
        column: &'static str,
        fault: &str,
        read: impl FnOnce(Option<&str>) -> Option<T>,
    ) -> Result<T>;
    /// The error of a row that is not a record.
    fn fault(what: &str) -> Error;

    fn text(&mut self, column: &'static str) -> Result<String> {
        Ok(self.maybe(column)?.unwrap_or_default())
    }

    fn time(&mut self, column: &'static str) -> Result<Option<Timestamp>> {
        Ok(self.number(column)?.map(Timestamp::from_millis))
    }

    fn networks(&mut self, column: &'static str) -> Result<Vec<Network>> {
        let texts: Vec<String> = self.json(column, "[]")?;
        let network = |text: &String| {
            text.parse().map_err(|_| Self::fault("a key's allow-list cannot be read"))
        };
        texts.iter().map(network).collect()
    }
}
