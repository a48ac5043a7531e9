//! Hosts with networks of their own, one of which is cut off.

use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{process, thread};

use super::schema;
use crate::support::server::Server;
use crate::support::stream::Stream;
use crate::support::{Invocation, KEYWARD, Sandbox, skipped, tool, variable};

/// Runs `ip`. Says whether it worked.
fn ip(arguments: &str) -> bool {
    let run = Command::new("ip").args(arguments.split(' ')).stderr(Stdio::null()).status();
    run.is_ok_and(|status| status.success())
}

/// A server's network, and three hosts each of which has a cable to it.
struct Network {
    name: String,
}

impl Network {
    /// Nothing where namespaces cannot be made.
    fn make() -> Option<Self> {
        if !tool("ip") {
            return None;
        }
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let network = Self { name: format!("kw{}n{number}", process::id()) };
        let name = &network.name;
        let mut lines = vec![format!("netns add {name}")];
        for host in 0..3 {
            lines.extend([
                format!("netns add {name}h{host}"),
                format!(
                    "link add c{host} netns {name} type veth peer name wire netns {name}h{host}"
                ),
                format!("-n {name} address add 10.99.{host}.1/24 dev c{host}"),
                format!("-n {name}h{host} address add 10.99.{host}.2/24 dev wire"),
                format!("-n {name} link set c{host} up"),
                format!("-n {name}h{host} link set wire up"),
                format!("netns exec {name}h{host} true"),
            ]);
        }
        // Not every machine lets a test do this.
        if let Some(refused) = lines.iter().find(|line| !ip(line)) {
            skipped(&format!("no networks can be made: ip {refused}"));
            return None;
        }
        Some(network)
    }

    /// Takes a host's cable out, or puts it in again.
    fn set(&self, host: usize, state: &str) {
        assert!(ip(&format!("-n {} link set c{host} {state}", self.name)));
    }

    /// A command line that runs on a host.
    fn on(&self, host: usize) -> [String; 4] {
        let words = ["ip", "netns", "exec"].map(str::to_owned);
        let [ip, netns, exec] = words;
        [ip, netns, exec, format!("{}h{host}", self.name)]
    }

    /// The sandbox of a host, whose store is that of another sandbox.
    fn sandbox(&self, store: &Sandbox, host: usize) -> Host {
        let schema = schema(store);
        let uri =
            format!("postgres://owner@10.99.{host}.1/postgres?sslmode=disable&schema={schema}");
        Host { sandbox: Sandbox::in_place(uri), within: self.on(host) }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for ending in ["h0", "h1", "h2", ""] {
            ip(&format!("netns delete {}{ending}", self.name));
        }
    }
}

/// A host.
struct Host {
    sandbox: Sandbox,
    within: [String; 4],
}

impl Host {
    fn keyward(&self, arguments: &[&str]) -> Invocation {
        let within: Vec<&str> = self.within.iter().map(String::as_str).collect();
        self.sandbox.keyward(arguments).through(within)
    }

    /// Starts a command whose end nobody waits for yet.
    fn begin(&self, arguments: &[&str]) -> Child {
        let [ip, within @ ..] = &self.within;
        let mut command = Command::new(ip);
        command.args(within).arg(KEYWARD).args(arguments).env_clear();
        command.env("PATH", variable("PATH").unwrap_or_default()).envs(self.sandbox.variables());
        command.current_dir(self.sandbox.home()).stdin(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("started")
    }

    fn stream(&self) -> Stream {
        let within: Vec<&str> = self.within.iter().map(String::as_str).collect();
        Stream::start_within(&self.sandbox, &within, &["--wait", "2s"])
    }
}

#[test]
fn a_host_that_is_cut_off_says_valid_of_nothing_and_the_others_go_on() {
    let Some(network) = Network::make() else { return };
    let Some(server) = Server::within(&network.name) else { return };
    let store = Sandbox::on_server(&server);
    let hosts = [0, 1, 2].map(|host| network.sandbox(&store, host));
    let secret = hosts[0].keyward(&["mint", "pay"]).ok().line();
    let other = hosts[1].keyward(&["mint", "other"]).ok().line();
    let mut streams = [0, 1, 2].map(|host| hosts[host].stream());
    for stream in &mut streams {
        stream.expect(&secret, "valid");
        stream.expect(&other, "valid");
    }
    network.set(2, "down");
    hosts[0].keyward(&["revoke", "pay", "--yes"]).ok();
    for stream in &mut streams[..2] {
        stream.expect(&secret, "revoked");
        stream.expect(&other, "valid");
    }
    // What is remembered there is no answer either, nor is it for a process that begins.
    for secret in [&secret, &other] {
        let begun = Instant::now();
        let verdict = streams[2].ask(secret);
        assert!(begun.elapsed() < Duration::from_secs(7), "{:?}", begun.elapsed());
        assert_eq!((&verdict["code"], &verdict["status"]), (&"io".into(), &503.into()));
    }
    hosts[2].keyward(&["verify", "--wait", "1s"]).stdin(&other).refused(7, "io");
    hosts[2].keyward(&["mint", "third", "--wait", "1s"]).refused(7, "io");
    network.set(2, "up");
    thread::sleep(Duration::from_millis(500));
    streams[2].expect(&secret, "revoked");
    streams[2].expect(&other, "valid");
    hosts[2].keyward(&["verify"]).stdin(&secret).exit(11);
    assert_eq!(store.listed(&["--all"]), ["other", "pay"]);
}

#[test]
fn a_host_that_is_cut_off_while_it_delivers_does_not_keep_its_turn() {
    let Some(network) = Network::make() else { return };
    let Some(server) = Server::within(&network.name) else { return };
    let store = Sandbox::on_server(&server);
    let hosts = [0, 1].map(|host| network.sandbox(&store, host));
    hosts[0].keyward(&["mint", "first", "--out", "first.key"]).ok();
    let begun = hosts[1].sandbox.home().join("begun");
    let script = "cat >/dev/null; touch begun; for i in $(seq 400); do [ ! -e end ] || exit; sleep 0.1; done";
    let mut delivering = hosts[1].begin(&["ensure", "slow", "--", "sh", "-c", script]);
    let start = Instant::now();
    while !begun.exists() {
        assert!(start.elapsed() < Duration::from_secs(20), "it never delivers");
        thread::sleep(Duration::from_millis(20));
    }
    let ensure = |wait| hosts[0].keyward(&["ensure", "slow", "--out", "slow.key", "--wait", wait]);
    ensure("300ms").refused(6, "busy");
    network.set(1, "down");
    ensure("30s").ok();
    store.verdict(&hosts[0].sandbox.line("slow.key"), &[], 0, "valid");
    hosts[1].sandbox.file("end", "");
    delivering.kill().expect("killed");
    delivering.wait().expect("it ends");
}
