//! A sink's file in the making: like the one that it replaces, written whole, and taken back if need be.
//!
//! This module never writes into a file that others look at.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use rustix::fs::{XattrFlags, fchmod, fchown, fsetxattr};

use super::before::Before;
use super::failed;
use super::place::{Placed, Target};
use crate::error::{Error, Kind, Result};
use crate::files;
use crate::files::{ACCESS_LIST, Found};
use crate::signals::Interrupts;

/// How long another delivery to the same file is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct Draft<'a> {
    target: &'a Target,
    draft: files::Draft,
}

impl<'a> Draft<'a> {
    pub(super) fn begin(target: &'a Target, interrupts: &Interrupts) -> Result<Self> {
        let entry = target.entry()?;
        let draft = entry.sibling(&name_of(entry.name()));
        let begun = files::Draft::begin(entry, draft, PATIENCE, || interrupts.heed());
        let draft = begun.map_err(|error| match error.kind() {
            Kind::Interrupted => error,
            _ => error.as_kind(Kind::DeliveryFailed),
        })?;
        Ok(Self { target, draft })
    }

    /// Takes over the owner, mode and access list of the file it will replace.
    pub(super) fn resemble(&self, before: &Before) -> Result<()> {
        self.resemble_owner(before)?;
        let file = self.draft.file();
        let copied = || -> io::Result<()> {
            fchmod(file, before.mode)?;
            if let Some(list) = &before.access_list {
                fsetxattr(file, ACCESS_LIST, list, XattrFlags::empty())?;
            }
            Ok(())
        };
        copied().map_err(|error| self.failed("keep the mode of", error))
    }

    /// Takes over the owner alone, and stays private.
    pub(super) fn resemble_owner(&self, before: &Before) -> Result<()> {
        let file = self.draft.file();
        let copied = || -> io::Result<()> {
            let new = Found::of(file)?;
            if (new.owner(), new.group()) != (before.owner.as_raw(), before.group.as_raw()) {
                fchown(file, Some(before.owner), Some(before.group))?;
            }
            Ok(())
        };
        copied().map_err(|error| self.failed("keep the owner of", error))
    }

    /// Writes it all and syncs it. A later close has nothing left to report.
    pub(super) fn write(&self, text: &[u8]) -> Result<()> {
        let mut file = self.draft.file();
        let written = file.write_all(text).and_then(|()| Ok(files::sync(file)?));
        written.map_err(|error| self.failed("write", error))
    }

    /// Creates the target, which must not exist, with this text. If that fails, no such file is left.
    pub(super) fn make(self, text: &[u8], interrupts: &Interrupts) -> Result<Placed> {
        self.write(text)?;
        let target = self.target;
        let created = self.draft.create();
        // Open for as long as it could be taken back, so that no other file can have its inode.
        let ours = created.map_err(|error| cannot("create", target, error))?;
        let made = target.clone();
        Placed::new(target, move || remove(&made, &ours)).settle(interrupts)
    }

    /// Replaces the target with it.
    pub(super) fn replace(self) -> Result<()> {
        let replaced = self.draft.replace().map(drop);
        replaced.map_err(|error| cannot("replace", self.target, error))
    }

    fn failed(&self, what: &str, error: io::Error) -> Error {
        cannot(what, self.target, error)
    }
}

/// Makes a file of mode 0600 that holds this text, or none.
pub(super) fn create(target: &Target, text: &[u8], interrupts: &Interrupts) -> Result<Placed> {
    Draft::begin(target, interrupts)?.make(text, interrupts)
}

/// Removes a file that was made, unless another one has its name by now.
fn remove(target: &Target, ours: &File) -> Result<()> {
    let entry = target.entry()?;
    if !entry.is(ours) {
        return Ok(());
    }
    let removed = entry.remove().map(drop);
    removed.map_err(|error| cannot("remove", target, error))
}

fn cannot(what: &str, target: &Target, error: io::Error) -> Error {
    failed(format!("cannot {what} {}", target.named()), error)
}

/// `.NAME.keyward-draft`; of a long name its beginning and its checksum.
fn name_of(target: &OsStr) -> OsString {
    /// In bytes; file systems take names of 255.
    const LONGEST: usize = 200;
    let mut draft = OsString::from(".");
    match target.as_bytes() {
        bytes if bytes.len() > LONGEST => {
            draft.push(OsStr::from_bytes(&bytes[..LONGEST]));
            draft.push(format!("-{:08x}", crc32fast::hash(bytes)));
        }
        _ => draft.push(target),
    }
    draft.push(".keyward-draft");
    draft
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::{fs, thread};

    use super::*;

    fn target(folder: &tempfile::TempDir) -> Target {
        folder.path().join("out").into()
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("read");
        let name = |entry: io::Result<fs::DirEntry>| entry.expect("entry").file_name();
        entries.map(|entry| name(entry).to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_draft_that_is_given_up_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = target(&folder);
        let draft = Draft::begin(&target, &Interrupts::none()).expect("begun");
        draft.write(b"secret").expect("written");
        assert_eq!(names(folder.path()), [".out.keyward-draft"]);
        drop(draft);
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn what_a_killed_process_left_becomes_the_next_draft() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = target(&folder);
        fs::write(folder.path().join(".out.keyward-draft"), "much longer than that")
            .expect("written");
        create(&target, b"new", &Interrupts::none()).expect("created");
        assert_eq!(fs::read(&target).expect("read"), b"new");
        assert_eq!(names(folder.path()), ["out"]);
    }

    #[test]
    fn a_draft_that_was_linked_to_its_target_leaves_the_target_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = target(&folder);
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
        let target = target(&folder);
        let error = Draft::begin(&target, &Interrupts::none()).err();
        assert_eq!(error.expect("refused").kind(), Kind::DeliveryFailed);
        assert_eq!(fs::read(&victim).expect("read"), b"kept");
    }

    #[test]
    fn drafts_of_one_file_take_turns() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = target(&folder);
        fs::write(&target, "").expect("written");
        let append = |letter: u8| {
            let draft = Draft::begin(&target, &Interrupts::none()).expect("its turn comes");
            let before = target.read().expect("read").expect("there");
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
        let target = target(&folder);
        let placed = create(&target, b"secret", &Interrupts::none()).expect("created");
        fs::remove_file(&target).expect("removed");
        fs::write(&target, "another's").expect("written");
        placed.take_back().expect("nothing to do");
        assert_eq!(fs::read(&target).expect("read"), b"another's");
    }
}
