//! Tokens of operators and of clients, each in a file of its own.
//!
//! A file is read again whenever it is asked for, so a token can be replaced while keyward runs.
//!
//! This module never takes a token from a file that others could read, and never compares tokens but by their hashes.

use std::io::Read;
use std::path::Path;

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use rustix::fs::OFlags;
use zeroize::Zeroizing;

use crate::domain::SafePath;
use crate::domain::digest::base64_bytes;
use crate::domain::secret::{MAXIMUM_LENGTH, Secret, SecretHash};
use crate::error::{Error, Kind, Result};
use crate::files::{Entry, Folder, Found, Unreachable};

/// The shortest token, in characters.
const SHORTEST: usize = 32;

/// Reads the hash of the token in a file, of which it may be the first line.
pub fn read(path: &Path) -> Result<SecretHash> {
    let unreadable = |error: std::io::Error| {
        let message = format!("cannot read {}", SafePath(path));
        Error::new(crate::files::kind_of(&error), message).because(error)
    };
    let absolute = std::path::absolute(path).map_err(unreadable)?;
    let (Some(folder), Some(name)) = (absolute.parent(), absolute.file_name()) else {
        return Err(Error::usage(format!("{} names no file", SafePath(path))));
    };
    let folder = Folder::open(folder, |_| Ok(())).map_err(|error| match error {
        Unreachable::Refused(error) => error,
        Unreachable::Failed(_, error) => unreadable(error),
    })?;
    folder.check_all()?;
    let entry = Entry::new(folder, name);
    let file = entry.open(OFlags::RDONLY).map_err(unreadable)?;
    entry.check(&Found::of(&file).map_err(unreadable)?)?;
    let mut text = Zeroizing::new(String::with_capacity(MAXIMUM_LENGTH + 2));
    file.take(MAXIMUM_LENGTH as u64 + 2).read_to_string(&mut text).map_err(unreadable)?;
    let token = text.trim_end_matches(['\r', '\n']);
    if !(SHORTEST..=MAXIMUM_LENGTH).contains(&token.len()) || token.contains(char::is_whitespace) {
        let message = format!(
            "{} does not hold one token of {SHORTEST} to {MAXIMUM_LENGTH} characters",
            SafePath(path)
        );
        let hint = "for example: openssl rand -hex 32";
        return Err(Error::new(Kind::Usage, message).hinted(hint));
    }
    Ok(SecretHash::of(token.as_bytes()))
}

/// Whether this is the token in a file. A file that cannot be read now has none.
pub fn is_in(path: &Path, token: &Secret) -> bool {
    read(path).is_ok_and(|hash| hash == token.hash())
}

/// The one token that is presented, as Bearer or as the password of Basic (RFC 7617).
pub fn presented(fields: &HeaderMap) -> Option<Secret> {
    let mut values = fields.get_all(AUTHORIZATION).into_iter();
    let (value, None) = (values.next()?, values.next()) else {
        return None;
    };
    let (scheme, rest) = value.to_str().ok()?.split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Secret::new(rest.to_owned()));
    }
    let is_basic = scheme.eq_ignore_ascii_case("basic");
    let pair = is_basic.then(|| base64_bytes(rest.trim_end_matches('=')))??;
    let pair = Zeroizing::new(String::from_utf8(pair).ok()?);
    let (_, password) = pair.split_once(':')?;
    Some(Secret::new(password.to_owned()))
}
