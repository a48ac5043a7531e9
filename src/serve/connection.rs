//! A connection: its bytes, the phase that it is in, and how long that may take.
//!
//! This module never keeps what has passed through it.

use std::cell::{Cell, RefCell};
use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::mpsc::Sender;
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use hyper::rt::{Read, ReadBufCursor, Write};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use zeroize::Zeroize;

/// How much is read at once: a head seldom has more.
const READ: usize = 4096;

/// How long a head may take from its first byte, a body, and an answer that its reader does not take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a connection may be idle. The pools of proxies keep theirs for 60 to 120 s.
const IDLE: Duration = Duration::from_secs(120);
/// The same while keyward ends: long enough for a request that is on its way.
const LAST_IDLE: Duration = Duration::from_secs(1);

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Nothing has come of the next request.
    Idle,
    Head,
    Body,
    Answer,
    /// The peer does not take what is sent.
    Stalled,
}

/// What everybody who deals with a connection shares.
pub struct Connection {
    phase: Cell<Phase>,
    since: Cell<Instant>,
    is_answered: Cell<bool>,
    is_closed: Cell<bool>,
    waker: RefCell<Option<Waker>>,
    flushed: RefCell<Option<Sender<()>>>,
    /// The two ends of a TCP connection.
    pub ends: Option<(SocketAddr, SocketAddr)>,
    /// The account at the other end of a Unix socket.
    pub account: Option<u32>,
}

impl Connection {
    pub fn new(stream: &Stream) -> Self {
        let (ends, account) = match stream {
            Stream::Tcp(stream) => (stream.local_addr().ok().zip(stream.peer_addr().ok()), None),
            Stream::Unix(stream) => (None, stream.peer_cred().ok().map(|peer| peer.uid())),
        };
        Self {
            phase: Cell::new(Phase::Idle),
            since: Cell::new(Instant::now()),
            is_answered: Cell::new(false),
            is_closed: Cell::new(false),
            waker: RefCell::default(),
            flushed: RefCell::default(),
            ends,
            account,
        }
    }

    pub fn enter(&self, phase: Phase) {
        self.phase.set(phase);
        if phase != Phase::Answer {
            self.since.set(Instant::now());
        }
        self.is_answered.set(false);
    }

    /// Notes that nothing more will be sent of the answer.
    pub fn answered(&self) {
        self.is_answered.set(true);
    }

    /// Has this notified when everything that was sent so far is with the system. It is gone when that can't be any more.
    pub fn when_flushed(&self, teller: Sender<()>) {
        self.flushed.replace(Some(teller));
    }

    pub fn idle_since(&self) -> Option<Instant> {
        (self.phase.get() == Phase::Idle).then(|| self.since.get())
    }

    /// Closes the connection if its phase has taken too long.
    pub fn close_if_due(&self, now: Instant, is_ending: bool) {
        let allowed = match self.phase.get() {
            Phase::Idle if is_ending => LAST_IDLE,
            Phase::Idle => IDLE,
            Phase::Head | Phase::Body | Phase::Stalled => PATIENCE,
            Phase::Answer => return,
        };
        if now.duration_since(self.since.get()) >= allowed {
            self.close();
        }
    }

    pub fn close(&self) {
        self.is_closed.set(true);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn watch(&self, context: &Context<'_>) -> io::Result<()> {
        if self.is_closed.get() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let mut waker = self.waker.borrow_mut();
        match &mut *waker {
            Some(waker) => waker.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
        Ok(())
    }
}

pub enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// The bytes of a connection as its phases have them.
pub struct Wire<R> {
    pub stream: Stream,
    pub connection: Rc<Connection>,
    /// The header fields, with their ends, and the body of a refusal with this status.
    pub refuse: R,
}

impl<R: Unpin> Read for Wire<R> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut cursor: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { stream, connection, .. } = self.get_mut();
        connection.watch(context)?;
        let mut bytes = [const { MaybeUninit::uninit() }; READ];
        let room = cursor.remaining().min(READ);
        let mut buffer = ReadBuf::uninit(&mut bytes[..room]);
        ready!(match stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_read(context, &mut buffer),
            Stream::Unix(stream) => Pin::new(stream).poll_read(context, &mut buffer),
        })?;
        let filled = buffer.filled();
        if !filled.is_empty() && connection.phase.get() == Phase::Idle {
            connection.enter(Phase::Head);
        }
        cursor.put_slice(filled);
        // SECURITY: there is a key in it.
        buffer.filled_mut().zeroize();
        Poll::Ready(Ok(()))
    }
}

impl<R: Fn(u16) -> (String, String)> Wire<R> {
    /// What is sent in place of this answer, if it is one that hyper gives by itself to what is not HTTP: that has no body, and
    /// a cache may keep it.
    fn refused(&self, answer: &[u8]) -> Option<Vec<u8>> {
        let is_hypers = matches!(self.connection.phase.get(), Phase::Idle | Phase::Head);
        let head = std::str::from_utf8(answer).ok().filter(|_| is_hypers)?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let (fields, body) = (self.refuse)(status);
        let is_kept =
            |line: &&str| !line.trim_end().is_empty() && !line.starts_with("content-length");
        let head: String = head.split_inclusive('\n').filter(is_kept).collect();
        Some(format!("{head}{fields}content-length: {}\r\n\r\n{body}", body.len()).into_bytes())
    }

    /// Notes whether the peer takes what is sent.
    fn sent(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        let phase = &self.connection.phase;
        match (&written, phase.get()) {
            (Poll::Pending, Phase::Stalled) => {}
            (Poll::Pending, _) => {
                phase.set(Phase::Stalled);
                self.connection.since.set(Instant::now());
            }
            (Poll::Ready(_), Phase::Stalled) => phase.set(Phase::Answer),
            (Poll::Ready(_), _) => {}
        }
        written
    }
}

impl<R: Fn(u16) -> (String, String) + Unpin> Write for Wire<R> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.connection.watch(context)?;
        let refused = self.refused(bytes);
        let sent = refused.as_deref().unwrap_or(bytes);
        let written = match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_write(context, sent),
            Stream::Unix(stream) => Pin::new(stream).poll_write(context, sent),
        };
        // The connection ends after hyper's own answer, whether all of it was taken or not.
        let written = if refused.is_some() { written.map_ok(|_| bytes.len()) } else { written };
        self.sent(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.connection.watch(context)?;
        if let [piece] = pieces {
            return self.poll_write(context, piece);
        }
        let written = match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_write_vectored(context, pieces),
            Stream::Unix(stream) => Pin::new(stream).poll_write_vectored(context, pieces),
        };
        self.sent(written)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// hyper asks for this once it has handed over all that it had.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let connection = &self.connection;
        if let Some(teller) = connection.flushed.take() {
            // Whoever waited may have given up.
            let _ = teller.send(());
        }
        if connection.is_answered.get() {
            connection.enter(Phase::Idle);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Unix(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
