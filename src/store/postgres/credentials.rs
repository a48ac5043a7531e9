//! Password files and service files, as libpq reads them.
//!
//! This module never takes a file that others could read, and never shows what is in one.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use zeroize::Zeroizing;

use super::address::{Address, Host, Parameters};
use crate::domain::sanitize::QuotedPath;
use crate::domain::{Safe, SafePath};
use crate::error::{Error, Kind, Result};
use crate::files::kind_of;

/// The password for a server (<https://www.postgresql.org/docs/current/libpq-pgpass.html>), if the file has one.
pub(super) fn password(
    file: Option<&Path>,
    address: &Address,
    database: &str,
    user: &str,
) -> Result<Option<Zeroizing<String>>> {
    let Some(text) = file.map_or(Ok(None), read)? else {
        return Ok(None);
    };
    let (host, is_local) = (address.host.to_string(), matches!(address.host, Host::Socket(_)));
    let port = address.port.to_string();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let fields = fields(line);
        let [for_host, for_port, for_database, for_user, password] = &fields[..] else {
            continue;
        };
        let fits = |field: &str, value: &str| field == "*" || field == value;
        let is_host = fits(for_host, &host) || (is_local && for_host.as_str() == "localhost");
        if is_host && fits(for_port, &port) && fits(for_database, database) && fits(for_user, user)
        {
            return Ok(Some(password.clone()));
        }
    }
    Ok(None)
}

/// The first four fields of a line and the rest, in which a backslash takes a colon or itself literally.
fn fields(line: &str) -> Vec<Zeroizing<String>> {
    let mut fields = vec![Zeroizing::new(String::new())];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            ':' if fields.len() < 5 => fields.push(Zeroizing::new(String::new())),
            character => {
                let literal = if character == '\\' { characters.next() } else { Some(character) };
                let field = fields.last_mut().expect("there is always one");
                field.extend(literal);
            }
        }
    }
    fields
}

/// What a service file has under this name (<https://www.postgresql.org/docs/current/libpq-pgservice.html>).
pub(super) fn service(name: &str, file: Option<&Path>) -> Result<Parameters> {
    let absent = || {
        let place = file.map(|file| format!(" in \"{}\"", SafePath(file))).unwrap_or_default();
        Error::usage(format!("there is no service \"{}\"{place}", Safe(name)))
            .hinted("PGSERVICEFILE names another file of services")
    };
    let text = file.map_or(Ok(None), read)?.ok_or_else(absent)?;
    let header = format!("[{name}]");
    let mut lines = text.lines().map(str::trim).skip_while(|line| *line != header);
    lines.next().ok_or_else(absent)?;
    let own = lines.take_while(|line| !line.starts_with('['));
    let said = own.filter(|line| !line.is_empty() && !line.starts_with('#'));
    said.map(|line| {
        let (name, value) = line.split_once('=').ok_or_else(|| {
            Error::usage(format!("a line of the service \"{}\" has no equals sign", Safe(name)))
        })?;
        Ok((name.trim().to_owned(), Zeroizing::new(value.trim().to_owned())))
    })
    .collect()
}

/// A file that only its owner may read; nothing where there is none.
fn read(path: &Path) -> Result<Option<Zeroizing<String>>> {
    let unreadable = |error: std::io::Error| {
        Error::new(kind_of(&error), format!("cannot read \"{}\"", SafePath(path))).because(error)
    };
    let found = match path.metadata() {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    if found.mode() & 0o077 != 0 {
        let message = format!("\"{}\" may be read by others, and has passwords", SafePath(path));
        return Err(Error::new(Kind::Permissions, message)
            .hinted(format!("chmod 600 {}", QuotedPath(path))));
    }
    std::fs::read_to_string(path).map(|text| Some(text.into())).map_err(unreadable)
}
