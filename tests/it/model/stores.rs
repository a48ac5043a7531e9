//! The library's side of what is done to a store as a whole: backing it up and restoring it, exporting it and importing.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use keyward::domain::timestamp::Timestamp;
use keyward::domain::transfer::{FormatFields, KeyFields, LineOutcome, WorkspaceFields};
use keyward::error::Result;
use keyward::ops::store::export::Record;
use keyward::ops::store::{export, import, restore};

use super::library::{Done, Library, WAIT};
use super::log::write;
use super::operation::Operation;
use super::random::Random;

impl Library {
    /// Does such an operation.
    ///
    /// # Errors
    /// The library's.
    pub(super) fn run_on_store(
        &mut self,
        operation: &Operation,
        now: Timestamp,
        random: &mut Random,
    ) -> Result<Done> {
        match operation {
            Operation::Backup(file) => {
                self.store.backup(file, |_, _| ())?;
                Ok(Done::default())
            }
            Operation::Restore(file) => self.restore(file, now),
            Operation::Export { file, workspace } => {
                self.export(file, workspace.as_deref(), now)?;
                Ok(Done::default())
            }
            Operation::Import { file, keep_going, into } => {
                self.import(file, *keep_going, into.as_deref(), now, random)
            }
            other => panic!("this is done elsewhere: {other:?}"),
        }
    }

    fn restore(&mut self, file: &Path, now: Timestamp) -> Result<Done> {
        let request = restore::Request {
            store: self.path.clone(),
            backup: file.to_owned(),
            against: None,
            wait: WAIT,
        };
        let outcome = restore::run(&request, &self.actor, now, |_| ())?;
        let kept = outcome.kept.iter().map(|kept| {
            let words: Vec<&str> = kept.what.iter().map(|what| what.word()).collect();
            format!("{}: {}", kept.key.id, words.join(" "))
        });
        let mut done = Done::default();
        done.answer.lines = kept.collect();
        done.events = Some(outcome.head.seq.unsigned_abs());
        Ok(done)
    }

    fn export(&mut self, file: &Path, workspace: Option<&str>, now: Timestamp) -> Result<()> {
        let mut lines = Vec::new();
        let (store, actor) = (&mut self.store, &self.actor);
        export::run(store, actor, workspace, now, |record| {
            let line = match record {
                Record::Workspace(workspace) => {
                    serde_json::to_string(&WorkspaceFields::from(workspace))
                }
                Record::Format(format) => serde_json::to_string(&FormatFields::from(format)),
                Record::Key(key) => serde_json::to_string(&KeyFields::of(key, now)),
            };
            let line = line.expect("a line can be written");
            writeln!(lines, "{line}").expect("memory can be written");
            Ok(())
        })?;
        write(file, &lines);
        Ok(())
    }

    fn import(
        &mut self,
        file: &Path,
        keep_going: bool,
        into: Option<&Path>,
        now: Timestamp,
        random: &mut Random,
    ) -> Result<Done> {
        let file = std::fs::File::open(file).expect("it was exported");
        let lines = BufReader::new(file).lines();
        let mut lines = lines.map(|line| Ok(line.expect("it is text").into_bytes()));
        let request = import::Request { keep_going, ..import::Request::default() };
        let (store, actor) = (&mut self.store, &self.actor);
        let outcome = match into {
            None => import::run(store, actor, &request, &mut lines, now, random)?,
            Some(path) if path.is_absolute() => {
                import::into_new(path, WAIT, actor, &request, &mut lines, now, random)?
            }
            Some(uri) => {
                let mut made = Library::open(uri)?.store;
                import::run(&mut made, actor, &request, &mut lines, now, random)?
            }
        };
        let mut done = Done::default();
        let is_format = |line: &&LineOutcome| line.name.is_none() && line.code == "created";
        done.formats = outcome.lines.iter().filter(is_format).count() as u64;
        done.answer.lines = outcome
            .lines
            .into_iter()
            // A token format, which the model does not have.
            .filter(|outcome| outcome.name.is_some() || outcome.refusal.is_some())
            .map(|outcome| match outcome.fields.is_empty() {
                true => outcome.code.to_owned(),
                false => format!("{}: {}", outcome.code, outcome.fields.join(" ")),
            })
            .collect();
        Ok(done)
    }
}
