//! Manifests: what is read is what TOML says, nothing of it is lost, and what is refused has the line it stands in.
//!
//! An input is a manifest's text.

use std::collections::BTreeMap;

use keyward::domain::address::Network;
use keyward::domain::label::{Label, Owner};
use keyward::domain::lifetime::Lifetime;
use keyward::domain::manifest::{Deliver, KeyEntry, Manifest, PolicySource, WorkspaceEntry};
use keyward::domain::name::Name;
use keyward::domain::preset;
use keyward::domain::when::When;
use keyward::error::{Error, Kind};
use toml::{Table, Value};

use super::shown::assert_presentable;

/// Holds manifests to their laws.
pub fn hold(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let read = text.parse::<Manifest>();
    match &read {
        Ok(manifest) => {
            let table: Table = toml::from_str(text).expect("it was read");
            is_what_stands_there(manifest, &table, text);
            has_a_place_for_each(manifest);
        }
        Err(error) => {
            assert_eq!(error.kind(), Kind::InvalidManifest);
            assert_presentable(error);
            let line = line_of(error).0;
            assert!(line.is_none_or(|line| lines(text).nth(line - 1).is_some()));
        }
    }
    // A byte order mark is only one at the beginning.
    if !text.starts_with('\u{feff}') {
        is_one_line_further_down(&read, text);
    }
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n')
}

/// The line that a refusal names, and the rest of it.
fn line_of(error: &Error) -> (Option<usize>, String) {
    let message = error.to_string();
    let Some(rest) = message.strip_prefix("line ") else {
        assert!(message.starts_with("the manifest cannot be read: "));
        return (None, message);
    };
    let (line, rest) = rest.split_once(": ").expect("a colon");
    let line: usize = line.parse().expect("a number");
    assert!(line > 0);
    (Some(line), rest.to_owned())
}

fn is_what_stands_there(manifest: &Manifest, table: &Table, text: &str) {
    let known = ["workspace", "key"];
    assert!(table.keys().all(|field| known.contains(&field.as_str())));
    let workspaces = table.get("workspace").and_then(Value::as_table);
    let count = workspaces.map_or(0, Table::len);
    assert_eq!(manifest.workspaces.len(), count);
    for (name, workspace) in workspaces.into_iter().flatten() {
        let entry = &manifest.workspaces[name];
        is_workspace(entry, name, workspace.as_table().expect("a table"));
        let line = lines(text).nth(entry.line - 1).expect("a line");
        assert!(line.contains(name.as_str()) || line.contains('\\'), "{line}");
    }
    let none = Vec::new();
    let keys = table.get("key").and_then(Value::as_array).unwrap_or(&none);
    assert_eq!(manifest.keys.len(), keys.len());
    for (entry, key) in manifest.keys.iter().zip(keys) {
        assert!(manifest.workspaces.contains_key(&entry.workspace));
        is_key(entry, key.as_table().expect("a table"));
        let line = lines(text).nth(entry.line - 1).expect("a line");
        assert!(line.contains(['[', '{']), "{line}");
        let error = entry.at_its_line(Error::usage("wrong"));
        assert_presentable(&error);
        assert_eq!(line_of(&error).0, Some(entry.line));
    }
    let order = manifest.keys.iter().map(|key| key.line);
    assert!(order.is_sorted());
}

fn is_workspace(entry: &WorkspaceEntry, name: &str, table: &Table) {
    assert_eq!(name.parse::<Name>().ok().as_ref(), Some(&entry.name));
    assert_eq!(entry.plan.as_deref(), word(table, "plan"));
    let source = match (word(table, "preset"), word(table, "policy")) {
        (None, None) => PolicySource::Present,
        (Some(preset), None) => PolicySource::Preset(preset.to_owned()),
        (None, Some(file)) => PolicySource::File(file.into()),
        (Some(_), Some(_)) => panic!("both"),
    };
    assert_eq!(entry.policy, source);
    if let PolicySource::Preset(preset) = &source {
        assert!(preset::names().any(|name| name == preset));
    }
    has_only(table, &["preset", "policy", "plan"]);
}

fn is_key(entry: &KeyEntry, table: &Table) {
    let fields = [
        "workspace",
        "environment",
        "name",
        "scopes",
        "expires",
        "rotate_before",
        "grace",
        "allow",
        "owner",
        "labels",
        "deliver",
    ];
    has_only(table, &fields);
    let wanted = &entry.wanted;
    assert_eq!(Some(entry.workspace.as_str()), word(table, "workspace"));
    assert_eq!(wanted.environment.as_deref(), word(table, "environment"));
    assert_eq!(Some(wanted.name.as_str()), word(table, "name"));
    assert!(wanted.name.as_str().parse::<Name>().is_ok());
    assert_eq!(wanted.scopes, list(table, "scopes"));
    let lifetime = |field| word(table, field).map(|text| text.parse::<Lifetime>().expect(text));
    assert_eq!(wanted.rotate_before, lifetime("rotate_before"));
    assert_eq!(wanted.grace, lifetime("grace"));
    let when = |text: &str| text.parse::<When>().expect(text);
    assert_eq!(wanted.expires, word(table, "expires").map(when));
    // As it is printed, it is read as the same.
    let printed = wanted.expires.as_ref().map(When::to_string);
    assert_eq!(printed.map(|text| when(&text)), wanted.expires);
    let network = |text: &String| text.parse::<Network>().expect(text);
    let allow = list(table, "allow").map(|allow| allow.iter().map(network).collect::<Vec<_>>());
    assert_eq!(wanted.allow, allow);
    for network in wanted.allow.iter().flatten() {
        assert_eq!(network.to_string().parse::<Network>().ok(), Some(*network));
    }
    assert_eq!(wanted.owner.as_deref(), word(table, "owner"));
    assert!(wanted.owner.iter().all(|owner| owner.parse::<Owner>().is_ok()));
    let labels = table.get("labels").and_then(Value::as_table);
    let labels = labels.map(|labels| -> BTreeMap<String, String> {
        let pair = |(name, value): (&String, &Value)| (name.clone(), text(value).to_owned());
        labels.iter().map(pair).collect()
    });
    assert_eq!(wanted.labels, labels);
    for (name, value) in wanted.labels.iter().flatten() {
        let label: Label = format!("{name}={value}").parse().expect("a label");
        assert_eq!((&label.name, &label.value), (name, value));
    }
    is_delivery(entry, table["deliver"].as_table().expect("a table"));
}

fn is_delivery(entry: &KeyEntry, table: &Table) {
    let newline = table.get("newline").and_then(Value::as_bool);
    assert_eq!(entry.newline, newline.unwrap_or(true));
    let (fields, deliver): (&[&str], _) = if let Some(path) = word(table, "out") {
        (&["out", "newline"], Deliver::Out(path.into()))
    } else if let Some(path) = word(table, "dotenv") {
        let (path, variable) = (path.into(), word(table, "var").expect("var").to_owned());
        (&["dotenv", "var"], Deliver::Dotenv { path, variable })
    } else if let Some(words) = list(table, "command") {
        assert!(!words.is_empty());
        (&["command", "newline"], Deliver::Command(words))
    } else if let Some(name) = word(table, "github_env") {
        (&["github_env"], Deliver::GithubEnv(name.to_owned()))
    } else {
        let name = word(table, "github_output").expect("a sink");
        (&["github_output"], Deliver::GithubOutput(name.to_owned()))
    };
    has_only(table, fields);
    assert_eq!(entry.deliver, deliver);
}

fn has_only(table: &Table, fields: &[&str]) {
    assert!(table.keys().all(|field| fields.contains(&field.as_str())));
}

/// A field that is a text, if it is there.
fn word<'a>(table: &'a Table, field: &str) -> Option<&'a str> {
    table.get(field).map(text)
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn list(table: &Table, field: &str) -> Option<Vec<String>> {
    let list = table.get(field)?.as_array().expect("a list");
    Some(list.iter().map(|value| text(value).to_owned()).collect())
}

/// No two secrets go to one place, however its path is written.
fn has_a_place_for_each(manifest: &Manifest) {
    let plain = |path: &std::path::Path| {
        // A folder and the way out of it are nothing; what leads out of the first folder stays.
        let mut words: Vec<&str> = Vec::new();
        let text = path.to_str().expect("it was text");
        for part in text.split('/') {
            match (part, words.last()) {
                ("" | ".", _) => {}
                ("..", Some(last)) if *last != ".." => {
                    words.pop();
                }
                (part, _) => words.push(part),
            }
        }
        format!("{}{}", if text.starts_with('/') { "/" } else { "" }, words.join("/"))
    };
    let mut files = BTreeMap::new();
    for key in &manifest.keys {
        let (place, variable) = match &key.deliver {
            Deliver::Out(path) => (plain(path), None),
            Deliver::Dotenv { path, variable } => (plain(path), Some(variable.as_str())),
            Deliver::GithubEnv(name) => ("the runner's variables".to_owned(), Some(name.as_str())),
            Deliver::GithubOutput(name) => ("the step's outputs".to_owned(), Some(name.as_str())),
            Deliver::Command(_) => continue,
        };
        let there: &mut Vec<Option<&str>> = files.entry(place.clone()).or_default();
        let is_shared = there.contains(&variable)
            || (!there.is_empty() && (variable.is_none() || there.contains(&None)));
        assert!(!is_shared, "{place} twice");
        there.push(variable);
    }
}

/// With a comment above, everything is the same one line further down.
fn is_one_line_further_down(read: &Result<Manifest, Error>, text: &str) {
    let below = format!("# A comment\n{text}").parse::<Manifest>();
    match (read, below) {
        (Ok(above), Ok(below)) => {
            let keys = |manifest: &Manifest| -> Vec<usize> {
                let keys = manifest.keys.iter().map(|key| key.line);
                let workspaces = manifest.workspaces.values().map(|entry| entry.line);
                keys.chain(workspaces).collect()
            };
            let further: Vec<usize> = keys(above).iter().map(|line| line + 1).collect();
            assert_eq!(keys(&below), further);
        }
        (Err(above), Err(below)) => {
            let ((above, said), (below, repeated)) = (line_of(above), line_of(&below));
            assert_eq!(below, above.map(|line| line + 1), "{said}");
            assert!(said == repeated || said.contains(" in line "), "{said}");
        }
        (above, below) => panic!("{:?}, then {:?}", above.is_ok(), below.is_ok()),
    }
}
