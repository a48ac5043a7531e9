//! JSON Schemas (draft 2020-12) of what each command answers under `--json`, made of the views themselves.
//!
//! Every object is closed, and a field is required unless its view can leave it out, so a field that goes missing or appears
//! makes an answer invalid.

use schemars::generate::SchemaSettings;
use schemars::transform::transform_subschemas;
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use crate::domain::form::HashForm;
use crate::output::usage::UsageView;
use crate::output::view::{
    BackupView, CallerView, Changed, Changes, CreatedStoreView, EventView, FindingView, HeadView,
    HealthView, ImportView, KeyView, LeakView, Minted, NamedView, PatternView, RestoreView,
    Revoked, RolesView, ScannedView, Shown, StoreView, TrailView, VerdictView, WorkspaceView,
};

/// A command, and what describes its answer.
type Described = (&'static str, fn() -> Value);

const COMMANDS: [Described; 38] = [
    ("mint", || {
        let minted = minted(&[], &[]);
        json!({ "anyOf": [minted, list("keys", &minted)] })
    }),
    ("list", keys),
    ("show", of_view::<Shown<'_>>),
    ("rename", of_view::<Changed<'_>>),
    ("set", of_view::<Changed<'_>>),
    ("disable", of_view::<Changed<'_>>),
    ("enable", of_view::<Changed<'_>>),
    ("rotate", || {
        let rotated = minted(&["replaced"], &["alsoChanged", "stillValid"]);
        let rehearsed = of_view::<Minted<'_, ()>>();
        let rehearsed = narrowed(rehearsed, &["replaced"], &["alsoChanged", "stillValid"]);
        json!({ "anyOf": [rotated, rehearsed, of_view::<KeyView<'_>>()] })
    }),
    ("activate", of_view::<KeyView<'_>>),
    ("revoke", || {
        let mut revoked = list("keys", &of_view::<Revoked<'_>>());
        revoked["properties"]["stillValid"] = of_view::<Vec<String>>();
        revoked
    }),
    ("verify", of_view::<VerdictView<'_>>),
    ("whoami", of_view::<CallerView>),
    ("usage", usage),
    ("check", || list("findings", &of_view::<FindingView<'_>>())),
    ("scan", scanned),
    ("patterns", || list("patterns", &of_view::<PatternView<'_>>())),
    ("ensure", || minted(&["changed", "action"], &["warnings"])),
    ("apply", of_view::<Changes<'_>>),
    ("prune", keys),
    ("workspace create", workspace),
    ("workspace list", || {
        let listed = narrowed(of_view::<WorkspaceView>(), &["inUse"], &[]);
        list("workspaces", &listed)
    }),
    ("workspace show", || narrowed(of_view::<WorkspaceView>(), &["policy"], &[])),
    ("workspace set", workspace),
    ("workspace rename", workspace),
    ("workspace delete", workspace),
    ("workspace use", workspace),
    ("audit list", || list("events", &of_view::<EventView<'_>>())),
    ("audit verify", of_view::<TrailView>),
    ("audit head", of_view::<HeadView>),
    ("store create", of_view::<CreatedStoreView>),
    ("store info", of_view::<StoreView>),
    ("store check", of_view::<HealthView>),
    ("store backup", of_view::<BackupView>),
    ("store restore", of_view::<RestoreView>),
    ("store export", exported),
    ("store import", || list("results", &of_view::<ImportView<'_>>())),
    ("store migrate", of_view::<CreatedStoreView>),
    ("store roles", of_view::<RolesView>),
];

pub fn commands() -> [&'static str; COMMANDS.len()] {
    COMMANDS.map(|(command, _)| command)
}

/// The schema of a command's answer, or of `error`, what any command says on stderr when it fails.
pub fn of(command: &str) -> Option<Value> {
    const ERROR: Described = ("error", error);
    let mut all = COMMANDS.into_iter().chain([ERROR]);
    let (_, describe) = all.find(|(name, _)| *name == command)?;
    let mut schema = describe();
    if let Some(fields) = schema.as_object_mut() {
        let dialect = "https://json-schema.org/draft/2020-12/schema";
        fields.shift_insert(0, "$schema".to_owned(), json!(dialect));
        let title = format!("keyward {command} --json");
        fields.shift_insert(1, "title".to_owned(), json!(title));
    }
    Some(schema)
}

/// What a view looks like when it is written.
fn of_view<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let settings = settings.with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let generator = settings.with_transform(close).into_generator();
    let mut schema = generator.into_root_schema_for::<T>();
    schema.remove("title");
    schema.to_value()
}

/// Among the fields that a view can leave out, those that can be null.
const NULL_OR_LEFT_OUT: [&str; 2] = ["lastUsedAt", "lastAddress"];

/// Closes an object: it has no other fields than the named ones. Fields that can be left out are never null instead.
fn close(schema: &mut Schema) {
    schema.remove("default");
    let required = schema.get("required").cloned().unwrap_or_default();
    if let Some(fields) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        for (name, field) in fields {
            if !has(&required, name) && !NULL_OR_LEFT_OUT.contains(&name.as_str()) {
                without_null(field);
            }
        }
        schema.insert("additionalProperties".to_owned(), false.into());
    }
    transform_subschemas(&mut close, schema);
}

fn without_null(field: &mut Value) {
    if let Some([kind, _]) = field["type"].as_array().map(Vec::as_slice) {
        field["type"] = kind.clone();
    }
    if let Some(words) = field.get_mut("enum").and_then(Value::as_array_mut) {
        words.retain(|word| !word.is_null());
    }
}

fn has(required: &Value, name: &str) -> bool {
    let required = required.as_array().into_iter().flatten();
    required.into_iter().any(|one| one == name)
}

/// An object that, of the fields that can be left out, has only these: always, or sometimes.
fn narrowed(mut object: Value, always: &[&str], sometimes: &[&str]) -> Value {
    let required = object["required"].clone();
    if let Some(fields) = object["properties"].as_object_mut() {
        fields.retain(|name, _| {
            has(&required, name) || [always, sometimes].concat().contains(&name.as_str())
        });
    }
    if let Some(required) = object["required"].as_array_mut() {
        required.extend(always.iter().map(|name| json!(name)));
    }
    object
}

/// An object that has all of these fields, and no others.
fn object(properties: Value) -> Value {
    let required: Vec<&String> = properties.as_object().into_iter().flat_map(Map::keys).collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// Adds fields that an object always has.
fn extend<const COUNT: usize>(object: &mut Value, more: [(&str, Value); COUNT]) {
    for (name, schema) in more {
        object["properties"][name] = schema;
        if let Some(required) = object["required"].as_array_mut() {
            required.push(json!(name));
        }
    }
}

fn list(name: &str, item: &Value) -> Value {
    object(json!({ name: { "type": "array", "items": item } }))
}

fn keys() -> Value {
    list("keys", &of_view::<KeyView<'_>>())
}

fn workspace() -> Value {
    narrowed(of_view::<WorkspaceView>(), &[], &[])
}

/// A key with its secret where stdout is the sink.
fn minted(always: &[&str], sometimes: &[&str]) -> Value {
    narrowed(of_view::<Minted<'_>>(), always, &[sometimes, &["key"]].concat())
}

fn scanned() -> Value {
    let leaks = json!({ "anyOf": [
        of_view::<LeakView<'_, KeyView<'_>>>(),
        of_view::<LeakView<'_, NamedView<'_>>>(),
    ] });
    let mut scanned = list("findings", &leaks);
    let more = [
        ("complete", json!({ "type": "boolean" })),
        ("incomplete", of_view::<Vec<String>>()),
        ("scanned", of_view::<ScannedView>()),
        ("ignored", json!({ "type": "integer", "minimum": 0 })),
    ];
    extend(&mut scanned, more);
    scanned
}

/// Rows of each of the ways to add up.
fn usage() -> Value {
    let row = |fields: &[&str]| narrowed(of_view::<UsageView>(), fields, &[]);
    let rows = json!({ "anyOf": [
        row(&["keyId", "name", "environment", "day"]),
        row(&["keyId", "name", "environment", "lastUsedAt", "lastAddress"]),
        row(&["environment", "day"]),
        row(&["environment"]),
        row(&["day"]),
        row(&[]),
    ] });
    list("usage", &rows)
}

/// A line of an export: a workspace, or a key with its hash.
fn exported() -> Value {
    let text = json!({ "type": ["string", "null"] });
    let mut key = of_view::<KeyView<'_>>();
    let time = key["properties"]["expiresAt"].clone();
    let more = [
        ("type", json!({ "const": "key" })),
        ("algorithm", json!({ "enum": HashForm::words() })),
        ("hash", json!({ "type": "string", "pattern": "^[0-9a-f]{64}$" })),
        ("foreign", json!({ "type": "boolean" })),
        ("expired", json!({ "type": "boolean" })),
        ("revokedMessage", text.clone()),
        ("graceMillis", json!({ "type": ["integer", "null"], "minimum": 0 })),
        ("previousExpiresAt", time),
    ];
    extend(&mut key, more);
    let workspace = object(json!({
        "type": { "const": "workspace" },
        "name": { "type": "string" },
        "preset": text,
        "policy": { "type": "string", "description": "TOML" },
        "plan": text,
    }));
    let format = object(json!({
        "type": { "const": "format" },
        "token": text,
        "alphabet": text,
        "prefix": { "type": "string" },
        "environments": { "type": "array", "items": { "type": "string" } },
    }));
    json!({ "anyOf": [workspace, format, key] })
}

fn error() -> Value {
    let error = object(json!({
        "code": { "type": "string", "pattern": "^[a-z_]+$" },
        "message": { "type": "string" },
        "hint": { "type": ["string", "null"] },
        "exit": { "type": "integer", "minimum": 1, "maximum": 130 },
    }));
    object(json!({ "error": error }))
}
