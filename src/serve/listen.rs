//! Where keyward listens: TCP addresses, Unix sockets, and sockets that a service manager hands over.
//!
//! This module never listens off this machine unless that is allowed, and never on a Unix socket that others could reach
//! or replace.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use rustix::fs::{Dev, FileType, Mode};
use rustix::net::{AddressFamily, SocketType, sockopt};

use super::Manager;
use crate::domain::SafePath;
use crate::domain::sanitize::Named;
use crate::error::{Error, Kind, Result};
use crate::files::{Entry, Folder, Unreachable};

/// How many connections wait to be accepted.
const BACKLOG: i32 = 1024;

/// How much the system keeps of answers that a client does not read, in bytes; Linux takes it twice. By itself, it would keep
/// megabytes for each connection, and have thousands of answers made for nobody.
const UNREAD: usize = 32 * 1024;

/// An address to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Unix(PathBuf),
    Tcp(SocketAddr),
}

impl FromStr for Place {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
            return Ok(Self::Unix(path.into()));
        }
        text.parse().map(Self::Tcp).map_err(|_| {
            Error::usage(format!("{} is not a place to listen on", Named(text)))
                .hinted("for example 127.0.0.1:7700, [::1]:7700 or unix:/run/keyward/auth.sock")
        })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unix(path) => write!(formatter, "unix:{}", SafePath(path)),
            Self::Tcp(address) => write!(formatter, "{address}"),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Verify,
    Manage,
}

pub struct Listener {
    pub side: Side,
    pub socket: Socket,
    /// The name that goes when the listener does, if it still is this socket's.
    name: Option<Name>,
}

/// A Unix socket's name, and the file that has got it.
struct Name {
    entry: Entry,
    identity: (Dev, u64),
}

pub enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.socket {
            Socket::Tcp(listener) => listener.as_fd(),
            Socket::Unix(listener) => listener.as_fd(),
        }
    }
}

impl Listener {
    pub fn open(place: &Place, side: Side, allow_remote: bool) -> Result<Self> {
        let failed = |error: std::io::Error| cannot_listen(place, error);
        let (socket, name) = match place {
            Place::Tcp(address) => {
                refuse_remote(*address, allow_remote)?;
                (Socket::Tcp(bind(*address).map_err(failed)?), None)
            }
            Place::Unix(path) => {
                let (listener, name) = bind_unix(path, place)?;
                (Socket::Unix(listener), Some(name))
            }
        };
        Self { side, socket, name }.prepared().map_err(failed)
    }

    /// The listeners that a service manager hands over. One that is named `manage` is for managing keys.
    pub fn handed_over(manager: &Manager, allow_remote: bool) -> Result<Vec<Self>> {
        let mut handed = listenfd::ListenFd::from_env();
        let mut listeners = Vec::new();
        for at in 0..handed.len() {
            let side = match manager.names.get(at).map(String::as_str) {
                Some("manage") => Side::Manage,
                _ => Side::Verify,
            };
            let wrong = |error: std::io::Error| {
                let message = format!("the socket {at} that was handed over cannot be used");
                Error::usage(message).because(error)
            };
            let socket = match handed.take_tcp_listener(at) {
                Ok(Some(listener)) => {
                    refuse_remote(listener.local_addr().map_err(wrong)?, allow_remote)?;
                    Socket::Tcp(listener)
                }
                _ => match handed.take_unix_listener(at).map_err(wrong)? {
                    Some(listener) => {
                        refuse_open(&listener)?;
                        Socket::Unix(listener)
                    }
                    None => continue,
                },
            };
            listeners.push(Self { side, socket, name: None }.prepared().map_err(wrong)?);
        }
        Ok(listeners)
    }

    fn prepared(self) -> std::io::Result<Self> {
        match &self.socket {
            Socket::Tcp(listener) => {
                // Its connections have it too.
                sockopt::set_socket_send_buffer_size(listener, UNREAD)?;
                listener.set_nonblocking(true)?;
            }
            Socket::Unix(listener) => listener.set_nonblocking(true)?,
        }
        Ok(self)
    }

    /// Where it listens, as a client would write it.
    pub fn place(&self) -> String {
        match (&self.socket, &self.name) {
            (Socket::Tcp(listener), _) => {
                listener.local_addr().map_or_else(|_| "?".to_owned(), |place| place.to_string())
            }
            (Socket::Unix(_), Some(name)) => Place::Unix(name.entry.path().to_owned()).to_string(),
            (Socket::Unix(_), None) => "a Unix socket that was handed over".to_owned(),
        }
    }

    /// Whether its peers are known by their accounts.
    pub fn is_local(&self) -> bool {
        matches!(self.socket, Socket::Unix(_))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let Some(name) = &self.name else {
            return;
        };
        // Another keyward may have taken the name over.
        let found = name.entry.look();
        if matches!(found, Ok(Some(found)) if found.identity() == name.identity) {
            let _ = name.entry.remove();
        }
    }
}

fn cannot_listen(place: &Place, error: std::io::Error) -> Error {
    let error = Error::new(Kind::Io, format!("cannot listen on {place}")).because(error);
    error.hinted("choose another address, or end what listens there")
}

fn refuse_remote(address: SocketAddr, allow_remote: bool) -> Result<()> {
    if address.ip().to_canonical().is_loopback() || allow_remote {
        return Ok(());
    }
    Err(Error::usage(format!(
        "{address} can be reached from other machines, and keyward has no TLS"
    ))
    .hinted("listen on 127.0.0.1 or unix:PATH behind a proxy, or pass --allow-remote"))
}

/// Refuses a Unix socket that everybody may connect to: what a peer on one says is accepted.
fn refuse_open(listener: &UnixListener) -> Result<()> {
    let address = listener.local_addr().ok();
    let Some(path) = address.as_ref().and_then(|address| address.as_pathname()) else {
        let message = "a socket that was handed over has no path, so everybody may connect to it";
        return Err(Error::new(Kind::Permissions, message).hinted("give it a path"));
    };
    let entry = entry(path)?;
    let found = entry.look().map_err(|error| entry.refused("look at", error))?;
    match found.map(|found| found.mode()) {
        Some(mode) if mode & 0o007 == 0 => Ok(()),
        _ => Err(Error::new(
            Kind::Permissions,
            format!("everybody may connect to the socket {}", SafePath(entry.path())),
        )
        .hinted("set SocketMode=0600 or 0660 in its unit")),
    }
}

/// Binds an address that another keyward may be bound to as well, which is how one replaces another without a gap.
fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let socket = socket(family)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    sockopt::set_socket_reuseport(&socket, true)?;
    rustix::net::bind(&socket, &address)?;
    rustix::net::listen(&socket, BACKLOG)?;
    Ok(socket.into())
}

#[cfg(target_os = "linux")]
fn socket(family: AddressFamily) -> std::io::Result<OwnedFd> {
    let flags = rustix::net::SocketFlags::CLOEXEC;
    Ok(rustix::net::socket_with(family, SocketType::STREAM, flags, None)?)
}

/// In two steps, which is enough: a server starts no other program.
#[cfg(not(target_os = "linux"))]
fn socket(family: AddressFamily) -> std::io::Result<OwnedFd> {
    let socket = rustix::net::socket(family, SocketType::STREAM, None)?;
    rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
    Ok(socket)
}

/// Binds a Unix socket under another name, makes it its owner's alone, and gives it its own: whoever connects meets the old
/// listener or this one.
fn bind_unix(path: &Path, place: &Place) -> Result<(UnixListener, Name)> {
    let failed = |error: std::io::Error| cannot_listen(place, error);
    let entry = entry(path)?;
    entry.folder().check_all()?;
    let is_socket = |entry: &Entry| -> Result<bool> {
        let found = entry.look().map_err(|error| entry.refused("look at", error))?;
        match found {
            None => Ok(false),
            Some(found) if found.kind() == FileType::Socket => Ok(true),
            Some(_) => {
                let message = format!("{} exists and is not a socket", SafePath(entry.path()));
                Err(Error::usage(message).hinted("choose another path"))
            }
        }
    };
    is_socket(&entry)?;
    let draft = entry.beside(".new");
    if is_socket(&draft)? {
        draft.remove().map_err(failed)?;
    }
    // SECURITY: a socket has its mode before anybody can connect. There are no other threads yet.
    let before = rustix::process::umask(Mode::from_raw_mode(0o177));
    let bound = UnixListener::bind(draft.path());
    rustix::process::umask(before);
    let listener = bound.map_err(failed)?;
    let found = draft.look().map_err(failed)?;
    let identity = found.map(|found| found.identity());
    let identity = identity.ok_or_else(|| failed(std::io::ErrorKind::NotFound.into()))?;
    draft.rename(&entry).map_err(failed)?;
    Ok((listener, Name { entry, identity }))
}

fn entry(path: &Path) -> Result<Entry> {
    let unusable = || Error::usage(format!("{} cannot be a socket's path", SafePath(path)));
    let absolute = std::path::absolute(path).map_err(|error| unusable().because(error))?;
    let (Some(folder), Some(name)) = (absolute.parent(), absolute.file_name()) else {
        return Err(unusable());
    };
    match Folder::open(folder, |_| Ok(())) {
        Ok(folder) => Ok(Entry::new(folder, name)),
        Err(Unreachable::Refused(error)) => Err(error),
        Err(Unreachable::Failed(path, error)) => {
            let message = format!("cannot reach the folder {}", SafePath(&path));
            Err(Error::new(crate::files::kind_of(&error), message).because(error))
        }
    }
}
