//! A worker's thread: its connections, and what is done for them in turn.
//!
//! This module never waits for one connection while others could be answered.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::spawn_local;

use super::connection::{Connection, Stream, Wire};
use super::identity::Identity;
use super::listen::Side;
use super::manage::Managers;
use super::metrics::Metrics;
use super::worker::{Worker, compact};
use super::{Settings, http};
use crate::error::{Error, Kind, Result};
use crate::ops::verifier::Verifier;

/// How often is looked after connections, and uses that are to be written.
const TURN: Duration = Duration::from_millis(250);
/// How long answers may take that are due when keyward ends.
const DRAIN: Duration = Duration::from_secs(10);
/// The longest head of a request, in bytes.
const LONGEST_HEAD: usize = 16 * 1024;
/// How much of a body is read ahead, in bytes.
const BUFFER: usize = 32 * 1024;

/// A connection as the acceptor hands it over.
pub enum Accepted {
    Tcp(std::net::TcpStream),
    Unix(std::os::unix::net::UnixStream),
}

/// What a thread is told.
pub enum Message {
    Connection(Accepted, Side),
    /// To answer what is due, and end.
    End,
}

/// A thread that has not begun: what can fail has not failed.
pub struct Prepared {
    settings: Arc<Settings>,
    metrics: Arc<Metrics>,
    managers: Option<Arc<Managers>>,
    most: usize,
    verifier: Verifier<Identity>,
}

impl Prepared {
    /// A thread with this many connections at most.
    pub fn new(
        settings: Arc<Settings>,
        metrics: Arc<Metrics>,
        managers: Option<Arc<Managers>>,
        most: usize,
    ) -> Result<Self> {
        let verifier = compact(&settings)?;
        Ok(Self { settings, metrics, managers, most, verifier })
    }

    /// Answers until it is to end and has answered what is due.
    ///
    /// # Errors
    /// The last uses could not be recorded.
    pub fn run(self, messages: UnboundedReceiver<Message>) -> Result<()> {
        let options = LocalOptions::default();
        let runtime = Builder::new_current_thread().enable_all().build_local(options);
        let runtime = runtime.map_err(|error| {
            Error::new(Kind::Io, "cannot start a thread that answers").because(error)
        })?;
        let Self { settings, metrics, managers, most, verifier } = self;
        let is_far = verifier.is_far();
        let worker = Rc::new(Worker::new(settings, metrics, managers, verifier));
        let thread = Rc::new(Thread {
            worker: Rc::clone(&worker),
            connections: RefCell::default(),
            most,
            is_far,
        });
        let mut serving = Box::pin(thread.serve(messages));
        let mut is_over = false;
        while !is_over {
            // Leaving the runtime and coming back costs two system calls.
            let mut wanted = pin!(async {
                match is_far {
                    true => worker.wanted().await,
                    false => pending().await,
                }
            });
            is_over = runtime.block_on(poll_fn(|context| match serving.as_mut().poll(context) {
                Poll::Ready(()) => Poll::Ready(true),
                Poll::Pending => wanted.as_mut().poll(context).map(|()| false),
            }));
            worker.work();
        }
        // Both have the worker too.
        drop(serving);
        drop(runtime);
        let worker = Rc::into_inner(worker)
            .ok_or_else(|| Error::new(Kind::Internal, "a connection outlived its thread"))?;
        worker.close()
    }
}

struct Thread {
    worker: Rc<Worker>,
    connections: RefCell<BTreeMap<u64, Rc<Connection>>>,
    most: usize,
    /// Whether the store is on a server, which is asked outside of the runtime.
    is_far: bool,
}

impl Thread {
    async fn serve(self: Rc<Self>, mut messages: UnboundedReceiver<Message>) {
        spawn_local(Rc::clone(&self).look_after());
        if !self.is_far {
            spawn_local(Rc::clone(&self.worker).work_within());
        }
        let mut number = 0;
        while let Some(Message::Connection(accepted, side)) = messages.recv().await {
            number += 1;
            self.connect(number, accepted, side);
        }
        self.worker.is_ending.set(true);
        let until = Instant::now() + DRAIN;
        while Instant::now() < until && !self.connections.borrow().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn connect(self: &Rc<Self>, number: u64, accepted: Accepted, side: Side) {
        let stream = match accepted {
            Accepted::Tcp(stream) => tokio::net::TcpStream::from_std(stream).map(Stream::Tcp),
            Accepted::Unix(stream) => tokio::net::UnixStream::from_std(stream).map(Stream::Unix),
        };
        // One that cannot be watched is closed.
        let Ok(stream) = stream else {
            return;
        };
        if self.connections.borrow().len() >= self.most && !self.make_room() {
            return;
        }
        let connection = Rc::new(Connection::new(&stream));
        self.connections.borrow_mut().insert(number, Rc::clone(&connection));
        self.worker.metrics.connected(1);
        let thread = Rc::clone(self);
        spawn_local(async move {
            let service = service_fn(|request| {
                http::answer(Rc::clone(&thread.worker), Rc::clone(&connection), side, request)
            });
            let wire = Wire { stream, connection: Rc::clone(&connection) };
            // The phases of a connection have times of their own.
            let served = http1::Builder::new()
                .header_read_timeout(None)
                .max_header_size(LONGEST_HEAD)
                .max_buf_size(BUFFER)
                .serve_connection(wire, service);
            // Whoever goes away before their answer harms nobody.
            let _: std::result::Result<(), hyper::Error> = served.await;
            thread.connections.borrow_mut().remove(&number);
            thread.worker.metrics.connected(-1);
        });
    }

    /// Closes the connection that has been idle for longest. Says whether there was one.
    fn make_room(&self) -> bool {
        let connections = self.connections.borrow();
        let idle = connections.values().filter_map(|one| Some((one.idle_since()?, one)));
        match idle.min_by_key(|(since, _)| *since) {
            Some((_, connection)) => {
                connection.close();
                true
            }
            None => false,
        }
    }

    async fn look_after(self: Rc<Self>) {
        loop {
            tokio::time::sleep(TURN).await;
            let now = Instant::now();
            for connection in self.connections.borrow().values() {
                connection.close_if_due(now, self.worker.is_ending.get());
            }
            self.worker.write_if_due().await;
        }
    }
}
