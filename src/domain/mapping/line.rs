//! A row of another system as the line of an import.

use serde_json::{Map, Value, json};

use super::cell::{self, Cell, Unfit, held};
use super::{Labels, Mapping, RateCells, Row, UNNAMED};
use crate::domain::form::HashForm;
use crate::domain::rate::Rate;
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Result};

/// A row's line, and what of the row is not in it.
#[derive(Debug)]
pub struct Mapped {
    /// The line, a JSON object. Without a name where the row has none.
    pub line: String,
    /// What means something and is left out.
    pub dropped: Vec<String>,
}

/// The fields of a line; nothing is the absence of one.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &str, value: Value) {
        if !value.is_null() {
            self.0.insert(field.to_owned(), value);
        }
    }
}

impl Mapping {
    /// Makes a row's line. Where neither the mapping nor the row has the hash's form, it is the given one.
    pub fn line(&self, row: &Row, form: Option<HashForm>) -> Result<Mapped> {
        let mut line = Fields::default();
        let hash = of("hash", Some(&self.hash), row, cell::text)?;
        line.put("hash", json!(hash.ok_or_else(|| Error::usage("the field hash is empty"))?));
        let form = match self.form() {
            Some(form) => Some(form.word().to_owned()),
            None => {
                let own = of("form", self.form.as_ref(), row, cell::text)?;
                own.or(form.map(|form| form.word().to_owned()))
            }
        };
        line.put("algorithm", json!(form));
        for (field, name, cell) in [
            ("name", "name", &self.name),
            ("prefix", "prefix", &self.prefix),
            ("short", "short", &self.short),
            ("owner", "owner", &self.owner),
            ("environment", "environment", &self.environment),
        ] {
            line.put(name, json!(of(field, cell.as_ref(), row, cell::text)?));
        }
        line.0.entry("name").or_insert_with(|| json!(UNNAMED));
        line.put("scopes", json!(of("scopes", self.scopes.as_ref(), row, cell::words)?));
        line.put("labels", self.labels_of(row)?);
        let disabled = of("disabled", self.disabled.as_ref(), row, cell::since)?;
        let revoked = of("revoked", self.revoked.as_ref(), row, cell::since)?;
        line.put(
            "status",
            match (&revoked, &disabled) {
                (Some(_), _) => json!("revoked"),
                (None, Some(_)) => json!("disabled"),
                (None, None) => Value::Null,
            },
        );
        let written = |time: Option<Timestamp>| json!(time.map(|time| time.to_string()));
        line.put("revokedAt", written(revoked.flatten()));
        for (field, name, cell) in [
            ("created_at", "createdAt", &self.created_at),
            ("expires_at", "expiresAt", &self.expires_at),
            ("last_used_at", "lastUsedAt", &self.last_used_at),
        ] {
            line.put(name, written(of(field, cell.as_ref(), row, cell::at)?));
        }
        let is_set = |column: &&String| match held(row, column) {
            Value::Null => false,
            Value::String(text) => !["null", "{}", "[]"].contains(&text.as_str()),
            Value::Object(fields) => !fields.is_empty(),
            Value::Array(values) => !values.is_empty(),
            _ => true,
        };
        let mut dropped: Vec<String> = self.drops.iter().filter(is_set).cloned().collect();
        match self.rate.as_ref().map_or(Ok(None), |rate| rate.of(row))? {
            None => {}
            Some(Ok(rate)) => line.put("plan", json!(rate)),
            Some(Err(column)) => dropped.push(column.to_owned()),
        }
        Ok(Mapped { line: Value::Object(line.0).to_string(), dropped })
    }

    fn labels_of(&self, row: &Row) -> Result<Value> {
        let mut labels = Map::new();
        match &self.labels {
            None => return Ok(Value::Null),
            Some(Labels::All(all)) => {
                match of("labels", Some(all), row, |value| Ok(value.clone()))? {
                    Value::Null => return Ok(Value::Null),
                    Value::Object(fields) => {
                        for (name, value) in fields {
                            let text =
                                cell::text(&value).map_err(|unfit| refused("labels", &unfit))?;
                            labels.extend(text.map(|text| (name, json!(text))));
                        }
                    }
                    other => {
                        return Err(refused("labels", &cell::unfit("an object of texts", &other)));
                    }
                }
            }
            Some(Labels::Each(each)) => {
                for (name, cell) in each {
                    let text = of("labels", Some(cell), row, cell::text)?;
                    labels.extend(text.map(|text| (name.clone(), json!(text))));
                }
            }
        }
        Ok(Value::Object(labels))
    }
}

impl RateCells {
    /// The rate that a row has, as a policy writes it; or the column of one that no policy could have.
    fn of(&self, row: &Row) -> Result<Option<Result<String, &str>>> {
        let is_on = of("rate", self.enabled.as_ref(), row, cell::yes)?;
        let count = of("rate", Some(&self.count), row, cell::number)?;
        let millis = of("rate", Some(&self.millis), row, cell::number)?;
        let (Some(count), Some(millis), true) = (count, millis, is_on != Some(false)) else {
            return Ok(None);
        };
        let rate = Rate::within(count, millis).map(|rate| rate.to_string());
        Ok(Some(rate.ok_or(self.count.word().unwrap_or("rate"))))
    }
}

/// What a row has for a field, read as the type that it wants.
fn of<T: Default>(
    field: &str,
    cell: Option<&Cell>,
    row: &Row,
    read: impl Fn(&Value) -> Result<T, Unfit>,
) -> Result<T> {
    let Some(cell) = cell else {
        return Ok(T::default());
    };
    let value = cell.read(row).and_then(|value| read(&value));
    value.map_err(|unfit| refused(field, &unfit))
}

fn refused(field: &str, unfit: &Unfit) -> Error {
    Error::usage(format!("the field {field} is not {}, but {}", unfit.wanted, unfit.found))
}
