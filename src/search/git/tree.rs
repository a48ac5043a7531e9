//! The files of a work tree as git lists them, and what stands beside a repository's objects.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::{PATIENCE, Repository, command, fields, output};
use crate::error::Result;
use crate::search::Search;
use crate::search::walk::{Folders, Root};

/// What else of a repository is text that a token may stand in: addresses of remotes, messages, hooks.
const BESIDE: [&str; 7] =
    ["config", "config.worktree", "COMMIT_EDITMSG", "MERGE_MSG", "FETCH_HEAD", "hooks", "logs"];

/// The files below a folder that git tracks or would add, if the folder is in a work tree. Nothing where git does not answer, as
/// where one of its lists of what to leave out is a pipe: then all files are read.
pub(in crate::search) fn listed(folder: &Path) -> Option<Vec<PathBuf>> {
    let mut git = command(folder, false);
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "."]);
    let answer = output(&mut git, PATIENCE).ok().filter(|answer| answer.status.success())?;
    let names = fields(answer.stdout.as_slice(), 0).ok()?;
    let names: BTreeSet<PathBuf> =
        names.iter().map(|name| PathBuf::from(OsStr::from_bytes(name))).collect();
    Some(names.into_iter().collect())
}

impl Search<'_> {
    /// Searches a repository's configuration, which may have tokens in the addresses of remotes.
    pub(in crate::search) fn configuration(&mut self, folder: &Path) -> Result<()> {
        let Ok(repository) = Repository::of(folder, false) else {
            return Ok(());
        };
        self.beside(&repository, &BESIDE[..2])
    }

    /// Searches what git keeps beside its objects, large files that it does not keep among them included.
    pub(super) fn beside_objects(&mut self, repository: &Repository) -> Result<()> {
        self.beside(repository, &BESIDE)?;
        self.beside(repository, &["lfs/objects"])
    }

    fn beside(&mut self, repository: &Repository, names: &[&str]) -> Result<()> {
        let everything = Folders { exclude: Vec::new(), all_files: true };
        for name in names {
            let path = repository.common.join(name);
            if let Ok(found) = rustix::fs::lstat(&path) {
                let kind = rustix::fs::FileType::from_raw_mode(found.st_mode);
                if kind.is_file() || kind.is_dir() {
                    self.path(&path, &everything)?;
                }
            }
        }
        Ok(())
    }

    /// Searches the files that git lists below a folder. Says whether there were any.
    pub(in crate::search) fn work_tree(&mut self, root: &mut Root<'_>) -> Result<bool> {
        let Some(files) = listed(root.path).filter(|files| !files.is_empty()) else {
            return Ok(false);
        };
        for path in &files {
            self.file_below(root, path)?;
        }
        self.configuration(root.path)?;
        Ok(true)
    }
}
