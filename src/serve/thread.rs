//! A worker's thread: its connections, and what is done for them in turn.
//!
//! This module never waits for one connection while others could be answered.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::spawn_local;

use super::connection::{Connection, Stream, Wire};
use super::judge::Judge;
use super::listen::Side;
use super::manage::Managers;
use super::metrics::Metrics;
use super::worker::Worker;
use super::{Settings, http};
use crate::error::{Error, Kind, Result};

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
    judge: Judge,
}

impl Prepared {
    /// A thread with this many connections at most.
    pub fn new(
        settings: Arc<Settings>,
        metrics: Arc<Metrics>,
        managers: Option<Arc<Managers>>,
        most: usize,
    ) -> Result<Self> {
        let judge = Judge::open(&settings, &metrics)?;
        Ok(Self { settings, metrics, managers, most, judge })
    }

    /// Answers until it is to end and has answered what is due.
    pub fn run(self, messages: UnboundedReceiver<Message>) -> Result<()> {
        let options = LocalOptions::default();
        let runtime = Builder::new_current_thread().enable_all().build_local(options);
        let runtime = runtime.map_err(|error| {
            Error::new(Kind::Io, "cannot start a thread that answers").because(error)
        })?;
        let Self { settings, metrics, managers, most, judge } = self;
        let worker = Rc::new(Worker::new(settings, metrics, managers, judge)?);
        let connections = RefCell::default();
        let thread = Rc::new(Thread { worker: Rc::clone(&worker), connections, most });
        runtime.block_on(thread.serve(messages));
        // It has the worker too.
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
}

impl Thread {
    async fn serve(self: Rc<Self>, mut messages: UnboundedReceiver<Message>) {
        spawn_local(Rc::clone(&self).look_after());
        spawn_local(Rc::clone(&self.worker).work());
        spawn_local(Rc::clone(&self).write());
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
            let worker = &thread.worker;
            let refuse = |status| http::unreadable(worker, status);
            let wire = Wire { stream, connection: Rc::clone(&connection), refuse };
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
        }
    }

    async fn write(self: Rc<Self>) {
        loop {
            tokio::time::sleep(TURN).await;
            self.worker.write_if_due().await;
        }
    }
}
