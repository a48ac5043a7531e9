//! Takes connections and gives them to the workers in turn, until a signal says that it is over; and tells a service manager
//! when that begins and ends.
//!
//! In turn, because a proxy brings a handful of connections that stay: a hash over them would leave workers idle.
//!
//! This module never reads a byte of a connection.

use std::ffi::OsStr;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::listen::{Listener, Side, Socket};
use super::manage::Managers;
use super::metrics::Metrics;
use super::thread::{Accepted, Message, Prepared};
use super::{Settings, tokens};
use crate::error::{Error, Kind, Result};
use crate::signals::{Interrupts, SIGTERM};

/// The most connections, if the process may have as many files open.
const MOST: u64 = 4096;
/// The files that are not connections: stores, listeners, the streams.
const OTHER_FILES: u64 = 128;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It is to shut down.
    Told,
    Interrupted,
}

/// Serves until a signal. `ready` is called with where.
///
/// # Errors
/// Nothing is served: a place that cannot be listened on, a file that may not be used, a store that cannot be opened. Or the
/// last uses could not be recorded.
pub fn run(settings: Settings, ready: impl FnOnce(&[String])) -> Result<End> {
    let interrupts = Interrupts::watch()?;
    run_until(&interrupts.wake()?, settings, ready)?;
    match interrupts.signal() {
        Some(signal) if signal == SIGTERM => Ok(End::Told),
        _ => Ok(End::Interrupted),
    }
}

/// Serves until the other end of `wake` is written to or closed.
pub fn run_until(
    wake: &UnixStream,
    settings: Settings,
    ready: impl FnOnce(&[String]),
) -> Result<()> {
    let listeners = listeners(&settings)?;
    for path in settings.operators.iter().chain(&settings.clients) {
        tokens::read(path)?;
    }
    let most = allowed_connections() / settings.workers.max(1);
    let settings = Arc::new(settings);
    let metrics: Vec<Arc<Metrics>> = (0..settings.workers).map(|_| Arc::default()).collect();
    let is_managed = listeners.iter().any(|listener| listener.side == Side::Manage);
    let managers = match is_managed {
        true => Some(Arc::new(Managers::start(&settings, metrics.clone())?)),
        false => None,
    };
    let prepared = metrics.iter().map(|metrics| {
        Prepared::new(Arc::clone(&settings), Arc::clone(metrics), managers.clone(), most)
    });
    let prepared = prepared.collect::<Result<Vec<_>>>()?;
    let workers = prepared.into_iter().map(Worker::start).collect::<Result<Vec<_>>>()?;
    ready(&listeners.iter().map(Listener::place).collect::<Vec<_>>());
    let manager = settings.manager.notify.as_deref();
    tell(manager, "READY=1");
    accept(&listeners, wake, &workers)?;
    tell(manager, "STOPPING=1");
    // What has come already is still answered. Each goes at once after that: nothing is to come in between.
    for listener in listeners {
        take(&listener, &mut workers.iter().cycle());
        drop(listener);
    }
    for worker in &workers {
        // One that has ended has nothing left to do.
        let _ = worker.messages.send(Message::End);
    }
    let mut outcome = Ok(());
    for worker in workers {
        let ended = worker.thread.join();
        let ended = ended.unwrap_or_else(|_| Err(Error::new(Kind::Internal, "a worker failed")));
        outcome = outcome.and(ended);
    }
    if let Some(managers) = managers.and_then(Arc::into_inner) {
        managers.end();
    }
    outcome
}

struct Worker {
    messages: UnboundedSender<Message>,
    thread: JoinHandle<Result<()>>,
}

impl Worker {
    fn start(prepared: Prepared) -> Result<Self> {
        let (messages, received) = unbounded_channel();
        let thread = std::thread::Builder::new().spawn(move || prepared.run(received));
        let thread = thread.map_err(|error| {
            Error::new(Kind::Io, "cannot start a thread that answers").because(error)
        })?;
        Ok(Self { messages, thread })
    }
}

fn listeners(settings: &Settings) -> Result<Vec<Listener>> {
    let remote = settings.allow_remote;
    let mut listeners = Listener::handed_over(&settings.manager, remote)?;
    for place in &settings.listen {
        listeners.push(Listener::open(place, Side::Verify, remote)?);
    }
    if let Some(place) = &settings.manage {
        listeners.push(Listener::open(place, Side::Manage, remote)?);
    }
    if listeners.is_empty() {
        return Err(Error::usage("serve needs an address or a socket to listen on").hinted(
            "for example --listen 127.0.0.1:7700 or --listen unix:/run/keyward/auth.sock",
        ));
    }
    let is_open = |listener: &Listener| listener.side == Side::Manage && !listener.is_local();
    if listeners.iter().any(is_open) && settings.operators.is_empty() {
        return Err(Error::usage("anyone who reaches the address could manage keys")
            .hinted("pass --operator-token-file FILE, or manage on unix:PATH"));
    }
    Ok(listeners)
}

/// How many connections there may be. The process is allowed as many files as it may allow itself.
fn allowed_connections() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    let allowed = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let files = allowed.unwrap_or(u64::MAX).saturating_sub(OTHER_FILES);
    usize::try_from(files.clamp(16, MOST)).unwrap_or(usize::MAX)
}

/// Accepts until the other end of `wake` is written to.
fn accept(listeners: &[Listener], wake: &UnixStream, workers: &[Worker]) -> Result<()> {
    let mut turns = workers.iter().cycle();
    loop {
        let mut watched = vec![PollFd::new(wake, PollFlags::IN)];
        watched.extend(listeners.iter().map(|listener| PollFd::new(listener, PollFlags::IN)));
        match poll(&mut watched, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => {
                let error = std::io::Error::from(error);
                return Err(Error::new(Kind::Io, "cannot wait for connections").because(error));
            }
        }
        let ready: Vec<bool> = watched.iter().map(|one| !one.revents().is_empty()).collect();
        if ready[0] {
            return Ok(());
        }
        for (listener, _) in listeners.iter().zip(&ready[1..]).filter(|(_, ready)| **ready) {
            take(listener, &mut turns);
        }
    }
}

/// Takes every connection that waits.
fn take<'w>(listener: &Listener, turns: &mut impl Iterator<Item = &'w Worker>) {
    loop {
        let accepted = match &listener.socket {
            Socket::Tcp(listener) => listener.accept().map(|(stream, _)| Accepted::Tcp(stream)),
            Socket::Unix(listener) => listener.accept().map(|(stream, _)| Accepted::Unix(stream)),
        };
        let accepted = match accepted {
            Ok(accepted) => accepted,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionAborted => continue,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
            Err(_) => {
                // Out of files, say: what waits keeps waiting, and this must not turn in circles.
                std::thread::sleep(Duration::from_millis(20));
                return;
            }
        };
        let prepared = match &accepted {
            Accepted::Tcp(stream) => {
                stream.set_nonblocking(true).and_then(|()| stream.set_nodelay(true))
            }
            Accepted::Unix(stream) => stream.set_nonblocking(true),
        };
        if prepared.is_ok()
            && let Some(worker) = turns.next()
        {
            let _ = worker.messages.send(Message::Connection(accepted, listener.side));
        }
    }
}

/// Tells the service manager at this address (systemd's `sd_notify(3)`). A service that cannot still serves.
fn tell(address: Option<&OsStr>, state: &str) {
    let Some(address) = address.and_then(meant) else {
        return;
    };
    if let Ok(socket) = UnixDatagram::unbound() {
        let _ = socket.send_to_addr(state.as_bytes(), &address);
    }
}

/// A path, or a name that is not in the file system and begins with `@`.
fn meant(address: &OsStr) -> Option<SocketAddr> {
    #[cfg(target_os = "linux")]
    if let [b'@', name @ ..] = address.as_encoded_bytes() {
        use std::os::linux::net::SocketAddrExt;
        return SocketAddr::from_abstract_name(name).ok();
    }
    SocketAddr::from_pathname(address).ok()
}
