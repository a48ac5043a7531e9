//! A small HTTP service that lets in whoever presents a valid API key: keyward as a middleware.
//!
//! ```sh
//! cargo run --example http_middleware -- PATH_TO_STORE 127.0.0.1:8080
//! curl -H "Authorization: Bearer $KEY" http://127.0.0.1:8080/
//! ```
//!
//! What to take from it: each thread opens a [`Verifier`] once and keeps it. A revocation by `keyward revoke` holds from
//! the very next request on, with nothing to reload. Uses are counted in memory, so a thread that has nothing to do
//! flushes when they are due, and closes its verifier at the end. An error is answered 503: nobody gets in by it.
//!
//! The HTTP is the least that shows it: one request a connection, and no body is read. Behind a proxy the client's
//! address is in a header that the proxy sets, and not the peer's.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the clock and the streams are the service's own"
)]

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, SystemTime};

use keyward::{Code, Request, Result, Secret, Timestamp, Verifier};
use serde_json::{Value, json};
use signal_hook::consts::TERM_SIGNALS;
use signal_hook::iterator::Signals;

const THREADS: usize = 2;
/// The longest head of a request, in bytes, and how long a client may take to send it.
const LONGEST_HEAD: u64 = 16 * 1024;
const PATIENCE: Duration = Duration::from_secs(5);

/// What the service wants to know of a key; nothing else of it stays in memory.
struct Customer {
    key: String,
    workspace: String,
}

/// What a thread is sent: a connection, or nothing more when the service ends.
type Job = Option<TcpStream>;

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(store), Some(address)) = (arguments.next(), arguments.next()) else {
        return Err("usage: http_middleware PATH_TO_STORE ADDRESS".into());
    };
    let address = address.into_string().map_err(|_| "the address is no text")?;
    let mut signals = Signals::new(TERM_SIGNALS)?;
    let mut senders = Vec::new();
    let mut workers = Vec::new();
    for _ in 0..THREADS {
        let (sender, jobs) = channel();
        let verifier = open(PathBuf::from(&store))?;
        senders.push(sender);
        workers.push(thread::spawn(move || work(verifier, &jobs)));
    }
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    let in_turn = senders.clone();
    thread::spawn(move || {
        for (connection, sender) in listener.incoming().zip(in_turn.iter().cycle()) {
            // Whoever hung up already wants no answer, and a thread that has ended takes no more.
            let _ = connection.map(|connection| sender.send(Some(connection)));
        }
    });
    // Waits for the order to end; what was accepted before it is still answered.
    signals.forever().next();
    for sender in &senders {
        sender.send(None)?;
    }
    for worker in workers {
        worker.join().map_err(|_| "a thread panicked")??;
    }
    Ok(())
}

fn open(store: PathBuf) -> Result<Verifier<Customer>> {
    // The wait is for other processes that hold the store; the closure says what is kept of each key.
    Verifier::open(&store, Duration::from_secs(1), |key| Customer {
        key: key.id.to_string(),
        workspace: key.workspace,
    })
}

/// Answers one connection after another, and writes what was counted when it is time to.
fn work(mut verifier: Verifier<Customer>, jobs: &Receiver<Job>) -> Result<()> {
    loop {
        let idle = verifier.due().map(|due| due.since(now()).max(0).unsigned_abs());
        let idle = idle.map_or(Duration::from_secs(3600), Duration::from_millis);
        match jobs.recv_timeout(idle) {
            // A client that goes away before its answer harms nobody.
            Ok(Some(connection)) => drop(serve(&mut verifier, connection)),
            Err(RecvTimeoutError::Timeout) => verifier.write_if_due(now()),
            Ok(None) | Err(RecvTimeoutError::Disconnected) => return verifier.close(),
        }
    }
}

fn serve(verifier: &mut Verifier<Customer>, mut connection: TcpStream) -> io::Result<()> {
    connection.set_read_timeout(Some(PATIENCE))?;
    let head = read_head(&connection)?;
    let mut headers = String::new();
    let (status, body) = match bearer(&head) {
        None => (401, json!({"error": "send Authorization: Bearer KEY"})),
        Some(key) => {
            let mut request = Request::new(Secret::new(key.to_owned()));
            request.ask.address = Some(connection.peer_addr()?.ip());
            admit(verifier, &request, &mut headers)
        }
    };
    if status == 401 {
        headers += "WWW-Authenticate: Bearer\r\n";
    }
    let body = format!("{body}\n");
    let length = body.len();
    write!(
        connection,
        "HTTP/1.1 {status} {}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         {headers}Connection: close\r\n\r\n{body}",
        reason(status)
    )
}

/// The middleware itself: the status and the body that a request deserves.
fn admit(
    verifier: &mut Verifier<Customer>,
    request: &Request,
    headers: &mut String,
) -> (u16, Value) {
    let verdict = match verifier.verify(request, now()) {
        Ok(verdict) => verdict,
        Err(error) => {
            eprintln!("cannot verify: {error}");
            return (503, json!({"error": "try again"}));
        }
    };
    match (verdict.code, &verdict.subject) {
        (Code::Valid, Some(customer)) => {
            (200, json!({"hello": customer.workspace, "key": customer.key}))
        }
        (code, _) => {
            if let Some(seconds) = verdict.retry_after {
                *headers += &format!("Retry-After: {seconds}\r\n");
            }
            (code.http_status(), json!({"error": code.word(), "message": code.message()}))
        }
    }
}

/// The key of the request, if it has one.
fn bearer(head: &str) -> Option<&str> {
    let fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    let mut authorizations = fields.filter(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    let (scheme, key) = authorizations.next()?.1.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

/// Reads to the empty line that ends the head.
fn read_head(connection: &TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    let mut bytes = io::BufReader::new(connection.take(LONGEST_HEAD));
    while !head.ends_with(b"\r\n\r\n") {
        if io::BufRead::read_until(&mut bytes, b'\n', &mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    String::from_utf8(head).map_err(|_| io::ErrorKind::InvalidData.into())
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        401 => "Unauthorized",
        403 => "Forbidden",
        429 => "Too Many Requests",
        _ => "Service Unavailable",
    }
}

fn now() -> Timestamp {
    SystemTime::now().into()
}
