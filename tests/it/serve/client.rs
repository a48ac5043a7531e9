//! A running `keyward serve`, and a client that says exactly what a test wants it to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::stream::let_children_hear_signals;
use crate::support::{KEYWARD, Sandbox};

/// No answer takes so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server, killed when a test fails before it has ended.
pub struct Server {
    pub child: Child,
    /// Where it listens, in the order that it says.
    pub places: Vec<String>,
    stderr: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a server that judges on a free port.
    pub fn start(sandbox: &Sandbox, flags: &[&str]) -> Self {
        Self::run(sandbox, &[&["--listen", "127.0.0.1:0"], flags].concat())
    }

    /// Starts a server with these flags alone, and waits until it listens.
    pub fn run(sandbox: &Sandbox, flags: &[&str]) -> Self {
        let mut command = Command::new(KEYWARD);
        command.arg("serve").args(flags);
        Self::spawn(sandbox, command)
    }

    /// Starts a server as this command does.
    pub fn spawn(sandbox: &Sandbox, mut command: Command) -> Self {
        let_children_hear_signals();
        let listens =
            command.get_args().filter(|word| *word == "--listen" || *word == "--manage").count();
        let mut child = command
            .env_clear()
            .envs(crate::support::variable("PATH").map(|path| ("PATH", path)))
            .envs(sandbox.place().map(|place| ("KEYWARD_STORE", place)))
            .env("HOME", sandbox.home())
            .env("TERM", "dumb")
            .current_dir(sandbox.home())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("keyward can be started");
        let mut stderr = BufReader::new(child.stderr.take().expect("stderr is piped"));
        let mut places = Vec::new();
        let mut said = String::new();
        while places.len() < listens {
            let mut line = String::new();
            let length = stderr.read_line(&mut line).expect("stderr can be read");
            assert!(length > 0, "the server ended: {said}");
            said += &line;
            if let Some(place) = line.trim_end().strip_prefix("listening on ") {
                places.push(place.to_owned());
            }
        }
        let rest = Arc::new(Mutex::new(String::new()));
        let sink = Arc::clone(&rest);
        let reader = std::thread::spawn(move || {
            let mut line = String::new();
            while stderr.read_line(&mut line).is_ok_and(|length| length > 0) {
                *sink.lock().expect("no test panics with it") += &std::mem::take(&mut line);
            }
        });
        Self { child, places, stderr: rest, reader: Some(reader) }
    }

    /// Asks the first place.
    pub fn ask(&self, request: &str) -> Response {
        ask(&self.places[0], request.as_bytes())
    }

    /// Asks whether a request with this key may pass.
    pub fn auth(&self, key: &str) -> Response {
        self.ask(&get("/v1/auth", &bearer(key)))
    }

    /// What it has said on stderr since it listens.
    pub fn stderr(&self) -> String {
        self.stderr.lock().expect("no test panics with it").clone()
    }

    /// Tells it to end, waits until it has, and returns what it said.
    pub fn end(mut self) -> String {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("it runs");
        let status = self.child.wait().expect("it ends");
        if let Some(reader) = self.reader.take() {
            reader.join().expect("stderr was read");
        }
        assert!(status.success(), "the server ended with {status}: {}", self.stderr());
        self.stderr()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already unless a test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A response.
#[derive(Debug, Clone)]
pub struct Response {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Response {
    /// The values of a field, in their order.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let fields = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        let own = fields.filter(|(field, _)| field.eq_ignore_ascii_case(name));
        own.map(|(_, value)| value.trim()).collect()
    }

    /// The only value of a field; empty when there is none.
    pub fn field(&self, name: &str) -> &str {
        match self.all(name).as_slice() {
            [] => "",
            [value] => value,
            several => panic!("{name} has the values {several:?}"),
        }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// The status and the code of a refusal.
    pub fn refusal(&self) -> (u16, &str) {
        (self.status, self.field("x-keyward-code"))
    }
}

/// A connection to a place, as the server says it.
pub enum Connection {
    Tcp(TcpStream),
    Unix(UnixStream),
}

pub fn connect(place: &str) -> Connection {
    match place.strip_prefix("unix:") {
        Some(path) => {
            let stream = UnixStream::connect(path).expect("it listens");
            stream.set_read_timeout(Some(PATIENCE)).expect("possible");
            Connection::Unix(stream)
        }
        None => {
            let stream = TcpStream::connect(place).expect("it listens");
            stream.set_read_timeout(Some(PATIENCE)).expect("possible");
            stream.set_nodelay(true).expect("possible");
            Connection::Tcp(stream)
        }
    }
}

/// Connects from an address of this machine.
pub fn connect_from(source: &str, place: SocketAddr) -> Connection {
    let flags = SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None);
    let socket = socket.expect("a socket");
    let source: SocketAddr = format!("{source}:0").parse().expect("an address");
    rustix::net::bind(&socket, &source).expect("an own address");
    rustix::net::connect(&socket, &place).expect("it listens");
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).expect("possible");
    Connection::Tcp(stream)
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Connection {
    /// Sends a request and reads its answer; nothing when the connection ends without one.
    pub fn exchange(&mut self, request: &[u8]) -> Option<Response> {
        self.write_all(request).ok()?;
        self.response()
    }

    /// Reads an answer.
    pub fn response(&mut self) -> Option<Response> {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            match self.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                _ => return None,
            }
        }
        let head = String::from_utf8(head).expect("a head is text");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let mut response = Response { status: status?, head, body: String::new() };
        let mut body = Vec::new();
        if response.field("transfer-encoding") == "chunked" {
            loop {
                let length = usize::from_str_radix(self.line()?.trim(), 16).ok()?;
                let mut chunk = vec![0; length];
                self.read_exact(&mut chunk).ok()?;
                self.line()?;
                if length == 0 {
                    break;
                }
                body.extend(chunk);
            }
        } else {
            body = vec![0; response.field("content-length").parse().unwrap_or(0)];
            self.read_exact(&mut body).ok()?;
        }
        response.body = String::from_utf8(body).expect("a body is text");
        Some(response)
    }

    fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        let mut byte = [0];
        while !line.ends_with(b"\n") {
            match self.read(&mut byte) {
                Ok(1) => line.push(byte[0]),
                _ => return None,
            }
        }
        String::from_utf8(line).ok()
    }
}

/// Asks on a connection of its own.
#[track_caller]
pub fn ask(place: &str, request: &[u8]) -> Response {
    connect(place).exchange(request).expect("an answer")
}

/// A request without a body. The fields are whole lines.
pub fn get(target: &str, fields: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: keyward\r\n{fields}\r\n")
}

/// A request with a body.
pub fn send(method: &str, target: &str, fields: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "{method} {target} HTTP/1.1\r\nHost: keyward\r\nContent-Length: {length}\r\n{fields}\r\n{body}"
    )
}

pub fn bearer(key: &str) -> String {
    format!("Authorization: Bearer {key}\r\n")
}

/// A socket's path in the sandbox, as an option has it.
pub fn socket(sandbox: &Sandbox, name: &str) -> String {
    format!("unix:{}", sandbox.home().join(name).display())
}

/// A file with a token, and the token.
pub fn token_file(sandbox: &Sandbox, name: &str) -> (PathBuf, String) {
    let token = format!("{name}-0123456789abcdef0123456789abcdef");
    (sandbox.file(name, &format!("{token}\n")), token)
}

pub fn path_of(path: &Path) -> &str {
    path.to_str().expect("the sandbox's paths are text")
}
