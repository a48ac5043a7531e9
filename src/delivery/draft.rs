//! The next text of a file, which stands beside it and takes its place in one step, so that nobody meets half of it.
//!
//! This module never writes into a file that others look at.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{
    CWD, Mode, OFlags, RenameFlags, XattrFlags, fchmod, fchown, fsetxattr, fsync, open,
    renameat_with,
};
use rustix::io::Errno;

use super::before::{ACCESS_LIST, Before};
use super::interrupt::Interrupts;
use super::place::folder_of;
use super::placed::Placed;
use super::{failed, named};
use crate::error::{Error, Kind, Result};

/// How long another delivery to the same file is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is looked whether that has ended.
const ATTENTION: Duration = Duration::from_millis(10);
/// 0600.
const PRIVATE: Mode = Mode::RUSR.union(Mode::WUSR);

/// A file of mode 0600 beside its target, locked, so that deliveries to one file take turns. It has one name for each
/// target: what a killed process has left there is the next delivery's draft.
pub(super) struct Draft<'a> {
    target: &'a Path,
    path: PathBuf,
    file: File,
    is_placed: bool,
}

impl<'a> Draft<'a> {
    /// Begins an empty draft.
    ///
    /// # Errors
    /// `delivery_failed` when it cannot be made or another process does not let go of it; `interrupted`.
    pub(super) fn begin(target: &'a Path, interrupts: &Interrupts) -> Result<Self> {
        let refused = |error: io::Error| failed(format!("cannot create {}", named(target)), error);
        let path = draft_of(target);
        let deadline = Instant::now() + PATIENCE;
        loop {
            if Instant::now() > deadline {
                let message = format!("another process is writing {}", named(target));
                return Err(Error::new(Kind::DeliveryFailed, message));
            }
            let (file, is_writable) = match open_draft(&path, OFlags::WRONLY | OFlags::CREATE) {
                // The mode of the file that it was to replace does not let even its owner write.
                Err(Errno::ACCESS) => (open_draft(&path, OFlags::RDONLY), false),
                opened => (opened, true),
            };
            let file = file.map_err(|error| refused(error.into()))?;
            if !has_turn(&file).map_err(refused)? {
                interrupts.heed()?;
                thread::sleep(ATTENTION);
                continue;
            }
            let found = file.metadata().map_err(refused)?;
            // Whoever had the lock before has given it its name or removed it.
            if !is_at(&file, &path) {
                continue;
            }
            // SECURITY: a file that somebody else has put here is neither written nor given the target's name.
            let me = rustix::process::geteuid();
            let is_mine = found.uid() == me.as_raw();
            // Root may have been killed after it gave a draft to the owner of the target.
            let is_like_target = || owner_of(target) == Some(found.uid());
            if !found.is_file() || !(is_mine || me.is_root() && is_like_target()) {
                let message = format!("{} is in the way", named(&path));
                return Err(Error::new(Kind::DeliveryFailed, message));
            }
            if found.nlink() > 1 || !is_writable || !is_mine {
                // Linked to the target, or like it already, by a process that was killed then: only this name is to go.
                fs::remove_file(&path).map_err(refused)?;
                continue;
            }
            // The umask may have taken the owner's own permissions away.
            fchmod(&file, PRIVATE).map_err(|error| refused(error.into()))?;
            file.set_len(0).map_err(refused)?;
            return Ok(Self {
                target,
                path,
                file,
                is_placed: false,
            });
        }
    }

    /// Takes over the owner, mode and access list of the file it will replace.
    ///
    /// # Errors
    /// `delivery_failed`.
    pub(super) fn resemble(&self, before: &Before) -> Result<()> {
        self.resemble_owner(before)?;
        let copied = || -> io::Result<()> {
            fchmod(&self.file, before.mode)?;
            if let Some(list) = &before.access_list {
                fsetxattr(&self.file, ACCESS_LIST, list, XattrFlags::empty())?;
            }
            Ok(())
        };
        copied().map_err(|error| {
            let name = named(self.target);
            failed(format!("cannot keep the mode of {name}"), error)
        })
    }

    /// Takes over the owner alone, and stays private.
    ///
    /// # Errors
    /// `delivery_failed`.
    pub(super) fn resemble_owner(&self, before: &Before) -> Result<()> {
        let copied = || -> io::Result<()> {
            let new = self.file.metadata()?;
            if (new.uid(), new.gid()) != (before.owner.as_raw(), before.group.as_raw()) {
                fchown(&self.file, Some(before.owner), Some(before.group))?;
            }
            Ok(())
        };
        copied().map_err(|error| {
            let name = named(self.target);
            failed(format!("cannot keep the owner of {name}"), error)
        })
    }

    /// Writes it all and syncs it. A later close has nothing left to report.
    ///
    /// # Errors
    /// `delivery_failed`.
    pub(super) fn write(&self, text: &[u8]) -> Result<()> {
        let written = (&self.file)
            .write_all(text)
            .and_then(|()| Ok(fsync(&self.file)?));
        written.map_err(|error| failed(format!("cannot write {}", named(self.target)), error))
    }

    /// Makes the target, which must not be there, with this text in it.
    ///
    /// # Errors
    /// `delivery_failed`, `interrupted`; then there is no such file.
    pub(super) fn make(self, text: &[u8], interrupts: &Interrupts) -> Result<Placed> {
        self.write(text)?;
        let target = self.target.to_owned();
        let cannot_keep = |error| failed(format!("cannot keep {}", named(&target)), error);
        // Open for as long as it could be taken back, so that no other file can have its inode.
        let ours = self.file.try_clone().map_err(cannot_keep)?;
        self.create()?;
        let made = target.clone();
        let undo = move || match is_at(&ours, &made) {
            true => fs::remove_file(&made)
                .map_err(|error| failed(format!("cannot remove {}", named(&made)), error)),
            false => Ok(()),
        };
        Placed::new(&target, undo).settle(interrupts)
    }

    /// Gives it the target's name, which nothing may have.
    fn create(mut self) -> Result<()> {
        let moved = match renameat_with(CWD, &self.path, CWD, self.target, RenameFlags::NOREPLACE) {
            // Not every file system knows how; linking is as safe, in two steps.
            Err(Errno::INVAL | Errno::NOSYS) => {
                fs::hard_link(&self.path, self.target).and_then(|()| fs::remove_file(&self.path))
            }
            moved => moved.map_err(io::Error::from),
        };
        moved.map_err(|error| failed(format!("cannot create {}", named(self.target)), error))?;
        self.is_placed = true;
        Ok(())
    }

    /// Puts it in the place of the target.
    ///
    /// # Errors
    /// `delivery_failed`.
    pub(super) fn replace(mut self) -> Result<()> {
        fs::rename(&self.path, self.target)
            .map_err(|error| failed(format!("cannot replace {}", named(self.target)), error))?;
        self.is_placed = true;
        Ok(())
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if !self.is_placed && is_at(&self.file, &self.path) {
            // Whatever fails here, the secret is void; so the failures have nobody to be told to.
            let _ = self.file.set_len(0);
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Makes a file of mode 0600 that holds this text, or none.
pub(super) fn create(path: &Path, text: &[u8], interrupts: &Interrupts) -> Result<Placed> {
    Draft::begin(path, interrupts)?.make(text, interrupts)
}

fn open_draft(path: &Path, how: OFlags) -> rustix::io::Result<File> {
    let flags = how | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    open(path, flags, PRIVATE).map(File::from)
}

/// `.NAME.keyward-draft`; of a long name its beginning and its checksum.
fn draft_of(target: &Path) -> PathBuf {
    /// In bytes; file systems take names of 255.
    const LONGEST: usize = 200;
    let name = target.file_name().unwrap_or_default();
    let mut draft = OsString::from(".");
    match name.as_bytes() {
        bytes if bytes.len() > LONGEST => {
            draft.push(OsStr::from_bytes(&bytes[..LONGEST]));
            draft.push(format!("-{:08x}", crc32fast::hash(bytes)));
        }
        _ => draft.push(name),
    }
    draft.push(".keyward-draft");
    folder_of(target).join(draft)
}

fn owner_of(path: &Path) -> Option<u32> {
    fs::symlink_metadata(path).ok().map(|found| found.uid())
}

/// Takes the lock if it is free. A file system without locks gives everybody their turn.
fn has_turn(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Whether this open file is the one of this name.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(ours), Ok(found)) => (ours.dev(), ours.ino()) == (found.dev(), found.ino()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("read");
        let name = |entry: io::Result<fs::DirEntry>| entry.expect("entry").file_name();
        entries
            .map(|entry| name(entry).to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn a_draft_that_is_given_up_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join("out");
        let draft = Draft::begin(&target, &Interrupts::none()).expect("begun");
        draft.write(b"secret").expect("written");
        assert_eq!(names(folder.path()), [".out.keyward-draft"]);
        drop(draft);
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn what_a_killed_process_left_becomes_the_next_draft() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join("out");
        fs::write(
            folder.path().join(".out.keyward-draft"),
            "much longer than that",
        )
        .expect("written");
        create(&target, b"new", &Interrupts::none()).expect("created");
        assert_eq!(fs::read(&target).expect("read"), b"new");
        assert_eq!(names(folder.path()), ["out"]);
    }

    #[test]
    fn a_draft_that_was_linked_to_its_target_leaves_the_target_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join("out");
        fs::write(&target, "first").expect("written");
        fs::hard_link(&target, folder.path().join(".out.keyward-draft")).expect("linked");
        assert!(create(&target, b"second", &Interrupts::none()).is_err());
        assert_eq!(fs::read(&target).expect("read"), b"first");
        assert_eq!(names(folder.path()), ["out"]);
    }

    #[test]
    fn a_link_in_the_drafts_place_is_not_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let victim = folder.path().join("victim");
        fs::write(&victim, "kept").expect("written");
        std::os::unix::fs::symlink("victim", folder.path().join(".out.keyward-draft"))
            .expect("linked");
        let target = folder.path().join("out");
        let error = Draft::begin(&target, &Interrupts::none()).err();
        assert_eq!(error.expect("refused").kind(), Kind::DeliveryFailed);
        assert_eq!(fs::read(&victim).expect("read"), b"kept");
    }

    #[test]
    fn drafts_of_one_file_take_turns() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join("out");
        fs::write(&target, "").expect("written");
        let append = |letter: u8| {
            let draft = Draft::begin(&target, &Interrupts::none()).expect("its turn comes");
            let before = Before::read(&target).expect("read");
            let text = [&before.text[..], &[letter]].concat();
            draft.write(&text).expect("written");
            draft.replace().expect("replaced");
        };
        thread::scope(|scope| {
            for letter in b'a'..b'i' {
                scope.spawn(move || append(letter));
            }
        });
        assert_eq!(fs::read(&target).expect("read").len(), 8);
        assert_eq!(names(folder.path()), ["out"]);
    }

    #[test]
    fn only_the_file_it_placed_is_taken_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join("out");
        let placed = create(&target, b"secret", &Interrupts::none()).expect("created");
        fs::remove_file(&target).expect("removed");
        fs::write(&target, "another's").expect("written");
        placed.take_back().expect("nothing to do");
        assert_eq!(fs::read(&target).expect("read"), b"another's");
    }
}
