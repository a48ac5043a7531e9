//! Reading a manifest, so that errors name the line and the field.

use std::collections::BTreeMap;
use std::ops::Range;
use std::str::FromStr;

use serde::Deserialize;
use toml::Spanned;

use super::{KeyEntry, Manifest, PolicySource, RawDeliver, Taken, WorkspaceEntry};
use crate::domain::address::Network;
use crate::domain::label::{Label, Owner};
use crate::domain::manifest::Wanted;
use crate::domain::name::composed;
use crate::domain::sanitize::Safe;
use crate::domain::{preset, tilde};
use crate::error::{Error, Kind, Result};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawManifest {
    #[serde(default)]
    workspace: BTreeMap<Spanned<String>, RawWorkspace>,
    #[serde(default)]
    key: Vec<Spanned<RawKey>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWorkspace {
    preset: Option<Spanned<String>>,
    policy: Option<Spanned<String>>,
    plan: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKey {
    workspace: Spanned<String>,
    environment: Option<String>,
    name: Spanned<String>,
    scopes: Option<Vec<String>>,
    expires: Option<Spanned<String>>,
    rotate_before: Option<Spanned<String>>,
    grace: Option<Spanned<String>>,
    allow: Option<Vec<Spanned<String>>>,
    owner: Option<Spanned<String>>,
    labels: Option<BTreeMap<Spanned<String>, String>>,
    plan: Option<String>,
    deliver: Spanned<RawDeliver>,
}

impl FromStr for Manifest {
    type Err = Error;

    /// Reads and checks a manifest.
    fn from_str(text: &str) -> Result<Self> {
        let source = Source::new(text);
        let raw: RawManifest = toml::from_str(text).map_err(|error| source.unreadable(&error))?;
        let mut workspaces = BTreeMap::new();
        for (name, workspace) in raw.workspace {
            let entry = source.workspace(&name, workspace)?;
            let composed = entry.name.as_str().to_owned();
            if let Some(first) = workspaces.insert(composed, entry) {
                let message = format!("it is the same workspace as in line {}", first.line);
                return Err(source.refuse(&name.span(), "workspace", message));
            }
        }
        let mut keys = Vec::new();
        let mut taken = Taken::default();
        for key in raw.key {
            let workspace = &key.get_ref().workspace;
            if !workspaces.contains_key(composed(workspace.get_ref()).as_ref()) {
                let name = Safe(workspace.get_ref());
                let message = format!("the manifest has no [workspace.{name}]");
                return Err(source.refuse(&workspace.span(), "workspace", message));
            }
            let deliver = key.get_ref().deliver.span();
            let key = source.key(key)?;
            if let Some((path, variable)) = key.deliver.place() {
                taken.take(path, variable, key.line).map_err(|other| {
                    let message = format!("the key in line {other} already goes there");
                    source.refuse(&deliver, "deliver", message)
                })?;
            }
            keys.push(key);
        }
        Ok(Self { workspaces, keys })
    }
}

impl Source<'_> {
    fn workspace(&self, name: &Spanned<String>, raw: RawWorkspace) -> Result<WorkspaceEntry> {
        let policy = match (raw.preset, raw.policy) {
            (None, None) => PolicySource::Present,
            (Some(preset), None) => {
                preset::load(preset.get_ref())
                    .map_err(|error| self.refuse(&preset.span(), "preset", error))?;
                PolicySource::Preset(preset.into_inner())
            }
            (None, Some(file)) => PolicySource::File(file.into_inner().into()),
            (Some(_), Some(file)) => {
                let message = "a workspace has a preset or a policy, not both";
                return Err(self.refuse(&file.span(), "policy", message));
            }
        };
        Ok(WorkspaceEntry {
            name: self.parse("workspace", name)?,
            policy,
            plan: raw.plan,
            line: self.line(&name.span()),
        })
    }

    fn key(&self, key: Spanned<RawKey>) -> Result<KeyEntry> {
        let line = self.line(&key.span());
        let raw = key.into_inner();
        let allow = raw.allow.map(|allow| {
            let networks = allow.iter().map(|network| self.parse("allow", network));
            networks.collect::<Result<Vec<Network>>>()
        });
        let misplaced =
            |message: &'static str| self.refuse(&raw.deliver.span(), "deliver", message);
        let deliver = raw.deliver.get_ref().choose().map_err(misplaced)?;
        if let Some((path, _)) = deliver.file() {
            tilde::refuse(path).map_err(|error| {
                let refused = self.refuse(&raw.deliver.span(), "deliver", &error);
                refused.hinted(error.hint().unwrap_or_default())
            })?;
        }
        let owner: Option<Owner> = self.parse_if_there("owner", &raw.owner)?;
        let wanted = Wanted {
            name: self.parse("name", &raw.name)?,
            environment: raw.environment,
            scopes: raw.scopes,
            expires: self.parse_if_there("expires", &raw.expires)?,
            rotate_before: self.parse_if_there("rotate_before", &raw.rotate_before)?,
            grace: self.parse_if_there("grace", &raw.grace)?,
            allow: allow.transpose()?,
            owner: owner.map(|owner| owner.0),
            labels: raw.labels.map(|labels| self.labels(labels)).transpose()?,
            plan: raw.plan,
            rotate_if_missing: false,
        };
        Ok(KeyEntry {
            workspace: composed(raw.workspace.get_ref()).into_owned(),
            wanted,
            deliver,
            newline: raw.deliver.get_ref().newline().map_err(misplaced)?,
            line,
        })
    }

    fn labels(
        &self,
        labels: BTreeMap<Spanned<String>, String>,
    ) -> Result<BTreeMap<String, String>> {
        let check = |(name, value): (Spanned<String>, String)| {
            let label: Label = format!("{}={value}", name.get_ref())
                .parse()
                .map_err(|error: Error| self.refuse(&name.span(), "labels", error))?;
            Ok((label.name, label.value))
        };
        labels.into_iter().map(check).collect()
    }
}

/// The text, in which errors have their place.
pub(super) struct Source<'a> {
    text: &'a str,
    lines: Vec<usize>,
}

impl<'a> Source<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let ends = text.match_indices('\n').map(|(end, _)| end + 1);
        Self { text, lines: std::iter::once(0).chain(ends).collect() }
    }

    /// The number of the line in which something begins, from 1.
    pub(super) fn line(&self, span: &Range<usize>) -> usize {
        self.lines.partition_point(|begin| *begin <= span.start)
    }

    /// What TOML says, with the field that the line sets where it does not name one itself.
    pub(super) fn unreadable(&self, error: &toml::de::Error) -> Error {
        let message = Safe(&error.message().replace('\n', " ")).to_string();
        let Some(span) = error.span() else {
            return invalid(format!("the manifest cannot be read: {message}"));
        };
        let line = self.text.lines().nth(self.line(&span) - 1).unwrap_or_default();
        let field = line.split_once('=').map(|(field, _)| field.trim());
        match field.filter(|field| !message.contains(*field)) {
            Some(field) => self.refuse(&span, field, message),
            None => invalid(format!("line {}: {message}", self.line(&span))),
        }
    }

    pub(super) fn refuse(
        &self,
        span: &Range<usize>,
        field: &str,
        message: impl std::fmt::Display,
    ) -> Error {
        invalid(format!("line {}: {}: {message}", self.line(span), Safe(field)))
    }

    pub(super) fn parse<T: FromStr<Err = Error>>(
        &self,
        field: &str,
        text: &Spanned<String>,
    ) -> Result<T> {
        text.get_ref().parse().map_err(|error: Error| {
            let refused = self.refuse(&text.span(), field, &error);
            match error.hint() {
                Some(hint) => refused.hinted(hint),
                None => refused,
            }
        })
    }

    pub(super) fn parse_if_there<T: FromStr<Err = Error>>(
        &self,
        field: &str,
        text: &Option<Spanned<String>>,
    ) -> Result<Option<T>> {
        text.as_ref().map(|text| self.parse(field, text)).transpose()
    }
}

fn invalid(message: String) -> Error {
    Error::new(Kind::InvalidManifest, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::manifest::Deliver;
    use crate::error::Kind;

    fn refusal(text: &str) -> String {
        let error = text.parse::<Manifest>().expect_err(text);
        assert_eq!(error.kind(), Kind::InvalidManifest);
        error.to_string()
    }

    /// A manifest with this line in its only key.
    fn with(line: &str) -> String {
        format!(
            "[workspace.acme]\n\n[[key]]\nworkspace = \"acme\"\nname = \"ci\"\n{line}\ndeliver = {{ out = \"ci.key\" }}\n"
        )
    }

    #[test]
    fn everything_a_key_may_have_is_read() {
        let manifest: Manifest = r#"
            [workspace.acme]
            preset = "default"
            [workspace.shop]
            policy = "shop.toml"
            [[key]]
            workspace = "acme"
            environment = "live"
            name = "ci-pipeline"
            scopes = []
            expires = "90d"
            rotate_before = "14d"
            grace = "24h"
            allow = ["203.0.113.0/24"]
            owner = "platform"
            labels = { team = "core" }
            plan = "pro"
            deliver = { out = "secrets/ci-live.key" }
            [[key]]
            workspace = "shop"
            name = "web"
            deliver = { dotenv = ".env", var = "ACME_KEY" }
        "#
        .parse()
        .expect("a manifest");
        assert_eq!(manifest.workspaces.len(), 2);
        assert_eq!(manifest.workspaces["shop"].policy, PolicySource::File("shop.toml".into()));
        let [ci, web] = manifest.keys.as_slice() else {
            panic!("two keys");
        };
        assert_eq!((ci.line, ci.wanted.scopes.as_deref()), (6, Some(&[][..])));
        assert_eq!(ci.wanted.labels.as_ref().map(|labels| labels["team"].as_str()), Some("core"));
        assert_eq!(web.wanted.scopes, None);
        assert_eq!(
            web.deliver,
            Deliver::Dotenv { path: ".env".into(), variable: "ACME_KEY".to_owned() }
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line_and_field() {
        for (line, expected) in [
            ("skopes = []", "line 6: unknown field `skopes`"),
            ("scopes = 3", "line 6: scopes: invalid type"),
            ("expires = \"soon\"", "line 6: expires: \"soon\" is not a time"),
            ("grace = \"1 day\"", "line 6: grace: \"1 day\" is not a duration"),
            ("rotate_before = \"-\"", "line 6: rotate_before: "),
            ("allow = [\"10.0.0.0/8\", \"here\"]", "line 6: allow: "),
            ("owner = \"\"", "line 6: owner: the owner is empty"),
            ("labels = { \"a b\" = \"c\" }", "line 6: labels: a label's name"),
            ("name = \"other\"", "line 6: name: duplicate key"),
            ("environment = [", "line 7: "),
        ] {
            let message = refusal(&with(line));
            assert!(message.starts_with(expected), "{line}: {message}");
        }
        assert!(refusal("[[key]]\nname = \"ci\"").starts_with("line 1: missing field"));
        assert!(
            refusal("[workspace.a]\npreset = \"nope\"")
                .starts_with("line 2: preset: unknown preset")
        );
        assert!(
            refusal("[workspace.a]\npreset = \"default\"\npolicy = \"p\"")
                .starts_with("line 3: policy: ")
        );
        assert!(refusal("[workspace.\" a\"]").starts_with("line 1: workspace: "));
        assert!(refusal("this is not TOML").starts_with("line 1: "));
        let stray = with("").replace("workspace = \"acme\"", "workspace = \"acne\"");
        assert_eq!(refusal(&stray), "line 4: workspace: the manifest has no [workspace.acne]");
    }

    #[test]
    fn two_keys_have_two_places() {
        let two = |one: &str, other: &str| {
            let key = |name: &str, deliver: &str| {
                format!(
                    "[[key]]\nworkspace = \"a\"\nname = \"{name}\"\ndeliver = {{ {deliver} }}\n"
                )
            };
            format!("[workspace.a]\n{}{}", key("one", one), key("two", other))
        };
        for (one, other) in [
            ("out = \"a.key\"", "out = \"./x/../a.key\""),
            ("out = \"a.key\"", "dotenv = \"a.key\", var = \"A\""),
            ("dotenv = \".env\", var = \"A\"", "dotenv = \".env\", var = \"A\""),
            ("github_env = \"A\"", "github_env = \"A\""),
        ] {
            assert!(refusal(&two(one, other)).starts_with("line 9: deliver: "), "{other}");
        }
        for (one, other) in [
            ("dotenv = \".env\", var = \"A\"", "dotenv = \".env\", var = \"B\""),
            ("command = [\"cat\"]", "command = [\"cat\"]"),
            ("github_env = \"A\"", "github_output = \"A\""),
        ] {
            assert!(two(one, other).parse::<Manifest>().is_ok(), "{other}");
        }
    }
}
