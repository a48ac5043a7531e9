//! Which commit and which path an object belongs to: asked only for objects with a finding.
//!
//! This module never says of an object what is not true of it: what is not known is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};

use super::objects::List;
use super::{Repository, begin, fields, unrunnable};
use crate::domain::scan::Location;
use crate::error::Result;
use crate::search::Search;

/// How many objects are asked about at once; each is an argument.
const ASKED: usize = 500;

impl Search<'_> {
    /// Searches the names of all files that these revisions have, and notes objects that are missing. Returns the objects with
    /// a path of each: all, or those that a finding is in.
    pub(super) fn names(
        &mut self,
        repository: &Repository,
        revisions: &[&str],
        keeps_all: bool,
    ) -> Result<List> {
        let arguments =
            [&["rev-list", "--objects", "--missing=print"], revisions, &["--"]].concat();
        let (child, output) = begin(&mut repository.git(&arguments))?;
        let mut output = BufReader::with_capacity(1 << 20, output);
        let (mut list, mut missing) = (List::new(), 0_u64);
        let mut line = Vec::new();
        loop {
            line.clear();
            if output.read_until(b'\n', &mut line).map_err(unrunnable)? == 0 {
                break;
            }
            let line = line.strip_suffix(b"\n").unwrap_or(&line);
            if line.starts_with(b"?") {
                missing += 1;
                continue;
            }
            let (object, path) = match line.iter().position(|byte| *byte == b' ') {
                Some(space) => (&line[..space], Some(&line[space + 1..])),
                None => (line, None),
            };
            let object = String::from_utf8_lossy(object).into_owned();
            let mut shown = None;
            if let Some(path) = path.filter(|path| !path.is_empty()) {
                self.coverage.bytes += path.len() as u64;
                let place = |path: Vec<u8>| repository.at(Some(&path), Some(&object), None);
                shown = Some(self.name(path, place)?);
            }
            if keeps_all || self.found_in.contains(&object) {
                list.insert(object, shown);
            }
        }
        if missing > 0 {
            let why = if repository.is_partial { "partial clone" } else { "damaged repository" };
            self.coverage.lacks(format!("{missing} objects are missing ({why})"));
        }
        self.ended(child, "git rev-list")?;
        self.sink.learn(&mut |location: &mut Location| {
            if let Some(object) = &location.object
                && location.path.is_none()
                && let Some(Some(path)) = list.get(object)
            {
                location.path = Some([&repository.front, path.as_slice()].concat());
            }
        });
        Ok(list)
    }

    /// Finds the first of these revisions that has each object with a finding.
    pub(super) fn attribute(&mut self, repository: &Repository, revisions: &[&str]) -> Result<()> {
        let wanted: Vec<String> = std::mem::take(&mut self.found_in).into_iter().collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let mut first = BTreeMap::new();
        for wanted in wanted.chunks(ASKED) {
            introduced(repository, revisions, wanted, &mut first)?;
        }
        let mut shown = BTreeMap::new();
        for (object, (commit, path)) in first {
            let place = |path: Vec<u8>| repository.at(Some(&path), None, Some(&commit));
            let path = self.name(&path, place)?;
            shown.insert(object, (commit, path));
        }
        self.sink.learn(&mut |location: &mut Location| {
            let known = location.object.as_ref().and_then(|object| shown.get(object));
            if let Some((commit, path)) = known.filter(|_| location.commit.is_none()) {
                location.path = Some([&repository.front, path.as_slice()].concat());
                location.commit = Some(commit.clone());
            }
        });
        Ok(())
    }

    /// Searches the names of branches, tags and other references.
    pub(super) fn references(&mut self, repository: &Repository) -> Result<()> {
        let names = repository.read(&["for-each-ref", "--format=%(refname)"])?;
        for name in fields(names.as_slice(), b'\n')? {
            self.coverage.bytes += name.len() as u64;
            self.name(&name, |name| repository.at(Some(&name), None, None))?;
        }
        Ok(())
    }
}

/// Finds the first commit, and the path in it, that brought each of these objects in.
fn introduced(
    repository: &Repository,
    revisions: &[&str],
    wanted: &[String],
    first: &mut BTreeMap<String, (String, Vec<u8>)>,
) -> Result<()> {
    let commits = [&["rev-list", "--reverse", "--topo-order"], revisions, &["--"]].concat();
    let (mut commits, output) = begin(&mut repository.git(&commits))?;
    let mut diff = repository.git(&["diff-tree", "--stdin", "-r", "-m", "--root", "--raw", "-z"]);
    diff.args(["--no-renames", "--no-ext-diff", "--no-textconv", "--no-abbrev"]);
    diff.args(wanted.iter().map(|object| format!("--find-object={object}")));
    let (mut diff, output) = begin(diff.stdin(output))?;
    let mut output = BufReader::new(output);
    let mut left: BTreeSet<&str> = wanted.iter().map(String::as_str).collect();
    let (mut commit, mut added) = (String::new(), None::<String>);
    let mut field = Vec::new();
    while !left.is_empty() {
        field.clear();
        if output.read_until(0, &mut field).map_err(unrunnable)? == 0 {
            break;
        }
        let text = field.strip_suffix(b"\0").unwrap_or(&field);
        if let Some(object) = added.take() {
            // The path behind a change.
            if left.remove(object.as_str()) {
                first.insert(object, (commit.clone(), text.to_owned()));
            }
        } else if text.starts_with(b":") {
            // `:mode mode object object status`.
            let words = String::from_utf8_lossy(text).into_owned();
            added = words.split(' ').nth(3).map(str::to_owned);
        } else {
            commit = String::from_utf8_lossy(text).trim().to_owned();
        }
    }
    // What is left of the history is not needed.
    let _ = diff.kill();
    let _ = commits.kill();
    diff.wait().and_then(|_| commits.wait()).map(drop).map_err(unrunnable)
}
