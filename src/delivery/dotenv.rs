//! A variable of a dotenv file as the sink: `--dotenv FILE --var NAME`.
//!
//! This module never writes into the file itself: the new text replaces it in one step or not at all.

use zeroize::Zeroizing;

use super::assignment::Unfit;
use super::before::Before;
use super::draft::Draft;
use super::place::{Placed, Target};
use super::{assignment, undelivered, variable};
use crate::domain::dotenv::{self, Misread};
use crate::domain::holding::Holding;
use crate::error::{Error, Result};
use crate::signals::Interrupts;

/// A placeholder for the secret before one is minted, with the same kind of bytes.
const STAND_IN: &str = "kw_secret";

/// A variable of a dotenv file. The file keeps its other bytes, its mode and its owner; a new one has mode 0600.
#[derive(Debug, Clone)]
pub struct DotenvSink {
    /// The file; it need not exist.
    pub path: Target,
    pub variable: String,
}

impl DotenvSink {
    pub(super) fn check(&self) -> Result<()> {
        variable::check_environment(&self.variable)?;
        self.path.check_folder()?;
        if let Some(found) = self.path.look()? {
            self.path.check_owner(&found)?;
            self.path.check_replaceable()?;
        }
        if let Some(before) = self.path.read()? {
            self.with_secret(&before.text, STAND_IN)?;
        }
        Ok(())
    }

    pub(super) fn holding(&self) -> Result<Holding> {
        let Some(before) = self.path.read()? else {
            return Ok(Holding::Nothing);
        };
        let text = assignment::decoded(&before.text).map_err(|unfit| self.unfit(unfit))?;
        Ok(match dotenv::value(text, &self.variable) {
            Ok(None) => Holding::Nothing,
            Ok(Some(value)) => Holding::of(value.as_bytes()),
            Err(_) => Holding::Other,
        })
    }

    pub(super) fn deliver(&self, secret: &str, interrupts: &Interrupts) -> Result<Placed> {
        let draft = Draft::begin(&self.path, interrupts)?;
        let Some(before) = self.path.read()? else {
            return draft.make(&self.with_secret(&[], secret)?, interrupts);
        };
        let written = self.with_secret(&before.text, secret)?;
        self.put(draft, &written, &before)?;
        let (sink, secret) = (self.clone(), Zeroizing::new(secret.to_owned()));
        let undo = move || sink.take_back(&written, &secret, &before);
        Placed::new(&self.path, undo).settle(interrupts)
    }

    /// Puts the old text back, or, where other variables were changed since, the old value alone.
    fn take_back(&self, written: &[u8], secret: &str, before: &Before) -> Result<()> {
        let draft = Draft::begin(&self.path, &Interrupts::none())?;
        let Some(now) = self.path.read()? else {
            return Ok(());
        };
        if now.text.as_slice() == written {
            return self.put(draft, &before.text, &now);
        }
        let values = |text: &[u8]| {
            assignment::values(text, &self.variable).map_err(|unfit| self.unfit(unfit))
        };
        let is_ours = |value: &Zeroizing<Vec<u8>>| value.as_slice() == secret.as_bytes();
        if !values(&now.text)?.iter().any(is_ours) {
            return Ok(());
        }
        let old = values(&before.text)?.into_iter().next().unwrap_or_default();
        let old = Zeroizing::new(String::from_utf8_lossy(&old).into_owned());
        let text = assignment::set(&now.text, &self.variable, &old);
        self.put(draft, &text.map_err(|unfit| self.unfit(unfit))?, &now)
    }

    /// Replaces the existing file with one that has this text.
    fn put(&self, draft: Draft<'_>, text: &[u8], before: &Before) -> Result<()> {
        draft.resemble(before)?;
        draft.write(text)?;
        draft.replace()
    }

    /// The text with the secret in it, read back as its readers will.
    fn with_secret(&self, text: &[u8], secret: &str) -> Result<Zeroizing<Vec<u8>>> {
        assignment::set_readably(text, &self.variable, secret).map_err(|unfit| self.unfit(unfit))
    }

    fn unfit(&self, unfit: Unfit) -> Error {
        let (file, variable) = (self.path.named(), &self.variable);
        let is_set = |line| format!("line {line} of {file}, where {variable} is set,");
        let (message, hint) = match unfit {
            Unfit::Encoding => (
                format!("{file} is not UTF-8 text"),
                "convert the file to UTF-8 first, for instance with iconv",
            ),
            Unfit::SpansLines(line) => (
                format!("{} has a value that spans lines", is_set(line)),
                "write the value on one line first",
            ),
            Unfit::SharesLine(line) => (
                format!("{} goes on after the value", is_set(line)),
                "leave only NAME=value on the line first, or export NAME=value",
            ),
            Unfit::Colon(line) => (
                format!("{} has a colon instead of =", is_set(line)),
                "write NAME= there first, or remove the line",
            ),
            Unfit::Misread(Misread { reader, line }) => (
                format!("line {line} of {file} keeps {} from reading {variable}", reader.name()),
                "make it a line NAME=value, its value in quotes unless it is a plain word, or name a file of its own",
            ),
        };
        undelivered(message).hinted(hint)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    use std::path::Path;

    use super::*;
    use crate::delivery::Sink;
    use crate::error::Kind;

    fn sink(folder: &Path, text: Option<&str>) -> DotenvSink {
        let path = folder.join(".env");
        if let Some(text) = text {
            fs::write(&path, text).expect("written");
        }
        DotenvSink { path: path.into(), variable: "KEY".to_owned() }
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("read");
        entries
            .map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn a_new_file_has_mode_0600_and_nothing_but_the_variable() {
        let folder = tempfile::tempdir().expect("a folder");
        let sink = sink(folder.path(), None);
        sink.check().expect("usable");
        assert!(!sink.path.as_ref().exists());
        sink.deliver("kw_live_new", &Interrupts::simulated(false)).expect("delivered");
        assert_eq!(fs::read_to_string(&sink.path).expect("read"), "KEY=kw_live_new\n");
        assert_eq!(fs::metadata(&sink.path).expect("there").mode() & 0o7777, 0o600);
        assert_eq!(names(folder.path()), [".env"]);
    }

    #[test]
    fn an_existing_file_keeps_its_mode_which_is_warned_of_if_others_can_read_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let sink = sink(folder.path(), Some("A=1\nKEY=old\n"));
        fs::set_permissions(&sink.path, fs::Permissions::from_mode(0o640)).expect("changed");
        assert!(
            Sink::Dotenv(sink.clone())
                .warnings()
                .concat()
                .ends_with("can be read by other users (mode 0640)")
        );
        sink.deliver("new", &Interrupts::simulated(false)).expect("delivered");
        assert_eq!(fs::read_to_string(&sink.path).expect("read"), "A=1\nKEY=new\n");
        assert_eq!(fs::metadata(&sink.path).expect("there").mode() & 0o7777, 0o640);
        assert_eq!(names(folder.path()), [".env"]);
        fs::set_permissions(&sink.path, fs::Permissions::from_mode(0o600)).expect("changed");
        assert!(Sink::Dotenv(sink.clone()).warnings().is_empty());
    }

    #[test]
    fn an_interrupted_delivery_puts_the_old_file_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let sink = sink(folder.path(), Some("KEY=old\n"));
        let delivered = sink.deliver("new", &Interrupts::simulated(true));
        assert_eq!(delivered.err().expect("interrupted").kind(), Kind::Interrupted);
        assert_eq!(fs::read_to_string(&sink.path).expect("read"), "KEY=old\n");
        fs::remove_file(&sink.path).expect("removed");
        assert!(sink.deliver("new", &Interrupts::simulated(true)).is_err());
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
        for path in [link, folder.path().to_owned(), folder.path().join("no/.env")] {
            let error = DotenvSink { path: path.into(), variable: "KEY".to_owned() }
                .check()
                .expect_err("refused");
            assert_eq!(error.kind(), Kind::DeliveryFailed);
        }
        let named =
            DotenvSink { path: folder.path().join("new").into(), variable: "A-B".to_owned() };
        assert_eq!(named.check().expect_err("refused").kind(), Kind::Usage);
    }

    #[test]
    fn a_variable_is_known_by_its_value_however_it_is_quoted() {
        let folder = tempfile::tempdir().expect("a folder");
        let holding = |text: Option<&str>| sink(folder.path(), text).holding().expect("looked");
        let secret = Holding::of(b"kw_live_1");
        assert_eq!(holding(None), Holding::Nothing);
        assert_eq!(holding(Some("OTHER=kw_live_1\n")), Holding::Nothing);
        for text in [
            "KEY=kw_live_1",
            "A=1\nexport KEY = \"kw_live_1\" # ours\r\n",
            "KEY='kw_live_1'\nKEY=kw_live_1\n",
        ] {
            assert_eq!(holding(Some(text)), secret, "{text}");
        }
        for text in ["KEY=kw_live_2", "KEY=", "KEY=kw_live_1\nKEY=kw_live_2\n"] {
            assert_ne!(holding(Some(text)), secret, "{text}");
        }
    }
}
