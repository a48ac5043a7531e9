//! A file as the sink: `--out FILE`.
//!
//! This module never follows a link, and overwrites a file only if that is allowed explicitly.

use zeroize::Zeroizing;

use super::before::Before;
use super::draft::{Draft, create};
use super::place::{Placed, Target};
use super::undelivered;
use crate::domain::holding::Holding;
use crate::error::Result;
use crate::signals::Interrupts;

/// A file for the secret alone and, when it is new, for its owner's eyes alone: `--out FILE`.
#[derive(Debug, Clone)]
pub struct FileSink {
    pub path: Target,
    /// What happens to a file that already exists.
    pub existing: Existing,
}

/// What happens to a file that already exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It is never replaced.
    Refused,
    /// It is not replaced unless the operator says so.
    Kept,
    /// It is replaced; its owner stays, and its mode and its access list do if everybody else had no access.
    Replaced,
}

impl FileSink {
    pub(super) fn check(&self) -> Result<()> {
        self.path.check_folder()?;
        match self.path.look()? {
            None => Ok(()),
            Some(_) if self.existing != Existing::Replaced => {
                let message = format!("{} already exists", self.path.named());
                Err(undelivered(message).hinted(match self.existing {
                    Existing::Kept => {
                        "it does not contain a secret of this key: move it away, or pass --rotate-if-missing to replace it"
                    }
                    _ => "pass --out a file that does not exist",
                }))
            }
            Some(found) => {
                self.path.check_owner(&found)?;
                self.path.check_replaceable()
            }
        }
    }

    pub(super) fn holding(&self) -> Result<Holding> {
        let Some(before) = self.path.read()? else {
            return Ok(Holding::Nothing);
        };
        let text = before.text.as_slice();
        let line = text.strip_suffix(b"\n").unwrap_or(text);
        Ok(Holding::of(line.strip_suffix(b"\r").unwrap_or(line)))
    }

    pub(super) fn deliver(&self, text: &[u8], interrupts: &Interrupts) -> Result<Placed> {
        if self.existing != Existing::Replaced {
            return create(&self.path, text, interrupts);
        }
        let Some(before) = self.path.read()? else {
            return create(&self.path, text, interrupts);
        };
        self.put(text, &before, interrupts)?;
        let sink = self.clone();
        let text = Zeroizing::new(text.to_vec());
        let undo = move || match sink.path.read()? {
            Some(now) if now.text == text => sink.put(&before.text, &before, &Interrupts::none()),
            // Somebody else's by now.
            _ => Ok(()),
        };
        Placed::new(&self.path, undo).settle(interrupts)
    }

    /// Replaces the existing file with one that has this text.
    fn put(&self, text: &[u8], before: &Before, interrupts: &Interrupts) -> Result<()> {
        let draft = Draft::begin(&self.path, interrupts)?;
        // SECURITY: a file that everybody could read becomes private before the secret is in it.
        if before.is_private() {
            draft.resemble(before)?
        } else {
            draft.resemble_owner(before)?
        }
        draft.write(text)?;
        draft.replace()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    use std::path::Path;

    use super::*;
    use crate::error::Kind;

    fn sink(path: impl AsRef<Path>) -> FileSink {
        FileSink { path: path.as_ref().to_owned().into(), existing: Existing::Refused }
    }

    fn refusal(path: impl AsRef<Path>) -> String {
        let error = sink(path).check().expect_err("refused");
        assert_eq!(error.kind(), Kind::DeliveryFailed);
        error.to_string()
    }

    #[test]
    fn whatever_is_there_already_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let existing = folder.path().join("existing");
        fs::write(&existing, "kept").expect("written");
        assert!(refusal(&existing).ends_with("existing\" already exists"));
        let dangling = folder.path().join("dangling");
        symlink("nowhere", &dangling).expect("linked");
        assert!(refusal(&dangling).ends_with("dangling\" is a symbolic link"));
        for path in [&existing, &dangling] {
            let delivered = sink(path).deliver(b"s\n", &Interrupts::none());
            assert_eq!(delivered.err().expect("refused").kind(), Kind::DeliveryFailed);
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
            assert!(refusal(path).ends_with("does not name a file"), "{path}");
        }
    }

    #[test]
    fn a_delivered_file_holds_exactly_the_text_with_mode_0600() {
        let folder = tempfile::tempdir().expect("a folder");
        let sink = sink(folder.path().join("out"));
        sink.check().expect("usable");
        assert!(!sink.path.as_ref().exists());
        sink.deliver(b"secret\n", &Interrupts::none()).expect("delivered");
        assert_eq!(fs::read(&sink.path).expect("read"), b"secret\n");
        assert_eq!(fs::metadata(&sink.path).expect("there").mode() & 0o7777, 0o600);
    }

    #[test]
    fn an_interrupted_delivery_takes_its_file_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut sink = sink(folder.path().join("out"));
        for before in [None, Some("before")] {
            if let Some(before) = before {
                fs::write(&sink.path, before).expect("written");
                sink.existing = Existing::Replaced;
            }
            let delivered = sink.deliver(b"secret\n", &Interrupts::simulated(true));
            assert_eq!(delivered.err().expect("interrupted").kind(), Kind::Interrupted);
            let after = fs::read_to_string(&sink.path).ok();
            assert_eq!(after.as_deref(), before);
        }
    }

    #[test]
    fn a_file_that_may_be_replaced_keeps_its_mode_and_can_be_put_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut sink = sink(folder.path().join("out"));
        fs::write(&sink.path, "old\n").expect("written");
        fs::set_permissions(&sink.path, fs::Permissions::from_mode(0o640)).expect("changed");
        sink.existing = Existing::Replaced;
        sink.check().expect("usable");
        let placed = sink.deliver(b"new\n", &Interrupts::none()).expect("delivered");
        assert_eq!(fs::read(&sink.path).expect("read"), b"new\n");
        let mode = |path| fs::metadata(path).expect("there").mode() & 0o7777;
        assert_eq!(mode(&sink.path), 0o640);
        placed.take_back().expect("put back");
        assert_eq!(fs::read(&sink.path).expect("read"), b"old\n");
        assert_eq!(mode(&sink.path), 0o640);

        fs::set_permissions(&sink.path, fs::Permissions::from_mode(0o644)).expect("changed");
        sink.deliver(b"new\n", &Interrupts::none()).expect("delivered");
        assert_eq!(mode(&sink.path), 0o600);
    }

    #[test]
    fn a_file_is_known_by_the_secret_in_it_with_or_without_a_line_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let sink = sink(folder.path().join("out"));
        assert_eq!(sink.holding().expect("looked"), Holding::Nothing);
        let secret = Holding::of(b"kw_live_1");
        for text in ["kw_live_1", "kw_live_1\n", "kw_live_1\r\n"] {
            fs::write(&sink.path, text).expect("written");
            assert_eq!(sink.holding().expect("looked"), secret, "{text:?}");
        }
        for text in ["", " kw_live_1", "kw_live_1\n\n", "kw_live_2"] {
            fs::write(&sink.path, text).expect("written");
            assert_ne!(sink.holding().expect("looked"), secret, "{text:?}");
        }
    }
}
