//! A new file as the sink: `--out FILE`.
//!
//! This module never opens, follows or overwrites a file that was there before.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, fchmod, open};
use rustix::io::Errno;

use super::interrupt::Interrupts;
use super::place::{check_folder, sync_folder};
use super::{failed, named};
use crate::error::{Error, Kind, Result};

/// A file that is made for the secret and for its owner's eyes alone: `--out FILE`.
#[derive(Debug, Clone)]
pub struct FileSink {
    /// Where it will be.
    pub path: PathBuf,
}

impl FileSink {
    pub(super) fn check(&self) -> Result<()> {
        check_folder(&self.path)?;
        let name = named(&self.path);
        match fs::symlink_metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(failed(format!("cannot look at {name}"), error)),
            Ok(found) => {
                let what = if found.is_symlink() {
                    "is a symbolic link"
                } else {
                    "already exists"
                };
                Err(Error::new(Kind::DeliveryFailed, format!("{name} {what}"))
                    .hinted("give --out a file that does not exist yet"))
            }
        }
    }

    pub(super) fn deliver(&self, text: &[u8], interrupts: &Interrupts) -> Result<()> {
        create(&self.path, text, interrupts)
    }
}

/// Makes a file of mode 0600 that holds this text, or none.
pub(super) fn create(path: &Path, text: &[u8], interrupts: &Interrupts) -> Result<()> {
    let created = Created::new(path)?;
    created.write(text)?;
    sync_folder(path)?;
    interrupts.heed()?;
    created.keep();
    Ok(())
}

/// A file this process has created with mode 0600; it is emptied and removed again unless kept.
pub(super) struct Created<'a> {
    path: &'a Path,
    file: File,
    kept: bool,
}

impl<'a> Created<'a> {
    pub(super) fn new(path: &'a Path) -> Result<Self> {
        let refused = |error: Errno| failed(format!("cannot create {}", named(path)), error);
        let mode = Mode::RUSR | Mode::WUSR;
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = File::from(open(path, flags, mode).map_err(refused)?);
        let created = Self {
            path,
            file,
            kept: false,
        };
        // The umask may have taken the owner's own permissions away.
        fchmod(&created.file, mode).map_err(refused)?;
        Ok(created)
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Writes it all and syncs it. A later close has nothing left to report.
    pub(super) fn write(&self, text: &[u8]) -> Result<()> {
        let written = (&self.file)
            .write_all(text)
            .and_then(|()| self.file.sync_all());
        written.map_err(|error| failed(format!("cannot write {}", named(self.path)), error))
    }

    pub(super) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Created<'_> {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        // Whatever fails here, the secret is void; so the failures have nobody to be told to.
        let _ = self.file.set_len(0);
        let is_ours = match (self.file.metadata(), fs::symlink_metadata(self.path)) {
            (Ok(ours), Ok(found)) => (ours.dev(), ours.ino()) == (found.dev(), found.ino()),
            _ => false,
        };
        if is_ours {
            let _ = fs::remove_file(self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn refusal(path: PathBuf) -> String {
        let error = FileSink { path }.check().expect_err("refused");
        assert_eq!(error.kind(), Kind::DeliveryFailed);
        error.to_string()
    }

    #[test]
    fn whatever_is_there_already_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let existing = folder.path().join("existing");
        fs::write(&existing, "kept").expect("written");
        assert!(refusal(existing.clone()).ends_with("existing\" already exists"));
        let dangling = folder.path().join("dangling");
        symlink("nowhere", &dangling).expect("linked");
        assert!(refusal(dangling.clone()).ends_with("dangling\" is a symbolic link"));
        for path in [existing.clone(), dangling] {
            let error = FileSink { path }
                .deliver(b"s\n", &Interrupts::simulated(false))
                .expect_err("refused");
            assert_eq!(error.kind(), Kind::DeliveryFailed);
        }
        assert_eq!(fs::read(existing).expect("read"), b"kept");
        assert!(!folder.path().join("nowhere").exists());
    }

    #[test]
    fn a_folder_that_does_not_exist_or_is_none_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(refusal(folder.path().join("no/out")).starts_with("cannot use the folder"));
        fs::write(folder.path().join("file"), "").expect("written");
        assert!(refusal(folder.path().join("file/out")).ends_with("file\" is not a folder"));
        for path in ["", "/", "..", "/tmp/x/"] {
            assert!(
                refusal(PathBuf::from(path)).ends_with("does not name a file"),
                "{path}"
            );
        }
    }

    #[test]
    fn a_delivered_file_holds_exactly_the_text_with_mode_0600() {
        let folder = tempfile::tempdir().expect("a folder");
        let sink = FileSink {
            path: folder.path().join("out"),
        };
        sink.check().expect("usable");
        assert!(!sink.path.exists());
        sink.deliver(b"secret\n", &Interrupts::simulated(false))
            .expect("delivered");
        assert_eq!(fs::read(&sink.path).expect("read"), b"secret\n");
        assert_eq!(
            fs::metadata(&sink.path).expect("there").mode() & 0o7777,
            0o600
        );
    }

    #[test]
    fn an_interrupted_delivery_takes_its_file_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let sink = FileSink {
            path: folder.path().join("out"),
        };
        let error = sink
            .deliver(b"secret\n", &Interrupts::simulated(true))
            .expect_err("interrupted");
        assert_eq!(error.kind(), Kind::Interrupted);
        assert!(!sink.path.exists());
    }

    #[test]
    fn only_the_file_it_created_is_taken_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("out");
        let created = Created::new(&path).expect("created");
        fs::remove_file(&path).expect("removed");
        fs::write(&path, "another's").expect("written");
        drop(created);
        assert_eq!(fs::read(&path).expect("read"), b"another's");
    }
}
