//! Where a server is and how it is spoken to, from a URI of libpq's, a service file and the environment.
//!
//! This module never shows a password, and never lets one stand among a program's arguments.
//!
//! The form is libpq's (<https://www.postgresql.org/docs/current/libpq-connect.html>, "Connection URIs"); `schema` is keyward's own.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use super::address::{Address, Host, Parameters, Protection};
use super::credentials;
use crate::domain::Safe;
use crate::domain::percent::decoded;
use crate::error::{Error, Result};
use crate::store::uri::{SCHEMA, SCHEMES, Variables, has_password};

/// What may be given in a URI or a service file, and the variable that stands in for it.
const PARAMETERS: [(&str, Option<&str>); 13] = [
    ("application_name", Some("PGAPPNAME")),
    ("connect_timeout", Some("PGCONNECT_TIMEOUT")),
    ("dbname", Some("PGDATABASE")),
    ("host", Some("PGHOST")),
    ("passfile", Some("PGPASSFILE")),
    ("password", Some("PGPASSWORD")),
    ("port", Some("PGPORT")),
    ("schema", None),
    ("service", Some("PGSERVICE")),
    ("sslmode", Some("PGSSLMODE")),
    ("sslrootcert", Some("PGSSLROOTCERT")),
    ("target_session_attrs", Some("PGTARGETSESSIONATTRS")),
    ("user", Some("PGUSER")),
];
const PORT: u16 = 5432;

/// A database with a store in one of its schemas.
#[derive(Clone)]
pub struct Server {
    /// The URI as it was given.
    named: String,
    pub(super) addresses: Vec<Address>,
    pub(super) user: String,
    pub(super) database: String,
    pub(super) schema: String,
    pub(super) protection: Protection,
    /// The authorities' certificates; those of the system where none are named.
    pub(super) roots: Option<PathBuf>,
    pub(super) application: String,
}

impl fmt::Display for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        Safe(&self.named).fmt(formatter)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Server {
    /// The server that a URI names.
    pub fn find(uri: &str, variable: Variables<'_>) -> Result<Self> {
        let mut given = parameters(uri)?;
        for name in given.keys() {
            refuse_unknown(name)?;
        }
        let text = |name: &str| variable(name).and_then(|value| value.into_string().ok());
        let home = variable("HOME").map(PathBuf::from);
        let service = given.get("service").map(|name| name.to_string());
        if let Some(service) = service.or_else(|| text("PGSERVICE")) {
            let file = variable("PGSERVICEFILE").map(PathBuf::from);
            let file = file.or_else(|| Some(home.as_ref()?.join(".pg_service.conf")));
            for (name, value) in credentials::service(&service, file.as_deref())? {
                refuse_unknown(&name)?;
                given.entry(name).or_insert(value);
            }
        }
        for (name, stand_in) in PARAMETERS {
            if let Some(value) = stand_in.and_then(text) {
                given.entry(name.to_owned()).or_insert_with(|| value.into());
            }
        }
        let get = |name: &str| {
            given.get(name).map(|value| value.as_str()).filter(|value| !value.is_empty())
        };
        let user = get("user").ok_or_else(|| {
            Error::usage("the store's URI names no user")
                .hinted("write postgres://USER@HOST/DATABASE")
        })?;
        let database = get("dbname").unwrap_or(user);
        let schema = get("schema").unwrap_or(SCHEMA);
        if !is_plain_name(schema) {
            return Err(Error::usage(format!(
                "\"{}\" cannot be the store's schema: it has other characters than a-z, 0-9 and _",
                Safe(schema)
            )));
        }
        let passfile = get("passfile").map(PathBuf::from);
        let passfile = passfile.or_else(|| Some(home.as_ref()?.join(".pgpass")));
        let roots = get("sslrootcert").map(PathBuf::from);
        let own_roots = home.map(|home| home.join(".postgresql/root.crt"));
        let roots = roots.or_else(|| own_roots.filter(|file| file.exists()));
        let mut addresses = addresses(get("host"), get("port"))?;
        for address in &mut addresses {
            address.password = match get("password") {
                Some(password) => Some(password.to_owned().into()),
                None => credentials::password(passfile.as_deref(), address, database, user)?,
            };
        }
        Ok(Self {
            named: without_password(uri),
            addresses,
            user: user.to_owned(),
            database: database.to_owned(),
            schema: schema.to_owned(),
            protection: protection(get("sslmode"))?,
            roots: roots.filter(|file| file != Path::new("system")),
            application: get("application_name").unwrap_or("keyward").to_owned(),
        })
    }
}

impl Server {
    /// The schema that the store is in.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// What distinguishes this store from any other.
    pub(super) fn identity(&self) -> String {
        let of = |address: &Address| format!("{}:{}", address.host, address.port);
        let places: Vec<String> = self.addresses.iter().map(of).collect();
        format!("{}/{}/{}/{}", places.join(","), self.user, self.database, self.schema)
    }
}

/// The URI without a password that a library's caller may have put into it.
fn without_password(uri: &str) -> String {
    if !has_password(uri) {
        return uri.to_owned();
    }
    // More than the password goes, because what follows it may be part of it.
    let (scheme, rest) = uri.split_once("://").unwrap_or((uri, ""));
    let (front, _) = rest.split_once('?').unwrap_or((rest, ""));
    let (login, place) = front.rsplit_once('@').unwrap_or(("", front));
    let user = login.split(':').next().unwrap_or_default();
    format!("{scheme}://{user}@{place}")
}

fn is_plain_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    name.len() <= 48
        && name.bytes().all(is_plain)
        && !name.starts_with(|first: char| first.is_ascii_digit())
}

fn refuse_unknown(name: &str) -> Result<()> {
    match PARAMETERS.iter().any(|(known, _)| *known == name) {
        true => Ok(()),
        false => Err(Error::usage(format!(
            "the connection parameter \"{}\" is unknown to keyward",
            Safe(name)
        ))
        .hinted(format!("it knows {}", PARAMETERS.map(|(name, _)| name).join(", ")))),
    }
}

/// What a URI gives, the scheme's rest taken apart as libpq does.
fn parameters(uri: &str) -> Result<Parameters> {
    let rest = SCHEMES.iter().find_map(|scheme| uri.strip_prefix(scheme)).unwrap_or(uri);
    let (front, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (front, database) = front.split_once('/').unwrap_or((front, ""));
    let (login, hosts) = front.rsplit_once('@').unwrap_or(("", front));
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let (mut names, mut ports) = (Vec::new(), Vec::new());
    for host in hosts.split(',').filter(|host| !host.is_empty()) {
        // An IPv6 address stands in brackets.
        let end = host.rfind(']').map_or(0, |end| end + 1);
        let (name, port) = match host[end..].split_once(':') {
            Some((name, port)) => (&host[..end + name.len()], port),
            None => (host, ""),
        };
        names.push(decoded(name.trim_start_matches('[').trim_end_matches(']')));
        ports.push(port);
    }
    let mut given = Parameters::new();
    let mut take = |name: &str, value: Cow<'_, str>| {
        if !value.is_empty() {
            given.insert(name.to_owned(), value.into_owned().into());
        }
    };
    take("user", decoded(user));
    take("password", decoded(password));
    take("host", names.join(",").into());
    if ports.iter().any(|port| !port.is_empty()) {
        take("port", ports.join(",").into());
    }
    take("dbname", decoded(database));
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| Error::usage("the store's URI has a parameter without a value"))?;
        take(&decoded(name), decoded(value));
    }
    Ok(given)
}

fn addresses(hosts: Option<&str>, ports: Option<&str>) -> Result<Vec<Address>> {
    let debian = Path::new("/var/run/postgresql");
    let folder = if debian.exists() { debian } else { Path::new("/tmp") };
    let hosts: Vec<&str> = hosts.unwrap_or_default().split(',').collect();
    let ports: Vec<&str> = ports.unwrap_or_default().split(',').collect();
    if ports.len() != 1 && ports.len() != hosts.len() {
        return Err(Error::usage("the store's URI has not as many ports as hosts"));
    }
    let of = |(nth, host): (usize, &&str)| {
        let port = ports.get(nth).or(ports.first()).copied().unwrap_or_default();
        let port = match port {
            "" => PORT,
            port => port
                .parse()
                .map_err(|_| Error::usage(format!("\"{}\" is not a port", Safe(port))))?,
        };
        let host = match *host {
            "" => Host::Socket(folder.to_owned()),
            host if host.starts_with('/') => Host::Socket(host.into()),
            host => Host::Name(host.to_owned()),
        };
        Ok(Address { host, port, password: None })
    };
    hosts.iter().enumerate().map(of).collect()
}

fn protection(mode: Option<&str>) -> Result<Protection> {
    Ok(match mode {
        None | Some("verify-full") => Protection::Full,
        Some("verify-ca") => Protection::Authority,
        Some("require") => Protection::Unverified,
        Some("prefer") => Protection::Preferred,
        Some("disable") => Protection::Plain,
        Some(other) => {
            return Err(Error::usage(format!("\"{}\" is not a known sslmode", Safe(other)))
                .hinted("use verify-full, verify-ca, require, prefer or disable"));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn find(uri: &str) -> Result<Server> {
        Server::find(uri, &|name| (name == "PGUSER").then(|| "me".into()))
    }

    fn places(server: &Server) -> Vec<String> {
        let of = |address: &Address| format!("{} {}", address.host, address.port);
        server.addresses.iter().map(of).collect()
    }

    #[test]
    fn a_uri_is_read_as_libpq_reads_it() {
        let server = find("postgres://alice@[::1]:5433,b.example.com/keys").expect("a URI");
        assert_eq!(places(&server), ["::1 5433", "b.example.com 5432"]);
        assert_eq!((server.user.as_str(), server.database.as_str()), ("alice", "keys"));
        let server = find("postgresql://%2Frun%2Fpg/ke%79s?user=bob&schema=other").expect("a URI");
        assert_eq!(places(&server), ["/run/pg 5432"]);
        assert_eq!((server.user.as_str(), server.database.as_str()), ("bob", "keys"));
        assert_eq!(server.schema, "other");
        let server = find("postgres://db").expect("a URI");
        assert_eq!((server.user.as_str(), server.database.as_str()), ("me", "me"));
        assert_eq!(server.protection, Protection::Full);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for uri in [
            "postgres://db/keys?sslmod=disable",
            "postgres://db/keys?sslmode=allow",
            "postgres://db/keys?schema=a;b",
            "postgres://db/keys?sslmode",
            "postgres://db:port/keys",
            "postgres://a,b/keys?port=1,2,3",
        ] {
            assert_eq!(find(uri).expect_err(uri).kind(), Kind::Usage, "{uri}");
        }
    }

    #[test]
    fn a_password_that_a_service_gives_is_never_shown() {
        let server = find("postgres://alice:hunter2@db/keys?schema=s").expect("a URI");
        assert!(server.addresses[0].password.is_some());
        assert!(!format!("{server} {server:?}").contains("hunter2"));
    }
}
