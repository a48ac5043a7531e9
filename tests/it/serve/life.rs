//! Where it listens, and how it begins and ends.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::client::{Server, ask, bearer, connect, get, path_of, socket, token_file};
use crate::support::{KEYWARD, Sandbox, is_thorough, tool};

#[test]
fn nothing_listens_unless_it_is_told_where_and_not_off_this_machine() {
    let sandbox = Sandbox::new();
    sandbox.refuses(&["serve", "--listen", "127.0.0.1:0"], 3, "store_not_found");
    sandbox.mint("web");
    sandbox.refuses(&["serve"], 2, "usage");
    for place in ["0.0.0.0:0", "[::]:0", "192.0.2.1:7700"] {
        sandbox.refuses(&["serve", "--listen", place], 2, "usage");
        sandbox.refuses(&["serve", "--manage", place], 2, "usage");
    }
    for place in ["localhost:7700", "7700", "unix:", "tcp:127.0.0.1:1"] {
        sandbox.refuses(&["serve", "--listen", place], 2, "usage");
    }
    // Whoever reaches an address could manage keys.
    sandbox.refuses(&["serve", "--manage", "127.0.0.1:0"], 2, "usage");
    let server = Server::run(&sandbox, &["--allow-remote", "--listen", "0.0.0.0:0"]);
    assert!(server.places[0].starts_with("0.0.0.0:"), "{:?}", server.places);
    server.end();
}

#[test]
fn tokens_are_private_and_long() {
    let sandbox = Sandbox::new();
    sandbox.mint("web");
    let (file, _) = token_file(&sandbox, "ci");
    let short = sandbox.file("short", "0123456789\n");
    let flags =
        |file: &'static str| ["serve", "--manage", "127.0.0.1:0", "--operator-token-file", file];
    assert_eq!(short.file_name(), Some("short".as_ref()));
    sandbox.refuses(&flags("short"), 2, "usage");
    sandbox.refuses(&flags("none"), 7, "io");
    fs::set_permissions(file, fs::Permissions::from_mode(0o644)).expect("own file");
    sandbox.refuses(&flags("ci"), 8, "permissions");
}

#[test]
fn a_unix_socket_is_its_owners_alone_in_a_safe_folder() {
    let sandbox = Sandbox::new();
    let key = sandbox.mint("web");
    let place = socket(&sandbox, "auth.sock");
    let path = sandbox.home().join("auth.sock");
    let server = Server::run(&sandbox, &["--listen", &place]);
    assert_eq!(server.places, std::slice::from_ref(&place));
    let mode = fs::metadata(&path).expect("it exists").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // Another takes the name over; the first one leaves it alone when it ends.
    let second = Server::run(&sandbox, &["--listen", &place]);
    server.end();
    assert_eq!(ask(&place, get("/v1/auth", &bearer(&key)).as_bytes()).status, 200);
    second.end();
    assert!(!path.exists());
    let taken = sandbox.file("file", "x");
    sandbox.refuses(&["serve", "--listen", &format!("unix:{}", path_of(&taken))], 2, "usage");
    let open = sandbox.home().join("open");
    fs::create_dir(&open).expect("it can be made");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).expect("own folder");
    sandbox.refuses(&["serve", "--listen", &socket(&sandbox, "open/a.sock")], 8, "permissions");
}

#[test]
fn a_service_manager_hands_sockets_over_and_is_told() {
    if !tool("python3") {
        return;
    }
    let sandbox = Sandbox::new();
    let key = sandbox.mint("web");
    let notify = sandbox.home().join("notify.sock");
    let manager = UnixDatagram::bind(&notify).expect("a socket");
    manager.set_read_timeout(Some(Duration::from_secs(20))).expect("possible");
    let script = "import os, socket, sys
s = socket.create_server(('127.0.0.1', 0))
print(s.getsockname()[1], file=sys.stderr, flush=True)
os.dup2(s.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES='auth', NOTIFY_SOCKET=sys.argv[2])
os.execv(sys.argv[1], ['keyward', 'serve'])";
    let mut child = Command::new("python3")
        .args(["-c", script, KEYWARD, path_of(&notify)])
        .env_clear()
        .env("HOME", sandbox.home())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("python starts");
    let mut state = [0; 64];
    let mut told = || {
        let length = manager.recv(&mut state).expect("it is told");
        String::from_utf8_lossy(&state[..length]).into_owned()
    };
    let mut port = String::new();
    let mut stderr = std::io::BufReader::new(child.stderr.take().expect("piped"));
    std::io::BufRead::read_line(&mut stderr, &mut port).expect("a port");
    assert_eq!(told(), "READY=1");
    let place = format!("127.0.0.1:{}", port.trim());
    assert_eq!(ask(&place, get("/v1/auth", &bearer(&key)).as_bytes()).status, 200);
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
    assert_eq!(told(), "STOPPING=1");
    assert!(child.wait().expect("it ends").success());
}

#[test]
fn sigint_is_an_interruption_and_sigterm_is_not() {
    let sandbox = Sandbox::new();
    sandbox.mint("web");
    let mut server = Server::start(&sandbox, &[]);
    let pid = rustix::process::Pid::from_child(&server.child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it runs");
    assert_eq!(server.child.wait().expect("it ends").code(), Some(130));
    Server::start(&sandbox, &[]).end();
}

/// Asks until it is told to stop, and counts what passes and what fails.
fn load(place: &str, key: &str, stop: &AtomicBool, passed: &AtomicU64, failures: &AtomicU64) {
    let request = get("/v1/auth", &bearer(key));
    while !stop.load(Ordering::Relaxed) {
        let Ok(stream) = std::net::TcpStream::connect(place) else {
            // It listens no more.
            break;
        };
        drop(stream);
        let mut connection = connect(place);
        while !stop.load(Ordering::Relaxed) {
            let Some(response) = connection.exchange(request.as_bytes()) else {
                failures.fetch_add(1, Ordering::Relaxed);
                break;
            };
            passed.fetch_add(u64::from(response.status == 200), Ordering::Relaxed);
            if response.field("connection") == "close" {
                break;
            }
        }
    }
}

#[test]
fn told_to_end_under_load_it_cuts_no_answer_and_counts_every_one() {
    let sandbox = Sandbox::new();
    let key = sandbox.mint("web");
    let server = Server::start(&sandbox, &["--workers", "2"]);
    let place = server.places[0].clone();
    let (stop, failures) = (AtomicBool::new(false), AtomicU64::new(0));
    let passed = AtomicU64::new(0);
    thread::scope(|scope| {
        let load = || load(&place, &key, &stop, &passed, &failures);
        (0..6).for_each(|_| drop(scope.spawn(load)));
        let begun = Instant::now();
        while passed.load(Ordering::Relaxed) <= 100 && begun.elapsed() < Duration::from_secs(30) {
            thread::sleep(Duration::from_millis(5));
        }
        let begun = Instant::now();
        server.end();
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        stop.store(true, Ordering::Relaxed);
    });
    let passed = passed.into_inner();
    assert!(passed > 100, "only {passed} passed");
    let usage = sandbox.keyward(["usage"]).answer();
    assert_eq!(usage["usage"][0]["valid"], passed);
    // A connection may still be accepted by the system in the moment in which the listener goes.
    assert!(failures.into_inner() <= 1, "answers were cut");
}

#[test]
fn every_answer_is_logged_before_it_ends_even_where_the_log_is_read_late() {
    let sandbox = Sandbox::new();
    let key = sandbox.mint("web");
    let mut child = Command::new(KEYWARD)
        .args(["serve", "--listen", "127.0.0.1:0", "--workers", "1", "--access-log"])
        .env_clear()
        .env("HOME", sandbox.home())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stderr = std::io::BufReader::new(child.stderr.take().expect("piped"));
    let mut line = String::new();
    std::io::BufRead::read_line(&mut stderr, &mut line).expect("a place");
    let place = line.trim().strip_prefix("listening on ").expect("a place");
    let mut connection = connect(place);
    // More than a pipe holds.
    for _ in 0..1000 {
        let response = connection.exchange(get("/v1/auth", &bearer(&key)).as_bytes());
        assert_eq!(response.expect("an answer").status, 200);
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
    drop(connection);
    // Time to end in, for one that does not wait.
    thread::sleep(Duration::from_millis(500));
    let lines = std::io::BufRead::lines(stderr).count();
    assert!(child.wait().expect("it ends").success());
    assert_eq!(lines, 1000);
}

/// A client that keeps a connection for some requests and then takes another, until it is told to stop. Returns how many
/// passed and how many failed.
fn restless(place: &str, key: &str, stop: &AtomicBool) -> (u64, u64) {
    let request = get("/v1/auth", &bearer(key));
    let (mut passed, mut failed) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        let mut connection = connect(place);
        for _ in 0..15 {
            let Some(response) = connection.exchange(request.as_bytes()) else {
                failed += 1;
                break;
            };
            passed += u64::from(response.status == 200);
            failed += u64::from(response.status != 200);
            if response.field("connection") == "close" {
                break;
            }
        }
    }
    (passed, failed)
}

#[test]
fn servers_that_replace_each_other_under_load_fail_no_request() {
    let sandbox = Sandbox::new();
    let key = sandbox.mint("web");
    let rounds = if is_thorough() { 50 } else { 3 };
    let mut total = 0;
    for place in ["127.0.0.1:0", &socket(&sandbox, "auth.sock")] {
        let mut server = Server::run(&sandbox, &["--listen", place, "--workers", "2"]);
        let place = server.places[0].clone();
        let stop = AtomicBool::new(false);
        let (passed, failed) = thread::scope(|scope| {
            let load = || restless(&place, &key, &stop);
            let clients: Vec<_> = (0..4).map(|_| scope.spawn(load)).collect();
            for _ in 0..rounds {
                let next = Server::run(&sandbox, &["--listen", &place, "--workers", "2"]);
                std::mem::replace(&mut server, next).end();
            }
            stop.store(true, Ordering::Relaxed);
            let ended = clients.into_iter().map(|client| client.join().expect("it ends"));
            ended.fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1))
        });
        server.end();
        let said = format!("{place}: {rounds} replacements, {passed} passed, {failed} failed");
        writeln!(std::io::stderr(), "{said}").expect("stderr");
        assert!(passed > 100 && failed == 0, "{said}");
        total += passed;
    }
    // Each counted what it answered.
    let usage = sandbox.keyward(["usage"]).answer();
    assert_eq!(usage["usage"][0]["valid"], total);
}

#[test]
fn one_server_replaces_another_without_a_failed_request() {
    let sandbox = Sandbox::new();
    let key = sandbox.mint("web");
    let first = Server::start(&sandbox, &["--workers", "1"]);
    let place = first.places[0].clone();
    let mut connection = connect(&place);
    let request = get("/v1/auth", &bearer(&key));
    assert_eq!(connection.exchange(request.as_bytes()).expect("an answer").status, 200);
    let second = Server::run(&sandbox, &["--listen", &place, "--workers", "1"]);
    let ended = thread::spawn(move || first.end());
    let mut closed = false;
    for _ in 0..40 {
        let response = connection.exchange(request.as_bytes()).expect("an answer");
        assert_eq!(response.status, 200);
        if response.field("connection") == "close" {
            connection = connect(&place);
            closed = true;
        }
        thread::sleep(Duration::from_millis(20));
    }
    ended.join().expect("it ends");
    assert!(closed, "the first one kept its connection");
    second.end();
}

#[test]
fn after_revoke_has_returned_nothing_passes() {
    let rounds = if is_thorough() { 1000 } else { 12 };
    let sandbox = Sandbox::new();
    let keys: Vec<String> = (0..rounds).map(|nth| sandbox.mint(&format!("k{nth}"))).collect();
    let server = Server::start(&sandbox, &["--workers", "2"]);
    let place = &server.places[0];
    for (nth, key) in keys.iter().enumerate() {
        let (revoked, stop) = (AtomicBool::new(false), AtomicBool::new(false));
        thread::scope(|scope| {
            let (revoked, stop) = (&revoked, &stop);
            for _ in 0..3 {
                scope.spawn(move || {
                    let mut connection = connect(place);
                    let request = get("/v1/auth", &bearer(key));
                    while !stop.load(Ordering::SeqCst) {
                        let was_revoked = revoked.load(Ordering::SeqCst);
                        let response = connection.exchange(request.as_bytes()).expect("an answer");
                        let expected: &[u16] = if was_revoked { &[401] } else { &[200, 401] };
                        assert!(expected.contains(&response.status), "{nth}: {response:?}");
                    }
                });
            }
            thread::sleep(Duration::from_millis(5));
            sandbox.keyward(["revoke", &format!("k{nth}"), "--yes"]).ok();
            revoked.store(true, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(10));
            stop.store(true, Ordering::SeqCst);
        });
    }
    server.end();
}

#[test]
fn no_other_command_opens_a_socket() {
    if !tool("strace") {
        return;
    }
    let sandbox = Sandbox::new();
    let key = sandbox.mint("web");
    let file = sandbox.file("key", &key);
    let file = path_of(&file);
    let trace = sandbox.home().join("trace");
    let trace = path_of(&trace);
    for arguments in [
        &["mint", "two"][..],
        &["list"],
        &["show", "web"],
        &["rename", "two", "three"],
        &["set", "three", "--owner", "x"],
        &["disable", "three"],
        &["enable", "three"],
        &["rotate", "three"],
        &["verify", "--file", file],
        &["whoami", "--as", file],
        &["usage"],
        &["check", "--never-used"],
        &["ensure", "four"],
        &["prune", "--yes"],
        &["workspace", "list"],
        &["audit", "verify"],
        &["store", "info"],
        &["store", "check"],
        &["store", "backup", "b.db"],
        &["store", "export"],
        &["store", "restore", "b.db", "--yes"],
        &["workspace", "show"],
        &["workspace", "create", "acme"],
        &["audit", "list"],
        &["audit", "head"],
        &["scan", "key"],
        &["patterns"],
        &["schema", "mint"],
        &["completions", "bash"],
        &["revoke", "web", "--yes"],
        &["man"],
        &["--version"],
        // Where it listens is looked at after everything else.
        &["serve", "--listen", "0.0.0.0:1"],
    ] {
        // `unix` sockets are how a process waits for signals; those have no address.
        let flags = ["strace", "-f", "-qq", "-e", "trace=socket,bind,listen,connect", "-o", trace];
        let _ = sandbox.keyward(arguments).through(flags).run();
        let calls = fs::read_to_string(trace).expect("a trace");
        assert!(!calls.contains('('), "{arguments:?}: {calls}");
    }
    std::io::stdout().flush().expect("stdout");
}
