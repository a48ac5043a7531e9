//! The bodies of requests that manage keys.
//!
//! This module never repeats what stands in a body, which may hold a secret.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use crate::domain::label::{Label, Owner};
use crate::domain::transfer::absent;
use crate::domain::{Lifetime, Name, Network, When};
use crate::error::Error;
use crate::ops::revoke::Reason;
use crate::serve::dialect::Refusal;

/// What a new key is to have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mint {
    pub name: String,
    pub environment: Option<String>,
    #[serde(default, deserialize_with = "absent")]
    pub scopes: Vec<String>,
    pub expires: Option<String>,
    #[serde(default, deserialize_with = "absent")]
    pub allow: Vec<String>,
    pub owner: Option<String>,
    #[serde(default, deserialize_with = "absent")]
    pub labels: BTreeMap<String, String>,
    pub plan: Option<String>,
    #[serde(default, deserialize_with = "absent")]
    pub hold: bool,
}

/// What is to change. A field that is missing stays as it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    pub name: Option<String>,
    /// Null is never.
    #[serde(default, deserialize_with = "some")]
    pub expires: Option<Option<String>>,
    pub scopes: Option<Vec<String>>,
    pub allow: Option<Vec<String>>,
    /// Null takes it away.
    #[serde(default, deserialize_with = "some")]
    pub owner: Option<Option<String>>,
    /// Null takes it away.
    #[serde(default, deserialize_with = "some")]
    pub plan: Option<Option<String>>,
    /// These in place of the present ones.
    pub labels: Option<BTreeMap<String, String>>,
}

/// How a key is replaced.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rotate {
    pub grace: Option<String>,
    #[serde(deserialize_with = "absent")]
    pub now: bool,
    #[serde(deserialize_with = "absent")]
    pub hold: bool,
    pub expires: Option<String>,
}

/// Why a key is revoked.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Revoke {
    pub reason: Option<String>,
    pub message: Option<String>,
}

/// The secret of a pending key, which its holder may also present as any caller does.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Activate {
    pub key: Option<String>,
}

#[derive(Deserialize)]
pub struct Named {
    pub name: String,
}

fn some<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Reads a body. Nothing at all is an empty object.
pub fn read<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Result<T, Refusal> {
    let body = if body.trim_ascii().is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => {
            Refusal::new("usage", 422, "a field is missing, unknown or of the wrong type")
        }
        _ => Refusal::plain("bad_request", 400),
    })
}

/// Reads a text as what it means. The reason says what was wanted, and nothing of the text.
pub fn meant<T: FromStr<Err = Error>>(what: &str, text: &str) -> Result<T, Refusal> {
    text.parse().map_err(|error: Error| {
        let kind = error.kind();
        Refusal::new(kind.code(), kind.http_status(), format!("the field {what} is not valid"))
    })
}

fn optional<T: FromStr<Err = Error>>(what: &str, text: Option<&str>) -> Result<Option<T>, Refusal> {
    text.map(|text| meant(what, text)).transpose()
}

pub fn name(text: &str) -> Result<Name, Refusal> {
    meant("name", text)
}

pub fn expires(text: Option<&str>) -> Result<Option<When>, Refusal> {
    optional("expires", text)
}

pub fn grace(text: Option<&str>) -> Result<Option<Lifetime>, Refusal> {
    optional("grace", text)
}

pub fn allow(texts: &[String]) -> Result<Vec<Network>, Refusal> {
    texts.iter().map(|text| meant("allow", text)).collect()
}

pub fn owner(text: Option<&str>) -> Result<Option<String>, Refusal> {
    Ok(optional::<Owner>("owner", text)?.map(|owner| owner.0))
}

pub fn labels(labels: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, Refusal> {
    for (name, value) in labels {
        let label: Label = meant("labels", &format!("{name}={value}"))?;
        if label.name != *name {
            return Err(Refusal::new("usage", 422, "the field labels is not valid"));
        }
    }
    Ok(labels.clone())
}

pub fn reason(text: Option<&str>) -> Result<Reason, Refusal> {
    let reason = text.map_or(Some(Reason::Unspecified), Reason::of);
    reason.ok_or_else(|| Refusal::new("usage", 422, "the field reason is not valid"))
}
