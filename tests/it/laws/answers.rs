//! `keyward serve`: whatever bytes come in on a connection, what goes out is answers, as many as there were requests, and nothing
//! in them that the request was not entitled to.
//!
//! An input is what a client sends; `M` before it sends it to the management side. `$KEY` stands for the secret of a valid key,
//! `$OLD` for that of a revoked one.

use std::fs::{self, DirBuilder};
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use keyward::serve::{Dialect, Manager, Place, Routes, Settings, run_until};
use keyward::store::Store;
use keyward::{Error, Keyring, Kind, MintRequest, RevokeReason, RevokeRequest};

/// What a 200 says of a key.
const IDENTITY: [&str; 7] =
    ["key", "workspace", "environment", "scopes", "name", "owner", "remaining"];
/// Every status that there may be. 500 is for an option that is not known.
const STATUSES: [u16; 16] =
    [200, 201, 400, 401, 403, 404, 405, 409, 411, 413, 415, 422, 429, 431, 500, 503];
const WAIT: Duration = Duration::from_secs(5);
/// Ends the connection, if what came before it was whole.
const LAST: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/// A server in this process, and its keys.
struct Served {
    folder: PathBuf,
    valid: String,
    revoked: String,
    lines: Receiver<String>,
    wake: Option<UnixStream>,
    thread: Option<JoinHandle<keyward::Result<()>>>,
}

static SERVED: Mutex<Option<Served>> = Mutex::new(None);

/// Holds a connection to its laws.
pub fn hold(data: &[u8]) {
    let mut served = SERVED.lock().unwrap_or_else(PoisonError::into_inner);
    served.get_or_insert_with(Served::start).hold(data);
}

/// Ends the server, if there is one, and removes its files.
pub fn end() {
    SERVED.lock().unwrap_or_else(PoisonError::into_inner).take();
}

impl Drop for Served {
    fn drop(&mut self) {
        self.wake.take();
        let ended = self.thread.take().map(JoinHandle::join);
        let _ = fs::remove_dir_all(&self.folder);
        if !std::thread::panicking() {
            ended.expect("it was started").expect("it did not panic").expect("it ended well");
        }
    }
}

impl Served {
    #[expect(
        clippy::disallowed_methods,
        reason = "its clock, and a folder that nothing is renamed into"
    )]
    fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("keyward-law-{}", std::process::id()));
        DirBuilder::new().mode(0o700).create(&folder).expect("a folder can be made");
        let store = folder.join("keyward.db");
        Store::create(&store, WAIT).expect("a store can be made");
        let mut keyring = Keyring::open(&store, WAIT, SystemTime::now).expect("it was made");
        let mut mint = |name: &str| {
            let (mut secret, request) =
                (String::new(), MintRequest::new(name.parse().expect("a name")));
            let key = keyring.mint(&request, |_, minted| {
                minted.expose().clone_into(&mut secret);
                Ok::<(), std::io::Error>(())
            });
            (secret, key.expect("minted").id)
        };
        let (valid, _) = mint("valid");
        let (revoked, id) = mint("revoked");
        let request = RevokeRequest::new(id.as_str(), RevokeReason::Unspecified);
        keyring.revoke(&request).expect("revoked");
        let (log, lines) = sync_channel(4096);
        let settings = Settings {
            listen: vec![Place::Unix(folder.join("verify"))],
            manage: Some(Place::Unix(folder.join("manage"))),
            allow_remote: false,
            routes: Routes::ALL.to_vec(),
            errors: Dialect::Own,
            trusted: Vec::new(),
            client_from: Some("x-forwarded-for".to_owned()),
            key_from: vec!["authorization".to_owned(), "x-api-key".to_owned()],
            operators: Vec::new(),
            clients: None,
            workers: 1,
            log: Some(log),
            workspace: None,
            open: Box::new(move |wait| {
                Store::open(&store, wait)?.ok_or_else(|| Error::new(Kind::StoreNotFound, "gone"))
            }),
            patience: WAIT,
            clock: || SystemTime::now().into(),
            account: |number| number.to_string(),
            manager: Manager::default(),
        };
        let (wake, until) = UnixStream::pair().expect("a pair of sockets");
        let (teller, is_ready) = channel();
        let thread = std::thread::spawn(move || {
            run_until(&until, settings, |_| teller.send(()).expect("it is waited for"))
        });
        is_ready.recv().expect("it listens");
        Self { folder, valid, revoked, lines, wake: Some(wake), thread: Some(thread) }
    }

    fn hold(&self, data: &[u8]) {
        let (side, data) = match data.split_first() {
            Some((b'M', rest)) => ("manage", rest),
            _ => ("verify", data),
        };
        let sent = replaced(data, b"$KEY", self.valid.as_bytes());
        let sent = replaced(&sent, b"$OLD", self.revoked.as_bytes());
        let got = exchange(&self.folder.join(side), &sent);
        for secret in [&self.valid, &self.revoked] {
            assert!(!holds(&got, secret.as_bytes()), "a secret was repeated");
            for line in self.lines.try_iter() {
                assert!(!line.contains(secret.as_str()), "a secret was logged: {line}");
            }
        }
        // Whether the answer to a HEAD has a body, its own head does not say.
        let is_plain = !holds(&sent.to_ascii_uppercase(), b"HEAD");
        let mut rest = got.as_slice();
        let (mut answers, mut is_last) = (0, false);
        while is_plain && !rest.is_empty() {
            assert!(!is_last, "something follows the end: {}", shown(rest));
            let answer = Answer::read(&mut rest);
            if answer.status == 100 {
                continue;
            }
            answers += 1;
            is_last = answer.field("connection") == Some("close");
            answer.is_lawful(holds(&sent, self.valid.as_bytes()));
        }
        let ends = sent.iter().filter(|byte| **byte == b'\n').count() / 2 + 2;
        assert!(answers <= ends, "{answers} answers");
    }
}

/// Sends this, and returns everything that comes until the connection ends.
fn exchange(place: &Path, sent: &[u8]) -> Vec<u8> {
    let mut stream = UnixStream::connect(place).expect("it listens");
    // As long as an answer takes that is made from the disk.
    stream.set_read_timeout(Some(Duration::from_millis(60))).expect("possible");
    // It may have been refused before all of it was sent.
    let _ = stream.write_all(sent).and_then(|()| stream.write_all(LAST));
    let mut got = Vec::new();
    let mut buffer = [0; 4096];
    let mut is_ended = false;
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return got,
            Ok(length) => got.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock && !is_ended => {
                // What was last is no whole request: nothing more comes of it.
                is_ended = true;
                stream.shutdown(Shutdown::Write).expect("possible");
                stream.set_read_timeout(Some(WAIT)).expect("possible");
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return got,
            Err(error) => panic!("the connection is still open: {error}"),
        }
    }
}

fn holds(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

fn replaced(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let (mut made, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.windows(from.len()).position(|window| window == from) {
        made.extend_from_slice(&rest[..at]);
        made.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    made.extend_from_slice(rest);
    made
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(300)]).into_owned()
}

/// An answer, read as strictly as RFC 9112 has it.
struct Answer {
    status: u16,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn read(rest: &mut &[u8]) -> Self {
        let all = *rest;
        let broken = || -> ! { panic!("no answer: {}", shown(all)) };
        let line = |rest: &mut &[u8]| -> String {
            let Some(at) = rest.windows(2).position(|end| end == b"\r\n") else { broken() };
            let line = std::str::from_utf8(&rest[..at]).unwrap_or_else(|_| broken()).to_owned();
            *rest = &rest[at + 2..];
            line
        };
        let first = line(rest);
        let status = first.strip_prefix("HTTP/1.1 ").or(first.strip_prefix("HTTP/1.0 "));
        let status = status.and_then(|status| status.get(..3)?.parse().ok());
        let mut fields = Vec::new();
        loop {
            let field = line(rest);
            if field.is_empty() {
                break;
            }
            assert!(field.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{field}");
            let Some((name, value)) = field.split_once(": ") else { broken() };
            fields.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        let mut answer =
            Self { status: status.unwrap_or_else(|| broken()), fields, body: Vec::new() };
        let mut take = |rest: &mut &[u8], length: usize| {
            // The connection may have been ended in the middle of a long one.
            let length = length.min(rest.len());
            answer.body.extend_from_slice(&rest[..length]);
            *rest = &rest[length..];
        };
        if answer.status == 100 {
            // The body is awaited; the answer follows.
            return answer;
        }
        let find = |name: &str| fields_of(&answer.fields, name).map(str::to_owned);
        match (find("transfer-encoding"), find("content-length")) {
            (None, Some(length)) => {
                let length = length.parse().unwrap_or_else(|_| broken());
                take(rest, length);
            }
            (Some(coding), None) if coding == "chunked" => {
                while !rest.is_empty() {
                    let size = line(rest);
                    let size = usize::from_str_radix(&size, 16).unwrap_or_else(|_| broken());
                    take(rest, size);
                    if !rest.is_empty() {
                        assert_eq!(line(rest), "", "a chunk's end");
                    }
                    if size == 0 {
                        break;
                    }
                }
            }
            _ => broken(),
        }
        answer
    }

    fn field(&self, name: &str) -> Option<&str> {
        fields_of(&self.fields, name)
    }

    /// Whether a valid key was among what was sent is all that may make a difference.
    fn is_lawful(&self, with_key: bool) {
        let Self { status, fields, body } = self;
        let told = || format!("{status} {fields:?} {}", shown(body));
        assert!(STATUSES.contains(status), "{}", told());
        let code = self.field("x-keyward-code");
        assert!(*status != 500 || code == Some("usage"), "{}", told());
        assert_eq!(self.field("cache-control"), Some("no-store"), "{}", told());
        let identity: Vec<_> =
            IDENTITY.iter().filter_map(|name| self.field(&format!("x-keyward-{name}"))).collect();
        assert!(identity.is_empty() || (*status == 200 && with_key), "{}", told());
        assert!(identity.is_empty() || identity.len() == IDENTITY.len(), "{}", told());
        assert!(identity.iter().all(|value| !value.is_empty()), "{}", told());
        if *status >= 400 {
            let body: serde_json::Value = serde_json::from_slice(body).expect("a refusal is JSON");
            assert!(body.is_object(), "{}", told());
        }
    }
}

fn fields_of<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut own = fields.iter().filter(|(field, _)| field == name);
    let value = own.next().map(|(_, value)| value.as_str());
    assert!(own.next().is_none() || name == "allow", "{name} comes twice");
    value
}
