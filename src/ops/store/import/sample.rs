//! What is looked for in all lines before the first is taken in: the columns of a mapping, and the hash of one original secret,
//! which shows what the hashes are hashes of.
//!
//! This module never says which secret it was.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Unit;
use crate::domain::form::HashForm;
use crate::domain::mapping::{Mapping, Row};
use crate::domain::secret::Secret;
use crate::error::{Error, Result};

/// The form in which a line has the hash of this secret.
///
/// # Errors
/// `usage` where no line has it in any form, or one has it in another than the mapping's.
pub fn form_of(
    sample: &Secret,
    source: Option<&Mapping>,
    lines: &[Vec<u8>],
    unit: Unit,
) -> Result<HashForm> {
    let secret = sample.expose().as_bytes();
    let hashes: Vec<_> = HashForm::ALL.iter().map(|form| (*form, form.hash(secret))).collect();
    for (line, number) in lines.iter().zip(1..) {
        let Ok(row) = serde_json::from_slice::<Row>(line) else {
            continue;
        };
        let text = match source {
            Some(mapping) => mapping.hash_of(&row),
            None => row.get("hash").and_then(Value::as_str).map(str::to_owned),
        };
        let Some(text) = text else {
            continue;
        };
        let found = hashes.iter().find(|(form, hash)| hash.is_some() && form.read(&text) == *hash);
        let Some((form, _)) = found else {
            continue;
        };
        return match source.and_then(Mapping::form) {
            Some(other) if other != *form => Err(Error::usage(format!(
                "the sample is the secret of {} {number} as {}, and the mapping says {}",
                unit.word(),
                form.word(),
                other.word()
            ))
            .hinted(format!("give --from a mapping with form = \"{}\"", form.word()))),
            _ => Ok(*form),
        };
    }
    let message = format!(
        "no {} has the sample's hash in any form, so nothing was imported: the sample is of another key, or the hashes have a salt or a key (HMAC)",
        unit.word()
    );
    Err(Error::usage(message).hinted(
        "hashes with a salt or a key cannot be imported: mint a new key for each holder and accept both until it is in use",
    ))
}

/// Refuses records that lack a column which the mapping names.
pub fn check_columns(mapping: &Mapping, lines: &[Vec<u8>]) -> Result<()> {
    let mut columns = BTreeSet::new();
    for line in lines {
        let row: Row = serde_json::from_slice(line).unwrap_or_default();
        for (column, _) in row {
            columns.insert(column);
        }
    }
    if columns.is_empty() { Ok(()) } else { mapping.check_columns(&columns) }
}
