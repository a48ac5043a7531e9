//! A variable of a dotenv file as the sink: `--dotenv FILE --var NAME`.
//!
//! This module never writes into the file itself: the new text replaces it in one step or not at all.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Gid, Mode, OFlags, Uid, fchmod, fchown, open};
use zeroize::Zeroizing;

use super::assignment::{self, Unfit};
use super::file::{Created, create};
use super::interrupt::Interrupts;
use super::place::{check_folder, folder_of, regular_file, sync_folder};
use super::{failed, named, unguessable, variable};
use crate::error::{Error, Kind, Result};

/// A variable of a dotenv file. The file keeps its other bytes, its mode and its owner; a new one has mode 0600.
#[derive(Debug, Clone)]
pub struct DotenvSink {
    /// The file; it need not exist.
    pub path: PathBuf,
    /// The variable's name.
    pub variable: String,
}

impl DotenvSink {
    pub(super) fn check(&self) -> Result<()> {
        variable::check_environment(&self.variable)?;
        check_folder(&self.path)?;
        if let Some(before) = self.read()? {
            self.with_value(&before.text, "")?;
            let user = rustix::process::geteuid();
            if !user.is_root() && before.owner != user {
                let message = format!("{} belongs to another user", named(&self.path));
                return Err(Error::new(Kind::DeliveryFailed, message));
            }
        }
        Ok(())
    }

    pub(super) fn warnings(&self) -> Vec<String> {
        match regular_file(&self.path) {
            Ok(Some(found)) if found.mode() & 0o044 != 0 => {
                let mode = found.mode() & 0o7777;
                vec![format!(
                    "{} can be read by other users (mode {mode:04o})",
                    named(&self.path)
                )]
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn deliver(&self, secret: &str, interrupts: &Interrupts) -> Result<()> {
        let Some(before) = self.read()? else {
            return create(&self.path, &self.with_value(&[], secret)?, interrupts);
        };
        self.replace(&self.with_value(&before.text, secret)?, &before)?;
        sync_folder(&self.path)
            .and_then(|()| interrupts.heed())
            .map_err(|error| {
                let put_back = self.replace(&before.text, &before);
                match put_back.and_then(|()| sync_folder(&self.path)) {
                    Ok(()) => error,
                    Err(_) => error.hinted(format!(
                        "{} in {} is a void secret now",
                        self.variable,
                        named(&self.path)
                    )),
                }
            })
    }

    fn with_value(&self, text: &[u8], value: &str) -> Result<Zeroizing<Vec<u8>>> {
        assignment::set(text, &self.variable, value).map_err(|unfit| {
            let (line, what, hint) = match unfit {
                Unfit::SpansLines(line) => (
                    line,
                    "has a value that spans lines",
                    "put the value on one line first",
                ),
                Unfit::SharesLine(line) => (
                    line,
                    "sets more than one variable",
                    "put each on a line of its own first",
                ),
            };
            let place = format!("line {line} of {}", named(&self.path));
            Error::new(
                Kind::DeliveryFailed,
                format!("{place}, where {} is set, {what}", self.variable),
            )
            .hinted(hint)
        })
    }

    fn read(&self) -> Result<Option<Before>> {
        if regular_file(&self.path)?.is_none() {
            return Ok(None);
        }
        Before::read(&self.path)
            .map(Some)
            .map_err(|error| failed(format!("cannot read {}", named(&self.path)), error))
    }

    /// Puts a file with this text in the place of the old one, whose mode and owner it takes over.
    fn replace(&self, text: &[u8], before: &Before) -> Result<()> {
        let temporary = folder_of(&self.path).join(format!(".keyward-{}", unguessable()?));
        let created = Created::new(&temporary)?;
        before
            .copy_owner_and_mode(created.file())
            .map_err(|error| {
                failed(
                    format!("cannot keep the owner and mode of {}", named(&self.path)),
                    error,
                )
            })?;
        created.write(text)?;
        fs::rename(&temporary, &self.path)
            .map_err(|error| failed(format!("cannot replace {}", named(&self.path)), error))?;
        created.keep();
        Ok(())
    }
}

/// What the file was before; other secrets are among its bytes.
struct Before {
    text: Zeroizing<Vec<u8>>,
    owner: Uid,
    group: Gid,
    mode: Mode,
}

impl Before {
    fn read(path: &Path) -> std::io::Result<Self> {
        // NONBLOCK: a pipe that has taken the file's place since must not block.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let mut file = File::from(open(path, flags, Mode::empty())?);
        let found = file.metadata()?;
        // One byte to spare, with which reading notices the end without making the buffer grow.
        let capacity = usize::try_from(found.len()).unwrap_or(0) + 1;
        let mut text = Zeroizing::new(Vec::with_capacity(capacity));
        file.read_to_end(&mut text)?;
        Ok(Self {
            text,
            owner: Uid::from_raw(found.uid()),
            group: Gid::from_raw(found.gid()),
            mode: Mode::from_raw_mode(found.mode()),
        })
    }

    fn copy_owner_and_mode(&self, file: &File) -> std::io::Result<()> {
        let new = file.metadata()?;
        if (new.uid(), new.gid()) != (self.owner.as_raw(), self.group.as_raw()) {
            fchown(file, Some(self.owner), Some(self.group))?;
        }
        Ok(fchmod(file, self.mode)?)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn sink(folder: &Path, text: Option<&str>) -> DotenvSink {
        let path = folder.join(".env");
        if let Some(text) = text {
            fs::write(&path, text).expect("written");
        }
        DotenvSink {
            path,
            variable: "KEY".to_owned(),
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("read");
        entries
            .map(|entry| {
                entry
                    .expect("entry")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect()
    }

    #[test]
    fn a_new_file_has_mode_0600_and_nothing_but_the_variable() {
        let folder = tempfile::tempdir().expect("a folder");
        let sink = sink(folder.path(), None);
        sink.check().expect("usable");
        assert!(!sink.path.exists());
        sink.deliver("kw_live_new", &Interrupts::simulated(false))
            .expect("delivered");
        assert_eq!(
            fs::read_to_string(&sink.path).expect("read"),
            "KEY=kw_live_new\n"
        );
        assert_eq!(
            fs::metadata(&sink.path).expect("there").mode() & 0o7777,
            0o600
        );
        assert_eq!(names(folder.path()), [".env"]);
    }

    #[test]
    fn an_existing_file_keeps_its_mode_which_is_warned_of_if_others_can_read_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let sink = sink(folder.path(), Some("A=1\nKEY=old\n"));
        fs::set_permissions(&sink.path, fs::Permissions::from_mode(0o640)).expect("changed");
        assert!(
            sink.warnings()
                .concat()
                .ends_with("can be read by other users (mode 0640)")
        );
        sink.deliver("new", &Interrupts::simulated(false))
            .expect("delivered");
        assert_eq!(
            fs::read_to_string(&sink.path).expect("read"),
            "A=1\nKEY=new\n"
        );
        assert_eq!(
            fs::metadata(&sink.path).expect("there").mode() & 0o7777,
            0o640
        );
        assert_eq!(names(folder.path()), [".env"]);
        fs::set_permissions(&sink.path, fs::Permissions::from_mode(0o600)).expect("changed");
        assert!(sink.warnings().is_empty());
    }

    #[test]
    fn an_interrupted_delivery_puts_the_old_file_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let sink = sink(folder.path(), Some("KEY=old\n"));
        let error = sink
            .deliver("new", &Interrupts::simulated(true))
            .expect_err("interrupted");
        assert_eq!(error.kind(), Kind::Interrupted);
        assert_eq!(fs::read_to_string(&sink.path).expect("read"), "KEY=old\n");
        fs::remove_file(&sink.path).expect("removed");
        sink.deliver("new", &Interrupts::simulated(true))
            .expect_err("interrupted");
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn what_cannot_be_replaced_safely_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let spanning = sink(folder.path(), Some("KEY=\"a\nb\"\n"));
        let error = spanning.check().expect_err("refused");
        assert_eq!(error.kind(), Kind::DeliveryFailed);
        assert!(error.to_string().starts_with("line 1 of "));
        let link = folder.path().join("link");
        symlink(".env", &link).expect("linked");
        for path in [
            link,
            folder.path().to_owned(),
            folder.path().join("no/.env"),
        ] {
            let error = DotenvSink {
                path,
                variable: "KEY".to_owned(),
            }
            .check()
            .expect_err("refused");
            assert_eq!(error.kind(), Kind::DeliveryFailed);
        }
        let named = DotenvSink {
            path: folder.path().join("new"),
            variable: "A-B".to_owned(),
        };
        assert_eq!(named.check().expect_err("refused").kind(), Kind::Usage);
    }
}
