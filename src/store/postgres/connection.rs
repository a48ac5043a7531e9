//! One connection to a server: made, spoken over and waited for, never longer than was said.
//!
//! This module never knows what a statement means. What it waits for is run while the caller waits, and not otherwise.

use std::cell::OnceCell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use futures_util::future::maybe_done;
use rustix::net::sockopt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::{MakeTlsConnect, NoTls, TlsConnect};
use tokio_postgres::{Client, Config, SimpleQueryMessage, SimpleQueryRow, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::{Address, Host, Protection};
use super::failure::{PASSWORDS, failure};
use super::server::Server;
use super::tls;
use crate::error::{Error, Kind, Result};

/// How much longer than for others the server itself is waited for.
pub(super) const SOON: Duration = Duration::from_secs(1);
/// How long a connection is waited for at least: even over a slow network it takes longer than no time at all.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);
/// When a server that is starting is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(100);
/// A peer that does not answer for so long is gone (tcp(7)).
const SILENCE: Duration = Duration::from_secs(15);

/// What a statement, or several one after another, comes to.
pub(super) type Answer<'f, T> =
    Pin<Box<dyn Future<Output = Result<T, tokio_postgres::Error>> + Send + 'f>>;

/// A connection. The socket's descriptor is kept open by whom it was given to.
pub(super) struct Connection {
    // Before the runtime, so that its end is noticed by the connection's task.
    pub client: Client,
    engine: Engine,
    /// The statement that is run again and again, once it is prepared; nothing where that cannot be.
    pub glance: OnceCell<Option<Statement>>,
}

/// What runs a connection.
struct Engine(Option<Runtime>);

impl Engine {
    fn start() -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let failed = |error| Error::new(Kind::Io, "no connection can be made").because(error);
        runtime.map(|runtime| Self(Some(runtime))).map_err(failed)
    }

    /// Runs this to its end. Tokio starts no runtime on a thread that runs one already, as where a service calls in one of its
    /// tasks: there it is a thread of its own.
    fn run<T: Send>(&self, future: impl Future<Output = T> + Send) -> Result<T> {
        let runtime = self.0.as_ref().expect("it is there until it is dropped");
        if Handle::try_current().is_err() {
            return Ok(runtime.block_on(future));
        }
        thread::scope(|scope| {
            let thread = thread::Builder::new().spawn_scoped(scope, || runtime.block_on(future));
            let failed = |error| Error::new(Kind::Io, "no thread can be started").because(error);
            thread.map_err(failed)?.join().map_err(|_| Error::new(Kind::Internal, "internal error"))
        })
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // Dropped as it is, it would panic in a task.
            runtime.shutdown_background();
        }
    }
}

impl Connection {
    /// Connects to the first of the server's addresses that answers and can be written.
    pub(super) fn open(server: &Server, wait: Duration, is_inherited: bool) -> Result<Self> {
        let engine = Engine::start()?;
        let wait = wait.max(SHORTEST_WAIT);
        let mut refused = None;
        let connect = async {
            loop {
                for address in &server.addresses {
                    match connect(server, address, is_inherited).await {
                        Ok(client) => return Ok(client),
                        Err((error, is_starting)) => refused = Some((error, is_starting)),
                    }
                }
                match refused.take() {
                    Some((_, true)) => tokio::time::sleep(ASK_AGAIN).await,
                    Some((error, false)) => return Err(error),
                    None => return Err(Error::usage("the store's URI names no server")),
                }
            }
        };
        let connected = engine.run(async { tokio::time::timeout(wait, connect).await })?;
        let client = connected.unwrap_or_else(|_| Err(silent(server)))?;
        Ok(Self { client, engine, glance: OnceCell::new() })
    }

    /// Waits for an answer, but no longer than this.
    pub(super) fn wait<T: Send>(
        &self,
        limit: Duration,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>> + Send,
    ) -> Result<Result<T, tokio_postgres::Error>> {
        let answered = self.engine.run(async { tokio::time::timeout(limit, answer).await })?;
        answered.map_err(|_| Error::new(Kind::Io, "the store's server has stopped answering"))
    }

    /// Sends both at once, and waits for one and then for the other, each no longer than it says.
    pub(super) fn wait_for_both<T: Send, U: Send>(
        &self,
        (first, limit): (impl Future<Output = Result<T, tokio_postgres::Error>> + Send, Duration),
        (second, patience): (
            impl Future<Output = Result<U, tokio_postgres::Error>> + Send,
            Duration,
        ),
    ) -> Result<Result<(T, U), tokio_postgres::Error>> {
        let (mut first, mut second) = (pin!(first), pin!(maybe_done(second)));
        let both_sent = poll_fn(|context| {
            let first = first.as_mut().poll(context);
            let _ = second.as_mut().poll(context);
            first
        });
        let first = match self.wait(limit, both_sent)? {
            Ok(first) => first,
            Err(error) => return Ok(Err(error)),
        };
        let answered = self.wait(patience, async {
            second.as_mut().await;
            second.as_mut().take_output().expect("it is done, and taken once")
        });
        Ok(answered?.map(|second| (first, second)))
    }

    /// Sends something without waiting for what it comes to.
    pub(super) fn send(&self, answer: impl Future + Send) {
        let mut answer = pin!(answer);
        // Nobody learns what it comes to, so nor whether it came to be sent.
        let _ = self.engine.run(async {
            poll_fn(|context| {
                let _ = answer.as_mut().poll(context);
                Poll::Ready(())
            })
            .await;
            tokio::task::yield_now().await;
        });
    }
}

/// Runs these one after another, all of them sent at once.
pub(super) async fn in_order<T: Send>(
    mut answers: Vec<Answer<'_, T>>,
) -> Vec<Result<T, tokio_postgres::Error>> {
    let mut done: Vec<Option<_>> = answers.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (answer, done) in answers.iter_mut().zip(&mut done) {
            if done.is_none()
                && let Poll::Ready(outcome) = answer.as_mut().poll(context)
            {
                *done = Some(outcome);
            }
        }
        match done.iter().all(Option::is_some) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
    done.into_iter().flatten().collect()
}

/// The rows that the statements of a simple query have come to.
pub(super) fn rows(messages: Vec<SimpleQueryMessage>) -> impl Iterator<Item = SimpleQueryRow> {
    messages.into_iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    })
}

/// Connects to one address. The error says also whether the server is only just starting.
async fn connect(
    server: &Server,
    address: &Address,
    is_inherited: bool,
) -> Result<Client, (Error, bool)> {
    let mut config = Config::new();
    config.user(&server.user).dbname(&server.database).application_name(&server.application);
    if let Some(password) = &address.password {
        config.password(password.as_bytes());
    }
    let refused = |error: tokio_postgres::Error| {
        let is_starting = error.code().is_some_and(|code| code.code() == "57P03");
        let cause = std::error::Error::source(&error);
        let is_of_socket = cause.is_some_and(|cause| cause.is::<std::io::Error>());
        let has_no_tls = !is_of_socket && error.to_string().starts_with("error performing TLS");
        let error = match (error.as_db_error(), cause) {
            (Some(_), _) => failure(error),
            (None, Some(cause)) if has_no_tls => unreachable(address, cause)
                .hinted("turn TLS on at the server, or accept none with sslmode=disable"),
            (None, Some(cause)) if !is_of_socket && address.password.is_none() => {
                without_password(server, cause)
            }
            (None, Some(cause)) => unreachable(address, cause),
            (None, None) => unreachable(address, &error),
        };
        (error, is_starting)
    };
    let unreachable = |error: std::io::Error| (unreachable(address, &error), false);
    let inherit = |descriptor: std::os::fd::BorrowedFd<'_>| match is_inherited {
        // Programs that are started have it too, and the server's end lives for as long as one of them does.
        true => rustix::io::fcntl_setfd(descriptor, rustix::io::FdFlags::empty()),
        false => Ok(()),
    };
    use std::os::fd::AsFd;
    match &address.host {
        Host::Socket(folder) => {
            let socket = folder.join(format!(".s.PGSQL.{}", address.port));
            let stream = UnixStream::connect(socket).await.map_err(unreachable)?;
            inherit(stream.as_fd()).map_err(|error| unreachable(error.into()))?;
            config.ssl_mode(SslMode::Disable);
            begin(&config, stream, NoTls).await.map_err(refused)
        }
        Host::Name(name) => {
            let stream = TcpStream::connect((name.as_str(), address.port)).await;
            let stream = stream.map_err(unreachable)?;
            keep_watch(&stream).map_err(unreachable)?;
            inherit(stream.as_fd()).map_err(|error| unreachable(error.into()))?;
            config.ssl_mode(match server.protection {
                Protection::Plain => SslMode::Disable,
                Protection::Preferred => SslMode::Prefer,
                Protection::Unverified | Protection::Authority | Protection::Full => {
                    SslMode::Require
                }
            });
            if server.protection == Protection::Plain {
                return begin(&config, stream, NoTls).await.map_err(refused);
            }
            let tls = tls::configuration(server).map_err(|error| (error, false))?;
            let mut tls = MakeRustlsConnect::new(tls);
            let tls = MakeTlsConnect::<TcpStream>::make_tls_connect(&mut tls, name);
            let tls = tls.map_err(|error| {
                (Error::usage("the server's name cannot be in a certificate").because(error), false)
            })?;
            begin(&config, stream, tls).await.map_err(refused)
        }
    }
}

/// Logs in, and leaves what the connection does to the runtime.
async fn begin<S, T>(config: &Config, stream: S, tls: T) -> Result<Client, tokio_postgres::Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: TlsConnect<S>,
    T::Stream: Send + 'static,
{
    let (client, connection) = config.connect_raw(stream, tls).await?;
    // Its end shows with the next statement.
    tokio::spawn(async move { connection.await.ok() });
    Ok(client)
}

/// Has the kernel notice a peer that is gone.
fn keep_watch(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, SILENCE / 2)?;
    sockopt::set_tcp_keepintvl(stream, SILENCE / 5)?;
    #[cfg(target_os = "linux")]
    sockopt::set_tcp_user_timeout(stream, SILENCE.as_millis() as u32)?;
    Ok(())
}

fn unreachable(address: &Address, error: &dyn std::fmt::Display) -> Error {
    let Address { host, port, .. } = address;
    let message = format!("the store's server at {host}, port {port}, cannot be reached: {error}");
    Error::new(Kind::Io, message)
}

fn without_password(server: &Server, cause: &dyn std::error::Error) -> Error {
    let message = format!("the server refuses {} without a password ({cause})", server.user);
    Error::new(Kind::Permissions, message).hinted(PASSWORDS)
}

fn silent(server: &Server) -> Error {
    Error::new(Kind::Io, format!("the server of {server} does not answer"))
}
