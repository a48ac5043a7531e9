//! No secret where everybody can read it: among the arguments, in keyward's variables, in a manifest, a policy or an import.
//!
//! What has the form of a secret is refused at once. What a store has the hash of is refused once that store is open,
//! and before anything else is said; a command that fails earlier, or needs no store, is answered after a look into it.
//!
//! This module never repeats what it refuses.

use std::cell::{Cell, RefCell};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use zeroize::Zeroizing;

use super::environment::variable;
use super::stores::{connection_variable, default_store};
use crate::domain::exposure;
use crate::error::{Error, Kind, Result};
use crate::ops::judge::{Detector, Found};
use crate::store::{Place, Reader, Store, has_password};

/// The variables that keyward reads and whose value it may repeat.
const VARIABLES: [&str; 7] = [
    "KEYWARD_STORE",
    "KEYWARD_WORKSPACE",
    "KEYWARD_AS_FILE",
    "KEYWARD_REQUIRE_SINK",
    "KEYWARD_TRUSTED_FOLDER",
    "GITHUB_ENV",
    "GITHUB_OUTPUT",
];
/// How long another process is waited for only to find out what must not be said.
const PATIENCE: Duration = Duration::from_secs(1);

/// Everything that was given and must not hold a secret.
pub struct Guard {
    arguments: Vec<OsString>,
    texts: RefCell<Vec<(Origin, Zeroizing<Vec<u8>>)>>,
    knowledge: Cell<Knowledge>,
}

#[derive(Clone, Copy)]
enum Origin {
    Argument,
    Variable(&'static str),
    /// A document's line, if one line is to blame.
    Document(Document, Option<usize>),
}

#[derive(Debug, Clone, Copy)]
pub enum Document {
    Manifest,
    Policy,
    /// KEYs, a line each.
    Keys,
    Exceptions,
    WatchList,
    /// Where another system's rows have what an import needs.
    Mapping,
}

impl Document {
    fn word(self) -> &'static str {
        match self {
            Self::Manifest => "manifest",
            Self::Policy => "policy",
            Self::Keys => "list of keys",
            Self::Exceptions => ".keywardignore",
            Self::WatchList => "watch list",
            Self::Mapping => "mapping",
        }
    }

    fn kind(self) -> Kind {
        match self {
            Self::Manifest => Kind::InvalidManifest,
            Self::Policy => Kind::InvalidPolicy,
            Self::Keys | Self::Exceptions | Self::WatchList | Self::Mapping => Kind::Usage,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Knowledge {
    /// Nothing yet, or not all.
    None,
    /// No answer was possible.
    Unavailable,
    /// It contains none of the texts.
    Clear,
}

impl Guard {
    /// Guards these arguments, the program's name in front, and the environment.
    pub fn new(arguments: Vec<OsString>) -> Self {
        let bytes = |text: &OsString| Zeroizing::new(text.as_encoded_bytes().to_vec());
        let given = arguments.iter().skip(1);
        let mut texts: Vec<_> = given.map(|argument| (Origin::Argument, bytes(argument))).collect();
        texts.extend(VARIABLES.into_iter().filter_map(|name| {
            let value = variable(name)?;
            Some((Origin::Variable(name), bytes(&value)))
        }));
        Self { arguments, texts: RefCell::new(texts), knowledge: Cell::new(Knowledge::None) }
    }

    /// The arguments, the program's name in front.
    pub fn arguments(&self) -> &[OsString] {
        &self.arguments
    }

    /// Refuses what has the form of a secret. A runner's own paths are judged when one is used.
    pub fn refuse_by_look(&self) -> Result<()> {
        for (origin, text) in self.texts.borrow().iter() {
            if has_password(&String::from_utf8_lossy(text)) {
                return Err(origin.has_password());
            }
            match origin {
                Origin::Variable(name) if name.starts_with("GITHUB_") => {}
                origin => origin.refuse_by_look(text)?,
            }
        }
        Ok(())
    }

    /// Guards a document too.
    pub(super) fn add(&self, document: Document, text: &str) -> Result<()> {
        self.knowledge.set(Knowledge::None);
        let lines = (1..).zip(text.lines()).map(|(number, line)| {
            let line = line.as_bytes().to_vec();
            (Origin::Document(document, Some(number)), line)
        });
        let unescaped = exposure::unescaped(text).into_iter().map(|text| {
            let origin = Origin::Document(document, None);
            (origin, text.into_bytes())
        });
        for (origin, text) in lines.chain(unescaped) {
            origin.refuse_by_look(&text)?;
            self.texts.borrow_mut().push((origin, text.into()));
        }
        Ok(())
    }

    /// Whether nothing that was given can be a secret of the store's.
    pub(super) fn is_clear(&self) -> bool {
        self.knowledge.get() == Knowledge::Clear || self.is_terse()
    }

    /// Refuses what this store has the hash of, or what has the form of its tokens.
    pub(super) fn refuse_known(&self, reader: &Reader<'_>) -> Result<()> {
        if !self.is_clear() {
            let texts = self.texts.borrow();
            reader.ahead(|reader| {
                let detector = Detector::new(reader);
                texts.iter().try_for_each(|(_, text)| detector.finds(text).map(drop))
            });
            let detector = Detector::new(reader);
            for (origin, text) in texts.iter() {
                if let Some(found) = detector.finds(text)? {
                    return Err(origin.exposed(found));
                }
            }
        }
        self.knowledge.set(Knowledge::Clear);
        Ok(())
    }

    /// The same check before a message while no store is open: in the named store, or, if it does not exist, in the
    /// default one. A store that cannot be read is not an error here; the command itself reports that.
    pub fn refuse_known_before_speaking(&self) -> Result<()> {
        if self.knowledge.get() != Knowledge::None || self.is_terse() {
            return Ok(());
        }
        for path in self.places() {
            let Ok(place) = Place::find(&path, &connection_variable) else {
                self.knowledge.set(Knowledge::Unavailable);
                return Ok(());
            };
            match Store::glance_at(&place, PATIENCE) {
                Ok(None) => {}
                Ok(Some(mut store)) => {
                    let refused = store.read(|reader| self.refuse_known(reader));
                    return match refused {
                        Err(error) if error.kind().exit() != Kind::Usage.exit() => {
                            self.knowledge.set(Knowledge::Unavailable);
                            Ok(())
                        }
                        refused => refused,
                    };
                }
                Err(_) => {
                    self.knowledge.set(Knowledge::Unavailable);
                    return Ok(());
                }
            }
        }
        self.knowledge.set(Knowledge::Clear);
        Ok(())
    }

    /// Whether everything is too short for a secret, so that no store need be asked.
    fn is_terse(&self) -> bool {
        let texts = self.texts.borrow();
        let mut lengths = texts.iter().map(|(_, text)| text.len());
        lengths.all(|length| length < exposure::SHORTEST)
    }

    /// Whether no store could say what is a secret.
    pub fn is_in_the_dark(&self) -> bool {
        self.knowledge.get() == Knowledge::Unavailable
    }

    /// Calls the closure with every argument and value that was given.
    pub fn for_each(&self, mut body: impl FnMut(&str)) {
        for (_, text) in self.texts.borrow().iter() {
            body(&String::from_utf8_lossy(text));
        }
    }

    /// Where the store could be, as far as possibly invalid arguments show it.
    fn places(&self) -> Vec<PathBuf> {
        let mut places = Vec::new();
        let mut arguments = self.arguments.iter().skip(1);
        while let Some(argument) = arguments.next() {
            if argument == "--" {
                break;
            }
            if argument == "--store" {
                places.extend(arguments.next().map(PathBuf::from));
            } else if let Some(path) = after(argument, "--store=") {
                places.push(path);
            }
        }
        // As for clap, the last one counts.
        places.reverse();
        places.extend(variable("KEYWARD_STORE").map(PathBuf::from));
        places.extend(default_store().ok());
        places
    }
}

impl Origin {
    fn refuse_by_look(self, text: &[u8]) -> Result<()> {
        if exposure::looks_like_secret(&String::from_utf8_lossy(text)) {
            Err(self.exposed(Found::Form))
        } else {
            Ok(())
        }
    }

    /// The error of a server's password there.
    fn has_password(self) -> Error {
        let (place, why) = match self {
            Self::Variable(name) => (name, "is passed on to other programs"),
            Self::Argument | Self::Document(..) => {
                ("an argument", "is visible to every process of this machine")
            }
        };
        Error::usage(format!("{place} has a database's password in it, and {why}")).hinted(
            "keep the password in ~/.pgpass or a service file (chmod 600), or in PGPASSWORD",
        )
    }

    /// The error of a secret there. It repeats nothing of it.
    fn exposed(self, found: Found) -> Error {
        let (is, has, replace) = match found {
            Found::Known => ("is", "contains", "replace this one with `keyward rotate KEY --now`"),
            Found::Form => (
                "looks like",
                "contains what looks like",
                "if it is one, replace it with `keyward rotate KEY --now`",
            ),
        };
        match self {
            Self::Argument => Error::usage(format!("an argument {is} a key's secret, and arguments are visible to every process of this machine"))
                .hinted(format!("send a secret on stdin, for instance `keyward verify < FILE`; {replace}")),
            Self::Variable(name) => Error::usage(format!("{name} {has} a key's secret, and is not for secrets"))
                .hinted(format!("send a secret on stdin, or name its file with KEYWARD_AS_FILE; {replace}")),
            Self::Document(document, line) => {
                let place = line.map_or_else(String::new, |line| format!("line {line}: "));
                let what = document.word();
                Error::new(document.kind(), format!("{place}the {what} {has} a key's secret, which is for its sink only"))
                    .hinted(format!("remove it, and {replace}"))
            }
        }
    }
}

/// Refuses a variable that has the form of a secret.
pub(super) fn refuse_variable(name: &'static str, value: &OsString) -> Result<()> {
    Origin::Variable(name).refuse_by_look(value.as_encoded_bytes())
}

/// What follows this front, as a path.
fn after(argument: &OsString, front: &str) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    let rest = argument.as_bytes().strip_prefix(front.as_bytes())?;
    Some(std::ffi::OsStr::from_bytes(rest).into())
}
