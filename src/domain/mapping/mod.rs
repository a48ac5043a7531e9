//! Where another system keeps what an import's line says: a mapping, from its columns to the fields of a line.
//!
//! This module never repeats what a column holds.

mod cell;
mod line;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::domain::form::HashForm;
use crate::domain::sanitize::Safe;
use crate::error::{Error, Result};
use cell::Cell;
pub(in crate::domain) use cell::{WANTED_TIME, read_time};
pub use line::Mapped;

/// The name of a key that has none in its row; it gets a number.
pub const UNNAMED: &str = "unnamed";

/// A row of another system's table: its columns and what they hold.
pub type Row = Map<String, Value>;

/// The mappings that ship in the binary.
const SOURCES: [(&str, &str); 5] = [
    ("better-auth", include_str!("../../sources/better-auth.toml")),
    ("drf", include_str!("../../sources/drf.toml")),
    ("sanctum", include_str!("../../sources/sanctum.toml")),
    ("unkey", include_str!("../../sources/unkey.toml")),
    ("seam", include_str!("../../sources/seam.toml")),
];

/// The fields of a line and where they come from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// The table of a database.
    pub table: Option<String>,
    hash: Cell,
    form: Option<Cell>,
    name: Option<Cell>,
    prefix: Option<Cell>,
    short: Option<Cell>,
    owner: Option<Cell>,
    environment: Option<Cell>,
    scopes: Option<Cell>,
    labels: Option<Labels>,
    disabled: Option<Cell>,
    revoked: Option<Cell>,
    created_at: Option<Cell>,
    expires_at: Option<Cell>,
    last_used_at: Option<Cell>,
    rate: Option<RateCells>,
    /// Columns that mean something and that keyward has no place for.
    #[serde(default)]
    drops: Vec<String>,
    /// Whether every column that is named must be there, because a wrong name would leave out what a key is limited by.
    #[serde(skip)]
    is_strict: bool,
}

/// Where labels come from: one column with an object, or a column each.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Labels {
    All(Cell),
    Each(BTreeMap<String, Cell>),
}

/// Where a key's own rate comes from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RateCells {
    count: Cell,
    millis: Cell,
    enabled: Option<Cell>,
}

impl Mapping {
    /// The names of the mappings that ship in the binary.
    pub fn names() -> impl Iterator<Item = &'static str> {
        SOURCES.iter().map(|(name, _)| *name)
    }

    /// The mapping of this name, if one ships in the binary.
    pub fn named(name: &str) -> Option<Self> {
        let (_, text) = SOURCES.iter().find(|(source, _)| *source == name)?;
        Some(toml::from_str(text).expect("a test reads every shipped mapping"))
    }

    /// Reads a mapping that an operator wrote.
    pub fn from_toml(text: &str) -> Result<Self> {
        let mapping: Self = toml::from_str(text).map_err(|error| {
            let line = error.span().map(|span| 1 + text[..span.start].matches('\n').count());
            let place = line.map_or_else(String::new, |line| format!(" in line {line}"));
            let message = error.message().replace('\n', " ");
            Error::usage(format!("the mapping cannot be read{place}: {}", Safe(&message))).hinted(
                "a value is \"column\", \"!column\", { json = \"column\" } or { value = \"text\" }",
            )
        })?;
        if let Some(word) = mapping.form.as_ref().and_then(Cell::fixed)
            && HashForm::of(word).is_none()
        {
            return Err(Error::usage(format!("the mapping's form \"{}\" is unknown", Safe(word)))
                .hinted(format!("one of {}", HashForm::words().join(", "))));
        }
        Ok(Self { is_strict: true, ..mapping })
    }

    /// The form of every row's hash, where the mapping names one.
    pub fn form(&self) -> Option<HashForm> {
        self.form.as_ref()?.word().and_then(HashForm::of)
    }

    pub fn hash_of(&self, row: &Row) -> Option<String> {
        self.hash.read(row).ok()?.as_str().map(str::to_owned)
    }

    /// Refuses rows that lack a column which the mapping names.
    pub fn check_columns(&self, columns: &BTreeSet<String>) -> Result<()> {
        for (field, cell) in self.cells() {
            let is_needed = self.is_strict || field == "hash";
            if let Some(missing) = cell.missing(columns).filter(|_| is_needed) {
                let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
                return Err(Error::usage(format!(
                    "the mapping's {field} names the column \"{}\", which no row has",
                    Safe(missing)
                ))
                .hinted(format!("the columns are {}", Safe(&columns.join(", ")))));
            }
        }
        Ok(())
    }

    fn cells(&self) -> Vec<(&str, &Cell)> {
        let optional = [
            ("form", self.form.as_ref().filter(|_| self.form().is_none())),
            ("name", self.name.as_ref()),
            ("prefix", self.prefix.as_ref()),
            ("short", self.short.as_ref()),
            ("owner", self.owner.as_ref()),
            ("environment", self.environment.as_ref()),
            ("scopes", self.scopes.as_ref()),
            ("disabled", self.disabled.as_ref()),
            ("revoked", self.revoked.as_ref()),
            ("created_at", self.created_at.as_ref()),
            ("expires_at", self.expires_at.as_ref()),
            ("last_used_at", self.last_used_at.as_ref()),
            ("rate", self.rate.as_ref().map(|rate| &rate.count)),
            ("rate", self.rate.as_ref().map(|rate| &rate.millis)),
            ("rate", self.rate.as_ref().and_then(|rate| rate.enabled.as_ref())),
        ];
        let mut cells = vec![("hash", &self.hash)];
        cells.extend(optional.into_iter().filter_map(|(field, cell)| Some((field, cell?))));
        match &self.labels {
            None => {}
            Some(Labels::All(cell)) => cells.push(("labels", cell)),
            Some(Labels::Each(each)) => {
                cells.extend(each.values().map(|cell| ("labels", cell)));
            }
        }
        cells
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_mapping_can_be_read_and_names_its_form() {
        for name in Mapping::names() {
            let mapping = Mapping::named(name).expect(name);
            assert!(mapping.form().is_some() && mapping.table.is_some(), "{name}");
        }
        assert!(Mapping::named("kong").is_none());
    }
}
