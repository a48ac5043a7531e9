//! The contents of objects: each once, however many commits have it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Stdio};
use std::thread;

use zeroize::Zeroizing;

use super::{Repository, begin, unrunnable};
use crate::error::{Error, Result};
use crate::search::Search;
use crate::search::source::Reading;

/// How much a pipe of git takes before git waits, in bytes: what an ordinary user may ask for (fcntl(2)).
const PIPE: usize = 1 << 20;
/// The largest object that is read at once, in bytes.
const LARGEST: u64 = 4 << 20;

/// Objects that are to be read, with a path of each that has one.
pub(super) type List = BTreeMap<String, Option<Vec<u8>>>;

impl Search<'_> {
    /// Searches every object of a repository, or those of a range, and what else its history has: names of files and branches,
    /// messages, and what git keeps beside its objects.
    pub fn history(&mut self, folder: &Path, range: Option<&str>) -> Result<()> {
        let repository = Repository::of(folder, folder == Path::new("."))?;
        self.claims(&repository);
        match range {
            Some(range) => self.range(&repository, range),
            None => self.whole_history(&repository),
        }
    }

    /// Notes what a clone does not have from the beginning.
    pub(super) fn claims(&mut self, repository: &Repository) {
        if repository.is_shallow {
            self.coverage.lacks("the repository is a shallow clone: earlier commits are missing");
        }
    }

    fn whole_history(&mut self, repository: &Repository) -> Result<()> {
        self.all_objects(repository)?;
        self.references(repository)?;
        self.beside_objects(repository)?;
        let all = ["--all", "--reflog", "--indexed-objects"];
        self.names(repository, &all, false)?;
        self.attribute(repository, &["--all", "--reflog"])
    }

    fn range(&mut self, repository: &Repository, range: &str) -> Result<()> {
        if range.starts_with('-') {
            return Err(Error::usage("a range does not begin with -"));
        }
        // One that does not exist is said before anything is searched.
        let parsed = repository.read(&["rev-parse", "--revs-only", "--end-of-options", range])?;
        let revisions: Vec<&str> =
            std::str::from_utf8(&parsed).unwrap_or_default().lines().collect();
        let revisions: Vec<&str> =
            revisions.into_iter().filter(|word| !word.starts_with("--")).collect();
        if revisions.is_empty() {
            return Err(Error::usage("the range names no commits of this repository").hinted(
                "a range is what git takes: origin/main..HEAD; name a folder before --history",
            ));
        }
        self.revisions(repository, &revisions)
    }

    /// Searches the objects that these revisions come to.
    pub(super) fn revisions(&mut self, repository: &Repository, revisions: &[&str]) -> Result<()> {
        let list = self.names(repository, revisions, true)?;
        self.listed(repository, &list)?;
        self.attribute(repository, revisions)
    }

    pub(super) fn listed(&mut self, repository: &Repository, list: &List) -> Result<()> {
        let mut batch = Batch::begin(repository)?;
        thread::scope(|scope| {
            let stdin = batch.stdin.take();
            scope.spawn(move || {
                let mut stdin = std::io::BufWriter::with_capacity(PIPE, stdin?);
                for object in list.keys() {
                    // Git has ended, which is noticed where its answers are read.
                    writeln!(stdin, "{object}").ok()?;
                }
                stdin.flush().ok()
            });
            self.answers(repository, &mut batch.stdout, list)
        })?;
        self.ended(batch.child, "git cat-file")
    }

    /// Searches every object that is stored, reachable or not, but for trees: their names are searched as a list.
    fn all_objects(&mut self, repository: &Repository) -> Result<()> {
        let check = [
            "cat-file",
            "--batch-check=%(objecttype) %(objectname)",
            "--batch-all-objects",
            "--unordered",
            "--buffer",
        ];
        let (names, output) = begin(&mut repository.git(&check))?;
        let mut batch = Batch::begin(repository)?;
        let nothing = List::new();
        let stdin = batch.stdin.take();
        thread::scope(|scope| {
            scope.spawn(move || pass_on(output, stdin?));
            self.answers(repository, &mut batch.stdout, &nothing)
        })?;
        self.ended(names, "git cat-file")?;
        self.ended(batch.child, "git cat-file")
    }

    /// Searches what `git cat-file --batch` answers.
    fn answers(
        &mut self,
        repository: &Repository,
        output: &mut BufReader<ChildStdout>,
        list: &List,
    ) -> Result<()> {
        let mut header = Vec::new();
        let mut content = Zeroizing::new(Vec::new());
        loop {
            header.clear();
            let read = output.by_ref().take(1024).read_until(b'\n', &mut header);
            if read.map_err(unrunnable)? == 0 {
                return Ok(());
            }
            let line = String::from_utf8_lossy(&header).into_owned();
            let words: Vec<&str> = line.split_whitespace().collect();
            let [object, kind, size] = words[..] else {
                self.coverage.lacks("an object of the repository is missing");
                continue;
            };
            let size: u64 = size.parse().unwrap_or(0);
            let commit = (kind == "commit").then_some(object);
            let path = list.get(object).and_then(Option::as_deref);
            let location = repository.at(path, Some(object), commit);
            let mut body = output.by_ref().take(size);
            if kind == "tree" {
                std::io::copy(&mut body, &mut std::io::sink()).map_err(unrunnable)?;
            } else {
                self.coverage.objects += 1;
                if size <= LARGEST {
                    content.clear();
                    body.read_to_end(&mut content).map_err(unrunnable)?;
                    self.bytes(&content, &location)?;
                } else {
                    self.stream(&mut Reading(&mut body), &location)?;
                    std::io::copy(&mut body, &mut std::io::sink()).map_err(unrunnable)?;
                }
                if self.coverage.objects.is_multiple_of(1024) {
                    self.sink.reached(&self.coverage);
                }
            }
            // The line feed behind the object.
            let _ = output.by_ref().take(1).read_until(b'\n', &mut header);
        }
    }

    /// Waits for a command of git, whose failure means that not everything was read.
    pub(super) fn ended(&mut self, mut child: std::process::Child, name: &str) -> Result<()> {
        let status = child.wait().map_err(unrunnable)?;
        if !status.success() {
            self.coverage.lacks(format!("{name} ended early: an object is missing or damaged"));
        }
        Ok(())
    }
}

struct Batch {
    child: std::process::Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Batch {
    fn begin(repository: &Repository) -> Result<Self> {
        let mut git = repository.git(&["cat-file", "--batch", "--buffer"]);
        let (mut child, stdout) = begin(git.stdin(Stdio::piped()))?;
        // Where that is not allowed, git only waits more often.
        #[cfg(target_os = "linux")]
        let _ = rustix::pipe::fcntl_setpipe_size(&stdout, PIPE);
        let stdout = BufReader::with_capacity(PIPE, stdout);
        Ok(Self { stdin: child.stdin.take(), stdout, child })
    }
}

/// Passes the names of objects that are not trees on.
fn pass_on(names: ChildStdout, batch: ChildStdin) -> Option<()> {
    let mut batch = std::io::BufWriter::with_capacity(PIPE, batch);
    let mut names = BufReader::with_capacity(PIPE, names);
    let mut line = Vec::new();
    loop {
        line.clear();
        if names.read_until(b'\n', &mut line).ok()? == 0 {
            return batch.flush().ok();
        }
        let name = line.splitn(2, |byte| *byte == b' ').nth(1)?;
        if !line.starts_with(b"tree ") {
            batch.write_all(name).ok()?;
        }
    }
}
