//! What a hook asks about: what is about to be committed, pushed or received.

use std::path::Path;

use super::objects::List;
use super::{Repository, begin, fields};
use crate::error::{Error, Result};
use crate::search::Search;

/// A mode of what has no content here: another repository's commit.
const SUBMODULE: &str = "160000";

impl Search<'_> {
    /// Searches what the next commit would add or change, as it is in the index.
    pub fn staged(&mut self, folder: &Path) -> Result<()> {
        let repository = Repository::of(folder, true)?;
        let head = repository.read(&["rev-parse", "-q", "--verify", "HEAD^{tree}"])?;
        let base = match head.is_empty() {
            false => head,
            // Before the first commit: against a tree without anything, whose id depends on the repository's hash.
            true => repository.read(&["hash-object", "-t", "tree", "--stdin"])?,
        };
        let base = String::from_utf8_lossy(&base).trim().to_owned();
        let diff = ["diff-index", "--cached", "--raw", "-z", "--no-abbrev", "--no-renames"];
        let diff = [
            &diff[..],
            &["--no-ext-diff", "--diff-filter=d", "--ignore-submodules=none", &base, "--"],
        ]
        .concat();
        let (child, output) = begin(&mut repository.git(&diff))?;
        let changes = fields(output, 0)?;
        self.ended(child, "git diff-index")?;
        let mut list = List::new();
        for pair in changes.chunks(2) {
            let [change, path] = pair else { break };
            let change = String::from_utf8_lossy(change).into_owned();
            // `:mode mode object object status`.
            let words: Vec<&str> = change.split(' ').collect();
            let (Some(mode), Some(object)) = (words.get(1), words.get(3)) else {
                continue;
            };
            let shown = self.name(path, |path| repository.at(Some(&path), None, None))?;
            if *mode != SUBMODULE && !is_zero(object) {
                list.insert((*object).to_owned(), Some(shown));
            }
        }
        self.has_nothing_to_read |= list.is_empty();
        self.listed(&repository, &list)?;
        self.found_in.clear();
        Ok(())
    }

    /// Searches what git is about to push or to receive: these are the lines that it gives its hook, `pre-push`'s of four words or
    /// `pre-receive`'s of three.
    pub fn pushed(&mut self, folder: &Path, lines: &str) -> Result<()> {
        let repository = Repository::of(folder, true)?;
        self.claims(&repository);
        let (mut new, mut old, mut is_push) = (Vec::new(), Vec::new(), false);
        for line in lines.lines().filter(|line| !line.trim().is_empty()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let (added, known, names) = match words[..] {
                [local, added, remote, known] => {
                    is_push = true;
                    (added, known, vec![local, remote])
                }
                [known, added, name] => (added, known, vec![name]),
                _ => {
                    return Err(Error::usage("a line on stdin is not one of a git hook")
                        .hinted("--pushed reads what git gives a pre-push or pre-receive hook"));
                }
            };
            if !is_object(added) || !is_object(known) {
                return Err(Error::usage("a line on stdin has no object ids")
                    .hinted("--pushed reads what git gives a pre-push or pre-receive hook"));
            }
            for name in names {
                self.coverage.bytes += name.len() as u64;
                self.name(name.as_bytes(), |name| repository.at(Some(&name), None, None))?;
            }
            if !is_zero(added) {
                new.push(added.to_owned());
            }
            // What the other side has may be unknown here.
            if !is_zero(known) && !repository.read(&["cat-file", "-t", known])?.is_empty() {
                old.push(format!("^{known}"));
            }
        }
        self.has_nothing_to_read |= new.is_empty();
        if new.is_empty() {
            return Ok(());
        }
        let known = if is_push { "--remotes" } else { "--all" };
        let mut revisions: Vec<&str> = new.iter().chain(&old).map(String::as_str).collect();
        revisions.extend(["--not", known]);
        let before = self.coverage.objects;
        self.revisions(&repository, &revisions)?;
        // Objects that the other side has already.
        self.has_nothing_to_read |= self.coverage.objects == before;
        Ok(())
    }
}

fn is_object(text: &str) -> bool {
    [40, 64].contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_zero(object: &str) -> bool {
    object.bytes().all(|byte| byte == b'0')
}
