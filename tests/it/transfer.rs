//! `keyward store export` and `keyward store import`: what goes out comes in again.

use std::fs;
use std::io::Write;

use keyward::domain::secret::Secret;
use serde_json::{Value, json};

use crate::support::stream::answers;
use crate::support::terminal::Terminal;
use crate::support::time::{DAY, HOUR, now};
use crate::support::{Invocation, Sandbox, fields, is_thorough, text};

/// SHA-256 of a text in hexadecimal.
pub fn hex(secret: &str) -> String {
    Secret::new(secret.to_owned()).hash().to_hex()
}

/// Base64 of hexadecimal digits, with this alphabet's last two characters.
fn base64(hex: &str, last: [char; 2]) -> String {
    let alphabet: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(last).collect();
    let bits: Vec<u32> = hex
        .chars()
        .map(|digit| digit.to_digit(16).expect("a digit"))
        .flat_map(|digit| (0..4).rev().map(move |bit| digit >> bit & 1))
        .collect();
    let value = |bits: &[u32]| {
        let bits = bits.iter().chain([0; 6].iter()).take(6);
        bits.fold(0, |value, bit| value * 2 + bit) as usize
    };
    let text: String = bits.chunks(6).map(|bits| alphabet[value(bits)]).collect();
    text + "="
}

pub fn import(sandbox: &Sandbox, lines: &str) -> Invocation {
    sandbox.keyward(["store", "import", "-"]).stdin(lines)
}

/// A line for a key of this name that has this secret, with more fields.
pub fn line(name: &str, secret: &str, more: &Value) -> String {
    let mut line = json!({"name": name, "hash": hex(secret)});
    let fields = line.as_object_mut().expect("an object");
    fields.extend(more.as_object().cloned().unwrap_or_default());
    line.to_string() + "\n"
}

/// A store with one key, `present`.
pub fn with_a_key() -> Sandbox {
    Sandbox::with_keys(&["present"])
}

/// A secret that no policy here would make.
pub fn foreign(number: usize) -> String {
    format!("sk_elsewhere_{number:032}")
}

const POLICY: &str =
    "prefix = \"acme\"\nactive_key_cap = 50\n\n[scopes.read]\n\n[plans.free]\nquota = 1000\n";

/// A store with a key in every state, in two workspaces; and secrets with the exit status that each has.
fn of_all_kinds() -> (Sandbox, Vec<(String, i32)>) {
    let sandbox = Sandbox::new();
    sandbox.file("policy.toml", POLICY);
    sandbox.workspace("acme", &["--policy", "policy.toml", "--plan", "free"]);
    sandbox.keyward(["workspace", "use", "acme"]).ok();
    let note = "note=\u{e9} \"b\" \\ \u{1f600} ##[x] ::y";
    let full = [
        "--scope=read",
        "--expires=90d",
        "--allow=203.0.113.0/24",
        "--allow=2001:db8::/32",
        "--owner=\u{9375}",
        "--label",
        note,
    ];
    let mut secrets = vec![(sandbox.mint_with("full", &full), 14)];
    let used = sandbox.mint("used");
    sandbox.verdict(&used, &[], 0, "valid");
    secrets.push((used, 0));
    secrets.push((sandbox.mint_with("held", &["--hold"]), 13));
    for (name, words) in [
        ("paused", &["disable", "paused"][..]),
        ("gone", &["revoke", "gone", "--yes", "--reason=compromised", "--message=seen \u{e9}"]),
    ] {
        let exit = if name == "gone" { 11 } else { 13 };
        secrets.push((sandbox.mint(name), exit));
        sandbox.keyward(words).ok();
    }
    for (name, flags, exit) in [
        ("overlap", &["--grace=5h"][..], 0),
        ("replaced", &["--now"], 11),
        ("waiting", &["--hold"], 0),
    ] {
        secrets.push((sandbox.mint_with(name, &["--expires=30d"]), exit));
        let new = sandbox.keyward(["rotate", name]).args(flags).ok().line();
        secrets.push((new, if name == "waiting" { 13 } else { 0 }));
    }
    let expired = sandbox.mint_with("expired", &["--expires=1s"]);
    sandbox.workspace("other", &["--preset", "amser"]);
    secrets.push((sandbox.mint_with("full", &["-w", "other"]), 0));
    sandbox.wait_for_verdict(&expired, 12);
    secrets.push((expired, 12));
    sandbox.settled_bytes();
    (sandbox, secrets)
}

fn export(sandbox: &Sandbox) -> String {
    sandbox.keyward(["store", "export"]).ok().stdout
}

#[test]
fn what_is_exported_comes_in_again_as_it_was() {
    let (sandbox, secrets) = of_all_kinds();
    let exported = export(&sandbox);
    let target = Sandbox::new();
    let results = import(&target, &exported).answer();
    let results = results["results"].as_array().expect("a list");
    assert_eq!(results.len(), exported.lines().count());
    for (index, result) in results.iter().enumerate() {
        assert_eq!(
            fields(result),
            ["code", "fields", "hint", "id", "index", "line", "message", "name"]
        );
        assert_eq!((&result["index"], &result["line"]), (&json!(index), &json!(index + 1)));
        assert_eq!(result["code"], "created", "{result:#}");
    }
    assert_eq!(export(&target), exported);
    for (secret, exit) in &secrets {
        for store in [&sandbox, &target] {
            let verify = store.keyward(["verify", "--no-record"]).stdin(secret);
            verify.exit(*exit);
        }
    }
    let words = ["list", "--all", "-w", "acme"];
    assert_eq!(target.keyward(words).answer(), sandbox.keyward(words).answer());
    target.keyward(["workspace", "use", "acme"]).ok();
    target.assert_whole();
    target.keyward(["store", "check"]).ok();
    // Once more changes nothing.
    let before = target.settled_bytes();
    let again = import(&target, &exported).answer();
    let codes = again["results"].as_array().expect("a list").iter().map(|result| &result["code"]);
    assert!(
        codes.clone().count() > 10 && codes.clone().all(|code| code == "unchanged"),
        "{again:#}"
    );
    assert!(target.settled_bytes() == before, "it was written");
    // A pending replacement takes its key's place there as well.
    target.keyward(["activate"]).stdin(&secrets[secrets.len() - 3].0).ok();
}

#[test]
fn an_export_is_lines_of_ascii_with_hashes_and_no_secrets() {
    let (sandbox, secrets) = of_all_kinds();
    let exported = export(&sandbox);
    assert!(exported.is_ascii() && !exported.contains("##["), "{exported}");
    assert!(!exported.lines().any(|line| line.starts_with("::")));
    for (secret, _) in &secrets {
        assert!(!exported.contains(&secret[secret.len() - 20..]), "it holds a secret");
        assert!(exported.contains(&hex(secret)), "a hash is missing");
    }
    for line in exported.lines() {
        let record: Value = serde_json::from_str(line).expect("a line is JSON");
        assert!(["format", "workspace", "key"].contains(&text(&record, "type").as_str()));
        assert!(record.get("key").is_none(), "{record:#}");
    }
    for format in ["table", "json", "jsonl", "tsv"] {
        let output = sandbox.keyward(["store", "export", "-o", format]).ok();
        assert_eq!((output.stdout, output.stderr.as_str()), (exported.clone(), ""), "{format}");
    }
    let one = sandbox.keyward(["store", "export", "-w", "other"]).ok();
    assert_eq!(one.stdout.lines().count(), 2);
    let secret = sandbox.mint("caller");
    let run = sandbox.keyward(["--as", "-", "store", "export"]).stdin(secret);
    run.refused(5, "scope_rejected");
    if sandbox.place().is_none() {
        Sandbox::new().keyward(["store", "export"]).refused(3, "store_not_found");
    }
}

#[test]
fn another_systems_keys_verify_by_their_hashes_in_each_form() {
    let sandbox = with_a_key();
    let secrets: Vec<String> = (0..6).map(foreign).collect();
    let digests: Vec<String> = secrets.iter().map(|secret| hex(secret)).collect();
    let forms = [
        digests[0].clone(),
        digests[1].to_uppercase(),
        base64(&digests[2], ['+', '/']),
        base64(&digests[3], ['-', '_']),
        base64(&digests[4], ['+', '/']).replace('=', ""),
        base64(&digests[5], ['-', '_']).replace('=', ""),
    ];
    let lines: String = forms
        .iter()
        .enumerate()
        .map(|(number, hash)| {
            json!({"name": format!("key {number}"), "hash": hash}).to_string() + "\r\n"
        })
        .collect();
    let answer = import(&sandbox, &lines).answer();
    for (number, secret) in secrets.iter().enumerate() {
        let verdict = sandbox.verdict(secret, &[], 0, "valid");
        assert_eq!(verdict["subject"]["name"], format!("key {number}"));
        assert_eq!(verdict["subject"]["id"], answer["results"][number]["id"]);
        sandbox.verdict(&format!("{secret}x"), &[], 10, "not_found");
    }
    // They are keys like any other.
    let id = text(&answer["results"][0], "id");
    sandbox.keyward(["revoke", &id, "--yes"]).ok();
    sandbox.verdict(&secrets[0], &[], 11, "revoked");
    let new = sandbox.keyward(["rotate", "key 1"]).ok().line();
    sandbox.verdict(&new, &[], 0, "valid");
    sandbox.assert_whole();
}

#[test]
fn a_line_says_how_the_key_is_and_was() {
    let sandbox = with_a_key();
    let used = "2026-01-02T03:04:05.006Z";
    let a_day_old =
        keyward::domain::timestamp::Timestamp::from_millis(now() - DAY - HOUR).to_string();
    let cases = [
        (json!({"status": "active"}), 0),
        (json!({"status": "disabled"}), 13),
        (json!({"status": "pending"}), 13),
        (json!({"status": "pending", "createdAt": a_day_old}), 11),
        (json!({"status": "revoked", "revokedReason": "retired", "revokedAt": "2026-01-03"}), 11),
        (json!({"status": "expired", "expiresAt": "2026-01-03"}), 12),
        (json!({"status": "active", "expiresAt": "2026-01-03"}), 12),
        (
            json!({"status": "active", "lastUsedAt": used, "createdAt": "2020-01-01", "createdBy": "somebody"}),
            0,
        ),
    ];
    let lines: String = cases
        .iter()
        .enumerate()
        .map(|(number, (more, _))| line(&format!("k{number}"), &foreign(number), more))
        .collect();
    import(&sandbox, &lines).ok();
    for (number, (more, exit)) in cases.iter().enumerate() {
        let verify = sandbox.keyward(["verify", "--no-record"]).stdin(foreign(number));
        let output = verify.run();
        assert_eq!(output.status, *exit, "{more}: {}", output.transcript());
    }
    let last = sandbox.show("k7");
    assert_eq!(last["lastUsedAt"], used);
    assert_eq!(last["createdAt"], "2020-01-01T00:00:00.000Z");
    assert_eq!(last["createdBy"], "somebody");
    sandbox.keyward(["store", "check"]).ok();
    // A key that is expired in another store with a later clock is not live here.
    let more = json!({"status": "expired", "expiresAt": "2999-01-01"});
    let _ = import(&sandbox, &line("later", &foreign(50), &more)).run();
    let verify = sandbox.keyward(["verify", "--no-record"]).stdin(foreign(50));
    assert_ne!(verify.run().status, 0, "an expired key came in alive");
}

#[test]
fn a_last_use_of_a_later_clock_elsewhere_stays_the_last_use() {
    let sandbox = with_a_key();
    let later = "2999-01-01T00:00:00.000Z";
    import(&sandbox, &line("k", &foreign(1), &json!({ "lastUsedAt": later }))).ok();
    let verified = sandbox.keyward(["verify", "--json"]).stdin(foreign(1)).ok().json();
    assert_eq!(verified["subject"]["lastUsedAt"], later);
    let streamed = answers(&sandbox, &[], format!("{}\n", foreign(1)));
    assert_eq!(streamed[0]["subject"]["lastUsedAt"], later);
    assert_eq!(sandbox.show("k")["lastUsedAt"], later);
}

#[test]
fn many_lines_take_little_memory() {
    let count = if is_thorough() { 100_000 } else { 2_000 };
    let sandbox = with_a_key();
    let mut file = fs::File::create(sandbox.home().join("keys.jsonl")).expect("own file");
    for number in 0..count {
        let line = line(&format!("key {number}"), &foreign(number), &json!({}));
        file.write_all(line.as_bytes()).expect("own file");
    }
    drop(file);
    let begun = std::time::Instant::now();
    // In kilobytes of address space, which is more than what is in memory.
    let limited = |command: &str| {
        let script = format!("ulimit -v 300000; {command}");
        sandbox.program("sh", ["-c", &script, crate::support::KEYWARD]).run()
    };
    let output = limited("\"$0\" store import keys.jsonl");
    assert_eq!(output.status, 0, "{}", output.transcript());
    assert!(output.stderr.contains(&format!("{count} created")), "{}", output.transcript());
    writeln!(
        std::io::stderr(),
        "keyward store import: {count} lines in {:?}, within 300 MB",
        begun.elapsed()
    )
    .expect("stderr can be written");
    let output = limited("\"$0\" store export | wc -l");
    assert_eq!(output.stdout.trim(), (count + 2).to_string());
    let output = limited("head -c 1000000000 /dev/zero | \"$0\" store import -");
    assert_eq!(output.status, 2, "{}", output.transcript());
    assert!(output.stderr.contains("longer than"), "{}", output.transcript());
}

#[test]
fn a_bar_says_how_far_it_is_on_a_terminal() {
    let sandbox = with_a_key();
    let lines: String =
        (0..300).map(|number| line(&format!("k{number}"), &foreign(number), &json!({}))).collect();
    sandbox.file("keys.jsonl", &lines);
    let words = ["store", "import", "keys.jsonl"];
    let (status, seen) = Terminal::keyward(&sandbox, &words, &[]).end();
    assert_eq!(status, 0, "{seen}");
    assert!(seen.contains("read 300 lines (100 %)") && seen.contains("300 created"), "{seen}");
}
