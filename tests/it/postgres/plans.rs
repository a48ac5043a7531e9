//! No statement that a command runs reads a table of keys, events or uses from its beginning to its end.

use std::fs;

use crate::support::Sandbox;
use crate::support::server::Server;

/// Every plan in the server's log; a table is scanned only where no index would do.
const EXPLAINED: &str = "
session_preload_libraries = 'auto_explain'
auto_explain.log_min_duration = 0
enable_seqscan = off
logging_collector = on
log_directory = 'log'
log_filename = 'plans'
log_min_messages = log
";

#[test]
fn every_statement_finds_its_rows_by_an_index() {
    let Some(server) = Server::start(EXPLAINED) else { return };
    let sandbox = Sandbox::on_server(&server);
    sandbox.workspace("plans", &["--preset", "audioscrape", "--plan", "free"]);
    sandbox.keyward(["workspace", "use", "plans"]).ok();
    let secret = sandbox.mint("pay");
    sandbox.verdict(&secret, &[], 0, "valid");
    let second = sandbox.keyward(["rotate", "pay"]).ok().line();
    sandbox.verdict(&second, &[], 0, "valid");
    sandbox.keyward(["ensure", "worker", "--out", "worker.key"]).ok();
    sandbox.keyward(["mint", "once", "--idempotency-key", "1", "--out", "once.key"]).ok();
    sandbox.keyward(["verify", "--stream"]).stdin(format!("{secret}\n{second}\nnobody\n")).ok();
    for command in [
        &["list", "--sort", "name"][..],
        &["list", "-A"],
        &["show", "pay"],
        &["set", "pay", "--owner", "ops"],
        &["disable", "pay"],
        &["enable", "pay"],
        &["rename", "pay", "billing"],
        &["usage"],
        &["audit", "list", "billing"],
        &["audit", "list", "--limit", "3"],
        &["workspace", "list"],
        &["workspace", "set", "plans", "--plan", "pro"],
        &["store", "export"],
        &["revoke", "billing", "--yes"],
        &["prune", "--dead-for", "0s", "--yes"],
    ] {
        sandbox.keyward(command).ok();
    }
    let log = fs::read_to_string(server.socket().join("data/log/plans")).expect("a log");
    assert!(log.matches("Query Text:").count() > 200, "the plans are not logged");
    let tables = ["key", "audit", "usage", "refusal", "meter", "ended", "revision", "idempotency"];
    let mut query = "";
    let mut scans = Vec::new();
    for line in log.lines() {
        query = line.split_once("Query Text: ").map_or(query, |(_, text)| text);
        let scanned =
            line.trim_start().trim_start_matches("->").trim_start().strip_prefix("Seq Scan on ");
        let table = scanned.and_then(|rest| rest.split(' ').next()).unwrap_or_default();
        if tables.contains(&table) && !query.contains("count(*)") {
            scans.push(format!("{table}: {query}"));
        }
    }
    scans.sort();
    scans.dedup();
    assert!(scans.is_empty(), "{scans:#?}");
}
