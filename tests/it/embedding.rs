//! The example of a service that embeds keyward: real HTTP requests to it, while the binary changes its store.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{KEYWARD, Sandbox, skipped, token, variable};

/// The running example; killed when a test fails before it has ended.
struct Service {
    child: Child,
    address: String,
}

impl Service {
    fn start(example: &Path, sandbox: &Sandbox) -> Self {
        let mut child = Command::new(example)
            .arg(sandbox.store_path())
            .arg("127.0.0.1:0")
            .env_clear()
            .envs(sandbox.variables())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the example can be started");
        let stdout = child.stdout.take().expect("stdout is piped");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("the example says where it listens");
        let address = line.trim().strip_prefix("listening on ");
        let address = address.unwrap_or_else(|| panic!("no address in {line:?}"));
        Self { child, address: address.to_owned() }
    }

    /// The status, the head and the body that a request with these header lines gets.
    fn get(&self, headers: &str) -> (u16, String, String) {
        let mut connection = TcpStream::connect(&self.address).expect("it listens");
        let patience = Some(Duration::from_secs(20));
        connection.set_read_timeout(patience).expect("a time-out can be set");
        write!(connection, "GET / HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n").expect("it reads");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).expect("it answers with text");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status in {head}"));
        (status, head.to_owned(), body.to_owned())
    }

    fn get_with(&self, key: &str) -> (u16, String, String) {
        self.get(&format!("Authorization: Bearer {key}\r\n"))
    }

    /// Tells it to end, and waits until it has.
    fn end(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("it runs");
        let status = self.child.wait().expect("it ends");
        assert!(status.success(), "the example ended with {status}");
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It has ended already unless a test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The example, which `cargo test` builds beside the binary; `cargo test --test it` does not.
fn example() -> Option<PathBuf> {
    let folder = Path::new(KEYWARD).parent().expect("a folder");
    let example = folder.join("examples/http_middleware");
    if example.exists() {
        return Some(example);
    }
    assert!(variable("CI").is_none(), "the example is not built, and CI must not skip its test");
    skipped("the example is not built: cargo build --example http_middleware");
    None
}

#[test]
fn the_example_service_lets_valid_keys_in_and_counts_them() {
    let Some(example) = example() else {
        return;
    };
    let (sandbox, key) = Sandbox::with_key("customer");
    let elsewhere = sandbox.mint_with("elsewhere", &["--allow", "192.0.2.0/24"]);
    let service = Service::start(&example, &sandbox);

    let (status, head, body) = service.get("");
    assert_eq!(status, 401, "{body}");
    assert!(head.contains("WWW-Authenticate: Bearer"), "{head}");
    assert_eq!(service.get("Authorization: Basic abc\r\n").0, 401);
    let (status, _, body) = service.get_with(&token::well_formed());
    assert!(status == 401 && body.contains("not_found"), "{body}");
    let (status, _, body) = service.get_with(&elsewhere);
    assert!(status == 403 && body.contains("ip_denied"), "{body}");

    // Twice as many as there are threads: each has it in its memory after this.
    for _ in 0..4 {
        let (status, _, body) = service.get_with(&key);
        assert_eq!(status, 200, "{body}");
        assert!(body.contains(&sandbox.id_of("customer")), "{body}");
        assert!(!body.contains(&key), "the secret is in {body}");
    }
    sandbox.keyward(["revoke", "customer", "--yes"]).ok();
    let (status, _, body) = service.get_with(&key);
    assert!(status == 401 && body.contains("revoked"), "{body}");

    service.end();
    let uses = sandbox.rows("SELECT valid, last_address FROM usage WHERE valid > 0");
    assert_eq!(uses, [["4", "127.0.0.1"]], "the uses of one key on one day");
}

#[test]
fn the_example_service_says_when_a_limited_key_may_come_again() {
    let Some(example) = example() else {
        return;
    };
    let sandbox = Sandbox::new();
    let policy = "default_plan = \"small\"\n[plans.small]\nrate = \"2/hour\"\n";
    let policy = sandbox.file("policy.toml", policy);
    sandbox.workspace("acme", &["--policy", policy.to_str().expect("a plain path")]);
    let key = sandbox.mint("customer");
    let service = Service::start(&example, &sandbox);
    let statuses: Vec<u16> = (0..2).map(|_| service.get_with(&key).0).collect();
    assert_eq!(statuses, [200, 200]);
    let (status, head, body) = service.get_with(&key);
    assert!(status == 429 && body.contains("rate_limited"), "{body}");
    let wait = head
        .lines()
        .find_map(|line| line.strip_prefix("Retry-After: "))
        .and_then(|seconds| seconds.parse::<u64>().ok());
    // One of two an hour comes back after half an hour.
    assert!(matches!(wait, Some(1700..=1800)), "{head}");
    service.end();
}
