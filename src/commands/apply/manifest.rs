//! The manifest that `apply` is given, with the files it names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::commands::sink::github;
use crate::context::{Context, Document};
use crate::delivery::{CommandSink, Existing, FileSink, Sink};
use crate::domain::holding::{Holding, Place};
use crate::domain::manifest::{Deliver, KeyEntry, Manifest, PolicySource, Taken};
use crate::domain::preset;
use crate::domain::{Policy, SafePath};
use crate::error::{Error, Kind, Result};
use crate::ops::apply::{KeyWanted, Plan, Request, WorkspaceWanted};

/// Where a manifest is, which everything in it is relative to.
pub struct Source {
    folder: PathBuf,
}

impl Source {
    /// Reads a manifest, the policies that it names, and what its sinks hold.
    pub fn read(context: &mut Context, path: &Path) -> Result<(Self, Request)> {
        let manifest: Manifest = context.read_text(path, Document::Manifest)?.parse()?;
        let folder = match path.parent() {
            Some(folder) if path.as_os_str() != "-" => folder.to_owned(),
            _ => PathBuf::new(),
        };
        let source = Self { folder };
        let mut workspaces = Vec::new();
        for entry in manifest.workspaces.into_values() {
            let policy = match entry.policy {
                PolicySource::Present => None,
                PolicySource::Preset(name) => {
                    let policy = preset::load(&name)?;
                    Some((Some(name), policy))
                }
                PolicySource::File(file) => {
                    let at_its_line = |error: Error| {
                        let (line, file) = (entry.line, SafePath(&file));
                        error.told(|message| format!("line {line}: policy: {file}: {message}"))
                    };
                    let text = context.read_text(&source.folder.join(&file), Document::Policy);
                    let policy = text.and_then(|text| Policy::from_toml(&text));
                    Some((None, policy.map_err(at_its_line)?))
                }
            };
            workspaces.push(WorkspaceWanted {
                name: entry.name,
                policy,
                plan: entry.plan,
                line: entry.line,
            });
        }
        source.refuse_shared_files(context, &manifest.keys)?;
        let keys = manifest.keys.into_iter().map(|entry| {
            let place = source.look(&entry)?;
            Ok(KeyWanted { entry, place })
        });
        let request = Request {
            workspaces,
            keys: keys.collect::<Result<_>>()?,
            prune: false,
            keep_outside: false,
        };
        Ok((source, request))
    }

    /// Refuses two keys that go to the same file through differently written paths or a link: each run would replace
    /// one secret with the other. A runner's file accepts only runner variables.
    fn refuse_shared_files(&self, context: &Context, entries: &[KeyEntry]) -> Result<()> {
        let mut taken = Taken::default();
        let mut runners = BTreeMap::new();
        for entry in entries {
            if let Deliver::GithubEnv(_) | Deliver::GithubOutput(_) = &entry.deliver
                // The file exists only inside a step.
                && let Ok(sink) = self.sink(context, entry)
                && let Some(place) = sink.whereabouts().map_err(|error| entry.at_its_line(error))?
            {
                runners.entry(place).or_insert(entry.line);
            }
        }
        for entry in entries {
            let Some((path, variable)) = entry.deliver.file() else {
                continue;
            };
            let sink = self.file(path, variable);
            let placed = |error: Error| entry.at_its_line(error);
            let Some(place) = sink.whereabouts().map_err(placed)? else {
                continue;
            };
            let other = match runners.get(&place) {
                Some(line) => Err(*line),
                None => taken.take(place, variable, entry.line),
            };
            other.map_err(|other| {
                let message = format!("deliver: the key in line {other} already goes to that file");
                placed(Error::new(Kind::InvalidManifest, message))
            })?;
        }
        Ok(())
    }

    pub fn sink(&self, context: &Context, entry: &KeyEntry) -> Result<Sink> {
        Ok(match &entry.deliver {
            Deliver::GithubEnv(name) => {
                Sink::GithubEnv(github(context, name.clone(), "GITHUB_ENV")?)
            }
            Deliver::GithubOutput(name) => {
                Sink::GithubOutput(github(context, name.clone(), "GITHUB_OUTPUT")?)
            }
            Deliver::Command(words) => {
                let mut words = words.iter().map(Into::into);
                Sink::Command(CommandSink {
                    program: words.next().unwrap_or_default(),
                    arguments: words.collect(),
                    folder: Some(self.folder.clone())
                        .filter(|folder| !folder.as_os_str().is_empty()),
                })
            }
            Deliver::Out(path) => self.file(path, None),
            Deliver::Dotenv { path, variable } => self.file(path, Some(variable)),
        })
    }

    /// What the user should know about the files that hold the secrets.
    pub fn warnings(&self, context: &Context, request: &Request) -> Vec<String> {
        let keys = request.keys.iter();
        let sinks = keys.filter_map(|key| self.sink(context, &key.entry).ok());
        let mut warnings: Vec<_> = sinks.flat_map(|sink| sink.warnings()).collect();
        // Several variables may lie in one file.
        warnings.sort();
        warnings.dedup();
        warnings
    }

    fn file(&self, path: &Path, variable: Option<&str>) -> Sink {
        let path = self.folder.join(path);
        match variable {
            Some(variable) => Sink::dotenv(path, variable),
            None => Sink::File(FileSink { path: path.into(), existing: Existing::Kept }),
        }
    }

    /// Refuses a plan with a sink that cannot work. A folder that is not there is made when its time comes.
    pub fn check_sinks(&self, context: &Context, request: &Request, plan: &Plan) -> Result<()> {
        for (key, (_, decision)) in request.keys.iter().zip(&plan.keys) {
            if !decision.step.delivers() {
                continue;
            }
            let check = |sink: Sink| {
                let sink = sink.replacing(decision.may_replace);
                if sink.lacks_folder() { Ok(()) } else { sink.check() }
            };
            self.sink(context, &key.entry)
                .and_then(check)
                .map_err(|error| key.entry.at_its_line(error))?;
        }
        Ok(())
    }

    pub fn look_again(&self, request: &mut Request) -> Result<()> {
        for key in &mut request.keys {
            key.place = self.look(&key.entry)?;
        }
        Ok(())
    }

    /// Looks at the sink of a key. A runner's variable need not be there for that.
    fn look(&self, entry: &KeyEntry) -> Result<Place> {
        let Some((path, variable)) = entry.deliver.file() else {
            return Ok(Place { name: "the sink".to_owned(), holding: Holding::Unknown });
        };
        let looked = self.file(path, variable).look();
        looked.map_err(|error| entry.at_its_line(error))
    }
}
